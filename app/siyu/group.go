package main

import (
	"context"
	"time"

	"siyu/job"
	"siyu/model/clock"
	"siyu/model/group"
	"siyu/model/id"
	"siyu/model/leader"
	"siyu/model/referral"
)

// groupStores is the part of the environment that keeps communities and live codes.
type groupStores struct {
	Groups *group.Store
}

// buildGroups makes the store. It comes after leaders and referrals, which it asks.
func (e *environment) buildGroups() {
	e.Groups = group.New(group.Deps{DB: e.DB, Box: e.Box, Leaders: leaderBook{e.Leaders},
		Referrals: circles{e.Referrals}, People: crowd{e}})
}

// groupChores make the alarms that are due.
func (e *environment) groupChores() []job.Chore {
	return []job.Chore{{Name: "watch communities and live codes", Every: time.Minute, Do: e.Groups.Watch}}
}

// leaderBook adapts model/leader to what communities ask.
type leaderBook struct{ leaders *leader.Store }

// Leader implements group.Leaders.
func (b leaderBook) Leader(ctx context.Context, leaderID id.ID) (group.Leader, error) {
	l, err := b.leaders.Get(ctx, leaderID)
	return shown(l), err
}

// Leaders implements group.Leaders.
func (b leaderBook) Leaders(ctx context.Context, brandID, before id.ID, limit int) ([]group.Leader, error) {
	list, err := b.leaders.List(ctx, caring(brandID), before, limit)
	out := make([]group.Leader, len(list))
	for i, l := range list {
		out[i] = shown(l)
	}
	return out, err
}

// CountLeaders implements group.Leaders.
func (b leaderBook) CountLeaders(ctx context.Context, brandID id.ID) (int, bool, error) {
	return b.leaders.Count(ctx, caring(brandID))
}

// caring are those who look after people now.
func caring(brandID id.ID) leader.Filter {
	return leader.Filter{BrandID: brandID, States: []string{leader.Active, leader.Suspended}}
}

// ActiveAmong implements group.Leaders.
func (b leaderBook) ActiveAmong(ctx context.Context, brandID id.ID, members []id.ID) (map[id.ID]bool, error) {
	list, err := b.leaders.Active(ctx, brandID, members)
	out := make(map[id.ID]bool, len(list))
	for m := range list {
		out[m] = true
	}
	return out, err
}

func shown(l leader.Leader) group.Leader {
	return group.Leader{ID: l.ID, BrandID: l.BrandID, MemberID: l.MemberID, Name: l.Name, Active: l.State == leader.Active}
}

// circles adapts model/referral to what communities ask.
type circles struct{ referrals *referral.Store }

// circleMost is up to how many direct people the buyers among them are counted.
const circleMost = 2000

// Circle implements group.Referrals.
func (r circles) Circle(ctx context.Context, brandID, memberID id.ID) (group.Circle, error) {
	n, err := r.referrals.CountDirect(ctx, brandID, memberID)
	if err != nil || n > circleMost {
		return group.Circle{Direct: int(n), Buyers: -1}, err
	}
	out := group.Circle{Direct: int(n)}
	err = r.direct(ctx, brandID, memberID, circleMost, func(n referral.Node) {
		if n.OwnClaims > 0 || n.OwnOrders > 0 {
			out.Buyers++
		}
	})
	out.Buyers = min(out.Buyers, out.Direct)
	return out, err
}

// Brought implements group.Referrals.
func (r circles) Brought(ctx context.Context, brandID, memberID id.ID, limit int) ([]group.Person, error) {
	out := []group.Person{}
	err := r.direct(ctx, brandID, memberID, limit, func(n referral.Node) {
		out = append(out, group.Person{MemberID: n.MemberID, Direct: int(n.Direct)})
	})
	return out, err
}

// direct walks over the people right under a member's node, the largest teams first.
func (r circles) direct(ctx context.Context, brandID, memberID id.ID, most int, see func(referral.Node)) error {
	var after referral.Cursor
	for most > 0 {
		page, err := r.referrals.Children(ctx, brandID, memberID, after, min(most, 100))
		if err != nil || len(page) == 0 {
			return err
		}
		for _, n := range page {
			see(n)
		}
		after, most = referral.CursorAfter(page[len(page)-1]), most-len(page)
	}
	return nil
}

// crowd adapts members, events and scans to what communities ask.
type crowd struct{ e *environment }

// Family implements group.People.
func (c crowd) Family(ctx context.Context, memberID id.ID) ([]id.ID, error) {
	return c.e.Members.Family(ctx, memberID)
}

// ActiveSince implements group.People.
func (c crowd) ActiveSince(ctx context.Context, members []id.ID, since clock.Instant) (int, error) {
	return c.e.Events.ActiveSince(ctx, members, since)
}

// Cities implements group.People.
func (c crowd) Cities(ctx context.Context, members []id.ID) (map[id.ID]string, error) {
	return c.e.Scans.Cities(ctx, members)
}
