package consumer

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"siyu/model/campaign"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/db/dbtest"
)

func TestScanToPacket(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{})
		lin, wang := s.phone("lin"), s.phone("wang")
		path := "/q/" + s.token(1)
		t.Run("the first scan in WeChat logs in silently and shows the verdict with the reward", func(t *testing.T) {
			a := lin.get(path)
			a.says(t, 200, "正品 · 首次验证", "老井酱油 500ml", "首批", "立即领取", "不关注也可领取", "活动规则", "举报", "隐私说明", "400-000-0000", "老井食品有限公司")
			if a.path != path+"?wx=done" {
				t.Error(a.path)
			}
		})
		t.Run("looking grants nothing, however often", func(t *testing.T) {
			for range 5 {
				lin.get(path)
			}
			if s.count("claim") != 0 || s.count("scan") != 1 {
				t.Error(s.count("claim"), "claims", s.count("scan"), "scans")
			}
		})
		var packet string
		t.Run("a claim by form goes to the packet page", func(t *testing.T) {
			a := lin.claim(1)
			packet = a.Header().Get("Location")
			if a.Code != 303 || !strings.HasPrefix(packet, "/packets/") {
				t.Fatal(a.Code, packet, a.Body)
			}
			lin.get(packet).says(t, 200, "老井酱油 500ml", "我的红包", "领取时间")
		})
		t.Run("a second tap is the same claim", func(t *testing.T) {
			page := lin.get("/privacy") // any page of the session has a form token
			a := lin.post(page, path+"/claim", nil)
			if a.Header().Get("Location") != packet || s.count("claim") != 1 {
				t.Error(a.Code, a.Header())
			}
			lin.get(path).says(t, 200, "您已验证过", "您已领取")
		})
		t.Run("somebody else sees count, time and city, and no button", func(t *testing.T) {
			clk.Advance(time.Hour)
			a := wang.get(path)
			a.says(t, 200, "该码已被查验 2 次，首次 2026-11-21 12:00（上海）", "谨防假冒", "已于 2026-11-21 12:00 被领取", "举报")
			a.saysNot(t, "立即领取")
			wang.post(wang.get(path), path+"/claim", nil).says(t, 409, "这个码已被领取", "该码已被查验")
			if s.count("claim") != 1 {
				t.Error("claimed twice")
			}
		})
		t.Run("somebody else's packet is not there", func(t *testing.T) {
			wang.get(packet).says(t, 404, "没有找到")
			if status, _, code := wang.api("GET", packet+"/state", "", nil); status != 404 || code != "claim_not_found" {
				t.Error(status, code)
			}
		})
		t.Run("my packets and my points", func(t *testing.T) {
			lin.get("/packets").says(t, 200, "老井酱油 500ml", packet)
			lin.get("/points").says(t, 200, "扫码积分", "+10")
			wang.get("/packets").says(t, 200, "还没有领取记录")
			wang.get("/points").says(t, 200, "还没有积分")
		})
	})
}

func TestVerdictsByHTTP(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		s := newSite(t, d, clk, claimtest.Setup{Edit: func(f *campaign.Form) { f.CapMemberDay = 2 }})
		t.Run("another browser sees authenticity and is told to use WeChat", func(t *testing.T) {
			cam := s.phone("x")
			cam.ua = cameraUA
			a := cam.get("/q/" + s.token(10))
			a.says(t, 200, "正品", "用微信扫一扫领红包")
			a.saysNot(t, "立即领取")
		})
		t.Run("previews and crawlers do not take the first verification away", func(t *testing.T) {
			s.phone("lin").get("/q/"+s.token(10)).says(t, 200, "首次验证", "另有 1 次未登录的查看")
		})
		t.Run("small letters, confusable letters, blanks and hyphens are understood", func(t *testing.T) {
			tok := s.token(11)
			typed := strings.ToLower(tok[:4] + "-" + tok[4:8] + " " + tok[8:])
			typed = strings.NewReplacer("0", "o", "1", "l").Replace(typed)
			s.phone("typist").get("/q/"+url.PathEscape(typed)).says(t, 200, "首次验证")
		})
		t.Run("the printed upper-case form and the GS1 form mean the same", func(t *testing.T) {
			s.phone("upper").get("/Q/"+s.token(12)).says(t, 200, "首次验证")
			s.phone("gs1").get("/01/06901234567892/21/"+s.token(13)).says(t, 200, "首次验证")
		})
		t.Run("a GS1 address of another product is a warning and is nobody's first scan", func(t *testing.T) {
			a := s.phone("gs1").get("/01/06901028075831/21/" + s.token(14))
			a.says(t, 200, "码与商品不符", "谨防假冒")
			a.saysNot(t, "立即领取")
			if got, err := s.scans.Sight(ctx, s.Batch.ID, 14); err != nil || got.BatchID != 0 {
				t.Error(got, err)
			}
			s.phone("gs1").get("/01/06901028075832/21/"+s.token(14)).says(t, 200, "未查询到此码") // wrong check digit
		})
		t.Run("voided, recalled and not activated", func(t *testing.T) {
			for _, r := range []code.Range{{From: 20, Until: 21, State: code.Voided, Reason: "印刷错误"}, {From: 21, Until: 22, State: code.Recalled, Reason: "瓶盖松动"}} {
				r.BatchID = s.Batch.ID
				if _, err := s.Codes.SetRange(ctx, r); err != nil {
					t.Fatal(err)
				}
			}
			late, err := s.Codes.CreateBatch(ctx, code.Batch{BrandID: s.Brand.ID, ProductID: s.Product.ID, Count: 10, Name: "次批"})
			if err != nil {
				t.Fatal(err)
			}
			p := s.phone("lin")
			p.get("/q/"+s.token(20)).says(t, 200, "已作废", "印刷错误", "400-000-0000")
			p.get("/q/"+s.token(21)).says(t, 200, "已召回", "瓶盖松动")
			tok, err := s.Codes.TokenOf(late.ID, 1)
			if err != nil {
				t.Fatal(err)
			}
			p.get("/q/"+tok).says(t, 200, "请联系购买的门店")
			for _, serial := range []int64{20, 21} {
				page := p.get("/privacy")
				if a := p.post(page, "/q/"+s.token(serial)+"/claim", nil); a.Code != 403 {
					t.Error(serial, a.Code)
				}
			}
		})
		t.Run("the daily limit is told before and after the tap", func(t *testing.T) {
			p := s.phone("greedy")
			for _, serial := range []int64{30, 31} {
				if a := p.claim(serial); a.Code != 303 {
					t.Fatal(a.Code, bare(a.Body.String()))
				}
			}
			p.get("/q/"+s.token(32)).says(t, 200, "首次验证", "今日已领 2/2，明天 0 点恢复")
			p.post(p.get("/privacy"), "/q/"+s.token(32)+"/claim", nil).says(t, 409, "今日已领 2/2", "正品")
		})
		t.Run("a blocked member sees the verdict and earns nothing", func(t *testing.T) {
			p := s.phone("thief")
			p.get("/q/" + s.token(40))
			if _, err := s.members.Block(ctx, s.memberOf("oa_thief")); err != nil {
				t.Fatal(err)
			}
			p.get("/q/"+s.token(41)).says(t, 200, "正品", "账号存在异常")
			p.post(p.get("/privacy"), "/q/"+s.token(41)+"/claim", nil).says(t, 403, "暂时不能领取")
			s.phone("honest").get("/q/"+s.token(41)).says(t, 200, "首次验证")
		})
		t.Run("two cities within minutes make the code abnormal", func(t *testing.T) {
			a, b := s.phone("sh"), s.phone("bj")
			b.ip = "39.0.0.1"
			a.get("/q/" + s.token(50))
			clk.Advance(20 * time.Minute)
			b.get("/q/"+s.token(50)).says(t, 200, "查验次数异常", "1067 公里的两地在 20 分钟内")
			a.get("/q/"+s.token(50)).says(t, 200, "您已验证过", "立即领取")
		})
		t.Run("before, after and while paused the campaign says so with dates", func(t *testing.T) {
			if _, err := s.Campaigns.Pause(ctx, s.Campaign.ID); err != nil {
				t.Fatal(err)
			}
			s.phone("lin").get("/q/"+s.token(60)).says(t, 200, "活动已暂停")
			s.phone("lin").get("/rules/"+s.Campaign.ID.String()).says(t, 200, "已暂停", "老井食品有限公司", "种子哈希", s.Campaign.SeedHash, "活动结束后公布", "每人每天最多 2 次", "现金红包")
			if _, err := s.Campaigns.Resume(ctx, s.Campaign.ID); err != nil {
				t.Fatal(err)
			}
			clk.Advance(300 * time.Hour)
			s.phone("new").get("/q/"+s.token(61)).says(t, 200, "已于 2026-12-01 12:00 结束", "仍可领取 10 积分", "立即领取")
			p := s.phone("new2")
			if a := p.claim(62); a.Code != 303 {
				t.Error(a.Code, bare(a.Body.String()))
			} else {
				p.get(a.Header().Get("Location")).says(t, 200, "获得 10 积分")
			}
		})
	})
}

// TestForged: arithmetic refuses forged tokens; the database is closed to prove it.
func TestForged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{})
		good := s.token(1)
		p := s.phone("lin")
		p.get("/q/" + s.token(2)) // has a session
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		forged := good[:15] + string("0123456789"[(strings.IndexByte("0123456789", good[15])+1)%10])
		for name, text := range map[string]string{"changed": forged, "other slot": "ZZ" + good[2:], "too short": "ABC", "letters of no alphabet": "UUUUUUUUUUUUUUUU", "other script": url.PathEscape("真的吗")} {
			for _, who := range []*phone{p, s.phone("anonymous")} {
				t.Run(name, func(t *testing.T) { who.get("/q/"+text).says(t, 200, "未查询到此码", "举报假货") })
			}
		}
		s.phone("x").get("/q/"+good).says(t, 500, "网络繁忙", "重试")
	})
}

func TestHostilePaths(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{})
		p := s.phone("x")
		for path, status := range map[string]int{
			"/q/" + url.PathEscape(`"><script>alert(1)</script>`): 404, // %2F is a slash: no such route
			"/q/" + url.PathEscape(`"><img src=x onerror=alert`):  200,
			"/q/{{.}}": 200, "/q/%00": 400, "/q/%ff": 400, "/q/" + strings.Repeat("A", 900): 200, "/q/" + strings.Repeat("A", 2000): 400,
			"/q/": 404, "/q": 404, "/q/..%2f..%2fetc": 404, "/packets/1%20OR%201=1": 404, "/rules/abc": 404, "/rules/1": 404, "/h5/../app.js": 404, "/h5/app.js": 404,
		} {
			a := p.get(path)
			a.says(t, status)
			a.saysNot(t, "<script>alert", "<img src=x")
			if !strings.Contains(a.Header().Get("Content-Type"), "html") && status != 400 && !strings.HasPrefix(path, "/h5") {
				t.Errorf("%s: a person got %s", path, a.Header().Get("Content-Type"))
			}
		}
		if s.count("person") != 1 { // the /packets path logs in; nothing else does
			t.Error(s.count("person"))
		}
	})
}

func TestGuessing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{})
		bot := s.phone("bot")
		bot.ua = cameraUA
		for range 30 {
			bot.get("/q/"+strings.Repeat("7", 16)).says(t, 200)
		}
		bot.get("/q/"+strings.Repeat("8", 16)).says(t, 429, "过于频繁")
		if status, _, code := bot.api("POST", "/api/v1/scan", "", map[string]string{"code": s.token(1)}); status != 429 || code != "too_many_guesses" {
			t.Error(status, code)
		}
		t.Run("people behind the same address who log in are served", func(t *testing.T) {
			lin := s.phone("lin")
			lin.ip = "31.0.0.2"
			lin.get("/q/" + s.token(1))
			lin.ip = bot.ip
			lin.get("/q/"+s.token(2)).says(t, 200, "首次验证")
		})
		clk.Advance(10 * time.Minute)
		bot.get("/q/"+s.token(3)).says(t, 200, "正品")
	})
}
