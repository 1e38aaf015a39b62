// Package identity knows which ids belong to one human (祖ID, ONE-ID). WeChat gives
// the same human another openid in every account, and one unionid over the accounts
// that share an open platform.
//
// It owns the tables person, identity_key and identity_disagreement.
//
// Promises: one key names one person for ever; two first logins at once make one
// person; a key joins a person only when one of the two sides is new. Two persons
// that are both known are never merged here: what each of them claimed and was paid
// would silently become somebody else's. The disagreement is kept for a person to
// decide.
package identity

import (
	"context"
	"fmt"
	"regexp"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Kinds of key.
const (
	OpenID  = "openid"  // scope: the appid
	UnionID = "unionid" // scope: "" as long as the company has one open platform
)

// Login is what WeChat said about who is there. It must come from WeChat's server,
// never from the client.
type Login struct {
	AppID   string
	OpenID  string
	UnionID string // may be empty
}

// Key is one id of a person.
type Key struct {
	Kind      string        `json:"kind"`
	Scope     string        `json:"scope"`
	Value     string        `json:"value"`
	PersonID  id.ID         `json:"person_id"`
	CreatedAt clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Key) TableName() string { return "identity_key" }

// Disagreement is one login whose two ids name different persons.
type Disagreement struct {
	PersonID      id.ID         `json:"person_id"` // of the openid; the one that was used
	OtherPersonID id.ID         `json:"other_person_id"`
	AppID         string        `json:"app_id"`
	SeenAt        clock.Instant `json:"seen_at"` // the first time
}

// TableName names the table for GORM.
func (Disagreement) TableName() string { return "identity_disagreement" }

// Store resolves logins.
type Store struct{ db *db.DB }

// New makes a store.
func New(d *db.DB) *Store { return &Store{db: d} }

var (
	appForm = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)
	keyForm = regexp.MustCompile(`^[0-9A-Za-z_-]{1,128}$`)
)

// Resolve returns the person behind a login and makes one for a new human.
// Faults: Invalid login_malformed.
func (s *Store) Resolve(ctx context.Context, l Login) (id.ID, error) {
	if !appForm.MatchString(l.AppID) || !keyForm.MatchString(l.OpenID) || l.UnionID != "" && !keyForm.MatchString(l.UnionID) {
		return 0, fault.NewInvalid("login_malformed", "登录信息格式不对")
	}
	// Whoever loses a race starts again and then finds what the winner wrote. A new
	// transaction is needed for that: under REPEATABLE READ the old one does not see it.
	for range 5 {
		open, union, err := s.find(ctx, l)
		if err != nil {
			return 0, err
		}
		if open != 0 && (l.UnionID == "" || open == union) {
			return open, nil
		}
		if open != 0 && union != 0 {
			return open, s.disagree(ctx, l, open, union)
		}
		person, err := s.add(ctx, l, open, union)
		if err == nil {
			return person, nil
		}
		if !db.IsDuplicate(err) {
			return 0, fmt.Errorf("identity: %w", err)
		}
	}
	return 0, fault.New(fault.Unavailable, "busy", "系统繁忙，请稍后再试")
}

func (s *Store) find(ctx context.Context, l Login) (open, union id.ID, err error) {
	q := s.db.Read(ctx).Where("kind = ? AND scope = ? AND value = ?", OpenID, l.AppID, l.OpenID)
	if l.UnionID != "" {
		q = q.Or("kind = ? AND scope = '' AND value = ?", UnionID, l.UnionID)
	}
	var keys []Key
	if err := q.Find(&keys).Error; err != nil {
		return 0, 0, fmt.Errorf("identity: find: %w", err)
	}
	for _, k := range keys {
		if k.Kind == OpenID {
			open = k.PersonID
		} else {
			union = k.PersonID
		}
	}
	return open, union, nil
}

// add writes the keys that are missing, and the person when both are. At most one
// of open and union is set. A duplicate means that somebody else was faster.
func (s *Store) add(ctx context.Context, l Login, open, union id.ID) (person id.ID, err error) {
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		person = open + union
		if person == 0 {
			person = s.db.NewID()
			if err := tx.Exec("INSERT INTO person (id, created_at) VALUES (?, ?)", person, now).Error; err != nil {
				return err
			}
		}
		if union == 0 && l.UnionID != "" {
			if err := tx.Create(&Key{UnionID, "", l.UnionID, person, now}).Error; err != nil {
				return err
			}
		}
		if open == 0 {
			return tx.Create(&Key{OpenID, l.AppID, l.OpenID, person, now}).Error
		}
		return nil
	})
	return person, err
}

func (s *Store) disagree(ctx context.Context, l Login, person, other id.ID) error {
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("INSERT INTO identity_disagreement (person_id, other_person_id, app_id, seen_at) VALUES (?, ?, ?, ?)"+s.db.Once("app_id"),
			person, other, l.AppID, s.db.Now()).Error
	})
	if err != nil {
		return fmt.Errorf("identity: disagreement: %w", err)
	}
	return nil
}

// Keys lists what a person is known by.
func (s *Store) Keys(ctx context.Context, personID id.ID) ([]Key, error) {
	keys := []Key{}
	err := s.db.Read(ctx).Where("person_id = ?", personID).Order("kind, scope, value").Find(&keys).Error
	return keys, err
}

// OpenIDOf is the person's openid in one app, the newest if a person ever has two,
// "" if none.
func (s *Store) OpenIDOf(ctx context.Context, personID id.ID, appID string) (string, error) {
	var k Key
	err := s.db.Read(ctx).Where("person_id = ? AND kind = ? AND scope = ?", personID, OpenID, appID).Order("created_at DESC, value").Take(&k).Error
	if err != nil && !db.IsNotFound(err) {
		return "", fmt.Errorf("identity: openid: %w", err)
	}
	return k.Value, nil
}

// Disagreements lists those seen before a moment (0: now), newest first.
func (s *Store) Disagreements(ctx context.Context, before clock.Instant, limit int) ([]Disagreement, error) {
	q := s.db.Read(ctx).Order("seen_at DESC, person_id").Limit(limit)
	if before != 0 {
		q = q.Where("seen_at < ?", before)
	}
	out := []Disagreement{}
	err := q.Find(&out).Error
	return out, err
}
