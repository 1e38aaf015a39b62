package openapi

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"siyu/model/apikey"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
)

func TestSignedRequests(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk)
		p := s.partner(6000, apikey.EventsWrite, apikey.EventsRead, apikey.OrdersWrite)
		t.Run("a signed request is answered, with what the key may do", func(t *testing.T) {
			if r := p.do("GET", "/ping?a=%E4%B8%AD&b=/x", ""); r.Status != 200 || !strings.Contains(r.Raw, `"permissions":["events:read","events:write","orders:write"]`) || strings.Contains(r.Raw, p.secret) {
				t.Error(r.Status, r.Raw)
			}
		})
		t.Run("nothing is written for one that is not", func(t *testing.T) {
			set := func(name, value string) func(map[string]string) { return func(h map[string]string) { h[name] = value } }
			for want, change := range map[string]func(map[string]string){
				"bad_signature": set("X-Siyu-Sign", strings.Repeat("0", 64)), "bad_headers": set("X-Siyu-Key", ""),
				"bad_time": set("X-Siyu-Time", "1"),
			} {
				if r := p.do("POST", "/events", `{"events":[`+reviewed+`]}`, change); r.Status != 401 || r.Error.Code != want {
					t.Errorf("%s: %d %s", want, r.Status, r.Raw)
				}
			}
			other := *p
			other.secret += "x"
			if r := other.do("POST", "/events", `{"events":[`+reviewed+`]}`); r.Status != 401 || r.Error.Code != "bad_signature" {
				t.Error(r.Raw)
			}
			if n := s.count("event"); n != 0 {
				t.Errorf("%d events", n)
			}
		})
		t.Run("the same request again is refused, and harmless where it is not", func(t *testing.T) {
			body := `{"events":[` + reviewed + `]}`
			r := p.do("POST", "/events", body)
			if w := r.outcomes(t).words(); w != "stored" {
				t.Fatal(w)
			}
			p.n--
			if r := p.do("POST", "/events", body); r.Status != 401 || r.Error.Code != "nonce_used" {
				t.Error(r.Status, r.Raw)
			}
			var err error
			if s.h, err = New(s.h.Deps); err != nil { // another process, that has not seen the nonce
				t.Fatal(err)
			}
			second := newSiteOf(s)
			q := *p
			q.s, q.n = second, q.n-1
			if o := q.do("POST", "/events", body).outcomes(t); o.words() != "duplicate" || o.Results[0].EventID != r.outcomes(t).Results[0].EventID {
				t.Error(o)
			}
			if n := s.count("event"); n != 1 {
				t.Errorf("%d events", n)
			}
		})
		t.Run("a key reaches exactly the routes of its permissions", func(t *testing.T) {
			for _, has := range []string{apikey.EventsWrite, apikey.EventsRead, apikey.OrdersWrite} {
				p := s.partner(6000, has)
				for _, r := range s.h.table() {
					a := p.do(r.method, strings.Replace(r.path, ":key", "r-1", 1), "{}")
					if refused := a.Status == 403 && a.Error.Code == "no_permission"; refused == (r.permission == has || r.permission == Signed) {
						t.Errorf("%s on %s %s: %d %s", has, r.method, r.path, a.Status, a.Raw)
					}
				}
			}
			if r := s.partner(6000, apikey.EventsWrite).do("POST", "/events", `{"events":[{"key":"o","type":"order","at":"2026-11-21T10:00:00+08:00","person":[{"kind":"phone","value":"13800138000"}],"body":{"source":"a","order_no":"1","amount_fen":1,"lines":[{"quantity":1,"amount_fen":1}]}}]}`); r.outcomes(t).words() != "rejected/no_permission" {
				t.Error(r.Raw)
			}
		})
		t.Run("a key that asks too fast waits", func(t *testing.T) {
			slow := s.partner(60, apikey.EventsRead)
			var last reply
			for range 11 {
				last = slow.do("GET", "/ping", "")
			}
			if last.Status != 429 || last.Error.Code != "too_many_requests" || len(last.Header["Retry-After"]) != 1 || last.Header["Retry-After"][0] == "0" {
				t.Error(last.Status, last.Raw, last.Header)
			}
			clk.Advance(time.Duration(2) * time.Second)
			if r := slow.do("GET", "/ping", ""); r.Status != 200 {
				t.Error(r.Raw)
			}
		})
		t.Run("a revoked key is nobody a second later", func(t *testing.T) {
			gone := s.partner(6000, apikey.EventsRead)
			if r := gone.do("GET", "/ping", ""); r.Status != 200 {
				t.Fatal(r.Raw)
			}
			if _, err := s.keys.Revoke(context.Background(), gone.key.ID); err != nil {
				t.Fatal(err)
			}
			clk.Advance(time.Second)
			if r := gone.do("GET", "/ping", ""); r.Status != 401 || r.Error.Code != "bad_signature" {
				t.Error(r.Status, r.Raw)
			}
		})
	})
}

// newSiteOf is another process on the same database.
func newSiteOf(s *site) *site {
	n := newSite(s.t, s.d, s.clk)
	n.h.Keys, n.h.Intake = s.keys, s.h.Intake
	return n
}

func TestReports(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk)
		p := s.partner(6000, apikey.EventsWrite, apikey.EventsRead, apikey.OrdersWrite)
		t.Run("each item is answered for itself", func(t *testing.T) {
			body := `{"events":[` + reviewed + `,` + unknown + `,7,{"key":"r-3","typ":"review"},{"key":"r-4","at":"yesterday"},{"key":"r-5","type":"review","at":"2026-11-21T10:00:00+08:00","person":[{"kind":"phone","value":"13800138000"}],"body":{"stars":"5"}},` + reviewed + `]}`
			o := p.do("POST", "/events", body).outcomes(t)
			if o.words() != "stored dead/person_unknown rejected/bad_item rejected/bad_item rejected/bad_item dead/event_invalid duplicate" || o.Stored != 1 || o.Duplicates != 1 || o.Failed != 5 {
				t.Errorf("%+v", o)
			}
			if o.Results[5].Error.Path != "body.stars" || o.Results[3].Error.Path != "typ" || o.Results[3].Key != "r-3" {
				t.Errorf("%+v %+v", o.Results[3].Error, o.Results[5].Error)
			}
		})
		t.Run("an order and its refund are two facts, each once", func(t *testing.T) {
			body := `{"orders":[` + ordered + `,` + refunded + `]}`
			if w := p.do("POST", "/orders", body).outcomes(t).words(); w != "stored stored" {
				t.Fatal(w)
			}
			if w := p.do("POST", "/orders", body).outcomes(t).words(); w != "duplicate duplicate" {
				t.Fatal(w)
			}
			wrong := strings.Replace(ordered, `"quantity":2`, `"quantity":3`, 1)
			if w := p.do("POST", "/orders", `{"orders":[`+wrong+`]}`).outcomes(t).words(); w != "conflict/event_conflict" {
				t.Error(w)
			}
			if n := s.count("event WHERE type = 'order'"); n != 2 {
				t.Errorf("%d rows", n)
			}
		})
		t.Run("what became of a report can be asked, by the brand's own keys", func(t *testing.T) {
			for key, want := range map[string]string{"r-1": `"status":"stored"`, "r-2": `"code":"person_unknown"`, "order:tmall:1001": `"status":"stored"`, "refund:tmall:1001:R1": `"status":"stored"`} {
				if r := p.do("GET", "/events/"+key, ""); r.Status != 200 || !strings.Contains(r.Raw, want) {
					t.Errorf("%s: %d %s", key, r.Status, r.Raw)
				}
			}
			if r := p.do("GET", "/events/none", ""); r.Status != 404 {
				t.Error(r.Raw)
			}
			foreign, secret, err := s.keys.Create(context.Background(), apikey.Draft{BrandID: 6, Name: "别家", Permissions: []string{apikey.EventsRead}})
			if err != nil {
				t.Fatal(err)
			}
			if r := (&partner{s: s, key: foreign, secret: secret}).do("GET", "/events/r-1", ""); r.Status != 404 {
				t.Error("another brand's report:", r.Raw)
			}
		})
		t.Run("an envelope that is wrong is refused as a whole", func(t *testing.T) {
			many := strings.TrimSuffix(strings.Repeat(reviewed+",", 1001), ",")
			for _, c := range []struct{ body, code string }{
				{``, "bad_json"}, {`[]`, "bad_field"}, {`{"events":[]}`, "bad_field"}, {`{"event":[]}`, "unknown_field"}, {`{"events":[` + many + `]}`, "bad_field"},
				{`{"events":["` + strings.Repeat("x", batchBody) + `"]}`, "body_too_large"}, {"{\"events\":[\"\xff\"]}", "bad_utf8"},
			} {
				if r := p.do("POST", "/events", c.body); r.Status < 400 || r.Error.Code != c.code {
					t.Errorf("%.40s: %d %.200s, want %s", c.body, r.Status, r.Raw, c.code)
				}
			}
		})
		t.Run("a thousand in one call", func(t *testing.T) {
			var list []string
			for i := range 1000 {
				list = append(list, strings.Replace(reviewed, "r-1", fmt.Sprint("many-", i), 1))
			}
			if o := p.do("POST", "/events", `{"events":[`+strings.Join(list, ",")+`]}`).outcomes(t); o.Stored != 1000 {
				t.Errorf("%d stored", o.Stored)
			}
		})
	})
}
