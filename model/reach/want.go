package reach

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

// wantLate is how long after its time a message that did not come still keeps grants.
const wantLate = 24 * time.Hour

// Wanted is a message to come that wants grants (订阅授权的预留): until it came, messages
// that are worth less leave it one grant of each human.
type Wanted struct {
	RefID   id.ID // the push
	BrandID id.ID
	Uses    []Use         // those of Subscribe count
	Value   int           // 0 to 100
	At      clock.Instant // when it is to come
	Members []id.ID       // whom it is for; none: everybody
}

// Want announces a message; again, it replaces what was announced. Fault: Invalid
// reach_ask.
func (s *Store) Want(ctx context.Context, w Wanted) error {
	if w.RefID == 0 || w.BrandID == 0 || w.Value < 0 || w.Value > 100 {
		return fault.NewInvalid("reach_ask", "预留授权：缺少触达、品牌，或价值不在 0 到 100")
	}
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		if err := forgetWant(tx, w.RefID); err != nil {
			return err
		}
		wants := db.NewRows("reach_want", "ref_id, account_id, template_id, brand_id, value, members, at")
		for _, u := range w.Uses {
			if u.Channel == Subscribe {
				wants.Add(w.RefID, u.AccountID, u.TemplateID, w.BrandID, w.Value, len(w.Members), w.At)
			}
		}
		if _, err := wants.Insert(ctx, tx, s.DB.Once("ref_id")); err != nil {
			return err
		}
		members := db.NewRows("reach_want_member", "ref_id, member_id")
		for _, m := range w.Members {
			members.Add(w.RefID, m)
		}
		_, err := members.Insert(ctx, tx, s.DB.Once("ref_id"))
		return err
	})
	if err != nil {
		return fmt.Errorf("reach: want: %w", err)
	}
	return nil
}

// Unwant takes an announcement back: the message came, or will not.
func (s *Store) Unwant(ctx context.Context, refID id.ID) error {
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error { return forgetWant(tx, refID) })
	if err != nil {
		return fmt.Errorf("reach: unwant: %w", err)
	}
	return nil
}

func forgetWant(tx *gorm.DB, refID id.ID) error {
	for _, table := range []string{"reach_want", "reach_want_member"} {
		if err := tx.Exec("DELETE FROM "+table+" WHERE ref_id = ?", refID).Error; err != nil {
			return err
		}
	}
	return nil
}

// Standing is an announcement as it stands.
type Standing struct {
	RefID id.ID
	Value int
	At    clock.Instant
	Named int // members it is for; 0: everybody
}

// Wants lists what is announced.
func (s *Store) Wants(ctx context.Context) ([]Standing, error) {
	var out []Standing
	err := s.DB.Read(ctx).Raw("SELECT DISTINCT ref_id, value, at, members AS named FROM reach_want ORDER BY ref_id").Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("reach: wants: %w", err)
	}
	return out, nil
}
