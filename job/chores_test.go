package job_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"gorm.io/gorm"

	"siyu/job"
	"siyu/model/campaign"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/message"
	"siyu/model/outbox"
	"siyu/model/redpacket"
	"siyu/model/replay"

	"github.com/prometheus/client_golang/prometheus"
)

// workAtOnce is a queue whose worker is done before the relay has handed over the rest.
type workAtOnce func(ctx context.Context, task *asynq.Task) error

func (w workAtOnce) EnqueueContext(ctx context.Context, task *asynq.Task, _ ...asynq.Option) (*asynq.TaskInfo, error) {
	return nil, w(ctx, task)
}

// nowhere is a queue that holds nothing.
type nowhere struct{}

func (nowhere) ListPendingTasks(string, ...asynq.ListOption) ([]*asynq.TaskInfo, error) {
	return nil, asynq.ErrQueueNotFound
}

func TestRelay(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		out := outbox.New(d)
		quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
		put := func(task string) id.ID {
			t.Helper()
			var rowID id.ID
			if err := d.InTx(ctx, func(tx *gorm.DB) (err error) {
				rowID, err = out.PutTx(ctx, tx, task, 1, 0)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return rowID
		}
		state := func(rowID id.ID) outbox.Row {
			t.Helper()
			r, err := out.Get(ctx, rowID)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		t.Run("a row that its worker put off at once still waits, and is not silent until requeued", func(t *testing.T) {
			runner := job.NewRunner(out, map[string]job.Worker{job.TaskPayout: func(context.Context, id.ID) (job.Verdict, error) {
				return job.Verdict{Again: 5 * time.Second, Why: "later"}, nil
			}}, quiet, prometheus.NewRegistry(), clock.Wall)
			rowID := put(job.TaskPayout)
			relay := job.NewRelay(out, workAtOnce(func(ctx context.Context, task *asynq.Task) error {
				rowID, err := id.Parse(string(task.Payload()))
				if err != nil {
					return err
				}
				return runner.Run(ctx, rowID)
			}), nowhere{}, quiet, time.Second)
			if _, err := relay.Once(ctx); err != nil {
				t.Fatal(err)
			}
			if r := state(rowID); r.State != outbox.Waiting || r.Tries != 1 || r.DueAt != clk.Now().Add(5*time.Second) {
				t.Fatalf("%+v", r)
			}
		})
		t.Run("a task of a newer program does not hold up what stands behind it", func(t *testing.T) {
			foreign, own := put("tomorrow:do"), put(job.TaskPayout)
			relay := job.NewRelay(out, workAtOnce(func(context.Context, *asynq.Task) error { return nil }), nowhere{}, quiet, time.Second)
			if _, err := relay.Once(ctx); err != nil {
				t.Fatal(err)
			}
			if a, b := state(foreign), state(own); a.State != outbox.Waiting || b.State != outbox.Sent {
				t.Fatalf("%+v %+v", a, b)
			}
		})
	})
}

// crowd is more payouts than one page of any list, all claimed and begun; the clock
// moves between the first and the others.
func crowd(t *testing.T, d *db.DB, clk *clock.Fake, n int64, pause time.Duration) (*claimtest.World, []id.ID) {
	t.Helper()
	ctx := context.Background()
	w := claimtest.New(t, d, clk, claimtest.Setup{Codes: n, Tiers: []campaign.Tier{{Name: "红包", Kind: campaign.Cash, Winners: n, MinFen: 188, MaxFen: 188}}})
	var out []id.ID
	for s := int64(1); s <= n; s++ {
		c, err := w.Claims.Make(ctx, w.Code(t, s), claimtest.Who(id.ID(s)))
		if err != nil {
			t.Fatal(err)
		}
		p, err := w.Packets.OfClaim(ctx, c.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, moved, err := w.Packets.Begin(ctx, p.ID); err != nil || !moved {
			t.Fatal(moved, err)
		}
		out = append(out, p.ID)
		if s == 1 {
			clk.Advance(pause)
		}
	}
	return w, out
}

func TestChores(t *testing.T) {
	ctx := context.Background()
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	chore := func(t *testing.T, c *job.Cron, name string) {
		t.Helper()
		c.Exports, c.Operators, c.Log, c.Metrics = nobody{}, nobody{}, quiet, prometheus.NewRegistry()
		for _, ch := range c.Chores() {
			if ch.Name == name {
				if err := ch.Do(ctx); err != nil {
					t.Fatal(err)
				}
				return
			}
		}
		t.Fatalf("no chore %q", name)
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		t.Run("the oldest unknown outcome is shown to a person, however many came after it", func(t *testing.T) {
			d := dbtest.Open(t, d.Driver(), clk)
			w, ids := crowd(t, d, clk, 130, 25*time.Hour)
			chore(t, &job.Cron{Packets: w.Packets, Clock: clk}, "mark payouts that take too long")
			on := true
			marked, err := w.Packets.List(ctx, redpacket.Filter{Review: &on})
			if err != nil || len(marked) != 1 || marked[0].ID != ids[0] {
				t.Fatal(len(marked), err)
			}
		})
		t.Run("everybody who waits is reminded once, however many they are", func(t *testing.T) {
			d := dbtest.Open(t, d.Driver(), clk)
			w, ids := crowd(t, d, clk, 230, 0)
			for _, p := range ids {
				if _, err := w.Packets.Apply(ctx, p, redpacket.Answer{Out: redpacket.OutAccepted, WaitUser: true, Package: "p", AmountFen: 188}, clk.Now()); err != nil {
					t.Fatal(err)
				}
			}
			clk.Advance(2*time.Hour + time.Minute)
			cron := &job.Cron{Packets: w.Packets, Clock: clk, Brands: w.Brands, Messages: message.New(d, w.Outbox), PublicURL: "https://public.test"}
			for range 2 { // a second process, or the same one restarted
				chore(t, cron, "remind of transfers that wait")
			}
			var told int64
			if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM message").Scan(&told).Error; err != nil || told != 230 {
				t.Fatal(told, err)
			}
		})
		t.Run("what is old is forgotten, however much it is", func(t *testing.T) {
			out, answers := outbox.New(d), replay.New(d)
			old := clk.Now()
			if err := d.InTx(ctx, func(tx *gorm.DB) error {
				replays := db.NewRows("replay", "scope, idem_key, input_hash, status, answer, created_at")
				rows := db.NewRows("outbox", "id, task, ref_id, state, due_at, tries, created_at, sent_at, done_at, last_error")
				for i := range 2500 {
					replays.Add("op:1", fmt.Sprint("k", i), "", 200, []byte{}, old)
					rows.Add(d.NewID(), job.TaskPayout, 1, outbox.Done, old, 0, old, old, old, "")
				}
				if _, err := replays.Insert(ctx, tx, ""); err != nil {
					return err
				}
				_, err := rows.Insert(ctx, tx, "")
				return err
			}); err != nil {
				t.Fatal(err)
			}
			clk.Advance(8 * 24 * time.Hour)
			chore(t, &job.Cron{Outbox: out, Replay: answers, Clock: clk}, "prune")
			var left int64
			if err := d.Read(ctx).Raw("SELECT (SELECT COUNT(*) FROM replay) + (SELECT COUNT(*) FROM outbox)").Scan(&left).Error; err != nil || left != 0 {
				t.Fatal(left, err)
			}
		})
	})
}
