// Package quiet holds the hours in which a brand's people are not disturbed (免打扰时段).
// It owns the table quiet_hours. What a person asked for a moment ago is not a disturbance:
// replies and greetings do not ask here, reminders do.
package quiet

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// longest is how many minutes of a day may be quiet: a reminder of a transfer that must be
// confirmed within 24 hours still has to come in time.
const longest = 12 * 60

// Hours are [FromMinute, UntilMinute) after midnight in Shanghai and may pass midnight;
// both the same means never.
type Hours struct {
	BrandID     id.ID         `json:"brand_id" gorm:"primaryKey"`
	FromMinute  int           `json:"from_minute"`
	UntilMinute int           `json:"until_minute"`
	ByID        id.ID         `json:"by_id"`
	ChangedAt   clock.Instant `json:"changed_at"` // null: nobody has set them
}

// TableName names the table for GORM.
func (Hours) TableName() string { return "quiet_hours" }

func (h Hours) check() error {
	length := (h.UntilMinute - h.FromMinute + 24*60) % (24 * 60)
	switch {
	case h.FromMinute < 0 || h.FromMinute >= 24*60 || h.UntilMinute < 0 || h.UntilMinute >= 24*60:
		return fault.NewInvalid("quiet_hours", "时间应在 00:00 到 23:59 之间").With("field", "from_minute")
	case length > longest:
		return fault.NewInvalid("quiet_hours", "免打扰最长 12 小时，否则待确认收款的提醒会来不及").With("field", "until_minute")
	}
	return nil
}

// Until tells when what wants to be said at a moment may be said: then, or at the end of
// the quiet hours.
func (h Hours) Until(at clock.Instant) clock.Instant {
	if h.FromMinute == h.UntilMinute {
		return at
	}
	midnight, next := clock.DayOf(at).Bounds()
	minute := int(at.Sub(midnight) / time.Minute)
	end := time.Duration(h.UntilMinute) * time.Minute
	switch {
	case h.FromMinute < h.UntilMinute && minute >= h.FromMinute && minute < h.UntilMinute,
		h.FromMinute > h.UntilMinute && minute < h.UntilMinute:
		return midnight.Add(end)
	case h.FromMinute > h.UntilMinute && minute >= h.FromMinute:
		return next.Add(end)
	}
	return at
}

// Store keeps the hours of brands.
type Store struct{ db *db.DB }

// New makes a store.
func New(d *db.DB) *Store { return &Store{db: d} }

// Of reads a brand's hours; a brand that set none has none.
func (s *Store) Of(ctx context.Context, brandID id.ID) (Hours, error) {
	var rows []Hours
	if err := s.db.Read(ctx).Where("brand_id = ?", brandID).Limit(1).Find(&rows).Error; err != nil {
		return Hours{}, fmt.Errorf("quiet: %w", err)
	}
	if len(rows) == 0 {
		return Hours{BrandID: brandID}, nil
	}
	return rows[0], nil
}

// Set changes a brand's hours. Fault: Invalid quiet_hours.
func (s *Store) Set(ctx context.Context, h Hours) (Hours, error) {
	if err := h.check(); err != nil {
		return Hours{}, err
	}
	h.ChangedAt = s.db.Now()
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec("INSERT INTO quiet_hours (brand_id, from_minute, until_minute, by_id, changed_at) VALUES (?,?,?,?,?)"+s.db.Once("brand_id"), h.BrandID, h.FromMinute, h.UntilMinute, h.ByID, h.ChangedAt)
		if r.Error != nil || r.RowsAffected > 0 {
			return r.Error
		}
		return tx.Model(&Hours{}).Where("brand_id = ?", h.BrandID).Updates(map[string]any{
			"from_minute": h.FromMinute, "until_minute": h.UntilMinute, "by_id": h.ByID, "changed_at": h.ChangedAt}).Error
	})
	if err != nil {
		return Hours{}, fmt.Errorf("quiet: set: %w", err)
	}
	return h, nil
}
