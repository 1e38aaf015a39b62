// Package lift tells what a message earned (增益): it compares people who were meant to get
// it with people who were left alone, as arithmetic only.
//
// Promises. Somebody may look every minute and stop when he likes what he sees: the chance
// that any look of all names an effect that is not there is at most alpha, and so is the
// chance that the intervals of all looks do not all hold the truth of their moment.
//
// Why. Whoever does something by now is counted once, and by chance he fell into one arm or
// the other; so what is known grows by one even draw per person who does something, in
// whatever order they come. Rates bet on those draws with stakes fixed before, which holds
// for any number of people (Waudby-Smith and Ramdas 2024,
// "Estimating means of bounded random variables by betting",
// https://arxiv.org/abs/2010.09686). Amounts have no bound to bet against; theirs hold for
// large numbers (asymptotic confidence sequences, Waudby-Smith, Arbour, Sinha, Kennedy and
// Ramdas, https://arxiv.org/abs/2103.06476), so few buyers give no verdict. More of one
// person later moves both his parts alike, which makes a false alarm rarer (Slepian).
//
// What must be true for that: chance alone divided the people, all of them are counted, and
// what counts is what they did in the same span of time, for both arms. What is broken shows
// in Shares.
package lift

import "math"

// Alpha is how often anything that is said of a push may be wrong at any look. Who says
// several things at once gives each its part of it.
const Alpha = 0.05

// Fewest people with an amount in each arm for an interval of amounts: with less, large
// numbers are not in sight. Simulations of skewed baskets with a tenth held out need it.
const Fewest = 30

// Verdicts.
const (
	More  = "more"  // the whole interval is above zero
	Less  = "less"  // the whole interval is below zero
	None  = "none"  // zero is within: no effect seen
	Early = "early" // too few people to say anything
)

// Estimate compares two arms. Its numbers are per person: a share of people (0.03 is three
// in a hundred) or fen; figures of statistics, never money to be booked.
type Estimate struct {
	Treated float64 `json:"treated"` // mean of those who were meant to get it
	Control float64 `json:"control"` // mean of those left alone
	Diff    float64 `json:"diff"`    // what getting it changed, per person
	Low     float64 `json:"low"`     // the interval of that; with Early there is none, and both are 0
	High    float64 `json:"high"`
	Verdict string  `json:"verdict"`
}

// Hits is an arm of which each person did something or not.
type Hits struct {
	People int64
	Hits   int64
}

// Sums is an arm of which each person has an amount.
type Sums struct {
	People int64
	Some   int64   // of them with an amount that is not zero
	Sum    float64 // of all
	Square float64 // of each person's amount, added up
}

func judged(e Estimate) Estimate {
	switch {
	case e.Low > 0:
		e.Verdict = More
	case e.High < 0:
		e.Verdict = Less
	default:
		e.Verdict = None
	}
	return e
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// stakes is how many fixed stakes a bet is spread over, each shrink of the one before: from
// what a hundred people need to what ten million do.
const stakes, shrink = 18, 0.7

// Rates compares shares of people. It is wrong at any look in alpha of all pushes at most.
func Rates(treated, control Hits, alpha float64) Estimate {
	e := Estimate{Treated: ratio(float64(treated.Hits), float64(treated.People)), Control: ratio(float64(control.Hits), float64(control.People))}
	e.Diff = e.Treated - e.Control
	if treated.People == 0 || control.People == 0 {
		e.Verdict = Early
		return e
	}
	b := newBet(treated, control)
	// A bet on more loses its worth as the difference it is held against grows: what it has
	// become rich against is refuted. Each side may err half as often.
	rich := math.Log(2 / alpha)
	e.Low = border(func(d float64) bool { return b.worth(d, 1) >= rich })
	e.High = -border(func(d float64) bool { return b.worth(-d, -1) >= rich })
	return judged(e)
}

// border finds where refuted turns false on [-1, 1], which it does once; on its safe side.
func border(refuted func(float64) bool) float64 {
	if !refuted(-1) {
		return -1
	}
	low, high := -1.0, 1.0
	for range 24 {
		if mid := (low + high) / 2; refuted(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// bet is everybody's outcome, weighed by the share of his arm and with the sign of it: the
// mean is the difference of the rates. It has three values, and none of them depends on the
// arm of somebody who did nothing.
type bet struct {
	value [3]float64
	count [3]float64
}

func newBet(treated, control Hits) bet {
	all := float64(treated.People + control.People)
	return bet{value: [3]float64{all / float64(treated.People), -all / float64(control.People), 0},
		count: [3]float64{float64(treated.Hits), float64(control.Hits), all - float64(treated.Hits+control.Hits)}}
}

// worth is the logarithm of what one unit became by betting that the difference is more
// (side 1) or less (side -1) than d. The stakes do not depend on what happened, so the
// order in which things happened does not matter, nor who looks when.
func (b bet) worth(d, side float64) float64 {
	worst := 0.0 // the most that one person can cost per stake, whatever d
	for _, v := range b.value {
		worst = max(worst, 1-side*v)
	}
	var logs [stakes]float64
	best, stake := math.Inf(-1), side*0.95/worst
	for i := range logs {
		for j, v := range b.value {
			if b.count[j] > 0 {
				logs[i] += b.count[j] * math.Log1p(stake*(v-d))
			}
		}
		best = max(best, logs[i])
		stake *= shrink
	}
	sum := 0.0
	for _, l := range logs {
		sum += math.Exp(l - best)
	}
	return best + math.Log(sum/stakes)
}

// Means compares amounts per person, none of which should be far below zero. It is wrong at
// any look in alpha of all pushes at most.
func Means(treated, control Sums, alpha float64) Estimate {
	n1, n0 := float64(treated.People), float64(control.People)
	e := Estimate{Treated: ratio(treated.Sum, n1), Control: ratio(control.Sum, n0)}
	e.Diff = e.Treated - e.Control
	if treated.Some < Fewest || control.Some < Fewest {
		e.Verdict = Early
		return e
	}
	half := math.Sqrt(variance(treated)/n1+variance(control)/n0) * boundary(float64(treated.Some+control.Some), alpha)
	e.Low, e.High = e.Diff-half, e.Diff+half
	return judged(e)
}

func variance(s Sums) float64 {
	n := float64(s.People)
	return max(0, (s.Square-s.Sum*s.Sum/n)/(n-1))
}

// planned is the number of buyers for which the interval of amounts is narrowest; fixed, so
// that no look chooses it.
const planned = 500

// boundary is by how many standard errors a look after n buyers may be off, so that no look
// of all is (equation 10 of the paper, with the mixture's spread chosen for planned): with
// an alpha of 0.05 3.7 for 60, 3.0 for 500, 3.6 for 50,000.
func boundary(n, alpha float64) float64 {
	l := -2 * math.Log(alpha)
	nr := n * (l + math.Log(l+1)) / planned
	return math.Sqrt(2 * (nr + 1) / nr * math.Log(math.Sqrt(nr+1)/alpha))
}
