package commission

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/money"
)

// change is what a move does to the row.
type change struct{ accrued, available, held, owed, paid, tax money.Fen }

// step is one move: an entry of fixed content, so that its repetition is known for one,
// and what follows from the state of the account.
type step struct {
	from, to  string // kinds; those of a brand are its, the others the account's
	fen       money.Fen
	key, memo string
	row       change
	repay     string // memo of paying what is owed afterwards; "": not
}

// debtKey ends the key of what a move pays of the debt.
const debtKey = ":debt"

func (a *Accounts) move(ctx context.Context, tx *gorm.DB, account id.ID, st step) error {
	if st.fen <= 0 || st.fen > money.Max {
		return errAmount
	}
	if len(st.key)+len(debtKey) > 64 {
		return fmt.Errorf("commission: key %q is too long", st.key)
	}
	row, err := a.rowTx(ctx, tx, "id = ?", account)
	if err != nil {
		return err
	}
	side := func(kind string) ledger.Account {
		switch kind {
		case ledger.Funds, ledger.Withdrawn, ledger.TaxDue:
			return ledger.Account{Kind: kind, Owner: row.BrandID}
		}
		return ledger.Account{Kind: kind, Owner: account}
	}
	first, err := a.ledger.PostOnceTx(ctx, tx, ledger.Entry{Key: st.key, Unit: ledger.Fen, Debit: side(st.from), Credit: side(st.to), Amount: int64(st.fen), Memo: st.memo})
	if err != nil || !first {
		return err
	}
	if err := a.change(ctx, tx, account, st.row); err != nil || st.repay == "" {
		return err
	}
	// The row is ours since its update: what it says now is the truth.
	if row, err = a.rowTx(ctx, tx, "id = ?", account); err != nil {
		return err
	}
	n := min(row.OwedFen, row.AvailableFen)
	if n == 0 {
		return nil
	}
	if err := a.change(ctx, tx, account, change{available: -n, owed: -n}); err != nil {
		return err
	}
	return a.ledger.PostNewTx(ctx, tx, []ledger.Entry{{Key: st.key + debtKey, Unit: ledger.Fen, Debit: side(ledger.Earned), Credit: side(ledger.EarnedDebt), Amount: int64(n), Memo: st.repay}})
}

// change moves the row, if it has what is asked for.
func (a *Accounts) change(ctx context.Context, tx *gorm.DB, account id.ID, c change) error {
	r, err := db.Exec(ctx, tx, `UPDATE commission_account SET accrued_fen = accrued_fen + ?, available_fen = available_fen + ?, held_fen = held_fen + ?,
		owed_fen = owed_fen + ?, paid_fen = paid_fen + ?, tax_fen = tax_fen + ?, moves = moves + 1
		WHERE id = ? AND accrued_fen >= ? AND available_fen >= ? AND held_fen >= ? AND owed_fen >= ?`,
		c.accrued, c.available, c.held, c.owed, c.paid, c.tax, account, -c.accrued, -c.available, -c.held, -c.owed)
	if err != nil {
		return fmt.Errorf("commission: move: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil {
		return err
	} else if n == 0 {
		return errShort
	}
	return a.owed(ctx, tx, account, c)
}
