package main

import (
	"context"

	"siyu/job"
	"siyu/model/fraud"
	"siyu/model/id"
)

// fraudStores is the part of the environment that looks for referrals that are not what
// they seem.
type fraudStores struct {
	Fraud *fraud.Store
}

// buildFraud makes the store and lets it look at every new referral. It comes after the
// referrals and before what is earned by them, which asks it.
func (e *environment) buildFraud() {
	e.Fraud = fraud.New(e.DB, e.Outbox, e.Referrals, e.Members)
	e.Events.Consume("fraud", e.Fraud.Consume)
}

// regrouped is what happens after a member's family changed: points and levels follow,
// and what was a chain of people may be a ring of one.
func (e *environment) regrouped() job.Worker {
	follow := job.Regroup(e.Accounts, e.Tiers)
	return func(ctx context.Context, memberID id.ID) (job.Verdict, error) {
		if v, err := follow(ctx, memberID); err != nil {
			return v, err
		}
		if err := e.Fraud.Regrouped(ctx, memberID); err != nil {
			return job.Verdict{}, err
		}
		return job.Verdict{}, e.Tags.Regrouped(ctx, memberID)
	}
}

// settleFraud tells who takes back what a confirmed case was about.
func (e *environment) settleFraud(ctx context.Context, caseID id.ID) (job.Verdict, error) {
	return job.Verdict{}, e.Fraud.Settle(ctx, caseID)
}
