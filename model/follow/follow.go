// Package follow knows who follows which official account (关注) and applies what
// WeChat pushed about it.
//
// It owns the table follower: one row per account and openid, following or not.
//
// Promises: a push applied twice has one effect; a late push never undoes a newer
// one (changed_at only grows). Following earns nothing, here or anywhere: WeChat
// bans paying for it.
package follow

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/notice"
)

// Events of an official account that change something here, as WeChat writes them.
const (
	Subscribe   = "subscribe"
	Unsubscribe = "unsubscribe"
	Scan        = "SCAN"
)

// Message is a push as a notice keeps it: the verified fields, and word for word
// what WeChat sent.
type Message struct {
	AppID     string   `json:"app_id"`
	OpenID    string   `json:"openid"`
	Type      string   `json:"type"` // text, event, ...
	Event     string   `json:"event,omitempty"`
	EventKey  string   `json:"event_key,omitempty"`
	Ticket    string   `json:"ticket,omitempty"`
	MsgID     string   `json:"msg_id,omitempty"`
	Content   string   `json:"content,omitempty"`
	CreatedAt int64    `json:"created_at"`        // seconds, WeChat's clock
	Status    string   `json:"status,omitempty"`  // of a job event: how it ended
	Counts    *Counts  `json:"counts,omitempty"`  // of a mass send that ended
	Results   []Result `json:"results,omitempty"` // of subscribe messages that were sent
	Grants    []Grant  `json:"grants,omitempty"`
	Raw       string   `json:"raw"`
}

// Grant is what a person said to the messages of one template (订阅消息).
type Grant struct {
	TemplateID string `json:"template_id"`
	Status     string `json:"status"` // accept, reject, ...
}

// Counts are of the people of a mass send (群发结果): those it was to, those WeChat did not
// pass over, those who got it and those it failed for.
type Counts struct {
	Total  int `json:"total"`
	Meant  int `json:"meant"`
	Sent   int `json:"sent"`
	Failed int `json:"failed"`
}

// Result is what became of one subscribe message (订阅消息下发结果).
type Result struct {
	TemplateID string `json:"template_id"`
	MsgID      string `json:"msg_id,omitempty"`
	Code       string `json:"code"`   // "0": it arrived
	Status     string `json:"status"` // WeChat's words
}

// Body is the message as the body of a notice.
func (m Message) Body() ([]byte, error) { return json.Marshal(m) }

// Follower is one row.
type Follower struct {
	AccountID id.ID         `json:"account_id"`
	OpenID    string        `json:"-" gorm:"column:openid"`
	MemberID  id.ID         `json:"member_id"`
	Following bool          `json:"following"`
	Scene     string        `json:"scene"` // of the QR code that was scanned last, "" for none
	ChangedAt clock.Instant `json:"changed_at"`
}

// TableName names the table for GORM.
func (Follower) TableName() string { return "follower" }

// Store applies pushes and reads followers.
type Store struct {
	db      *db.DB
	people  *identity.Store
	members *member.Store
	tell    func(ctx context.Context, f Follower) error
	scanned func(ctx context.Context, f Follower) error
}

// New makes a store.
func New(d *db.DB, people *identity.Store, members *member.Store) *Store {
	return &Store{db: d, people: people, members: members}
}

// OnMove registers who is told that somebody followed or left, as WeChat reported it:
// after it was applied, again when the report is applied again, and also of a report that
// came too late to count. Wiring calls it before anything is applied.
func (s *Store) OnMove(tell func(ctx context.Context, f Follower) error) { s.tell = tell }

// OnScene registers who is told that somebody scanned a QR code of an account that carries
// a scene, be he new or a follower; Scene and ChangedAt are the push's. It is told after
// OnMove, and as often. Wiring calls it before anything is applied.
func (s *Store) OnScene(tell func(ctx context.Context, f Follower) error) { s.scanned = tell }

// ApplyMessage gives a stored push of an official account or mini program its
// effect; a push that means nothing here has none. Faults: Invalid notice_body,
// login_malformed: the notice can never be applied.
func (s *Store) ApplyMessage(ctx context.Context, n notice.Notice) error {
	var m Message
	if err := json.Unmarshal(n.Body, &m); err != nil {
		return fault.NewInvalid("notice_body", "通知内容无法解析").Because(err)
	}
	if n.Source != notice.Official || m.Type != "event" {
		return nil
	}
	var following bool
	var scene string
	switch m.Event {
	case Subscribe:
		following, scene = true, strings.TrimPrefix(m.EventKey, "qrscene_")
	case Scan: // only followers get it; others get subscribe
		following, scene = true, m.EventKey
	case Unsubscribe:
	default:
		return nil
	}
	person, err := s.people.Meet(ctx, m.AppID, m.OpenID)
	if err != nil {
		return err
	}
	who, err := s.members.Of(ctx, person)
	if err != nil {
		return err
	}
	f := Follower{AccountID: n.AccountID, OpenID: m.OpenID, MemberID: who.ID, Following: following,
		Scene: cut(scene, 64), ChangedAt: clock.From(time.Unix(m.CreatedAt, 0))}
	if err := s.set(ctx, f); err != nil {
		return err
	}
	if s.tell != nil && m.Event != Scan { // a follower who scanned a code neither came nor left
		if err := s.tell(ctx, f); err != nil {
			return err
		}
	}
	if s.scanned == nil || f.Scene == "" {
		return nil
	}
	return s.scanned(ctx, f)
}

// set writes f unless something newer is there. Leaving keeps the scene: it says
// where the follower once came from.
func (s *Store) set(ctx context.Context, f Follower) error {
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec("INSERT INTO follower (account_id, openid, member_id, following, scene, changed_at) VALUES (?,?,?,?,?,?)"+s.db.Once("account_id"),
			f.AccountID, f.OpenID, f.MemberID, f.Following, f.Scene, f.ChangedAt)
		if r.Error != nil || r.RowsAffected == 1 {
			return r.Error
		}
		set := map[string]any{"member_id": f.MemberID, "following": f.Following, "changed_at": f.ChangedAt}
		if f.Scene != "" {
			set["scene"] = f.Scene
		}
		return tx.Model(&Follower{}).Where("account_id = ? AND openid = ? AND changed_at <= ?", f.AccountID, f.OpenID, f.ChangedAt).Updates(set).Error
	})
	if err != nil {
		return fmt.Errorf("follow: %w", err)
	}
	return nil
}

// Get reads what is known of one openid; an openid that was never heard of does not
// follow.
func (s *Store) Get(ctx context.Context, accountID id.ID, openID string) (Follower, error) {
	f := Follower{AccountID: accountID, OpenID: openID}
	err := s.db.Read(ctx).Where("account_id = ? AND openid = ?", accountID, openID).Take(&f).Error
	if err != nil && !db.IsNotFound(err) {
		return f, fmt.Errorf("follow: %w", err)
	}
	return f, nil
}

// Unjoined pages the openids that follow an account and of whose human no unionid is
// known, in their order; after "" begins.
func (s *Store) Unjoined(ctx context.Context, accountID id.ID, after string, limit int) ([]string, error) {
	out := []string{}
	err := s.db.Read(ctx).Raw(`SELECT f.openid FROM follower f JOIN member m ON m.id = f.member_id JOIN person p ON p.id = m.person_id
		WHERE f.account_id = ? AND f.openid > ? AND f.following = ?
		AND NOT EXISTS (SELECT 1 FROM identity_key k WHERE k.person_id IN (p.id, p.root_id) AND k.kind = ?)
		AND NOT EXISTS (SELECT 1 FROM person q JOIN identity_key k ON k.person_id = q.id WHERE q.root_id = CASE p.root_id WHEN 0 THEN p.id ELSE p.root_id END AND k.kind = ?)
		ORDER BY f.openid LIMIT ?`, accountID, after, true, identity.UnionID, identity.UnionID, limit).Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("follow: unjoined: %w", err)
	}
	return out, nil
}

// Count returns how many follow an account.
func (s *Store) Count(ctx context.Context, accountID id.ID) (n int64, err error) {
	err = s.db.Read(ctx).Model(&Follower{}).Where("account_id = ? AND following = ?", accountID, true).Count(&n).Error
	return n, err
}

// cut keeps at most n characters of valid text.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "")
	if utf8.RuneCountInString(s) > n {
		return string([]rune(s)[:n])
	}
	return s
}
