package admin_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"siyu/handler/admin"
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

// revised are forms whose draft has a number of its own that the server compares; their own
// tests hold them to it.
var revised = map[string]bool{"PUT /campaigns/:id": true, "PUT /pushes/:id": true, "PUT /segments/:id": true, "PUT /tags/:id": true, "PUT /tags/:id/definition": true}

// notForms are PUTs that no form is filled for, each with why nothing is taken back.
var notForms = map[string]string{
	"PUT /brands/:id/setup":        "a switch that anybody may turn again",
	"PUT /import-mappings":         "saved under a name that is typed in, not a form that was filled with it",
	"PUT /jobs/seen":               "an operator's own",
	"PUT /me/views":                "an operator's own",
	"PUT /reach/people/:id/wishes": "one wish of a member, said anew each time",
	"PUT /tags/:id/scores":         "what a model worked out, by a program",
}

// postedForms are POSTs that save what a form was filled with, as a PUT does.
var postedForms = map[string]bool{"POST /brands/:id/leader-agreements": true}

// postedActs are the last words of the other POSTs below one thing: acts that the thing's
// own state guards, and things that are made new. A word that is not here was not thought of.
var postedActs = strings.Fields(`accounts activate adjustments approve archive archive-demo block cancel claw clone close copy decide discard
	dismiss done dry-run end explain freeze handle invite keys lists members merge password pause publish push-testers query ranges rebuild
	recompute refuse reject remove reopen reset resume retire retry reveal review revoke rotate run sample schedule signoffs start stop
	submit suspend sync tags take territories tests ticket unarchive unblock undo unfreeze ways withdraw replay`)

// Every form of the back office: what somebody else changed since it was filled is not taken
// back. A new PUT has to be sent here and refused, or say why it is no form.
func TestEveryFormThatIsOldTakesNobodysChangeBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		sent := o.allKeyed()
		for _, x := range o.exempts() {
			if _, there := sent[x.name]; !there {
				sent[x.name] = retry{path: x.path, body: x.body}
			}
		}
		one, two := o.as(t, "one", operator.Admin), o.as(t, "two", operator.Admin)
		there := map[string]bool{}
		for _, r := range o.h.Routes() {
			name := r.Method + " " + strings.TrimPrefix(r.Path, admin.Base)
			there[name] = true
			switch words := strings.Split(r.Path, "/"); {
			case r.Method == http.MethodPut && !revised[name] && notForms[name] == "", postedForms[name]:
			case r.Method == http.MethodPost && strings.Contains(r.Path, "/:id/") && !slices.Contains(postedActs, words[len(words)-1]):
				t.Errorf("%s: does it save a form that was filled with what is there?", name)
				continue
			default:
				continue
			}
			t.Run(name, func(t *testing.T) {
				x, known := sent[name]
				if !known {
					t.Fatal("nobody says what is sent")
				}
				if a := one.do(r.Method, x.path, x.body); a.Status >= 300 {
					t.Fatal(a.Status, a.Raw)
				}
				passed := func(p *person, ago string) {
					t.Helper()
					if a := p.do(r.Method, x.path, x.body, "X-Seen-Ago-Ms", ago); a.Error.Code == "changed_meanwhile" || a.Error.Code == "gone_meanwhile" {
						t.Error(a.Status, a.Raw)
					}
				}
				passed(one, "30000") // one's own change is no surprise
				clk.Advance(time.Minute)
				if a := two.do(r.Method, x.path, x.body, "X-Seen-Ago-Ms", "90000"); a.Status != 409 || a.Error.Code != "changed_meanwhile" || a.Error.Detail["by"] != "one" {
					t.Fatal(a.Status, a.Raw)
				}
				passed(two, "30000") // it was read since
			})
		}
		for name := range notForms {
			if !there[name] {
				t.Errorf("%s is no route", name)
			}
		}
		for _, list := range []map[string]bool{revised, postedForms} {
			for name := range list {
				if !there[name] {
					t.Errorf("%s is no route", name)
				}
			}
		}
	})
}

// What stands beside the thing that a form is about is nobody's business: another word's
// reply, another target, another year.
func TestWhatSomebodyElseChangedBesideItDoesNotMatter(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		one, two := o.as(t, "one", operator.Admin), o.as(t, "two", operator.Admin)
		of := func(tail string) string { return "/brands/" + o.brand.ID.String() + tail }
		keywords := "/accounts/" + o.merchant.ID.String() + "/keywords"
		o.must("PUT", keywords, `{"keyword":"退货","reply":"x"}`)
		for i, x := range []struct{ path, theirs, mine, which string }{
			{keywords, `{"keyword":"旧","reply":"y"}`, `{"keyword":" 退货","reply":"z"}`, ""},
			{of("/accounts"), merchantBody, corpAccount, ""},
			{of("/targets"), `{"month":202611,"metric":"scans","amount":5}`, `{"month":202611,"metric":"members","amount":5}`, `{"field":"metric","before":"scans","after":"scans"}`},
			{of("/targets"), `{"month":202611,"metric":"scans","amount":6}`, `{"month":202612,"metric":"scans","amount":6}`, `{"field":"month","before":202611,"after":202611}`},
			{"/reach/holidays", holidayBody(o.brand.ID, "店庆"), strings.ReplaceAll(holidayBody(o.brand.ID, "店庆"), "2026", "2027"), `{"field":"year","before":2026,"after":2026}`},
			{"/identity/kinds", `{"kind":"unionid","most":2}`, `{"kind":"openid","most":3}`, `{"field":"kind","before":"unionid","after":"unionid"}`},
			{"/profile-fields", profileField("shoe_size", "鞋码"), profileField("hat_size", "帽码"), `{"field":"name","before":"shoe_size","after":"shoe_size"}`},
		} {
			clk.Advance(time.Minute)
			theirs := one.do("PUT", x.path, x.theirs)
			if theirs.Status >= 300 {
				t.Fatal(i, theirs.Raw)
			}
			clk.Advance(time.Minute)
			if a := two.do("PUT", x.path, x.mine, "X-Seen-Ago-Ms", "90000"); a.Status >= 300 {
				t.Error(i, a.Raw)
			}
			if a := two.do("PUT", x.path, x.theirs, "X-Seen-Ago-Ms", "90000"); a.Error.Code != "changed_meanwhile" {
				t.Error(i, a.Raw)
			}
			// The log, too, says which of them it was.
			if a := o.root.do("GET", "/audit?limit=20", ""); !strings.Contains(a.Raw, x.which) {
				t.Error(i, x.which, a.Raw)
			}
		}
	})
}

// A reply that somebody has removed does not come back from a form that still shows it.
func TestAFormOfWhatIsGoneMakesNothingAnew(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		keywords, two := "/accounts/"+o.merchant.ID.String()+"/keywords", o.as(t, "two", operator.Admin)
		clk.Advance(time.Minute)
		o.must("DELETE", "/keywords/"+o.keyword.ID.String(), "")
		body := `{"keyword":"旧","reply":"y"}`
		if a := two.do("PUT", keywords, body, "X-Seen-Ago-Ms", "120000"); a.Status != 409 || a.Error.Code != "gone_meanwhile" {
			t.Fatal(a.Status, a.Raw)
		}
		if a := two.do("GET", keywords, ""); strings.Contains(a.Raw, "旧") {
			t.Fatal(a.Raw)
		}
		two.do("PUT", keywords, body).into(t, &named{}) // a new one may be made
	})
}

// What names nothing is a refused act, on record as others.
func TestARefusedFormIsOnRecord(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		if a := o.root.do("PUT", "/holdout", `{"brand":"1"}`); a.Error.Code != "unknown_field" {
			t.Fatal(a.Raw)
		}
		if a := o.root.do("GET", "/audit?action=holdout.set", ""); !strings.Contains(a.Raw, `"outcome":"unknown_field"`) {
			t.Fatal(a.Raw)
		}
	})
}

func profileField(name, title string) string {
	return `{"name":"` + name + `","title":"` + title + `","kind":"text","choices":[],"active":true,"place_no":9}`
}
