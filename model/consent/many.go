package consent

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/id"
)

// PutFirstTx records agreements of members who were made in this very transaction and so
// have no other answer and no family, in one statement: at most a thousand.
// Fault: Invalid consent_malformed.
func (s *Store) PutFirstTx(ctx context.Context, tx *gorm.DB, list []Consent) error {
	rows := db.NewRows("consent", "id, member_id, purpose, policy_version, given, channel, at, text_hash, page, request_id, ip_hash, operator_id, note")
	now := s.db.Now()
	for _, c := range list {
		if err := c.complete(); err != nil {
			return err
		}
		rows.Add(s.db.NewID(), c.MemberID, c.Purpose, c.PolicyVersion, c.Given, c.Channel, now, c.TextHash, c.Page, c.RequestID, c.IPHash, c.OperatorID, c.Note)
	}
	if _, err := rows.Insert(ctx, tx, ""); err != nil {
		return fmt.Errorf("consent: put: %w", err)
	}
	return nil
}

// Newest is the answer of the human behind a member that counts at present; the zero
// Consent when he was never asked.
func (s *Store) Newest(tx *gorm.DB, memberID id.ID, purpose string) (Consent, error) {
	human, err := family(tx, memberID)
	if err != nil {
		return Consent{}, err
	}
	return newest(tx, human, purpose)
}
