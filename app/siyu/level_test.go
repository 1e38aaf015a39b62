package main

import (
	"context"
	"testing"

	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/clock"
	"siyu/model/identity"
	"siyu/model/tier"
)

// The program's own wiring: a campaign knows the brand's levels, a claim the members'.
func TestCampaignsAndClaimsKnowTheLevels(t *testing.T) {
	ctx := context.Background()
	e, must := wired(t, clock.System())
	b, err := e.Brands.Create(ctx, brand.Brand{Slug: "laojing", Name: "老井", CodeHost: "q.example.cn"})
	must(err)
	table, err := e.Tiers.Table(ctx, b.ID)
	must(err)
	table.Grow = []tier.Grow{{On: tier.OnReview, Growth: 100}}
	table.Levels = []tier.Level{{Name: "普通会员", MultiplierBP: 10_000}, {Name: "金卡会员", Threshold: 100, MultiplierBP: 10_000, Campaigns: true}}
	_, err = e.Tiers.Save(ctx, table)
	must(err)

	draft, err := e.Campaigns.Create(ctx, campaign.Form{BrandID: b.ID, Name: "专享", MinLevel: 1})
	must(err)
	p, err := e.Campaigns.Preview(ctx, draft.ID)
	must(err)
	if p.Who != "金卡及以上会员" {
		t.Fatalf("%+v", p)
	}
	person, err := e.Identities.Resolve(ctx, identity.Login{AppID: "wx0000000000000001", OpenID: "o000000000000000000000000001"})
	must(err)
	m, err := e.Members.Of(ctx, person)
	must(err)
	offer := campaign.Offer{BrandID: b.ID, MinLevel: 1, LevelName: "金卡会员"}
	if ok, err := e.Claims.Admits(ctx, offer, m.ID); ok || err != nil {
		t.Fatal("admitted without growth", err)
	}
	must(e.Tiers.Grow(ctx, tier.Fact{Key: "review:1", BrandID: b.ID, MemberID: m.ID, On: tier.OnReview}))
	if ok, err := e.Claims.Admits(ctx, offer, m.ID); !ok || err != nil {
		t.Fatal("not admitted with growth", err)
	}
}
