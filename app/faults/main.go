// Command faults is the fault campaign: it starts a whole town (siyu's own processes,
// a private MariaDB and Redis or the embedded engine, WeChat's simulator, people with
// phones), breaks everything in it by a schedule that one number decides, lets it come
// to rest, and compares what siyu booked with what WeChat paid and what people were
// told.
//
// Promises: it touches nothing that it did not start; everything it starts ends with
// it, also when it is killed; the seed it prints replays the schedule, event by event
// (not the interleaving: processes and disks have a will of their own); every run is
// bounded in time. It exits with 1 when an invariant is broken.
//
// It is a tool for the makers and part of no release.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"siyu/model/db"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command(ctx, os.Args[1:], os.Stdout)
	stop()
	os.Exit(code)
}

func command(ctx context.Context, args []string, out io.Writer) int {
	f := flag.NewFlagSet("faults", flag.ContinueOnError)
	f.SetOutput(out)
	engine := f.String("engine", "both", "mysql (MariaDB, Redis, two web and two work), sqlite (one process) or both, one after the other")
	lasts := f.Duration("for", time.Minute, "how long the storm lasts on each engine")
	short := f.Bool("short", false, "a storm of 35 seconds")
	kills := f.Int("kills", 0, "how often siyu's processes are killed at least; 0: every four seconds")
	seed := f.Uint64("seed", 0, "replays the schedule of a run; 0: a new one")
	clients := f.Int("clients", 8, "people at once")
	siyu := f.String("siyu", "", "siyu built with -tags faults; default: build it")
	broken := f.String("broken", "", "guards to leave out: guard, bill, enqueue, twice, again, back, stop, sent")
	if err := f.Parse(args); err != nil {
		return 2
	}
	if *short {
		*lasts = 35 * time.Second
	}
	engines := []string{*engine}
	if *engine == "both" {
		engines = []string{db.MySQL, db.SQLite}
	}
	if *seed == 0 {
		*seed = 1 + rand.Uint64N(1_000_000)
	}
	if *kills == 0 {
		*kills = int(lasts.Seconds() / 4)
	}
	path, clean, err := program(ctx, *siyu)
	if err != nil {
		fmt.Fprintln(out, "faults:", err)
		return 2
	}
	defer clean()
	code := 0
	for _, e := range engines {
		v, err := run(ctx, plan{engine: e, seed: *seed, lasts: *lasts, kills: *kills, clients: *clients, siyu: path, broken: *broken,
			patience: 75*time.Second + *lasts/4, out: out})
		if err != nil {
			fmt.Fprintf(out, "faults: %s: %v\n", e, err)
			return 2
		}
		v.print(out)
		if bad := v.broken(); len(bad) > 0 {
			code = 1
			v.explain(out)
		}
		fmt.Fprintf(out, "faults engine=%s seed=%d seconds=%d kills=%d claims=%d settled=%d returned=%d failed=%d broken=%d\n", e, *seed, int(lasts.Seconds()),
			v.counts["kills"], v.counts["claims"], v.counts["payouts settled"], v.counts["payouts returned"], v.counts["payouts failed"], len(v.broken()))
	}
	return code
}

// program builds siyu with fail points unless a path to one was given.
func program(ctx context.Context, given string) (path string, clean func(), err error) {
	if given != "" {
		path, err = filepath.Abs(given)
		return path, func() {}, err
	}
	dir, err := os.MkdirTemp("", "siyu-faults-bin-")
	if err != nil {
		return "", nil, err
	}
	clean = func() { _ = os.RemoveAll(dir) }
	path = filepath.Join(dir, "siyu")
	text, err := exec.CommandContext(ctx, "go", "build", "-tags", "faults", "-o", path, "siyu/app/siyu").CombinedOutput()
	if err != nil {
		clean()
		return "", nil, errors.Join(err, errors.New(string(text)))
	}
	return path, clean, nil
}
