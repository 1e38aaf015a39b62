package referral

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Who counts as a customer whom nobody brought.
const (
	// NeverSeen refuses who has been a member for longer than NewMinutes, or has ever
	// claimed or ordered with the brand.
	NeverSeen = "never_seen"
	// NeverBought refuses only who has ever claimed or ordered with the brand.
	NeverBought = "never_bought"
)

// Policy is a brand's rules of binding.
type Policy struct {
	BrandID     id.ID  `json:"brand_id"`
	Version     int    `json:"version"`      // 0: never saved, these are the defaults
	ProtectDays int    `json:"protect_days"` // nobody can take over within
	ValidDays   int    `json:"valid_days"`   // the referrer counts for so long; 0: for ever
	Existing    string `json:"existing"`     // never_seen, never_bought
	NewMinutes  int    `json:"new_minutes"`  // of never_seen
	// Takeover lets another contact take over when protection is over. It also lets who
	// had a referrer once be brought again, although he is no new customer.
	Takeover  bool          `json:"takeover"`
	ByID      id.ID         `json:"by_id"`
	CreatedAt clock.Instant `json:"created_at"`
}

const (
	maxDays    = 3660
	maxMinutes = 30 * 24 * 60
)

func defaults(brandID id.ID) Policy {
	return Policy{BrandID: brandID, ProtectDays: 30, Existing: NeverSeen, NewMinutes: 60}
}

func (p Policy) check() error {
	bad := func(field, format string, args ...any) error {
		return fault.Invalidf("referral_policy", format, args...).With("field", field)
	}
	switch {
	case p.ProtectDays < 0 || p.ProtectDays > maxDays:
		return bad("protect_days", "保护期应为 0 到 %d 天", maxDays)
	case p.ValidDays < 0 || p.ValidDays > maxDays:
		return bad("valid_days", "有效期应为 0(长期)到 %d 天", maxDays)
	case p.ValidDays > 0 && p.ProtectDays > p.ValidDays:
		return bad("protect_days", "保护期不能长于有效期")
	case p.Existing != NeverSeen && p.Existing != NeverBought:
		return bad("existing", "老会员的判定应为 never_seen 或 never_bought")
	case p.NewMinutes < 1 || p.NewMinutes > maxMinutes:
		return bad("new_minutes", "新会员的时限应为 1 到 %d 分钟", maxMinutes)
	}
	return nil
}

// terms returns until when a binding of a moment is protected and valid.
func (p Policy) terms(at clock.Instant) (protected, expires clock.Instant) {
	const day = 24 * time.Hour
	if p.ValidDays > 0 {
		expires = at.Add(time.Duration(p.ValidDays) * day)
	}
	return at.Add(time.Duration(p.ProtectDays) * day), expires
}

// Policy reads a brand's rules; defaults, with Version 0, where none were saved.
func (s *Store) Policy(ctx context.Context, brandID id.ID) (Policy, error) {
	var rows []struct {
		Version   int
		Body      string
		ByID      id.ID
		CreatedAt clock.Instant
	}
	err := s.DB.Read(ctx).Raw("SELECT version, body, by_id, created_at FROM referral_policy WHERE brand_id = ? ORDER BY version DESC LIMIT 1", brandID).Scan(&rows).Error
	p := defaults(brandID)
	if err == nil && len(rows) == 1 {
		err = json.Unmarshal([]byte(rows[0].Body), &p)
		p.BrandID, p.Version, p.ByID, p.CreatedAt = brandID, rows[0].Version, rows[0].ByID, rows[0].CreatedAt
	}
	if err != nil {
		return Policy{}, fmt.Errorf("referral: policy: %w", err)
	}
	return p, nil
}

// SavePolicy stores the version after p.Version. Bindings that exist keep their terms.
// Faults: Invalid referral_policy; Conflict policy_changed, when somebody saved since p
// was read.
func (s *Store) SavePolicy(ctx context.Context, p Policy) (Policy, error) {
	if err := p.check(); err != nil {
		return Policy{}, err
	}
	body, err := json.Marshal(p)
	if err != nil {
		return Policy{}, err
	}
	now, err := s.Policy(ctx, p.BrandID)
	if err != nil {
		return Policy{}, err
	}
	changed := fault.New(fault.Conflict, "policy_changed", "规则已被他人修改，请刷新后重试")
	if now.Version != p.Version {
		return Policy{}, changed
	}
	p.Version, p.CreatedAt = p.Version+1, s.DB.Now()
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("INSERT INTO referral_policy (brand_id, version, body, by_id, created_at) VALUES (?,?,?,?,?)", p.BrandID, p.Version, string(body), p.ByID, p.CreatedAt).Error
	})
	if db.IsDuplicate(err) {
		return Policy{}, changed
	}
	if err != nil {
		return Policy{}, fmt.Errorf("referral: save policy: %w", err)
	}
	return p, nil
}
