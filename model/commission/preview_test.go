package commission

import (
	"context"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/money"
)

// told is the events of a test, as the event store would list them.
type told struct {
	events []event.Event
	all    bool
}

func (l told) Recent(_ context.Context, _ id.ID, types []string, from, until clock.Instant, _ int) (out []event.Event, all bool, err error) {
	for _, e := range l.events {
		if e.Type == types[0] && e.At >= from && e.At < until {
			out = append(out, e)
		}
	}
	return out, l.all, nil
}

// What a preview says is what the same rule then pays for the same sales.
func TestAPreviewIsWhatTheRuleThenPays(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		for m := id.ID(11); m < 16; m++ {
			w.bind(m, 10+m%2*50, "member", w.clk.Now())
		}
		w.kin[15] = 60 // 60 brought himself
		w.clk.Advance(time.Hour)
		start := w.clk.Now()
		terms := perOrder(1000)
		terms.CapPerDay, terms.CapPerCycle, terms.BudgetFen = 250, 600, 1500
		var events []event.Event
		for i := range int64(30) {
			at := start.Add(time.Duration(i+1) * 9 * time.Hour)
			no := string(rune('A' + i))
			events = append(events, orderEvent(no, "", id.ID(11+i%5), at, orderLine{"1", 1, money.Fen(900 + i*37)}))
			if i%7 == 3 {
				events = append(events, orderEvent(no, "R", id.ID(11+i%5), at.Add(time.Minute), orderLine{"1", 1, 450}))
			}
		}
		w.s.Events = told{events, true}
		now := start.Add(31 * 9 * time.Hour)
		rule := w.active(terms) // before the sales, so that they count
		w.clk.Set(now)
		p, err := w.s.Preview(ctx, brandA, terms)
		w.must(err)
		// The preview takes refunds off at the end; really they make room under the caps
		// when they come. So the sales come first here as well.
		for _, refunds := range []bool{false, true} {
			for _, e := range events {
				if (e.Key[len(e.Key)-1] == 'R') == refunds {
					w.consume(e)
				}
			}
		}
		var sum int64
		paid, nothing := 0, 0
		for _, a := range w.all() {
			sum += a.Left()
			if a.Amount > 0 {
				paid++
			} else {
				nothing++
			}
		}
		said := 0
		for _, n := range p.Nothing {
			said += n
		}
		if sum == 0 || p.Amount != sum || p.Accruals != paid || said != nothing || p.Earners != 2 || p.WorstMonth != 1500 || p.WorstEach != 1200 {
			t.Fatalf("%+v; really %d in %d, nothing %d", p, sum, paid, nothing)
		}
		if r, err := w.s.Rule(ctx, rule.ID); err != nil || r.Used != sum {
			t.Fatal(r.Used, err)
		}
		pts := perClaim(5)
		pts.Pay, pts.BudgetFen = Points, 0
		w.s.Events = told{nil, false}
		if p, err := w.s.Preview(ctx, brandA, pts); err != nil || p.WorstMonth != -1 || p.WorstEach != -1 || len(p.Warnings) != 3 {
			t.Fatalf("%+v %v", p, err)
		}
	})
}
