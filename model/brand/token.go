package brand

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/seal"
)

// Tokens keeps WeChat access tokens and tickets for all processes: sealed, with a
// lease so that one process fetches while the others wait for its result.
type Tokens struct {
	db  *db.DB
	box *seal.Box
}

// NewTokens makes the store.
func NewTokens(d *db.DB, box *seal.Box) *Tokens { return &Tokens{db: d, box: box} }

type tokenRow struct {
	TokenKey   string
	Value      []byte
	ValueHash  string
	ExpiresAt  clock.Instant
	LeaseOwner id.ID
	LeaseUntil clock.Instant
}

func (tokenRow) TableName() string { return "wechat_token" }

func hash(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}

// Get returns the token and its end, or "" when there is none.
func (t *Tokens) Get(ctx context.Context, key string) (value string, expiresAt time.Time, err error) {
	var r tokenRow
	err = t.db.Read(ctx).Where("token_key = ?", key).Take(&r).Error
	if db.IsNotFound(err) || (err == nil && r.ExpiresAt == 0) {
		return "", time.Time{}, nil
	}
	if err != nil {
		return "", time.Time{}, fmt.Errorf("brand: token: %w", err)
	}
	plain, err := t.box.Open("token:"+key, r.Value)
	if err != nil { // the master key changed: the token is simply fetched anew
		return "", time.Time{}, nil
	}
	return string(plain), r.ExpiresAt.Time(), nil
}

// Until is the end of the token under key, without opening it; 0 when there is none.
func (t *Tokens) Until(ctx context.Context, key string) (clock.Instant, error) {
	var rows []tokenRow
	err := t.db.Read(ctx).Select("expires_at").Where("token_key = ?", key).Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return rows[0].ExpiresAt, nil
}

// Put stores a token.
func (t *Tokens) Put(ctx context.Context, key, value string, expiresAt time.Time) error {
	return t.db.InTx(ctx, func(tx *gorm.DB) error {
		if err := t.ensure(tx, key); err != nil {
			return err
		}
		return tx.Model(&tokenRow{}).Where("token_key = ?", key).Updates(map[string]any{
			"value": t.box.Seal("token:"+key, []byte(value)), "value_hash": hash(value), "expires_at": clock.From(expiresAt)}).Error
	})
}

// DropIf forgets the token if it is still this one: a process that saw an old token
// refused must not throw away the new one.
func (t *Tokens) DropIf(ctx context.Context, key, value string) error {
	return t.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&tokenRow{}).Where("token_key = ? AND value_hash = ?", key, hash(value)).
			Updates(map[string]any{"expires_at": 0, "value_hash": "", "value": []byte{}}).Error
	})
}

// Lock takes the lease on a key for at most ttl; ok is false when another process
// has it. A process that dies loses the lease by time.
func (t *Tokens) Lock(ctx context.Context, key string, ttl time.Duration) (unlock func(), ok bool, err error) {
	owner := t.db.NewID()
	err = t.db.InTx(ctx, func(tx *gorm.DB) error {
		if err := t.ensure(tx, key); err != nil {
			return err
		}
		now := t.db.Now()
		r := tx.Model(&tokenRow{}).Where("token_key = ? AND lease_until <= ?", key, now).
			Updates(map[string]any{"lease_owner": owner, "lease_until": now.Add(ttl)})
		ok = r.RowsAffected == 1
		return r.Error
	})
	if err != nil || !ok {
		return func() {}, false, err
	}
	return func() {
		_ = t.db.InTx(context.WithoutCancel(ctx), func(tx *gorm.DB) error { // failing costs the others the ttl, no more
			return tx.Model(&tokenRow{}).Where("token_key = ? AND lease_owner = ?", key, owner).Updates(map[string]any{"lease_until": 0}).Error
		})
	}, true, nil
}

func (t *Tokens) ensure(tx *gorm.DB, key string) error {
	return tx.Exec("INSERT INTO wechat_token (token_key, value, value_hash, expires_at, lease_owner, lease_until) VALUES (?, ?, '', 0, 0, 0)"+t.db.Once("token_key"), key, []byte{}).Error
}
