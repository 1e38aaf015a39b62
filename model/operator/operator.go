// Package operator holds the people who run the back office (操作员): who they are,
// what they may do, their sessions.
//
// It owns the tables operator, operator_session and operator_totp. An operator is active
// or disabled; roles give permissions by a fixed table (roles.go).
//
// Promises: a password is kept only as argon2id, a session key only as SHA-256;
// guessing is slowed per account, and the slowing never keeps out an operator at an
// address from which he logged in before; a login that does not exist takes as long
// and is slowed the same way as one that does; there is always an active
// administrator.
package operator

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/seal"
)

// States.
const (
	Active   = "active"
	Disabled = "disabled"
)

// Operator is one person of the back office.
type Operator struct {
	ID          id.ID         `json:"id"`
	Login       string        `json:"login"` // lower case
	Name        string        `json:"name"`
	Roles       []string      `json:"roles"`
	State       string        `json:"state"`
	LockedUntil clock.Instant `json:"locked_until"` // guessing is slowed until then
	TOTP        bool          `json:"totp"`         // the second factor is on; told by Get and List
	BrandIDs    []id.ID       `json:"brand_ids"`    // the data scope (数据范围); none: every brand
	CreatedAt   clock.Instant `json:"created_at"`
}

// Can tells whether a role of this operator gives the permission.
func (o Operator) Can(permission string) bool {
	return o.State == Active && slices.ContainsFunc(o.Roles, func(role string) bool { return grants(role, permission) })
}

type row struct {
	ID           id.ID
	Login        string
	Name         string
	PasswordHash string
	Roles        string
	Brands       string
	State        string
	Failures     int
	LockedUntil  clock.Instant
	CreatedAt    clock.Instant
}

func (row) TableName() string { return "operator" }

func (r row) operator() Operator {
	return Operator{ID: r.ID, Login: r.Login, Name: r.Name, Roles: splitRoles(r.Roles), State: r.State, LockedUntil: r.LockedUntil,
		BrandIDs: splitBrands(r.Brands), CreatedAt: r.CreatedAt}
}

// Options change what tests need smaller or slower.
type Options struct {
	Cost     Cost          // of a password hash; zero: DefaultCost
	Idle     time.Duration // a session ends after this without use; zero: 2 h
	Absolute time.Duration // and after this in any case; zero: 12 h
	Box      *seal.Box     // seals secrets of second factors; nil: there are none
}

// Store reads and writes operators and their sessions.
type Store struct {
	db    *db.DB
	o     Options
	slots chan struct{} // hashes at the same time: each takes Cost.MemoryKiB
	// ghosts counts failures of logins that do not exist, so that slowing does not
	// tell which ones do. Per process and bounded; it protects no secret of ours.
	mu     sync.Mutex
	ghosts map[string]slowing
}

// New makes a store.
func New(d *db.DB, o Options) *Store {
	if o.Cost == (Cost{}) {
		o.Cost = DefaultCost()
	}
	if o.Idle <= 0 {
		o.Idle = 2 * time.Hour
	}
	if o.Absolute <= 0 {
		o.Absolute = 12 * time.Hour
	}
	return &Store{db: d, o: o, slots: make(chan struct{}, 2), ghosts: map[string]slowing{}}
}

// Idle is how long a session lasts without use.
func (s *Store) Idle() time.Duration { return s.o.Idle }

// Draft is what a new operator is made of.
type Draft struct {
	Login    string   `json:"login"`
	Name     string   `json:"name"`
	Password string   `json:"password"`
	Roles    []string `json:"roles"`
	BrandIDs []id.ID  `json:"brand_ids"` // the data scope; none: every brand
}

var loginForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._@-]{1,63}$`)

func cleanLogin(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

func checkName(name string) error {
	if name == "" || utf8.RuneCountInString(name) > 64 || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return fault.NewInvalid("operator_name", "姓名应为 1 到 64 个字")
	}
	return nil
}

func checkRoles(roles []string) (string, error) {
	if len(roles) == 0 {
		return "", fault.NewInvalid("operator_roles", "请至少选择一个角色")
	}
	for _, r := range roles {
		if _, ok := roleOf(r); !ok {
			return "", fault.Invalidf("operator_roles", "没有角色 %q", r)
		}
	}
	sorted := slices.Clone(roles)
	slices.Sort(sorted)
	return strings.Join(slices.Compact(sorted), ","), nil
}

func splitRoles(s string) []string {
	if s == "" {
		return []string{}
	}
	return strings.Split(s, ",")
}

// Create adds an operator. Faults: Invalid operator_login, operator_name,
// operator_roles, operator_brands, password_*; Conflict operator_exists.
func (s *Store) Create(ctx context.Context, d Draft) (Operator, error) {
	d.Login, d.Name = cleanLogin(d.Login), strings.TrimSpace(d.Name)
	if !loginForm.MatchString(d.Login) {
		return Operator{}, fault.NewInvalid("operator_login", "登录名应为 2 到 64 位小写字母、数字或 . _ @ -")
	}
	if err := checkName(d.Name); err != nil {
		return Operator{}, err
	}
	roles, err := checkRoles(d.Roles)
	if err != nil {
		return Operator{}, err
	}
	brands, err := checkBrands(d.BrandIDs, d.Roles)
	if err != nil {
		return Operator{}, err
	}
	if err := checkPassword(d.Password, d.Login); err != nil {
		return Operator{}, err
	}
	r := row{ID: s.db.NewID(), Login: d.Login, Name: d.Name, Roles: roles, Brands: brands, State: Active, CreatedAt: s.db.Now()}
	if r.PasswordHash, err = s.hash(ctx, d.Password); err != nil {
		return Operator{}, err
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error { return tx.Create(&r).Error })
	if db.IsDuplicate(err) {
		return Operator{}, fault.New(fault.Conflict, "operator_exists", "登录名已被使用")
	}
	if err != nil {
		return Operator{}, fmt.Errorf("operator: create: %w", err)
	}
	return r.operator(), nil
}

// EnsureFirst makes the first administrator when there is no operator at all.
func (s *Store) EnsureFirst(ctx context.Context, login, password string) (made bool, err error) {
	var n int64
	if err := s.db.Read(ctx).Model(&row{}).Count(&n).Error; err != nil || n > 0 {
		return false, err
	}
	_, err = s.Create(ctx, Draft{Login: login, Name: "管理员", Password: password, Roles: []string{Admin}})
	if fault.Of(err) != nil && fault.Of(err).Code == "operator_exists" { // two processes started at once
		return false, nil
	}
	return err == nil, err
}

// Get reads one operator.
func (s *Store) Get(ctx context.Context, operatorID id.ID) (Operator, error) {
	r, err := s.row(s.db.Read(ctx).Where("id = ?", operatorID))
	if err != nil {
		return r.operator(), err
	}
	out := []Operator{r.operator()}
	err = s.tellTOTP(ctx, out)
	return out[0], err
}

func (s *Store) row(q *gorm.DB) (row, error) {
	var r row
	err := q.Take(&r).Error
	if db.IsNotFound(err) {
		return r, fault.New(fault.NotFound, "operator_not_found", "没有这个操作员")
	}
	return r, err
}

// List pages operators, newest first.
func (s *Store) List(ctx context.Context, before id.ID, limit int) ([]Operator, error) {
	var rows []row
	if err := db.Page(s.db.Read(ctx), "operator", before, limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("operator: list: %w", err)
	}
	out := make([]Operator, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.operator())
	}
	return out, s.tellTOTP(ctx, out)
}

// Count counts what List would list, up to db.MaxTotal.
func (s *Store) Count(ctx context.Context) (n int, more bool, err error) {
	return db.Total(s.db.Read(ctx).Model(&row{}))
}

// Change is what an administrator may change of an operator.
type Change struct {
	Name  string   `json:"name"`
	Roles []string `json:"roles"`
	State string   `json:"state"`
	// BrandIDs is the data scope as it will be; none: every brand.
	BrandIDs []id.ID `json:"brand_ids"`
}

// Update changes name, roles, data scope and state. Disabling ends the sessions at once. The
// last active administrator can be neither disabled nor demoted (Conflict last_admin).
func (s *Store) Update(ctx context.Context, operatorID id.ID, c Change) (Operator, error) {
	c.Name = strings.TrimSpace(c.Name)
	if err := checkName(c.Name); err != nil {
		return Operator{}, err
	}
	roles, err := checkRoles(c.Roles)
	if err != nil {
		return Operator{}, err
	}
	brands, err := checkBrands(c.BrandIDs, c.Roles)
	if err != nil {
		return Operator{}, err
	}
	if c.State != Active && c.State != Disabled {
		return Operator{}, fault.NewInvalid("operator_state", "状态应为 active 或 disabled")
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		// Two administrators who demote each other must meet: this row is the door.
		if err := s.db.VersionTx(ctx, tx, "operator"); err != nil {
			return err
		}
		if _, err := s.row(tx.Where("id = ?", operatorID)); err != nil {
			return err
		}
		if err := tx.Model(&row{}).Where("id = ?", operatorID).Updates(map[string]any{"name": c.Name, "roles": roles, "brands": brands, "state": c.State}).Error; err != nil {
			return err
		}
		var active []row
		if err := tx.Select("roles").Where("state = ?", Active).Find(&active).Error; err != nil {
			return err
		}
		if !slices.ContainsFunc(active, func(r row) bool { return slices.Contains(splitRoles(r.Roles), Admin) }) {
			return fault.New(fault.Conflict, "last_admin", "至少要保留一个启用的管理员")
		}
		if c.State == Disabled {
			return endSessions(tx, operatorID, "")
		}
		return nil
	})
	if err != nil {
		return Operator{}, err
	}
	return s.Get(ctx, operatorID)
}

// SetPassword gives an operator a new password and ends all his sessions: what an
// administrator does for somebody who forgot his.
func (s *Store) SetPassword(ctx context.Context, operatorID id.ID, password string) error {
	r, err := s.row(s.db.Read(ctx).Where("id = ?", operatorID))
	if err != nil {
		return err
	}
	return s.setPassword(ctx, r, password, "")
}

// ChangePassword is for the operator himself; his other sessions end. Faults:
// Forbidden password_wrong, Throttled too_many_attempts.
func (s *Store) ChangePassword(ctx context.Context, in Session, old, password string) error {
	// A stolen session must not become a place to guess without being slowed.
	if err := s.samePassword(ctx, in, old); err != nil {
		return err
	}
	r, err := s.row(s.db.Read(ctx).Where("id = ?", in.Operator.ID))
	if err != nil {
		return err
	}
	return s.setPassword(ctx, r, password, in.hash)
}

func (s *Store) setPassword(ctx context.Context, r row, password, keep string) error {
	if err := checkPassword(password, r.Login); err != nil {
		return err
	}
	hash, err := s.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		set := map[string]any{"password_hash": hash, "failures": 0, "locked_until": 0}
		if err := tx.Model(&row{}).Where("id = ?", r.ID).Updates(set).Error; err != nil {
			return err
		}
		return endSessions(tx, r.ID, keep)
	})
}
