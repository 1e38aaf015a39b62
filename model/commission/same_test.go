package commission

import (
	"context"
	"testing"
	"time"
)

// Two accounts turn out to be one person after the sale: it is not paid while they are
// one, and goes on when they are parted.
func TestWhoBroughtHimselfWaitsWhileHeIsOne(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		w.active(perClaim(50))
		w.bind(11, 10, "member", w.clk.Now())
		w.clk.Advance(time.Second)
		w.consume(claimEvent(1, 11, 5, w.clk.Now()))
		w.kin[11] = 10
		w.clk.Advance(3 * 24 * time.Hour)
		w.must(w.s.Release(ctx))
		if a := w.only(); a.State != Held || a.Reason != "推荐人与购买人现为同一人，自购不计佣" {
			t.Fatalf("%s: %s", a.State, a.Reason)
		}
		w.balanced()
		delete(w.kin, 11)
		w.must(w.s.Release(ctx))
		if a := w.only(); a.State != Released {
			t.Fatalf("%s: %s", a.State, a.Reason)
		}
		w.balanced()
	})
}
