package admin_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/leader"
	"siyu/model/operator"
)

const agreementBody = `{"text":"群主应如实介绍商品，不得收取任何费用，不得以发展人员取酬。%s"}`

// programmeBody is a programme of two levels that proposes who claimed one item.
const programmeBody = `{"version":%d,"open":true,"questions":[{"key":"phone","title":"手机号","required":false}],
	"levels":[{"name":"见习群主","groups":1},{"name":"正式群主","groups":3,"templates":true,"conditions":[{"metric":"buyers","at_least":2,"days":30}]}],
	"candidates":{"conditions":[{"metric":"own_claims","at_least":1,"days":30}],"again_days":30},"reapply_days":30}`

// fan makes a member whom the rules would propose.
func (s *site) fan(t *testing.T, brandID id.ID) id.ID {
	t.Helper()
	ctx := context.Background()
	n := s.d.NewID()
	m := s.somebody(t, fmt.Sprintf("oF%d", n), fmt.Sprintf("135%08d", uint64(n)%1e8)).ID
	_, err := s.deps.Consents.Put(ctx, consent.Consent{MemberID: m, Purpose: consent.Profiling, Given: true, Channel: consent.H5})
	if err == nil {
		err = s.deps.Leaders.Consume(ctx, []event.Event{{Key: "claim:" + n.String(), Type: event.Claim, BrandID: brandID, MemberID: m, At: s.clk.Now().Add(-24 * time.Hour), Body: []byte("{}")}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// applicant is a member who applied.
func (s *site) applicant(t *testing.T, brandID id.ID) leader.Leader {
	t.Helper()
	l, err := s.deps.Leaders.Apply(context.Background(), leader.Application{BrandID: brandID, MemberID: s.fan(t, brandID), Answers: leader.Answers{Name: "老王", Phone: "13800138000"}})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// leadersKeyed is what retries send to the routes of leaders.
func (o *office) leadersKeyed() map[string]retry {
	o.t.Helper()
	ctx, brand := context.Background(), "/brands/"+o.brand.ID.String()
	o.must("POST", brand+"/leader-agreements", fmt.Sprintf(agreementBody, ""))
	o.root.do("PUT", brand+"/leader-programme", fmt.Sprintf(programmeBody, 0)).into(o.t, &struct{}{})
	for range 2 {
		o.fan(o.t, o.brand.ID)
	}
	for more := true; more; {
		var err error
		if more, err = o.deps.Leaders.ProposeStep(ctx); err != nil {
			o.t.Fatal(err)
		}
	}
	candidates, err := o.deps.Leaders.Candidates(ctx, o.brand.ID, leader.Proposed, 0, 2)
	if err != nil || len(candidates) != 2 {
		o.t.Fatal(candidates, err)
	}
	of := func(l leader.Leader, tail string) string { return "/leaders/" + l.ID.String() + tail }
	active := func(suspend bool) leader.Leader {
		l := o.applicant(o.t, o.brand.ID)
		_, err := o.deps.Leaders.Approve(ctx, leader.Decision{LeaderID: l.ID})
		if err == nil {
			l, err = o.deps.Leaders.Sign(ctx, o.brand.ID, l.MemberID, 1, "")
		}
		if err == nil && suspend {
			l, err = o.deps.Leaders.Suspend(ctx, leader.Decision{LeaderID: l.ID, Reason: "投诉"})
		}
		if err != nil {
			o.t.Fatal(err)
		}
		return l
	}
	task, material := o.must("POST", "/leader-tasks", `{"brand_id":"`+o.brand.ID.String()+`","title":"讲讲验真"}`),
		o.must("POST", "/leader-materials", `{"brand_id":"`+o.brand.ID.String()+`","kind":"copy","title":"文案","text":"老井啤酒，每瓶一码"}`)
	gone := o.must("POST", "/leader-materials", `{"brand_id":"`+o.brand.ID.String()+`","kind":"copy","title":"旧","text":"旧文案"}`)
	reasons := func(path string) retry { return retry{path, `{"reason":"资料不全"}`, `{"reason":"另一理由"}`} }
	clerk := `{"brand_id":"` + o.brand.ID.String() + `","member_id":"` + o.fan(o.t, o.brand.ID).String() + `","role":"clerk","name":"小李","shop_name":"%s","employee_no":"A1","reason":"入职"}`
	ofBrand := `{"brand_id":"` + o.brand.ID.String() + `",`
	return map[string]retry{
		"PUT /brands/:id/leader-programme":    {brand + "/leader-programme", fmt.Sprintf(programmeBody, 1), fmt.Sprintf(programmeBody, 2)},
		"POST /brands/:id/leader-agreements":  {brand + "/leader-agreements", fmt.Sprintf(agreementBody, "甲"), fmt.Sprintf(agreementBody, "乙")},
		"POST /leaders":                       {"/leaders", fmt.Sprintf(clerk, "西湖店"), fmt.Sprintf(clerk, "东湖店")},
		"POST /leaders/:id/approve":           reasons(of(o.applicant(o.t, o.brand.ID), "/approve")),
		"POST /leaders/:id/refuse":            reasons(of(o.applicant(o.t, o.brand.ID), "/refuse")),
		"POST /leaders/:id/suspend":           reasons(of(active(false), "/suspend")),
		"POST /leaders/:id/resume":            reasons(of(active(true), "/resume")),
		"POST /leaders/:id/end":               reasons(of(active(false), "/end")),
		"PUT /leaders/:id/level":              {of(active(false), "/level"), `{"level":2,"reason":"区域合伙"}`, `{"level":1,"reason":"区域合伙"}`},
		"POST /leader-candidates/:id/invite":  {"/leader-candidates/" + candidates[0].ID.String() + "/invite", ``, `{}`},
		"POST /leader-candidates/:id/dismiss": reasons("/leader-candidates/" + candidates[1].ID.String() + "/dismiss"),
		"POST /leader-tasks":                  {"/leader-tasks", ofBrand + `"title":"甲"}`, ofBrand + `"title":"乙"}`},
		"PUT /leader-tasks/:id":               {"/leader-tasks/" + task.ID.String(), `{"title":"甲","state":"closed"}`, `{"title":"乙"}`},
		"POST /leader-materials":              {"/leader-materials", ofBrand + `"kind":"copy","title":"甲","text":"甲"}`, ofBrand + `"kind":"copy","title":"乙","text":"乙"}`},
		"PUT /leader-materials/:id":           {"/leader-materials/" + material.ID.String(), `{"kind":"copy","title":"甲","text":"甲"}`, `{"kind":"copy","title":"乙","text":"乙"}`},
		"DELETE /leader-materials/:id":        {"/leader-materials/" + gone.ID.String(), ``, `{}`},
	}
}

func TestTheBackOfficeOfLeaders(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		brand := "/brands/" + o.brand.ID.String()
		operations, approver := o.as(t, "ops", operator.Operations), o.as(t, "approver", operator.Approver)
		t.Run("fees, head counts and pay by team are refused with the article", func(t *testing.T) {
			for body, article := range map[string]string{
				`{"version":0,"fee":9900}`:               "第（二）项",
				`{"version":0,"deposit":1}`:              "第（二）项",
				`{"version":0,"purchase_required":true}`: "第（二）项",
				`{"candidates":{"conditions":[{"metric":"head_count","at_least":9,"days":30}]}}`: "第（一）项",
				`{"levels":[{"name":"甲","conditions":[{"metric":"team_sales","at_least":9}]}]}`:  "第（三）项",
			} {
				a := operations.do("PUT", brand+"/leader-programme", body)
				if a.Status != 422 && a.Status != 400 || a.Error.Code != "leader_unlawful" || !strings.Contains(a.Error.Message, article) {
					t.Errorf("%s: %d %s", body, a.Status, a.Raw)
				}
			}
			a := operations.do("POST", "/leader-tasks", `{"brand_id":"`+o.brand.ID.String()+`","title":"分享","reward_fen":100}`)
			if a.Error.Code != "leader_unlawful" || !strings.Contains(a.Error.Message, "第七条") {
				t.Errorf("%s", a.Raw)
			}
		})
		if a := operations.do("PUT", brand+"/leader-programme", fmt.Sprintf(programmeBody, 0)); a.Error.Code != "leader_agreement_missing" {
			t.Fatal(a.Raw)
		}
		operations.do("POST", brand+"/leader-agreements", fmt.Sprintf(agreementBody, "")).into(t, &struct{}{})
		operations.do("PUT", brand+"/leader-programme", fmt.Sprintf(programmeBody, 0)).into(t, &struct{}{})
		l := o.applicant(t, o.brand.ID)
		path := "/leaders/" + l.ID.String()
		t.Run("who writes the programme does not decide about people", func(t *testing.T) {
			if a := operations.do("POST", path+"/approve", `{}`); a.Error.Code != "no_permission" {
				t.Fatal(a.Raw)
			}
			if a := approver.do("PUT", brand+"/leader-programme", fmt.Sprintf(programmeBody, 1)); a.Error.Code != "no_permission" {
				t.Fatal(a.Raw)
			}
		})
		t.Run("an application is shown with its figures, its telephone number masked", func(t *testing.T) {
			var list []leader.Leader
			approver.do("GET", "/leaders?state=applied&brand_id="+o.brand.ID.String(), "").into(t, &list)
			one := approver.do("GET", path, "")
			if len(list) != 1 || list[0].ID != l.ID || !strings.Contains(one.Raw, "138****8000") || strings.Contains(one.Raw, "13800138000") || !strings.Contains(one.Raw, `"metric":"buyers"`) {
				t.Fatalf("%+v %s", list, one.Raw)
			}
			if a := approver.do("GET", "/leaders", ""); a.Error.Code != "brand_id" {
				t.Fatal(a.Raw)
			}
		})
		t.Run("a state that does not exist is refused, and lists say how many they have", func(t *testing.T) {
			for _, path := range []string{"/leaders", "/leader-candidates", "/groups", "/group-alarms", "/referral/bindings", "/commission/accruals", "/withdrawals", "/fraud/cases"} {
				a := o.root.do("GET", path+"?state=foo&brand_id="+o.brand.ID.String(), "")
				if a.Status != 400 || a.Error.Code != "bad_field" || a.Error.Detail["field"] != "state" || !strings.Contains(a.Error.Message, "只能是") {
					t.Errorf("%s: %s", path, a.Raw)
				}
				if a = o.root.do("GET", path+"?total=1&brand_id="+o.brand.ID.String(), ""); a.Status != 200 || !strings.Contains(a.Raw, `"total":`) {
					t.Errorf("%s: %s", path, a.Raw)
				}
			}
			if a := o.root.do("GET", "/leaders?total=1&limit=1&state=applied&brand_id="+o.brand.ID.String(), ""); !strings.Contains(a.Raw, `"total":1,"total_more":false`) {
				t.Error(a.Raw)
			}
		})
		t.Run("a decision is kept with who, why and both sides, and the second one comes late", func(t *testing.T) {
			if a := approver.do("POST", path+"/refuse", `{}`); a.Error.Code != "leader_reason" {
				t.Fatal(a.Raw)
			}
			approver.do("POST", path+"/approve", `{"reason":"资料齐全"}`).into(t, &struct{}{})
			if a := o.root.do("POST", path+"/refuse", `{"reason":"资料不全"}`); a.Status != 409 || a.Error.Code != "leader_state" {
				t.Fatal(a.Raw)
			}
			var line struct{ BeforeJSON, AfterJSON, Reason string }
			err := d.Read(context.Background()).Raw("SELECT before_json, after_json, reason FROM audit WHERE action = 'leader.approve' AND object_id = ? AND outcome = 'done'", l.ID).Scan(&line).Error
			if err != nil || !strings.Contains(line.BeforeJSON, `"applied"`) || !strings.Contains(line.AfterJSON, `"approved"`) || line.Reason != "资料齐全" {
				t.Fatalf("%+v %v", line, err)
			}
			if one := approver.do("GET", path, ""); !strings.Contains(one.Raw, `"to_state":"approved"`) || !strings.Contains(one.Raw, `"reason":"资料齐全"`) {
				t.Fatal(one.Raw)
			}
		})
		t.Run("tasks show how far they are", func(t *testing.T) {
			if _, err := o.deps.Leaders.Sign(context.Background(), o.brand.ID, l.MemberID, 1, ""); err != nil {
				t.Fatal(err)
			}
			var task named
			operations.do("POST", "/leader-tasks", `{"brand_id":"`+o.brand.ID.String()+`","title":"讲讲验真","due_day":20261130}`).into(t, &task)
			now, err := o.deps.Leaders.Get(context.Background(), l.ID)
			if err == nil {
				_, err = o.deps.Leaders.Done(context.Background(), now, task.ID, "讲过了")
			}
			if err != nil {
				t.Fatal(err)
			}
			var p leader.Progressed
			operations.do("GET", "/leader-tasks/"+task.ID.String(), "").into(t, &p)
			if p.Asked != 1 || p.Done != 1 || p.Notes[0].Note != "讲过了" || p.Notes[0].Name != "老王" {
				t.Fatalf("%+v", p)
			}
		})
	})
}
