package admin_test

import (
	"context"
	"strings"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/points"
)

// audited holds the entries of an action against what one of them must say.
func (o *office) audited(action string, want ...string) {
	o.t.Helper()
	a := o.root.do("GET", "/audit?action="+action, "")
	for _, w := range want {
		if !strings.Contains(a.Raw, w) {
			o.t.Fatalf("%s: no %s in %s", action, w, a.Raw)
		}
	}
}

func TestTheAuditSaysWhatItWasBefore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		t.Run("of a leader's material that is changed and dropped", func(t *testing.T) {
			m := o.must("POST", "/leader-materials", `{"brand_id":"`+o.brand.ID.String()+`","kind":"copy","title":"旧","text":"旧文案"}`)
			o.must("PUT", "/leader-materials/"+m.ID.String(), `{"kind":"copy","title":"新","text":"旧文案"}`)
			o.audited("leader_material.update", `{"field":"title","before":"旧","after":"新"}`)
			o.must("DELETE", "/leader-materials/"+m.ID.String(), "")
			o.audited("leader_material.drop", `{"field":"state","before":"active","after":"gone"}`)
		})
		t.Run("of a keyword that answers something else now", func(t *testing.T) {
			path := "/accounts/" + o.merchant.ID.String() + "/keywords"
			o.must("PUT", path, `{"keyword":"客服","reply":"请拨 400"}`)
			o.must("PUT", path, `{"keyword":" 客服","reply":"请拨 800"}`)
			o.audited("keyword.save", `{"field":"reply","before":"请拨 400","after":"请拨 800"}`)
		})
		t.Run("of points that are refused", func(t *testing.T) {
			asked, err := o.deps.Points.Adjust(context.Background(), points.Adjustment{MemberID: o.member(100), BrandID: o.brand.ID, Points: 900_000, Reason: "补发", ByID: 1})
			if err != nil {
				t.Fatal(err)
			}
			o.must("POST", "/points/adjustments/"+asked.ID.String()+"/refuse", `{"reason":"没有依据"}`)
			o.audited("points.refuse", `{"field":"state","before":"requested","after":"refused"}`)
		})
	})
}
