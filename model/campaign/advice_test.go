package campaign_test

import (
	"context"
	"encoding/hex"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"siyu/model/campaign"
	"siyu/model/campaign/draw"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

// purse is a merchant's account with one yuan in it.
type purse struct{ at clock.Instant }

func (p purse) Balance(context.Context, id.ID) (money.Fen, clock.Instant, bool, error) {
	return 100, p.at, true, nil
}

func (k *desk) check() map[string]campaign.Finding {
	k.t.Helper()
	list, err := k.Campaigns.Check(context.Background(), k.c.ID)
	k.ok(err)
	out := map[string]campaign.Finding{}
	for i, f := range list {
		out[f.Code] = f
		if f.Level != campaign.OK && (f.Text == "" || f.Cure == "") {
			k.t.Errorf("%+v does not say what to do", f)
		}
		if i > 0 && f.Level == campaign.Block && list[i-1].Level != campaign.Block {
			k.t.Error("what forbids publishing stands first")
		}
	}
	return out
}

func TestCheck(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		k := newDesk(t, d, clk)
		k.Campaigns.UseAdvisers(k.Codes, purse{clk.Now()})
		found := k.check()
		for code, level := range map[string]string{"approval": campaign.Warn, "balance": campaign.Warn, "no_caps": campaign.Warn, "tax": campaign.Warn,
			"transfer_scene": campaign.Warn, "fine_window": campaign.OK, "fine_words": campaign.OK, "fine_scope": campaign.OK} {
			if found[code].Level != level {
				t.Errorf("%s: %+v", code, found[code])
			}
		}
		if text := found["balance"].Text; !strings.Contains(text, "¥1.00") || strings.Contains(text, " 元") {
			t.Error("amounts are not as the panel shows them:", text)
		}
		for _, f := range found {
			if f.Level == campaign.Block {
				t.Errorf("a good draft is blocked: %+v", f)
			}
		}
		t.Run("says what publishing would refuse, and where it is mended", func(t *testing.T) {
			bad := k.form
			bad.Rules, bad.AccountID, bad.UntilAt = "分享到朋友圈领红包", 0, clk.Now().Add(-time.Hour)
			bad.FromAt = bad.UntilAt.Add(-time.Hour)
			bad.Tiers = []campaign.Tier{{Name: "大奖", Kind: campaign.Cash, Winners: 2000, MinFen: 6_000_000, MaxFen: 6_000_000}}
			_, err := k.Campaigns.Update(ctx, k.c.ID, bad)
			k.ok(err)
			found := k.check()
			for code, step := range map[string]string{"unlawful": "words", "account": "budget", "window": "scope", "max_prize": "prizes", "winners": "prizes"} {
				if found[code].Level != campaign.Block || found[code].Step != step {
					t.Errorf("%s: %+v", code, found[code])
				}
			}
			_, err = k.Campaigns.Publish(ctx, k.c.ID, 0)
			refused, _ := fault.Of(err).Detail["problems"].([]campaign.Problem)
			for _, p := range refused {
				if found[p.Code].Level != campaign.Block && p.Code != "induce" { // said once, as unlawful
					t.Errorf("publishing refuses %s, the check does not say so", p.Code)
				}
			}
		})
		t.Run("codes that nobody can claim", func(t *testing.T) {
			_, err := k.Codes.SetRange(ctx, code.Range{BatchID: k.Batch.ID, From: 1, Until: 11, State: code.Voided, Reason: "破损"})
			k.ok(err)
			_, err = k.Campaigns.Update(ctx, k.c.ID, k.form)
			k.ok(err)
			if f := k.check()["dead"]; f.Level != campaign.Warn || !strings.Contains(f.Text, "10 个码") {
				t.Fatalf("%+v", f)
			}
		})
	})
}

func TestDryRun(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		k := newDesk(t, d, clk)
		run := func(tiers []campaign.Tier, cap int64, ask campaign.Trial) campaign.Rehearsal {
			t.Helper()
			k.form.Tiers, k.form.CapTotal = tiers, cap
			_, err := k.Campaigns.Update(ctx, k.c.ID, k.form)
			k.ok(err)
			before := k.rows()
			r, err := k.Campaigns.DryRun(ctx, k.c.ID, ask)
			k.ok(err)
			if !slices.Equal(before, k.rows()) {
				t.Fatal("a dry run wrote something")
			}
			return r
		}
		mixed := []campaign.Tier{{Name: "头奖", Kind: campaign.Cash, Winners: 20, MinFen: 1000, MaxFen: 1000},
			{Name: "红包", Kind: campaign.Cash, Winners: 800, MinFen: 100, MaxFen: 400, TotalFen: 800 * 200}}
		t.Run("costs what the formula says, within two per cent", func(t *testing.T) {
			r := run(mixed, 0, campaign.Trial{Draws: 500})
			if r.Draws != 500 || r.SpendFen != 180_000 || r.FormulaFen != 90_000 || math.Abs(float64(r.OffPermille)) > 20 || r.DeviationFen == 0 {
				t.Fatalf("%+v", r)
			}
			if w := r.Tiers[1]; math.Abs(w.Won-w.Expected) > 0.05*w.Expected {
				t.Fatalf("%+v", w)
			}
		})
		t.Run("all codes cost exactly the reserve", func(t *testing.T) {
			r := run(mixed, 0, campaign.Trial{})
			if r.Draws != 1000 || r.SimulatedFen != r.SpendFen || r.DeviationFen != 0 || r.Tiers[0].Won != 20 || len(r.Tiers) != 3 {
				t.Fatalf("%+v", r)
			}
			var bars int64
			for _, b := range r.Costs {
				bars += b.Prizes
			}
			if bars != int64(r.Rounds)*820 {
				t.Fatal(bars, "prizes in bars")
			}
		})
		t.Run("under a cap the worst case is the dearest prizes first", func(t *testing.T) {
			r := run(mixed, 30, campaign.Trial{})
			if want := money.Fen(20*1000 + 10*400); r.WorstFen != want || r.Plan.Claims != 30 {
				t.Fatalf("%+v", r)
			}
		})
		t.Run("says when the codes are used up and the stop is reached", func(t *testing.T) {
			k.form.UntilAt = k.form.FromAt.Add(20 * 24 * time.Hour)
			r := run(mixed, 0, campaign.Trial{PerDay: 100, StopFen: 45_000})
			p := r.Plan
			if len(p.Days) != 10 || p.Claims != 1000 || p.CostFen != r.SpendFen || p.UsedUpAt == 0 || p.StopAt == 0 || p.StopAt >= p.UsedUpAt || p.Days[2].CostFen != 54_000 {
				t.Fatalf("%+v", p)
			}
			if r := run(mixed, 0, campaign.Trial{PerDay: 10}); r.Plan.UsedUpAt != 0 || r.Plan.Claims < 200 || r.Plan.FreeFen != r.SpendFen-r.Plan.CostFen {
				t.Fatalf("%+v", r.Plan)
			}
		})
		t.Run("what is used up on the last day is used up, and nothing is given back", func(t *testing.T) {
			for perDay := range int64(3) {
				r := run(mixed, 0, campaign.Trial{PerDay: perDay * 49})
				p := r.Plan
				if out := p.CostFen == r.SpendFen; out != (p.UsedUpAt != 0) || out != (p.FreeFen == 0) || p.CostFen+p.FreeFen != r.SpendFen {
					t.Errorf("%d a day: %+v of %d", perDay*49, p, r.SpendFen)
				}
			}
			if p := run(mixed, 0, campaign.Trial{}).Plan; p.UsedUpAt == 0 || p.UsedUpAt > k.form.UntilAt || p.FreeFen != 0 {
				t.Errorf("spread over all days: %+v", p)
			}
		})
		t.Run("a draft without prizes is told so", func(t *testing.T) {
			k.form.Tiers = nil
			_, err := k.Campaigns.Update(ctx, k.c.ID, k.form)
			k.ok(err)
			_, err = k.Campaigns.DryRun(ctx, k.c.ID, campaign.Trial{})
			k.refused(err, "dry_run")
		})
	})
}

// rows counts what a campaign's work writes.
func (k *desk) rows() []int64 {
	k.t.Helper()
	var out []int64
	for _, table := range []string{"campaign", "campaign_tier", "claim", "payout", "ledger_entry", "outbox", "campaign_approval", "points_move"} {
		var n int64
		k.ok(k.DB.Read(context.Background()).Raw("SELECT COUNT(*) FROM " + table).Scan(&n).Error)
		out = append(out, n)
	}
	return out
}

func TestProofShowsEachStep(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		k := newDesk(t, d, clk)
		k.form.Tiers = []campaign.Tier{{Name: "红包", Kind: campaign.Cash, Winners: 400, MinFen: 100, MaxFen: 400, TotalFen: 80_000}}
		c, err := k.Campaigns.Create(ctx, k.form)
		k.ok(err)
		_, err = k.Campaigns.Publish(ctx, c.ID, 80_000)
		k.ok(err)
		clk.Advance(2 * time.Hour)
		now := clk.Now()
		drawn, err := k.Campaigns.Draw(c.ID, k.Batch.ID, 5, now)
		k.ok(err)
		c, err = k.Campaigns.End(ctx, c.ID)
		k.ok(err)
		p, err := campaign.Prove(c, c.SeedRevealed, k.Batch.ID, 5)
		k.ok(err)
		if p.Number != 4 || p.AmountFen != drawn.AmountFen || p.Tier.Tier != drawn.Tier.Tier || len(p.Steps) < 4 || p.Steps[0].Value != c.SeedHash {
			t.Fatalf("%+v", p)
		}
		other, err := hex.DecodeString(c.SeedRevealed)
		k.ok(err)
		other[0]++
		if _, err := campaign.Prove(c, hex.EncodeToString(other), k.Batch.ID, 5); fault.Of(err).Code != "seed_hash" {
			t.Fatal(err)
		}
		if draw.Commit(other, c.Terms) == c.SeedHash {
			t.Fatal("another seed has the same hash")
		}
		if _, err := campaign.Prove(c, c.SeedRevealed, k.Batch.ID, 5000); fault.Of(err).Code != "not_in_scope" {
			t.Fatal(err)
		}
	})
}
