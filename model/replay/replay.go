// Package replay remembers the answer to a write by its idempotency key, so that a
// client that lost the answer may ask again and gets the same one. The key is stored
// with a hash of the input: the same key with other input is a mistake of the
// client's and is refused.
//
// It owns the table replay: a row without status is a call under way.
//
// Promise: of calls with one key, one runs at a time; the others wait for its answer.
// After an answer is kept, none runs again. What is not promised is exactly one effect
// over a crash, because an effect and this row are not written in one transaction: a
// process that dies in between leaves its key taken for holdFor, after which a repeated
// call runs again. The unique keys of the contexts answer that one.
package replay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

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

const (
	running = 0 // status of a call under way
	// holdFor is after how long a call under way is taken for dead. No request lives so
	// long.
	holdFor = 2 * time.Minute
	// patience is how long a repeated call waits for the first, looking every look.
	patience = 3 * time.Second
	look     = 50 * time.Millisecond
)

// Do runs fn unless (scope, key) has an answer already. The scope names the caller
// and the operation ("op:7:POST /campaigns"). fn's status is positive. Errors, panics
// and answers with status 500 and above are not kept, so that a retry can succeed.
// Faults: Invalid key_malformed, Conflict key_reused, Unavailable key_busy.
func (s *Store) Do(ctx context.Context, scope, key string, input []byte, fn func() (status int, answer []byte, err error)) (status int, answer []byte, replayed bool, err error) {
	if key == "" || len(key) > MaxKey || len(scope) > 64 {
		return 0, nil, false, fault.NewInvalid("key_malformed", "Idempotency-Key 应为 1 到 128 个字符")
	}
	sum := sha256.Sum256(input)
	mine, old, err := s.take(ctx, row{Scope: scope, IdemKey: key, InputHash: hex.EncodeToString(sum[:])})
	if err != nil {
		return 0, nil, false, err
	}
	if !mine {
		return old.Status, old.Answer, true, nil
	}
	kept := false
	defer func() {
		if !kept { // a client that went away must not leave its key taken
			s.end(context.WithoutCancel(ctx), old, func(q *gorm.DB) *gorm.DB { return q.Delete(&row{}) })
		}
	}()
	status, answer, err = fn()
	if err != nil || status >= 500 {
		return status, answer, false, err
	}
	// The act stands, whatever becomes of its memory: to answer a fault here would make
	// the client do it again. If the answer cannot be kept the key stays taken a while.
	kept = true
	s.end(context.WithoutCancel(ctx), old, func(q *gorm.DB) *gorm.DB {
		return q.Updates(map[string]any{"status": status, "answer": answer})
	})
	return status, answer, false, nil
}

// take makes the key ours, or returns the answer of whoever had it.
func (s *Store) take(ctx context.Context, want row) (mine bool, r row, err error) {
	busy := fault.New(fault.Unavailable, "key_busy", "同一个请求正在处理，请稍后再试")
	for waited := time.Duration(0); waited <= patience; waited += look {
		if waited > 0 {
			select {
			case <-time.After(look):
			case <-ctx.Done():
				return false, row{}, busy.Because(ctx.Err())
			}
		}
		old, found, err := s.find(ctx, want.Scope, want.IdemKey, want.InputHash)
		if err != nil && waited > 0 && ctx.Err() != nil {
			return false, row{}, busy.Because(err)
		}
		if err != nil || found && old.Status != running {
			return false, old, err
		}
		want.CreatedAt = s.db.Now()
		if mine, err = s.reserve(ctx, want, old, found); err != nil || mine {
			return mine, want, err
		}
	}
	return false, row{}, busy
}

// reserve writes that a call is under way, in place of a dead one if there is one.
// created_at is the owner's mark: a successor's differs.
func (s *Store) reserve(ctx context.Context, want, old row, found bool) (mine bool, err error) {
	if age := want.CreatedAt.Sub(old.CreatedAt).Abs(); found && age < holdFor { // Abs: the clock may have jumped back
		return false, nil
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		var r *gorm.DB
		if found {
			r = tx.Model(&row{}).Where("scope = ? AND idem_key = ? AND status = ? AND created_at = ?", want.Scope, want.IdemKey, running, old.CreatedAt).
				Update("created_at", want.CreatedAt)
		} else {
			r = tx.Exec("INSERT INTO replay (scope, idem_key, input_hash, status, answer, created_at) VALUES (?,?,?,?,?,?)"+s.db.Once("status"),
				want.Scope, want.IdemKey, want.InputHash, running, []byte{}, want.CreatedAt)
		}
		mine = r.RowsAffected == 1
		return r.Error
	})
	if err != nil {
		return false, fmt.Errorf("replay: take key: %w", err)
	}
	return mine, nil
}

// end changes our own row. Failing leaves the key taken until holdFor is over.
func (s *Store) end(ctx context.Context, r row, change func(q *gorm.DB) *gorm.DB) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_ = s.db.InTx(ctx, func(tx *gorm.DB) error {
		return change(tx.Model(&row{}).Where("scope = ? AND idem_key = ? AND status = ? AND created_at = ?", r.Scope, r.IdemKey, running, r.CreatedAt)).Error
	})
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

// Prune forgets answers older than the given moment, at most limit at a time, and says
// how many.
func (s *Store) Prune(ctx context.Context, before clock.Instant, limit int) (n int, err error) {
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		var old []row
		if err := tx.Select("scope", "idem_key").Where("created_at < ?", before).Limit(limit).Find(&old).Error; err != nil {
			return err
		}
		for _, r := range old {
			if err := tx.Where("scope = ? AND idem_key = ?", r.Scope, r.IdemKey).Delete(&row{}).Error; err != nil {
				return err
			}
		}
		n = len(old)
		return nil
	})
	return n, err
}
