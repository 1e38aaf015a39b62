// Package wecom keeps what WeCom (企业微信) says: who of the people is whose contact and
// who is in which customer group, and ties both to the people we know (ONE-ID).
//
// It owns the tables wecom_contact, wecom_chat, wecom_chat_member, wecom_sync and
// wecom_way. The
// groups as communities of a brand are model/group's; this package hands them over.
//
// A push (notice) decides little: it marks a contact or a group, and a job looks at WeCom.
// What WeCom answers to that look is the truth, so pushes may be lost, doubled or late.
// Rounds over everything (Sync) find what no push told.
//
// Promises:
//   - A push or an answer applied twice has one effect; an older answer changes nothing
//     that a newer one said.
//   - However many pushes a busy group sends, one look is on its way at a time, and none
//     that came after the look began is forgotten (asked, done).
//   - A round that is interrupted goes on at the page where it was.
//   - unionid and external_userid are joined under the rules of model/identity, with the
//     evidence that WeCom's server named both.
//   - A join way (群活码) is written down before WeCom is asked for it, and never asked for
//     twice unless WeCom surely made none or an operator says so.
//   - Nobody's name, picture or remark is kept.
package wecom

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/notice"
	"siyu/model/outbox"
)

// Wake-ups; the ref of each is the row's id.
const (
	TaskChat    = "wecom:chat"
	TaskContact = "wecom:contact"
	TaskSync    = "wecom:sync"
	TaskWay     = "wecom:way"
)

// lull is how long a marked row waits before it is looked at: pushes come in bursts.
const lull = 2 * time.Second

// Community is a customer group as model/group hears of it.
type Community struct {
	BrandID   id.ID
	ChatID    string
	Name      string
	Owner     string // userid of the staff
	Size      int    // with the staff
	At        clock.Instant
	Dismissed bool
}

// Came is somebody who came by a way with a state of ours: he scanned it himself.
type Came struct {
	BrandID  id.ID
	MemberID id.ID
	Way      string // the state
	At       clock.Instant
}

// accounts finds the brand of an account; what wiring gives reads brand.Store.
type accounts func(ctx context.Context, accountID id.ID) (Account, error)

// Account is whose an account is.
type Account struct {
	ID      id.ID
	BrandID id.ID
	CorpID  string // appid of an official account
}

// Deps are what a store works with. Groups, OnWay, Joins and Token may be nil; without
// Token no way carries a referral code.
type Deps struct {
	DB        *db.DB
	Outbox    *outbox.Store
	People    *identity.Store
	Members   *member.Store
	Events    *event.Store
	Followers *follow.Store
	Accounts  accounts
	Groups    func(ctx context.Context, c Community) error // brings a community up to date; repeatable
	OnWay     func(ctx context.Context, c Came) error      // repeatable
	Joins     func(ctx context.Context, j Joinable) error  // gives groups their join code; repeatable
	// Token checks a referral token of a brand. Fault: NotFound referral_code_invalid.
	Token func(ctx context.Context, brandID id.ID, token string) error
}

// Store applies and reads.
type Store struct{ Deps }

// New makes a store.
func New(d Deps) *Store { return &Store{d} }

// Push is a verified push as a notice keeps it.
type Push struct {
	CorpID         string `json:"corp_id"`
	Event          string `json:"event"`
	ChangeType     string `json:"change_type"`
	CreatedAt      int64  `json:"created_at"` // seconds, WeCom's clock
	UserID         string `json:"userid,omitempty"`
	ExternalUserID string `json:"external_userid,omitempty"`
	State          string `json:"state,omitempty"`
	ChatID         string `json:"chat_id,omitempty"`
	Detail         string `json:"detail,omitempty"`
	Raw            string `json:"raw"`
}

// Body is the push as the body of a notice.
func (p Push) Body() ([]byte, error) { return json.Marshal(p) }

// Events that mean something here, as WeCom writes them.
const (
	contactChanged = "change_external_contact"
	chatChanged    = "change_external_chat"
)

var idForm = regexp.MustCompile(`^[0-9A-Za-z_@.-]{1,64}$`)

var errPush = fault.NewInvalid("notice_body", "企业微信推送的内容不完整")

// Apply gives a stored push its effect; one that means nothing here has none. Faults:
// Invalid notice_body: the push can never be applied.
func (s *Store) Apply(ctx context.Context, n notice.Notice) error {
	var p Push
	if err := json.Unmarshal(n.Body, &p); err != nil {
		return errPush.Because(err)
	}
	a, err := s.Accounts(ctx, n.AccountID)
	if err != nil {
		return err
	}
	at := clock.From(time.Unix(p.CreatedAt, 0))
	switch p.Event {
	case contactChanged:
		if !idForm.MatchString(p.UserID) || !idForm.MatchString(p.ExternalUserID) {
			return errPush
		}
		return s.markContact(ctx, a, p, at)
	case chatChanged:
		if !idForm.MatchString(p.ChatID) {
			return errPush
		}
		return s.MarkChats(ctx, a, []string{p.ChatID}, 0)
	}
	return nil
}

// markTx raises what is asked of a row and wakes a worker, unless one is on its way that
// has not looked yet. The row's own columns decide, under its lock. surely wakes one in
// any case: a second wake-up finds nothing left to do.
func (s *Store) markTx(ctx context.Context, tx *gorm.DB, table, task string, row id.ID, surely bool) error {
	r := tx.Exec("UPDATE "+table+" SET asked = asked + 1 WHERE id = ?", row)
	if r.Error != nil {
		return r.Error
	}
	var first []int64
	if err := tx.Raw("SELECT asked FROM "+table+" WHERE id = ? AND asked = done + 1", row).Scan(&first).Error; err != nil || len(first) == 0 && !surely {
		return err
	}
	_, err := s.Outbox.PutTx(ctx, tx, task, row, s.DB.Now().Add(lull))
	return err
}

// doneTx notes that a look answered what was asked when it began. It returns whether more
// was asked since: the worker has to look again.
func doneTx(tx *gorm.DB, table string, row id.ID, asked int64, set map[string]any) (more bool, err error) {
	set["done"] = gorm.Expr("CASE WHEN done < ? THEN ? ELSE done END", asked, asked)
	if err := tx.Table(table).Where("id = ?", row).Updates(set).Error; err != nil {
		return false, err
	}
	var n int64
	err = tx.Raw("SELECT COUNT(*) FROM "+table+" WHERE id = ? AND asked > done", row).Scan(&n).Error
	return n > 0, err
}

// person is one who WeCom named, by his keys.
type person struct{ external, union string }

// people finds or makes the members of persons under a corp: unionid and external_userid
// are joined, or decided, by identity's rules. Nobody (0) for keys that many share.
func (s *Store) people(ctx context.Context, corpID string, list []person, ref id.ID) (map[string]id.ID, error) {
	e := identity.Evidence{Event: identity.WeComCallback, Channel: "wecom", Ref: ref}
	items := make([]identity.Item, len(list))
	external := func(p person) identity.Key {
		return identity.Key{Kind: identity.ExternalUserID, Scope: corpID, Value: p.external}
	}
	for i, p := range list {
		if p.union != "" {
			items[i].Keys = append(items[i].Keys, identity.Key{Kind: identity.UnionID, Value: p.union})
		}
		items[i].Keys = append(items[i].Keys, external(p))
	}
	found, err := s.People.ResolveMany(ctx, items, e)
	if err != nil {
		return nil, err
	}
	// A human has one external_userid in a corp. A second one with his unionid is WeCom's
	// own contradiction: it stays a person of its own.
	for i, r := range found {
		if f := fault.Of(r.Err); f == nil || f.Code != "identity_full" {
			continue
		}
		alone, err := s.People.ResolveMany(ctx, []identity.Item{{Keys: []identity.Key{external(list[i])}}}, e)
		if err != nil {
			return nil, err
		}
		found[i] = alone[0]
	}
	persons := make([]id.ID, 0, len(found))
	for i, r := range found {
		// Who a contact is, is the owner of his external_userid, not of the first key that
		// is known: when the two contradict, an operator decides, and until then nobody's
		// row changes hands.
		for _, o := range r.Others {
			if o.Kind == identity.ExternalUserID {
				found[i].PersonID = o.PersonID
			}
		}
		if found[i].PersonID != 0 {
			persons = append(persons, found[i].PersonID)
		}
	}
	members, err := s.Members.OfMany(ctx, persons)
	if err != nil {
		return nil, err
	}
	out := make(map[string]id.ID, len(list))
	for i, p := range list {
		out[p.external] = members[found[i].PersonID]
	}
	return out, nil
}

func wrap(what string, err error) error {
	if err == nil || fault.Of(err) != nil {
		return err
	}
	return fmt.Errorf("wecom: %s: %w", what, err)
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
