package admin_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"siyu/handler/admin"
	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/notice"
	"siyu/model/reach"
)

func newReach(d *db.DB, deps admin.Deps) *reach.Store {
	return reach.New(reach.Deps{DB: d, People: deps.Identities, Members: deps.Members, Quiet: deps.Quiet, Accounts: deps.Brands.Account,
		AccountsOf: func(ctx context.Context, b id.ID) ([]brand.Account, error) { return deps.Brands.Accounts(ctx, b, "") }})
}

func policyBody(brandID id.ID, version, day int) string {
	return fmt.Sprintf(`{"brand_id":"%s","version":%d,"cap":{"day":%d,"week":3,"month":8},"channels":[],"block_days":90,"margin_seconds":5,"message_count":5,"message_hours":48,
		"deed_count":3,"deed_seconds":60,"enter_count":2,"enter_seconds":60,"mass_per_month":4,"wecom_per_day":1,"wecom_per_month":0,"custom_per_day":500000,
		"template_per_day":100000,"subscribe_per_day":10000000,"mass_per_day":1000000,"sms_per_day":1000,"reason":"双十一"}`, brandID, version, day)
}

func holidayBody(brandID id.ID, name string) string {
	return fmt.Sprintf(`{"brand_id":"%s","year":2026,"days":[{"day":"2026-11-21","name":"%s"}],"reason":"店庆"}`, brandID, name)
}

func (o *office) reachKeyed() map[string]retry {
	b := o.brand.ID.String()
	resume := `{"brand_id":"` + b + `","channel":"sms","reason":"%s"}`
	wish := `{"brand_id":"` + b + `","topic":"","channel":"","refused":true,"reason":"%s"}`
	m := o.somebody(o.t, "oReach", "13800138111").ID.String()
	return map[string]retry{
		"POST /reach/ways/resume":      {"/reach/ways/resume", fmt.Sprintf(resume, "充值了"), fmt.Sprintf(resume, "换了通道")},
		"PUT /reach/policy":            {"/reach/policy", policyBody(o.brand.ID, 0, 2), policyBody(o.brand.ID, 0, 3)},
		"PUT /reach/holidays":          {"/reach/holidays", holidayBody(o.brand.ID, "店庆"), holidayBody(o.brand.ID, "盘点")},
		"PUT /reach/people/:id/wishes": {"/reach/people/" + m + "/wishes", fmt.Sprintf(wish, "来电"), fmt.Sprintf(wish, "到店")},
	}
}

func TestReach(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		ctx, of := context.Background(), "?brand_id="+o.brand.ID.String()
		account, err := o.deps.Brands.SaveAccount(ctx, brand.Account{BrandID: o.brand.ID, Kind: brand.Official, AppID: "wxreach", Name: "山泉", CallbackSlug: "reach-test"}, brand.Secrets{AppSecret: "secret0123456789abcdef", Token: "callbacktoken"})
		if err != nil {
			t.Fatal(err)
		}
		hears := func(m follow.Message) {
			t.Helper()
			m.AppID, m.CreatedAt = "wxreach", clk.Now().Time().Unix()
			body, err := m.Body()
			if err != nil {
				t.Fatal(err)
			}
			n := notice.Notice{Source: notice.Official, AccountID: account.ID, Body: body}
			if err := follow.New(d, o.deps.Identities, o.deps.Members).ApplyMessage(ctx, n); err != nil {
				t.Fatal(err)
			}
			if err := o.deps.Reach.Apply(ctx, n); err != nil {
				t.Fatal(err)
			}
		}
		hears(follow.Message{OpenID: "o-a", Type: "event", Event: follow.Subscribe})
		hears(follow.Message{OpenID: "o-a", Type: "text"})
		hears(follow.Message{OpenID: "o-b", Type: "event", Event: follow.Subscribe})
		member := func(openID string) id.ID {
			p, err := o.deps.Identities.Meet(ctx, "wxreach", openID)
			if err != nil {
				t.Fatal(err)
			}
			m, err := o.deps.Members.Of(ctx, p)
			if err != nil {
				t.Fatal(err)
			}
			return m.ID
		}
		a, b := member("o-a"), member("o-b")
		if _, err := o.deps.Consents.Put(ctx, consent.Consent{MemberID: a, Purpose: consent.Marketing, Given: true, Channel: consent.H5}); err != nil {
			t.Fatal(err)
		}
		t.Run("of how many people, how many by which channel, and why not the others", func(t *testing.T) {
			var s reach.Summary
			o.root.do("GET", "/reach"+of, "").into(t, &s)
			if s.People != 2 || s.Reachable != 1 || s.Ways[0].Channel != reach.Custom || s.Ways[0].First != 1 || len(s.Reasons) != 1 || s.Reasons[0].Code != reach.NoConsent || s.Reasons[0].People != 1 || s.AsOf == 0 {
				t.Fatalf("%+v", s)
			}
			o.root.do("GET", "/reach"+of+"&purpose=service", "").into(t, &s)
			if s.Reachable != 2 {
				t.Fatalf("%+v", s)
			}
		})
		by := func(p reach.Person, channel string) reach.PersonWay {
			for _, w := range p.Ways {
				if w.Channel == channel {
					return w
				}
			}
			return reach.PersonWay{}
		}
		t.Run("one person with every reason", func(t *testing.T) {
			var p reach.Person
			o.root.do("GET", "/reach/people/"+a.String()+of, "").into(t, &p)
			if p.Reason != "" || len(p.Windows) != 2 || len(p.Ways) != 4 || by(p, reach.SMS).Reason != reach.NoPhone || by(p, reach.WeCom).Text != "不是企业微信客户" {
				t.Fatalf("%+v", p)
			}
			o.root.do("GET", "/reach/people/"+b.String()+of, "").into(t, &p)
			if p.Reason != reach.NoConsent || p.Text != "未同意营销消息" {
				t.Fatalf("%+v", p)
			}
		})
		t.Run("what a member told the service desk counts, with its reason in the log", func(t *testing.T) {
			path := "/reach/people/" + a.String() + "/wishes"
			body := `{"brand_id":"` + o.brand.ID.String() + `","topic":"","channel":"custom","refused":%v,"reason":"%s"}`
			if x := o.root.do("PUT", path, fmt.Sprintf(body, true, " ")); x.Error.Code != "reason_missing" {
				t.Fatal(x.Raw)
			}
			o.root.do("PUT", path, fmt.Sprintf(body, true, "来电要求")).into(t, &[]reach.Wish{})
			var p reach.Person
			o.root.do("GET", "/reach/people/"+a.String()+of, "").into(t, &p)
			if len(p.Wishes) != 1 || !p.Wishes[0].Refused || by(p, reach.Custom).Reason != reach.OptedOut || by(p, reach.Mass).Reason != "" {
				t.Fatalf("%+v", p)
			}
			o.root.do("PUT", path, fmt.Sprintf(body, false, "来电要求")).into(t, &[]reach.Wish{})
			if x := o.root.do("GET", "/audit?action=reach_wish.put", ""); !strings.Contains(x.Raw, "来电要求") {
				t.Fatal(x.Raw)
			}
		})
		t.Run("numbers are versions: who saw an old one is told", func(t *testing.T) {
			var p reach.Policy
			o.root.do("PUT", "/reach/policy", policyBody(o.brand.ID, 0, 2)).into(t, &p)
			if x := o.root.do("PUT", "/reach/policy", policyBody(o.brand.ID, 0, 3)); x.Error.Code != "reach_policy_changed" {
				t.Fatal(x.Raw)
			}
			if x := o.root.do("PUT", "/reach/policy", policyBody(o.brand.ID, 1, -1)); x.Error.Code != "reach_policy" {
				t.Fatal(x.Raw)
			}
			var list []reach.Policy
			o.root.do("GET", "/reach/policies"+of, "").into(t, &list)
			if len(list) != 1 || list[0].Version != 1 || list[0].Cap.Day != 2 || p.Version != 1 {
				t.Fatalf("%+v", list)
			}
			if x := o.root.do("GET", "/audit?action=reach_policy.save", ""); !strings.Contains(x.Raw, "双十一") {
				t.Fatal(x.Raw)
			}
		})
		t.Run("a holiday is kept", func(t *testing.T) {
			if x := o.root.do("PUT", "/reach/holidays", strings.Replace(holidayBody(o.brand.ID, "店庆"), "2026-11-21", "2025-11-21", 1)); x.Error.Code != "reach_holiday" {
				t.Fatal(x.Raw)
			}
			o.root.do("PUT", "/reach/holidays", holidayBody(o.brand.ID, "店庆")).into(t, &struct{}{})
			if x := o.root.do("GET", "/reach/holidays"+of+"&year=2026", ""); !strings.Contains(x.Raw, "店庆") {
				t.Fatal(x.Raw)
			}
			var p reach.Person
			o.root.do("GET", "/reach/people/"+a.String()+of, "").into(t, &p)
			if p.Reason != reach.Holiday || p.NotBefore.Local() != "2026-11-22 00:00" {
				t.Fatalf("%+v", p)
			}
		})
		t.Run("another brand's account is not there", func(t *testing.T) {
			if x := o.root.do("POST", "/reach/ways/resume", `{"brand_id":"`+o.brand.ID.String()+`","account_id":"77","channel":"custom","reason":"x"}`); x.Status != 404 {
				t.Fatal(x.Raw)
			}
		})
	})
}
