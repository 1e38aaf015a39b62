package region_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/region"
)

var ctx = context.Background()

const (
	brand, product, batch id.ID = 1, 2, 3
)

// world writes scans as package scan does.
type world struct {
	*region.Store
	t   *testing.T
	d   *db.DB
	clk *clock.Fake
}

func (w world) scan(serial int64, verdict, province, city string) {
	w.t.Helper()
	scanID := w.d.NewID()
	err := w.d.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO scan (id, brand_id, product_id, batch_id, serial, member_id, visitor, window_no, verdict, province, city, exact_place, ip, user_agent, at)
			VALUES (?,?,?,?,?,9,?,0,?,?,?,'','','',?)`, scanID, brand, product, batch, serial, "v"+scanID.String()[8:], verdict, province, city, w.clk.Now()).Error
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w world) fold() {
	w.t.Helper()
	for {
		more, err := w.Fold(ctx)
		if err != nil {
			w.t.Fatal(err)
		}
		if !more {
			return
		}
	}
}

func (w world) put(from, until int64, provinces ...string) region.Territory {
	w.t.Helper()
	t, err := w.Put(ctx, region.Territory{BrandID: brand, BatchID: batch, From: from, Until: until, Dealer: "华东一部", Provinces: provinces})
	if err != nil {
		w.t.Fatal(err)
	}
	return t
}

func open(t *testing.T, d *db.DB, clk *clock.Fake) world {
	return world{region.New(d), t, d, clk}
}

func code(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}

func TestScansAreCountedWhereTheyWere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := open(t, d, clk)
		w.scan(1, "first", "上海市", "上海")
		w.scan(1, "elsewhere", "广东省", "深圳")
		w.scan(2, "first", "广东", "深圳")
		clk.Advance(24 * time.Hour)
		w.scan(3, "first", "广东省", "广州")
		day := clock.DayOf(clk.Now())
		everywhere := region.Where{BrandID: brand, From: day.AddDays(-7), Until: day}
		t.Run("a scan of this minute waits", func(t *testing.T) {
			w.fold()
			if list, err := w.Map(ctx, everywhere); err != nil || len(list) != 2 {
				t.Fatal(list, err)
			}
		})
		clk.Advance(2 * time.Minute)
		t.Run("each scan counts once, also when many fold at once", func(t *testing.T) {
			var all sync.WaitGroup
			for range 6 {
				all.Go(func() {
					if _, err := region.New(d).Fold(ctx); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			w.fold()
			list, err := w.Map(ctx, everywhere)
			if err != nil || fmt.Sprint(list) != "[{广东 深圳 2 1} {上海 上海 1 1} {广东 广州 1 1}]" && fmt.Sprint(list) != "[{广东 深圳 2 1} {广东 广州 1 1} {上海 上海 1 1}]" {
				t.Fatal(list, err)
			}
			if sum, err := w.Seen(ctx, batch); err != nil || sum.Scans != 4 || sum.Firsts != 3 {
				t.Fatal(sum, err)
			}
		})
		t.Run("a map is of its days, product and batch", func(t *testing.T) {
			for want, where := range map[int]region.Where{
				1: {BrandID: brand, ProductID: product, From: day, Until: day}, 0: {BrandID: brand, BatchID: 4, From: day.AddDays(-7), Until: day}, 3: {BrandID: brand, BatchID: batch, From: day.AddDays(-7), Until: day},
			} {
				if list, err := w.Map(ctx, where); err != nil || len(list) != want {
					t.Error(want, list, err)
				}
			}
			if at, err := w.AsOf(ctx); err != nil || clk.Now().Add(-region.Behind).Sub(at) >= 4*time.Millisecond {
				t.Fatal(at, err)
			}
		})
	})
}

func TestDiversion(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := open(t, d, clk)
		w.scan(1, "first", "四川省", "成都") // before anybody said where it should be
		clk.Advance(time.Second)
		east := w.put(1, 101, "上海市", "江苏", "上海")
		clk.Advance(time.Second)
		w.scan(2, "first", "江苏省", "苏州")
		w.scan(3, "first", "四川省", "成都")
		w.scan(3, "again", "四川省", "成都")
		w.scan(4, "first", "", "")
		w.scan(5, "first", "四川省", "绵阳")
		w.scan(6, "first", "广东省", "深圳")
		w.scan(200, "first", "四川省", "成都") // no territory
		clk.Advance(2 * time.Minute)
		w.fold()
		clk.Advance(time.Second)
		w.scan(7, "first", "四川省", "成都")
		clk.Advance(2 * time.Minute)
		w.fold()
		filter := region.Filter{BrandID: brand, Least: 2}
		list, err := w.Diversions(ctx, filter, 0, 10)
		if err != nil || len(list) != 1 || list[0].Province != "四川" || list[0].Codes != 3 || list[0].State != region.Open || list[0].LastAt <= list[0].FirstAt {
			t.Fatalf("%+v %v", list, err)
		}
		suspect := list[0]
		t.Run("a territory knows how many of its codes were seen, and how many elsewhere", func(t *testing.T) {
			got, err := w.Territory(ctx, east.ID)
			if err != nil || got.Scans != 5 || got.Outside != 4 || fmt.Sprint(got.Provinces) != "[上海 江苏]" {
				t.Fatalf("%+v %v", got, err)
			}
			if n, _, err := w.CountDiversions(ctx, region.Filter{BrandID: brand}); err != nil || n != 2 {
				t.Fatal(n, err)
			}
		})
		t.Run("the evidence is its codes", func(t *testing.T) {
			codes, err := w.Evidence(ctx, suspect, 10)
			if err != nil || len(codes) != 3 || codes[0].Serial != 7 || codes[2].City == "" {
				t.Fatalf("%+v %v", codes, err)
			}
			if of, err := w.OfCode(ctx, batch, 5); err != nil || len(of) != 1 || of[0].City != "绵阳" {
				t.Fatal(of, err)
			}
		})
		t.Run("a person decides, with a reason, and may decide anew", func(t *testing.T) {
			_, err := w.Decide(ctx, suspect.ID, 7, region.Confirmed, " ")
			if code(err) != "diversion_reason" {
				t.Fatal(err)
			}
			got, err := w.Decide(ctx, suspect.ID, 7, region.Confirmed, "经销商承认")
			if err != nil || got.State != region.Confirmed || got.DecidedBy != 7 || got.DecidedAt != clk.Now() {
				t.Fatalf("%+v %v", got, err)
			}
			if _, err := w.Decide(ctx, suspect.ID, 7, region.Confirmed, "又一次"); code(err) != "diversion_decided" {
				t.Fatal(err)
			}
			if _, err := w.Decide(ctx, 1, 7, region.Confirmed, "x"); code(err) != "diversion_unknown" {
				t.Fatal(err)
			}
			if got, err = w.Decide(ctx, suspect.ID, 8, region.Dismissed, "展会样品"); err != nil || got.State != region.Dismissed {
				t.Fatal(got, err)
			}
		})
		t.Run("territories of a batch do not overlap; an ended one finds nothing any more", func(t *testing.T) {
			over := region.Territory{BrandID: brand, BatchID: batch, From: 100, Until: 120, Provinces: []string{"浙江"}}
			if _, err := w.Put(ctx, over); code(err) != "territory_overlap" {
				t.Fatal(err)
			}
			for want, bad := range map[string]region.Territory{"territory_provinces": {Provinces: []string{"东瀛"}}, "territory_dealer": {Dealer: "a\nb", Provinces: []string{"浙江"}}} {
				if _, err := w.Put(ctx, bad); code(err) != want {
					t.Error(want, err)
				}
			}
			if _, err := w.End(ctx, east.ID); err != nil {
				t.Fatal(err)
			}
			clk.Advance(time.Second)
			if _, err := w.Put(ctx, over); err != nil {
				t.Fatal(err)
			}
			w.scan(8, "first", "四川省", "成都")
			clk.Advance(2 * time.Minute)
			w.fold()
			if got, err := w.Diversion(ctx, suspect.ID); err != nil || got.Codes != 3 {
				t.Fatal(got, err)
			}
			if all, err := w.Territories(ctx, batch); err != nil || len(all) != 2 || all[0].EndedAt != 0 {
				t.Fatal(all, err)
			}
		})
	})
}

func TestABacklogIsFoldedInWindows(t *testing.T) {
	clk := clock.NewFake(dbtest.Start)
	w := open(t, dbtest.Open(t, db.SQLite, clk), clk)
	const n = 12_000
	err := w.d.InTx(ctx, func(tx *gorm.DB) error {
		rows := db.NewRows("scan", "id, brand_id, product_id, batch_id, serial, member_id, visitor, window_no, verdict, province, city, exact_place, ip, user_agent, at")
		for i := range int64(n) {
			clk.Advance(5 * time.Millisecond)
			rows.Add(w.d.NewID(), brand, product, batch, i+1, 9, "v", 0, "first", "上海市", "上海", "", "", "", clk.Now())
		}
		_, err := rows.Insert(ctx, tx, "")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	clk.Advance(2 * time.Minute)
	w.fold()
	if sum, err := w.Seen(ctx, batch); err != nil || sum.Scans != n {
		t.Fatal(sum, err)
	}
}
