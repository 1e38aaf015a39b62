package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"siyu/job"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/fresh"
	"siyu/model/id"
	"siyu/model/member"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/model/rule"
	"siyu/model/segment"
	"siyu/model/tag"
	"siyu/wechat"
)

// pushStores is the part of the environment that sends messages to people of a segment.
type pushStores struct {
	Pushes *push.Store
}

// buildPushes comes after segments, the reach ledger and control groups.
func (e *environment) buildPushes() {
	e.Pushes = push.New(push.Deps{DB: e.DB, Outbox: e.Outbox, Audience: audience{e}, Reach: e.Reach, Values: wordsOf{e}, Controls: e.Holdout, Hours: push.Habits{DB: e.DB, Consents: e.Consents}, Events: e.Events,
		LinkKey: e.Box.Derive("push links"), PublicURL: e.Config.PublicURL, Families: e.Members.Family,
		Reachable: audience{e}.reachable, Prices: e.Reach.PolicyAt})
	e.Segments.UsedBy(func(ctx context.Context, segmentID id.ID) ([]string, error) {
		list, err := e.Pushes.Uses(ctx, segmentID)
		names := make([]string, len(list))
		for i, p := range list {
			names[i] = p.Name
		}
		return names, err
	})
	e.Tags.Users = append(e.Tags.Users, e.pushesOnTag)
	e.Reach.Told = e.Pushes.Answers
}

// pushesOnTag are the pushes to segments that look at a tag, also by way of other segments.
// One whose audience is written down goes on without it.
func (e *environment) pushesOnTag(ctx context.Context, tagID id.ID) ([]tag.Use, error) {
	t, err := e.Tags.Get(ctx, tagID)
	if err != nil {
		return nil, err
	}
	open, err := e.Segments.Users(ctx, t.BrandID, rule.NameTag, tagID)
	if err != nil {
		return nil, err
	}
	var uses []tag.Use
	seen := map[id.ID]bool{}
	for len(open) > 0 {
		g := open[0]
		if open = open[1:]; seen[g.ID] {
			continue
		}
		seen[g.ID] = true
		list, err := e.Pushes.Uses(ctx, g.ID)
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			uses = append(uses, tag.Use{Kind: "push", ID: p.ID, Name: p.Name, State: p.State, Live: p.FrozenAt == 0})
		}
		others, err := e.Segments.Users(ctx, t.BrandID, rule.NameSegment, g.ID)
		if err != nil {
			return nil, err
		}
		open = append(open, others...)
	}
	return uses, nil
}

// audience finds the people of a push by its segment, or its list.
type audience struct{ e *environment }

func (a audience) rule(ctx context.Context, p push.Push) (t rule.Tree, version int, err error) {
	if p.ListID != 0 {
		t = rule.Tree{V: rule.Version, Root: rule.Node{All: []rule.Node{{List: &rule.Ref{ID: p.ListID}}}}}
		return t, 0, a.e.Segments.Check(ctx, p.BrandID, 0, t)
	}
	g, err := a.e.Segments.Get(ctx, p.SegmentID)
	if err != nil {
		return t, 0, err
	}
	if g.BrandID != p.BrandID {
		return t, 0, fault.New(fault.NotFound, "segment_not_found", "没有这个人群")
	}
	r, err := a.e.Segments.Version(ctx, g.ID, g.Version)
	return r.Tree, r.Version, err
}

// Check implements push.Audience.
func (a audience) Check(ctx context.Context, f push.Form) error {
	_, _, err := a.rule(ctx, push.Push{Form: f})
	if err != nil || f.SegmentID == 0 {
		return err
	}
	g, err := a.e.Segments.Get(ctx, f.SegmentID)
	if err == nil && g.State != segment.Active {
		err = fault.NewInvalid("segment_archived", "这个人群已归档，请换一个").With("field", "segment_id")
	}
	return err
}

// Size implements push.Audience.
func (a audience) Size(ctx context.Context, p push.Push) (int64, error) {
	t, _, err := a.rule(ctx, p)
	if err != nil {
		return 0, err
	}
	found, err := a.e.Segments.Find(ctx, p.BrandID, t)
	if err != nil {
		return 0, err
	}
	return found.Count(), nil
}

// reachable counts who is reached now by each use of a push, in order.
func (a audience) reachable(ctx context.Context, p push.Push) ([]int64, error) {
	t, _, err := a.rule(ctx, p)
	if err != nil {
		return nil, err
	}
	f, err := a.e.Segments.Size(ctx, p.BrandID, t, segment.Plan{Purpose: p.Purpose, Topic: p.Topic, Uses: p.Uses, At: max(p.StartAt, a.e.Clock.Now()), Value: p.Worth})
	if err != nil {
		return nil, err
	}
	out := make([]int64, len(p.Uses))
	for i, u := range p.Uses {
		for _, w := range f.Ways {
			if w.Use == u {
				out[i] = w.Count
			}
		}
	}
	return out, nil
}

// Sample implements push.Audience.
func (a audience) Sample(ctx context.Context, p push.Push, limit int) ([]id.ID, error) {
	t, _, err := a.rule(ctx, p)
	if err != nil {
		return nil, err
	}
	found, err := a.e.Segments.Find(ctx, p.BrandID, t)
	if err != nil {
		return nil, err
	}
	var out []id.ID
	for m := range found.Each() {
		if out = append(out, m); len(out) == limit {
			break
		}
	}
	return out, nil
}

// Freeze implements push.Audience.
func (a audience) Freeze(ctx context.Context, p push.Push) (push.Frozen, error) {
	t, version, err := a.rule(ctx, p)
	if err != nil {
		return push.Frozen{}, err
	}
	before, err := a.grounds(ctx, p, t)
	if err != nil {
		return push.Frozen{}, err
	}
	found, err := a.e.Segments.FreezeRule(ctx, p.BrandID, t) // with what was noted a moment ago: a consent taken back
	if err != nil {
		return push.Frozen{}, err
	}
	after, err := a.grounds(ctx, p, t)
	if err != nil {
		return push.Frozen{}, err
	}
	if !slices.Equal(before, after) { // whose people are these?
		return push.Frozen{}, fault.New(fault.Unavailable, "segment_busy", "人群的规则正在修改，请稍后再试")
	}
	profiled := found.People.Derived()
	for _, g := range after {
		if g.Kind == "list" && !profiled {
			r, err := a.e.Segments.Roster(ctx, g.ID)
			if err != nil {
				return push.Frozen{}, err
			}
			profiled = r.Derived
		}
	}
	return push.Frozen{Version: version, AsOf: found.AsOf, Sentence: found.Sentence, Profiled: profiled, Grounds: after, Each: func(yield func([]id.ID) error) error {
		part := make([]id.ID, 0, 1000)
		for m := range found.People.Each() {
			if part = append(part, m); len(part) == cap(part) {
				if err := yield(part); err != nil {
					return err
				}
				part = part[:0]
			}
		}
		return yield(part)
	}}, nil
}

// grounds are what the people of a push rest on: its segment with those that it names, their
// tags with what those are made of, and lists.
func (a audience) grounds(ctx context.Context, p push.Push, t rule.Tree) ([]push.Ground, error) {
	uses, err := a.e.Segments.Used(ctx, p.BrandID, t)
	if err != nil {
		return nil, err
	}
	if p.SegmentID != 0 {
		uses.Segments = append(uses.Segments, p.SegmentID)
	}
	var out []push.Ground
	for _, segmentID := range uses.Segments {
		g, err := a.e.Segments.Get(ctx, segmentID)
		if err != nil {
			return nil, err
		}
		out = append(out, push.Ground{Kind: "segment", ID: g.ID, Name: g.Name, Version: g.Version})
	}
	for _, listID := range uses.Lists {
		r, err := a.e.Segments.Roster(ctx, listID)
		if err != nil {
			return nil, err
		}
		out = append(out, push.Ground{Kind: "list", ID: r.ID, Name: r.Name, Version: r.Rev})
	}
	tags, err := a.e.Tags.Beneath(ctx, p.BrandID, uses.Tags)
	for _, x := range tags {
		out = append(out, push.Ground{Kind: "tag", ID: x.ID, Name: x.Name, Version: x.Version})
	}
	return out, err
}

// wordsOf reads what variables of a message stand for.
type wordsOf struct{ e *environment }

// Of implements push.Values.
func (w wordsOf) Of(ctx context.Context, brandID id.ID, keys []string, members []id.ID, shown bool) (map[id.ID]map[string]string, error) {
	out := make(map[id.ID]map[string]string, len(members))
	for _, m := range members {
		out[m] = map[string]string{}
	}
	for _, key := range keys {
		if err := w.fill(ctx, brandID, key, members, shown, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (w wordsOf) fill(ctx context.Context, brandID id.ID, key string, members []id.ID, shown bool, out map[id.ID]map[string]string) error {
	switch key {
	case "姓名":
		said, err := w.e.Profiles.Among(ctx, "nickname", members)
		if err != nil {
			return err
		}
		for m, v := range said {
			if out[m][key] = v.Value; shown {
				out[m][key] = member.Mask(v.Value)
			}
		}
	case "品牌":
		b, err := w.e.Brands.Get(ctx, brandID)
		if err != nil {
			return err
		}
		for _, m := range members {
			out[m][key] = b.Name
		}
	case "等级":
		for _, m := range members {
			st, err := w.e.Tiers.Standing(ctx, brandID, m)
			if err != nil {
				return err
			}
			out[m][key] = st.Name
		}
	case "积分":
		for _, m := range members {
			a, err := w.e.Accounts.Account(ctx, m)
			if err != nil {
				return err
			}
			out[m][key] = strconv.FormatInt(a.Available, 10)
		}
	}
	return nil
}

// mouth takes copies to where they go.
type mouth struct {
	wechat *wechat.Client
	who    *fresh.Cache[id.ID, wechat.App] // reading and opening keys for each message would cost more than the call
	texts  func(ctx context.Context, p push.Parcel) error
}

// SendPush implements job.PushSender.
func (m mouth) SendPush(ctx context.Context, p push.Parcel) (msgID string, err error) {
	if p.Way.Channel == reach.SMS {
		return "", m.texts(ctx, p)
	}
	app, err := m.who.Get(ctx, p.Way.AccountID)
	if err != nil {
		return "", err
	}
	switch p.Way.Channel {
	case reach.Custom:
		return "", m.wechat.SendText(ctx, app, p.OpenID, p.Message.Text)
	case reach.Template:
		return m.wechat.SendTemplate(ctx, app, wechat.TemplateMessage{OpenID: p.OpenID, TemplateID: p.Way.TemplateID, URL: p.Message.URL, ClientMsgID: p.Key, Data: p.Message.Data})
	case reach.Subscribe:
		s := wechat.SubscribeMessage{OpenID: p.OpenID, TemplateID: p.Way.TemplateID, Page: p.Message.URL, Data: p.Message.Data}
		if app.Kind == wechat.KindMini { // it opens pages of its own
			s.Page = p.Message.Page
		}
		return m.wechat.SendSubscribe(ctx, app, s)
	}
	return "", fmt.Errorf("push: nobody sends %s", p.Way.Channel)
}

// SendPushes implements job.PushSender.
func (m mouth) SendPushes(ctx context.Context, list []push.Parcel) (job.PushTask, error) {
	first := list[0]
	app, err := m.who.Get(ctx, first.Way.AccountID)
	if err != nil {
		return job.PushTask{}, err
	}
	ids := make([]string, len(list))
	for i, p := range list {
		ids[i] = p.OpenID
	}
	if first.Way.Channel == reach.Mass {
		if len(ids) < 2 {
			return job.PushTask{}, job.ErrTooFew
		}
		sent, err := m.wechat.SendMass(ctx, app, wechat.MassText{OpenIDs: ids, Text: first.Message.Text, ClientMsgID: first.Call})
		return job.PushTask{MsgID: sent.MsgID}, err
	}
	sent, err := m.wechat.AddCorpMessage(ctx, app, wechat.CorpMessage{Sender: first.Sender, ExternalUserIDs: ids, Text: first.Message.Text})
	task := job.PushTask{ID: sent.MsgID, Without: map[string]bool{}}
	for _, external := range sent.Failed {
		task.Without[external] = true
	}
	return task, err
}

// taskPages bounds what is read of one task: a task has no more people than one wave.
const taskPages = 5

// TaskResults implements job.PushSender.
func (m mouth) TaskResults(ctx context.Context, t push.Task) (map[string]int, error) {
	app, err := m.who.Get(ctx, t.AccountID)
	if err != nil {
		return nil, err
	}
	states := map[int]int{wechat.CorpUnsent: push.TaskWaits, wechat.CorpDelivered: push.TaskDelivered, wechat.CorpNotContact: push.TaskNoContact, wechat.CorpOverReached: push.TaskEnough}
	out, cursor := map[string]int{}, ""
	for range taskPages {
		list, next, err := m.wechat.CorpMessageResults(ctx, app, t.MsgID, t.Sender, cursor)
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			if state, known := states[r.State]; known {
				out[r.ExternalUserID] = state
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	return out, nil
}

// CancelTask implements job.PushSender.
func (m mouth) CancelTask(ctx context.Context, t push.Task) error {
	app, err := m.who.Get(ctx, t.AccountID)
	if err != nil {
		return err
	}
	return m.wechat.CancelCorpMessage(ctx, app, t.MsgID)
}

// pushes makes the workers.
func (p *process) pushes(rates *job.Rates) *job.Pushes {
	return job.NewPushes(p.env.Pushes, mouth{p.wechat, fresh.New(p.env.Clock, accounts{p.env.Brands, p.cfg.PublicURL}.App), p.env.carry}, p.env.Clock, rates, clock.Wall)
}
