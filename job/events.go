package job

import (
	"context"
	"time"

	"siyu/model/clock"
	"siyu/model/id"
)

// Projector makes events of rows that other contexts store (event.Projector).
type Projector interface {
	Run(ctx context.Context) (more bool, err error)
}

// Letters are reports that could not be stored (event.Intake).
type Letters interface {
	Prune(ctx context.Context, before clock.Instant, limit int) (int, error)
}

// keepLetters is how long a dead letter is kept: a report that nobody could place in
// three months is about somebody we do not know, and not ours to keep.
const keepLetters = 90 * 24 * time.Hour

// deliverer tells consumers of a batch of events (event.Store).
type deliverer interface {
	Deliver(ctx context.Context, batchID id.ID) error
}

// Deliver makes the worker of TaskEvents.
func Deliver(d deliverer) Worker {
	return func(ctx context.Context, batchID id.ID) (Verdict, error) {
		return Verdict{}, d.Deliver(ctx, batchID)
	}
}

// project brings events up to date, a backlog in bounded parts.
func (c *Cron) project(ctx context.Context) error {
	for ctx.Err() == nil {
		if more, err := c.Events.Run(ctx); err != nil || !more {
			return err
		}
	}
	return ctx.Err()
}

func (c *Cron) letters(ctx context.Context) error {
	return batches(ctx, 500, func(limit int) (int, error) { return c.Letters.Prune(ctx, c.Clock.Now().Add(-keepLetters), limit) })
}
