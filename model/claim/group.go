package claim

import (
	"context"
	"errors"
	"sync"
	"time"

	"siyu/model/fault"
	"siyu/model/id"
)

// Limits of merging.
const (
	mergeMost = 256   // claims of one transaction
	waitMost  = 20000 // claims that wait; more are refused at once
	// commitFor bounds one merged transaction. It does not depend on any one caller's
	// deadline: a caller who left must not fail his neighbours.
	commitFor = 15 * time.Second
)

// waiting is one claim on its way through a merged transaction.
type waiting struct {
	ctx  context.Context
	plan plan
	err  error         // the outcome, valid after done
	done chan struct{} // closed when the outcome stands
}

// group merges the claims that wait (group commit). There is no timer and no idle
// goroutine: a claim that finds nobody at work starts a committer at once, and what
// arrives while a commit is under way goes into the next one. So nothing is delayed
// when it is quiet, and the batches grow by themselves when it is not.
type group struct {
	mu      sync.Mutex
	queue   []*waiting
	working int
	most    int // committers at once
}

var errBusy = fault.New(fault.Throttled, "busy", "参与的人太多，请稍后再试")

// submit puts a claim into the next merged transaction and waits for its outcome, or
// for the end of the caller's patience: then the claim may still happen, and asking
// again answers it.
func (s *Store) submit(ctx context.Context, p plan) error {
	w := &waiting{ctx: ctx, plan: p, done: make(chan struct{})}
	g := &s.group
	g.mu.Lock()
	if len(g.queue) >= waitMost {
		g.mu.Unlock()
		return errBusy
	}
	g.queue = append(g.queue, w)
	if g.working < g.most {
		g.working++
		go s.committer()
	}
	g.mu.Unlock()
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return fault.New(fault.Unavailable, "timeout", "系统繁忙，请稍后再试").Because(ctx.Err())
	}
}

// take returns the next claims to merge, or nothing when the committer may go.
func (g *group) take() []*waiting {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.queue) == 0 {
		g.working--
		return nil
	}
	n := min(len(g.queue), mergeMost)
	batch := g.queue[:n:n]
	g.queue = g.queue[n:]
	if len(g.queue) == 0 {
		g.queue = nil // let go of the array
	}
	return batch
}

func (s *Store) committer() {
	for batch := s.group.take(); batch != nil; batch = s.group.take() {
		s.finish(batch)
	}
}

// finish brings every claim of a batch to its outcome. A panic in one transaction must
// not leave callers waiting for ever.
func (s *Store) finish(batch []*waiting) {
	defer func() {
		if p := recover(); p != nil {
			for _, w := range batch {
				w.err = fault.New(fault.Internal, "internal", "系统开小差了，请稍后再试")
			}
		}
		for _, w := range batch {
			close(w.done)
		}
	}()
	live := make([]*waiting, 0, len(batch))
	for _, w := range batch {
		if err := w.ctx.Err(); err != nil { // gave up while it waited: nothing was written
			w.err = fault.New(fault.Unavailable, "timeout", "系统繁忙，请稍后再试").Because(err)
			continue
		}
		live = append(live, w)
	}
	// Values of the first caller's context (request id) would mislead; none is taken.
	ctx, cancel := context.WithTimeout(context.Background(), commitFor)
	defer cancel()
	s.settle(ctx, s.shutOut(ctx, live))
}

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
