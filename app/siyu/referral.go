package main

import (
	"siyu/model/referral"
)

// referralStores is the part of the environment that knows who brought whom.
type referralStores struct {
	Referrals *referral.Store
}

// buildReferral makes the store and lets it count what people of the trees do. It comes
// after the events and before who earns by it.
func (e *environment) buildReferral() {
	e.Referrals = referral.New(referral.Deps{DB: e.DB, Box: e.Box, Members: e.Members, Events: e.Events, Outbox: e.Outbox})
	e.Events.Consume("referral", e.Referrals.Consume)
}
