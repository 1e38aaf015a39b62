package job

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/hibiken/asynq"

	"siyu/model/clock"
	"siyu/model/fail"
	"siyu/model/outbox"
)

// Enqueuer is what the relay needs of Asynq's client.
type Enqueuer interface {
	EnqueueContext(ctx context.Context, task *asynq.Task, opts ...asynq.Option) (*asynq.TaskInfo, error)
}

// Relay hands waiting outbox rows to the queue. Several may run at once; a row handed
// over twice is a second wake-up, and the queue refuses most of those by task id.
type Relay struct {
	out   *outbox.Store
	queue Enqueuer
	log   *slog.Logger
	every time.Duration
}

// NewRelay makes a relay that looks every so often, and at once when something was put
// in this process.
func NewRelay(out *outbox.Store, queue Enqueuer, log *slog.Logger, every time.Duration) *Relay {
	return &Relay{out: out, queue: queue, log: log, every: every}
}

const relayBatch = 500

// Loop relays until the context ends.
func (r *Relay) Loop(ctx context.Context) {
	tick := time.NewTicker(r.every)
	defer tick.Stop()
	for {
		n, err := r.Once(ctx)
		if err != nil && ctx.Err() == nil {
			r.log.WarnContext(ctx, "relay", "error", err)
		}
		if n == relayBatch && err == nil {
			continue // more is waiting
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-r.out.Nudges():
		}
	}
}

// Once hands over one batch of due rows and says how many.
func (r *Relay) Once(ctx context.Context) (int, error) {
	rows, err := r.out.Due(ctx, relayBatch)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	sent := make([]outbox.Row, 0, len(rows))
	for _, row := range rows {
		if _, known := queueOf[row.Task]; !known {
			// Put by a newer version of the program: its own relay will take it.
			r.log.WarnContext(ctx, "relay: unknown task", "task", row.Task, "row", row.ID)
			continue
		}
		if err = r.hand(ctx, row); err != nil {
			break // Redis is away: the rest waits with it
		}
		sent = append(sent, row)
	}
	// Marked after handing over: a crash in between costs a second wake-up, the other
	// order would cost the first.
	return len(sent), errors.Join(err, r.out.MarkSent(ctx, sent))
}

func (r *Relay) hand(ctx context.Context, row outbox.Row) error {
	task := asynq.NewTask(row.Task, []byte(row.ID.String()))
	fail.Point("enqueue.before")
	_, err := r.queue.EnqueueContext(ctx, task, asynq.Queue(queueOf[row.Task]), asynq.MaxRetry(0), asynq.Timeout(fail.Pace(timeouts[row.Task]+30*time.Second)),
		asynq.TaskID(row.ID.String()+"-"+strconv.Itoa(row.Tries)))
	fail.Point("enqueue.after")
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil // the same wake-up is in the queue already
	}
	return err
}

// Lost is how long a sent row may stay silent before it is queued again. It must be
// longer than a worker may take, or the row's work would run twice at once; exports
// take longer and are told apart by their own progress.
const Lost = 2 * time.Minute

// Requeue makes silent rows waiting again: the queue lost them (Redis was emptied), or
// the worker died.
func (r *Relay) Requeue(ctx context.Context, now clock.Instant) (int64, error) {
	return r.out.Requeue(ctx, now.Add(-fail.Pace(Lost)), relayBatch)
}
