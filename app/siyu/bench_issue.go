package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/export"
	"siyu/model/outbox"
	"siyu/model/product"
	"siyu/model/seal"
)

// benchIssue makes codes from nothing to files a printer can have, in a database and
// folder of its own: a plain CSV; the CSV export that operators get (encrypted, hashed,
// synced, read back), which is the last line's codes_per_s; and encrypted pictures,
// against skip2/go-qrcode drawing the same ones into the same kind of file.
func benchIssue(ctx context.Context, args []string, out io.Writer) (err error) {
	f := flag.NewFlagSet("siyu bench issue", flag.ContinueOnError)
	f.SetOutput(out)
	count := f.Int64("count", 1_000_000, "codes of the CSV, up to 100000000")
	pictures := f.Int64("pictures", 10_000, "codes of each kind of picture, up to 1000000")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *count < 1 || *count > code.MaxCount {
		return fmt.Errorf("--count must be 1 to %d", code.MaxCount)
	}
	if *pictures < 1 || *pictures > 1_000_000 {
		return errors.New("--pictures must be 1 to 1000000")
	}
	dir, err := os.MkdirTemp("", "siyu-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	clk := clock.System()
	d, err := db.Open(ctx, db.Options{Driver: db.SQLite, DSN: filepath.Join(dir, "siyu.db"), Clock: clk})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	exports, batch, err := benchBatch(ctx, d, dir, max(*count, *pictures))
	if err != nil {
		return err
	}

	begun := clk.Now()
	plainBytes, err := benchPlain(ctx, exports, export.Request{BatchID: batch.ID, From: 1, Until: *count + 1, Kind: export.CSV}, filepath.Join(dir, "plain.csv"))
	if err != nil {
		return err
	}
	plain := max(clk.Now().Sub(begun).Seconds(), 0.001)

	begun = clk.Now()
	e, err := exports.Request(ctx, export.Request{BatchID: batch.ID, From: 1, Until: *count + 1, Kind: export.CSV})
	if err == nil {
		err = exports.Run(ctx, e.ID)
	}
	if err != nil {
		return err
	}
	sealed := max(clk.Now().Sub(begun).Seconds(), 0.001)
	if e, err = exports.Get(ctx, e.ID); err != nil {
		return err
	}
	if e.State != export.Ready || e.Done != *count {
		return fmt.Errorf("the export is %s with %d codes: %s", e.State, e.Done, e.Error)
	}
	sealedBytes, checked := int64(0), 0
	for _, p := range e.Parts {
		sealedBytes, checked = sealedBytes+p.Bytes, checked+p.Checked
	}
	drawn, err := benchPictures(ctx, exports, batch, filepath.Join(dir, "pictures"), *pictures)
	if err != nil {
		return err
	}
	peak, err := peakMB()
	if err != nil {
		return err
	}

	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "into one file\tcodes\tseconds\tcodes per second\tMB\tread back\t\n")
	fmt.Fprintf(w, "plain CSV\t%d\t%.2f\t%.0f\t%.1f\t\t\n", *count, plain, float64(*count)/plain, float64(plainBytes)/1e6)
	fmt.Fprintf(w, "encrypted CSV export\t%d\t%.2f\t%.0f\t%.1f\t%d\t\n", *count, sealed, float64(*count)/sealed, float64(sealedBytes)/1e6, checked)
	for _, d := range drawn {
		fmt.Fprintf(w, "encrypted %s\t%d\t%.2f\t%.0f\t%.1f\t%d\t\n", d.name, d.count, d.seconds, d.perSecond(), float64(d.bytes)/1e6, d.checked)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "peak memory of the whole process: %d MB\n", peak)
	svg, png, pdf, skip2 := drawn[0].perSecond(), drawn[1].perSecond(), drawn[2].perSecond(), drawn[3].perSecond()
	_, err = fmt.Fprintf(out, "issue codes_per_s=%.0f peak_mb=%d svg_per_s=%.0f png_per_s=%.0f pdf_per_s=%.0f skip2_png_per_s=%.0f png_ratio=%.1f\n",
		float64(*count)/sealed, peak, svg, png, pdf, skip2, png/skip2)
	return err
}

// benchBatch fills an empty database as far as a batch needs.
func benchBatch(ctx context.Context, d *db.DB, dir string, count int64) (*export.Store, code.Batch, error) {
	fail := func(err error) (*export.Store, code.Batch, error) { return nil, code.Batch{}, err }
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		return fail(err)
	}
	deps := export.Deps{DB: d, Box: box, Codes: code.New(d, box), Products: product.New(d), Brands: brand.New(d, box), Outbox: outbox.New(d), Data: dir}
	b, err := deps.Brands.Create(ctx, brand.Brand{Slug: "bench", Name: "bench", CodeHost: "q.brand.cn", UpperURL: true})
	if err != nil {
		return fail(err)
	}
	p, err := deps.Products.Create(ctx, product.Product{BrandID: b.ID, GTIN: "6901234567892", Name: "bench"})
	if err != nil {
		return fail(err)
	}
	batch, err := deps.Codes.CreateBatch(ctx, code.Batch{BrandID: b.ID, ProductID: p.ID, Count: count, Name: "bench"})
	return export.New(deps), batch, err
}

func benchPlain(ctx context.Context, exports *export.Store, r export.Request, path string) (size int64, err error) {
	w, err := exports.Work(ctx, r)
	if err != nil {
		return 0, err
	}
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	_, err = w.Write(ctx, exports.Codes, export.Plain{W: f}, nil)
	if err = errors.Join(err, f.Sync()); err == nil {
		size, err = f.Seek(0, io.SeekEnd)
	}
	return size, errors.Join(err, f.Close())
}

// peakMB is the most memory the process ever held, in MB of 1,000,000 bytes, as Linux
// counts it (VmHWM, resident set).
func peakMB() (int64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("peak memory is known on Linux only: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return (kb*1024 + 999_999) / 1_000_000, err
		}
	}
	return 0, errors.New("peak memory: no VmHWM in /proc/self/status")
}
