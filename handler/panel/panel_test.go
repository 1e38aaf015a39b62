package panel_test

import (
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gin-gonic/gin"

	"siyu/handler/panel"
	"siyu/handler/web"
	"siyu/model/clock"
)

// panelSite serves a panel as handler.New mounts it.
func panelSite(t *testing.T, files fstest.MapFS) http.Handler {
	t.Helper()
	p, err := panel.New(files, files != nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := web.NewEngine(web.Options{Clock: clock.NewFake(1), Log: slog.New(slog.DiscardHandler), NotFound: func(c *gin.Context) {
		if !p.Answer(c) {
			c.String(http.StatusNotFound, "somebody else's")
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	web.Mount(e, p.Routes(), nil)
	return e
}

var builtPanel = fstest.MapFS{
	"index.html":           {Data: []byte(`<!doctype html><script type="module" src="/admin/assets/index-1a2b.js"></script>`)},
	"assets/index-1a2b.js": {Data: []byte("console.log(" + strings.Repeat("1+", 2000) + "1)")},
	"icon.svg":             {Data: []byte("<svg/>")},
}

func ask(h http.Handler, method, at string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, at, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPanel(t *testing.T) {
	h := panelSite(t, builtPanel)

	t.Run("every page's address answers the same document, which is asked for anew each time", func(t *testing.T) {
		for _, at := range []string{"/admin/", "/admin/goods/products", "/admin/members/7?tab=points", "/admin/login"} {
			w := ask(h, http.MethodGet, at)
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "index-1a2b.js") || w.Header().Get("Cache-Control") != "no-cache" {
				t.Errorf("%s: %d %v", at, w.Code, w.Header())
			}
		}
		if w := ask(h, http.MethodGet, "/admin"); w.Code != http.StatusFound || w.Header().Get("Location") != "/admin/" {
			t.Errorf("/admin: %d %v", w.Code, w.Header())
		}
	})
	t.Run("a file named by its hash is kept for ever", func(t *testing.T) {
		w := ask(h, http.MethodGet, "/admin/assets/index-1a2b.js")
		if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" || w.Header().Get("Content-Type") != "text/javascript; charset=utf-8" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	})
	t.Run("a file that is missing is missing, and is not a page", func(t *testing.T) {
		for _, at := range []string{"/admin/assets/index-old0.js", "/admin/assets/index", "/admin/assets/", "/admin/logo.png", "/admin/assets/..%2f..%2fgo.mod", "/admin/index.html.map"} {
			w := ask(h, http.MethodGet, at)
			if w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "<!doctype") || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %s", at, w.Code, w.Body)
			}
		}
	})
	t.Run("nothing is written to a page, and the API's addresses are not pages", func(t *testing.T) {
		if w := ask(h, http.MethodPost, "/admin/goods"); w.Code == http.StatusOK {
			t.Error(w.Code)
		}
		if w := ask(h, http.MethodGet, "/admin/api/v1/nothing"); w.Code != http.StatusNotFound || w.Body.String() != "somebody else's" {
			t.Error(w.Code, w.Body)
		}
	})
	t.Run("who takes gzip gets it, with a tag of its own", func(t *testing.T) {
		plain, zipped := ask(h, http.MethodGet, "/admin/assets/index-1a2b.js", "Accept-Encoding", "br, gzip;q=0"), ask(h, http.MethodGet, "/admin/assets/index-1a2b.js", "Accept-Encoding", "br, gzip;q=0.5")
		if plain.Header().Get("Content-Encoding") != "" || zipped.Header().Get("Content-Encoding") != "gzip" || plain.Header().Get("ETag") == zipped.Header().Get("ETag") || zipped.Header().Get("Vary") != "Accept-Encoding" {
			t.Fatal(plain.Header(), zipped.Header())
		}
		r, err := gzip.NewReader(zipped.Body)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || string(got) != plain.Body.String() {
			t.Error("another file", err)
		}
	})
	t.Run("who has it already gets nothing", func(t *testing.T) {
		for _, at := range []string{"/admin/members", "/admin/assets/index-1a2b.js"} {
			tag := ask(h, http.MethodGet, at).Header().Get("ETag")
			if w := ask(h, http.MethodGet, at, "If-None-Match", `"x", W/`+tag); tag == "" || w.Code != http.StatusNotModified || w.Body.Len() > 0 {
				t.Errorf("%s: %d", at, w.Code)
			}
		}
	})
	t.Run("a broken build is noticed at the start", func(t *testing.T) {
		if _, err := panel.New(fstest.MapFS{"assets/x.js": {}}, true); err == nil {
			t.Error("taken")
		}
	})
}

// TestPanelHeaders reads the policy as a browser does: no script stands in the page or
// comes from elsewhere, and nobody frames the panel.
func TestPanelHeaders(t *testing.T) {
	h := panelSite(t, builtPanel)
	for _, at := range []string{"/admin/", "/admin/money/payouts", "/admin/assets/index-1a2b.js", "/admin/icon.svg"} {
		got := ask(h, http.MethodGet, at).Header()
		policy := map[string]string{}
		for part := range strings.SplitSeq(got.Get("Content-Security-Policy"), ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), " ")
			policy[name] = value
		}
		for name, want := range map[string]string{"default-src": "'none'", "script-src": "'self'", "connect-src": "'self'", "frame-ancestors": "'none'", "object-src": "'none'", "base-uri": "'none'", "form-action": "'self'"} {
			if policy[name] != want {
				t.Errorf("%s: %s is %q, want %q", at, name, policy[name], want)
			}
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin"} {
			if got.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", at, name, got.Get(name), want)
			}
		}
		if !strings.Contains(got.Get("Permissions-Policy"), "geolocation=()") {
			t.Errorf("%s: %s", at, got.Get("Permissions-Policy"))
		}
	}
}

func TestPanelNotBuilt(t *testing.T) {
	h := panelSite(t, nil)
	w := ask(h, http.MethodGet, "/admin/goods/products")
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "管理后台尚未构建") || !strings.Contains(w.Body.String(), "scripts/panel") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Error("it would still be shown after the build")
	}
	if w := ask(h, http.MethodGet, "/admin/assets/x.js"); w.Code != http.StatusNotFound {
		t.Error(w.Code)
	}
}
