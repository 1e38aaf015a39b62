package commission

import (
	"context"
	"testing"
	"time"

	"siyu/model/id"
)

func TestARefundIsOneFactWhoeverReportsIt(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		w.bind(11, 10, "member", w.clk.Now())
		w.clk.Advance(time.Hour)
		w.active(perOrder(1000))
		w.consume(orderEvent("A", "", 11, w.clk.Now(), orderLine{"1", 4, 8000}))
		back := orderEvent("A", "R1", 11, w.clk.Now(), orderLine{"1", 1, 2000})
		again := back
		again.Key = "b71:shop-import:17" // the same refund by another way in
		w.consume(back, again)
		w.consume(again)
		if a := w.only(); a.Left() != 600 {
			t.Errorf("a quarter came back, %d of 800 is left", a.Left())
		}
		// Another order of the same number elsewhere, and another refund of the same number.
		w.consume(orderEvent("B", "", 11, w.clk.Now(), orderLine{"1", 4, 8000}), orderEvent("B", "R1", 11, w.clk.Now(), orderLine{"1", 4, 8000}))
		if list := w.all(); len(list) != 2 || list[1].Left() != 0 || list[0].Left() != 600 {
			t.Errorf("%+v", list)
		}
		w.balanced()
	})
}

func TestMoneyThatComesBackForNoNamedGoodsCounts(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		w.bind(11, 10, "member", w.clk.Now())
		w.clk.Advance(time.Hour)
		beers := perOrder(1000)
		beers.ProductIDs = []id.ID{beer}
		w.active(beers)
		w.consume(orderEvent("A", "", 11, w.clk.Now(), orderLine{"1", 1, 2000}, orderLine{"2", 1, 3000}))
		w.consume(orderEvent("A", "R1", 11, w.clk.Now(), orderLine{"2", 1, 3000})) // the wine, by name
		if a := w.only(); a.Left() != 200 {
			t.Errorf("wine came back, %d of 200 is left", a.Left())
		}
		w.consume(orderEvent("A", "R2", 11, w.clk.Now(), orderLine{"", 0, 2000}))
		if a := w.only(); a.Left() != 0 || a.State != Clawed {
			t.Errorf("%d is left of an order that was paid back", a.Left())
		}
		w.balanced()
	})
}
