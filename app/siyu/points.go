package main

import (
	"context"

	"siyu/job"
	"siyu/model/points"
	"siyu/model/tier"
)

// loyaltyStores is the part of the environment that keeps points and levels. Points, what
// the claim books with, is older and stands by itself.
type loyaltyStores struct {
	Accounts *points.Accounts
	Tiers    *tier.Store
}

// buildLoyalty makes the stores and tells them of events and of families that change.
func (e *environment) buildLoyalty() {
	e.Accounts = points.NewAccounts(e.DB, e.Ledger, e.Members)
	e.Tiers = tier.New(e.DB, e.Members, e.Accounts)
	e.Campaigns.UseLevels(e.Tiers)
	e.Claims.UseLevels(e.Tiers)
	e.Events.Consume("points", e.Accounts.Consume)
	e.Events.Consume("tier", e.Tiers.Consume)
	e.Members.Follow(points.Regrouped(e.Outbox))
}

// loyalty is what happens to points and levels by the clock.
func (p *process) loyalty() *job.Loyalty {
	e := p.env
	return &job.Loyalty{Points: e.Accounts, Tiers: e.Tiers, Messages: e.Messages, Address: job.Addresses(e.Brands, e.Members), Brands: e.Brands,
		Birthdays: e.Profiles, Clock: e.Clock, PublicURL: p.cfg.PublicURL}
}

// loyalty gives the demo's brand rules of points and three levels, of which a few scans
// reach the second.
func (d *demoWorld) loyalty(ctx context.Context, e *environment) error {
	r, err := e.Accounts.Rules(ctx, d.brand.ID)
	if err == nil && r.Version == 0 {
		r.Expiry = points.Expiry{Kind: points.Months, N: 12}
		r.Earn = []points.Earn{{On: points.OnOrder, Points: 1, PendingDays: 7, CapPerMonth: 5000}, {On: points.OnReview, Points: 5, CapPerDay: 15}, {On: points.OnBirthday, Points: 20}}
		_, err = e.Accounts.SaveRules(ctx, r)
	}
	if err != nil {
		return err
	}
	t, err := e.Tiers.Table(ctx, d.brand.ID)
	if err != nil || t.Version > 0 {
		return err
	}
	t.PeriodMonths, t.Down = 12, tier.DownOne
	t.Grow = []tier.Grow{{On: tier.OnClaim, Growth: 10, CapPerDay: 50}, {On: tier.OnOrder, Growth: 1}, {On: tier.OnReview, Growth: 5, CapPerDay: 15}}
	t.Levels = []tier.Level{
		{Name: "普通会员", MultiplierBP: 10_000},
		{Name: "银卡会员", Threshold: 20, Keep: 20, MultiplierBP: 12_000, BirthdayPoints: 20},
		{Name: "金卡会员", Threshold: 500, Keep: 300, MultiplierBP: 15_000, BirthdayPoints: 88, Campaigns: true, Perks: []string{"专属客服"}},
	}
	_, err = e.Tiers.Save(ctx, t)
	return err
}
