package leader

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
)

// TestPages holds every page of the desk to its budget and to what keeps it safe.
func TestPages(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.cast().settle()
		s.payOut()
		mine := s.ownedBy(s.anna)
		for _, r := range s.h.Routes() {
			if r.Method != "GET" || strings.HasPrefix(r.Path, "/api/") || strings.HasSuffix(r.Path, ".png") || strings.HasSuffix(r.Path, "/state") {
				continue
			}
			path := mine.of(r.Path)
			if path == "" {
				path = r.Path
			}
			a := s.anna.get(path).says(t, 200, `lang="zh-CN"`, "<h1", "工作台")
			html := a.Body.String()
			var zipped bytes.Buffer
			z := gzip.NewWriter(&zipped)
			_, err := z.Write(a.Body.Bytes())
			s.must(err)
			s.must(z.Close())
			if zipped.Len() > 14<<10 {
				t.Errorf("%s: %d bytes gzipped", path, zipped.Len())
			}
			style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(html)
			if style == nil {
				t.Fatal("no style at", path)
			}
			sum := sha256.Sum256([]byte(style[1]))
			if csp := a.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") || strings.Contains(csp, "unsafe") {
				t.Error(path, "the policy does not fit the page:", csp)
			}
			for _, bad := range []string{" style=", "ZgotmplZ", "<no value>", "http://"} {
				if strings.Contains(html, bad) {
					t.Errorf("%s holds %q", path, bad)
				}
			}
			if regexp.MustCompile(` on[a-z]+="`).MatchString(html) {
				t.Error(path, "has a script in an attribute")
			}
		}
	})
}
