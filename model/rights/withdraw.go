package rights

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/id"
	"siyu/model/identity"
)

// ForgetPhonesTx takes the telephone numbers of members out of everything, as taking the
// consent to them back demands: the numbers go, their hashes become tombstones wherever
// they are keys. It is the part of an erasure that concerns phones.
func (s *Store) ForgetPhonesTx(ctx context.Context, tx *gorm.DB, members []id.ID) error {
	if len(members) == 0 {
		return nil
	}
	who, err := s.subjectOf(tx, members[0])
	if errors.Is(err, errNobody) {
		return nil
	}
	if err != nil {
		return err
	}
	who.values = nil
	for _, k := range who.keys {
		if k.Kind == identity.Phone {
			who.values = append(who.values, k.Value)
		}
	}
	who.values = distinct(who.values)
	if given, _ := who.lists["phones"].([]string); len(who.values)+len(given) == 0 {
		return nil
	}
	event := s.DB.NewID()
	for _, t := range register() {
		switch t.name {
		case "identity_key", "identity_edge", "identity_review", "identity_merge":
			t.set = nil // notes and other keys are not the phone's
		case "phone":
		case "leader": // the number that he applied with
			t.set = map[string]any{"phone_hash": ""}
		default:
			continue
		}
		if _, err := s.erase(ctx, tx, t, who, event, nil); err != nil {
			return fmt.Errorf("rights: forget phones: %w", err)
		}
	}
	return nil
}
