package commission

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

func day(d clock.Day) clock.Instant { from, _ := d.Bounds(); return from }

func TestCyclesAreDaysOfShanghai(t *testing.T) {
	week, month := Policy{Kind: Weekly, SettleDay: 2}, Policy{Kind: Monthly, SettleDay: 5}
	for _, c := range []struct {
		p   Policy
		day clock.Day
		is  Cycle
	}{
		{week, 20261121, Cycle{Weekly, 20261116, 20261122}}, // a Saturday
		{week, 20261122, Cycle{Weekly, 20261116, 20261122}},
		{week, 20261123, Cycle{Weekly, 20261123, 20261129}},
		{week, 20270101, Cycle{Weekly, 20261228, 20270103}},
		{month, 20240229, Cycle{Monthly, 20240201, 20240229}},
	} {
		if got := c.p.cycleOf(c.day); got != c.is {
			t.Errorf("%d is in %+v", c.day, got)
		}
	}
	for _, c := range []struct {
		p    Policy
		now  clock.Instant
		from clock.Day
	}{
		{week, day(20261124) - 1, 20261109}, // Monday: the week that ended is settled on Tuesday
		{week, day(20261124), 20261116},
		{month, day(20261205) - 1, 20261001},
		{month, day(20261205), 20261101},
	} {
		if got := c.p.due(c.now); got.From != c.from {
			t.Errorf("at %v due is %+v, want from %d", c.now, got, c.from)
		}
	}
}

// weekly is a world whose brand settles on Mondays, with a rule of a hundred fen and one
// of seven points, frozen for two days.
func weekly(w *world) {
	_, err := w.s.SavePolicy(context.Background(), Policy{BrandID: brandA, Kind: Weekly, SettleDay: 1})
	w.must(err)
	for m := id.ID(11); m < 20; m++ {
		w.bind(m, 10, "member", w.clk.Now())
	}
	w.clk.Advance(time.Hour)
	w.active(perClaim(100))
	pts := perClaim(7)
	pts.Pay, pts.BudgetFen = Points, 0
	w.active(pts)
}

// many are claims of nine buyers in turn.
func many(n int64, at clock.Instant) (list []event.Event) {
	for i := range n {
		list = append(list, claimEvent(i, id.ID(11+i%9), beer, at))
	}
	return list
}

func (w *world) statements() []Statement {
	w.t.Helper()
	var list []Statement
	w.must(w.d.Read(context.Background()).Order("created_at, id").Find(&list).Error)
	return list
}

func TestACycleIsSettledOnceByWhomever(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		weekly(w) // Saturday the 21st
		w.consume(many(450, w.clk.Now())...)
		w.clk.Set(day(20261130)) // Monday; released on the 23rd
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if err := w.s.Close(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		w.must(w.s.Close(ctx))
		list := w.statements()
		if len(list) != 1 {
			t.Fatalf("%d statements", len(list))
		}
		st := list[0]
		if st.State != Closed || st.Entries != 900 || st.GrossFen != 45_000 || st.NetFen != 45_000 || st.TaxableFen != 45_000 || st.NetPoints != 3150 || st.FromDay != 20261123 {
			t.Fatalf("%+v", st)
		}
		account, err := w.s.Books.(*Accounts).Of(ctx, brandA, 10)
		if err != nil || account.AvailableFen != 45_000 || account.AccruedFen != 0 {
			t.Fatalf("%+v %v", account, err)
		}
		p, err := w.points.Account(ctx, 10)
		if err != nil || p.Available != 3150 {
			t.Fatal(p, err)
		}
		w.balanced()
	})
}

// fragile fails the n-th settlement, as a process that is killed there would.
type fragile struct {
	Books
	left int
}

var errKilled = errors.New("killed")

func (f *fragile) SettleTx(ctx context.Context, tx *gorm.DB, account id.ID, fen money.Fen, key, memo string) error {
	if f.left--; f.left == 0 {
		return errKilled
	}
	return f.Books.SettleTx(ctx, tx, account, fen, key, memo)
}

func TestASettlementThatStoppedInTheMiddleGoesOn(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		weekly(w)
		w.consume(many(450, w.clk.Now())...)
		w.clk.Set(day(20261130))
		w.s.Books = &fragile{w.s.Books, 3}
		if err := w.s.Close(ctx); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		if st := w.statements()[0]; st.State != Open || st.Entries != 400 {
			t.Fatalf("%+v", st)
		}
		if shown, _ := w.s.Statements(ctx, brandA, nil, 0, 10); len(shown) != 0 {
			t.Fatal("half a statement is shown")
		}
		w.balanced()
		// Meanwhile the brand changes to months: what was begun is ended all the same.
		_, err := w.s.SavePolicy(ctx, Policy{BrandID: brandA, Kind: Monthly, SettleDay: 1, Version: 1})
		w.must(err)
		w.must(w.s.Close(ctx))
		if list := w.statements(); len(list) != 1 || list[0].State != Closed || list[0].Entries != 900 || list[0].NetFen != 45_000 {
			t.Fatalf("%+v", list)
		}
		w.balanced()
	})
}

func TestWhatIsInAStatement(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		weekly(w)
		order := perOrder(1000)
		order.FreezeDays = 7
		w.active(order)
		w.consume(orderEvent("A", "", 11, w.clk.Now(), orderLine{"1", 2, 4000}), orderEvent("B", "", 12, w.clk.Now(), orderLine{"1", 1, 1000}))
		w.consume(orderEvent("A", "R1", 11, w.clk.Now(), orderLine{"1", 1, 2000}))
		w.clk.Set(day(20261130)) // Monday; frozen until the 28th
		w.must(w.s.Close(ctx))
		w.must(w.s.Close(ctx))
		if st := w.statements()[0]; st.Entries != 2 || st.GrossFen != 500 || st.ClawedFen != 200 || st.NetFen != 300 {
			t.Fatalf("%+v", st)
		}
		// A refund after the settlement is in the next statement, which it makes negative.
		w.clk.Advance(time.Hour)
		w.consume(orderEvent("A", "R2", 11, w.clk.Now(), orderLine{"1", 1, 2000}))
		account, _ := w.s.Books.(*Accounts).Of(ctx, brandA, 10)
		if account.AvailableFen != 100 {
			t.Fatalf("%+v", account)
		}
		w.balanced()
		w.clk.Set(day(20261207))
		w.must(w.s.Close(ctx))
		st := w.statements()[1]
		if st.Entries != 1 || st.GrossFen != 0 || st.ClawedFen != 200 || st.NetFen != -200 || st.TaxableFen != 0 {
			t.Fatalf("%+v", st)
		}
		claws, err := w.s.LateClaws(ctx, st.ID, 0, 10)
		if err != nil || len(claws) != 1 || claws[0].Amount != 200 {
			t.Fatal(claws, err)
		}
		w.clk.Set(day(20261214))
		w.must(w.s.Close(ctx))
		if n := len(w.statements()); n != 2 {
			t.Fatalf("%d statements: an empty one was made", n)
		}
		told := 0
		w.must(w.s.Tell(ctx, func(context.Context, Statement) error { told++; return nil }))
		w.must(w.s.Tell(ctx, func(context.Context, Statement) error { told++; return nil }))
		if told != 2 {
			t.Fatalf("%d were told", told)
		}
		sum, err := w.s.Summary(ctx, brandA, 10)
		if err != nil || sum.Settled.Fen != 100 || len(sum.Days) != 30 || sum.Days[6].Day != 20261121 || sum.Days[6].Fen != 100 {
			t.Fatalf("%+v %v", sum, err)
		}
		owed, err := w.s.Owed(ctx, brandA)
		if err != nil || owed.Available != 100 || owed.Frozen != 0 {
			t.Fatalf("%+v %v", owed, err)
		}
	})
}

func TestWhoHasNotSignedWaitsAndLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		weekly(w)
		w.lead(10, 1)
		for m := id.ID(11); m < 20; m++ {
			w.bind(m, 10, "leader", w.clk.Now().Add(-time.Hour))
		}
		w.unsigned[10] = true
		w.consume(claimEvent(1, 11, beer, w.clk.Now()))
		w.clk.Set(day(20261130))
		w.must(w.s.Close(ctx))
		if n := len(w.statements()); n != 0 || w.all()[0].State != Released {
			t.Fatal(n, w.all()[0].State)
		}
		if s, err := w.s.Summary(ctx, brandA, 10); err != nil || !s.Unsigned || s.Released.Fen != 100 {
			t.Fatalf("%+v %v", s, err)
		}
		w.clk.Set(day(20261209)) // a cycle later
		w.unsigned[10] = false
		w.must(w.s.Close(ctx))
		if list := w.statements(); len(list) != 1 || list[0].NetFen != 100 || list[0].NetPoints != 7 {
			t.Fatalf("%+v", list)
		}
	})
}

func TestASuspicionAfterTheReleaseIsSeenAtTheSettlement(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		weekly(w)
		w.consume(claimEvent(1, 11, beer, w.clk.Now()), claimEvent(2, 12, beer, w.clk.Now()))
		w.clk.Set(day(20261126))
		w.must(w.s.Release(ctx))
		w.suspects[11] = "共用设备"
		w.clk.Set(day(20261130))
		w.must(w.s.Close(ctx))
		w.suspects[12] = "共用设备"
		st := w.statements()[0]
		if len(w.statements()) != 1 || st.Entries != 2 || st.NetFen != 100 {
			t.Fatalf("%+v", st)
		}
		delete(w.suspects, 11)
		w.clk.Set(day(20261207))
		w.must(w.s.Close(ctx))
		if list := w.statements(); len(list) != 2 || list[1].NetFen != 100 {
			t.Fatalf("%+v", list)
		}
		w.balanced()
		// All that a cycle had is held: no empty statement stands in the way of the next try.
		w.consume(claimEvent(3, 13, beer, w.clk.Now()))
		w.clk.Set(day(20261212))
		w.must(w.s.Release(ctx))
		w.suspects[13] = "共用设备"
		w.clk.Set(day(20261214))
		w.must(w.s.Close(ctx))
		if n := len(w.statements()); n != 2 {
			t.Fatalf("%d statements", n)
		}
		delete(w.suspects, 13)
		w.must(w.s.Close(ctx))
		if list := w.statements(); len(list) != 3 || list[2].NetFen != 100 {
			t.Fatalf("%+v", list)
		}
	})
}

func TestPolicyIsChecked(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		for _, p := range []Policy{{Kind: "daily", SettleDay: 1}, {Kind: Weekly, SettleDay: 8}, {Kind: Monthly, SettleDay: 29}, {Kind: Monthly}} {
			p.BrandID = brandA
			if _, err := w.s.SavePolicy(ctx, p); fault.Of(err) == nil || fault.Of(err).Code != "commission_policy" {
				t.Errorf("%+v: %v", p, err)
			}
		}
		p := Policy{BrandID: brandA, Kind: Weekly, SettleDay: 3}
		for _, want := range []string{"", "commission_policy_changed"} {
			_, err := w.s.SavePolicy(ctx, p)
			if (err == nil) != (want == "") || err != nil && fault.Of(err).Code != want {
				t.Fatal(err)
			}
		}
	})
}
