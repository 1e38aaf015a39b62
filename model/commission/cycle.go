package commission

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fail"
	"siyu/model/id"
	"siyu/model/leader"
	"siyu/model/money"
	"siyu/model/points"
	"siyu/model/referral"
)

// Statement is what one earner gets of one cycle (结算单). Net is what this cycle brought
// less what was taken back of earlier ones meanwhile, and may be negative; taxable is what
// of it tax is reckoned on when it is withdrawn.
type Statement struct {
	ID           id.ID         `json:"id"`
	Number       string        `json:"number"`
	BrandID      id.ID         `json:"brand_id"`
	EarnerID     id.ID         `json:"earner_id"`
	AccountID    id.ID         `json:"-"`
	Kind         string        `json:"kind"`
	FromDay      clock.Day     `json:"from_day"`
	UntilDay     clock.Day     `json:"until_day"` // included
	Entries      int           `json:"entries"`   // accruals and late claws
	GrossFen     money.Fen     `json:"gross_fen"`
	ClawedFen    money.Fen     `json:"clawed_fen"`
	NetFen       money.Fen     `json:"net_fen"`
	TaxableFen   money.Fen     `json:"taxable_fen"`
	GrossPoints  int64         `json:"gross_points"`
	ClawedPoints int64         `json:"clawed_points"`
	NetPoints    int64         `json:"net_points"`
	Parts        int           `json:"-"`
	State        string        `json:"state"`
	ToldAt       clock.Instant `json:"-"`
	CreatedAt    clock.Instant `json:"created_at"`
	ClosedAt     clock.Instant `json:"closed_at"`
}

// TableName names the table for GORM.
func (Statement) TableName() string { return "commission_statement" }

// Cycle is the days it is of.
func (st Statement) Cycle() Cycle { return Cycle{st.Kind, st.FromDay, st.UntilDay} }

// partOf is how many accruals one transaction settles.
const partOf = 200

// Close settles, for every brand, the newest cycle whose settlement day has come: what was
// released by its end, one statement for each earner. Accruals that are released after an
// earner has his statement are the next one's. It goes on where a process that died
// stopped, and two at once make one statement.
func (s *Store) Close(ctx context.Context) error {
	if err := s.Release(ctx); err != nil { // else what fell due by the cycle's end would miss it
		return err
	}
	var brands []id.ID
	if err := s.DB.Read(ctx).Raw("SELECT DISTINCT brand_id FROM commission_rule").Scan(&brands).Error; err != nil {
		return fmt.Errorf("commission: close: %w", err)
	}
	var failed []error
	for _, b := range brands {
		failed = append(failed, s.closeBrand(ctx, b))
	}
	return errors.Join(failed...)
}

func (s *Store) closeBrand(ctx context.Context, brandID id.ID) error {
	p, err := s.Policy(ctx, brandID)
	if err != nil {
		return err
	}
	// What was begun is ended first: under another policy its cycle may not come again.
	var open []Statement
	if err := s.DB.Read(ctx).Where("brand_id = ? AND state = ?", brandID, Open).Find(&open).Error; err != nil {
		return fmt.Errorf("commission: open statements: %w", err)
	}
	var failed []error // one who cannot be settled does not keep the others
	for _, st := range open {
		failed = append(failed, s.fill(ctx, st.ID))
	}
	c := p.due(s.DB.Now())
	for after := id.ID(0); ctx.Err() == nil; {
		earners, err := s.earners(ctx, brandID, c, after)
		if err != nil || len(earners) == 0 {
			return errors.Join(append(failed, err)...)
		}
		for _, e := range earners {
			failed = append(failed, s.settle(ctx, brandID, e, c))
		}
		after = earners[len(earners)-1]
	}
	return ctx.Err()
}

// earners lists those who have something to settle and no statement of the cycle yet, by
// id. What was taken late counts too: who only lost something is told so.
func (s *Store) earners(ctx context.Context, brandID id.ID, c Cycle, after id.ID) (list []id.ID, err error) {
	err = s.DB.Read(ctx).Raw(`SELECT earner_id FROM (
			SELECT earner_id FROM commission_accrual WHERE brand_id = ? AND state = ? AND earner_id > ? AND release_at < ?
			UNION SELECT earner_id FROM commission_claw WHERE brand_id = ? AND late = 1 AND statement_id = 0 AND earner_id > ? AND created_at < ?
		) e WHERE NOT EXISTS (SELECT 1 FROM commission_statement t WHERE t.brand_id = ? AND t.earner_id = e.earner_id AND t.kind = ? AND t.from_day = ?)
		ORDER BY earner_id LIMIT ?`,
		brandID, Released, after, c.end(), brandID, after, c.end(), brandID, c.Kind, c.From, db.MaxPage).Scan(&list).Error
	if err != nil {
		return nil, fmt.Errorf("commission: earners: %w", err)
	}
	return list, nil
}

// settle makes an earner's statement and fills it, unless he has an agreement to sign: then
// all waits for him, and nothing of it is lost.
func (s *Store) settle(ctx context.Context, brandID, earnerID id.ID, c Cycle) error {
	if waits, err := s.unsigned(ctx, brandID, earnerID); err != nil || waits {
		return err
	}
	st := Statement{ID: s.DB.NewID(), BrandID: brandID, EarnerID: earnerID, Kind: c.Kind, FromDay: c.From, UntilDay: c.Until, State: Open, CreatedAt: s.DB.Now()}
	st.Number = fmt.Sprintf("S%d-%s", c.From, st.ID)
	err := s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		account, err := s.Books.OpenTx(ctx, tx, brandID, earnerID)
		if err != nil {
			return err
		}
		rows := db.NewRows("commission_statement", "id, number, brand_id, earner_id, account_id, kind, from_day, until_day, entries, gross_fen, clawed_fen, net_fen, taxable_fen, gross_points, clawed_points, net_points, parts, state, told_at, created_at, closed_at")
		rows.Add(st.ID, st.Number, brandID, earnerID, account, st.Kind, st.FromDay, st.UntilDay, 0, 0, 0, 0, 0, 0, 0, 0, 0, Open, 0, st.CreatedAt, 0)
		if _, err := rows.Insert(ctx, tx, s.DB.Once("state")); err != nil {
			return err
		}
		return tx.Raw("SELECT id FROM commission_statement WHERE brand_id = ? AND earner_id = ? AND kind = ? AND from_day = ?", brandID, earnerID, c.Kind, c.From).Scan(&st.ID).Error
	})
	if err != nil {
		return fmt.Errorf("commission: statement: %w", err)
	}
	fail.Point("commission.statement")
	return s.fill(ctx, st.ID)
}

// unsigned says whether the earner leads and has not signed the newest agreement. Who left
// keeps what he earned and has nothing to sign.
func (s *Store) unsigned(ctx context.Context, brandID, earnerID id.ID) (bool, error) {
	if s.Leaders == nil {
		return false, nil
	}
	l, ok, err := s.Leaders.Of(ctx, brandID, earnerID)
	if err != nil || !ok || l.Role != referral.Leader || l.State != leader.Active && l.State != leader.Approved {
		return false, err
	}
	signed, err := s.Leaders.Signed(ctx, l)
	return !signed, err
}

// fill settles an open statement part by part and closes it.
func (s *Store) fill(ctx context.Context, statementID id.ID) error {
	for ctx.Err() == nil {
		more, err := s.part(ctx, statementID)
		if err != nil {
			return fmt.Errorf("commission: settle: %w", err)
		}
		if !more {
			return nil
		}
		fail.Point("commission.part")
	}
	return ctx.Err()
}

// part settles at most partOf accruals in one transaction. The count of parts is its
// guard: of two at the same part one finds that it came late, and looks again.
func (s *Store) part(ctx context.Context, statementID id.ID) (more bool, err error) {
	st, err := s.Statement(ctx, statementID)
	if errors.Is(err, errStatement) || err == nil && st.State == Closed { // another process was here
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var list []Accrual
	err = s.DB.Read(ctx).Where("brand_id = ? AND state = ? AND earner_id = ? AND release_at < ?", st.BrandID, Released, st.EarnerID, st.Cycle().end()).
		Order("id").Limit(partOf).Find(&list).Error
	if err != nil {
		return false, err
	}
	verdicts, err := s.judge(ctx, list)
	if err != nil {
		return false, err
	}
	more = true
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		more = true
		u := tx.Exec("UPDATE commission_statement SET parts = parts + 1 WHERE id = ? AND state = ? AND parts = ?", st.ID, Open, st.Parts)
		if u.Error != nil || u.RowsAffected == 0 {
			return u.Error
		}
		if len(list) == 0 {
			more = false
			return s.closeTx(tx, st)
		}
		return s.partTx(ctx, tx, st, list, verdicts)
	})
	return more, err
}

func (s *Store) partTx(ctx context.Context, tx *gorm.DB, st Statement, list []Accrual, verdicts map[id.ID]verdict) error {
	var cash, gross, clawed, grossPoints, clawedPoints int64
	var earned []points.Earning
	entries := 0
	for _, seen := range list {
		a, err := s.accrualTx(tx, seen.ID, s.lock())
		if err != nil {
			return err
		}
		if a.State != Released {
			continue
		}
		if v := verdicts[a.ID]; v != (verdict{}) {
			if err := s.applyTx(ctx, tx, a, v); err != nil {
				return err
			}
			continue
		}
		u := tx.Exec("UPDATE commission_accrual SET state = ?, statement_id = ?, settled_at = ? WHERE id = ? AND state = ? AND clawed = ?",
			Settled, st.ID, s.DB.Now(), a.ID, Released, a.Clawed)
		if u.Error != nil {
			return u.Error
		}
		if u.RowsAffected == 0 {
			return fmt.Errorf("accrual %d moved beside its lock", a.ID)
		}
		if err := s.owedTx(ctx, tx, a.BrandID, a.Pay, Released, -a.Left()); err != nil {
			return err
		}
		entries++
		if a.Pay == Points {
			grossPoints, clawedPoints = grossPoints+a.Amount, clawedPoints+a.Clawed
			earned = append(earned, points.Earning{Key: a.key(), BrandID: a.BrandID, MemberID: a.EarnerID, Points: a.Left(), Memo: "推广佣金积分 " + st.Cycle().Text()})
			continue
		}
		cash, gross, clawed = cash+a.Left(), gross+a.Amount, clawed+a.Clawed
	}
	if entries == 0 {
		return nil
	}
	if err := s.Purse.EarnAllTx(ctx, tx, earned); err != nil {
		return err
	}
	if cash > 0 {
		if _, err := s.Books.OpenTx(ctx, tx, st.BrandID, st.EarnerID); err != nil {
			return err
		}
		key := fmt.Sprintf("commission:settle:%d:%d", st.ID, st.Parts)
		if err := s.Books.SettleTx(ctx, tx, st.AccountID, fen(cash), key, "佣金结算 "+st.Cycle().Text()); err != nil {
			return err
		}
	}
	return addTx(tx, st.ID, entries, gross, clawed, grossPoints, clawedPoints)
}

func addTx(tx *gorm.DB, statementID id.ID, entries int, gross, clawed, grossPoints, clawedPoints int64) error {
	return tx.Exec(`UPDATE commission_statement SET entries = entries + ?, gross_fen = gross_fen + ?, clawed_fen = clawed_fen + ?, net_fen = net_fen + ?,
		gross_points = gross_points + ?, clawed_points = clawed_points + ?, net_points = net_points + ? WHERE id = ?`,
		entries, gross, clawed, gross-clawed, grossPoints, clawedPoints, grossPoints-clawedPoints, statementID).Error
}

// closeTx takes in what was taken late, and closes. A statement that would be empty,
// because its accruals are held or gone by now, is not kept: it would only be in the way of
// another one for the same cycle.
func (s *Store) closeTx(tx *gorm.DB, st Statement) error {
	var late []Claw
	err := tx.Raw("SELECT * FROM commission_claw WHERE brand_id = ? AND late = 1 AND statement_id = 0 AND earner_id = ? AND created_at < ?"+s.lock(),
		st.BrandID, st.EarnerID, st.Cycle().end()).Scan(&late).Error
	if err != nil {
		return err
	}
	var clawed, clawedPoints int64
	for _, c := range late {
		if c.Pay == Points {
			clawedPoints += c.Amount
		} else {
			clawed += c.Amount
		}
		if err := tx.Exec("UPDATE commission_claw SET statement_id = ? WHERE id = ? AND statement_id = 0", st.ID, c.ID).Error; err != nil {
			return err
		}
	}
	if err := addTx(tx, st.ID, len(late), 0, clawed, 0, clawedPoints); err != nil {
		return err
	}
	if err := tx.Exec("DELETE FROM commission_statement WHERE id = ? AND entries = 0", st.ID).Error; err != nil {
		return err
	}
	return tx.Exec("UPDATE commission_statement SET state = ?, closed_at = ?, taxable_fen = CASE WHEN net_fen > 0 THEN net_fen ELSE 0 END WHERE id = ?",
		Closed, s.DB.Now(), st.ID).Error
}
