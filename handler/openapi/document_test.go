package openapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"siyu/model/apikey"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
)

// judge holds JSON values against the document's schemas, and remembers which documented
// properties it has seen.
type judge struct {
	schemas map[string]any
	seen    map[string]bool
}

// check returns why a value does not fit a schema, "" if it does. name is where the
// schema stands.
func (j *judge) check(name string, schema map[string]any, v any) string {
	if r, ok := schema["$ref"].(string); ok {
		name = strings.TrimPrefix(r, "#/components/schemas/")
		next, there := j.schemas[name].(map[string]any)
		if !there {
			return "no schema " + r
		}
		return j.check(name, next, v)
	}
	if options, ok := schema["oneOf"].([]any); ok {
		var why []string
		for _, o := range options {
			if w := j.check(name, o.(map[string]any), v); w != "" {
				why = append(why, w)
			}
		}
		if len(options)-len(why) != 1 {
			return fmt.Sprintf("%s: fits %d of %v", name, len(options)-len(why), why)
		}
		return ""
	}
	if c, ok := schema["const"]; ok && !reflect.DeepEqual(c, v) {
		return fmt.Sprintf("%s: %v is not %v", name, v, c)
	}
	if enum, ok := schema["enum"].([]any); ok && !slices.Contains(enum, v) {
		return fmt.Sprintf("%s: %v is none of %v", name, v, enum)
	}
	if t := schema["type"]; t != nil && !slices.ContainsFunc(typesOf(t), func(t string) bool { return isType(t, v) }) {
		return fmt.Sprintf("%s: %v is no %v", name, v, t)
	}
	number := func(word string, or float64) float64 {
		if n, ok := schema[word].(float64); ok {
			return n
		}
		return or
	}
	switch x := v.(type) {
	case string:
		if n := float64(utf8.RuneCountInString(x)); n > number("maxLength", n) || n < number("minLength", n) {
			return name + ": length"
		}
		if p, ok := schema["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(x) {
			return name + ": pattern"
		}
		if _, err := time.Parse(time.RFC3339, x); schema["format"] == "date-time" && err != nil {
			return name + ": no time"
		}
	case float64:
		if x > number("maximum", x) || x < number("minimum", x) {
			return name + ": range"
		}
	case []any:
		if n := float64(len(x)); n > number("maxItems", n) || n < number("minItems", n) {
			return name + ": items"
		}
		for i, item := range x {
			if why := j.check(name, schema["items"].(map[string]any), item); why != "" {
				return fmt.Sprintf("[%d] %s", i, why)
			}
		}
	case map[string]any:
		return j.object(name, schema, x)
	}
	return ""
}

func (j *judge) object(name string, schema, x map[string]any) string {
	properties, _ := schema["properties"].(map[string]any)
	if n, ok := schema["maxProperties"].(float64); ok && float64(len(x)) > n {
		return name + ": too many properties"
	}
	required, _ := schema["required"].([]any)
	for _, r := range required {
		if _, there := x[r.(string)]; !there {
			return fmt.Sprintf("%s: %v is missing", name, r)
		}
	}
	for k, v := range x {
		of, known := properties[k].(map[string]any)
		if !known {
			if more, ok := schema["additionalProperties"].(map[string]any); ok {
				of = more
			} else if schema["additionalProperties"] == false {
				return name + ": " + k + " is not documented"
			} else {
				continue
			}
		}
		if v != nil {
			j.seen[name+"."+k] = true
		}
		if why := j.check(name+"."+k, of, v); why != "" {
			return why
		}
	}
	return ""
}

func typesOf(t any) (list []string) {
	if s, ok := t.(string); ok {
		return []string{s}
	}
	for _, s := range t.([]any) {
		list = append(list, s.(string))
	}
	return list
}

func isType(t string, v any) bool {
	switch x := v.(type) {
	case nil:
		return t == "null"
	case string:
		return t == "string"
	case bool:
		return t == "boolean"
	case float64:
		return t == "number" || t == "integer" && x == float64(int64(x))
	case []any:
		return t == "array"
	}
	return t == "object"
}

func load(t *testing.T, text []byte) (doc map[string]any, j *judge) {
	t.Helper()
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return doc, &judge{doc["components"].(map[string]any)["schemas"].(map[string]any), map[string]bool{}}
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
	p := s.partner(60000, apikey.EventsWrite, apikey.EventsRead, apikey.OrdersWrite)
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
			if why := j.check("", schemaOf(c.method, Base+c.path, status), v); why != "" {
				t.Errorf("%s %s: %s\n%s", c.method, c.target, why, r.Raw)
			}
		}
		for _, name := range []string{"pong", "outcomes", "outcome", "status", "problem", "Error"} {
			for field := range dig(j.schemas, name, "properties").(map[string]any) {
				if !j.seen[name+"."+field] {
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
			why := j.check("Event", event, v)
			if got := taken(v); got != (why == "") {
				t.Errorf("%s: taken is %v, the document says %q", name, got, why)
			}
		}
		for _, raw := range []string{ordered, refunded} {
			if why := j.check("Order", map[string]any{"$ref": "#/components/schemas/Order"}, item(raw)); why != "" {
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
			if (&judge{j.schemas, map[string]bool{}}).check("", schemaOf("POST", Base+"/events", "200"), v) == "" {
				t.Errorf("%s passed", bad)
			}
		}
	})
}
