package leader

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/id"
)

// run is how far a nightly computation of a brand has come.
type run struct {
	BrandID id.ID
	Name    string
	Day     clock.Day
	AfterID id.ID
	Done    bool
	from    id.ID // AfterID as it was read
}

func (r *run) next(after id.ID) { r.AfterID = after }

// run reads where today's computation stands, and begins it when the last one was of
// another day.
func (s *Store) run(ctx context.Context, brandID id.ID, name string) (run, error) {
	today := clock.DayOf(s.DB.Now())
	var r run
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("INSERT INTO leader_run (brand_id, name, day, after_id, done) VALUES (?,?,?,0,0)"+s.DB.Once("day"), brandID, name, today).Error; err != nil {
			return err
		}
		if err := tx.Exec("UPDATE leader_run SET day = ?, after_id = 0, done = 0 WHERE brand_id = ? AND name = ? AND day < ?", today, brandID, name, today).Error; err != nil {
			return err
		}
		return tx.Raw("SELECT * FROM leader_run WHERE brand_id = ? AND name = ?", brandID, name).Scan(&r).Error
	})
	if err != nil {
		return r, fmt.Errorf("leader: run %s: %w", name, err)
	}
	r.from = r.AfterID
	return r, nil
}

// passed notes a step that is done; one that another process noted before changes nothing.
func (s *Store) passed(ctx context.Context, r run, done bool) error {
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE leader_run SET after_id = ?, done = ? WHERE brand_id = ? AND name = ? AND day = ? AND after_id = ?", r.AfterID, done, r.BrandID, r.Name, r.Day, r.from).Error
	})
	if err != nil {
		return fmt.Errorf("leader: run %s: %w", r.Name, err)
	}
	return nil
}
