package points

import (
	"context"
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
)

func TestLiabilityOfManyLotsIsOfTheDailyRound(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		digits := "(SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"
		number := "a.n + 10 * b.n + 100 * c.n + 1000 * e.n + 10000 * f.n"
		more := func(first string) {
			source := "'s:' || (" + number + ")"
			if d.Driver() == db.MySQL {
				source = "CONCAT('s:', " + number + ")"
			}
			w.must(d.InTx(ctx, func(tx *gorm.DB) error {
				return tx.Exec(fmt.Sprintf(`INSERT INTO points_lot (id, source, member_id, brand_id, amount, available, pending, frozen, expired, live, earned_at, release_at, expires_at, due_at)
					SELECT 1 + %s, %s, 101, 71, 2, 2, 0, 0, 0, 1, 1, 0, %d, %d FROM %s a, %s b, %s c, %s e, %s f WHERE %s %s`,
					number, source, forever, forever, digits, digits, digits, digits, digits, number, first)).Error
			}))
		}
		more("< 20000")
		if x, err := w.a.Liability(ctx, brandA); err != nil || x.Available != 40_000 || x.At != clk.Now() {
			t.Fatalf("few lots are added up at once: %+v %v", x, err)
		}
		more("BETWEEN 20000 AND 20009")
		first := clk.Now()
		if x, err := w.a.Liability(ctx, brandA); err != nil || x.Available != 40_020 || x.At != first {
			t.Fatalf("many are added up when nobody has yet: %+v %v", x, err)
		}
		clk.Advance(time.Hour)
		more("BETWEEN 20010 AND 20019")
		if x, err := w.a.Liability(ctx, brandA); err != nil || x.Available != 40_020 || x.At != first {
			t.Fatalf("and then kept: %+v %v", x, err)
		}
		w.must(w.a.keepLiabilities(ctx))
		if x, err := w.a.Liability(ctx, brandA); err != nil || x.Available != 40_040 || x.At != clk.Now() || len(x.Months) != 1 || x.Months[0].Month != "" {
			t.Fatalf("until the daily round: %+v %v", x, err)
		}
	})
}
