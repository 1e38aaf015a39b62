package job_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"siyu/job"
	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/money"
	"siyu/model/reconcile"
	"siyu/model/redpacket"
	"siyu/wechat/simulator"
)

// audit is a rig with its reconciliation, after a day on which one packet was collected and
// another expired: it is eleven o'clock of the day after.
type audit struct {
	*rig
	days *reconcile.Store
	work *job.Reconciler
	day  clock.Day
	paid redpacket.Payout
}

func newAudit(t *testing.T, d *db.DB, clk *clock.Fake, rail string) *audit {
	t.Helper()
	today := clock.DayOf(clk.Now())
	from, _ := today.Bounds()
	clk.Set(from.Add(32 * time.Hour)) // eight in the morning: everything ends on this day
	r := newRig(t, d, clk, rail)
	a := &audit{rig: r, day: clock.DayOf(clk.Now())}
	a.days = reconcile.New(d, r.Packets, r.Outbox)
	a.work = job.NewReconciler(a.days, r.client, &who{r.merchant, ""}, r.Brands, clk, slog.New(slog.NewTextHandler(io.Discard, nil)))
	a.paid = r.until(r.claim(1), redpacket.Settled, r.collect)
	if got := clock.DayOf(clk.Now()); got != a.day {
		t.Fatalf("the day ended: %d", got)
	}
	next, _ := a.day.AddDays(1).Bounds()
	clk.Set(next.Add(11 * time.Hour))
	return a
}

func (a *audit) bad(kind, code string, count int) {
	a.t.Helper()
	if err := a.sim.SetMisfortune(simulator.Misfortune{Call: "bill", Kind: kind, Code: code, Count: count}); err != nil {
		a.t.Fatal(err)
	}
}

// run asks for the day and works on it, and again, until it is over or days have passed.
func (a *audit) run() (reconcile.Day, []reconcile.Item) {
	a.t.Helper()
	ctx := context.Background()
	d, err := a.days.Ask(ctx, a.Brand.ID, a.Merchant.ID, a.day)
	if err != nil {
		a.t.Fatal(err)
	}
	for range 400 {
		v, err := a.work.Run(ctx, d.ID)
		if err != nil {
			a.t.Fatal(err)
		}
		if v.Again == 0 {
			break
		}
		a.Clock.Advance(v.Again)
	}
	if d, err = a.days.Shown(ctx, d.ID); err != nil {
		a.t.Fatal(err)
	}
	list, err := a.days.Items(ctx, reconcile.ItemFilter{AccountID: a.Merchant.ID})
	if err != nil {
		a.t.Fatal(err)
	}
	return d, list
}

func TestBillsOfADay(t *testing.T) {
	for _, rail := range []string{brand.RailTransfer, brand.RailRedpack} {
		t.Run(rail, func(t *testing.T) {
			each := func(name string, run func(t *testing.T, a *audit)) {
				t.Run(name, func(t *testing.T) {
					dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) { run(t, newAudit(t, d, clk, rail)) })
				})
			}
			each("a day without mistakes is proven to the fen", func(t *testing.T, a *audit) {
				d, list := a.run()
				if d.State != reconcile.Done || d.Source != reconcile.FromBill || d.Matched != 1 || d.MatchedFen != 188 || d.Proof != reconcile.ProofOK || len(list) != 0 || d.OpeningFen-188 != d.ClosingFen {
					t.Errorf("%+v %+v", d, list)
				}
			})
			each("a bill that is late, broken and then right", func(t *testing.T, a *audit) {
				a.bad("bill_not_ready", "", 3)
				a.bad("bill_wrong_hash", "", 2)
				d, list := a.run()
				if d.State != reconcile.Done || d.Matched != 1 || len(list) != 0 || d.Error != "" {
					t.Errorf("%+v %+v", d, list)
				}
			})
			each("a bill that never comes is given up with a reason", func(t *testing.T, a *audit) {
				a.bad("bill_not_ready", "", 1000)
				if d, _ := a.run(); d.State != reconcile.Failed || d.Error == "" {
					t.Errorf("%+v", d)
				}
			})
			for kind, want := range map[string]string{"bill_missing_line": reconcile.OnlyOurs, "bill_extra_line": reconcile.OnlyWeChat, "bill_other_amount": reconcile.Amount} {
				each(kind+" is found, and resolves when the bill is corrected", func(t *testing.T, a *audit) {
					a.bad(kind, "", 1)
					d, list := a.run()
					if d.State != reconcile.Done || len(list) != 1 || list[0].Kind != want || list[0].State != reconcile.Open {
						t.Fatalf("%+v %+v", d, list)
					}
					a.Clock.Advance(2 * time.Hour)
					if d, list = a.run(); len(list) != 1 || list[0].State != reconcile.Resolved || d.Proof != reconcile.ProofOK {
						t.Errorf("%+v %+v", d, list)
					}
				})
			}
		})
	}
}

func TestTodayIsAskedForPayoutByPayout(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		a := newAudit(t, d, clk, brand.RailTransfer)
		a.day = clock.DayOf(clk.Now())
		open := a.claim(2)
		a.step()
		day, list := a.run()
		if day.Source != reconcile.FromQuery || day.State != reconcile.Done || day.Matched != 1 || len(list) != 0 {
			t.Errorf("%+v %+v", day, list)
		}
		if err := a.sim.Advance(open.BillNo, "CANCELLED"); err != nil { // and the notice is lost on us
			t.Fatal(err)
		}
		a.Clock.Advance(2 * time.Hour)
		if _, list = a.run(); len(list) != 1 || list[0].Kind != reconcile.State {
			t.Errorf("%+v", list)
		}
	})
}

func TestChoresOfReconciliation(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		a := newAudit(t, d, clk, brand.RailTransfer)
		all := func() {
			t.Helper()
			for _, c := range a.work.Chores() {
				if err := c.Do(ctx); err != nil {
					t.Fatalf("%s: %v", c.Name, err)
				}
			}
		}
		all()
		all()
		list, err := a.days.Days(ctx, reconcile.DayFilter{AccountID: a.Merchant.ID, From: a.day.AddDays(-30), To: a.day.AddDays(30)})
		if err != nil || len(list) != 1 || list[0].Day != a.day || list[0].State != reconcile.Waiting {
			t.Errorf("asked for %+v %v", list, err)
		}
		b, err := a.days.Balance(ctx, a.Brand.ID, a.Merchant.ID)
		if err != nil || b.Source != reconcile.BalanceWeChat || int64(b.AvailableFen) != a.sim.BalanceFen(a.merchant.MchID) {
			t.Errorf("%+v %v", b, err)
		}
		m, err := a.days.Summary(ctx, a.Brand.ID, int(a.day)/100)
		if err != nil || m.Total.SettledFen != 188 || len(m.Lines) != 1 || m.Lines[0].CampaignID != a.Campaign.ID {
			t.Errorf("%+v %v", m, err)
		}

		if err := a.sim.SetMisfortune(simulator.Misfortune{Call: "balance", Kind: "no_balance", Count: 2}); err != nil {
			t.Fatal(err)
		}
		seen, alarm := money.Fen(10_000), money.Fen(9_900)
		if _, _, err := a.days.Keep(ctx, a.Brand.ID, a.Merchant.ID, &seen, &alarm, "wang"); err != nil {
			t.Fatal(err)
		}
		a.Clock.Advance(time.Minute)
		a.until(a.claim(3), redpacket.Settled, a.collect)
		all()
		if b, err = a.days.Balance(ctx, a.Brand.ID, a.Merchant.ID); err != nil || b.Source != reconcile.BalanceEstimate || b.AvailableFen != 10_000-188 || !b.Low || b.Error == "" {
			t.Errorf("%+v %v", b, err)
		}
	})
}
