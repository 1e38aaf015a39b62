package job

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// ahead is how far in the future turns are given, and so the longest that a worker
	// waits for its turn; who would wait longer comes back.
	ahead = 500 * time.Millisecond
	// answerTime is how long Redis may take before it counts as away.
	answerTime = 250 * time.Millisecond
	// alonePause is the time between turns of a process that cannot reach Redis: how
	// many others there are is unknown then.
	alonePause = time.Second
	// aloneLine bounds how far a process puts things off by its own knowledge only.
	aloneLine = 30 * time.Second
)

// Rates gives out turns to call WeChat, so many a second for each name (a merchant on a
// rail), to all processes that share one Redis.
//
// A turn is a moment, and each moment is given once. Unused moments may be made up for
// during a burst of a tenth of a second's turns; later they are void. So of the turns
// used in any window there are at most perSecond*window + burst + 1, whoever asks, however
// many processes, and also when Redis forgets everything: then the count begins behind
// all turns that may be out. A process fetches a fiftieth of a second's turns at once.
// Without Redis each process takes one turn a second.
type Rates struct {
	rdb    redis.Scripter
	log    *slog.Logger
	now    func() time.Time
	answer time.Duration

	mu     sync.Mutex
	leases map[string]*lease
	alone  atomic.Bool
}

// lease is what a process holds of one name.
type lease struct {
	mu    sync.Mutex // also held while Redis is asked: who waits would ask the same
	next  time.Time  // the first turn left
	left  int
	retry time.Time // Redis is not asked before
	solo  time.Time // the last turn taken without Redis
	line  time.Time // the last place given without Redis to who had to come back
}

// NewRates makes the turns of one process. now needs to be steady, not right: the time
// that all share is that of Redis.
func NewRates(rdb redis.Scripter, log *slog.Logger, now func() time.Time) *Rates {
	return &Rates{rdb: rdb, log: log, now: now, answer: answerTime, leases: map[string]*lease{}}
}

// pace is a rate as the script counts it.
type pace struct {
	step        time.Duration // between two turns, rounded up to microseconds
	burst, want int
}

func paceOf(perSecond int) pace {
	n := int64(perSecond)
	return pace{step: time.Duration((1_000_000+n-1)/n) * time.Microsecond, burst: max(1, perSecond/10), want: max(1, perSecond/50)}
}

// Turn takes the next turn of a name and says how long to wait for it, half a second at
// most. With ok false nothing was taken, and the caller comes back after that time: the
// places of those who come back are one turn apart too, or all of them would come at
// once and in vain. perSecond of 0 means no limit.
func (r *Rates) Turn(ctx context.Context, name string, perSecond int) (wait time.Duration, ok bool) {
	if perSecond <= 0 {
		return 0, true
	}
	p := paceOf(perSecond)
	l := r.lease(name)
	l.mu.Lock()
	defer l.mu.Unlock()
	for late := r.now().Add(-time.Duration(p.burst) * p.step); l.left > 0 && l.next.Before(late); l.left-- {
		l.next = l.next.Add(p.step)
	}
	if l.left == 0 {
		if back := r.fetch(ctx, l, name, p); back > 0 {
			return back, false
		}
	}
	wait = max(0, l.next.Sub(r.now()))
	l.next = l.next.Add(p.step)
	l.left--
	return wait, true
}

func (r *Rates) lease(name string) *lease {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, ok := r.leases[name]
	if !ok {
		l = &lease{}
		r.leases[name] = l
	}
	return l
}

// fetch fills an empty lease, or says after how long to come back.
func (r *Rates) fetch(ctx context.Context, l *lease, name string, p pace) (back time.Duration) {
	if r.now().Before(l.retry) {
		return l.byItself(r.now())
	}
	n, in, err := r.ask(ctx, name, p)
	now := r.now()
	if err != nil {
		l.retry = now.Add(alonePause)
		if r.alone.CompareAndSwap(false, true) {
			r.log.WarnContext(ctx, "Redis is away: this process pays one packet a second and merchant", "error", err)
		}
		return l.byItself(now)
	}
	if r.alone.CompareAndSwap(true, false) {
		r.log.InfoContext(ctx, "Redis is back: payouts share the rate again")
	}
	if n == 0 {
		return max(in, p.step)
	}
	l.next, l.left = now.Add(in), n
	return 0
}

// byItself is fetch without Redis.
func (l *lease) byItself(now time.Time) (back time.Duration) {
	next := l.solo.Add(alonePause)
	if next.Before(now) {
		next = now
	}
	if next.Sub(now) <= ahead {
		l.next, l.left, l.solo = next, 1, next
		return 0
	}
	if l.line.Before(l.solo) {
		l.line = l.solo
	}
	l.line = l.line.Add(alonePause)
	return min(l.line.Sub(now), aloneLine)
}

// turns counts moments in microseconds of Redis's own time, which is the only clock that
// all processes see. last is the moment given last, line the one promised last to
// somebody who had to come back. It returns how many turns it gives and in how many
// microseconds the first is; or 0 and when to come back.
//
// Without a memory, or with one from the future (the clock went back, another server took
// over), up to ARGV[3] ahead of now may have been given: counting begins there. One key
// a call, as Redis Cluster wants it.
var turns = redis.NewScript(`
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local step, burst, ahead, want = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local seen = redis.call('HMGET', KEYS[1], 'last', 'line')
local last, line = tonumber(seen[1] or ''), tonumber(seen[2] or '') or 0
if not last or last > now + ahead then last = now + ahead end
if last < now - burst * step then last = now - burst * step end
if line > now + 3600000000 then line = now + 3600000000 end
local n, first = math.min(want, math.floor((now + ahead - last) / step)), 0
if n > 0 then
  first = last + step - now
  last = last + n * step
else
  line = math.max(line, last) + step
  first = line - now
end
redis.call('HSET', KEYS[1], 'last', string.format('%.0f', last), 'line', string.format('%.0f', line))
redis.call('EXPIRE', KEYS[1], 604800)
return {n, first}
`)

// ask runs the script. The client's own patience is that of the queue and may be long, so
// it is not waited for: turns that come too late are void.
func (r *Rates) ask(ctx context.Context, name string, p pace) (n int, in time.Duration, err error) {
	type reply struct {
		values []int64
		err    error
	}
	got := make(chan reply, 1)
	go func() {
		v, err := turns.Run(context.WithoutCancel(ctx), r.rdb, []string{"siyu:{turns:" + name + "}"},
			p.step.Microseconds(), p.burst, ahead.Microseconds(), p.want).Int64Slice()
		got <- reply{v, err}
	}()
	late := time.NewTimer(r.answer)
	defer late.Stop()
	select {
	case a := <-got:
		if a.err == nil && len(a.values) != 2 {
			a.err = fmt.Errorf("job: turns: %d values", len(a.values))
		}
		if a.err != nil {
			return 0, 0, a.err
		}
		return int(a.values[0]), time.Duration(a.values[1]) * time.Microsecond, nil
	case <-late.C:
		return 0, 0, fmt.Errorf("job: turns: no answer within %s", r.answer)
	}
}
