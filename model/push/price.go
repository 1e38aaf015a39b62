package push

import (
	"context"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"siyu/model/clock"
	"siyu/model/holdout"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/reach"
)

// Estimate is what a push would cost if it began now (花费估算). Coupons and red packets are
// not in it: what people take of them is known when they took it.
type Estimate struct {
	CostFen money.Fen     `json:"cost_fen"`
	Ways    []WayCost     `json:"ways"`  // one for each use, in order
	Known   bool          `json:"known"` // who can be reached now could be counted
	AsOf    clock.Instant `json:"as_of"`
}

// WayCost is the part of one use.
type WayCost struct {
	reach.Use
	People   int64     `json:"people"`   // who would be reached by it, without those left alone
	Messages int64     `json:"messages"` // that are paid for: a long text message counts as several
	PriceLi  int       `json:"price_li"` // of one, in 厘 (a tenth of a fen); 0: free
	CostFen  money.Fen `json:"cost_fen"`
	// OfMonth is how many of these a person can be sent in a month, of which this push takes
	// one; 0: no such limit.
	OfMonth int `json:"of_month"`
	// Grants says that each message uses up one grant of a person (订阅授权).
	Grants bool `json:"grants"`
}

// Estimate says what a push would cost. Faults: NotFound push_unknown; Invalid
// push_incomplete.
func (s *Store) Estimate(ctx context.Context, pushID id.ID) (Estimate, error) {
	p, err := s.Get(ctx, pushID)
	if err != nil {
		return Estimate{}, err
	}
	out := Estimate{AsOf: s.DB.Now(), Ways: []WayCost{}}
	if err := p.complete(); err != nil {
		return out, err
	}
	policy, err := s.priced(ctx, p, out.AsOf)
	if err != nil {
		return out, err
	}
	people := make([]int64, len(p.Uses))
	if s.Reachable != nil {
		if people, err = s.Reachable(ctx, p); err != nil {
			return out, err
		}
		out.Known = true
	}
	settings, err := s.Controls.Of(ctx, p.BrandID)
	if err != nil {
		return out, err
	}
	split, weights := p.split(settings), 0
	told := (1 - float64(split.UniversalBP)/holdout.Whole) * (1 - float64(split.HeldBP)/holdout.Whole)
	for _, a := range p.Arms {
		weights += a.Weight
	}
	for i, u := range p.Uses {
		w := WayCost{Use: u, People: int64(math.Round(float64(people[i]) * told)), PriceLi: policy.PriceOf(u.Channel), Grants: u.Channel == reach.Subscribe}
		if u.Channel == reach.Mass {
			w.OfMonth = policy.MassPerMonth
		}
		messages := 0.0
		for _, a := range p.Arms {
			messages += float64(w.People) * float64(a.Weight) / float64(weights) * float64(parts(u, a.Contents[i], s.PublicURL))
		}
		w.Messages = int64(math.Round(messages))
		w.CostFen = cost(w.Messages, w.PriceLi)
		out.CostFen += w.CostFen
		out.Ways = append(out.Ways, w)
	}
	return out, nil
}

// Told is the estimate with numbers as they are told to who may not know them exactly; what
// they cost follows from them.
func (e Estimate) Told(count func(n int64, way int, what string) int64) Estimate {
	e.CostFen, e.Ways = 0, slices.Clone(e.Ways)
	for i := range e.Ways {
		w := &e.Ways[i]
		told := count(w.People, i, "people")
		if w.People > 0 { // several messages to each of few are not many
			w.Messages = int64(math.Round(float64(w.Messages) / float64(w.People) * float64(told)))
		}
		w.People = told
		w.CostFen = cost(w.Messages, w.PriceLi)
		e.CostFen += w.CostFen
	}
	return e
}

// priced are the prices at a moment; without any, all is free.
func (s *Store) priced(ctx context.Context, p Push, at clock.Instant) (reach.Policy, error) {
	if s.Prices == nil {
		return reach.Policy{}, nil
	}
	return s.Prices(ctx, p.BrandID, at)
}

// spent is what a push has cost so far: what was sent, and what may have been, at the prices
// of the moment at which it began.
func (s *Store) spent(ctx context.Context, p Push, counts []Count) (sum money.Fen, err error) {
	policy, err := s.priced(ctx, p, p.FrozenAt)
	if err != nil {
		return 0, err
	}
	for _, c := range counts {
		if c.State != Sent && c.State != Unknown || c.Arm < 0 || c.Arm >= len(p.Arms) {
			continue
		}
		each := 1
		for i, u := range p.Uses {
			if u.Channel == c.Channel {
				each = parts(u, p.Arms[c.Arm].Contents[i], s.PublicURL)
				break
			}
		}
		sum += cost(c.N*int64(each), policy.PriceOf(c.Channel))
	}
	return sum, nil
}

// cost is the price of messages, to the nearest fen.
func cost(messages int64, li int) money.Fen { return money.Fen((messages*int64(li) + 5) / 10) }

// A text message has so many characters; a longer one is sent, and paid for, in parts that
// have fewer, because each says which part it is.
const (
	smsWhole = 70
	smsPart  = 67
)

// parts is how many messages one copy is paid for as: variables count as long as their
// examples.
func parts(u reach.Use, c Content, publicURL string) int {
	if u.Channel != reach.SMS {
		return 1
	}
	values := map[string]string{}
	for _, v := range Variables() {
		values[v.Key] = v.Example
	}
	text := fill(c.Text, values, func(int) string { return publicURL + "/l/" + strings.Repeat("x", linkBytes*4/3) })
	if n := utf8.RuneCountInString(text); n > smsWhole {
		return (n + smsPart - 1) / smsPart
	}
	return 1
}
