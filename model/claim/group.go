package claim

import (
	"context"
	"errors"

	"siyu/model/fault"
	"siyu/model/id"
)

// waiting is one claim on its way through a merged transaction (db.Merger).
type waiting struct {
	plan plan
	err  error // the outcome
}

// submit puts a claim into the next merged transaction and waits for its outcome, or
// for the end of the caller's patience: then the claim may still happen, and asking
// again answers it.
func (s *Store) submit(ctx context.Context, p plan) error {
	w := &waiting{plan: p}
	if err := s.merger.Do(ctx, w); err != nil {
		return err // w may still be written: it must not be read
	}
	return w.err
}

// run brings every claim of a batch to its outcome.
func (s *Store) run(ctx context.Context, batch []*waiting) { s.settle(ctx, s.shutOut(ctx, batch)) }

// shutOut ends the claims of blocked members: one read for all.
func (s *Store) shutOut(ctx context.Context, batch []*waiting) []*waiting {
	members := make([]id.ID, 0, len(batch))
	for _, w := range batch {
		members = append(members, w.plan.claim.MemberID)
	}
	if len(members) == 0 {
		return nil
	}
	blocked, err := s.people.BlockedAmong(ctx, members)
	left := batch[:0:0]
	for _, w := range batch {
		switch {
		case err != nil:
			w.err = err
		case blocked[w.plan.claim.MemberID]:
			w.err = fault.New(fault.Forbidden, "member_blocked", "您的账号暂时不能领取，如有疑问请联系客服")
		default:
			left = append(left, w)
		}
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
	case len(batch) == 1 && errors.As(err, &refused):
		batch[0].err = errUncounted
	case len(batch) == 1, fault.KindOf(err) == fault.Unavailable:
		// Unavailable concerns all alike: the database is away or the outcome is unknown.
		for _, w := range batch {
			w.err = err
		}
	case errors.As(err, &refused):
		var others []*waiting
		var its []*waiting
		for _, w := range batch {
			if w.plan.claim.CampaignID == refused.campaign {
				its = append(its, w)
			} else {
				others = append(others, w)
			}
		}
		s.settle(ctx, others)
		s.alone(ctx, its)
	default:
		s.alone(ctx, batch)
	}
}

func (s *Store) alone(ctx context.Context, batch []*waiting) {
	for _, w := range batch {
		s.settle(ctx, []*waiting{w})
	}
}
