package web

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"siyu/model/clock"
	"siyu/model/fault"
)

const (
	keyIP   = "web.ip"
	keyBody = "web.raw_body"
)

// identify finds the client's address and gives the request its id.
func identify(trusted []netip.Prefix) gin.HandlerFunc {
	return func(c *gin.Context) {
		ip, proxied := clientIP(c.Request, trusted)
		c.Set(keyIP, ip)
		rid := c.GetHeader("X-Request-ID")
		if !proxied || !goodRequestID(rid) {
			var b [12]byte
			rand.Read(b[:])
			rid = hex.EncodeToString(b[:])
		}
		c.Set(keyID, rid)
		c.Header("X-Request-ID", rid)
	}
}

// ClientIP is the address of the client as text, "" when it is unknown.
func ClientIP(c *gin.Context) string { return c.GetString(keyIP) }

// ClientNetwork is what a throttle counts: the client's address, of IPv6 its /64. One
// customer owns all of that, so whole addresses would limit nobody.
func ClientNetwork(c *gin.Context) string {
	ip := ClientIP(c)
	a, err := netip.ParseAddr(ip)
	if err != nil || !a.Is6() {
		return ip
	}
	return netip.PrefixFrom(a, 64).Masked().String()
}

// clientIP walks X-Forwarded-For from the right, over all header lines, and takes
// the first address that no trusted proxy owns: everything left of it is only what
// the client claims.
func clientIP(r *http.Request, trusted []netip.Prefix) (ip string, proxied bool) {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return "", false
	}
	peer := ap.Addr().Unmap().WithZone("")
	within := func(a netip.Addr) bool {
		for _, p := range trusted {
			if p.Contains(a) {
				return true
			}
		}
		return false
	}
	if !within(peer) {
		return peer.String(), false
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	last := peer
	for i := len(hops) - 1; i >= 0; i-- {
		a, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		last = a.Unmap().WithZone("")
		if !within(last) {
			break
		}
	}
	return last.String(), true
}

func goodRequestID(s string) bool {
	if len(s) < 8 || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// accessLog writes one line per request: the pattern, never the path, because
// paths and queries carry tokens and login codes.
func accessLog(log *slog.Logger, clk clock.Clock) gin.HandlerFunc {
	return func(c *gin.Context) {
		from := clk.Now()
		c.Next()
		attrs := []slog.Attr{
			slog.String("method", c.Request.Method), slog.String("route", pattern(c)),
			slog.Int("status", c.Writer.Status()), slog.Int64("took_ms", clk.Now().Sub(from).Milliseconds()),
			slog.Int("bytes", max(c.Writer.Size(), 0)), slog.String("ip", ClientIP(c)), slog.String("request_id", RequestID(c)),
		}
		level := slog.LevelInfo
		if v, ok := c.Get(keyFault); ok {
			err := v.(error)
			attrs = append(attrs, slog.String("fault", fault.Of(err).Code))
			if k := fault.KindOf(err); !left(c, err) && (k == fault.Internal || k == fault.Unavailable) {
				level = slog.LevelError
				attrs = append(attrs, slog.String("error", err.Error()))
			}
		}
		log.LogAttrs(c.Request.Context(), level, "http", attrs...)
	}
}

func pattern(c *gin.Context) string {
	if p := c.FullPath(); p != "" {
		return p
	}
	return "(none)"
}

// recoverPanic turns a panic into an Internal fault. The stack is part of the cause.
func recoverPanic() gin.HandlerFunc {
	return func(c *gin.Context) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler { // net/http's own way to cut a connection
				panic(v)
			}
			err := fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			if c.Writer.Written() {
				Note(c, err)
				c.Abort()
				return
			}
			Fail(c, err)
		}()
		c.Next()
	}
}

// headers are safe for JSON; pages set their own Content-Security-Policy.
func headers(https bool) gin.HandlerFunc {
	return func(c *gin.Context) {
		h := c.Writer.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		// same-origin, not no-referrer: the latter turns the Origin of our own form
		// posts into "null" (Fetch standard, "serializing a request origin").
		h.Set("Referrer-Policy", "same-origin")
		if https {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
	}
}

func limitBody(n int64) gin.HandlerFunc {
	return func(c *gin.Context) {
		if c.Request.Body == nil {
			return
		}
		if _, again := c.Get(keyBody); !again {
			c.Set(keyBody, c.Request.Body)
		}
		raw, _ := c.Get(keyBody)
		c.Request.Body = http.MaxBytesReader(c.Writer, raw.(io.ReadCloser), n)
	}
}

// LimitBody is a handler that replaces the default limit for one route.
func LimitBody(n int64) gin.HandlerFunc { return limitBody(n) }

func checkPath() gin.HandlerFunc {
	return func(c *gin.Context) {
		if p := c.Request.URL.Path; len(p) > 1024 || !utf8.ValidString(p) || strings.ContainsRune(p, 0) {
			Fail(c, fault.NewInvalid("bad_path", "地址格式不对"))
		}
	}
}
