// Package ledger is the double-entry book of money and points. An entry has two
// sides, one amount and a key made from the fact it records ("claim:42:cash"), so a
// fact is booked once however often it is reported. Entries are never changed; a
// correction is the opposite entry. No account has a balance row, so no claim waits
// for another; balances are sums.
//
// It owns the tables ledger_entry, ledger_trial and ledger_sum; the last two are what the
// trial balance last gave, for who must not wait for it.
package ledger

import (
	"context"
	"fmt"
	"math"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Units. Fen and points never meet in one entry.
const (
	Fen    = "fen"
	Points = "points"
)

// Kinds of account. The owner is the id in brackets.
const (
	Funds    = "funds"    // (brand) money the brand put behind its campaigns; its balance is minus what is reserved, promised or paid
	Reserved = "reserved" // (campaign) reserved at publishing, not yet won
	Promised = "promised" // (campaign) won by claims, not yet in the person's pocket
	Paid     = "paid"     // (campaign) settled: the person has it
	Issue    = "issue"    // (brand) points given out; its balance is minus all it gave and did not take back
	Spent    = "spent"    // (brand) its points that members used up
	Expired  = "expired"  // (brand) its points that nobody used in time
	Member   = "member"   // (member) points a member can spend
	Pending  = "pending"  // (member) points earned that may still be taken back: an order within its return period
	Frozen   = "frozen"   // (member) points held until something is clear
	Debt     = "debt"     // (member) minus what he owes: points taken back after he had spent them

	// Commission (佣金), in fen. The owner is a commission account, or the brand.
	Accrued     = "accrued"     // (commission account) earned, still within the days in which it may be taken back
	Earned      = "earned"      // (commission account) may be withdrawn
	Withdrawing = "withdrawing" // (commission account) held by withdrawals under way
	EarnedDebt  = "earned_debt" // (commission account) minus what is owed: taken back after it had been withdrawn
	Withdrawn   = "withdrawn"   // (brand) paid out to those who earned it
	TaxDue      = "tax_due"     // (brand) withheld from them, to be handed to the tax office
)

// UnitOf is what accounts of a kind are kept in, "" for a kind there is not.
func UnitOf(kind string) string {
	switch kind {
	case Funds, Reserved, Promised, Paid, Accrued, Earned, Withdrawing, EarnedDebt, Withdrawn, TaxDue:
		return Fen
	case Issue, Spent, Expired, Member, Pending, Frozen, Debt:
		return Points
	}
	return ""
}

// Account is one side of an entry.
type Account struct {
	Kind  string
	Owner id.ID
}

// Entry moves Amount (> 0) out of Debit into Credit.
type Entry struct {
	Key    string // at most 64 bytes, from the fact
	Unit   string
	Debit  Account // goes down
	Credit Account // goes up
	Amount int64   // fen or points
	Memo   string  // zh-CN, at most 100 characters, shown in statements
}

func (e Entry) wellFormed() bool {
	return e.Amount > 0 && e.Key != "" && len(e.Key) <= 64 && (e.Unit == Fen || e.Unit == Points) && e.Debit != e.Credit
}

type row struct {
	ID          id.ID
	EntryKey    string
	Unit        string
	DebitKind   string
	DebitOwner  id.ID
	CreditKind  string
	CreditOwner id.ID
	Amount      int64
	Memo        string
	At          clock.Instant
}

func (row) TableName() string { return "ledger_entry" }

// Ledger posts and sums.
type Ledger struct{ db *db.DB }

// New makes a ledger on a database.
func New(d *db.DB) *Ledger { return &Ledger{db: d} }

// PostTx books entries in the caller's transaction, all in one statement. A key that is
// booked already with the same content changes nothing; with other content it is a
// Conflict.
func (l *Ledger) PostTx(ctx context.Context, tx *gorm.DB, entries ...Entry) error {
	_, err := l.post(ctx, tx, entries)
	return err
}

// PostOnceTx is PostTx of one entry, for who must do something beside it exactly once:
// first is false when the entry was booked before.
func (l *Ledger) PostOnceTx(ctx context.Context, tx *gorm.DB, e Entry) (first bool, err error) {
	n, err := l.post(ctx, tx, []Entry{e})
	return n == 1, err
}

func (l *Ledger) post(ctx context.Context, tx *gorm.DB, entries []Entry) (int64, error) {
	n, err := l.insert(ctx, tx, entries, l.db.Once("id"))
	if err != nil || n == int64(len(entries)) {
		return n, err
	}
	for _, e := range entries { // some were booked before, or twice just now
		var old row
		if err := tx.WithContext(ctx).Where("entry_key = ?", e.Key).Take(&old).Error; err != nil {
			return 0, fmt.Errorf("ledger: post %s: %w", e.Key, err)
		}
		if old.Unit != e.Unit || old.DebitKind != e.Debit.Kind || old.DebitOwner != e.Debit.Owner ||
			old.CreditKind != e.Credit.Kind || old.CreditOwner != e.Credit.Owner || old.Amount != e.Amount {
			return 0, fault.New(fault.Conflict, "entry_conflict", "同一笔账已按不同内容入账").With("key", e.Key)
		}
	}
	return n, nil
}

// PostNewTx books entries whose keys are surely new (made from an id of this very
// transaction) in one statement. A key that exists after all is an error.
func (l *Ledger) PostNewTx(ctx context.Context, tx *gorm.DB, entries []Entry) error {
	_, err := l.insert(ctx, tx, entries, "")
	return err
}

func (l *Ledger) insert(ctx context.Context, tx *gorm.DB, entries []Entry, tail string) (int64, error) {
	now := l.db.Now()
	rows := db.NewRows("ledger_entry", "id, entry_key, unit, debit_kind, debit_owner, credit_kind, credit_owner, amount, memo, at")
	for _, e := range entries {
		if !e.wellFormed() {
			return 0, fmt.Errorf("ledger: entry %q is malformed", e.Key)
		}
		rows.Add(l.db.NewID(), e.Key, e.Unit, e.Debit.Kind, e.Debit.Owner, e.Credit.Kind, e.Credit.Owner, e.Amount, e.Memo, now)
	}
	n, err := rows.Insert(ctx, tx, tail)
	if err != nil {
		return 0, fmt.Errorf("ledger: post %d entries: %w", len(entries), err)
	}
	return n, nil
}

// Balance is credits minus debits of one account.
func (l *Ledger) Balance(ctx context.Context, unit string, a Account) (int64, error) {
	return l.BalanceTx(l.db.Read(ctx), unit, a)
}

// BalanceTx is Balance inside a transaction.
func (l *Ledger) BalanceTx(tx *gorm.DB, unit string, a Account) (int64, error) {
	var n int64
	err := tx.Raw(`SELECT
		COALESCE((SELECT SUM(amount) FROM ledger_entry WHERE credit_owner = ? AND credit_kind = ? AND unit = ?), 0) -
		COALESCE((SELECT SUM(amount) FROM ledger_entry WHERE debit_owner = ? AND debit_kind = ? AND unit = ?), 0)`,
		a.Owner, a.Kind, unit, a.Owner, a.Kind, unit).Scan(&n).Error
	if err != nil {
		return 0, fmt.Errorf("ledger: balance of %s:%d: %w", a.Kind, a.Owner, err)
	}
	return n, nil
}

// Line is one line of a statement: positive in, negative out.
type Line struct {
	ID     id.ID         `json:"id"`
	Amount int64         `json:"amount"`
	Memo   string        `json:"memo"`
	Key    string        `json:"key" gorm:"column:entry_key"`
	At     clock.Instant `json:"at"`
}

// Statement lists an account's entries, newest first, after the entry before (0: from
// the newest). The cursor is an entry and not a moment, because one claim books several
// entries at the same moment.
func (l *Ledger) Statement(ctx context.Context, unit string, a Account, before id.ID, limit int) ([]Line, error) {
	at := clock.Instant(math.MaxInt64)
	if before != 0 {
		var found []clock.Instant
		if err := l.db.Read(ctx).Raw("SELECT at FROM ledger_entry WHERE id = ?", before).Scan(&found).Error; err != nil {
			return nil, fmt.Errorf("ledger: statement: %w", err)
		}
		if len(found) == 0 {
			return []Line{}, nil
		}
		at = found[0]
	}
	lines := []Line{}
	err := l.db.Read(ctx).Raw(`SELECT id, amount, memo, entry_key, at FROM ledger_entry
			WHERE credit_owner = ? AND credit_kind = ? AND unit = ? AND at <= ? AND (at < ? OR id < ?)
		UNION ALL SELECT id, -amount, memo, entry_key, at FROM ledger_entry
			WHERE debit_owner = ? AND debit_kind = ? AND unit = ? AND at <= ? AND (at < ? OR id < ?)
		ORDER BY 5 DESC, 1 DESC LIMIT ?`,
		a.Owner, a.Kind, unit, at, at, before, a.Owner, a.Kind, unit, at, at, before, limit).Scan(&lines).Error
	if err != nil {
		return nil, fmt.Errorf("ledger: statement: %w", err)
	}
	return lines, nil
}

// TrialLine is the balance of all accounts of one kind.
type TrialLine struct {
	Unit    string `json:"unit"`
	Kind    string `json:"kind"`
	Debits  int64  `json:"debits"`
	Credits int64  `json:"credits"`
	Balance int64  `json:"balance"` // credits - debits
}

// Trial is the trial balance. Totals per unit must be zero; Negative lists accounts
// that must not go below zero and did.
type Trial struct {
	Lines    []TrialLine      `json:"lines"`
	Totals   map[string]int64 `json:"totals"`
	Negative []string         `json:"negative"`
	Balanced bool             `json:"balanced"`
}

// TrialBalance sums the whole book from both sides independently.
func (l *Ledger) TrialBalance(ctx context.Context) (Trial, error) {
	sums, err := l.sums(ctx)
	if err != nil {
		return Trial{}, err
	}
	return trialOf(sums), nil
}

// Sum is what went out of one account and into it.
type Sum struct {
	Unit    string `json:"unit"`
	Kind    string `json:"kind"`
	Owner   id.ID  `json:"owner"`
	Debits  int64  `json:"debits"`
	Credits int64  `json:"credits"`
}

// sums adds up every account, from both sides independently.
func (l *Ledger) sums(ctx context.Context) (sums []Sum, err error) {
	err = l.db.Read(ctx).Raw(`SELECT unit, kind, owner, SUM(d) AS debits, SUM(c) AS credits FROM (
		SELECT unit, debit_kind AS kind, debit_owner AS owner, SUM(amount) AS d, 0 AS c FROM ledger_entry GROUP BY unit, debit_kind, debit_owner
		UNION ALL
		SELECT unit, credit_kind, credit_owner, 0, SUM(amount) FROM ledger_entry GROUP BY unit, credit_kind, credit_owner
		) AS sides GROUP BY unit, kind, owner ORDER BY unit, kind, owner`).Scan(&sums).Error
	if err != nil {
		return nil, fmt.Errorf("ledger: trial balance: %w", err)
	}
	return sums, nil
}

func trialOf(sums []Sum) Trial {
	t := Trial{Totals: map[string]int64{Fen: 0, Points: 0}, Lines: []TrialLine{}, Negative: []string{}}
	for _, s := range sums {
		if n := len(t.Lines); n == 0 || t.Lines[n-1].Unit != s.Unit || t.Lines[n-1].Kind != s.Kind {
			t.Lines = append(t.Lines, TrialLine{Unit: s.Unit, Kind: s.Kind})
		}
		line := &t.Lines[len(t.Lines)-1]
		line.Debits += s.Debits
		line.Credits += s.Credits
		line.Balance = line.Credits - line.Debits
		t.Totals[s.Unit] += s.Credits - s.Debits
		owed := s.Kind == Debt || s.Kind == EarnedDebt
		low := s.Credits < s.Debits && s.Kind != Funds && s.Kind != Issue && !owed
		if low || owed && s.Credits > s.Debits { // nobody owes less than nothing
			t.Negative = append(t.Negative, fmt.Sprintf("%s:%s:%d", s.Unit, s.Kind, s.Owner))
		}
	}
	t.Balanced = t.Totals[Fen] == 0 && t.Totals[Points] == 0 && len(t.Negative) == 0
	return t
}
