package consumer

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"os"
	"regexp"
	"strings"
	"testing"

	"siyu/handler/web"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
)

func zipped(t *testing.T, b []byte) int {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Len()
}

// TestPages holds every page to its budget and to what keeps it safe and readable.
func TestPages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{})
		lin, wang := s.phone("lin"), s.phone("wang")
		packet := lin.claim(1).Header().Get("Location")
		pages := map[string]answer{
			"mine": lin.get("/q/" + s.token(1)), "first": lin.get("/q/" + s.token(2)), "elsewhere": wang.get("/q/" + s.token(2)),
			"unknown": lin.get("/q/0000000000000000"), "packet": lin.get(packet), "packets": lin.get("/packets"), "points": lin.get("/points"),
			"rules": lin.get("/rules/" + s.Campaign.ID.String()), "privacy": lin.get("/privacy"), "notice": lin.get("/packets/1"),
			"messages": lin.get("/me/messages"),
		}
		script := ""
		for name, a := range pages {
			t.Run(name, func(t *testing.T) {
				html := a.Body.String()
				if n := zipped(t, a.Body.Bytes()); n > 14<<10 {
					t.Errorf("%d bytes gzipped", n)
				}
				m := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(html)
				if m == nil {
					t.Fatal("no style")
				}
				if n := zipped(t, []byte(m[1])); n > 8<<10 {
					t.Errorf("style: %d bytes gzipped", n)
				}
				sum := sha256.Sum256([]byte(m[1]))
				csp := a.Header().Get("Content-Security-Policy")
				if !strings.Contains(csp, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
					t.Error("the policy does not allow the page's own style:", csp)
				}
				for _, bad := range []string{"unsafe", "*", "http:"} {
					if strings.Contains(csp, bad) {
						t.Error(csp)
					}
				}
				for _, need := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "form-action 'self'", "frame-ancestors 'none'"} {
					if !strings.Contains(csp, need) {
						t.Error("missing", need)
					}
				}
				if strings.Contains(html, " style=") || regexp.MustCompile(` on[a-z]+=`).MatchString(html) {
					t.Error("an attribute that the policy forbids")
				}
				if regexp.MustCompile(`(src|href)="(https?:)?//`).MatchString(html) || strings.Contains(m[1], "url(") || strings.Contains(m[1], "@import") {
					t.Error("something is loaded from elsewhere")
				}
				for _, bad := range []string{"user-scalable", "maximum-scale", "ZgotmplZ"} {
					if strings.Contains(html, bad) {
						t.Error(bad)
					}
				}
				if !strings.Contains(html, `lang="zh-CN"`) || !strings.Contains(html, "<h1") || a.Header().Get("Cache-Control") != "no-store" {
					t.Error("language, headline or cache control")
				}
				script = regexp.MustCompile(`<script src="([^"]+)" defer>`).FindStringSubmatch(html)[1]
			})
		}
		t.Run("the script is cached for ever under its content's name", func(t *testing.T) {
			a := lin.get(script)
			if a.Code != 200 || !strings.Contains(a.Header().Get("Cache-Control"), "immutable") || !strings.Contains(a.Header().Get("Content-Type"), "javascript") {
				t.Error(a.Code, a.Header())
			}
			if n := zipped(t, a.Body.Bytes()); n > 30<<10 {
				t.Errorf("%d bytes gzipped", n)
			}
		})
	})
}

// TestRoutes keeps the surface in one reviewed file; UPDATE=1 is not offered on
// purpose: a new route is worth typing.
func TestRoutes(t *testing.T) {
	want, err := os.ReadFile("testdata/routes.txt")
	if err != nil {
		t.Fatal(err)
	}
	h := &Handler{}
	if got := web.List(h.Routes()); got != string(want) {
		t.Errorf("testdata/routes.txt differs; now:\n%s", got)
	}
}

func TestKeep(t *testing.T) {
	for in, want := range map[string]string{
		"首次 2026-11-20 18:02（上海）": `<span class="cl">首次 <span class="nb">2026-11-20 18:02</span>（上海）</span>`,
		"客服电话 400-000-0000。":      `<span class="cl">客服电话 <a class="nb" href="tel:400-000-0000">400-000-0000</a>。</span>`,
		"批号 20261101 有误":          `<span class="cl">批号 <span class="nb">20261101</span> 有误</span>`,
		`原因：<b>"x"</b> 3 次`:       `<span class="cl">原因：&lt;b&gt;&#34;x&#34;&lt;/b&gt; 3 次</span>`,
		"点击揭晓。不关注也可领取。":           `<span class="cl">点击揭晓。</span><span class="cl">不关注也可领取。</span>`,
	} {
		if got := string(web.Keep(in)); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}
