package claim_test

import (
	"context"
	"testing"

	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
)

// What a claimer is told at once is the bill number of the row.
func TestMakeKnowsTheBillNumberOfThePayout(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w := claimtest.New(t, d, clk, claimtest.Setup{Codes: 8})
		cash := 0
		for serial := int64(1); serial <= 8; serial++ {
			made, err := w.Claims.Make(ctx, w.Code(t, serial), claimtest.Who(7))
			if err != nil {
				t.Fatal(err)
			}
			if made.CashFen == 0 {
				if made.BillNo != "" {
					t.Errorf("a bill number without money: %+v", made)
				}
				continue
			}
			cash++
			p, err := w.Packets.OfClaim(ctx, made.ID)
			if err != nil || p.BillNo != made.BillNo || made.BillNo == "" {
				t.Errorf("told %q, the row says %q, %v", made.BillNo, p.BillNo, err)
			}
			if again, err := w.Claims.Make(ctx, w.Code(t, serial), claimtest.Who(7)); err != nil || again.BillNo != "" || !again.Again {
				t.Errorf("the second tap is told of a moment ago: %+v %v", again, err)
			}
		}
		if cash != 4 {
			t.Errorf("%d of 8 won", cash)
		}
	})
}
