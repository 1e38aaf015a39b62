package export

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/code/picture"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/outbox"
	"siyu/model/product"
	"siyu/model/seal"
)

var ctx = context.Background()

// press is a store with one batch of 1000 codes to print.
type press struct {
	*Store
	clk   *clock.Fake
	batch code.Batch
}

func open(t *testing.T, d *db.DB, clk *clock.Fake) *press {
	t.Helper()
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	p := &press{clk: clk, Store: New(Deps{DB: d, Box: box, Codes: code.New(d, box), Products: product.New(d),
		Brands: brand.New(d, box), Outbox: outbox.New(d), Data: t.TempDir()})}
	b, err := p.Brands.Create(ctx, brand.Brand{Slug: "laojing", Name: "老井", CodeHost: "q.brand.cn", UpperURL: true})
	if err != nil {
		t.Fatal(err)
	}
	item, err := p.Products.Create(ctx, product.Product{BrandID: b.ID, GTIN: "6901234567892", Name: `=1+1,"生抽"`, Spec: "-500ml"})
	if err != nil {
		t.Fatal(err)
	}
	if p.batch, err = p.Codes.CreateBatch(ctx, code.Batch{BrandID: b.ID, ProductID: item.ID, Count: 1000, Name: "一月"}); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *press) request(t *testing.T, r Request) Export {
	t.Helper()
	r.BatchID = p.batch.ID
	e, err := p.Request(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (p *press) run(t *testing.T, e Export) Export {
	t.Helper()
	if err := p.Run(ctx, e.ID); err != nil {
		t.Fatal(err)
	}
	return p.state(t, e)
}

func (p *press) state(t *testing.T, e Export) Export {
	t.Helper()
	e, err := p.Get(ctx, e.ID)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// unpack opens a part with 7-Zip, as a print house would, and returns its files. Inner
// ZIPs are opened too.
func (p *press) unpack(t *testing.T, e Export, part int, password string) map[string][]byte {
	t.Helper()
	d, err := p.Open(ctx, e.ID, part, Hand{})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := io.ReadAll(d.Content)
	if err != nil || d.Content.Close() != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(whole)
	if int64(len(whole)) != d.Bytes || hex.EncodeToString(sum[:]) != d.SHA256 {
		t.Fatal("the file is not the one recorded")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "part.zip")
	if err := os.WriteFile(file, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	if text, err := exec.Command("7z", "x", "-y", "-p"+password, "-o"+out, file).CombinedOutput(); err != nil {
		t.Fatalf("7z: %v\n%s", err, text)
	}
	files := map[string][]byte{}
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		b, err := os.ReadFile(filepath.Join(out, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(entry.Name(), ".zip") {
			files[entry.Name()] = b
			continue
		}
		inner, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range inner.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			if files[f.Name], err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	return files
}

func is(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	if f := fault.Of(err); err == nil || f.Kind != kind || f.Code != code {
		t.Errorf("got %v, want %s %s", err, kind, code)
	}
}

// leads checks that a URL is the one of a serial.
func (p *press) leads(t *testing.T, url string, serial int64) {
	t.Helper()
	c, err := p.Codes.Check(ctx, url)
	if err != nil || c.Serial != serial || c.BatchID != p.batch.ID {
		t.Fatalf("%s leads to %+v, %v; want serial %d", url, c, err, serial)
	}
}

func TestAnExportFromRequestToExpiry(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		p := open(t, d, clk)
		e := p.request(t, Request{Kind: CSV, Form: GS1, Options: Options{WithProduct: true}, By: 7})
		if e.State != Waiting || e.Total != 1000 || e.BrandID != p.batch.BrandID || e.CreatedBy != 7 {
			t.Fatalf("%+v", e)
		}
		t.Run("the request wakes a worker by the outbox", func(t *testing.T) {
			rows, err := p.Outbox.Due(ctx, 10)
			if err != nil || len(rows) != 1 || rows[0].Task != Task || rows[0].RefID != e.ID {
				t.Fatal(rows, err)
			}
		})
		t.Run("nothing can be had before it is ready", func(t *testing.T) {
			_, err := p.TakePassword(ctx, e.ID, Hand{})
			is(t, err, fault.Conflict, "export_not_ready")
			_, err = p.Open(ctx, e.ID, 1, Hand{})
			is(t, err, fault.Conflict, "export_not_ready")
		})
		e = p.run(t, e)
		if e.State != Ready || e.Done != 1000 || len(e.Parts) != 1 || e.Parts[0].Checked < 40 || e.ExpiresAt != clk.Now().Add(7*24*time.Hour) {
			t.Fatalf("%+v", e)
		}
		t.Run("running it again changes nothing", func(t *testing.T) {
			again := p.run(t, e)
			if fmt.Sprint(again) != fmt.Sprint(e) {
				t.Fatalf("%+v\n%+v", again, e)
			}
		})
		var password string
		t.Run("the password is shown once and is gone from the database", func(t *testing.T) {
			var err error
			if password, err = p.TakePassword(ctx, e.ID, Hand{}); err != nil || len(password) != 20 {
				t.Fatal(password, err)
			}
			_, err = p.TakePassword(ctx, e.ID, Hand{})
			is(t, err, fault.Conflict, "password_shown")
			r, err := p.get(ctx, e.ID)
			if err != nil || len(r.Password) != 0 {
				t.Fatal(r.Password, err)
			}
		})
		t.Run("the file holds every code, once, in a form a spreadsheet cannot run", func(t *testing.T) {
			files := p.unpack(t, e, 1, password)
			text, ok := bytes.CutPrefix(files["codes-1-1000.csv"], []byte("\ufeff"))
			if !ok || len(files) != 1 {
				t.Fatal("no byte order mark, or other files", len(files))
			}
			records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
			if err != nil || len(records) != 1001 || strings.Join(records[0], "|") != "序号|码值|链接|商品名称|规格" {
				t.Fatal(len(records), records[0], err)
			}
			for i, r := range records[1:] {
				if r[0] != fmt.Sprint(i+1) || r[2] != "HTTPS://Q.BRAND.CN/01/06901234567892/21/"+r[1] || r[3] != `'=1+1,"生抽"` || r[4] != "'-500ml" {
					t.Fatal(r)
				}
				p.leads(t, r[2], int64(i+1))
			}
		})
		t.Run("each part can be had three times", func(t *testing.T) {
			for left := 1; left >= 0; left-- { // unpack was the first
				d, err := p.Open(ctx, e.ID, 1, Hand{})
				if err != nil || d.Left != left || d.Content.Close() != nil {
					t.Fatal(d, err)
				}
			}
			_, err := p.Open(ctx, e.ID, 1, Hand{})
			is(t, err, fault.Exhausted, "downloads_used")
			_, err = p.Open(ctx, e.ID, 2, Hand{})
			is(t, err, fault.NotFound, "part_unknown")
		})
		t.Run("after a week it is deleted", func(t *testing.T) {
			if err := p.Expire(ctx); err != nil || p.state(t, e).State != Ready {
				t.Fatal(err)
			}
			clk.Advance(7 * 24 * time.Hour)
			_, err := p.Open(ctx, e.ID, 1, Hand{})
			is(t, err, fault.Conflict, "export_not_ready")
			foreign := filepath.Join(p.root(), "lost+found")
			if err := os.MkdirAll(foreign, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := p.Expire(ctx); err != nil || p.state(t, e).State != Expired {
				t.Fatal(err)
			}
			if _, err := os.Stat(p.dir(e.ID)); !os.IsNotExist(err) {
				t.Fatal("the file is still there", err)
			}
			if _, err := os.Stat(foreign); err != nil {
				t.Fatal("a folder that is not ours was deleted")
			}
		})
	})
}

func TestPicturesAndLabels(t *testing.T) {
	p := open(t, dbtest.Open(t, db.SQLite, clock.NewFake(dbtest.Start)), nil)
	const from, until = 11, 141
	get := func(t *testing.T, kind string) map[string][]byte {
		e := p.run(t, p.request(t, Request{From: from, Until: until, Kind: kind}))
		if e.State != Ready || e.Parts[0].Checked < 20 {
			t.Fatalf("%+v", e)
		}
		password, err := p.TakePassword(ctx, e.ID, Hand{})
		if err != nil {
			t.Fatal(err)
		}
		return p.unpack(t, e, 1, password)
	}
	each := func(t *testing.T, kind string, read func([]byte) (string, error)) {
		files := get(t, kind)
		if len(files) != until-from {
			t.Fatal(len(files))
		}
		for serial := int64(from); serial < until; serial++ {
			url, err := read(files[fmt.Sprintf("%09d.%s", serial, kind)])
			if err != nil || !strings.HasPrefix(url, "HTTPS://Q.BRAND.CN/Q/") {
				t.Fatal(serial, url, err)
			}
			p.leads(t, url, serial)
		}
	}
	t.Run("there is a PNG for every serial", func(t *testing.T) { each(t, PNG, picture.Decode) })
	t.Run("there is an SVG for every serial", func(t *testing.T) { each(t, SVG, readSVG) })
	t.Run("there is a label for every serial, with its token under it", func(t *testing.T) {
		serial := int64(from)
		files := get(t, PDF)
		err := picture.ReadSheet(bytes.NewReader(files["labels-11-140.pdf"]), func(l picture.Label) error {
			url, err := picture.DecodeMatrix(&l.Matrix)
			if err != nil || !strings.HasSuffix(url, strings.ReplaceAll(l.Text, " ", "")) || len(l.Text) != 19 {
				t.Fatal(serial, url, l.Text, err)
			}
			p.leads(t, url, serial)
			serial++
			return nil
		})
		if err != nil || serial != until {
			t.Fatal(serial, err)
		}
	})
}

func TestBadRequestsAreRefusedBeforeAnythingIsWritten(t *testing.T) {
	p := open(t, dbtest.Open(t, db.SQLite, clock.NewFake(dbtest.Start)), nil)
	good := Request{BatchID: p.batch.ID, Kind: CSV}
	for _, bad := range []struct {
		code  string
		spoil func(*Request)
	}{
		{"batch_unknown", func(r *Request) { r.BatchID = 1 }},
		{"export_bounds", func(r *Request) { r.From, r.Until = 1, 1002 }},
		{"export_bounds", func(r *Request) { r.From, r.Until = 5, 5 }},
		{"export_bounds", func(r *Request) { r.From, r.Until = -1, 5 }},
		{"export_kind", func(r *Request) { r.Kind = "exe" }},
		{"export_form", func(r *Request) { r.Form = "long" }},
		{"picture_module", func(r *Request) { r.Kind, r.Options.ModulePx = PNG, 1000 }},
		{"picture_side", func(r *Request) { r.Kind, r.Options.SideMM = SVG, 1 }},
		{"sheet_fit", func(r *Request) {
			r.Kind, r.Options.Layout = PDF, &Layout{Columns: 10, Rows: 1, LabelWidthMM: 50, LabelHeightMM: 50}
		}},
		{"sheet_small", func(r *Request) {
			r.Kind, r.Options.Layout = PDF, &Layout{Columns: 1, Rows: 1, LabelWidthMM: 6, LabelHeightMM: 6}
		}},
	} {
		r := good
		bad.spoil(&r)
		if _, err := p.Request(ctx, r); fault.Of(err).Code != bad.code {
			t.Errorf("%s: %v", bad.code, err)
		}
	}
	is(t, p.Run(ctx, 1), fault.NotFound, "export_unknown")
	if list, err := p.List(ctx, Filter{BrandID: p.batch.BrandID}, 0, 10); err != nil || len(list) != 0 {
		t.Fatal(list, err)
	}
	for range MaxActive {
		p.request(t, good)
	}
	_, err := p.Request(ctx, good)
	is(t, err, fault.Exhausted, "export_many")
	if list, err := p.List(ctx, Filter{BrandID: p.batch.BrandID}, 0, 100); err != nil || len(list) != MaxActive {
		t.Fatal(len(list), err)
	}
}
