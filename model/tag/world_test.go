package tag

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/ledger"
	"siyu/model/member"
	"siyu/model/outbox"
	"siyu/model/points"
	"siyu/model/profile"
	"siyu/model/rule"
	"siyu/model/segment"
)

var ctx = context.Background()

// brandID is whose tags tests are about.
const brandID id.ID = 7

// world is a store on real tables. Rules are answered by a reader of its own (oracle), so
// that what is tested here does not hang on how segments answer them.
type world struct {
	*Store
	t        *testing.T
	d        *db.DB
	clk      *clock.Fake
	people   *member.Store
	consents *consent.Store
	events   *event.Store
	told     map[id.ID]int // members whose values moved, as Changed was told
	regroup  []member.Follower
}

func newWorld(t *testing.T, d *db.DB, clk *clock.Fake) *world {
	w := &world{t: t, d: d, clk: clk, people: member.New(d, identity.New(d)), consents: consent.New(d), told: map[id.ID]int{}}
	out := outbox.New(d)
	w.events = event.New(d, out)
	profiles := profile.New(profile.Deps{DB: d, Families: w.people, Consents: w.consents, Points: points.New(ledger.New(d))})
	w.Store = New(Deps{DB: d, Outbox: out, Consents: w.consents, Profiles: profiles, Events: w.events})
	w.Rules = oracle{w}
	w.Changed = append(w.Changed, func(_ context.Context, _ *gorm.DB, brand id.ID, members []id.ID) error {
		if brand != brandID {
			t.Errorf("brand %d was told", brand)
		}
		for _, m := range members {
			w.told[m]++
		}
		return nil
	})
	w.consents.OnWithdraw(consent.Profiling, w.Forget)
	w.events.Consume("traits", w.Consume)
	w.regroup = []member.Follower{w.Follow}
	return w
}

// segments lets the real thing answer rules, wired as the program wires it.
func (w *world) segments() *world {
	s := segment.New(w.d)
	w.Rules = s
	w.Changed = append(w.Changed, Noting(s, segment.PartTags))
	w.regroup = append(w.regroup, s.Regrouped)
	w.events.Consume("segment", s.Consume)
	w.consents.OnWithdraw(consent.Profiling, s.Forget)
	w.consents.OnWithdraw(consent.Profiling, s.Answered)
	w.consents.OnGive(consent.Profiling, s.Answered)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) member() id.ID {
	w.t.Helper()
	m, err := w.people.Of(ctx, w.d.NewID())
	w.must(err)
	return m.ID
}

// customer is a member who allows profiling.
func (w *world) customer() id.ID {
	m := w.member()
	w.consent(m, true)
	return m
}

func (w *world) consent(m id.ID, given bool) {
	w.t.Helper()
	_, err := w.consents.Put(ctx, consent.Consent{MemberID: m, Purpose: consent.Profiling, Given: given, Channel: consent.H5})
	w.must(err)
}

// join makes b one human with root; root 0 parts him. What wiring does afterwards is done.
func (w *world) join(root, b id.ID) {
	w.t.Helper()
	before, err := w.people.Family(ctx, b)
	w.must(err)
	roots := map[id.ID]id.ID{b: root}
	if root == 0 {
		roots[before[0]], roots[b] = before[0], b
	} else {
		roots[root] = root
	}
	w.must(w.d.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("UPDATE member SET root_id = ? WHERE id = ?", root, b).Error; err != nil {
			return err
		}
		for _, follow := range w.regroup {
			if err := follow(ctx, tx, member.Regroup{Roots: roots}); err != nil {
				return err
			}
		}
		return nil
	}))
	for m := range roots { // in any order, as wake-ups come
		w.must(w.Regrouped(ctx, m))
	}
}

// happen stores events and delivers them.
func (w *world) happen(list ...event.Event) {
	w.t.Helper()
	w.put(list...)
	w.deliver()
}

func (w *world) put(list ...event.Event) {
	w.t.Helper()
	for i := range list {
		if list[i].BrandID == 0 {
			list[i].BrandID = brandID
		}
		if list[i].At == 0 {
			list[i].At = w.clk.Now()
		}
		if list[i].Key == "" {
			list[i].Key = fmt.Sprint("t:", w.d.NewID())
		}
	}
	_, err := w.events.Put(ctx, list)
	w.must(err)
}

func (w *world) deliver() {
	w.t.Helper()
	var ids []id.ID
	w.must(w.d.Read(ctx).Raw("SELECT id FROM event_batch").Scan(&ids).Error)
	for _, b := range ids {
		w.must(w.events.Deliver(ctx, b))
	}
}

func login(m id.ID) event.Event {
	return event.Event{Type: event.Login, MemberID: m, Channel: event.H5, Body: json.RawMessage(`{"app_id":"wx1"}`)}
}

// message is a push's message, with a key of its own.
func (w *world) message(m id.ID, title string) event.Event {
	return event.Event{Key: fmt.Sprint("push:", w.d.NewID()), Type: event.MessageSent, MemberID: m, Channel: event.WeChat, Body: event.Body(map[string]any{"message": "push:1", "title": title})}
}

// lose is WeChat's report that a message did not arrive.
func (w *world) lose(key string) {
	w.t.Helper()
	w.report(key)
	w.deliver()
}

func (w *world) report(key string) {
	w.t.Helper()
	w.must(w.d.InTx(ctx, func(tx *gorm.DB) error { _, err := w.events.LoseTx(ctx, tx, []string{key}, "blocked"); return err }))
}

func scan(m id.ID, province string) event.Event {
	return event.Event{Type: event.Scan, MemberID: m, Channel: event.Code, Body: event.Body(event.ScanBody{ProductID: 3, BatchID: 4, Serial: 5, Verdict: "genuine", Province: province})}
}

// times is the rule "did something at least n times".
func times(what string, n int64) rule.Tree {
	return rule.Tree{V: rule.Version, Root: rule.Node{Did: &rule.Did{What: what, Op: rule.Gte, Values: []int64{n}}}}
}

func without(t rule.Tree) rule.Tree {
	return rule.Tree{V: rule.Version, Root: rule.Node{Not: &t.Root}}
}

func has(tagID id.ID) rule.Tree {
	return rule.Tree{V: rule.Version, Root: rule.Node{Tag: &rule.Tag{ID: tagID, Op: rule.Has}}}
}

// request is a sound one.
func (w *world) request(name, kind string) Request {
	return Request{BrandID: brandID, Class: Consumption, Name: name, Kind: kind, Purpose: "回购提醒", IntendedUse: "月度触达", OwnerID: 11, ReviewDays: 180, IdleDays: 90, ByID: 11}
}

// tag makes a tag that runs and has been computed.
func (w *world) tag(name string, d Definition) Tag {
	w.t.Helper()
	t, err := w.Ask(ctx, w.request(name, kindOf(d.Source)))
	w.must(err)
	return w.approve(t, d)
}

func (w *world) approve(t Tag, d Definition) Tag {
	w.t.Helper()
	_, err := w.Build(ctx, t.ID, t.Rev, d, 11)
	w.must(err)
	_, t, err = w.Submit(ctx, t.ID, t.Rev+1)
	w.must(err)
	_, t, err = w.Decide(ctx, t.ID, t.Rev, true, "", 12)
	w.must(err)
	w.work()
	return t
}

// work does the runs that wait and says how many values they moved.
func (w *world) work() (moved int64) {
	w.t.Helper()
	var ids []id.ID
	w.must(w.d.Read(ctx).Raw("SELECT id FROM tag_run WHERE state = ?", Waiting).Scan(&ids).Error)
	for _, r := range ids {
		w.must(w.Work(ctx, r))
		var run Run
		w.must(w.d.Read(ctx).Where("id = ?", r).Take(&run).Error)
		if run.State != Done {
			w.t.Fatalf("run: %+v", run)
		}
		moved += run.Moved
	}
	return moved
}

// value is what a human has of a tag: "-" for nothing.
func (w *world) value(m, tagID id.ID) string {
	w.t.Helper()
	list, err := w.Of(ctx, m, []string{admin}, nil)
	w.must(err)
	if i := slices.IndexFunc(list, func(h Held) bool { return h.TagID == tagID }); i >= 0 {
		return list[i].Value.Value
	}
	return "-"
}

func (w *world) want(m, tagID id.ID, value string) {
	w.t.Helper()
	if got := w.value(m, tagID); got != value {
		w.t.Fatalf("has %q, want %q", got, value)
	}
}

func code(err error) string {
	if f := fault.Of(err); f != nil {
		return f.Code
	}
	return fmt.Sprint(err)
}

// oracle answers rules by reading plain rows, one human at a time.
type oracle struct{ w *world }

func (o oracle) Among(_ context.Context, brand id.ID, t rule.Tree, roots []id.ID) (map[id.ID]bool, error) {
	given, err := o.w.consents.GivenAmong(ctx, roots, consent.Profiling)
	if err != nil {
		return nil, err
	}
	profiling := t.Uses().Profiling
	for _, n := range t.Uses().Tags {
		used, err := o.w.Get(ctx, n)
		if err != nil {
			return nil, err
		}
		profiling = profiling || used.Profiling
	}
	out := map[id.ID]bool{}
	for _, r := range roots {
		family, err := o.w.people.Family(ctx, r)
		if err != nil {
			return nil, err
		}
		var known int64
		if err := o.w.d.Read(ctx).Raw("SELECT COUNT(*) FROM event WHERE member_id IN ? AND brand_id = ?", family, brand).Scan(&known).Error; err != nil {
			return nil, err
		}
		if known == 0 || profiling && !given[r] {
			continue
		}
		ok, err := o.match(brand, t.Root, family)
		if err != nil {
			return nil, err
		}
		if ok {
			out[r] = true
		}
	}
	return out, nil
}

func (o oracle) Refresh(context.Context) (bool, error) { return false, nil }

func (o oracle) All(_ context.Context, brand id.ID, t rule.Tree, yield func(id.ID) error) error {
	var roots []id.ID
	if err := o.w.d.Read(ctx).Raw("SELECT id FROM member WHERE root_id = 0").Scan(&roots).Error; err != nil {
		return err
	}
	match, err := o.Among(ctx, brand, t, roots)
	for r := range match {
		if err == nil {
			err = yield(r)
		}
	}
	return err
}

func (o oracle) match(brand id.ID, n rule.Node, family []id.ID) (bool, error) {
	switch {
	case n.Not != nil:
		ok, err := o.match(brand, *n.Not, family)
		return !ok, err
	case n.Did != nil:
		var count int64
		err := o.w.d.Read(ctx).Raw("SELECT COUNT(*) FROM event WHERE member_id IN ? AND brand_id = ? AND type = ?", family, brand, n.Did.What).Scan(&count).Error
		return count >= n.Did.Values[0], err
	case n.Tag != nil:
		var rows []Value
		err := o.w.d.Read(ctx).Raw("SELECT * FROM tag_value WHERE member_id IN ? AND tag_id = ? ORDER BY since_at DESC, member_id DESC", family, n.Tag.ID).Scan(&rows).Error
		return len(rows) > 0, err
	}
	return false, fmt.Errorf("the oracle does not know this: %s", strconv.Quote(fmt.Sprintf("%+v", n)))
}
