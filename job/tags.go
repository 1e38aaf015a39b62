package job

import (
	"context"
	"errors"
	"time"

	"siyu/model/id"
	"siyu/model/tag"
)

const (
	TaskTag      = tag.Task      // computes a tag for everybody: tag:run
	TaskTagTouch = tag.TaskTouch // computes all tags of one human: tag:touch
)

// Tags is what happens to tags beside requests; *tag.Store is it.
type Tags interface {
	Work(ctx context.Context, runID id.ID) error
	Touch(ctx context.Context, members ...id.ID) error
	RefreshDue(ctx context.Context, limit int) (int, error)
	Expire(ctx context.Context, limit int) (int, error)
	RecountDue(ctx context.Context) error
	Propose(ctx context.Context) (int, error)
	ProposeDue(ctx context.Context) (int, error)
}

// Tag makes the worker of TaskTag. A run that another worker has is looked at again later:
// that worker may have died.
func Tag(t Tags) Worker {
	return func(ctx context.Context, runID id.ID) (Verdict, error) {
		err := t.Work(ctx, runID)
		if errors.Is(err, tag.ErrBusy) {
			return Verdict{Again: 30 * time.Second, Why: tag.ErrBusy.Text}, nil
		}
		return Verdict{}, err
	}
}

// TagTouch makes the worker of TaskTagTouch.
func TagTouch(t Tags) Worker {
	return func(ctx context.Context, memberID id.ID) (Verdict, error) { return Verdict{}, t.Touch(ctx, memberID) }
}

// TagChores are what the clock does to tags.
func TagChores(t Tags) []Chore {
	return []Chore{
		{"refresh tags that are due", time.Minute, func(ctx context.Context) error {
			return batches(ctx, 50, func(limit int) (int, error) { return t.RefreshDue(ctx, limit) })
		}},
		{"end values of tags", time.Minute, func(ctx context.Context) error {
			return batches(ctx, 500, func(limit int) (int, error) { return t.Expire(ctx, limit) })
		}},
		{"count tags", 2 * time.Minute, t.RecountDue},
		{"tags that may propose their end", time.Minute, func(ctx context.Context) error {
			_, err := t.ProposeDue(ctx)
			return err
		}},
		{"tags that nobody uses", 12 * time.Hour, func(ctx context.Context) error {
			_, err := t.Propose(ctx)
			return err
		}},
	}
}
