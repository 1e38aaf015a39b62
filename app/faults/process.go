package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"siyu/model/clock"
)

// launcher starts processes from one thread that lives as long as the driver: a child
// that is marked to die with its parent dies, on Linux, with the thread that made it.
type launcher chan func()

func newLauncher() launcher {
	l := make(launcher)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread must stay
		for start := range l {
			start()
		}
	}()
	return l
}

func (l launcher) start(c *exec.Cmd) (err error) {
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	done := make(chan struct{})
	l <- func() { err = c.Start(); close(done) }
	<-done
	return err
}

// process is one program that is started again whenever it ends, as a supervisor does,
// until the town is taken down.
type process struct {
	name   string
	path   string
	args   []string
	env    []string
	log    *os.File
	launch launcher
	ended  func(p *process, how exit) // told of every end

	mu      sync.Mutex
	cmd     *exec.Cmd
	frozen  bool
	orders  string // SIYU_FAIL of the next start
	calm    bool   // the storm is over: what ends the process now does not count
	leaving bool   // do not start again
	done    chan struct{}
	lives   []life
}

// life is from when to when the process ran once, by the machine's clock.
type life struct{ from, until clock.Instant }

// exit is how a process ended.
type exit struct {
	killed bool   // by SIGKILL, from outside or by itself at a fail point
	place  string // the fail point
	code   int
	tail   string // of what it said
}

const restartPause = 150 * time.Millisecond

// keep runs the process until leave. The first start must succeed.
func (p *process) keep(ctx context.Context) error {
	p.done = make(chan struct{})
	if err := p.start(); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	go func() {
		defer close(p.done)
		for {
			p.wait()
			if !pause(ctx, restartPause) || p.gone() {
				return
			}
			if err := p.start(); err != nil {
				fmt.Fprintf(p.log, "driver: %s did not start: %v\n", p.name, err)
			}
		}
	}()
	return nil
}

// afresh starts the process again without orders.
func (p *process) afresh() {
	p.mu.Lock()
	p.calm = true
	p.mu.Unlock()
	p.kill("")
}

// over tells whether the end of the process is of no interest any more.
func (p *process) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.leaving || p.calm
}

func (p *process) gone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.leaving
}

func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.leaving {
		return nil
	}
	c := exec.Command(p.path, p.args...)
	c.Env = append([]string{}, p.env...)
	if p.orders != "" {
		c.Env = append(c.Env, "SIYU_FAIL="+p.orders)
		p.orders = ""
	}
	c.Stdout, c.Stderr = p.log, p.log
	now := clock.System().Now()
	if err := p.launch.start(c); err != nil {
		return err
	}
	p.cmd, p.frozen = c, false
	p.lives = append(p.lives, life{from: now})
	return nil
}

// since is when the oldest run of the process began that has not ended, or did so less than
// a moment ago: what a dead process asked for may be on the wire. 0: none runs.
func (p *process) since(moment time.Duration) (from clock.Instant) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := clock.System().Now()
	for _, l := range p.lives {
		if (l.until == 0 || now.Sub(l.until) < moment) && (from == 0 || l.from < from) {
			from = l.from
		}
	}
	return from
}

func (p *process) wait() {
	p.mu.Lock()
	c := p.cmd
	from, _ := p.log.Seek(0, io.SeekEnd)
	p.mu.Unlock()
	if c == nil {
		return
	}
	err := c.Wait()
	e := exit{tail: p.said(from)}
	var state *exec.ExitError
	if errors.As(err, &state) {
		status, ok := state.Sys().(syscall.WaitStatus)
		e.killed, e.code = ok && status.Signaled() && status.Signal() == syscall.SIGKILL, state.ExitCode()
	}
	if _, place, found := strings.Cut(e.tail, "fail: killed at "); found && e.killed {
		e.place, _, _ = strings.Cut(place, "\n")
	}
	p.mu.Lock()
	p.cmd = nil
	p.lives[len(p.lives)-1].until = clock.System().Now()
	p.mu.Unlock()
	p.ended(p, e)
}

// said is the end of what the process wrote since a place in its log.
func (p *process) said(from int64) string {
	end, err := p.log.Seek(0, io.SeekEnd)
	if err != nil {
		return ""
	}
	b := make([]byte, min(end-from, 4096))
	n, _ := p.log.ReadAt(b, end-int64(len(b))) // a short read is a short tail
	return string(b[:n])
}

// signal sends one to the running process; false when none runs.
func (p *process) signal(s syscall.Signal) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil || p.cmd.Process.Signal(s) != nil {
		return false
	}
	p.frozen = s == syscall.SIGSTOP
	return true
}

// runs tells whether it is up and not frozen.
func (p *process) runs() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd != nil && !p.frozen
}

// kill is kill -9; the next start gets the orders.
func (p *process) kill(orders string) bool {
	p.mu.Lock()
	p.orders = orders
	p.mu.Unlock()
	return p.signal(syscall.SIGKILL)
}

// leave asks the process to stop as an operator does and says whether it did.
func (p *process) leave(limit time.Duration) bool {
	p.mu.Lock()
	p.leaving = true
	p.mu.Unlock()
	p.signal(syscall.SIGCONT)
	p.signal(syscall.SIGTERM)
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-p.done:
		return true
	case <-t.C:
		p.signal(syscall.SIGKILL)
		<-p.done
		return false
	}
}
