package identity

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Built-in kinds of key.
const (
	OpenID         = "openid"          // of an official account or mini program; scope: the appid
	UnionID        = "unionid"         // scope: "" as long as the company has one open platform
	ExternalUserID = "external_userid" // a WeCom contact; scope: the corpid
	Phone          = "phone"           // value: the keyed hash of model/phone, never digits
	CRM            = "crm"             // a customer number; scope: the name of the source
	Card           = "card"            // a member card's number; scope: who issued it, or ""
)

// Scope rules: what the scope of a kind's keys is.
const (
	ScopeNone   = "none"
	ScopeApp    = "app"
	ScopeCorp   = "corp"
	ScopeSource = "source" // a name the operators choose, such as "tmall-2019"; may be ""
)

// Kind is how far keys of one kind may be trusted (键类型).
type Kind struct {
	Kind      string        `json:"kind"`
	Title     string        `json:"title"` // zh-CN
	Strong    bool          `json:"strong"`
	Most      int           `json:"most"` // keys of one human within one scope, 1 to 100
	ScopeRule string        `json:"scope_rule"`
	BuiltIn   bool          `json:"built_in" gorm:"-"`
	CreatedAt clock.Instant `json:"created_at"`
	UpdatedAt clock.Instant `json:"updated_at"`

	near      int  // how near to a real person, 0 to 40: the base of the temperature
	shareable bool // several people may use one: a front desk's phone, a family's card
	form      *regexp.Regexp
}

// TableName names the table for GORM.
func (Kind) TableName() string { return "identity_kind" }

// kindsMost bounds what a brand may declare.
const kindsMost = 50

// builtIn is the table of kinds. A phone may change, so two; somebody who was entered
// twice in an old CRM has two numbers there.
func builtIn() []Kind {
	return []Kind{
		{Kind: UnionID, Title: "微信 UnionID", Strong: true, Most: 1, ScopeRule: ScopeNone, near: 35, form: keyForm},
		{Kind: OpenID, Title: "微信 OpenID", Strong: true, Most: 1, ScopeRule: ScopeApp, near: 25, form: keyForm},
		{Kind: ExternalUserID, Title: "企业微信外部联系人", Strong: true, Most: 1, ScopeRule: ScopeCorp, near: 25, form: keyForm},
		{Kind: Phone, Title: "手机号", Strong: true, Most: 2, ScopeRule: ScopeNone, near: 40, shareable: true, form: keyForm},
		{Kind: CRM, Title: "CRM 客户编号", Most: 5, ScopeRule: ScopeSource, near: 15, form: textForm},
		{Kind: Card, Title: "会员卡号", Most: 5, ScopeRule: ScopeSource, near: 15, shareable: true, form: textForm},
	}
}

var (
	appForm  = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)
	keyForm  = regexp.MustCompile(`^[0-9A-Za-z_-]{1,128}$`)
	textForm = regexp.MustCompile(`^[^\s\pC]([^\pC]{0,126}[^\s\pC])?$`) // no blanks at the ends: MySQL compares without them
	kindForm = regexp.MustCompile(`^[a-z][a-z0-9_]{1,15}$`)
)

// kinds is what is declared, built in or by the brand, by name.
type kinds map[string]Kind

// Kinds lists what is declared: the built-in kinds, then the brand's own.
func (s *Store) Kinds(ctx context.Context) ([]Kind, error) {
	var rows []Kind
	if err := s.db.Read(ctx).Order("created_at, kind").Limit(kindsMost).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("identity: kinds: %w", err)
	}
	own := map[string]Kind{}
	for _, k := range rows {
		own[k.Kind] = k
	}
	out := builtIn()
	for i, k := range out {
		out[i].BuiltIn = true
		if changed, ok := own[k.Kind]; ok { // of a built-in kind only the maximum can differ
			out[i].Most, out[i].UpdatedAt = changed.Most, changed.UpdatedAt
			delete(own, k.Kind)
		}
	}
	for _, k := range rows {
		if _, ok := own[k.Kind]; !ok {
			continue
		}
		k.form, k.shareable, k.near = textForm, true, 5
		if k.Strong {
			k.near = 20
		}
		out = append(out, k)
	}
	return out, nil
}

func (s *Store) declared(ctx context.Context) (kinds, error) {
	list, err := s.Kinds(ctx)
	out := make(kinds, len(list))
	for _, k := range list {
		out[k.Kind] = k
	}
	return out, err
}

// SaveKind declares a kind of the brand's own, or changes it; of a built-in kind only
// the maximum. Keys that are there already stay. Faults: Invalid kind_malformed,
// Exhausted kinds_full.
func (s *Store) SaveKind(ctx context.Context, k Kind) (Kind, error) {
	all, err := s.declared(ctx)
	if err != nil {
		return Kind{}, err
	}
	k.Title = strings.TrimSpace(k.Title)
	old, there := all[k.Kind]
	if there && old.BuiltIn {
		k.Title, k.Strong, k.ScopeRule = old.Title, old.Strong, old.ScopeRule
	}
	switch {
	case !there && !kindForm.MatchString(k.Kind):
		return Kind{}, fault.NewInvalid("kind_malformed", "类型代号应为 2 到 16 个小写字母、数字或下划线，并以字母开头").With("field", "kind")
	case !old.BuiltIn && (k.Title == "" || utf8.RuneCountInString(k.Title) > 20 || strings.ContainsFunc(k.Title, unicode.IsControl)):
		return Kind{}, fault.NewInvalid("kind_malformed", "请填写类型名称，最多 20 个字").With("field", "title")
	case k.Most < 1 || k.Most > 100:
		return Kind{}, fault.NewInvalid("kind_malformed", "每人数量上限应为 1 到 100").With("field", "most")
	case !old.BuiltIn && k.ScopeRule != ScopeNone && k.ScopeRule != ScopeSource:
		return Kind{}, fault.NewInvalid("kind_malformed", "作用域应为 none 或 source").With("field", "scope_rule")
	case !there && len(all) >= kindsMost:
		return Kind{}, fault.New(fault.Exhausted, "kinds_full", "自定义键类型已达上限")
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		r := tx.Exec("INSERT INTO identity_kind (kind, title, strong, most, scope_rule, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)"+s.db.Once("kind"),
			k.Kind, k.Title, k.Strong, k.Most, k.ScopeRule, now, now)
		if r.Error != nil || r.RowsAffected == 1 {
			return r.Error
		}
		// The scope rule stays: keys that are there were checked by it.
		return tx.Model(&Kind{}).Where("kind = ?", k.Kind).Updates(map[string]any{"title": k.Title, "strong": k.Strong, "most": k.Most, "updated_at": now}).Error
	})
	if err != nil {
		return Kind{}, fmt.Errorf("identity: save kind: %w", err)
	}
	if all, err = s.declared(ctx); err != nil {
		return Kind{}, err
	}
	return all[k.Kind], nil
}

// Key is one id of a person (子ID).
type Key struct {
	Kind      string        `json:"kind"`
	Scope     string        `json:"scope"`
	Value     string        `json:"-"` // personal: shown by Masked only
	PersonID  id.ID         `json:"person_id"`
	CreatedAt clock.Instant `json:"created_at"`
	Event     string        `json:"event"`   // how it came to be known
	SeenAt    clock.Instant `json:"seen_at"` // last use by its owner, to the day; 0: never
}

// TableName names the table for GORM.
func (Key) TableName() string { return "identity_key" }

// name is what a key is, without whose it is.
type name struct{ kind, scope, value string }

func (k Key) name() name { return name{k.Kind, k.Scope, k.Value} }

// ErasedPrefix begins the value of a key whose person was erased: a sealed digest, so
// that who comes back is a new person.
const ErasedPrefix = "erased_"

// Masked is the key as lists show it: enough to tell two apart, not enough to use. A
// phone's hash says nothing; its masked digits are model/phone's.
func (k Key) Masked() string {
	r := []rune(k.Value)
	switch {
	case len(r) == 0, strings.HasPrefix(k.Value, ErasedPrefix):
		return "（已删除）"
	case k.Kind == Phone:
		return "手机号"
	case len(r) <= 4:
		return string(r[:1]) + "***"
	case len(r) <= 8:
		return string(r[:2]) + "***" + string(r[len(r)-1:])
	}
	return string(r[:3]) + "***" + string(r[len(r)-3:])
}

// check says whether a key can be one of its kind. Fault: Invalid key_malformed.
func (ks kinds) check(k Key) error {
	kind, ok := ks[k.Kind]
	if !ok {
		return fault.Invalidf("key_malformed", "未声明的键类型 %s", clip(k.Kind, 32)).With("kind", clip(k.Kind, 32))
	}
	scoped := kind.ScopeRule == ScopeNone && k.Scope == "" ||
		(kind.ScopeRule == ScopeApp || kind.ScopeRule == ScopeCorp) && appForm.MatchString(k.Scope) ||
		kind.ScopeRule == ScopeSource && (k.Scope == "" || utf8.RuneCountInString(k.Scope) <= 64 && textForm.MatchString(k.Scope))
	if !scoped || !utf8.ValidString(k.Value) || !kind.form.MatchString(k.Value) {
		return fault.Invalidf("key_malformed", "%s格式不对", kind.Title).With("kind", k.Kind)
	}
	return nil
}

// keysOf reads the keys of persons, oldest first.
func keysOf(tx *gorm.DB, persons []id.ID) ([]Key, error) {
	keys := []Key{}
	err := tx.Where("person_id IN ?", persons).Order("created_at, kind, scope, value").Find(&keys).Error
	if err != nil {
		return nil, fmt.Errorf("identity: keys: %w", err)
	}
	return keys, nil
}

func ownerOf(tx *gorm.DB, k Key) (owner id.ID, err error) {
	var got Key
	err = tx.Where("kind = ? AND scope = ? AND value = ?", k.Kind, k.Scope, k.Value).Take(&got).Error
	if err != nil && !db.IsNotFound(err) {
		return 0, fmt.Errorf("identity: owner: %w", err)
	}
	return got.PersonID, nil
}

// clip keeps at most n characters of valid text.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "")
	if utf8.RuneCountInString(s) > n {
		return string([]rune(s)[:n])
	}
	return s
}
