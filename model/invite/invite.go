// Package invite is what a person meets who follows somebody's code: who invites him,
// what joining means, and his own code in turn. It joins what other contexts know, and
// owns the table invite_code: what WeChat made for posters.
//
// Promises: a forged token costs no SQL; whoever looks learns of the inviter what his
// poster shows and no more; WeChat is never asked inside a transaction, and where it makes
// no code an invitation carries the link and says so; a scan that WeChat reports binds once, however often it is
// reported, and never brings back what the person has ended since; following earns
// nothing.
package invite

import (
	"context"
	"fmt"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/leader"
	"siyu/model/member"
	"siyu/model/poster"
	"siyu/model/referral"
)

// Meaning is what joining means, in honest words, for every place that offers it.
const Meaning = "您购买或扫码验证后，推荐人可能得到佣金，由品牌承担，不影响您的价格和奖励。推荐人只能看到您打码的信息。您可以随时在“我的数据”里解除。"

// Deps are what a Store works with.
type Deps struct {
	DB        *db.DB
	Referrals *referral.Store
	Leaders   *leader.Store
	Brands    *brand.Store
	Posters   *poster.Store
	// Nickname is how a member calls himself, "" if he did not say; nil: nobody did.
	Nickname  func(ctx context.Context, memberID id.ID) (string, error)
	Events    *event.Store
	Maker     Maker  // nil: nothing but links
	PublicURL string // scheme and host, without a trailing slash
}

// Store reads invitations.
type Store struct {
	Deps
	rests rests
}

// New makes a store.
func New(d Deps) *Store { return &Store{Deps: d} }

// roleWords name roles to people.
var roleWords = map[string]string{referral.Leader: "群主", referral.Clerk: "导购", referral.Staff: "员工", referral.Member: "会员"}

// Inviter is who invites, as strangers may see him.
type Inviter struct {
	Name string `json:"name"`
	Role string `json:"role"` // zh-CN
}

// Invitation is what a token leads to.
type Invitation struct {
	Code    referral.Code `json:"-"`
	Token   string        `json:"token"`
	Brand   brand.Brand   `json:"-"`
	Inviter Inviter       `json:"inviter"`
	Open    bool          `json:"open"` // people can join through it now
}

// Read returns what a token leads to. Fault: NotFound referral_code_invalid.
func (s *Store) Read(ctx context.Context, token string) (Invitation, error) {
	code, err := s.Referrals.ByToken(ctx, token)
	if err != nil {
		return Invitation{}, err
	}
	v := Invitation{Code: code, Token: s.Referrals.Token(code), Open: code.State == referral.Open}
	if v.Brand, err = s.Brands.Get(ctx, code.BrandID); err != nil {
		return v, err
	}
	var office bool
	v.Inviter, office, err = s.inviter(ctx, code.BrandID, code.MemberID, code.Role)
	v.Open = v.Open && office
	return v, err
}

// inviter names a referrer; office says whether he may bring people in that role.
func (s *Store) inviter(ctx context.Context, brandID, memberID id.ID, role string) (i Inviter, office bool, err error) {
	i.Role = roleWords[role]
	if role != referral.Member {
		l, ok, err := s.Leaders.Of(ctx, brandID, memberID)
		if err != nil {
			return i, false, err
		}
		if office = ok && l.State == leader.Active; ok && l.Name != "" {
			i.Name = l.Name
			return i, office, nil
		}
	}
	i.Name, err = s.masked(ctx, memberID)
	return i, office || role == referral.Member, err
}

// masked is how a member who is no leader is shown: the first character of what he calls
// himself, or the end of his number.
func (s *Store) masked(ctx context.Context, memberID id.ID) (string, error) {
	if s.Nickname != nil {
		name, err := s.Nickname(ctx, memberID)
		if err != nil {
			return "", err
		}
		if shown := member.Mask(name); shown != "" {
			return shown, nil
		}
	}
	return "尾号 " + memberID.Tail(), nil
}

// Own is a member's side of a brand's referrals.
type Own struct {
	Brand    brand.Brand      `json:"-"`
	BrandID  id.ID            `json:"brand_id"`
	Me       Inviter          `json:"me"`
	Token    string           `json:"token"`
	Link     string           `json:"link"`
	Carries  *Carried         `json:"carries,omitempty"` // of Offer only
	Open     bool             `json:"open"`              // he may invite
	Brought  referral.Brought `json:"brought"`
	Referrer *Referrer        `json:"referrer"` // null: nobody
	code     referral.Code
}

// Referrer is who brought the member.
type Referrer struct {
	Inviter
	BoundAt        clock.Instant `json:"bound_at"`
	ProtectedUntil clock.Instant `json:"protected_until"`
	ExpiresAt      clock.Instant `json:"expires_at"`
	memberID       id.ID
}

// Mine reads a member's own side, and makes his code the first time. Faults: NotFound
// brand_not_found, member_not_found.
func (s *Store) Mine(ctx context.Context, brandID, memberID id.ID) (Own, error) {
	o := Own{BrandID: brandID}
	var err error
	if o.Brand, err = s.Brands.Get(ctx, brandID); err != nil {
		return o, err
	}
	role := referral.Member
	l, ok, err := s.Leaders.Of(ctx, brandID, memberID)
	if err != nil {
		return o, err
	}
	if ok && l.State == leader.Active {
		role = l.Role
		memberID = l.MemberID // one human has one code, whichever account he comes with
	}
	if o.code, err = s.Referrals.CodeOf(ctx, brandID, memberID, role); err != nil {
		return o, err
	}
	o.Token = s.Referrals.Token(o.code)
	o.Link = s.PublicURL + "/r/" + o.Token
	if o.Me, o.Open, err = s.inviter(ctx, brandID, memberID, role); err != nil {
		return o, err
	}
	if o.Brought, err = s.Referrals.BroughtBy(ctx, brandID, memberID); err != nil {
		return o, err
	}
	o.Referrer, err = s.referrer(ctx, brandID, memberID)
	return o, err
}

func (s *Store) referrer(ctx context.Context, brandID, memberID id.ID) (*Referrer, error) {
	b, ok, err := s.Referrals.ReferrerOf(ctx, brandID, memberID, s.DB.Now())
	if err != nil || !ok {
		return nil, err
	}
	i, _, err := s.inviter(ctx, brandID, b.ReferrerID, b.Role)
	return &Referrer{i, b.BoundAt, b.ProtectedUntil, b.ExpiresAt, b.ReferrerID}, err
}

// Greeting is the automatic answer to who scanned such a code, "" for other scenes. It
// may come before the scan has had its effect, so it says what will be and not what is.
func (s *Store) Greeting(ctx context.Context, account brand.Account, openID, scene string) (string, error) {
	v, err := s.Read(ctx, scene)
	if refused(err) {
		return "", nil
	}
	if err != nil || v.Code.BrandID != account.BrandID {
		return "", err
	}
	who := fmt.Sprintf("您扫的是「%s」（%s · %s）的邀请码。", v.Inviter.Name, v.Brand.Name, v.Inviter.Role)
	if !v.Open {
		return who + "\n这个邀请码已停用，不影响您扫码验真和领取奖励。", nil
	}
	memberID, err := s.memberOf(ctx, account.AppID, openID)
	if err != nil {
		return "", err
	}
	if memberID != 0 {
		r, err := s.referrer(ctx, account.BrandID, memberID)
		same := r == nil
		if err == nil && r != nil {
			same, err = s.Referrals.Members.SameHuman(ctx, r.memberID, v.Code.MemberID)
		}
		if err != nil {
			return "", err
		}
		if !same {
			return who + "\n您已有推荐人「" + r.Name + "」，保持不变。", nil
		}
	}
	return who + "\n如果您是新顾客，他将登记为您的推荐人。" + Meaning + "\n关注不会得到奖励，也不是领奖的条件。\n<a href=\"" + s.PublicURL + "/me/invite\">查看或解除</a>", nil
}

// memberOf finds who an openid is, without making anybody.
func (s *Store) memberOf(ctx context.Context, appID, openID string) (id.ID, error) {
	var found []id.ID
	err := s.DB.Read(ctx).Raw("SELECT m.id FROM identity_key k JOIN member m ON m.person_id = k.person_id WHERE k.kind = ? AND k.scope = ? AND k.value = ?",
		identity.OpenID, appID, openID).Scan(&found).Error
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return found[0], nil
}
