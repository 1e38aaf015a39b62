package commission

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/money"
)

// toy is the smallest model of commission that is still right: facts in a list, figures
// computed from what was told.
type toy struct {
	facts      []*toyFact
	refunds    map[string]map[string]money.Fen // by order, by refund number
	suspects   map[id.ID]bool
	statements map[string]int64 // net by earner and cycle
}

type toyFact struct {
	key             string
	referee, earner id.ID
	each            bool // a claim of a hundred fen; else a tenth of an order
	base            money.Fen
	release         clock.Instant
	state           string
	taken           bool  // by an operator
	settled         bool  // whatever became of it afterwards
	paid, late      int64 // left when settled; and what it lost since
	lateAt          []toyLoss
}

type toyLoss struct {
	n  int64
	at clock.Instant
}

func (y *toy) amount(f *toyFact) int64 {
	if f.each {
		return 100
	}
	return int64(f.base) / 10
}

func (y *toy) left(f *toyFact) int64 {
	if f.taken {
		return 0
	}
	var back money.Fen
	for _, fen := range y.refunds[f.key] {
		back += fen
	}
	if back = min(back, f.base); f.each || back == 0 {
		return y.amount(f)
	}
	return y.amount(f) - (y.amount(f)*int64(back)+int64(f.base)-1)/int64(f.base)
}

// touch follows a change of what is left: nothing left is clawed, and what a settled fact
// loses is told in a later statement.
func (y *toy) touch(now clock.Instant) {
	for _, f := range y.facts {
		if f.settled {
			if lost := f.paid - y.left(f) - f.late; lost > 0 {
				f.late += lost
				f.lateAt = append(f.lateAt, toyLoss{lost, now})
			}
		}
		if y.left(f) == 0 {
			f.state = Clawed
		}
	}
}

func (y *toy) release(now clock.Instant) {
	for _, f := range y.facts {
		if (f.state == Frozen || f.state == Held) && f.release <= now {
			f.state = Released
			if y.suspects[f.referee] {
				f.state = Held
			}
		}
	}
}

func (y *toy) close(p Policy, now clock.Instant) {
	y.release(now)
	c := p.due(now)
	for _, earner := range []id.ID{10, 20} {
		key := fmt.Sprintf("%d:%d", earner, c.From)
		if _, done := y.statements[key]; done {
			continue
		}
		net, lines := int64(0), 0
		for _, f := range y.facts {
			if f.earner != earner {
				continue
			}
			if f.state == Released && f.release < c.end() {
				if y.suspects[f.referee] {
					f.state = Held
					continue
				}
				f.state, f.settled, f.paid = Settled, true, y.left(f)
				net, lines = net+f.paid, lines+1
			}
			f.lateAt = slices.DeleteFunc(f.lateAt, func(l toyLoss) bool {
				if l.at < c.end() {
					net, lines = net-l.n, lines+1
				}
				return l.at < c.end()
			})
		}
		if lines > 0 {
			y.statements[key] = net
		}
	}
}

// Whatever is told, in whatever order and however often, and whatever is released,
// settled, held and taken back between: rows, statements and books equal the toy.
func TestWhateverHappensTheBooksEqualTheAccruals(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		seed := rand.Uint64() // another one each time; a failure names it
		rng := rand.New(rand.NewPCG(seed, 7))
		p, err := w.s.SavePolicy(ctx, Policy{BrandID: brandA, Kind: Weekly, SettleDay: 2})
		w.must(err)
		for m := id.ID(11); m < 15; m++ {
			w.bind(m, 10, "member", w.clk.Now())
			w.bind(m+10, 20, "member", w.clk.Now())
		}
		w.clk.Advance(time.Hour)
		w.active(perClaim(100))
		order := perOrder(1000)
		order.FreezeDays = 7
		w.active(order)
		y := &toy{refunds: map[string]map[string]money.Fen{}, suspects: map[id.ID]bool{}, statements: map[string]int64{}}
		var toldSoFar []event.Event
		pending := map[string]event.Event{} // orders whose refund came first
		tell := func(e event.Event) { toldSoFar = append(toldSoFar, e); w.consume(e) }
		buyer := func() id.ID { return []id.ID{11, 12, 13, 14, 21, 22, 23, 24}[rng.IntN(8)] }
		newOrder := func(n int) (event.Event, *toyFact) {
			b, fen := buyer(), money.Fen(rng.IntN(9000)+100)
			no := fmt.Sprintf("P%d", n)
			return orderEvent(no, "", b, w.clk.Now(), orderLine{"1", 1, fen}),
				&toyFact{key: "order:71:tmall:" + no, referee: b, earner: b / 10 * 10, base: fen, release: w.clk.Now().Add(7 * 24 * time.Hour), state: Frozen}
		}
		waiting := map[string]*toyFact{}
		for step := range 140 {
			switch k := rng.IntN(20); {
			case k < 4:
				b := buyer()
				tell(claimEvent(int64(step), b, beer, w.clk.Now()))
				y.facts = append(y.facts, &toyFact{key: fmt.Sprintf("claim:%d", step), referee: b, earner: b / 10 * 10, each: true, release: w.clk.Now().Add(48 * time.Hour), state: Frozen})
			case k < 7:
				e, f := newOrder(step)
				if rng.IntN(3) == 0 { // its refund is told first
					pending[f.key], waiting[f.key] = e, f
				} else {
					tell(e)
					y.facts = append(y.facts, f)
				}
			case k < 10: // a refund, of an order that was told or was not yet
				var keys []*toyFact
				for _, f := range y.facts {
					if !f.each {
						keys = append(keys, f)
					}
				}
				for _, key := range sortedKeys(waiting) {
					keys = append(keys, waiting[key])
				}
				if len(keys) == 0 {
					continue
				}
				f := keys[rng.IntN(len(keys))]
				fen, no := money.Fen(rng.IntN(int(f.base))+1), fmt.Sprintf("R%d", step)
				tell(orderEvent(f.key[len("order:71:tmall:"):], no, f.referee, w.clk.Now(), orderLine{"1", 0, fen}))
				if y.refunds[f.key] == nil {
					y.refunds[f.key] = map[string]money.Fen{}
				}
				y.refunds[f.key][no] = fen
			case k < 12: // orders that waited
				for _, key := range sortedKeys(waiting) {
					f := waiting[key]
					f.release = w.clk.Now().Add(7 * 24 * time.Hour) // from when it was told
					tell(pending[key])
					y.facts = append(y.facts, f)
					delete(waiting, key)
				}
			case k < 13 && len(toldSoFar) > 0: // told again
				w.consume(toldSoFar[rng.IntN(len(toldSoFar))], toldSoFar[rng.IntN(len(toldSoFar))])
			case k < 14 && len(y.facts) > 0:
				f := y.facts[rng.IntN(len(y.facts))]
				for _, a := range w.all() {
					if a.FactKey == f.key && a.Left() > 0 {
						_, err := w.s.Take(ctx, a.ID, "刷单", 1)
						w.must(err)
						f.taken = true
					}
				}
			case k < 15:
				b := buyer()
				if y.suspects[b] = !y.suspects[b]; y.suspects[b] {
					w.suspects[b] = "共用设备"
				} else {
					delete(w.suspects, b)
				}
			case k < 17:
				w.must(w.s.Release(ctx))
				y.release(w.clk.Now())
			case k < 18:
				w.must(w.s.Close(ctx))
				y.touch(w.clk.Now())
				y.close(p, w.clk.Now())
			default:
				w.clk.Advance(time.Duration(rng.IntN(60)+1) * time.Hour)
			}
			y.touch(w.clk.Now())
			if step%8 == 7 {
				y.compare(t, w)
				w.balanced()
			}
			if step == 139 {
				w.invariants()
			}
			if t.Failed() {
				t.Fatalf("seed %d, step %d", seed, step)
			}
		}
	})
}

func sortedKeys(m map[string]*toyFact) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (y *toy) compare(t *testing.T, w *world) {
	t.Helper()
	rows := map[string]Accrual{}
	for _, a := range w.all() {
		rows[a.FactKey] = a
	}
	if len(rows) != len(y.facts) {
		t.Errorf("%d accruals, %d facts", len(rows), len(y.facts))
	}
	for _, f := range y.facts {
		a := rows[f.key]
		if a.Amount != y.amount(f) || a.Left() != y.left(f) || a.State != f.state {
			t.Errorf("%s: %d of %d %s, want %d of %d %s", f.key, a.Left(), a.Amount, a.State, y.left(f), y.amount(f), f.state)
		}
	}
	nets := map[string]int64{}
	for _, st := range w.statements() {
		nets[fmt.Sprintf("%d:%d", st.EarnerID, st.FromDay)] = int64(st.NetFen)
		if st.State != Closed {
			t.Errorf("%+v", st)
		}
	}
	if fmt.Sprint(nets) != fmt.Sprint(y.statements) {
		t.Errorf("statements %v, want %v", nets, y.statements)
	}
}
