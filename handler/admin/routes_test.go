package admin_test

import (
	"flag"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"siyu/handler/admin"
	"siyu/handler/web"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/operator"
)

var update = flag.Bool("update", false, "write testdata/routes.txt")

func sqliteSite(t *testing.T) *site {
	clk := clock.NewFake(dbtest.Start)
	return newSite(t, dbtest.Open(t, db.SQLite, clk), clk)
}

func TestRoutes(t *testing.T) {
	s := sqliteSite(t)
	routes := s.h.Routes()
	t.Run("the list of routes and permissions is the reviewed one", func(t *testing.T) {
		file := filepath.Join("testdata", "routes.txt")
		got := web.List(routes)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil || got != string(want) {
			t.Fatalf("routes changed; review, then: go test ./handler/admin -update (%v)\n%s", err, got)
		}
	})
	t.Run("every route names a permission somebody can have, every write one that is not for reading", func(t *testing.T) {
		known := map[string]bool{admin.Public: true, admin.Session: true}
		for _, p := range operator.Permissions() {
			known[p] = true
		}
		used := map[string]bool{}
		for _, r := range routes {
			used[r.Permission] = true
			if !known[r.Permission] || r.Summary == "" {
				t.Errorf("%s %s: permission %q", r.Method, r.Path, r.Permission)
			}
			if r.Permission == admin.Public && r.Path != admin.Base+"/login" && r.Path != admin.Base+"/session" {
				t.Errorf("%s is public", r.Path)
			}
			if r.Method != http.MethodGet && strings.HasSuffix(r.Permission, ":read") {
				t.Errorf("%s %s writes with permission %s", r.Method, r.Path, r.Permission)
			}
		}
		for _, p := range operator.Permissions() {
			if !used[p] {
				t.Errorf("no route needs permission %s", p)
			}
		}
	})
}

// sample fills a path's parameters with ids that name nothing.
func sample(path string) string {
	return strings.NewReplacer(":id", "7", ":part", "1").Replace(strings.TrimPrefix(path, admin.Base))
}

func TestGuard(t *testing.T) {
	s := sqliteSite(t)
	t.Run("without a session nothing answers", func(t *testing.T) {
		for _, r := range s.h.Routes() {
			if r.Permission == admin.Public {
				continue
			}
			if a := s.nobody().do(r.Method, sample(r.Path), "{}"); a.Status != 401 || a.Error.Code != "not_logged_in" {
				t.Errorf("%s %s: %d %s", r.Method, r.Path, a.Status, a.Raw)
			}
		}
	})
	t.Run("no write without the session's own CSRF token", func(t *testing.T) {
		p, other := s.as(t, "root", operator.Admin), s.as(t, "root2", operator.Admin)
		for _, r := range s.h.Routes() {
			if r.Permission == admin.Public || r.Method == http.MethodGet {
				continue
			}
			for _, token := range []string{"", "x", other.csrf} {
				if a := p.do(r.Method, sample(r.Path), "{}", "X-CSRF-Token", token); a.Status != 403 || a.Error.Code != "csrf" {
					t.Errorf("%s %s with %q: %d %s", r.Method, r.Path, token, a.Status, a.Raw)
				}
			}
		}
	})
	t.Run("each role reaches exactly its routes", func(t *testing.T) {
		people := map[string]*person{"none": s.as(t, "none-at-all")}
		for _, r := range operator.Roles() {
			people[r.Key] = s.as(t, "the-"+r.Key, r.Key)
		}
		for role, p := range people {
			has := map[string]bool{}
			for _, x := range operator.PermissionsOf([]string{role}) {
				has[x] = true
			}
			for _, r := range s.h.Routes() {
				if r.Permission == admin.Public || r.Permission == admin.Session {
					continue
				}
				a := p.do(r.Method, sample(r.Path), "{}")
				if refused := a.Status == 403 && a.Error.Code == "no_permission"; refused == has[r.Permission] {
					t.Errorf("%s %s %s: %d %s", role, r.Method, r.Path, a.Status, a.Raw)
				}
				if a.Status >= 500 {
					t.Errorf("%s %s %s: %d %s", role, r.Method, r.Path, a.Status, a.Raw)
				}
			}
		}
	})
	t.Run("a role taken away is gone at once, and a disabled operator is out", func(t *testing.T) {
		boss, p := s.login(t, "root"), s.as(t, "lee.ops", operator.Operations)
		var me struct {
			Operator operator.Operator
		}
		p.do("GET", "/me", "").into(t, &me)
		path := "/operators/" + me.Operator.ID.String()
		boss.do("PUT", path, `{"name":"李","roles":["finance"],"state":"active"}`).into(t, &struct{}{})
		if a := p.do("POST", "/products", "{}"); a.Error.Code != "no_permission" {
			t.Fatal(a.Raw)
		}
		boss.do("PUT", path, `{"name":"李","roles":["finance"],"state":"disabled"}`).into(t, &struct{}{})
		if a := p.do("GET", "/me", ""); a.Status != 401 {
			t.Fatal(a.Raw)
		}
	})
}

func TestRate(t *testing.T) {
	s := sqliteSite(t)
	s.deps.PerMinute = 5
	h := admin.New(s.deps)
	s.h = h
	var err error
	if s.Engine, err = web.NewEngine(web.Options{Clock: s.clk, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	h.Mount(s)
	p, other := s.as(t, "fast", operator.Admin), s.as(t, "calm", operator.Admin)
	for i := range 7 {
		if a := p.do("GET", "/brands", ""); (a.Status == 200) != (i < 5) || i >= 5 && (a.Error.Code != "too_many_requests" || a.Header.Get("Retry-After") != "60") {
			t.Fatal(i, a.Status, a.Raw)
		}
	}
	if a := s.login(t, "fast").do("GET", "/brands", ""); a.Status != 429 {
		t.Error("another session is another allowance:", a.Raw)
	}
	if a := other.do("GET", "/brands", ""); a.Status != 200 {
		t.Error("one operator's haste is another's wait:", a.Raw)
	}
	s.clk.Advance(2 * time.Minute)
	if a := p.do("GET", "/brands", ""); a.Status != 200 {
		t.Error(a.Raw)
	}
}

func TestLogin(t *testing.T) {
	s := sqliteSite(t)
	s.as(t, "wang", operator.Admin)
	t.Run("the cookie is out of scripts' reach and the answer has no key", func(t *testing.T) {
		p := s.nobody()
		a := p.do("POST", "/login", `{"login":"wang","password":"`+password+`"}`)
		if c := p.cookie; c == nil || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || strings.Contains(a.Raw, c.Value[:20]) {
			t.Fatal(p.cookie, a.Raw)
		}
	})
	t.Run("a changed cookie is nobody", func(t *testing.T) {
		p := s.login(t, "wang")
		p.cookie.Value = "x" + p.cookie.Value
		if a := p.do("GET", "/me", ""); a.Status != 401 {
			t.Fatal(a.Raw)
		}
	})
	t.Run("logging out ends the session, not only the cookie", func(t *testing.T) {
		p := s.login(t, "wang")
		kept := *p.cookie
		if a := p.do("POST", "/logout", ""); a.Status != 200 || p.cookie != nil {
			t.Fatal(a.Raw)
		}
		p.cookie = &kept
		if a := p.do("GET", "/me", ""); a.Status != 401 {
			t.Fatal(a.Raw)
		}
	})
	t.Run("a foreign page cannot log its visitor in", func(t *testing.T) {
		in := `{"login":"wang","password":"` + password + `"}`
		for _, h := range [][]string{{"Origin", "https://evil.test"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}} {
			if a := s.nobody().do("POST", "/login", in, h...); a.Status != 403 {
				t.Error(h, a.Raw)
			}
		}
		if a := s.nobody().do("POST", "/login", in, "Origin", "https://siyu.test"); a.Status != 200 {
			t.Error(a.Raw)
		}
	})
	t.Run("hostile input is a clear fault", func(t *testing.T) {
		for want, body := range map[string]string{
			"bad_json": `{`, "unknown_field": `{"login":"a","password":"b","admin":true}`, "bad_utf8": "{\"login\":\"\xff\"}",
			"body_too_large": `{"login":"` + strings.Repeat("a", 70<<10) + `"}`, "bad_field": `{"login":7}`,
			"login_wrong": `{"login":"' OR 1=1 --","password":""}`,
		} {
			if a := s.nobody().do("POST", "/login", body); a.Error.Code != want || a.Error.Message == "" {
				t.Errorf("%s: %d %s", want, a.Status, a.Raw)
			}
		}
	})
	t.Run("an address that tries too often waits, whomever it tries", func(t *testing.T) {
		last := answer{}
		for range 70 {
			last = s.nobody().do("POST", "/login", `{"login":"nobody","password":"x"}`)
		}
		if last.Error.Code != "too_many_logins" || last.Header.Get("Retry-After") == "" {
			t.Fatal(last.Raw)
		}
	})
}
