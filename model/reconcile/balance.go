package reconcile

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/redpacket"
)

// Sources of a balance.
const (
	BalanceWeChat   = "wechat"   // as WeChat answered
	BalanceEstimate = "estimate" // what an operator last saw, minus what was sent since
	BalanceUnknown  = "unknown"
)

// Balance is the money on one merchant account.
type Balance struct {
	AccountID    id.ID         `json:"account_id" gorm:"primaryKey"`
	BrandID      id.ID         `json:"brand_id"`
	Source       string        `json:"source"`
	AvailableFen money.Fen     `json:"available_fen"`
	AsOf         clock.Instant `json:"as_of"`
	Error        string        `json:"error"` // zh-CN: why WeChat did not say
	KeptFen      money.Fen     `json:"kept_fen"`
	KeptAt       clock.Instant `json:"kept_at"` // when an operator looked; none: never
	KeptBy       string        `json:"kept_by"`
	AlarmFen     money.Fen     `json:"alarm_fen"` // below this somebody is told; 0: never
	Low          bool          `json:"low"`
	LowAt        clock.Instant `json:"low_at"`
	UpdatedAt    clock.Instant `json:"updated_at"`
}

// TableName names the table for GORM.
func (Balance) TableName() string { return "merchant_balance" }

// Balances reads those that are known, of one brand or (0) of all.
func (s *Store) Balances(ctx context.Context, brandID id.ID) ([]Balance, error) {
	q := s.db.Read(ctx)
	if brandID != 0 {
		q = q.Where("brand_id = ?", brandID)
	}
	list := []Balance{}
	return list, q.Order("account_id").Limit(500).Find(&list).Error
}

// Balance reads one; an account that nobody looked at has BalanceUnknown.
func (s *Store) Balance(ctx context.Context, brandID, accountID id.ID) (Balance, error) {
	b := Balance{AccountID: accountID, BrandID: brandID, Source: BalanceUnknown}
	err := s.db.Read(ctx).Where("account_id = ?", accountID).Take(&b).Error
	if db.IsNotFound(err) {
		return b, nil
	}
	return b, err
}

func (s *Store) rowTx(ctx context.Context, tx *gorm.DB, brandID, accountID id.ID) (b Balance, err error) {
	rows := db.NewRows("merchant_balance", "account_id, brand_id, source, available_fen, as_of, error, kept_fen, kept_at, kept_by, alarm_fen, low, low_at, updated_at")
	rows.Add(accountID, brandID, BalanceUnknown, 0, 0, "", 0, 0, "", 0, false, 0, s.db.Now())
	if _, err := rows.Insert(ctx, tx, s.db.Once("account_id")); err != nil {
		return b, err
	}
	return b, tx.Where("account_id = ?", accountID).Take(&b).Error
}

// changeTx writes what a change makes of a balance, and whether it is low.
func (s *Store) change(ctx context.Context, brandID, accountID id.ID, do func(*Balance)) (before, after Balance, err error) {
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		if before, err = s.rowTx(ctx, tx, brandID, accountID); err != nil {
			return err
		}
		after = before
		do(&after)
		now := s.db.Now()
		low := after.AlarmFen > 0 && after.Source != BalanceUnknown && after.AvailableFen < after.AlarmFen
		if low && !after.Low {
			after.LowAt = now
		} else if !low {
			after.LowAt = 0
		}
		after.Low, after.UpdatedAt = low, now
		return tx.Model(&Balance{}).Where("account_id = ?", accountID).Updates(map[string]any{"source": after.Source, "available_fen": after.AvailableFen, "as_of": after.AsOf,
			"error": cut(after.Error, 200), "kept_fen": after.KeptFen, "kept_at": after.KeptAt, "kept_by": cut(after.KeptBy, 64), "alarm_fen": after.AlarmFen,
			"low": after.Low, "low_at": after.LowAt, "updated_at": after.UpdatedAt}).Error
	})
	if err != nil {
		return before, after, fmt.Errorf("reconcile: balance: %w", err)
	}
	return before, after, nil
}

// Keep notes what an operator saw on WeChat's page, and below what somebody is told. A
// figure of nil leaves that one as it is.
func (s *Store) Keep(ctx context.Context, brandID, accountID id.ID, seen, alarm *money.Fen, login string) (before, after Balance, err error) {
	for _, f := range []*money.Fen{seen, alarm} {
		if f != nil && (*f < 0 || *f > 1e13) {
			return before, after, fault.NewInvalid("bad_amount", "金额应为 0 到 1000 亿元").With("field", "alarm_fen")
		}
	}
	now := s.db.Now()
	return s.change(ctx, brandID, accountID, func(b *Balance) {
		if seen != nil {
			b.KeptFen, b.KeptAt, b.KeptBy = *seen, now, login
			if b.Source != BalanceWeChat {
				b.Source, b.AvailableFen, b.AsOf = BalanceEstimate, *seen, now
			}
		}
		if alarm != nil {
			b.AlarmFen = *alarm
		}
	})
}

// Told notes what WeChat answered.
func (s *Store) Told(ctx context.Context, brandID, accountID id.ID, available money.Fen) (Balance, error) {
	now := s.db.Now()
	_, after, err := s.change(ctx, brandID, accountID, func(b *Balance) {
		b.Source, b.AvailableFen, b.AsOf, b.Error = BalanceWeChat, available, now, ""
	})
	return after, err
}

// Estimate notes that WeChat did not say (why), and works the balance out of what an
// operator saw: minus what was made since and was sent and did not come back. What was made
// before and sent after is not in it, which is why it is an estimate.
func (s *Store) Estimate(ctx context.Context, brandID, accountID id.ID, why string) (Balance, error) {
	old, err := s.Balance(ctx, brandID, accountID)
	if err != nil {
		return old, err
	}
	var spent money.Fen
	if old.KeptAt != 0 {
		err := s.db.Read(ctx).Raw("SELECT COALESCE(SUM(amount_fen), 0) FROM payout WHERE account_id = ? AND moved_at >= ? AND created_at >= ? AND state IN (?, ?, ?)",
			accountID, old.KeptAt, old.KeptAt, redpacket.Sending, redpacket.Accepted, redpacket.Settled).Scan(&spent).Error
		if err != nil {
			return old, fmt.Errorf("reconcile: estimate: %w", err)
		}
	}
	now := s.db.Now()
	_, after, err := s.change(ctx, brandID, accountID, func(b *Balance) {
		b.Error = why
		if b.KeptAt != 0 {
			b.Source, b.AvailableFen, b.AsOf = BalanceEstimate, b.KeptFen-spent, now
		} else {
			b.Source = BalanceUnknown
		}
	})
	return after, err
}
