package claim_test

import (
	"context"
	"testing"

	"siyu/model/campaign"
	"siyu/model/claim"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/scan"
)

// ranks are the members' levels, of a brand with 普通会员, 银卡会员 and 金卡会员.
type ranks struct {
	of    map[id.ID]int
	gone  id.ID
	asked int
}

func (r *ranks) Rung(_ context.Context, _ id.ID, level int) (string, bool, error) {
	return []string{"普通会员", "银卡会员", "金卡会员"}[level], true, nil
}

func (r *ranks) Reaches(_ context.Context, _, memberID id.ID, level int, name string) (bool, error) {
	r.asked++
	if memberID == r.gone {
		return false, fault.New(fault.NotFound, "member_not_found", "没有这个会员")
	}
	return name == "金卡会员" && r.of[memberID] >= level, nil
}

func TestLevelNeeded(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		levels := &ranks{of: map[id.ID]int{1001: 2, 1002: 1}, gone: 404}
		w := claimtest.New(t, d, clk, claimtest.Setup{Unpublished: true, Edit: func(f *campaign.Form) { f.MinLevel = 2 }})
		w.Campaigns.UseLevels(levels)
		var err error
		if w.Campaign, err = w.Campaigns.Publish(ctx, w.Campaign.ID, 94000); err != nil {
			t.Fatal(err)
		}
		look := func(serial int64, m id.ID) scan.Observation {
			return scan.Observation{BrandID: w.Brand.ID, ProductID: w.Product.ID, BatchID: w.Batch.ID, Serial: serial, CodeState: scan.Activated, MemberID: m}
		}
		refused := func(serial int64, m id.ID) {
			t.Helper()
			_, err := w.Claims.MakeSeen(ctx, w.Code(t, serial), claimtest.Who(m), look(serial, m))
			f := fault.Of(err)
			if f.Kind != fault.Forbidden || f.Code != "level_needed" || f.Text != "本活动限金卡及以上会员" || f.Detail["level"] != "金卡会员" {
				t.Fatalf("%+v", f)
			}
			if _, claimed, err := w.Claims.ByCode(ctx, w.Batch.ID, serial); claimed || err != nil {
				t.Fatal("the code is used up", err)
			}
		}
		t.Run("nobody knows levels: nobody has one", func(t *testing.T) { refused(1, 1001) })
		w.Claims.UseLevels(levels)
		t.Run("who has reached the level claims, and keeps the claim when he loses it", func(t *testing.T) {
			made, err := w.Claims.Make(ctx, w.Code(t, 1), claimtest.Who(1001))
			if err != nil || made.CampaignID != w.Campaign.ID {
				t.Fatalf("%+v %v", made, err)
			}
			levels.of[1001] = 0
			again, err := w.Claims.Make(ctx, w.Code(t, 1), claimtest.Who(1001))
			if err != nil || again.ID != made.ID || !again.Again {
				t.Fatalf("%+v %v", again, err)
			}
			levels.of[1001] = 2
		})
		t.Run("who has not leaves the code and the campaign untouched, and claims it when he has", func(t *testing.T) {
			before, err := w.Campaigns.Get(ctx, w.Campaign.ID)
			if err != nil {
				t.Fatal(err)
			}
			refused(2, 1002)
			after, err := w.Campaigns.Get(ctx, w.Campaign.ID)
			if err != nil || after.Claimed != before.Claimed || after.WonFen != before.WonFen {
				t.Fatalf("%+v %v", after, err)
			}
			if s, err := w.Scans.Sight(ctx, w.Batch.ID, 2); err != nil || s.FirstMember != 1002 {
				t.Fatalf("his look is lost: %+v %v", s, err)
			}
			levels.of[1002] = 2
			if _, err := w.Claims.Make(ctx, w.Code(t, 2), claimtest.Who(1002)); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("a member that is gone has no level", func(t *testing.T) { refused(3, 404) })
		t.Run("a code that somebody else claimed says so, whatever the level", func(t *testing.T) {
			if _, err := w.Claims.Make(ctx, w.Code(t, 1), claimtest.Who(1003)); fault.Of(err).Code != "code_claimed" {
				t.Fatal(err)
			}
		})
		t.Run("after the end the product's points are everybody's", func(t *testing.T) {
			if _, err := w.Campaigns.End(ctx, w.Campaign.ID); err != nil {
				t.Fatal(err)
			}
			if made, err := w.Claims.Make(ctx, w.Code(t, 4), claimtest.Who(1003)); err != nil || made.CampaignID != 0 || made.Points != 10 {
				t.Fatalf("%+v %v", made, err)
			}
		})
		w.Audit(t)
	})
}

func TestLevelsAreNotAskedForAnOfferToEverybody(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		levels := &ranks{}
		w := claimtest.New(t, d, clk, claimtest.Setup{})
		w.Claims.UseLevels(levels)
		if _, err := w.Claims.Make(context.Background(), w.Code(t, 1), claimtest.Who(1001)); err != nil || levels.asked != 0 {
			t.Fatal(levels.asked, err)
		}
	})
}

var _ claim.Levels = (*ranks)(nil)
