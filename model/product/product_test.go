package product_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/product"
)

const brandID = id.ID(7)

func soy() product.Product {
	return product.Product{BrandID: brandID, GTIN: "6901234567892", Name: "金标生抽", Spec: "500ml", PictureURL: "https://img.brand.cn/soy.png", ScanPoints: 10}
}

func TestProduct(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := product.New(d)
		p, err := s.Create(ctx, soy())
		if err != nil || p.ID == 0 || p.GTIN != "06901234567892" || p.PointsPercent != 100 {
			t.Fatal(p, err)
		}
		t.Run("the same content again is the same product", func(t *testing.T) {
			again, err := s.Create(ctx, soy())
			if err != nil || again.ID != p.ID {
				t.Fatal(again, err)
			}
		})
		t.Run("other content under the same GTIN is a conflict that names the product", func(t *testing.T) {
			q := soy()
			q.Name = "银标生抽"
			_, err := s.Create(ctx, q)
			if f := fault.Of(err); f.Kind != fault.Conflict || f.Code != "product_exists" || f.Detail["id"] != p.ID {
				t.Fatal(err)
			}
		})
		t.Run("another brand may sell the same GTIN", func(t *testing.T) {
			q := soy()
			q.BrandID = 8
			if other, err := s.Create(ctx, q); err != nil || other.ID == p.ID {
				t.Fatal(other, err)
			}
		})
		t.Run("twenty requests at once make one product", func(t *testing.T) {
			q := soy()
			q.GTIN = "96385074"
			ids := make([]id.ID, 20)
			var all sync.WaitGroup
			for i := range ids {
				all.Go(func() {
					made, err := s.Create(ctx, q)
					if err != nil {
						t.Error(err)
					}
					ids[i] = made.ID
				})
			}
			all.Wait()
			for _, got := range ids {
				if got != ids[0] {
					t.Fatal(ids)
				}
			}
		})
		t.Run("an update changes the content and keeps GTIN and brand", func(t *testing.T) {
			clk.Advance(time.Minute)
			up, err := s.Update(ctx, product.Product{ID: p.ID, Name: "金标生抽 2026", ScanPoints: 20, PointsPercent: 150})
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Get(ctx, p.ID)
			if err != nil || got != up || got.Name != "金标生抽 2026" || got.GTIN != p.GTIN || got.BrandID != brandID ||
				got.PointsPercent != 150 || got.UpdatedAt != clk.Now() || got.CreatedAt != p.CreatedAt {
				t.Fatal(got, err)
			}
			_, err = s.Update(ctx, product.Product{ID: p.ID, Name: "x", GTIN: "96385074"})
			if fault.Of(err).Code != "gtin_fixed" {
				t.Fatal(err)
			}
		})
		t.Run("a product that is not there is not found", func(t *testing.T) {
			_, err := s.Get(ctx, 1)
			_, err2 := s.Update(ctx, product.Product{ID: 1, Name: "x"})
			_, err3 := s.ByGTIN(ctx, brandID, "4006381333931")
			for _, err := range []error{err, err2, err3} {
				if f := fault.Of(err); f.Kind != fault.NotFound || f.Code != "product_unknown" {
					t.Error(err)
				}
			}
		})
		t.Run("a GTIN finds its product in any length", func(t *testing.T) {
			for _, gtin := range []string{"6901234567892", "06901234567892"} {
				if got, err := s.ByGTIN(ctx, brandID, gtin); err != nil || got.ID != p.ID {
					t.Error(gtin, got, err)
				}
			}
		})
		t.Run("pages meet without overlap, newest first", func(t *testing.T) {
			var want []id.ID
			for _, gtin := range []string{"4006381333931", "5901234123457", "036000291452"} {
				q := soy()
				q.BrandID, q.GTIN = 9, gtin
				made, err := s.Create(ctx, q)
				if err != nil {
					t.Fatal(err)
				}
				want = append([]id.ID{made.ID}, want...)
				clk.Advance(time.Second)
			}
			var got []id.ID
			for before := id.ID(0); ; {
				page, err := s.List(ctx, product.Filter{BrandID: 9}, before, 2)
				if err != nil {
					t.Fatal(err)
				}
				if len(page) == 0 {
					break
				}
				for _, p := range page {
					got = append(got, p.ID)
				}
				before = page[len(page)-1].ID
			}
			if len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
				t.Fatal(got, want)
			}
		})
		t.Run("a list is searched by part of a name or GTIN, signs of patterns being plain text", func(t *testing.T) {
			for text, want := range map[string]int{"640063": 0, "4006381": 1, "%": 0, "_": 0, soy().Name: 3} {
				f := product.Filter{BrandID: 9, Text: text}
				page, err := s.List(ctx, f, 0, 10)
				n, more, countErr := s.Count(ctx, f)
				if err != nil || countErr != nil || len(page) != want || n != want || more {
					t.Error(text, len(page), n, err, countErr)
				}
			}
		})
	})
}

func TestBadProductsAreRefused(t *testing.T) {
	d := dbtest.Open(t, db.SQLite, clock.NewFake(dbtest.Start))
	s := product.New(d)
	for code, spoil := range map[string]func(*product.Product){
		"gtin_check":           func(p *product.Product) { p.GTIN = "6901234567893" },
		"gtin_length":          func(p *product.Product) { p.GTIN = "" },
		"gtin_digits":          func(p *product.Product) { p.GTIN = "690123456789A" },
		"product_brand":        func(p *product.Product) { p.BrandID = 0 },
		"product_name":         func(p *product.Product) { p.Name = "  " },
		"product_name ":        func(p *product.Product) { p.Name = strings.Repeat("酱", 101) },
		"product_name  ":       func(p *product.Product) { p.Name = "a\nb" },
		"product_spec":         func(p *product.Product) { p.Spec = "\xff" },
		"product_picture":      func(p *product.Product) { p.PictureURL = "javascript:alert(1)" },
		"product_picture ":     func(p *product.Product) { p.PictureURL = "//evil.example/x.png" },
		"product_picture  ":    func(p *product.Product) { p.PictureURL = "https://user:pw@img.cn/x.png" },
		"product_picture    ":  func(p *product.Product) { p.PictureURL = "https://a.cn/" + strings.Repeat("x", 300) },
		"product_picture     ": func(p *product.Product) { p.PictureURL = "data:text/html,x" },
		"product_points":       func(p *product.Product) { p.ScanPoints = -1 },
		"product_percent":      func(p *product.Product) { p.PointsPercent = product.MaxPercent + 1 },
	} {
		p := soy()
		spoil(&p)
		_, err := s.Create(context.Background(), p)
		if f := fault.Of(err); f.Code != strings.TrimSpace(code) || f.Kind != fault.Invalid {
			t.Errorf("%s: %v", code, err)
		}
	}
	if list, err := s.List(context.Background(), product.Filter{BrandID: brandID}, 0, 10); err != nil || len(list) != 0 {
		t.Fatal("something was written", list, err)
	}
}
