package campaign_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"siyu/model/campaign"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
)

// ladder is a brand's levels; those in open may take part.
type ladder struct {
	names []string
	open  int // from this one on
}

func (l *ladder) Rung(_ context.Context, _ id.ID, level int) (string, bool, error) {
	if level < 1 || level >= len(l.names) {
		return "", false, nil
	}
	return l.names[level], level >= l.open, nil
}

func TestForMembersOfALevel(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := claimtest.New(t, d, clk, claimtest.Setup{Unpublished: true})
		form := campaign.Form{BrandID: w.Brand.ID, Name: "金卡专享", FromAt: clk.Now().Add(-time.Hour), UntilAt: clk.Now().Add(time.Hour), Organiser: "老井",
			Rules: "扫码即可参与", AccountID: w.Merchant.ID, Scopes: []campaign.Scope{{BatchID: w.Batch.ID}},
			Tiers: []campaign.Tier{{Name: "红包", Kind: campaign.Cash, Winners: 10, MinFen: 100, MaxFen: 100}}}
		t.Run("a level below 0 or above all cannot be saved", func(t *testing.T) {
			for _, n := range []int{-1, 20} {
				f := form
				f.MinLevel = n
				if _, err := w.Campaigns.Create(ctx, f); fault.Of(err).Code != "min_level" || fault.KindOf(err) != fault.Invalid {
					t.Errorf("%d: %v", n, err)
				}
			}
		})
		f := form
		f.MinLevel = 1
		c, err := w.Campaigns.Create(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		f.MinLevel = 2
		if _, err := w.Campaigns.Update(ctx, c.ID, f); err != nil {
			t.Fatal(err)
		}
		if c, err = w.Campaigns.Get(ctx, c.ID); err != nil || c.MinLevel != 2 || c.LevelName != "" {
			t.Fatalf("the draft is not what was saved: %d %q %v", c.MinLevel, c.LevelName, err)
		}
		refused := func(says string) {
			t.Helper()
			p, err := w.Campaigns.Preview(ctx, c.ID)
			if err != nil || len(p.Problems) != 1 || p.Problems[0].Code != "level" || p.Problems[0].Field != "min_level" || !strings.Contains(p.Problems[0].Text, says) {
				t.Errorf("%+v %v", p.Problems, err)
			}
			if _, err := w.Campaigns.Publish(ctx, c.ID, 1000); codes(fault.Of(err)) != "level" {
				t.Error(err)
			}
		}
		levels := &ladder{names: []string{"普通会员", "银卡会员"}, open: 3}
		t.Run("nobody knows levels: not published", func(t *testing.T) { refused("没有这个等级") })
		w.Campaigns.UseLevels(levels)
		t.Run("a level that the brand does not have: not published", func(t *testing.T) { refused("没有这个等级") })
		levels.names = append(levels.names, "金卡会员", "黑金")
		t.Run("a level above it has not the privilege: not published", func(t *testing.T) { refused("可参加会员专享活动") })
		levels.open = 2

		p, err := w.Campaigns.Preview(ctx, c.ID)
		if err != nil || len(p.Problems) != 0 || p.Who != "金卡及以上会员" {
			t.Fatalf("%+v %v", p, err)
		}
		if c, err = w.Campaigns.Publish(ctx, c.ID, p.SpendFen); err != nil {
			t.Fatal(err)
		}
		t.Run("the terms name the level, and the hash binds it", func(t *testing.T) {
			if !strings.Contains(c.Terms, "\nlevel 2 \"金卡会员\"\n") {
				t.Fatal(c.Terms)
			}
			if c, err = w.Campaigns.End(ctx, c.ID); err != nil {
				t.Fatal(err)
			}
			read, err := campaign.ParseTerms(c.Terms)
			if err != nil || read.MinLevel != 2 || read.LevelName != "金卡会员" {
				t.Fatalf("%d %q %v", read.MinLevel, read.LevelName, err)
			}
			read.SeedHash = c.SeedHash
			if _, err := campaign.Recompute(read, c.SeedRevealed, w.Batch.ID, 1); err != nil {
				t.Fatal(err)
			}
			read.LevelName = "银卡会员"
			if _, err := campaign.Recompute(read, c.SeedRevealed, w.Batch.ID, 1); fault.Of(err).Code != "seed_hash" {
				t.Fatal(err)
			}
		})
		t.Run("what is published keeps the level's name, and cannot be changed", func(t *testing.T) {
			levels.names[2] = "白银"
			o, err := w.Campaigns.Live(ctx, c.ID)
			if err != nil || o.MinLevel != 2 || o.LevelName != "金卡会员" || o.Who != "金卡及以上会员" {
				t.Fatalf("%+v %v", o, err)
			}
			f.MinLevel = 0
			if _, err := w.Campaigns.Update(ctx, c.ID, f); fault.Of(err).Code != "campaign_state" {
				t.Fatal(err)
			}
		})
		t.Run("terms of a campaign for everybody are what they were", func(t *testing.T) {
			all, err := w.Campaigns.Create(ctx, form)
			if err != nil {
				t.Fatal(err)
			}
			if all, err = w.Campaigns.Publish(ctx, all.ID, 1000); err != nil || strings.Contains(all.Terms, "level") || all.LevelName != "" {
				t.Fatal(all.Terms, err)
			}
		})
	})
}
