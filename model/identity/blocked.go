package identity

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Blocked is a key that joins nobody: a front desk's phone, a tablet of a shop (共用键).
type Blocked struct {
	ID        id.ID         `json:"id"`
	Kind      string        `json:"kind"`
	Scope     string        `json:"scope"`
	Value     string        `json:"-"`
	Reason    string        `json:"reason"`
	MadeBy    id.ID         `json:"made_by"` // 0: the program found it
	CreatedAt clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Blocked) TableName() string { return "identity_blocked" }

// Key is the key that is blocked.
func (b Blocked) Key() Key { return Key{Kind: b.Kind, Scope: b.Scope, Value: b.Value} }

// Block declares a key as shared. What it joined before stays; an operator undoes that.
// Blocking twice is the same as once. Faults: Invalid key_malformed, reason_missing.
func (s *Store) Block(ctx context.Context, k Key, by id.ID, reason string) (Blocked, error) {
	ks, err := s.declared(ctx)
	if err != nil {
		return Blocked{}, err
	}
	if err := ks.check(k); err != nil {
		return Blocked{}, err
	}
	if reason = strings.TrimSpace(reason); reason == "" {
		return Blocked{}, fault.NewInvalid("reason_missing", "请填写原因").With("field", "reason")
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		return s.block(tx, Blocked{Kind: k.Kind, Scope: k.Scope, Value: k.Value, Reason: reason, MadeBy: by})
	})
	if err != nil {
		return Blocked{}, err
	}
	var b Blocked
	err = s.db.Read(ctx).Where("kind = ? AND scope = ? AND value = ?", k.Kind, k.Scope, k.Value).Take(&b).Error
	return b, err
}

func (s *Store) block(tx *gorm.DB, b Blocked) error {
	err := tx.Exec("INSERT INTO identity_blocked (id, kind, scope, value, reason, made_by, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)"+s.db.Once("kind"),
		s.db.NewID(), b.Kind, b.Scope, b.Value, clip(b.Reason, 200), b.MadeBy, s.db.Now()).Error
	if err != nil {
		return fmt.Errorf("identity: block: %w", err)
	}
	return nil
}

// Unblock lets a key join again. Fault: NotFound blocked_not_found.
func (s *Store) Unblock(ctx context.Context, blockedID id.ID) (Blocked, error) {
	var b Blocked
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		b = Blocked{}
		err := tx.Where("id = ?", blockedID).Take(&b).Error
		if db.IsNotFound(err) {
			return fault.New(fault.NotFound, "blocked_not_found", "没有这个共用键")
		}
		if err != nil {
			return err
		}
		return tx.Exec("DELETE FROM identity_blocked WHERE id = ?", blockedID).Error
	})
	return b, err
}

// BlockedKeys pages shared keys, newest first.
func (s *Store) BlockedKeys(ctx context.Context, before id.ID, limit int) ([]Blocked, error) {
	out := []Blocked{}
	if err := db.Page(s.db.Read(ctx), "identity_blocked", before, limit).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("identity: blocked: %w", err)
	}
	return out, nil
}

// CountBlocked is how many shared keys there are, up to db.MaxTotal.
func (s *Store) CountBlocked(ctx context.Context) (n int, more bool, err error) {
	return db.Total(s.db.Read(ctx).Model(&Blocked{}))
}

func isBlocked(tx *gorm.DB, k Key) (bool, error) {
	var there []int
	err := tx.Raw("SELECT 1 FROM identity_blocked WHERE kind = ? AND scope = ? AND value = ?", k.Kind, k.Scope, k.Value).Scan(&there).Error
	if err != nil {
		return false, fmt.Errorf("identity: blocked: %w", err)
	}
	return len(there) > 0, nil
}
