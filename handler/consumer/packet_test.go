package consumer

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"siyu/handler/web"
	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/redpacket"
)

// allCash makes every code win 8.88 yuan.
var allCash = claimtest.Setup{Codes: 100, Tiers: []campaign.Tier{{Name: "幸运红包", Kind: campaign.Cash, Winners: 100, MinFen: 888, MaxFen: 888, TotalFen: 88800}}}

// TestPacketTexts: what a member reads in each state of a payout.
func TestPacketTexts(t *testing.T) {
	now := dbtest.Start
	merchant := brand.Account{AppID: "1900000001"}
	wait := redpacket.Payout{State: redpacket.Accepted, WaitUser: true, PackageInfo: "pkg", AppID: "wx1", MovedAt: now}
	for name, tc := range map[string]struct {
		pay   redpacket.Payout
		now   clock.Instant
		state string
		text  string
		poll  bool
	}{
		"waiting to be sent":        {redpacket.Payout{State: redpacket.Pending}, now, packetSending, "几秒内", true},
		"sending":                   {redpacket.Payout{State: redpacket.Sending}, now, packetSending, "几秒内", true},
		"put off by WeChat's limit": {redpacket.Payout{State: redpacket.Sending, NextAt: now.Add(time.Hour)}, now, packetSending, "预计 2026-11-21 13:00", true},
		"under review":              {redpacket.Payout{State: redpacket.Sending, Review: true}, now, packetSending, "正在核实", true},
		"to be confirmed":           {wait, now, packetConfirm, "请在 2026-11-22 12:00 前确认收款", true},
		"deadline passed, not told": {wait, now.Add(24 * time.Hour), packetSending, "等待微信的结果", true},
		"accepted without package":  {redpacket.Payout{State: redpacket.Accepted, WaitUser: true, MovedAt: now}, now, packetSending, "等待微信的结果", true},
		"red packet in the chat":    {redpacket.Payout{State: redpacket.Accepted, Rail: brand.RailRedpack, WaitUser: true, MovedAt: now}, now, packetSent, "回到微信聊天", true},
		"transfer not yet ready":    {redpacket.Payout{State: redpacket.Accepted, Rail: brand.RailTransfer, MovedAt: now}, now, packetSending, "等待微信的结果", true},
		"settled":                   {redpacket.Payout{State: redpacket.Settled}, now, packetSettled, "微信零钱", false},
		"returned":                  {redpacket.Payout{State: redpacket.Returned}, now, packetReturned, "超过 24 小时", false},
		"failed":                    {redpacket.Payout{State: redpacket.Failed}, now, packetFailed, "联系客服", false},
	} {
		t.Run(name, func(t *testing.T) {
			p := packet{AmountFen: 888}.with(tc.pay, merchant, tc.now)
			if p.State != tc.state || !strings.Contains(p.Text, tc.text) || (p.PollMs > 0) != tc.poll || p.Title == "" {
				t.Errorf("%+v", p)
			}
			if (p.Confirm != nil) != (tc.state == packetConfirm) || p.Confirm != nil && *p.Confirm != (confirm{"1900000001", "wx1", "pkg"}) {
				t.Errorf("%+v", p.Confirm)
			}
		})
	}
}

func TestPacketPage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		s := newSite(t, d, clk, allCash)
		lin := s.phone("lin")
		path := lin.claim(1).Header().Get("Location")
		lin.get(path).says(t, 200, "¥</small>8.88", "红包发放中", "幸运红包", `data-poll="`+path+`/state"`, `http-equiv="refresh"`)
		claimID, err := id.Parse(strings.TrimPrefix(path, "/packets/"))
		if err != nil {
			t.Fatal(err)
		}
		pay, err := s.Packets.OfClaim(ctx, claimID)
		if err != nil {
			t.Fatal(err)
		}
		if _, moved, err := s.Packets.Begin(ctx, pay.ID); err != nil || !moved {
			t.Fatal(moved, err)
		}
		apply := func(a redpacket.Answer) {
			t.Helper()
			if _, err := s.Packets.Apply(ctx, pay.ID, a, clk.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		apply(redpacket.Answer{Out: redpacket.OutAccepted, WaitUser: true, Package: "package-info", WechatNo: "W1"})
		t.Run("a transfer that waits shows button, deadline and what the bridge needs", func(t *testing.T) {
			lin.get(path).says(t, 200, "待确认收款", "去确认收款", "2026-11-22 12:00 前")
			lin.get("/packets").says(t, 200, "去确认收款", "2026-11-22 12:00 前")
			lin.get("/q/"+s.token(1)).says(t, 200, "去确认收款")
			status, data, _ := lin.api("GET", path+"/state", "", nil)
			if status != 200 || fmt.Sprint(data["confirm"]) != "map[app_id:"+claimtest.AppID+" mch_id:1900000001 package:package-info]" || data["poll_ms"].(float64) == 0 {
				t.Errorf("%d %+v", status, data)
			}
		})
		t.Run("on a computer there is no button but the way to the phone", func(t *testing.T) {
			lin.ua = desktopUA
			a := lin.get(path)
			a.says(t, 200, "请用手机微信打开本页确认收款")
			a.saysNot(t, "data-transfer")
			lin.ua = wechatUA
		})
		t.Run("settled is the end: amount, no button, no polling", func(t *testing.T) {
			apply(redpacket.Answer{Out: redpacket.OutSettled, WechatNo: "W1"})
			a := lin.get(path)
			a.says(t, 200, "已到账", "8.88")
			a.saysNot(t, "data-poll", "refresh")
			if status, data, _ := lin.api("GET", path+"/state", "", nil); status != 200 || data["poll_ms"].(float64) != 0 || data["confirm"] != nil {
				t.Errorf("%d %+v", status, data)
			}
		})
		t.Run("the state is nobody else's", func(t *testing.T) {
			if status, _, code := s.phone("x").api("GET", path+"/state", "", nil); status != 401 || code != "login" {
				t.Error(status, code)
			}
		})
	})
}

func TestMiniProgram(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, allCash)
		lin, wang := s.phone("lin"), s.phone("wang")
		lin.get("/privacy") // nothing yet
		h5 := s.phone("lin")
		h5.get("/packets") // the account knows lin, so the payout can reach the openid it pays to
		bearer, other := lin.miniLogin(), wang.miniLogin()
		address := map[string]string{"code": "HTTPS://Q.EXAMPLE.CN/Q/" + s.token(1)}
		t.Run("scan, claim, packets and points", func(t *testing.T) {
			status, data, _ := lin.api("POST", "/api/v1/scan", bearer, address)
			verdict := data["verdict"].(map[string]any)
			if status != 200 || verdict["state"] != "first" || data["can_claim"] != true || data["product"].(map[string]any)["name"] != "老井酱油 500ml" {
				t.Fatalf("%d %+v", status, data)
			}
			status, first, code := lin.api("POST", "/api/v1/claim", bearer, address, "Idempotency-Key", "k1")
			if status != 200 || first["amount_fen"].(float64) != 888 || first["state"] != packetSending {
				t.Fatalf("%d %s %+v", status, code, first)
			}
			_, again, _ := lin.api("POST", "/api/v1/claim", bearer, address, "Idempotency-Key", "k1")
			_, third, _ := lin.api("POST", "/api/v1/claim", bearer, address)
			if again["claim_id"] != first["claim_id"] || again["again"] != false || third["claim_id"] != first["claim_id"] || third["again"] != true {
				t.Errorf("%+v %+v %+v", first, again, third)
			}
			if status, _, code := lin.api("POST", "/api/v1/claim", bearer, map[string]string{"code": s.token(2)}, "Idempotency-Key", "k1"); status != 409 || code != "key_reused" {
				t.Error(status, code)
			}
			status, list, _ := lin.api("GET", "/api/v1/packets", bearer, nil)
			if rows := list["list"].([]any); status != 200 || len(rows) != 1 {
				t.Errorf("%d %+v", status, list)
			}
			status, one, _ := lin.api("GET", "/api/v1/packets/"+first["claim_id"].(string), bearer, nil)
			if status != 200 || one["claim_id"] != first["claim_id"] {
				t.Errorf("%d %+v", status, one)
			}
			status, pts, _ := lin.api("GET", "/api/v1/points", bearer, nil)
			if status != 200 || pts["balance"].(float64) != 10 {
				t.Errorf("%d %+v", status, pts)
			}
			if status, _, code := wang.api("GET", "/api/v1/packets/"+first["claim_id"].(string), other, nil); status != 404 {
				t.Error(status, code)
			}
		})
		t.Run("somebody else gets a conflict with the time of the first claim", func(t *testing.T) {
			a := wang.send("POST", "/api/v1/claim", `{"code":"`+s.token(1)+`"}`, "Authorization", "Bearer "+other)
			if a.Code != 409 || !strings.Contains(a.Body.String(), "code_claimed") || !strings.Contains(a.Body.String(), `"first_at":"2026-11-21T04:00:00.000Z"`) {
				t.Error(a.Code, a.Body)
			}
		})
		t.Run("who verified first has the reward, claimed or not", func(t *testing.T) {
			lin.api("POST", "/api/v1/scan", bearer, map[string]string{"code": s.token(3)})
			status, _, code := wang.api("POST", "/api/v1/claim", other, map[string]string{"code": s.token(3)})
			if status != 409 || code != "code_seen" {
				t.Error(status, code)
			}
		})
		t.Run("an unknown code is an answer to a scan and a fault to a claim", func(t *testing.T) {
			status, data, _ := lin.api("POST", "/api/v1/scan", bearer, map[string]string{"code": "https://evil.cn/q/0000000000000000"})
			if status != 200 || data["verdict"].(map[string]any)["state"] != "unknown" || data["product"] != nil {
				t.Errorf("%d %+v", status, data)
			}
			if status, _, code := lin.api("POST", "/api/v1/claim", bearer, map[string]string{"code": "nonsense"}); status != 404 || code != "code_unknown" {
				t.Error(status, code)
			}
		})
		t.Run("the API takes no cookie and no forged or old bearer", func(t *testing.T) {
			for _, b := range []string{"", "x.y.z", bearer + "x", strings.Repeat("a", 9000)} {
				if status, _, code := h5.api("POST", "/api/v1/claim", b, address); status != 401 || code != "login" {
					t.Errorf("%.20q: %d %s", b, status, code)
				}
			}
			clk.Advance(8 * 24 * time.Hour)
			if status, _, _ := lin.api("GET", "/api/v1/points", bearer, nil); status != 401 {
				t.Error(status)
			}
		})
		t.Run("bad input is a clear fault", func(t *testing.T) {
			bearer := lin.miniLogin()
			for body, want := range map[string]string{``: "bad_json", `{"code":5}`: "bad_field", `{"code":"` + strings.Repeat("A", 600) + `"}`: "bad_field", "{\"code\":\"\xff\"}": "bad_utf8"} {
				a := lin.send("POST", "/api/v1/claim", body, "Authorization", "Bearer "+bearer)
				if a.Code != 400 || !strings.Contains(a.Body.String(), want) {
					t.Errorf("%.30q: %d %s", body, a.Code, a.Body)
				}
			}
			for _, in := range []map[string]string{{"app_id": "wxnobody", "code": "x"}, {}} {
				if status, _, code := lin.api("POST", "/api/v1/login", "", in); status != 404 || code != "account_not_found" {
					t.Error(status, code)
				}
			}
			s.wechat.down = true
			if status, _, code := lin.api("POST", "/api/v1/login", "", map[string]string{"app_id": miniID, "code": "x"}); status != 503 || code != "wechat_login" {
				t.Error(status, code)
			}
			s.wechat.down = false
		})
	})
}

// TestAHundredTaps: everybody scans and taps at the same moment; the first verifier
// is the one claim.
func TestAHundredTaps(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, allCash)
		out := make(chan string)
		const n = 100
		visits := make([]visit, n)
		for i := range visits {
			p := s.phone(fmt.Sprint("p", i))
			p.get("/packets")
			visits[i] = visit{text: s.token(1), wechat: true, ip: "31.0.0.1", session: &web.Session{Member: s.memberOf(fmt.Sprint("oa_p", i)), AppID: claimtest.AppID, OpenID: fmt.Sprint("oa_p", i)}}
		}
		for _, v := range visits {
			go func() {
				_, err := s.h.claim(context.Background(), v)
				code := ""
				if err != nil {
					code = strings.SplitN(err.Error(), ":", 2)[0]
				}
				out <- code
			}()
		}
		codes := map[string]int{}
		for range visits {
			codes[<-out]++
		}
		if codes[""] != 1 || codes["code_seen"]+codes["code_claimed"] != n-1 || s.count("claim") != 1 || s.count("payout") != 1 {
			t.Error(codes, s.count("claim"))
		}
		made, _, err := s.Claims.ByCode(context.Background(), s.Batch.ID, 1)
		if err != nil {
			t.Fatal(err)
		}
		sight, err := s.scans.Sight(context.Background(), s.Batch.ID, 1)
		if err != nil || sight.FirstMember != made.MemberID || sight.Scans != n {
			t.Errorf("%+v %v, claimed by %d", sight, err, made.MemberID)
		}
		s.Audit(t)
	})
}
