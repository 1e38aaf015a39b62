package tag

import (
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
)

func TestSampleOfManyIsSpreadOverTheWholeTag(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		given := Tag{ID: 5, People: 6000}
		first := clk.Now()
		when := map[id.ID]int{} // third of the time in which he came
		err := d.InTx(ctx, func(tx *gorm.DB) error {
			rows := db.NewRows("tag_value", "tag_id, member_id, value, score, version, since_at, until_at, evidence")
			for i := range 6000 {
				clk.Advance(time.Minute)
				m := d.NewID()
				when[m] = i / 2000
				rows.Add(given.ID, m, "", 0, 1, first, 0, "")
			}
			_, err := rows.Insert(ctx, tx, "")
			return err
		})
		w.must(err)
		list, err := w.sample(ctx, given)
		w.must(err)
		slices.Sort(list)
		thirds := [3]int{}
		for _, m := range list {
			thirds[when[m]]++
		}
		if n := len(slices.Compact(slices.Clone(list))); n != len(list) || n < 1000 || n > relatedSample || min(thirds[0], thirds[1], thirds[2]) < n/5 {
			t.Errorf("%d of them, %d different, by time %v", len(list), n, thirds)
		}
		given.People = 1500
		if list, err = w.sample(ctx, given); err != nil || len(list) != relatedSample {
			t.Errorf("%d %v", len(list), err) // all there are, up to the bound
		}
	})
}
