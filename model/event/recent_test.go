package event

import (
	"context"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/outbox"
)

func TestRecentEventsOfABrand(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := New(d, outbox.New(d))
		for i, key := range []string{"a", "b", "c", "d"} {
			e := login(key, 7, clk.Now())
			if i == 2 {
				e.BrandID++
			}
			if _, err := s.Put(ctx, []Event{e}); err != nil {
				t.Fatal(err)
			}
			clk.Advance(20 * time.Hour)
		}
		for _, c := range []struct {
			most int
			keys string
			all  bool
		}{{10, "abd", true}, {3, "abd", true}, {2, "bd", false}} {
			brand := login("x", 7, clk.Now()).BrandID
			list, all, err := s.Recent(ctx, brand, []string{Login}, dbtest.Start, clk.Now(), c.most)
			keys := ""
			for _, e := range list {
				keys += e.Key
			}
			if err != nil || keys != c.keys || all != c.all {
				t.Errorf("at most %d: %q %v %v", c.most, keys, all, err)
			}
		}
		if list, _, err := s.Recent(ctx, login("x", 7, 0).BrandID, []string{Login}, dbtest.Start.Add(time.Hour), clk.Now(), 10); err != nil || len(list) != 2 {
			t.Errorf("%d %v", len(list), err)
		}
	})
}
