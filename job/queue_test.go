package job_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"siyu/job"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/outbox"

	"gorm.io/gorm"
)

// queueDB is this package's own Redis database: other packages' tests run beside it.
const queueDB = 1

// queues are the in-process Redis always, and the real one that scripts/test starts.
func queues(t *testing.T) map[string]string {
	mini := miniredis.RunT(t)
	out := map[string]string{"miniredis": mini.Addr()}
	if addr := os.Getenv("SIYU_TEST_REDIS"); addr != "" {
		out["redis"] = addr
	}
	return out
}

// The whole way: rows are put, relayed to Asynq, worked once each; then the queue is
// emptied under it and what was in it still gets done.
func TestRowsReachWorkersThroughAsynq(t *testing.T) {
	ctx := context.Background()
	for name, addr := range queues(t) {
		t.Run(name, func(t *testing.T) {
			clk := clock.NewFake(dbtest.Start)
			d := dbtest.Open(t, db.SQLite, clk)
			out := outbox.New(d)
			quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
			rdb := redis.NewClient(&redis.Options{Addr: addr, DB: queueDB})
			t.Cleanup(func() { _ = rdb.Close() })
			if err := rdb.FlushDB(ctx).Err(); err != nil {
				t.Fatal(err)
			}
			var mu sync.Mutex
			done := map[id.ID]int{}
			reached := make(chan id.ID, 1000)
			work := func(_ context.Context, ref id.ID) (job.Verdict, error) {
				mu.Lock()
				defer mu.Unlock()
				done[ref]++
				reached <- ref
				return job.Verdict{}, nil
			}
			runner := job.NewRunner(out, map[string]job.Worker{job.TaskNotice: work, job.TaskPayout: work}, quiet, prometheus.NewRegistry(), clock.Wall)
			put := func(n int) {
				t.Helper()
				for i := range n {
					err := d.InTx(ctx, func(tx *gorm.DB) error {
						_, err := out.PutTx(ctx, tx, []string{job.TaskNotice, job.TaskPayout}[i%2], d.NewID(), 0)
						return err
					})
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			client := asynq.NewClientFromRedisClient(rdb)
			relay := job.NewRelay(out, client, asynq.NewInspectorFromRedisClient(rdb), quiet, time.Second)

			put(40)
			if n, err := relay.Once(ctx); n != 40 || err != nil {
				t.Fatal(n, err)
			}
			if err := rdb.FlushDB(ctx).Err(); err != nil { // Redis restarts empty
				t.Fatal(err)
			}
			put(20)
			server := asynq.NewServer(asynq.RedisClientOpt{Addr: addr, DB: queueDB}, job.ServerConfig(4, quiet))
			if err := server.Start(runner.Mux()); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(server.Shutdown)
			wait := func(n int) {
				t.Helper()
				for range n {
					select {
					case <-reached:
					case <-time.After(2 * time.Minute):
						t.Fatal("rows never reached a worker")
					}
				}
			}
			if n, err := relay.Once(ctx); n != 20 || err != nil {
				t.Fatal(n, err)
			}
			wait(20)
			for deadline := time.After(2 * time.Minute); ; { // a worker reports before its row is marked
				if _, sent, _, err := out.Counts(ctx); err == nil && sent == 40 {
					break
				}
				select {
				case <-deadline:
					t.Fatal("finished rows were never marked")
				case <-time.After(2 * time.Millisecond):
				}
			}
			clk.Advance(job.Lost + time.Second)
			if n, err := relay.Requeue(ctx, clk.Now()); n != 40 || err != nil {
				t.Fatal(n, err)
			}
			if n, err := relay.Once(ctx); n != 40 || err != nil {
				t.Fatal(n, err)
			}
			wait(40)
			mu.Lock()
			defer mu.Unlock()
			if len(done) != 60 {
				t.Fatalf("%d of 60 rows were worked", len(done))
			}
		})
	}
}

// A line that is longer than a row may be silent holds each row once; what the queue has
// lost is found all the same.
func TestRowsInLineAreNotHandedOverAgain(t *testing.T) {
	ctx := context.Background()
	for name, addr := range queues(t) {
		t.Run(name, func(t *testing.T) {
			clk := clock.NewFake(dbtest.Start)
			d := dbtest.Open(t, db.SQLite, clk)
			out := outbox.New(d)
			quiet := slog.New(slog.DiscardHandler)
			rdb := redis.NewClient(&redis.Options{Addr: addr, DB: queueDB})
			t.Cleanup(func() { _ = rdb.Close() })
			if err := rdb.FlushDB(ctx).Err(); err != nil {
				t.Fatal(err)
			}
			inspect := asynq.NewInspectorFromRedisClient(rdb)
			relay := job.NewRelay(out, asynq.NewClientFromRedisClient(rdb), inspect, quiet, time.Second)
			hand := func(task string, n int) (rows []id.ID) {
				t.Helper()
				if err := d.InTx(ctx, func(tx *gorm.DB) error {
					for range n {
						row, err := out.PutTx(ctx, tx, task, d.NewID(), 0)
						if err != nil {
							return err
						}
						rows = append(rows, row)
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				if got, err := relay.Once(ctx); got != n || err != nil {
					t.Fatal(got, err)
				}
				return rows
			}
			requeue := func(want int64) {
				t.Helper()
				if n, err := relay.Requeue(ctx, clk.Now()); n != want || err != nil {
					t.Fatalf("%d rows wait again, want %d, %v", n, want, err)
				}
			}
			lost := hand(job.TaskPayout, 3)
			if _, err := inspect.DeleteAllPendingTasks("money"); err != nil { // a worker took them and died
				t.Fatal(err)
			}
			clk.Advance(job.Lost + time.Second)
			hand(job.TaskPayout, 30)
			done := hand(job.TaskNotice, 1) // worked already, its task is a leftover
			if err := out.MarkDone(ctx, done[0]); err != nil {
				t.Fatal(err)
			}
			requeue(int64(len(lost)))
			clk.Advance(100 * job.Lost) // nobody works: the line stands
			requeue(0)
			if got, err := relay.Once(ctx); got != 3 || err != nil {
				t.Fatal(got, err)
			}
			if line, err := inspect.ListPendingTasks("money", asynq.PageSize(100)); err != nil || len(line) != 33 {
				t.Fatalf("%d stand in line, %v", len(line), err)
			}
			if err := rdb.FlushDB(ctx).Err(); err != nil {
				t.Fatal(err)
			}
			clk.Advance(job.Lost + time.Second)
			requeue(33)
		})
	}
}

// A worker's error, verdict and panic each put the row off; done ends it.
func TestRunnerVerdicts(t *testing.T) {
	ctx := context.Background()
	clk := clock.NewFake(dbtest.Start)
	d := dbtest.Open(t, db.SQLite, clk)
	out := outbox.New(d)
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	var next func() (job.Verdict, error)
	runs := 0
	runner := job.NewRunner(out, map[string]job.Worker{job.TaskNotice: func(context.Context, id.ID) (job.Verdict, error) { runs++; return next() }},
		quiet, prometheus.NewRegistry(), clock.Wall)
	var row id.ID
	if err := d.InTx(ctx, func(tx *gorm.DB) (err error) { row, err = out.PutTx(ctx, tx, job.TaskNotice, 5, 0); return err }); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		next  func() (job.Verdict, error)
		after time.Duration
	}{
		"again": {func() (job.Verdict, error) { return job.Verdict{Again: time.Minute, Why: "等"}, nil }, time.Minute},
		"error": {func() (job.Verdict, error) { return job.Verdict{}, io.ErrUnexpectedEOF }, 0},
		"panic": {func() (job.Verdict, error) { panic("boom") }, 0},
	} {
		next = c.next
		before, err := out.Get(ctx, row)
		if err != nil {
			t.Fatal(err)
		}
		if err := runner.Run(ctx, row); err != nil {
			t.Fatal(err)
		}
		got, err := out.Get(ctx, row)
		if err != nil || got.State != outbox.Waiting || got.Tries != before.Tries+1 || got.DueAt <= clk.Now() || got.LastError == "" {
			t.Fatalf("%s: %+v %v", name, got, err)
		}
		if c.after > 0 && got.DueAt != clk.Now().Add(c.after) {
			t.Fatalf("%s: due %s", name, got.DueAt)
		}
	}
	next = func() (job.Verdict, error) { return job.Verdict{}, nil }
	for range 3 {
		if err := runner.Run(ctx, row); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := out.Get(ctx, row); err != nil || got.State != outbox.Done || runs != 4 {
		t.Fatalf("%+v, %d runs, %v", got, runs, err)
	}
}
