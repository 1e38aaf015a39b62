package admin_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/push"
	"siyu/model/tag"
)

// pushTo is pushBody to a segment, or to a list.
func (o *office) pushTo(field string, of id.ID, more string) string {
	return strings.Replace(pushBody(o.brand.ID, "看护", more), `"segment_id":"7"`, `"`+field+`":"`+of.String()+`"`, 1)
}

// TestAPushIsNoWayAroundWhoMayUseATag: its preview and its copies name who has it.
func TestAPushIsNoWayAroundWhoMayUseATag(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		secret := o.secretTag()
		inner := o.must("POST", "/segments", o.segmentForm("内层", o.hasTag(secret), 0))
		outer := o.must("POST", "/segments", o.segmentForm("外层", inSegment(inner.ID), 0))
		list := o.must("POST", "/segments/"+outer.ID.String()+"/lists", `{"name":"取出"}`)
		ops, both := o.as(t, "push-ops", operator.Operations), o.as(t, "push-both", operator.Operations, operator.Approver)
		var own push.Push
		ops.do("POST", "/pushes", pushBody(o.brand.ID, "自己的", "")).into(t, &own)
		refused := func(what string, a answer) {
			t.Helper()
			if a.Status != http.StatusBadRequest || a.Error.Code != "rule_unknown" {
				t.Errorf("%s: %d %s", what, a.Status, a.Raw)
			}
		}
		for what, to := range map[string]struct {
			field string
			of    id.ID
		}{"segment": {"segment_id", inner.ID}, "by way of a segment": {"segment_id", outer.ID}, "list": {"list_id", list.ID}} {
			refused(what+", new", ops.do("POST", "/pushes", o.pushTo(to.field, to.of, "")))
			refused(what+", changed", ops.do("PUT", "/pushes/"+own.ID.String(), o.pushTo(to.field, to.of, `,"version":1,"reason":""`)))
			var p push.Push
			if a := both.do("POST", "/pushes", o.pushTo(to.field, to.of, "")); a.Status != http.StatusCreated {
				t.Fatalf("%s, by who may: %d %s", what, a.Status, a.Raw)
			} else {
				a.into(t, &p)
			}
			at := "/pushes/" + p.ID.String()
			refused(what+", somebody else's", ops.do("PUT", at, o.pushTo(to.field, to.of, `,"version":1,"reason":""`)))
			refused(what+", copied", ops.do("POST", at+"/copy", `{"reason":""}`))
			if a := both.do("POST", at+"/copy", `{"reason":""}`); a.Status != http.StatusCreated {
				t.Errorf("%s, copied by who may: %d %s", what, a.Status, a.Raw)
			}
			for who, named := range map[*person]bool{ops: false, both: true} {
				var list []push.Preview
				who.do("GET", at+"/preview", "").into(t, &list)
				if len(list) != 1 || (list[0].MemberID != 0) != named {
					t.Errorf("%s: preview %+v", what, list)
				}
			}
		}
		if a := ops.do("POST", "/pushes/"+own.ID.String()+"/copy", `{"reason":""}`); a.Status != http.StatusCreated {
			t.Errorf("%d %s", a.Status, a.Raw)
		}
		o.root.do("PUT", "/segments/"+inner.ID.String(), o.segmentForm("改了", everybodyTree, 1))
		if a := ops.do("POST", "/pushes", o.pushTo("segment_id", outer.ID, "")); a.Status != http.StatusCreated {
			t.Errorf("of a rule without it: %d %s", a.Status, a.Raw)
		}
	})
}

// TestNoPushNamesATagToWhomItIsNot: what of its audience is not as it was.
func TestNoPushNamesATagToWhomItIsNot(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		o.secretTag()
		p := o.pushIn(push.Draft)
		note := "审批之后标签“看护人”的定义从第 1 版改成了第 2 版，请撤回后重新提交审批"
		if err := d.InTx(context.Background(), func(tx *gorm.DB) error {
			return tx.Exec("UPDATE push SET note = ? WHERE id = ?", note, p.ID).Error
		}); err != nil {
			t.Fatal(err)
		}
		ops, approver := o.as(t, "note-ops", operator.Operations), o.as(t, "note-approver", operator.Approver)
		for who, want := range map[*person]string{ops: strings.Replace(note, "看护人", "受限标签", 1), approver: note} {
			var list []push.Push
			who.do("GET", "/pushes?brand_id="+o.brand.ID.String(), "").into(t, &list)
			var one push.Push
			who.do("GET", "/pushes/"+p.ID.String(), "").into(t, &one)
			for _, x := range append(list, one) {
				if x.Note != want || x.Said == nil || x.Said.Text != want || x.Said.Code != "note_moved" || strings.Contains(x.Said.Args["what"], "看护人") != (want == note) {
					t.Errorf("%s %+v, want %s", x.Note, x.Said, want)
				}
			}
		}
		t.Run("who decides reads that the audience is another, and not of which tag", func(t *testing.T) {
			p := o.pushIn(push.Pending)
			for i, g := range []tag.Tag{{Name: "家属", Roles: []string{operator.Support}}, {Name: "敏感肌", Roles: []string{}}} {
				g.ID, g.BrandID, g.Class, g.Kind, g.State = d.NewID(), o.brand.ID, "basic", "fact", tag.Running
				if err := d.InTx(context.Background(), func(tx *gorm.DB) error {
					if err := tx.Create(&g).Error; err != nil {
						return err
					}
					return tx.Exec("INSERT INTO push_pin (push_id, kind, ref_id, name, version) VALUES (?,'tag',?,?,1)", p.ID, i+1, g.Name).Error
				}); err != nil {
					t.Fatal(err)
				}
			}
			at, body := "/pushes/"+p.ID.String()+"/approve", `{"version":3,"reason":""}`
			if a := approver.do("POST", at, body); a.Error.Code != "push_moved" || strings.Contains(a.Raw, "家属") || !strings.Contains(a.Raw, "标签“受限标签”已停用") || !strings.Contains(a.Raw, "标签“敏感肌”已停用") {
				t.Errorf("%d %s", a.Status, a.Raw)
			}
			if a := o.root.do("POST", at, body); a.Error.Code != "push_moved" || !strings.Contains(a.Raw, "标签“家属”已停用") {
				t.Errorf("%d %s", a.Status, a.Raw)
			}
		})
	})
}
