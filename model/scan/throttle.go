package scan

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"siyu/model/clock"
	"siyu/model/fault"
)

// Throttle limits how often something may happen per key in a window, in this
// process and in memory that never grows: a count-min sketch over two half windows
// (Cormode and Muthukrishnan, "An Improved Data Stream Summary", 2005). It never
// counts too little. It can count too much only when very many keys are active at
// once, which is an attack by itself.
type Throttle struct {
	mu     sync.Mutex
	clk    clock.Clock
	half   clock.Instant
	limit  uint16
	era    int64 // number of the current half window
	counts [2][depth][width]uint16
	seeds  [depth]maphash.Seed
}

const (
	depth = 4
	width = 1 << 14 // 4*2*16384*2 bytes: 256 KiB
)

// NewThrottle allows limit events per key within about window: between one half
// window and a whole one back.
func NewThrottle(clk clock.Clock, limit uint16, window time.Duration) *Throttle {
	t := &Throttle{clk: clk, half: clock.Instant(window.Milliseconds() / 2), limit: limit}
	for i := range t.seeds {
		t.seeds[i] = maphash.MakeSeed() // random: nobody can aim at another's cells
	}
	return t
}

// Hit counts one event of a key.
func (t *Throttle) Hit(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn()
	t.hit(key)
}

// Over says whether a key has used up its events.
func (t *Throttle) Over(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn()
	return t.over(key)
}

// Take counts one event of a key that has some left, and says whether it had: asking and
// counting in one step, so that many at once get no more than one after the other.
func (t *Throttle) Take(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn()
	if t.over(key) {
		return false
	}
	t.hit(key)
	return true
}

func (t *Throttle) hit(key string) {
	cells := t.cells(key)
	least := ^uint16(0)
	for d, i := range cells {
		least = min(least, t.counts[0][d][i])
	}
	if least == ^uint16(0) {
		return
	}
	for d, i := range cells { // only the smallest cells grow: fewer keys hurt each other
		t.counts[0][d][i] = max(t.counts[0][d][i], least+1)
	}
}

func (t *Throttle) over(key string) bool {
	least := ^uint32(0)
	for d, i := range t.cells(key) {
		least = min(least, uint32(t.counts[0][d][i])+uint32(t.counts[1][d][i]))
	}
	return least >= uint32(t.limit)
}

func (t *Throttle) cells(key string) (out [depth]uint64) {
	for d := range out {
		out[d] = maphash.String(t.seeds[d], key) % width
	}
	return out
}

// turn moves to the present half window. A clock that jumps back starts afresh.
func (t *Throttle) turn() {
	era := int64(t.clk.Now() / t.half)
	switch era - t.era {
	case 0:
		return
	case 1:
		t.counts[1] = t.counts[0]
	default:
		t.counts[1] = [depth][width]uint16{}
	}
	t.counts[0], t.era = [depth][width]uint16{}, era
}

// Guesses watches for people who try out codes: unknown tokens per address and per
// openid.
type Guesses struct {
	byIP, byOpenID *Throttle
}

// NewGuesses allows 30 unknown tokens per address (many phones share one) and 10
// per openid in ten minutes.
func NewGuesses(clk clock.Clock) *Guesses {
	return &Guesses{NewThrottle(clk, 30, 10*time.Minute), NewThrottle(clk, 10, 10*time.Minute)}
}

// Check refuses who has guessed too often. An address alone does not refuse a
// visitor with an openid: a whole town can share one address. Fault: Throttled
// too_many_guesses.
func (g *Guesses) Check(ip, openID string) error {
	if openID != "" && g.byOpenID.Over(openID) || openID == "" && g.byIP.Over(network(ip)) {
		return fault.New(fault.Throttled, "too_many_guesses", "查询过于频繁，请稍后再试").With("retry_after_s", 300)
	}
	return nil
}

// Miss counts one unknown token.
func (g *Guesses) Miss(ip, openID string) {
	g.byIP.Hit(network(ip))
	if openID != "" {
		g.byOpenID.Hit(openID)
	}
}

// network is the key of an address: an IPv6 customer owns a whole /64.
func network(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil || a.Unmap().Is4() {
		return ip
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return ip
	}
	return p.String()
}
