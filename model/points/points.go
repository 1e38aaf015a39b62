// Package points is the points account of a member (积分). It is a thin reading of the
// ledger: points come from the brand's issue account and sit in the member's account;
// no balance row exists, so no claim waits for another.
//
// It owns no table. Keys of entries: "claim:{id}:scan" for the product's scan points,
// "claim:{id}:prize" for a points prize.
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
