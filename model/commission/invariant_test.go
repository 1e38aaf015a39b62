package commission

import (
	"context"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/id"
	"siyu/model/insight"
)

// broken names the invariants of commission that do not hold.
func (w *world) broken() (names []string) {
	w.t.Helper()
	checks, err := insight.New(w.d).Invariants(context.Background(), time.Hour)
	w.must(err)
	for _, c := range checks {
		if strings.HasPrefix(c.Name, "commission") && !c.OK {
			names = append(names, c.Name)
		}
	}
	return names
}

func (w *world) invariants() {
	w.t.Helper()
	if names := w.broken(); len(names) != 0 {
		w.t.Errorf("broken: %v", names)
	}
}

func TestWhatADatabaseClientChangesInCommissionIsFound(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		weekly(w)
		w.consume(claimEvent(1, 11, beer, w.clk.Now()))
		w.clk.Set(day(20261130))
		w.must(w.s.Close(ctx))
		w.consume(claimEvent(2, 12, beer, w.clk.Now()), claimEvent(3, 13, beer, w.clk.Now()))
		_, err := w.s.Take(ctx, w.all()[0].ID, "刷单", 1)
		w.must(err)
		w.invariants()
		for change, name := range map[string]string{
			"UPDATE commission_accrual SET amount = amount + 5 WHERE state = 'frozen' AND pay = 'cash'": "commission_accruals",
			"UPDATE commission_rule SET used = used + 5":                                                "commission_budget",
			"UPDATE commission_rule SET budget = 1 WHERE budget > 0":                                    "commission_budget",
			"UPDATE commission_claw SET amount = amount + 5":                                            "commission_claws",
			"UPDATE commission_owed SET released_fen = released_fen + 5":                                "commission_owed",
			"UPDATE commission_owed SET earners = earners + 5":                                          "commission_owed",
			"UPDATE commission_statement SET net_fen = net_fen + 5":                                     "commission_statements",
		} {
			w.must(w.d.InTx(ctx, func(tx *gorm.DB) error { return tx.Exec(change).Error }))
			if names := strings.Join(w.broken(), " "); !strings.Contains(names, name) {
				t.Errorf("%s: found %q", change, names)
			}
			back := strings.ReplaceAll(strings.ReplaceAll(change, " + 5", " - 5"), "budget = 1 WHERE", "budget = 1000000 WHERE")
			w.must(w.d.InTx(ctx, func(tx *gorm.DB) error { return tx.Exec(back).Error }))
			w.invariants()
		}
	})
}

func TestWhatShouldNeverHaveBeenPaidIsFound(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		weekly(w)
		two := perClaim(50)
		two.Level = Two
		w.bind(10, 30, "member", w.brought[11].BoundAt)
		w.active(two)
		w.consume(claimEvent(1, 11, beer, w.clk.Now()), claimEvent(2, 12, beer, w.clk.Now()))
		early := w.all()[0]
		_, err := w.s.Take(ctx, early.ID, "刷单", 1)
		w.must(err)
		w.clk.Set(day(20261130))
		w.must(w.s.Close(ctx))
		w.consume(claimEvent(3, 13, beer, w.clk.Now()))
		w.invariants()
		do := func(stmt string, args ...any) {
			w.must(w.d.InTx(ctx, func(tx *gorm.DB) error { return tx.Exec(stmt, args...).Error }))
		}
		for _, c := range []struct{ damage, mend, name string }{
			{"UPDATE ledger_entry SET amount = amount + 1 WHERE unit = 'points'", "UPDATE ledger_entry SET amount = amount - 1 WHERE unit = 'points'", "commission_points"},
			{"UPDATE ledger_entry SET entry_key = 'x' WHERE unit = 'points' AND credit_owner = 10 AND entry_key = (SELECT k FROM (SELECT MIN(entry_key) AS k FROM ledger_entry WHERE unit = 'points') AS m)",
				"", "commission_points"},
			{"UPDATE commission_signoff SET version = 2", "UPDATE commission_signoff SET version = 1", "commission_law"},
			{"UPDATE commission_accrual SET earned_on = 'share' WHERE state = 'frozen'", "UPDATE commission_accrual SET earned_on = 'claim' WHERE state = 'frozen'", "commission_law"},
			{"INSERT INTO fraud_case_member (case_id, member_id, binding_id, at) VALUES (5, 12, 1, 1)", "DELETE FROM fraud_case_member", "commission_fraud"},
		} {
			if c.name == "commission_fraud" {
				do(`INSERT INTO fraud_case (id, brand_id, kind, referrer_id, role, detail, case_key, state, evidence, people, opened_at, moved_at, decided_at, decided_by, reason)
					VALUES (5, ?, 'ring', 10, 'member', '', 'k', 'confirmed', '{}', 1, 1, 1, 1, 1, 'x')`, brandA)
			}
			if c.mend == "" { // a booking that is gone
				var key string
				w.must(w.d.Read(ctx).Raw("SELECT MIN(entry_key) FROM ledger_entry WHERE unit = 'points'").Scan(&key).Error)
				c.mend = "UPDATE ledger_entry SET entry_key = '" + key + "' WHERE entry_key = 'x'"
			}
			do(c.damage)
			if names := strings.Join(w.broken(), " "); !strings.Contains(names, c.name) {
				t.Errorf("%s: found %q", c.damage, names)
			}
			do(c.mend)
			w.invariants()
		}
		w.must(w.s.TakeFrom(ctx, brandA, []id.ID{12}, "fraud:5", "属实", 1))
		do("INSERT INTO fraud_case_member (case_id, member_id, binding_id, at) VALUES (5, 12, 1, 1)")
		w.invariants() // taken back: nothing is left to find
	})
}
