//go:build faults

package fail

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// order kills at the nth passage of a place, or with a chance at any place; with a
// stall it holds up every nth passage instead.
type order struct {
	place string
	left  atomic.Int64
	dice  *dice
	nth   int64
	stall time.Duration
}

// meets tells whether the order is for this passage.
func (o *order) meets(place string) bool {
	switch {
	case o.dice != nil:
		return o.dice.hit()
	case !strings.HasPrefix(place, o.place):
		return false
	}
	left := o.left.Add(-1)
	return left == 0 || o.stall > 0 && left%o.nth == 0
}

type dice struct {
	mu     sync.Mutex
	rng    *rand.Rand
	chance float64
}

func (d *dice) hit() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.Float64() < d.chance
}

// settings are read once. They are the one state of the program that belongs to no
// object: a point may stand anywhere, and nobody can hand anything to it.
type settings struct {
	orders []*order
	deaf   bool
	broken map[string]bool
	skew   *atomic.Int64
	pace   time.Duration
}

var load = sync.OnceValue(func() settings {
	s := settings{broken: map[string]bool{}, pace: 1}
	for _, name := range strings.Split(os.Getenv("SIYU_BROKEN"), ",") {
		s.broken[name] = true
	}
	for _, text := range strings.Split(os.Getenv("SIYU_FAIL"), ",") {
		switch text {
		case "":
		case "deaf":
			s.deaf = true
		default:
			s.orders = append(s.orders, parse(text))
		}
	}
	if n, err := strconv.Atoi(os.Getenv("SIYU_FAIL_PACE")); err == nil && n > 0 {
		s.pace = time.Duration(n)
	}
	if path := os.Getenv("SIYU_FAIL_CLOCK"); path != "" {
		s.skew = mapClock(path)
	}
	return s
})

func parse(text string) *order {
	f := strings.Split(text, ":")
	if len(f) == 3 && f[0] == "random" {
		chance, err1 := strconv.ParseFloat(f[1], 64)
		seed, err2 := strconv.ParseUint(f[2], 10, 64)
		if err1 == nil && err2 == nil {
			return &order{dice: &dice{rng: rand.New(rand.NewPCG(seed, 0)), chance: chance}}
		}
	}
	o := &order{}
	var err error
	if len(f) == 4 && f[0] == "stall" {
		var ms int64
		ms, err = strconv.ParseInt(f[3], 10, 64)
		o.stall = time.Duration(ms) * time.Millisecond
		f = f[1:3]
	}
	if len(f) == 2 && err == nil {
		o.place = f[0]
		o.nth, err = strconv.ParseInt(f[1], 10, 64)
	}
	if err != nil || o.nth < 1 {
		panic("fail: SIYU_FAIL has no meaning: " + text)
	}
	o.left.Store(o.nth)
	return o
}

// mapClock shares the file's 8 bytes with whoever writes them: a jump of the clock is
// seen by every process at the same moment.
func mapClock(path string) *atomic.Int64 {
	f, err := os.Open(path)
	if err != nil {
		panic("fail: SIYU_FAIL_CLOCK: " + err.Error())
	}
	defer f.Close()
	b, err := syscall.Mmap(int(f.Fd()), 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic("fail: SIYU_FAIL_CLOCK: " + err.Error())
	}
	return (*atomic.Int64)(unsafe.Pointer(&b[0]))
}

// Point is a place where the process may die.
func Point(name string) {
	s := load()
	if len(s.orders) == 0 {
		return
	}
	place := name + "@" + caller()
	for _, o := range s.orders {
		if !o.meets(place) {
			continue
		}
		// Straight to the descriptor: no buffer of the program may hold it back.
		if o.stall > 0 {
			fmt.Fprintf(os.Stderr, "fail: stalled at %s\n", place)
			time.Sleep(o.stall)
			continue
		}
		fmt.Fprintf(os.Stderr, "fail: killed at %s\n", place)
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // not one more instruction of the program
	}
}

// caller is the first function of ours below the machinery of transactions.
func caller() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		ours, ok := strings.CutPrefix(f.Function, "siyu/")
		if ok && !strings.HasPrefix(ours, "model/db.") || strings.HasPrefix(f.Function, "main.") {
			return ours
		}
		if !more {
			return ""
		}
	}
}

// Broken tells whether a guard is left out.
func Broken(name string) bool { return load().broken[name] }

// Skew is by how much the clock is wrong.
func Skew() time.Duration {
	if skew := load().skew; skew != nil {
		return time.Duration(skew.Load()) * time.Millisecond
	}
	return 0
}

// Pace is how often a chore runs that should run every d, and how long a worker may
// take that should have d.
func Pace(d time.Duration) time.Duration { return max(d/load().pace, 200*time.Millisecond) }

// Deaf is the context that a worker gets: in a deaf process one that never ends, as if
// the worker did not look at it.
func Deaf(ctx context.Context) context.Context {
	if load().deaf {
		return context.WithoutCancel(ctx)
	}
	return ctx
}
