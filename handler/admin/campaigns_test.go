package admin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"siyu/model/campaign"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/product"
)

// blank renders an empty page with an inline style.
type blank struct{}

func (blank) Sample(_ context.Context, o campaign.Offer, _ product.Product, show string) ([]byte, error) {
	return []byte("<!doctype html><style>p{color:red}</style><p>" + show + " " + o.Name + "</p>"), nil
}

// ask makes a draft that somebody else wrote and submitted, and says what was frozen.
func (o *office) ask() (named, string) {
	o.t.Helper()
	ctx := context.Background()
	var f campaign.Form
	if err := json.Unmarshal([]byte(o.form("送审", o.newBatch())), &f); err != nil {
		o.t.Fatal(err)
	}
	f.EditedBy = 77
	c, err := o.deps.Campaigns.Create(ctx, f)
	if err == nil {
		_, err = o.deps.Campaigns.Submit(ctx, c.ID, campaign.Request{By: 77})
	}
	if err != nil {
		o.t.Fatal(err)
	}
	d, err := o.deps.Campaigns.DossierOf(ctx, c.ID, 0)
	if err != nil {
		o.t.Fatal(err)
	}
	return named{ID: c.ID}, d.Approval.Hash
}

// later makes a campaign that is published and has not begun.
func (o *office) later() named {
	o.t.Helper()
	c := o.must("POST", "/campaigns", strings.Replace(o.form("明年", o.newBatch()), "2026-11-20T", "2026-12-01T", 1))
	o.must("POST", "/campaigns/"+c.ID.String()+"/publish", `{"spend_fen":1000}`)
	return c
}

// campaignKeyed are the routes of campaigns that remember.
func (o *office) campaignKeyed() map[string]retry {
	at := func(n named, tail string) string { return "/campaigns/" + n.ID.String() + tail }
	const a, b = `{"reason":"a"}`, `{"reason":"b"}`
	said := func(hash string) string { return `{"hash":"` + hash + `","reason":"看过了"}` }
	yes, yesHash := o.ask()
	no, noHash := o.ask()
	taken, _ := o.ask()
	ended := o.campaign("publish")
	o.must("POST", at(ended, "/end"), `{"reason":"完了"}`)
	away := o.campaign()
	o.must("POST", at(away, "/archive"), "")
	return map[string]retry{
		"POST /campaigns":                 {"/campaigns", o.form("新活动", o.batch), o.form("别的活动", o.batch)},
		"PUT /campaigns/:id":              {at(o.draft, ""), o.form("改名", o.batch), o.form("再改名", o.batch)},
		"POST /campaigns/:id/publish":     {at(o.draft, "/publish"), `{"spend_fen":1000}`, `{"spend_fen":1001}`},
		"POST /campaigns/:id/pause":       {at(o.live, "/pause"), a, b},
		"POST /campaigns/:id/resume":      {at(o.paused, "/resume"), a, b},
		"POST /campaigns/:id/end":         {at(o.ending, "/end"), a, b},
		"POST /campaigns/:id/copy":        {at(o.live, "/copy"), a, b},
		"POST /campaigns/:id/archive":     {at(ended, "/archive"), a, b},
		"POST /campaigns/:id/unarchive":   {at(away, "/unarchive"), a, b},
		"POST /campaigns/:id/cancel":      {at(o.later(), "/cancel"), a, b},
		"POST /campaigns/:id/submit":      {at(o.campaign(), "/submit"), `{"note":"a"}`, `{"note":"b"}`},
		"POST /campaigns/:id/withdraw":    {at(taken, "/withdraw"), a, b},
		"POST /campaigns/:id/approve":     {at(yes, "/approve"), said(yesHash), said(noHash)},
		"POST /campaigns/:id/refuse":      {at(no, "/refuse"), said(noHash), said(yesHash)},
		"PUT /brands/:id/campaign-policy": {"/brands/" + o.brand.ID.String() + "/campaign-policy", `{"approval_fen":100000000,"approval_points":1000000,"reason":"年节"}`, `{"approval_fen":0,"approval_points":0,"reason":"年节"}`},
	}
}

func TestASecondPersonApproves(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		writer, boss, chief := o.as(t, "writer", operator.Operations), o.as(t, "boss", operator.Approver), o.as(t, "chief", operator.Admin)
		o.must("PUT", "/brands/"+o.brand.ID.String()+"/campaign-policy", `{"approval_fen":0,"approval_points":0,"reason":"都要审批"}`)
		var c campaign.Campaign
		writer.do("POST", "/campaigns", o.form("双十二", o.newBatch())).into(t, &c)
		path := "/campaigns/" + c.ID.String()
		code := func(a answer, want string) {
			t.Helper()
			if a.Error.Code != want {
				t.Fatalf("want %s: %d %s", want, a.Status, a.Raw)
			}
		}
		code(boss.do("POST", path+"/publish", `{"spend_fen":1000}`), "approval_needed")
		code(writer.do("POST", path+"/publish", `{"spend_fen":1000}`), "no_permission")
		writer.do("POST", path+"/submit", `{"note":"请尽快"}`).into(t, &c)
		if c.Stage != campaign.StagePending {
			t.Fatal(c.Stage)
		}
		var found struct {
			Approval campaign.Approval
			People   map[string]string
			Changes  []campaign.Changed
		}
		boss.do("GET", path+"/approval", "").into(t, &found)
		if found.Approval.Note != "请尽快" || found.People[found.Approval.SubmittedBy.String()] != "某人" {
			t.Fatalf("%+v", found)
		}
		if a := boss.do("GET", "/campaign-approvals?brand_id="+o.brand.ID.String(), ""); !strings.Contains(a.Raw, c.ID.String()) {
			t.Fatal(a.Raw)
		}
		said := fmt.Sprintf(`{"hash":"%s","reason":"预算太高"}`, found.Approval.Hash)
		code(writer.do("POST", path+"/approve", said), "no_permission")
		boss.do("POST", path+"/refuse", said).into(t, &c)
		chief.do("PUT", path, o.form("双十二改", o.batch)).into(t, &c)
		chief.do("POST", path+"/submit", "").into(t, &c)
		chief.do("GET", path+"/approval", "").into(t, &found)
		said = fmt.Sprintf(`{"hash":"%s"}`, found.Approval.Hash)
		code(chief.do("POST", path+"/approve", said), "own_work")
		boss.do("POST", path+"/approve", said).into(t, &c)
		boss.do("POST", path+"/publish", `{"spend_fen":1000}`).into(t, &c)
		if c.Stage != campaign.StageRunning {
			t.Fatal(c.Stage)
		}
		var n struct {
			Codes    int64
			SpendFen int64 `json:"spend_fen"`
			LeftFen  int64 `json:"left_fen"`
			Prizes   []struct{ Winners, Left int64 }
		}
		boss.do("GET", path+"/live", "").into(t, &n)
		if n.Codes != 100 || n.LeftFen != 1000 || len(n.Prizes) != 2 || n.Prizes[0].Left != 10 {
			t.Fatalf("%+v", n)
		}
	})
}

func TestTheListSaysHowMany(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		for query, want := range map[string]string{"": `"total":4`, "&stage=running": `"total":2`, "&stage=draft": `"total":1`, "&q=没有": `"total":0`,
			"&product_id=" + o.product.ID.String(): `"total":4`, "&from=2027-01-01T00:00:00Z": `"total":0`} {
			if a := o.root.do("GET", "/campaigns?total=1&brand_id="+o.brand.ID.String()+query, ""); !strings.Contains(a.Raw, want) {
				t.Errorf("%s: want %s in %s", query, want, a.Raw)
			}
		}
		if a := o.root.do("GET", "/campaigns?brand_id="+o.brand.ID.String()+"&stage=nonsense", ""); a.Status != 400 {
			t.Error(a.Status, a.Raw)
		}
	})
}

func TestADraftsPageMayBeFramedByThePanelOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		path := "/campaigns/" + o.draft.ID.String() + "/page?show=rules"
		a := o.root.do("GET", path, "")
		policy := a.Header.Get("Content-Security-Policy")
		if a.Status != 200 || !strings.Contains(a.Raw, "rules 活动") || a.Header.Get("X-Frame-Options") != "SAMEORIGIN" {
			t.Fatal(a.Status, a.Raw)
		}
		for _, want := range []string{"frame-ancestors 'self'", "sandbox", "default-src 'none'", "form-action 'none'", "style-src 'sha256-"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s is missing in %s", want, policy)
			}
		}
		if strings.Contains(policy, "script") || strings.Contains(policy, "unsafe") {
			t.Error(policy)
		}
		if a := o.nobody().do("GET", path, ""); a.Status != 401 {
			t.Fatal(a.Status)
		}
		if n := o.count("claim"); n != 0 {
			t.Fatal(n, "claims")
		}
	})
}

func TestADrawIsProvedOfACode(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		path := "/campaigns/" + o.ending.ID.String() + "/draw"
		var c struct {
			Scopes []struct {
				BatchID id.ID `json:"batch_id"`
			}
		}
		o.root.do("GET", "/campaigns/"+o.ending.ID.String(), "").into(t, &c)
		token, err := o.deps.Codes.TokenOf(c.Scopes[0].BatchID, 7)
		if err != nil {
			t.Fatal(err)
		}
		if a := o.root.do("GET", path+"?code="+token, ""); a.Error.Code != "seed_sealed" {
			t.Fatal(a.Raw)
		}
		o.must("POST", "/campaigns/"+o.ending.ID.String()+"/end", `{"reason":"完了"}`)
		if err := o.deps.Codes.Refresh(context.Background()); err != nil {
			t.Fatal(err)
		}
		var byCode, bySerial struct{ Proof campaign.Proof }
		o.root.do("GET", path+"?code="+token, "").into(t, &byCode)
		o.root.do("GET", path+"?serial=7&batch_id="+c.Scopes[0].BatchID.String(), "").into(t, &bySerial)
		if byCode.Proof.Serial != 7 || byCode.Proof.Rank != bySerial.Proof.Rank || len(byCode.Proof.Steps) < 4 {
			t.Fatalf("%+v %+v", byCode, bySerial)
		}
		if a := o.root.do("GET", path+"?code=NOTACODE", ""); a.Error.Code != "code_unknown" {
			t.Fatal(a.Raw)
		}
	})
}
