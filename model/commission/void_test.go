package commission

import (
	"context"
	"testing"
	"time"

	"siyu/model/code"
)

func TestCodesThatBecomeVoidAfterTheSettlementAreTakenBack(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		weekly(w) // a hundred fen and seven points an item
		w.consume(claimEvent(1, 11, beer, w.clk.Now()), claimEvent(2, 12, beer, w.clk.Now()), claimEvent(3, 13, beer, w.clk.Now()))
		w.clk.Advance(14 * 24 * time.Hour)
		w.must(w.s.Close(ctx))
		w.states[1], w.states[2] = code.Voided, code.Recalled
		for range 2 {
			w.must(w.s.Release(ctx))
			w.must(w.s.TakePoints(ctx))
		}
		for _, a := range w.all() {
			want := Settled
			if a.Serial == 1 {
				want = Clawed
			}
			if a.State != want {
				t.Errorf("serial %d, %s: %s", a.Serial, a.Pay, a.State)
			}
		}
		account, err := w.s.Books.(*Accounts).OfFamily(ctx, brandA, 10)
		w.must(err)
		pts, err := w.points.Account(ctx, 10)
		w.must(err)
		if len(account) != 1 || account[0].AvailableFen != 200 || pts.Available != 14 {
			t.Errorf("%+v %+v", account, pts)
		}
		w.balanced()
		w.invariants()
	})
}
