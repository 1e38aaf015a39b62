package admin_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"siyu/model/campaign"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
)

// TestCampaignForALevel: an operator says who may take part, and is told what is wrong
// before anything is published.
func TestCampaignForALevel(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		batch := o.newBatch()
		form := func(level string) string {
			return strings.Replace(o.form("金卡专享", batch), `{"brand_id"`, `{"min_level":`+level+`,"brand_id"`, 1)
		}
		for level, want := range map[string]string{`-1`: "min_level", `20`: "min_level", `"金卡"`: "bad_field", `1.5`: "bad_field", `99999999999999999999`: "bad_field"} {
			if a := o.root.do("POST", "/campaigns", form(level)); a.Status != 400 || a.Error.Code != want {
				t.Errorf("min_level %s: %d %s", level, a.Status, a.Raw)
			}
		}
		c := o.must("POST", "/campaigns", form("1"))
		path := "/campaigns/" + c.ID.String()
		preview := func() (p campaign.Preview) {
			t.Helper()
			o.root.do("GET", path+"/preview", "").into(t, &p)
			return p
		}
		if p := preview(); len(p.Problems) != 1 || p.Problems[0].Code != "level" {
			t.Fatalf("a brand without levels: %+v", p.Problems)
		}
		tiers := "/brands/" + o.brand.ID.String() + "/tiers"
		o.root.do("PUT", tiers, fmt.Sprintf(tierBody, 0, 100)).into(t, &json.RawMessage{})
		clk.Advance(time.Minute)
		if a := o.root.do("POST", path+"/publish", `{"spend_fen":1000}`); a.Status != 400 || a.Error.Code != "campaign_problems" || !strings.Contains(a.Error.Message, "可参加会员专享活动") {
			t.Fatalf("a level without the privilege: %s", a.Raw)
		}
		open := strings.Replace(fmt.Sprintf(tierBody, 1, 100), `"name":"金卡",`, `"name":"金卡","campaigns":true,`, 1)
		o.root.do("PUT", tiers, open).into(t, &json.RawMessage{})
		if p := preview(); len(p.Problems) != 0 || p.Who != "金卡及以上会员" || p.SpendFen != 1000 {
			t.Fatalf("%+v", p)
		}
		var got campaign.Campaign
		o.root.do("POST", path+"/publish", `{"spend_fen":1000}`).into(t, &got)
		if got.MinLevel != 1 || got.LevelName != "金卡" {
			t.Fatalf("%+v", got)
		}
		o.root.do("GET", path, "").into(t, &got)
		if got.MinLevel != 1 || got.LevelName != "金卡" || !strings.Contains(got.Terms, `level 1 "金卡"`) {
			t.Fatalf("%+v", got)
		}
		if a := o.root.do("PUT", path, form("0")); a.Status != 409 || a.Error.Code != "campaign_state" {
			t.Fatal("a published campaign was opened to everybody", a.Raw)
		}
	})
}
