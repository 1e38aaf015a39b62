package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/hibiken/asynq"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fail"
	"siyu/model/id"
	"siyu/model/outbox"
)

// Enqueuer is what the relay needs of Asynq's client.
type Enqueuer interface {
	EnqueueContext(ctx context.Context, task *asynq.Task, opts ...asynq.Option) (*asynq.TaskInfo, error)
}

// Heads tells what a queue holds, its oldest task first; *asynq.Inspector does.
type Heads interface {
	ListPendingTasks(queue string, opts ...asynq.ListOption) ([]*asynq.TaskInfo, error)
}

// Relay hands waiting outbox rows to the queue. Several may run at once; a row handed
// over twice is a second wake-up, and the queue refuses most of those by task id.
type Relay struct {
	out   *outbox.Store
	queue Enqueuer
	heads Heads
	log   *slog.Logger
	every time.Duration
}

// NewRelay makes a relay that looks every so often, and at once when something was put
// in this process.
func NewRelay(out *outbox.Store, queue Enqueuer, heads Heads, log *slog.Logger, every time.Duration) *Relay {
	return &Relay{out: out, queue: queue, heads: heads, log: log, every: every}
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

// Restart makes every row that was handed over waiting again: for a queue that begins
// empty, as the Redis inside the program does, so that nobody waits until rows are known
// to be silent.
func (r *Relay) Restart(ctx context.Context, now clock.Instant) (n int64, err error) {
	for {
		again, err := r.out.Requeue(ctx, slices.Sorted(maps.Keys(queueOf)), now.Add(time.Millisecond), relayBatch)
		if n += again; err != nil || again == 0 {
			return n, err
		}
	}
}

// Requeue makes silent rows waiting again: the queue lost them (Redis was emptied), or
// the worker died. A row that was handed over after what stands first in its queue is
// not silent but in line, however long the line is; it would only come to stand there
// twice.
func (r *Relay) Requeue(ctx context.Context, now clock.Instant) (n int64, err error) {
	for queue := range queues {
		before := now
		if head, found, err := r.head(ctx, queue); err != nil {
			return n, err
		} else if found {
			before = min(before, head)
		}
		var tasks []string
		for task, of := range queueOf {
			if of == queue {
				tasks = append(tasks, task)
			}
		}
		again, err := r.out.Requeue(ctx, tasks, before.Add(-fail.Pace(Lost)), relayBatch)
		if n += again; err != nil {
			return n, err
		}
	}
	return n, nil
}

// head is when the oldest task of a queue was handed over. The first tasks may be
// leftovers whose rows are gone or not marked yet, so a few are looked at.
func (r *Relay) head(ctx context.Context, queue string) (sentAt clock.Instant, found bool, err error) {
	tasks, err := r.heads.ListPendingTasks(queue, asynq.PageSize(20))
	if errors.Is(err, asynq.ErrQueueNotFound) {
		return 0, false, nil // nothing was ever put there, or Redis was emptied
	}
	if err != nil {
		return 0, false, fmt.Errorf("job: head of queue %s: %w", queue, err)
	}
	for _, t := range tasks {
		rowID, err := id.Parse(string(t.Payload))
		if err != nil {
			continue
		}
		row, err := r.out.Get(ctx, rowID)
		if err == nil && row.SentAt != 0 {
			return row.SentAt, true, nil
		}
		if err != nil && !db.IsNotFound(err) {
			return 0, false, err
		}
	}
	return 0, false, nil
}
