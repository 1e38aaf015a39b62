package main

import (
	"context"
	"time"

	"siyu/job"
	"siyu/model/campaign/turnout"
	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/reconcile"
)

// campaignStores are what only the panel's pages about campaigns need.
type campaignStores struct {
	Turnout *turnout.Store
}

func (e *environment) buildCampaigns() {
	e.Turnout = turnout.New(e.DB)
	e.Campaigns.UseAdvisers(e.Codes, purses{e})
}

// purses tells campaigns what is in a merchant's account; the store that knows is built
// after theirs.
type purses struct{ e *environment }

// Balance implements campaign.Balances.
func (p purses) Balance(ctx context.Context, accountID id.ID) (money.Fen, clock.Instant, bool, error) {
	b, err := p.e.Reconcile.Balance(ctx, 0, accountID)
	return b.AvailableFen, b.AsOf, err == nil && b.Source != reconcile.BalanceUnknown, err
}

// campaignChores count claims forward, so that a campaign's page reads no claims.
func (e *environment) campaignChores() []job.Chore {
	return []job.Chore{{Name: "count campaigns", Every: 5 * time.Second, Do: e.Turnout.Round}}
}
