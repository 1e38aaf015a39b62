package simulator_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"siyu/wechat/simulator"
)

func (w *world) classic() jsonOf {
	return w.api("GET", "/cgi-bin/token?grant_type=client_credential&appid="+officialID+"&secret=secret1", nil)
}

func (w *world) stable(force bool) jsonOf {
	return w.api("POST", "/cgi-bin/stable_token", jsonOf{"grant_type": "client_credential", "appid": officialID, "secret": "secret1", "force_refresh": force})
}

// try uses a token for something harmless.
func (w *world) try(token string) int {
	return w.api("GET", "/cgi-bin/ticket/getticket?type=jsapi&access_token="+url.QueryEscape(token), nil).code()
}

func TestToken(t *testing.T) {
	t.Run("a_new_classic_token_kills_the_old_one", func(t *testing.T) {
		w := newWorld(t)
		first := w.classic()
		if first["expires_in"] != float64(7200) || first["errcode"] != nil || first["errmsg"] != nil {
			t.Errorf("answer: %v", first)
		}
		second := w.classic()
		if a, b := w.try(first.text("access_token")), w.try(second.text("access_token")); a != 40001 || b != 0 {
			t.Errorf("old %d, new %d", a, b)
		}
	})
	t.Run("a_stable_token_stays_and_the_pools_are_apart", func(t *testing.T) {
		w := newWorld(t)
		first := w.stable(false).text("access_token")
		w.classic()
		w.pass(time.Hour)
		second := w.stable(false)
		if second.text("access_token") != first || second["expires_in"] != float64(3600) || w.try(first) != 0 {
			t.Errorf("second: %v", second)
		}
	})
	t.Run("a_stable_token_is_renewed_five_minutes_early_and_the_old_one_lives_to_its_end", func(t *testing.T) {
		w := newWorld(t)
		old := w.stable(false).text("access_token")
		w.pass(7200*time.Second - 5*time.Minute)
		if w.stable(false).text("access_token") == old {
			t.Error("not renewed")
		}
		if got := w.try(old); got != 0 {
			t.Errorf("old token: %d", got)
		}
		w.pass(5 * time.Minute)
		if got := w.try(old); got != 42001 {
			t.Errorf("old token after its end: %d", got)
		}
	})
	t.Run("force_refresh_is_limited_to_20_a_day_30_seconds_apart", func(t *testing.T) {
		w := newWorld(t)
		old := w.stable(false).text("access_token")
		if fresh := w.stable(true).text("access_token"); fresh == old || w.try(old) != 40001 {
			t.Error("force_refresh did not replace the token")
		}
		if got := w.stable(true).code(); got != 45011 {
			t.Errorf("at once again: %d", got)
		}
		for range 19 {
			w.pass(30 * time.Second)
			if got := w.stable(true).code(); got != 0 {
				t.Fatalf("within the limit: %d", got)
			}
		}
		w.pass(30 * time.Second)
		if got := w.stable(true).code(); got != 45009 {
			t.Errorf("the 21st: %d", got)
		}
	})
	t.Run("what_is_wrong_has_its_own_code_and_a_rid", func(t *testing.T) {
		w := newWorld(t)
		for path, want := range map[string]int{
			"/cgi-bin/token?grant_type=x&appid=" + officialID + "&secret=secret1":                  40002,
			"/cgi-bin/token?grant_type=client_credential&appid=wxnone&secret=secret1":              40013,
			"/cgi-bin/token?grant_type=client_credential&appid=" + officialID + "&secret=wrong":    40125,
			"/cgi-bin/ticket/getticket?type=jsapi":                                                 41001,
			"/cgi-bin/ticket/getticket?type=jsapi&access_token=short":                              40014,
			"/cgi-bin/ticket/getticket?type=jsapi&access_token=97_neverissuedneverissuedneverissu": 40001,
			"/cgi-bin/no/such/call": 40066,
		} {
			out := w.api("GET", path, nil)
			if out.code() != want || !strings.Contains(out.text("errmsg"), " rid: ") {
				t.Errorf("%s: %v, want %d", path, out, want)
			}
		}
		old := w.token()
		w.sim.ExpireTokens(officialID)
		if got := w.try(old); got != 42001 {
			t.Errorf("expired: %d", got)
		}
	})
	t.Run("the_daily_quota_ends_and_can_be_cleared_ten_times_a_month", func(t *testing.T) {
		w := newWorld(t)
		token := w.token()
		w.sim.SetQuota(officialID, "/cgi-bin/user/info", 1)
		info := "/cgi-bin/user/info?access_token=" + token + "&openid=" + w.sim.OpenID("小满", officialID)
		for i := range 11 {
			if a, b := w.api("GET", info, nil).code(), w.api("GET", info, nil).code(); a != 0 || b != 45009 {
				t.Fatalf("%d: %d then %d", i, a, b)
			}
			want := 0
			if i == 10 {
				want = 48006
			}
			if got := w.api("POST", "/cgi-bin/clear_quota?access_token="+token, jsonOf{"appid": officialID}).code(); got != want {
				t.Errorf("clear %d: %d", i+1, got)
			}
		}
	})
}

// authorize is the user's browser; it returns where it was sent.
func (w *world) authorize(user, scope string, header http.Header) *http.Response {
	w.Helper()
	q := url.Values{"appid": {officialID}, "redirect_uri": {w.appURL + "/login?next=1"}, "response_type": {"code"}, "scope": {scope}, "state": {"abc"}}
	req, err := http.NewRequest("GET", w.base+"/open.weixin.qq.com/connect/oauth2/authorize?"+q.Encode(), nil)
	must(w.T, err)
	req.Header.Set("X-Sim-User", user)
	for k, v := range header {
		req.Header[k] = v
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	must(w.T, err)
	w.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func (w *world) codeFor(user, scope string, header http.Header) string {
	w.Helper()
	res := w.authorize(user, scope, header)
	at, err := url.Parse(res.Header.Get("Location"))
	if err != nil || res.StatusCode != http.StatusFound || at.Query().Get("state") != "abc" || at.Query().Get("next") != "1" {
		w.Fatalf("authorize: %d %s", res.StatusCode, res.Header.Get("Location"))
	}
	return at.Query().Get("code")
}

func (w *world) exchange(code string) jsonOf {
	return w.api("GET", "/sns/oauth2/access_token?grant_type=authorization_code&appid="+officialID+"&secret=secret1&code="+code, nil)
}

func TestOAuth(t *testing.T) {
	t.Run("base_is_silent_gives_the_openid_once_and_no_unionid", func(t *testing.T) {
		w := newWorld(t)
		code := w.codeFor("小满", "snsapi_base", nil)
		out := w.exchange(code)
		if out.text("openid") != w.sim.OpenID("小满", officialID) || out["unionid"] != nil || out["errcode"] != nil {
			t.Errorf("%v", out)
		}
		if got := w.exchange(code).code(); got != 40163 {
			t.Errorf("second use: %d", got)
		}
		if got := w.exchange("nocode").code(); got != 40029 {
			t.Errorf("unknown code: %d", got)
		}
		late := w.codeFor("小满", "snsapi_base", nil)
		w.pass(5 * time.Minute)
		if got := w.exchange(late).code(); got != 40029 {
			t.Errorf("after five minutes: %d", got)
		}
		info := w.api("GET", "/sns/userinfo?access_token="+out.text("access_token")+"&openid="+out.text("openid"), nil)
		if info.code() != 48001 {
			t.Errorf("userinfo with base scope: %v", info)
		}
	})
	t.Run("userinfo_asks_first_then_gives_name_and_unionid", func(t *testing.T) {
		w := newWorld(t)
		if res := w.authorize("小满", "snsapi_userinfo", nil); res.StatusCode != 200 {
			t.Errorf("no consent page: %d", res.StatusCode)
		}
		if res := w.authorize("小满", "snsapi_userinfo", http.Header{"X-Sim-Consent": {"deny"}}); res.StatusCode != 200 {
			t.Errorf("denied, but %d", res.StatusCode)
		}
		out := w.exchange(w.codeFor("小满", "snsapi_userinfo", http.Header{"X-Sim-Consent": {"allow"}}))
		if out["unionid"] == nil {
			t.Errorf("no unionid: %v", out)
		}
		info := w.api("GET", "/sns/userinfo?access_token="+out.text("access_token")+"&openid="+out.text("openid"), nil)
		if info.text("nickname") != "小满" || info.text("unionid") != out.text("unionid") || info["errcode"] != nil {
			t.Errorf("userinfo: %v", info)
		}
		code, err := w.sim.LoginCode("小满", miniID)
		must(t, err)
		mini := w.api("GET", "/sns/jscode2session?grant_type=authorization_code&appid="+miniID+"&secret=secret2&js_code="+code, nil)
		if mini.text("unionid") != out.text("unionid") || mini.text("openid") == out.text("openid") {
			t.Errorf("one person, two apps: %v and %v", mini, out)
		}
	})
	t.Run("a_snapshot_user_has_a_virtual_openid_and_says_so", func(t *testing.T) {
		w := newWorld(t)
		w.sim.AddUser(simulator.User{Name: "小满", Snapshot: true})
		out := w.exchange(w.codeFor("小满", "snsapi_base", nil))
		if out["is_snapshotuser"] != float64(1) || out.text("openid") == w.sim.OpenID("小满", officialID) {
			t.Errorf("%v", out)
		}
		f := w.packet("SNAP")
		f["re_openid"] = out.text("openid")
		if got := w.v2("sendredpack", f).form["err_code"]; got != "OPENID_ERROR" {
			t.Errorf("a virtual openid can be paid: %s", got)
		}
	})
	t.Run("a_foreign_redirect_address_is_refused_when_a_domain_is_set", func(t *testing.T) {
		w := newWorld(t)
		w.sim.AddApp(simulator.App{Kind: "official", AppID: officialID, Secret: "secret1", OAuthDomain: "h5.example.cn"})
		res := w.authorize("小满", "snsapi_base", nil)
		if res.StatusCode == http.StatusFound {
			t.Error("redirected to a foreign domain")
		}
	})
}

func TestMiniLoginCodes(t *testing.T) {
	w := newWorld(t)
	ask := func(code, secret string) jsonOf {
		return w.api("GET", "/sns/jscode2session?grant_type=authorization_code&appid="+miniID+"&secret="+secret+"&js_code="+code, nil)
	}
	code, err := w.sim.LoginCode("小满", miniID)
	must(t, err)
	if got := ask(code, "wrong").code(); got != 40125 {
		t.Errorf("wrong secret: %d", got)
	}
	if out := ask(code, "secret2"); len(out.text("session_key")) != 24 {
		t.Errorf("session: %v", out)
	}
	if got := ask(code, "secret2").code(); got != 40163 {
		t.Errorf("used: %d", got)
	}
	h5, err := w.sim.LoginCode("小满", officialID)
	must(t, err)
	if got := ask(h5, "secret2").code(); got != 40029 {
		t.Errorf("a code of another app: %d", got)
	}
}
