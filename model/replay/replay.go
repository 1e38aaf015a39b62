// Package replay remembers the answer to a write by its idempotency key, so that a
// client that lost the answer may ask again and gets the same one. The key is stored
// with a hash of the input: the same key with other input is a mistake of the
// client's and is refused.
//
// It owns the table replay. It promises a repeated answer, not exactly-once effects:
// those come from the unique keys of the contexts themselves, because an effect and
// this row are not written in one transaction. A crash between them costs a repeated
// call, which the context answers like the first.
package replay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
)

// MaxKey is the longest idempotency key, in bytes.
const MaxKey = 128

type row struct {
	Scope     string
	IdemKey   string
	InputHash string
	Status    int
	Answer    []byte
	CreatedAt clock.Instant
}

func (row) TableName() string { return "replay" }

// Store keeps answers.
type Store struct{ db *db.DB }

// New makes a store.
func New(d *db.DB) *Store { return &Store{db: d} }

// Do runs fn unless (scope, key) has an answer already. The scope names the caller
// and the operation ("op:7:POST /campaigns"). Answers with status 500 and above are
// not kept, so that a retry can succeed. Faults: Invalid key_malformed, Conflict
// key_reused.
func (s *Store) Do(ctx context.Context, scope, key string, input []byte, fn func() (status int, answer []byte, err error)) (status int, answer []byte, replayed bool, err error) {
	if key == "" || len(key) > MaxKey || len(scope) > 64 {
		return 0, nil, false, fault.NewInvalid("key_malformed", "Idempotency-Key 应为 1 到 128 个字符")
	}
	sum := sha256.Sum256(input)
	hash := hex.EncodeToString(sum[:])
	if old, found, err := s.find(ctx, scope, key, hash); err != nil || found {
		return old.Status, old.Answer, found, err
	}
	status, answer, err = fn()
	if err != nil || status >= 500 {
		return status, answer, false, err
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("INSERT INTO replay (scope, idem_key, input_hash, status, answer, created_at) VALUES (?,?,?,?,?,?)"+s.db.Once("status"),
			scope, key, hash, status, answer, s.db.Now()).Error
	})
	if err != nil {
		return 0, nil, false, fmt.Errorf("replay: keep answer: %w", err)
	}
	// Two calls with one key at once: both ran (the context made that harmless), the
	// first answer stands for both.
	old, found, err := s.find(ctx, scope, key, hash)
	if err != nil || !found {
		return status, answer, false, err
	}
	return old.Status, old.Answer, false, nil
}

func (s *Store) find(ctx context.Context, scope, key, hash string) (row, bool, error) {
	var old row
	err := s.db.Read(ctx).Where("scope = ? AND idem_key = ?", scope, key).Take(&old).Error
	if db.IsNotFound(err) {
		return row{}, false, nil
	}
	if err != nil {
		return row{}, false, fmt.Errorf("replay: %w", err)
	}
	if old.InputHash != hash {
		return row{}, false, fault.New(fault.Conflict, "key_reused", "同一个 Idempotency-Key 已用于另一个请求，请换一个")
	}
	return old, true, nil
}

// Prune forgets answers older than the given moment, at most limit at a time.
func (s *Store) Prune(ctx context.Context, before clock.Instant, limit int) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		var old []row
		if err := tx.Select("scope", "idem_key").Where("created_at < ?", before).Limit(limit).Find(&old).Error; err != nil {
			return err
		}
		for _, r := range old {
			if err := tx.Where("scope = ? AND idem_key = ?", r.Scope, r.IdemKey).Delete(&row{}).Error; err != nil {
				return err
			}
		}
		return nil
	})
}
