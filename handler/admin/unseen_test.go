package admin_test

import (
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/operator"
)

// Two administrators have the same person's form open. One dismisses him; the other, who
// only mends his name, must not let him in again.
func TestAFormThatIsOldTakesNobodysChangeBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk)
		one, two := s.as(t, "one", operator.Admin), s.as(t, "two", operator.Admin)
		var p operator.Operator
		one.do("POST", "/operators", `{"login":"gone","name":"小满","roles":["operations"],"password":"`+password+`"}`).into(t, &p)
		path := "/operators/" + p.ID.String()
		form := func(name, state string) string {
			return `{"name":"` + name + `","roles":["operations"],"brand_ids":[],"state":"` + state + `"}`
		}
		clk.Advance(time.Minute)
		one.do("PUT", path, form("小满", "disabled"), "X-Seen-Ago-Ms", "5000").into(t, &p)
		clk.Advance(time.Minute)

		a := two.do("PUT", path, form("小曼", "active"), "X-Seen-Ago-Ms", "90000")
		if a.Status != 409 || a.Error.Code != "changed_meanwhile" || a.Error.Message != "one 在 12:01 改过这里，您看到的不是最新内容。请关闭后重新打开，核对后再改" {
			t.Fatal(a.Status, a.Raw)
		}
		if one.do("GET", path, "").into(t, &p); p.State != operator.Disabled || p.Name != "小满" {
			t.Fatalf("%+v", p)
		}
		// Read again it may be changed; one's own change is no surprise to oneself; a refused one is none.
		two.do("PUT", path, form("小曼", "disabled"), "X-Seen-Ago-Ms", "1000").into(t, &p)
		two.do("PUT", path, form("小蔓", "disabled"), "X-Seen-Ago-Ms", "1000").into(t, &p)
		clk.Advance(time.Minute)
		if a := one.do("PUT", path, form("", "disabled"), "X-Seen-Ago-Ms", "0"); a.Status != 400 {
			t.Fatal(a.Raw)
		}
		clk.Advance(time.Minute)
		two.do("PUT", path, form("小漫", "disabled"), "X-Seen-Ago-Ms", "1000").into(t, &p)
		for _, bad := range []string{"-1", "soon", "99999999999999999999"} {
			if a := one.do("PUT", path, form("x", "disabled"), "X-Seen-Ago-Ms", bad); a.Status != 400 || a.Error.Code != "bad_field" {
				t.Fatal(bad, a.Raw)
			}
		}
		if a := one.do("PUT", path, form("x", "disabled"), "X-Seen-Ago-Ms", "9000000000000000000"); a.Status != 409 {
			t.Fatal(a.Raw)
		}
	})
}

// A product's points that somebody has just changed do not go back with a mended name.
func TestAProductIsNotChangedByAFormThatIsOld(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		p := o.must("POST", "/products", `{"brand_id":"`+o.brand.ID.String()+`","gtin":"06901234567908","name":"镜片"}`)
		one, two := o.as(t, "one", operator.Admin), o.as(t, "two", operator.Admin)
		path := "/products/" + p.ID.String()
		form := func(name, points string) string {
			return `{"brand_id":"` + o.brand.ID.String() + `","gtin":"06901234567908","name":"` + name + `","scan_points":` + points + `,"points_percent":100}`
		}
		clk.Advance(time.Minute)
		one.do("PUT", path, form("镜片", "50"), "X-Seen-Ago-Ms", "5000").into(t, &struct{}{})
		clk.Advance(time.Minute)
		if a := two.do("PUT", path, form("日抛镜片", "0"), "X-Seen-Ago-Ms", "90000"); a.Status != 409 || a.Error.Code != "changed_meanwhile" {
			t.Error(a.Status, a.Raw)
		}
		two.do("PUT", path, form("日抛镜片", "50"), "X-Seen-Ago-Ms", "1000").into(t, &struct{}{})
	})
}
