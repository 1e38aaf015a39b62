package main

import (
	"context"

	"siyu/job"
	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/leader"
	"siyu/model/referral"
)

// leaderStores is the part of the environment that knows who leads communities, and who
// is appointed to bring people.
type leaderStores struct {
	Leaders *leader.Store
}

// buildLeaders makes the store, lets it hear of purchases, and closes the codes of those
// who are not active. It comes after referrals and profiles; who stands above adds what
// is his to the leader's home page by UseParts.
func (e *environment) buildLeaders() {
	e.Leaders = leader.New(leader.Deps{DB: e.DB, Phones: e.Phones, Members: e.Members, Consents: e.Consents, ReferrerOf: e.referrerOf, Deepen: e.Profiles.LeadTx})
	e.Events.Consume("leader", e.Leaders.Consume)
	e.Leaders.UseParts(leader.Parts{People: e.peopleOf})
	for _, role := range []string{leader.RoleLeader, leader.RoleClerk, leader.RoleStaff} {
		e.Referrals.UseAdmit(role, e.admit(role))
	}
}

// referrerOf tells who had brought a member at a moment.
func (e *environment) referrerOf(ctx context.Context, brandID, memberID id.ID, at clock.Instant) (id.ID, error) {
	b, ok, err := e.Referrals.ReferrerOf(ctx, brandID, memberID, at)
	if err != nil || !ok {
		return 0, err
	}
	return b.ReferrerID, nil
}

// admit says whether the owner of a code of a role may bring people now.
func (e *environment) admit(role string) referral.Admit {
	return func(ctx context.Context, brandID, memberID id.ID) (bool, error) {
		active, err := e.Leaders.Active(ctx, brandID, []id.ID{memberID})
		return active[memberID].Role == role, err
	}
}

// peopleOf reads the counters of a human's people.
func (e *environment) peopleOf(ctx context.Context, brandID, memberID id.ID) (leader.People, error) {
	n, err := e.Referrals.Team(ctx, brandID, memberID)
	return leader.People{Direct: n.Direct, Team: n.TeamSize, Active30: n.Active, TeamScans: n.TeamScans, TeamClaims: n.TeamClaims, TeamOrders: n.TeamOrders}, err
}

// leaderChores is what happens by the clock to leaders.
func (p *process) leaderChores() []job.Chore {
	e := p.env
	l := &job.Leaders{Leaders: e.Leaders, Messages: e.Messages, Address: job.Addresses(e.Brands, e.Members), Clock: e.Clock, PublicURL: p.cfg.PublicURL}
	return l.Chores()
}
