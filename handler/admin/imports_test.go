package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"strings"
	"testing"

	"siyu/handler/admin"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/crm"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/operator"
	"siyu/model/outbox"
	"siyu/model/points"
	"siyu/model/profile"
	"siyu/model/seal"
)

// still plays the event store: nobody did anything.
type still struct{}

func (still) Last(context.Context, []id.ID) (clock.Instant, error)            { return 0, nil }
func (still) Count(context.Context, []id.ID, clock.Instant, int) (int, error) { return 0, nil }

func newProfiles(d *db.DB, box *seal.Box, deps admin.Deps) (*profile.Store, *crm.Store) {
	agreed, given := consent.New(d), points.New(ledger.New(d))
	p := profile.New(profile.Deps{DB: d, Families: deps.Members, Consents: agreed, Points: given, Activity: still{}})
	return p, crm.New(crm.Deps{DB: d, Box: box, Outbox: outbox.New(d), People: deps.Identities, Members: deps.Members, Phones: deps.Phones,
		Profiles: p, Consents: agreed, Points: given, Accounts: deps.Points})
}

const boundary = "siyu-test-boundary"

// form is a multipart body with a fixed boundary, and the header that names it.
func form(brand, name, file string) (body, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.SetBoundary(boundary)
	f, _ := w.CreateFormFile("file", "老会员.csv")
	_, _ = f.Write([]byte(file))
	_ = w.WriteField("brand_id", brand)
	_ = w.WriteField("name", name)
	_ = w.WriteField("source", "天猫2019")
	_ = w.Close()
	return b.String(), w.FormDataContentType()
}

const oldCustomers = "手机号,客户编号,昵称,生日\n13800000001,A1,老王,1980-01-02\n13800000002,A2,小李,2030-01-01\n"

func (o *office) upload(p *person, file string, header ...string) answer {
	body, kind := form(o.brand.ID.String(), "2019 会员", file)
	return p.do("POST", "/imports", body, append([]string{"Content-Type", kind}, header...)...)
}

// importsKeyed are the writes of imports and profiles; each import waits in the state
// that its route wants.
func (o *office) importsKeyed() map[string]retry {
	at := func(steps ...string) string {
		var i named
		o.upload(o.root, oldCustomers).into(o.t, &i)
		for _, s := range steps {
			switch s {
			case "map":
				o.must("PUT", "/imports/"+i.ID.String()+"/mapping", mapping)
			case "work":
				if err := o.deps.Imports.Work(context.Background(), i.ID); err != nil {
					o.t.Fatal(err)
				}
			default:
				o.must("POST", "/imports/"+i.ID.String()+"/"+s, "")
			}
		}
		return "/imports/" + i.ID.String()
	}
	body, _ := form(o.brand.ID.String(), "甲", oldCustomers)
	other, _ := form(o.brand.ID.String(), "甲", oldCustomers+"13800000003,A3,,\n")
	template := `{"brand_id":"` + o.brand.ID.String() + `","name":"天猫","mapping":` + mapping + `}`
	checked := []string{"map", "dry-run", "work"}
	m, err := o.deps.Members.Of(context.Background(), o.d.NewID())
	if err != nil {
		o.t.Fatal(err)
	}
	why := func(reason string) string { return `{"reason":"` + reason + `"}` }
	return map[string]retry{
		"POST /imports":             {path: "/imports", body: body, other: other},
		"PUT /imports/:id/mapping":  {path: at() + "/mapping", body: mapping, other: strings.ReplaceAll(mapping, "key:crm", "key:card")},
		"POST /imports/:id/dry-run": {path: at("map") + "/dry-run", body: why("a"), other: why("b")},
		"POST /imports/:id/run":     {path: at(checked...) + "/run", body: why("a"), other: why("b")},
		"POST /imports/:id/pause":   {path: at(append(checked, "run")...) + "/pause", body: why("a"), other: why("b")},
		"POST /imports/:id/cancel":  {path: at() + "/cancel", body: why("a"), other: why("b")},
		"POST /imports/:id/undo":    {path: at("cancel") + "/undo", body: why("a"), other: why("b")},
		"PUT /import-mappings":      {path: "/import-mappings", body: template, other: strings.ReplaceAll(template, "key:crm", "key:card")},
		"PUT /members/:id/profile": {path: "/members/" + m.ID.String() + "/profile", body: `{"values":{"city":"杭州"},"reason":"来电"}`,
			other: `{"values":{"city":"宁波"},"reason":"来电"}`},
		"PUT /profile-fields": {path: "/profile-fields", body: `{"name":"taste","title":"口味","kind":"choice","choices":["辣","甜"],"active":true}`,
			other: `{"name":"taste","title":"口味","kind":"choice","choices":["辣","咸"],"active":true}`},
	}
}

const mapping = `{"columns":[{"column":"手机号","to":"key:phone"},{"column":"客户编号","to":"key:crm"},{"column":"昵称","to":"profile:nickname"},{"column":"生日","to":"profile:birthday"}],"app_id":"","consents":[],"evidence":""}`

func TestOldCustomersAreImported(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		ops := o.as(t, "ops", operator.Operations)
		var i crm.Import
		o.upload(ops, oldCustomers).into(t, &i)
		path := "/imports/" + i.ID.String()
		var v struct {
			crm.Import
			Suggested []crm.Column
			Sample    [][]string
		}
		ops.do("GET", path, "").into(t, &v)
		if got := fmt.Sprint(v.Suggested); got != "[{手机号 key:phone} {客户编号 key:crm} {昵称 profile:nickname} {生日 profile:birthday}]" {
			t.Fatal(got)
		}
		if len(v.Sample) != 2 || v.Sample[0][0] != "138****0001" || strings.Contains(fmt.Sprint(v.Sample), "13800000001") {
			t.Fatal(v.Sample)
		}
		if a := ops.do("POST", path+"/dry-run", ""); a.Error.Code != "import_mapping" {
			t.Fatal(a.Raw)
		}
		ops.do("PUT", path+"/mapping", mapping).into(t, &i)
		for _, step := range []string{"dry-run", "run"} {
			ops.do("POST", path+"/"+step, "").into(t, &i)
			if err := o.deps.Imports.Work(context.Background(), i.ID); err != nil {
				t.Fatal(err)
			}
		}
		ops.do("GET", path, "").into(t, &i)
		if i.State != crm.Done || i.NewRows != 1 || i.BadRows != 1 {
			t.Fatalf("%+v", i)
		}
		a := ops.do("GET", path+"/errors", "")
		if a.Status != 200 || !strings.HasPrefix(a.Header.Get("Content-Disposition"), "attachment") || !strings.Contains(a.Raw, "3,生日,2030-01-01,") {
			t.Fatal(a.Status, a.Header, a.Raw)
		}
		// The whole row is for who may upload one; support reads the masked reasons.
		if a := ops.do("GET", path+"/bad-rows", ""); a.Status != 200 || !strings.Contains(a.Raw, "2030-01-01,原第 3 行 生日：") {
			t.Fatal(a.Status, a.Raw)
		}
		if a := o.as(t, "help", operator.Support).do("GET", path+"/bad-rows", ""); a.Status != 403 {
			t.Fatal(a.Status)
		}
		if a := ops.do("POST", path+"/undo", ""); a.Status != 403 {
			t.Fatal("who imports may also wipe:", a.Status)
		}
		var audit []json.RawMessage
		o.root.do("GET", "/audit?limit=100", "").into(t, &audit)
		if all := fmt.Sprintf("%s", audit); strings.Contains(all, "老王") || strings.Contains(all, "13800000001") {
			t.Fatal("the audit quotes the file")
		}
		if n := o.count("crm_import"); n != 1 {
			t.Fatal(n, "imports")
		}
	})
}

func TestUploadsThatAreNone(t *testing.T) {
	clk := clock.NewFake(dbtest.Start)
	o := newOffice(t, dbtest.Open(t, db.SQLite, clk), clk)
	for name, c := range map[string]struct{ file, code string }{
		"an empty file":         {"", "import_format"},
		"a picture":             {"\x89PNG\r\n\x1a\n\x00\x00", "import_format"},
		"an old Excel file":     {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "import_format"},
		"a ZIP of nothing":      {"PK\x03\x04broken", "import_format"},
		"two columns of a name": {"手机号,手机号\n1,2\n", "import_header"},
	} {
		if a := o.upload(o.root, c.file); a.Status != 400 || a.Error.Code != c.code {
			t.Errorf("%s: %d %s", name, a.Status, a.Raw)
		}
	}
	if a := o.root.do("POST", "/imports", `{"name":"x"}`); a.Status != 400 || a.Error.Code != "import_form" {
		t.Error(a.Raw)
	}
	body, kind := form("999", "没有的品牌", oldCustomers)
	if a := o.root.do("POST", "/imports", body, "Content-Type", kind); a.Status != 404 {
		t.Error(a.Raw)
	}
	if n := o.count("crm_import") + o.count("crm_file"); n != 0 {
		t.Error(n, "rows of refused files are kept")
	}
}

func TestACorrectionLeavesNoValuesInTheAudit(t *testing.T) {
	clk := clock.NewFake(dbtest.Start)
	o := newOffice(t, dbtest.Open(t, db.SQLite, clk), clk)
	m, err := o.deps.Members.Of(context.Background(), o.d.NewID())
	if err != nil {
		t.Fatal(err)
	}
	path := "/members/" + m.ID.String() + "/profile"
	if a := o.root.do("PUT", path, `{"values":{"city":"绍兴"},"reason":""}`); a.Error.Code != "reason_missing" {
		t.Fatal(a.Raw)
	}
	if a := o.root.do("PUT", path, `{"values":{"city":"绍兴"},"reason":"本人来电"}`); a.Status != 200 {
		t.Fatal(a.Raw)
	}
	var p profile.Profile
	o.root.do("GET", path, "").into(t, &p)
	found := false
	for _, i := range p.Items {
		found = found || i.Value == "绍兴" && i.Source == profile.Operator
	}
	if !found {
		t.Fatalf("%+v", p.Items)
	}
	if a := o.root.do("GET", "/audit?limit=100", ""); strings.Contains(a.Raw, "绍兴") || !strings.Contains(a.Raw, "profile.correct") {
		t.Fatal(a.Raw)
	}
}
