// Package apikey holds the keys with which partners' servers call the open API
// (开放接口密钥): shop systems that report orders, a brand's own systems that report what
// members did.
//
// It owns the table api_key. States: active -> revoked, for good.
//
// Promises: a secret is shown once, when it is made; at rest it is sealed. After a
// rotation the older secret is good for as long as was asked, so a partner changes over
// without a gap. A revoked key is refused by every process within a second. A key
// belongs to one brand and can do what its permissions name, nothing else.
package apikey

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/fresh"
	"siyu/model/id"
	"siyu/model/seal"
)

// Permissions of keys.
const (
	EventsWrite = "events:write" // report what members did
	EventsRead  = "events:read"  // ask what became of an event of the same brand
	OrdersWrite = "orders:write" // report orders and refunds
	ScoresWrite = "scores:write" // write what a model says into a tag of the brand
)

// Permissions lists all of them with what they are called.
func Permissions() map[string]string {
	return map[string]string{EventsWrite: "上报事件", EventsRead: "查询事件处理结果", OrdersWrite: "上报订单和退款", ScoresWrite: "写入模型标签"}
}

// States.
const (
	Active  = "active"
	Revoked = "revoked"
)

// Limits.
const (
	PerMinute = 600                // requests, unless a key says else
	mostRate  = 60_000             // requests per minute that a key may be given
	mostKinds = 10                 // kinds of key by which members may be made
	MaxKeep   = 7 * 24 * time.Hour // how long a secret may live beside its successor
)

// Key is a partner's key as it is shown.
type Key struct {
	ID          id.ID    `json:"id"`
	BrandID     id.ID    `json:"brand_id"`
	Name        string   `json:"name"`
	Access      string   `json:"access"` // public part, sent with each request
	Permissions []string `json:"permissions"`
	// PersonKinds are the kinds of key ("phone", "crm:tmall") under which a person whom
	// nobody knows yet becomes a member. Under others his events are kept as dead letters.
	PersonKinds []string      `json:"person_kinds"`
	PerMinute   int           `json:"per_minute"` // requests, in each process
	State       string        `json:"state"`
	OldUntil    clock.Instant `json:"old_until"` // end of the secret before; none: only one is good
	CreatedAt   clock.Instant `json:"created_at"`
	RotatedAt   clock.Instant `json:"rotated_at"`
	RevokedAt   clock.Instant `json:"revoked_at"`
	UsedAt      clock.Instant `json:"used_at"` // to the minute
}

// Can says whether the key has a permission.
func (k Key) Can(permission string) bool { return slices.Contains(k.Permissions, permission) }

// Makes says whether the key may make members of persons known by such a key alone.
func (k Key) Makes(kind, scope string) bool {
	return slices.Contains(k.PersonKinds, kind) || slices.Contains(k.PersonKinds, kind+":"+scope)
}

type row struct {
	ID          id.ID
	BrandID     id.ID
	Name        string
	Access      string
	Permissions string
	PersonKinds string
	PerMinute   int
	State       string
	Secret      []byte
	OldSecret   []byte
	OldUntil    clock.Instant
	Version     int64
	CreatedAt   clock.Instant
	RotatedAt   clock.Instant
	RevokedAt   clock.Instant
	UsedAt      clock.Instant
}

func (row) TableName() string { return "api_key" }

func (r row) key() Key {
	return Key{ID: r.ID, BrandID: r.BrandID, Name: r.Name, Access: r.Access, Permissions: split(r.Permissions), PersonKinds: split(r.PersonKinds),
		PerMinute: r.PerMinute, State: r.State, OldUntil: r.OldUntil, CreatedAt: r.CreatedAt, RotatedAt: r.RotatedAt, RevokedAt: r.RevokedAt, UsedAt: r.UsedAt}
}

func split(text string) []string {
	if text == "" {
		return []string{}
	}
	return strings.Split(text, ",")
}

// Store keeps keys.
type Store struct {
	db   *db.DB
	box  *seal.Box
	live *fresh.Cache[string, known]
}

// New makes a store.
func New(d *db.DB, box *seal.Box) *Store {
	s := &Store{db: d, box: box}
	s.live = fresh.New(d.Clock(), s.load)
	return s
}

// Draft is what an operator asks for.
type Draft struct {
	BrandID     id.ID    `json:"brand_id"`
	Name        string   `json:"name"`
	Permissions []string `json:"permissions"`
	PersonKinds []string `json:"person_kinds"`
	PerMinute   int      `json:"per_minute"` // 0: PerMinute
}

func (d *Draft) clean() error {
	d.Name = strings.TrimSpace(d.Name)
	if n := utf8.RuneCountInString(d.Name); n == 0 || n > 64 {
		return fault.NewInvalid("name", "请填写名称，64 字以内").With("field", "name")
	}
	all := Permissions()
	for _, p := range d.Permissions {
		if all[p] == "" {
			return fault.Invalidf("permissions", "没有“%.40s”这项权限", p).With("field", "permissions")
		}
	}
	if len(d.Permissions) == 0 {
		return fault.NewInvalid("permissions", "请至少选择一项权限").With("field", "permissions")
	}
	for _, k := range d.PersonKinds {
		if !kindForm.MatchString(k) {
			return fault.Invalidf("person_kinds", "“%.80s”不是键类型，应如 phone 或 crm:tmall", k).With("field", "person_kinds")
		}
		// Who opens WeChat's apps is told by WeChat alone.
		if kind, _, _ := strings.Cut(k, ":"); kind == "openid" || kind == "unionid" || kind == "external_userid" {
			return fault.NewInvalid("person_kinds", "微信的标识只能由微信登录产生，不能由接口建会员").With("field", "person_kinds")
		}
	}
	if len(d.PersonKinds) > mostKinds {
		return fault.Invalidf("person_kinds", "最多 %d 种键类型", mostKinds).With("field", "person_kinds")
	}
	if d.PerMinute == 0 {
		d.PerMinute = PerMinute
	}
	if d.PerMinute < 1 || d.PerMinute > mostRate {
		return fault.Invalidf("per_minute", "每分钟次数应为 1 到 %d", mostRate).With("field", "per_minute")
	}
	for _, list := range []*[]string{&d.Permissions, &d.PersonKinds} {
		*list = slices.Clone(*list)
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return nil
}

// Create makes a key; secret is shown now and never again.
// Faults: Invalid name, permissions, person_kinds, per_minute.
func (s *Store) Create(ctx context.Context, d Draft) (k Key, secret string, err error) {
	if err := d.clean(); err != nil {
		return Key{}, "", err
	}
	secret = newSecret()
	r := row{ID: s.db.NewID(), BrandID: d.BrandID, Name: d.Name, Access: newAccess(), Permissions: strings.Join(d.Permissions, ","),
		PersonKinds: strings.Join(d.PersonKinds, ","), PerMinute: d.PerMinute, State: Active, OldSecret: []byte{}, CreatedAt: s.db.Now()}
	r.Secret = s.box.Seal(place(r.Access), []byte(secret))
	if err := s.db.InTx(ctx, func(tx *gorm.DB) error { return tx.Create(&r).Error }); err != nil {
		return Key{}, "", fmt.Errorf("apikey: create: %w", err)
	}
	return r.key(), secret, nil
}

// Rotate makes a new secret. The one before stays good for keep (0: it ends at once);
// the one before that ends now. Faults: Invalid keep; NotFound apikey_not_found;
// Conflict apikey_revoked, changed.
func (s *Store) Rotate(ctx context.Context, keyID id.ID, keep time.Duration) (k Key, secret string, err error) {
	if keep < 0 || keep > MaxKeep {
		return Key{}, "", fault.NewInvalid("keep", "旧密钥最多保留 7 天").With("field", "keep_hours")
	}
	r, err := s.row(ctx, keyID)
	if err != nil {
		return Key{}, "", err
	}
	if r.State != Active {
		return Key{}, "", errRevoked
	}
	secret = newSecret()
	now := s.db.Now()
	set := map[string]any{"secret": s.box.Seal(place(r.Access), []byte(secret)), "old_secret": r.Secret, "old_until": now.Add(keep), "rotated_at": now, "version": r.Version + 1}
	if keep == 0 {
		set["old_secret"], set["old_until"] = []byte{}, 0
	}
	if err := s.update(ctx, r, set); err != nil {
		return Key{}, "", err
	}
	r, err = s.row(ctx, keyID)
	return r.key(), secret, err
}

// Revoke ends a key for good; twice is no fault. Fault: NotFound apikey_not_found.
func (s *Store) Revoke(ctx context.Context, keyID id.ID) (Key, error) {
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&row{}).Where("id = ? AND state = ?", keyID, Active).
			Updates(map[string]any{"state": Revoked, "revoked_at": s.db.Now(), "version": gorm.Expr("version + 1"), "secret": []byte{}, "old_secret": []byte{}, "old_until": 0}).Error
	})
	if err != nil {
		return Key{}, fmt.Errorf("apikey: revoke: %w", err)
	}
	return s.Get(ctx, keyID)
}

// update changes a row as it was read.
func (s *Store) update(ctx context.Context, r row, set map[string]any) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		u := tx.Model(&row{}).Where("id = ? AND state = ? AND version = ?", r.ID, Active, r.Version).Updates(set)
		if u.Error == nil && u.RowsAffected == 0 {
			return fault.New(fault.Conflict, "changed", "密钥刚被他人修改，请刷新后重试")
		}
		return u.Error
	})
}

// Get reads one key. Fault: NotFound apikey_not_found.
func (s *Store) Get(ctx context.Context, keyID id.ID) (Key, error) {
	r, err := s.row(ctx, keyID)
	return r.key(), err
}

func (s *Store) row(ctx context.Context, keyID id.ID) (row, error) {
	var r row
	err := s.db.Read(ctx).Where("id = ?", keyID).Take(&r).Error
	if db.IsNotFound(err) {
		return r, fault.New(fault.NotFound, "apikey_not_found", "没有这个接口密钥")
	}
	return r, err
}

// List lists a brand's keys, newest first, at most limit before a row (0: the newest).
func (s *Store) List(ctx context.Context, brandID, before id.ID, limit int) ([]Key, error) {
	var rows []row
	if err := db.Page(s.db.Read(ctx).Where("brand_id = ?", brandID), "api_key", before, limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("apikey: list: %w", err)
	}
	keys := make([]Key, 0, len(rows))
	for _, r := range rows {
		keys = append(keys, r.key())
	}
	return keys, nil
}

// Count counts what List pages, up to db.MaxTotal.
func (s *Store) Count(ctx context.Context, brandID id.ID) (n int, more bool, err error) {
	return db.Total(s.db.Read(ctx).Model(&row{}).Where("brand_id = ?", brandID))
}

var errRevoked = fault.New(fault.Conflict, "apikey_revoked", "这个接口密钥已停用")

func place(access string) string { return "apikey:" + access }

func newAccess() string {
	var b [12]byte
	rand.Read(b[:])
	return "ak" + hex.EncodeToString(b[:])
}

// newSecret has 256 bits, as many as the hash that it keys.
func newSecret() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}
