// Package outbox holds what must happen after a commit. A context puts a row in its
// own transaction; the relay (job) hands waiting rows to the queue; a worker reads
// the row again, acts, and marks it done or puts it off. The queue is only a
// wake-up: losing all of it delays work and never loses or doubles it.
//
// It owns the table outbox. States: waiting -> sent -> done; sent -> waiting again
// when a worker puts it off, or when nobody reported for too long.
package outbox

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fail"
	"siyu/model/id"
)

// States of a row.
const (
	Waiting = 0
	Sent    = 1
	Done    = 2
)

// Row is one wake-up to deliver. Ref is the id of the row that is the truth.
type Row struct {
	ID        id.ID         `json:"id"`
	Task      string        `json:"task"`
	RefID     id.ID         `json:"ref_id"`
	State     int           `json:"state"`
	DueAt     clock.Instant `json:"due_at"`
	Tries     int           `json:"tries"`
	CreatedAt clock.Instant `json:"created_at"`
	SentAt    clock.Instant `json:"sent_at"`
	DoneAt    clock.Instant `json:"done_at"`
	LastError string        `json:"last_error"`
}

// TableName names the table for GORM.
func (Row) TableName() string { return "outbox" }

// Store reads and writes the table.
type Store struct {
	db *db.DB
	// nudge tells the relay in this process that something was put, so that it does
	// not wait for its next look. Other processes find it by looking.
	nudge   chan struct{}
	endings *db.Merger[ending]
}

// New makes a store. One store per process, so that the nudge reaches the relay and
// reports are merged.
func New(d *db.DB) *Store {
	s := &Store{db: d, nudge: make(chan struct{}, 1)}
	s.endings = db.NewMerger(d, s.report)
	return s
}

// Nudges receives after something was put. It may fire once for many rows.
func (s *Store) Nudges() <-chan struct{} { return s.nudge }

// Nudge wakes the relay; call it after the commit.
func (s *Store) Nudge() {
	select {
	case s.nudge <- struct{}{}:
	default:
	}
}

// PutTx adds a wake-up, due at a moment (0 = now), to the caller's transaction.
func (s *Store) PutTx(ctx context.Context, tx *gorm.DB, task string, ref id.ID, due clock.Instant) (id.ID, error) {
	if fail.Broken("enqueue") { // before the commit instead of with it
		tx = s.db.Read(ctx)
	}
	now := s.db.Now()
	if due == 0 {
		due = now
	}
	r := Row{ID: s.db.NewID(), Task: task, RefID: ref, DueAt: due, CreatedAt: now}
	if err := tx.WithContext(ctx).Create(&r).Error; err != nil {
		return 0, fmt.Errorf("outbox: put %s: %w", task, err)
	}
	return r.ID, nil
}

// PutAllTx adds wake-ups for many rows, due now, in one statement.
func (s *Store) PutAllTx(ctx context.Context, tx *gorm.DB, task string, refs []id.ID) error {
	if fail.Broken("enqueue") { // before the commit instead of with it
		tx = s.db.Read(ctx)
	}
	now := s.db.Now()
	rows := db.NewRows("outbox", "id, task, ref_id, state, due_at, tries, created_at, sent_at, done_at, last_error")
	for _, ref := range refs {
		rows.Add(s.db.NewID(), task, ref, Waiting, now, 0, now, 0, 0, "")
	}
	if _, err := rows.Insert(ctx, tx, ""); err != nil {
		return fmt.Errorf("outbox: put %s: %w", task, err)
	}
	return nil
}

// EndAllTx ends the wake-ups of one kind for things that need none any more, in the
// caller's transaction: a worker that comes all the same finds its row done.
func (s *Store) EndAllTx(ctx context.Context, tx *gorm.DB, task string, refs []id.ID) error {
	if len(refs) == 0 {
		return nil
	}
	// Read first, written by id in order: relays and workers write by id too, and nobody
	// waits for anybody in a circle.
	var rows []id.ID
	err := tx.WithContext(ctx).Model(&Row{}).Where("ref_id IN ? AND task = ? AND state <> ?", refs, task, Done).Order("id").Pluck("id", &rows).Error
	if err == nil && len(rows) > 0 {
		err = tx.WithContext(ctx).Model(&Row{}).Where("id IN ? AND state <> ?", rows, Done).
			Updates(map[string]any{"state": Done, "done_at": s.db.Now(), "last_error": ""}).Error
	}
	if err != nil {
		return fmt.Errorf("outbox: end %s: %w", task, err)
	}
	return nil
}

// Due returns up to limit waiting rows whose time has come, oldest first.
func (s *Store) Due(ctx context.Context, limit int) ([]Row, error) {
	var rows []Row
	err := s.db.Read(ctx).Where("state = ? AND due_at <= ?", Waiting, s.db.Now()).Order("due_at, id").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("outbox: due: %w", err)
	}
	return rows, nil
}

// MarkSent moves rows from waiting to sent, as they were when they were read. A row
// that its worker has put off meanwhile waits again and is left alone: marked sent it
// would be silent until Requeue. Two relays may both have handed a row over; that is a
// second wake-up, and wake-ups are harmless.
func (s *Store) MarkSent(ctx context.Context, rows []Row) error {
	byTries := map[int][]id.ID{}
	for _, r := range rows {
		byTries[r.Tries] = append(byTries[r.Tries], r.ID)
	}
	if len(byTries) == 0 {
		return nil
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		for _, tries := range slices.Sorted(maps.Keys(byTries)) {
			err := tx.Model(&Row{}).Where("id IN ? AND state = ? AND tries = ?", byTries[tries], Waiting, tries).
				Updates(map[string]any{"state": Sent, "sent_at": s.db.Now()}).Error
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Get reads one row.
func (s *Store) Get(ctx context.Context, rowID id.ID) (Row, error) {
	var r Row
	if err := s.db.Read(ctx).Where("id = ?", rowID).Take(&r).Error; err != nil {
		return Row{}, fmt.Errorf("outbox: row %d: %w", rowID, err)
	}
	return r, nil
}

// Requeue makes rows of some tasks waiting again that were sent before the given moment
// and of which nobody reported: the queue lost them or the worker died. Tries grows, so
// the queue sees a new task id (an archived task blocks its old id for ever).
func (s *Store) Requeue(ctx context.Context, tasks []string, sentBefore clock.Instant, limit int) (int64, error) {
	var n int64
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		var ids []id.ID
		if err := tx.Model(&Row{}).Where("state = ? AND task IN ? AND sent_at < ?", Sent, tasks, sentBefore).Order("due_at").Limit(limit).Pluck("id", &ids).Error; err != nil {
			return err
		}
		if len(ids) == 0 {
			n = 0
			return nil
		}
		r := tx.Model(&Row{}).Where("id IN ? AND state = ? AND sent_at < ?", ids, Sent, sentBefore).
			Updates(map[string]any{"state": Waiting, "tries": gorm.Expr("tries + 1"), "due_at": s.db.Now()})
		n = r.RowsAffected
		return r.Error
	})
	if err != nil {
		return 0, fmt.Errorf("outbox: requeue: %w", err)
	}
	return n, nil
}

// Counts returns how many rows wait, are sent, and the age of the oldest due row.
func (s *Store) Counts(ctx context.Context) (waiting, sent int64, oldest time.Duration, err error) {
	g := s.db.Read(ctx).Model(&Row{})
	if err = g.Where("state = ?", Waiting).Count(&waiting).Error; err != nil {
		return
	}
	if err = s.db.Read(ctx).Model(&Row{}).Where("state = ?", Sent).Count(&sent).Error; err != nil {
		return
	}
	var due []clock.Instant
	if err = s.db.Read(ctx).Model(&Row{}).Where("state = ?", Waiting).Order("due_at").Limit(1).Pluck("due_at", &due).Error; err != nil {
		return
	}
	if len(due) == 1 && due[0] < s.db.Now() {
		oldest = s.db.Now().Sub(due[0])
	}
	return
}

// Prune deletes rows that were done before the given moment, at most limit, and says
// how many.
func (s *Store) Prune(ctx context.Context, doneBefore clock.Instant, limit int) (n int, err error) {
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		var ids []id.ID
		if err := tx.Model(&Row{}).Where("state = ? AND due_at < ? AND done_at < ?", Done, doneBefore, doneBefore).Limit(limit).Pluck("id", &ids).Error; err != nil {
			return err
		}
		if n = len(ids); n == 0 {
			return nil
		}
		return tx.Where("id IN ?", ids).Delete(&Row{}).Error
	})
	return n, err
}
