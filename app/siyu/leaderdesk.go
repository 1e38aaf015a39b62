package main

import (
	"context"

	"siyu/handler/leader"
	"siyu/handler/web"
	"siyu/model/group"
	"siyu/model/id"
	model "siyu/model/leader"
)

// leaderDesk serves the people who bring people.
func (p *process) leaderDesk(sessions *web.Sessions, pages *web.Pages, login web.Login) (*leader.Handler, error) {
	e := p.env
	return leader.New(leader.Deps{Clock: e.Clock, Sessions: sessions, Pages: pages, Login: login, Replays: e.Replay, Brands: e.Brands, Members: e.Members,
		Profiles: e.Profiles, Scans: e.Scans, Leaders: e.Leaders, Referrals: e.Referrals, Groups: e.Groups, Invites: e.Invites,
		Commission: e.Commission, Accounts: e.Earnings, Withdrawals: e.Withdrawals, HeldBy: e.Fraud.Seen, PublicURL: p.cfg.PublicURL})
}

// buildDesk tells leaders' home pages what higher floors know. It comes after groups and
// commission.
func (e *environment) buildDesk() {
	e.Leaders.UseParts(model.Parts{People: e.peopleOf, Income: e.incomeOf, Crowd: e.crowdOf,
		Health: func(ctx context.Context, brandID id.ID, family []id.ID) (int64, int64, error) {
			score, groups, err := e.Groups.MeanHealth(ctx, brandID, family)
			return int64(score), int64(groups), err
		}})
}

// incomeOf reads what a human earned by bringing buyers.
func (e *environment) incomeOf(ctx context.Context, brandID, memberID id.ID) (model.Income, error) {
	a, err := e.Earnings.Of(ctx, brandID, memberID)
	return model.Income{AccruedFen: a.AccruedFen, AvailableFen: a.FreeFen(), HeldFen: a.HeldFen, OwedFen: a.OwedFen, PaidFen: a.PaidFen}, err
}

// crowdOf counts the people in a human's communities.
func (e *environment) crowdOf(ctx context.Context, brandID, memberID id.ID) (model.Crowd, error) {
	l, ok, err := e.Leaders.Of(ctx, brandID, memberID)
	if err != nil || !ok {
		return model.Crowd{}, err
	}
	list, err := e.Groups.List(ctx, group.Filter{BrandID: brandID, LeaderID: l.ID, Limit: web.MaxLimit})
	var out model.Crowd
	for _, g := range list {
		if g.State == group.Closed {
			continue
		}
		out.Groups, out.Members = out.Groups+1, out.Members+int64(g.Size)
		if g.State == group.Full {
			out.Full++
		}
	}
	return out, err
}
