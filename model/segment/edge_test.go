package segment_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/rule"
	"siyu/model/segment"
)

// lone is a world of people who allow profiling.
func lone(t *testing.T, d *db.DB, clk *clock.Fake, people int) *world {
	t.Helper()
	w := newWorld(t, d, clk, 6, people)
	for _, m := range w.members {
		w.put("consent", row{"id": d.NewID(), "member_id": m, "purpose": "profiling", "given": 1, "at": clk.Now()})
	}
	return w
}

func (w *world) event(m id.ID, typ string, at clock.Instant, body string) event.Event {
	w.Helper()
	w.seq++
	e := event.Event{ID: id.ID(9000 + w.seq), Key: fmt.Sprint(typ, w.seq), Type: typ, BrandID: brandID, MemberID: m, Channel: "h5", At: at, Body: []byte(body)}
	w.put("event", row{"id": e.ID, "event_key": e.Key, "type": typ, "brand_id": 1, "member_id": m, "channel": "h5", "at": at, "received_at": at, "body": []byte(body)})
	return e
}

func (w *world) is(n rule.Node, want bool) {
	w.Helper()
	t := rule.Tree{V: 1, Root: n}
	if err := t.Check(); err != nil {
		w.Fatal(err)
	}
	for how, got := range w.ways(t) {
		if (len(got) == 1) != want {
			w.Errorf("%s: %s: %v, want %v", t.Sentence(nil), how, got, want)
		}
	}
}

// TestEdges: what a condition means at its bounds, by numbers that were worked out by hand.
// It is noon of the 21st in Shanghai.
func TestEdges(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := lone(t, d, clk, 1)
		m := w.members[0]
		midnight := func(days int) clock.Instant { // the beginning of the day so many days ago
			from, _ := clock.DayOf(clk.Now()).AddDays(-days).Bounds()
			return from
		}
		line := func(n int) string {
			return fmt.Sprintf(`{"lines":[{"gtin":"6901234567891","quantity":%d,"amount_fen":%d}]}`, n, 1000*n)
		}
		if err := w.s.Consume(context.Background(), []event.Event{
			w.event(m, event.Order, midnight(29), line(2)),
			w.event(m, event.Order, midnight(19), line(1)),
			w.event(m, event.Order, midnight(19)+1, line(-1)),
			w.event(m, event.Scan, midnight(9)-1, `{"product_id":"22","province":"上海"}`),
		}); err != nil {
			t.Fatal(err)
		}
		did := func(d rule.Did) rule.Node { return rule.Node{Did: &d} }
		// Thirty days are today and the twenty-nine before it.
		w.is(did(rule.Did{What: rule.Order, Op: rule.Eq, Values: []int64{2}, WithinDays: 30}), true)
		w.is(did(rule.Did{What: rule.Order, Op: rule.Eq, Values: []int64{1}, WithinDays: 29}), true)
		// A refund is no order; its pieces and its money are taken back.
		w.is(did(rule.Did{What: rule.Order, Op: rule.Eq, Values: []int64{2}}), true)
		w.is(did(rule.Did{What: rule.Order, Measure: rule.Quantity, Op: rule.Eq, Values: []int64{2}}), true)
		w.is(did(rule.Did{What: rule.Order, Measure: rule.SumFen, Op: rule.Eq, Values: []int64{2000}}), true)
		// From is in it, until is not.
		w.is(did(rule.Did{What: rule.Order, Op: rule.Eq, Values: []int64{2}, From: midnight(29), Until: midnight(19) + 1}), true)
		w.is(did(rule.Did{What: rule.Order, Op: rule.Eq, Values: []int64{0}, From: midnight(29) + 1, Until: midnight(19)}), true)
		// Days ago are calendar days: the last millisecond of a day is that day.
		w.is(did(rule.Did{What: rule.Scan, Measure: rule.Last, Op: rule.Eq, Values: []int64{10}}), true)
		w.is(did(rule.Did{What: rule.Order, Measure: rule.First, Op: rule.Eq, Values: []int64{29}}), true)
		w.is(did(rule.Did{What: rule.Order, Measure: rule.Interval, Op: rule.Eq, Values: []int64{10}}), true)
		w.is(did(rule.Did{What: rule.Scan, Measure: rule.Interval, Op: rule.Lte, Values: []int64{3650}}), false)
		// The scan was a millisecond less than ten days after the second order.
		steps := []rule.Step{{What: rule.Order, ProductIDs: []id.ID{21}}, {What: rule.Scan}}
		w.is(rule.Node{Sequence: &rule.Sequence{Steps: steps, WithinDays: 10}}, true)
		w.is(rule.Node{Sequence: &rule.Sequence{Steps: steps, WithinDays: 9}}, false)
		w.is(rule.Node{Sequence: &rule.Sequence{Steps: steps, WithinDays: 10, WindowDays: 20}}, true)
		w.is(rule.Node{Sequence: &rule.Sequence{Steps: steps, WithinDays: 10, WindowDays: 19}}, false)
		attr := func(name, op string, values ...string) rule.Node {
			return rule.Node{Attr: &rule.Attr{Name: name, Op: op, Values: values}}
		}
		w.is(attr(rule.R, rule.In, "5"), true)
		w.is(attr(rule.F, rule.In, "2"), true)
		w.is(attr(rule.M, rule.In, "1"), true)
		w.is(attr(rule.Stage, rule.In, "new"), true)
		clk.Advance(12 * time.Hour) // the day after
		w.is(did(rule.Did{What: rule.Order, Op: rule.Eq, Values: []int64{1}, WithinDays: 30}), true)
		w.is(attr(rule.Stage, rule.In, "new"), true)
		clk.Advance(24 * time.Hour)
		w.is(attr(rule.Stage, rule.In, "active"), true)
	})
}

// TestRace: whoever is first, after a withdrawal nothing of what he did is left, and what
// all write at once is written once.
func TestRace(t *testing.T) {
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w := lone(t, d, clk, 12)
		var events []event.Event
		for _, m := range w.members {
			for range 3 {
				events = append(events, w.event(m, event.Scan, clk.Now(), `{"product_id":"21"}`))
			}
		}
		stores := []*segment.Store{w.s, segment.New(d), segment.New(d)}
		var wg sync.WaitGroup
		failed := make(chan error, 100)
		for _, s := range stores {
			wg.Go(func() { failed <- s.Consume(ctx, events) })
			wg.Go(func() { _, err := s.Refresh(ctx); failed <- err })
		}
		gone := w.members[:4]
		for _, m := range gone {
			wg.Go(func() {
				failed <- d.InTx(ctx, func(tx *gorm.DB) error {
					if err := w.s.Forget(ctx, tx, []id.ID{m}); err != nil {
						return err
					}
					return tx.Exec("INSERT INTO consent (id, member_id, purpose, policy_version, given, channel, at) VALUES (?,?,'profiling','1',0,'h5',?)", d.NewID(), m, clk.Now()+1).Error
				})
			})
		}
		wg.Wait()
		close(failed)
		for err := range failed {
			if err != nil {
				t.Fatal(err)
			}
		}
		var rows []struct {
			PersonID id.ID
			N        int64
		}
		if err := d.Read(ctx).Raw("SELECT person_id, COUNT(*) AS n FROM segment_act GROUP BY person_id ORDER BY person_id").Scan(&rows).Error; err != nil {
			t.Fatal(err)
		}
		if len(rows) != 8 || rows[0].PersonID != w.members[4] || rows[0].N != 3 {
			t.Errorf("acts after all: %+v", rows)
		}
		w.settle()
		var numbers int64
		if err := d.Read(ctx).Raw("SELECT COUNT(DISTINCT number) FROM segment_person WHERE brand_id = 1").Scan(&numbers).Error; err != nil || numbers != 12 {
			t.Errorf("%d numbers for twelve people, %v", numbers, err)
		}
		scanned := rule.Tree{V: 1, Root: rule.Node{Did: &rule.Did{What: rule.Scan, Op: rule.Gte, Values: []int64{3}}}}
		for i, s := range stores {
			if p, err := s.Find(ctx, brandID, scanned); err != nil || p.Count() != 8 {
				t.Errorf("store %d: %d, %v", i, p.Count(), err)
			}
		}
	})
}

// TestFamilies: of several accounts the newest value counts, the larger member's where two
// are of the same moment, one that has ended never; parted, each has his own again.
func TestFamilies(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := lone(t, d, clk, 2)
		a, b := w.members[0], w.members[1]
		if err := w.s.Consume(context.Background(), []event.Event{w.event(a, event.Scan, clk.Now(), `{"product_id":"21"}`), w.event(b, event.Scan, clk.Now(), `{"product_id":"21"}`)}); err != nil {
			t.Fatal(err)
		}
		at := clk.Now() - 1000
		w.put("tag_value", row{"tag_id": 31, "member_id": a, "value": "old", "since_at": at, "until_at": 0})
		w.put("tag_value", row{"tag_id": 31, "member_id": b, "value": "new", "since_at": at, "until_at": clk.Now() + 500})
		is := func(value string) rule.Node {
			return rule.Node{All: []rule.Node{{Tag: &rule.Tag{ID: 31, Op: rule.Is, Values: []string{value}}}, {Did: &rule.Did{What: rule.Scan, Op: rule.Eq, Values: []int64{2}}}}}
		}
		join := func(root id.ID) {
			w.exec("UPDATE member SET root_id = ? WHERE id = ?", root, b)
			w.root[b] = max(root, map[bool]id.ID{true: b}[root == 0])
			w.note(segment.PartAll, a, b)
			w.settle()
		}
		w.is(is("new"), false) // each did it once
		join(a)
		w.is(is("new"), true)
		w.is(is("old"), false)
		clk.Advance(time.Second)
		w.is(is("new"), false)
		w.is(is("old"), true)
		join(0)
		w.is(is("old"), false)
		w.is(rule.Node{Tag: &rule.Tag{ID: 31, Op: rule.Has}}, true) // one of the two
	})
}
