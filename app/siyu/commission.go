package main

import (
	"context"

	"siyu/job"
	"siyu/model/commission"
	"siyu/model/fraud"
	"siyu/model/id"
)

// commissionStores is the part of the environment that knows what people earn by
// bringing buyers.
type commissionStores struct {
	Commission *commission.Store
	Earnings   *commission.Accounts
}

// buildCommission makes the stores, lets them hear of sales, and takes back what a
// confirmed case was about. It comes after the leaders and the fraud cases, which it asks.
func (e *environment) buildCommission() {
	e.Earnings = commission.NewAccounts(e.DB, e.Ledger)
	e.Commission = commission.New(commission.Deps{DB: e.DB, Books: e.Earnings, Purse: e.Points, Taker: e.Accounts, Uplines: e.Referrals, Leaders: e.Leaders,
		Suspicion: e.Fraud, Members: e.Members, Codes: e.Codes, Shelf: e.Products, Events: e.Events})
	e.Events.Consume("commission", e.Commission.Consume)
	e.Fraud.OnConfirm(func(ctx context.Context, c fraud.Case, people []fraud.Suspect) error {
		referees := make([]id.ID, 0, len(people))
		for _, p := range people {
			referees = append(referees, p.MemberID)
		}
		return e.Commission.TakeFrom(ctx, c.BrandID, referees, "fraud:"+c.ID.String(), "推荐作弊属实："+c.Reason, c.DecidedBy)
	})
}

// commission is what happens to commission by the clock.
func (p *process) commission() *job.Commission {
	return &job.Commission{Loyalty: *p.loyalty(), Store: p.env.Commission}
}
