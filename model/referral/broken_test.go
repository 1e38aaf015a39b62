package referral

import (
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
)

// TestABrokenNodeStopsOnlyItself: a node is gone that a binding speaks of (a restore of one
// table, a hand in the database). Who hangs on it can be put right, and the brand works on.
func TestABrokenNodeStopsOnlyItself(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		w.policy(func(p *Policy) { p.ValidDays, p.ProtectDays = 30, 1 })
		p := w.persons(8)
		w.bind(p[1], p[0])
		w.bind(p[2], p[1])
		w.bind(p[3], p[0])
		w.exec("DELETE FROM referral_node WHERE member_id = ?", p[1])
		t.Run("others are bound and counted", func(t *testing.T) {
			w.bind(p[4], p[0])
			e := event.Event{Key: "claim:1", Type: event.Claim, BrandID: brand, MemberID: p[3], Channel: event.Code, At: clk.Now(), Body: event.Body(event.ClaimBody{})}
			below := e
			below.Key, below.MemberID = "claim:2", p[2] // whose path names who is gone
			if err := w.Consume(ctx, []event.Event{e, below}); err != nil {
				t.Error("nobody of the brand is counted any more:", err)
			}
		})
		t.Run("an operator ends his binding, and that of who stood below him", func(t *testing.T) {
			for _, m := range p[1:3] {
				if err := w.End(ctx, Change{BrandID: brand, MemberID: m, Reason: "修复", By: 1}); err != nil {
					t.Error(err)
				}
			}
		})
		t.Run("what is over ends for all others", func(t *testing.T) {
			w.bind(p[6], p[5])
			w.exec("DELETE FROM referral_node WHERE member_id = ?", p[6])
			clk.Advance(31 * 24 * time.Hour)
			if n, err := w.EndDue(ctx, 100); err != nil || n == 0 {
				t.Error(n, err)
			}
			if n, err := w.EndDue(ctx, 100); err != nil || n != 0 {
				t.Error(n, err)
			}
		})
		t.Run("a list of who is gone lists nobody else", func(t *testing.T) {
			x, err := w.Ask(ctx, Change{BrandID: brand, MemberID: p[3], Reason: "核对", By: 1})
			if err != nil {
				t.Fatal(err)
			}
			w.exec("DELETE FROM referral_node WHERE member_id = ?", p[3])
			w.refused(w.Write(ctx, x.ID), "referral_none")
			if x, err = w.ExportOf(ctx, x.ID); err != nil || x.Done != 0 {
				t.Errorf("%+v %v", x, err)
			}
		})
	})
}
