package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/capitalone/fpe/ff1"

	"siyu/model/clock"
	"siyu/model/code/token"
)

// benchRounds: every subject is measured so many times, in turn, and its median
// counts, so that a neighbour's noise hits all of them alike.
const benchRounds = 5

// subject is one thing to measure: step does n operations.
type subject struct {
	name  string
	step  func(n int) error
	rates []float64 // per second
}

func (s *subject) rate() float64 {
	slices.Sort(s.rates)
	return s.rates[len(s.rates)/2]
}

// benchTokens measures issuing and checking tokens on one core, against
// capitalone/fpe doing the same encryption in the same run.
func benchTokens(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("siyu bench tokens", flag.ContinueOnError)
	f.SetOutput(out)
	seconds := f.Float64("seconds", 1, "time for each subject, up to 60")
	if err := f.Parse(args); err != nil {
		return err
	}
	if !(*seconds > 0 && *seconds <= 60) {
		return errors.New("--seconds must be above 0 and at most 60")
	}
	secret := make([]byte, token.SecretSize)
	rand.Read(secret)
	key, err := token.NewKey(7, secret)
	if err != nil {
		return err
	}
	const live = 1 << 30
	ring, err := token.NewRing([]*token.Key{key}, []token.Range{{Slot: 7, From: 0, Count: live, BatchID: 1}})
	if err != nil {
		return err
	}
	other, err := ff1.NewCipher(32, 2, secret, []byte{0, 7})
	if err != nil {
		return err
	}
	// Tokens to check, far more than fit the nearest cache.
	texts := make([]string, 1<<16)
	for i := range texts {
		texts[i] = string(key.Issue(uint64(i) * 16381 % live))
	}
	next, at, buf := uint64(0), 0, make([]byte, 0, 4096*token.Size)
	subjects := []*subject{
		{name: "issue one by one", step: func(n int) error {
			for range n {
				buf = key.AppendIssue(buf[:0], next%live)
				next++
			}
			return nil
		}},
		{name: "issue a print run", step: func(n int) error {
			buf = key.AppendRun(buf[:0], next%(live-4096), n)
			next += uint64(n)
			return nil
		}},
		{name: "verify", step: func(n int) error {
			for range n {
				if !ring.Check(texts[at%len(texts)]).OK {
					return errors.New("a genuine token was refused")
				}
				at++
			}
			return nil
		}},
		{name: "capitalone/fpe 1.2.1", step: func(n int) error {
			for range n {
				if _, err := other.Encrypt("0000c1p0000000"); err != nil {
					return err
				}
			}
			return nil
		}},
	}
	for range benchRounds {
		for _, s := range subjects {
			if err := s.measure(ctx, *seconds/benchRounds); err != nil {
				return err
			}
		}
	}
	run, verify, fpe := subjects[1].rate(), subjects[2].rate(), subjects[3].rate()
	allocs, err := allocations(100_000, subjects[2].step)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "one core, %s\tper second\tns each\tx fpe\t\n", runtime.Version())
	for _, s := range subjects {
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.1f\t\n", s.name, s.rate(), 1e9/s.rate(), s.rate()/fpe)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "allocations per verify: %.3f\n", allocs)
	// Issuing is what a print run does, four tokens abreast; nothing else issues many.
	_, err = fmt.Fprintf(out, "tokens issue_per_s=%.0f verify_per_s=%.0f fpe_per_s=%.0f ratio=%.1f verify_allocs=%.0f\n", run, verify, fpe, run/fpe, allocs)
	return err
}

// measure repeats steps of a few milliseconds until the time is up.
func (s *subject) measure(ctx context.Context, seconds float64) error {
	const n = 4096
	clk := clock.System()
	begun, done := clk.Now(), 0
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.step(n); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		done += n
		// At least 20 ms, because the clock counts milliseconds.
		if spent := clk.Now().Sub(begun); spent >= max(20*time.Millisecond, time.Duration(seconds*float64(time.Second))) {
			s.rates = append(s.rates, float64(done)/spent.Seconds())
			return nil
		}
	}
}

// allocations counts the heap objects that n operations make, per operation. Other
// goroutines count too, so the result is an upper bound.
func allocations(n int, step func(n int) error) (float64, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if err := step(1); err != nil {
		return 0, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := step(n)
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(n), err
}
