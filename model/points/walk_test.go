package points

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
)

// The model: the same words without a database, a ledger or locks.
type (
	heap struct { // a lot
		source                       string
		owner                        id.ID
		no                           int
		amount, free, wait, ice, old int64
		gone                         int64 // taken back
		earned, release, expires     clock.Instant
		lender                       *heap // of a borrowed one
		lent                         int64 // outstanding
	}
	piece struct {
		h       *heap
		n, back int64
	}
	deal struct { // a spend or a hold
		key    string
		owner  id.ID
		id     id.ID
		pieces []*piece
	}
	toy struct {
		heaps  []*heap
		owed   map[id.ID]int64
		deals  []*deal
		frozen []*deal
	}
)

func (y *toy) add(h *heap) *heap {
	h.no = len(y.heaps)
	y.heaps = append(y.heaps, h)
	return h
}

// line is a member's heaps in the order in which they are used.
func (y *toy) line(owners ...id.ID) []*heap {
	var out []*heap
	for _, h := range y.heaps {
		if slices.Contains(owners, h.owner) {
			out = append(out, h)
		}
	}
	slices.SortStableFunc(out, func(a, b *heap) int {
		if a.expires != b.expires {
			return int(min(1, max(-1, a.expires-b.expires)))
		}
		return int(a.earned - b.earned)
	})
	return out
}

func (y *toy) settle(now clock.Instant, ms ...id.ID) {
	for _, m := range ms {
		line := y.line(m)
		for _, h := range line {
			if h.wait > 0 && h.release <= now {
				h.free, h.wait = h.free+h.wait, 0
			}
		}
		slices.SortStableFunc(line, func(a, b *heap) int { return int(max(a.earned, a.release) - max(b.earned, b.release)) })
		for _, h := range line {
			n := min(h.free, y.owed[m])
			h.free, y.owed[m] = h.free-n, y.owed[m]-n
		}
		for _, h := range line {
			if h.expires <= now {
				h.free, h.old = 0, h.old+h.free
			}
		}
	}
}

func (y *toy) has(ms ...id.ID) (n int64) {
	for _, h := range y.line(ms...) {
		n += h.free
	}
	return n
}

func (y *toy) take(n int64, line []*heap) (out []*piece) {
	for _, h := range line {
		if got := min(n, h.free); got > 0 {
			h.free, n = h.free-got, n-got
			out = append(out, &piece{h: h, n: got})
		}
	}
	return out
}

func (y *toy) spend(m id.ID, family []id.ID, n int64, key string) bool {
	all := y.has(family...)
	for _, x := range family {
		all -= y.owed[x]
	}
	if all < n {
		return false
	}
	d := &deal{key: key, owner: m, pieces: y.take(n, y.line(m))}
	for _, p := range d.pieces {
		n -= p.n
	}
	others := slices.DeleteFunc(slices.Clone(family), func(x id.ID) bool { return x == m })
	for _, p := range y.take(n, y.line(others...)) {
		mine := y.add(&heap{owner: m, amount: p.n, earned: p.h.earned, release: p.h.release, expires: p.h.expires, lender: p.h, lent: p.n})
		d.pieces = append(d.pieces, &piece{h: mine, n: p.n})
	}
	y.deals = append(y.deals, d)
	return true
}

func (y *toy) giveBack(d *deal, n int64, now clock.Instant, ice bool) {
	order := slices.Clone(d.pieces)
	slices.SortStableFunc(order, func(a, b *piece) int {
		if (a.h.lender != nil) != (b.h.lender != nil) {
			if a.h.lender != nil {
				return -1
			}
			return 1
		}
		return int(min(1, max(-1, b.h.expires-a.h.expires)))
	})
	for _, p := range order {
		got := min(n, p.n-p.back)
		if got == 0 {
			continue
		}
		n, p.back, p.h.free = n-got, p.back+got, p.h.free+got
		if ice {
			p.h.ice -= got
			continue
		}
		p.h.expires = max(p.h.expires, now.Add(grace))
		if l := p.h.lender; l != nil && p.h.lent > 0 {
			k := min(got, p.h.lent)
			p.h.free, p.h.lent, l.free, l.expires = p.h.free-k, p.h.lent-k, l.free+k, max(l.expires, p.h.expires)
		}
	}
}

func (y *toy) reverse(h *heap, n int64) {
	n = min(n, h.amount-h.gone)
	h.gone += n
	for _, from := range []*int64{&h.wait, &h.free, &h.old} {
		k := min(n, *from)
		*from, n = *from-k, n-k
	}
	for _, p := range y.take(n, y.line(h.owner)) {
		n -= p.n
	}
	y.owed[h.owner] += n
}

func (y *toy) part(kin kin, now clock.Instant) {
	for _, h := range y.heaps {
		if h.lender == nil || h.lent == 0 || kin.root(h.owner) == kin.root(h.lender.owner) {
			continue
		}
		y.settle(now, h.owner, h.lender.owner)
		for _, p := range y.take(h.lent, y.line(h.owner)) {
			h.lender.free += p.n
		}
		h.lent = 0
	}
}

func (y *toy) account(now clock.Instant, family []id.ID) (available, pending, frozen, owed int64) {
	y.settle(now, family...)
	for _, h := range y.line(family...) {
		available, pending, frozen = available+h.free, pending+h.wait, frozen+h.ice
	}
	for _, m := range family {
		owed += y.owed[m]
	}
	return max(0, available-owed), pending, frozen, owed
}

// Everything that can happen to points, in random order, beside the model, with members
// joined and parted in between.
func TestWhateverHappensTheAccountsAreWhatTheModelSays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		for seed := range uint64(2) {
			t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
				w, y, rng := newWorld(t, dbtest.Open(t, d.Driver(), clk), clk), &toy{owed: map[id.ID]int64{}}, rand.New(rand.NewPCG(seed, 4))
				w.rules(brandA, func(r *Rules) {
					r.Expiry, r.ApproveAbove = Expiry{Days, 40}, 1_000_000
					r.Earn = []Earn{{On: OnOrder, Points: 1, PendingDays: 7}}
				})
				w.rules(brandB, func(r *Rules) { r.Expiry = Expiry{Months, 2} })
				for step := range 90 {
					what := w.step(ctx, y, rng, step)
					now := clk.Now()
					if rng.IntN(4) == 0 {
						w.must(w.a.SettleDue(ctx))
					}
					for _, m := range members {
						family, _ := w.kin.Family(ctx, m)
						av, pe, fr, ow := y.account(now, family)
						if got := w.account(m); got.Available != av || got.Pending != pe || got.Frozen != fr || got.Owed != ow {
							t.Fatalf("step %d, after %s: member %d has %+v, the model says %d available %d pending %d frozen %d owed", step, what, m, got, av, pe, fr, ow)
						}
					}
					w.sound()
				}
				w.checked()
			})
		}
	})
}

// step does one thing in both worlds and says what.
func (w *world) step(ctx context.Context, y *toy, rng *rand.Rand, step int) string {
	w.t.Helper()
	w.clk.Advance(time.Duration(rng.IntN(40))*time.Hour + time.Duration(step+1)*time.Millisecond)
	now, m, n := w.clk.Now(), members[rng.IntN(len(members))], rng.Int64N(40)+1
	family, _ := w.kin.Family(ctx, m)
	key := fmt.Sprintf("k%d", step)
	switch kind := rng.IntN(16); kind {
	case 0, 1, 2, 3:
		brand := []id.ID{brandA, brandB}[kind%2]
		r, err := w.a.Rules(ctx, brand)
		w.must(err)
		y.add(&heap{source: w.claim(brand, m, n), owner: m, amount: n, free: n, earned: now, expires: r.Expiry.End(now)})
		return "claim"
	case 4, 5:
		got, err := w.a.Earn(ctx, Fact{Key: key, BrandID: brandA, MemberID: m, On: OnOrder, AmountFen: n*100 + 99})
		w.must(err)
		if got != n {
			w.t.Fatalf("an order of %d yuan earned %d", n, got)
		}
		e, err := earningOf(w.d.Read(ctx), key)
		w.must(err)
		y.settle(now, family...)
		from, _ := clock.DayOf(now).AddDays(7).Bounds()
		y.add(&heap{source: e.source(), owner: m, amount: n, wait: n, earned: now, release: from, expires: Expiry{Days, 40}.End(from)})
		return "order"
	case 6, 7, 8, 9:
		err := w.a.Spend(ctx, Spend{Key: key, MemberID: m, Points: n, Memo: "兑换"})
		y.settle(now, family...)
		if did := y.spend(m, family, n, key); did != (err == nil) {
			w.t.Fatalf("step %d: spend %d of member %d: %v, the model %v", step, n, m, err, did)
		}
		if err == nil {
			w.must(w.a.Spend(ctx, Spend{Key: key, MemberID: m, Points: n, Memo: "兑换"})) // again: nothing
		}
		return "spend"
	case 10:
		if len(y.deals) == 0 {
			return "nothing"
		}
		d := y.deals[rng.IntN(len(y.deals))]
		left := int64(0)
		for _, p := range d.pieces {
			left += p.n - p.back
		}
		if left == 0 {
			w.code(w.a.Unspend(ctx, key, d.key, 0, "退货"), "points_returned")
			return "nothing"
		}
		n = min(n, left)
		w.must(w.a.Unspend(ctx, key, d.key, n, "退货"))
		w.must(w.a.Unspend(ctx, key, d.key, n, "退货"))
		touched := []id.ID{d.owner}
		for _, p := range d.pieces {
			if p.h.lender != nil {
				touched = append(touched, p.h.lender.owner)
			}
		}
		y.settle(now, touched...)
		y.giveBack(d, n, now, false)
		return "unspend"
	case 11:
		var own []*heap
		for _, h := range y.heaps {
			if h.source != "" {
				own = append(own, h)
			}
		}
		if len(own) == 0 {
			return "nothing"
		}
		h := own[rng.IntN(len(own))]
		_, err := w.a.Reverse(ctx, key, h.owner, h.source, n, "扣回")
		w.must(err)
		y.settle(now, h.owner)
		y.reverse(h, n)
		return "reverse"
	case 12:
		hold, err := w.a.Freeze(ctx, m, n, "核查", 1)
		y.settle(now, m)
		if short := y.has(m) < n; short {
			w.code(err, "points_short")
			return "nothing"
		}
		w.must(err)
		d := &deal{id: hold.ID, owner: m, pieces: y.take(n, y.line(m))}
		for _, p := range d.pieces {
			p.h.ice += p.n
		}
		y.frozen = append(y.frozen, d)
		return "freeze"
	case 13:
		if len(y.frozen) == 0 {
			return "nothing"
		}
		d := y.frozen[0]
		y.frozen = y.frozen[1:]
		_, err := w.a.Unfreeze(ctx, d.owner, d.id, "核查完毕", 1)
		w.must(err)
		y.settle(now, d.owner)
		y.giveBack(d, 1<<40, now, true)
		return "unfreeze"
	case 14:
		other := members[rng.IntN(len(members))]
		if w.kin.root(m) != w.kin.root(other) {
			r := w.kin.root(other)
			for _, x := range members {
				if w.kin.root(x) == r {
					w.kin[x] = w.kin.root(m)
				}
			}
		}
		return "merge"
	default:
		clear(w.kin)
		w.must(w.a.Part(ctx))
		y.part(w.kin, now)
		return "unmerge"
	}
}

// Two worlds live through the same; in one of them members are joined for a while. Nobody
// spends beyond his own.
func TestMembersWhoKeptToTheirOwnPartAsIfTheyHadNeverMet(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		apart, joined := newWorld(t, d, clk), newWorld(t, dbtest.Open(t, d.Driver(), clk), clk)
		rng := rand.New(rand.NewPCG(9, 9))
		for _, w := range []*world{apart, joined} {
			w.rules(brandA, func(r *Rules) { r.Expiry = Expiry{Days, 30} })
		}
		for step := range 80 {
			clk.Advance(time.Duration(rng.IntN(30)) * time.Hour)
			m, n, what := members[rng.IntN(3)], rng.Int64N(30)+1, rng.IntN(3)
			if rng.IntN(8) == 0 {
				joined.kin[members[1]], joined.kin[members[2]] = members[0], id.ID(rng.IntN(2))*members[0]
			}
			own := apart.account(m).Available
			for _, w := range []*world{apart, joined} {
				switch {
				case what < 2:
					w.claim(brandA, m, n)
				case own > 0:
					w.must(w.a.Spend(ctx, Spend{Key: fmt.Sprint(step), MemberID: m, Points: min(n, own), Memo: "兑换"}))
				}
			}
		}
		clear(joined.kin)
		joined.must(joined.a.Part(ctx))
		for _, m := range members {
			a, j := apart.account(m), joined.account(m)
			if fmt.Sprint(a) != fmt.Sprint(j) {
				t.Errorf("member %d: apart %+v, joined for a while %+v", m, a, j)
			}
			sa, err := apart.a.Statement(ctx, m, 0, 100)
			apart.must(err)
			sj, err := joined.a.Statement(ctx, m, 0, 100)
			joined.must(err)
			if len(sa) == 0 || len(sa) != len(sj) {
				t.Errorf("member %d: %d lines apart, %d after a while together", m, len(sa), len(sj))
			}
		}
		joined.sound()
	})
}
