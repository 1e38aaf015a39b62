package consumer

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/fault"
	"siyu/model/id"
)

const (
	sessionCookie = "siyu_s"
	sessionTTL    = 7 * 24 * time.Hour // silent login renews it without anybody noticing
	formTTL       = 12 * time.Hour
	channelH5     = "h5"
	channelMini   = "mini"
)

var (
	errLogin  = fault.New(fault.Unauthenticated, "login", "请先登录")
	errForm   = fault.New(fault.Forbidden, "form_expired", "页面已过期，请返回刷新后再试")
	errNoPage = fault.New(fault.NotFound, "not_found", "没有这个页面")
)

// session is who WeChat said is there. It is signed, not stored: a member's state is
// read anew on every request that matters.
type session struct {
	Member  id.ID  `json:"m"`
	AppID   string `json:"a"`
	OpenID  string `json:"o"`
	Channel string `json:"c"`
	Nonce   string `json:"n"` // ties form tokens to this session
}

func newSession(memberID id.ID, appID, openID, channel string) session {
	return session{memberID, appID, openID, channel, randomHex(8)}
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}

func (s session) text() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic("consumer: session does not marshal") // strings and a number do
	}
	return string(b)
}

// keySession is the session of a request once it has been read.
const keySession = "consumer.session"

// session is who the request comes from. Nil: nobody.
func (h *Handler) session(c *gin.Context) *session {
	if s, read := c.Get(keySession); read {
		return s.(*session)
	}
	s := h.readSession(c)
	c.Set(keySession, s)
	return s
}

// readSession reads the cookie, or the mini program's bearer token.
func (h *Handler) readSession(c *gin.Context) *session {
	text, ok := "", false
	if bearer, has := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer "); has {
		text, ok = h.Cookies.Signer.Open("bearer", bearer)
	} else if !strings.HasPrefix(c.Request.URL.Path, "/api/") {
		// The API takes no cookie, so no form of another site can use it.
		text, ok = h.Cookies.Get(c, sessionCookie)
	}
	var s session
	if !ok || json.Unmarshal([]byte(text), &s) != nil || s.Member == 0 {
		return nil
	}
	return &s
}

// must is session for routes that need one. Fault: Unauthenticated login.
func (h *Handler) must(c *gin.Context) (session, error) {
	s := h.session(c)
	if s == nil {
		return session{}, errLogin
	}
	return *s, nil
}

// present is must for a member who is still there: an erased member's cookie is nobody's.
// Scans and claims find that out by themselves. Fault: Unauthenticated login.
func (h *Handler) present(c *gin.Context) (session, error) {
	s, err := h.must(c)
	if err != nil {
		return session{}, err
	}
	memberID, err := h.who(c.Request.Context(), &s)
	if err == nil && memberID == 0 {
		err = errLogin
	}
	return s, err
}

// owner is whose idempotency keys they are.
func (h *Handler) owner(c *gin.Context) string {
	if s := h.session(c); s != nil {
		return "member:" + s.Member.String()
	}
	return "ip:" + h.Cookies.Signer.Digest("owner", web.ClientIP(c))
}

// formToken goes into every form; without a session it only proves that the page
// was ours and is not old.
func (h *Handler) formToken(s *session) string {
	nonce := "nobody"
	if s != nil {
		nonce = s.Nonce
	}
	return h.Cookies.Signer.Sign("form", nonce, formTTL)
}

// form reads a posted form after checking where it comes from. Faults: Forbidden
// form_expired, Invalid bad_utf8, body_too_large.
func (h *Handler) form(c *gin.Context, s *session) (func(string) string, error) {
	if !web.SameOrigin(c.Request, h.host, c.Request.Host) {
		return nil, errForm
	}
	get, err := web.Form(c)
	if err != nil {
		return nil, err
	}
	nonce, ok := h.Cookies.Signer.Open("form", get("form_token"))
	if !ok || s != nil && nonce != s.Nonce || s == nil && nonce != "nobody" {
		return nil, errForm
	}
	return get, nil
}

// browser is what the user agent tells. It decides what to offer, never what to grant.
type browser struct {
	wechat bool // WeChat's own browser
	phone  bool // not WeChat on a computer, which cannot confirm a transfer
}

func browserOf(r *http.Request) browser {
	ua := r.UserAgent()
	return browser{strings.Contains(ua, "MicroMessenger"), !strings.Contains(ua, "WindowsWechat") && !strings.Contains(ua, "MacWechat")}
}
