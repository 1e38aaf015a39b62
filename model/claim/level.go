package claim

import (
	"context"

	"siyu/model/campaign"
	"siyu/model/fault"
	"siyu/model/id"
)

// Levels is what claims ask of the levels of membership (会员等级); *tier.Store is it.
type Levels interface {
	// Reaches says whether the human behind a member stands now at a level of the brand or
	// above it. name is the level's when it was promised; it finds the level again after
	// others were added or taken away. Fault: NotFound for a member that is not there.
	Reaches(ctx context.Context, brandID, memberID id.ID, level int, name string) (bool, error)
}

// UseLevels says who knows the members' levels, before anything is claimed. Without it
// nobody has one.
func (s *Store) UseLevels(l Levels) { s.levels = l }

// Admits says whether a member may take part in what is offered. It reads nothing for an
// offer to everybody.
func (s *Store) Admits(ctx context.Context, o campaign.Offer, memberID id.ID) (bool, error) {
	switch {
	case o.MinLevel == 0:
		return true, nil
	case s.levels == nil:
		return false, nil
	}
	ok, err := s.levels.Reaches(ctx, o.BrandID, memberID, o.MinLevel, o.LevelName)
	if err != nil && fault.KindOf(err) == fault.NotFound { // who is gone has no level
		return false, nil
	}
	return ok, err
}

// admit refuses who may not take part. The level is that of the moment in which he asks:
// one that is lost before the commit still counts. Fault: Forbidden level_needed.
func (s *Store) admit(ctx context.Context, o campaign.Offer, memberID id.ID) error {
	ok, err := s.Admits(ctx, o, memberID)
	if err != nil || ok {
		return err
	}
	return fault.New(fault.Forbidden, "level_needed", "本活动限"+o.Who).With("level", o.LevelName)
}
