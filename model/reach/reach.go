// Package reach keeps who may be reached now, by which channel, and why not (触达台账):
// customer-service windows, subscribe grants, template and mass quotas, WeCom group sends,
// text messages; what people do not want; caps, quiet hours and holidays.
//
// It owns the tables reach_policy, reach_holiday, reach_contact, reach_window, reach_grant,
// reach_seen, reach_count, reach_quota, reach_stop, reach_ticket, reach_human,
// reach_optout, reach_want, reach_want_member and reach_summary.
//
// Promises:
//   - Nothing is sent that WeChat would refuse, as far as its callbacks told: a window,
//     grant, quota or cap is taken, by guarded updates, before the call; what WeChat
//     refused all the same is given back and learned from.
//   - The same delivery gets the same ticket, however often it asks.
//   - WeChat's reports may come twice, late or in any order. When in doubt a number is
//     lower than WeChat's.
//   - Everything stands under the member it happened to; who asks, asks for the human
//     (member.RootSQL), so joining and parting humans moves nothing.
//   - Look, TakeTx and Sets judge alike: consent, opt-out, quiet hours, holiday, caps,
//     channel, in this order, and the first reason counts.
//   - Every number is a brand's configuration with WeChat's published limit as default:
//     developers.weixin.qq.com Customer_Service_Messages.html, Batch_Sends.html,
//     subscribe-message-overview.html; developer.work.weixin.qq.com/document/path/92135.
package reach

import (
	"context"
	"sync"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/quiet"
)

// Channels.
const (
	Custom    = "custom"    // customer-service message (客服消息), official accounts and mini programs
	Template  = "template"  // template message (模板消息), official accounts; never offers
	Subscribe = "subscribe" // subscribe message or notice (订阅消息, 订阅通知)
	Mass      = "mass"      // mass send (群发), official accounts
	WeCom     = "wecom"     // group send that a member of the staff confirms (企业微信群发)
	SMS       = "sms"       // text message (短信)
)

// Purposes.
const (
	Marketing = "marketing" // needs consent; counts for caps
	Service   = "service"   // what somebody waits for; carries no offers

	trial = "test" // of tickets for the white list: they count for no cap
)

// Use is one way to a person. A text message has no account, and only Template and
// Subscribe have a template.
type Use struct {
	Channel    string `json:"channel"`
	AccountID  id.ID  `json:"account_id"`
	TemplateID string `json:"template_id,omitempty"`
}

// Ask is a message that somebody wants to send.
type Ask struct {
	BrandID id.ID
	Purpose string
	Topic   string        // what it is about, as people refuse it; "": nothing in particular
	Uses    []Use         // in the order it prefers, 1 to MaxUses
	At      clock.Instant // 0: now
	Value   int           // 0 to 100: how much the message is worth
	Test    bool          // to the white list: only WeChat's own rules count
	// Profiled: who it goes to was found by what people did. Who does not agree to that any
	// more is not sent it; Sets and Summary, which know nothing of rules, do not look at it.
	Profiled bool
}

// Bounds of a question.
const (
	MaxUses    = 16
	MaxMembers = 1000
)

// Answer is whether and how one human can be reached.
type Answer struct {
	MemberID  id.ID         `json:"member_id"`
	Use       int           `json:"use"`        // index into Ask.Uses; -1: none
	OpenID    string        `json:"-"`          // openid, external_userid, or the hash of a telephone number
	Reason    string        `json:"reason"`     // the one that counts; "" with a Use
	Each      []string      `json:"each"`       // why not by each use; "": possible
	NotBefore clock.Instant `json:"not_before"` // when to ask again, if time alone may change it; none: unknown
}

// Ticket is a place that was taken for one delivery.
type Ticket struct {
	ID       id.ID
	MemberID id.ID // whose OpenID it is
	Use      int   // index into Ask.Uses; -1 for a ticket of an earlier question with other uses
	Way      Use
	OpenID   string
	Sender   string // userid of the staff, for WeCom
	State    string
	TakenAt  clock.Instant
}

// States of a ticket.
const (
	Reserved = "reserved"
	Sent     = "sent"
	Refused  = "refused" // surely not sent
	Unknown  = "unknown" // nobody knows: never sent again
)

// Deps are what a store works with. Accounts reads an account of any brand; it is asked
// before and never inside a transaction.
type Deps struct {
	DB       *db.DB
	People   *identity.Store
	Members  *member.Store
	Quiet    *quiet.Store
	Accounts func(ctx context.Context, accountID id.ID) (brand.Account, error)
	// AccountsOf lists a brand's accounts.
	AccountsOf func(ctx context.Context, brandID id.ID) ([]brand.Account, error)
	// NoSMS says that nobody carries text messages: they are no way for anything new. What is
	// on its way by one is judged as ever, and refused by whoever was to hand it over.
	NoSMS bool
	// Told finds the push that a wish answers: what reached the family last, since then,
	// of the wish's brand, topic and channel where it names one. It is built later and may
	// be set after New.
	Told func(ctx context.Context, tx *gorm.DB, w Wish, family []id.ID, since clock.Instant) (Last, error)
}

// Store keeps the ledger.
type Store struct {
	Deps
	mu    sync.Mutex
	rules map[id.ID]rules // by brand, for a moment
	apps  map[id.ID]app   // accounts never change kind, appid or brand
	page  int             // bulkPage
}

// app is what an account is.
type app struct {
	brandID id.ID
	kind    string
	appID   string
}

// New makes a store.
func New(d Deps) *Store {
	return &Store{Deps: d, rules: map[id.ID]rules{}, apps: map[id.ID]app{}, page: bulkPage}
}

// check refuses an Ask that cannot be meant, and completes it. Faults: Invalid reach_ask,
// reach_use.
func (s *Store) check(ctx context.Context, a *Ask) error {
	switch {
	case a.BrandID == 0:
		return fault.NewInvalid("reach_ask", "请先选择品牌").With("field", "brand_id")
	case a.Purpose != Marketing && a.Purpose != Service:
		return fault.NewInvalid("reach_ask", "用途应为营销或服务").With("field", "purpose")
	case len(a.Uses) == 0 || len(a.Uses) > MaxUses:
		return fault.Invalidf("reach_ask", "应有 1 到 %d 种触达方式", MaxUses).With("field", "uses")
	case a.Value < 0 || a.Value > 100:
		return fault.NewInvalid("reach_ask", "消息价值应为 0 到 100").With("field", "value")
	case a.Topic != "" && !GoodTopic(a.Topic):
		return fault.Invalidf("reach_ask", "主题应为 1 到 %d 个汉字、字母或数字", maxTopic).With("field", "topic")
	}
	if a.At == 0 {
		a.At = s.DB.Now()
	}
	for _, u := range a.Uses {
		if err := s.checkUse(ctx, a.BrandID, u); err != nil {
			return err
		}
	}
	return nil
}

// CheckUse refuses a way that cannot work for a brand, whoever the person. Faults: Invalid
// reach_use, sms_no_carrier.
func (s *Store) CheckUse(ctx context.Context, brandID id.ID, u Use) error {
	if u.Channel == SMS && s.NoSMS {
		return fault.NewInvalid("sms_no_carrier", "还没有接入短信服务商，不能用短信触达，请换一种渠道").With("field", "uses")
	}
	return s.checkUse(ctx, brandID, u)
}

func (s *Store) checkUse(ctx context.Context, brandID id.ID, u Use) error {
	bad := func(text string) error { return fault.NewInvalid("reach_use", text).With("field", "uses") }
	needs, known := map[string][]string{Custom: {brand.Official, brand.Mini}, Template: {brand.Official}, Subscribe: {brand.Official, brand.Mini},
		Mass: {brand.Official}, WeCom: {brand.WeCom}, SMS: nil}[u.Channel]
	switch {
	case !known:
		return bad("没有这种触达渠道")
	case (u.Channel == Template || u.Channel == Subscribe) != (u.TemplateID != ""):
		return bad("模板消息和订阅消息要选模板，其他渠道没有模板")
	case len(u.TemplateID) > 64:
		return bad("模板编号太长")
	case u.Channel == SMS && u.AccountID != 0:
		return bad("短信不属于任何账号")
	case u.Channel == SMS:
		return nil
	}
	a, err := s.app(ctx, u.AccountID)
	if fault.KindOf(err) == fault.NotFound && err != nil || err == nil && a.brandID != brandID {
		return bad("这个品牌没有这个账号")
	}
	if err != nil {
		return err
	}
	for _, kind := range needs {
		if a.kind == kind {
			return nil
		}
	}
	return bad("这种账号不能用这个渠道")
}

// app is an account, remembered: what is remembered of it never changes.
func (s *Store) app(ctx context.Context, accountID id.ID) (app, error) {
	s.mu.Lock()
	a, there := s.apps[accountID]
	s.mu.Unlock()
	if there {
		return a, nil
	}
	acc, err := s.Accounts(ctx, accountID)
	if err != nil {
		return app{}, err
	}
	a = app{brandID: acc.BrandID, kind: acc.Kind, appID: acc.AppID}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps[accountID] = a
	return a, nil
}
