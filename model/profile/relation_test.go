package profile

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/id"
)

func happened(m id.ID, key, typ string, at clock.Instant, body map[string]any) event.Event {
	b, _ := json.Marshal(body)
	return event.Event{Key: key, Type: typ, MemberID: m, BrandID: 5, At: at, Channel: "h5", Body: b}
}

func TestRelation(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d)
		a := w.member()
		at := func(h int) clock.Instant { return dbtest.Start.Add(time.Duration(h) * time.Hour) }
		one := map[string]any{"account_id": "1"}
		feed := func(events ...event.Event) {
			t.Helper()
			for range 2 { // at least once
				if err := w.Consume(ctx, events); err != nil {
					t.Fatal(err)
				}
			}
		}
		depth := func() string {
			t.Helper()
			r, err := w.RelationOf(ctx, []id.ID{a})
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(r.Depth, len(r.Moves))
		}
		steps := []struct {
			want string
			do   func()
		}{
			{"stranger0", func() {}},
			{"stranger0", func() { feed(happened(a, "scan:1", event.Scan, at(1), nil)) }},
			{"stranger1", func() { feed(happened(a, "unfollow:1", event.Unfollow, at(5), one)) }},
			{"stranger2", func() { feed(happened(a, "follow:1", event.Follow, at(2), one)) }}, // came late
			{"follower3", func() { feed(happened(a, "follow:2", event.Follow, at(6), one)) }},
			{"follower4", func() { feed(happened(a, "unfollow:9", event.Unfollow, at(7), map[string]any{"account_id": "2"})) }},
			{"member5", func() {
				feed(happened(a, "claim:2", event.Claim, at(9), nil), happened(a, "claim:1", event.Claim, at(8), nil))
			}},
			{"member5", func() { feed(happened(a, "order:1", event.Order, at(10), nil)) }},
			{"member6", func() { feed(happened(a, "unfollow:2", event.Unfollow, at(11), one)) }},
			{"member6", func() { w.count = superCount; feed(happened(a, "claim:3", event.Claim, at(12), nil)) }},
			{"super7", func() { w.agreed[Profiling] = true; feed(happened(a, "claim:4", event.Claim, at(13), nil)) }},
			{"super7", func() { feed(happened(a, "claim:5", event.Claim, at(14), nil)) }},
			{"member7", func() { clk.Advance(200 * 24 * time.Hour) }},
			{"super8", func() { feed(happened(a, "claim:6", event.Claim, at(200*24), nil)) }},
			{"member6", func() {
				if err := d.InTx(ctx, func(tx *gorm.DB) error { return w.Withdrawn(ctx, tx, Profiling, []id.ID{a}) }); err != nil {
					t.Fatal(err)
				}
			}},
		}
		for i, s := range steps {
			s.do()
			if got := depth(); got != s.want {
				t.Fatalf("step %d: %s, want %s", i, got, s.want)
			}
		}
	})
}

func TestOriginIsTheEarliestTouchWhateverComesFirst(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d)
		a, b := w.member(), w.member()
		feed := func(events ...event.Event) {
			t.Helper()
			if err := w.Consume(ctx, events); err != nil {
				t.Fatal(err)
			}
		}
		first := func(m id.ID) string {
			t.Helper()
			p, err := w.Of(ctx, m)
			if err != nil {
				t.Fatal(err)
			}
			return p.Origin.EventKey
		}
		feed(happened(a, "claim:1", event.Claim, 300, nil), happened(a, "claim:0", event.Claim, 200, nil))
		feed(happened(a, "claim:2", event.Claim, 400, nil))
		if got := first(a); got != "claim:0" {
			t.Fatal(got)
		}
		feed(happened(a, "scan:1", event.Scan, 100, map[string]any{"product_id": "9", "batch_id": "8"}))
		feed(happened(a, "referral:1", event.Referral, 1, map[string]any{"role": "referrer"})) // he brought another, nobody brought him
		if got := first(a); got != "scan:1" {
			t.Fatal(got)
		}
		if o, err := w.OriginOf(ctx, []id.ID{a}); err != nil || o.ProductID != 9 || o.BatchID != 8 || o.Title != "扫码验证" {
			t.Fatalf("%+v %v", o, err)
		}
		feed(happened(b, "follow:1", event.Follow, 50, map[string]any{"account_id": "1", "scene": "货架"}))
		w.join(a, b)
		if got := first(a); got != "follow:1" {
			t.Fatal(got)
		}
		w.join(0, b)
		if got := first(a); got != "scan:1" {
			t.Fatal(got)
		}
	})
}

func TestLifeStageNeedsConsent(t *testing.T) {
	d := dbtest.Open(t, db.SQLite, clock.NewFake(dbtest.Start))
	w := newTown(t, d)
	a := w.member()
	stage := func(daysAgo int) string {
		t.Helper()
		w.last = d.Now().Add(-time.Duration(daysAgo) * 24 * time.Hour)
		s, err := w.StageOf(ctx, []id.ID{a})
		if err != nil {
			t.Fatal(err)
		}
		if s == nil {
			return ""
		}
		return s.Key
	}
	if got := stage(1); got != "" {
		t.Fatal(got)
	}
	w.agreed[Profiling] = true
	for days, want := range map[int]string{0: Awake, 60: Awake, 61: Sleeping, 180: Sleeping, 181: Lost, 4000: Lost} {
		if got := stage(days); got != want {
			t.Errorf("%d days: %s, want %s", days, got, want)
		}
	}
	if err := w.Consume(ctx, []event.Event{happened(a, "scan:1", event.Scan, d.Now().Add(-24*time.Hour), nil)}); err != nil {
		t.Fatal(err)
	}
	if got := stage(0); got != Fresh {
		t.Fatal(got)
	}
}

func TestErasureLeavesNothingButThatPointsWereGiven(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d)
		w.reward("city", 10, "")
		a, b := w.member(), w.member()
		for _, m := range []id.ID{a, b} {
			w.put(m, Self, "city", "杭州")
			if err := w.Skip(ctx, m, "gender"); err != nil {
				t.Fatal(err)
			}
			if err := w.Consume(ctx, []event.Event{happened(m, "claim:"+m.String(), event.Claim, 1, nil)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.InTx(ctx, func(tx *gorm.DB) error {
			n, err := w.EraseTx(ctx, tx, []id.ID{a})
			if n != 5 { // an answer, two pauses, an origin, a move
				t.Errorf("%d rows", n)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for table, want := range map[string]int64{"profile_value": 1, "profile_skip": 2, "profile_origin": 1, "profile_move": 1, "profile_reward": 2} {
			var n int64
			if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM " + table).Scan(&n).Error; err != nil || n != want {
				t.Error(table, n, err)
			}
		}
	})
}
