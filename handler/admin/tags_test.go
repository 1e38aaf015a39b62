package admin_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/handler/admin"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/segment"
	"siyu/model/tag"
)

func newTags(d *db.DB, deps admin.Deps) *tag.Store {
	return tag.New(tag.Deps{DB: d, Outbox: deps.Outbox, Consents: consent.New(d), Profiles: deps.Profiles, Events: deps.Events, Rules: segment.New(d)})
}

// manual and loginRule are sound definitions.
const (
	manualDefinition = `{"source":"manual","choices":["敏感肌","干眼"],"field":"","event_type":"","cases":[]}`
	loginDefinition  = `{"source":"rule","choices":[],"field":"","event_type":"","cases":[{"value":"","tree":{"v":1,"root":{"did":{"what":"login","op":"gte","values":[1]}}}}]}`
	modelDefinition  = `{"source":"model","choices":[],"field":"","event_type":"","cases":[]}`
)

func tagForm(brandID, ownerID id.ID, name, kind, more string) string {
	return fmt.Sprintf(`{"brand_id":"%s","owner_id":"%s","class":"basic","name":"%s","kind":"%s","purpose":"护理建议","intended_use":"客服备注","review_days":180,"idle_days":90%s}`, brandID, ownerID, name, kind, more)
}

// askedTag makes a tag through the API, by p.
func (o *office) askedTag(p *person, name, kind, definition string) tag.Tag {
	o.t.Helper()
	var t tag.Tag
	p.do("POST", "/tags", tagForm(o.brand.ID, o.operator.ID, name, kind, "")).into(o.t, &t)
	if definition == "" {
		return t
	}
	var v tag.Version
	p.do("PUT", "/tags/"+t.ID.String()+"/definition", fmt.Sprintf(`{"rev":%d,"definition":%s}`, t.Rev, definition)).into(o.t, &v)
	t.Rev++
	return t
}

func (o *office) submittedTag(p *person, name, kind, definition string) tag.Tag {
	o.t.Helper()
	t := o.askedTag(p, name, kind, definition)
	p.do("POST", "/tags/"+t.ID.String()+"/submit", fmt.Sprintf(`{"rev":%d}`, t.Rev)).into(o.t, &t)
	return t
}

// runningTag makes a tag that p asked for and root approved.
func (o *office) runningTag(p *person, name, kind, definition string) tag.Tag {
	o.t.Helper()
	t := o.submittedTag(p, name, kind, definition)
	o.root.do("POST", "/tags/"+t.ID.String()+"/approve", fmt.Sprintf(`{"rev":%d}`, t.Rev)).into(o.t, &t)
	return t
}

func (o *office) tagsKeyed() map[string]retry {
	ops := o.as(o.t, "tag-ops", operator.Operations)
	of := func(t tag.Tag, tail string) string { return "/tags/" + t.ID.String() + tail }
	rev := func(t tag.Tag, more string) string { return fmt.Sprintf(`{"rev":%d%s}`, t.Rev, more) }
	twice := func(t tag.Tag, tail string) retry { return retry{of(t, tail), rev(t, ""), rev(t, `,"reason":"x"`)} }
	edited, built, submitted := o.askedTag(ops, "改一改", tag.Fact, ""), o.askedTag(ops, "写规则", tag.Rule, ""), o.askedTag(ops, "交上去", tag.Rule, loginDefinition)
	approved, rejected := o.submittedTag(ops, "待批一", tag.Rule, loginDefinition), o.submittedTag(ops, "待批二", tag.Rule, loginDefinition)
	reviewed, retired, again := o.runningTag(ops, "复核它", tag.Rule, loginDefinition), o.runningTag(ops, "下线它", tag.Rule, loginDefinition), o.runningTag(ops, "重算它", tag.Rule, loginDefinition)
	stopped, scored, gift := o.runningTag(ops, "停一停", tag.Rule, loginDefinition), o.runningTag(ops, "打分", tag.Model, modelDefinition), o.runningTag(ops, "肤质", tag.Fact, manualDefinition)
	runs, err := o.deps.Tags.Runs(context.Background(), stopped.ID, 0, 1)
	if err != nil || len(runs) != 1 {
		o.t.Fatal(runs, err)
	}
	member := o.somebody(o.t, "oTag", "13800138777").ID
	category := o.must("POST", "/tag-categories", fmt.Sprintf(`{"brand_id":"%s","class":"basic","name":"护眼"}`, o.brand.ID))
	empty := o.must("POST", "/tag-categories", fmt.Sprintf(`{"brand_id":"%s","class":"basic","name":"空的"}`, o.brand.ID))
	score := func(n int) string {
		return fmt.Sprintf(`{"version":1,"scores":[{"member_id":"%s","score":%d,"value":"","gone":false}]}`, member, n)
	}
	given := func(value string) string {
		return fmt.Sprintf(`{"tag_id":"%s","value":"%s","reason":"来电"}`, gift.ID, value)
	}
	return map[string]retry{
		"POST /tags":                      {"/tags", tagForm(o.brand.ID, o.operator.ID, "甲", "fact", ""), tagForm(o.brand.ID, o.operator.ID, "乙", "fact", "")},
		"PUT /tags/:id":                   {of(edited, ""), tagForm(o.brand.ID, o.operator.ID, "改好了", "fact", `,"rev":1`), tagForm(o.brand.ID, o.operator.ID, "改好了二", "fact", `,"rev":1`)},
		"PUT /tags/:id/definition":        {of(built, "/definition"), rev(built, `,"definition":`+loginDefinition), rev(built, `,"definition":`+strings.Replace(loginDefinition, "[1]", "[2]", 1))},
		"POST /tags/:id/submit":           twice(submitted, "/submit"),
		"POST /tags/:id/approve":          {of(approved, "/approve"), rev(approved, ""), rev(approved, `,"note":"x"`)},
		"POST /tags/:id/reject":           {of(rejected, "/reject"), rev(rejected, `,"note":"口径不清"`), rev(rejected, `,"note":"别的"`)},
		"POST /tags/:id/review":           twice(reviewed, "/review"),
		"POST /tags/:id/retire":           twice(retired, "/retire"),
		"POST /tags/:id/recompute":        {of(again, "/recompute"), ``, `{}`},
		"POST /tags/:id/runs/:run/cancel": {of(stopped, "/runs/"+runs[0].ID.String()+"/cancel"), ``, `{}`},
		"PUT /tags/:id/scores":            {of(scored, "/scores"), score(1), score(2)},
		"POST /tag-categories":            {"/tag-categories", fmt.Sprintf(`{"brand_id":"%s","class":"basic","name":"甲"}`, o.brand.ID), fmt.Sprintf(`{"brand_id":"%s","class":"basic","name":"乙"}`, o.brand.ID)},
		"PUT /tag-categories/:id":         {"/tag-categories/" + category.ID.String(), `{"name":"护眼一","place_no":1}`, `{"name":"护眼二","place_no":1}`},
		"DELETE /tag-categories/:id":      {"/tag-categories/" + empty.ID.String(), ``, `{}`},
		"POST /tag-templates":             {"/tag-templates", fmt.Sprintf(`{"brand_id":"%s","key":"rfm"}`, o.brand.ID), fmt.Sprintf(`{"brand_id":"%s","key":"leader"}`, o.brand.ID)},
		"POST /members/:id/tags":          {"/members/" + member.String() + "/tags", given("干眼"), given("敏感肌")},
		"POST /members/:id/tags/take":     {"/members/" + member.String() + "/tags/take", given(""), given("干眼")},
	}
}

func TestATagIsApprovedByASecondPersonAndFoundOnMembers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		ops, approver, support := o.as(t, "ops", operator.Operations), o.as(t, "second", operator.Approver), o.as(t, "support", operator.Support)
		if a := ops.do("POST", "/tags", tagForm(o.brand.ID, o.operator.ID, "没有目的", "fact", `,"purpose":""`)); a.Error.Code != "tag_request" {
			t.Fatal(a.Raw)
		}
		x := o.submittedTag(ops, "肤质", tag.Fact, manualDefinition)
		path := "/tags/" + x.ID.String()
		yes := fmt.Sprintf(`{"rev":%d}`, x.Rev)
		if a := ops.do("POST", path+"/approve", yes); a.Status != 403 {
			t.Fatal(a.Raw)
		}
		mine := o.submittedTag(o.root, "我自己的", tag.Fact, manualDefinition)
		if a := o.root.do("POST", "/tags/"+mine.ID.String()+"/approve", fmt.Sprintf(`{"rev":%d}`, mine.Rev)); a.Error.Code != "tag_second_person" {
			t.Fatal(a.Raw)
		}
		approver.do("POST", path+"/approve", yes).into(t, &x)
		if x.State != tag.Running || x.Version != 1 {
			t.Fatal(x)
		}
		member := o.somebody(t, "oSkin", "13800138555").ID
		tags := "/members/" + member.String() + "/tags"
		if a := support.do("POST", tags, `{"tag_id":"`+x.ID.String()+`","value":"干眼","reason":"x"}`); a.Status != 403 {
			t.Fatal(a.Raw)
		}
		if a := ops.do("POST", tags, `{"tag_id":"`+x.ID.String()+`","value":"胖","reason":"x"}`); a.Error.Code != "tag_value" {
			t.Fatal(a.Raw)
		}
		ops.do("POST", tags, `{"tag_id":"`+x.ID.String()+`","value":"干眼","reason":"本人来电"}`).into(t, new(map[string]any))
		var held []tag.Held
		support.do("GET", tags, "").into(t, &held)
		if len(held) != 1 || held[0].Value.Value != "干眼" || !strings.Contains(held[0].Evidence, "本人来电") || !strings.Contains(held[0].Evidence, "（操作员 某人）") || held[0].Why != held[0].Evidence {
			t.Fatal(held)
		}
		var some []tag.Holder
		if support.do("GET", path+"/people", "").into(t, &some); len(some) != 1 || some[0].PersonID != member || !strings.HasSuffix(some[0].Evidence, "（操作员 某人）") {
			t.Error(some)
		}
		if a := o.as(t, "analyst", operator.Analyst).do("GET", path+"/people", ""); a.Status != 403 {
			t.Error("people are named to who may open no member's page", a.Raw)
		}
		until := clk.Now().Add(time.Hour)
		for at, want := range map[clock.Instant]int{until: 200, clk.Now(): 400} {
			if a := ops.do("POST", tags, fmt.Sprintf(`{"tag_id":"%s","value":"干眼","until_at":"%s","reason":"一小时"}`, x.ID, at)); a.Status != want {
				t.Error(at, a.Raw)
			}
		}
		var why struct{ Held *tag.Held }
		if support.do("GET", "/members/"+member.String()+"/tag-why?tag_id="+x.ID.String(), "").into(t, &why); why.Held == nil || why.Held.UntilAt != until {
			t.Error(why.Held)
		}
		var detail struct {
			tag.Detail
			Operators map[string]string
		}
		support.do("GET", path, "").into(t, &detail) // support may not read operators
		if detail.Operators[detail.Versions[0].DecidedBy.String()] == "" || detail.Operators[detail.OwnerID.String()] == "" {
			t.Error(detail.Operators)
		}
		if len(detail.Versions) != 1 || len(detail.Meaning) != 1 || detail.Run == nil {
			t.Fatal(detail)
		}
		var tree []tag.Branch
		support.do("GET", "/tags/tree?brand_id="+o.brand.ID.String(), "").into(t, &tree)
		if len(tree) != 5 || tree[0].Tags != 1 {
			t.Fatal(tree)
		}
		for _, read := range []string{path + "/spread", path + "/related", path + "/lineage", path + "/runs", "/tag-templates?brand_id=" + o.brand.ID.String(), "/tags/sources?brand_id=" + o.brand.ID.String(), "/tags?total=1&q=%E8%82%A4&brand_id=" + o.brand.ID.String()} {
			if a := support.do("GET", read, ""); a.Status != 200 {
				t.Errorf("%s: %s", read, a.Raw)
			}
		}
	})
}

func TestTagsOfSomeRolesAreNotThereForOthers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		ops, support, analyst := o.as(t, "ops", operator.Operations), o.as(t, "support", operator.Support), o.as(t, "analyst", operator.Analyst)
		if a := ops.do("POST", "/tags", tagForm(o.brand.ID, o.operator.ID, "病史", "fact", `,"sensitive":true`)); a.Error.Code != "tag_request" {
			t.Fatal(a.Raw)
		}
		var x tag.Tag
		ops.do("POST", "/tags", tagForm(o.brand.ID, o.operator.ID, "病史", "fact", `,"sensitive":true,"roles":["support","operations"]`)).into(t, &x)
		list := "/tags?brand_id=" + o.brand.ID.String()
		for p, want := range map[*person]int{ops: 1, support: 1, o.root: 1, analyst: 0} {
			var found []tag.Tag
			p.do("GET", list, "").into(t, &found)
			status := p.do("GET", "/tags/"+x.ID.String(), "").Status
			if len(found) != want || (status == 200) != (want == 1) {
				t.Errorf("%d found, %d, want %d", len(found), status, want)
			}
		}
		why := "/members/" + o.somebody(t, "oIll", "13800138556").ID.String() + "/tag-why?tag_id=" + x.ID.String()
		if seen, hidden := support.do("GET", why, ""), analyst.do("GET", why, ""); seen.Status != 200 || hidden.Status == 200 {
			t.Error(seen.Raw, hidden.Raw)
		}
		// What is made of a tag is told to everybody, not what it is called.
		base := o.runningTag(ops, "登录过", tag.Rule, loginDefinition)
		var secret tag.Tag
		ops.do("POST", "/tags", tagForm(o.brand.ID, o.operator.ID, "病人登录", "rule", `,"sensitive":true,"roles":["operations"],"refresh_minutes":60`)).into(t, &secret)
		ops.do("PUT", "/tags/"+secret.ID.String()+"/definition", fmt.Sprintf(`{"rev":%d,"definition":{"source":"rule","choices":[],"field":"","event_type":"","cases":[{"value":"","tree":{"v":1,"root":{"tag":{"id":"%s","op":"has","values":[]}}}}]}}`, secret.Rev, base.ID)).into(t, new(map[string]any))
		for p, want := range map[*person]string{ops: "病人登录", analyst: "受限标签"} {
			var line tag.Lineage
			if p.do("GET", "/tags/"+base.ID.String()+"/lineage", "").into(t, &line); len(line.To) != 1 || line.To[0].Name != want {
				t.Error(want, line.To)
			}
		}
		confined := o.confined(t, "elsewhere", o.brand.ID+1)
		if a := confined.do("GET", "/tags/"+x.ID.String(), ""); a.Status != 404 {
			t.Error(a.Raw)
		}
		if a := confined.do("GET", list, ""); a.Error.Code != "brand_scope" {
			t.Error(a.Raw)
		}
		if a := confined.do("GET", "/members/1/tags", ""); a.Error.Code != "brand_scope" {
			t.Error(a.Raw)
		}
	})
}

// TestEvidenceIsWhatWasDone: who may read what members did reads when and where it was, and
// how often beside a rule's conditions; who may not is told that there is more.
func TestEvidenceIsWhatWasDone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		ctx := context.Background()
		ops, support, approver := o.as(t, "ops", operator.Operations), o.as(t, "support", operator.Support), o.as(t, "second", operator.Approver)
		member := o.somebody(t, "oProof", "13800138557").ID
		if _, err := o.deps.Consents.Put(ctx, consent.Consent{MemberID: member, Purpose: consent.Profiling, Given: true, Channel: consent.H5}); err != nil {
			t.Fatal(err)
		}
		at := clk.Now().Add(-time.Hour)
		if _, err := o.deps.Events.Put(ctx, []event.Event{
			{Key: "scan:1", Type: event.Scan, BrandID: o.brand.ID, MemberID: member, Channel: event.H5, At: at, Body: event.Body(event.ScanBody{ProductID: 3, BatchID: 4, Serial: 5, Verdict: "genuine", Province: "上海市"})},
			{Key: "login:1", Type: event.Login, BrandID: o.brand.ID, MemberID: member, Channel: event.H5, At: at, Body: []byte(`{"app_id":"wx1"}`)},
		}); err != nil {
			t.Fatal(err)
		}
		if err := d.InTx(ctx, func(tx *gorm.DB) error { return o.deps.Segments.NoteTx(ctx, tx, segment.PartAll, member) }); err != nil {
			t.Fatal(err)
		}
		fact := o.runningTag(ops, "最近扫码省份", tag.Fact, `{"source":"event","choices":[],"field":"province","event_type":"scan","cases":[]}`)
		rule := o.runningTag(ops, "登录过", tag.Rule, loginDefinition)
		for _, x := range []tag.Tag{fact, rule} {
			runs, err := o.deps.Tags.Runs(ctx, x.ID, 0, 1)
			if err == nil {
				err = o.deps.Tags.Work(ctx, runs[0].ID)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		tags := "/members/" + member.String() + "/tags"
		type held struct {
			tag.Held
			Reasons []segment.Reason
		}
		read := func(p *person) (of map[id.ID]held) {
			t.Helper()
			var list []held
			p.do("GET", tags, "").into(t, &list)
			of = map[id.ID]held{}
			for _, x := range list {
				of[x.TagID] = x
			}
			if len(of) != 2 || len(of[fact.ID].Reasons) != 0 || len(of[rule.ID].Reasons) != 1 || !of[rule.ID].Reasons[0].Holds || of[rule.ID].Why == "" {
				t.Fatalf("%+v", list)
			}
			return of
		}
		seen, day := read(support), clock.DayOf(at).Text()[5:]
		if want := "扫码 " + at.Local()[5:] + "，上海市"; seen[fact.ID].Why != want || seen[fact.ID].Said.Code != "evidence_place" {
			t.Errorf("%+v", seen[fact.ID])
		}
		if got := seen[rule.ID].Reasons[0].Found; got != "登录 1 次，最近 "+day {
			t.Error(got)
		}
		spared := read(approver)
		if got := spared[fact.ID]; got.Said.Code != "evidence_withheld" || strings.Contains(got.Why, "上海") || spared[rule.ID].Reasons[0].Found != "" {
			t.Errorf("%+v %+v", got, spared[rule.ID])
		}
		var why struct {
			Held  *tag.Held
			Cases []struct{ Answer segment.Answer }
		}
		for p, want := range map[*person]string{support: "登录 1 次，最近 " + day, approver: ""} {
			if p.do("GET", "/members/"+member.String()+"/tag-why?tag_id="+rule.ID.String(), "").into(t, &why); why.Held == nil || len(why.Cases) != 1 || why.Cases[0].Answer.Reasons[0].Found != want {
				t.Errorf("%+v", why)
			}
		}
	})
}
