package holdout_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/holdout"
)

// TestEveryArmIsWatchedForTheSameSpan: pushes of random windows that send for random times;
// in every arm people do the same at the same moments.
func TestEveryArmIsWatchedForTheSameSpan(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		rng := rand.New(rand.NewPCG(7, 11))
		const hour, people = time.Hour, 12
		n := 0
		for range 12 {
			s := split(2000, 3000, 1, 1)
			s.WindowDays = 1 + rng.IntN(4)
			sh := newShop(t, d, clk, s, 200)
			sh.n = n // events of the brand go on
			sh.forget()
			began := clk.Now()
			sh.p.EndsAt = began.Add(time.Duration(rng.IntN(240)-10) * hour)
			end := max(began, sh.p.EndsAt).Add(time.Duration(s.WindowDays) * 24 * hour)
			want, list := int64(0), []event.Event(nil)
			arms := [][]holdout.Place{nil, nil, nil, nil}
			for _, p := range sh.places {
				i := map[string]int{"A": 0, "B": 1, holdout.Held: 2}[p.Arm]
				if p.Universal {
					i = 3
				}
				arms[i] = append(arms[i], p)
			}
			for k := range people {
				at := began.Add(time.Duration(rng.Int64N(int64(20*24*hour))) - 24*hour)
				switch k { // and at the edges
				case 0:
					at = began
				case 1:
					at = end.Add(-time.Millisecond)
				case 2:
					at = end
				case 3:
					at = began.Add(-time.Millisecond)
				}
				if at >= began && at < end {
					want++
				}
				for _, arm := range arms {
					list = append(list, sh.scan(arm[k].MemberID, at))
				}
			}
			clk.Advance(21 * 24 * hour)
			sh.put(list...)
			n = sh.n
			r := sh.report()
			for _, g := range append(r.Arms, r.Held, r.Universal) {
				if g.Scans != want {
					t.Errorf("%s: %d scanned between %s and %s, %d are counted", g.Name, want, began.Local(), end.Local(), g.Scans)
				}
			}
			if r.UntilAt != end || !r.Final {
				t.Error(r.UntilAt.Local(), r.Final)
			}
		}
	})
}

// TestWhatIsFinalStaysSo: whatever would be the end of its window by today's rules.
func TestWhatIsFinalStaysSo(t *testing.T) {
	ctx := context.Background()
	const day = 24 * time.Hour
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		for name, old := range map[string]bool{"kept by this program": false, "kept before ends were kept": true} {
			sh := newShop(t, d, clk, split(0, 3000, 1), 60)
			sh.forget()
			if old {
				sh.n = 100
			}
			began, a := clk.Now(), sh.of("A", 2)
			clk.Advance(9 * day)
			sh.put(sh.scan(a[0], began.Add(day)))
			if err := sh.reports.Run(ctx); err != nil {
				t.Fatal(err)
			}
			if old {
				sh.write(func(tx *gorm.DB) error {
					return tx.Exec("UPDATE push_report SET report = REPLACE(report, '\"until\":', '\"other\":')").Error
				})
			}
			sh.p.EndsAt, sh.p.Open = began.Add(5*day), true
			sh.put(sh.scan(a[1], began.Add(8*day)))
			clk.Advance(day)
			if err := sh.reports.Refresh(ctx, pushID); err != nil {
				t.Fatal(err)
			}
			if r := sh.report(); !r.Final || r.UntilAt != began.Add(7*day) || r.Arms[0].Scans != 1 {
				t.Errorf("%s: final %v, until %s, %d scans", name, r.Final, r.UntilAt.Local(), r.Arms[0].Scans)
			}
		}
	})
}

// TestAReportSaysUntilWhenItCounts while it is sent, while it is watched, and afterwards.
func TestAReportSaysUntilWhenItCounts(t *testing.T) {
	clk := clock.NewFake(dbtest.Start)
	sh := newShop(t, dbtest.Open(t, db.SQLite, clk), clk, split(0, 3000, 1), 60)
	const day = 24 * time.Hour
	says := func(code string) {
		t.Helper()
		r := sh.report()
		for _, x := range r.Said {
			if x.Code == code && x.Args["until"] == r.UntilAt.Local() {
				return
			}
		}
		t.Errorf("%s until %s is not in %+v", code, r.UntilAt.Local(), r.Said)
	}
	sh.p.EndsAt, sh.p.Open = clk.Now().Add(2*day), true
	says("report_sending")
	clk.Advance(20 * day)
	says("report_sending") // it is paused
	sh.p.Open = false
	sh.forget()
	says("report_over")
	sh.forget()
	sh.p.EndsAt = clk.Now()
	says("report_open")
}
