package group

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
)

// Policy is a brand's numbers. WeChat's own change now and then, so they are data.
type Policy struct {
	BrandID         id.ID         `json:"brand_id"`
	ScanLimit       int           `json:"scan_limit"`        // people in a group above which nobody can join by scanning (200)
	Ceiling         int           `json:"ceiling"`           // people in a group at most (500)
	QRDays          int           `json:"qr_days"`           // life of a WeChat group's join code (7)
	WarnHours       int           `json:"warn_hours"`        // alarm before a join code ends
	WarnPercent     int           `json:"warn_percent"`      // alarm when this full
	PeoplePerLeader int           `json:"people_per_leader"` // whom one person can look after (Dunbar's 150)
	JoinMinutes     int           `json:"join_minutes"`      // places younger than this are not in a reported size yet
	UpdatedAt       clock.Instant `json:"updated_at"`        // none: the defaults
}

// DefaultPolicy is what a brand has that set nothing. 200, 500 and seven days are WeChat's
// own limits for groups.
func DefaultPolicy(brandID id.ID) Policy {
	return Policy{BrandID: brandID, ScanLimit: 200, Ceiling: 500, QRDays: 7, WarnHours: 24, WarnPercent: 90, PeoplePerLeader: 150, JoinMinutes: 10}
}

func (p Policy) check() error {
	for _, x := range []struct {
		field      string
		n, lo, max int
	}{
		{"scan_limit", p.ScanLimit, 1, p.Ceiling}, {"ceiling", p.Ceiling, 1, 2000}, {"qr_days", p.QRDays, 1, 365},
		{"warn_hours", p.WarnHours, 1, 24 * 30}, {"warn_percent", p.WarnPercent, 1, 100},
		{"people_per_leader", p.PeoplePerLeader, 1, 100_000}, {"join_minutes", p.JoinMinutes, 0, 24 * 60},
	} {
		if x.n < x.lo || x.n > x.max {
			return fault.Invalidf("group_policy", "%s 应为 %d 到 %d", x.field, x.lo, x.max).With("field", x.field)
		}
	}
	return nil
}

func (p Policy) join() time.Duration { return time.Duration(p.JoinMinutes) * time.Minute }

func (p Policy) qrLife() time.Duration { return time.Duration(p.QRDays) * 24 * time.Hour }

// scanCapacity is up to how many people one can join a community by scanning.
func (p Policy) scanCapacity(capacity int) int { return min(capacity, p.ScanLimit) }

// Policy reads a brand's numbers.
func (s *Store) Policy(ctx context.Context, brandID id.ID) (Policy, error) {
	return s.policy(s.db.Read(ctx), brandID)
}

func (s *Store) policy(tx *gorm.DB, brandID id.ID) (Policy, error) {
	var body []string
	if err := tx.Raw("SELECT body FROM group_policy WHERE brand_id = ?", brandID).Scan(&body).Error; err != nil {
		return Policy{}, fmt.Errorf("group: policy: %w", err)
	}
	p := DefaultPolicy(brandID)
	if len(body) == 1 {
		if err := json.Unmarshal([]byte(body[0]), &p); err != nil {
			return Policy{}, fmt.Errorf("group: policy of %s: %w", brandID, err)
		}
	}
	return p, nil
}

// SavePolicy changes a brand's numbers; communities follow at once: a lower scan limit
// fills some, a higher one opens some. Fault: Invalid group_policy.
func (s *Store) SavePolicy(ctx context.Context, p Policy, operatorID id.ID) (Policy, error) {
	if err := p.check(); err != nil {
		return Policy{}, err
	}
	p.UpdatedAt = s.db.Now()
	body, err := json.Marshal(p)
	if err != nil {
		return Policy{}, err
	}
	err = s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec("INSERT INTO group_policy (brand_id, body, by_id, updated_at) VALUES (?,?,?,?)"+s.db.Once("brand_id"), p.BrandID, string(body), operatorID, p.UpdatedAt)
		if r.Error == nil && r.RowsAffected == 0 {
			r = tx.Exec("UPDATE group_policy SET body = ?, by_id = ?, updated_at = ? WHERE brand_id = ?", string(body), operatorID, p.UpdatedAt, p.BrandID)
		}
		if r.Error != nil {
			return r.Error
		}
		var all []id.ID
		if err := tx.Raw("SELECT id FROM community WHERE brand_id = ? ORDER BY id", p.BrandID).Scan(&all).Error; err != nil {
			return err
		}
		for _, communityID := range all {
			err := s.change(ctx, tx, communityID, func(c *Community) error {
				c.ScanCapacity = p.scanCapacity(c.Capacity)
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Policy{}, fmt.Errorf("group: policy: %w", err)
	}
	return p, nil
}

// brandsWith lists brands that have communities.
func (s *Store) brandsWith(ctx context.Context) ([]id.ID, error) {
	var out []id.ID
	err := s.db.Read(ctx).Raw("SELECT DISTINCT brand_id FROM community").Scan(&out).Error
	return out, err
}
