package lift

import "math"

// AlarmAt is how improbable the arms' sizes must be before anybody is alarmed. It is far
// below Alpha: an alarm says that the experiment itself is broken, and all its results.
const AlarmAt = 0.001

// Split is whether the arms are as large as their shares say (样本比例).
type Split struct {
	// Chance bounds how probable sizes this far off are, over all looks together.
	Chance float64 `json:"chance"`
	Alarm  bool    `json:"alarm"`
}

// Shares holds counted people against the shares by which chance divided them; they need
// not add up to one. It bets on every other division at once, so it may be looked at as
// often as one likes (Lindon and Malek, "Anytime-valid inference for multinomial count
// data", https://arxiv.org/abs/2011.03567).
func Shares(people []int64, shares []float64) Split {
	total, all := 0.0, int64(0)
	for i, s := range shares {
		total += s
		all += people[i]
	}
	if total <= 0 || all == 0 {
		return Split{Chance: 1}
	}
	// The Dirichlet bet is centred at the shares. It is worth the more the closer the truth
	// is to them, and a hundred is closer than any arm that was lost on the way.
	const weight = 100
	worth := lgamma(weight) - lgamma(weight+float64(all))
	for i, s := range shares {
		share, n := s/total, float64(people[i])
		switch {
		case share > 0:
			worth += lgamma(weight*share+n) - lgamma(weight*share) - n*math.Log(share)
		case n > 0: // somebody in an arm that nobody can fall into
			return Split{Chance: 0, Alarm: true}
		}
	}
	chance := min(1, math.Exp(-worth))
	return Split{Chance: chance, Alarm: chance <= AlarmAt}
}

func lgamma(x float64) float64 { l, _ := math.Lgamma(x); return l }
