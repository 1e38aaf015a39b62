package issuance_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/export"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/issuance"
	"siyu/model/outbox"
	"siyu/model/product"
	"siyu/model/region"
	"siyu/model/seal"
)

var ctx = context.Background()

const (
	asker, boss id.ID = 7, 8
)

type office struct {
	*issuance.Store
	t     *testing.T
	goods product.Product
}

func open(t *testing.T, d *db.DB) office {
	t.Helper()
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	codes, goods, brands := code.New(d, box), product.New(d), brand.New(d, box)
	exports := export.New(export.Deps{DB: d, Box: box, Codes: codes, Products: goods, Brands: brands, Outbox: outbox.New(d), Data: t.TempDir()})
	o := office{t: t, Store: issuance.New(issuance.Deps{DB: d, Codes: codes, Exports: exports, Products: goods, Brands: brands, Regions: region.New(d)})}
	b, err := brands.Create(ctx, brand.Brand{Slug: "laojing", Name: "老井", CodeHost: "q.brand.cn"})
	if err != nil {
		t.Fatal(err)
	}
	if o.goods, err = goods.Create(ctx, product.Product{BrandID: b.ID, GTIN: "6901234567892", Name: "生抽"}); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o office) form() issuance.Request {
	return issuance.Request{ProductID: o.goods.ID, Name: "一月", Count: 5000, Purpose: "新品", Supplier: "华印", Kind: export.CSV, AskedBy: asker}
}

func (o office) ask() issuance.Request {
	o.t.Helper()
	r, err := o.Ask(ctx, o.form())
	if err != nil {
		o.t.Fatal(err)
	}
	return r
}

func reason(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}

func TestAnApplication(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := open(t, d)
		t.Run("of many who decide at once one does, and there is one batch", func(t *testing.T) {
			r := o.ask()
			var all sync.WaitGroup
			var approved, refused atomic.Int64
			for i := range id.ID(12) {
				all.Go(func() {
					var err error
					if i%3 == 0 {
						_, err = o.Refuse(ctx, r.ID, boss+i, "太多")
					} else {
						_, err = o.Approve(ctx, r.ID, boss+i, "")
					}
					switch {
					case err == nil && i%3 == 0:
						refused.Add(1)
					case err == nil:
						approved.Add(1)
					case reason(err) != "request_decided":
						t.Error(err)
					}
				})
			}
			all.Wait()
			got, err := o.Get(ctx, r.ID)
			if err != nil || approved.Load()+refused.Load() != 1 {
				t.Fatal(approved.Load(), refused.Load(), err)
			}
			_, err = o.Codes.Batch(ctx, r.ID)
			if there := err == nil; there != (got.State == issuance.Approved) {
				t.Fatal(got.State, err)
			}
		})
		t.Run("an approval that fails leaves no batch and can be tried again", func(t *testing.T) {
			in := o.form()
			in.Provinces = []string{"浙江"}
			r, err := o.Ask(ctx, in)
			if err != nil {
				t.Fatal(err)
			}
			stuck, err := o.Regions.Put(ctx, region.Territory{BrandID: r.BrandID, BatchID: r.ID, From: 1, Until: 2, Provinces: []string{"上海"}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := o.Approve(ctx, r.ID, boss, ""); reason(err) != "territory_overlap" {
				t.Fatal(err)
			}
			if f, err := o.Flow(ctx, r.ID); err != nil || f.Batch != nil || f.Next != issuance.ToApprove {
				t.Fatalf("%+v %v", f, err)
			}
			if _, err := o.Regions.End(ctx, stuck.ID); err != nil {
				t.Fatal(err)
			}
			if r, err = o.Approve(ctx, r.ID, boss, "同意"); err != nil || r.State != issuance.Approved {
				t.Fatal(r, err)
			}
			f, err := o.Flow(ctx, r.ID)
			if err != nil || f.Batch.Count != 5000 || f.Next != issuance.ToGenerate {
				t.Fatalf("%+v %v", f, err)
			}
			if x, err := o.Pack(ctx, r.ID, asker); err != nil || x.Total != 5000 {
				t.Fatal(x, err)
			}
		})
		t.Run("one's own is never approved by oneself, and withdrawn by nobody else", func(t *testing.T) {
			r := o.ask()
			if _, err := o.Approve(ctx, r.ID, asker, ""); reason(err) != "same_person" {
				t.Fatal(err)
			}
			if _, err := o.Withdraw(ctx, r.ID, boss, ""); reason(err) != "request_not_own" {
				t.Fatal(err)
			}
			if _, err := o.Refuse(ctx, r.ID, boss, " "); reason(err) != "request_reason" {
				t.Fatal(err)
			}
			if r, err := o.Withdraw(ctx, r.ID, asker, ""); err != nil || r.State != issuance.Withdrawn {
				t.Fatal(r, err)
			}
			if f, err := o.Flow(ctx, r.ID); err != nil || f.Next != issuance.Closed {
				t.Fatal(f, err)
			}
		})
		t.Run("what is missing or makes no sense is said by field", func(t *testing.T) {
			for want, spoil := range map[string]func(*issuance.Request){
				"request_name": func(r *issuance.Request) { r.Name = " " }, "request_purpose": func(r *issuance.Request) { r.Purpose = "" },
				"request_supplier": func(r *issuance.Request) { r.Supplier = "a\nb" }, "batch_count": func(r *issuance.Request) { r.Count = 0 },
				"export_kind": func(r *issuance.Request) { r.Kind = "exe" }, "export_form": func(r *issuance.Request) { r.Form = "x" },
				"export_count":        func(r *issuance.Request) { r.Kind, r.Count = export.PNG, export.MaxPictures+1 },
				"territory_provinces": func(r *issuance.Request) { r.Provinces = []string{"东瀛"} }, "product_unknown": func(r *issuance.Request) { r.ProductID = 1 },
			} {
				in := o.form()
				spoil(&in)
				if _, err := o.Ask(ctx, in); reason(err) != want {
					t.Errorf("%s: %v", want, err)
				}
			}
		})
		t.Run("small batches need none, others do", func(t *testing.T) {
			if o.Direct(1000) != nil || reason(o.Direct(1001)) != "batch_needs_approval" {
				t.Fatal(o.Direct(1000), o.Direct(1001))
			}
		})
		t.Run("many small batches of one person are one large one", func(t *testing.T) {
			small := func(by id.ID, count int64) error {
				_, err := o.Make(ctx, code.Batch{BrandID: o.goods.BrandID, ProductID: o.goods.ID, Count: count, Name: "样品"}, by)
				return err
			}
			var made sync.WaitGroup
			var refused atomic.Int64
			for range 5 { // at once: two fit
				made.Go(func() {
					if err := small(asker, 500); reason(err) == "batch_needs_approval" {
						refused.Add(1)
					} else if err != nil {
						t.Error(err)
					}
				})
			}
			made.Wait()
			if refused.Load() != 3 || reason(small(asker, 1)) != "batch_needs_approval" {
				t.Fatal(refused.Load())
			}
			if err := small(boss, 1000); err != nil { // everybody has his own
				t.Fatal(err)
			}
			clk.Advance(25 * time.Hour)
			if err := small(asker, 1000); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func TestWhatIsForgottenRaisesAnAlarm(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := open(t, d)
		r := o.ask()
		if _, err := o.Approve(ctx, r.ID, boss, ""); err != nil {
			t.Fatal(err)
		}
		x, err := o.Pack(ctx, r.ID, asker)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Exports.Run(ctx, x.ID); err != nil {
			t.Fatal(err)
		}
		alarms := func() (kinds []string) {
			t.Helper()
			list, err := o.Alarms(ctx, r.BrandID)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range list {
				kinds = append(kinds, fmt.Sprintf("%s %s %dh", a.Kind, a.Batch, a.Hours))
			}
			return kinds
		}
		for _, step := range []struct {
			after time.Duration
			do    func() error
			want  string
		}{
			{23 * time.Hour, nil, "[]"},
			{2 * time.Hour, nil, "[pack 一月 24h]"},
			{0, func() error {
				got, err := o.Exports.Open(ctx, x.ID, 1, export.Hand{ID: asker, Login: "ops"})
				if err == nil {
					err = got.Content.Close()
				}
				return err
			}, "[]"},
			{48 * time.Hour, nil, "[activate 一月 72h]"},
			{0, func() error {
				_, err := o.Codes.SetRange(ctx, code.Range{BatchID: r.ID, From: 1, Until: 11, State: code.Activated, EffectiveAt: clk.Now().Add(time.Hour)})
				return err
			}, "[]"},
		} {
			clk.Advance(step.after)
			if step.do != nil {
				if err := step.do(); err != nil {
					t.Fatal(err)
				}
			}
			if got := fmt.Sprint(alarms()); got != step.want {
				t.Fatalf("after %v: %s, want %s", step.after, got, step.want)
			}
		}
		t.Run("a planned activation is seen until it is revoked", func(t *testing.T) {
			if f, err := o.Flow(ctx, r.ID); err != nil || len(f.Planned) != 1 || f.Next != issuance.ToActivate {
				t.Fatalf("%+v %v", f, err)
			}
			if _, err := o.Revoke(ctx, code.Range{BatchID: r.ID, From: 1, Until: 11, Reason: "改期"}); err != nil {
				t.Fatal(err)
			}
			if f, err := o.Flow(ctx, r.ID); err != nil || len(f.Planned) != 0 {
				t.Fatalf("%+v %v", f, err)
			}
		})
	})
}
