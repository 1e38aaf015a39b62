package code_test

import (
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
)

func TestRevoking(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := open(t, d)
		of := func(b code.Batch, from, until int64, state string, at clock.Instant) code.Range {
			return code.Range{BatchID: b.ID, From: from, Until: until, State: state, Reason: "发错货", EffectiveAt: at}
		}
		set := func(t *testing.T, r code.Range) {
			t.Helper()
			if _, err := s.codes.SetRange(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
		counts := func(t *testing.T, b code.Batch, activated, issued int64) {
			t.Helper()
			if n := s.codes.Counts(b.ID); n[code.Activated] != activated || n[code.Issued] != issued {
				t.Fatal(n)
			}
		}
		t.Run("takes an activation back, and the codes can be activated anew", func(t *testing.T) {
			b := s.batch(t, 10)
			set(t, of(b, 1, 11, code.Activated, 0))
			set(t, of(b, 4, 8, code.Revoked, 0))
			counts(t, b, 6, 4)
			set(t, of(b, 4, 6, code.Activated, 0))
			counts(t, b, 8, 2)
		})
		t.Run("also takes back what was planned for later, and nothing planned after it", func(t *testing.T) {
			b := s.batch(t, 10)
			set(t, of(b, 1, 6, code.Activated, clk.Now().Add(time.Hour)))
			set(t, of(b, 1, 6, code.Revoked, 0))
			set(t, of(b, 6, 11, code.Activated, clk.Now().Add(time.Hour)))
			clk.Advance(2 * time.Hour)
			counts(t, b, 5, 5)
		})
		t.Run("is refused where nothing is activated, for a later time, and after a recall", func(t *testing.T) {
			b := s.batch(t, 10)
			_, err := s.codes.SetRange(ctx, of(b, 1, 11, code.Revoked, 0))
			is(t, err, fault.Conflict, "range_nothing")
			set(t, of(b, 1, 11, code.Activated, 0))
			_, err = s.codes.SetRange(ctx, of(b, 1, 11, code.Revoked, clk.Now().Add(time.Hour)))
			is(t, err, fault.Invalid, "range_time")
			set(t, of(b, 9, 11, code.Recalled, 0))
			set(t, of(b, 9, 11, code.Activated, 0))
			_, err = s.codes.SetRange(ctx, of(b, 1, 11, code.Revoked, 0))
			is(t, err, fault.Conflict, "range_recalled_before")
			set(t, of(b, 1, 9, code.Revoked, 0))
		})
		t.Run("an effect is what the declaration then does, and writes nothing", func(t *testing.T) {
			b := s.batch(t, 10)
			set(t, of(b, 3, 5, code.Activated, 0))
			set(t, of(b, 9, 11, code.Voided, 0))
			r := of(b, 1, 11, code.Recalled, 0)
			r.Reason = ""
			e, err := s.codes.Effect(ctx, r)
			if err != nil || e.Codes != 10 || e.Changes != 8 || e.From[code.Activated] != 2 || e.From[code.Issued] != 6 || e.At != clk.Now() {
				t.Fatalf("%+v %v", e, err)
			}
			counts(t, b, 2, 6)
			_, err = s.codes.Effect(ctx, of(b, 1, 11, code.Activated, 0))
			is(t, err, fault.Conflict, "range_voided")
		})
	})
}
