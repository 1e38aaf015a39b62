package main

import (
	"context"
	"encoding/json"
	"testing"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/leader"
	"siyu/model/profile"
	"siyu/model/referral"
)

// The program's own wiring of leaders: what an approval changes elsewhere, whose code
// binds, and whose purchases count for whom.
func TestALeadersCodeBindsWhileHeIsActive(t *testing.T) {
	ctx := context.Background()
	clk := clock.NewFake(dbtest.Start)
	e, must := wired(t, clk)
	b, err := e.Brands.Create(ctx, brand.Brand{Slug: "laojing", Name: "老井", CodeHost: "q.example.cn"})
	must(err)
	_, err = e.Leaders.Publish(ctx, b.ID, "群主应如实介绍商品，不得收取任何费用，不得以发展人员取酬。", 1)
	must(err)
	p, err := e.Leaders.Programme(ctx, b.ID)
	must(err)
	p.Open, p.Levels = true, []leader.Level{{Name: "群主", Groups: 3}}
	_, err = e.Leaders.Save(ctx, p, 1)
	must(err)
	who := func(openID string) id.ID {
		t.Helper()
		person, err := e.Identities.Resolve(ctx, identity.Login{AppID: "wx0000000000000001", OpenID: openID})
		must(err)
		m, err := e.Members.Of(ctx, person)
		must(err)
		return m.ID
	}
	boss, first, second, third := who("o000000000000000000000000001"), who("o000000000000000000000000002"), who("o000000000000000000000000003"), who("o000000000000000000000000004")
	code, err := e.Referrals.CodeOf(ctx, b.ID, boss, referral.Leader)
	must(err)
	bind := func(m id.ID) error {
		_, err := e.Referrals.Bind(ctx, referral.Contact{BrandID: b.ID, Token: e.Referrals.Token(code), MemberID: m, Channel: "h5", At: clk.Now()})
		return err
	}
	closed := func(m id.ID, when string) {
		t.Helper()
		if err := bind(m); fault.Of(err) == nil || fault.Of(err).Code != "referral_closed" {
			t.Fatalf("%s his code answers %v", when, err)
		}
	}
	closed(first, "before he applied")
	l, err := e.Leaders.Apply(ctx, leader.Application{BrandID: b.ID, MemberID: boss, Answers: leader.Answers{Name: "老王"}, AgreedVersion: 1})
	must(err)
	closed(first, "before he was approved")
	l, err = e.Leaders.Approve(ctx, leader.Decision{LeaderID: l.ID, By: 1})
	must(err)
	r, err := e.Profiles.RelationOf(ctx, []id.ID{boss})
	must(err)
	if l.State != leader.Active || r.Depth != profile.Leader {
		t.Fatalf("%s, depth %s", l.State, r.Depth)
	}
	must(bind(first))
	t.Run("a purchase of a referee counts for his leader", func(t *testing.T) {
		body, err := json.Marshal(event.OrderBody{Source: "tmall", OrderNo: "1", AmountFen: 5000, Lines: []event.OrderLine{{Name: "啤酒", Quantity: 1, AmountFen: 5000}}})
		must(err)
		must(e.Leaders.Consume(ctx, []event.Event{{Key: "order:1", Type: event.Order, BrandID: b.ID, MemberID: first, At: clk.Now().Add(1000), Body: body}}))
		h, err := e.Leaders.Home(ctx, l)
		must(err)
		if h.Activity.Today != 1 || h.Activity.Buyers30 != 1 || h.People.Direct != 1 {
			t.Fatalf("%+v %+v", h.Activity, h.People)
		}
	})
	_, err = e.Leaders.Suspend(ctx, leader.Decision{LeaderID: l.ID, By: 1, Reason: "接到投诉"})
	must(err)
	closed(second, "while he is suspended")
	_, err = e.Leaders.Resume(ctx, leader.Decision{LeaderID: l.ID, By: 1})
	must(err)
	must(bind(second))
	_, err = e.Leaders.Leave(ctx, b.ID, boss)
	must(err)
	closed(third, "after he left")
	if r, err = e.Profiles.RelationOf(ctx, []id.ID{boss}); err != nil || r.Depth != profile.Leader {
		t.Fatal("leaving undid what he was:", r.Depth, err)
	}
}
