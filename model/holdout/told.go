package holdout

import (
	"math"

	"siyu/model/lift"
	"siyu/model/money"
)

// Told is the report as it is told to who may know numbers of people about, and not exactly.
// count moves a number by up to slack and makes 0 of less than under; it is asked with what
// the number is of. Everything else follows from those numbers, and every interval is wider
// by what they may be off, so that nothing is claimed that the exact ones would not say.
// Whether the arms are broken is told as it is.
func (r Report) Told(under, slack int64, count func(n int64, of ...any) int64) Report {
	r.Under, r.slack, r.Mixed = under, slack, count(r.Mixed, "mixed")
	r.Sizes.Chance = 1
	if r.Sizes.Alarm {
		r.Sizes.Chance = 0
	}
	exact, told := int64(0), int64(0)
	group := func(g Group) Group {
		exact += g.Reached
		g = g.told(count)
		told += g.Reached
		return g
	}
	arms := make([]Group, len(r.Arms))
	for i, a := range r.Arms {
		arms[i] = group(a)
	}
	r.Arms, r.Held, r.Universal = arms, r.Held.told(count), r.Universal.told(count)
	money, cost := r.Money, r.Money.CostFen
	if money.MessagesFen > 0 { // so many messages at so much each: as many as are told
		money.MessagesFen = scaled(money.MessagesFen, told, exact)
		if !money.Written {
			cost = money.MessagesFen
		}
	}
	r.conclude(r.split, cost)
	r.Money.MessagesFen, r.Money.Written = money.MessagesFen, money.Written
	return r
}

// told is a group by the numbers that are told.
func (g Group) told(count func(n int64, of ...any) int64) Group {
	t := Group{Name: g.Name, States: map[string]int64{}}
	t.People = count(g.People, g.Name, "people")
	for state, n := range g.States {
		t.States[state] = min(t.People, count(n, g.Name, "state", state))
	}
	t.Reached, t.Scans, t.Buyers = t.States["sent"], min(t.People, count(g.Scans, g.Name, "scans")), min(t.People, count(g.Buyers, g.Name, "buyers"))
	if t.Buyers > 0 {
		n := float64(g.Buyers)
		t.SumFen = money.Fen(about(float64(g.SumFen)/n)) * money.Fen(t.Buyers)
		t.square = max(about(g.square/n), math.Pow(about(float64(g.SumFen)/n), 2)) * float64(t.Buyers)
	}
	return t
}

// about has two digits: what one person adds to the mean of many does not show.
func about(x float64) float64 {
	if x <= 0 {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(x))-1)
	return math.Round(x/unit) * unit
}

func scaled(fen money.Fen, told, exact int64) money.Fen {
	if exact == 0 {
		return 0
	}
	return money.Fen(about(float64(fen) * float64(told) / float64(exact)))
}

// blur makes what is said of two groups as wide as all that their exact numbers may be.
func (r *Report) blur(c *Compared, a, b Group, alpha float64) {
	if r.slack == 0 {
		return
	}
	arms := int64(1)
	if c.Arm == "" { // of all arms together
		arms = int64(len(r.Arms))
	}
	few, many := a.off(-arms*r.slack), a.off(arms*r.slack)
	for _, other := range []Group{b.off(-r.slack), b.off(r.slack)} {
		for _, x := range []Group{few, many} {
			d := compare(x, other, alpha)
			wider(&c.Scan, d.Scan)
			wider(&c.Order, d.Order)
			wider(&c.Amount, d.Amount)
		}
	}
}

// off is a group in which so many more did something, out of so many fewer, than are told.
func (g Group) off(by int64) Group {
	x := g
	x.People = max(1, g.People-by)
	x.Scans, x.Buyers = min(x.People, max(0, g.Scans+by)), min(x.People, max(0, g.Buyers+by))
	if g.Buyers > 0 {
		const rounded = 0.05 // at most, of two digits
		share := float64(x.Buyers) / float64(g.Buyers)
		if by > 0 {
			share *= 1 + rounded
		} else {
			share *= 1 - rounded
		}
		x.SumFen, x.square = money.Fen(math.Round(float64(g.SumFen)*share)), g.square*share
	}
	return x
}

func wider(e *lift.Estimate, o lift.Estimate) {
	if e.Verdict == lift.Early || o.Verdict == lift.Early {
		e.Verdict, e.Low, e.High = lift.Early, 0, 0
		return
	}
	e.Low, e.High = min(e.Low, o.Low), max(e.High, o.High)
	switch {
	case e.Low > 0:
		e.Verdict = lift.More
	case e.High < 0:
		e.Verdict = lift.Less
	default:
		e.Verdict = lift.None
	}
}
