package admin_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"siyu/handler/admin"
	"siyu/handler/web"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
)

// TestListsCountWhatTheyPage walks every list that tells its total, one row at a time, after
// two of what it lists were made.
func TestListsCountWhatTheyPage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		made := o.keyed()
		for _, some := range []map[string]retry{o.eventKeyed(), o.commissionKeyed(), o.importsKeyed(), o.leadersKeyed(), o.groupsKeyed(), o.postersKeyed()} {
			maps.Copy(made, some)
		}
		several := []string{"/brands", "/commission/rules", "/live-codes", "/leader-tasks", "/leader-materials", "/posters", "/group-templates", "/products"}
		for _, path := range several {
			for _, body := range []string{made["POST "+path].body, made["POST "+path].other} {
				if a := o.root.do("POST", path, body); a.Status != http.StatusCreated {
					t.Fatalf("POST %s %s: %d %s", path, body, a.Status, a.Raw)
				}
			}
		}
		words := "/accounts/" + o.merchant.ID.String() + "/keywords"
		o.must("PUT", words, `{"keyword":"红包","reply":"扫码"}`)
		walk := func(path string) {
			n, total := walked(t, o.root, path, o.brand.ID.String())
			if bare, _, _ := strings.Cut(path, "?"); n != total || n < 2 && (slices.Contains(several, bare) || bare == words) {
				t.Errorf("%s: %d rows in pages, %d told", path, n, total)
			}
		}
		walk(words)
		for _, r := range o.h.Routes() {
			needs := slices.ContainsFunc(r.Doc.Query, func(p web.Parameter) bool { return p.Required && p.Name != "brand_id" })
			if path := strings.TrimPrefix(r.Path, admin.Base); r.Doc.Counted && !needs && !strings.Contains(path, ":") {
				walk(path)
			}
		}
	})
}

// walked counts the rows of all pages of a list, and says what its first page told.
func walked(t *testing.T, p *person, path, brandID string) (rows, total int) {
	t.Helper()
	for before := ""; rows < 1000; {
		a := p.do("GET", fmt.Sprintf("%s?limit=1&total=1&brand_id=%s&before=%s", path, brandID, url.QueryEscape(before)), "")
		var page []json.RawMessage
		a.into(t, &page)
		var said struct {
			Total *int `json:"total"`
		}
		if err := json.Unmarshal([]byte(a.Raw), &said); err != nil || said.Total == nil {
			t.Fatalf("%s: %v %s", path, err, a.Raw)
		}
		if total = *said.Total; a.Next == "" {
			return rows + len(page), total
		}
		rows, before = rows+len(page), a.Next
	}
	return rows, total
}
