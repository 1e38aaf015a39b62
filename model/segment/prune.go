package segment

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/id"
)

// How long is kept what nothing needs: changes until engines of all processes have had them
// (one that was away for longer loads anew), moves and daily snapshots for more than a year,
// so that a day can be compared with the same day a year before.
const (
	changesFor = 6 * time.Hour
	keepDays   = 400
	// pruneBatches is how many transactions one call makes for one table.
	pruneBatches = 200
)

// Prune deletes what is old, in bounded transactions and at most so much in one call; more
// says that there is more of it.
func (s *Store) Prune(ctx context.Context) (more bool, err error) {
	now := s.db.Now()
	day := clock.DayOf(now).AddDays(-keepDays)
	from, _ := day.Bounds()
	for _, x := range []struct {
		find, stmt string
		before     any
		batch      int
	}{
		{"SELECT brand_id AS owner, seq AS item FROM segment_change WHERE created_at < ? ORDER BY created_at LIMIT ?", "DELETE FROM segment_change WHERE brand_id = ? AND seq IN ?", now.Add(-changesFor), 500},
		{"SELECT 0 AS owner, id AS item FROM segment_move WHERE at < ? ORDER BY at LIMIT ?", "DELETE FROM segment_move WHERE 0 = ? AND id IN ?", from, 500},
		{"SELECT segment_id AS owner, day AS item FROM segment_snapshot WHERE day < ? ORDER BY day LIMIT ?", "DELETE FROM segment_snapshot WHERE segment_id = ? AND day IN ?", day, 50}, // each may be a megabyte
	} {
		for batch := 1; ; batch++ {
			var old []struct {
				Owner id.ID
				Item  int64
			}
			if err := s.db.Read(ctx).Raw(x.find, x.before, x.batch).Scan(&old).Error; err != nil {
				return false, fmt.Errorf("segment: prune: %w", err)
			}
			of := map[id.ID][]int64{}
			for _, k := range old {
				of[k.Owner] = append(of[k.Owner], k.Item)
			}
			err := s.db.InTx(ctx, func(tx *gorm.DB) error {
				for owner, items := range of {
					if err := tx.Exec(x.stmt, owner, items).Error; err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return false, fmt.Errorf("segment: prune: %w", err)
			}
			if len(old) < x.batch {
				break
			}
			if batch == pruneBatches {
				more = true
				break
			}
		}
	}
	return more, nil
}
