package job

import (
	"context"
	"time"

	"siyu/model/id"
	"siyu/model/referral"
)

// TaskReferral writes the list of a member's people: referral:export.
const TaskReferral = referral.Task

// Referrals is what happens to referral trees beside requests; *referral.Store is it.
type Referrals interface {
	Write(ctx context.Context, exportID id.ID) error
	CheckDue(ctx context.Context) (more bool, err error)
	EndDue(ctx context.Context, limit int) (int, error)
	PruneFacts(ctx context.Context, limit int) (int, error)
	Expire(ctx context.Context, limit int) (int, error)
}

// Lists makes the worker of TaskReferral.
func Lists(r Referrals) Worker {
	return func(ctx context.Context, exportID id.ID) (Verdict, error) {
		return Verdict{}, r.Write(ctx, exportID)
	}
}

// ReferralChores is what happens by the clock to referral trees.
func ReferralChores(r Referrals) []Chore {
	return []Chore{
		{"end referrals whose time is over", time.Minute, func(ctx context.Context) error {
			return batches(ctx, 50, func(limit int) (int, error) { return r.EndDue(ctx, limit) })
		}},
		{"check the counters of referral trees", time.Minute, func(ctx context.Context) error {
			for ctx.Err() == nil {
				if more, err := r.CheckDue(ctx); err != nil || !more {
					return err
				}
			}
			return ctx.Err()
		}},
		{"forget counted events", time.Hour, func(ctx context.Context) error {
			return batches(ctx, 500, func(limit int) (int, error) { return r.PruneFacts(ctx, limit) })
		}},
		{"delete lists of referrals", 10 * time.Minute, func(ctx context.Context) error {
			return batches(ctx, 20, func(limit int) (int, error) { return r.Expire(ctx, limit) })
		}},
	}
}
