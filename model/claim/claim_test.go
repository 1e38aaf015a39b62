package claim_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

func TestMake(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := claimtest.New(t, d, clk, claimtest.Setup{})
		first, err := w.Claims.Make(ctx, w.Code(t, 1), claimtest.Who(1001))
		if err != nil || first.Again || first.Points < 10 {
			t.Fatalf("%+v %v", first, err)
		}
		t.Run("second tap returns the same claim", func(t *testing.T) {
			again, err := w.Claims.Make(ctx, w.Code(t, 1), claimtest.Who(1001))
			if err != nil || again.ID != first.ID || !again.Again {
				t.Fatalf("%+v %v", again, err)
			}
		})
		t.Run("somebody else learns when it was claimed", func(t *testing.T) {
			_, err := w.Claims.Make(ctx, w.Code(t, 1), claimtest.Who(1002))
			f := fault.Of(err)
			if f.Kind != fault.Conflict || f.Code != "code_claimed" || f.Detail["first_at"] != first.CreatedAt {
				t.Fatalf("%+v", f)
			}
		})
		t.Run("a visitor without a session claims nothing", func(t *testing.T) {
			if _, err := w.Claims.Make(ctx, w.Code(t, 2), claim.Who{}); fault.KindOf(err) != fault.Unauthenticated {
				t.Fatal(err)
			}
		})
		t.Run("a blocked member claims nothing, and the code stays free", func(t *testing.T) {
			w.People.Shut[66] = true
			if _, err := w.Claims.Make(ctx, w.Code(t, 2), claimtest.Who(66)); fault.Of(err).Code != "member_blocked" {
				t.Fatal(err)
			}
			if _, err := w.Claims.Make(ctx, w.Code(t, 2), claimtest.Who(67)); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("voided, recalled and sleeping codes give nothing", func(t *testing.T) {
			for i, state := range []string{code.Voided, code.Recalled} {
				serial := int64(500 + i)
				if _, err := w.Codes.SetRange(ctx, code.Range{BatchID: w.Batch.ID, From: serial, Until: serial + 1, State: state, Reason: "测试"}); err != nil {
					t.Fatal(err)
				}
				if err := w.Codes.Refresh(ctx); err != nil {
					t.Fatal(err)
				}
				if _, err := w.Claims.Make(ctx, w.Code(t, serial), claimtest.Who(7)); fault.Of(err).Code != state {
					t.Fatalf("%s: %v", state, err)
				}
			}
			sleeping := w.Code(t, 3)
			sleeping.State = code.Issued
			if _, err := w.Claims.Make(ctx, sleeping, claimtest.Who(7)); fault.Of(err).Code != "not_activated" {
				t.Fatal(err)
			}
		})
		t.Run("a paused campaign keeps the prize for later", func(t *testing.T) {
			if _, err := w.Campaigns.Pause(ctx, w.Campaign.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Claims.Make(ctx, w.Code(t, 4), claimtest.Who(9)); fault.Of(err).Code != "paused" {
				t.Fatal(err)
			}
			if _, err := w.Campaigns.Resume(ctx, w.Campaign.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Claims.Make(ctx, w.Code(t, 4), claimtest.Who(9)); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("a process that has not heard of a pause is stopped by the database", func(t *testing.T) {
			stale := campaign.New(d, w.Box, w.Ledger, w.Brands)
			if err := stale.Refresh(ctx); err != nil {
				t.Fatal(err)
			}
			claims := claim.New(d, stale, w.Packets, w.Points, w.Outbox, w.Scans, w.Products, w.Brands, w.People)
			if _, err := w.Campaigns.Pause(ctx, w.Campaign.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := claims.Make(ctx, w.Code(t, 5), claimtest.Who(9)); fault.Of(err).Code != "paused" {
				t.Fatal(err)
			}
			if _, err := w.Campaigns.Resume(ctx, w.Campaign.ID); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("after the end a scan still earns the product's points", func(t *testing.T) {
			if _, err := w.Campaigns.End(ctx, w.Campaign.ID); err != nil {
				t.Fatal(err)
			}
			c, err := w.Claims.Make(ctx, w.Code(t, 6), claimtest.Who(9))
			if err != nil || c.CampaignID != 0 || c.Points != 10 || c.CashFen != 0 {
				t.Fatalf("%+v %v", c, err)
			}
		})
		w.Audit(t)
	})
}

func TestCaps(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := claimtest.New(t, d, clk, claimtest.Setup{Edit: func(f *campaign.Form) { f.CapMemberDay, f.CapMember, f.CapTotal = 2, 3, 6 }})
		serial := int64(0)
		make := func(member id.ID) (claim.Claim, error) {
			serial++
			return w.Claims.Make(ctx, w.Code(t, serial), claimtest.Who(member))
		}
		expect := func(member id.ID, code string) {
			t.Helper()
			if _, err := make(member); (err == nil) != (code == "") || (err != nil && fault.Of(err).Code != code) {
				t.Fatalf("member %d: %v, want %q", member, err, code)
			}
		}
		expect(1, "")
		expect(1, "")
		expect(1, "cap_member_day")
		t.Run("the refused code is still free for another day", func(t *testing.T) {
			if seen, err := w.Claims.Look(ctx, scan.Observation{MemberID: 1, BatchID: w.Batch.ID, Serial: serial}, w.Campaign.ID); seen.UsedToday != 2 || err != nil {
				t.Fatal(seen.UsedToday, err)
			}
			clk.Advance(12*time.Hour + time.Millisecond) // noon + 12 h: the next day in Shanghai
			if _, err := w.Claims.Make(ctx, w.Code(t, serial), claimtest.Who(1)); err != nil {
				t.Fatal(err)
			}
		})
		expect(1, "cap_member")
		for m := id.ID(2); m <= 4; m++ {
			expect(m, "")
		}
		t.Run("a full campaign gives the product's points only", func(t *testing.T) {
			c, err := make(5)
			if err != nil || c.CampaignID != 0 || c.Points != 10 {
				t.Fatalf("%+v %v", c, err)
			}
		})
		t.Run("many taps at once never pass the cap", func(t *testing.T) {
			w := claimtest.New(t, dbtest.Open(t, d.Driver(), clk), clk, claimtest.Setup{Edit: func(f *campaign.Form) { f.CapMemberDay = 3 }})
			var won atomic.Int64
			var wg sync.WaitGroup
			for s := int64(1); s <= 12; s++ {
				c := w.Code(t, s)
				wg.Go(func() {
					if _, err := w.Claims.Make(ctx, c, claimtest.Who(1)); err == nil {
						won.Add(1)
					} else if fault.Of(err).Code != "cap_member_day" {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if won.Load() != 3 {
				t.Fatal(won.Load())
			}
			w.Audit(t)
		})
		w.Audit(t)
	})
}

func TestAHundredMembersClaimOneCodeAtOnce(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := claimtest.New(t, d, clk, claimtest.Setup{})
		c := w.Code(t, 1)
		var won, lost atomic.Int64
		var wg sync.WaitGroup
		for m := range id.ID(100) {
			wg.Go(func() {
				switch _, err := w.Claims.Make(ctx, c, claimtest.Who(m+1)); {
				case err == nil:
					won.Add(1)
				case fault.Of(err).Code == "code_claimed":
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 || lost.Load() != 99 {
			t.Fatalf("%d won, %d lost", won.Load(), lost.Load())
		}
		w.Audit(t)
	})
}

// A thousand codes, two thousand members, every code tried by two of them at once:
// every prize goes out exactly once and the sums are exact to the fen.
func TestAThousandCodesTwoThousandMembers(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := claimtest.New(t, d, clk, claimtest.Setup{})
		codes := make(chan [2]int64, 2000)
		for m := range int64(2000) {
			codes <- [2]int64{m%1000 + 1, m + 1}
		}
		close(codes)
		var won atomic.Int64
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for x := range codes {
					if _, err := w.Claims.Make(ctx, w.Code(t, x[0]), claimtest.Who(id.ID(x[1]))); err == nil {
						won.Add(1)
					} else if fault.Of(err).Code != "code_claimed" {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		if won.Load() != 1000 {
			t.Fatalf("%d claims of 1000 codes", won.Load())
		}
		c, err := w.Campaigns.Get(ctx, w.Campaign.ID)
		if err != nil || c.Claimed != 1000 || c.WonFen != c.SpendFen || c.WonFen != 500*188 {
			t.Fatalf("%d claimed, %d of %d fen, %v", c.Claimed, c.WonFen, c.SpendFen, err)
		}
		var tiers []struct {
			Tier int
			N    int64
		}
		if err := d.Read(ctx).Raw("SELECT tier, COUNT(*) AS n FROM claim GROUP BY tier ORDER BY tier").Scan(&tiers).Error; err != nil {
			t.Fatal(err)
		}
		for i, want := range []int64{500, 250, 250} {
			if tiers[i].N != want {
				t.Errorf("tier %d has %d winners, want %d", i+1, tiers[i].N, want)
			}
		}
		w.Audit(t)
	})
}
