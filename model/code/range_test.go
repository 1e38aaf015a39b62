package code_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
)

func TestRanges(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := open(t, d)
		set := func(b code.Batch, from, until int64, state, reason string, at clock.Instant) error {
			_, err := s.codes.SetRange(ctx, code.Range{BatchID: b.ID, From: from, Until: until, State: state, Reason: reason, EffectiveAt: at})
			return err
		}
		must := func(t *testing.T, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		want := func(t *testing.T, b code.Batch, serial int64, state string) code.Code {
			t.Helper()
			c, err := s.codes.Check(ctx, s.token(t, b, serial))
			if err != nil || c.State != state {
				t.Fatalf("serial %d: %s %v, want %s", serial, c.State, err, state)
			}
			return c
		}
		t.Run("an activation holds for its serials only, from now on", func(t *testing.T) {
			b := s.batch(t, 100)
			must(t, set(b, 10, 20, code.Activated, "", 0))
			want(t, b, 9, code.Issued)
			if c := want(t, b, 10, code.Activated); c.StateSince != clk.Now() {
				t.Fatal(c)
			}
			want(t, b, 19, code.Activated)
			want(t, b, 20, code.Issued)
		})
		t.Run("a change at a time takes effect at that time without a refresh", func(t *testing.T) {
			b := s.batch(t, 10)
			at := clk.Now().Add(time.Hour)
			must(t, set(b, 1, 11, code.Activated, "", at))
			clk.Advance(time.Hour - time.Millisecond)
			want(t, b, 5, code.Issued)
			clk.Advance(time.Millisecond)
			if c := want(t, b, 5, code.Activated); c.StateSince != at {
				t.Fatal(c)
			}
		})
		t.Run("batches are listed once what is void in them is in effect", func(t *testing.T) {
			b, other := s.batch(t, 10), s.batch(t, 10)
			at := clk.Now().Add(time.Hour)
			must(t, set(b, 1, 3, code.Voided, "破损", at))
			must(t, set(b, 5, 6, code.Voided, "破损", at))
			must(t, set(other, 1, 11, code.Activated, "", 0))
			for until, n := range map[clock.Instant]int{at - 1: 0, at: 1} {
				if got, err := s.codes.VoidedBatches(ctx, clk.Now(), until); err != nil || len(got) != n || n == 1 && got[0] != b.ID {
					t.Errorf("until %d: %v %v", until, got, err)
				}
			}
		})
		t.Run("a recall beats activations, also one declared before for later, and is lifted with a reason only", func(t *testing.T) {
			b := s.batch(t, 10)
			must(t, set(b, 1, 6, code.Activated, "", 0))
			must(t, set(b, 6, 11, code.Activated, "", clk.Now().Add(time.Hour)))
			must(t, set(b, 1, 11, code.Recalled, "瓶盖不合格", 0))
			clk.Advance(2 * time.Hour)
			if c := want(t, b, 3, code.Recalled); c.StateReason != "瓶盖不合格" {
				t.Fatal(c)
			}
			want(t, b, 8, code.Recalled)
			is(t, set(b, 1, 11, code.Activated, "", 0), fault.Conflict, "range_recalled")
			must(t, set(b, 1, 6, code.Activated, "复检合格", 0))
			want(t, b, 3, code.Activated)
			want(t, b, 8, code.Recalled)
		})
		t.Run("what is void stays void", func(t *testing.T) {
			b := s.batch(t, 10)
			must(t, set(b, 1, 4, code.Voided, "印刷报废", 0))
			want(t, b, 3, code.Voided)
			err := set(b, 2, 8, code.Activated, "", 0)
			is(t, err, fault.Conflict, "range_voided")
			if f := fault.Of(err); f.Detail["from_serial"] != int64(2) || f.Detail["until_serial"] != int64(4) {
				t.Fatal(f.Detail)
			}
			must(t, set(b, 1, 11, code.Recalled, "全部召回", 0)) // some of them are not void
			want(t, b, 3, code.Voided)
			want(t, b, 4, code.Recalled)
		})
		t.Run("activating until a planned void is fine, after it is not", func(t *testing.T) {
			b := s.batch(t, 10)
			must(t, set(b, 1, 11, code.Voided, "过期", clk.Now().Add(time.Hour)))
			must(t, set(b, 1, 11, code.Activated, "", 0))
			is(t, set(b, 1, 11, code.Activated, "", clk.Now().Add(time.Hour)), fault.Conflict, "range_voided")
			clk.Advance(time.Hour)
			want(t, b, 1, code.Voided)
		})
		t.Run("a declaration that changes nothing is a mistake", func(t *testing.T) {
			b := s.batch(t, 10)
			must(t, set(b, 1, 6, code.Activated, "", 0))
			is(t, set(b, 2, 5, code.Activated, "", 0), fault.Conflict, "range_nothing")
			must(t, set(b, 3, 9, code.Activated, "", 0)) // overlaps and adds
			must(t, set(b, 1, 11, code.Voided, "x", 0))
			is(t, set(b, 1, 11, code.Voided, "x", 0), fault.Conflict, "range_nothing")
			is(t, set(b, 1, 11, code.Recalled, "x", 0), fault.Conflict, "range_nothing")
		})
		t.Run("bad declarations are refused and leave nothing", func(t *testing.T) {
			b := s.batch(t, 10)
			for _, bad := range []struct {
				r    code.Range
				code string
			}{
				{code.Range{From: 0, Until: 5, State: code.Activated}, "range_bounds"},
				{code.Range{From: 5, Until: 5, State: code.Activated}, "range_bounds"},
				{code.Range{From: 1, Until: 12, State: code.Activated}, "range_bounds"},
				{code.Range{From: 1, Until: 5, State: code.Issued}, "range_state"},
				{code.Range{From: 1, Until: 5, State: code.Voided, Reason: "  "}, "range_reason"},
				{code.Range{From: 1, Until: 5, State: code.Voided, Reason: strings.Repeat("废", 201)}, "range_reason"},
				{code.Range{From: 1, Until: 5, State: code.Activated, EffectiveAt: clk.Now().Add(-time.Hour)}, "range_time"},
				{code.Range{From: 1, Until: 5, State: code.Activated, EffectiveAt: clk.Now().Add(11 * 365 * 24 * time.Hour)}, "range_time"},
			} {
				bad.r.BatchID = b.ID
				_, err := s.codes.SetRange(ctx, bad.r)
				is(t, err, fault.Invalid, bad.code)
			}
			_, err := s.codes.SetRange(ctx, code.Range{BatchID: 1, From: 1, Until: 2, State: code.Activated})
			is(t, err, fault.NotFound, "batch_unknown")
			if rows, err := s.codes.Ranges(ctx, b.ID); err != nil || len(rows) != 0 {
				t.Fatal(rows, err)
			}
		})
		t.Run("declarations at once are all judged by each other", func(t *testing.T) {
			b := s.batch(t, 8)
			other := code.New(d, s.box)
			var all sync.WaitGroup
			errs := make([]error, 16)
			for i := range errs {
				all.Go(func() {
					store := s.codes
					if i%2 == 1 {
						store = other
					}
					// Each serial is activated by two; the second of them changes nothing.
					from := int64(i/2) + 1
					_, errs[i] = store.SetRange(ctx, code.Range{BatchID: b.ID, From: from, Until: from + 1, State: code.Activated})
				})
			}
			all.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else {
					is(t, err, fault.Conflict, "range_nothing")
				}
			}
			rows, err := s.codes.Ranges(ctx, b.ID)
			if err != nil || won != 8 || len(rows) != 8 {
				t.Fatal(won, len(rows), err)
			}
			for i, r := range rows {
				if r.Seq != int64(i+1) {
					t.Fatal(rows)
				}
			}
			spans, err := s.codes.States(ctx, b.ID, clk.Now())
			if err != nil || len(spans) != 1 || spans[0].From != 1 || spans[0].Until != 9 || spans[0].State != code.Activated {
				t.Fatal(spans, err)
			}
		})
	})
}

func TestABatchHoldsAThousandDeclarations(t *testing.T) {
	s := open(t, dbtest.Open(t, db.SQLite, clock.NewFake(dbtest.Start)))
	b := s.batch(t, 2*code.MaxRanges+2)
	// All but the last straight into the table: a thousand commits would test the disk.
	rows := make([]code.Range, code.MaxRanges-1)
	for i := range rows {
		from := int64(2*i + 1)
		rows[i] = code.Range{ID: s.d.NewID(), BatchID: b.ID, Seq: int64(i + 1), From: from, Until: from + 1, State: code.Activated, EffectiveAt: 1}
	}
	if err := s.d.InTx(ctx, func(tx *gorm.DB) error { return tx.CreateInBatches(rows, 100).Error }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.codes.SetRange(ctx, code.Range{BatchID: b.ID, From: 2*code.MaxRanges - 1, Until: 2 * code.MaxRanges, State: code.Activated}); err != nil {
		t.Fatal(err)
	}
	_, err := s.codes.SetRange(ctx, code.Range{BatchID: b.ID, From: b.Count, Until: b.Count + 1, State: code.Activated})
	is(t, err, fault.Exhausted, "ranges_full")
	for _, serial := range []int64{1, 2, 999, 1000, 2*code.MaxRanges - 1, 2 * code.MaxRanges} {
		c, err := s.codes.Check(ctx, s.token(t, b, serial))
		if err != nil || (c.State == code.Activated) != (serial%2 == 1) {
			t.Fatal(serial, c, err)
		}
	}
}
