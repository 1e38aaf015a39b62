// Package consent records what members agreed to and when they took it back: the
// evidence that the Personal Information Protection Law (个人信息保护法) asks for in
// articles 14 to 16.
//
// It owns the table consent, which only grows: the newest row of a purpose counts.
package consent

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// ExactPlace is the purpose "store the exact place of a scan". Without it only
// province and city are kept. Article 28 calls a person's whereabouts sensitive,
// which is why it is asked for apart.
const ExactPlace = "exact_place"

// Consent is one answer of one member.
type Consent struct {
	ID            id.ID         `json:"id"`
	MemberID      id.ID         `json:"member_id"`
	Purpose       string        `json:"purpose"`
	PolicyVersion string        `json:"policy_version"` // of the text that was shown
	Given         bool          `json:"given"`          // false: refused or taken back
	Channel       string        `json:"channel"`        // h5 or mini
	At            clock.Instant `json:"at"`
}

// TableName names the table for GORM.
func (Consent) TableName() string { return "consent" }

// Store keeps answers.
type Store struct{ db *db.DB }

// New makes a store.
func New(d *db.DB) *Store { return &Store{db: d} }

// Put records an answer. The same answer to the same text again adds nothing.
// Fault: Invalid consent_malformed.
func (s *Store) Put(ctx context.Context, c Consent) (Consent, error) {
	if c.MemberID == 0 || c.Purpose != ExactPlace || c.PolicyVersion == "" || len(c.PolicyVersion) > 16 || c.Channel != "h5" && c.Channel != "mini" {
		return Consent{}, fault.NewInvalid("consent_malformed", "授权内容不对")
	}
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		last, err := newest(tx, c.MemberID, c.Purpose)
		if err != nil {
			return err
		}
		if last.Given == c.Given && last.PolicyVersion == c.PolicyVersion {
			c = last
			return nil
		}
		// Later than the one before even when the clock stands or jumps back: the
		// newest answer must be the one given last.
		c.ID, c.At = s.db.NewID(), max(s.db.Now(), last.At+1)
		return tx.Create(&c).Error
	})
	if err != nil {
		return Consent{}, fmt.Errorf("consent: put: %w", err)
	}
	return c, nil
}

// Given says whether the member agrees at present.
func (s *Store) Given(ctx context.Context, memberID id.ID, purpose string) (bool, error) {
	last, err := newest(s.db.Read(ctx), memberID, purpose)
	return last.Given, err
}

func newest(tx *gorm.DB, memberID id.ID, purpose string) (Consent, error) {
	var c Consent
	err := tx.Where("member_id = ? AND purpose = ?", memberID, purpose).Order("at DESC").Take(&c).Error
	if err != nil && !db.IsNotFound(err) {
		return Consent{}, fmt.Errorf("consent: read: %w", err)
	}
	return c, nil
}
