package insight_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/insight"
	"siyu/model/notice"
	"siyu/model/redpacket"
)

// TestInvariants lives through some claims and payouts, finds nothing wrong, then
// damages one thing after the other: each damage must be found under its name.
func TestInvariants(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := claimtest.New(t, d, clk, claimtest.Setup{Codes: 20})
		s := insight.New(d)
		broken := func(t *testing.T, patience time.Duration) map[string]string {
			t.Helper()
			list, err := s.Invariants(ctx, patience)
			if err != nil {
				t.Fatal(err)
			}
			out := map[string]string{}
			for _, c := range list {
				if !c.OK {
					out[c.Name] = c.Detail
				}
			}
			return out
		}
		exec := func(t *testing.T, stmt string, args ...any) {
			t.Helper()
			if err := d.InTx(ctx, func(tx *gorm.DB) error { return tx.Exec(stmt, args...).Error }); err != nil {
				t.Fatal(err)
			}
		}
		t.Run("an untouched campaign is right", func(t *testing.T) {
			if b := broken(t, 0); len(b) > 0 {
				t.Fatal(b)
			}
		})
		for serial := int64(1); serial <= 20; serial++ {
			if _, err := w.Claims.Make(ctx, w.Code(t, serial), claimtest.Who(id.ID(1+serial%4))); err != nil {
				t.Fatal(err)
			}
		}
		list, err := w.Packets.List(ctx, redpacket.Filter{})
		if err != nil || len(list) < 5 {
			t.Fatal(len(list), err)
		}
		if _, err := w.Notices.Store(ctx, notice.Notice{Source: notice.Transfer, DedupKey: "n1"}); err != nil {
			t.Fatal(err)
		}
		t.Run("what is under way is in order while it is young, and not at rest", func(t *testing.T) {
			if b := broken(t, time.Minute); len(b) > 0 {
				t.Fatal(b)
			}
			if b := broken(t, 0); b["outbox_done"] == "" || b["payout_ends"] == "" || b["notice_applied"] == "" || len(b) != 3 {
				t.Fatal(b)
			}
			clk.Advance(2 * time.Minute)
			if b := broken(t, time.Minute); b["outbox_done"] == "" || b["notice_applied"] == "" || len(b) != 2 {
				t.Fatal(b)
			}
		})
		for i, p := range list {
			if _, _, err := w.Packets.Begin(ctx, p.ID); err != nil {
				t.Fatal(err)
			}
			out := []string{redpacket.OutSettled, redpacket.OutReturned, redpacket.OutFailed}[i%3]
			if _, err := w.Packets.Apply(ctx, p.ID, redpacket.Answer{Out: out}, 0); err != nil {
				t.Fatal(err)
			}
		}
		exec(t, "UPDATE outbox SET state = 2, done_at = 1")
		exec(t, "UPDATE notice SET state = 1, applied_at = 1")
		if b := broken(t, 0); len(b) > 0 {
			t.Fatal(b)
		}
		settled, other := list[0].ID, list[3].ID // both settled
		for _, c := range []struct{ damage, undo, want string }{
			{"UPDATE payout SET state = 'settled' WHERE id = ?", "UPDATE payout SET state = 'returned' WHERE id = ?", "book_paid"},
			{"UPDATE payout SET amount_fen = amount_fen + 1 WHERE id = ?", "UPDATE payout SET amount_fen = amount_fen - 1 WHERE id = ?", "claim_payout"},
			{"UPDATE payout SET state = 'sending' WHERE id = ?", "UPDATE payout SET state = 'returned' WHERE id = ?", "payout_ends"},
			{"UPDATE payout SET state = 'sending' WHERE id = ?", "UPDATE payout SET state = 'returned' WHERE id = ?", "book_promised"},
			{"UPDATE campaign SET won_fen = won_fen + 1 WHERE 0 < ?", "UPDATE campaign SET won_fen = won_fen - 1 WHERE 0 < ?", "campaign_count"},
			{"UPDATE campaign SET won_fen = won_fen + 1000000 WHERE 0 < ?", "UPDATE campaign SET won_fen = won_fen - 1000000 WHERE 0 < ?", "campaign_budget"},
			{"UPDATE campaign SET spend_fen = spend_fen + 1 WHERE 0 < ?", "UPDATE campaign SET spend_fen = spend_fen - 1 WHERE 0 < ?", "book_reserved"},
			{"UPDATE claim SET points = points + 1 WHERE id = (SELECT claim_id FROM payout WHERE id = ?)",
				"UPDATE claim SET points = points - 1 WHERE id = (SELECT claim_id FROM payout WHERE id = ?)", "book_points"},
			{"UPDATE notice SET state = 2 WHERE 0 < ?", "UPDATE notice SET state = 1 WHERE 0 < ?", "notice_applied"},
			{"UPDATE outbox SET state = 1 WHERE ref_id = ?", "UPDATE outbox SET state = 2 WHERE ref_id = ?", "outbox_done"},
			{"UPDATE ledger_entry SET debit_kind = 'funds' WHERE entry_key LIKE 'payout:%' AND credit_kind = 'paid' AND 0 < ?",
				"UPDATE ledger_entry SET debit_kind = 'promised' WHERE entry_key LIKE 'payout:%' AND credit_kind = 'paid' AND 0 < ?", "book_entries"},
			{"UPDATE ledger_entry SET debit_owner = 99 WHERE debit_kind = 'funds' AND 0 < ?",
				"UPDATE ledger_entry SET debit_owner = (SELECT id FROM brand) WHERE debit_kind = 'funds' AND 0 < ?", "book_funds"},
			{"UPDATE ledger_entry SET amount = -amount WHERE unit = 'points' AND 0 < ?", "UPDATE ledger_entry SET amount = -amount WHERE unit = 'points' AND 0 < ?", "trial_balance"},
			{"INSERT INTO points_lot (id, source, member_id, brand_id, amount, available, pending, frozen, expired, live, earned_at, release_at, expires_at, due_at) VALUES (7, 'x', ?, 1, 1, 1, 0, 0, 0, 1, 1, 0, 2, 2)",
				"DELETE FROM points_lot WHERE 0 < ?", "book_lots"},
		} {
			exec(t, c.damage, list[1].ID)
			if b := broken(t, 0); b[c.want] == "" {
				t.Errorf("%s: found %v, want %s", c.damage, b, c.want)
			}
			exec(t, c.undo, list[1].ID)
		}
		t.Run("a booking that was made twice is found", func(t *testing.T) {
			exec(t, `INSERT INTO ledger_entry (id, entry_key, unit, debit_kind, debit_owner, credit_kind, credit_owner, amount, memo, at)
				SELECT 7, 'again', unit, debit_kind, debit_owner, credit_kind, credit_owner, amount, memo, at FROM ledger_entry WHERE credit_kind = 'paid' LIMIT 1`)
			if b := broken(t, 0); b["book_paid"] == "" || b["book_promised"] == "" || b["book_entries"] == "" {
				t.Error(b)
			}
			exec(t, "DELETE FROM ledger_entry WHERE id = 7")
		})
		t.Run("a number that changed after the promise is found", func(t *testing.T) {
			exec(t, "UPDATE payout SET bill_no = 'SY0' WHERE id = ?", settled)
			if b := broken(t, 0); b["bill_number"] == "" {
				t.Error(b)
			}
			exec(t, "UPDATE payout SET bill_no = ? WHERE id = ?", list[0].BillNo, settled)
		})
		t.Run("a claim without its packet is found", func(t *testing.T) {
			exec(t, "UPDATE payout SET claim_id = 5 WHERE id = ?", other)
			if b := broken(t, 0); b["claim_payout"] == "" {
				t.Error(b)
			}
			exec(t, "UPDATE payout SET claim_id = ? WHERE id = ?", list[3].ClaimID, other)
		})
		t.Run("a counter that forgot a claim is found", func(t *testing.T) {
			exec(t, "UPDATE campaign SET cap_member_day = 9")
			if b := broken(t, 0); b["member_caps"] == "" || len(b) != 1 {
				t.Error(b)
			}
		})
		t.Run("accounts of one human count together, up to the cap", func(t *testing.T) {
			var day struct {
				Day        int64
				CampaignID id.ID
				N          int
			}
			if err := d.Read(ctx).Raw("SELECT day, campaign_id, COUNT(*) AS n FROM claim GROUP BY day, campaign_id").Scan(&day).Error; err != nil || day.N != 20 {
				t.Fatal(day, err)
			}
			exec(t, "UPDATE campaign SET cap_member_day = 12")
			for human, used := range []int{12, 8} {
				exec(t, "INSERT INTO claim_counter (counter_key, used) VALUES (?, ?)", fmt.Sprintf("d%d:%s:%d", day.Day, day.CampaignID, 1+human), used)
			}
			if b := broken(t, 0); len(b) > 0 {
				t.Error(b)
			}
			exec(t, "UPDATE campaign SET cap_member_day = 11")
			if b := broken(t, 0); b["member_caps"] == "" || len(b) != 1 {
				t.Error(b)
			}
		})
	})
}
