package segment_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/rule"
	"siyu/model/segment"
)

func attr(name, op string, values ...string) rule.Tree {
	return rule.Tree{V: 1, Root: rule.Node{Attr: &rule.Attr{Name: name, Op: op, Values: values}}}
}

// TestWarm: a process that starts holds what its brand's segments, tags and the last
// questions of another process are about before anybody asks it, and reads again what
// grows old, as long as somebody asks.
func TestWarm(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w, _ := crowded(t, d, clk, 8)
		question := attr(rule.Key, rule.Known)
		if _, err := w.s.Size(ctx, brandID, question, segment.Plan{}); err != nil {
			t.Fatal(err)
		}
		warm := func(s *segment.Store) {
			t.Helper()
			if err := s.Warm(ctx); err != nil {
				t.Fatal(err)
			}
		}
		warm(w.s)
		other := segment.New(d)
		warm(other)
		held := other.Held(brandID)
		if held.People != 8 || held.Facts != 5 { // the list of the segment, three tags and the question
			t.Fatalf("%+v", held)
		}
		asked := func(t *testing.T, tree rule.Tree, want int64) {
			t.Helper()
			loads := other.Loads(brandID)
			if p, err := other.Find(ctx, brandID, tree); err != nil || p.Count() != want {
				t.Errorf("%d, %v, want %d", p.Count(), err, want)
			}
			if other.Loads(brandID) != loads {
				t.Error("who asked waited for a fact to be read")
			}
		}
		asked(t, hands, 0)
		asked(t, question, 0)
		w.put("identity_key", row{"kind": "phone", "scope": "", "value": "1", "person_id": 100000 + int(w.members[0])}) // nobody tells
		clk.Advance(3 * time.Minute)
		warm(other)
		asked(t, question, 1)
		clk.Advance(4 * time.Minute) // older than it may be, were it not read again
		asked(t, question, 1)
		clk.Advance(2 * time.Hour)
		loads := other.Loads(brandID)
		if warm(other); other.Loads(brandID) != loads {
			t.Error("read again for nobody")
		}
		if p, err := other.Find(ctx, brandID, question); err != nil || p.Count() != 1 {
			t.Errorf("%d %v", p.Count(), err)
		}
		for i := range 30 { // only the last questions are remembered
			if _, err := w.s.Size(ctx, brandID, attr(rule.TierLevel, rule.Gte, strconv.Itoa(i%10)), segment.Plan{}); err != nil {
				t.Fatal(err)
			}
			clk.Advance(time.Second)
			if _, err := w.s.Size(ctx, brandID, attr(rule.Referees, rule.Eq, strconv.Itoa(i)), segment.Plan{}); err != nil {
				t.Fatal(err)
			}
			clk.Advance(time.Second)
			warm(w.s)
		}
		var n int64
		if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM segment_asked").Scan(&n).Error; err != nil || n != 20 {
			t.Errorf("%d questions, %v", n, err)
		}
	})
}

// TestWaiting: who waits for bitmaps that others hold can be called off.
func TestWaiting(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w, _ := crowded(t, d, clk, 3)
		free := w.s.Busy(brandID)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := w.s.Find(ctx, brandID, hands); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		free()
		if _, err := w.s.Find(context.Background(), brandID, hands); err != nil {
			t.Error(err)
		}
	})
}

// TestWhoAsksGoesFirst: what is read before somebody asks stands aside for who asks, after
// the part that is being read, and what was read of it is not read again.
func TestWhoAsksGoesFirst(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		crowded(t, d, clk, 60)
		s := segment.New(d).Parts(1)
		level := attr(rule.TierLevel, rule.Known)
		early, err := s.Aside(ctx, brandID, level, 2)
		if err != nil || !early {
			t.Fatalf("it did not stand aside: %v", err)
		}
		if s.Loads(brandID) != 0 {
			t.Fatal("it read all of it first")
		}
		for i, tree := range []rule.Tree{attr(rule.Key, rule.Known), level} {
			if _, err := s.Find(ctx, brandID, tree); err != nil {
				t.Fatal(err)
			}
			if s.Loads(brandID) != i+1 {
				t.Errorf("%d facts were read for %d questions", s.Loads(brandID), i+1)
			}
		}
		// As long as somebody waits, Warm reads nothing; then all.
		other := segment.New(d).Parts(1)
		other.Waits(brandID, 1)
		done := make(chan error, 1)
		go func() { done <- other.Warm(ctx) }()
		if _, err := other.Find(ctx, brandID, level); err != nil {
			t.Fatal(err)
		}
		if other.Loads(brandID) != 1 {
			t.Errorf("%d facts were read", other.Loads(brandID))
		}
		other.Waits(brandID, -1)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if held := other.Held(brandID); held.Facts < 4 {
			t.Errorf("%+v", held)
		}
	})
}
