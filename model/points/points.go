// Package points is the points account of members (积分). The ledger is the truth: what
// a member can spend, what is pending, frozen, owed are accounts there, and no balance row
// exists, so no claim waits for another.
//
// Store is what the claim uses: it books earnings and reads one account. Accounts is the
// rest: rules, pending, expiry, spending, freezing, taking back, adjustments, reports.
//
// It owns the tables points_* and the ledger accounts member, pending, frozen, debt
// (of members), issue, spent and expired (of brands).
//
// Lots. Points end first in, first out, so they are kept in lots (points_lot): what one
// ledger entry brought. The claim writes no lot; its entries "claim:{id}:scan" and
// "claim:{id}:prize" become lots when somebody needs them, and in a daily round. This
// folding is idempotent: a lot is known by the key of its entry, and entries are read
// from a day before the last folding, far longer than a transaction lasts or a clock errs.
//
// Settling. Whatever is about to look at or move a member's points first brings him up to
// now: entries are folded, pending points whose time has come are released, debt is paid
// from the oldest points, expired points are booked out. Chores only find members who have
// something to settle. So nothing depends on when a chore ran.
//
// Debt. An earning that is taken back after it was spent leaves a debt; the next points
// pay it. Nobody can spend while he owes as much as he has.
//
// Family. Points stay with the member who earned them. The human's balance is the sum over
// his members (member.Family). Spending takes the acting member's own points, and what is
// missing from the others' by posting (a loan, oldest expiry first). Members who part get
// loans back as far as the borrower has points; without loans, parting moves nothing.
//
// Promises: a fact earns once, a key spends once; balances are never negative, but debt;
// lots sum to the accounts they describe.
package points

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/id"
	"siyu/model/ledger"
)

// Store reads balances and posts what claims earn.
type Store struct{ ledger *ledger.Ledger }

// New makes a store.
func New(l *ledger.Ledger) *Store { return &Store{ledger: l} }

// Earning is points for one fact.
type Earning struct {
	Key      string // from the fact
	BrandID  id.ID  // who issues
	MemberID id.ID  // who gets
	Points   int64
	Memo     string // zh-CN, shown in the statement
}

// Entry is the ledger entry of an earning.
func (e Earning) Entry() ledger.Entry {
	return ledger.Entry{Key: e.Key, Unit: ledger.Points,
		Debit: ledger.Account{Kind: ledger.Issue, Owner: e.BrandID}, Credit: ledger.Account{Kind: ledger.Member, Owner: e.MemberID},
		Amount: e.Points, Memo: e.Memo}
}

// EarnTx books an earning in the caller's transaction; zero points book nothing.
func (s *Store) EarnTx(ctx context.Context, tx *gorm.DB, e Earning) error {
	if e.Points == 0 {
		return nil
	}
	if e.Points < 0 {
		return fmt.Errorf("points: %s earns %d", e.Key, e.Points)
	}
	return s.ledger.PostTx(ctx, tx, e.Entry())
}

// EarnAllTx books earnings of facts that are new in this transaction, in one
// statement; those of zero points book nothing.
func (s *Store) EarnAllTx(ctx context.Context, tx *gorm.DB, earnings []Earning) error {
	entries := make([]ledger.Entry, 0, len(earnings))
	for _, e := range earnings {
		if e.Points != 0 {
			entries = append(entries, e.Entry())
		}
	}
	return s.ledger.PostNewTx(ctx, tx, entries)
}

// Balance is how many points a member holds.
func (s *Store) Balance(ctx context.Context, memberID id.ID) (int64, error) {
	return s.ledger.Balance(ctx, ledger.Points, ledger.Account{Kind: ledger.Member, Owner: memberID})
}

// Statement lists a member's entries, newest first, after the entry before (0 = the newest).
func (s *Store) Statement(ctx context.Context, memberID, before id.ID, limit int) ([]ledger.Line, error) {
	if limit <= 0 || limit > 100 {
		limit = 100
	}
	return s.ledger.Statement(ctx, ledger.Points, ledger.Account{Kind: ledger.Member, Owner: memberID}, before, limit)
}
