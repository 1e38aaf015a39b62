package outbox

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// StuckTries is how often a wake-up was put off before people are shown it.
const StuckTries = 3

// stuckWindow is how many waiting rows are looked at. What was put off is due later than
// what has not been tried, so it is found at the far end of the index.
const stuckWindow = 2000

// Stuck lists wake-ups that were put off several times with a reason (失败任务), the latest
// due first. It looks at a bounded number of rows, however many wait.
func (s *Store) Stuck(ctx context.Context, limit int) ([]Row, error) {
	out := []Row{}
	err := s.db.Read(ctx).Raw("SELECT * FROM (SELECT * FROM outbox WHERE state = ? ORDER BY due_at DESC LIMIT ?) w WHERE w.tries >= ? AND w.last_error <> '' ORDER BY w.tries DESC, w.id LIMIT ?",
		Waiting, stuckWindow, StuckTries, limit).Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("outbox: stuck: %w", err)
	}
	return out, nil
}

// Hurry makes a row that was put off due now. Faults: NotFound task_unknown; Conflict
// task_moving, when it is done or a worker has it.
func (s *Store) Hurry(ctx context.Context, rowID id.ID) (Row, error) {
	var moved bool
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Model(&Row{}).Where("id = ? AND state = ?", rowID, Waiting).Updates(map[string]any{"due_at": s.db.Now()})
		moved = r.RowsAffected == 1
		return r.Error
	})
	if err != nil {
		return Row{}, fmt.Errorf("outbox: hurry: %w", err)
	}
	row, err := s.Get(ctx, rowID)
	switch {
	case db.IsNotFound(err):
		return Row{}, fault.New(fault.NotFound, "task_unknown", "没有这个任务，可能已经完成")
	case err == nil && !moved && (row.State != Waiting || row.DueAt > s.db.Now()):
		return row, fault.New(fault.Conflict, "task_moving", "任务正在执行或已经完成，请刷新")
	}
	s.Nudge()
	return row, err
}
