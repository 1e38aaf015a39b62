package holdout_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/holdout"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/money"
	"siyu/model/outbox"
)

const brand, pushID = 1, 77

// audience plays model/push.
type audience struct {
	p      holdout.Push
	places []holdout.Place
}

func (a *audience) Trial(_ context.Context, pushID id.ID) (holdout.Push, error) {
	if pushID != a.p.ID {
		return holdout.Push{}, fault.New(fault.NotFound, "push_unknown", "")
	}
	a.p.People = int64(len(a.places))
	return a.p, nil
}

func (a *audience) Begun(_ context.Context, since clock.Instant, after id.ID, _ int) ([]id.ID, error) {
	if a.p.ID <= after || a.p.BeganAt < since {
		return nil, nil
	}
	return []id.ID{a.p.ID}, nil
}

func (a *audience) Places(_ context.Context, _, after id.ID, limit int) ([]holdout.Place, error) {
	i, _ := slices.BinarySearchFunc(a.places, after+1, func(p holdout.Place, m id.ID) int { return int(p.MemberID - m) })
	return a.places[i:min(len(a.places), i+limit)], nil
}

// Everybody plays model/segment: the audience is the whole brand.
func (a *audience) Everybody(_ context.Context, _ id.ID, _ clock.Instant, after id.ID, limit int) (list []id.ID, _ error) {
	places, _ := a.Places(context.Background(), 0, after, limit)
	for _, p := range places {
		list = append(list, p.MemberID)
	}
	return list, nil
}

// shop is a brand whose people do things.
type shop struct {
	*audience
	t       testing.TB
	d       *db.DB
	clk     *clock.Fake
	members *member.Store
	events  *event.Store
	reports *holdout.Reports
	n       int // events so far
}

func newShop(t testing.TB, d *db.DB, clk *clock.Fake, s holdout.Split, people int) *shop {
	t.Helper()
	sh := &shop{audience: &audience{p: holdout.Push{ID: pushID, Split: s, BeganAt: clk.Now(), Done: map[string]map[string]int64{"A": {"sent": 5}}}}, t: t, d: d, clk: clk}
	sh.members, sh.events = member.New(d, identity.New(d)), event.New(d, outbox.New(d))
	sh.reports = holdout.NewReports(d, sh.audience, sh.audience, sh.events)
	rows := db.NewRows("member", "id, person_id, root_id, state, created_at")
	for range people {
		m := d.NewID()
		universal, arm := holdout.Arm(s, pushID, m)
		sh.places = append(sh.places, holdout.Place{MemberID: m, Universal: universal, Arm: arm})
		rows.Add(m, m, 0, member.Active, clk.Now())
	}
	slices.SortFunc(sh.places, func(a, b holdout.Place) int { return int(a.MemberID - b.MemberID) })
	sh.write(func(tx *gorm.DB) error {
		_, err := rows.Insert(context.Background(), tx, "")
		return err
	})
	return sh
}

func (sh *shop) write(do func(tx *gorm.DB) error) {
	sh.t.Helper()
	if err := sh.d.InTx(context.Background(), do); err != nil {
		sh.t.Fatal(err)
	}
}

func (sh *shop) at(brandID, memberID id.ID, at clock.Instant, typ string, body any) event.Event {
	sh.n++
	return event.Event{Key: fmt.Sprint("e:", sh.n), Type: typ, BrandID: brandID, MemberID: memberID, Channel: event.Open, At: at, Body: event.Body(body)}
}

func (sh *shop) scan(m id.ID, at clock.Instant) event.Event {
	return sh.at(brand, m, at, event.Scan, event.ScanBody{ProductID: 5, BatchID: 3, Serial: int64(sh.n + 1), Verdict: "first"})
}

func (sh *shop) order(m id.ID, at clock.Instant, fen money.Fen) event.Event {
	b := event.OrderBody{Source: "tmall", OrderNo: fmt.Sprint(sh.n), AmountFen: fen, Lines: []event.OrderLine{{SKU: "x", Quantity: 1, AmountFen: fen}}}
	if fen < 0 {
		b.RefundNo, b.Lines[0].Quantity = "r", -1
	}
	return sh.at(brand, m, at, event.Order, b)
}

func (sh *shop) put(list ...event.Event) {
	sh.t.Helper()
	if _, err := sh.events.Put(context.Background(), list); err != nil {
		sh.t.Fatal(err)
	}
}

func (sh *shop) report() holdout.Report {
	sh.t.Helper()
	r, err := sh.reports.Of(context.Background(), pushID)
	if err != nil {
		sh.t.Fatal(err)
	}
	return r
}

// of is the first n people of an arm.
func (sh *shop) of(arm string, n int) (list []id.ID) {
	sh.t.Helper()
	for _, p := range sh.places {
		if p.Arm == arm && !p.Universal && len(list) < n {
			list = append(list, p.MemberID)
		}
	}
	if len(list) < n {
		sh.t.Fatal("too few people in", arm)
	}
	return list
}

// forget lets the report be counted anew.
func (sh *shop) forget() {
	sh.write(func(tx *gorm.DB) error { return tx.Exec("DELETE FROM push_report").Error })
}

// join makes two members one human.
func (sh *shop) join(root, other id.ID) {
	sh.write(func(tx *gorm.DB) error {
		return tx.Exec("UPDATE member SET root_id = ? WHERE id = ?", root, other).Error
	})
}
