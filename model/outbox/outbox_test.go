package outbox_test

import (
	"context"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/outbox"
)

func TestOutbox(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := outbox.New(d)
		put := func(ref id.ID, due clock.Instant) (row id.ID) {
			t.Helper()
			if err := d.InTx(ctx, func(tx *gorm.DB) (err error) { row, err = s.PutTx(ctx, tx, "notice:apply", ref, due); return err }); err != nil {
				t.Fatal(err)
			}
			return row
		}
		due := func() []outbox.Row {
			t.Helper()
			rows, err := s.Due(ctx, 100)
			if err != nil {
				t.Fatal(err)
			}
			return rows
		}
		t.Run("a transaction that fails leaves no wake-up", func(t *testing.T) {
			boom := fault.New(fault.Conflict, "boom", "")
			_ = d.InTx(ctx, func(tx *gorm.DB) error {
				if _, err := s.PutTx(ctx, tx, "notice:apply", 1, 0); err != nil {
					t.Fatal(err)
				}
				return boom
			})
			if n := len(due()); n != 0 {
				t.Fatal(n)
			}
		})
		now, later := put(1, 0), put(2, clk.Now().Add(time.Minute))
		t.Run("a row waits for its time", func(t *testing.T) {
			if rows := due(); len(rows) != 1 || rows[0].ID != now || rows[0].RefID != 1 {
				t.Fatalf("%+v", rows)
			}
			clk.Advance(time.Minute)
			if rows := due(); len(rows) != 2 || rows[1].ID != later {
				t.Fatalf("%+v", rows)
			}
		})
		tasks := []string{"payout:drive", "notice:apply"}
		t.Run("sent rows are not due; silent ones wait again under a new try", func(t *testing.T) {
			if err := s.MarkSent(ctx, []outbox.Row{{ID: now}, {ID: later}}); err != nil {
				t.Fatal(err)
			}
			if n := len(due()); n != 0 {
				t.Fatal(n)
			}
			if n, err := s.Requeue(ctx, tasks, clk.Now(), 100); n != 0 || err != nil {
				t.Fatal("requeued before its time", n, err)
			}
			clk.Advance(3 * time.Minute)
			if n, err := s.Requeue(ctx, tasks, clk.Now().Add(-2*time.Minute), 100); n != 2 || err != nil {
				t.Fatal(n, err)
			}
			if rows := due(); len(rows) != 2 || rows[0].Tries != 1 {
				t.Fatalf("%+v", rows)
			}
		})
		t.Run("a worker that was faster than the relay is not overruled", func(t *testing.T) {
			row := put(3, 0)
			if err := s.PutOff(ctx, row, time.Second, "later"); err != nil {
				t.Fatal(err)
			}
			clk.Advance(time.Second) // the relay is so late that the row is due again
			if err := s.MarkSent(ctx, []outbox.Row{{ID: row}}); err != nil {
				t.Fatal(err)
			}
			if r, err := s.Get(ctx, row); err != nil || r.State != outbox.Waiting {
				t.Fatalf("%+v %v", r, err)
			}
			if err := s.MarkDone(ctx, row); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("a reason that is no text is kept as one, on every engine", func(t *testing.T) {
			row := put(4, 0)
			if err := s.PutOff(ctx, row, time.Hour, "dial \xff\xfe: refused"); err != nil {
				t.Fatal(err)
			}
			if r, err := s.Get(ctx, row); err != nil || r.LastError != "dial ?: refused" {
				t.Fatalf("%q %v", r.LastError, err)
			}
			if err := s.MarkDone(ctx, row); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("done is for ever", func(t *testing.T) {
			if err := s.MarkDone(ctx, now); err != nil {
				t.Fatal(err)
			}
			if err := s.PutOff(ctx, now, 0, "late worker"); err != nil {
				t.Fatal(err)
			}
			if r, err := s.Get(ctx, now); err != nil || r.State != outbox.Done {
				t.Fatalf("%+v %v", r, err)
			}
		})
		t.Run("many wake-ups in one statement", func(t *testing.T) {
			refs := []id.ID{11, 12, 13}
			if err := d.InTx(ctx, func(tx *gorm.DB) error { return s.PutAllTx(ctx, tx, "notice:apply", refs) }); err != nil {
				t.Fatal(err)
			}
			if n := len(due()); n != 4 {
				t.Fatal(n)
			}
		})
		t.Run("counts tell how far behind the relay is", func(t *testing.T) {
			clk.Advance(time.Minute)
			waiting, sent, oldest, err := s.Counts(ctx)
			if err != nil || waiting != 4 || sent != 0 || oldest < time.Minute {
				t.Fatal(waiting, sent, oldest, err)
			}
		})
		t.Run("pruning takes only what was done long ago", func(t *testing.T) {
			if _, err := s.Prune(ctx, clk.Now().Add(-time.Hour), 100); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Get(ctx, now); err != nil {
				t.Fatal("a fresh row is gone", err)
			}
			clk.Advance(2 * time.Hour)
			if _, err := s.Prune(ctx, clk.Now().Add(-time.Hour), 100); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Get(ctx, now); !db.IsNotFound(err) {
				t.Fatal("an old row is still there", err)
			}
			if _, err := s.Get(ctx, later); err != nil {
				t.Fatal("a waiting row was pruned", err)
			}
		})
	})
}
