package segment_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
)

// TestPrune: what is older than it is kept for goes, in parts, of every brand and segment;
// the day on which it becomes so old stays, and so does all that is newer.
func TestPrune(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w, g := crowded(t, d, clk, 3)
		w.on(w.members[0])
		w.look(g.ID, 1)
		kept, gone := clock.DayOf(clk.Now()).AddDays(-400), clock.DayOf(clk.Now()).AddDays(-401)
		for i := range 120 { // of several segments: more than one transaction takes
			w.put("segment_snapshot", row{"segment_id": 700 + i%3, "day": gone.AddDays(-i)})
			w.put("segment_move", row{"id": 5000 + i, "segment_id": 700, "person_id": 1, "at": clk.Now().Add(-time.Duration(402+i) * 24 * time.Hour)})
			w.put("segment_change", row{"brand_id": 90 + i%2, "seq": i, "created_at": clk.Now().Add(-7 * time.Hour)})
		}
		w.put("segment_snapshot", row{"segment_id": 700, "day": kept})
		from, _ := kept.Bounds()
		w.put("segment_move", row{"id": 6000, "segment_id": 700, "person_id": 1, "at": from})
		w.put("segment_move", row{"id": 6001, "segment_id": 700, "person_id": 1, "at": from - 1})
		w.put("segment_change", row{"brand_id": 90, "seq": 1000, "created_at": clk.Now().Add(-6 * time.Hour)})
		if more, err := w.s.Prune(ctx); err != nil || more {
			t.Fatalf("more %v, %v", more, err)
		}
		for table, want := range map[string][]id.ID{"segment_snapshot WHERE segment_id >= 700": {id.ID(kept)}, "segment_move WHERE segment_id = 700": {6000}, "segment_change WHERE brand_id >= 90": {1000}} {
			column := map[byte]string{'s': "day", 'm': "id", 'c': "seq"}[table[len("segment_")]]
			var left []id.ID
			if err := d.Read(ctx).Raw("SELECT " + column + " FROM " + table).Scan(&left).Error; err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(left) != fmt.Sprint(want) {
				t.Errorf("%s: %v, want %v", table, left, want)
			}
		}
		w.look(g.ID, 1) // what is now is not old
	})
}
