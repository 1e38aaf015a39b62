package admin_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/operator"
	"siyu/model/phone"
)

// crowd is a few people on a site, as WeChat and a file would bring them.
type crowd struct {
	*site
	*testing.T
}

func (c crowd) comes(app, open, union string) (person, memberID id.ID) {
	c.Helper()
	ctx := context.Background()
	p, err := c.deps.Identities.Resolve(ctx, identity.Login{AppID: app, OpenID: open, UnionID: union})
	if err != nil {
		c.Fatal(err)
	}
	m, err := c.deps.Members.Of(ctx, p)
	if err != nil {
		c.Fatal(err)
	}
	return p, m.ID
}

func (c crowd) shows(person id.ID, number string, consentID id.ID) identity.Outcome {
	c.Helper()
	ctx := context.Background()
	n, err := phone.Parse(number)
	if err != nil {
		c.Fatal(err)
	}
	if err := c.d.InTx(ctx, func(tx *gorm.DB) error { _, err := c.deps.Phones.PutTx(ctx, tx, n); return err }); err != nil {
		c.Fatal(err)
	}
	out, err := c.deps.Identities.Link(ctx, person, identity.Key{Kind: identity.Phone, Value: c.deps.Phones.Hash(n)},
		identity.Evidence{Event: identity.PhoneVerified, Channel: "mini", ConsentID: consentID})
	if err != nil {
		c.Fatal(err)
	}
	return out
}

type shownMember struct {
	ID, RootID id.ID
	Keys       []struct{ Kind, Title, Shown string }
}

func TestIdentityRoutes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk)
		c := crowd{s, t}
		root := s.as(t, "root", operator.Admin)
		personA, a := c.comes("wxOfficial", "oOfficialSecretA", "")
		clk.Advance(time.Second)
		_, b := c.comes("wxMini", "oMiniSecretB", "uUnionSecretB")
		c.shows(personA, "13812348000", 0)
		c.comes("wxOfficial", "oOfficialSecretA", "uUnionSecretB") // WeChat names both: a case
		secrets := []string{"oOfficialSecretA", "oMiniSecretB", "uUnionSecretB", "13812348000"}
		clean := func(t *testing.T, a answer) {
			t.Helper()
			if a.Status >= 300 {
				t.Fatal(a.Status, a.Raw)
			}
			for _, x := range secrets {
				if strings.Contains(a.Raw, x) {
					t.Errorf("%s is shown: %s", x, a.Raw)
				}
			}
		}
		t.Run("members are found by number, key and phone tail, masked", func(t *testing.T) {
			for path, want := range map[string]int{"/members": 2, "/members?id=" + a.String(): 1, "/members?phone_tail=8000": 1, "/members?phone_tail=9999": 0,
				"/members?kind=openid&scope=wxMini&key=oMiniSecretB": 1, "/members?kind=openid&scope=wxMini&key=nobody": 0, "/members?id=404": 0, "/members?state=blocked": 0} {
				got := root.do("GET", path, "")
				var list []shownMember
				got.into(t, &list)
				if clean(t, got); len(list) != want {
					t.Errorf("%s: %s", path, got.Raw)
				}
			}
			var list []shownMember
			root.do("GET", "/members?phone_tail=8000", "").into(t, &list)
			if len(list[0].Keys) != 2 || list[0].Keys[1].Shown != "138****8000" || list[0].ID != a {
				t.Errorf("%+v", list)
			}
			if got := root.do("GET", "/members?key=x", ""); got.Status != 400 {
				t.Error(got.Raw)
			}
			if got := root.do("GET", "/members?phone_tail=abc", ""); got.Status != 400 {
				t.Error(got.Raw)
			}
		})
		var queue []struct {
			ID        id.ID
			Rule      string
			RuleText  string `json:"rule_text"`
			Low, High shownMember
		}
		t.Run("the queue shows the case with both sides and the reason", func(t *testing.T) {
			got := root.do("GET", "/identity/reviews?state=open", "")
			got.into(t, &queue)
			if clean(t, got); len(queue) != 1 || queue[0].RuleText == "" || queue[0].Rule != "two_accounts" || len(queue[0].Low.Keys) == 0 || len(queue[0].High.Keys) == 0 {
				t.Fatal(got.Raw)
			}
		})
		t.Run("a decision needs a reason and is audited", func(t *testing.T) {
			path := "/identity/reviews/" + queue[0].ID.String() + "/merge"
			if got := root.do("POST", path, `{"reason":""}`); got.Error.Code != "reason_missing" {
				t.Fatal(got.Raw)
			}
			got := root.do("POST", path, `{"reason":"客户来电核实"}`)
			if clean(t, got); !strings.Contains(got.Raw, `"state":"merged"`) {
				t.Fatal(got.Raw)
			}
			audit := root.do("GET", "/audit?action=review.merge&outcome=done", "")
			if !strings.Contains(audit.Raw, "客户来电核实") || !strings.Contains(audit.Raw, queue[0].ID.String()) {
				t.Fatal(audit.Raw)
			}
			if again := root.do("POST", path, `{"reason":"再来"}`); again.Error.Code != "review_decided" {
				t.Fatal(again.Raw)
			}
		})
		t.Run("one human is shown with all accounts, why, and how sure", func(t *testing.T) {
			got := root.do("GET", "/members/"+b.String()+"/identity", "")
			var v struct {
				Members     []shownMember
				Temperature identity.Temperature
				Why         struct {
					Reasons []struct {
						Shown string
						Steps []struct{ Text string }
					}
				}
				Evidence []struct{ Shown, Other string }
				Merges   []struct {
					ID    id.ID
					One   id.ID `json:"member_id"`
					Other id.ID `json:"other_member_id"`
				}
			}
			got.into(t, &v)
			clean(t, got)
			if len(v.Members) != 2 || v.Members[0].ID != a || v.Temperature.Score < 50 || len(v.Why.Reasons) != 3 || len(v.Evidence) == 0 || len(v.Merges) != 1 {
				t.Fatal(got.Raw)
			}
			if m := v.Merges[0]; m.One+m.Other != a+b {
				t.Fatal(got.Raw)
			}
			for _, r := range v.Why.Reasons {
				if len(r.Steps) == 0 {
					t.Error("no path", got.Raw)
				}
			}
			one := root.do("GET", "/members/"+b.String(), "")
			if clean(t, one); !strings.Contains(one.Raw, `"family":[{"id":"`+a.String()) {
				t.Fatal(one.Raw)
			}
			t.Run("and parted again", func(t *testing.T) {
				path := "/identity/merges/" + v.Merges[0].ID.String() + "/undo"
				if got := root.do("POST", path, `{"reason":""}`); got.Error.Code != "reason_missing" {
					t.Fatal(got.Raw)
				}
				clean(t, root.do("POST", path, `{"reason":"是夫妻"}`))
				one := root.do("GET", "/members/"+b.String(), "")
				if strings.Contains(one.Raw, a.String()) {
					t.Fatal(one.Raw)
				}
				list := root.do("GET", "/identity/merges?state=undone", "")
				if clean(t, list); !strings.Contains(list.Raw, "是夫妻") {
					t.Fatal(list.Raw)
				}
			})
		})
		t.Run("an operator merges two members by their numbers", func(t *testing.T) {
			in := `{"member_id":"` + a.String() + `","other_member_id":"` + b.String() + `","reason":"`
			if got := root.do("POST", "/identity/merges", in+`"}`); got.Error.Code != "reason_missing" {
				t.Fatal(got.Raw)
			}
			clean(t, root.do("POST", "/identity/merges", in+`门店核实"}`))
			if got := root.do("POST", "/identity/merges", in+`门店核实"}`); got.Error.Code != "already_one" {
				t.Fatal(got.Raw)
			}
		})
		t.Run("kinds: a new one, a changed one, and what is refused", func(t *testing.T) {
			for _, x := range []struct{ method, body, code string }{
				{"POST", `{"kind":"loyalty_no","title":"老会员号","most":1,"scope_rule":"source"}`, ""},
				{"POST", `{"kind":"loyalty_no","title":"老会员号","most":1,"scope_rule":"source"}`, "kind_exists"},
				{"PUT", `{"kind":"loyalty_no","title":"老会员编号","most":2,"scope_rule":"source"}`, ""},
				{"PUT", `{"kind":"nothing","title":"x","most":2,"scope_rule":"none"}`, "kind_not_found"},
				{"PUT", `{"kind":"unionid","most":2}`, ""},
				{"PUT", `{"kind":"unionid","most":0}`, "kind_malformed"},
				{"POST", `{"kind":"Bad Kind","title":"x","most":1,"scope_rule":"none"}`, "kind_malformed"},
				{"POST", `{"kind":"nameless","title":" ","most":1,"scope_rule":"none"}`, "kind_malformed"},
				{"POST", `{"kind":"scoped","title":"x","most":1,"scope_rule":"app"}`, "kind_malformed"},
			} {
				if got := root.do(x.method, "/identity/kinds", x.body); got.Error.Code != x.code {
					t.Errorf("%s %s: %s", x.method, x.body, got.Raw)
				}
			}
			got := root.do("GET", "/identity/kinds", "")
			if !strings.Contains(got.Raw, `"kind":"unionid","title":"微信 UnionID","strong":true,"most":2`) || !strings.Contains(got.Raw, "老会员编号") {
				t.Fatal(got.Raw)
			}
		})
		t.Run("a front desk's number is declared, masked in every answer and in the audit", func(t *testing.T) {
			got := root.do("POST", "/identity/blocked-keys", `{"kind":"phone","key":"13812348000","reason":"前台电话"}`)
			var made struct{ ID id.ID }
			got.into(t, &made)
			if clean(t, got); !strings.Contains(got.Raw, "138****8000") {
				t.Fatal(got.Raw)
			}
			clean(t, root.do("GET", "/identity/blocked-keys", ""))
			clean(t, root.do("GET", "/audit?action=blocked.create", ""))
			if bad := root.do("POST", "/identity/blocked-keys", `{"kind":"phone","key":"12","reason":"x"}`); bad.Status != 400 {
				t.Fatal(bad.Raw)
			}
			if gone := root.do("DELETE", "/identity/blocked-keys/"+made.ID.String(), ""); gone.Status != 200 {
				t.Fatal(gone.Raw)
			}
		})
		t.Run("the data map is drawn from these people", func(t *testing.T) {
			got := root.do("GET", "/data-map", "")
			if clean(t, got); !strings.Contains(got.Raw, `"id":"openid/wxMini"`) || !strings.Contains(got.Raw, `"people":1,`) {
				t.Fatal(got.Raw)
			}
		})
	})
}
