package commission

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/ledger"
)

func TestASaleAccruesExactlyOnce(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		w.bind(11, 10, "member", w.clk.Now())
		w.clk.Advance(time.Hour)
		w.active(perClaim(150))
		share := perOrder(333)
		share.ProductIDs = []id.ID{beer}
		w.active(share)
		sale := claimEvent(1, 11, beer, w.clk.Now())
		order := orderEvent("A1", "", 11, w.clk.Now(), orderLine{"1", 2, 5990}, orderLine{"2", 1, 9900}, orderLine{"", 1, 100})
		w.consume(sale, order, sale)
		w.consume(order)
		again := order
		again.Key = "order:another-key" // the shop reports it again under another key
		w.consume(again, sale)
		got := map[string]int64{}
		for _, a := range w.all() {
			got[a.EarnedOn.String()] += a.Amount
			if a.EarnerID != 10 || a.RefereeID != 11 || a.State != Frozen || a.BindingID != 9011 {
				t.Errorf("%+v", a)
			}
		}
		if len(w.all()) != 2 || got["claim"] != 150 || got["order"] != 5990*333/10000 {
			t.Fatal(got, len(w.all()))
		}
		w.balanced()
		why, err := w.s.Explain(ctx, w.all()[0].ID)
		if err != nil || len(why.Checks) < 4 || why.Rule.Version != 1 || why.Statement != nil {
			t.Fatalf("%+v %v", why, err)
		}
	})
}

func TestTheSameFactsToldByManyAtOnceAccrueOnce(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		for i := range id.ID(5) {
			w.bind(20+i, 10, "member", w.clk.Now())
		}
		w.clk.Advance(time.Hour)
		w.active(perClaim(100))
		w.active(perOrder(1000))
		var list []event.Event
		for i := range int64(5) {
			list = append(list, claimEvent(i, id.ID(20+i), beer, w.clk.Now()), orderEvent(fmt.Sprint(i), "", id.ID(20+i), w.clk.Now(), orderLine{"1", 1, 1000}),
				orderEvent(fmt.Sprint(i), "R", id.ID(20+i), w.clk.Now(), orderLine{"1", 1, 250}))
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for i := range list {
					if err := w.s.Consume(ctx, list[i:i+1]); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		var sum int64
		for _, a := range w.all() {
			sum += a.Left()
		}
		if n := len(w.all()); n != 10 || sum != 5*100+5*75 {
			t.Fatalf("%d accruals of %d", n, sum)
		}
		w.balanced()
	})
}

func TestWhoEarnsNothing(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		now := w.clk.Now()
		for m := id.ID(30); m < 40; m++ {
			w.bind(m, m+100, "member", now)
		}
		w.clk.Advance(time.Hour)
		w.active(perClaim(100))
		at := w.clk.Now()
		w.bind(31, 131, "member", at)                  // at the very moment of the purchase
		w.bind(32, 132, "member", at.Add(time.Second)) // after it
		w.kin[133] = 33                                // himself by another account
		w.blocked[134] = true
		w.blocked[35] = true
		w.bind(36, 136, "leader", now) // no leader
		w.lead(137, 1)
		w.bind(37, 137, "leader", now)
		l := w.leaders[137]
		l.State = "suspended"
		w.leaders[137] = l
		delete(w.brought, 38) // nobody brought him
		for m := int64(30); m < 39; m++ {
			w.consume(claimEvent(m, id.ID(m), beer, at))
		}
		got := map[id.ID]string{}
		for _, a := range w.all() {
			got[a.RefereeID] = a.State
			if (a.State == Nothing) != (a.Amount == 0) || a.State == Nothing && a.Reason == "" {
				t.Errorf("%+v", a)
			}
		}
		want := map[id.ID]string{30: Frozen, 31: Nothing, 32: Nothing, 33: Nothing, 34: Nothing, 35: Nothing, 36: Nothing, 37: Nothing}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatal(got)
		}
		w.balanced()
	})
}

func TestScopeRolesLevelsAndTheirLimits(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		start := w.clk.Now()
		w.lead(10, 2)
		w.lead(12, 1)
		w.bind(11, 10, "leader", start)
		w.bind(13, 12, "leader", start)
		w.bind(10, 9, "member", start) // 9 brought the leader 10
		w.clk.Advance(time.Hour)
		rule := perClaim(100)
		rule.Roles, rule.MinLeaderLevel, rule.ProductIDs = []string{"leader"}, 2, []id.ID{beer}
		w.active(rule)
		two := perClaim(30)
		two.Level = Two
		w.active(two)
		w.consume(claimEvent(1, 11, beer, w.clk.Now()), claimEvent(2, 11, wine, w.clk.Now()), claimEvent(3, 13, beer, w.clk.Now()))
		got := map[string]int64{}
		for _, a := range w.all() {
			got[fmt.Sprintf("%s %d %s", a.FactKey, a.EarnerID, a.Level)] = a.Amount
		}
		want := map[string]int64{"claim:1 10 one": 100, "claim:1 9 two": 30, "claim:2 9 two": 30, "claim:3 12 one": 0}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatal(got)
		}
		w.kin[9] = 10 // who brought him is himself: one human does not earn twice
		w.consume(claimEvent(4, 11, beer, w.clk.Now()))
		for _, a := range w.all() {
			if a.FactKey == "claim:4" && a.Level == Two && a.State != Nothing {
				t.Errorf("%+v", a)
			}
		}
	})
}

func TestABudgetIsNeverPassedByManyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		for i := range id.ID(40) {
			w.bind(200+i, 100+i%4, "member", w.clk.Now())
		}
		w.clk.Advance(time.Hour)
		terms := perClaim(300)
		terms.BudgetFen = 3100 // ten, and a bit that pays nobody
		r := w.active(terms)
		var wg sync.WaitGroup
		for g := range int64(4) {
			wg.Go(func() {
				for i := range int64(10) {
					if err := w.s.Consume(ctx, []event.Event{claimEvent(g*10+i, id.ID(200+g*10+i), beer, w.clk.Now())}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		paid, refused := 0, 0
		for _, a := range w.all() {
			if a.State == Frozen {
				paid++
			} else if a.Reason == "规则的预算已用完" {
				refused++
			}
		}
		if r, _ = w.s.Rule(ctx, r.ID); paid != 10 || refused != 30 || r.Used != 3000 {
			t.Fatal(paid, refused, r.Used)
		}
		w.balanced()
	})
}

func TestCapsAreTheHumansPerDayAndPerCycle(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		w.bind(11, 10, "member", w.clk.Now())
		w.bind(12, 20, "member", w.clk.Now())
		w.kin[20] = 10
		w.clk.Advance(time.Hour)
		terms := perClaim(100)
		terms.CapPerDay, terms.CapPerCycle = 250, 400
		w.active(terms)
		day := func(n int64) (sum int64) {
			for i := range int64(4) {
				w.consume(claimEvent(n*10+i, id.ID(11+i%2), beer, w.clk.Now()))
			}
			for _, a := range w.all() {
				if a.Day == clock.DayOf(w.clk.Now()) {
					sum += a.Amount
				}
			}
			return sum
		}
		first := day(1)
		w.clk.Advance(24 * time.Hour)
		second := day(2)
		w.clk.Set(clock.From(w.clk.Now().Time().AddDate(0, 1, 0)))
		third := day(3)
		if first != 250 || second != 150 || third != 250 {
			t.Fatal(first, second, third)
		}
	})
}

func TestRefundsTakeTheirShareInWhateverOrderTheyCome(t *testing.T) {
	one := []orderLine{{"1", 3, 9000}, {"2", 1, 1000}}
	cases := map[string]struct {
		each    int64 // per item; 0: ten per cent of beer
		refunds [][]orderLine
		left    int64
	}{
		"a third of the goods":           {0, [][]orderLine{{{"1", 1, 3000}}}, 600},
		"all, in two parts":              {0, [][]orderLine{{{"1", 1, 3000}}, {{"1", 2, 6000}}}, 0},
		"more than was bought":           {0, [][]orderLine{{{"1", 5, 15000}}, {{"1", 5, 15000}}}, 0},
		"goods the rule does not cover":  {0, [][]orderLine{{{"2", 1, 1000}}}, 900},
		"a fen is rounded for the brand": {0, [][]orderLine{{{"1", 0, 1}}}, 899},
		"items, by number":               {200, [][]orderLine{{{"1", 1, 3000}}}, 400},
		"items, money only":              {200, [][]orderLine{{{"1", 0, 9000}}}, 0},
	}
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		w.bind(11, 10, "member", w.clk.Now())
		w.clk.Advance(time.Hour)
		for name, c := range cases {
			terms := perOrder(1000)
			if c.each > 0 {
				terms.Each, terms.ShareBP = c.each, 0
			}
			terms.ProductIDs = []id.ID{beer}
			rule := w.active(terms)
			of := func(no string) (order event.Event, refunds []event.Event) {
				for i, lines := range c.refunds {
					refunds = append(refunds, orderEvent(no, fmt.Sprintf("R%d", i), 11, w.clk.Now(), lines...))
				}
				return orderEvent(no, "", 11, w.clk.Now(), one...), refunds
			}
			left := func(when string, accruals int) {
				t.Helper()
				n := 0
				for _, a := range w.all() {
					if a.RuleID != rule.ID {
						continue
					}
					if n++; a.Left() != c.left || (a.State == Clawed) != (c.left == 0) {
						t.Errorf("%s, %s: %d left, state %s", name, when, a.Left(), a.State)
					}
				}
				if n != accruals {
					t.Errorf("%s, %s: %d accruals", name, when, n)
				}
				w.balanced()
			}
			order, refunds := of(strings.ReplaceAll(name, " ", "") + "A")
			w.consume(order)
			w.consume(refunds...)
			left("order first", 1)
			w.consume(append(refunds, order)...)
			left("told again", 1)
			order, refunds = of(strings.ReplaceAll(name, " ", "") + "B")
			w.consume(refunds...)
			w.consume(order)
			left("refund first", 2)
			w.consume(append(refunds, order)...)
			left("refund first, told again", 2)
			_, err := w.s.End(ctx, rule.ID)
			w.must(err)
			w.clk.Advance(time.Second)
		}
	})
}

func TestReleaseWaitsForDaysCasesAndCodes(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		for i := range id.ID(5) {
			w.bind(11+i, 10, "member", w.clk.Now())
		}
		w.clk.Advance(time.Hour)
		w.active(perClaim(100)) // two days
		for i := range int64(5) {
			w.consume(claimEvent(i+1, id.ID(11+i), beer, w.clk.Now()))
		}
		states := func() (out string) {
			w.must(w.s.Release(ctx))
			for _, a := range w.all() {
				out += a.State + " "
			}
			return out
		}
		w.clk.Advance(48*time.Hour - time.Millisecond)
		if got := states(); got != "frozen frozen frozen frozen frozen " {
			t.Fatal(got)
		}
		w.suspects[12], w.states[3], w.states[4] = "共用设备", code.Voided, code.Recalled
		w.clk.Advance(time.Millisecond)
		if got := states(); got != "released held clawed clawed released " {
			t.Fatal(got)
		}
		w.balanced()
		delete(w.suspects, 12)
		w.suspects[10] = "推荐人被举报"
		if got := states(); got != "released held clawed clawed released " { // those released before are looked at again when they are settled
			t.Fatal(got)
		}
		delete(w.suspects, 10)
		if got := states(); got != "released released clawed clawed released " {
			t.Fatal(got)
		}
		if a := w.all()[0]; a.ReleasedAt == 0 || a.Reason != "" {
			t.Fatalf("%+v", a)
		}
	})
}

func TestAnOperatorTakesBack(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		w.bind(11, 10, "member", w.clk.Now())
		w.clk.Advance(time.Hour)
		w.active(perClaim(100))
		pts := perClaim(40)
		pts.Pay, pts.BudgetFen = Points, 0
		w.active(pts)
		_, err := w.s.SavePolicy(ctx, Policy{BrandID: brandA, Kind: Weekly, SettleDay: 1})
		w.must(err)
		w.consume(claimEvent(1, 11, beer, w.clk.Now()), claimEvent(2, 11, beer, w.clk.Now()))
		early := w.all()[0]
		if _, err := w.s.Take(ctx, early.ID, "", 5); fault.Of(err) == nil || fault.Of(err).Code != "commission_reason" {
			t.Fatal(err)
		}
		a, err := w.s.Take(ctx, early.ID, "刷单", 5)
		if err != nil || a.State != Clawed || a.Reason != "刷单" {
			t.Fatal(a, err)
		}
		if _, err := w.s.Take(ctx, early.ID, "刷单", 5); fault.Of(err) == nil || fault.Of(err).Code != "commission_nothing_left" {
			t.Fatal(err)
		}
		w.clk.Advance(14 * 24 * time.Hour)
		w.must(w.s.Close(ctx))
		balance := func(kind string) int64 {
			n, err := w.points.Account(ctx, 10)
			w.must(err)
			if kind == ledger.Debt {
				return n.Owed
			}
			return n.Available
		}
		settled := balance(ledger.Member)
		for _, a := range w.all() {
			if a.State != Clawed {
				if a.State != Settled {
					t.Fatalf("%+v", a)
				}
				if _, err := w.s.Take(ctx, a.ID, "刷单", 5); err != nil {
					t.Fatal(err)
				}
			}
		}
		if settled == 0 || balance(ledger.Member) != 0 || balance(ledger.Debt) != 0 {
			t.Fatal(settled, balance(ledger.Member), balance(ledger.Debt))
		}
		var due int64
		w.must(w.d.Read(ctx).Raw("SELECT COUNT(*) FROM commission_claw WHERE due = 1").Scan(&due).Error)
		if due != 0 {
			t.Fatal("points are still to be taken")
		}
		w.balanced()
	})
}
