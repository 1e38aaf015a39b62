package invite

import (
	"context"
	"fmt"
	"sync"
	"time"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/poster"
)

// Maker asks WeChat for codes that carry a scene. An error says that none was made, for
// whatever reason.
type Maker interface {
	// SceneQR makes a QR code of an official account and returns its text and how long
	// it really lives.
	SceneQR(ctx context.Context, accountID id.ID, scene string, life time.Duration) (text string, lives time.Duration, err error)
	// MiniCode makes a code of a mini program, which opens its home page, and returns
	// the picture.
	MiniCode(ctx context.Context, accountID id.ID, scene string) ([]byte, error)
}

const (
	// Temporary codes: of permanent ones an account has 100,000 in its life, fewer than a
	// brand has members.
	sceneLife = 30 * 24 * time.Hour
	// Whoever saves a poster today should find it working for some days.
	sceneRenew = 3 * 24 * time.Hour
	// WeChat refuses an account by the day (45009), by the minute, or for ever (no right to
	// the call): after a refusal the account is left alone for a while, or each view of a
	// poster would cost a call and its time.
	restAfter = time.Minute
	restsMost = 1000
)

// Carried is the code that somebody's invitations carry.
type Carried struct {
	Kind      string        `json:"kind"`           // poster.Link, Official or Mini
	Text      string        `json:"text,omitempty"` // what a QR code of it holds; none for Mini, which is a picture
	ExpiresAt clock.Instant `json:"expires_at"`     // of Official: the printed code is dead from then on
	Note      string        `json:"note,omitempty"` // zh-CN: why it is not what the brand chose
	picture   []byte
}

// kept is a row of invite_code.
type kept struct {
	CodeID    id.ID
	AccountID id.ID
	QRText    string `gorm:"column:qr_text"`
	Picture   []byte
	MadeAt    clock.Instant
	ExpiresAt clock.Instant
}

func (k kept) carried(kind string) Carried {
	return Carried{Kind: kind, Text: k.QRText, ExpiresAt: k.ExpiresAt, picture: k.Picture}
}

// Offer is Mine with the code that the member's invitations carry; it may ask WeChat.
// Faults as of Mine.
func (s *Store) Offer(ctx context.Context, brandID, memberID id.ID) (Own, error) {
	o, err := s.Mine(ctx, brandID, memberID)
	if err != nil {
		return o, err
	}
	c, err := s.carried(ctx, o)
	o.Carries = &c
	return o, err
}

// Poster draws the member's own poster. Faults as of Mine and poster.Store.Poster.
func (s *Store) Poster(ctx context.Context, brandID, memberID id.ID, format string) (poster.Image, error) {
	o, err := s.Offer(ctx, brandID, memberID)
	if err != nil {
		return poster.Image{}, err
	}
	v := poster.Values{Brand: o.Brand.Name, Name: o.Me.Name, Role: o.Me.Role, QRText: o.Carries.Text}
	if o.Carries.Kind == poster.Mini {
		v.Drawn = poster.CodeOf(o.Carries.picture)
	}
	return s.Posters.Poster(ctx, brandID, v, format)
}

// carried finds the code: the kept one, a new one, or where WeChat makes none the link.
func (s *Store) carried(ctx context.Context, o Own) (Carried, error) {
	link := Carried{Kind: poster.Link, Text: o.Link}
	choice, err := s.Posters.Chosen(ctx, o.BrandID)
	if err != nil || choice.Code == poster.Link {
		return link, err
	}
	list, err := s.Brands.Accounts(ctx, o.BrandID, map[string]string{poster.Official: brand.Official, poster.Mini: brand.Mini}[choice.Code])
	if err != nil {
		return link, err
	}
	if len(list) == 0 {
		link.Note = map[string]string{poster.Official: "品牌还没有接入公众号，海报上先用邀请链接的二维码。", poster.Mini: "品牌还没有接入小程序，海报上先用邀请链接的二维码。"}[choice.Code]
		return link, nil
	}
	account, now := list[0], s.DB.Now()
	var rows []kept
	if err := s.DB.Read(ctx).Raw("SELECT * FROM invite_code WHERE code_id = ? AND account_id = ?", o.code.ID, account.ID).Scan(&rows).Error; err != nil {
		return link, fmt.Errorf("invite: code: %w", err)
	}
	if len(rows) == 1 && (rows[0].ExpiresAt == 0 || now.Add(sceneRenew) < rows[0].ExpiresAt) {
		return rows[0].carried(choice.Code), nil
	}
	fresh, made := s.make(ctx, choice.Code, kept{CodeID: o.code.ID, AccountID: account.ID, MadeAt: now}, o.Token)
	switch {
	case made:
		return fresh.carried(choice.Code), s.keep(ctx, fresh)
	case len(rows) == 1 && now < rows[0].ExpiresAt: // it still works
		return rows[0].carried(choice.Code), nil
	}
	link.Note = map[string]string{poster.Official: "微信暂时没有生成公众号二维码，海报上先用邀请链接的二维码，过一会儿再打开就好。", poster.Mini: "微信暂时没有生成小程序码，海报上先用邀请链接的二维码，过一会儿再打开就好。"}[choice.Code]
	return link, nil
}

// make asks WeChat. No transaction is open here, and none waits for the answer.
func (s *Store) make(ctx context.Context, kind string, k kept, token string) (kept, bool) {
	if s.Maker == nil || s.rests.on(k.AccountID, k.MadeAt) {
		return k, false
	}
	var err error
	if kind == poster.Official {
		lives := time.Duration(0)
		k.QRText, lives, err = s.Maker.SceneQR(ctx, k.AccountID, token, sceneLife)
		k.Picture, k.ExpiresAt = []byte{}, k.MadeAt.Add(lives)
		if err == nil && (k.QRText == "" || len(k.QRText) > 255 || lives <= 0) {
			err = fmt.Errorf("invite: WeChat answered no usable code")
		}
	} else {
		var picture []byte
		if picture, err = s.Maker.MiniCode(ctx, k.AccountID, token); err == nil {
			k.Picture, err = poster.ReadCode(picture)
		}
	}
	if err != nil && ctx.Err() == nil { // who went away says nothing of WeChat
		s.rests.begin(k.AccountID, k.MadeAt)
	}
	return k, err == nil
}

// keep writes a row, over an older one.
func (s *Store) keep(ctx context.Context, k kept) error {
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec("INSERT INTO invite_code (code_id, account_id, qr_text, picture, made_at, expires_at) VALUES (?,?,?,?,?,?)"+s.DB.Once("code_id"),
			k.CodeID, k.AccountID, k.QRText, k.Picture, k.MadeAt, k.ExpiresAt)
		if r.Error != nil || r.RowsAffected == 1 {
			return r.Error
		}
		return tx.Exec("UPDATE invite_code SET qr_text = ?, picture = ?, made_at = ?, expires_at = ? WHERE code_id = ? AND account_id = ? AND made_at < ?",
			k.QRText, k.Picture, k.MadeAt, k.ExpiresAt, k.CodeID, k.AccountID, k.MadeAt).Error
	})
	if err != nil {
		return fmt.Errorf("invite: keep a code: %w", err)
	}
	return nil
}

// rests knows which accounts WeChat refused a moment ago.
type rests struct {
	mu    sync.Mutex
	until map[id.ID]clock.Instant
}

func (r *rests) on(accountID id.ID, now clock.Instant) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now < r.until[accountID]
}

func (r *rests) begin(accountID id.ID, now clock.Instant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.until == nil || len(r.until) >= restsMost {
		r.until = map[id.ID]clock.Instant{}
	}
	r.until[accountID] = now.Add(restAfter)
}
