package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/holdout"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/lift"
	"siyu/model/money"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/model/rule"
	"siyu/model/segment"
)

// TestLiftOfAPush follows a push with everything wired, from the segment to the report: a
// fifth is left alone, the others buy three times as often, and the report says so. Nobody
// who was left alone has a place in the reach ledger.
func TestLiftOfAPush(t *testing.T) {
	const people = 600
	ctx := context.Background()
	clk := clock.NewFake(dbtest.Start)
	e, must := wired(t, clk)
	b, err := e.Brands.Create(ctx, brand.Brand{Slug: "eye", Name: "明眸", CodeHost: "eye.example.cn"})
	must(err)
	put := func(list []event.Event) {
		t.Helper()
		_, err := e.Events.Put(ctx, list)
		must(err)
		for more := true; more; {
			must(deliverAll(ctx, e))
			more, err = e.Segments.Refresh(ctx)
			must(err)
		}
	}
	order := func(m id.ID, n int, fen money.Fen) event.Event {
		return event.Event{Key: fmt.Sprint("order:", n), Type: event.Order, BrandID: b.ID, MemberID: m, Channel: event.Open, At: clk.Now(),
			Body: event.Body(event.OrderBody{Source: "shop", OrderNo: fmt.Sprint(n), AmountFen: fen, Lines: []event.OrderLine{{SKU: "lens", Quantity: 1, AmountFen: fen}}})}
	}
	var first []event.Event
	for i := range people {
		person, err := e.Identities.Resolve(ctx, identity.Login{AppID: "wx0000000000000001", OpenID: fmt.Sprintf("o%027d", i)})
		must(err)
		m, err := e.Members.Of(ctx, person)
		must(err)
		first = append(first, order(m.ID, i, 3000))
	}
	put(first)
	g, err := e.Segments.Create(ctx, segment.Draft{BrandID: b.ID, Name: "全部用户", Tree: rule.Tree{V: rule.Version, Root: rule.Node{All: []rule.Node{}}}}, 1)
	must(err)
	x, err := e.Pushes.Create(ctx, push.Form{BrandID: b.ID, Name: "到店提醒", Purpose: reach.Service, SegmentID: g.ID, Timing: push.Now, HeldBP: 2000,
		Body: push.Body{Uses: []reach.Use{{Channel: reach.SMS}}, Arms: []push.Arm{{Name: "A", Weight: 1, Contents: []push.Content{{Text: "您的镜片已到店"}}}}}}, 1)
	must(err)
	x, err = e.Pushes.Submit(ctx, x.ID, 1)
	must(err)
	x, err = e.Pushes.Approve(ctx, x.ID, x.Version, 2)
	must(err)
	clk.Advance(time.Minute)
	_, err = e.Pushes.Start(ctx, x.ID, 1)
	must(err)
	_, err = e.Pushes.Freeze(ctx, x.ID)
	must(err)

	held := map[id.ID]bool{}
	places, err := e.Pushes.Places(ctx, x.ID, 0, people)
	must(err)
	for _, p := range places {
		held[p.MemberID] = p.Arm == holdout.Held
	}
	if len(places) != people {
		t.Fatalf("%d of %d are in the audience", len(places), people)
	}
	clk.Advance(24 * time.Hour)
	var later []event.Event
	for i, f := range first {
		if every := map[bool]int{true: 10, false: 3}[held[f.MemberID]]; i%every == 0 {
			later = append(later, order(f.MemberID, people+i, 6000))
		}
	}
	put(later)
	clk.Advance(time.Minute)
	must(e.Reports.Run(ctx))
	r, err := e.Reports.Of(ctx, x.ID)
	must(err)
	if r.People != people || r.Sizes.Alarm || r.Held.People < people/7 || r.All == nil || r.All.Order.Verdict != lift.More || r.AsOf != clk.Now() {
		t.Errorf("%+v", r)
	}
	var taken []id.ID
	must(e.DB.Read(ctx).Raw("SELECT member_id FROM reach_ticket").Scan(&taken).Error)
	for _, m := range taken {
		if held[m] {
			t.Errorf("%d was left alone and has a place", m)
		}
	}
}

// deliverAll brings events to their consumers, as the workers do.
func deliverAll(ctx context.Context, e *environment) error {
	var batches []id.ID
	if err := e.DB.Read(ctx).Raw("SELECT id FROM event_batch").Scan(&batches).Error; err != nil {
		return err
	}
	for _, b := range batches {
		if err := e.Events.Deliver(ctx, b); err != nil {
			return err
		}
	}
	return nil
}
