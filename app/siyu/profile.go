package main

import (
	"context"
	"time"

	"siyu/job"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/crm"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/profile"
)

// profileStores is the part of the environment that knows what members told of
// themselves, and brings old ones in from files.
type profileStores struct {
	Profiles *profile.Store
	Imports  *crm.Store
}

// buildProfiles makes the stores, tells profiles of events, and ends what rests on a
// consent with that consent.
func (e *environment) buildProfiles() {
	e.Profiles = profile.New(profile.Deps{DB: e.DB, Families: e.Members, Consents: e.Consents, Points: e.Points, Activity: activity{e.Events}})
	e.Imports = crm.New(crm.Deps{DB: e.DB, Box: e.Box, Outbox: e.Outbox, People: e.Identities, Members: e.Members, Phones: e.Phones,
		Profiles: e.Profiles, Consents: e.Consents, Points: e.Points, Accounts: e.Accounts})
	e.Events.Consume("profile", e.Profiles.Consume)
	for _, p := range consent.Purposes() {
		if !p.Needed {
			e.Consents.OnWithdraw(p.Key, e.Profiles.Withdrawal(p.Key))
		}
	}
}

// activity adapts the event store to what a profile asks of it.
type activity struct{ events *event.Store }

// Last implements profile.Activity.
func (a activity) Last(ctx context.Context, members []id.ID) (clock.Instant, error) {
	list, err := a.events.Timeline(ctx, members, event.Deeds(), event.Cursor{}, 1)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return list[0].At, nil
}

// Count implements profile.Activity.
func (a activity) Count(ctx context.Context, members []id.ID, from clock.Instant, limit int) (int, error) {
	list, err := a.events.Timeline(ctx, members, []string{event.Claim, event.Order}, event.Cursor{}, limit)
	n := 0
	for _, x := range list { // newest first
		if x.At >= from {
			n++
		}
	}
	return n, err
}

// imports adapts the import runner. An import that another worker holds is looked at
// again later: that worker may have died.
func imports(s *crm.Store) job.Worker {
	return func(ctx context.Context, ref id.ID) (job.Verdict, error) {
		err := s.Work(ctx, ref)
		if fault.Of(err) != nil && fault.Of(err).Code == "import_busy" {
			return job.Verdict{Again: 10 * time.Second, Why: "另一个进程正在导入"}, nil
		}
		return job.Verdict{}, err
	}
}

// importChores delete files of imports whose time is over.
func (e *environment) importChores() []job.Chore {
	return []job.Chore{{Name: "forget imported files", Every: time.Hour, Do: func(ctx context.Context) error {
		for ctx.Err() == nil {
			if n, err := e.Imports.Prune(ctx, 50); err != nil || n < 50 {
				return err
			}
		}
		return ctx.Err()
	}}}
}
