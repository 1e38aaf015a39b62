package main

import (
	"context"
	"maps"

	"siyu/model/fraud"
	"siyu/model/id"
	"siyu/model/withdrawal"
)

// withdrawalStores is the part of the environment through which earned money leaves.
type withdrawalStores struct {
	Withdrawals *withdrawal.Store
}

// buildWithdrawal makes the store, which takes over the end of its payouts. Every process
// that applies what WeChat says must have it. It comes after commission and fraud.
func (e *environment) buildWithdrawal() {
	e.Withdrawals = withdrawal.New(withdrawal.Deps{DB: e.DB, Accounts: e.Earnings, Packets: e.Packets, Members: e.Members, Brands: e.Brands,
		Out: e.Outbox, Suspicion: suspicion{e.Fraud}})
}

// suspicion is who cannot be paid out before somebody has decided: who stands in a case
// as one who was brought, and who stands in an open one as the referrer.
type suspicion struct{ cases *fraud.Store }

// Held implements withdrawal.Suspicion.
func (s suspicion) Held(ctx context.Context, brandID id.ID, members []id.ID) (map[id.ID]string, error) {
	out, err := s.cases.Held(ctx, brandID, members)
	if err != nil {
		return nil, err
	}
	against, err := s.cases.Against(ctx, brandID, members)
	maps.Copy(out, against)
	return out, err
}
