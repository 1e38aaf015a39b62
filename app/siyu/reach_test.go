package main

import (
	"context"
	"errors"
	"testing"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db/dbtest"
	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/message"
	"siyu/model/notice"
	book "siyu/model/phone"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/wechat"
)

// The program's own wiring of the ledger: what WeChat reports opens a window, what the
// program says by itself uses it up, and text messages find their number.
func TestReachIsToldOfEverything(t *testing.T) {
	ctx := context.Background()
	clk := clock.NewFake(dbtest.Start)
	e, must := wired(t, clk)
	b, err := e.Brands.Create(ctx, brand.Brand{Slug: "laojing", Name: "老井", CodeHost: "q.example.cn"})
	must(err)
	a, err := e.Brands.SaveAccount(ctx, brand.Account{BrandID: b.ID, Kind: brand.Official, AppID: "wx0000000000000001", Name: "老井", CallbackSlug: "laojing-oa"}, brand.Secrets{AppSecret: "secret0123456789", Token: "token0123"})
	must(err)
	body, err := follow.Message{AppID: a.AppID, OpenID: "o-1", Type: "event", Event: follow.Subscribe, CreatedAt: clk.Now().Time().Unix()}.Body()
	must(err)
	must(listeners{e}.ApplyMessage(ctx, notice.Notice{Source: notice.Official, AccountID: a.ID, Body: body}))
	person, err := e.Identities.Meet(ctx, a.AppID, "o-1")
	must(err)
	m, err := e.Members.Of(ctx, person)
	must(err)
	ask := reach.Ask{BrandID: b.ID, Purpose: reach.Service, Uses: []reach.Use{{Channel: reach.Custom, AccountID: a.ID}}}
	why := func() string {
		t.Helper()
		list, err := e.Reach.Look(ctx, ask, []id.ID{m.ID})
		must(err)
		return list[0].Reason
	}
	for i := range 3 {
		if got := why(); got != "" {
			t.Fatalf("after %d messages of a follower's three: %s", i, got)
		}
		key := []string{"remind:1", "remind:2", "remind:3"}[i]
		must(e.Messages.Tell(ctx, message.Message{MessageKey: key, AccountID: a.ID, MemberID: m.ID, OpenID: "o-1", Text: "请收款"}))
		var told id.ID
		must(e.DB.Read(ctx).Raw("SELECT id FROM message WHERE message_key = ?", key).Scan(&told).Error)
		must(e.Messages.End(ctx, told, message.Sent, ""))
	}
	if got := why(); got != reach.WindowUsed {
		t.Fatalf("after three: %q", got)
	}

	number, err := book.Parse("13800138000")
	must(err)
	hash, err := e.Phones.Put(ctx, number)
	must(err)
	p := push.Parcel{Key: "d-1", OpenID: hash, Way: reach.Use{Channel: reach.SMS}, Message: push.Message{Text: "到货"}}
	must(e.carry(ctx, p))
	must(e.carry(ctx, p))
	loop := e.Carrier.(*reach.Loopback)
	if texts := loop.Texts(); len(texts) != 1 || texts[0].Number != "+8613800138000" || texts[0].Body != "到货" {
		t.Fatalf("%+v", texts)
	}
	loop.Fail(&reach.CarrierRefusal{Code: "arrears", Stop: true})
	if err := e.carry(ctx, p); wechat.ErrCode(err) != wechat.CodeDailyQuota {
		t.Fatal(err)
	}
	loop.Fail(errors.New("no answer"))
	if err := e.carry(ctx, p); err == nil || wechat.DidNothing(err) {
		t.Fatal("nobody knows whether it went:", err)
	}
	p.OpenID = "nobody's"
	loop.Fail(nil)
	if err := e.carry(ctx, p); !wechat.DidNothing(err) {
		t.Fatal(err)
	}
}

// In production nobody carries text messages yet: then they are no way.
func TestTextMessagesNeedACarrier(t *testing.T) {
	e, _ := wired(t, clock.NewFake(dbtest.Start))
	for _, simulated := range []bool{true, false} {
		e.Config.Simulator, e.Carrier = simulated, nil
		e.buildReach()
		if err := e.Reach.CheckUse(t.Context(), 1, reach.Use{Channel: reach.SMS}); (err == nil) != simulated {
			t.Errorf("simulated %v: %v", simulated, err)
		}
	}
}
