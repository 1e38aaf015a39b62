package claim_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db/dbtest"
	"siyu/model/id"
)

// BenchmarkMake claims one code after another, each by another member, with so many
// callers at once. `siyu bench claim` compares it with other ways in one run.
func BenchmarkMake(b *testing.B) {
	for _, engine := range dbtest.Engines() {
		for _, callers := range []int{1, 8, 64, 256} {
			b.Run(fmt.Sprintf("%s/%d", engine, callers), func(b *testing.B) {
				n := int64(b.N)
				w := claimtest.New(b, dbtest.Open(b, engine, clock.System()), clock.NewFake(clock.System().Now()), claimtest.Setup{Codes: max(n, 8)})
				codes := make([]code.Code, n)
				for i := range codes {
					codes[i] = w.Code(b, int64(i)+1)
				}
				var next atomic.Int64
				b.SetParallelism(max(callers/2, 1))
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						i := next.Add(1)
						if _, err := w.Claims.Make(context.Background(), codes[i-1], claimtest.Who(id.ID(i))); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}
