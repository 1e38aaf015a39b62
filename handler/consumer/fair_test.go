package consumer

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"siyu/model/campaign"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
)

// TestFair follows a consumer who does not believe the draw: what the pages show after
// the end is all that is needed to recompute the prize of the own code.
func TestFair(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{})
		lin, rules := s.phone("lin"), "/rules/"+s.Campaign.ID.String()
		path := lin.claim(1).Header().Get("Location")
		open := lin.get(path)
		open.says(t, 200, s.Campaign.Name, rules, "活动主办")
		open.saysNot(t, "抽奖核对", "序号")
		if _, err := s.Campaigns.End(context.Background(), s.Campaign.ID); err != nil {
			t.Fatal(err)
		}
		page, packet := lin.get(rules), lin.get(path)
		page.says(t, 200, s.Campaign.SeedHash, rules+"/terms")
		seed := regexp.MustCompile(`种子</dt><dd class="mono">([0-9a-f]{64})<`).FindStringSubmatch(page.Body.String())
		place := regexp.MustCompile(`批次 (\d+) 序号 (\d+)<`).FindStringSubmatch(packet.Body.String())
		if seed == nil || place == nil {
			t.Fatalf("seed %v, place %v:\n%s", seed, place, bare(packet.Body.String()))
		}
		text := lin.get(rules + "/terms")
		text.says(t, 200)
		if kind := text.Header().Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") {
			t.Error(kind)
		}
		c, err := campaign.ParseTerms(text.Body.String())
		if err != nil {
			t.Fatal(err)
		}
		c.SeedHash = s.Campaign.SeedHash
		batchID, err := id.Parse(place[1])
		if err != nil {
			t.Fatal(err)
		}
		serial, err := strconv.ParseInt(place[2], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		prize, err := campaign.Recompute(c, seed[1], batchID, serial)
		if err != nil {
			t.Fatal(err)
		}
		made, _, err := s.Claims.ByCode(context.Background(), s.Batch.ID, 1)
		if err != nil || prize.AmountFen != made.CashFen || prize.Tier.Points+10 != made.Points {
			t.Errorf("recomputed %+v, claimed %+v %v", prize, made, err)
		}
		lin.get("/rules/1/terms").says(t, 404, "没有找到")
	})
}

// TestBlank: a code that won nothing says so, once and plainly.
func TestBlank(t *testing.T) {
	p := packet{Kind: campaign.Nothing, Prize: "好运在下一瓶"}.without()
	if p.State != packetWon || p.Title != "好运在下一瓶" || !strings.Contains(p.Text, "没有中奖") || p.PollMs != 0 {
		t.Errorf("%+v", p)
	}
}
