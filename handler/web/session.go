package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/member"
)

const (
	sessionCookie = "siyu_s"
	formTTL       = 12 * time.Hour

	// SessionTTL is how long a login lasts. The silent login renews it without anybody
	// noticing.
	SessionTTL = 7 * 24 * time.Hour
)

// Where a session comes from.
const (
	H5   = "h5"
	Mini = "mini"
)

// What people's audiences answer alike.
var (
	ErrLogin  = fault.New(fault.Unauthenticated, "login", "请先登录")
	ErrForm   = fault.New(fault.Forbidden, "form_expired", "页面已过期，请返回刷新后再试")
	ErrNoPage = fault.New(fault.NotFound, "not_found", "没有这个页面")
)

// Session is who WeChat said is there. It is signed, not stored: a member's state is
// read anew on every request that matters.
type Session struct {
	Member  id.ID  `json:"m"`
	AppID   string `json:"a"`
	OpenID  string `json:"o"`
	Channel string `json:"c"`
	Nonce   string `json:"n"` // ties form tokens to this session
}

// NewSession begins one. channel is H5 or Mini.
func NewSession(memberID id.ID, appID, openID, channel string) Session {
	return Session{memberID, appID, openID, channel, RandomHex(8)}
}

// RandomHex is n random bytes as hex digits.
func RandomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}

func (s Session) text() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic("web: session does not marshal") // strings and a number do
	}
	return string(b)
}

// Sessions are of people (consumers, leaders): a cookie in WeChat's browser, a bearer
// token in the mini program.
type Sessions struct {
	Cookies Cookies
	Members *member.Store
	Host    string // of the public address
}

// keySession is the session of a request once it has been read.
const keySession = "web.session"

// Of is who the request comes from. Nil: nobody.
func (k *Sessions) Of(c *gin.Context) *Session {
	if s, read := c.Get(keySession); read {
		return s.(*Session)
	}
	s := k.read(c)
	c.Set(keySession, s)
	return s
}

// read takes the cookie, or the mini program's bearer token.
func (k *Sessions) read(c *gin.Context) *Session {
	text, ok := "", false
	if bearer, has := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer "); has {
		text, ok = k.Cookies.Signer.Open("bearer", bearer)
	} else if !strings.HasPrefix(c.Request.URL.Path, "/api/") {
		// The API takes no cookie, so no form of another site can use it.
		text, ok = k.Cookies.Get(c, sessionCookie)
	}
	var s Session
	if !ok || json.Unmarshal([]byte(text), &s) != nil || s.Member == 0 {
		return nil
	}
	return &s
}

// Write logs the browser in.
func (k *Sessions) Write(c *gin.Context, s Session) {
	k.Cookies.Set(c, sessionCookie, s.text(), SessionTTL)
}

// Bearer is the session as the mini program's token.
func (k *Sessions) Bearer(s Session) string {
	return k.Cookies.Signer.Sign("bearer", s.text(), SessionTTL)
}

// Must is Of for routes that need somebody. Fault: Unauthenticated login.
func (k *Sessions) Must(c *gin.Context) (Session, error) {
	s := k.Of(c)
	if s == nil {
		return Session{}, ErrLogin
	}
	return *s, nil
}

// Present is Must for a member who is still there: an erased member's cookie is nobody's.
// Scans and claims find that out by themselves. Fault: Unauthenticated login.
func (k *Sessions) Present(c *gin.Context) (Session, error) {
	s, err := k.Must(c)
	if err != nil {
		return Session{}, err
	}
	memberID, err := k.Who(c.Request.Context(), &s)
	if err == nil && memberID == 0 {
		err = ErrLogin
	}
	return s, err
}

// Who reads the session's member. A member that is gone is nobody.
func (k *Sessions) Who(ctx context.Context, s *Session) (id.ID, error) {
	if s == nil {
		return 0, nil
	}
	m, err := k.Members.Get(ctx, s.Member)
	if err != nil && fault.KindOf(err) == fault.NotFound || m.State == member.Erased {
		return 0, nil
	}
	return m.ID, err
}

// Owner is whose idempotency keys they are.
func (k *Sessions) Owner(c *gin.Context) string {
	if s := k.Of(c); s != nil {
		return "member:" + s.Member.String()
	}
	return "ip:" + k.Cookies.Signer.Digest("owner", ClientIP(c))
}

// FormToken goes into every form; without a session it only proves that the page was
// ours and is not old.
func (k *Sessions) FormToken(s *Session) string {
	nonce := "nobody"
	if s != nil {
		nonce = s.Nonce
	}
	return k.Cookies.Signer.Sign("form", nonce, formTTL)
}

// Form reads a posted form after checking where it comes from. Faults: Forbidden
// form_expired, Invalid bad_utf8, body_too_large.
func (k *Sessions) Form(c *gin.Context, s *Session) (func(string) string, error) {
	if !SameOrigin(c.Request, k.Host, c.Request.Host) {
		return nil, ErrForm
	}
	get, err := Form(c)
	if err != nil {
		return nil, err
	}
	nonce, ok := k.Cookies.Signer.Open("form", get("form_token"))
	if !ok || s != nil && nonce != s.Nonce || s == nil && nonce != "nobody" {
		return nil, ErrForm
	}
	return get, nil
}

// Browser is what the user agent tells. It decides what to offer, never what to grant.
type Browser struct {
	WeChat bool // WeChat's own browser
	Phone  bool // not WeChat on a computer, which cannot confirm a transfer
}

// BrowserOf reads the user agent.
func BrowserOf(r *http.Request) Browser {
	ua := r.UserAgent()
	return Browser{strings.Contains(ua, "MicroMessenger"), !strings.Contains(ua, "WindowsWechat") && !strings.Contains(ua, "MacWechat")}
}
