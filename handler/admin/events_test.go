package admin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/apikey"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/operator"
)

// someone is a member by WeChat's word.
func (s *site) someone(t *testing.T, openID string) id.ID {
	t.Helper()
	p, err := s.deps.Identities.Resolve(context.Background(), identity.Login{AppID: "wx1", OpenID: openID})
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.deps.Members.Of(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	return m.ID
}

// dead makes dead letters of a new key of the brand and returns it.
func (s *site) dead(t *testing.T, brandID id.ID, keys ...string) apikey.Key {
	t.Helper()
	ctx := context.Background()
	k, _, err := s.deps.APIKeys.Create(ctx, apikey.Draft{BrandID: brandID, Name: "商城", Permissions: []string{apikey.EventsWrite}})
	if err != nil {
		t.Fatal(err)
	}
	var reports []event.Report
	for _, key := range keys {
		reports = append(reports, event.Report{Key: key, Type: event.Review, At: s.clk.Now(), Person: []event.PersonKey{{Kind: "crm", Scope: "shop", Value: "customer-77"}}, Body: json.RawMessage(`{"stars":5}`)})
	}
	if _, err := s.deps.Intake.Take(ctx, k, reports); err != nil {
		t.Fatal(err)
	}
	return k
}

// eventKeyed are the routes of events.go that remember.
func (o *office) eventKeyed() map[string]retry {
	k := o.dead(o.t, o.brand.ID, "a", "b")
	letters, err := o.deps.Intake.Letters(context.Background(), o.brand.ID, "", 0, 10)
	if err != nil || len(letters) != 2 {
		o.t.Fatal(letters, err)
	}
	who := o.someone(o.t, "retry").String()
	return map[string]retry{
		"POST /members/:id/purchases/rebuild": {"/members/" + who + "/purchases/rebuild", `{"reason":"a"}`, `{"reason":"b"}`},
		"POST /events/dead/:id/replay":        {"/events/dead/" + letters[0].ID.String() + "/replay", `{"member_id":"` + who + `"}`, `{}`},
		"POST /events/dead/:id/discard":       {"/events/dead/" + letters[1].ID.String() + "/discard", `{"reason":"a"}`, `{"reason":"b"}`},
		"POST /apikeys/:id/revoke":            {"/apikeys/" + k.ID.String() + "/revoke", `{"reason":"a"}`, `{"reason":"b"}`},
	}
}

// eventExempts are those whose answers hold a secret.
func (o *office) eventExempts() []exempt {
	k := o.dead(o.t, o.brand.ID)
	return []exempt{
		{"POST /apikeys", "/apikeys", `{"brand_id":"` + o.brand.ID.String() + `","name":"商城","permissions":["events:write"]}`, ""},
		{"POST /apikeys/:id/rotate", "/apikeys/" + k.ID.String() + "/rotate", `{"keep_hours":1}`, ""},
	}
}

func TestTimelineAndPurchases(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s, ctx := newSite(t, d, clk), context.Background()
		p := s.as(t, "root", operator.Admin)
		ann, ben := s.someone(t, "ann"), s.someone(t, "ben")
		var events []event.Event
		for i := range 25 {
			who := []id.ID{ann, ben}[i%2]
			events = append(events, event.Event{Key: fmt.Sprint("claim:", i), Type: event.Claim, BrandID: 1, MemberID: who, Channel: event.Code, At: clk.Now().Add(-time.Duration(i/3) * 48 * time.Hour),
				Body: event.Body(event.ClaimBody{ProductID: 9, BatchID: 2, Serial: int64(i + 1), CampaignID: 3, Kind: "cash"})})
		}
		if _, err := s.deps.Events.Put(ctx, events); err != nil {
			t.Fatal(err)
		}
		path := "/members/" + ann.String()
		pages := func(t *testing.T, query string) (keys []string) {
			t.Helper()
			for next := ""; ; {
				a := p.do("GET", path+"/timeline?limit=4"+query+"&before="+next, "")
				var list []event.Event
				a.into(t, &list)
				for _, e := range list {
					keys = append(keys, e.Key)
				}
				if next = a.Next; next == "" {
					return keys
				}
			}
		}
		t.Run("a member's own events, then those of all who are the same human", func(t *testing.T) {
			if n := len(pages(t, "")); n != 13 {
				t.Errorf("%d", n)
			}
			if err := d.InTx(ctx, func(tx *gorm.DB) error { return tx.Exec("UPDATE member SET root_id = ? WHERE id = ?", ben, ann).Error }); err != nil {
				t.Fatal(err)
			}
			keys := pages(t, "&types=claim,order")
			seen := map[string]bool{}
			for _, k := range keys {
				seen[k] = true
			}
			if len(keys) != 25 || len(seen) != 25 || len(pages(t, "&types=order")) != 0 {
				t.Error(keys)
			}
		})
		t.Run("what he bought, once he allows that it is known", func(t *testing.T) {
			var b struct {
				Allowed bool
				Items   []event.Bought
			}
			p.do("GET", path+"/purchases", "").into(t, &b)
			if b.Allowed || len(b.Items) != 0 {
				t.Errorf("%+v", b)
			}
			if _, err := consent.New(d).Put(ctx, consent.Consent{MemberID: ann, Purpose: consent.Profiling, Given: true, Channel: consent.H5}); err != nil {
				t.Fatal(err)
			}
			p.do("GET", path+"/purchases", "").into(t, &b)
			if !b.Allowed || len(b.Items) != 1 || b.Items[0].Quantity != 25 || b.Items[0].Times != 9 || b.Items[0].IntervalHours != 48 {
				t.Errorf("%+v", b)
			}
		})
		t.Run("mistakes are named", func(t *testing.T) {
			for q, want := range map[string]string{"?before=x": "bad_field", "?before=1.2x": "bad_field", "?types=claim,nothing": "bad_field", "?limit=0": "bad_field"} {
				if a := p.do("GET", path+"/timeline"+q, ""); a.Status != 400 || a.Error.Code != want {
					t.Errorf("%s: %d %s", q, a.Status, a.Raw)
				}
			}
			if a := p.do("GET", "/members/5/timeline", ""); a.Status != 404 {
				t.Error(a.Raw)
			}
		})
	})
}

func TestDeadLettersAndKeysInTheOffice(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk)
		p := s.as(t, "root", operator.Admin)
		var brand named
		p.do("POST", "/brands", `{"slug":"laojing","name":"老井","code_host":"q.laojing.cn"}`).into(t, &brand)
		s.dead(t, brand.ID, "a", "b")
		var list []event.DeadLetter
		t.Run("the list names reasons, the letter its content, masked", func(t *testing.T) {
			p.do("GET", "/events/dead?state=waiting&brand_id="+brand.ID.String(), "").into(t, &list)
			if len(list) != 2 || list[0].Code != "person_unknown" || list[0].Reason == "" {
				t.Fatalf("%+v", list)
			}
			a := p.do("GET", "/events/dead/"+list[0].ID.String(), "")
			if a.Status != 200 || strings.Contains(a.Raw, "customer-77") || !strings.Contains(a.Raw, "cu****77") || !strings.Contains(a.Raw, `"stars":5`) {
				t.Error(a.Raw)
			}
		})
		t.Run("replayed as it is it says why not; with a member it is stored", func(t *testing.T) {
			path := "/events/dead/" + list[0].ID.String() + "/replay"
			if a := p.do("POST", path, ""); a.Status != 404 || a.Error.Code != "person_unknown" {
				t.Error(a.Raw)
			}
			var l event.DeadLetter
			p.do("POST", path, `{"member_id":"`+s.someone(t, "ann").String()+`","reason":"客户来电"}`).into(t, &l)
			if l.State != event.Replayed {
				t.Errorf("%+v", l)
			}
		})
		t.Run("a secret is shown when it is made and never in a list", func(t *testing.T) {
			var k struct {
				apikey.Key
				Secret string
			}
			p.do("POST", "/apikeys", `{"brand_id":"`+brand.ID.String()+`","name":"天猫","permissions":["orders:write"],"person_kinds":["phone"]}`).into(t, &k)
			old := k.Secret
			if len(old) < 40 {
				t.Fatalf("%+v", k)
			}
			p.do("POST", "/apikeys/"+k.ID.String()+"/rotate", `{"keep_hours":2}`).into(t, &k)
			if k.Secret == old || k.OldUntil != clk.Now().Add(2*time.Hour) {
				t.Errorf("%+v", k)
			}
			for _, path := range []string{"/apikeys?brand_id=" + brand.ID.String(), "/apikeys/" + k.ID.String(), "/audit?object=apikey"} {
				if a := p.do("GET", path, ""); a.Status != 200 || strings.Contains(a.Raw, k.Secret) || strings.Contains(a.Raw, old) || !strings.Contains(a.Raw, k.Access) {
					t.Error(path, a.Raw)
				}
			}
			if a := p.do("POST", "/apikeys/"+k.ID.String()+"/rotate", `{"keep_hours":200}`); a.Status != 400 {
				t.Error(a.Raw)
			}
		})
	})
}
