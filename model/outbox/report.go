package outbox

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
)

// ending is what a worker reports of its row. Reports that wait are written together:
// one commit each would cost more than all the rest of a small task.
type ending struct {
	row id.ID
	off off // zero: the row is done
	err error
}

// off is when and why a row waits again.
type off struct {
	until clock.Instant
	why   string
}

// MarkDone ends a row.
func (s *Store) MarkDone(ctx context.Context, rowID id.ID) error {
	return s.end(ctx, ending{row: rowID})
}

// PutOff makes a row due again after a pause; why is kept for operators (no secrets).
func (s *Store) PutOff(ctx context.Context, rowID id.ID, after time.Duration, why string) error {
	why = strings.ToValidUTF8(why, "?") // MySQL refuses what is no text, and the row would stay silent
	if r := []rune(why); len(r) > 480 {
		why = string(r[:480])
	}
	return s.end(ctx, ending{row: rowID, off: off{s.db.Now().Add(after), why}})
}

func (s *Store) end(ctx context.Context, e ending) error {
	if err := s.endings.Do(ctx, &e); err != nil {
		return err // e may still be written: it must not be read
	}
	return e.err
}

// report writes endings in one transaction.
func (s *Store) report(ctx context.Context, batch []*ending) {
	db.Together(batch, func(batch []*ending) error {
		return s.db.InTx(ctx, func(tx *gorm.DB) error { return s.reportTx(tx, batch) })
	}, func(e *ending, err error) { e.err = fmt.Errorf("outbox: report on row %d: %w", e.row, err) })
}

// reportTx: done rows first, because done is final whoever else reports on the row. Rows
// that wait for the same moment and reason share a statement; most do.
func (s *Store) reportTx(tx *gorm.DB, batch []*ending) error {
	var done []id.ID
	var order []off
	waits := map[off][]id.ID{}
	for _, e := range batch {
		if e.off == (off{}) {
			done = append(done, e.row)
			continue
		}
		if waits[e.off] == nil {
			order = append(order, e.off)
		}
		waits[e.off] = append(waits[e.off], e.row)
	}
	if len(done) > 0 {
		err := tx.Model(&Row{}).Where("id IN ? AND state <> ?", done, Done).
			Updates(map[string]any{"state": Done, "done_at": s.db.Now(), "last_error": ""}).Error
		if err != nil {
			return err
		}
	}
	for _, o := range order {
		err := tx.Model(&Row{}).Where("id IN ? AND state <> ?", waits[o], Done).
			Updates(map[string]any{"state": Waiting, "due_at": o.until, "tries": gorm.Expr("tries + 1"), "last_error": o.why}).Error
		if err != nil {
			return err
		}
	}
	return nil
}
