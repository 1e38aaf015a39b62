package commission

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
)

// together is how many facts are accrued in one transaction.
const together = 50

// deed is a fact on its way into a transaction.
type deed struct {
	fact
	intents []intent
}

// Consume is the event.Consumer that accrues for claims and orders and takes back for
// refunds. It is idempotent by facts; orders and refunds may come in either order.
func (s *Store) Consume(ctx context.Context, events []event.Event) error {
	var brands []id.ID
	for _, e := range events {
		if e.Type == event.Claim || e.Type == event.Order {
			brands = append(brands, e.BrandID)
		}
	}
	if len(brands) == 0 {
		return nil
	}
	slices.Sort(brands)
	ruled, err := s.ruled(ctx, slices.Compact(brands))
	if err != nil {
		return err
	}
	type terms struct {
		rules  []Version
		policy Policy
	}
	of := map[id.ID]*terms{}
	var deeds []*deed
	for _, e := range events {
		if !ruled[e.BrandID] {
			continue
		}
		f, ok, err := s.factOf(ctx, e)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		d := &deed{fact: f}
		if !f.refund {
			t := of[e.BrandID]
			if t == nil {
				t = &terms{}
				if t.rules, err = s.inForce(ctx, e.BrandID); err != nil {
					return err
				}
				if t.policy, err = s.Policy(ctx, e.BrandID); err != nil {
					return err
				}
				of[e.BrandID] = t
			}
			d.intents, err = s.weigh(ctx, f, t.rules, t.policy)
			if k := fault.Of(err); k != nil && k.Code == "member_not_found" {
				continue // nobody is left to have it
			}
			if err != nil {
				return err
			}
			if len(d.intents) == 0 {
				continue
			}
		}
		deeds = append(deeds, d)
	}
	// One order everywhere, so that two workers seldom wait for each other in a ring.
	slices.SortStableFunc(deeds, func(a, b *deed) int { return cmp.Compare(a.key, b.key) })
	var failed error
	for part := range slices.Chunk(deeds, together) {
		db.Together(part, func(batch []*deed) error { return s.write(ctx, batch) }, func(_ *deed, err error) { failed = err })
	}
	if failed != nil {
		return fmt.Errorf("commission: %w", failed)
	}
	return s.foldDue(ctx, slices.Compact(brands))
}

func (s *Store) write(ctx context.Context, batch []*deed) error {
	return s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		for _, d := range batch {
			if err := s.writeOne(ctx, tx, d); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) writeOne(ctx context.Context, tx *gorm.DB, d *deed) error {
	if d.on == OnOrder {
		if err := s.lockOrder(ctx, tx, d.key); err != nil {
			return err
		}
	}
	if d.refund {
		return s.refundTx(ctx, tx, d)
	}
	for _, in := range d.intents {
		if err := s.accrueTx(ctx, tx, in); err != nil {
			return err
		}
	}
	if d.on == OnOrder {
		return s.settleRefundsTx(ctx, tx, d.key)
	}
	return nil
}

func (s *Store) lockOrder(ctx context.Context, tx *gorm.DB, key string) error {
	if _, err := db.Exec(ctx, tx, "INSERT INTO commission_order (order_key, moves) VALUES (?, 0)"+s.DB.Once("moves"), key); err != nil {
		return err
	}
	return tx.Exec("UPDATE commission_order SET moves = moves + 1 WHERE order_key = ?", key).Error
}

const accrualColumns = "id, brand_id, rule_id, version, level, earned_on, pay, fact_key, event_id, event_key, event_at, day, referee_id, earner_id, role, binding_id, bound_at, batch_id, serial, base_qty, base_fen, amount, clawed, account_id, state, reason, checks, statement_id, created_at, release_at, released_at, settled_at"

// accrueTx writes an accrual once. The rule's row is locked before caps are counted and
// holds the budget: whoever comes second sees what the first took.
func (s *Store) accrueTx(ctx context.Context, tx *gorm.DB, in intent) error {
	a, list := in.accrual, []check(nil)
	if err := json.Unmarshal([]byte(a.Checks), &list); err != nil {
		return err
	}
	var budget struct{ Budget, Used int64 }
	if err := tx.Raw("SELECT budget, used FROM commission_rule WHERE id = ?"+s.lock(), a.RuleID).Scan(&budget).Error; err != nil {
		return err
	}
	if a.Amount > 0 {
		left, why, err := s.capTx(tx, in)
		if err != nil {
			return err
		}
		if left < a.Amount {
			list = append(list, check{"cap", left > 0, why})
			a.Amount = left
		}
		if left == 0 {
			a.State, a.Reason = Nothing, why
		} else if budget.Budget > 0 && budget.Used+a.Amount > budget.Budget {
			a.Amount, a.State, a.Reason = 0, Nothing, "规则的预算已用完"
			list = append(list, check{"budget", false, a.Reason})
		}
	}
	a.ID, a.CreatedAt, a.Checks = s.DB.NewID(), s.DB.Now(), text(list)
	if a.Amount > 0 && a.Pay == Cash {
		account, err := s.Books.OpenTx(ctx, tx, a.BrandID, a.EarnerID)
		if err != nil {
			return err
		}
		a.AccountID = account
	}
	rows := db.NewRows("commission_accrual", accrualColumns)
	rows.Add(a.ID, a.BrandID, a.RuleID, a.Version, a.Level, a.EarnedOn, a.Pay, a.FactKey, a.EventID, a.EventKey, a.EventAt, a.Day, a.RefereeID, a.EarnerID, a.Role,
		a.BindingID, a.BoundAt, a.BatchID, a.Serial, a.BaseQty, a.BaseFen, a.Amount, 0, a.AccountID, a.State, a.Reason, a.Checks, 0, a.CreatedAt, a.ReleaseAt, 0, 0)
	n, err := rows.Insert(ctx, tx, s.DB.Once("state"))
	if err != nil || n == 0 || a.Amount == 0 {
		return err
	}
	r := tx.Exec("UPDATE commission_rule SET used = used + ? WHERE id = ? AND (budget = 0 OR used + ? <= budget)", a.Amount, a.RuleID, a.Amount)
	if r.Error != nil {
		return r.Error
	}
	if r.RowsAffected == 0 {
		return fmt.Errorf("rule %d was not locked", a.RuleID)
	}
	if err := s.owedTx(ctx, tx, a.BrandID, a.Pay, a.State, a.Amount); err != nil {
		return err
	}
	if a.Pay == Points {
		return nil // a promise until it is settled
	}
	return s.Books.AccrueTx(ctx, tx, a.AccountID, fen(a.Amount), a.key(), "推广佣金计提")
}

// capTx is what the caps leave of an amount, and why it is less.
func (s *Store) capTx(tx *gorm.DB, in intent) (left int64, why string, err error) {
	left = in.accrual.Amount
	for _, c := range []struct {
		most        int64
		from, until any
		why         string
	}{
		{in.terms.CapPerDay, in.accrual.Day, in.accrual.Day, "已到每人每日上限"},
		{in.terms.CapPerCycle, in.cycle.From, in.cycle.Until, "已到每人每周期上限"},
	} {
		if c.most == 0 {
			continue
		}
		var used int64
		err := tx.Raw("SELECT COALESCE(SUM(amount - clawed), 0) FROM commission_accrual WHERE rule_id = ? AND earner_id IN ? AND day >= ? AND day <= ?",
			in.accrual.RuleID, in.family, c.from, c.until).Scan(&used).Error
		if err != nil {
			return 0, "", err
		}
		if n := max(0, c.most-used); n < left {
			left, why = n, c.why
		}
	}
	return left, why, nil
}
