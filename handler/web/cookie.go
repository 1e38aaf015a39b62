package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"siyu/model/clock"
)

// Signer makes texts that come back unchanged or not at all. They are readable by
// who holds them: no secrets inside.
type Signer struct {
	key []byte
	clk clock.Clock
}

// NewSigner takes a 32-byte key (seal.Box.Derive) and the clock that decides expiry.
func NewSigner(key []byte, clk clock.Clock) *Signer { return &Signer{key, clk} }

const maxSigned = 4096

// Sign binds payload to a purpose until ttl is over.
// Layout: base64url(payload) "." expiry in ms, base 36 "." base64url(HMAC-SHA256).
func (s *Signer) Sign(purpose, payload string, ttl time.Duration) string {
	body := base64.RawURLEncoding.EncodeToString([]byte(payload)) + "." +
		strconv.FormatInt(int64(s.clk.Now().Add(ttl)), 36)
	return body + "." + base64.RawURLEncoding.EncodeToString(s.mac(purpose, body))
}

// Open returns the payload if the text was signed for the purpose and is not
// expired.
func (s *Signer) Open(purpose, text string) (string, bool) {
	if len(text) > maxSigned {
		return "", false
	}
	i := strings.LastIndexByte(text, '.')
	if i < 0 {
		return "", false
	}
	mac, err := base64.RawURLEncoding.Strict().DecodeString(text[i+1:])
	if err != nil || !hmac.Equal(mac, s.mac(purpose, text[:i])) {
		return "", false
	}
	// From here on the text is our own, so its shape needs no distrust.
	payload, expiry, _ := strings.Cut(text[:i], ".")
	until, err := strconv.ParseInt(expiry, 36, 64)
	if err != nil || s.clk.Now() >= clock.Instant(until) {
		return "", false
	}
	b, err := base64.RawURLEncoding.DecodeString(payload)
	return string(b), err == nil
}

// Digest is a keyed hash of 24 hex digits: the same text gives the same digest, and
// nobody without the key can try out texts.
func (s *Signer) Digest(purpose, text string) string {
	return hex.EncodeToString(s.mac("digest:"+purpose, text)[:12])
}

func (s *Signer) mac(purpose, body string) []byte {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(purpose))
	h.Write([]byte{0}) // no purpose holds a zero byte, so two pairs never meet
	h.Write([]byte(body))
	return h.Sum(nil)
}

// Cookies are signed, HttpOnly, SameSite=Lax and host-only. With Secure they carry
// the __Host- prefix, so neither a sub-domain nor plain http can set them.
type Cookies struct {
	Signer *Signer
	Secure bool // the public address is https
}

func (k Cookies) name(name string) string {
	if k.Secure {
		return "__Host-" + name
	}
	return name
}

// Set signs and sends a value.
func (k Cookies) Set(c *gin.Context, name, value string, ttl time.Duration) {
	k.put(c, name, k.Signer.Sign("cookie:"+name, value, ttl), int(ttl/time.Second))
}

// Get returns a value that Set sent and that is still valid.
func (k Cookies) Get(c *gin.Context, name string) (string, bool) {
	ck, err := c.Request.Cookie(k.name(name))
	if err != nil {
		return "", false
	}
	return k.Signer.Open("cookie:"+name, ck.Value)
}

// Clear makes the browser forget.
func (k Cookies) Clear(c *gin.Context, name string) { k.put(c, name, "", -1) }

func (k Cookies) put(c *gin.Context, name, value string, maxAge int) {
	http.SetCookie(c.Writer, &http.Cookie{Name: k.name(name), Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: k.Secure, SameSite: http.SameSiteLaxMode})
}

// SameOrigin says whether a state-changing request comes from one of our own
// pages: its Origin must be one of the allowed hosts. Requests without Origin come
// from old WebViews; the form token guards those.
func SameOrigin(r *http.Request, hosts ...string) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		return false
	}
	o := r.Header.Get("Origin")
	if o == "" {
		return true
	}
	_, host, ok := strings.Cut(o, "://")
	if !ok {
		return false // "null"
	}
	for _, h := range hosts {
		if h != "" && strings.EqualFold(host, h) {
			return true
		}
	}
	return false
}
