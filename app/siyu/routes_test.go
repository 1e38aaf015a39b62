package main

import (
	"flag"
	"net/http"
	"os"
	"strings"
	"testing"

	"siyu/handler/web"
)

var update = flag.Bool("update-routes", false, "write testdata/routes.txt anew")

// TestRoutes holds every address of the program with its permission: a new one, or one
// whose permission changed, is seen in review.
func TestRoutes(t *testing.T) {
	w := startTown(t, nil)
	a, err := w.audiences()
	if err != nil {
		t.Fatal(err)
	}
	got := web.List(a.Routes())
	const file = "testdata/routes.txt"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != got {
		t.Errorf("the routes differ from %s (%v); go test ./app/siyu -run TestRoutes -update-routes writes them:\n%s", file, err, got)
	}
	for _, r := range a.Routes() {
		if r.Method != http.MethodGet && strings.HasPrefix(r.Path, "/admin/") && !strings.HasSuffix(r.Path, "/login") && (r.Permission == "" || r.Permission == "public") {
			t.Errorf("%s %s may be written by anybody", r.Method, r.Path)
		}
	}
	t.Run("metrics are for this machine, not for what it forwards", func(t *testing.T) {
		for forwarded, want := range map[string]int{"": http.StatusOK, "203.0.113.9": http.StatusNotFound} {
			r, err := http.NewRequest(http.MethodGet, w.cfg.PublicURL+"/metrics", nil)
			if err != nil {
				t.Fatal(err)
			}
			if forwarded != "" {
				r.Header.Set("X-Forwarded-For", forwarded)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("forwarded %q: %d, want %d", forwarded, resp.StatusCode, want)
			}
		}
	})
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200} {
		resp, err := http.Get(w.cfg.PublicURL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}
