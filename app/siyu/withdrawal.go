package main

import "siyu/model/withdrawal"

// withdrawalStores is the part of the environment through which earned money leaves.
type withdrawalStores struct {
	Withdrawals *withdrawal.Store
}

// buildWithdrawal makes the store, which takes over the end of its payouts. Every process
// that applies what WeChat says must have it. It comes after commission and fraud.
func (e *environment) buildWithdrawal() {
	e.Withdrawals = withdrawal.New(withdrawal.Deps{DB: e.DB, Accounts: e.Earnings, Packets: e.Packets, Members: e.Members, Brands: e.Brands,
		Out: e.Outbox, Suspicion: e.Fraud})
}
