package points

import (
	"context"
	"encoding/json"
	"errors"
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
	"siyu/model/money"
)

func each(t *testing.T, fn func(t *testing.T, ctx context.Context, w *world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) { fn(t, context.Background(), newWorld(t, d, clk)) })
}

func TestEarning(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		w.rules(brandA, func(r *Rules) {
			r.Earn = []Earn{{On: OnReview, Points: 10, CapPerDay: 25, CapPerMonth: 40}, {On: OnOrder, Points: 2, PendingDays: 7, MinAmountFen: 5000}}
		})
		review := func(m id.ID, key string) int64 {
			t.Helper()
			n, err := w.a.Earn(ctx, Fact{Key: key, BrandID: brandA, MemberID: m, On: OnReview})
			w.must(err)
			return n
		}
		t.Run("a fact earns once, however often it is reported", func(t *testing.T) {
			if a, b := review(101, "r1"), review(101, "r1"); a != 10 || b != 10 || w.account(101).Available != 10 {
				t.Fatal(a, b, w.account(101))
			}
		})
		t.Run("caps of the day and the month are the human's", func(t *testing.T) {
			w.kin[102] = 101
			if a, b, c := review(102, "r2"), review(101, "r3"), review(102, "r4"); a != 10 || b != 5 || c != 0 {
				t.Fatal(a, b, c)
			}
			w.clk.Advance(24 * time.Hour)
			if a, b := review(101, "r5"), review(102, "r6"); a != 10 || b != 5 {
				t.Fatal(a, b)
			}
			clear(w.kin)
		})
		t.Run("an order is pending for its return period and then spendable", func(t *testing.T) {
			n, err := w.a.Earn(ctx, Fact{Key: "o1", BrandID: brandA, MemberID: 103, On: OnOrder, AmountFen: 9999})
			if err != nil || n != 198 {
				t.Fatal(n, err)
			}
			if a := w.account(103); a.Available != 0 || a.Pending != 198 || len(a.Coming) != 1 || a.Coming[0].Day() != "2026-11-29" {
				t.Fatalf("%+v", a)
			}
			w.code(w.a.Spend(ctx, Spend{Key: "s1", MemberID: 103, Points: 1}), "points_short")
			w.clk.Advance(7 * 24 * time.Hour)
			if a := w.account(103); a.Available != 198 || a.Pending != 0 {
				t.Fatalf("%+v", a)
			}
		})
		t.Run("too small an order, a brand without rules and a blocked member earn nothing", func(t *testing.T) {
			for i, f := range []Fact{{BrandID: brandA, MemberID: 103, On: OnOrder, AmountFen: 4999}, {BrandID: brandB, MemberID: 103, On: OnReview}, {BrandID: brandA, MemberID: blocked, On: OnReview}} {
				f.Key = fmt.Sprint("none", i)
				if n, err := w.a.Earn(ctx, f); n != 0 || err != nil {
					t.Error(i, n, err)
				}
			}
		})
		w.checked()
	})
}

func TestOrdersAndRefundsOfTheEventStore(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		w.rules(brandA, func(r *Rules) { r.Earn = []Earn{{On: OnOrder, Points: 1}} })
		order := func(no, refund string, fen money.Fen, at clock.Instant) event.Event {
			body, _ := json.Marshal(event.OrderBody{Source: "tmall", OrderNo: no, RefundNo: refund, AmountFen: fen})
			return event.Event{Key: "order:tmall:" + no + refund, Type: event.Order, BrandID: brandA, MemberID: 101, At: at, Body: body}
		}
		now := w.clk.Now()
		feed := func(events ...event.Event) {
			t.Helper()
			w.must(w.a.Consume(ctx, events))
			w.must(w.a.Consume(ctx, events)) // at least once is twice
		}
		t.Run("a refund takes its share back", func(t *testing.T) {
			feed(order("1", "", 10_000, now))
			feed(order("1", "r1", -3_333, now))
			if a := w.account(101); a.Available != 66 {
				t.Fatalf("%+v", a)
			}
			feed(order("1", "r2", -6_667, now))
			if a := w.account(101); a.Available != 0 || a.Owed != 0 {
				t.Fatalf("%+v", a)
			}
		})
		t.Run("a refund that is reported before its order counts all the same", func(t *testing.T) {
			feed(order("2", "r1", -4_000, now))
			feed(order("2", "", 10_000, now))
			if a := w.account(101); a.Available != 60 {
				t.Fatalf("%+v", a)
			}
			feed(order("2", "r1b", -1_000, now)) // and is not counted again with the next one
			if a := w.account(101); a.Available != 50 {
				t.Fatalf("%+v", a)
			}
		})
		t.Run("a refund of points that are spent leaves a debt, which the next points pay", func(t *testing.T) {
			w.must(w.a.Spend(ctx, Spend{Key: "s", MemberID: 101, Points: 50}))
			feed(order("2", "r2", -5_000, now))
			if a := w.account(101); a.Available != 0 || a.Owed != 50 {
				t.Fatalf("%+v", a)
			}
			w.claim(brandA, 101, 30)
			if a := w.account(101); a.Available != 0 || a.Owed != 20 {
				t.Fatalf("%+v", a)
			}
			w.claim(brandA, 101, 30)
			if a := w.account(101); a.Available != 10 || a.Owed != 0 {
				t.Fatalf("%+v", a)
			}
		})
		t.Run("the history a shop brings along earns nothing, an erased member is nobody", func(t *testing.T) {
			gone := order("4", "", 10_000, now)
			gone.MemberID = 0
			lost := order("5", "", 10_000, now)
			lost.MemberID = 900_001
			feed(order("3", "", 10_000, now.Add(-32*24*time.Hour)), gone, lost)
			if a := w.account(101); a.Available != 10 {
				t.Fatalf("%+v", a)
			}
		})
		w.checked()
	})
}

func TestExpiry(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		w.claim(brandA, 101, 7) // before there were rules: these never end
		w.clk.Advance(time.Minute)
		w.rules(brandA, func(r *Rules) { r.Expiry = Expiry{Months, 1} })
		w.claim(brandA, 101, 10)
		w.clk.Advance(20 * 24 * time.Hour) // 2026-12-11
		w.claim(brandA, 101, 20)
		t.Run("points end first in, first out, under the rules they were earned by", func(t *testing.T) {
			a := w.account(101)
			if a.Available != 37 || len(a.Expiring) != 2 || a.Expiring[0].Points != 10 || a.Expiring[0].LastDay() != "2026-12-31" || a.Expiring[1].LastDay() != "2027-01-31" {
				t.Fatalf("%+v", a)
			}
			w.must(w.a.Spend(ctx, Spend{Key: "s", MemberID: 101, Points: 4, Memo: "兑换"}))
			_, end := clock.Day(20261231).Bounds()
			w.clk.Set(end - 1)
			if a := w.account(101); a.Available != 33 {
				t.Fatalf("%+v", a)
			}
			w.clk.Set(end)
			w.must(w.a.SettleDue(ctx))
			if n, err := w.s.Balance(ctx, 101); err != nil || n != 27 { // booked without anybody looking
				t.Fatal(n, err)
			}
		})
		t.Run("given back after their end, points have thirty days", func(t *testing.T) {
			w.must(w.a.Unspend(ctx, "u", "s", 0, "取消兑换"))
			a := w.account(101)
			if a.Available != 31 || a.Expiring[0].Points != 4 || a.Expiring[0].ExpiresAt != w.clk.Now().Add(grace) {
				t.Fatalf("%+v", a)
			}
		})
		t.Run("frozen points do not end", func(t *testing.T) {
			hold, err := w.a.Freeze(ctx, 101, 31, "核查", 1)
			w.must(err)
			w.clk.Advance(100 * 24 * time.Hour)
			w.must(w.a.SettleDue(ctx))
			if a := w.account(101); a.Frozen != 31 || a.Available != 0 {
				t.Fatalf("%+v", a)
			}
			_, err = w.a.Unfreeze(ctx, 101, hold.ID, "无异常", 1)
			w.must(err)
			if a := w.account(101); a.Frozen != 0 || a.Available != 7 {
				t.Fatalf("%+v", a)
			}
		})
		w.checked()
	})
}

func TestDailyRound(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		w.rules(brandA, func(r *Rules) { r.Expiry = Expiry{Months, 1} })
		for i := range 250 {
			w.claim(brandA, id.ID(1000+i), 5)
		}
		lots := func() (n int64) {
			w.must(w.d.Read(ctx).Raw("SELECT COUNT(*) FROM points_lot").Scan(&n).Error)
			return n
		}
		t.Run("while another process has the round, nothing happens; when it is dead, it goes on", func(t *testing.T) {
			r, mine, err := w.a.takeRound(ctx, roundFold)
			if err != nil || !mine {
				t.Fatal(mine, err)
			}
			w.must(w.a.FoldAll(ctx))
			if lots() != 0 {
				t.Fatal(lots())
			}
			r.AfterID = 1099
			w.must(w.a.putRound(ctx, r, false))
			_, _, err = w.a.takeRound(ctx, roundFold) // and dies
			w.must(err)
			w.clk.Advance(lease)
			w.must(w.a.FoldAll(ctx))
			if lots() != 150 {
				t.Fatal(lots())
			}
		})
		t.Run("the next day everything is folded, once", func(t *testing.T) {
			w.must(w.a.FoldAll(ctx))
			if lots() != 150 {
				t.Fatal("a second round on one day")
			}
			w.clk.Advance(24 * time.Hour)
			w.must(w.a.FoldAll(ctx))
			w.clk.Advance(24 * time.Hour)
			w.must(w.a.FoldAll(ctx))
			if lots() != 250 {
				t.Fatal(lots())
			}
		})
		t.Run("each member is told once of what ends", func(t *testing.T) {
			told := map[id.ID]int64{}
			broken := errors.New("not now")
			tell := func(_ context.Context, e Expiring) error {
				if len(told) == 9 && broken != nil {
					return broken
				}
				told[e.MemberID] += e.Points
				return nil
			}
			w.must(w.a.Warn(ctx, 24*time.Hour, tell))
			if len(told) != 0 {
				t.Fatal("too early")
			}
			if err := w.a.Warn(ctx, 60*24*time.Hour, tell); !errors.Is(err, broken) {
				t.Fatal(err)
			}
			broken = nil
			w.must(w.a.Warn(ctx, 60*24*time.Hour, tell))
			w.must(w.a.Warn(ctx, 60*24*time.Hour, tell))
			if len(told) != 250 || told[1000] != 5 {
				t.Fatal(len(told), told[1000])
			}
		})
		t.Run("what the brand owes stands by month, with what will never be asked for", func(t *testing.T) {
			w.must(w.a.Spend(ctx, Spend{Key: "s", MemberID: 1000, Points: 5}))
			w.clk.Advance(60 * 24 * time.Hour)
			w.must(w.a.SettleDue(ctx))
			w.claim(brandA, 101, 100)
			x, err := w.a.Liability(ctx, brandA)
			if err != nil || x.Available != 0 || x.Unfolded != 100 || x.Issued != 1350 || x.Spent != 5 || x.Expired != 1245 || x.BreakageBP != 9960 {
				t.Fatalf("%+v %v", x, err)
			}
			w.account(101)
			if x, err = w.a.Liability(ctx, brandA); err != nil || x.Available != 100 || x.Unfolded != 0 || x.Estimated != 99 || len(x.Months) != 1 || x.Months[0].Month != "2027-02" {
				t.Fatalf("%+v %v", x, err)
			}
		})
	})
}

func TestFamily(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		w.claim(brandA, 101, 10)
		w.claim(brandB, 102, 30)
		w.kin[102] = 101
		spend := Spend{Key: "s", MemberID: 101, Points: 25, Memo: "兑换"}
		t.Run("the human spends what his members have together", func(t *testing.T) {
			w.must(w.a.Spend(ctx, spend))
			if a, b := w.account(101), w.account(102); a.Available != 15 || b.Available != 15 {
				t.Fatal(a, b)
			}
			lines, err := w.a.Statement(ctx, 102, 0, 10)
			if err != nil || len(lines) != 4 { // two earnings, and the spend by issuing brand
				t.Fatalf("%+v %v", lines, err)
			}
		})
		t.Run("another content under the same key is refused", func(t *testing.T) {
			other := spend
			other.Points = 24
			w.code(w.a.Spend(ctx, other), "points_key_used")
		})
		t.Run("given back, everything is where it was", func(t *testing.T) {
			w.must(w.a.Unspend(ctx, "u", "s", 0, "退回"))
			clear(w.kin)
			if a, b := w.account(101), w.account(102); a.Available != 10 || b.Available != 30 {
				t.Fatal(a, b)
			}
			w.kin[102] = 101
		})
		t.Run("parting returns loans as far as the borrower has points", func(t *testing.T) {
			spend.Key = "s2"
			w.must(w.a.Spend(ctx, spend))
			w.claim(brandA, 101, 6)
			clear(w.kin)
			w.must(w.a.Part(ctx, 101, 102))
			w.must(w.a.Part(ctx))
			w.claim(brandA, 101, 50) // earned after: his own
			w.must(w.a.Part(ctx))
			if a, b := w.account(101), w.account(102); a.Available != 50 || b.Available != 21 {
				t.Fatal(a, b)
			}
		})
		w.checked()
	})
}

func TestManySpendersAtOnceSpendNoMoreThanThereIs(t *testing.T) {
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx, w := context.Background(), newWorld(t, d, clk)
		w.kin[102] = 101
		w.claim(brandA, 101, 30)
		w.claim(brandA, 102, 40)
		var wg sync.WaitGroup
		var mu sync.Mutex
		done := 0
		for i := range 12 {
			wg.Go(func() {
				err := w.a.Spend(ctx, Spend{Key: fmt.Sprint("s", i/2), MemberID: members[i%2], Points: 20})
				mu.Lock()
				defer mu.Unlock()
				switch code := fault.Of(err); {
				case err == nil:
					done++
				case code.Code != "points_short" && code.Code != "points_key_used":
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if a := w.account(101); done != 3 || a.Available != 10 {
			t.Fatal(done, a)
		}
		w.checked()
	})
}
