package web

import (
	"encoding/json"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

// FuzzBind: a body is bound or refused as the caller's mistake, and an answer that
// speaks of it is JSON.
func FuzzBind(f *testing.F) {
	for _, s := range []string{`{"id":"7","at":"2026-11-20T18:02:00+08:00","fen":5,"list":[{"id":"8"}]}`, `{"ID":"7"}`, `{"id":7}`, `null`, `[]`, `{`, ``,
		`{"fen":1e400}`, `{"at":"x"}`, `{"x":1}`, "{\"\xff\":1}", `{"id":"\ud800"}`, strings.Repeat("[", 20000), `{"fen":5}{}`} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, body []byte, strict bool) {
		var in struct {
			ID   id.ID                `json:"id"`
			At   clock.Instant        `json:"at"`
			Fen  *money.Fen           `json:"fen"`
			List []struct{ ID id.ID } `json:"list"`
		}
		w := httptest.NewRecorder()
		c, _ := gin.CreateTestContext(w)
		c.Request = httptest.NewRequest("POST", "/", strings.NewReader(string(body)))
		err := bind(c, &in, strict)
		if err == nil {
			return
		}
		if fault.KindOf(err) != fault.Invalid {
			t.Fatalf("%q: %v", body, err)
		}
		Fail(c, err)
		if !json.Valid(w.Body.Bytes()) || w.Code != 400 {
			t.Fatalf("%q: %d %s", body, w.Code, w.Body)
		}
	})
}

// FuzzClientIP: an address is an address, whatever a header says, and never the words of
// a client whom no proxy vouches for.
func FuzzClientIP(f *testing.F) {
	for _, s := range []string{"1.1.1.1", "6.6.6.6, 1.1.1.1, 10.2.2.2", ",,,", "fe80::1%eth0", "[::1]:80", "1.1.1.1:80", "\x00", "::ffff:10.0.0.1"} {
		f.Add(s, "10.1.1.1:9")
		f.Add(s, "203.0.113.9:9")
	}
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, forwarded, peer string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = peer
		r.Header["X-Forwarded-For"] = []string{forwarded}
		ip, proxied := clientIP(r, trusted)
		if ip == "" {
			return
		}
		a, err := netip.ParseAddr(ip)
		if err != nil || a.Zone() != "" {
			t.Fatalf("%q from %q is %q", forwarded, peer, ip)
		}
		if own, err := netip.ParseAddrPort(peer); err == nil && !trusted[0].Contains(own.Addr().Unmap()) && (proxied || a != own.Addr().Unmap().WithZone("")) {
			t.Fatalf("%q from %q is %q", forwarded, peer, ip)
		}
	})
}
