package main

import (
	"context"
	"testing"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/product"
	"siyu/model/rule"
	"siyu/model/tag"
)

// Who bought what the brand registers afterwards has bought it, for segments and on his own
// page, and his tags are looked at again.
func TestGoodsAreRegisteredAfterTheyWereBought(t *testing.T) {
	ctx, clk := context.Background(), clock.NewFake(dbtest.Start)
	e, must := wired(t, clk)
	b, err := e.Brands.Create(ctx, brand.Brand{Slug: "eye", Name: "明眸", CodeHost: "eye.example.cn"})
	must(err)
	var members []id.ID
	const gtin, other = "6901234567892", "6901234567908"
	for i, bought := range []string{gtin, other} {
		m, err := e.Members.Of(ctx, id.ID(100+i))
		must(err)
		members = append(members, m.ID)
		_, err = e.Consents.Put(ctx, consent.Consent{MemberID: m.ID, Purpose: consent.Profiling, Given: true, Channel: consent.H5})
		must(err)
		_, err = e.Events.Put(ctx, []event.Event{{Key: "order:" + bought, Type: event.Order, BrandID: b.ID, MemberID: m.ID, Channel: event.Open, At: clk.Now(),
			Body: event.Body(event.OrderBody{Source: "shop", OrderNo: bought, AmountFen: 3000, Lines: []event.OrderLine{{GTIN: bought, Quantity: 1, AmountFen: 3000}}})}})
		must(err)
	}
	must(deliverAll(ctx, e))
	derive := func() {
		t.Helper()
		for _, c := range e.segmentChores() {
			if c.Name == "derive what changed of people" {
				must(c.Do(ctx))
			}
		}
	}
	derive()
	touched := func() (list []id.ID) {
		t.Helper()
		must(e.DB.Read(ctx).Raw("SELECT ref_id FROM outbox WHERE task = ? ORDER BY id", tag.TaskTouch).Scan(&list).Error)
		return list
	}
	shown := func(m id.ID, want int) {
		t.Helper()
		if list, allowed, err := e.Purchases.Of(ctx, []id.ID{m}); err != nil || !allowed || len(list) != want {
			t.Errorf("his page shows %v (allowed: %v, %v), want %d products", list, allowed, err, want)
		}
	}
	shown(members[0], 0)
	before := len(touched())
	p, err := e.Products.Create(ctx, product.Product{BrandID: b.ID, GTIN: gtin, Name: "护理液"})
	must(err)
	derive()
	found, err := e.Segments.Find(ctx, b.ID, rule.Tree{V: rule.Version, Root: rule.Node{Did: &rule.Did{What: rule.Bought, ProductIDs: []id.ID{p.ID}, Op: rule.Gte, Values: []int64{1}}}})
	must(err)
	if found.Count() != 1 {
		t.Errorf("%d people bought it, want 1", found.Count())
	}
	shown(members[0], 1)
	shown(members[1], 0)
	if after := touched()[before:]; len(after) != 1 || after[0] != members[0] {
		t.Errorf("tags of %v are looked at again, want those of %v", after, members[0])
	}
}
