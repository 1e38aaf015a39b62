package segment_test

import (
	"context"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
)

func TestBelongsTo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w, g := crowded(t, d, clk, 6)
		of := func(m id.ID, want int) clock.Instant {
			t.Helper()
			list, err := w.s.BelongsTo(ctx, m)
			if err != nil || len(list) != want {
				t.Fatalf("%+v, %v, want %d", list, err, want)
			}
			if want == 0 {
				return 0
			}
			if b := list[0]; b.SegmentID != g.ID || b.BrandID != brandID || b.Name != g.Name || b.Version != 1 || b.AsOf == 0 {
				t.Errorf("%+v", b)
			}
			return list[0].SinceAt
		}
		a, b := w.members[0], w.members[1]
		w.on(a)
		of(a, 0) // nobody looked yet
		w.look(g.ID, 1)
		if since := of(a, 1); since != 0 {
			t.Errorf("he was there at the first look, but came at %d", since)
		}
		of(b, 0)
		clk.Advance(time.Hour)
		w.on(b)
		w.look(g.ID, 2)
		if since := of(b, 1); since != clk.Now() {
			t.Errorf("came at %d, want %d", since, clk.Now())
		}
		w.off(a)
		w.look(g.ID, 1)
		of(a, 0)
		if _, err := w.s.Archive(ctx, g.ID, g.Rev); err != nil {
			t.Fatal(err)
		}
		of(b, 0)
	})
}
