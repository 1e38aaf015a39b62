package commission

import (
	"context"
	"errors"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/id"
	"siyu/model/points"
)

// jam fails for one member's points, both ways.
type jam struct {
	Purse
	Taker
	of id.ID
}

var errJam = errors.New("jammed")

func (j *jam) EarnAllTx(ctx context.Context, tx *gorm.DB, list []points.Earning) error {
	for _, e := range list {
		if e.MemberID == j.of {
			return errJam
		}
	}
	return j.Purse.EarnAllTx(ctx, tx, list)
}

func (j *jam) Reverse(ctx context.Context, key string, m id.ID, source string, n int64, memo string) (points.Taken, error) {
	if m == j.of {
		return points.Taken{}, errJam
	}
	return j.Taker.Reverse(ctx, key, m, source, n, memo)
}

func TestOneWhoCannotBeSettledDoesNotKeepTheOthers(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		weekly(w)
		w.bind(12, 20, "member", w.brought[12].BoundAt)
		w.consume(claimEvent(1, 11, beer, w.clk.Now()), claimEvent(2, 12, beer, w.clk.Now())) // of 10 and of 20
		w.clk.Advance(14 * 24 * time.Hour)
		j := &jam{Purse: w.s.Purse, Taker: w.s.Taker, of: 10}
		w.s.Purse, w.s.Taker = j, j
		settled := func() (n int) {
			for _, a := range w.all() {
				if a.State == Settled {
					n++
				}
			}
			return n
		}
		for range 2 { // the second time his statement is open already
			if err := w.s.Close(ctx); !errors.Is(err, errJam) {
				t.Fatal(err)
			}
			if settled() != 2 {
				t.Errorf("%d of two are settled", settled())
			}
		}
		j.of = 0
		w.must(w.s.Close(ctx))
		if settled() != 4 {
			t.Errorf("%d of four are settled in the end", settled())
		}
		j.of = 10
		if err := w.s.TakeFrom(ctx, brandA, []id.ID{11, 12}, "fraud:1", "刷单", 1); !errors.Is(err, errJam) {
			t.Fatal(err)
		}
		due := func() (n int64) {
			w.must(w.d.Read(ctx).Raw("SELECT COUNT(*) FROM commission_claw WHERE due = 1").Scan(&n).Error)
			return n
		}
		if due() != 1 {
			t.Errorf("%d are still to be taken", due())
		}
		j.of = 0
		w.must(w.s.TakePoints(ctx))
		if due() != 0 {
			t.Errorf("%d are still to be taken", due())
		}
		w.balanced()
		w.invariants()
	})
}
