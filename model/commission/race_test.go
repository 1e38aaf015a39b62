package commission

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
)

// Orders, their refunds, operators who take back, releases and settlements, all at once
// and on engines that let a row change between its reading and its update.
func TestTakingBackBesideASettlementLosesNothing(t *testing.T) {
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w, ctx := newWorld(t, d, clk), context.Background()
		_, err := w.s.SavePolicy(ctx, Policy{BrandID: brandA, Kind: Weekly, SettleDay: 1})
		w.must(err)
		for m := id.ID(11); m < 15; m++ {
			w.bind(m, 10, "member", clk.Now())
		}
		clk.Advance(time.Hour)
		order := perOrder(1000)
		order.FreezeDays = 7
		w.active(order)
		const orders = 40
		for i := range orders {
			w.consume(orderEvent(fmt.Sprint(i), "", id.ID(11+i%4), clk.Now(), orderLine{"1", 2, 2000}))
		}
		clk.Set(day(20261130))
		var wg sync.WaitGroup
		run := func(do func(i int) error) {
			wg.Go(func() {
				for i := range orders {
					if err := do(i); err != nil && fault.Of(err).Code != "commission_nothing_left" {
						t.Error(err)
					}
				}
			})
		}
		accruals := w.all()
		for range 2 {
			run(func(i int) error { // half of every order comes back
				return w.s.Consume(ctx, []event.Event{orderEvent(fmt.Sprint(i), "R", id.ID(11+i%4), clk.Now(), orderLine{"1", 1, 1000})})
			})
			run(func(i int) error { // and an operator takes every fourth
				if i%4 != 0 {
					return nil
				}
				_, err := w.s.Take(ctx, accruals[i].ID, "刷单", 1)
				return err
			})
			run(func(i int) error {
				if i%8 != 0 {
					return nil
				}
				return w.s.Close(ctx)
			})
		}
		wg.Wait()
		var sum int64
		for _, a := range w.all() {
			sum += a.Left()
			if a.Left() != 0 && a.State != Settled {
				t.Errorf("%+v", a)
			}
		}
		if sum != 30*100 || len(w.statements()) != 1 {
			t.Errorf("%d left, %d statements", sum, len(w.statements()))
		}
		account, err := w.s.Books.(*Accounts).Of(ctx, brandA, 10)
		if err != nil || int64(account.AvailableFen-account.OwedFen) != sum || account.AccruedFen != 0 {
			t.Errorf("%+v %v", account, err)
		}
		w.balanced()
	})
}
