package profile

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/fault"
	"siyu/model/id"
)

// How long a member is left in peace.
const (
	skipFor  = 30 * 24 * time.Hour // the question he skipped
	quietFor = 3 * 24 * time.Hour  // all questions after a skip
	anyField = "*"                 // row of profile_skip that means all
)

// Question is the one thing to ask next (渐进式资料完善).
type Question struct {
	Field
	Reward int64 `json:"reward"` // points that answering gives now
}

// Next is the question for a member, nil when there is none: everything is known, or he
// was asked enough. Ask it at a good moment (after a reward), one at a time.
func (s *Store) Next(ctx context.Context, memberID id.ID) (*Question, error) {
	family, err := s.Families.Family(ctx, memberID)
	if err != nil {
		return nil, err
	}
	tx, now := s.DB.Read(ctx), s.DB.Now()
	var skipped []string
	if err := tx.Raw("SELECT field FROM profile_skip WHERE member_id IN ? AND until_at > ?", family, now).Scan(&skipped).Error; err != nil {
		return nil, fmt.Errorf("profile: next: %w", err)
	}
	quiet := map[string]bool{}
	for _, f := range skipped {
		quiet[f] = true
	}
	if quiet[anyField] {
		return nil, nil
	}
	items, err := s.items(ctx, family)
	if err != nil {
		return nil, err
	}
	for _, i := range items {
		f := i.Field
		// A field that needs a consent of its own is never brought up by us. One that was
		// answered and emptied again is an answer too: "I do not want to say".
		if i.At != 0 || f.Question == "" || f.Purpose != "" || quiet[f.Name] {
			continue
		}
		q := Question{Field: f, Reward: f.Points}
		if i.Rewarded || f.BrandID == 0 {
			q.Reward = 0
		}
		return &q, nil
	}
	return nil, nil
}

// Skip stops a question for thirty days, and all questions for three.
// Fault: Invalid profile_unknown.
func (s *Store) Skip(ctx context.Context, memberID id.ID, field string) error {
	all, err := s.Fields(ctx)
	if err != nil {
		return err
	}
	known := false
	for _, f := range all {
		known = known || f.Name == field
	}
	if !known {
		return fault.NewInvalid("profile_unknown", "没有这个档案字段")
	}
	now := s.DB.Now()
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		for name, pause := range map[string]time.Duration{field: skipFor, anyField: quietFor} {
			r := tx.Exec("INSERT INTO profile_skip (member_id, field, until_at) VALUES (?,?,?)"+s.DB.Once("field"), memberID, name, now.Add(pause))
			if r.Error != nil {
				return r.Error
			}
			if r.RowsAffected == 0 {
				if err := tx.Exec("UPDATE profile_skip SET until_at = ? WHERE member_id = ? AND field = ?", now.Add(pause), memberID, name).Error; err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("profile: skip: %w", err)
	}
	return nil
}
