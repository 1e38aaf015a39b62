package redpacket

import (
	"context"
	"fmt"

	"siyu/model/clock"
	"siyu/model/id"
)

// What follows is for reconciliation: payouts of one merchant account, in bulk.

// ByBills reads the payouts of an account with one of these bill numbers.
func (s *Store) ByBills(ctx context.Context, accountID id.ID, bills []string) ([]Payout, error) {
	return s.some(ctx, "bill_no IN ? AND account_id = ?", bills, accountID)
}

// ByWechatNos reads the payouts of an account that moved since a moment and that WeChat
// gave one of these numbers.
func (s *Store) ByWechatNos(ctx context.Context, accountID id.ID, since clock.Instant, numbers []string) ([]Payout, error) {
	return s.some(ctx, "account_id = ? AND moved_at >= ? AND wechat_no IN ?", accountID, since, numbers)
}

// ByIDs reads payouts.
func (s *Store) ByIDs(ctx context.Context, ids []id.ID) ([]Payout, error) {
	return s.some(ctx, "id IN ?", ids)
}

func (s *Store) some(ctx context.Context, where string, args ...any) ([]Payout, error) {
	var out []Payout
	if err := s.db.Read(ctx).Where(where, args...).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("redpacket: %w", err)
	}
	return out, nil
}

// Moved pages the payouts of an account whose state last changed in [from, until), by
// (moved_at, id) after a row.
func (s *Store) Moved(ctx context.Context, accountID id.ID, from, until clock.Instant, after id.ID, limit int) ([]Payout, error) {
	var out []Payout
	err := s.db.Read(ctx).Where("account_id = ? AND moved_at >= ? AND moved_at < ? AND (moved_at > ? OR id > ?)", accountID, from, until, from, after).
		Order("moved_at, id").Limit(limit).Find(&out).Error
	return out, err
}

// StateName is a state in words.
func StateName(state string) string {
	return map[string]string{Pending: "待发送", Sending: "发送中", Accepted: "已受理", Settled: "已到账", Returned: "已退回", Failed: "发放失败"}[state]
}
