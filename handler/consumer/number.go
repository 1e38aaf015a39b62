package consumer

import (
	"context"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/brand"
	"siyu/model/consent"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	book "siyu/model/phone"
	"siyu/wechat"
)

// Numbers asks WeChat for a verified telephone number; *wechat.Client fits.
type Numbers interface {
	PhoneNumber(ctx context.Context, app wechat.App, code string) (wechat.PhoneNumber, error)
}

// Every success costs 0.03 yuan, so a member gets few.
var errNumbers = fault.New(fault.Throttled, "too_many_numbers", "验证手机号过于频繁，请稍后再试").With("retry_after_s", 600)

// numberInput is the body of POST /api/v1/phone. Agreeing is the member's own act: the
// program ticks nothing for him.
type numberInput struct {
	Code  string `json:"code"`  // of the getPhoneNumber button
	Agree bool   `json:"agree"` // to keeping the number (consent.Phone)
	Match bool   `json:"match"` // also to matching it with old records (consent.CRMMatch)
}

// numberAnswer is what became of a number.
type numberAnswer struct {
	Phone      string `json:"phone"`      // masked
	State      string `json:"state"`      // identity's outcome
	Recognised bool   `json:"recognised"` // an old account was joined
	Text       string `json:"text"`
}

// apiPhone is POST /api/v1/phone: WeChat's word that a number is the member's, never the
// browser's. Faults: Unauthenticated login; Forbidden consent_missing; Throttled
// too_many_numbers; Invalid phone_code, phone_malformed; Unavailable wechat; Conflict
// identity_full.
func (h *Handler) apiPhone(c *gin.Context) (any, error) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		return nil, err
	}
	var in numberInput
	if err := web.BindLoose(c, &in); err != nil {
		return nil, err
	}
	if !in.Agree {
		return nil, fault.New(fault.Forbidden, "consent_missing", "需要您同意保存手机号，才能用它认出您的会员身份")
	}
	n, err := h.askNumber(c.Request.Context(), s, in.Code)
	if err != nil {
		return nil, err
	}
	return h.linkNumber(c, s, in, n)
}

func (h *Handler) askNumber(ctx context.Context, s web.Session, code string) (book.Number, error) {
	a, err := h.Brands.AccountByApp(ctx, brand.Mini, s.AppID)
	if err != nil {
		return book.Number{}, fault.New(fault.Forbidden, "mini_only", "请在小程序里验证手机号")
	}
	app, err := h.app(ctx, a)
	if err != nil {
		return book.Number{}, err
	}
	who := s.Member.String()
	if h.numbers.Over(who) {
		return book.Number{}, errNumbers
	}
	h.numbers.Hit(who)
	got, err := h.Numbers.PhoneNumber(ctx, app, code)
	switch {
	case wechat.IsBadLogin(err):
		return book.Number{}, fault.NewInvalid("phone_code", "手机号验证已过期，请重新点击按钮").Because(err)
	case err != nil:
		return book.Number{}, fault.New(fault.Unavailable, "wechat", "微信接口暂时不可用，请稍后再试").Because(err)
	}
	if got.Country != "" && got.Country != "86" {
		return book.Parse("+" + got.Country + got.Pure)
	}
	return book.Parse(got.Pure)
}

// linkNumber first makes the number a key and then keeps it: a number that is nobody's is
// not kept.
func (h *Handler) linkNumber(c *gin.Context, s web.Session, in numberInput, n book.Number) (numberAnswer, error) {
	ctx := c.Request.Context()
	if _, err := h.agree(c, s, consent.Phone, true); err != nil {
		return numberAnswer{}, err
	}
	matches, err := h.matching(c, s, in.Match)
	if err != nil {
		return numberAnswer{}, err
	}
	m, err := h.Members.Get(ctx, s.Member)
	if err != nil {
		return numberAnswer{}, err
	}
	out, err := h.Identities.Link(ctx, m.PersonID, identity.Key{Kind: identity.Phone, Value: h.Phones.Hash(n)},
		identity.Evidence{Event: identity.PhoneVerified, Channel: s.Channel, ConsentID: matches,
			With: identity.Key{Kind: identity.OpenID, Scope: s.AppID, Value: s.OpenID}})
	if err != nil {
		return numberAnswer{}, err
	}
	a := numberAnswer{Phone: n.Masked(), State: out.State, Recognised: out.State == identity.Joined}
	if out.State == identity.SharedKey {
		a.Text = "这个号码有很多人在用，不能用来辨认会员"
		return a, nil
	}
	if _, err := h.Phones.Put(ctx, n); err != nil {
		return numberAnswer{}, err
	}
	a.Text = map[string]string{identity.Joined: "欢迎回来，已认出您的老会员身份", identity.InReview: "这个号码有另一份会员资料，正在核实，核实后会合并",
		identity.Declined: "这个号码属于另一位会员"}[out.State]
	if a.Text == "" {
		a.Text = "手机号已验证"
	}
	return a, nil
}

// matching is the answer under which old records may be matched, 0 if there is none.
func (h *Handler) matching(c *gin.Context, s web.Session, asked bool) (id.ID, error) {
	if asked {
		given, err := h.agree(c, s, consent.CRMMatch, true)
		return given.ID, err
	}
	ctx := c.Request.Context()
	given, err := h.Consents.Given(ctx, s.Member, consent.CRMMatch)
	if err != nil || !given {
		return 0, err
	}
	list, err := h.Consents.History(ctx, s.Member, 0, 100)
	for _, x := range list {
		if x.Purpose == consent.CRMMatch {
			return x.ID, err
		}
	}
	return 0, err
}

// agree records the member's answer to one purpose, with what shows that he gave it.
func (h *Handler) agree(c *gin.Context, s web.Session, purpose string, yes bool) (consent.Consent, error) {
	return h.Consents.Put(c.Request.Context(), consent.Consent{MemberID: s.Member, Purpose: purpose, Given: yes, Channel: s.Channel, Evidence: h.evidence(c)})
}

func (h *Handler) evidence(c *gin.Context) consent.Evidence {
	return consent.Evidence{Page: c.FullPath(), RequestID: web.RequestID(c), IPHash: h.Sessions.Cookies.Signer.Digest("consent ip", web.ClientIP(c))}
}
