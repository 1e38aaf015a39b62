package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"siyu/model/brand"
	"siyu/model/db"
	"siyu/model/holdout"
	"siyu/model/id"
	"siyu/model/outbox"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/model/rule"
	"siyu/model/segment"
	"siyu/wechat/simulator"
)

// fans are followers whom the brand may write to, and the pushes that an operator sends
// them during the storm: begun, paused, resumed. What they have on their phones is compared
// with what siyu says it sent.
type fans struct {
	*push.Store
	segments *segment.Store
	account  brand.Account
	segment  segment.Segment
	names    map[string]string // openid -> name
	members  []id.ID
}

const fanCount = 60

func fan(n int) string { return fmt.Sprintf("粉丝%d", n) }

// everybody answers how large an audience is: larger than any. siyu itself counts when it
// writes the audience down.
type everybody struct{ push.Audience }

func (everybody) Size(context.Context, push.Push) (int64, error) { return 2000, nil }

func (everybody) Check(context.Context, push.Form) error { return nil }

// Freeze says which version of the segment somebody agrees to: it has one only.
func (everybody) Freeze(context.Context, push.Push) (push.Frozen, error) {
	return push.Frozen{Version: 1}, nil
}

// recruit makes the segment of everybody, as an operator would.
func (t *town) recruit(ctx context.Context) (err error) {
	f := &fans{segments: segment.New(t.db), names: map[string]string{}}
	f.Store = push.New(push.Deps{DB: t.db, Outbox: outbox.New(t.db), Audience: everybody{}, Controls: holdout.New(t.db), Reach: quietLedger{}, LinkKey: t.box.Derive("push links"), PublicURL: t.publicURL()})
	if f.account, err = t.brands.AccountByApp(ctx, brand.Official, official); err != nil {
		return err
	}
	f.segment, err = f.segments.Create(ctx, segment.Draft{BrandID: t.brand.ID, Name: "全部用户", Tree: rule.Tree{V: rule.Version, Root: rule.Node{All: []rule.Node{}}}}, 1)
	t.fans = f
	return err
}

// gather has the fans follow and write, and waits until siyu knows of everybody: the storm
// begins with a full house.
func (t *town) gather(ctx context.Context) error {
	var names []string
	for i := range fanCount {
		name := fan(i)
		t.sim.AddUser(simUser(name))
		t.fans.names[t.sim.OpenID(name, official)] = name
		names = append(names, name)
		if err := t.sim.Follow(name, official); err != nil {
			return err
		}
	}
	if err := t.befriend(); err != nil {
		return err
	}
	for _, name := range names {
		if err := t.sim.Say(name, official, "你好"); err != nil {
			return err
		}
	}
	var members []id.ID
	friends := 0
	known := eventually(ctx, startup, 200*time.Millisecond, func() bool {
		members = nil
		err := t.db.Read(ctx).Raw("SELECT w.member_id FROM reach_window w JOIN follower f ON f.account_id = w.account_id AND f.openid = w.openid WHERE w.account_id = ? AND w.deed = 'message' AND f.following = 1 ORDER BY w.member_id", t.fans.account.ID).Scan(&members).Error
		if err == nil && friends < contactCount {
			err = t.db.Read(ctx).Raw("SELECT COUNT(*) FROM wecom_contact WHERE account_id = ? AND member_id > 0", t.desk.account.ID).Scan(&friends).Error
		}
		return err == nil && len(members) == fanCount && friends == contactCount
	})
	if !known {
		return fmt.Errorf("only %d of %d fans and %d of %d contacts are known", len(members), fanCount, friends, contactCount)
	}
	t.fans.members = members
	rows := db.NewRows("event", "id, event_key, type, brand_id, member_id, channel, at, received_at, body")
	now := t.clk.Now()
	for _, m := range members {
		rows.Add(t.db.NewID(), "fan:"+m.String(), "review", t.brand.ID, m, "h5", now, now, []byte("{}"))
	}
	if _, err := rows.Insert(ctx, t.db.Read(ctx), ""); err != nil { // the storm has not begun
		return err
	}
	return t.fans.segments.Note(ctx, segment.PartAll, members...)
}

// drawPush begins a push to everybody; some of them are paused soon after and resumed.
func drawPush(_ *town, r *rand.Rand) deed {
	n, pauses, d := r.IntN(1_000_000), r.IntN(2) == 0, seconds(r, 0.2, 2)
	return func(ctx context.Context, t *town) bool {
		x, err := t.fans.begin(ctx, t.brand.ID, fmt.Sprintf("第 %d 次通知", n))
		if err != nil { // the database was just killed
			return false
		}
		if pauses && pause(ctx, d) {
			if _, err := t.fans.Pause(ctx, x.ID); err == nil && pause(ctx, d) {
				t.tally.add("pushes paused", 1)
			}
			_, _ = t.fans.Resume(context.WithoutCancel(ctx), x.ID) // if not, the calm does
		}
		return true
	}
}

func (f *fans) begin(ctx context.Context, brandID id.ID, name string) (push.Push, error) {
	return f.start(ctx, push.Form{BrandID: brandID, Name: name, Purpose: reach.Service, SegmentID: f.segment.ID, Timing: push.Now,
		Body: push.Body{Uses: []reach.Use{{Channel: reach.Custom, AccountID: f.account.ID}}, Links: []push.Link{{Title: "查看", URL: "https://shop.example.cn/"}},
			Arms: []push.Arm{{Name: "A", Weight: 1, Contents: []push.Content{{Text: name + " {链接1}"}}}}}})
}

// start takes a push through all hands until it runs.
func (f *fans) start(ctx context.Context, form push.Form) (push.Push, error) {
	x, err := f.Create(ctx, form, 1)
	if err != nil {
		return x, err
	}
	if x, err = f.Submit(ctx, x.ID, 1); err == nil {
		x, err = f.Approve(ctx, x.ID, x.Version, 2)
	}
	if err == nil {
		x, err = f.Start(ctx, x.ID, 1)
	}
	return x, err
}

// resumeAll goes on with every push that is paused: by the storm, or by siyu itself, which
// does so when WeChat refuses its token. One that missed its time because nobody was there to
// write its audience down is begun again.
func (t *town) resumeAll(ctx context.Context) {
	var paused []struct {
		ID   id.ID
		Note string
	}
	if t.db.Read(ctx).Raw("SELECT id, note FROM push WHERE state = ?", push.Paused).Scan(&paused).Error != nil {
		return // asked again soon
	}
	var missed []id.ID
	if t.db.Read(ctx).Raw("SELECT id FROM push WHERE state = ?", push.Missed).Scan(&missed).Error == nil {
		for _, pushID := range missed {
			_, _ = t.fans.Start(ctx, pushID, 1) // asked again soon
		}
	}
	for _, p := range paused {
		if _, err := t.fans.Resume(ctx, p.ID); err == nil && p.Note != "" { // as often as it takes
			t.tally.add("pushes that siyu paused", 1)
		}
	}
}

// drawTwins wakes all that runs a second time: two workers have the same lane, or write the
// same audience down.
func drawTwins(*town, *rand.Rand) deed {
	return func(ctx context.Context, t *town) bool {
		rows, now := db.NewRows("outbox", "id, task, ref_id, state, due_at, tries, created_at, sent_at, done_at, last_error"), t.clk.Now()
		n := 0
		for task, which := range map[string]string{
			push.TaskFreeze: "SELECT id FROM push WHERE state = 'running' AND frozen_at = 0",
			push.TaskSend:   "SELECT l.id FROM push_lane l JOIN push p ON p.id = l.run_id WHERE p.state = 'running' AND l.done_at = 0",
		} {
			var refs []id.ID
			if t.db.Read(ctx).Raw(which).Scan(&refs).Error != nil {
				return false
			}
			for _, ref := range refs {
				rows.Add(t.db.NewID(), task, ref, outbox.Waiting, now, 0, now, 0, 0, "")
				n++
			}
		}
		if n == 0 {
			return false
		}
		_, err := rows.Insert(ctx, t.db.Read(ctx), "")
		return err == nil
	}
}

// drawTalk has some of the fans write again: five more messages may be sent to them.
func drawTalk(_ *town, r *rand.Rand) deed {
	first := r.IntN(fanCount)
	return func(_ context.Context, t *town) bool {
		var wg sync.WaitGroup
		for i := range fanCount / 3 {
			wg.Go(func() { t.must(t.sim.Say(fan((first+i)%fanCount), official, "有货吗")) })
		}
		wg.Wait()
		return true
	}
}

// drawQuota has WeChat say that the day's calls are used up (45009), and lets that day end
// some seconds later.
func drawQuota(_ *town, r *rand.Rand) deed {
	d := seconds(r, 1, 3)
	return func(ctx context.Context, t *town) bool {
		told := func() int { return t.sim.Suffered()["custom.send unknown_code 45009"] }
		before := told()
		if !t.must(t.sim.SetMisfortune(simulator.Misfortune{Call: "custom.send", Kind: "unknown_code", Code: "45009"})) {
			return false
		}
		met := eventually(ctx, 5*time.Second, 100*time.Millisecond, func() bool { return told() > before })
		return pause(ctx, d) && t.jump(t.clk.toMidnight()+time.Second) && met
	}
}

// quietLedger is told of nothing: what the fans are sent takes no grants.
type quietLedger struct{ push.Reach }

func (quietLedger) Unwant(context.Context, id.ID) error { return nil }
