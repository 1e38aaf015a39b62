package campaign_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"siyu/model/campaign"
	"siyu/model/campaign/draw"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/money"
)

func codes(f *fault.Fault) string {
	list, ok := f.Detail["problems"].([]campaign.Problem)
	if !ok {
		return f.Code
	}
	out := []string{}
	for _, p := range list {
		out = append(out, p.Code)
	}
	return strings.Join(out, ",")
}

func TestPublishRefuses(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := claimtest.New(t, d, clk, claimtest.Setup{Unpublished: true})
		good := campaign.Form{BrandID: w.Brand.ID, Name: "开瓶有喜", FromAt: clk.Now(), UntilAt: clk.Now().Add(time.Hour), Organiser: "老井",
			Rules: "无需关注即可领取", AccountID: w.Merchant.ID, Scopes: []campaign.Scope{{BatchID: w.Batch.ID}},
			Tiers: []campaign.Tier{{Name: "红包", Kind: campaign.Cash, Winners: 10, MinFen: 100, MaxFen: 100}}}
		for want, edit := range map[string]func(*campaign.Form){
			"tiers":     func(f *campaign.Form) { f.Tiers = nil },
			"winners":   func(f *campaign.Form) { f.Tiers[0].Winners = 0 },
			"total":     func(f *campaign.Form) { f.Tiers[0].MaxFen, f.Tiers[0].TotalFen = 200, 2001 },
			"rail":      func(f *campaign.Form) { f.Tiers[0].MinFen, f.Tiers[0].MaxFen = 9, 9 },
			"account":   func(f *campaign.Form) { f.AccountID = 0 },
			"window":    func(f *campaign.Form) { f.UntilAt = f.FromAt },
			"organiser": func(f *campaign.Form) { f.Organiser = " " },
			"rules":     func(f *campaign.Form) { f.Rules = "" },
			"induce":    func(f *campaign.Form) { f.Rules = "关注公众号即可领取红包" },
			"scopes":    func(f *campaign.Form) { f.Scopes = nil },
		} {
			f := good
			f.Tiers = append([]campaign.Tier{}, good.Tiers...)
			edit(&f)
			c, err := w.Campaigns.Create(ctx, f)
			if err != nil {
				t.Fatalf("%s: %v", want, err)
			}
			_, err = w.Campaigns.Publish(ctx, c.ID, 0)
			if got := codes(fault.Of(err)); !strings.Contains(got, want) {
				t.Errorf("want %s, got %s (%v)", want, got, err)
			}
		}
		t.Run("a top prize over 50,000 yuan", func(t *testing.T) {
			f := good
			f.Tiers = []campaign.Tier{{Name: "大奖", Kind: campaign.Cash, Winners: 1, MinFen: 5_000_001, MaxFen: 5_000_001}}
			c, err := w.Campaigns.Create(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Campaigns.Publish(ctx, c.ID, 5_000_001); !strings.Contains(codes(fault.Of(err)), "max_prize") {
				t.Fatal(err)
			}
		})
		t.Run("a reward that requires a follow cannot even be saved", func(t *testing.T) {
			f := good
			f.Requires = []string{"关注"}
			if _, err := w.Campaigns.Create(ctx, f); fault.Of(err).Code != "requires" {
				t.Fatal(err)
			}
		})
		t.Run("another spend than the operator saw", func(t *testing.T) {
			c, err := w.Campaigns.Create(ctx, good)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Campaigns.Publish(ctx, c.ID, 999); fault.Of(err).Code != "spend_changed" {
				t.Fatal(err)
			}
			p, err := w.Campaigns.Preview(ctx, c.ID)
			if err != nil || p.SpendFen != 1000 || p.Codes != 1000 || len(p.Problems) != 0 || len(p.Odds) != 2 || p.Odds[0].Odds != "1/100" {
				t.Fatalf("%+v %v", p, err)
			}
			if _, err := w.Campaigns.Publish(ctx, c.ID, p.SpendFen); err != nil {
				t.Fatal(err)
			}
			again, err := w.Campaigns.Publish(ctx, c.ID, p.SpendFen)
			if err != nil || again.State != campaign.Published {
				t.Fatal("publishing twice must be one publication", err)
			}
			if n, _ := w.Ledger.Balance(ctx, ledger.Fen, ledger.Account{Kind: ledger.Reserved, Owner: c.ID}); n != 1000 {
				t.Fatal("reserved", n)
			}
			if _, err := w.Campaigns.Update(ctx, c.ID, good); fault.Of(err).Code != "campaign_state" {
				t.Fatal(err)
			}
			t.Run("and then a second campaign over the same codes", func(t *testing.T) {
				c2, err := w.Campaigns.Create(ctx, good)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.Campaigns.Publish(ctx, c2.ID, 1000); !strings.Contains(codes(fault.Of(err)), "overlap") {
					t.Fatal(err)
				}
			})
		})
		t.Run("malformed drafts with a clear text", func(t *testing.T) {
			for want, edit := range map[string]func(*campaign.Form){
				"name":  func(f *campaign.Form) { f.Name = "" },
				"rules": func(f *campaign.Form) { f.Rules = "a\xffb" },
				"tiers": func(f *campaign.Form) { f.Tiers = []campaign.Tier{{Name: "x", Kind: "car"}} },
				"cap":   func(f *campaign.Form) { f.CapMember = -1 },
				"scopes": func(f *campaign.Form) {
					f.Scopes = []campaign.Scope{{BatchID: w.Batch.ID, FromSerial: 10, UntilSerial: 2000}}
				},
				"account_id": func(f *campaign.Form) { f.AccountID = w.Official.ID },
				"from_at":    func(f *campaign.Form) { f.FromAt = -5 },
			} {
				f := good
				edit(&f)
				if _, err := w.Campaigns.Create(ctx, f); fault.Of(err).Code != want || fault.KindOf(err) != fault.Invalid {
					t.Errorf("want %s, got %v", want, err)
				}
			}
			f := good
			f.Scopes = []campaign.Scope{{BatchID: w.Batch.ID, FromSerial: 1, UntilSerial: 11}, {BatchID: w.Batch.ID, FromSerial: 10, UntilSerial: 20}}
			if _, err := w.Campaigns.Create(ctx, f); fault.Of(err).Code != "scopes" {
				t.Error(err)
			}
			f = good
			f.Tiers = []campaign.Tier{{Name: "x", Kind: campaign.Cash, Winners: 1, MinFen: -1, MaxFen: money.Max + 1}}
			if _, err := w.Campaigns.Create(ctx, f); fault.Of(err).Code != "tiers" {
				t.Error(err)
			}
		})
	})
}

func TestTwoPublishersAtOnce(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := claimtest.New(t, d, clk, claimtest.Setup{Unpublished: true})
		drafts := []id.ID{w.Campaign.ID}
		for range 3 {
			c, err := w.Campaigns.Create(ctx, campaign.Form{BrandID: w.Brand.ID, Name: "抢发", FromAt: clk.Now(), UntilAt: clk.Now().Add(time.Hour), Organiser: "老井",
				Rules: "规则", AccountID: w.Merchant.ID, Scopes: []campaign.Scope{{ProductID: w.Product.ID}}, Tiers: claimtest.Tiers(1000)})
			if err != nil {
				t.Fatal(err)
			}
			drafts = append(drafts, c.ID)
		}
		var won atomic.Int64
		var wg sync.WaitGroup
		for _, c := range drafts {
			wg.Go(func() {
				if _, err := w.Campaigns.Publish(ctx, c, 94000); err == nil {
					won.Add(1)
				} else if fault.Of(err).Code != "campaign_problems" {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d campaigns share the same codes", won.Load())
		}
	})
}

func TestSealAndReveal(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := claimtest.New(t, d, clk, claimtest.Setup{Codes: 200})
		var sealed []byte
		if err := d.Read(ctx).Raw("SELECT seed FROM campaign WHERE id = ?", w.Campaign.ID).Row().Scan(&sealed); err != nil {
			t.Fatal(err)
		}
		won := map[int64]string{}
		for s := int64(1); s <= 50; s++ {
			c, err := w.Claims.Make(ctx, w.Code(t, s), claimtest.Who(id.ID(s)))
			if err != nil {
				t.Fatal(err)
			}
			won[s] = c.Kind + c.CashFen.Yuan()
		}
		shown, err := json.Marshal(w.Campaigns.For(ctx, w.Batch.ID, 1, clk.Now()))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Campaigns.Pause(ctx, w.Campaign.ID); err != nil {
			t.Fatal(err)
		}
		c, err := w.Campaigns.End(ctx, w.Campaign.ID)
		if err != nil || c.SeedRevealed == "" {
			t.Fatal(c.SeedRevealed, err)
		}
		seed, err := hex.DecodeString(c.SeedRevealed)
		if err != nil {
			t.Fatal(err)
		}
		t.Run("before the end neither the row nor the offer holds the seed", func(t *testing.T) {
			if bytes.Contains(sealed, seed) || strings.Contains(string(shown), c.SeedRevealed) {
				t.Fatal("the seed lay open")
			}
		})
		t.Run("after the end anyone recomputes every prize that was claimed", func(t *testing.T) {
			for s, got := range won {
				p, err := campaign.Recompute(c, c.SeedRevealed, w.Batch.ID, s)
				if err != nil || p.Tier.Kind+p.AmountFen.Yuan() != got {
					t.Fatalf("serial %d: %+v, claimed %s, %v", s, p, got, err)
				}
			}
		})
		t.Run("the public terms and the seed are enough, and a changed letter is noticed", func(t *testing.T) {
			p, err := campaign.ParseTerms(c.Terms)
			if err != nil {
				t.Fatal(err)
			}
			p.SeedHash = c.SeedHash
			got, err := campaign.Recompute(p, c.SeedRevealed, w.Batch.ID, 7)
			if err != nil || got.Tier.Kind+got.AmountFen.Yuan() != won[7] {
				t.Fatalf("%+v %v, claimed %s", got, err, won[7])
			}
			for _, bad := range []string{"", "siyu-draw-2" + c.Terms[11:], c.Terms + "tier 9\n", strings.Replace(c.Terms, "winners 1", "winners 01", 1)} {
				if _, err := campaign.ParseTerms(bad); fault.Of(err).Code != "terms" {
					t.Errorf("accepted %q", bad)
				}
			}
		})
		t.Run("terms that somebody made up end with a fault, not in a walk without end", func(t *testing.T) {
			for _, from := range []string{"from -5", "from 999"} {
				text := strings.Replace(c.Terms, "from 0", from, 1)
				p, err := campaign.ParseTerms(text)
				if err != nil {
					continue
				}
				p.SeedHash = draw.Commit(seed, text)
				if _, err := campaign.Recompute(p, c.SeedRevealed, w.Batch.ID, 1); fault.Of(err).Code != "terms" {
					t.Fatal(err)
				}
			}
		})
		t.Run("another seed or changed terms do not match the hash", func(t *testing.T) {
			if _, err := campaign.Recompute(c, strings.Repeat("00", 32), w.Batch.ID, 1); fault.Of(err).Code != "seed_hash" {
				t.Fatal(err)
			}
			forged := c
			forged.Tiers = append([]campaign.Tier{}, c.Tiers...)
			forged.Tiers[0].Winners++
			if _, err := campaign.Recompute(forged, c.SeedRevealed, w.Batch.ID, 1); fault.Of(err).Code != "seed_hash" {
				t.Fatal(err)
			}
		})
		t.Run("ending twice releases once", func(t *testing.T) {
			if _, err := w.Campaigns.End(ctx, w.Campaign.ID); err != nil {
				t.Fatal(err)
			}
			w.Audit(t)
		})
		t.Run("a campaign whose time is over ends by itself", func(t *testing.T) {
			w := claimtest.New(t, dbtest.Open(t, d.Driver(), clk), clk, claimtest.Setup{Codes: 40})
			if n, err := w.Campaigns.EndDue(ctx, clk.Now()); n != 0 || err != nil {
				t.Fatal(n, err)
			}
			clk.Advance(241 * time.Hour)
			if n, err := w.Campaigns.EndDue(ctx, clk.Now()); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			w.Audit(t)
		})
	})
}
