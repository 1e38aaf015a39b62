package holdout

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"siyu/model/lift"
	"siyu/model/money"
)

// buys lets one more person of an arm order; two of three of them scan as well.
func (a *Group) buys(r *rand.Rand) {
	if r.IntN(3) > 0 {
		a.Scans++
	}
	fen := math.Round(6000 * math.Exp(0.8*r.NormFloat64()-0.32))
	a.Buyers++
	a.SumFen += money.Fen(fen)
	a.square += fen * fen
}

var twoTexts = Split{HeldBP: 2000, Arms: []Part{{Name: "A", Weight: 1}, {Name: "B", Weight: 1}}}

// begun is a report of a push in which nobody did anything yet, divided by chance.
func begun(r *rand.Rand, people int) Report {
	out := Report{Arms: []Group{{Name: "A"}, {Name: "B"}}, Held: Group{Name: Held}}
	for range people {
		switch x := r.IntN(10); {
		case x < 2:
			out.Held.People++
		case x < 6:
			out.Arms[0].People++
		default:
			out.Arms[1].People++
		}
	}
	return out
}

func TestAReportShowsWhatTheArithmeticSays(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 3))
		r := begun(rng, 1000)
		for range 200 + rng.IntN(400) {
			[]*Group{&r.Arms[0], &r.Arms[1], &r.Held}[rng.IntN(3)].buys(rng)
		}
		r.conclude(twoTexts, 100_00)
		// Six intervals hold together: three measures of all against those left alone, and of B against A.
		const part = lift.Alpha / 6
		for _, c := range []struct {
			got  Compared
			a, b []Group
		}{{*r.All, r.Arms, []Group{r.Held}}, {r.Between[0], r.Arms[1:], r.Arms[:1]}} {
			sums := func(list []Group) (scan, order lift.Hits, amount lift.Sums) {
				for _, g := range list {
					scan.People, scan.Hits = scan.People+g.People, scan.Hits+g.Scans
					order.People, order.Hits = order.People+g.People, order.Hits+g.Buyers
					amount.People, amount.Some, amount.Sum, amount.Square = amount.People+g.People, amount.Some+g.Buyers, amount.Sum+float64(g.SumFen), amount.Square+g.square
				}
				return scan, order, amount
			}
			scan, order, amount := sums(c.a)
			scan0, order0, amount0 := sums(c.b)
			want := Compared{Arm: c.got.Arm, With: c.got.With, Scan: lift.Rates(scan, scan0, part), Order: lift.Rates(order, order0, part), Amount: lift.Means(amount, amount0, part)}
			if c.got != want {
				t.Fatalf("seed %d: %+v, want %+v", seed, c.got, want)
			}
		}
	}
}

// All that a report says holds together: of a thousand pushes of two texts that change
// nothing, each looked at twenty times, at most the nominal share ever names a winner.
func TestAReportThatIsPeekedAtNamesNoFalseWinner(t *testing.T) {
	const pushes, looks, perLook = 1000, 20, 20
	wrong, spoke := 0, 0
	for seed := range uint64(pushes) {
		rng := rand.New(rand.NewPCG(seed, 5))
		r, won, said := begun(rng, 1500), false, false
		for range looks {
			for range perLook { // whoever did nothing yet is as likely to be next
				at := rng.Int64N(r.Held.left() + r.Arms[0].left() + r.Arms[1].left())
				for _, g := range []*Group{&r.Held, &r.Arms[0], &r.Arms[1]} {
					if at < g.left() {
						g.buys(rng)
						break
					}
					at -= g.left()
				}
			}
			r.conclude(twoTexts, 0)
			now := false
			for _, c := range append(r.Between, *r.All) {
				for _, e := range []lift.Estimate{c.Scan, c.Order, c.Amount} {
					now = now || e.Verdict == lift.More || e.Verdict == lift.Less
				}
				said = said || c.Amount.Verdict != lift.Early
			}
			if text := strings.Join(r.Text, ""); now != (strings.Contains(text, "：增加") || strings.Contains(text, "反而减少")) {
				t.Fatalf("seed %d: a winner in the figures: %v, in words: %q", seed, now, text)
			}
			won = won || now
		}
		if won {
			wrong++
		}
		if said {
			spoke++
		}
	}
	t.Logf("%d of %d named a winner that is none; amounts were compared in %d", wrong, pushes, spoke)
	if wrong > pushes*5/100 || spoke < pushes/2 {
		t.Errorf("%d of %d named a winner that is none; amounts were compared in %d", wrong, pushes, spoke)
	}
}

func (a *Group) left() int64 { return a.People - a.Buyers }
