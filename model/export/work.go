package export

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"

	"siyu/model/code"
	"siyu/model/code/token"
	"siyu/model/fault"
	"siyu/model/id"
)

// Kinds of file.
const (
	CSV = "csv" // serial, token, URL
	PNG = "png" // one picture per code
	SVG = "svg" // one picture per code
	PDF = "pdf" // label sheets (标签页)
)

// Forms of URL.
const (
	Short = "short" // https://{host}/q/{token}
	GS1   = "gs1"   // https://{host}/01/{gtin}/21/{token}
)

// Print is what a code shows besides its token. It is fixed when an export is asked
// for, so that a change of the brand in between cannot split a print run.
type Print struct {
	Site    string `json:"site"`  // host, or host with scheme
	Upper   bool   `json:"upper"` // the URL in upper case
	GTIN    string `json:"gtin"`
	Product string `json:"product"`
	Spec    string `json:"spec"`
}

// Options of the kinds; zero values mean the defaults.
type Options struct {
	WithProduct bool    `json:"with_product,omitempty"` // csv: product name and spec in every line
	ModulePx    int     `json:"module_px,omitempty"`    // png: pixels per module, default 8
	SideMM      float64 `json:"side_mm,omitempty"`      // svg: side with quiet zone, default 20
	Layout      *Layout `json:"layout,omitempty"`       // pdf; default picture.DefaultLayout
}

// Layout is picture.Layout as the API spells it: lengths in millimetres.
type Layout struct {
	Columns       int     `json:"columns"`
	Rows          int     `json:"rows"`
	PageWidthMM   float64 `json:"page_width_mm,omitempty"` // both 0: A4 upright
	PageHeightMM  float64 `json:"page_height_mm,omitempty"`
	LabelWidthMM  float64 `json:"label_width_mm"`
	LabelHeightMM float64 `json:"label_height_mm"`
	MarginLeftMM  float64 `json:"margin_left_mm,omitempty"`
	MarginTopMM   float64 `json:"margin_top_mm,omitempty"`
	GapXMM        float64 `json:"gap_x_mm,omitempty"`
	GapYMM        float64 `json:"gap_y_mm,omitempty"`
	QuietModules  int     `json:"quiet_modules,omitempty"` // 0: 4
	Text          bool    `json:"text,omitempty"`          // the token in groups of four under each picture
}

// Work is the content of one file: the serials [From, Until) of a batch.
type Work struct {
	BatchID     id.ID
	From, Until int64
	Kind, Form  string
	Options     Options
	Print       Print
}

// Codes is what an export needs to know of codes; *code.Store is it.
type Codes interface {
	EachToken(ctx context.Context, batchID id.ID, from, until int64, fn func(serial int64, token []byte) error) error
	Check(ctx context.Context, text string) (code.Code, error)
}

// Archive receives named files one after the other; *picture.Zip is one.
type Archive interface {
	Create(name string) (io.Writer, error)
	CreateStored(name string) (io.Writer, error) // for what is compressed already
}

// Plain is an Archive of a single file that goes to a writer as it is.
type Plain struct{ W io.Writer }

// Create returns the writer.
func (p Plain) Create(string) (io.Writer, error) { return p.W, nil }

// CreateStored returns the writer.
func (p Plain) CreateStored(string) (io.Writer, error) { return p.W, nil }

const (
	sampleSize  = 50  // random codes of a file that are read back, beside the first and the last
	reportEvery = 256 // codes
)

// errMismatch: a code read back is not the code that was to be printed. It means a
// defect of the program or the machine, and paper that would be worth nothing.
var errMismatch = fault.New(fault.Internal, "export_mismatch", "抽检不合格：读回的码与应印的码不一致，文件已作废")

// Write puts the work into an archive, in constant memory, and reads the first, the
// last and about fifty random codes back: each must show the URL it should, and that
// URL must lead to its own batch and serial. report is told now and then how many
// codes are written; its error ends the work. It returns how many were read back.
// Faults: Invalid picture_*, sheet_*, export_*; Internal export_mismatch; what report
// and the archive return.
func (w Work) Write(ctx context.Context, codes Codes, a Archive, report func(done int64) error) (checked int, err error) {
	prefix, err := w.prefix()
	if err != nil {
		return 0, err
	}
	in := &inspector{ctx: ctx, codes: codes, work: w}
	d, err := w.drawer(a, in)
	if err != nil {
		return 0, err
	}
	defer d.stop()
	sample, url := w.sample(), prefix
	err = codes.EachToken(ctx, w.BatchID, w.From, w.Until, func(serial int64, text []byte) error {
		url = append(url[:len(prefix)], text...)
		inspect := len(sample) > 0 && serial == sample[0]
		if inspect {
			sample = sample[1:]
		}
		if err := d.add(serial, text, url, inspect); err != nil {
			return err
		}
		if n := serial - w.From + 1; n%reportEvery == 0 && report != nil {
			return report(n)
		}
		return nil
	})
	if err == nil {
		err = d.close()
	}
	if err == nil && (len(sample) > 0 || in.checked == 0) {
		err = errMismatch // a drawer that skipped the inspection
	}
	if err != nil {
		return 0, err // and leave checked alone: its goroutine may still be counting
	}
	return in.checked, nil
}

// inspector judges what was read back. One goroutine uses it.
type inspector struct {
	ctx     context.Context // of the one Write it serves
	codes   Codes
	work    Work
	checked int
}

// compare judges a code that should show url and was read back as got.
func (in *inspector) compare(serial int64, url, got string, readErr error) error {
	wrong := errMismatch.With("serial", serial)
	if readErr != nil {
		return wrong.Because(readErr)
	}
	if got != url {
		return wrong
	}
	c, err := in.codes.Check(in.ctx, got)
	if err != nil {
		return wrong.Because(err)
	}
	if c.BatchID != in.work.BatchID || c.Serial != serial {
		return wrong
	}
	in.checked++
	return nil
}

// prefix is what stands before the token in every URL of the work.
func (w Work) prefix() ([]byte, error) {
	switch {
	case w.Print.Site == "":
		return nil, fault.NewInvalid("code_host_missing", "请先设置品牌的码域名")
	case w.Form == Short:
		return token.AppendShort(nil, w.Print.Site, "", w.Print.Upper), nil
	case w.Form == GS1:
		return token.AppendDigitalLink(nil, w.Print.Site, w.Print.GTIN, "", w.Print.Upper), nil
	}
	return nil, fault.NewInvalid("export_form", "网址形式应为短链接 (short) 或 GS1 数字链接 (gs1)")
}

// sample chooses the serials to read back, in ascending order.
func (w Work) sample() []int64 {
	s := []int64{w.From, w.Until - 1}
	for range sampleSize {
		s = append(s, w.From+rand.Int64N(w.Until-w.From))
	}
	slices.Sort(s)
	return slices.Compact(s)
}

// span names the serials of the work in file names, both ends included.
func (w Work) span() string { return fmt.Sprintf("%d-%d", w.From, w.Until-1) }
