package wechat

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestNewRefusesHostsThatWouldSurprise(t *testing.T) {
	for _, bad := range []string{"", "api.weixin.qq.com", "https://api.weixin.qq.com/", "ftp://x", "https://u:p@x", "https://x?a=1", "https://", "::"} {
		h := DefaultHosts()
		h.Pay = bad
		if _, err := New(Options{Hosts: h}); err == nil || !strings.Contains(err.Error(), "Pay") {
			t.Errorf("host %q: err %v, want one that names Pay", bad, err)
		}
	}
	if _, err := New(Options{}); err != nil {
		t.Errorf("defaults: %v", err)
	}
}

func TestClientLeavesNoConfiguredHost(t *testing.T) {
	var hits atomic.Int32
	foreign := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer foreign.Close()
	c, _ := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, foreign.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))

	t.Run("a_foreign_address_is_refused", func(t *testing.T) {
		_, err := c.http.Get(foreign.URL + "/cgi-bin/token")
		if !errors.Is(err, errHost) {
			t.Errorf("err %v, want errHost", err)
		}
	})
	t.Run("an_address_that_only_begins_alike_is_refused", func(t *testing.T) {
		for _, u := range []string{
			c.hosts.API + ".evil.example/x",
			strings.Replace(c.hosts.API, "http://", "http://user@", 1) + "/x",
			strings.TrimSuffix(c.hosts.API, "/api.weixin.qq.com") + "/elsewhere",
		} {
			if _, err := c.http.Get(u); !errors.Is(err, errHost) {
				t.Errorf("%s: err %v, want errHost", u, err)
			}
		}
	})
	t.Run("a_redirect_is_not_followed", func(t *testing.T) {
		if _, err := c.OAuthLogin(context.Background(), official, "code"); err == nil {
			t.Error("a redirect passed for an answer")
		}
	})
	t.Run("not_even_to_the_same_host", func(t *testing.T) {
		c, _ := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api.weixin.qq.com/elsewhere" {
				w.Write([]byte(`{"openid":"oSomebody"}`))
				return
			}
			http.Redirect(w, r, "/api.weixin.qq.com/elsewhere", http.StatusFound)
		}))
		if l, err := c.OAuthLogin(context.Background(), official, "code"); err == nil {
			t.Errorf("logged in as %s", l.OpenID)
		}
	})
	t.Run("pay_v3_goes_to_the_configured_host_only", func(t *testing.T) {
		a := c.Query(context.Background(), transferMerchant(t), PayOrder{BillNo: "B1", OpenID: openID, AmountFen: 100})
		if a.State != PayUnknown {
			t.Errorf("state %s, want unknown after a redirect", a.State)
		}
	})
	if hits.Load() != 0 {
		t.Errorf("%d calls reached a foreign server", hits.Load())
	}
}

func TestAnAnswerWithAnotherStatusIsNotWeChats(t *testing.T) {
	c, _ := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		w.Write([]byte(`{"openid":"oSomebody"}`))
	}))
	if l, err := c.OAuthLogin(context.Background(), official, "code"); err == nil {
		t.Errorf("logged in as %s", l.OpenID)
	}
}

func TestPayV3SignsNothingForAnotherHost(t *testing.T) {
	c, err := New(Options{Hosts: hostsAt("http://127.0.0.1:1")})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := c.conn(transferMerchant(t))
	if err != nil {
		t.Fatal(err)
	}
	// The library knows a second, backup host; only the one it was told is ours.
	if _, err := conn.v3.Get(context.Background(), "https://api2.mch.weixin.qq.com/v3/certificates"); !errors.Is(err, errHost) {
		t.Errorf("err %v, want errHost", err)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	huge := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`{"access_token":"`))
		chunk := []byte(strings.Repeat("x", 64<<10))
		for range 160 { // 10 MB
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	c, _ := newTestClient(t, huge)
	if _, err := c.accessToken(context.Background(), official); !errors.Is(err, errAnswerTooLarge) {
		t.Errorf("json: err %v, want errAnswerTooLarge", err)
	}
	for _, m := range []Merchant{transferMerchant(t), redpackMerchant} {
		a := c.Send(context.Background(), m, orderFor(m))
		if a.State != PayUnknown || !errors.Is(a.Err, errAnswerTooLarge) {
			t.Errorf("%s: %+v, want unknown because of size", m.Rail, a)
		}
	}
}

func TestBoundedBodyPassesExactlyTheLimit(t *testing.T) {
	for _, n := range []int{maxAnswer - 1, maxAnswer, maxAnswer + 1} {
		c, _ := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Write([]byte(`{"errcode":0}` + strings.Repeat(" ", n-13)))
		}))
		err := c.get(context.Background(), "/x", nil, nil)
		if (err != nil) != (n > maxAnswer) {
			t.Errorf("%d bytes: err %v", n, err)
		}
	}
}

func TestASlowServerEndsInATimeout(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer srv.Close()
	defer close(release)
	c, err := New(Options{Hosts: hostsAt(srv.URL), Timeout: 20 * time.Millisecond, PayTimeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SendText(context.Background(), official, openID, "a"); err == nil {
		t.Error("no error from a server that never answers")
	}
	for _, m := range []Merchant{transferMerchant(t), redpackMerchant} {
		if a := c.Send(context.Background(), m, orderFor(m)); a.State != PayUnknown || a.Err == nil {
			t.Errorf("%s: %+v, want unknown", m.Rail, a)
		}
	}
}

func TestPicturesOfWeComComeFromItsOwnHosts(t *testing.T) {
	for _, c := range []struct {
		qyAPI, address string
		ok             bool
	}{
		{"https://qyapi.weixin.qq.com", "https://wework.qpic.cn/wwpic/1/0", true},
		{"https://qyapi.weixin.qq.com", "https://p.qpic.cn/wwhead/1/0", true},
		{"https://qyapi.weixin.qq.com", "http://p.qpic.cn/wwhead/1/0", false},
		{"https://qyapi.weixin.qq.com", "https://qpic.cn.evil.example/1", false},
		{"https://qyapi.weixin.qq.com", "https://evilqpic.cn/1", false},
		{"https://qyapi.weixin.qq.com", "https://a@p.qpic.cn/1", false},
		{"https://qyapi.weixin.qq.com", "https://p.qpic.cn:8443/1", false},
		{"https://qyapi.weixin.qq.com", "http://169.254.169.254/latest", false},
		{"http://127.0.0.1:9/qyapi.weixin.qq.com", "http://127.0.0.1:9/wework.qpic.cn/wwpic/1", true},
		{"http://127.0.0.1:9/qyapi.weixin.qq.com", "http://127.0.0.1:9/wework.qpic.cn/../sim/api", false},
		{"http://127.0.0.1:9/qyapi.weixin.qq.com", "http://127.0.0.1:10/wework.qpic.cn/wwpic/1", false},
		{"http://127.0.0.1:9/qyapi.weixin.qq.com", "https://wework.qpic.cn/wwpic/1/0", false}, // no byte to Tencent from a simulation
	} {
		h := DefaultHosts()
		h.QyAPI = c.qyAPI
		g, err := newGuard(h)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, c.address, nil)
		if g.allows(r.URL) != c.ok {
			t.Errorf("%s at %s: %v", c.address, c.qyAPI, !c.ok)
		}
	}
}
