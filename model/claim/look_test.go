package claim_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/campaign"
	"siyu/model/claim"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/scan"
)

func observed(c code.Code, member id.ID) scan.Observation {
	return scan.Observation{BrandID: c.BrandID, ProductID: c.ProductID, BatchID: c.BatchID, Serial: c.Serial, CodeState: c.State, MemberID: member, IP: "31.0.0.1"}
}

func TestMakeSeen(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := claimtest.New(t, d, clk, claimtest.Setup{Edit: func(f *campaign.Form) { f.CapMemberDay = 3 }})
		make := func(serial int64, member id.ID) (claim.Claim, error) {
			c := w.Code(t, serial)
			return w.Claims.MakeSeen(ctx, c, claimtest.Who(member), observed(c, member))
		}
		known := func(serial int64) scan.Sight {
			s, err := w.Scans.Sight(ctx, w.Batch.ID, serial)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		refused := func(serial int64, member id.ID, want string) {
			t.Helper()
			if c, err := make(serial, member); err == nil || fault.Of(err).Code != want {
				t.Errorf("%+v %v, want %s", c, err, want)
			}
		}
		t.Run("the look is stored with the claim and is the first verification", func(t *testing.T) {
			if _, err := make(1, 11); err != nil {
				t.Fatal(err)
			}
			if s := known(1); s.FirstMember != 11 || s.Scans != 1 {
				t.Errorf("%+v", s)
			}
			if c, err := make(1, 11); err != nil || !c.Again || known(1).Scans != 1 {
				t.Error("a second tap is the same claim and the same look:", c, err, known(1))
			}
		})
		t.Run("a code that somebody else verified first is kept for him", func(t *testing.T) {
			c := w.Code(t, 2)
			if _, err := w.Scans.Record(ctx, observed(c, 21)); err != nil {
				t.Fatal(err)
			}
			clk.Advance(time.Minute)
			refused(2, 22, "code_seen")
			if s := known(2); s.FirstMember != 21 || s.Others != 1 {
				t.Errorf("%+v", s)
			}
			if _, err := make(2, 21); err != nil {
				t.Error(err)
			}
			refused(2, 22, "code_claimed")
		})
		t.Run("a refused claim leaves its look", func(t *testing.T) {
			if _, err := w.Campaigns.Pause(ctx, w.Campaign.ID); err != nil {
				t.Fatal(err)
			}
			refused(3, 31, "paused")
			if _, err := w.Campaigns.Resume(ctx, w.Campaign.ID); err != nil {
				t.Fatal(err)
			}
			if s := known(3); s.FirstMember != 31 {
				t.Errorf("%+v", s)
			}
			for serial := int64(4); serial < 7; serial++ {
				if _, err := make(serial, 41); err != nil {
					t.Fatal(err)
				}
			}
			refused(7, 41, "cap_member_day")
			if s := known(7); s.FirstMember != 41 {
				t.Errorf("%+v", s)
			}
		})
		t.Run("a process that has not heard of a pause stores the look, too", func(t *testing.T) {
			stale := campaign.New(d, w.Box, w.Ledger, w.Brands)
			if err := stale.Refresh(ctx); err != nil {
				t.Fatal(err)
			}
			claims := claim.New(d, stale, w.Packets, w.Points, w.Outbox, w.Scans, w.Products, w.Brands, w.People)
			if _, err := w.Campaigns.Pause(ctx, w.Campaign.ID); err != nil {
				t.Fatal(err)
			}
			c := w.Code(t, 8)
			if _, err := claims.MakeSeen(ctx, c, claimtest.Who(51), observed(c, 51)); fault.Of(err).Code != "paused" || known(8).FirstMember != 51 {
				t.Error(err, known(8))
			}
			if _, err := w.Campaigns.Resume(ctx, w.Campaign.ID); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("a blocked member's look takes nothing from anybody", func(t *testing.T) {
			w.People.Shut[61] = true
			refused(9, 61, "member_blocked")
			if s := known(9); s.FirstMember != 0 || s.BatchID == 0 {
				t.Errorf("%+v", s)
			}
			if _, err := make(9, 62); err != nil {
				t.Error(err)
			}
		})
		w.Audit(t)
	})
}

// Two processes claim the same codes for many members at the same moment: each code is
// claimed once, by the member who verified it first, and every look is counted.
func TestMakeSeenInTwoProcesses(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		const codes, members = 12, 8
		w := claimtest.New(t, d, clk, claimtest.Setup{})
		second := claim.New(d, w.Campaigns, w.Packets, w.Points, w.Outbox, scan.New(d, nil), w.Products, w.Brands, w.People)
		var wg sync.WaitGroup
		for m := range id.ID(members) {
			for n := range int64(codes) {
				serial, claims := 1+n, w.Claims
				if m%2 == 0 { // the other process begins at the far end
					serial, claims = codes-n, second
				}
				c := w.Code(t, serial)
				wg.Go(func() {
					_, err := claims.MakeSeen(ctx, c, claimtest.Who(100+m), observed(c, 100+m))
					if err != nil && fault.Of(err).Code != "code_seen" && fault.Of(err).Code != "code_claimed" {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		for serial := int64(1); serial <= codes; serial++ {
			c, found, err := w.Claims.ByCode(ctx, w.Batch.ID, serial)
			s, err2 := w.Scans.Sight(ctx, w.Batch.ID, serial)
			if err != nil || err2 != nil || !found || c.MemberID != s.FirstMember || s.Scans != members {
				t.Errorf("code %d: claimed by %d, first seen by %d, %d scans; %v %v", serial, c.MemberID, s.FirstMember, s.Scans, err, err2)
			}
		}
		w.Audit(t)
	})
}

// A seed that no master key opens stops the claims of its campaign and of no other.
func TestSealedSeed(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := claimtest.New(t, d, clk, claimtest.Setup{})
		batch, err := w.Codes.CreateBatch(ctx, code.Batch{BrandID: w.Brand.ID, ProductID: w.Product.ID, Count: 10, Name: "次批"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Codes.SetRange(ctx, code.Range{BatchID: batch.ID, From: 1, Until: 11, State: code.Activated}); err != nil {
			t.Fatal(err)
		}
		other, err := w.Campaigns.Create(ctx, campaign.Form{BrandID: w.Brand.ID, Name: "另一个", FromAt: clk.Now().Add(-time.Hour), UntilAt: clk.Now().Add(time.Hour),
			Organiser: "老井食品有限公司", Rules: "每码一次", Tiers: []campaign.Tier{{Name: "积分", Kind: campaign.Points, Winners: 10, Points: 5}}, Scopes: []campaign.Scope{{BatchID: batch.ID}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Campaigns.Publish(ctx, other.ID, 0); err != nil {
			t.Fatal(err)
		}
		if err := d.InTx(ctx, func(tx *gorm.DB) error {
			return tx.Exec("UPDATE campaign SET seed = ? WHERE id = ?", []byte("not a seed"), w.Campaign.ID).Error
		}); err != nil {
			t.Fatal(err)
		}
		restarted := campaign.New(d, w.Box, w.Ledger, w.Brands)
		if err := restarted.Refresh(ctx); err != nil {
			t.Fatal(err)
		}
		claims := claim.New(d, restarted, w.Packets, w.Points, w.Outbox, w.Scans, w.Products, w.Brands, w.People)
		if _, err := claims.Make(ctx, w.Code(t, 1), claimtest.Who(1)); fault.Of(err).Code != "campaign_sealed" || fault.KindOf(err) != fault.Unavailable {
			t.Error(err)
		}
		c := w.Code(t, 1)
		c.BatchID = batch.ID
		if made, err := claims.Make(ctx, c, claimtest.Who(1)); err != nil || made.Points != 15 {
			t.Error(made, err)
		}
	})
}
