package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/seal"
	"siyu/wechat/simulator"
)

// plan is one run: what to build and what to do to it.
type plan struct {
	engine  string // db.MySQL: two web, two work, MariaDB, Redis; db.SQLite: one process
	seed    uint64
	lasts   time.Duration
	kills   int    // of siyu's processes, at least
	clients int    // people at once
	siyu    string // the program, built with fail points
	broken  string // guards left out (SIYU_BROKEN)
	// patience is how long the town may take to come to rest.
	patience time.Duration
	// script replaces the storm that the seed would draw.
	script func(t *town) []event
	out    io.Writer
}

// town is everything a run starts. close takes all of it down again.
type town struct {
	plan
	dir    string
	clk    *skewed
	launch launcher
	disk   *disk
	maria  *server // nil on SQLite
	redis  *server // nil on SQLite
	sim    *simulator.Simulator
	simURL string
	wire   *wire
	front  *front
	procs  []*process
	box    *seal.Box
	key    string
	dsn    string
	db     *db.DB
	*stores
	fans    *fans
	desk    *desk
	tally   *tally
	people  *people
	locked  atomic.Bool   // for longer than anybody waits
	calmed  time.Duration // how long it took to come to rest
	quietAt clock.Instant // since when nothing was under way; siyu's chores go on and may begin something
	holder  atomic.Int64  // the connection that holds locks on purpose
	closers []func()
}

// startup is how long a server, or siyu, may take until it answers: only a failure takes so
// long, also on a machine that has much else to do.
const startup = 3 * time.Minute

// newTown builds the town up to the first page being served.
func newTown(ctx context.Context, p plan) (t *town, err error) {
	t = &town{plan: p, launch: newLauncher(), tally: newTally()}
	defer func() {
		if err != nil {
			t.close()
			t = nil
		}
	}()
	t.onClose(func() { close(t.launch) })
	if t.dir, err = os.MkdirTemp("", "siyu-faults-"); err != nil {
		return t, err
	}
	t.onClose(func() { _ = os.RemoveAll(t.dir) })
	if t.clk, err = newSkewed(filepath.Join(t.dir, "clock")); err != nil {
		return t, err
	}
	t.onClose(func() { _ = t.clk.file.Close() })
	// The day ends while the run is young: midnight passes by itself, too.
	if err = t.clk.jump(t.clk.toMidnight() - p.lasts/3); err != nil {
		return t, err
	}
	if t.disk, err = newDisk(filepath.Join(t.dir, "data"), 192<<20+int64(p.lasts.Seconds())<<19); err != nil {
		return t, err
	}
	t.onClose(t.disk.close)
	if err = t.servers(ctx); err != nil {
		return t, err
	}
	if err = t.wechat(); err != nil {
		return t, err
	}
	if t.db, err = db.Open(ctx, db.Options{Driver: t.engine, DSN: t.dsn, Clock: t.clk, MaxConns: 6}); err != nil {
		return t, err
	}
	t.onClose(func() { _ = t.db.Close() })
	if err = t.furnish(ctx); err != nil {
		return t, err
	}
	t.people = newPeople(t)
	if err = t.recruit(ctx); err != nil {
		return t, err
	}
	if err = t.engage(ctx); err != nil {
		return t, err
	}
	if err = t.processes(ctx); err != nil {
		return t, err
	}
	return t, t.gather(ctx)
}

func (t *town) onClose(f func()) { t.closers = append(t.closers, f) }

// close takes the town down, last things first. It is safe to call twice.
func (t *town) close() {
	for i := len(t.closers) - 1; i >= 0; i-- {
		t.closers[i]()
	}
	t.closers = nil
}

// servers starts MariaDB and Redis, or names the file of the embedded database.
func (t *town) servers(ctx context.Context) (err error) {
	t.key = seal.NewKey()
	if t.box, err = seal.Parse(t.key); err != nil {
		return err
	}
	if t.engine == db.SQLite {
		t.dsn = filepath.Join(t.disk.path, "siyu.db")
		return nil
	}
	if t.maria, err = newMaria(ctx, t.dir, t.seed%2 == 0, t.launch); err != nil {
		return err
	}
	if t.redis, err = newRedis(t.dir, t.launch); err != nil {
		return err
	}
	for _, s := range []*server{t.maria, t.redis} {
		if err := s.start(); err != nil {
			return err
		}
		t.onClose(func() { s.kill() })
	}
	for _, s := range []*server{t.maria, t.redis} {
		if err := s.answers(ctx, startup); err != nil {
			return err
		}
	}
	client, err := tool("mariadb")
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(t.maria.addr)
	if err != nil {
		return err
	}
	made := exec.CommandContext(ctx, client, "--no-defaults", "--protocol=tcp", "-h"+host, "-P"+port, "-uroot",
		"-eCREATE DATABASE siyu CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
	if text, err := made.CombinedOutput(); err != nil {
		return fmt.Errorf("create database: %w: %s", err, text)
	}
	t.dsn = "root@tcp(" + t.maria.addr + ")/siyu"
	return nil
}

// wechat starts the simulator and the way into siyu. It runs inside the driver, so that
// what WeChat knows outlives every kill and can be compared with what we booked.
func (t *town) wechat() (err error) {
	if t.front, err = newFront(); err != nil {
		return err
	}
	t.onClose(t.front.close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	t.simURL = "http://" + l.Addr().String()
	t.sim = simulator.New(simulator.Options{BaseURL: t.simURL, AppURL: t.publicURL(), Now: func() time.Time { return t.clk.Now().Time() },
		Log: slog.New(slog.DiscardHandler), Seed: int64(t.seed >> 1)})
	t.onClose(t.sim.Close)
	t.wire = newWire(t.sim)
	t.wire.oldest = t.oldest
	s := &http.Server{Handler: t.wire, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(t.out, "simulator:", err)
		}
	}()
	t.onClose(func() { _ = s.Close() })
	return nil
}

func (t *town) publicURL() string { return "http://" + t.front.l.Addr().String() }

// fleet is what runs: two of each beside one another, or one that does everything.
func (p *plan) fleet() []string {
	if p.engine == db.SQLite {
		return []string{"serve"}
	}
	return []string{"web", "web", "work", "work"}
}

// processes starts siyu: apart on MariaDB, in one on SQLite.
func (t *town) processes(ctx context.Context) error {
	var fronts []string
	seen := map[string]int{}
	for _, kind := range t.fleet() {
		addr, err := freeAddr()
		if err != nil {
			return err
		}
		seen[kind]++
		name := fmt.Sprintf("%s%d", kind, seen[kind])
		log, err := logFile(t.dir, name)
		if err != nil {
			return err
		}
		if kind != "work" {
			fronts = append(fronts, addr)
		}
		p := &process{name: name, path: t.siyu, args: []string{kind}, env: t.environ(addr), log: log, launch: t.launch, ended: t.ended}
		if err := p.keep(ctx); err != nil {
			return err
		}
		t.procs = append(t.procs, p)
		t.onClose(func() { p.leave(0); _ = log.Close() })
	}
	t.front.serve(fronts)
	up := eventually(ctx, startup, 50*time.Millisecond, func() bool {
		r, err := http.Get(t.publicURL() + "/readyz")
		if err != nil {
			return false
		}
		_ = r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	if !up {
		return fmt.Errorf("siyu did not start; %s says:\n%s", t.procs[0].name, t.procs[0].said(0))
	}
	return nil
}

// oldest is since when the oldest worker runs; one that died just now counts, as what it
// asked for may be on its way. 0: none runs.
func (t *town) oldest() (from clock.Instant) {
	for _, p := range t.procs {
		if at := p.since(2 * time.Second); p.args[0] != "web" && at != 0 && (from == 0 || at < from) {
			from = at
		}
	}
	return from
}

// environ is the whole environment of one process: it sees nothing of ours.
func (t *town) environ(addr string) []string {
	env := []string{"SIYU_ADDR=" + addr, "SIYU_PUBLIC_URL=" + t.publicURL(), "SIYU_DATA=" + t.disk.path, "SIYU_MASTER_KEYS=" + t.key,
		"SIYU_TRUSTED_PROXIES=127.0.0.1", "SIYU_LOG_LEVEL=warn", "SIYU_WECHAT_TIMEOUT=2s", "SIYU_WECHAT_PAY_TIMEOUT=6s",
		"SIYU_PAY_REDPACK_PER_SECOND=200", "SIYU_PAY_TRANSFER_PER_SECOND=200",
		"SIYU_FAIL_CLOCK=" + t.clk.file.Name(), "SIYU_FAIL_PACE=15", "SIYU_BROKEN=" + t.broken}
	for name, host := range map[string]string{"API": "api.weixin.qq.com", "MP": "mp.weixin.qq.com", "OPEN": "open.weixin.qq.com",
		"PAY": "api.mch.weixin.qq.com", "QYAPI": "qyapi.weixin.qq.com", "RES": "res.wx.qq.com"} {
		env = append(env, "SIYU_WECHAT_"+name+"_URL="+t.simURL+"/"+host)
	}
	if t.engine == db.MySQL {
		return append(env, "SIYU_DB=mysql://root@"+t.maria.addr+"/siyu", "SIYU_REDIS=redis://"+t.redis.addr+"/0")
	}
	return append(env, "SIYU_DB=sqlite:"+t.dsn)
}

// ended is told how a process of ours ended.
func (t *town) ended(p *process, e exit) {
	switch {
	case e.place != "":
		t.tally.add("killed at "+e.place, 1)
		t.tally.add("kills", 1)
	case e.killed && !p.over():
		t.tally.add("killed "+p.args[0], 1)
		t.tally.add("kills", 1)
	case e.killed, p.gone():
	default:
		t.tally.ownEnd(p.name, e)
	}
}

// resume wakes whatever is frozen.
func (t *town) resume() {
	for _, p := range t.procs {
		p.signal(syscall.SIGCONT)
	}
	for _, s := range []*server{t.maria, t.redis} {
		if s != nil {
			s.signal(syscall.SIGCONT)
		}
	}
}

// tally counts what was done and what happened; safe for concurrent use.
type tally struct {
	mu   sync.Mutex
	n    map[string]int
	ends []string // processes that ended by themselves
}

func newTally() *tally { return &tally{n: map[string]int{}} }

func (c *tally) add(what string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[what] += n
}

// begins is how often things happened whose names begin so.
func (c *tally) begins(with string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, count := range c.n {
		if strings.HasPrefix(name, with) {
			n += count
		}
	}
	return n
}

// most keeps the largest number seen.
func (c *tally) most(what string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[what] = max(c.n[what], n)
}

// ownEnd keeps what a process said that nobody killed. Leaving because the database is
// away is allowed: the supervisor starts it again. A panic never is.
func (c *tally) ownEnd(name string, e exit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n["ended by itself"]++
	c.ends = append(c.ends, fmt.Sprintf("%s (%d): %s", name, e.code, e.tail))
}
