package apikey

import (
	"sync"
	"time"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
)

// Gate lets the requests of one process through: not faster than a key may, and none
// twice. Several processes each have their own gate, so a key's rate holds in each, and
// a request that somebody caught could be sent to another process within Window. That
// is harmless by design: every write of the open API is idempotent by the fact it
// reports, and no answer holds more than the first one did.
type Gate struct {
	clk clock.Clock
	mu  sync.Mutex
	// buckets are by key; keys are few and made by operators.
	buckets map[id.ID]*bucket
	// nonces of this and of the last half of the time in which they could be repeated.
	nonces, last map[nonce]struct{}
	turned       clock.Instant
}

type bucket struct {
	left float64 // requests
	at   clock.Instant
}

type nonce struct {
	key  id.ID
	text string
}

// mostNonces bounds memory: then the older half is forgotten early.
const mostNonces = 500_000

// NewGate makes a gate.
func NewGate(clk clock.Clock) *Gate {
	return &Gate{clk: clk, buckets: map[id.ID]*bucket{}, nonces: map[nonce]struct{}{}, turned: clk.Now()}
}

// Pass counts a request that was authenticated. A key may use a sixth of a minute's
// requests at once. Faults: Throttled too_many_requests (Detail retry_after_s),
// Unauthenticated nonce_used.
func (g *Gate) Pass(k Key, text string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clk.Now()
	rate := float64(k.PerMinute) / float64(time.Minute.Milliseconds())
	most := max(1, float64(k.PerMinute)/6)
	b := g.buckets[k.ID]
	if b == nil {
		b = &bucket{most, now}
		g.buckets[k.ID] = b
	}
	b.left = min(most, b.left+rate*float64(max(0, now-b.at)))
	b.at = now
	if b.left < 1 {
		wait := int((1-b.left)/rate/1000) + 1
		return fault.New(fault.Throttled, "too_many_requests", "请求过于频繁，请稍后再试").With("retry_after_s", wait)
	}
	// A time may be Window ahead of ours when it comes and stays good until Window after
	// itself: a nonce counts for twice that.
	if now.Sub(g.turned) >= 2*Window || len(g.nonces) >= mostNonces || now < g.turned {
		g.last, g.nonces, g.turned = g.nonces, map[nonce]struct{}{}, now
	}
	n := nonce{k.ID, text}
	_, a := g.nonces[n]
	if _, b := g.last[n]; a || b {
		return fault.New(fault.Unauthenticated, "nonce_used", "X-Siyu-Nonce 已经用过，请每次请求换一个")
	}
	g.nonces[n] = struct{}{}
	b.left--
	return nil
}
