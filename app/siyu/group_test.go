package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db/dbtest"
	"siyu/model/group"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/leader"
	"siyu/model/referral"
)

// The program's own wiring of communities: who leads them, whom he brought, and what
// becomes of them when he is suspended.
func TestCommunitiesKnowTheirLeaderAndHisPeople(t *testing.T) {
	ctx := context.Background()
	clk := clock.NewFake(dbtest.Start)
	e, must := wired(t, clk)
	n := 0
	who := func() id.ID {
		t.Helper()
		n++
		person, err := e.Identities.Resolve(ctx, identity.Login{AppID: "wx0000000000000001", OpenID: fmt.Sprintf("o%027d", n)})
		must(err)
		m, err := e.Members.Of(ctx, person)
		must(err)
		return m.ID
	}
	b, err := e.Brands.Create(ctx, brand.Brand{Slug: "laojing", Name: "老井", CodeHost: "q.example.cn"})
	must(err)
	boss := who()
	l, err := e.Leaders.Appoint(ctx, leader.Appointment{BrandID: b.ID, MemberID: boss, Role: leader.RoleClerk, Name: "王姐", ShopName: "一店", EmployeeNo: "001", By: 1})
	must(err)
	code, err := e.Referrals.CodeOf(ctx, b.ID, boss, referral.Clerk)
	must(err)
	for range 3 {
		_, err := e.Referrals.Bind(ctx, referral.Contact{BrandID: b.ID, Token: e.Referrals.Token(code), MemberID: who(), Channel: "h5", At: clk.Now()})
		must(err)
	}
	c, err := e.Groups.Create(ctx, group.By{LeaderID: l.ID}, group.Draft{Name: "王姐福利群"})
	must(err)
	_, err = e.Groups.PutQR(ctx, group.By{LeaderID: l.ID}, c.ID, group.Join{Text: "https://weixin.qq.com/g/AwYAAXyz"})
	must(err)
	live, err := e.Groups.SaveCode(ctx, 0, group.LiveDraft{BrandID: b.ID, Name: "海报", Targets: []group.TargetDraft{{CommunityID: c.ID}}})
	must(err)

	_, err = e.Leaders.Publish(ctx, b.ID, "群主应如实介绍商品，不得收取任何费用，不得以发展人员取酬。", 1)
	must(err)
	_, err = e.Leaders.Save(ctx, leader.Programme{BrandID: b.ID, Open: true, Levels: []leader.Level{{Name: "群主", Groups: 1}}}, 1)
	must(err)
	_, err = e.Leaders.Apply(ctx, leader.Application{BrandID: b.ID, MemberID: who(), Answers: leader.Answers{Name: "还在申请"}}) // looks after nobody yet
	must(err)
	loads, err := e.Groups.Capacity(ctx, b.ID, 0, 10)
	must(err)
	if len(loads) != 1 || loads[0].Direct != 3 || loads[0].Communities != 1 || loads[0].Name != "王姐" {
		t.Fatalf("%+v", loads)
	}
	send := func() group.Answer {
		t.Helper()
		a, err := e.Groups.Resolve(ctx, live.Token, group.Visitor{MemberID: who()}, clk.Now())
		must(err)
		return a
	}
	if a := send(); a.Community.ID != c.ID {
		t.Fatalf("%+v", a)
	}
	h, err := e.Groups.Health(ctx, group.By{LeaderID: l.ID}, c.ID)
	must(err)
	for _, p := range h.Parts {
		if want := p.Key != "fill"; p.Known != want { // nobody reported a size; the rest is known
			t.Errorf("%+v", p)
		}
	}
	_, err = e.Leaders.Suspend(ctx, leader.Decision{LeaderID: l.ID, By: 1, Reason: "核查"})
	must(err)
	clk.Advance(time.Minute)
	for _, chore := range e.groupChores() {
		must(chore.Do(ctx))
	}
	if a := send(); a.OK {
		t.Fatalf("sent to a suspended leader: %+v", a)
	}
}
