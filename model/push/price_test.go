package push_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
)

// costly is a push by mass send and, for the others, by text messages in two versions: one
// of them so long that it is paid for twice.
func costly() push.Form {
	f := form()
	f.Uses = []reach.Use{{Channel: reach.Mass, AccountID: 5}, {Channel: reach.SMS}}
	f.Links = nil
	f.Arms = []push.Arm{{Name: "A", Weight: 1, Contents: []push.Content{{Text: "上新"}, {Text: "上新，回{退订}"}}},
		{Name: "B", Weight: 1, Contents: []push.Content{{Text: "上新了"}, {Text: strings.Repeat("新", 60) + "{退订}"}}}}
	f.HeldBP = 2000
	return f
}

func priced(w *world) {
	w.s.Reachable = func(context.Context, push.Push) ([]int64, error) { return []int64{1000, 500}, nil }
	w.s.Prices = func(_ context.Context, _ id.ID, at clock.Instant) (reach.Policy, error) {
		p := reach.DefaultPolicy(brand)
		if at == w.clk.Now() {
			p.Prices = []reach.Price{{Channel: reach.SMS, Li: 45}}
		}
		return p, nil
	}
}

func TestWhatAPushWouldCost(t *testing.T) {
	each(t, 1, func(t *testing.T, w *world) {
		priced(w)
		p := w.create(costly())
		e, err := w.s.Estimate(t.Context(), p.ID)
		if err != nil || !e.Known || len(e.Ways) != 2 {
			t.Fatalf("%+v %v", e, err)
		}
		mass, sms := e.Ways[0], e.Ways[1]
		if mass.People != 800 || mass.CostFen != 0 || mass.OfMonth != 4 || mass.Grants {
			t.Errorf("%+v", mass)
		}
		// 400 people: 200 for one message, 200 for two, 4.5 fen each.
		if sms.People != 400 || sms.Messages != 600 || sms.CostFen != 2700 || sms.OfMonth != 0 || e.CostFen != 2700 {
			t.Errorf("%+v", sms)
		}
	})
}

func TestAReportKnowsWhatItsMessagesCost(t *testing.T) {
	each(t, 40, func(t *testing.T, w *world) {
		f := costly()
		f.Uses = f.Uses[1:]
		f.ProductIDs = []id.ID{9, 3, 9}
		for i := range f.Arms {
			f.Arms[i].Contents = f.Arms[i].Contents[1:]
		}
		priced(w)
		p := w.begun(f)
		if fmt.Sprint(p.ProductIDs) != "[3 9]" {
			t.Error(p.ProductIDs)
		}
		var paid int64
		for _, x := range w.send(p.ID, took) {
			paid += int64(1 + x.Arm)
		}
		trial, err := w.s.Trial(t.Context(), p.ID)
		if err != nil || paid == 0 || int64(trial.SpentFen) < paid*45/10 || int64(trial.SpentFen) > paid*45/10+2 || fmt.Sprint(trial.ProductIDs) != "[3 9]" {
			t.Errorf("%d messages cost %d: %v", paid, trial.SpentFen, err)
		}
	})
}
