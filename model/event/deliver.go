package event

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
)

// Task is the wake-up that delivers a batch; its ref is the batch's id.
const Task = "event:deliver"

// batch is a row of event_batch.
type batch struct {
	ID        id.ID
	Events    []byte
	Done      string // names of consumers, sorted, joined by commas
	CreatedAt clock.Instant
}

func (batch) TableName() string { return "event_batch" }

// Consume registers who is told of every event stored from now on. Names are kept in
// rows: a consumer that is renamed is told again of what is on its way. Register before
// anything is delivered; names hold no comma.
func (s *Store) Consume(name string, c Consumer) { s.consumers[name] = c }

// batchTx notes which events were stored, with a wake-up.
func (s *Store) batchTx(ctx context.Context, tx *gorm.DB, results []Result) error {
	var packed []byte
	for _, r := range results {
		if r.Status == Stored {
			packed = binary.BigEndian.AppendUint64(packed, uint64(r.ID))
		}
	}
	if packed == nil {
		return nil
	}
	b := s.db.NewID()
	if _, err := db.Exec(ctx, tx, "INSERT INTO event_batch (id, events, done, created_at) VALUES (?,?,'',?)", b, packed, s.db.Now()); err != nil {
		return err
	}
	return s.out.PutAllTx(ctx, tx, Task, []id.ID{b})
}

// Deliver tells every consumer that has not had the batch. A consumer that fails holds
// up no other; its error is returned, and the next call tells only those who failed.
// Two calls at once may tell a consumer twice, and so may the call after one that died:
// who has had a batch is written down when somebody failed, for all at once.
func (s *Store) Deliver(ctx context.Context, batchID id.ID) error {
	var b batch
	err := s.db.Read(ctx).Where("id = ?", batchID).Take(&b).Error
	if db.IsNotFound(err) {
		return nil // all have had it
	}
	if err != nil {
		return fmt.Errorf("event: batch: %w", err)
	}
	events, err := s.eventsOf(ctx, b)
	if err != nil {
		return err
	}
	var failed []error
	var had []string
	for _, name := range slices.Sorted(maps.Keys(s.consumers)) {
		if slices.Contains(strings.Split(b.Done, ","), name) {
			continue
		}
		if err := s.consumers[name](ctx, slices.Clone(events)); err != nil {
			failed = append(failed, fmt.Errorf("event: consumer %s: %w", name, err))
			continue
		}
		had = append(had, name)
	}
	if failed != nil {
		if had != nil {
			failed = append(failed, s.done(ctx, batchID, had))
		}
		return errors.Join(failed...)
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error { return tx.Where("id = ?", batchID).Delete(&batch{}).Error })
}

// eventsOf reads a batch's events. Those that were erased since are nobody's and are
// left out.
func (s *Store) eventsOf(ctx context.Context, b batch) ([]Event, error) {
	ids := make([]id.ID, 0, len(b.Events)/8)
	for ; len(b.Events) >= 8; b.Events = b.Events[8:] {
		ids = append(ids, id.ID(binary.BigEndian.Uint64(b.Events)))
	}
	var events []Event
	if err := s.db.Read(ctx).Where("id IN ? AND channel <> ?", ids, Erased).Order("at, id").Find(&events).Error; err != nil {
		return nil, fmt.Errorf("event: batch %d: %w", b.ID, err)
	}
	return events, nil
}

// done adds names to those who have had the batch. Another worker may add some at the
// same time: the update is guarded by what was read.
func (s *Store) done(ctx context.Context, batchID id.ID, had []string) error {
	for ctx.Err() == nil {
		var b batch
		err := s.db.Read(ctx).Select("done").Where("id = ?", batchID).Take(&b).Error
		if db.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("event: batch: %w", err)
		}
		names := slices.Concat(strings.Split(b.Done, ","), had)
		slices.Sort(names)
		if names = slices.Compact(names); strings.Trim(strings.Join(names, ","), ",") == b.Done {
			return nil
		}
		var moved bool
		err = s.db.InTx(ctx, func(tx *gorm.DB) error {
			r := tx.Model(&batch{}).Where("id = ? AND done = ?", batchID, b.Done).Updates(map[string]any{"done": strings.Trim(strings.Join(names, ","), ",")})
			moved = r.RowsAffected == 1
			return r.Error
		})
		if moved || err != nil {
			return err
		}
	}
	return ctx.Err()
}
