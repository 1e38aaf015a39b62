package consumer

import (
	"bytes"
	"context"
	"image/png"
	"net/url"
	"strings"
	"testing"
	"time"

	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	qr "siyu/model/code/picture"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/invite"
	"siyu/model/leader"
	"siyu/model/poster"
	"siyu/model/referral"
)

// newInvites makes what codes lead to, with the machine's fonts.
func newInvites(s *site) *invite.Store {
	s.t.Helper()
	fonts, err := poster.FindFonts("")
	if err != nil || fonts == nil {
		s.t.Fatalf("no font with Chinese characters (scripts/test installs one): %v", err)
	}
	s.held = map[string]id.ID{}
	referrals := referral.New(referral.Deps{DB: s.DB, Box: s.Box, Members: s.members, Events: event.New(s.DB, s.Outbox), Outbox: s.Outbox})
	return invite.New(invite.Deps{DB: s.DB, Referrals: referrals, Leaders: leader.New(leader.Deps{DB: s.DB, Members: s.members}), Brands: s.Brands,
		Posters: poster.New(s.DB, poster.NewRenderer(fonts)), PublicURL: "https://public.test"})
}

func (s *site) heldBy(_ context.Context, memberID id.ID, device string) error {
	s.held[device] = memberID
	return nil
}

// member is who somebody is, made where he is nobody yet.
func (s *site) member(who string) id.ID {
	s.t.Helper()
	p, err := s.h.Identities.Resolve(context.Background(), identity.Login{AppID: s.Official.AppID, OpenID: "oa_" + who})
	if err != nil {
		s.t.Fatal(err)
	}
	m, err := s.members.Of(context.Background(), p)
	if err != nil {
		s.t.Fatal(err)
	}
	return m.ID
}

// invitation is somebody's own token.
func (s *site) invitation(who string) string {
	s.t.Helper()
	o, err := s.invites.Mine(context.Background(), s.Brand.ID, s.member(who))
	if err != nil {
		s.t.Fatal(err)
	}
	return o.Token
}

func TestInvitePage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{})
		token := s.invitation("wang")
		lin := s.phone("lin")
		t.Run("looking says all that joining means and binds nobody", func(t *testing.T) {
			for range 3 {
				page := lin.get("/r/" + token)
				page.says(t, 200, "尾号 ", "邀请您加入", "推荐人可能得到佣金", "由品牌承担", "不影响您的价格和奖励", "打码", "我的数据", "加入")
			}
			if n := s.count("referral_binding"); n != 0 {
				t.Fatalf("%d bound by looking", n)
			}
			if a := lin.send("GET", "/r/"+token+"/join", ""); a.Code != 405 {
				t.Errorf("GET of the join answers %d", a.Code)
			}
		})
		t.Run("a tap joins, a second tap changes nothing", func(t *testing.T) {
			page := lin.get("/r/" + token)
			lin.twice(t, page, "/r/"+token+"/join", "referral_binding", nil)
			lin.get("/r/"+token+"?wx=done&joined=1").says(t, 200, "已加入", "接下来", "扫一扫")
			var b referral.Binding
			if err := d.Read(context.Background()).Take(&b).Error; err != nil {
				t.Fatal(err)
			}
			if b.Channel != referral.H5 || !b.Consented || len(b.IPHash) != 24 || len(b.DeviceHash) != 24 || strings.Contains(b.IPHash, "31.0") {
				t.Errorf("%+v", b)
			}
		})
		t.Run("another code explains that nothing changes", func(t *testing.T) {
			other := s.invitation("zhao")
			lin.get("/r/"+other).says(t, 200, "您已有推荐人", "保持不变")
			a := lin.post(lin.get("/privacy"), "/r/"+other+"/join", nil)
			if a.Code != 303 || !strings.Contains(a.Header().Get("Location"), "why=referral_bound") {
				t.Fatal(a.Code, a.Header())
			}
			lin.get(a.Header().Get("Location")).says(t, 200, "您已有推荐人")
		})
		t.Run("one's own code leads to one's own page", func(t *testing.T) {
			wang := s.phone("wang")
			wang.get("/r/"+token).says(t, 200, "您自己的邀请码", "/me/invite")
			a := wang.post(wang.get("/privacy"), "/r/"+token+"/join", nil)
			if a.Code != 303 || s.count("referral_binding") != 1 {
				t.Error(a.Code, s.count("referral_binding"))
			}
		})
		t.Run("an old customer is told kindly", func(t *testing.T) {
			old := s.phone("old")
			s.member("old")
			clk.Advance(2 * time.Hour)
			a := old.post(old.get("/r/"+token), "/r/"+token+"/join", nil)
			if a.Code != 303 || !strings.Contains(a.Header().Get("Location"), "why=referral_existing") {
				t.Fatal(a.Code, a.Header())
			}
			old.get(a.Header().Get("Location")).says(t, 200, "老顾客", "不受影响", "直接扫")
		})
		t.Run("a closed code is no dead end", func(t *testing.T) {
			shut := s.invitation("shut")
			c, err := s.invites.Referrals.ByToken(context.Background(), shut)
			if err == nil {
				_, err = s.invites.Referrals.Close(context.Background(), c.ID)
			}
			if err != nil {
				t.Fatal(err)
			}
			fresh := s.phone("fresh")
			fresh.get("/r/"+shut).says(t, 200, "已停用", "一样能验真")
		})
		t.Run("outside WeChat the way in is shown and nothing is asked", func(t *testing.T) {
			camera := s.phone("camera")
			camera.ua = cameraUA
			page := camera.get("/r/" + token)
			page.says(t, 200, "请用微信打开", "推荐人可能得到佣金")
			if strings.Contains(page.Body.String(), "<form") {
				t.Error("a form that nobody can send")
			}
		})
		t.Run("a form of another session, none or another site joins nobody", func(t *testing.T) {
			before := s.count("referral_binding")
			a, b := s.phone("anna"), s.phone("bert")
			page := a.get("/r/" + token)
			b.get("/r/" + token)
			for _, got := range []answer{b.post(page, "/r/"+token+"/join", nil), a.send("POST", "/r/"+token+"/join", "x=1", "Content-Type", "application/x-www-form-urlencoded"),
				a.post(page, "/r/"+token+"/join", nil, "Origin", "https://evil.test")} {
				if got.Code != 403 {
					t.Errorf("%d %s", got.Code, bare(got.Body.String()))
				}
			}
			if s.count("referral_binding") != before {
				t.Error("somebody was bound")
			}
		})
	})
}

func TestForgedInvitations(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{})
		stranger := s.phone("stranger")
		reads := dbtest.Watch(t, d)
		for _, forged := range []string{"x", strings.Repeat("0", 26), strings.Repeat("Z", 26), "%27%20OR%201=1", strings.Repeat("A", 300), "%F0%9F%8D%BA"} {
			reads.Reset()
			a := stranger.send("GET", "/r/"+forged, "")
			a.says(t, 404, "邀请无效", "重新索取")
			if got := reads.Plain(); len(got) != 0 {
				t.Errorf("%s costs %q", forged, got)
			}
		}
	})
}

func TestMyInvite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{})
		wang, lin := s.phone("wang"), s.phone("lin")
		token := s.invitation("wang")
		lin.post(lin.get("/r/"+token), "/r/"+token+"/join", nil)
		t.Run("shows the code, the counts and no referrer", func(t *testing.T) {
			page := wang.get("/me/invite")
			page.says(t, 200, "我的邀请", "https://public.test/r/"+token, "<b>1</b>带来的人", "您没有推荐人", "邀请人数不产生任何奖励")
			if len(s.held) == 0 {
				t.Error("his device is not known")
			}
		})
		t.Run("the poster is his own and its code is read", func(t *testing.T) {
			a := wang.get("/me/invite/poster.png")
			if a.Code != 200 || a.Header().Get("Content-Type") != "image/png" {
				t.Fatal(a.Code, a.Header())
			}
			if _, err := png.Decode(bytes.NewReader(a.Body.Bytes())); err != nil {
				t.Fatal(err)
			}
			if text, err := qr.Decode(a.Body.Bytes()); err != nil || text != "https://public.test/r/"+token {
				t.Errorf("%s %v", text, err)
			}
			if again := wang.send("GET", "/me/invite/poster.png", "", "If-None-Match", a.Header().Get("ETag")); again.Code != 304 {
				t.Errorf("again %d", again.Code)
			}
			drawing := wang.get("/me/invite/poster.svg")
			if drawing.Code != 200 || drawing.Header().Get("Content-Type") != "image/svg+xml" || !strings.Contains(drawing.Header().Get("Content-Security-Policy"), "sandbox") {
				t.Errorf("%d %v", drawing.Code, drawing.Header())
			}
			if other := lin.get("/me/invite/poster.svg"); bytes.Equal(other.Body.Bytes(), drawing.Body.Bytes()) {
				t.Error("two people have one poster")
			}
			if nobody := s.phone("nobody").send("GET", "/me/invite/poster.png", ""); nobody.Code != 401 {
				t.Errorf("nobody gets %d", nobody.Code)
			}
		})
		t.Run("who was brought ends it himself; the history stays", func(t *testing.T) {
			page := lin.get("/me/invite")
			page.says(t, 200, "尾号 ", "解除推荐关系", "依法保存")
			fields := url.Values{"brand_id": {s.Brand.ID.String()}}
			for range 2 { // a second tap is what he wanted
				a := lin.post(page, "/me/invite/leave", fields)
				if a.Code != 303 {
					t.Fatal(a.Code, bare(a.Body.String()))
				}
				lin.get(a.Header().Get("Location")).says(t, 200, "推荐关系已解除", "您没有推荐人")
			}
			if s.count("referral_binding WHERE state = 'ended'") != 1 {
				t.Error("the history is gone")
			}
		})
		t.Run("the page of one's data leads there", func(t *testing.T) {
			lin.get("/me/privacy").says(t, 200, "推荐关系", "/me/invite#referrer")
		})
	})
}

func TestReferralAPI(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{})
		token := s.invitation("wang")
		lin := s.phone("lin")
		bearer := lin.miniLogin()
		t.Run("looking is free and binds nobody", func(t *testing.T) {
			status, data, _ := lin.api("GET", "/api/v1/invitation/"+token, "", nil)
			if status != 200 || data["brand"] != s.Brand.Name || data["open"] != true || !strings.Contains(data["meaning"].(string), "佣金") || s.count("referral_binding") != 0 {
				t.Error(status, data)
			}
			if status, _, code := lin.api("GET", "/api/v1/invitation/"+strings.Repeat("0", 26), "", nil); status != 404 || code != "referral_code_invalid" {
				t.Error(status, code)
			}
		})
		t.Run("joining needs somebody and a genuine token", func(t *testing.T) {
			if status, _, code := lin.api("POST", "/api/v1/referral/join", "", map[string]string{"token": token}); status != 401 {
				t.Error(status, code)
			}
			if status, _, code := lin.api("POST", "/api/v1/referral/join", bearer, map[string]string{"token": "nothing"}); status != 404 || code != "referral_code_invalid" {
				t.Error(status, code)
			}
		})
		t.Run("joins, shows the referrer, and refuses another with 409", func(t *testing.T) {
			status, data, code := lin.api("POST", "/api/v1/referral/join", bearer, map[string]string{"token": token})
			if status != 200 || data["referrer"] == nil {
				t.Fatal(status, data, code)
			}
			if status, data, _ := lin.api("GET", "/api/v1/referral", bearer, nil); status != 200 || data["referrer"].(map[string]any)["role"] != "会员" || data["token"] == "" {
				t.Error(status, data)
			}
			if status, _, code := lin.api("POST", "/api/v1/referral/join", bearer, map[string]string{"token": s.invitation("zhao")}); status != 409 || code != "referral_bound" {
				t.Error(status, code)
			}
		})
		t.Run("leaves", func(t *testing.T) {
			if status, _, code := lin.api("POST", "/api/v1/referral/leave", bearer, map[string]string{}); status != 200 {
				t.Fatal(status, code)
			}
			if status, data, _ := lin.api("GET", "/api/v1/referral", bearer, nil); status != 200 || data["referrer"] != nil {
				t.Error(status, data)
			}
		})
	})
}
