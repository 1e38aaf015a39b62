package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"siyu/job"
	"siyu/model/consent"
	"siyu/model/id"
	"siyu/model/rule"
	"siyu/model/segment"
	"siyu/model/tag"
)

// segmentStores is the part of the environment that knows who fulfils a rule.
type segmentStores struct {
	Segments *segment.Store
}

// buildSegments makes the store and lets those tell it of changes who make them. It comes
// after what rules are about; tags ask it, and it is told of their values.
func (e *environment) buildSegments() {
	e.Segments = segment.New(e.DB)
	e.Segments.KeepIn(filepath.Join(e.Config.Data, "segments"))
	e.Segments.UseReach(e.Reach)
	e.Events.Consume("segment", e.Segments.Consume)
	e.Events.Consume("whom", e.Segments.Again) // the last by name, so the last who is told
	e.Products.OnCreate(e.Segments.Registered)
	e.Segments.OnLate(e.Tags.Wake)
	e.Segments.OnLate(e.Purchases.Late)
	e.Profiles.Answered = append(e.Profiles.Answered, e.Segments.Answered)
	e.Members.Follow(e.Segments.Regrouped)
	e.Consents.OnWithdraw(consent.Profiling, e.Segments.Forget)
	for _, p := range consent.Purposes() {
		if !p.Needed {
			e.Consents.OnWithdraw(p.Key, e.Segments.Answered)
			e.Consents.OnGive(p.Key, e.Segments.Answered)
		}
	}
	e.Tags.Rules = e.Segments
	e.Tags.Changed = append(e.Tags.Changed, tag.Noting(e.Segments, segment.PartTags))
	e.Tags.Users = append(e.Tags.Users, e.segmentsOnTag)
}

// segmentsOnTag are the segments that break when a tag goes, also by way of other segments.
func (e *environment) segmentsOnTag(ctx context.Context, tagID id.ID) ([]tag.Use, error) {
	t, err := e.Tags.Get(ctx, tagID)
	if err != nil {
		return nil, err
	}
	open, err := e.Segments.Users(ctx, t.BrandID, rule.NameTag, tagID)
	if err != nil {
		return nil, err
	}
	var uses []tag.Use
	seen, via := map[id.ID]bool{}, map[id.ID]string{}
	for len(open) > 0 {
		g := open[0]
		if open = open[1:]; seen[g.ID] {
			continue
		}
		seen[g.ID] = true
		uses = append(uses, tag.Use{Kind: "segment", ID: g.ID, Name: g.Name, State: g.State, Live: true, Via: via[g.ID]})
		above, err := e.Segments.Users(ctx, t.BrandID, rule.NameSegment, g.ID)
		if err != nil {
			return nil, err
		}
		for _, x := range above {
			if _, there := via[x.ID]; !there {
				via[x.ID] = g.Name
			}
		}
		open = append(open, above...)
	}
	return uses, nil
}

// saveWithin is how long the end of a process may wait for bitmaps to be written.
const saveWithin = 10 * time.Second

// warmSegments keeps in memory what questions are about, from the start of a process that
// answers them, and in a file for the next process.
func (e *environment) warmSegments(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		if err := e.Segments.Warm(ctx); err != nil && ctx.Err() == nil {
			log.Warn("what segments are about is not held yet", "err", err)
		}
		if err := e.Segments.Save(ctx, false); err != nil && ctx.Err() == nil {
			log.Warn("what segments are about is not kept for the next process", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveWithin)
			defer cancel()
			if err := e.Segments.Save(last, true); err != nil {
				log.Warn("what segments are about is not kept for the next process", "err", err)
			}
			return
		}
	}
}

// segmentChores derive what changed, look who came and left, and forget what is old.
func (e *environment) segmentChores() []job.Chore {
	return []job.Chore{
		{Name: "derive what changed of people", Every: time.Second, Do: func(ctx context.Context) error {
			for more := true; more; {
				begins, err := e.Segments.Begin(ctx)
				named := false
				if err == nil {
					named, err = e.Segments.Named(ctx)
				}
				if err == nil {
					more, err = e.Segments.Refresh(ctx)
				}
				if err = errors.Join(err, ctx.Err()); err != nil {
					return err
				}
				more = more || begins || named
			}
			return nil
		}},
		{Name: "look who is in segments", Every: 15 * time.Second, Do: e.Segments.LookAll},
		{Name: "take who withdrew out of segments of past days", Every: 6 * time.Hour, Do: func(ctx context.Context) error {
			for more := true; more; {
				var err error
				if more, err = e.Segments.Unlink(ctx); errors.Join(err, ctx.Err()) != nil {
					return errors.Join(err, ctx.Err())
				}
			}
			return nil
		}},
		{Name: "forget old moves of segments", Every: time.Hour, Do: func(ctx context.Context) error {
			for more := true; more; {
				var err error
				if more, err = e.Segments.Prune(ctx); errors.Join(err, ctx.Err()) != nil {
					return errors.Join(err, ctx.Err())
				}
			}
			return nil
		}},
	}
}
