package admin_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/segment"
	"siyu/model/tag"
)

// secretTag makes a tag that is for approvers only.
func (o *office) secretTag() tag.Tag {
	o.t.Helper()
	g := tag.Tag{ID: o.d.NewID(), BrandID: o.brand.ID, Class: "basic", Name: "看护人", Kind: "fact", State: tag.Running, Roles: []string{operator.Approver}}
	if err := o.d.InTx(context.Background(), func(tx *gorm.DB) error { return tx.Create(&g).Error }); err != nil {
		o.t.Fatal(err)
	}
	return g
}

func (o *office) hasTag(g tag.Tag) string {
	return `{"v":1,"root":{"tag":{"id":"` + g.ID.String() + `","op":"has"}}}`
}

func inSegment(segmentID id.ID) string {
	return `{"v":1,"root":{"segment":{"id":"` + segmentID.String() + `"}}}`
}

func onList(listID id.ID) string {
	return `{"v":1,"root":{"all":[{"list":{"id":"` + listID.String() + `"}}]}}`
}

// TestAListIsNoWayAroundWhoMayUseATag: a list names no tag, and is of those who had it.
func TestAListIsNoWayAroundWhoMayUseATag(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		secret := o.secretTag()
		inner := o.must("POST", "/segments", o.segmentForm("内层", o.hasTag(secret), 0))
		outer := o.must("POST", "/segments", o.segmentForm("外层", inSegment(inner.ID), 0))
		ops, both := o.as(t, "list-ops", operator.Operations), o.as(t, "list-both", operator.Operations, operator.Approver)
		var lists []id.ID
		for i, g := range []named{inner, outer} {
			at := "/segments/" + g.ID.String() + "/lists"
			if a := ops.do("POST", at, `{"name":"绕过"}`); a.Status != http.StatusBadRequest || a.Error.Code != "rule_unknown" {
				t.Errorf("taken of %d: %d %s", i, a.Status, a.Raw)
			}
			var taken segment.Roster
			if a := both.do("POST", at, fmt.Sprintf(`{"name":"可以%d"}`, i)); a.Status != http.StatusCreated {
				t.Fatalf("%d %s", a.Status, a.Raw)
			} else {
				a.into(t, &taken)
			}
			lists = append(lists, taken.ID)
		}
		ofList := o.must("POST", "/segments", o.segmentForm("名单的人群", onList(lists[1]), 0))
		var again segment.Roster // a list of a list
		both.do("POST", "/segments/"+ofList.ID.String()+"/lists", `{"name":"再取"}`).into(t, &again)
		clk.Advance(5 * time.Minute)
		// What the rules say by now is of no matter to the lists.
		for _, g := range []named{inner, ofList} {
			o.root.do("PUT", "/segments/"+g.ID.String(), o.segmentForm("改了", everybodyTree, 1))
		}
		somebody := o.metHere(o.somebody(t, "oListed", "13800138020").ID)
		for what, list := range map[string]id.ID{"direct": lists[0], "by way of a segment": lists[1], "a list of a list": again.ID} {
			for _, path := range []string{"/segments/size", "/segments/sample"} {
				if a := ops.do("GET", path+treeQuery(o, onList(list)), ""); a.Status != http.StatusBadRequest {
					t.Errorf("%s: %s by who may not: %d", what, path, a.Status)
				}
				if a := both.do("GET", path+treeQuery(o, onList(list)), ""); a.Status != http.StatusOK {
					t.Errorf("%s: %s by who may: %d", what, path, a.Status)
				}
			}
			if a := ops.do("POST", "/segments", o.segmentForm("绕过", onList(list), 0)); a.Status != http.StatusBadRequest {
				t.Errorf("%s: built on: %d", what, a.Status)
			}
			for _, act := range []string{"members", "remove"} {
				at, body := "/segment-lists/"+list.String()+"/"+act, `{"member_ids":["`+somebody.String()+`"]}`
				if a := ops.do("POST", at, body); a.Status != http.StatusBadRequest {
					t.Errorf("%s: %s by who may not: %d %s", what, act, a.Status, a.Raw)
				}
				if a := both.do("POST", at, body); a.Status != http.StatusOK {
					t.Errorf("%s: %s by who may: %d %s", what, act, a.Status, a.Raw)
				}
			}
		}
		clk.Advance(5 * time.Minute)
		if a := ops.do("POST", "/segments/"+outer.ID.String()+"/lists", `{"name":"现在可以"}`); a.Status != http.StatusCreated {
			t.Errorf("by a rule without it: %d %s", a.Status, a.Raw)
		} else {
			var now segment.Roster
			a.into(t, &now)
			clk.Advance(5 * time.Minute)
			o.root.do("PUT", "/segments/"+inner.ID.String(), o.segmentForm("又改回", o.hasTag(secret), 2))
			if a := ops.do("GET", "/segments/size"+treeQuery(o, onList(now.ID)), ""); a.Status != http.StatusOK {
				t.Errorf("a list of before: %d %s", a.Status, a.Raw)
			}
		}
		plain := o.must("POST", "/segment-lists", `{"brand_id":"`+o.brand.ID.String()+`","name":"手工","note":""}`)
		if a := ops.do("GET", "/segments/size"+treeQuery(o, onList(plain.ID)), ""); a.Status != http.StatusOK {
			t.Errorf("a list by hand: %d %s", a.Status, a.Raw)
		}
	})
}
