package holdout

import (
	"context"
	"fmt"
	"strconv"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

// Limits of settings.
const (
	MostUniversal = 2_000 // basis points
	MostHeld      = 5_000
	MostDays      = 30
)

// Settings (对照组设置) are what a brand decided; each change is a new version, and a push
// keeps the one it began with.
type Settings struct {
	BrandID     id.ID         `json:"brand_id" gorm:"primaryKey"`
	Version     int           `json:"version" gorm:"primaryKey"` // 0: nobody has set anything
	UniversalBP int           `json:"universal_bp" gorm:"column:universal_bp"`
	HeldBP      int           `json:"held_bp" gorm:"column:held_bp"` // what a new push begins with
	WindowDays  int           `json:"window_days"`                   // how long after a message what people do counts
	CapFen      money.Fen     `json:"cap_fen"`                       // more than this of one person is counted as this
	Salt        string        `json:"-"`
	Reason      string        `json:"reason"`
	ByID        id.ID         `json:"by_id"`
	CreatedAt   clock.Instant `json:"created_at"` // null: nobody has set anything
}

// TableName names the table for GORM.
func (Settings) TableName() string { return "holdout_setting" }

// Split is how a push that begins now divides people.
func (s Settings) Split(arms []Part) Split {
	return Split{BrandID: s.BrandID, Version: s.Version, Salt: s.Salt, UniversalBP: s.UniversalBP, HeldBP: s.HeldBP, Arms: arms, WindowDays: s.WindowDays, CapFen: s.CapFen}
}

// standard is what holds for a brand that set nothing: a tenth of each push is left alone.
func standard(brandID id.ID) Settings {
	return Settings{BrandID: brandID, HeldBP: 1_000, WindowDays: 7, CapFen: 200_000}
}

func (s Settings) check() error {
	bad := func(field, text string) error {
		return fault.NewInvalid("holdout_setting", text).With("field", field)
	}
	switch {
	case s.UniversalBP < 0 || s.UniversalBP > MostUniversal:
		return bad("universal_bp", "全局对照组应在 0 到 20% 之间")
	case s.HeldBP < 0 || s.HeldBP > MostHeld:
		return bad("held_bp", "每次触达的对照组应在 0 到 50% 之间")
	case s.WindowDays < 1 || s.WindowDays > MostDays:
		return bad("window_days", "观察期应在 1 到 30 天之间")
	case s.CapFen < 100 || s.CapFen > 100_000_000:
		return bad("cap_fen", "单人金额上限应在 1 元到 100 万元之间")
	case s.Reason == "" || len([]rune(s.Reason)) > 200:
		return bad("reason", "请写明修改原因，最多 200 字")
	}
	return nil
}

// Of reads the settings that hold for a brand.
func (s *Store) Of(ctx context.Context, brandID id.ID) (Settings, error) {
	return s.newest(s.db.Read(ctx), brandID)
}

func (s *Store) newest(tx *gorm.DB, brandID id.ID) (Settings, error) {
	var rows []Settings
	if err := tx.Where("brand_id = ?", brandID).Order("version DESC").Limit(1).Find(&rows).Error; err != nil {
		return Settings{}, fmt.Errorf("holdout: settings: %w", err)
	}
	if len(rows) == 0 {
		return standard(brandID), nil
	}
	return rows[0], nil
}

// Set makes a new version after the one that the operator saw (Version); reshuffle draws a
// new universal control group, which ends what the old one could tell.
// Faults: Invalid holdout_setting; Conflict holdout_changed.
func (s *Store) Set(ctx context.Context, set Settings, reshuffle bool) (before, after Settings, err error) {
	if err := set.check(); err != nil {
		return before, after, err
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		if before, err = s.newest(tx, set.BrandID); err != nil {
			return err
		}
		if before.Version != set.Version {
			return fault.New(fault.Conflict, "holdout_changed", "对照组设置刚被别人修改，请刷新后再改")
		}
		after = set
		after.Salt, after.Version, after.CreatedAt = before.Salt, before.Version+1, s.db.Now()
		if reshuffle {
			after.Salt = strconv.Itoa(after.Version)
		}
		err := tx.Create(&after).Error
		if db.IsDuplicate(err) {
			return fault.New(fault.Conflict, "holdout_changed", "对照组设置刚被别人修改，请刷新后再改")
		}
		return err
	})
	if err != nil {
		return before, after, fmt.Errorf("holdout: set: %w", err)
	}
	return before, after, nil
}

// History lists a brand's versions, newest first, at most fifty.
func (s *Store) History(ctx context.Context, brandID id.ID) ([]Settings, error) {
	out := []Settings{}
	if err := s.db.Read(ctx).Where("brand_id = ?", brandID).Order("version DESC").Limit(50).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("holdout: settings: %w", err)
	}
	return out, nil
}
