package commission

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

// Claw is something taken back of an accrual (追回).
type Claw struct {
	ID          id.ID         `json:"id"`
	ClawKey     string        `json:"-"` // from the fact
	AccrualID   id.ID         `json:"accrual_id"`
	BrandID     id.ID         `json:"brand_id"`
	EarnerID    id.ID         `json:"earner_id"`
	Pay         string        `json:"pay"`
	Amount      int64         `json:"amount"`
	Late        bool          `json:"late"` // it had been settled
	Due         bool          `json:"due"`  // points that are still to be taken
	StatementID id.ID         `json:"statement_id"`
	Reason      string        `json:"reason"`
	ByID        id.ID         `json:"by_id"`
	CreatedAt   clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Claw) TableName() string { return "commission_claw" }

func (c Claw) key() string { return "commission:claw:" + c.ID.String() }

func fen(n int64) money.Fen { return money.Fen(n) }

// refundTx remembers a refund, once, and takes back what it takes of the accruals that
// are there. Its key is the order's and its own number: a shop may report it again under
// another event's key.
func (s *Store) refundTx(ctx context.Context, tx *gorm.DB, d *deed) error {
	goods, err := json.Marshal(d.goods)
	if err != nil {
		return err
	}
	r := tx.Exec("INSERT INTO commission_refund (id, refund_key, order_key, goods, created_at) VALUES (?,?,?,?,?)"+s.DB.Once("created_at"),
		s.DB.NewID(), d.key+":"+d.no, d.key, string(goods), s.DB.Now())
	if r.Error != nil || r.RowsAffected == 0 {
		return r.Error
	}
	return s.settleRefundsTx(ctx, tx, d.key)
}

// settleRefundsTx brings the accruals of an order to what its refunds so far leave of
// them. The order's row is locked.
func (s *Store) settleRefundsTx(ctx context.Context, tx *gorm.DB, orderKey string) error {
	var texts []string
	if err := tx.Raw("SELECT goods FROM commission_refund WHERE order_key = ?", orderKey).Scan(&texts).Error; err != nil {
		return err
	}
	if len(texts) == 0 {
		return nil
	}
	var back []good
	for _, t := range texts {
		var goods []good
		if err := json.Unmarshal([]byte(t), &goods); err != nil {
			return err
		}
		back = append(back, goods...)
	}
	var ids []id.ID
	if err := tx.Raw("SELECT id FROM commission_accrual WHERE fact_key = ? AND amount > 0 ORDER BY id", orderKey).Scan(&ids).Error; err != nil {
		return err
	}
	for _, a := range ids {
		x, err := s.accrualTx(tx, a, s.lock())
		if err != nil {
			return err
		}
		var v Version
		if err := tx.Where("rule_id = ? AND version = ?", x.RuleID, x.Version).Take(&v).Error; err != nil {
			return err
		}
		if err := v.read(); err != nil {
			return err
		}
		qty, spent := covered(v.Terms, back)
		var taken int64 // by refunds: what an operator took is his own
		if err := tx.Raw("SELECT COALESCE(SUM(amount), 0) FROM commission_claw WHERE accrual_id = ? AND claw_key LIKE 'refund:%'", x.ID).Scan(&taken).Error; err != nil {
			return err
		}
		if n := gone(x, v.Terms.Each > 0, qty, spent) - taken; n > 0 {
			// By what was taken before: the same refunds again find nothing left to take.
			if _, err := s.clawTx(ctx, tx, x, n, fmt.Sprintf("refund:%d:%d", x.ID, taken), "订单退款", 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// clawTx takes at most n of an accrual back, once per key; the accrual was read under its
// lock. It returns what was taken.
func (s *Store) clawTx(ctx context.Context, tx *gorm.DB, a Accrual, n int64, key, reason string, by id.ID) (Claw, error) {
	n = min(n, a.Left())
	if n <= 0 || a.State == Nothing {
		return Claw{}, nil
	}
	c := Claw{ID: s.DB.NewID(), ClawKey: key, AccrualID: a.ID, BrandID: a.BrandID, EarnerID: a.EarnerID, Pay: a.Pay, Amount: n,
		Late: a.SettledAt != 0, Reason: reason, ByID: by, CreatedAt: s.DB.Now()}
	c.Due = c.Late && c.Pay == Points
	r := tx.Exec("INSERT INTO commission_claw (id, claw_key, accrual_id, brand_id, earner_id, pay, amount, late, due, statement_id, reason, by_id, created_at) VALUES (?,?,?,?,?,?,?,?,?,0,?,?,?)"+s.DB.Once("due"),
		c.ID, c.ClawKey, c.AccrualID, c.BrandID, c.EarnerID, c.Pay, c.Amount, c.Late, c.Due, c.Reason, c.ByID, c.CreatedAt)
	if r.Error != nil || r.RowsAffected == 0 {
		return Claw{}, r.Error
	}
	set := map[string]any{"clawed": gorm.Expr("clawed + ?", n)}
	if n == a.Left() {
		set["state"], set["reason"] = Clawed, reason
	}
	u := tx.Model(&Accrual{}).Where("id = ? AND state = ? AND clawed = ?", a.ID, a.State, a.Clawed).Updates(set)
	if u.Error != nil {
		return Claw{}, u.Error
	}
	if u.RowsAffected == 0 {
		return Claw{}, fmt.Errorf("accrual %d moved beside its lock", a.ID)
	}
	if err := s.owedTx(ctx, tx, a.BrandID, a.Pay, a.State, -n); err != nil {
		return Claw{}, err
	}
	if err := tx.Exec("UPDATE commission_rule SET used = used - ? WHERE id = ?", n, a.RuleID).Error; err != nil {
		return Claw{}, err
	}
	if a.Pay == Points {
		return c, nil
	}
	if _, err := s.Books.OpenTx(ctx, tx, a.BrandID, a.EarnerID); err != nil { // its row is locked before its books move
		return Claw{}, err
	}
	if c.Late {
		return c, s.Books.TakeTx(ctx, tx, a.AccountID, fen(n), c.key(), "佣金追回")
	}
	return c, s.Books.UnaccrueTx(ctx, tx, a.AccountID, fen(n), c.key(), "佣金追回")
}

// accrualTx reads one. Fault: NotFound commission_accrual_not_found.
func (s *Store) accrualTx(tx *gorm.DB, accrualID id.ID, tail string) (Accrual, error) {
	var found []Accrual
	if err := tx.Raw("SELECT * FROM commission_accrual WHERE id = ?"+tail, accrualID).Scan(&found).Error; err != nil {
		return Accrual{}, fmt.Errorf("commission: accrual: %w", err)
	}
	if len(found) == 0 {
		return Accrual{}, fault.New(fault.NotFound, "commission_accrual_not_found", "没有这笔佣金")
	}
	return found[0], nil
}

// Take is the operator's clawback of what is left of an accrual, also after it was
// settled; what was spent by then is owed. Faults: Invalid commission_reason; NotFound
// commission_accrual_not_found; Conflict commission_nothing_left.
func (s *Store) Take(ctx context.Context, accrualID id.ID, reason string, by id.ID) (Accrual, error) {
	if n := utf8.RuneCountInString(reason); n == 0 || n > 100 {
		return Accrual{}, fault.NewInvalid("commission_reason", "请填写追回原因，最多 100 字").With("field", "reason")
	}
	err := s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		a, err := s.accrualTx(tx, accrualID, s.lock())
		if err != nil {
			return err
		}
		c, err := s.clawTx(ctx, tx, a, a.Left(), "taken:"+a.ID.String(), reason, by)
		if err == nil && c.ID == 0 {
			err = fault.New(fault.Conflict, "commission_nothing_left", "这笔佣金已没有可追回的部分")
		}
		return err
	})
	if err != nil {
		return Accrual{}, err
	}
	if err := s.TakePoints(ctx); err != nil { // else the chore does it
		return Accrual{}, err
	}
	return s.accrualTx(s.DB.Read(ctx), accrualID, "")
}

// TakePoints takes the points back that late claws decided: their books have a
// transaction of their own, so this follows, and is done again until it is done. One that
// cannot be taken does not keep the others.
func (s *Store) TakePoints(ctx context.Context) error {
	var failed []error
	for after := id.ID(0); ctx.Err() == nil; {
		var due []Claw
		if err := s.DB.Read(ctx).Where("due = 1 AND id > ?", after).Order("id").Limit(db.MaxPage).Find(&due).Error; err != nil {
			return fmt.Errorf("commission: points due: %w", err)
		}
		if len(due) == 0 {
			return errors.Join(failed...)
		}
		for _, c := range due {
			if err := s.takePoints(ctx, c); err != nil {
				failed = append(failed, fmt.Errorf("commission: take points of %d: %w", c.ID, err))
			}
		}
		after = due[len(due)-1].ID
	}
	return ctx.Err()
}

func (s *Store) takePoints(ctx context.Context, c Claw) error {
	source := Accrual{ID: c.AccrualID}.key()
	if _, err := s.Taker.Reverse(ctx, c.key(), c.EarnerID, source, c.Amount, "佣金积分追回"); err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE commission_claw SET due = 0 WHERE id = ?", c.ID).Error
	})
}

// TakeFrom takes back all that was earned from some buyers at a brand, also what was
// settled: what follows when a case about them is confirmed. key names the case; the same
// again does nothing.
func (s *Store) TakeFrom(ctx context.Context, brandID id.ID, referees []id.ID, key, reason string, by id.ID) error {
	for _, m := range referees {
		family, err := s.Members.Family(ctx, m)
		if err != nil {
			return err
		}
		var list []id.ID
		err = s.DB.Read(ctx).Raw("SELECT id FROM commission_accrual WHERE referee_id IN ? AND brand_id = ? AND amount > clawed ORDER BY id", family, brandID).Scan(&list).Error
		if err != nil {
			return fmt.Errorf("commission: take from: %w", err)
		}
		for _, accrualID := range list {
			err := s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
				a, err := s.accrualTx(tx, accrualID, s.lock())
				if err != nil {
					return err
				}
				_, err = s.clawTx(ctx, tx, a, a.Left(), key+":"+a.ID.String(), cut(reason, 200), by)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return s.TakePoints(ctx)
}
