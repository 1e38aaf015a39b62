package group_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/group"
	"siyu/model/id"
	"siyu/model/seal"
)

const brandA, brandB id.ID = 11, 12

// town plays the contexts below: leaders, who brought whom, and what members did.
type town struct {
	leaders  map[id.ID]group.Leader
	circles  map[id.ID]group.Circle
	brought  map[id.ID][]group.Person
	cities   map[id.ID]string
	active   map[id.ID]clock.Instant
	families map[id.ID][]id.ID
}

func (w *town) Leader(_ context.Context, leaderID id.ID) (group.Leader, error) {
	l, ok := w.leaders[leaderID]
	if !ok {
		return l, fault.New(fault.NotFound, "leader_not_found", "没有这位群主")
	}
	return l, nil
}

func (w *town) Leaders(_ context.Context, brandID, before id.ID, limit int) ([]group.Leader, error) {
	var out []group.Leader
	for i := id.ID(1); i < 100; i++ {
		if l, ok := w.leaders[i]; ok && l.BrandID == brandID && i > before && len(out) < limit {
			out = append(out, l)
		}
	}
	return out, nil
}

func (w *town) CountLeaders(ctx context.Context, brandID id.ID) (int, bool, error) {
	list, err := w.Leaders(ctx, brandID, 0, 100)
	return len(list), false, err
}

func (w *town) ActiveAmong(_ context.Context, _ id.ID, members []id.ID) (map[id.ID]bool, error) {
	out := map[id.ID]bool{}
	for _, l := range w.leaders {
		out[l.MemberID] = l.Active
	}
	return out, nil
}

func (w *town) Circle(_ context.Context, _, memberID id.ID) (group.Circle, error) {
	c, ok := w.circles[memberID]
	if !ok {
		c.Buyers = -1
	}
	return c, nil
}

func (w *town) Brought(_ context.Context, _, memberID id.ID, limit int) ([]group.Person, error) {
	list := w.brought[memberID]
	return list[:min(limit, len(list))], nil
}

func (w *town) Family(_ context.Context, memberID id.ID) ([]id.ID, error) {
	if f := w.families[memberID]; f != nil {
		return f, nil
	}
	return []id.ID{memberID}, nil
}

func (w *town) ActiveSince(_ context.Context, members []id.ID, since clock.Instant) (n int, err error) {
	for _, m := range members {
		if w.active[m] >= since {
			n++
		}
	}
	return n, nil
}

func (w *town) Cities(_ context.Context, members []id.ID) (map[id.ID]string, error) {
	return w.cities, nil
}

// world is a store with two leaders of brand A and one of brand B.
type world struct {
	*group.Store
	*town
	t   *testing.T
	d   *db.DB
	clk *clock.Fake
	ctx context.Context
}

func newWorld(t *testing.T, d *db.DB, clk *clock.Fake) *world {
	t.Helper()
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	w := &town{leaders: map[id.ID]group.Leader{1: {ID: 1, BrandID: brandA, MemberID: 101, Name: "王姐", Active: true}, 2: {ID: 2, BrandID: brandA, MemberID: 102, Name: "李哥", Active: true},
		3: {ID: 3, BrandID: brandB, MemberID: 103, Name: "外人", Active: true}},
		circles: map[id.ID]group.Circle{}, brought: map[id.ID][]group.Person{}, cities: map[id.ID]string{}, active: map[id.ID]clock.Instant{}, families: map[id.ID][]id.ID{}}
	return &world{Store: group.New(group.Deps{DB: d, Box: box, Leaders: w, Referrals: w, People: w}), town: w, t: t, d: d, clk: clk, ctx: context.Background()}
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// wants fails unless err is the fault of that code.
func wants(t *testing.T, err error, code string) {
	t.Helper()
	if f := fault.Of(err); f == nil || f.Code != code || f.Text == "" {
		t.Fatalf("%v, want %s", err, code)
	}
}

var joins int

// joinURL is a join code nobody else has.
func joinURL() string {
	joins++
	return fmt.Sprintf("https://weixin.qq.com/g/AwYAAC%08dxyz", joins)
}

// community is one of leader 1 with a join code and a capacity.
func (w *world) community(name string, capacity int, edit ...func(*group.Draft)) group.Community {
	w.t.Helper()
	d := group.Draft{BrandID: brandA, LeaderID: 1, Name: name, Capacity: capacity}
	for _, e := range edit {
		e(&d)
	}
	c := must(w.Create(w.ctx, group.By{}, d))(w.t)
	return must(w.PutQR(w.ctx, group.By{}, c.ID, group.Join{Text: joinURL()}))(w.t)
}

func (w *world) code(d group.LiveDraft, list ...group.Community) group.LiveCode {
	w.t.Helper()
	d.BrandID, d.Name = brandA, "门店海报"
	for _, c := range list {
		d.Targets = append(d.Targets, group.TargetDraft{CommunityID: c.ID})
	}
	return must(w.SaveCode(w.ctx, 0, d))(w.t)
}

func (w *world) send(l group.LiveCode, v group.Visitor) group.Answer {
	w.t.Helper()
	return must(w.Resolve(w.ctx, l.Token, v, w.clk.Now()))(w.t)
}

// stats counts all there ever was.
func (w *world) stats(l group.LiveCode) group.Stats {
	w.t.Helper()
	now := w.clk.Now()
	return must(w.Stats(w.ctx, l.ID, now.Add(-60*24*time.Hour), now.Add(24*time.Hour)))(w.t)
}

func visitor(n int) group.Visitor { return group.Visitor{MemberID: id.ID(1000 + n)} }
