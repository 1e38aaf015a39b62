package openapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"siyu/handler/web/webtest"
	"siyu/model/apikey"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
)

func load(t *testing.T, text []byte) (doc map[string]any, j *webtest.Judge) {
	t.Helper()
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return doc, &webtest.Judge{Schemas: doc["components"].(map[string]any)["schemas"].(map[string]any), Seen: map[string]bool{}}
}

// dig follows keys through objects.
func dig(v any, keys ...string) any {
	for _, k := range keys {
		m, _ := v.(map[string]any)
		v = m[k]
	}
	return v
}

func TestDocument(t *testing.T) {
	clk := clock.NewFake(dbtest.Start)
	s := newSite(t, dbtest.Open(t, db.SQLite, clk), clk)
	p := s.partner(60000, apikey.EventsWrite, apikey.EventsRead, apikey.OrdersWrite, apikey.ScoresWrite)
	churn := s.modelTag("高", "低")
	served := p.do("GET", "/openapi.json", "", func(h map[string]string) { clear(h) })
	if served.Status != 200 {
		t.Fatal(served.Raw)
	}
	doc, j := load(t, []byte(served.Raw))
	paths := doc["paths"].(map[string]any)

	t.Run("it describes every route and no other, and each signature header", func(t *testing.T) {
		var described, mounted []string
		for path, ops := range paths {
			for method := range ops.(map[string]any) {
				described = append(described, strings.ToUpper(method)+" "+path)
			}
		}
		for _, r := range s.h.Routes() {
			if r.Permission != Public {
				path, _ := pathOf(r.Path)
				mounted = append(mounted, r.Method+" "+path)
			}
		}
		slices.Sort(described)
		slices.Sort(mounted)
		if !slices.Equal(described, mounted) {
			t.Errorf("described %v\nmounted %v", described, mounted)
		}
		for name, header := range map[string]string{"key": "X-Siyu-Key", "time": "X-Siyu-Time", "nonce": "X-Siyu-Nonce", "sign": "X-Siyu-Sign"} {
			if got := dig(doc, "components", "securitySchemes", name, "name"); got != header {
				t.Errorf("%s: %v", name, got)
			}
		}
	})
	// An operation's schema of its answer, by status.
	schemaOf := func(method, path, status string) map[string]any {
		m, ok := dig(paths, path, strings.ToLower(method), "responses", status, "content", "application/json", "schema").(map[string]any)
		if !ok {
			t.Fatalf("%s %s has no %s", method, path, status)
		}
		return m
	}
	t.Run("real answers fit it, and every documented field of an answer appears in one", func(t *testing.T) {
		for _, c := range []struct{ method, target, path, body string }{
			{"GET", "/ping", "/ping", ""},
			{"POST", "/events", "/events", `{"events":[` + reviewed + `,` + unknown + `,` + reviewed + `,{"key":"x","type":"review","at":"2026-11-21T10:00:00+08:00","person":[{"kind":"phone","value":"13800138000"}],"body":{"stars":7}},7]}`},
			{"POST", "/events", "/events", `{"events":[` + strings.Replace(reviewed, `"stars":5`, `"stars":4`, 1) + `]}`},
			{"POST", "/orders", "/orders", `{"orders":[` + ordered + `]}`},
			{"GET", "/events/r-1", "/events/{key}", ""},
			{"GET", "/events/r-2", "/events/{key}", ""},
			{"GET", "/events/none", "/events/{key}", ""},
			{"POST", "/events", "/events", `{"event":1}`},
			{"PUT", "/tags/" + churn.String() + "/scores", "/tags/{id}/scores", `{"version":1,"scores":[{"person":[{"kind":"phone","value":"13800138000"}],"score":9,"value":"高"},7]}`},
		} {
			r := p.do(c.method, c.target, c.body)
			status := "200"
			if r.Status != 200 {
				status = "default"
			}
			var v any
			if err := json.Unmarshal([]byte(r.Raw), &v); err != nil {
				t.Fatal(err)
			}
			if why := j.Check("", schemaOf(c.method, Base+c.path, status), v); why != "" {
				t.Errorf("%s %s: %s\n%s", c.method, c.target, why, r.Raw)
			}
		}
		for _, name := range []string{"pong", "outcomes", "outcome", "status", "problem", "scoreOutcomes", "scoreOutcome", "Error"} {
			for field := range dig(j.Schemas, name, "properties").(map[string]any) {
				if !j.Seen[name+"."+field] {
					t.Errorf("no answer had %s.%s", name, field)
				}
			}
		}
	})
	t.Run("what it allows is taken and what it forbids is not", func(t *testing.T) {
		item := func(raw string) any {
			var v any
			if err := json.Unmarshal([]byte(raw), &v); err != nil {
				t.Fatal(err)
			}
			return v
		}
		n := 0
		taken := func(v any) bool {
			n++
			if m, ok := v.(map[string]any); ok {
				m = maps.Clone(m)
				if m["key"] == "r-1" {
					m["key"] = fmt.Sprint("allowed-", n) // each is a fact of its own
				}
				v = m
			}
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			o := p.do("POST", "/events", `{"events":[`+string(b)+`]}`).outcomes(t)
			return o.Stored == 1
		}
		with := func(change func(e, body map[string]any)) any {
			e := item(reviewed).(map[string]any)
			change(e, e["body"].(map[string]any))
			return e
		}
		event := map[string]any{"$ref": "#/components/schemas/Event"}
		for name, v := range map[string]any{
			"as it is":             item(reviewed),
			"no body":              with(func(e, _ map[string]any) { delete(e, "body") }),
			"no key":               with(func(e, _ map[string]any) { delete(e, "key") }),
			"a key with a slash":   with(func(e, _ map[string]any) { e["key"] = "a/b" }),
			"no person":            with(func(e, _ map[string]any) { e["person"] = []any{} }),
			"a type of our own":    with(func(e, _ map[string]any) { e["type"] = "claim" }),
			"another field":        with(func(e, _ map[string]any) { e["member_id"] = "7" }),
			"no such time":         with(func(e, _ map[string]any) { e["at"] = "yesterday" }),
			"six stars":            with(func(_, b map[string]any) { b["stars"] = 6.0 }),
			"half a star":          with(func(_, b map[string]any) { b["stars"] = 4.5 }),
			"no stars":             with(func(_, b map[string]any) { delete(b, "stars") }),
			"a short text":         with(func(_, b map[string]any) { b["text"] = "" }),
			"a text that is long":  with(func(_, b map[string]any) { b["text"] = strings.Repeat("长", 1001) }),
			"a field nobody knows": with(func(_, b map[string]any) { b["mood"] = "good" }),
			"custom": with(func(e, _ map[string]any) {
				e["type"], e["body"] = "custom", map[string]any{"name": "tasting", "data": map[string]any{"liked": true, "note": "甜", "n": 1.5}}
			}),
			"custom with a list": with(func(e, _ map[string]any) {
				e["type"], e["body"] = "custom", map[string]any{"name": "tasting", "data": map[string]any{"a": []any{1.0}}}
			}),
			"an order": with(func(e, _ map[string]any) {
				e["type"], e["body"] = "order", map[string]any{"source": "a", "order_no": "1", "amount_fen": 1.0, "lines": []any{map[string]any{"quantity": 1.0, "amount_fen": 1.0}}}
			}),
			"an order without lines": with(func(e, _ map[string]any) {
				e["type"], e["body"] = "order", map[string]any{"source": "a", "order_no": "1", "amount_fen": 1.0, "lines": []any{}}
			}),
		} {
			why := j.Check("Event", event, v)
			if got := taken(v); got != (why == "") {
				t.Errorf("%s: taken is %v, the document says %q", name, got, why)
			}
		}
		scored := map[string]any{"$ref": "#/components/schemas/Score"}
		for name, raw := range map[string]string{"a score": `{"person":[{"kind":"openid","scope":"wx1","value":"o1"}],"score":3,"value":"高"}`, "no person": `{"score":3}`,
			"half a score": `{"person":[{"kind":"openid","scope":"wx1","value":"o1"}],"score":0.5}`, "another field": `{"person":[{"kind":"openid","scope":"wx1","value":"o1"}],"member_id":"3"}`,
			"too large": `{"person":[{"kind":"openid","scope":"wx1","value":"o1"}],"score":1000000001,"value":"高"}`} {
			r := p.do("PUT", "/tags/"+churn.String()+"/scores", `{"version":1,"scores":[`+raw+`]}`)
			if why := j.Check("Score", scored, item(raw)); strings.Contains(r.Raw, `"bad"`) != (why != "") {
				t.Errorf("%s: %s, the document says %q", name, r.Raw, why)
			}
		}
		for _, raw := range []string{ordered, refunded} {
			if why := j.Check("Order", map[string]any{"$ref": "#/components/schemas/Order"}, item(raw)); why != "" {
				t.Error(why)
			}
		}
	})
	t.Run("the judge can refuse", func(t *testing.T) {
		for _, bad := range []string{`{"data":{}}`, `{"data":{"results":[],"stored":"0","duplicates":0,"failed":0}}`, `{"data":{"results":[],"stored":0,"duplicates":0,"failed":0,"more":1}}`,
			`{"data":{"results":[{"index":0,"key":"","status":"lost","event_id":null,"error":null}],"stored":0,"duplicates":0,"failed":0}}`} {
			var v any
			if err := json.Unmarshal([]byte(bad), &v); err != nil {
				t.Fatal(err)
			}
			if (&webtest.Judge{Schemas: j.Schemas, Seen: map[string]bool{}}).Check("", schemaOf("POST", Base+"/events", "200"), v) == "" {
				t.Errorf("%s passed", bad)
			}
		}
	})
}
