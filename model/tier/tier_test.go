package tier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/money"
	"siyu/model/points"
)

const brandA id.ID = 71

var members = []id.ID{101, 102, 103}

// kin says who is whom, as identity would.
type kin map[id.ID]id.ID

func (k kin) root(m id.ID) id.ID {
	if r := k[m]; r != 0 {
		return r
	}
	return m
}

func (k kin) Family(_ context.Context, m id.ID) ([]id.ID, error) {
	out := []id.ID{k.root(m)}
	for _, x := range members {
		if k.root(x) == out[0] && x != out[0] {
			out = append(out, x)
		}
	}
	return out, nil
}

func (k kin) FamilyTx(_ *gorm.DB, m id.ID) ([]id.ID, error) { return k.Family(context.Background(), m) }

func (k kin) BlockedAmong(_ context.Context, ms []id.ID) (map[id.ID]bool, error) {
	if slices.Contains(ms, 66) {
		return map[id.ID]bool{66: true}, nil
	}
	return nil, nil
}

type world struct {
	t   *testing.T
	d   *db.DB
	clk *clock.Fake
	kin kin
	p   *points.Accounts
	s   *Store
}

func newWorld(t *testing.T, d *db.DB, clk *clock.Fake) *world {
	w := &world{t: t, d: d, clk: clk, kin: kin{}}
	w.p = points.NewAccounts(d, ledger.New(d), w.kin)
	w.s = New(d, w.kin, w.p)
	return w
}

func each(t *testing.T, fn func(t *testing.T, ctx context.Context, w *world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) { fn(t, context.Background(), newWorld(t, d, clk)) })
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func metals() Table {
	return Table{BrandID: brandA, PeriodMonths: 12, Down: DownOne, Levels: []Level{
		{Name: "普通", MultiplierBP: once},
		{Name: "银卡", Threshold: 100, Keep: 80, MultiplierBP: 12_000, BirthdayPoints: 20},
		{Name: "金卡", Threshold: 300, Keep: 200, MultiplierBP: 15_000, BirthdayPoints: 88, Campaigns: true, Perks: []string{"专属客服"}},
	}, Grow: []Grow{{On: OnOrder, Growth: 1}, {On: OnClaim, Growth: 10, CapPerDay: 15}, {On: OnReview, Growth: 5}}}
}

func (w *world) save(change func(*Table)) {
	w.t.Helper()
	t := metals()
	old, err := w.s.Table(context.Background(), brandA)
	w.must(err)
	t.Version = old.Version
	if change != nil {
		change(&t)
	}
	_, err = w.s.Save(context.Background(), t)
	w.must(err)
}

func (w *world) order(m id.ID, no string, yuan int64) {
	w.t.Helper()
	w.must(w.s.Grow(context.Background(), Fact{Key: "order:" + no, BrandID: brandA, MemberID: m, On: OnOrder, AmountFen: yuan * 100, Memo: "购物"}))
}

func (w *world) refund(m id.ID, no, key string, yuan int64) {
	w.t.Helper()
	w.must(w.s.Grow(context.Background(), Fact{Key: "refund:" + key, OrderKey: "order:" + no, BrandID: brandA, MemberID: m, On: OnOrder, AmountFen: -yuan * 100, Memo: "退货"}))
}

func (w *world) is(m id.ID, name string, growth int64) Standing {
	w.t.Helper()
	st, err := w.s.Standing(context.Background(), brandA, m)
	w.must(err)
	if st.Name != name || st.Growth != growth {
		w.t.Fatalf("member %d is %q with %d, want %q with %d", m, st.Name, st.Growth, name, growth)
	}
	return st
}

func TestGoingUpAndDown(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		w.save(nil)
		t.Run("growth lifts at once, and the history names what lifted", func(t *testing.T) {
			w.is(101, "普通", 0)
			w.order(101, "1", 99)
			w.order(101, "1", 99)
			st := w.is(101, "普通", 99)
			if st.Next == nil || st.Next.Needs != 1 || st.Next.Name != "银卡" || st.Next.Perks[0] != "扫码积分 1.2 倍" {
				t.Fatalf("%+v", st.Next)
			}
			w.clk.Advance(time.Hour)
			w.order(101, "2", 250)
			st = w.is(101, "金卡", 349)
			if st.LastDay() != "2027-11-21" || st.Next != nil || st.KeepNeeds != 200 {
				t.Fatalf("%+v", st)
			}
			h, err := w.s.History(ctx, brandA, 101)
			if err != nil || len(h) != 1 || h[0].Cause != "order:2" || h[0].ToName != "金卡" || h[0].Growth != 349 {
				t.Fatalf("%+v %v", h, err)
			}
		})
		t.Run("thirty days before the end he is told in words what he loses", func(t *testing.T) {
			var told []Loss
			broken := errors.New("not now")
			tell := func(_ context.Context, l Loss) error {
				if broken != nil {
					return broken
				}
				told = append(told, l)
				return nil
			}
			w.clk.Set(clock.From(time.Date(2027, 10, 20, 0, 0, 0, 0, time.UTC)))
			w.must(w.s.Warn(ctx, 30*24*time.Hour, tell))
			w.clk.Advance(5 * 24 * time.Hour)
			if err := w.s.Warn(ctx, 30*24*time.Hour, tell); !errors.Is(err, broken) {
				t.Fatal(err)
			}
			broken = nil
			w.must(w.s.Warn(ctx, 30*24*time.Hour, tell))
			w.must(w.s.Warn(ctx, 30*24*time.Hour, tell))
			want := "您的“金卡”有效期至 2027-11-21，再获得 200 成长值即可保级；届时未达到将变为“银卡”，不再享有：扫码积分 1.5 倍、生日赠 88 积分、可参加会员专享活动、专属客服。"
			if len(told) != 1 || told[0].MemberID != 101 || told[0].Text != want {
				t.Fatalf("%+v", told)
			}
		})
		t.Run("at the end of the period he goes down one level, and then another", func(t *testing.T) {
			_, end := clock.Day(20271121).Bounds()
			w.clk.Set(end - 1)
			w.is(101, "金卡", 0+250+99-349)
			w.clk.Set(end)
			w.must(w.s.EndDue(ctx))
			st := w.is(101, "银卡", 0)
			if st.LastDay() != "2028-11-21" {
				t.Fatal(st.LastDay())
			}
			w.clk.Set(end.Add(400 * 24 * time.Hour))
			st = w.is(101, "普通", 0)
			if st.Until != 0 || st.Loss != nil {
				t.Fatalf("%+v", st)
			}
		})
		t.Run("who grew enough keeps his level", func(t *testing.T) {
			w.order(102, "3", 100)
			st := w.is(102, "银卡", 100)
			w.clk.Advance(200 * 24 * time.Hour)
			w.order(102, "4", 80)
			if st := w.is(102, "银卡", 180); st.KeepNeeds != 0 || st.Loss != nil {
				t.Fatalf("%+v", st)
			}
			w.clk.Set(st.Until)
			if now := w.is(102, "银卡", 80); now.Until <= st.Until {
				t.Fatalf("%+v", now)
			}
		})
	})
}

func TestTheStandingThatIsDueIsWhatAComputationSays(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		w.save(func(t *Table) { t.PeriodMonths, t.Down = 2, DownFit })
		rng := rand.New(rand.NewPCG(4, 4))
		for step := range 120 {
			w.clk.Advance(time.Duration(rng.IntN(8*24)) * time.Hour)
			m, no := members[rng.IntN(3)], fmt.Sprint(step)
			switch rng.IntN(8) {
			case 0:
				w.refund(m, fmt.Sprint(rng.IntN(step+1)), no, rng.Int64N(100)+1)
			case 1:
				w.kin[102] = id.ID(rng.IntN(2)) * 101
				w.must(w.s.Refresh(ctx, members...))
			case 2:
				w.save(func(t *Table) {
					t.PeriodMonths, t.Down = rng.IntN(3)+1, []string{DownFit, DownOne}[rng.IntN(2)]
					t.Levels = t.Levels[:rng.IntN(3)+1]
				})
				w.must(w.s.Refresh(ctx, members...))
			default:
				w.order(m, no, rng.Int64N(150))
			}
			w.must(w.s.EndDue(ctx))
			for _, m := range members {
				st, err := w.s.Standing(ctx, brandA, m)
				w.must(err)
				var row []struct {
					Level   int
					UntilAt clock.Instant
				}
				w.must(w.d.Read(ctx).Raw("SELECT level, until_at FROM tier_standing WHERE brand_id = ? AND member_id = ?", brandA, m).Scan(&row).Error)
				if len(row) == 1 && (row[0].Level != st.Level || row[0].UntilAt != st.Until) || len(row) == 0 && st.Level != 0 {
					t.Fatalf("step %d: member %d is %+v, the row says %+v", step, m, st, row)
				}
				if st.Until != 0 && st.Until <= w.clk.Now() || st.Level == 0 && st.Until != 0 {
					t.Fatalf("step %d: %+v", step, st)
				}
			}
		}
	})
}

func TestJoiningAndParting(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		w.save(nil)
		w.order(101, "1", 60)
		w.order(102, "2", 250)
		before, err := w.s.History(ctx, brandA, 102)
		w.must(err)
		w.kin[102] = 101
		t.Run("the human has the growth of all his members", func(t *testing.T) {
			w.is(101, "金卡", 310)
			w.is(102, "金卡", 310)
		})
		t.Run("parted, each is what he was", func(t *testing.T) {
			clear(w.kin)
			w.is(101, "普通", 60)
			w.is(102, "银卡", 250)
			after, err := w.s.History(ctx, brandA, 102)
			if err != nil || fmt.Sprint(before) != fmt.Sprint(after) {
				t.Fatal(before, after, err)
			}
		})
		t.Run("only one of the human's members is told", func(t *testing.T) {
			w.kin[102] = 101
			w.must(w.s.Refresh(ctx, 101, 102))
			w.clk.Advance(350 * 24 * time.Hour)
			n := 0
			w.must(w.s.Warn(ctx, 30*24*time.Hour, func(context.Context, Loss) error { n++; return nil }))
			if n != 1 {
				t.Fatal(n)
			}
		})
	})
}

func TestRefunds(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		w.save(nil)
		t.Run("a level that an order reached goes with the order", func(t *testing.T) {
			w.order(101, "1", 120)
			w.order(101, "2", 200)
			w.is(101, "金卡", 320)
			w.refund(101, "2", "a", 150)
			w.is(101, "银卡", 170)
			w.refund(101, "2", "b", 50)
			w.refund(101, "2", "b", 50)
			w.is(101, "银卡", 120)
			w.refund(101, "1", "c", 120)
			w.is(101, "普通", 0)
		})
		t.Run("a refund may come before its order", func(t *testing.T) {
			w.refund(102, "3", "d", 90)
			w.order(102, "3", 100)
			w.is(102, "普通", 10)
			w.refund(102, "3", "d2", 1) // the first is not counted again with the next one
			w.is(102, "普通", 9)
			w.refund(102, "3", "d3", 9)
			w.is(102, "普通", 0)
		})
		t.Run("a level of an earlier period stays until the end of this one", func(t *testing.T) {
			w.order(103, "4", 150)
			st := w.is(103, "银卡", 150)
			w.clk.Set(st.Until - 1)
			w.order(103, "5", 80)
			w.clk.Advance(time.Hour)
			w.refund(103, "5", "e", 80)
			w.is(103, "银卡", 0)
		})
	})
}

func TestEventsGrowAndMultiply(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		w.save(nil)
		n := 0
		claim := func(m id.ID, pts int64) event.Event {
			n++
			return event.Event{Key: fmt.Sprint("claim:", n), Type: event.Claim, BrandID: brandA, MemberID: m, At: w.clk.Now(), Body: event.Body(event.ClaimBody{Points: pts})}
		}
		feed := func(events ...event.Event) {
			t.Helper()
			for range 2 { // at least once
				w.must(w.s.Consume(ctx, events))
			}
		}
		available := func(m id.ID) int64 {
			a, err := w.p.Account(ctx, m)
			w.must(err)
			return a.Available
		}
		t.Run("claims grow up to the cap of the day", func(t *testing.T) {
			feed(claim(101, 10), claim(101, 10), claim(101, 10))
			w.is(101, "普通", 15)
			if available(101) != 0 {
				t.Fatal("points without a level")
			}
		})
		t.Run("the level at the claim's own moment multiplies its points, once", func(t *testing.T) {
			late := claim(101, 100)
			w.clk.Advance(time.Minute)
			w.order(101, "1", 300)
			w.clk.Advance(time.Minute)
			feed(late, claim(101, 30))
			if available(101) != 15 {
				t.Fatal(available(101))
			}
			lines, err := w.p.Statement(ctx, 101, 0, 10)
			if err != nil || len(lines) != 1 || lines[0].Memo != "金卡积分加赠" {
				t.Fatalf("%+v %v", lines, err)
			}
		})
		t.Run("orders, refunds and reviews count; old ones and blocked members do not", func(t *testing.T) {
			order := func(m id.ID, no, refund string, fen money.Fen, at clock.Instant) event.Event {
				return event.Event{Key: "o:" + no + refund, Type: event.Order, BrandID: brandA, MemberID: m, At: at,
					Body: event.Body(event.OrderBody{Source: "tmall", OrderNo: no, RefundNo: refund, AmountFen: fen})}
			}
			now := w.clk.Now()
			feed(order(102, "1", "", 9_999, now), order(102, "1", "r", -5_000, now), order(102, "2", "", 50_000, now.Add(-40*24*time.Hour)), order(66, "3", "", 50_000, now))
			feed(event.Event{Key: "rv", Type: event.Review, BrandID: brandA, MemberID: 102, At: now, Body: json.RawMessage(`{"stars":5}`)})
			w.is(102, "普通", 99-50+5)
			w.is(66, "普通", 0)
		})
		t.Run("a brand without levels costs nothing and gives nothing", func(t *testing.T) {
			e := claim(103, 10)
			e.BrandID = 72
			feed(e)
			st, err := w.s.Standing(ctx, 72, 103)
			if err != nil || st.Level != -1 {
				t.Fatalf("%+v %v", st, err)
			}
		})
		t.Run("a birthday is once a year for the human", func(t *testing.T) {
			before := available(101)
			w.must(w.s.Birthday(ctx, brandA, 101, 2026))
			w.must(w.s.Birthday(ctx, brandA, 101, 2026))
			w.kin[103] = 101
			w.must(w.s.Birthday(ctx, brandA, 103, 2026))
			if got := available(101) - before; got != 88 {
				t.Fatal(got)
			}
		})
	})
}
