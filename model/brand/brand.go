// Package brand holds the brands of the company and their WeChat accounts: official
// accounts, mini programs, merchant numbers, WeCom corps. A bottle's brand decides
// which account serves its scan. Secrets are sealed for their row and never leave
// this package except through Secrets.
//
// It owns the tables brand, account and wechat_token.
package brand

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/seal"
)

// Kinds of account.
const (
	Official = "official" // 公众号 (service account)
	Mini     = "mini"     // 小程序
	Merchant = "merchant" // 商户号
	WeCom    = "wecom"    // 企业微信
)

// Rails of payment.
const (
	RailRedpack  = "redpack"  // 现金红包, pay v2
	RailTransfer = "transfer" // 商家转账, pay v3: the user confirms
)

// Brand is one brand (品牌).
type Brand struct {
	ID           id.ID         `json:"id"`
	Slug         string        `json:"slug"`
	Name         string        `json:"name"`
	CodeHost     string        `json:"code_host"`     // host printed in the codes, e.g. "q.brand.cn"
	UpperURL     bool          `json:"upper_url"`     // print HTTPS://HOST/Q/TOKEN: 26% fewer modules in the picture
	SupportPhone string        `json:"support_phone"` // shown on every verdict
	CreatedAt    clock.Instant `json:"created_at"`
	UpdatedAt    clock.Instant `json:"updated_at"`
	Demo         bool          `json:"demo"`        // made by siyu demo
	ArchivedAt   clock.Instant `json:"archived_at"` // since when no list shows it
}

// TableName names the table for GORM.
func (Brand) TableName() string { return "brand" }

// Settings of an account that may be shown.
type Settings struct {
	Secure          bool   `json:"secure,omitempty"`            // AES mode only; plaintext callbacks are refused
	Rail            string `json:"rail,omitempty"`              // merchants: redpack or transfer
	SignType        string `json:"sign_type,omitempty"`         // pay v2: MD5 or HMAC-SHA256
	SceneIDV2       string `json:"scene_id_v2,omitempty"`       // PRODUCT_1 ...; needed below 1 and above 200 yuan
	TransferSceneID string `json:"transfer_scene_id,omitempty"` // 1000 现金营销
	// CommissionSceneID is the transfer scene of withdrawals: 1005 佣金报酬 when empty.
	CommissionSceneID string `json:"commission_scene_id,omitempty"`
	SerialNo          string `json:"serial_no,omitempty"`       // of the merchant's API certificate
	PublicKeyID       string `json:"public_key_id,omitempty"`   // 微信支付公钥 ID
	SendName          string `json:"send_name,omitempty"`       // shown on the red packet
	PayAppID          string `json:"pay_app_id,omitempty"`      // account the merchant is bound to; its openids get the money
	RemindTemplate    string `json:"remind_template,omitempty"` // subscribe-message template for "收款待确认"
}

// Secrets of an account.
type Secrets struct {
	AppSecret     string `json:"app_secret,omitempty"`
	Token         string `json:"token,omitempty"`   // callback token
	AESKey        string `json:"aes_key,omitempty"` // 43 characters
	APIKeyV2      string `json:"api_key_v2,omitempty"`
	APIv3Key      string `json:"api_v3_key,omitempty"`
	ClientCertPEM string `json:"client_cert_pem,omitempty"`
	ClientKeyPEM  string `json:"client_key_pem,omitempty"`
	PrivateKeyPEM string `json:"private_key_pem,omitempty"`
	PublicKeyPEM  string `json:"public_key_pem,omitempty"` // 微信支付公钥
}

// Account is one WeChat account of a brand. Its secrets are read apart.
type Account struct {
	ID           id.ID         `json:"id"`
	BrandID      id.ID         `json:"brand_id"`
	Kind         string        `json:"kind"`
	AppID        string        `json:"app_id"` // appid, mchid or corpid
	Name         string        `json:"name"`
	CallbackSlug string        `json:"callback_slug"` // last part of its own callback address
	Settings     Settings      `json:"settings"`
	HasSecrets   []string      `json:"has_secrets"` // which secrets are set, never their values
	CreatedAt    clock.Instant `json:"created_at"`
	UpdatedAt    clock.Instant `json:"updated_at"`
}

type accountRow struct {
	ID           id.ID
	BrandID      id.ID
	Kind         string
	AppID        string
	Name         string
	CallbackSlug string
	Settings     string
	Secrets      []byte
	CreatedAt    clock.Instant
	UpdatedAt    clock.Instant
}

func (accountRow) TableName() string { return "account" }

// Store reads and writes brands and accounts.
type Store struct {
	db  *db.DB
	box *seal.Box
}

// New makes a store.
func New(d *db.DB, box *seal.Box) *Store { return &Store{db: d, box: box} }

var (
	slugForm  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	hostForm  = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,90}[a-z0-9])?(:[0-9]{1,5})?$`)
	appIDForm = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)
	callForm  = regexp.MustCompile(`^[0-9A-Za-z_-]{4,40}$`)
)

func (b *Brand) check() error {
	b.Name, b.CodeHost = strings.TrimSpace(b.Name), strings.ToLower(strings.TrimSpace(b.CodeHost))
	switch {
	case !slugForm.MatchString(b.Slug):
		return fault.NewInvalid("brand_slug", "品牌标识应为小写字母、数字或连字符，最多 32 位")
	case b.Name == "" || utf8.RuneCountInString(b.Name) > 64 || !utf8.ValidString(b.Name):
		return fault.NewInvalid("brand_name", "品牌名称应为 1 到 64 个字")
	case !hostForm.MatchString(b.CodeHost):
		return fault.NewInvalid("code_host", "码的域名格式不对，例如 q.brand.cn，不带 https:// 和路径")
	case utf8.RuneCountInString(b.SupportPhone) > 32:
		return fault.NewInvalid("support_phone", "客服电话最多 32 位")
	}
	return nil
}

// Create adds a brand. The same slug with the same content answers the brand that is
// there; with other content it is a Conflict.
func (s *Store) Create(ctx context.Context, b Brand) (Brand, error) {
	if err := b.check(); err != nil {
		return Brand{}, err
	}
	b.ID, b.CreatedAt, b.UpdatedAt, b.Demo, b.ArchivedAt = s.db.NewID(), s.db.Now(), s.db.Now(), false, 0
	err := s.db.InTx(ctx, func(tx *gorm.DB) error { return tx.Create(&b).Error })
	if !db.IsDuplicate(err) {
		return b, err
	}
	var old Brand
	if err := s.db.Read(ctx).Where("slug = ?", b.Slug).Take(&old).Error; err != nil {
		return Brand{}, err
	}
	if old.Name != b.Name || old.CodeHost != b.CodeHost || old.UpperURL != b.UpperURL || old.SupportPhone != b.SupportPhone {
		return Brand{}, fault.New(fault.Conflict, "brand_exists", "已有同标识的品牌，内容不同")
	}
	return old, nil
}

// Update changes everything but the slug.
func (s *Store) Update(ctx context.Context, b Brand) (Brand, error) {
	old, err := s.Get(ctx, b.ID)
	if err != nil {
		return Brand{}, err
	}
	b.Slug, b.CreatedAt, b.UpdatedAt, b.Demo, b.ArchivedAt = old.Slug, old.CreatedAt, s.db.Now(), old.Demo, old.ArchivedAt
	if err := b.check(); err != nil {
		return Brand{}, err
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&Brand{}).Where("id = ?", b.ID).Updates(map[string]any{
			"name": b.Name, "code_host": b.CodeHost, "upper_url": b.UpperURL, "support_phone": b.SupportPhone, "updated_at": b.UpdatedAt}).Error
	})
	return b, err
}

// Get reads one brand.
func (s *Store) Get(ctx context.Context, brandID id.ID) (Brand, error) {
	var b Brand
	err := s.db.Read(ctx).Where("id = ?", brandID).Take(&b).Error
	if db.IsNotFound(err) {
		return b, fault.New(fault.NotFound, "brand_not_found", "没有这个品牌")
	}
	return b, err
}

// BySlug reads a brand by its slug.
func (s *Store) BySlug(ctx context.Context, slug string) (Brand, error) {
	var b Brand
	err := s.db.Read(ctx).Where("slug = ?", slug).Take(&b).Error
	if db.IsNotFound(err) {
		return b, fault.New(fault.NotFound, "brand_not_found", "没有这个品牌")
	}
	return b, err
}

// List pages brands that are not archived, newest first; before 0 starts at the newest.
func (s *Store) List(ctx context.Context, before id.ID, limit int) ([]Brand, error) {
	out := []Brand{}
	err := db.Page(s.db.Read(ctx).Where("archived_at = 0"), "brand", before, limit).Find(&out).Error
	return out, err
}

// Count counts what List pages, up to db.MaxTotal.
func (s *Store) Count(ctx context.Context) (n int, more bool, err error) {
	return db.Total(s.db.Read(ctx).Model(&Brand{}).Where("archived_at = 0"))
}

// SaveAccount adds an account, or changes it when (kind, app_id) is there. Blank
// secrets keep the old ones. An account never moves to another brand.
func (s *Store) SaveAccount(ctx context.Context, a Account, sec Secrets) (Account, error) {
	if err := a.check(); err != nil {
		return Account{}, err
	}
	if _, err := s.Get(ctx, a.BrandID); err != nil {
		return Account{}, err
	}
	var saved accountRow
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		var old accountRow
		// Locked, because what is written is what is read and more: without it the second
		// of two who save at once brings back the secrets of before the first.
		err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("kind = ? AND app_id = ?", a.Kind, a.AppID).Take(&old).Error
		if err != nil && !db.IsNotFound(err) {
			return err
		}
		fresh := err != nil
		if fresh {
			old = accountRow{ID: s.db.NewID(), BrandID: a.BrandID, Kind: a.Kind, AppID: a.AppID, CreatedAt: s.db.Now()}
		} else if old.BrandID != a.BrandID {
			return fault.New(fault.Conflict, "account_of_other_brand", "该账号已属于另一个品牌")
		}
		merged := sec
		if !fresh {
			kept, err := s.open(old)
			if err != nil {
				return err
			}
			merged = sec.over(kept)
		}
		if err := a.checkSecrets(merged); err != nil {
			return err
		}
		settings, err := json.Marshal(a.Settings)
		if err != nil {
			return err
		}
		plain, err := json.Marshal(merged)
		if err != nil {
			return err
		}
		old.Name, old.CallbackSlug, old.Settings, old.UpdatedAt = a.Name, a.CallbackSlug, string(settings), s.db.Now()
		old.Secrets = s.box.Seal(place(old.ID), plain)
		saved = old
		if fresh {
			return tx.Create(&old).Error
		}
		return tx.Model(&accountRow{}).Where("id = ?", old.ID).Updates(map[string]any{"name": old.Name, "callback_slug": old.CallbackSlug,
			"settings": old.Settings, "secrets": old.Secrets, "updated_at": old.UpdatedAt}).Error
	})
	if db.IsDuplicate(err) {
		return Account{}, fault.New(fault.Conflict, "callback_slug_taken", "回调标识已被其他账号使用")
	}
	if err != nil {
		return Account{}, err
	}
	return s.account(saved)
}

// Accounts lists a brand's accounts of one kind ("" = all), oldest first: the first
// one of a kind is the brand's default.
func (s *Store) Accounts(ctx context.Context, brandID id.ID, kind string) ([]Account, error) {
	q := s.db.Read(ctx).Where("brand_id = ?", brandID)
	if kind != "" {
		q = q.Where("kind = ?", kind)
	}
	var rows []accountRow
	if err := q.Order("created_at, id").Find(&rows).Error; err != nil {
		return nil, err
	}
	out := make([]Account, 0, len(rows))
	for _, r := range rows {
		a, err := s.account(r)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// AccountsOf lists all accounts of one kind, of all brands, oldest first.
func (s *Store) AccountsOf(ctx context.Context, kind string) ([]Account, error) {
	var rows []accountRow
	if err := s.db.Read(ctx).Where("kind = ?", kind).Order("created_at, id").Find(&rows).Error; err != nil {
		return nil, err
	}
	out := make([]Account, 0, len(rows))
	for _, r := range rows {
		a, err := s.account(r)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// Account reads one account by id.
func (s *Store) Account(ctx context.Context, accountID id.ID) (Account, error) {
	return s.one(ctx, "id = ?", accountID)
}

// AccountBySlug reads the account of a callback address.
func (s *Store) AccountBySlug(ctx context.Context, slug string) (Account, error) {
	return s.one(ctx, "callback_slug = ?", slug)
}

// AccountByApp reads an account by kind and appid.
func (s *Store) AccountByApp(ctx context.Context, kind, appID string) (Account, error) {
	return s.one(ctx, "kind = ? AND app_id = ?", kind, appID)
}

// Secrets opens an account's secrets.
func (s *Store) Secrets(ctx context.Context, a Account) (Secrets, error) {
	var r accountRow
	if err := s.db.Read(ctx).Where("id = ?", a.ID).Take(&r).Error; err != nil {
		return Secrets{}, fmt.Errorf("brand: secrets of account %d: %w", a.ID, err)
	}
	return s.open(r)
}

func (s *Store) one(ctx context.Context, where string, args ...any) (Account, error) {
	var r accountRow
	err := s.db.Read(ctx).Where(where, args...).Take(&r).Error
	if db.IsNotFound(err) {
		return Account{}, fault.New(fault.NotFound, "account_not_found", "没有这个账号")
	}
	if err != nil {
		return Account{}, err
	}
	return s.account(r)
}

func place(accountID id.ID) string { return "account:" + accountID.String() }

func (s *Store) open(r accountRow) (Secrets, error) {
	var sec Secrets
	plain, err := s.box.Open(place(r.ID), r.Secrets)
	if err != nil {
		return sec, fmt.Errorf("brand: secrets of account %d: %w", r.ID, err)
	}
	return sec, json.Unmarshal(plain, &sec)
}

func (s *Store) account(r accountRow) (Account, error) {
	a := Account{ID: r.ID, BrandID: r.BrandID, Kind: r.Kind, AppID: r.AppID, Name: r.Name, CallbackSlug: r.CallbackSlug, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
	if err := json.Unmarshal([]byte(r.Settings), &a.Settings); err != nil {
		return a, fmt.Errorf("brand: settings of account %d: %w", r.ID, err)
	}
	sec, err := s.open(r)
	if err != nil {
		return a, err
	}
	a.HasSecrets = sec.names()
	return a, nil
}
