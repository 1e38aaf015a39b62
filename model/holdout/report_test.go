package holdout_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/holdout"
	"siyu/model/id"
	"siyu/model/lift"
	"siyu/model/money"
)

func TestWhatCountsInAReport(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		sh := newShop(t, d, clk, split(1000, 3000, 1), 200)
		start, a, held := clk.Now(), sh.of("A", 6), sh.of(holdout.Held, 3)
		clk.Advance(2 * 24 * time.Hour)
		day := start.Add(24 * time.Hour)
		sh.put(sh.scan(a[0], start), sh.scan(a[0], day), // twice is one person
			sh.scan(a[1], start.Add(-time.Millisecond)), sh.order(a[1], start.Add(-time.Hour), 500), // before
			sh.at(2, a[2], day, event.Scan, event.ScanBody{ProductID: 5, BatchID: 3, Serial: 1, Verdict: "first"}), // another brand
			sh.order(a[3], day, 1_000_000),                        // more than the cap
			sh.order(a[4], day, 3000), sh.order(a[4], day, -1000), // something sent back
			sh.order(a[5], day, 2000), sh.order(a[5], day, -2000), // all of it
			sh.order(held[0], day, -700), // of an order from before
			sh.scan(held[1], day), sh.order(held[1], day, 100), sh.order(held[1], day, 150))

		r := sh.report()
		got := fmt.Sprint(r.Arms[0].Scans, r.Arms[0].Buyers, r.Arms[0].SumFen, r.Held.Scans, r.Held.Buyers, r.Held.SumFen, r.Arms[0].Reached)
		if want := fmt.Sprint(1, 2, 200_000+2000, 1, 1, 250, 5); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if r.People != 200 || r.Arms[0].People+r.Held.People+r.Universal.People != 200 || r.Universal.People == 0 || r.Final || r.Control != holdout.ByPush || r.Sizes.Alarm {
			t.Errorf("%+v", r)
		}
		if r.UntilAt != start.Add(7*24*time.Hour) || r.AsOf != clk.Now() {
			t.Error(r.UntilAt, r.AsOf)
		}

		t.Run("what happens after the window does not count, what is told late does", func(t *testing.T) {
			clk.Advance(5*24*time.Hour + time.Hour) // the window is over, shops may still report
			sh.put(sh.scan(a[2], r.UntilAt), sh.order(a[2], r.UntilAt.Add(-time.Minute), 900))
			if r := sh.report(); r.Final || r.Arms[0].Scans != 1 || r.Arms[0].Buyers != 3 {
				t.Errorf("%+v", r)
			}
		})
		t.Run("kept until it is old, and then for ever", func(t *testing.T) {
			if err := sh.reports.Run(ctx); err != nil {
				t.Fatal(err)
			}
			sh.put(sh.order(held[2], r.UntilAt.Add(-time.Minute), 900))
			if r := sh.report(); r.Held.Buyers != 1 {
				t.Error("counted anew:", r.Held)
			}
			clk.Advance(time.Minute)
			if r := sh.report(); r.Held.Buyers != 2 || r.Final {
				t.Error("few people were not counted for who looks:", r.Held)
			}
			clk.Advance(24 * time.Hour)
			if err := sh.reports.Run(ctx); err != nil {
				t.Fatal(err)
			}
			if r := sh.report(); r.Held.Buyers != 2 || !r.Final {
				t.Errorf("%+v", r)
			}
			sh.put(sh.order(held[2], r.UntilAt.Add(-2*time.Minute), 900))
			clk.Advance(24 * time.Hour)
			if err := sh.reports.Run(ctx); err != nil {
				t.Fatal(err)
			}
			if r := sh.report(); r.Held.SumFen != 250+900 {
				t.Error("a final report changed:", r.Held)
			}
		})
		t.Run("one human counts once, and in no arm when he is in two", func(t *testing.T) {
			sh.forget()
			before := sh.report()
			sh.join(a[3], a[4])
			one := sh.report()
			if one.People != 199 || one.Mixed != 0 || one.Arms[0].Buyers != before.Arms[0].Buyers-1 || one.Arms[0].SumFen != before.Arms[0].SumFen-2000 { // the cap holds for both together
				t.Errorf("%+v", one.Arms[0])
			}
			sh.join(a[0], held[1])
			none := sh.report()
			if none.People != 197 || none.Mixed != 1 || none.Held.Buyers != one.Held.Buyers-1 || none.Arms[0].Scans != one.Arms[0].Scans-1 {
				t.Errorf("%+v", none)
			}
		})
	})
}

// A push of which we know what it did: whoever got it orders half as often again.
func TestAKnownEffectIsSaidInWords(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := split(0, 3000, 1, 1)
		sh := newShop(t, d, clk, s, 4000)
		r, rng := sh.report(), rand.New(rand.NewPCG(1, 2))
		if r.All.Amount.Verdict != lift.Early || r.Money.Known || !strings.Contains(r.Text[0], "还没有人扫码或下单") {
			t.Error("before anybody did anything:", r.Text)
		}
		clk.Advance(8*24*time.Hour + time.Hour)
		var list []event.Event
		for _, p := range sh.places {
			chance := map[string]float64{holdout.Held: 0.2, "A": 0.32, "B": 0.32}[p.Arm]
			if at := r.BeganAt.Add(time.Duration(rng.Int64N(int64(7 * 24 * time.Hour)))); rng.Float64() < chance {
				list = append(list, sh.order(p.MemberID, at, money.Fen(3000+rng.IntN(6000))))
			}
		}
		sh.put(list...)
		if _, _, err := sh.reports.SetCost(context.Background(), holdout.Cost{PushID: pushID, CostFen: 400_000, Note: "优惠券", ByID: 9}); err != nil {
			t.Fatal(err)
		}
		r = sh.report()
		if r.All.Order.Verdict != lift.More || r.All.Amount.Verdict != lift.More || r.All.Scan.Verdict != lift.Early {
			t.Errorf("%+v", r.All)
		}
		// 2,800 people, 0.12 more of them, 60 yuan each: about 20,160 yuan for 4,000.
		if m := r.Money; !m.Known || m.EarnedFen < 1_000_000 || m.EarnedFen > 3_000_000 || m.LowFen > 2_016_000 || m.HighFen < 2_016_000 || m.PerYuan == nil || m.PerYuan.Low > 5.04 || m.PerYuan.High < 5.04 {
			t.Errorf("%+v", m)
		}
		if len(r.Between) != 1 || r.Between[0].Amount.Verdict != lift.None {
			t.Errorf("A and B are the same: %+v", r.Between)
		}
		text := strings.Join(r.Text, "\n")
		for _, want := range []string{"扫码人数占比：两组都还没有人这样做", "下单人数占比：增加", "人均下单金额：增加", "每花 1 元带来", "版本 B 与 A 相比：没有看到差别"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not said:\n%s", want, text)
			}
		}
	})
}

func TestReportsThatCanSayNothingSaySo(t *testing.T) {
	ctx := context.Background()
	clk := clock.NewFake(dbtest.Start)
	sh := newShop(t, dbtest.Open(t, db.SQLite, clk), clk, split(0, 0, 1), 50)
	if r := sh.report(); r.All != nil || r.Money.Known || !strings.Contains(r.Text[0], "没有留对照组") {
		t.Errorf("%+v", r)
	}
	sh.p.Split = split(1000, 0, 1)
	if r := sh.report(); r.Control != holdout.ByBrand || !strings.Contains(strings.Join(r.Text, ""), "全局对照组") {
		t.Errorf("%+v", r)
	}
	sh.p.Split = split(0, 5000, 1) // nobody was in fact left alone
	if r := sh.report(); !r.Sizes.Alarm || !strings.Contains(r.Text[0], "“本次留白的人”按比例应约 25 人，实际 0 人") {
		t.Errorf("%+v", r)
	}
	for _, c := range []struct {
		code string
		id   id.ID
	}{{"push_unknown", 5}, {"push_not_begun", pushID}} {
		sh.p.BeganAt = 0
		if _, err := sh.reports.Of(ctx, c.id); code(err) != c.code {
			t.Error(c.code, err)
		}
	}
}

func TestCost(t *testing.T) {
	ctx := context.Background()
	clk := clock.NewFake(dbtest.Start)
	sh := newShop(t, dbtest.Open(t, db.SQLite, clk), clk, split(0, 1000, 1), 5)
	set := func(c holdout.Cost) (holdout.Cost, holdout.Cost, error) { return sh.reports.SetCost(ctx, c) }
	if before, after, err := set(holdout.Cost{PushID: pushID, CostFen: 100, Note: "短信", ByID: 9}); err != nil || before.UpdatedAt != 0 || after.UpdatedAt != clk.Now() {
		t.Fatal(before, after, err)
	}
	if before, _, err := set(holdout.Cost{PushID: pushID, CostFen: 200, ByID: 9}); err != nil || before.CostFen != 100 {
		t.Fatal(before, err)
	}
	if r := sh.report(); r.Money.CostFen != 200 {
		t.Fatal(r.Money)
	}
	for want, c := range map[string]holdout.Cost{"push_unknown": {PushID: 5}, "push_cost": {PushID: pushID, CostFen: -1}} {
		if _, _, err := set(c); code(err) != want {
			t.Error(want, err)
		}
	}
}

func TestAllPushesOfABrandTogether(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		sh := newShop(t, d, clk, split(2000, 0, 1), 600)
		if _, err := sh.reports.Whole(ctx, brand); code(err) != "universal_none" {
			t.Fatal(err)
		}
		store := holdout.New(d)
		set := func(universal int, reshuffle bool) {
			t.Helper()
			now, err := store.Of(ctx, brand)
			if err == nil {
				now.UniversalBP, now.Reason = universal, "看整体效果"
				_, _, err = store.Set(ctx, now, reshuffle)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		whole := func() holdout.Report {
			t.Helper()
			r, err := sh.reports.Whole(ctx, brand)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		set(2000, false)
		drawn := clk.Now()
		clk.Advance(24 * time.Hour)
		set(2000, false) // another version, the same group
		var events []event.Event
		scans := map[bool]int64{}
		for i, p := range sh.places {
			if i%3 == 0 {
				scans[p.Universal]++
				events = append(events, sh.scan(p.MemberID, clk.Now()), sh.scan(p.MemberID, drawn.Add(-time.Hour)))
			}
		}
		sh.put(append(events, sh.scan(sh.places[1].MemberID, drawn.Add(-time.Minute)), sh.order(sh.of("A", 1)[0], clk.Now(), 900_000))...)
		clk.Advance(20 * 24 * time.Hour)
		r := whole()
		if !r.Whole || r.Final || r.BeganAt != drawn || r.UntilAt != 0 || r.Control != holdout.ByBrand || r.Universal.Scans != scans[true] || r.Arms[0].Scans != scans[false] || r.Universal.People+r.Arms[0].People != 600 {
			t.Errorf("%+v, scans %v", r, scans)
		}
		if r.Arms[0].SumFen != 4*200_000 { // the fourth week has begun: four caps
			t.Error(r.Arms[0].SumFen)
		}
		if r.All.Scan.Verdict != lift.None || !strings.Contains(r.Text[0], "没有看到效果") || !strings.Contains(strings.Join(r.Text, ""), "全部营销触达合在一起") {
			t.Errorf("%+v", r.Text)
		}
		t.Run("kept, and counted anew when a new group is drawn", func(t *testing.T) {
			if err := sh.reports.Run(ctx); err != nil {
				t.Fatal(err)
			}
			sh.put(sh.scan(sh.places[1].MemberID, clk.Now()))
			clk.Advance(time.Millisecond)
			if whole().AsOf != r.AsOf {
				t.Error("was not kept")
			}
			set(2000, true)
			if anew := whole(); anew.BeganAt != clk.Now() || anew.Universal.Scans+anew.Arms[0].Scans != 0 || anew.Universal.People == r.Universal.People && fmt.Sprint(anew.Arms) == fmt.Sprint(r.Arms) {
				t.Errorf("%+v", anew)
			}
			set(0, false)
			if _, err := sh.reports.Whole(ctx, brand); code(err) != "universal_none" {
				t.Error(err)
			}
			if err := sh.reports.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	})
}
