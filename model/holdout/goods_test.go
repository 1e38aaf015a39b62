package holdout_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/holdout"
	"siyu/model/id"
	"siyu/model/money"
)

func TestOutcomeOfChosenProducts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		sh := newShop(t, d, clk, split(0, 3000, 1), 100)
		day, a, held := clk.Now().Add(time.Hour), sh.of("A", 4), sh.of(holdout.Held, 1)
		clk.Advance(24 * time.Hour)
		line := func(gtin string, fen money.Fen) event.OrderLine {
			quantity := int64(1)
			if fen < 0 {
				quantity = -1
			}
			return event.OrderLine{GTIN: gtin, Quantity: quantity, AmountFen: fen}
		}
		order := func(m id.ID, refund string, lines ...event.OrderLine) event.Event {
			b := event.OrderBody{Source: "tmall", OrderNo: fmt.Sprint(sh.n), RefundNo: refund, Lines: lines}
			for _, l := range lines {
				b.AmountFen += l.AmountFen
			}
			return sh.at(brand, m, day, event.Order, b)
		}
		scan := func(m, product id.ID) event.Event {
			return sh.at(brand, m, day, event.Scan, event.ScanBody{ProductID: product, BatchID: 3, Serial: int64(sh.n + 1), Verdict: "first"})
		}
		sh.put(scan(a[0], 7), scan(a[1], 8), scan(held[0], 8),
			order(a[0], "", line("6901234567892", 300), line("4006381333931", 5000)), // one line of two, its code without the zero
			order(a[1], "", line("4006381333931", 900)),
			order(a[2], "", line("06901234567892", 700)),
			order(a[2], "r1", line("06901234567892", -200), line("4006381333931", -900)),
			order(a[3], "", line("", 400)), // nobody knows of what
			order(held[0], "", line("06901234567892", 100)))
		counted := func() string {
			r := sh.report()
			clk.Advance(time.Minute) // so that the next look counts anew
			return fmt.Sprint(r.ProductIDs, r.Arms[0].Scans, r.Arms[0].Buyers, r.Arms[0].SumFen, r.Held.Scans, r.Held.Buyers, r.Held.SumFen)
		}
		if got, want := counted(), fmt.Sprint([]id.ID{}, 2, 3, 300+5000+900+400, 1, 1, 100); got != want {
			t.Errorf("of everything: %s, want %s", got, want)
		}
		sh.p.ProductIDs = []id.ID{7}
		sh.reports.GTINs = func(_ context.Context, products []id.ID) ([]string, error) {
			return map[id.ID][]string{7: {"06901234567892"}}[products[0]], nil
		}
		if got, want := counted(), fmt.Sprint([]id.ID{7}, 1, 2, 300+500, 0, 1, 100); got != want {
			t.Errorf("of one product: %s, want %s", got, want)
		}
	})
}

func TestWhatMessagesCostCountsUntilSomebodyWritesDownMore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		sh := newShop(t, d, clk, split(0, 3000, 1), 100)
		sh.p.SpentFen = 2700
		if m := sh.report().Money; m.CostFen != 2700 || m.Written || m.MessagesFen != 2700 {
			t.Errorf("%+v", m)
		}
		if _, _, err := sh.reports.SetCost(context.Background(), holdout.Cost{PushID: pushID, CostFen: 0, Note: "券由渠道承担"}); err != nil {
			t.Fatal(err)
		}
		if m := sh.report().Money; m.CostFen != 0 || !m.Written || m.MessagesFen != 2700 {
			t.Errorf("%+v", m)
		}
	})
}
