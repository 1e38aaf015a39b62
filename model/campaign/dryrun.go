package campaign

import (
	"context"
	"crypto/rand"
	"math"
	"slices"
	"sort"
	"time"

	"siyu/model/campaign/draw"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

// Trial asks for a dry run (试运行). Zeros mean: 10,000 draws, as many claims a day as use
// up the codes by the end, no stop.
type Trial struct {
	Draws   int64     // simulated claims of one round; at most the codes and maxDraws
	PerDay  int64     // claims that a day is expected to bring
	StopFen money.Fen // say on which day this much will have been won
}

const (
	someDraws   = 10_000
	maxDraws    = 20_000
	trialRounds = 10 // each with a seed of its own, so that luck can be seen
	maxDays     = 400
	bars        = 12
)

// Rehearsal is what a dry run found. Costs are fen.
type Rehearsal struct {
	Codes        int64        `json:"codes"`
	Draws        int64        `json:"draws"`  // of one round
	Rounds       int          `json:"rounds"` // each with its own throw-away seed
	FormulaFen   money.Fen    `json:"formula_fen"`
	SimulatedFen money.Fen    `json:"simulated_fen"` // mean over the rounds
	OffPermille  int64        `json:"off_permille"`  // simulated against formula, thousandths
	DeviationFen money.Fen    `json:"deviation_fen"` // standard deviation of a round's cost
	LowFen       money.Fen    `json:"low_fen"`       // cheapest round
	HighFen      money.Fen    `json:"high_fen"`      // dearest round
	PerClaimFen  money.Fen    `json:"per_claim_fen"` // expected, rounded
	ClaimDevFen  money.Fen    `json:"claim_deviation_fen"`
	SpendFen     money.Fen    `json:"spend_fen"` // if every code is claimed: what publishing reserves
	WorstFen     money.Fen    `json:"worst_fen"` // the most that can be won under the cap on claims
	Tiers        []TierTrial  `json:"tiers"`
	Costs        []CostBar    `json:"costs"` // single prizes by size, over all rounds
	Plan         SpendingPlan `json:"plan"`
}

// TierTrial is how often a tier came.
type TierTrial struct {
	Tier     int       `json:"tier"`
	Name     string    `json:"name"`
	Kind     string    `json:"kind"`
	Winners  int64     `json:"winners"`
	Expected float64   `json:"expected"` // of one round
	Won      float64   `json:"won"`      // mean over the rounds
	WonFen   money.Fen `json:"won_fen"`  // mean over the rounds
}

// CostBar counts cash prizes of [FromFen, UntilFen).
type CostBar struct {
	FromFen  money.Fen `json:"from_fen"`
	UntilFen money.Fen `json:"until_fen"`
	Prizes   int64     `json:"prizes"`
}

// SpendingPlan is the expected course at so many claims a day.
type SpendingPlan struct {
	PerDay   int64         `json:"per_day"`
	Days     []PlanDay     `json:"days"`
	Claims   int64         `json:"claims"`     // until the end
	CostFen  money.Fen     `json:"cost_fen"`   // expected until the end
	FreeFen  money.Fen     `json:"free_fen"`   // of the reserved money, given back at the end
	UsedUpAt clock.Instant `json:"used_up_at"` // codes or cap used up, the last day as well; null = some are left at the end
	StopAt   clock.Instant `json:"stop_at"`    // stop_fen reached; null = not before the end
	StopFen  money.Fen     `json:"stop_fen"`
	Cut      bool          `json:"cut"` // only the first days are listed
}

// PlanDay is one business day, sums from the beginning on.
type PlanDay struct {
	Day     int       `json:"day"` // 20261122
	Claims  int64     `json:"claims"`
	CostFen money.Fen `json:"cost_fen"`
}

// DryRun draws with throw-away seeds through the code that draws for real, and lays the
// claims over the days of the campaign. It writes nothing, and says nothing of what any
// code will win. Faults: Invalid dry_run when the draft cannot be drawn yet.
func (s *Store) DryRun(ctx context.Context, campaignID id.ID, t Trial) (Rehearsal, error) {
	c, err := s.Get(ctx, campaignID)
	if err != nil {
		return Rehearsal{}, err
	}
	if c.State == Draft {
		complete(&c)
	}
	if c.Codes == 0 || len(c.Tiers) == 0 {
		return Rehearsal{}, fault.NewInvalid("dry_run", "先选好参与的码并填写奖项，才能试运行")
	}
	if t.Draws < 0 || t.PerDay < 0 || t.StopFen < 0 {
		return Rehearsal{}, fault.NewInvalid("dry_run", "试运行的次数和金额不能为负数")
	}
	if t.Draws == 0 {
		t.Draws = someDraws
	}
	r := Rehearsal{Codes: c.Codes, Draws: min(t.Draws, c.Codes, maxDraws), Rounds: trialRounds, SpendFen: worstOf(c.Tiers).Fen, WorstFen: worst(c), Tiers: []TierTrial{}, Costs: []CostBar{}}
	if err := r.draw(ctx, c); err != nil {
		return Rehearsal{}, err
	}
	r.plan(c, t, s.db.Now())
	return r, nil
}

func (r *Rehearsal) draw(ctx context.Context, c Campaign) error {
	wins, cash := make([]int64, len(c.Tiers)), make([]int64, len(c.Tiers))
	prizes := []int64{}
	var rounds []float64
	var squares float64
	for range r.Rounds {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		seed := make([]byte, draw.SeedBytes)
		rand.Read(seed)
		d, err := draw.New(seed, uint64(c.Codes), shape(c.Tiers))
		if err != nil {
			return fault.NewInvalid("dry_run", "奖项的数量和金额还对不上，先按检查结果修改").Because(err)
		}
		var sum float64
		for i := range uint64(r.Draws) {
			tier, fen := d.At(i)
			wins[tier]++
			cash[tier] += fen
			sum += float64(fen)
			squares += float64(fen) * float64(fen)
			if fen > 0 {
				prizes = append(prizes, fen)
			}
		}
		rounds = append(rounds, sum)
	}
	n := float64(r.Rounds)
	mean := 0.0
	for _, x := range rounds {
		mean += x / n
	}
	r.FormulaFen = share(r.SpendFen, r.Draws, c.Codes)
	r.SimulatedFen, r.LowFen, r.HighFen = money.Fen(math.Round(mean)), money.Fen(slices.Min(rounds)), money.Fen(slices.Max(rounds))
	if r.FormulaFen > 0 {
		r.OffPermille = int64(math.Round((mean/float64(r.FormulaFen) - 1) * 1000))
	}
	var spread float64
	for _, x := range rounds {
		spread += (x - mean) * (x - mean) / (n - 1)
	}
	each := float64(r.SpendFen) / float64(c.Codes)
	r.DeviationFen, r.PerClaimFen = money.Fen(math.Round(math.Sqrt(spread))), money.Fen(math.Round(each))
	r.ClaimDevFen = money.Fen(math.Round(math.Sqrt(max(0, squares/(n*float64(r.Draws))-each*each))))
	for i, t := range c.Tiers {
		r.Tiers = append(r.Tiers, TierTrial{Tier: i + 1, Name: t.Name, Kind: t.Kind, Winners: t.Winners,
			Expected: float64(t.Winners) * float64(r.Draws) / float64(c.Codes), Won: float64(wins[i]) / n, WonFen: money.Fen(cash[i] / int64(r.Rounds))})
	}
	r.Costs = barsOf(prizes)
	return nil
}

// share is part of whole, rounded down.
func share(sum money.Fen, part, whole int64) money.Fen {
	return money.Fen(float64(sum) * float64(part) / float64(whole))
}

// barsOf counts amounts in bars that grow: small prizes are many and close together.
func barsOf(prizes []int64) []CostBar {
	out := []CostBar{}
	if len(prizes) == 0 {
		return out
	}
	lo, hi := float64(slices.Min(prizes)), float64(slices.Max(prizes)+1)
	edge := func(i int) int64 { return int64(math.Round(lo * math.Pow(hi/lo, float64(i)/bars))) }
	for i := range bars {
		from, until := edge(i), edge(i+1)
		if from == until {
			continue
		}
		out = append(out, CostBar{FromFen: money.Fen(from), UntilFen: money.Fen(until)})
	}
	for _, p := range prizes {
		at := sort.Search(len(out), func(i int) bool { return int64(out[i].UntilFen) > p })
		out[min(at, len(out)-1)].Prizes++
	}
	return out
}

// worst is the most that can be won under the cap on all claims: the dearest prizes first.
func worst(c Campaign) money.Fen {
	all := worstOf(c.Tiers).Fen
	if c.CapTotal == 0 || c.CapTotal >= c.Codes {
		return all
	}
	tiers := slices.Clone(c.Tiers)
	slices.SortStableFunc(tiers, func(a, b Tier) int { return int(min(1, max(-1, b.MaxFen-a.MaxFen))) })
	left, sum := c.CapTotal, money.Fen(0)
	for _, t := range tiers {
		k := min(left, t.Winners)
		left -= k
		// k of the tier's winners cannot get more than what the others' least leaves.
		most, rest := t.MaxFen*money.Fen(k), t.MinFen*money.Fen(t.Winners-k)
		sum += min(most, t.TotalFen-rest)
	}
	return min(all, sum)
}

func (r *Rehearsal) plan(c Campaign, t Trial, now clock.Instant) {
	p := &r.Plan
	p.Days, p.StopFen = []PlanDay{}, t.StopFen
	room := c.Codes
	if c.CapTotal > 0 {
		room = min(room, c.CapTotal)
	}
	from := max(c.FromAt, now)
	if c.FromAt == 0 {
		from = now
	}
	until := c.UntilAt
	if until <= from {
		until = from.Add(30 * 24 * time.Hour)
	}
	days := max(1, int64(math.Ceil(until.Sub(from).Hours()/24)))
	p.PerDay = t.PerDay
	if p.PerDay == 0 {
		p.PerDay = max(1, (room+days-1)/days)
	}
	day := clock.DayOf(from)
	for i := int64(1); i <= days; i++ {
		before := p.Claims
		p.Claims = min(room, before+p.PerDay)
		p.CostFen = share(r.SpendFen, p.Claims, c.Codes)
		_, end := day.Bounds()
		end = min(end, until)
		if p.Claims == room && before < room {
			p.UsedUpAt = end
		}
		if t.StopFen > 0 && p.CostFen >= t.StopFen && p.StopAt == 0 {
			p.StopAt = end
		}
		if len(p.Days) < maxDays {
			p.Days = append(p.Days, PlanDay{Day: int(day), Claims: p.Claims, CostFen: p.CostFen})
		} else {
			p.Cut = true
		}
		if p.Claims == room {
			break
		}
		day = day.AddDays(1)
	}
	p.FreeFen = r.SpendFen - p.CostFen
}
