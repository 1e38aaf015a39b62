package wechat

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestJSSignatureMatchesWeChatsExample(t *testing.T) {
	// The example of WeChat's JS-SDK document, appendix 1.
	got := jsSignature("sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg",
		"Wm3WZYTPz0wzccnW", 1414587457, "http://mp.weixin.qq.com?params=value#part")
	if want := "0f9de62fce790f9a083d5c99e95740ceb90c27ed"; got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

func TestAuthorizeURL(t *testing.T) {
	c, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := c.AuthorizeURL(official, "https://h5.example.com/a?b=1&c=2", "abc123", false)
	want := "https://open.weixin.qq.com/connect/oauth2/authorize?appid=" + official.AppID +
		"&redirect_uri=https%3A%2F%2Fh5.example.com%2Fa%3Fb%3D1%26c%3D2&response_type=code&scope=snsapi_base&state=abc123#wechat_redirect"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if u := c.AuthorizeURL(official, "https://x", "a&scope=evil", true); strings.Contains(u, "evil") || !strings.Contains(u, "snsapi_userinfo") {
		t.Errorf("a state with other characters must not reach the address: %s", u)
	}
}

// answers serves fixed texts by path and remembers the last query and body.
type answers struct {
	byPath map[string]string
	query  url.Values
	body   map[string]any
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/api.weixin.qq.com")
	if path == "/cgi-bin/stable_token" {
		w.Write([]byte(`{"access_token":"tok-1","expires_in":7200}`))
		return
	}
	a.query, a.body = r.URL.Query(), nil
	json.NewDecoder(r.Body).Decode(&a.body)
	text, ok := a.byPath[path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Write([]byte(text))
}

func TestLogin(t *testing.T) {
	ctx := context.Background()
	srv := &answers{byPath: map[string]string{}}
	c, _ := newTestClient(t, srv)

	t.Run("oauth_tells_openid_and_snapshot", func(t *testing.T) {
		srv.byPath["/sns/oauth2/access_token"] = `{"access_token":"u","expires_in":7200,"openid":"` + openID + `","scope":"snsapi_base","is_snapshotuser":1}`
		got, err := c.OAuthLogin(ctx, official, "0a1B_c-")
		if want := (Login{OpenID: openID, Snapshot: true}); err != nil || got != want {
			t.Errorf("%+v %v, want %+v", got, err, want)
		}
		if srv.query.Get("code") != "0a1B_c-" || srv.query.Get("secret") != official.Secret || srv.query.Get("grant_type") != "authorization_code" {
			t.Errorf("query %v", srv.query)
		}
	})
	t.Run("mini_program_login_gives_session_key_and_unionid", func(t *testing.T) {
		srv.byPath["/sns/jscode2session"] = `{"openid":"` + openID + `","session_key":"a2V5","unionid":"u1"}`
		got, err := c.MiniLogin(ctx, mini, "abc")
		if want := (Login{OpenID: openID, UnionID: "u1", SessionKey: "a2V5"}); err != nil || got != want {
			t.Errorf("%+v %v, want %+v", got, err, want)
		}
		if srv.query.Get("js_code") != "abc" {
			t.Errorf("query %v", srv.query)
		}
	})
	t.Run("a_used_code_is_told_apart", func(t *testing.T) {
		srv.byPath["/sns/oauth2/access_token"] = `{"errcode":40163,"errmsg":"code been used, rid: 1"}`
		if _, err := c.OAuthLogin(ctx, official, "abc"); !IsBadLogin(err) || ErrCode(err) != CodeUsedLoginCode {
			t.Errorf("err %v", err)
		}
	})
	t.Run("a_code_that_could_inject_a_parameter_is_never_sent", func(t *testing.T) {
		for _, code := range []string{"", "a&appid=x", "a b", "a%26", "码", strings.Repeat("a", 129), "a\n"} {
			srv.query = nil
			if _, err := c.OAuthLogin(ctx, official, code); !IsBadLogin(err) || srv.query != nil {
				t.Errorf("oauth %q: err %v, query %v", code, err, srv.query)
			}
			if _, err := c.MiniLogin(ctx, mini, code); !IsBadLogin(err) || srv.query != nil {
				t.Errorf("mini %q: err %v, query %v", code, err, srv.query)
			}
		}
	})
	t.Run("an_answer_without_openid_is_an_error", func(t *testing.T) {
		srv.byPath["/sns/oauth2/access_token"], srv.byPath["/sns/jscode2session"] = `{}`, `{}`
		if l, err := c.OAuthLogin(ctx, official, "abc"); err == nil {
			t.Errorf("oauth: %+v", l)
		}
		if l, err := c.MiniLogin(ctx, mini, "abc"); err == nil {
			t.Errorf("mini: %+v", l)
		}
	})
	t.Run("a_follower_is_known_by_scene", func(t *testing.T) {
		srv.byPath["/cgi-bin/user/info"] = `{"subscribe":1,"openid":"` + openID + `","unionid":"u1","subscribe_time":4102444800,"qr_scene_str":"shop7"}`
		got, err := c.Follower(ctx, official, openID)
		if want := (Follower{OpenID: openID, UnionID: "u1", Subscribed: true, Scene: "shop7"}); err != nil || got != want {
			t.Errorf("%+v %v, want %+v", got, err, want)
		}
	})
}

func TestJSConfig(t *testing.T) {
	tickets := 0
	srv := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api.weixin.qq.com/cgi-bin/stable_token":
			w.Write([]byte(`{"access_token":"tok-1","expires_in":7200}`))
		case "/api.weixin.qq.com/cgi-bin/ticket/getticket":
			tickets++
			fmt.Fprintf(w, `{"errcode":0,"errmsg":"ok","ticket":"ticket-%d","expires_in":7200}`, tickets)
		}
	})
	c, clock := newTestClient(t, srv)
	first, err := c.JSConfig(context.Background(), official, "https://h5.example.com/q/ABC#top")
	if err != nil {
		t.Fatal(err)
	}
	want := signSHA1(fmt.Sprintf("jsapi_ticket=ticket-1&noncestr=%s&timestamp=%d&url=https://h5.example.com/q/ABC", first.Nonce, noon.Unix()))
	if first.AppID != official.AppID || first.Timestamp != noon.Unix() || first.Signature != want {
		t.Errorf("%+v, want signature %s", first, want)
	}
	second, err := c.JSConfig(context.Background(), official, "https://h5.example.com/q/ABC")
	if err != nil || tickets != 1 || second.Nonce == first.Nonce {
		t.Errorf("err %v, %d tickets fetched, nonces %s %s", err, tickets, first.Nonce, second.Nonce)
	}
	clock.advance(2 * time.Hour)
	if _, err := c.JSConfig(context.Background(), official, "https://h5.example.com/"); err != nil || tickets != 2 {
		t.Errorf("after its end: err %v, %d tickets", err, tickets)
	}
	text, _ := json.Marshal(first)
	for _, key := range []string{`"appId"`, `"nonceStr"`, `"signature"`, `"timestamp"`} {
		if !strings.Contains(string(text), key) {
			t.Errorf("wx.config needs %s: %s", key, text)
		}
	}
}
