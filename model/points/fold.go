package points

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/ledger"
)

// lookBack is how long before the last folding entries are read again: the moment of an
// entry is taken before its transaction commits, and by a machine whose clock may be wrong.
const lookBack = 24 * time.Hour

// fold makes lots of a member's entries that are none yet.
func (a *Accounts) fold(ctx context.Context, tx *gorm.DB, m id.ID) error {
	fresh, err := a.unfolded(tx, m)
	if err != nil || len(fresh) == 0 {
		return err
	}
	now, lots, rules := a.db.Now(), make([]lot, 0, len(fresh)), history{}
	for _, e := range fresh {
		r, err := rules.at(tx, e.From, e.At)
		if err != nil {
			return err
		}
		lots = append(lots, lot{ID: a.db.NewID(), Source: e.Key, MemberID: m, BrandID: e.From, Amount: e.Amount, Available: e.Amount,
			EarnedAt: e.At, ExpiresAt: r.Expiry.End(e.At)})
	}
	for part := range slices.Chunk(lots, 200) {
		if err := insertLots(ctx, tx, a.db.Once("live"), part...); err != nil {
			return err
		}
	}
	return tx.Exec("UPDATE points_account SET folded_at = ? WHERE member_id = ? AND folded_at < ?", now, m, now).Error
}

// unfolded lists a member's earnings that are no lots yet.
func (a *Accounts) unfolded(tx *gorm.DB, m id.ID) ([]ledger.Credit, error) {
	var last []clock.Instant
	if err := tx.Raw("SELECT folded_at FROM points_account WHERE member_id = ?", m).Scan(&last).Error; err != nil {
		return nil, fmt.Errorf("points: fold: %w", err)
	}
	var since clock.Instant
	if len(last) == 1 && last[0] != 0 {
		since = last[0].Add(-lookBack)
	}
	found, err := a.ledger.CreditsTx(tx, ledger.Points, ledger.Issue, ledger.Account{Kind: ledger.Member, Owner: m}, since)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	known := map[string]bool{}
	for part := range slices.Chunk(found, 500) {
		keys := make([]string, len(part))
		for i, e := range part {
			keys[i] = e.Key
		}
		var there []string
		if err := tx.Raw("SELECT source FROM points_lot WHERE source IN ?", keys).Scan(&there).Error; err != nil {
			return nil, fmt.Errorf("points: fold: %w", err)
		}
		for _, k := range there {
			known[k] = true
		}
	}
	return slices.DeleteFunc(found, func(e ledger.Credit) bool { return known[e.Key] }), nil
}

// foldPage folds those of the members who have something to fold: on most days few, and
// one statement finds them. It needs no lock, because lots are inserted once by their
// source.
func (a *Accounts) foldPage(ctx context.Context, members []id.ID) error {
	var stale []id.ID
	err := a.db.Read(ctx).Raw(`SELECT DISTINCT e.credit_owner FROM ledger_entry e LEFT JOIN points_account a ON a.member_id = e.credit_owner
		LEFT JOIN points_lot l ON l.source = e.entry_key
		WHERE e.credit_owner IN ? AND e.credit_kind = ? AND e.debit_kind = ? AND e.unit = ? AND e.at >= COALESCE(a.folded_at, 0) - ? AND l.id IS NULL`,
		members, ledger.Member, ledger.Issue, ledger.Points, lookBack.Milliseconds()).Scan(&stale).Error
	if err != nil {
		return fmt.Errorf("points: fold: %w", err)
	}
	if len(stale) == 0 {
		return nil
	}
	return a.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		for _, m := range stale {
			if err := tx.Exec("INSERT INTO points_account (member_id, moves, folded_at) VALUES (?, 0, 0)"+a.db.Once("moves"), m).Error; err != nil {
				return fmt.Errorf("points: fold: %w", err)
			}
			if err := a.fold(ctx, tx, m); err != nil {
				return err
			}
		}
		return nil
	})
}
