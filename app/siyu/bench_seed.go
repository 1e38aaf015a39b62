package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"siyu/config"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbbench"
	"siyu/model/insight"
)

// benchSeed fills a MariaDB with one brand as large as asked for: half a year of scans,
// claims that were paid out, points, a referral tree. Its books balance, so siyu check
// passes on it. Then it starts the program and reads every page of the back office as an
// operator would, with the server's slow log on, and prints what was slow.
func benchSeed(ctx context.Context, args []string, out io.Writer) (err error) {
	f := flag.NewFlagSet("siyu bench seed", flag.ContinueOnError)
	f.SetOutput(out)
	o := seedOptions{}
	f.IntVar(&o.members, "members", 1_000_000, "1000 to 5000000")
	f.IntVar(&o.scans, "scans", 10_000_000, "5 to 20 for each member")
	f.StringVar(&o.dsn, "dsn", "", "a server on this machine, which gets a schema that is removed at the end; default: a MariaDB of its own")
	f.StringVar(&o.dir, "dir", "", "keep the MariaDB and the data in this folder; when it is filled already, nothing is filled; default: a temporary one")
	f.BoolVar(&o.serve, "serve", false, "stay and serve the pages when all is measured, until Ctrl-C")
	f.BoolVar(&o.check, "check", false, "recompute every invariant of the money, as siyu check does")
	f.Float64Var(&o.slowS, "slow", 0.2, "seconds from which a query is slow")
	f.BoolVar(&o.pairs, "pairs", false, "ask lists also with every two of their filters")
	f.StringVar(&o.only, "only", "", "read only routes whose path holds this text")
	if err := f.Parse(args); err != nil {
		return err
	}
	if o.members < 1000 || o.members > 5_000_000 || o.scans < 5*o.members || o.scans > 20*o.members {
		return errors.New("-members must be 1000 to 5000000, -scans 5 to 20 for each of them")
	}
	if o.dir != "" && o.dsn != "" {
		return errors.New("-dir keeps a MariaDB of its own: leave -dsn out")
	}
	dir := o.dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "siyu-bench-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	dsn, stop, err := o.open(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	return o.run(ctx, dir, dsn, out)
}

type seedOptions struct {
	members, scans int
	dsn, dir, only string
	serve, check   bool
	pairs          bool
	slowS          float64
}

// open returns the schema to fill and what removes or stops it.
func (o *seedOptions) open(ctx context.Context, dir string) (dsn string, stop func() error, err error) {
	if o.dsn != "" {
		return dbbench.Schema(ctx, o.dsn)
	}
	// A machine of a company has memory; what sorts the new indexes needs it as well.
	server, stop, err := startMariaDB(ctx, filepath.Join(dir, "mariadb"), "--innodb-buffer-pool-size=3G", "--innodb-log-file-size=1G",
		"--innodb-sort-buffer-size=64M", "--local-infile=ON")
	if err != nil {
		return "", nil, err
	}
	pool, err := db.Connect(ctx, db.Options{Driver: db.MySQL, DSN: server, Clock: clock.System()})
	if err == nil {
		_, err = pool.Pool().ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS siyu CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
		err = errors.Join(err, pool.Close())
	}
	if err != nil {
		return "", nil, errors.Join(err, stop())
	}
	return server + "siyu", stop, nil
}

func (o *seedOptions) run(ctx context.Context, dir, dsn string, out io.Writer) error {
	env := map[string]string{"SIYU_ENV": config.Demo, "SIYU_ADDR": "127.0.0.1:0", "SIYU_SIM_ADDR": "127.0.0.1:0", "SIYU_DATA": filepath.Join(dir, "data")}
	cfg, err := config.Load(func(name string) string { return env[name] })
	if err != nil {
		return err
	}
	cfg.DB.Driver, cfg.DB.DSN = db.MySQL, config.Secret(dsn)
	s := &seeder{members: o.members, scans: o.scans, out: out}
	p := &process{cfg: cfg, out: io.Discard, log: slog.New(slog.NewTextHandler(io.Discard, nil)), parts: parts{web: true}, perMinute: math.MaxUint16}
	p.seed = s.fill
	var found error
	p.opened = func(p *process) error {
		if found = o.measure(ctx, p, s, out); found == nil && o.serve {
			fmt.Fprintf(out, "serving http://%s/admin/  %s / %s  database %s  until Ctrl-C\n", p.cfg.Addr, seedLogin, seedPassword, dsn)
			<-ctx.Done()
		}
		return errBenchOver
	}
	if err := p.run(ctx); !errors.Is(err, errBenchOver) {
		return err
	}
	return found
}

// measure checks the books when asked, reads all pages twice and prints what was slow.
func (o *seedOptions) measure(ctx context.Context, p *process, s *seeder, out io.Writer) (err error) {
	broken := 0
	if o.check {
		count, begun, last := 0, clock.Wall(), clock.Wall()
		err := p.env.Insight.EachInvariant(ctx, 10*time.Minute, func(c insight.Check) {
			said := "ok"
			if count++; !c.OK {
				broken++
				said = "FAIL " + c.Detail
			}
			now := clock.Wall()
			fmt.Fprintf(out, "%-18s %6.1f s %s\n", c.Name, now.Sub(last).Seconds(), said)
			last = now
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%d invariants recomputed, %d broken, %.0f s\n", count, broken, last.Sub(begun).Seconds())
		wrong, err := s.same(ctx, out)
		if err != nil {
			return err
		}
		broken += wrong
	}
	r, err := newRounds(ctx, p, o.slowS)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	asks, err := r.asks(ctx, o.only, o.pairs)
	if err != nil {
		return err
	}
	// The first round fills the server's memory, as the first visitors of a day do.
	if _, err = r.round(ctx, asks); err != nil {
		return err
	}
	answers, err := r.round(ctx, asks)
	if err != nil {
		return err
	}
	slices.SortStableFunc(answers, func(a, b answered) int { return int(b.spent - a.spent) })
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "ms\tstatus\t bytes\t page\t\n")
	slow, refused := 0, 0
	for i, a := range answers {
		slow += len(a.slow)
		switch {
		case a.status >= 500:
			broken++
		case a.status >= 400:
			refused++
		}
		if i < 25 || a.status >= 400 && a.status != http.StatusNotFound || len(a.slow) > 0 {
			fmt.Fprintf(t, "%.1f\t%d\t%d\t %s\n", ms(a.spent), a.status, a.bytes, a.ask)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, a := range answers {
		for _, q := range a.slow {
			fmt.Fprintf(out, "SLOW %.0f ms, %d rows read, %s\n     %s\n", q.ms, q.rows, a.ask, strings.Join(strings.Fields(q.text), " "))
		}
	}
	all := latencies{}
	for _, a := range answers {
		all.add(a.spent)
	}
	_, err = fmt.Fprintf(out, "seed members=%d scans=%d fill_s=%.0f pages=%d p50_ms=%.1f p99_ms=%.1f slow=%d refused=%d broken=%d\n",
		s.members, s.scans, s.spent.Seconds(), len(answers), ms(all.at(0.5)), ms(all.at(0.99)), slow, refused, broken)
	return err
}
