package event

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/product"
)

// answers are who allows profiling; asked is called before an answer is given.
type answers struct {
	mu    sync.Mutex
	no    map[id.ID]bool
	asked func()
}

func (a *answers) set(member id.ID, allowed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.no[member] = !allowed
}

func (a *answers) GivenAmong(_ context.Context, members []id.ID, purpose string) (map[id.ID]bool, error) {
	if purpose != "profiling" {
		return nil, errors.New("asked for " + purpose)
	}
	a.mu.Lock()
	given := map[id.ID]bool{}
	for _, m := range members {
		given[m] = !a.no[m]
	}
	a.mu.Unlock()
	if a.asked != nil {
		a.asked() // what happens after the question
	}
	return given, nil
}

// goodsOf knows GTINs "1" to "9" as the products of these numbers, less those in no.
type goodsOf struct{ no map[string]bool }

func (g goodsOf) ByGTIN(_ context.Context, _ id.ID, gtin string) (product.Product, error) {
	if len(gtin) != 1 || g.no[gtin] {
		return product.Product{}, fault.New(fault.NotFound, "product_unknown", "")
	}
	return product.Product{ID: id.ID(gtin[0] - '0')}, nil
}

type market struct {
	*town
	p      *Purchases
	agreed *answers
	goods  goodsOf
}

func newMarket(t *testing.T, d *db.DB, clk *clock.Fake) *market {
	m := &market{town: newTown(t, d, clk), agreed: &answers{no: map[id.ID]bool{}}, goods: goodsOf{map[string]bool{}}}
	m.p = NewPurchases(m.s, m.agreed, m.goods)
	m.s.Consume("purchases", m.p.Consume)
	return m
}

// put stores events and delivers them.
func (m *market) put(events ...Event) {
	m.t.Helper()
	if _, err := m.s.Put(context.Background(), events); err != nil {
		m.t.Fatal(err)
	}
	var batches []id.ID
	if err := m.d.Read(context.Background()).Raw("SELECT id FROM event_batch").Scan(&batches).Error; err != nil {
		m.t.Fatal(err)
	}
	for _, b := range batches {
		if err := m.s.Deliver(context.Background(), b); err != nil {
			m.t.Fatal(err)
		}
	}
}

func (m *market) of(family ...id.ID) []Bought {
	m.t.Helper()
	list, _, err := m.p.Of(context.Background(), family)
	if err != nil {
		m.t.Fatal(err)
	}
	return list
}

func (m *market) withdraw(member id.ID) {
	m.t.Helper()
	if err := m.d.InTx(context.Background(), func(tx *gorm.DB) error { return m.p.Forget(context.Background(), tx, []id.ID{member}) }); err != nil {
		m.t.Fatal(err)
	}
	m.agreed.set(member, false)
}

func claimOf(n int, member id.ID, prod id.ID, at clock.Instant) Event {
	return Event{Key: fmt.Sprint("claim:", n), Type: Claim, BrandID: 1, MemberID: member, Channel: Code, At: at,
		Body: Body(ClaimBody{ProductID: prod, BatchID: 3, Serial: int64(n), CampaignID: 4, Kind: "cash", CashFen: 100})}
}

func orderOf(no, refund string, member id.ID, at clock.Instant, lines ...OrderLine) Event {
	b := OrderBody{Source: "tmall", OrderNo: no, RefundNo: refund, Lines: lines}
	for _, l := range lines {
		b.AmountFen += l.AmountFen
	}
	return Event{Key: "order:" + no + ":" + refund, Type: Order, BrandID: 1, MemberID: member, Channel: Open, At: at, Body: Body(b)}
}

const day = 24 * time.Hour

func TestPurchases(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		m, now := newMarket(t, d, clk), clk.Now()
		at := func(days int) clock.Instant { return now.Add(time.Duration(days-30) * day) }
		m.put(claimOf(1, 7, 2, at(0)), claimOf(2, 7, 2, at(0)+1), claimOf(3, 7, 2, at(10)), claimOf(4, 8, 2, at(14)),
			orderOf("A", "", 7, at(5), OrderLine{GTIN: "3", Quantity: 6, AmountFen: 6000}, OrderLine{SKU: "gift", Quantity: 1}),
			orderOf("B", "", 8, at(9), OrderLine{GTIN: "3", Quantity: 2, AmountFen: 2000}))
		t.Run("how many, when, at what interval and when next", func(t *testing.T) {
			got := m.of(7)
			want := []Bought{
				{BrandID: 1, ProductID: 2, Quantity: 3, Claimed: 3, Times: 2, FirstAt: at(0), LastAt: at(10), IntervalHours: 240, NextAt: at(20)},
				{BrandID: 1, ProductID: 3, Quantity: 6, Ordered: 6, AmountFen: 6000, Times: 1, FirstAt: at(5), LastAt: at(5)},
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("\n%+v\n%+v", got, want)
			}
		})
		t.Run("of the joined human: the interval is between his days, not a mean of means", func(t *testing.T) {
			got := m.of(7, 8)
			if b := got[0]; b.ProductID != 2 || b.Claimed != 4 || b.Times != 3 || b.IntervalHours != 168 || b.NextAt != at(21) {
				t.Errorf("%+v", b)
			}
			if b := got[1]; b.Ordered != 8 || b.AmountFen != 8000 || b.IntervalHours != 96 {
				t.Errorf("%+v", b)
			}
			if alone := m.of(8); len(alone) != 2 || alone[0].Claimed != 1 || alone[0].NextAt != 0 {
				t.Errorf("%+v", alone)
			}
		})
		t.Run("what was given back in part counts less, as a whole not at all", func(t *testing.T) {
			m.put(orderOf("A", "R1", 7, at(12), OrderLine{GTIN: "3", Quantity: -2, AmountFen: -2000}))
			if b := m.of(7)[1]; b.Ordered != 4 || b.AmountFen != 4000 || b.Times != 1 || b.LastAt != at(5) {
				t.Errorf("%+v", b)
			}
			m.put(orderOf("A", "R2", 7, at(13), OrderLine{GTIN: "3", Quantity: -4, AmountFen: -4000}))
			if b := m.of(7)[1]; b.Ordered != 0 || b.AmountFen != 0 || b.Times != 0 || b.LastAt != 0 {
				t.Errorf("%+v", b)
			}
		})
		t.Run("a product that is registered later is found by computing anew", func(t *testing.T) {
			m.goods.no["5"] = true
			m.put(orderOf("C", "", 9, at(20), OrderLine{GTIN: "5", Quantity: 1, AmountFen: 100}))
			if got := m.of(9); len(got) != 0 {
				t.Fatal(got)
			}
			delete(m.goods.no, "5")
			clk.Advance(2 * time.Second)
			if err := m.p.Rebuild(context.Background(), []id.ID{9}); err != nil {
				t.Fatal(err)
			}
			if got := m.of(9); len(got) != 1 || got[0].ProductID != 5 {
				t.Error(got)
			}
		})
		t.Run("taking the agreement back deletes all of it at once, and nothing new is kept", func(t *testing.T) {
			m.withdraw(7)
			m.put(claimOf(20, 7, 2, at(21)))
			if n := count(t, d, "purchase WHERE member_id = 7"); n != 0 {
				t.Errorf("%d rows", n)
			}
			if list, allowed, err := m.p.Of(context.Background(), []id.ID{7}); allowed || len(list) != 0 || err != nil {
				t.Error(list, allowed, err)
			}
		})
		t.Run("agreeing again brings back what the events say, those in between too", func(t *testing.T) {
			m.agreed.set(7, true)
			if got := m.of(7); len(got) != 2 || got[0].Claimed != 4 {
				t.Errorf("%+v", got)
			}
		})
		t.Run("joined with somebody who said no, nothing is shown and what is new is not kept", func(t *testing.T) {
			m.agreed.set(8, false)
			if list, allowed, err := m.p.Of(context.Background(), []id.ID{8}); allowed || len(list) != 0 || err != nil {
				t.Error(list, allowed, err)
			}
			m.put(claimOf(21, 8, 2, at(22)))
			if n := count(t, d, "purchase WHERE member_id = 8"); n != 0 {
				t.Errorf("%d rows", n)
			}
		})
		t.Run("an erased person leaves keys and times, and his facts do not come back", func(t *testing.T) {
			err := d.InTx(context.Background(), func(tx *gorm.DB) error {
				n, err := m.s.EraseTx(context.Background(), tx, []id.ID{7})
				if err == nil && n != 7 {
					t.Errorf("%d events", n)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if n := count(t, d, "event WHERE member_id = 7 OR member_id = 0 AND LENGTH(body) <> 2") + count(t, d, "purchase WHERE member_id = 7"); n != 0 {
				t.Errorf("%d rows", n)
			}
			rs, err := m.s.Put(context.Background(), []Event{claimOf(1, 7, 2, at(0))})
			if err != nil || statuses(rs) != "duplicate" {
				t.Error(statuses(rs), err)
			}
		})
	})
}

// Whatever happens, in whatever order and however often it is told: what is kept is what
// the events of those who agree say, and a family's figures are those of all its rows.
func TestPurchasesEqualWhatTheEventsSay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		m, ctx := newMarket(t, d, clk), context.Background()
		dice := rand.New(rand.NewPCG(5, 6))
		var events []Event
		model := map[id.ID][]Event{}
		for step := range 60 {
			who := id.ID(1 + dice.IntN(4))
			at := clk.Now().Add(-time.Duration(dice.IntN(100)) * day / 3)
			switch k := dice.IntN(10); {
			case k < 4:
				events = append(events, claimOf(step, who, id.ID(1+dice.IntN(3)), at))
			case k < 7:
				q := int64(1 + dice.IntN(3))
				events = append(events, orderOf(fmt.Sprint(step), "", who, at, OrderLine{GTIN: fmt.Sprint(1 + dice.IntN(3)), Quantity: q, AmountFen: 100}))
				if dice.IntN(3) == 0 {
					var b OrderBody
					if err := json.Unmarshal(events[len(events)-1].Body, &b); err != nil {
						t.Fatal(err)
					}
					events = append(events, orderOf(b.OrderNo, "R", who, at+1, OrderLine{GTIN: b.Lines[0].GTIN, Quantity: -q, AmountFen: -100}))
				}
			case k == 7:
				m.withdraw(who)
			case k == 8:
				m.agreed.set(who, true)
			case len(events) > 0: // told again
				if err := m.p.Consume(ctx, m.stored(events[dice.IntN(len(events)):])); err != nil {
					t.Fatal(err)
				}
			}
			if len(events) > 0 {
				m.put(events[max(0, len(events)-2):]...)
			}
		}
		for _, e := range m.stored(events) {
			model[e.MemberID] = append(model[e.MemberID], e)
		}
		for _, family := range [][]id.ID{{1}, {2}, {3}, {4}, {1, 2}, {3, 4, 1}, {1, 2, 3, 4}} {
			var rows []purchase
			allowed := true
			for _, who := range family {
				lines, err := m.p.lines(ctx, model[who])
				if err != nil {
					t.Fatal(err)
				}
				rows, allowed = append(rows, lines...), allowed && !m.agreed.no[who]
			}
			sortPurchases(rows)
			want := figures(rows)
			if !allowed {
				want = []Bought{}
			}
			if got := m.of(family...); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%v\n%+v\n%+v", family, got, want)
			}
		}
	})
}

// stored reads events as they are kept.
func (m *market) stored(events []Event) (list []Event) {
	m.t.Helper()
	for _, e := range events {
		s, err := m.s.Get(context.Background(), e.Key)
		if err != nil {
			m.t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

// A withdrawal or an erasure that commits after the agreement was asked for wins.
func TestPurchasesWithdrawalWins(t *testing.T) {
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		withdraw := (*market).withdraw
		erase := func(m *market, who id.ID) {
			if err := d.InTx(context.Background(), func(tx *gorm.DB) error {
				_, err := m.s.EraseTx(context.Background(), tx, []id.ID{who})
				return err
			}); err != nil {
				t.Fatal(err)
			}
			m.agreed.set(who, false) // with him his answers go
		}
		for i, c := range []struct {
			name   string
			before bool
			end    func(*market, id.ID)
		}{{"withdrawn at the first purchase", false, withdraw}, {"withdrawn at a later one", true, withdraw}, {"erased at the first", false, erase}, {"erased at a later one", true, erase}} {
			t.Run(c.name, func(t *testing.T) {
				m := newMarket(t, d, clk)
				who, n := id.ID(70+i), 1000*(1+i)
				if c.before {
					if err := m.p.Consume(context.Background(), []Event{claimOf(n+1, who, 2, clk.Now())}); err != nil {
						t.Fatal(err)
					}
				}
				m.agreed.asked = func() { m.agreed.asked = nil; c.end(m, who) }
				e := claimOf(n, who, 2, clk.Now())
				e.ID = id.ID(n)
				if err := m.p.Consume(context.Background(), []Event{e}); err != nil {
					t.Fatal(err)
				}
				if k := count(t, d, fmt.Sprint("purchase WHERE member_id = ", who)); k != 0 {
					t.Errorf("%d rows", k)
				}
			})
		}
	})
}

func sortPurchases(rows []purchase) {
	slices.SortFunc(rows, func(a, b purchase) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.EventID, b.EventID), cmp.Compare(a.Line, b.Line))
	})
}
