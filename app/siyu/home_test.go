package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"siyu/model/insight"
)

// TestTheFirstPageLeadsToPages: what waits for a person and the first steps name pages of
// the panel; a page that moves takes its links along.
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
	for _, p := range insight.Paths() {
		if page, _, _ := strings.Cut(p, "?"); !routes[page] {
			t.Errorf("%s is no page of the panel", p)
		}
	}
}
