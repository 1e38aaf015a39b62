package push_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/holdout"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/outbox"
	"siyu/model/push"
	"siyu/model/reach"
)

// world is a brand with people, a ledger that says what the test wants, and a wire that
// counts what it is given.
type world struct {
	t       *testing.T
	d       *db.DB
	clk     *clock.Fake
	s       *push.Store
	members *member.Store
	people  []id.ID
	ledger  *ledger
	events  *event.Store
	size    int64 // what Size says; 0: as many as there are
	hours   map[id.ID]int
	version int // of the segment's rule, from 3
	grounds []push.Ground
	set     holdout.Settings
	name    string // of everybody; "": 王芳
	between func() // happens when so many of an audience are written down:
	after   int
}

const (
	writer id.ID = 101
	second id.ID = 102
	brand  id.ID = 1
)

// ledger implements push.Reach in memory.
type ledger struct {
	why     map[id.ID]string        // members who cannot be reached
	until   map[id.ID]clock.Instant // and when they can
	tickets map[id.ID]reach.Ticket  // by delivery
	ended   map[id.ID]string        // ticket: outcome
	way     int                     // the use that works
	closed  map[string]bool         // channels that do not
	wanted  map[id.ID]int           // pushes that announced themselves
	now     func() clock.Instant
	broken  error        // it takes nothing
	calls   int          // that reach many are left
	heard   func(string) // what it was asked: end, take
}

func (l *ledger) CheckUse(context.Context, id.ID, reach.Use) error { return nil }
func (l *ledger) Prepare(context.Context, reach.Ask) error         { return nil }
func (l *ledger) Want(_ context.Context, w reach.Wanted) error {
	l.wanted[w.RefID] = w.Value
	return nil
}
func (l *ledger) Unwant(_ context.Context, ref id.ID) error { delete(l.wanted, ref); return nil }
func (l *ledger) EndTx(_ context.Context, _ *gorm.DB, t id.ID, outcome, _ string) error {
	if l.ended[t] = outcome; l.heard != nil {
		l.heard("end")
	}
	for k, x := range l.tickets {
		if x.ID == t {
			x.State = outcome
			l.tickets[k] = x
		}
	}
	return nil
}

func (l *ledger) CallTx(context.Context, *gorm.DB, reach.Ask, reach.Use, id.ID) (bool, error) {
	if l.calls--; l.calls < 0 {
		return false, nil
	}
	return true, nil
}

func (l *ledger) SentTx(ctx context.Context, tx *gorm.DB, tickets []id.ID) error {
	for _, t := range tickets {
		if err := l.EndTx(ctx, tx, t, reach.Sent, ""); err != nil {
			return err
		}
	}
	return nil
}

func (l *ledger) LostTx(ctx context.Context, tx *gorm.DB, tickets []id.ID, code string) error {
	for _, t := range tickets {
		if err := l.EndTx(ctx, tx, t, reach.Refused, code); err != nil {
			return err
		}
	}
	return nil
}

func (l *ledger) TakeManyTx(_ context.Context, _ *gorm.DB, a reach.Ask, seats []reach.Seat) ([]reach.Taken, error) {
	if l.heard != nil {
		l.heard("take")
	}
	if l.broken != nil {
		return nil, l.broken
	}
	out := make([]reach.Taken, len(seats))
	for i, x := range seats {
		if t, there := l.tickets[x.DeliveryID]; there {
			out[i].Ticket = t
			continue
		}
		if at := l.until[x.MemberID]; l.why[x.MemberID] != "" && (at == 0 || at > l.now()) {
			out[i].Answer = reach.Answer{MemberID: x.MemberID, Use: -1, Reason: l.why[x.MemberID], NotBefore: l.until[x.MemberID]}
			continue
		}
		if l.closed[a.Uses[l.way].Channel] { // one way was refused: the next
			l.way++
		}
		t := reach.Ticket{ID: x.DeliveryID + 1_000_000_000, MemberID: x.MemberID, Use: l.way, Way: a.Uses[l.way], OpenID: "o" + x.MemberID.String(), State: reach.Reserved}
		l.tickets[x.DeliveryID] = t
		out[i].Ticket = t
	}
	return out, nil
}

func each(t *testing.T, n int, fn func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := &world{t: t, d: d, clk: clk, ledger: &ledger{why: map[id.ID]string{}, until: map[id.ID]clock.Instant{}, tickets: map[id.ID]reach.Ticket{}, ended: map[id.ID]string{}, closed: map[string]bool{}, wanted: map[id.ID]int{}, now: clk.Now, calls: 1000},
			set: holdout.Settings{BrandID: brand}}
		w.members = member.New(d, identity.New(d))
		rows := db.NewRows("member", "id, person_id, state, created_at, root_id")
		for range n {
			v := d.NewID()
			rows.Add(v, v, "active", d.Now(), 0)
			w.people = append(w.people, v)
		}
		w.must(d.InTx(t.Context(), func(tx *gorm.DB) error { _, err := rows.Insert(t.Context(), tx, ""); return err }))
		out := outbox.New(d)
		w.events = event.New(d, out)
		w.s = push.New(push.Deps{DB: d, Outbox: out, Events: w.events, Audience: w, Reach: w.ledger, Values: w.values(), Controls: w, Hours: w, LinkKey: []byte("key"), PublicURL: "https://q.cn", Families: w.members.Family})
		w.must2(w.s.SetPolicy(t.Context(), push.Policy{BrandID: brand, ApprovalPeople: 1000, PerSecond: 5000, GiveUpHours: 48}))
		fn(t, w)
	})
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// must2 is must for what also says something that is not asked for.
func (w *world) must2(_ any, err error) {
	w.t.Helper()
	w.must(err)
}

func (w *world) must3(_, _ any, err error) {
	w.t.Helper()
	w.must(err)
}

func (w *world) Check(context.Context, push.Form) error { return nil }

func (w *world) Size(context.Context, push.Push) (int64, error) {
	if w.size != 0 {
		return w.size, nil
	}
	return int64(len(w.people)), nil
}

func (w *world) Freeze(context.Context, push.Push) (push.Frozen, error) {
	return push.Frozen{Version: max(w.version, 3), AsOf: w.clk.Now(), Grounds: slices.Clone(w.grounds), Sentence: "最近 30 天买过护理液", Each: func(yield func([]id.ID) error) error {
		if err := yield(slices.Clone(w.people[:w.after])); err != nil {
			return err
		}
		if w.between != nil {
			w.between()
		}
		return yield(slices.Clone(w.people[w.after:]))
	}}, nil
}

func (w *world) Sample(_ context.Context, _ push.Push, limit int) ([]id.ID, error) {
	return w.people[:min(limit, len(w.people))], nil
}

func (w *world) Of(_ context.Context, brandID id.ID) (holdout.Settings, error) { return w.set, nil }

func (w *world) Best(context.Context, []id.ID) (map[id.ID]int, error) { return w.hours, nil }

type names struct{ *world }

func (w *world) values() push.Values { return names{w} }

// Of implements push.Values.
func (n names) Of(_ context.Context, _ id.ID, _ []string, members []id.ID, shown bool) (map[id.ID]map[string]string, error) {
	out := map[id.ID]map[string]string{}
	for _, m := range members {
		out[m] = map[string]string{"姓名": "王芳", "品牌": "明眸"}
		if n.world != nil && n.name != "" {
			out[m]["姓名"] = n.name
		}
		if shown {
			out[m]["姓名"] = "王*"
		}
	}
	return out, nil
}

// form is a push that lacks nothing.
func form() push.Form {
	return push.Form{BrandID: brand, Name: "镜片上新", Purpose: reach.Marketing, SegmentID: 7, Timing: push.Now,
		Body: push.Body{Uses: []reach.Use{{Channel: reach.Custom, AccountID: 5}}, Links: []push.Link{{Title: "商品页", URL: "https://shop.example.cn/lens"}},
			Arms: []push.Arm{{Name: "A", Weight: 1, Contents: []push.Content{{Text: "{姓名|会员}您好，镜片到货：{链接1}"}}}}}}
}

func (w *world) create(f push.Form) push.Push {
	w.t.Helper()
	p, err := w.s.Create(w.t.Context(), f, writer)
	w.must(err)
	return p
}

// begun starts a push and writes its audience down.
func (w *world) begun(f push.Form) push.Push {
	w.t.Helper()
	p := w.create(f)
	_, err := w.s.Start(w.t.Context(), p.ID, writer)
	w.must(err)
	_, err = w.s.Freeze(w.t.Context(), p.ID)
	w.must(err)
	return w.get(p.ID)
}

func (w *world) get(pushID id.ID) push.Push {
	w.t.Helper()
	p, err := w.s.Get(w.t.Context(), pushID)
	w.must(err)
	return p
}

func (w *world) lanes(runID id.ID) []id.ID {
	w.t.Helper()
	var out []id.ID
	w.must(w.d.Read(w.t.Context()).Raw("SELECT id FROM push_lane WHERE run_id = ? ORDER BY lane", runID).Scan(&out).Error)
	return out
}

// send sends every lane until it rests; answer says what becomes of a parcel.
func (w *world) send(runID id.ID, answer func(p push.Parcel) push.Outcome) (sent []push.Parcel) {
	w.t.Helper()
	for _, lane := range w.lanes(runID) {
		for range 1000 {
			r, wave, err := w.s.Take(w.t.Context(), lane, 64)
			w.must(err)
			if !wave.On || wave.Wait > 0 {
				break
			}
			var out []push.Outcome
			for _, p := range wave.Parcels {
				o := answer(p)
				o.Parcel = p
				out = append(out, o)
				sent = append(sent, p)
			}
			w.must(w.s.End(w.t.Context(), r, out))
		}
	}
	return sent
}

func took(push.Parcel) push.Outcome { return push.Outcome{Result: push.GoneOut} }

// states counts the deliveries of a run as the table has them, and holds the kept counts
// against it.
func (w *world) states(runID id.ID) map[string]int {
	w.t.Helper()
	out, kept := map[string]int{}, map[string]int{}
	for sql, into := range map[string]map[string]int{"SELECT arm, state, channel, reason, COUNT(*) AS n FROM push_delivery WHERE run_id = ? GROUP BY arm, state, channel, reason": out,
		"SELECT arm, state, channel, reason, SUM(n) AS n FROM push_tally WHERE run_id = ? GROUP BY arm, state, channel, reason HAVING SUM(n) <> 0": kept} {
		var rows []struct {
			Arm, N                 int
			State, Channel, Reason string
		}
		w.must(w.d.Read(w.t.Context()).Raw(sql, runID).Scan(&rows).Error)
		for _, r := range rows {
			into[fmt.Sprint(r.Arm, r.State, r.Channel, r.Reason)] = r.N
			into[r.State] += r.N
		}
	}
	if !maps.Equal(out, kept) {
		w.t.Errorf("kept counts %v, the table has %v", kept, out)
	}
	return out
}

func (w *world) code(err error, want string) {
	w.t.Helper()
	if f := fault.Of(err); err == nil || f.Code != want {
		w.t.Errorf("got %v, want the fault %s", err, want)
	}
}

const hour = time.Hour
