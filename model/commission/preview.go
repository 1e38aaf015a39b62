package commission

import (
	"context"
	"fmt"
	"slices"

	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

// previewMost is how many sales a preview looks at; of more, the newest days.
const previewMost = 5000

// Preview is what a rule would have paid for the last thirty days' sales, with today's
// relations, leaders and policy, and what it can cost at most.
type Preview struct {
	Sales    int   `json:"sales"`    // claims, or orders and refunds, that were looked at
	Complete bool  `json:"complete"` // false: there were more
	Accruals int   `json:"accruals"` // that would have paid something
	Earners  int   `json:"earners"`
	Amount   int64 `json:"amount"` // fen or points, after refunds
	Highest  int64 `json:"highest"`
	// WorstMonth is the most that the rule can cost in a month of 31 days: what is left of
	// its budget. -1: nothing bounds it, as with points.
	WorstMonth int64 `json:"worst_month"`
	// WorstEach is the same for one earner, by the caps.
	WorstEach int64          `json:"worst_each"`
	Nothing   map[string]int `json:"nothing"` // by reason, sales that would have paid nothing
	Warnings  []string       `json:"warnings"`
}

// dry is a preview on its way.
type dry struct {
	Preview
	terms Terms
	paid  []Accrual
	caps  map[string]int64 // by human and day, by human and cycle
	back  map[string][]good
	left  int64 // of the budget
}

// Preview computes what terms would have paid. Nothing is written. Faults: Invalid
// commission_rule.
func (s *Store) Preview(ctx context.Context, brandID id.ID, t Terms) (Preview, error) {
	if err := t.check(); err != nil {
		return Preview{}, err
	}
	p, err := s.Policy(ctx, brandID)
	if err != nil {
		return Preview{}, err
	}
	now := s.DB.Now()
	kind := map[Trigger]string{OnClaim: event.Claim, OnOrder: event.Order}[t.Trigger]
	events, all, err := s.Events.Recent(ctx, brandID, []string{kind}, now.Add(-month), now.Add(1), previewMost)
	if err != nil {
		return Preview{}, err
	}
	v := Version{Version: 1, BrandID: brandID, ActiveFrom: 1, Terms: t}
	v.Terms.ValidFrom, v.Terms.ValidUntil = 0, 0
	d := dry{Preview: Preview{Sales: len(events), Complete: all, Nothing: map[string]int{}, Warnings: []string{}}, terms: t,
		caps: map[string]int64{}, back: map[string][]good{}, left: int64(t.BudgetFen)}
	seen := map[string]bool{}
	for _, e := range events {
		f, ok, err := s.factOf(ctx, e)
		if err != nil {
			return Preview{}, err
		}
		if !ok || !f.refund && seen[f.key] {
			continue
		}
		if f.refund {
			d.back[f.key] = append(d.back[f.key], f.goods...)
			continue
		}
		seen[f.key] = true
		intents, err := s.weigh(ctx, f, []Version{v}, p)
		if fl := fault.Of(err); fl != nil && fl.Code == "member_not_found" {
			continue
		}
		if err != nil {
			return Preview{}, err
		}
		for _, in := range intents {
			d.add(in)
		}
	}
	return d.end(p), nil
}

// add is accrueTx in memory.
func (d *dry) add(in intent) {
	a, human := in.accrual, in.family[0]
	today, cycle := fmt.Sprintf("%d:%d", human, a.Day), fmt.Sprintf("%d:%d-%d", human, in.cycle.From, in.cycle.Until)
	if a.Amount > 0 && d.terms.CapPerDay > 0 {
		a.Amount = min(a.Amount, d.terms.CapPerDay-d.caps[today])
	}
	if a.Amount > 0 && d.terms.CapPerCycle > 0 {
		a.Amount = min(a.Amount, d.terms.CapPerCycle-d.caps[cycle])
	}
	switch {
	case a.Reason != "":
		d.Nothing[a.Reason]++
		return
	case a.Amount <= 0:
		d.Nothing["已到每人上限"]++
		return
	case d.terms.BudgetFen > 0 && a.Amount > d.left:
		d.Nothing["规则的预算已用完"]++
		return
	}
	d.left -= a.Amount
	d.caps[today] += a.Amount
	d.caps[cycle] += a.Amount
	a.EarnerID = human
	d.paid = append(d.paid, a)
}

func (d *dry) end(p Policy) Preview {
	byEarner := map[id.ID]int64{}
	for _, a := range d.paid {
		var qty int64
		var spent money.Fen
		qty, spent = covered(d.terms, d.back[a.FactKey])
		n := max(0, a.Amount-gone(a, d.terms.Each > 0, qty, spent))
		byEarner[a.EarnerID] += n
		d.Amount += n
	}
	d.Accruals, d.Earners = len(d.paid), len(byEarner)
	for _, n := range byEarner {
		d.Highest = max(d.Highest, n)
	}
	d.WorstMonth, d.WorstEach = -1, -1
	if d.terms.BudgetFen > 0 {
		d.WorstMonth = int64(d.terms.BudgetFen)
	}
	each := slices.DeleteFunc([]int64{d.terms.CapPerDay * 31, d.terms.CapPerCycle * (p.cycles() + 1), max(0, d.WorstMonth)}, func(n int64) bool { return n == 0 })
	if len(each) > 0 {
		d.WorstEach = slices.Min(each)
	}
	if d.terms.CapPerDay == 0 && d.terms.CapPerCycle == 0 {
		d.Warnings = append(d.Warnings, "没有每人上限，一个人可以用完全部预算")
	}
	if d.WorstMonth < 0 {
		d.Warnings = append(d.Warnings, "积分没有总预算，支出只受每人上限约束")
	}
	if !d.Complete {
		d.Warnings = append(d.Warnings, fmt.Sprintf("最近 30 天的销售超过 %d 笔，只按最近的计算", previewMost))
	}
	if d.terms.opined() {
		d.Warnings = append(d.Warnings, "第二级佣金，或限定群主等级的佣金，须登记法务意见后才能启用")
	}
	if d.terms.Ceiling == mostEach && d.terms.ShareBP > 0 {
		d.Warnings = append(d.Warnings, "单笔上限已设为最大值")
	}
	return d.Preview
}
