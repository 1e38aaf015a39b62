package main

import (
	"context"
	"slices"
	"time"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
)

const (
	// wantAhead is how long before a push grants are kept for it: longer, and what could
	// be said today would wait for what may be changed tomorrow.
	wantAhead = 7 * 24 * time.Hour
	// wantMost is the largest audience that is named one by one; grants are kept of
	// everybody for a larger one.
	wantMost = 20_000
)

// keepGrants has the ledger keep subscribe grants for pushes that are scheduled or running:
// a message that is worth less leaves each of their people one (the scarcest grant goes to
// the most valuable message). A push announces itself, for everybody and however far ahead;
// here its people are named, once, and what is far ahead waits.
func (e *environment) keepGrants(ctx context.Context) error {
	now := e.Clock.Now()
	had, err := e.Reach.Wants(ctx)
	if err != nil {
		return err
	}
	coming, err := e.comingPushes(ctx)
	if err != nil {
		return err
	}
	wanted := map[id.ID]bool{}
	for _, p := range coming {
		w, ok := wantOf(p, now)
		if !ok {
			continue
		}
		wanted[p.ID] = true
		i := slices.IndexFunc(had, func(x reach.Standing) bool { return x.RefID == w.RefID && x.Value == w.Value && x.At == w.At })
		if i >= 0 && had[i].Named > 0 {
			continue
		}
		n, err := audience{e}.Size(ctx, p)
		if kind := fault.KindOf(err); err != nil && kind != fault.NotFound && kind != fault.Invalid {
			return err
		}
		if err != nil || n == 0 { // nobody, or its segment is gone: but no members means everybody
			wanted[p.ID] = false
			continue
		}
		if i >= 0 && n > wantMost {
			continue
		}
		if n <= wantMost {
			if w.Members, err = (audience{e}).Sample(ctx, p, wantMost); err != nil {
				return err
			}
		}
		if err := e.Reach.Want(ctx, w); err != nil {
			return err
		}
	}
	for _, x := range had {
		if !wanted[x.RefID] {
			if err := e.Reach.Unwant(ctx, x.RefID); err != nil {
				return err
			}
		}
	}
	return nil
}

// wantOf is what a push wants of the ledger, false for one that wants nothing now.
func wantOf(p push.Push, now clock.Instant) (reach.Wanted, bool) {
	w := reach.Wanted{RefID: p.ID, BrandID: p.BrandID, Uses: p.Uses, Value: p.Worth, At: p.StartAt}
	if p.State != push.Scheduled { // it runs: until it gives up
		w.At = p.GiveUpAt
	}
	grants := slices.ContainsFunc(p.Uses, func(u reach.Use) bool { return u.Channel == reach.Subscribe })
	return w, grants && w.At != 0 && w.At < now.Add(wantAhead)
}

// comingPushes are the pushes of all brands that are scheduled or under way.
func (e *environment) comingPushes(ctx context.Context) (out []push.Push, err error) {
	for before := id.ID(0); ; {
		var brands []brand.Brand
		if brands, err = e.Brands.List(ctx, before, 100); err != nil {
			return nil, err
		}
		for _, b := range brands {
			before = b.ID
			for _, state := range []string{push.Scheduled, push.Running, push.Paused} {
				list, err := e.Pushes.List(ctx, push.Filter{BrandID: b.ID, State: state}, 0, 100)
				if err != nil {
					return nil, err
				}
				out = append(out, list...)
			}
		}
		if len(brands) < 100 {
			return out, nil
		}
	}
}
