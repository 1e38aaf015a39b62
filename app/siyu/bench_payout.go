package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"siyu/job"
	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db/dbbench"
	"siyu/model/redpacket"
)

// benchRedisDB is the Redis database that a measurement uses: the last one of an
// ordinary configuration, and only if it is empty.
const benchRedisDB = 15

// payoutTimeout bounds the way of all packets, in case some are stuck.
const payoutTimeout = 5 * time.Minute

// benchPayout measures packets from the outbox to the person's pocket: relay, Asynq,
// worker, WeChat (the simulator over HTTP, answering at once), the notice back, its
// worker. Bare Asynq on the same Redis is what any such program could reach at most.
func benchPayout(ctx context.Context, args []string, out io.Writer) (err error) {
	f := flag.NewFlagSet("siyu bench payout", flag.ContinueOnError)
	f.SetOutput(out)
	o := worldOptions{members: 64, payApp: demoOfficial}
	o.flags(f)
	addr := f.String("redis", "", "host:port on this machine, whose database 15 is empty; default: starts one, or the one inside the program")
	packets := f.Int64("packets", 3000, "packets, up to 100000")
	tasks := f.Int("tasks", 20_000, "tasks for bare Asynq, up to 1000000")
	rail := f.String("rail", brand.RailTransfer, "transfer or redpack")
	if err := f.Parse(args); err != nil {
		return err
	}
	switch {
	case *packets < 1 || *packets > 100_000:
		return errors.New("--packets must be 1 to 100000")
	case *tasks < 1 || *tasks > 1_000_000:
		return errors.New("--tasks must be 1 to 1000000")
	case *rail != brand.RailTransfer && *rail != brand.RailRedpack:
		return errors.New("--rail must be transfer or redpack")
	}
	name, number := "Redis inside the program", 0
	if *addr == "" {
		dir, err := os.MkdirTemp("", "siyu-bench-")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		if own, stop, err := startRedis(ctx, dir); err == nil {
			*addr, name = own, "a Redis of its own"
			defer func() { err = errors.Join(err, stop()) }()
		} else {
			fmt.Fprintf(out, "no Redis: %v; measuring with the one inside the program\n", err)
		}
	} else {
		name, number = "Redis "+*addr, benchRedisDB
		clean, err := emptyRedis(ctx, *addr)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, clean()) }()
	}
	o.redis, o.redisDB, o.codes, o.rail = *addr, number, *packets, *rail
	return inWorld(ctx, o, func(ctx context.Context, w *benchWorld) error {
		enqueued, handled, err := bareAsynq(ctx, w, *tasks)
		if err != nil {
			return fmt.Errorf("bare asynq: %w", err)
		}
		signed, err := signatures()
		if err != nil {
			return err
		}
		settled, err := w.settle(ctx)
		if err != nil {
			return err
		}
		t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintf(t, "%s, %s\tnumber\tseconds\tper second\t\n", o.engine, name)
		for _, l := range []struct {
			name    string
			n       int64
			seconds float64
		}{
			{"RSA signatures, nothing else", signing, signed}, {"Asynq: put into the queue", int64(*tasks), enqueued}, {"Asynq: empty tasks done", int64(*tasks), handled},
			{"packets settled (" + *rail + ")", *packets, settled},
		} {
			fmt.Fprintf(t, "%s\t%d\t%.2f\t%.0f\t\n", l.name, l.n, l.seconds, float64(l.n)/l.seconds)
		}
		if err := t.Flush(); err != nil {
			return err
		}
		if err := w.books(ctx, out, *packets); err != nil {
			return err
		}
		if err := w.bills(out); err != nil {
			return err
		}
		perSecond, bare := float64(*packets)/settled, float64(*tasks)/(enqueued+handled)
		line := fmt.Sprintf("payout settled_per_s=%.0f asynq_per_s=%.0f ratio=%.3f", perSecond, bare, perSecond/bare)
		if n := signaturesOf[*rail]; n > 0 {
			ceiling := signing / signed / n
			fmt.Fprintf(out, "a packet needs %.0f RSA signatures, ours and WeChat's: they alone allow %.0f packets a second here\n", n, ceiling)
			line += fmt.Sprintf(" signatures_per_s=%.0f ceiling_ratio=%.3f", ceiling, perSecond/ceiling)
		}
		_, err = fmt.Fprintln(out, line)
		return err
	})
}

// signing is how many signatures are measured.
const signing = 2000

// signaturesOf a packet, RSA with 2048 bits: on the transfer rail our order, WeChat's
// answer and WeChat's notice. WeChat plays on our cores here, which it does nowhere else.
var signaturesOf = map[string]float64{brand.RailTransfer: 3}

// signatures measures what no program can be faster than: it returns the seconds of
// signing on all cores with nothing else to do.
func signatures() (seconds float64, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return 0, err
	}
	var wg sync.WaitGroup
	var left atomic.Int64
	left.Store(signing)
	hash := sha256.Sum256([]byte("order"))
	begun := clock.Wall()
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if _, e := rsa.SignPKCS1v15(nil, key, crypto.SHA256, hash[:]); e != nil {
					panic(e) // a fresh key of the right size
				}
			}
		})
	}
	wg.Wait()
	return clock.Wall().Sub(begun).Seconds(), nil
}

// emptyRedis refuses a Redis that holds anything where we would write.
func emptyRedis(ctx context.Context, addr string) (clean func() error, err error) {
	if err := dbbench.OnlyLoopback(addr); err != nil {
		return nil, err
	}
	rdb := redis.NewClient(&redis.Options{Addr: addr, DB: benchRedisDB})
	n, err := rdb.DBSize(ctx).Result()
	if err == nil && n > 0 {
		err = fmt.Errorf("database %d of Redis %s holds %d keys: a measurement needs it empty", benchRedisDB, addr, n)
	}
	if err != nil {
		return nil, errors.Join(err, rdb.Close())
	}
	return func() error {
		return errors.Join(rdb.FlushDB(context.WithoutCancel(ctx)).Err(), rdb.Close())
	}, nil
}

// bareAsynq puts empty tasks into a queue one after the other, as the relay does, and
// then lets as many workers as ours do them. It returns the seconds of both.
func bareAsynq(ctx context.Context, w *benchWorld, tasks int) (enqueued, handled float64, err error) {
	conf := job.ServerConfig(workers, w.log)
	conf.Queues = map[string]int{"bench": 1}
	server := asynq.NewServer(w.queue.opt, conf)
	begun := clock.Wall()
	for i := range tasks {
		if _, err := w.queue.client.EnqueueContext(ctx, asynq.NewTask("bench", nil), asynq.Queue("bench"), asynq.MaxRetry(0), asynq.TaskID(fmt.Sprint(i))); err != nil {
			return 0, 0, err
		}
	}
	enqueued = clock.Wall().Sub(begun).Seconds()
	var left atomic.Int64
	left.Store(int64(tasks))
	done := make(chan struct{})
	begun = clock.Wall()
	if err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		if left.Add(-1) == 0 {
			close(done)
		}
		return nil
	})); err != nil {
		return 0, 0, err
	}
	defer server.Shutdown()
	select {
	case <-done:
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
	return enqueued, clock.Wall().Sub(begun).Seconds(), nil
}

// settle claims every code, then starts the workers and waits until every packet has
// arrived. It returns the seconds from the start of the workers.
func (w *benchWorld) settle(ctx context.Context) (seconds float64, err error) {
	const hands = 16
	var wg sync.WaitGroup
	errs := make(chan error, hands)
	for hand := range hands {
		wg.Go(func() {
			for i := hand; ; i += hands {
				tok, serial, err := w.token()
				if errors.Is(err, errEnough) {
					return
				}
				c, err2 := w.check(ctx, tok, serial)
				if err = errors.Join(err, err2); err == nil {
					_, err = w.env.Claims.Make(ctx, c, w.members[i%len(w.members)].who)
				}
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	if err := <-errs; err != nil {
		return 0, fmt.Errorf("claims: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, payoutTimeout)
	defer cancel()
	begun := clock.Wall()
	stop, err := w.work(ctx, &wg)
	if err != nil {
		return 0, err
	}
	defer wg.Wait()
	defer stop()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("not every packet arrived: %w", ctx.Err())
		case <-look.C:
		}
		var open int64
		if err := w.env.DB.Read(ctx).Raw("SELECT COUNT(*) FROM payout WHERE campaign_id = ? AND state <> ?", w.campaign.ID, redpacket.Settled).Scan(&open).Error; err != nil {
			return 0, err
		}
		if open == 0 {
			return clock.Wall().Sub(begun).Seconds(), nil
		}
	}
}

// bills compares WeChat's side with ours: each of our packets paid once, nothing else.
func (w *benchWorld) bills(out io.Writer) error {
	var paid, twice int64
	for _, b := range w.sim.Bills(w.goods.mchID) {
		paid += b.PaidFen
		if b.PaidFen != prizeFen {
			twice++
		}
	}
	fmt.Fprintf(out, "WeChat paid %d fen for %d packets\n", paid, w.goods.codes)
	if paid != prizeFen*w.goods.codes || twice > 0 {
		return errors.New("bench: WeChat's bills are not ours")
	}
	return nil
}
