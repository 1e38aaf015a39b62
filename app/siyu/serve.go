package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"siyu/config"
	"siyu/model/clock"
	"siyu/wechat"
	"siyu/wechat/simulator"
)

// process is one running siyu.
type process struct {
	cfg    config.Config
	clock  clock.Clock // nil: the machine's
	out    io.Writer
	log    *slog.Logger
	env    *environment
	wechat *wechat.Client
	queue  *queue
	reg    *prometheus.Registry
	sim    *simulator.Simulator // nil when WeChat is real
	// simFile keeps the simulator's world between runs; empty: every run begins anew.
	simFile string
	parts   parts
	// opened is called when everything runs; tests and the demo begin there.
	opened func(p *process) error
	// seed fills the database before anything runs; only the demo has one.
	seed func(ctx context.Context, p *process) error
	// perMinute is how often an operator may ask; 0: as often as the back office says.
	perMinute uint16
}

// parts says which parts of the program a process runs.
type parts struct{ web, work bool }

func serveBoth(ctx context.Context, cfg config.Config, _ []string, out io.Writer) error {
	return (&process{cfg: cfg, out: out, parts: parts{true, true}}).run(ctx)
}

func serveWeb(ctx context.Context, cfg config.Config, _ []string, out io.Writer) error {
	return (&process{cfg: cfg, out: out, parts: parts{web: true}}).run(ctx)
}

func serveWork(ctx context.Context, cfg config.Config, _ []string, out io.Writer) error {
	if cfg.Redis.Embedded() {
		return errors.New("SIYU_REDIS is missing: workers apart from pages need a Redis that both reach")
	}
	return (&process{cfg: cfg, out: out, parts: parts{work: true}}).run(ctx)
}

func migrate(ctx context.Context, cfg config.Config, _ []string, out io.Writer) error {
	e, err := openEnvironment(ctx, cfg, clock.System())
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "database is up to date:", cfg.DB.Driver)
	return e.Close()
}

// refreshEvery is how soon a change made by another process is seen.
const refreshEvery = 500 * time.Millisecond

// run starts everything in order, waits for the end of ctx and stops everything in the
// opposite order: no new requests, finish the running ones, finish running tasks.
func (p *process) run(ctx context.Context) (err error) {
	if p.log == nil {
		p.log = logger(p.cfg, os.Stderr)
	}
	if p.clock == nil {
		p.clock = clock.System()
	}
	app, err := p.listen(p.parts.web, p.cfg.Addr, &p.cfg.Addr)
	if err != nil {
		return err
	}
	simulate := p.cfg.Simulator && p.parts.web
	sim, err := p.listen(simulate, p.cfg.SimAddr, &p.cfg.SimAddr)
	if err != nil {
		return err
	}
	p.settle(app, sim)

	if p.env, err = openEnvironment(ctx, p.cfg, p.clock); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.env.Close()) }()
	if simulate {
		p.sim = simulator.New(simulator.Options{BaseURL: "http://" + p.cfg.SimAddr, AppURL: p.cfg.PublicURL,
			Now: func() time.Time { return p.clock.Now().Time() }, Log: p.log, File: p.simFile})
		defer p.sim.Close()
	}
	if err := ensureFirst(ctx, p.env); err != nil {
		return fmt.Errorf("first brand and accounts: %w", err)
	}
	if p.seed != nil {
		if err := p.seed(ctx, p); err != nil {
			return err
		}
		if err := p.env.Refresh(ctx); err != nil {
			return err
		}
	}
	if p.wechat, err = newWeChat(p.env); err != nil {
		return err
	}
	p.env.Invites.Maker = codeMaker{accounts{p.env.Brands, p.cfg.PublicURL}, p.wechat, p.log}
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()
	if p.queue, err = openQueue(background, p.cfg.Redis); err != nil {
		return err
	}
	defer p.queue.Close()
	p.reg = prometheus.NewRegistry()
	p.reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	var wg sync.WaitGroup
	defer wg.Wait()
	defer stopBackground()
	wg.Go(func() { p.refresh(background) })
	wg.Go(func() { p.countCalls(background) })
	wg.Go(func() { p.env.warmSegments(background, p.log) })
	if p.parts.work {
		stop, err := p.work(background, &wg)
		if err != nil {
			return err
		}
		defer stop()
	}
	failed := make(chan error, 2)
	if p.sim != nil {
		defer p.serve(sim, p.sim, failed)()
	}
	if p.parts.web {
		handler, err := p.handler()
		if err != nil {
			return err
		}
		defer p.serve(app, handler, failed)()
	}
	p.log.Info("siyu runs", "addr", p.cfg.Addr, "public_url", p.cfg.PublicURL, "with", p.cfg.Addresses(), "version", version())
	if p.opened != nil {
		if err := p.opened(p); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		p.log.Info("siyu stops")
		return nil
	case err := <-failed:
		return err
	}
}

func (p *process) listen(wanted bool, addr string, got *string) (net.Listener, error) {
	if !wanted {
		return nil, nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%w (SIYU_ADDR and SIYU_SIM_ADDR choose other ports)", err)
	}
	*got = l.Addr().String()
	return l, nil
}

// settle makes addresses that named port 0 into real ones, everywhere they were
// written down before the port was known.
func (p *process) settle(app, sim net.Listener) {
	if app != nil && strings.HasSuffix(p.cfg.PublicURL, ":0") {
		p.cfg.PublicURL = "http://" + app.Addr().String()
	}
	if sim != nil {
		if u, err := url.Parse(p.cfg.WeChat.Hosts.API); err == nil && u.Port() == "0" {
			p.cfg.WeChat.Hosts = config.SimulatorHosts("http://" + sim.Addr().String())
		}
		// The simulator's in-app browser forwards for its pretended phones.
		for _, loop := range []string{"127.0.0.0/8", "::1/128"} {
			p.cfg.TrustedProxies = append(p.cfg.TrustedProxies, netip.MustParsePrefix(loop))
		}
	}
}

func (p *process) refresh(ctx context.Context) {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := p.env.Refresh(ctx); err != nil && ctx.Err() == nil {
				p.log.Warn("caches are stale", "error", err)
			}
		}
	}
}

// serve runs one HTTP server; the returned function stops it, letting running requests
// finish.
func (p *process) serve(l net.Listener, h http.Handler, failed chan<- error) (stop func()) {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelWarn)}
	go func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			p.log.Warn("requests were cut off", "error", err)
			_ = s.Close()
		}
	}
}
