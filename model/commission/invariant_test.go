package commission

import (
	"context"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

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
