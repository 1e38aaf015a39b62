package consumer

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/fault"
	"siyu/model/invite"
	"siyu/model/referral"
)

// referralRoutes: who follows somebody's code, and what he has of his own.
func (h *Handler) referralRoutes() []web.Route {
	once := func(do func(*gin.Context) (any, error)) gin.HandlerFunc {
		return web.Once(h.Replays, h.Sessions.Owner, http.StatusOK, do)
	}
	return []web.Route{
		{Method: "GET", Path: "/r/:token", Permission: "public", Summary: "邀请页(只看，不绑定)", Handler: h.invitePage},
		{Method: "POST", Path: "/r/:token/join", Permission: "member", Summary: "加入(表单)", Handler: h.joinForm},
		{Method: "GET", Path: "/me/invite", Permission: "member", Summary: "我的邀请码、海报与推荐人", Handler: h.myInvitePage},
		{Method: "GET", Path: "/me/invite/poster.png", Permission: "member", Summary: "我的海报(PNG)", Handler: h.myPoster("png")},
		{Method: "GET", Path: "/me/invite/poster.svg", Permission: "member", Summary: "我的海报(SVG)", Handler: h.myPoster("svg")},
		{Method: "POST", Path: "/me/invite/leave", Permission: "member", Summary: "解除我的推荐关系(表单)", Handler: h.leaveForm},
		{Method: "GET", Path: "/api/v1/invitation/:token", Permission: "public", Summary: "小程序邀请页(只看，不绑定)", Handler: web.Answer(h.apiInvitation)},
		{Method: "GET", Path: "/api/v1/referral", Permission: "member", Summary: "小程序我的推荐人、邀请码与人数", Handler: web.Answer(h.apiReferral)},
		{Method: "POST", Path: "/api/v1/referral/join", Permission: "member", Summary: "小程序加入", Handler: once(h.apiJoin)},
		{Method: "POST", Path: "/api/v1/referral/leave", Permission: "member", Summary: "小程序解除我的推荐关系", Handler: once(h.apiLeave)},
	}
}

// inviteView is the body of the page that a code leads to.
type inviteView struct {
	invite.Invitation
	Meaning   string
	State     string // free, joined, other, self, closed, refused, invalid
	Referrer  *invite.Referrer
	Refusal   string // why joining was refused
	Path      string
	FormToken string
	Logged    bool
	WeChat    bool
	Fresh     bool // he has just joined
	LoginURL  string
}

// refusals are what the page explains after a join that could not be; what can be read
// from the facts needs no entry.
var refusals = map[string]string{
	"referral_existing": "您已经是老顾客，不需要推荐人。验真、领奖和您的价格都不受影响。",
	"referral_ring":     "邀请您的人是由您带来的，不能再成为您的推荐人。其他一切不受影响。",
	"referral_depth":    "这个邀请暂时不能登记。其他一切不受影响。",
	"member_blocked":    "您的账号已停用，不能登记推荐人。如有疑问请联系客服。",
}

// errInvite: the page says it in its own words; nothing was asked of the database.
const errInvite = "referral_code_invalid"

// invitePage is GET /r/{token}. It binds nobody: link previews and crawlers fetch
// addresses too.
func (h *Handler) invitePage(c *gin.Context) {
	ctx := c.Request.Context()
	v, err := h.Invites.Read(ctx, c.Param("token"))
	if f := fault.Of(err); err != nil && f.Code == errInvite {
		h.Pages.Show(c, http.StatusNotFound, "referral.html", web.Frame{Title: "邀请无效", Seal: "邀请", Body: inviteView{State: "invalid"}})
		return
	}
	if err != nil {
		h.fail(c, err)
		return
	}
	b := web.BrowserOf(c.Request)
	s := h.Sessions.Of(c)
	memberID, err := h.Sessions.Who(ctx, s)
	if err != nil {
		h.fail(c, err)
		return
	}
	body := inviteView{Invitation: v, Meaning: invite.Meaning, State: invite.Free, Path: "/r/" + url.PathEscape(v.Token),
		FormToken: h.Sessions.FormToken(s), Logged: memberID != 0, WeChat: b.WeChat, Fresh: c.Query("joined") == "1"}
	body.LoginURL = "/wx/login?full=1&to=" + url.QueryEscape(body.Path)
	if memberID == 0 && b.WeChat && c.Query("wx") == "" && h.SilentLogin(c) {
		return
	}
	if memberID != 0 {
		h.Sessions.Device(c) // known before the tap, so that a tap twice is one device
		if body.State, body.Referrer, err = h.Invites.Stand(ctx, v, memberID); err != nil {
			h.fail(c, err)
			return
		}
	}
	switch body.Refusal = refusals[c.Query("why")]; {
	case body.State == invite.Free && !v.Open:
		body.State = "closed"
	case body.State == invite.Free && body.Refusal != "":
		body.State = "refused"
	}
	h.Pages.Show(c, http.StatusOK, "referral.html", web.Frame{Title: v.Inviter.Name + "邀请您加入", Brand: v.Brand.Name, Seal: "邀请", Phone: v.Brand.SupportPhone, Body: body})
}

// join binds who tapped.
func (h *Handler) join(c *gin.Context, s web.Session, token string) (referral.Binding, error) {
	network := web.ClientNetwork(c)
	if h.binds.Over(network) {
		return referral.Binding{}, errJoins
	}
	h.binds.Hit(network)
	channel := referral.H5
	if s.Channel == web.Mini {
		channel = referral.Mini
	}
	return h.Invites.Join(c.Request.Context(), token, invite.Contact{MemberID: s.Member, Channel: channel, IPHash: h.Sessions.Address(c), DeviceHash: h.Sessions.Device(c)})
}

// joinForm is POST /r/{token}/join. What cannot be is explained on the page that he came
// from, not as an error.
func (h *Handler) joinForm(c *gin.Context) {
	s, _, ok := h.posted(c)
	if !ok {
		return
	}
	token := c.Param("token")
	_, err := h.join(c, s, token)
	to := "/r/" + url.PathEscape(token)
	var f *fault.Fault
	switch {
	case err == nil:
		to += "?wx=done&joined=1"
	case errors.As(err, &f) && (f.Kind == fault.Conflict || f.Kind == fault.Invalid || f.Kind == fault.NotFound || f.Code == "member_blocked"):
		to += "?wx=done&why=" + url.QueryEscape(f.Code)
	default:
		h.fail(c, err)
		return
	}
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, to)
}

// apiInvitation is GET /api/v1/invitation/{token}.
func (h *Handler) apiInvitation(c *gin.Context) (any, error) {
	v, err := h.Invites.Read(c.Request.Context(), c.Param("token"))
	if err != nil {
		return nil, err
	}
	return gin.H{"token": v.Token, "inviter": v.Inviter, "open": v.Open, "brand": v.Brand.Name, "brand_id": v.Brand.ID, "meaning": invite.Meaning}, nil
}

// apiJoin is POST /api/v1/referral/join.
func (h *Handler) apiJoin(c *gin.Context) (any, error) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Token string `json:"token"`
	}
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	b, err := h.join(c, s, in.Token)
	if err != nil {
		return nil, err
	}
	own, err := h.Invites.Mine(c.Request.Context(), b.BrandID, s.Member)
	return gin.H{"brand_id": b.BrandID, "referrer": own.Referrer}, err
}
