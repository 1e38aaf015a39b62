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
	"siyu/model/segment"
)

// TestNoAnswerNamesATagToWhomItIsNot: in the rule of a segment, in a push's note, in a trace.
func TestNoAnswerNamesATagToWhomItIsNot(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		secret := o.secretTag()
		inner := o.must("POST", "/segments", o.segmentForm("内层", phoneTree, 0))
		list := o.must("POST", "/segment-lists", `{"brand_id":"`+o.brand.ID.String()+`","name":"手工","note":""}`)
		g := o.must("POST", "/segments", o.segmentForm("外层", `{"v":1,"root":{"all":[{"tag":{"id":"`+secret.ID.String()+`","op":"has"}},{"segment":{"id":"`+inner.ID.String()+`"}},{"list":{"id":"`+list.ID.String()+`"}}]}}`, 0))
		hidden, open := "有标签「受限标签」，并且属于人群「内层」，并且在名单「手工」中", "有标签「看护人」，并且属于人群「内层」，并且在名单「手工」中"
		ops, approver := o.as(t, "words-ops", operator.Operations), o.as(t, "words-approver", operator.Approver)
		p := o.pushIn(push.Running)
		stranger := o.somebody(t, "oWords", "13800138021").ID
		set := func(column string, value any) {
			t.Helper()
			if err := d.InTx(context.Background(), func(tx *gorm.DB) error {
				return tx.Exec("UPDATE push SET "+column+" = ? WHERE id = ?", value, p.ID).Error
			}); err != nil {
				t.Fatal(err)
			}
		}
		set("segment_id", g.ID)
		set("segment_version", 1)
		for who, want := range map[*person]string{ops: hidden, approver: open} {
			var view struct{ Rule segment.Rule }
			who.do("GET", "/segments/"+g.ID.String(), "").into(t, &view)
			var versions []segment.Rule
			who.do("GET", "/segments/"+g.ID.String()+"/versions", "").into(t, &versions)
			if view.Rule.Sentence != want || len(versions) != 1 || versions[0].Sentence != want {
				t.Errorf("%s, %+v, want %s", view.Rule.Sentence, versions, want)
			}
			var w push.Trace
			who.do("GET", "/pushes/"+p.ID.String()+"/why?member_id="+stranger.String(), "").into(t, &w)
			if len(w.Steps) == 0 || w.Steps[0].Text != "开始时他不在人群里（"+want+"）" || w.Steps[0].Said.Args["rule"] != want {
				t.Errorf("%+v, want %s", w.Steps, want)
			}
		}
		set("segment_id", 0)
		set("list_id", list.ID)
		var w push.Trace
		ops.do("GET", "/pushes/"+p.ID.String()+"/why?member_id="+stranger.String(), "").into(t, &w)
		if len(w.Steps) != 1 || w.Steps[0].Text != "开始时他不在人群里（在名单「手工」中）" {
			t.Errorf("%+v", w.Steps)
		}
	})
}

// TestAnExportIsNoWayAroundWhoMayUseATag: it names who has it, one by one.
func TestAnExportIsNoWayAroundWhoMayUseATag(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		secret := o.secretTag()
		g := o.must("POST", "/segments", o.segmentForm("看护", o.hasTag(secret), 0))
		list := o.must("POST", "/segments/"+g.ID.String()+"/lists", `{"name":"取出"}`)
		plain := o.must("POST", "/segments", o.segmentForm("都有", everybodyTree, 0))
		ops, approver := o.as(t, "export-ops", operator.Operations), o.as(t, "export-approver", operator.Approver)
		ask := func(who *person, kind, filter string, of id.ID) answer {
			return who.do("POST", "/extracts", `{"kind":"`+kind+`","filter":{"`+filter+`":"`+of.String()+`"},"reason":"核对"}`)
		}
		for kind, of := range map[[2]string]id.ID{{"segment_people", "segment_id"}: g.ID, {"list_people", "list_id"}: list.ID} {
			if a := ask(ops, kind[0], kind[1], of); a.Status != http.StatusBadRequest || a.Error.Code != "rule_unknown" {
				t.Errorf("%s: %d %s", kind, a.Status, a.Raw)
			}
			if a := ask(approver, kind[0], kind[1], of); a.Status != http.StatusCreated {
				t.Errorf("%s for who may: %d %s", kind, a.Status, a.Raw)
			}
		}
		if a := ask(ops, "segment_people", "segment_id", plain.ID); a.Status != http.StatusCreated || strings.Contains(a.Raw, "rule_unknown") {
			t.Errorf("%d %s", a.Status, a.Raw)
		}
	})
}
