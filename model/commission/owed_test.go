package commission

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/id"
)

// recomputed is Owed from the rows themselves.
func (w *world) recomputed() Owed {
	w.t.Helper()
	var o Owed
	for _, a := range w.all() {
		open := map[string]bool{Frozen: true, Held: true, Released: true}[a.State]
		switch {
		case !open:
		case a.Pay == Points:
			o.Points += a.Left()
		case a.State == Frozen:
			o.Frozen += fen(a.Left())
		case a.State == Held:
			o.Suspicious += fen(a.Left())
		default:
			o.Released += fen(a.Left())
		}
	}
	var accounts []Account
	w.must(w.d.Read(context.Background()).Find(&accounts).Error)
	for _, a := range accounts {
		o.Available, o.Withdrawing, o.Debt = o.Available+a.AvailableFen, o.Withdrawing+a.HeldFen, o.Debt+a.OwedFen
		if a.AccruedFen > 0 || a.AvailableFen > 0 || a.HeldFen > 0 {
			o.Earners++
		}
	}
	return o
}

func (w *world) owes(when string) {
	w.t.Helper()
	got, err := w.s.Owed(context.Background(), brandA)
	w.must(err)
	if want := w.recomputed(); got != want {
		w.t.Errorf("%s: kept %+v, the rows say %+v", when, got, want)
	}
}

// From its making to the money in somebody's hands and back: after each step what is kept is
// what the rows add up to, before and after it is folded.
func TestWhatIsOwedIsWhatTheRowsAddUpTo(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		weekly(w)
		step := func(when string, do func() error) {
			t.Helper()
			w.must(do())
			w.owes(when)
			w.must(w.s.Fold(ctx))
			w.owes(when + ", folded")
		}
		step("claims", func() error {
			return w.s.Consume(ctx, []event.Event{claimEvent(1, 11, beer, w.clk.Now()), claimEvent(2, 12, beer, w.clk.Now()), claimEvent(3, 13, beer, w.clk.Now())})
		})
		list := w.all()
		step("one is taken", func() error { _, err := w.s.Take(ctx, list[0].ID, "刷单", 1); return err })
		w.clk.Set(day(20261130))
		step("a settlement", func() error { return w.s.Close(ctx) })
		books := w.s.Books.(*Accounts)
		var account Account
		w.must(w.d.Read(ctx).Where("available_fen > 0").Take(&account).Error)
		inTx := func(do func(ctx context.Context, tx *gorm.DB, key string) error) func() error {
			return func() error {
				return w.d.InFreshTx(ctx, func(tx *gorm.DB) error { return do(ctx, tx, "t:"+w.d.NewID().String()) })
			}
		}
		all := account.AvailableFen
		step("a withdrawal", inTx(func(ctx context.Context, tx *gorm.DB, key string) error {
			return books.HoldTx(ctx, tx, account.ID, all, key, "提现")
		}))
		step("paid out", inTx(func(ctx context.Context, tx *gorm.DB, key string) error {
			return books.PayTx(ctx, tx, account.ID, all, 0, key)
		}))
		step("taken back when it is gone", inTx(func(ctx context.Context, tx *gorm.DB, key string) error {
			return books.TakeTx(ctx, tx, account.ID, all, key, "追回")
		}))
		o, err := w.s.Owed(ctx, brandA)
		if err != nil || o.Debt != all || o.Available != 0 {
			t.Errorf("%+v %v", o, err)
		}
	})
}

// Changes of many workers, while others add up and read: no read sees a change twice or
// half, and nothing is lost.
func TestFoldingBesideChangesLosesNothing(t *testing.T) {
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w, ctx := newWorld(t, d, clk), context.Background()
		for m := id.ID(11); m < 15; m++ {
			w.bind(m, 10, "member", clk.Now())
		}
		clk.Advance(time.Hour)
		w.active(perOrder(1000))
		var writers, readers sync.WaitGroup
		done := make(chan struct{})
		for k := range 3 {
			writers.Go(func() {
				for i := range 30 {
					e := orderEvent(fmt.Sprintf("%d-%d", k, i), "", id.ID(11+i%4), clk.Now(), orderLine{"1", 2, 2000})
					if err := w.s.Consume(ctx, []event.Event{e}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range 2 {
			readers.Go(func() {
				for last := fen(0); ; {
					if err := w.s.Fold(ctx); err != nil {
						t.Error(err)
					}
					o, err := w.s.Owed(ctx, brandA)
					if err != nil || o.Frozen < last || o.Frozen%200 != 0 || o.Earners > 1 {
						t.Errorf("%+v after %d %v", o, last, err)
					}
					last = o.Frozen
					select {
					case <-done:
						return
					default:
					}
				}
			})
		}
		writers.Wait()
		close(done)
		readers.Wait()
		w.owes("in the end")
		if o, err := w.s.Owed(ctx, brandA); err != nil || o.Frozen != 90*200 || o.Earners != 1 {
			t.Errorf("%+v %v", o, err)
		}
		w.invariants()
	})
}
