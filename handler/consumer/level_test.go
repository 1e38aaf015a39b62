package consumer

import (
	"context"
	"testing"
	"time"

	"siyu/model/campaign"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/tier"
)

// TestCampaignOfALevel: who may take part learns it before he taps, and the code waits for
// him until he may.
func TestCampaignOfALevel(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		s := newSite(t, d, clk, claimtest.Setup{Unpublished: true, Edit: func(f *campaign.Form) { f.MinLevel = 1 }})
		_, err := s.tiers.Save(ctx, tier.Table{BrandID: s.Brand.ID, Down: tier.DownOne, Grow: []tier.Grow{{On: tier.OnOrder, Growth: 1}}, Levels: []tier.Level{
			{Name: "普通会员", MultiplierBP: 10_000}, {Name: "金卡会员", Threshold: 100, MultiplierBP: 10_000, Campaigns: true}}})
		s.must(err)
		_, err = s.Campaigns.Publish(ctx, s.Campaign.ID, 94000)
		s.must(err)
		clk.Advance(time.Minute)

		lin, camera := s.phone("lin"), s.phone("camera")
		camera.ua = cameraUA
		path := "/q/" + s.token(1)
		t.Run("the page says it beforehand, offers no button, and shows the way", func(t *testing.T) {
			page := lin.get(path)
			page.says(t, 200, "首次验证", "会员专享活动", "本活动限金卡及以上会员", `href="/tier"`, "规则与中奖概率")
			page.saysNot(t, "立即领取")
			camera.get("/q/"+s.token(2)).says(t, 200, "用微信扫一扫", "本活动限金卡及以上会员")
		})
		t.Run("the level is read only for who could claim otherwise", func(t *testing.T) {
			lin.get("/q/" + s.token(5))
			reads := dbtest.Watch(t, d)
			lin.get("/q/" + s.token(5) + "?wx=done")
			if got := reads.Plain(); len(got) != 5 { // two of the human, the table, the growth
				t.Errorf("%d reads, want 5: %q", len(got), got)
			}
			reads.Reset()
			camera.get("/q/" + s.token(2))
			if got := reads.Plain(); len(got) != 1 {
				t.Errorf("a stranger's look: %d reads, want 1: %q", len(got), got)
			}
		})
		t.Run("the rules say who may take part", func(t *testing.T) {
			lin.get("/rules/"+s.Campaign.ID.String()).says(t, 200, "参加对象", "金卡及以上会员", `href="/tier"`)
			lin.get("/rules/"+s.Campaign.ID.String()+"/terms").says(t, 200, `level 1 "金卡会员"`)
		})
		bearer := lin.miniLogin()
		t.Run("the API says the same", func(t *testing.T) {
			status, data, _ := lin.api("POST", "/api/v1/scan", bearer, map[string]string{"code": s.token(3)})
			reward := data["verdict"].(map[string]any)["reward"].(map[string]any)
			offer := data["campaign"].(map[string]any)
			if status != 200 || data["can_claim"] != false || reward["state"] != "level" || offer["who"] != "金卡及以上会员" || offer["min_level"] != 1.0 {
				t.Error(status, data)
			}
			if status, _, code := lin.api("POST", "/api/v1/claim", bearer, map[string]string{"code": s.token(3)}); status != 403 || code != "level_needed" {
				t.Error(status, code)
			}
		})
		t.Run("a tap all the same is refused in words, and uses nothing up", func(t *testing.T) {
			lin.post(lin.get("/privacy"), path+"/claim", nil).says(t, 403, "本活动限金卡及以上会员")
			if n := s.count("claim") + s.count("payout"); n != 0 {
				t.Error(n, "rows")
			}
		})
		t.Run("whose session outlived his membership is asked to log in", func(t *testing.T) {
			wang := s.phone("wang")
			gone := wang.miniLogin()
			s.mustExec("UPDATE member SET state = 'erased' WHERE id = ?", s.memberOf("mini_wang"))
			if status, _, code := wang.api("POST", "/api/v1/claim", gone, map[string]string{"code": s.token(4)}); status != 401 || code != "login" {
				t.Error(status, code)
			}
		})
		s.must(s.tiers.Grow(ctx, tier.Fact{Key: "o1", BrandID: s.Brand.ID, MemberID: s.memberOf("oa_lin"), On: tier.OnOrder, AmountFen: 10_000, Memo: "购物"}))
		t.Run("who has reached the level meanwhile claims the same code", func(t *testing.T) {
			lin.get(path).says(t, 200, "立即领取")
			if a := lin.claim(1); a.Code != 303 {
				t.Error(a.Code, bare(a.Body.String()))
			}
			lin.get(path).says(t, 200, "您已领取")
		})
	})
}
