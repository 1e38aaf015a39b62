package main

import (
	"context"
	"slices"
	"testing"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/model/rule"
	"siyu/model/segment"
)

// TestAudienceIsOfTheMomentItIsWrittenDown: who took his consent back a moment before is
// not in it, even when nobody has derived anything since.
func TestAudienceIsOfTheMomentItIsWrittenDown(t *testing.T) {
	ctx := context.Background()
	clk := clock.NewFake(dbtest.Start)
	e, must := wired(t, clk)
	b, err := e.Brands.Create(ctx, brand.Brand{Slug: "eye", Name: "明眸", CodeHost: "eye.example.cn"})
	must(err)
	var people []id.ID
	say := func(m id.ID, given bool) {
		t.Helper()
		_, err := e.Consents.Put(ctx, consent.Consent{MemberID: m, Purpose: consent.Profiling, Given: given, Channel: consent.H5})
		must(err)
	}
	for _, openID := range []string{"o000000000000000000000000000a", "o000000000000000000000000000b"} {
		person, err := e.Identities.Resolve(ctx, identity.Login{AppID: "wx0000000000000001", OpenID: openID})
		must(err)
		m, err := e.Members.Of(ctx, person)
		must(err)
		people = append(people, m.ID)
		say(m.ID, true)
		_, err = e.Events.Put(ctx, []event.Event{{Key: "order:" + openID, Type: event.Order, BrandID: b.ID, MemberID: m.ID, Channel: event.Open, At: clk.Now(),
			Body: event.Body(event.OrderBody{Source: "shop", OrderNo: openID, AmountFen: 3000, Lines: []event.OrderLine{{SKU: "lens", Quantity: 1, AmountFen: 3000}}})}})
		must(err)
	}
	must(deliverAll(ctx, e))
	g, err := e.Segments.Create(ctx, segment.Draft{BrandID: b.ID, Name: "买过的人", Tree: rule.Tree{V: rule.Version, Root: rule.Node{All: []rule.Node{{Did: &rule.Did{What: rule.Order, Op: rule.Gte, Values: []int64{1}}}}}}}, 1)
	must(err)
	x := push.Push{Form: push.Form{BrandID: b.ID, SegmentID: g.ID}}
	frozen := func() (list []id.ID) {
		t.Helper()
		f, err := audience{e}.Freeze(ctx, x)
		must(err)
		must(f.Each(func(part []id.ID) error { list = append(list, part...); return nil }))
		slices.Sort(list)
		return list
	}
	if got := frozen(); !slices.Equal(got, people) {
		t.Fatalf("%v, want %v", got, people)
	}
	say(people[0], false)
	if got := frozen(); !slices.Equal(got, people[1:]) {
		t.Errorf("%v, want %v", got, people[1:])
	}

	// Whoever takes it back after that, while his copy waits, gets none.
	say(people[0], true)
	must(deliverAll(ctx, e))
	a, err := e.Brands.SaveAccount(ctx, brand.Account{BrandID: b.ID, Kind: brand.Official, AppID: "wx0000000000000001", Name: "明眸", CallbackSlug: "eye-oa"}, brand.Secrets{AppSecret: "secret0123456789", Token: "token0123"})
	must(err)
	for _, m := range people {
		_, err := e.Consents.Put(ctx, consent.Consent{MemberID: m, Purpose: consent.Marketing, Given: true, Channel: consent.H5})
		must(err)
	}
	x, err = e.Pushes.Create(ctx, push.Form{BrandID: b.ID, SegmentID: g.ID, Name: "新品", Purpose: reach.Marketing, Timing: push.Now,
		Body: push.Body{Uses: []reach.Use{{Channel: reach.Custom, AccountID: a.ID}}, Arms: []push.Arm{{Name: "A", Weight: 1, Contents: []push.Content{{Text: "新品到店"}}}}}}, 1)
	must(err)
	x, err = e.Pushes.Start(ctx, x.ID, 1)
	must(err)
	_, err = e.Pushes.Freeze(ctx, x.ID)
	must(err)
	if x, err = e.Pushes.Get(ctx, x.ID); err != nil || !x.Profiled || x.People != 2 {
		t.Fatalf("%+v, %v", x, err)
	}
	say(people[0], false)
	var lane id.ID
	must(e.DB.Read(ctx).Raw("SELECT id FROM push_lane WHERE push_id = ?", x.ID).Scan(&lane).Error)
	_, _, err = e.Pushes.Take(ctx, lane, 10)
	must(err)
	var why []string
	must(e.DB.Read(ctx).Raw("SELECT reason FROM push_delivery WHERE run_id = ? ORDER BY member_id", x.ID).Scan(&why).Error)
	if want := []string{reach.NoProfiling, reach.NotFollowing}; !slices.Equal(why, want) {
		t.Errorf("%v, want %v", why, want)
	}
}
