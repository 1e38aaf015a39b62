package simulator_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	goqr "github.com/skip2/go-qrcode"

	"siyu/wechat/simulator"
)

// phone calls the page's API and returns the data, or the error's message.
func (w *world) phone(method, path, kind string, body []byte) jsonOf {
	w.Helper()
	req, err := http.NewRequest(method, w.base+"/sim/api/"+path, bytes.NewReader(body))
	must(w.T, err)
	req.Header.Set("Content-Type", kind)
	res, err := http.DefaultClient.Do(req)
	must(w.T, err)
	defer res.Body.Close()
	if res.StatusCode == http.StatusNoContent {
		return jsonOf{"status": 204}
	}
	var out struct {
		Data  json.RawMessage
		Error struct{ Message string }
	}
	must(w.T, json.NewDecoder(res.Body).Decode(&out))
	data := jsonOf{}
	_ = json.Unmarshal(out.Data, &data) // lists stay raw
	data["raw"], data["error"], data["status"] = string(out.Data), out.Error.Message, res.StatusCode
	return data
}

func (w *world) act(path string, body any) jsonOf {
	w.Helper()
	text, err := json.Marshal(body)
	must(w.T, err)
	return w.phone("POST", path, "application/json", text)
}

// browser is a desktop browser showing the phone of one user.
func (w *world) browser(user string) *http.Client {
	jar, err := cookiejar.New(nil)
	must(w.T, err)
	at, err := url.Parse(w.base)
	must(w.T, err)
	jar.SetCookies(at, []*http.Cookie{{Name: "sim_user", Value: url.QueryEscape(user)}, {Name: "desktop", Value: "secret"}})
	return &http.Client{Jar: jar}
}

func (w *world) open(c *http.Client, path string) (*http.Response, string) {
	w.Helper()
	res, err := c.Get(w.base + path)
	must(w.T, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(w.T, err)
	return res, string(body)
}

func TestPhoneBrowser(t *testing.T) {
	t.Run("siyu_sees_wechat_on_an_iphone_of_this_user", func(t *testing.T) {
		w := newWorld(t)
		var got http.Header
		w.answerWith(func(rw http.ResponseWriter, r *http.Request) {
			got = r.Header.Clone()
			got.Set("Host", r.Host)
			rw.Header().Set("Content-Type", "text/html; charset=utf-8")
			rw.Header().Set("Content-Security-Policy", "default-src 'self'; script-src 'nonce-abc'; frame-ancestors 'none'")
			rw.Header().Set("X-Frame-Options", "DENY")
			_, _ = fmt.Fprintf(rw, `<html><head><title>x</title><script src="https://res.wx.qq.com/open/js/jweixin-1.6.0.js"></script></HEAD><body><a href="%s/my">我的</a></body></html>`, w.appURL)
		})
		res, body := w.open(w.browser("小满"), "/q/TOKEN?a=1")
		has(t, got.Get("User-Agent"), "MicroMessenger/8.0.50")
		has(t, got.Get("User-Agent"), "iPhone")
		if got.Get("X-Forwarded-For") != "101.80.1.10" || got.Get("Cookie") != "" || "http://"+got.Get("Host") != w.appURL {
			t.Errorf("siyu saw %v", got)
		}
		if res.Header.Get("X-Frame-Options") != "" || strings.Contains(res.Header.Get("Content-Security-Policy"), "frame-ancestors") {
			t.Errorf("frame is forbidden: %v", res.Header)
		}
		has(t, body, `<script nonce="abc" src="/sim/bridge.js"></script></HEAD>`)
		has(t, body, `href="/my"`)
		if strings.Contains(body, "res.wx.qq.com") {
			t.Error("the page still asks the internet for jweixin")
		}
	})

	t.Run("cookies_belong_to_the_user_and_never_reach_the_desktop", func(t *testing.T) {
		w := newWorld(t)
		seen := map[string]string{}
		w.answerWith(func(rw http.ResponseWriter, r *http.Request) {
			seen[r.URL.Path] = r.Header.Get("Cookie")
			if r.URL.Path == "/login" {
				http.SetCookie(rw, &http.Cookie{Name: "session", Value: r.Header.Get("X-Forwarded-For"), Path: "/", Secure: true, HttpOnly: true})
			}
		})
		res, _ := w.open(w.browser("小满"), "/login")
		if len(res.Header["Set-Cookie"]) != 0 {
			t.Errorf("desktop got %v", res.Header["Set-Cookie"])
		}
		w.open(w.browser("小满"), "/mine")
		w.open(w.browser("老周"), "/other")
		if seen["/mine"] != "session=101.80.1.10" || seen["/other"] != "" {
			t.Errorf("%v", seen)
		}
		w.sim.ForgetCookies("小满")
		w.open(w.browser("小满"), "/after")
		if seen["/after"] != "" {
			t.Errorf("cookies survived: %v", seen)
		}
	})

	t.Run("login_redirects_never_leave_the_phone", func(t *testing.T) {
		w := newWorld(t)
		w.answerWith(func(rw http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/q/T":
				http.Redirect(rw, r, w.base+"/open.weixin.qq.com/connect/oauth2/authorize?appid="+officialID+"&response_type=code&scope=snsapi_base&state=s&redirect_uri="+url.QueryEscape(w.appURL+"/back"), http.StatusFound)
			case "/back":
				http.Redirect(rw, r, w.appURL+"/done?code="+r.URL.Query().Get("code"), http.StatusSeeOther)
			}
		})
		c := w.browser("小满")
		var hops []string
		c.CheckRedirect = func(r *http.Request, _ []*http.Request) error { hops = append(hops, r.URL.Host); return nil }
		res, _ := w.open(c, "/q/T")
		if len(hops) != 3 || res.Request.URL.Path != "/done" || res.Request.URL.Query().Get("code") == "" {
			t.Fatalf("ended at %s after %v", res.Request.URL, hops)
		}
		for _, h := range hops {
			if "http://"+h != w.base {
				t.Errorf("left the phone for %s", h)
			}
		}
	})

	t.Run("without_a_user_or_without_siyu_there_is_a_page_in_chinese", func(t *testing.T) {
		w := newWorld(t)
		_, body := w.open(http.DefaultClient, "/q/T")
		has(t, body, "请先在模拟手机上选择一个微信用户")
		dead := simulator.New(simulator.Options{AppURL: "http://127.0.0.1:1", Now: w.clock})
		defer dead.Close()
		dead.AddUser(simulator.User{Name: "小满"})
		r, err := http.NewRequest("GET", "/q/T", nil)
		must(t, err)
		r.AddCookie(&http.Cookie{Name: "sim_user", Value: url.QueryEscape("小满")})
		rec := newRecorder()
		dead.ServeHTTP(rec, r)
		has(t, rec.body.String(), "网络不给力")
		if rec.status != http.StatusBadGateway {
			t.Errorf("%d", rec.status)
		}
	})
}

// recorder is a ResponseWriter without a connection behind it.
type recorder struct {
	header http.Header
	body   bytes.Buffer
	status int
}

func newRecorder() *recorder                          { return &recorder{header: http.Header{}} }
func (r *recorder) Header() http.Header               { return r.header }
func (r *recorder) WriteHeader(status int)            { r.status = status }
func (r *recorder) Write(b []byte) (n int, err error) { return r.body.Write(b) }

func TestPageServesAllItsParts(t *testing.T) {
	w := newWorld(t)
	res, page := w.open(http.DefaultClient, "/sim/phone")
	if res.StatusCode != 200 {
		t.Fatal(res.Status)
	}
	todo, seen := []string{page}, map[string]bool{}
	link := regexp.MustCompile(`(?:src|href)="(/sim/static/[^"]+)"|from "\./([a-z]+\.js)"`)
	for len(todo) > 0 {
		for _, m := range link.FindAllStringSubmatch(todo[0], -1) {
			path := m[1]
			if path == "" {
				path = "/sim/static/" + m[2]
			}
			if seen[path] {
				continue
			}
			seen[path] = true
			res, body := w.open(http.DefaultClient, path)
			if res.StatusCode != 200 {
				t.Errorf("%s: %s", path, res.Status)
			}
			todo = append(todo, body)
		}
		todo = todo[1:]
	}
	if len(seen) < 8 {
		t.Errorf("only %v", seen)
	}
	if res, _ := w.open(http.DefaultClient, "/sim/static/none.js"); res.StatusCode != 404 {
		t.Errorf("missing file: %s", res.Status)
	}
}

func TestPhoneAPI(t *testing.T) {
	w := newWorld(t)
	t.Run("state_is_whole_and_silent_while_nothing_changes", func(t *testing.T) {
		state := w.phone("GET", "state?user="+url.QueryEscape("小满"), "", nil)
		for _, list := range []string{"users", "apps", "merchants", "chats", "bills", "log", "misfortunes"} {
			if _, ok := state[list].([]any); !ok {
				t.Errorf("%s is %T, the page wants a list", list, state[list])
			}
		}
		same := fmt.Sprintf("state?user=%s&since=%.0f", url.QueryEscape("小满"), state["version"])
		if got := w.phone("GET", same, "", nil); got["status"] != 204 {
			t.Errorf("unchanged: %v", got)
		}
		w.act("follow", jsonOf{"user": "小满", "app_id": officialID})
		if got := w.phone("GET", same, "", nil); got["status"] != 200 {
			t.Errorf("changed: %v", got["status"])
		}
	})
	t.Run("a_form_of_another_page_cannot_act", func(t *testing.T) {
		got := w.phone("POST", "top_up", "application/x-www-form-urlencoded", []byte("mch_id="+mchID))
		if got["status"] != http.StatusUnsupportedMediaType {
			t.Errorf("%v", got)
		}
	})
	t.Run("faults_are_told_in_chinese", func(t *testing.T) {
		for path, body := range map[string]jsonOf{
			"open": {"user": "小满", "bill_no": "NONE"}, "confirm": {"user": "小满", "package": "x"}, "follow": {"user": "谁", "app_id": officialID},
			"misfortunes": {"kind": "meteor"}, "users": {"name": ""}, "merchants": {"mch_id": "1", "public_key_pem": "no"},
		} {
			if got := w.act(path, body); got["status"] != http.StatusUnprocessableEntity || got["error"] == "" {
				t.Errorf("%s: %v", path, got)
			}
		}
	})
	t.Run("another_process_can_set_up_and_drive_everything", func(t *testing.T) {
		w.act("users", jsonOf{"name": "阿远", "city": "杭州"})
		w.act("misfortunes", jsonOf{"call": "sendredpack", "kind": "delay", "delay_ms": 1})
		f := w.packet("API1")
		f["re_openid"] = w.phone("GET", "openid?user="+url.QueryEscape("阿远")+"&app_id="+officialID, "", nil).text("openid")
		w.v2("sendredpack", f)
		if got := w.act("open", jsonOf{"user": "阿远", "bill_no": "API1"}); got["status"] != 200 {
			t.Errorf("open: %v", got)
		}
		has(t, w.phone("GET", "bills?mch_id="+mchID, "", nil).text("raw"), `"state":"RECEIVED"`)
		a := w.v3("POST", transfers, w.transferOrder("API2"))
		sheet := w.act("transfer", jsonOf{"user": "小满", "package": a.body.text("package_info")})
		if sheet["amount_fen"] != float64(188) || sheet["merchant"] != "山泉饮品" {
			t.Errorf("sheet: %v", sheet)
		}
		w.act("confirm", jsonOf{"user": "小满", "package": a.body.text("package_info")})
		if got := w.bill("API2").State; got != "SUCCESS" {
			t.Errorf("state %s", got)
		}
		id, _ := w.sim.PlatformKey()
		if got := w.phone("GET", "platform_key", "", nil); got.text("id") != id {
			t.Errorf("key: %v", got)
		}
	})
}

func TestScan(t *testing.T) {
	w := newWorld(t)
	for text, want := range map[string]string{
		"https://q.brand.cn/q/ABCDEFGH12345678":    "h5 /q/ABCDEFGH12345678",
		w.appURL + "/01/06901234567892/21/ABC?x=1": "h5 /01/06901234567892/21/ABC?x=1",
		"HTTPS://Q.BRAND.CN/Q/ABCDEFGH12345678":    "h5 /Q/ABCDEFGH12345678",
		"abcd efgh-1234 5678":                      "h5 /q/abcd%20efgh-1234%205678",
		"http://weixin.qq.com/q/expired":           "text ",
		"6901234567892":                            "text ",
		"javascript:alert(1)":                      "text ",
		"https://q.brand.cn":                       "h5 /",
	} {
		got := w.act("resolve", jsonOf{"user": "小满", "text": text})
		path, _ := got["path"].(string)
		if got.text("kind")+" "+path != want {
			t.Errorf("%s opens %v, want %s", text, got, want)
		}
	}
	picture, err := goqr.Encode("https://q.brand.cn/q/ABCDEFGH12345678", goqr.Medium, 256)
	must(t, err)
	if got := w.phone("POST", "decode", "image/png", picture).text("text"); got != "https://q.brand.cn/q/ABCDEFGH12345678" {
		t.Errorf("decoded %q", got)
	}
	var blank bytes.Buffer
	must(t, png.Encode(&blank, image.NewGray(image.Rect(0, 0, 64, 64))))
	for _, bad := range [][]byte{nil, []byte("hello"), picture[:100], blank.Bytes()} {
		if got := w.phone("POST", "decode", "image/png", bad); got["status"] != 422 || got["error"] == "" {
			t.Errorf("bad picture: %v", got)
		}
	}
}

func TestJSConfigIsCheckedLikeWeChatDoes(t *testing.T) {
	w := newWorld(t)
	ticket := w.api("GET", "/cgi-bin/ticket/getticket?type=jsapi&access_token="+w.token(), nil).text("ticket")
	sum := sha1.Sum([]byte("jsapi_ticket=" + ticket + "&noncestr=n1&timestamp=1763604000&url=" + w.appURL + "/q/T?a=1"))
	cfg := jsonOf{"appId": officialID, "nonceStr": "n1", "timestamp": 1763604000, "signature": hex.EncodeToString(sum[:]), "path": "/q/T?a=1"}
	if got := w.act("jsconfig", cfg).text("errMsg"); got != "config:ok" {
		t.Errorf("%s", got)
	}
	cfg["path"] = "/q/OTHER"
	if got := w.act("jsconfig", cfg).text("errMsg"); got != "config:invalid signature" {
		t.Errorf("other page: %s", got)
	}
}

func TestSameSeedSameWorld(t *testing.T) {
	run := func() string {
		w := newWorld(t)
		id, key := w.sim.PlatformKey()
		return w.sim.OpenID("小满", officialID) + w.token() + w.classic().text("access_token") + id + key
	}
	if a, b := run(), run(); a != b {
		t.Errorf("two worlds from one seed:\n%s\n%s", a, b)
	}
}

func TestRequestsAreRecordedWithoutSecrets(t *testing.T) {
	w := newWorld(t)
	token := w.classic().text("access_token")
	w.try(token)
	stable := w.token()
	list := w.sim.Requests()
	if len(list) != 3 || list[0].Call != "token" || list[1].Call != "getticket" || list[1].Status != 200 {
		t.Fatalf("%+v", list)
	}
	for _, r := range list {
		for _, secret := range []string{token, stable, "secret1"} {
			if strings.Contains(r.URL+r.Body+r.Response, secret) {
				t.Errorf("a secret in %+v", r)
			}
		}
	}
	for range 1100 {
		w.sim.Requests()
		w.try("short")
	}
	if n := len(w.sim.Requests()); n != 1000 {
		t.Errorf("%d entries kept", n)
	}
}
