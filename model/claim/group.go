package claim

import (
	"context"
	"errors"

	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/scan"
)

// waiting is one claim on its way through a merged transaction (db.Merger).
type waiting struct {
	plan plan
	look *scan.Observation // stored with the claim, and also without it; nil: none
	shut error             // why only the look is stored
	err  error             // the outcome
}

// submit puts a claim into the next merged transaction and waits for its outcome, or
// for the end of the caller's patience: then the claim may still happen, and asking
// again answers it.
func (s *Store) submit(ctx context.Context, p plan, look *scan.Observation) error {
	w := &waiting{plan: p}
	if look != nil {
		own := *look // the run may change it, and outlive the caller
		w.look = &own
	}
	if err := s.merger.Do(ctx, w); err != nil {
		return err // w may still be written: it must not be read
	}
	return w.err
}

// run brings every claim of a batch to its outcome.
func (s *Store) run(ctx context.Context, batch []*waiting) { s.settle(ctx, s.shutOut(ctx, batch)) }

// shutOut ends the claims of blocked members: one read for all. Their looks stay, as
// those of people who earn nothing.
func (s *Store) shutOut(ctx context.Context, batch []*waiting) []*waiting {
	members := make([]id.ID, 0, len(batch))
	for _, w := range batch {
		members = append(members, w.plan.claim.MemberID)
	}
	if len(members) == 0 {
		return nil
	}
	standing, err := s.people.Standing(ctx, members)
	left := batch[:0:0]
	for _, w := range batch {
		is, there := standing[w.plan.claim.MemberID]
		w.plan.human = is.Root
		switch {
		case err != nil:
			w.err = err
			continue
		case !there || is.Blocked:
			w.shut = fault.New(fault.Forbidden, "member_blocked", "您的账号暂时不能领取，如有疑问请联系客服")
			if w.err = w.shut; w.look == nil {
				continue
			}
			w.look.Blocked = true
		}
		left = append(left, w)
	}
	return left
}

// settle commits a batch. One claim that cannot be written never fails its neighbours:
// what went wrong with all of them is tried again with each alone.
func (s *Store) settle(ctx context.Context, batch []*waiting) {
	if len(batch) == 0 {
		return
	}
	err := s.write(ctx, batch)
	var refused *uncounted
	switch {
	case err == nil: // each has its own outcome
	case errors.As(err, &refused):
		s.settle(ctx, refused.fitting(batch))
	case len(batch) == 1, fault.KindOf(err) == fault.Unavailable:
		// Unavailable concerns all alike: the database is away or the outcome is unknown.
		for _, w := range batch {
			w.err = err
		}
	default:
		s.alone(ctx, batch)
	}
}

func (s *Store) alone(ctx context.Context, batch []*waiting) {
	for _, w := range batch {
		s.settle(ctx, []*waiting{w})
	}
}

// fitting ends the claims that a campaign has no room for, the last in order first, and
// returns what can be written in one transaction: everything else. Each time at least
// one claim ends, so this comes to an end however fast other processes use the room up.
// Their looks were rolled back with them; whoever claims again brings his along.
func (u *uncounted) fitting(batch []*waiting) []*waiting {
	room, fen := u.room, u.fen
	left := make([]*waiting, 0, len(batch))
	for _, w := range batch {
		c := w.plan.claim
		if c.CampaignID != u.campaign || w.err != nil {
			left = append(left, w)
			continue
		}
		if room < 1 || c.CashFen > fen {
			w.err = errUncounted
			continue
		}
		room, fen = room-1, fen-c.CashFen
		left = append(left, w)
	}
	return left
}
