// Package goal keeps what a brand wants to reach (目标) and whether it still wants to be
// led through its first steps (新手引导).
//
// It owns the tables brand_target and brand_setup. A target is an amount of one metric in
// one calendar month; setting it again replaces it, the audit keeps what it was.
package goal

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Metrics that can have a target, in the units of their numbers on the first page.
const (
	NewMembers = "new_members" // people
	Members    = "members"     // people at the end of the month
	Scans      = "scans"
	SalesFen   = "sales_fen"
)

// Metrics lists them.
func Metrics() []string { return []string{NewMembers, Members, Scans, SalesFen} }

// maxAmount is more than anybody means.
const maxAmount = 1_000_000_000_000

// Target is one of them.
type Target struct {
	BrandID   id.ID         `json:"brand_id"`
	Month     int           `json:"month"` // 202611
	Metric    string        `json:"metric"`
	Amount    int64         `json:"amount"` // people, times, or fen
	ByID      id.ID         `json:"by_id"`
	UpdatedAt clock.Instant `json:"updated_at"`
}

// TableName names the table for GORM.
func (Target) TableName() string { return "brand_target" }

// Store reads and writes.
type Store struct{ db *db.DB }

// New makes a store.
func New(d *db.DB) *Store { return &Store{d} }

// Month is the month of a business day, as targets write it.
func Month(d clock.Day) int { return int(d) / 100 }

// Of returns the targets of a month.
func (s *Store) Of(ctx context.Context, brandID id.ID, month int) ([]Target, error) {
	out := []Target{}
	if err := s.db.Read(ctx).Where("brand_id = ? AND month = ?", brandID, month).Order("metric").Find(&out).Error; err != nil {
		return nil, fmt.Errorf("goal: targets: %w", err)
	}
	return out, nil
}

// Set replaces a target; an amount of 0 takes it away. Faults: Invalid target_metric,
// target_month, target_amount.
func (s *Store) Set(ctx context.Context, t Target) (before, after Target, err error) {
	switch year, month := t.Month/100, t.Month%100; {
	case !slices.Contains(Metrics(), t.Metric):
		return before, after, fault.NewInvalid("target_metric", "没有这个目标，请选择新增会员、会员总数、扫码次数或销售额").With("field", "metric")
	case year < 2025 || year > 2100 || month < 1 || month > 12:
		return before, after, fault.NewInvalid("target_month", "目标月份应写成 202611 这样的年月").With("field", "month")
	case t.Amount < 0 || t.Amount > maxAmount:
		return before, after, fault.NewInvalid("target_amount", "目标应为 0 到 1 万亿之间的整数，填 0 为取消目标").With("field", "amount")
	}
	t.UpdatedAt = s.db.Now()
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		before = Target{}
		err := tx.Where("brand_id = ? AND month = ? AND metric = ?", t.BrandID, t.Month, t.Metric).Take(&before).Error
		if err != nil && !db.IsNotFound(err) {
			return err
		}
		if err := tx.Exec("DELETE FROM brand_target WHERE brand_id = ? AND month = ? AND metric = ?", t.BrandID, t.Month, t.Metric).Error; err != nil || t.Amount == 0 {
			return err
		}
		return tx.Create(&t).Error
	})
	if err != nil {
		return before, after, fmt.Errorf("goal: set: %w", err)
	}
	return before, t, nil
}

// Dismissed says whether a brand needs its first steps no more, and since when.
func (s *Store) Dismissed(ctx context.Context, brandID id.ID) (clock.Instant, error) {
	var at clock.Instant
	if err := s.db.Read(ctx).Raw("SELECT dismissed_at FROM brand_setup WHERE brand_id = ?", brandID).Scan(&at).Error; err != nil {
		return 0, fmt.Errorf("goal: first steps: %w", err)
	}
	return at, nil
}

// Dismiss ends the first steps of a brand, or brings them back.
func (s *Store) Dismiss(ctx context.Context, brandID, byID id.ID, dismissed bool) error {
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		if !dismissed {
			return tx.Exec("DELETE FROM brand_setup WHERE brand_id = ?", brandID).Error
		}
		return tx.Exec("INSERT INTO brand_setup (brand_id, dismissed_at, by_id) VALUES (?,?,?)"+s.db.Once("brand_id"), brandID, s.db.Now(), byID).Error
	})
	if err != nil {
		return fmt.Errorf("goal: first steps: %w", err)
	}
	return nil
}
