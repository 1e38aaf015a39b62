package main

import (
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
