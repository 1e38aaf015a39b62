package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db/dbtest"
	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/notice"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/model/segment"
)

// A push that is scheduled keeps the last grant of those it is for, until it is taken back.
func TestAScheduledPushKeepsGrants(t *testing.T) {
	ctx := context.Background()
	clk := clock.NewFake(dbtest.Start)
	e, must := wired(t, clk)
	b, err := e.Brands.Create(ctx, brand.Brand{Slug: "eye", Name: "明眸", CodeHost: "eye.example.cn"})
	must(err)
	a, err := e.Brands.SaveAccount(ctx, brand.Account{BrandID: b.ID, Kind: brand.Official, AppID: "wx0000000000000001", Name: "明眸", CallbackSlug: "eye-oa"}, brand.Secrets{AppSecret: "secret0123456789", Token: "token0123"})
	must(err)
	var members []id.ID
	for i := range 2 {
		openID := fmt.Sprintf("o%027d", i)
		for n, event := range []string{follow.Subscribe, "subscribe_msg_popup_event"} {
			body, err := follow.Message{AppID: a.AppID, OpenID: openID, Type: "event", Event: event, CreatedAt: clk.Now().Time().Unix(), Grants: []follow.Grant{{TemplateID: "ARRIVAL", Status: "accept"}}[:n]}.Body()
			must(err)
			must(listeners{e}.ApplyMessage(ctx, notice.Notice{Source: notice.Official, AccountID: a.ID, Body: body}))
		}
		person, err := e.Identities.Meet(ctx, a.AppID, openID)
		must(err)
		m, err := e.Members.Of(ctx, person)
		must(err)
		members = append(members, m.ID)
	}
	for more := true; more; {
		begins, err := e.Segments.Begin(ctx)
		must(err)
		must(deliverAll(ctx, e))
		more, err = e.Segments.Refresh(ctx)
		must(err)
		more = more || begins
	}
	list, err := e.Segments.CreateRoster(ctx, segment.Roster{BrandID: b.ID, Name: "老客"})
	must(err)
	_, err = e.Segments.Put(ctx, list.ID, members[:1])
	must(err)
	use := reach.Use{Channel: reach.Subscribe, AccountID: a.ID, TemplateID: "ARRIVAL"}
	x, err := e.Pushes.Create(ctx, push.Form{BrandID: b.ID, Name: "复查提醒", Purpose: reach.Service, Worth: 90, ListID: list.ID, Timing: push.At, StartAt: clk.Now().Add(24 * time.Hour),
		Body: push.Body{Uses: []reach.Use{use}, Arms: []push.Arm{{Name: "A", Weight: 1, Contents: []push.Content{{Data: map[string]string{"thing1": "该复查了"}}}}}}}, 1)
	must(err)
	x, err = e.Pushes.Submit(ctx, x.ID, 1)
	must(err)
	x, err = e.Pushes.Approve(ctx, x.ID, x.Version, 2)
	must(err)
	if x.State != push.Scheduled {
		t.Fatalf("%+v", x)
	}
	why := func(worth int) (out [2]string) {
		t.Helper()
		must(e.keepGrants(ctx))
		answers, err := e.Reach.Look(ctx, reach.Ask{BrandID: b.ID, Purpose: reach.Service, Uses: []reach.Use{use}, Value: worth}, members)
		must(err)
		return [2]string{answers[0].Reason, answers[1].Reason}
	}
	if got := why(50); got != [2]string{reach.KeptForBetter, ""} {
		t.Fatalf("a message that is worth less: %q", got)
	}
	if got := why(90); got != [2]string{"", ""} {
		t.Fatalf("one that is worth as much: %q", got)
	}
	_, err = e.Pushes.Withdraw(ctx, x.ID)
	must(err)
	if got := why(50); got != [2]string{"", ""} {
		t.Fatalf("after it was taken back: %q", got)
	}
}
