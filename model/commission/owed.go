package commission

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/money"
)

// Owed is what a brand owes for commission, in fen but for the points.
type Owed struct {
	Frozen      money.Fen `json:"frozen_fen"`
	Suspicious  money.Fen `json:"suspicious_fen"` // held by a case
	Released    money.Fen `json:"released_fen"`
	Available   money.Fen `json:"available_fen"` // settled, may be withdrawn
	Withdrawing money.Fen `json:"withdrawing_fen"`
	Debt        money.Fen `json:"debt_fen"` // owed back by earners
	Points      int64     `json:"points"`   // not settled yet
	Earners     int64     `json:"earners"`  // with anything of the above in fen settled or not
}

// It is kept as a row that adds up what happened until lately (commission_owed), and a row
// for each change since (commission_owed_move), written in the change's transaction: one
// row that all changes of a brand update would let them wait for each other.
const (
	owedColumns = "frozen_fen, suspicious_fen, released_fen, points, available_fen, withdrawing_fen, debt_fen, earners"
	// foldFrom is how many changes are waited for, foldPer how many are added up in one
	// transaction.
	foldFrom, foldPer = 2000, 1000
	// earning says in SQL whether an account counts as an earner's, of the three amounts.
	earning = "CASE WHEN %s > 0 OR %s > 0 OR %s > 0 THEN 1 ELSE 0 END"
)

func owedSums() string {
	return "COALESCE(SUM(" + strings.ReplaceAll(owedColumns, ", ", "), 0), COALESCE(SUM(") + "), 0)"
}

// Owed reads what a brand owes, exact at one moment.
func (s *Store) Owed(ctx context.Context, brandID id.ID) (Owed, error) {
	var o Owed
	row := s.DB.Read(ctx).Raw("SELECT "+owedSums()+" FROM (SELECT "+owedColumns+" FROM commission_owed WHERE brand_id = ? UNION ALL SELECT "+owedColumns+
		" FROM commission_owed_move WHERE brand_id = ?) AS parts", brandID, brandID).Row()
	if err := row.Scan(&o.Frozen, &o.Suspicious, &o.Released, &o.Points, &o.Available, &o.Withdrawing, &o.Debt, &o.Earners); err != nil {
		return o, fmt.Errorf("commission: owed: %w", err)
	}
	return o, nil
}

// owedTx notes that n came to the accruals of a brand in a state, or left them.
func (s *Store) owedTx(ctx context.Context, tx *gorm.DB, brandID id.ID, pay, state string, n int64) error {
	columns := map[string]string{Frozen: "frozen_fen", Held: "suspicious_fen", Released: "released_fen"}
	column := columns[state]
	if column == "" || n == 0 { // settled ones are what the accounts have
		return nil
	}
	if pay == Points {
		column = "points"
	}
	values := map[string]int64{column: n}
	args := []any{brandID, s.DB.NewID()}
	for c := range strings.SplitSeq(owedColumns, ", ") {
		args = append(args, values[c])
	}
	_, err := db.Exec(ctx, tx, "INSERT INTO commission_owed_move (brand_id, id, "+owedColumns+") VALUES (?,?,?,?,?,?,?,?,?,?)", args...)
	return err
}

// movedTx notes that the state of an accrual, whose row the transaction holds, was another.
func (s *Store) movedTx(ctx context.Context, tx *gorm.DB, a Accrual, state string) error {
	if a.State == state {
		return nil
	}
	var left int64
	if err := tx.Raw("SELECT amount - clawed FROM commission_accrual WHERE id = ?", a.ID).Scan(&left).Error; err != nil {
		return err
	}
	if err := s.owedTx(ctx, tx, a.BrandID, a.Pay, a.State, -left); err != nil {
		return err
	}
	return s.owedTx(ctx, tx, a.BrandID, a.Pay, state, left)
}

// owed notes a change of an account, after it: whether its owner came to be an earner or
// is none any more follows from what the row is and was.
func (a *Accounts) owed(ctx context.Context, tx *gorm.DB, account id.ID, c change) error {
	is := fmt.Sprintf(earning, "accrued_fen", "available_fen", "held_fen")
	was := fmt.Sprintf(earning, "accrued_fen - ?", "available_fen - ?", "held_fen - ?")
	stmt := "INSERT INTO commission_owed_move (brand_id, id, " + owedColumns + ") SELECT brand_id, ?, 0, 0, 0, 0, ?, ?, ?, " + is + " - " + was + " FROM commission_account WHERE id = ?"
	args := []any{a.db.NewID(), c.available, c.held, c.owed, c.accrued, c.available, c.held, account}
	if c.available == 0 && c.held == 0 && c.owed == 0 {
		stmt += " AND " + is + " <> " + was
		args = append(args, c.accrued, c.available, c.held)
	}
	if _, err := db.Exec(ctx, tx, stmt, args...); err != nil {
		return fmt.Errorf("commission: owed: %w", err)
	}
	return nil
}

// foldDue adds up the changes of brands that have many of them, so that reading stays
// cheap however busy a brand is.
func (s *Store) foldDue(ctx context.Context, brands []id.ID) error {
	for _, b := range brands {
		var n int64
		if err := s.DB.Read(ctx).Raw("SELECT COUNT(*) FROM (SELECT 1 FROM commission_owed_move WHERE brand_id = ? LIMIT ?) AS few", b, foldFrom).Scan(&n).Error; err != nil {
			return fmt.Errorf("commission: fold: %w", err)
		}
		if n == foldFrom {
			if err := s.fold(ctx, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// Fold adds up all changes of what brands owe. Others may fold or write beside it.
func (s *Store) Fold(ctx context.Context) error {
	var brands []id.ID
	if err := s.DB.Read(ctx).Raw("SELECT DISTINCT brand_id FROM commission_owed_move ORDER BY brand_id").Scan(&brands).Error; err != nil {
		return fmt.Errorf("commission: fold: %w", err)
	}
	for _, b := range brands {
		if err := s.fold(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) fold(ctx context.Context, brandID id.ID) error {
	for more := true; more && ctx.Err() == nil; {
		err := s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
			if _, err := db.Exec(ctx, tx, "INSERT INTO commission_owed (brand_id, "+owedColumns+", folds) VALUES (?,0,0,0,0,0,0,0,0,0)"+s.DB.Once("folds"), brandID); err != nil {
				return err
			}
			// One folds at a time: who else wants to waits here, and finds the rest.
			if err := tx.Exec("UPDATE commission_owed SET folds = folds + 1 WHERE brand_id = ?", brandID).Error; err != nil {
				return err
			}
			var ids []id.ID
			if err := tx.Raw("SELECT id FROM commission_owed_move WHERE brand_id = ? ORDER BY id LIMIT ?", brandID, foldPer).Scan(&ids).Error; err != nil {
				return err
			}
			if more = len(ids) == foldPer; len(ids) == 0 {
				return nil
			}
			var n [8]int64
			row := tx.Raw("SELECT "+owedSums()+" FROM commission_owed_move WHERE brand_id = ? AND id IN ?", brandID, ids).Row()
			if err := row.Scan(&n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &n[7]); err != nil {
				return err
			}
			r := tx.Exec("DELETE FROM commission_owed_move WHERE brand_id = ? AND id IN ?", brandID, ids)
			if r.Error == nil && r.RowsAffected != int64(len(ids)) {
				r.Error = fmt.Errorf("%d of %d changes were there", r.RowsAffected, len(ids))
			}
			if r.Error != nil {
				return r.Error
			}
			set, args := []string{}, []any{}
			for c := range strings.SplitSeq(owedColumns, ", ") {
				set, args = append(set, c+" = "+c+" + ?"), append(args, n[len(args)])
			}
			return tx.Exec("UPDATE commission_owed SET "+strings.Join(set, ", ")+" WHERE brand_id = ?", append(args, brandID)...).Error
		})
		if err != nil {
			return fmt.Errorf("commission: fold: %w", err)
		}
	}
	return ctx.Err()
}
