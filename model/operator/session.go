package operator

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Session is one log-in of an operator.
type Session struct {
	Operator  Operator      `json:"operator"`
	CSRF      string        `json:"csrf"` // goes into X-CSRF-Token of every write
	IP        string        `json:"ip"`
	CreatedAt clock.Instant `json:"created_at"`
	ExpiresAt clock.Instant `json:"expires_at"`
	hash      string
}

// CheckCSRF compares without telling by its time where two texts differ.
func (s Session) CheckCSRF(token string) bool {
	return s.CSRF != "" && subtle.ConstantTimeCompare([]byte(s.CSRF), []byte(token)) == 1
}

type sessionRow struct {
	KeyHash    string
	OperatorID id.ID
	CSRF       string `gorm:"column:csrf"`
	IP         string
	CreatedAt  clock.Instant
	SeenAt     clock.Instant
	ExpiresAt  clock.Instant
}

func (sessionRow) TableName() string { return "operator_session" }

const (
	// knownFor is how long an address stays known after a log-in from it.
	knownFor = 30 * 24 * time.Hour
	// touchEvery spares a write per request; the idle end is exact to this.
	touchEvery = time.Minute
)

var (
	wrongLogin = fault.New(fault.Unauthenticated, "login_wrong", "登录名或密码不对")
	noSession  = fault.New(fault.Unauthenticated, "not_logged_in", "请先登录")
)

// Attempt is what somebody shows who wants in.
type Attempt struct {
	Login, Password string
	Code            string // of the second factor, or a recovery code; "" none
	IP              string // the client's address
}

// Login checks a password, and a code where the second factor is on, and opens a session;
// key is what the cookie holds and is returned only here. Faults: Unauthenticated
// login_wrong (also for an unknown or disabled operator), totp_needed, totp_wrong;
// Throttled too_many_attempts.
func (s *Store) Login(ctx context.Context, in Attempt) (sess Session, key string, err error) {
	login, password, ip := cleanLogin(in.Login), in.Password, in.IP
	r, err := s.row(s.db.Read(ctx).Where("login = ?", login))
	if fault.KindOf(err) == fault.NotFound {
		return Session{}, "", s.refuseGhost(ctx, login, password)
	}
	if err != nil {
		return Session{}, "", fmt.Errorf("operator: login: %w", err)
	}
	known, err := s.knows(ctx, r.ID, ip)
	if err != nil {
		return Session{}, "", err
	}
	if !known {
		if err := s.attempt(ctx, r); err != nil {
			return Session{}, "", err
		}
	}
	ok, weak, err := s.verify(ctx, password, r.PasswordHash)
	if err != nil {
		return Session{}, "", err
	}
	if !ok { // whether he is active is for the transaction to say
		return Session{}, "", wrongLogin
	}
	if r.State == Active {
		if err := s.second(ctx, r.ID, in.Code); err != nil {
			return Session{}, "", err
		}
	}
	return s.open(ctx, r, password, ip, weak)
}

func (s *Store) open(ctx context.Context, r row, password, ip string, weak bool) (Session, string, error) {
	key, now := randomText(), s.db.Now()
	sr := sessionRow{KeyHash: hashKey(key), OperatorID: r.ID, CSRF: hex.EncodeToString(randomBytes()), IP: ip, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(s.o.Absolute)}
	set := map[string]any{"failures": 0, "locked_until": 0}
	if weak { // the cost has grown since; the password is at hand only now
		hash, err := s.hash(ctx, password)
		if err != nil {
			return Session{}, "", err
		}
		set["password_hash"] = hash
	}
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		// The guard on the hash: a password changed meanwhile must not be undone, nor
		// may its old value still open a session.
		u := tx.Model(&row{}).Where("id = ? AND state = ? AND password_hash = ?", r.ID, Active, r.PasswordHash).Updates(set)
		if u.Error != nil {
			return u.Error
		}
		if u.RowsAffected == 0 {
			// MySQL counts changed rows only, so "nothing to reset" looks the same.
			var n int64
			if err := tx.Model(&row{}).Where("id = ? AND state = ? AND password_hash = ?", r.ID, Active, r.PasswordHash).Count(&n).Error; err != nil {
				return err
			}
			if n == 0 {
				return wrongLogin
			}
		}
		return tx.Create(&sr).Error
	})
	if err != nil {
		return Session{}, "", err
	}
	r.LockedUntil = 0
	return sr.session(r.operator()), key, nil
}

func (r sessionRow) session(o Operator) Session {
	return Session{Operator: o, CSRF: r.CSRF, IP: r.IP, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt, hash: r.KeyHash}
}

// Session returns the session of a cookie's key and notes that it is used. Fault:
// Unauthenticated not_logged_in.
func (s *Store) Session(ctx context.Context, key string) (Session, error) {
	return s.session(ctx, key, true)
}

// Glance is Session for what a page asks by itself while nobody is at it: the time-out of an
// idle session runs on.
func (s *Store) Glance(ctx context.Context, key string) (Session, error) {
	return s.session(ctx, key, false)
}

func (s *Store) session(ctx context.Context, key string, used bool) (Session, error) {
	if len(key) != 43 {
		return Session{}, noSession
	}
	var sr sessionRow
	err := s.db.Read(ctx).Where("key_hash = ?", hashKey(key)).Take(&sr).Error
	if db.IsNotFound(err) {
		return Session{}, noSession
	}
	if err != nil {
		return Session{}, fmt.Errorf("operator: session: %w", err)
	}
	now := s.db.Now()
	if now >= sr.ExpiresAt || now.Sub(sr.SeenAt) >= s.o.Idle {
		return Session{}, noSession
	}
	r, err := s.row(s.db.Read(ctx).Where("id = ?", sr.OperatorID))
	if err != nil || r.State != Active {
		return Session{}, noSession
	}
	if used && now.Sub(sr.SeenAt) >= touchEvery {
		err := s.db.InTx(ctx, func(tx *gorm.DB) error {
			return tx.Model(&sessionRow{}).Where("key_hash = ? AND expires_at > ?", sr.KeyHash, now).Update("seen_at", now).Error
		})
		if err != nil {
			return Session{}, fmt.Errorf("operator: session: %w", err)
		}
	}
	return sr.session(r.operator()), nil
}

// Logout ends a session. The row stays for a while: its address is known.
func (s *Store) Logout(ctx context.Context, sess Session) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&sessionRow{}).Where("key_hash = ?", sess.hash).Update("expires_at", 0).Error
	})
}

// Prune deletes sessions older than an address stays known, at most limit.
func (s *Store) Prune(ctx context.Context, limit int) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		var hashes []string
		err := tx.Model(&sessionRow{}).Where("created_at < ?", s.db.Now().Add(-knownFor)).Limit(limit).Pluck("key_hash", &hashes).Error
		if err != nil || len(hashes) == 0 {
			return err
		}
		return tx.Where("key_hash IN ?", hashes).Delete(&sessionRow{}).Error
	})
}

// endSessions ends an operator's sessions, all but keep. Their addresses are
// forgotten too: whoever stole the password may have been at one of them.
func endSessions(tx *gorm.DB, operatorID id.ID, keep string) error {
	return tx.Where("operator_id = ? AND key_hash <> ?", operatorID, keep).Delete(&sessionRow{}).Error
}

func (s *Store) knows(ctx context.Context, operatorID id.ID, ip string) (bool, error) {
	var n int64
	err := s.db.Read(ctx).Model(&sessionRow{}).Where("operator_id = ? AND ip = ? AND created_at > ?", operatorID, ip, s.db.Now().Add(-knownFor)).Limit(1).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("operator: known address: %w", err)
	}
	return n > 0 && ip != "", nil
}

func randomBytes() []byte {
	b := make([]byte, 32)
	rand.Read(b) // never fails: crypto/rand aborts the process instead
	return b
}

func randomText() string { return base64.RawURLEncoding.EncodeToString(randomBytes()) }

func hashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}
