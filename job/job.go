// Package job does what must happen after a commit. Handlers and jobs meet only in the
// outbox table: the relay hands waiting rows to Asynq, a worker reads the row again,
// loads the thing it names, decides in model, acts through wechat, records in model,
// and marks the row done or puts it off.
//
// The row is the truth, the task is a wake-up. Tasks are tried once by Asynq; putting
// off is done on the row, so losing all of Redis delays work and loses nothing, and a
// task that comes twice finds nothing left to do.
package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"

	"siyu/model/crm"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/fail"
	"siyu/model/fault"
	"siyu/model/fraud"
	"siyu/model/id"
	"siyu/model/notice"
	"siyu/model/outbox"
	"siyu/model/redpacket"
)

// Queues, with their share of the workers. What WeChat told us goes first: it ends
// payouts, and a payout whose notice waits would be asked for. Then money on its way, then
// print files.
var queues = map[string]int{"notice": 6, "money": 5, "bulk": 1}

// Names of tasks. Asynq's mux matches by prefix, so none is a prefix of another.
const (
	TaskPayout  = redpacket.Task // payout:drive
	TaskNotice  = notice.Task    // notice:apply
	TaskExport  = "export:run"
	TaskMessage = "message:send"
	TaskEvents  = event.Task // event:deliver
	TaskImport  = crm.Task   // import:work
	TaskFraud   = fraud.Task // fraud:settle
)

var queueOf = map[string]string{TaskPayout: "money", TaskNotice: "notice", TaskMessage: "notice", TaskExport: "bulk", TaskEvents: "bulk", TaskImport: "bulk", TaskReferral: "bulk", TaskExtract: "bulk", TaskTag: "bulk", TaskPushFreeze: "bulk", TaskPushSend: "bulk", TaskPushBack: "notice", TaskTagTouch: "bulk", TaskRights: "bulk", TaskRegroup: "notice", TaskFraud: "notice", TaskWithdrawal: "notice",
	TaskChat: "bulk", TaskContact: "bulk", TaskSync: "bulk", TaskWay: "bulk", TaskReconcile: "bulk"}

// timeouts bound one run of a worker. A print file may take hours and reports its
// progress itself.
var timeouts = map[string]time.Duration{TaskPayout: 60 * time.Second, TaskNotice: 30 * time.Second, TaskMessage: 30 * time.Second, TaskExport: 12 * time.Hour, TaskEvents: 60 * time.Second, TaskImport: 12 * time.Hour, TaskReferral: 2 * time.Hour, TaskExtract: 2 * time.Hour, TaskTag: 2 * time.Hour, TaskPushFreeze: 2 * time.Hour, TaskPushSend: 2 * time.Minute, TaskPushBack: 60 * time.Second, TaskTagTouch: 60 * time.Second, TaskRights: 30 * time.Minute, TaskRegroup: 60 * time.Second, TaskFraud: 5 * time.Minute, TaskWithdrawal: 30 * time.Second,
	TaskChat: 60 * time.Second, TaskContact: 60 * time.Second, TaskSync: 100 * time.Second, TaskWay: 60 * time.Second, TaskReconcile: time.Hour}

// Verdict is what a worker says of its row: done (the zero value), or again after a
// pause with the reason.
type Verdict struct {
	Again time.Duration
	Why   string
}

// Worker does one kind of task. An error puts the row off with growing pauses.
type Worker func(ctx context.Context, ref id.ID) (Verdict, error)

// Runner runs workers over the outbox.
type Runner struct {
	out     *outbox.Store
	workers map[string]Worker
	log     *slog.Logger
	runs    *prometheus.HistogramVec
	now     func() time.Time // monotonic, for durations only
}

// NewRunner makes a runner. workers maps task names to what does them.
func NewRunner(out *outbox.Store, workers map[string]Worker, log *slog.Logger, reg prometheus.Registerer, now func() time.Time) *Runner {
	runs := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "siyu_job_seconds", Help: "Time of one worker run by task and outcome.",
		Buckets: []float64{.005, .02, .1, .5, 2, 10, 60}}, []string{"task", "outcome"})
	reg.MustRegister(runs)
	return &Runner{out: out, workers: workers, log: log, runs: runs, now: now}
}

// Mux is what Asynq serves.
func (r *Runner) Mux() *asynq.ServeMux {
	mux := asynq.NewServeMux()
	for name := range r.workers {
		mux.HandleFunc(name, func(ctx context.Context, t *asynq.Task) error {
			rowID, err := id.Parse(string(t.Payload()))
			if err != nil {
				return fmt.Errorf("job: %s has a malformed payload: %w", t.Type(), asynq.SkipRetry)
			}
			return r.Run(ctx, rowID)
		})
	}
	return mux
}

// Run does one row's work. It returns an error only when the row itself could not be
// read or written; then the row stays as it is and reconcile queues it again.
func (r *Runner) Run(ctx context.Context, rowID id.ID) error {
	row, err := r.out.Get(ctx, rowID)
	if db.IsNotFound(err) || (err == nil && row.State == outbox.Done) {
		return nil // done long ago and pruned, or done by the worker beside us
	}
	if err != nil {
		return err
	}
	work, ok := r.workers[row.Task]
	if !ok {
		return fmt.Errorf("job: nobody does %s", row.Task)
	}
	began := r.now()
	v, err := r.safely(ctx, work, row)
	outcome := "done"
	// The worker's own time may be used up; recording must still work.
	rec, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	switch {
	case err != nil:
		outcome = "error"
		r.log.ErrorContext(ctx, "worker failed", "task", row.Task, "ref", row.RefID, "tries", row.Tries, "error", err)
		err = r.out.PutOff(rec, rowID, backoff(row.Tries), err.Error())
	case v.Again > 0:
		outcome = "again"
		err = r.out.PutOff(rec, rowID, v.Again, v.Why)
	default:
		err = r.out.MarkDone(rec, rowID)
	}
	r.runs.WithLabelValues(row.Task, outcome).Observe(r.now().Sub(began).Seconds())
	return err
}

// safely turns a panic into an error: one bad row must not end the process.
func (r *Runner) safely(ctx context.Context, work Worker, row outbox.Row) (v Verdict, err error) {
	defer func() {
		if p := recover(); p != nil {
			r.log.ErrorContext(ctx, "worker panicked", "task", row.Task, "ref", row.RefID, "panic", p, "stack", string(debug.Stack()))
			err = errors.New("worker panicked")
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, fail.Pace(timeouts[row.Task]))
	defer cancel()
	return work(fail.Deaf(ctx), row.RefID)
}

// backoff is 2 s, 4 s, 8 s ... up to 10 minutes.
func backoff(tries int) time.Duration {
	return min(time.Duration(2<<min(tries, 20))*time.Second, 10*time.Minute)
}

// ServerConfig is how Asynq's server is set up. Asynq's own retries are off (see the
// package comment); its shutdown waits for workers longer than a payment call takes.
func ServerConfig(workers int, log *slog.Logger) asynq.Config {
	return asynq.Config{Concurrency: workers, Queues: queues, ShutdownTimeout: 20 * time.Second,
		Logger: quiet{log}, LogLevel: asynq.WarnLevel,
		// How long a task waits in an empty queue: each look is three small questions to Redis.
		TaskCheckInterval: 200 * time.Millisecond,
		IsFailure:         func(err error) bool { return fault.KindOf(err) != fault.Unavailable }}
}

// quiet adapts slog to Asynq.
type quiet struct{ log *slog.Logger }

func (q quiet) Debug(args ...any) { q.log.Debug(fmt.Sprint(args...)) }
func (q quiet) Info(args ...any)  { q.log.Info(fmt.Sprint(args...)) }
func (q quiet) Warn(args ...any)  { q.log.Warn(fmt.Sprint(args...)) }
func (q quiet) Error(args ...any) { q.log.Error(fmt.Sprint(args...)) }
func (q quiet) Fatal(args ...any) { q.log.Error(fmt.Sprint(args...)) } // the program ends by its own rules
