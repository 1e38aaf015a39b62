package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/bits"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"siyu/config"
	"siyu/model/clock"
)

const benchUsage = `usage: siyu bench SUBJECT [options]   (SUBJECT -h lists the options)

  tokens   issuing and checking tokens on one core, against capitalone/fpe
  issue    codes into print files, pictures against skip2/go-qrcode
  claim    claims by call and over HTTP, against bare INSERT and one GORM transaction each
  scan     genuine and forged codes over HTTP
  events   events over the signed API and by bulk import, against raw multi-row INSERT
  payout   packets from the outbox to settled, against bare Asynq
  tree     a referral tree of a million, twenty levels, against recursive queries over parents
  seed     a brand of a million members and ten million scans; every page of the back office read,
           and which query was slow
  segment  who fulfils a rule, by bitmaps, against the same rule as SQL; memory per million people
  push     messages from a segment to a sink over HTTP, against bare Asynq tasks with the same call
  identity keys joined into people and resolved, against one SQL upsert per key

Each starts what it needs on this machine, in a temporary folder, and removes it. Each
prints a table and a last line "subject name=value ...".
`

// bench measures.
func bench(ctx context.Context, _ config.Config, args []string, out io.Writer) error {
	subjects := map[string]func(context.Context, []string, io.Writer) error{
		"tokens": benchTokens, "issue": benchIssue, "claim": benchClaim, "scan": benchScan, "payout": benchPayout, "identity": benchIdentity, "events": benchEvents, "tree": benchTree, "seed": benchSeed, "segment": benchSegment, "push": benchPush}
	if len(args) > 0 {
		if run, ok := subjects[args[0]]; ok {
			err := run(ctx, args[1:], out)
			if errors.Is(err, flag.ErrHelp) {
				return nil
			}
			return err
		}
	}
	fmt.Fprint(out, benchUsage)
	return errors.New("no such subject")
}

// errEnough ends a measurement early and is no failure: the material is used up.
var errEnough = errors.New("bench: nothing is left to measure with")

// figures are what one measurement found.
type figures struct {
	done      int64
	perSecond float64
	p50, p99  time.Duration
}

// load runs op from many clients at once for a time, and says how often and how long.
// Each client begins its next op when its last one is done. The first error ends it.
func load(ctx context.Context, clients int, seconds float64, op func(ctx context.Context, client int) error) (figures, error) {
	runtime.GC() // nobody pays for what was measured before
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	all := make([]latencies, clients)
	begun := clock.Wall()
	end := begun.Add(time.Duration(seconds * float64(time.Second)))
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			for at := clock.Wall(); at.Before(end) && ctx.Err() == nil; {
				if err := op(ctx, client); errors.Is(err, errEnough) {
					return
				} else if err != nil {
					cancel(fmt.Errorf("client %d: %w", client, err))
					return
				}
				now := clock.Wall()
				all[client].add(now.Sub(at))
				at = now
			}
		})
	}
	wg.Wait()
	spent := clock.Wall().Sub(begun).Seconds()
	if err := context.Cause(ctx); err != nil {
		return figures{}, err
	}
	sum := &all[0]
	for i := 1; i < clients; i++ {
		for b, n := range all[i] {
			sum[b] += n
		}
	}
	f := figures{done: sum.total(), p50: sum.at(0.50), p99: sum.at(0.99)}
	f.perSecond = float64(f.done) / spent
	if f.done == 0 {
		return f, errors.New("bench: nothing was done in the time")
	}
	return f, nil
}

// latencies counts durations in buckets of a thirty-second of their size, as
// HdrHistogram does: any number of samples in 16 KiB, a percentile 3 percent too high
// at most.
type latencies [2048]int64

func (l *latencies) add(d time.Duration) {
	ns := uint64(max(d, 0))
	shift := max(0, bits.Len64(ns)-6)
	l[shift*32+int(ns>>shift)]++
}

func (l *latencies) total() (n int64) {
	for _, c := range l {
		n += c
	}
	return n
}

// at is the duration that the given part of all samples did not exceed.
func (l *latencies) at(part float64) time.Duration {
	left := int64(part * float64(l.total()))
	for i, n := range l {
		if left -= n; left < 0 {
			shift := max(0, i/32-1)
			return time.Duration(i-shift*32+1)<<shift - 1
		}
	}
	return 0
}

// clientList reads "1,8,64,256".
func clientList(text string) ([]int, error) {
	var list []int
	for part := range strings.SplitSeq(text, ",") {
		var n int
		if _, err := fmt.Sscanf(part+"\n", "%d\n", &n); err != nil || n < 1 || n > 1000 {
			return nil, errors.New("--clients must be numbers from 1 to 1000, such as 1,8,64,256")
		}
		list = append(list, n)
	}
	return list, nil
}

// secondsFlag adds --seconds, checked by within.
func secondsFlag(f *flag.FlagSet, usual float64) *float64 {
	return f.Float64("seconds", usual, "time for each figure, up to 60")
}

// profiled runs a measurement and writes a CPU profile of the whole process to path,
// for go tool pprof; "" writes none.
func profiled(path string, run func() error) (err error) {
	if path == "" {
		return run()
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return run()
}

func within(seconds float64) error {
	if !(seconds > 0 && seconds <= 60) { // written so that NaN fails too
		return errors.New("--seconds must be above 0 and at most 60")
	}
	return nil
}

// report is the table of a bench.
type report struct {
	w    *tabwriter.Writer
	rows map[string]figures
}

func newReport(out io.Writer, title string) *report {
	r := &report{w: tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight), rows: map[string]figures{}}
	fmt.Fprintf(r.w, "%s\tclients\tper second\tp50 ms\tp99 ms\t\n", title)
	return r
}

func reportKey(name string, clients int) string { return fmt.Sprintf("%s/%d", name, clients) }

func (r *report) add(name string, clients int, f figures) {
	r.rows[reportKey(name, clients)] = f
	fmt.Fprintf(r.w, "%s\t%d\t%.0f\t%.2f\t%.2f\t\n", name, clients, f.perSecond, ms(f.p50), ms(f.p99))
}

// at is the figure for a number of clients or, when that was not measured, for the
// largest that was.
func (r *report) at(name string, clients int, measured []int) float64 {
	if !slices.Contains(measured, clients) {
		clients = slices.Max(measured)
	}
	return r.rows[reportKey(name, clients)].perSecond
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
