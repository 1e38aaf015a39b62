package admin_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/handler/admin"
	"siyu/handler/web"
	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/insight"
	"siyu/model/operator"
	"siyu/model/product"
)

// confined makes an operator with every role but the administrator's, for one brand.
func (s *site) confined(t *testing.T, login string, brandID id.ID) *person {
	t.Helper()
	roles := []string{operator.Operations, operator.Approver, operator.Finance, operator.Support, operator.Analyst, operator.Legal}
	o, err := s.deps.Operators.Create(context.Background(), operator.Draft{Login: login, Name: "某人", Password: password, Roles: roles, BrandIDs: []id.ID{brandID}})
	if err != nil || len(o.BrandIDs) != 1 {
		t.Fatal(o, err)
	}
	return s.login(t, login)
}

func TestDataScope(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk)
		ctx := context.Background()
		make := func(slug string) id.ID {
			b, err := s.deps.Brands.Create(ctx, brand.Brand{Slug: slug, Name: slug, CodeHost: slug + ".test"})
			if err != nil {
				t.Fatal(err)
			}
			return b.ID
		}
		mine, other := make("mine"), make("other")
		p, boss := s.confined(t, "confined", mine), s.as(t, "boss", operator.Admin)
		t.Run("he is told his brands and sees no other", func(t *testing.T) {
			var me struct {
				Operator    operator.Operator
				Permissions []string
			}
			p.do("GET", "/me", "").into(t, &me)
			var brands []brand.Brand
			p.do("GET", "/brands", "").into(t, &brands)
			if len(me.Operator.BrandIDs) != 1 || me.Operator.BrandIDs[0] != mine || len(brands) != 1 || brands[0].ID != mine || !slices.Contains(me.Permissions, operator.CampaignRead) || slices.Contains(me.Permissions, operator.MemberRead) {
				t.Fatal(me, brands)
			}
			if a := p.do("GET", "/brands/"+other.String(), ""); a.Status != 403 || a.Error.Code != "brand_scope" {
				t.Error(a.Raw)
			}
			if a := p.do("GET", "/brands/"+mine.String(), ""); a.Status != 200 {
				t.Error(a.Raw)
			}
		})
		t.Run("an object of another brand is not there, by whatever name it is called", func(t *testing.T) {
			for table, path := range map[string]string{"product": "/products/", "batch": "/batches/", "campaign": "/campaigns/", "leader": "/leaders/", "withdrawal": "/withdrawals/", "payout": "/payouts/"} {
				plant(t, d, table, 91, other)
				if a := p.do("GET", path+"91", ""); a.Status != 404 {
					t.Errorf("%s: %d %s", path, a.Status, a.Raw)
				}
			}
			for _, body := range []string{
				`{"brand_id":"` + other.String() + `"}`, `{"brand_id":` + other.String() + `}`, `{"Brand_ID":"` + other.String() + `","brand_id":"` + mine.String() + `"}`,
				`{"brand_id":"` + mine.String() + `","batch_ids":["91"]}`, `{"brand_id":"` + mine.String() + `","rules":[{"product_id":"91"}]}`} {
				if a := p.do("POST", "/campaigns", body); a.Status != 403 && a.Status != 404 {
					t.Errorf("%s: %d %s", body, a.Status, a.Raw)
				}
			}
			picture, _ := form(other.String(), "x", "x")
			if a := p.do("POST", "/poster-pictures?brand_id="+mine.String(), picture); a.Error.Code != "brand_scope" {
				t.Error(a.Raw)
			}
		})
		t.Run("a brand that is named twice is not every brand", func(t *testing.T) {
			for _, query := range []string{"?brand_id=0&brand_id=", "?brand_id=&brand_id=", "?brand_id=" + mine.String() + "&brand_id="} {
				if a := p.do("GET", "/payouts"+query+mine.String(), ""); a.Error.Code != "bad_field" {
					t.Errorf("%s: %s", query, a.Raw)
				}
			}
		})
		t.Run("a photo belongs to no brand, so he may have it read", func(t *testing.T) {
			if a := p.do("POST", "/codes/decode", qrForm(t, "https://q.laojing.cn/q/ABC")); a.Status != 200 {
				t.Error(a.Raw)
			}
		})
		t.Run("every route is closed to him or asks for a brand of his", func(t *testing.T) {
			for _, r := range s.h.Routes() {
				if r.Permission == admin.Public || r.Permission == admin.Session || strings.Contains(r.Path, "poster-builtins") || strings.Contains(r.Path, "consent-purposes") ||
					strings.Contains(r.Path, "/extracts") { // his own, cut to his brands: TestTakingOut
					continue
				}
				path := strings.TrimPrefix(r.Path, admin.Base)
				if path == "/brands" && r.Method == "GET" {
					continue
				}
				named := strings.NewReplacer(":id", other.String(), ":part", "1", ":session", "x").Replace(path)
				for _, query := range []string{"", "?brand_id=" + other.String(), "?total=1&brand_id=" + mine.String() + "&brand_id=" + other.String()} {
					a := p.do(r.Method, named+query, "{}")
					if code := a.Error.Code; code != "brand_scope" && code != "brand_id" && code != "not_found" && code != "no_permission" {
						t.Errorf("%s %s%s answers a confined operator: %d %s", r.Method, path, query, a.Status, a.Raw)
					}
				}
			}
		})
		t.Run("a list that he may ask for says in the document that it goes by brand", func(t *testing.T) {
			for _, r := range s.h.Routes() {
				if r.Method != "GET" || strings.Contains(r.Path, ":id") || r.Permission == admin.Public || r.Permission == admin.Session {
					continue
				}
				a := p.do("GET", strings.TrimPrefix(r.Path, admin.Base)+"?brand_id="+mine.String(), "")
				if a.Status == 403 || strings.HasSuffix(r.Path, "/brands") || strings.Contains(r.Path, "poster-builtins") || strings.Contains(r.Path, "consent-purposes") || strings.Contains(r.Path, "/extracts") {
					continue
				}
				if !asksBrand(r) {
					t.Errorf("%s answers %d and does not say that it takes brand_id: would it show every brand?", r.Path, a.Status)
				}
			}
		})
		t.Run("an administrator cannot be confined", func(t *testing.T) {
			if a := boss.do("POST", "/operators", `{"login":"half","name":"半","password":"`+password+`","roles":["admin"],"brand_ids":["`+mine.String()+`"]}`); a.Error.Code != "operator_brands" {
				t.Error(a.Raw)
			}
		})
		t.Run("every table that the scope looks into is there", func(t *testing.T) {
			for _, table := range admin.ScopeTables() {
				if !insight.Owned(table) {
					t.Errorf("%s: nobody knows its brand", table)
				} else if _, err := s.deps.Insight.BrandOf(ctx, table, 7); err == nil || !strings.Contains(err.Error(), "not_found") {
					t.Errorf("%s: %v", table, err)
				}
			}
		})
	})
}

func asksBrand(r web.Route) bool {
	for _, p := range r.Doc.Query {
		if p.Name == "brand_id" {
			return true
		}
	}
	return false
}

func TestTheWayOfABatchWithoutAnApplicationIsItsBrands(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk)
		ctx := context.Background()
		make := func(slug string) id.ID {
			b, err := s.deps.Brands.Create(ctx, brand.Brand{Slug: slug, Name: slug, CodeHost: slug + ".test"})
			if err != nil {
				t.Fatal(err)
			}
			return b.ID
		}
		mine := make("mine")
		p, stranger := s.confined(t, "confined", mine), s.confined(t, "stranger", make("other"))
		goods, err := s.deps.Products.Create(ctx, product.Product{BrandID: mine, GTIN: "6901234567892", Name: "啤酒"})
		if err != nil {
			t.Fatal(err)
		}
		batch, err := s.deps.Codes.CreateBatch(ctx, code.Batch{BrandID: mine, ProductID: goods.ID, Count: 10, Name: "直接做的"})
		if err != nil {
			t.Fatal(err)
		}
		if a := stranger.do("GET", "/batch-requests/"+batch.ID.String()+"/flow", ""); a.Status != 404 {
			t.Error(a.Raw)
		}
		for batch, status := range map[string]int{batch.ID.String(): 200, "93": 404} {
			if a := p.do("GET", "/batch-requests/"+batch+"/flow", ""); a.Status != status {
				t.Errorf("%s: %d %s", batch, a.Status, a.Raw)
			}
		}
	})
}

// plant writes a row of a table with this id and brand and nothing else: whose a thing is
// must be decided before anybody looks at the rest of it.
func plant(t *testing.T, d *db.DB, table string, objectID, brandID id.ID) {
	t.Helper()
	err := d.InTx(context.Background(), func(tx *gorm.DB) error {
		columns, err := tx.Migrator().ColumnTypes(table)
		if err != nil {
			return err
		}
		row := map[string]any{}
		for _, c := range columns {
			kind := strings.ToUpper(c.DatabaseTypeName())
			switch {
			case strings.Contains(kind, "INT"):
				row[c.Name()] = 0
			case strings.Contains(kind, "BLOB"):
				row[c.Name()] = []byte{}
			default:
				row[c.Name()] = ""
			}
		}
		row["id"], row["brand_id"] = int64(objectID), int64(brandID)
		return tx.Table(table).Create(row).Error
	})
	if err != nil {
		t.Fatal(table, err)
	}
}
