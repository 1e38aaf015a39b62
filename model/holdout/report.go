package holdout

import (
	"math"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/lift"
	"siyu/model/money"
	"siyu/model/say"
)

// Control groups.
const (
	ByPush  = Held        // those whom this push left alone
	ByBrand = "universal" // those whom every push leaves alone
	Nobody  = ""          // nobody was left alone: nothing can be told
)

// Report is what a push brought, by a moment.
type Report struct {
	PushID     id.ID         `json:"push_id"` // or the brand's id, of all its pushes together
	Whole      bool          `json:"whole"`   // all pushes of a brand since its universal control group was drawn
	AsOf       clock.Instant `json:"as_of"`
	BeganAt    clock.Instant `json:"began_at"`
	UntilAt    clock.Instant `json:"until_at"` // what people do later does not count; null: all does
	Final      bool          `json:"final"`    // nothing will change any more
	WindowDays int           `json:"window_days"`
	CapFen     money.Fen     `json:"cap_fen"`     // more than this of one person is counted as this
	People     int64         `json:"people"`      // of the audience who are compared
	Mixed      int64         `json:"mixed"`       // who turned out to be one human in two arms: in none
	ProductIDs []id.ID       `json:"product_ids"` // only their scans and orders count; none: all
	Control    string        `json:"control"`     // held, universal or ""
	Arms       []Group       `json:"arms"`        // who were meant to get it, in the push's order
	Held       Group         `json:"held"`        // left alone by this push
	Universal  Group         `json:"universal"`
	Sizes      lift.Split    `json:"sizes"` // whether the arms are as large as chance makes them
	// All compares everybody who was meant to get it with the control group; null without one.
	All *Compared `json:"all"`
	// Between compares each arm but the first with the first.
	Between []Compared `json:"between"`
	Money   Earned     `json:"money"`
	// Under is how few people are not counted for who reads it, and the numbers are rounded;
	// 0: they are exact.
	Under int64      `json:"under"`
	Text  []string   `json:"text"` // the same in zh-CN sentences, the answer first
	Said  []say.Said `json:"said"` // those sentences with their parts

	split Split
	open  bool  // the push is not over
	slack int64 // by how many a number of people may be off
}

// Group is what people of one arm did.
type Group struct {
	Name    string           `json:"name"`
	People  int64            `json:"people"`
	Reached int64            `json:"reached"` // whose message WeChat took
	States  map[string]int64 `json:"states"`  // of their messages
	Scans   int64            `json:"scans"`   // people who scanned
	Buyers  int64            `json:"buyers"`  // people who ordered
	SumFen  money.Fen        `json:"sum_fen"` // what they ordered, each up to the cap
	square  float64          // of each person's fen, added up
}

// Compared is one arm against another.
type Compared struct {
	Arm    string        `json:"arm"` // "" all that were meant to get it
	With   string        `json:"with"`
	Scan   lift.Estimate `json:"scan"`   // shares of people
	Order  lift.Estimate `json:"order"`  // shares of people
	Amount lift.Estimate `json:"amount"` // fen per person
}

// Earned is what the push brought in all, and for what.
type Earned struct {
	Known bool `json:"known"` // enough people ordered to say something
	// EarnedFen is the difference per person times the people who were meant to get it: an
	// estimate, with the interval of it.
	EarnedFen money.Fen `json:"earned_fen"`
	LowFen    money.Fen `json:"low_fen"`
	HighFen   money.Fen `json:"high_fen"`
	// CostFen is what an operator wrote down that it cost in all, or what its messages cost
	// while nobody did.
	CostFen     money.Fen `json:"cost_fen"`
	Written     bool      `json:"written"`      // an operator wrote the cost down
	MessagesFen money.Fen `json:"messages_fen"` // what its messages cost by the channels' prices
	// PerYuan is how many yuan each yuan spent brought; null while either is not known.
	PerYuan *PerYuan `json:"per_yuan"`
}

// PerYuan is an estimate with its interval.
type PerYuan struct {
	Yuan float64 `json:"yuan"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

func (a Group) join(b Group) Group {
	a.People, a.Reached, a.Scans, a.Buyers = a.People+b.People, a.Reached+b.Reached, a.Scans+b.Scans, a.Buyers+b.Buyers
	a.SumFen, a.square = a.SumFen+b.SumFen, a.square+b.square
	return a
}

func compare(a, b Group, alpha float64) Compared {
	sums := func(x Group) lift.Sums {
		return lift.Sums{People: x.People, Some: x.Buyers, Sum: float64(x.SumFen), Square: x.square}
	}
	return Compared{Arm: a.Name, With: b.Name,
		Scan:   lift.Rates(lift.Hits{People: a.People, Hits: a.Scans}, lift.Hits{People: b.People, Hits: b.Scans}, alpha),
		Order:  lift.Rates(lift.Hits{People: a.People, Hits: a.Buyers}, lift.Hits{People: b.People, Hits: b.Buyers}, alpha),
		Amount: lift.Means(sums(a), sums(b), alpha)}
}

// Void is the verdict of a report whose arms are not what chance made of them: there is no
// difference to speak of, whatever the figures are.
const Void = "void"

// sober takes back what would be said of nothing: of arms that are broken, and of measures
// in which nobody did anything yet.
func (c *Compared) sober(broken bool) {
	for _, e := range []*lift.Estimate{&c.Scan, &c.Order, &c.Amount} {
		switch {
		case broken:
			e.Verdict, e.Diff, e.Low, e.High = Void, 0, 0, 0
		case e.Treated+e.Control == 0:
			e.Verdict, e.Diff, e.Low, e.High = lift.Early, 0, 0, 0
		}
	}
}

// measures of each comparison: scan, order, amount.
const measures = 3

// conclude fills in what follows from the counts. All intervals of a report hold together,
// so each gets its part of what may go wrong.
func (r *Report) conclude(s Split, cost money.Fen) {
	r.split, r.Control = s, Nobody
	control := Group{}
	switch {
	case s.HeldBP > 0:
		r.Control, control = ByPush, r.Held
	case s.UniversalBP > 0:
		r.Control, control = ByBrand, r.Universal
	}
	all := Group{}
	for _, a := range r.Arms {
		all = all.join(a)
	}
	r.People = all.People + r.Held.People + r.Universal.People
	if r.slack == 0 { // rounded sizes tell nothing of how chance divided people
		sizes, shares := r.sizes()
		r.Sizes = lift.Shares(sizes, shares)
	}
	alpha := lift.Alpha / measures / float64(len(r.Arms))
	r.Between = []Compared{}
	for _, a := range r.Arms[min(1, len(r.Arms)):] {
		c := compare(a, r.Arms[0], alpha)
		r.blur(&c, a, r.Arms[0], alpha)
		c.sober(r.Sizes.Alarm)
		r.Between = append(r.Between, c)
	}
	r.Money = Earned{CostFen: cost}
	if r.Control != Nobody {
		c := compare(all, control, alpha)
		r.blur(&c, all, control, alpha)
		c.sober(r.Sizes.Alarm)
		r.All = &c
		r.Money.of(c.Amount, all.People)
	}
	r.Said, r.Text = r.sentences(), nil
	for _, s := range r.Said {
		r.Text = append(r.Text, s.Text)
	}
}

// sizes are the people of the universal group, of those held out and of each arm, and the
// shares by which chance divided them.
func (r *Report) sizes() (people []int64, shares []float64) {
	s := r.split
	people, shares = []int64{r.Universal.People, r.Held.People}, []float64{float64(s.UniversalBP) / Whole}
	others, chances := 1-shares[0], s.chances()
	shares = append(shares, others*chances[Held])
	for _, a := range r.Arms {
		people, shares = append(people, a.People), append(shares, others*chances[a.Name])
	}
	return people, shares
}

func (m *Earned) of(e lift.Estimate, people int64) {
	if e.Verdict == lift.Early || e.Verdict == Void {
		return
	}
	n, fen := float64(people), func(x float64) money.Fen { return money.Fen(math.Round(x)) }
	m.Known, m.EarnedFen, m.LowFen, m.HighFen = true, fen(e.Diff*n), fen(e.Low*n), fen(e.High*n)
	if m.CostFen > 0 {
		per := func(x float64) float64 { return math.Round(100*x*n/float64(m.CostFen)) / 100 }
		m.PerYuan = &PerYuan{per(e.Diff), per(e.Low), per(e.High)}
	}
}
