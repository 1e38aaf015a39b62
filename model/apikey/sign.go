package apikey

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
)

// Window is how far a request's time may be from ours, in either direction.
const Window = 5 * time.Minute

var (
	kindForm   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,15}(:[0-9A-Za-z_.-]{1,64})?$`)
	accessForm = regexp.MustCompile(`^ak[0-9a-f]{24}$`)
	nonceForm  = regexp.MustCompile(`^[0-9A-Za-z_-]{8,64}$`)
	signForm   = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// Request is what a signature covers. Target is the path with its query, as it was sent.
type Request struct {
	Access, Method, Target, Time, Nonce, Sign string
}

// Text is what is signed: method, target, time, nonce and the hex SHA-256 of the body,
// one a line.
func (r Request) Text(body []byte) string {
	sum := sha256.Sum256(body)
	return r.Method + "\n" + r.Target + "\n" + r.Time + "\n" + r.Nonce + "\n" + hex.EncodeToString(sum[:])
}

// Signature is the hex HMAC-SHA256 of a text under a secret.
func Signature(secret, text string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(text))
	return hex.EncodeToString(m.Sum(nil))
}

// known is a key as requests are checked against it; the zero value is no key.
type known struct {
	key         Key
	secret, old string
}

// load reads a key for a moment. Nobody's name is remembered as such, too, so that a
// flood of made-up names does not reach the database each time.
func (s *Store) load(ctx context.Context, access string) (known, error) {
	var r row
	err := s.db.Read(ctx).Where("access = ? AND state = ?", access, Active).Take(&r).Error
	if db.IsNotFound(err) {
		return known{}, nil
	}
	if err != nil {
		return known{}, fmt.Errorf("apikey: read: %w", err)
	}
	k := known{key: r.key()}
	plain, err := s.box.Open(place(access), r.Secret)
	if err != nil {
		return known{}, fmt.Errorf("apikey: %s: %w", access, err)
	}
	k.secret = string(plain)
	if len(r.OldSecret) > 0 {
		if plain, err = s.box.Open(place(access), r.OldSecret); err != nil {
			return known{}, fmt.Errorf("apikey: %s: %w", access, err)
		}
		k.old = string(plain)
	}
	return k, nil
}

var (
	// One answer for an unknown key and for a wrong signature: who guesses learns nothing.
	errSignature = fault.New(fault.Unauthenticated, "bad_signature", "密钥或签名不对")
	errHeaders   = fault.New(fault.Unauthenticated, "bad_headers", "缺少 X-Siyu-Key、X-Siyu-Time、X-Siyu-Nonce 或 X-Siyu-Sign，或格式不对")
)

// Claimed checks everything that can be checked before a body is read: form, time, and
// that there is such a key. Nothing is proven yet.
// Faults: Unauthenticated bad_headers, bad_time (Detail server_time), bad_signature.
func (s *Store) Claimed(ctx context.Context, r Request) error {
	at, err := strconv.ParseInt(r.Time, 10, 64)
	if err != nil || !accessForm.MatchString(r.Access) || !nonceForm.MatchString(r.Nonce) || !signForm.MatchString(r.Sign) {
		return errHeaders
	}
	now := s.db.Now()
	if d := now.Sub(clock.From(time.Unix(at, 0))); d > Window || d < -Window {
		return fault.New(fault.Unauthenticated, "bad_time", "X-Siyu-Time 与服务器时间相差超过 5 分钟").With("server_time", int64(now)/1000)
	}
	k, err := s.live.Get(ctx, r.Access)
	if err == nil && k.secret == "" {
		err = errSignature
	}
	return err
}

// Authenticate returns the key that signed the request, and notes its use.
// Faults: those of Claimed.
func (s *Store) Authenticate(ctx context.Context, r Request, body []byte) (Key, error) {
	if err := s.Claimed(ctx, r); err != nil {
		return Key{}, err
	}
	k, err := s.live.Get(ctx, r.Access)
	if err != nil {
		return Key{}, err
	}
	text, now := r.Text(body), s.db.Now()
	good := k.secret != "" && hmac.Equal([]byte(Signature(k.secret, text)), []byte(r.Sign))
	if !good && k.old != "" && now < k.key.OldUntil {
		good = hmac.Equal([]byte(Signature(k.old, text)), []byte(r.Sign))
	}
	if !good {
		return Key{}, errSignature
	}
	return k.key, s.used(ctx, k.key, now)
}

// used notes the last use, once a minute.
func (s *Store) used(ctx context.Context, k Key, now clock.Instant) error {
	if k.UsedAt > now.Add(-time.Minute) {
		return nil
	}
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE api_key SET used_at = ? WHERE id = ? AND used_at <= ?", now, k.ID, now.Add(-time.Minute)).Error
	})
	if err != nil {
		return fmt.Errorf("apikey: used: %w", err)
	}
	return nil
}
