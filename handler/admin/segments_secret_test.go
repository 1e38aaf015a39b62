package admin_test

import (
	"context"
	"net/http"
	"testing"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/operator"
	"siyu/model/tag"
)

// TestASegmentIsNoWayAroundWhoMayUseATag: with a list of one beside it, the size would tell
// the tag of a person.
func TestASegmentIsNoWayAroundWhoMayUseATag(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		secret := tag.Tag{ID: d.NewID(), BrandID: o.brand.ID, Class: "basic", Name: "看护人", Kind: "fact", State: tag.Running, Roles: []string{operator.Approver}}
		if err := d.InTx(context.Background(), func(tx *gorm.DB) error { return tx.Create(&secret).Error }); err != nil {
			t.Fatal(err)
		}
		direct := `{"v":1,"root":{"tag":{"id":"` + secret.ID.String() + `","op":"has"}}}`
		inner := o.must("POST", "/segments", o.segmentForm("内层", direct, 0))
		outer := o.must("POST", "/segments", o.segmentForm("外层", `{"v":1,"root":{"not":{"segment":{"id":"`+inner.ID.String()+`"}}}}`, 0))
		through := `{"v":1,"root":{"segment":{"id":"` + outer.ID.String() + `"}}}`
		ops, approver := o.as(t, "secret-ops", operator.Operations), o.as(t, "secret-approver", operator.Approver)
		for _, tree := range []string{direct, through} {
			for _, path := range []string{"/segments/size", "/segments/sample"} {
				if a := ops.do("GET", path+treeQuery(o, tree), ""); a.Status != http.StatusBadRequest {
					t.Errorf("%s of %s: %d", path, tree, a.Status)
				}
				if a := approver.do("GET", path+treeQuery(o, tree), ""); a.Status != http.StatusOK {
					t.Errorf("%s of %s for who may: %d", path, tree, a.Status)
				}
			}
			if a := ops.do("POST", "/segments", o.segmentForm("绕过", tree, 0)); a.Status != http.StatusBadRequest {
				t.Errorf("built on %s: %d", tree, a.Status)
			}
		}
	})
}
