package holdout_test

import (
	"context"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db/dbtest"
	"siyu/model/event"
)

// What somebody waits for at most: the largest audience that is counted on demand, of whom
// every other scanned and every fifth ordered. People per second is what counts.
func BenchmarkReport(b *testing.B) {
	const people = 20_000
	for _, engine := range dbtest.Engines() {
		b.Run(engine, func(b *testing.B) {
			clk := clock.NewFake(dbtest.Start)
			sh := newShop(b, dbtest.Open(b, engine, clk), clk, split(0, 1000, 1), people)
			clk.Advance(24 * time.Hour)
			var list []event.Event
			for i, p := range sh.places {
				if i%2 == 0 {
					list = append(list, sh.scan(p.MemberID, clk.Now().Add(-time.Hour)))
				}
				if i%5 == 0 {
					list = append(list, sh.order(p.MemberID, clk.Now().Add(-time.Hour), 5000))
				}
			}
			sh.put(list...)
			for b.Loop() {
				if _, err := sh.reports.Of(context.Background(), pushID); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(people*float64(b.N)/b.Elapsed().Seconds(), "people/s")
		})
	}
}
