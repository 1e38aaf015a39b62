package consumer

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"siyu/handler/web"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
)

func TestLogin(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{})
		path := "/q/" + s.token(1)
		t.Run("entry is silent, the full login needs a tap", func(t *testing.T) {
			p := s.phone("a")
			if a := p.send("GET", path, ""); a.Code != 302 || !strings.Contains(a.Header().Get("Location"), "snsapi_base") {
				t.Error(a.Code, a.Header())
			}
			if a := p.send("GET", "/wx/login?full=1&to="+url.QueryEscape(path), ""); !strings.Contains(a.Header().Get("Location"), "snsapi_userinfo") {
				t.Error(a.Code, a.Header())
			}
		})
		t.Run("cookies are host-only, secure, hidden from scripts and lax", func(t *testing.T) {
			p := s.phone("a")
			first := p.send("GET", path, "")
			for _, a := range []answer{first, p.send("GET", p.next(first), "")} {
				for _, c := range a.Result().Cookies() {
					if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite != 2 {
						t.Errorf("%+v", c)
					}
				}
			}
		})
		t.Run("when WeChat fails the verdict is still there, with one way to retry", func(t *testing.T) {
			s.wechat.down = true
			p := s.phone("unlucky")
			a := p.get(path)
			a.says(t, 200, "正品", "微信登录没有完成", "重新登录", "/wx/login?to=")
			a.saysNot(t, "立即领取")
			s.wechat.down = false
			p.get("/wx/login?to="+url.QueryEscape(path)).says(t, 200, "首次验证", "立即领取")
		})
		t.Run("a browser without cookies is not sent round for ever", func(t *testing.T) {
			p := s.phone("deaf")
			p.deaf = true
			p.get(path).says(t, 400, "登录已过期")
			p.get(path+"?wx=done").says(t, 200, "该码已被查验", "奖励属于首次验证的人")
		})
		t.Run("a snapshot user makes no person, no member, no first verification", func(t *testing.T) {
			s.wechat.snapshot = true
			persons, p := s.count("person"), s.phone("ghost")
			a := p.get("/q/" + s.token(2))
			a.says(t, 200, "正品", "预览模式", "使用完整服务", "full=1")
			a.saysNot(t, "立即领取")
			s.wechat.snapshot = false
			if s.count("person") != persons || s.count("claim") != 0 {
				t.Error("a ghost was written down")
			}
			p.get("/wx/login?full=1&to="+url.QueryEscape("/q/"+s.token(2))).says(t, 200, "首次验证", "立即领取")
		})
		t.Run("a state works once, in the browser and on the account it was made for", func(t *testing.T) {
			p := s.phone("b")
			back := p.next(p.send("GET", path, ""))
			if a := s.phone("thief").send("GET", back, ""); a.Code != 400 {
				t.Error("another browser used it:", a.Code)
			}
			if a := p.send("GET", strings.Replace(back, "oa-main", "mini-main", 1), ""); a.Code != 400 {
				t.Error("another account used it:", a.Code)
			}
			back = p.next(p.send("GET", path, ""))
			if a := p.send("GET", back, ""); a.Code != 302 || a.Header().Get("Location") != path+"?wx=done" {
				t.Error(a.Code, a.Header())
			}
			p.send("GET", back, "").says(t, 400, "登录已过期")
			for _, bad := range []string{"", "?code=x", "?code=x&state=short", "?code=x&state=" + strings.Repeat("0", 32), "?state=" + strings.Repeat("é", 16)} {
				if a := p.send("GET", "/wx/oauth/oa-main"+bad, ""); a.Code != 400 {
					t.Errorf("%q: %d", bad, a.Code)
				}
			}
			back = p.next(p.send("GET", "/wx/login?to="+path, ""))
			clk.Advance(11 * time.Minute)
			p.send("GET", back, "").says(t, 400, "登录已过期")
		})
		t.Run("the way back is always one of our pages", func(t *testing.T) {
			for to, want := range map[string]string{
				"https://evil.cn/q/x": "/packets", "//evil.cn/q/x": "/packets", "/\\evil.cn": "/packets", "/q/../../evil": "/q/../../evil", "javascript:alert(1)": "/packets",
				"/admin/": "/packets", "/points?x=1": "/points", "/q/AB?wx=failed": "/q/AB", "/q/a|b": "/packets", "": "/packets", "/q/" + strings.Repeat("A", 300): "/packets",
			} {
				if got := web.LocalPath(to); got != want {
					t.Errorf("%q goes to %q", to, got)
				}
			}
		})
		t.Run("a Host header that is not ours is never where WeChat sends people", func(t *testing.T) {
			p := s.phone("c")
			p.host = "evil.test"
			to, err := url.Parse(p.send("GET", path, "").Header().Get("Location"))
			if err != nil || !strings.HasPrefix(to.Query().Get("redirect_uri"), "https://public.test/") {
				t.Error(to, err)
			}
			p.host = "q.example.cn"
			to, err = url.Parse(p.send("GET", path, "").Header().Get("Location"))
			if err != nil || !strings.HasPrefix(to.Query().Get("redirect_uri"), "https://q.example.cn/wx/oauth/oa-main") {
				t.Error(to, err)
			}
		})
		t.Run("the account and the mini program know the same member", func(t *testing.T) {
			p := s.phone("both")
			p.get("/q/" + s.token(5))
			p.miniLogin()
			if a, b := s.memberOf("oa_both"), s.memberOf("mini_both"); a == 0 || a != b {
				t.Error(a, b)
			}
		})
		t.Run("a private page opened in WeChat logs in and comes back; elsewhere it says where to open it", func(t *testing.T) {
			s.phone("d").get("/packets").says(t, 200, "我的红包")
			cam := s.phone("e")
			cam.ua = cameraUA
			cam.get("/points").says(t, 401, "请在微信中打开")
		})
		t.Run("a session whose member is gone is nobody's", func(t *testing.T) {
			p := s.phone("gone")
			p.get("/q/" + s.token(6))
			if err := d.Read(t.Context()).Exec("DELETE FROM member WHERE id = ?", s.memberOf("oa_gone")).Error; err != nil {
				t.Fatal(err)
			}
			p.get("/q/"+s.token(7)).says(t, 200, "首次验证")
		})
		t.Run("the JS-SDK signs our pages only, and only for a session", func(t *testing.T) {
			p := s.phone("js")
			p.get("/q/" + s.token(8))
			get := func(page string) (int, string) {
				status, data, code := p.api("GET", "/wx/jsconfig?url="+url.QueryEscape(page), "", nil)
				if status == 200 && data["appId"] != claimtest.AppID {
					t.Errorf("%+v", data)
				}
				return status, code
			}
			for page, want := range map[string]int{"https://q.example.cn/q/X?wx=done": 200, "https://public.test/packets": 200, "https://evil.cn/": 400, "https://q.example.cn@evil.cn/": 400, "": 400, "javascript:x": 400} {
				if got, code := get(page); got != want {
					t.Error(page, got, code)
				}
			}
			p.cookies = map[string]string{}
			if got, _ := get("https://public.test/"); got != 401 {
				t.Error(got)
			}
		})
	})
}

func TestForms(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{})
		lin, wang := s.phone("lin"), s.phone("wang")
		path := "/q/" + s.token(1)
		page, other := lin.get(path), wang.get("/q/"+s.token(2))
		t.Run("a claim from elsewhere is refused and the verdict stays on screen", func(t *testing.T) {
			stolen := url.Values{"form_token": {tokenField.FindStringSubmatch(other.Body.String())[1]}}
			for name, a := range map[string]answer{
				"no token":        lin.post(page, path+"/claim", url.Values{"form_token": {""}}),
				"another session": lin.post(page, path+"/claim", stolen),
				"foreign origin":  lin.post(page, path+"/claim", nil, "Origin", "https://evil.cn"),
				"opaque origin":   lin.post(page, path+"/claim", nil, "Origin", "null"),
				"cross-site":      lin.post(page, path+"/claim", nil, "Sec-Fetch-Site", "cross-site"),
			} {
				if a.Code != 403 || !strings.Contains(a.Body.String(), "页面已过期") || !strings.Contains(a.Body.String(), "正品") {
					t.Error(name, a.Code, bare(a.Body.String()))
				}
			}
			clk.Advance(13 * time.Hour)
			lin.post(page, path+"/claim", nil).says(t, 403, "页面已过期")
			if s.count("claim") != 0 {
				t.Error("something was claimed")
			}
			lin.post(lin.get(path), path+"/claim", nil, "Origin", "https://public.test").says(t, 303)
		})
		t.Run("without a session a claim is asked to log in", func(t *testing.T) {
			cam := s.phone("x")
			cam.ua = cameraUA
			cam.post(cam.get("/q/"+s.token(3)), "/q/"+s.token(3)+"/claim", nil).says(t, 401, "请先登录")
		})
		t.Run("a huge form and broken UTF-8 are refused", func(t *testing.T) {
			page := lin.get("/q/" + s.token(4))
			lin.post(page, "/q/"+s.token(4)+"/report", url.Values{"note": {strings.Repeat("长", 40000)}}).says(t, 413)
			lin.post(page, "/q/"+s.token(4)+"/report", url.Values{"note": {"\xff\xfe"}}).says(t, 400)
			lin.post(page, "/q/"+s.token(4)+"/report", url.Values{"note": {strings.Repeat("长", 501)}}).says(t, 400, "最多 500 个字")
			if s.count("report") != 0 {
				t.Error("half written")
			}
		})
		t.Run("anybody may report, also a code that is not ours, but not for ever", func(t *testing.T) {
			cam := s.phone("x")
			cam.ua, cam.ip = cameraUA, "31.9.9.9"
			page := cam.get("/q/AAAAAAAAAAAAAAAA")
			a := cam.post(page, "/q/AAAAAAAAAAAAAAAA/report", url.Values{"note": {"瓶盖内的码是假的"}})
			if a.Code != 303 {
				t.Fatal(a.Code, bare(a.Body.String()))
			}
			cam.get(cam.next(a)).says(t, 200, "举报已收到")
			list, err := s.scans.Reports(t.Context(), "", 0, 1)
			if err != nil || len(list) != 1 || list[0].TokenText != "AAAAAAAAAAAAAAAA" || list[0].Note != "瓶盖内的码是假的" || list[0].BatchID != 0 {
				t.Errorf("%+v %v", list, err)
			}
			clk.Advance(time.Second) // the next report is the newest
			cam.post(page, "/q/"+s.token(5)+"/report", nil)
			list, err = s.scans.Reports(t.Context(), "", 0, 1)
			if err != nil || list[0].BatchID != s.Batch.ID || list[0].Serial != 5 || list[0].TokenText != "" {
				t.Errorf("a live token was copied: %+v %v", list, err)
			}
			for range 3 {
				cam.post(page, "/q/AAAAAAAAAAAAAAAA/report", nil).says(t, 303)
			}
			cam.post(page, "/q/AAAAAAAAAAAAAAAA/report", nil).says(t, 429, "过于频繁")
		})
		t.Run("an exact place is stored only while the consent stands", func(t *testing.T) {
			p := s.phone("here")
			p.get("/q/" + s.token(6))
			set := func(agree string) answer {
				return p.post(p.get("/privacy"), "/me/location", url.Values{"agree": {agree}, "code": {s.token(6)}, "lat": {"31.2304"}, "lon": {"121.4737"}})
			}
			exact := func() string {
				list, err := s.scans.OfMember(t.Context(), s.memberOf("oa_here"), 0, 1)
				if err != nil || len(list) != 1 {
					t.Fatal(list, err)
				}
				return list[0].ExactPlace
			}
			p.get("/privacy").says(t, 200, "未同意")
			set("1").says(t, 303)
			if exact() != "31.2304,121.4737" {
				t.Error(exact())
			}
			p.get("/privacy").says(t, 200, "已同意", "撤回同意并清除", "老井食品有限公司")
			set("0").says(t, 303)
			if exact() != "" {
				t.Error("kept after it was taken back:", exact())
			}
			p.post(p.get("/privacy"), "/me/location", url.Values{"agree": {"1"}, "code": {s.token(6)}, "lat": {"1e999"}, "lon": {"x"}}).says(t, 303)
			p.post(p.get("/privacy"), "/me/location", url.Values{"agree": {"1"}, "code": {s.token(6)}, "lat": {"91"}, "lon": {"1"}}).says(t, 400, "位置格式不对")
		})
	})
}
