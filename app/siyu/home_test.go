package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"siyu/model/insight"
)

// TestTheFirstPageLeadsToPages: what waits for a person and the first steps name pages of
// the panel and have words there; a page that moves takes its links along.
func TestTheFirstPageLeadsToPages(t *testing.T) {
	files, err := filepath.Glob("../admin/src/areas/*/index.tsx")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	routes := map[string]bool{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`path: '([^']+)',\s*lazy`).FindAllStringSubmatch(string(text), -1) {
			routes["/"+strings.TrimPrefix(m[1], "/")] = true
		}
	}
	for _, l := range insight.Links() {
		if page, _, _ := strings.Cut(l.Path, "?"); !routes[page] {
			t.Errorf("%s%s: %s is no page of the panel", l.Kind, l.Step, page)
		}
	}
	for _, language := range []string{"zh-CN", "en"} {
		text, err := os.ReadFile("../admin/src/areas/home/" + language + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var words struct {
			Todo  struct{ Kinds map[string]string }
			Setup struct {
				Steps map[string]struct{ Title, Text string }
			}
		}
		if err := json.Unmarshal(text, &words); err != nil {
			t.Fatal(err)
		}
		for _, l := range insight.Links() {
			if l.Kind != "" && words.Todo.Kinds[l.Kind] == "" || l.Step != "" && words.Setup.Steps[l.Step].Title == "" {
				t.Errorf("%s has no words for %s%s", language, l.Kind, l.Step)
			}
		}
	}
}
