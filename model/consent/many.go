package consent

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/db"
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
		// Agreed to elsewhere, in other words than ours: no text of ours was shown.
		rows.Add(s.db.NewID(), c.MemberID, c.Purpose, c.PolicyVersion, c.Given, c.Channel, now, "", c.Page, c.RequestID, c.IPHash, c.OperatorID, c.Note)
	}
	if _, err := rows.Insert(ctx, tx, ""); err != nil {
		return fmt.Errorf("consent: put: %w", err)
	}
	return nil
}
