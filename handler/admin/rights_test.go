package admin_test

import (
	"context"
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/operator"
	"siyu/model/phone"
	"siyu/model/rights"
)

// noRows erases for contexts that these tests do not look at.
type noRows struct{}

func (noRows) EraseTx(context.Context, *gorm.DB, []id.ID) (int64, error) { return 0, nil }

// somebody makes a member with a verified phone.
func (s *site) somebody(t *testing.T, open, number string) member.Member {
	t.Helper()
	ctx := context.Background()
	human, err := s.deps.Identities.Resolve(ctx, identity.Login{AppID: "wxA", OpenID: open})
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.deps.Members.Of(ctx, human)
	if err != nil {
		t.Fatal(err)
	}
	n, err := phone.Parse(number)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := s.deps.Phones.Put(ctx, n)
	if err == nil {
		_, err = s.deps.Identities.Link(ctx, human, identity.Key{Kind: identity.Phone, Value: hash}, identity.Evidence{Event: identity.PhoneVerified, Channel: "mini"})
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// asked records a request of a member himself that waits for an operator.
func (s *site) asked(t *testing.T, m member.Member) rights.Request {
	t.Helper()
	r, err := s.deps.Rights.Ask(context.Background(), rights.Ask{MemberID: m.ID, Kind: rights.Correct, Channel: consent.H5, Fields: map[string]string{"nickname": "新名"}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// rightsKeyed are the routes of rightsRoutes that remember.
func (o *office) rightsKeyed() map[string]retry {
	a, b, c := o.somebody(o.t, "retryA", "13900000001"), o.somebody(o.t, "retryB", "13900000002"), o.somebody(o.t, "retryC", "13900000003")
	approve, refuse := "/rights/"+o.asked(o.t, a).ID.String()+"/approve", "/rights/"+o.asked(o.t, b).ID.String()+"/refuse"
	return map[string]retry{
		"POST /rights": {path: "/rights", body: `{"member_id":"` + c.ID.String() + `","kind":"export","reason":"来电"}`,
			other: `{"member_id":"` + c.ID.String() + `","kind":"erase","reason":"来电"}`},
		"POST /rights/:id/approve": {path: approve, body: `{"reason":"已核对"}`, other: `{"reason":"再核对"}`},
		"POST /rights/:id/refuse":  {path: refuse, body: `{"reason":"无法核实"}`, other: `{"reason":"仍无法核实"}`},
	}
}

func TestRights(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		s := newSite(t, d, clock.NewFake(dbtest.Start))
		root, second := s.as(t, "root", operator.Admin), s.as(t, "second", operator.Support)
		m := s.somebody(t, "oRights", "13800138000")
		of := "/members/" + m.ID.String()
		t.Run("consents are shown with their words and history", func(t *testing.T) {
			if _, err := s.deps.Consents.Put(context.Background(), consent.Consent{MemberID: m.ID, Purpose: consent.Marketing, Given: true, Channel: consent.H5}); err != nil {
				t.Fatal(err)
			}
			var got struct {
				State   []consent.Answer
				History []consent.Consent
			}
			root.do("GET", of+"/consents", "").into(t, &got)
			if len(got.State) != len(consent.Purposes()) || len(got.History) != 1 || !got.History[0].Given {
				t.Fatal(got)
			}
			var texts []consent.Purpose
			root.do("GET", "/consent-purposes", "").into(t, &texts)
			if len(texts) != len(consent.Purposes()) {
				t.Fatal(texts)
			}
			if a := root.do("GET", "/members/7/consents", ""); a.Status != 404 {
				t.Fatal(a.Raw)
			}
		})
		t.Run("what one operator writes down another one sees to", func(t *testing.T) {
			var r rights.Request
			body := `{"member_id":"` + m.ID.String() + `","kind":"export","reason":"本人来电"}`
			if a := root.do("POST", "/rights", strings.Replace(body, "本人来电", "", 1)); a.Error.Code != "reason_missing" {
				t.Fatal(a.Raw)
			}
			root.do("POST", "/rights", body).into(t, &r)
			path := "/rights/" + r.ID.String()
			if a := root.do("POST", path+"/approve", `{"reason":"已核对"}`); a.Error.Code != "second_person" {
				t.Fatal(a.Raw)
			}
			var open []rights.Request
			second.do("GET", "/rights?state=open", "").into(t, &open)
			if len(open) != 1 || open[0].ID != r.ID || open[0].DueAt == 0 {
				t.Fatal(open)
			}
			second.do("POST", path+"/approve", `{"reason":"回拨核对身份"}`).into(t, &r)
			if r.State != rights.Approved {
				t.Fatal(r)
			}
			if a := second.do("GET", path+"/proof", ""); a.Status != 409 {
				t.Fatal(a.Raw)
			}
		})
		t.Run("a correction shows what to correct to who decides, and nobody after", func(t *testing.T) {
			r := s.asked(t, m)
			var got struct{ Fields map[string]string }
			second.do("GET", "/rights/"+r.ID.String(), "").into(t, &got)
			if got.Fields["nickname"] != "新名" {
				t.Fatal(got)
			}
			second.do("POST", "/rights/"+r.ID.String()+"/refuse", `{"reason":"昵称含广告"}`).into(t, &struct{}{})
			second.do("GET", "/rights/"+r.ID.String(), "").into(t, &got)
		})
		t.Run("a number is shown for a reason, to a permission, and the audit has the reason and not the number", func(t *testing.T) {
			path := of + "/phone/reveal"
			if a := root.do("POST", path, `{}`); a.Error.Code != "reason_missing" {
				t.Fatal(a.Raw)
			}
			if a := s.as(t, "looks", operator.Analyst).do("POST", path, `{"reason":"好奇"}`); a.Error.Code != "no_permission" {
				t.Fatal(a.Raw)
			}
			var got struct{ Phones []string }
			second.do("POST", path, `{"reason":"回电处理投诉"}`).into(t, &got)
			if len(got.Phones) != 1 || got.Phones[0] != "13800138000" {
				t.Fatal(got)
			}
			a := root.do("GET", "/audit?action=phone.reveal", "")
			if !strings.Contains(a.Raw, "回电处理投诉") || strings.Contains(a.Raw, "13800138000") || strings.Contains(root.do("GET", of, "").Raw, "13800138000") {
				t.Fatal(a.Raw)
			}
			last := answer{}
			for range 40 {
				last = second.do("POST", path, `{"reason":"抄一本电话簿"}`)
			}
			if last.Error.Code != "too_many_reveals" || last.Header.Get("Retry-After") == "" {
				t.Fatal(last.Raw)
			}
		})
	})
}
