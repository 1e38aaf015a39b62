package commission

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

// Kinds of cycle, in business days of Shanghai.
const (
	Weekly  = "weekly"  // Monday to Sunday
	Monthly = "monthly" // a calendar month
)

// Policy says when a brand settles. SettleDay is the day of the following week (1 is
// Monday) or month on which a cycle that ended is settled.
type Policy struct {
	BrandID   id.ID         `json:"brand_id"`
	Kind      string        `json:"kind"`
	SettleDay int           `json:"settle_day"`
	Version   int           `json:"version"` // 0: never saved, this is the default
	ByID      id.ID         `json:"by_id"`
	ChangedAt clock.Instant `json:"changed_at"`
}

// TableName names the table for GORM.
func (Policy) TableName() string { return "commission_policy" }

// Policy reads a brand's.
func (s *Store) Policy(ctx context.Context, brandID id.ID) (Policy, error) {
	return s.policyTx(s.DB.Read(ctx), brandID)
}

func (s *Store) policyTx(tx *gorm.DB, brandID id.ID) (Policy, error) {
	p := Policy{BrandID: brandID, Kind: Monthly, SettleDay: 5}
	err := tx.Where("brand_id = ?", brandID).Take(&p).Error
	if err != nil && !db.IsNotFound(err) {
		return p, fmt.Errorf("commission: policy: %w", err)
	}
	return p, nil
}

// SavePolicy changes it from the next settlement on; p.Version is the one that was read.
// Faults: Invalid commission_policy; Conflict commission_policy_changed.
func (s *Store) SavePolicy(ctx context.Context, p Policy) (Policy, error) {
	most := map[string]int{Weekly: 7, Monthly: 28}[p.Kind]
	if most == 0 {
		return Policy{}, fault.NewInvalid("commission_policy", "结算周期应为 weekly（每周）或 monthly（每月）").With("field", "kind")
	}
	if p.SettleDay < 1 || p.SettleDay > most {
		return Policy{}, fault.Invalidf("commission_policy", "结算日应为 1 到 %d", most).With("field", "settle_day")
	}
	read := p.Version
	p.Version, p.ChangedAt = read+1, s.DB.Now()
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		if read == 0 {
			return tx.Create(&p).Error
		}
		r := tx.Exec("UPDATE commission_policy SET kind = ?, settle_day = ?, version = ?, by_id = ?, changed_at = ? WHERE brand_id = ? AND version = ?",
			p.Kind, p.SettleDay, p.Version, p.ByID, p.ChangedAt, p.BrandID, read)
		if r.Error == nil && r.RowsAffected == 0 {
			return errPolicyChanged
		}
		return r.Error
	})
	if db.IsDuplicate(err) {
		err = errPolicyChanged
	}
	if err != nil {
		return Policy{}, fmt.Errorf("commission: save policy: %w", err)
	}
	return p, nil
}

var errPolicyChanged = fault.New(fault.Conflict, "commission_policy_changed", "结算设置已被他人修改，请刷新后再保存")

// Cycle is the days [From, Until] that one statement is of, both included.
type Cycle struct {
	Kind  string    `json:"kind"`
	From  clock.Day `json:"from_day"`
	Until clock.Day `json:"until_day"`
}

// cycleOf is the cycle that a day falls into.
func (p Policy) cycleOf(day clock.Day) Cycle {
	if p.Kind == Weekly {
		from, _ := day.Bounds()
		weekday := int(from.Time().In(clock.Shanghai).Weekday()+6) % 7 // Monday is 0
		first := day.AddDays(-weekday)
		return Cycle{Weekly, first, first.AddDays(6)}
	}
	return Cycle{Monthly, day/100*100 + 1, day.MonthEnd()}
}

// due is the newest cycle whose settlement day has come. Cycles that were missed because
// nothing ran are settled with it: it takes all that is released by its end.
func (p Policy) due(now clock.Instant) Cycle {
	last := p.cycleOf(p.cycleOf(clock.DayOf(now)).From.AddDays(-1))
	if clock.DayOf(now) < last.Until.AddDays(p.SettleDay) {
		last = p.cycleOf(last.From.AddDays(-1))
	}
	return last
}

// end is the first moment after the cycle.
func (c Cycle) end() clock.Instant {
	_, until := c.Until.Bounds()
	return until
}

// Text is 2026-11-16 至 2026-11-22.
func (c Cycle) Text() string { return c.From.Text() + " 至 " + c.Until.Text() }

// cycles is how often a cycle ends within a month, at most.
func (p Policy) cycles() int64 {
	if p.Kind == Weekly {
		return 5
	}
	return 1
}

// month is what previews look back on.
const month = 30 * 24 * time.Hour
