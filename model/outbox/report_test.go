package outbox

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
)

// Reports that are written together end each row as it would have ended alone.
func TestReportsWrittenTogether(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		s := New(d)
		var rows []id.ID
		for ref := range id.ID(8) {
			err := d.InTx(ctx, func(tx *gorm.DB) error {
				row, err := s.PutTx(ctx, tx, "notice:apply", ref+1, 0)
				rows = append(rows, row)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		soon, late := off{clk.Now().Add(time.Second), "slow"}, off{clk.Now().Add(time.Hour), "night"}
		long := off{clk.Now().Add(time.Minute), strings.Repeat("长", 480)}
		batch := []*ending{{row: rows[0]}, {row: rows[1], off: soon}, {row: rows[2], off: soon}, {row: rows[3], off: late}, {row: rows[4]},
			{row: rows[5], off: soon}, {row: rows[5]}, // two workers had it: done is final
			{row: rows[6], off: long}, {row: 4711}} // a row that was pruned
		s.report(ctx, batch)
		for _, e := range batch {
			if e.err != nil {
				t.Error(e.err)
			}
		}
		for i, want := range []struct {
			state, tries int
			off
		}{{state: Done}, {Waiting, 1, soon}, {Waiting, 1, soon}, {Waiting, 1, late}, {state: Done}, {state: Done}, {Waiting, 1, long}, {state: Waiting}} {
			r, err := s.Get(ctx, rows[i])
			if err != nil || r.State != want.state || r.Tries != want.tries || r.LastError != want.why || want.tries > 0 && r.DueAt != want.until {
				t.Errorf("row %d: %+v %v, want %+v", i, r, err, want)
			}
		}
		// From outside, many at once.
		var wg sync.WaitGroup
		for _, row := range rows {
			wg.Go(func() {
				if err := s.MarkDone(ctx, row); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if waiting, sent, _, err := s.Counts(ctx); waiting+sent != 0 || err != nil {
			t.Errorf("%d wait, %d are sent, %v", waiting, sent, err)
		}
	})
}

// A report that the database refuses fails alone.
func TestAReportThatCannotBeWrittenFailsAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		if d.Driver() == db.SQLite {
			return // takes any text
		}
		ctx := context.Background()
		s := New(d)
		var rows [2]id.ID
		for i := range rows {
			err := d.InTx(ctx, func(tx *gorm.DB) (err error) { rows[i], err = s.PutTx(ctx, tx, "notice:apply", 1, 0); return err })
			if err != nil {
				t.Fatal(err)
			}
		}
		good, bad := &ending{row: rows[0]}, &ending{row: rows[1], off: off{clk.Now(), strings.Repeat("x", 501)}}
		s.report(ctx, []*ending{bad, good})
		if r, err := s.Get(ctx, rows[0]); err != nil || r.State != Done || good.err != nil || bad.err == nil {
			t.Errorf("%+v, good %v, bad %v", r, good.err, bad.err)
		}
	})
}
