package admin_test

import (
	"encoding/json"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"siyu/handler/admin"
	"siyu/handler/web"
	"siyu/handler/web/webtest"
)

var described = sync.OnceValue(func() map[string]any {
	text, err := admin.Document()
	if err != nil {
		panic(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		panic(err)
	}
	return doc
})

// operationOf finds the documented operation of a request, nil where none is.
func operationOf(method, path string) map[string]any {
	paths := described()["paths"].(map[string]any)
	asked := strings.Split(strings.TrimPrefix(path, admin.Base), "/")
	var best map[string]any
	names := 100
	for pattern, at := range paths {
		parts, wild := strings.Split(pattern, "/"), 0
		op, _ := at.(map[string]any)[strings.ToLower(method)].(map[string]any)
		if op == nil || len(parts) != len(asked) {
			continue
		}
		for i, part := range parts {
			if strings.HasPrefix(part, "{") {
				wild++
			} else if part != asked[i] {
				wild = 100
			}
		}
		if wild < names { // the router prefers what is named
			best, names = op, wild
		}
	}
	return best
}

// conforms holds an answer against the document, as every answer of these tests is.
func conforms(method, path string, w *httptest.ResponseRecorder, body []byte) string {
	op := operationOf(method, path)
	if op == nil {
		return ""
	}
	answers := op["responses"].(map[string]any)
	kind := "default"
	if w.Code < 300 {
		kind = "2XX"
	}
	media, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
	content, _ := answers[kind].(map[string]any)["content"].(map[string]any)
	of, _ := content[media].(map[string]any)
	if of == nil {
		return "it answers " + strconv.Itoa(w.Code) + " with " + media
	}
	if media != "application/json" {
		return ""
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return err.Error()
	}
	j := &webtest.Judge{Schemas: described()["components"].(map[string]any)["schemas"].(map[string]any), Seen: map[string]bool{}}
	return j.Check("", of["schema"].(map[string]any), v)
}

// The panel's types come from the document: a route that is silent cannot be called there.
func TestDocument(t *testing.T) {
	if silent := web.Silent(admin.New(admin.Deps{}).Routes()); len(silent) > 0 {
		t.Errorf("%d routes do not say what they take and give:\n%s", len(silent), strings.Join(silent, "\n"))
	}
	for path, at := range described()["paths"].(map[string]any) {
		for method, op := range at.(map[string]any) {
			if op := op.(map[string]any); op["summary"] == "" || op["x-permission"] == "" {
				t.Errorf("%s %s: no summary or permission", method, path)
			}
		}
	}
}
