package consumer

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/brand"
	"siyu/model/fail"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/wechat"
)

const (
	stateTTL = 10 * time.Minute
	// unionWait bounds the extra question for a unionid; a login must not hang on it.
	unionWait = 1500 * time.Millisecond
)

// What the login's way back says in ?wx=. It only decides what a page offers.
const (
	wxDone     = "done"
	wxFailed   = "failed"
	wxSnapshot = "snapshot"
)

var (
	errNoOfficial = fault.New(fault.NotFound, "no_official_account", "该品牌还没有接入公众号")
	errStateGone  = fault.NewInvalid("login_expired", "登录已过期，请重新扫码打开页面")
	errBusyLogin  = fault.New(fault.Throttled, "too_many_logins", "登录过于频繁，请稍后再试").With("retry_after_s", 60)
)

// login is GET /wx/login?to=: the button behind "重新登录" and, with full=1, behind
// "使用完整服务". Only such a tap may ask for more than the silent login.
func (h *Handler) login(c *gin.Context) {
	to := web.LocalPath(c.Query("to"))
	a, err := h.accountFor(c, to)
	if err == nil {
		err = h.toWeChat(c, a, to, c.Query("full") == "1")
	}
	if err != nil {
		h.fail(c, err)
	}
}

// accountFor finds the official account that serves a path: of the code's brand, of
// the brand whose host this is, or of the first brand that has one.
func (h *Handler) accountFor(c *gin.Context, path string) (brand.Account, error) {
	ctx := c.Request.Context()
	if text, ok := codeText(path); ok {
		if found, err := h.Codes.Check(ctx, text); err == nil {
			return h.official(ctx, found.BrandID)
		}
	}
	if token, ok := strings.CutPrefix(path, "/g/"); ok {
		if l, err := h.Groups.ByToken(ctx, token); err == nil {
			return h.official(ctx, l.BrandID)
		}
	}
	if token, ok := strings.CutPrefix(path, "/r/"); ok {
		if code, err := h.Invites.Referrals.ByToken(ctx, token); err == nil {
			return h.official(ctx, code.BrandID)
		}
	}
	brands, err := h.Brands.List(ctx, 0, 100)
	if err != nil {
		return brand.Account{}, err
	}
	best := brand.Account{}
	for _, b := range brands { // newest first, so the oldest is what remains
		a, err := h.official(ctx, b.ID)
		if err != nil {
			continue
		}
		if strings.EqualFold(b.CodeHost, c.Request.Host) {
			return a, nil
		}
		best = a
	}
	if best.ID == 0 {
		return best, errNoOfficial
	}
	return best, nil
}

// codeText makes the text of a code of our own path.
func codeText(path string) (string, bool) {
	for _, p := range []string{"/q/", "/Q/", "/01/"} {
		if strings.HasPrefix(path, p) {
			return "https://h" + path, true
		}
	}
	return "", false
}

func (h *Handler) official(ctx context.Context, brandID id.ID) (brand.Account, error) {
	list, err := h.officials.Get(ctx, brandID)
	if err != nil {
		return brand.Account{}, err
	}
	if len(list) == 0 {
		return brand.Account{}, errNoOfficial
	}
	return list[0], nil
}

func (h *Handler) app(ctx context.Context, a brand.Account) (wechat.App, error) {
	sec, err := h.Brands.Secrets(ctx, a)
	return wechat.App{Kind: a.Kind, AppID: a.AppID, Secret: sec.AppSecret, Token: sec.Token, AESKey: sec.AESKey, Secure: a.Settings.Secure}, err
}

// toWeChat sends the browser to WeChat's login page. WeChat's state holds letters and
// digits only, so it is a random number; where to go afterwards is in a cookie of the
// same browser, one per state, so that two tabs do not disturb each other.
func (h *Handler) toWeChat(c *gin.Context, a brand.Account, to string, full bool) error {
	app, err := h.app(c.Request.Context(), a)
	if err != nil {
		return err
	}
	base := h.PublicURL
	// The session must live on the host that was scanned. The Host header is the
	// client's, so it counts only when it is a host we print on bottles.
	if b, err := h.Brands.Get(c.Request.Context(), a.BrandID); err == nil && strings.EqualFold(b.CodeHost, c.Request.Host) {
		scheme, _, _ := strings.Cut(h.PublicURL, "://")
		base = scheme + "://" + b.CodeHost
	}
	state := web.RandomHex(16)
	h.Sessions.Cookies.Set(c, stateCookie(state), state+"|"+a.CallbackSlug+"|"+to, stateTTL)
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusFound, h.WeChat.AuthorizeURL(app, base+"/wx/oauth/"+a.CallbackSlug, state, full))
	return nil
}

func stateCookie(state string) string { return "siyu_wx_" + state[:8] }

// takeState returns where the login began, once.
func (h *Handler) takeState(c *gin.Context) (to string, ok bool) {
	state := c.Query("state")
	if len(state) != 32 {
		return "", false
	}
	text, ok := h.Sessions.Cookies.Get(c, stateCookie(state))
	if !ok {
		return "", false
	}
	h.Sessions.Cookies.Clear(c, stateCookie(state))
	parts := strings.SplitN(text, "|", 3)
	if len(parts) != 3 || parts[0] != state || parts[1] != c.Param("slug") {
		return "", false
	}
	return web.LocalPath(parts[2]), true
}

// oauth is where WeChat sends the browser back to.
func (h *Handler) oauth(c *gin.Context) {
	to, ok := h.takeState(c)
	if !ok {
		h.fail(c, errStateGone)
		return
	}
	mark := wxDone
	s, snapshot, err := h.enter(c.Request.Context(), c.Param("slug"), c.Query("code"))
	switch {
	case err != nil:
		web.Note(c, err)
		mark = wxFailed
	case snapshot:
		mark = wxSnapshot
	default:
		h.Sessions.Write(c, s)
	}
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusFound, to+"?wx="+mark)
}

// enter makes a session from WeChat's one-time code. A snapshot user has a made-up
// openid: no person, no member, no session.
func (h *Handler) enter(ctx context.Context, slug, code string) (s web.Session, snapshot bool, err error) {
	a, err := h.Brands.AccountBySlug(ctx, slug)
	if err != nil {
		return s, false, err
	}
	if a.Kind != brand.Official {
		return s, false, errNoOfficial
	}
	app, err := h.app(ctx, a)
	if err != nil {
		return s, false, err
	}
	fail.Point("login.before")
	l, err := h.WeChat.OAuthLogin(ctx, app, code)
	fail.Point("login.after")
	if err != nil {
		return s, false, fault.New(fault.Unavailable, "wechat_login", "微信登录没有完成，请重试").Because(err)
	}
	if l.Snapshot {
		return s, true, nil
	}
	if l.UnionID == "" {
		// Silent login withholds the unionid that joins this person to the mini
		// program's. Without it the login is as good; a later one may bring it.
		short, cancel := context.WithTimeout(ctx, unionWait)
		if f, err := h.WeChat.Follower(short, app, l.OpenID); err == nil {
			l.UnionID = f.UnionID
		}
		cancel()
	}
	s, err = h.sessionFor(ctx, a, l, web.H5)
	return s, false, err
}

func (h *Handler) sessionFor(ctx context.Context, a brand.Account, l wechat.Login, channel string) (web.Session, error) {
	person, err := h.Identities.Resolve(ctx, identity.Login{AppID: a.AppID, OpenID: l.OpenID, UnionID: l.UnionID})
	if err != nil {
		return web.Session{}, err
	}
	m, err := h.Members.Of(ctx, person)
	if err != nil {
		return web.Session{}, err
	}
	if h.LoggedIn != nil {
		if err := h.LoggedIn(ctx, a, m.ID, channel); err != nil {
			return web.Session{}, err
		}
	}
	return web.NewSession(m.ID, a.AppID, l.OpenID, channel), nil
}

// apiLogin is POST /api/v1/login {"app_id","code"}: wx.login's code for a bearer token.
func (h *Handler) apiLogin(c *gin.Context) (any, error) {
	var in struct {
		AppID string `json:"app_id"`
		Code  string `json:"code"`
	}
	if err := web.BindLoose(c, &in); err != nil {
		return nil, err
	}
	if h.logins.Over(web.ClientNetwork(c)) {
		return nil, errBusyLogin
	}
	h.logins.Hit(web.ClientNetwork(c))
	ctx := c.Request.Context()
	a, err := h.Brands.AccountByApp(ctx, brand.Mini, in.AppID)
	if err != nil {
		return nil, err
	}
	app, err := h.app(ctx, a)
	if err != nil {
		return nil, err
	}
	l, err := h.WeChat.MiniLogin(ctx, app, in.Code)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "wechat_login", "微信登录没有完成，请重试").Because(err)
	}
	s, err := h.sessionFor(ctx, a, l, web.Mini)
	if err != nil {
		return nil, err
	}
	return gin.H{"token": h.Sessions.Bearer(s), "expires_in_s": int(web.SessionTTL / time.Second)}, nil
}

// jsConfig is GET /wx/jsconfig?url=: the signature for a page of ours.
func (h *Handler) jsConfig(c *gin.Context) (any, error) {
	s, err := h.Sessions.Must(c)
	if err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	a, err := h.Brands.AccountByApp(ctx, brand.Official, s.AppID)
	if err != nil {
		return nil, err
	}
	b, err := h.Brands.Get(ctx, a.BrandID)
	if err != nil {
		return nil, err
	}
	page := c.Query("url")
	u, err := url.Parse(page)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || !strings.EqualFold(u.Host, h.Sessions.Host) && !strings.EqualFold(u.Host, b.CodeHost) {
		return nil, fault.NewInvalid("foreign_url", "只能为本站页面签名")
	}
	app, err := h.app(ctx, a)
	if err != nil {
		return nil, err
	}
	conf, err := h.WeChat.JSConfig(ctx, app, page)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "wechat", "微信接口暂时不可用").Because(err)
	}
	return conf, nil
}
