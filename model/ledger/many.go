package ledger

import (
	"context"
	"fmt"
	"math"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/id"
)

// What follows reads several accounts as one: the accounts of all members who are the
// same human.

// BalancesTx sums the accounts of the given kinds over the owners, by kind.
func (l *Ledger) BalancesTx(tx *gorm.DB, unit string, owners []id.ID, kinds ...string) (map[string]int64, error) {
	var sums []struct {
		Kind string
		N    int64
	}
	err := tx.Raw(`SELECT kind, SUM(n) AS n FROM (
		SELECT credit_kind AS kind, amount AS n FROM ledger_entry WHERE credit_owner IN ? AND credit_kind IN ? AND unit = ?
		UNION ALL SELECT debit_kind, -amount FROM ledger_entry WHERE debit_owner IN ? AND debit_kind IN ? AND unit = ?
		) AS sides GROUP BY kind`, owners, kinds, unit, owners, kinds, unit).Scan(&sums).Error
	if err != nil {
		return nil, fmt.Errorf("ledger: balances: %w", err)
	}
	out := make(map[string]int64, len(kinds))
	for _, s := range sums {
		out[s.Kind] = s.N
	}
	return out, nil
}

// Balances is BalancesTx outside a transaction.
func (l *Ledger) Balances(ctx context.Context, unit string, owners []id.ID, kinds ...string) (map[string]int64, error) {
	return l.BalancesTx(l.db.Read(ctx), unit, owners, kinds...)
}

// Statements is Statement over the accounts of one kind of several owners. What they
// moved among themselves is left out: to the human they are, nothing happened.
func (l *Ledger) Statements(ctx context.Context, unit, kind string, owners []id.ID, before id.ID, limit int) ([]Line, error) {
	at := clock.Instant(math.MaxInt64)
	if before != 0 {
		var found []clock.Instant
		if err := l.db.Read(ctx).Raw("SELECT at FROM ledger_entry WHERE id = ?", before).Scan(&found).Error; err != nil {
			return nil, fmt.Errorf("ledger: statements: %w", err)
		}
		if len(found) == 0 {
			return []Line{}, nil
		}
		at = found[0]
	}
	lines := []Line{}
	err := l.db.Read(ctx).Raw(`SELECT id, amount, memo, entry_key, at FROM ledger_entry
			WHERE credit_owner IN ? AND credit_kind = ? AND unit = ? AND at <= ? AND (at < ? OR id < ?) AND NOT (debit_kind = ? AND debit_owner IN ?)
		UNION ALL SELECT id, -amount, memo, entry_key, at FROM ledger_entry
			WHERE debit_owner IN ? AND debit_kind = ? AND unit = ? AND at <= ? AND (at < ? OR id < ?) AND NOT (credit_kind = ? AND credit_owner IN ?)
		ORDER BY 5 DESC, 1 DESC LIMIT ?`,
		owners, kind, unit, at, at, before, kind, owners, owners, kind, unit, at, at, before, kind, owners, limit).Scan(&lines).Error
	if err != nil {
		return nil, fmt.Errorf("ledger: statements: %w", err)
	}
	return lines, nil
}

// Credit is an entry that came into an account.
type Credit struct {
	Key    string `gorm:"column:entry_key"`
	From   id.ID  `gorm:"column:debit_owner"` // owner of the other side
	Amount int64
	Memo   string
	At     clock.Instant
}

// CreditsTx lists what came into an account from accounts of one kind since a moment,
// oldest first.
func (l *Ledger) CreditsTx(tx *gorm.DB, unit, fromKind string, into Account, since clock.Instant) ([]Credit, error) {
	var out []Credit
	err := tx.Raw(`SELECT entry_key, debit_owner, amount, memo, at FROM ledger_entry
		WHERE credit_owner = ? AND credit_kind = ? AND at >= ? AND unit = ? AND debit_kind = ? ORDER BY at, id`,
		into.Owner, into.Kind, since, unit, fromKind).Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("ledger: credits: %w", err)
	}
	return out, nil
}

// Owners lists those who have an account of a kind that something came into, by id after
// a given one.
func (l *Ledger) Owners(ctx context.Context, kind string, after id.ID, limit int) ([]id.ID, error) {
	var out []id.ID
	err := l.db.Read(ctx).Raw("SELECT DISTINCT credit_owner FROM ledger_entry WHERE credit_owner > ? AND credit_kind = ? ORDER BY credit_owner LIMIT ?",
		after, kind, limit).Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("ledger: owners: %w", err)
	}
	return out, nil
}

// Gave is all that ever went out of an account.
func (l *Ledger) Gave(ctx context.Context, unit string, a Account) (n int64, err error) {
	err = l.db.Read(ctx).Raw("SELECT COALESCE(SUM(amount), 0) FROM ledger_entry WHERE debit_owner = ? AND debit_kind = ? AND unit = ?", a.Owner, a.Kind, unit).Scan(&n).Error
	if err != nil {
		return 0, fmt.Errorf("ledger: gave: %w", err)
	}
	return n, nil
}
