package picture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"siyu/model/fault"
)

// sheet writes n labels with codes and texts of its own.
func sheet(t testing.TB, l Layout, n int) (pdf []byte, labels []Label) {
	t.Helper()
	var out bytes.Buffer
	s, err := NewSheet(&out, l)
	if err != nil {
		t.Fatal(err)
	}
	e := NewEncoder(M)
	for i, content := range contents(n) {
		m := encode(t, e, content[:min(len(content), 60)])
		text := fmt.Sprintf("01AB 23(D 45\\F %04d", i)
		if err := s.Add(&m, text); err != nil {
			t.Fatal(err)
		}
		label := Label{Page: i / l.PerPage(), Index: i % l.PerPage(), Matrix: m}
		if l.Text {
			label.Text = text
		}
		labels = append(labels, label)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), labels
}

func readAll(t testing.TB, pdf []byte) (labels []Label) {
	t.Helper()
	if err := ReadSheet(bytes.NewReader(pdf), func(l Label) error {
		labels = append(labels, l)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return labels
}

func TestSheetReadsBackToTheSameLabels(t *testing.T) {
	bare := DefaultLayout()
	bare.Text = false
	for name, c := range map[string]struct {
		layout Layout
		n      int
	}{
		"full and half pages":   {DefaultLayout(), 80},
		"no text":               {bare, 33},
		"one label":             {DefaultLayout(), 1},
		"many nodes in a tree":  {Layout{Columns: 1, Rows: 1, PageWidthMM: 30, PageHeightMM: 30, LabelWidthMM: 30, LabelHeightMM: 30}, 2*kidsPerNode + 3},
		"exactly one full node": {Layout{Columns: 1, Rows: 1, PageWidthMM: 30, PageHeightMM: 30, LabelWidthMM: 30, LabelHeightMM: 30}, kidsPerNode},
		"a wide quiet zone":     {Layout{Columns: 2, Rows: 2, LabelWidthMM: 60, LabelHeightMM: 60, QuietModules: 10, Text: true}, 9},
	} {
		pdf, want := sheet(t, c.layout, c.n)
		got := readAll(t, pdf)
		for i := range got {
			if mm := got[i].ModulePt / pointsPerMM; mm < MinModuleMM {
				t.Errorf("%s: label %d has modules of %.3f mm", name, i, mm)
			}
			got[i].ModulePt = 0
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %d labels came back differently", name, len(got))
		}
		checkObjects(t, name, pdf, (c.n+c.layout.PerPage()-1)/c.layout.PerPage())
	}
}

// checkObjects follows the cross-reference table and the page tree.
func checkObjects(t *testing.T, name string, pdf []byte, pages int) {
	t.Helper()
	start := regexp.MustCompile(`startxref\n(\d+)\n%%EOF\n$`).FindSubmatch(pdf)
	if start == nil {
		t.Fatalf("%s: no startxref", name)
	}
	at, _ := strconv.Atoi(string(start[1]))
	lines := strings.Split(string(pdf[at:]), "\n")
	size, _ := strconv.Atoi(strings.TrimPrefix(lines[1], "0 "))
	for object := 1; object < size; object++ {
		entry := lines[2+object]
		offset, _ := strconv.Atoi(entry[:10])
		if want := fmt.Sprintf("%d 0 obj\n", object); len(entry) != 19 || !bytes.HasPrefix(pdf[offset:], []byte(want)) {
			t.Fatalf("%s: entry %q does not lead to object %d", name, entry, object)
		}
	}
	if n := bytes.Count(pdf, []byte("/Type/Page/")); n != pages {
		t.Errorf("%s: %d pages, want %d", name, n, pages)
	}
	root := regexp.MustCompile(`/Type/Pages/Count (\d+)/`).FindSubmatch(pdf)
	if root == nil || string(root[1]) != strconv.Itoa(pages) {
		t.Errorf("%s: the tree counts %s pages, want %d", name, root, pages)
	}
}

func TestSheetIsTheSameEveryTime(t *testing.T) {
	a, _ := sheet(t, DefaultLayout(), 40)
	b, _ := sheet(t, DefaultLayout(), 40)
	if !bytes.Equal(a, b) {
		t.Fatal("two runs differ")
	}
}

func TestLayoutIsRefusedBeforeAnythingIsPrinted(t *testing.T) {
	change := func(f func(*Layout)) Layout {
		l := DefaultLayout()
		f(&l)
		return l
	}
	for name, c := range map[string]struct {
		layout Layout
		code   string
	}{
		"no columns":         {change(func(l *Layout) { l.Columns = 0 }), "sheet_grid"},
		"negative rows":      {change(func(l *Layout) { l.Rows = -1 }), "sheet_grid"},
		"a grid too fine":    {change(func(l *Layout) { l.Rows = 101 }), "sheet_grid"},
		"no label width":     {change(func(l *Layout) { l.LabelWidthMM = 0 }), "sheet_size"},
		"not a number":       {change(func(l *Layout) { l.LabelHeightMM = math.NaN() }), "sheet_size"},
		"endless":            {change(func(l *Layout) { l.PageHeightMM = math.Inf(1) }), "sheet_size"},
		"half a page size":   {change(func(l *Layout) { l.PageWidthMM = 100 }), "sheet_size"},
		"a negative margin":  {change(func(l *Layout) { l.MarginTopMM = -1 }), "sheet_size"},
		"a gap not a number": {change(func(l *Layout) { l.GapXMM = math.NaN() }), "sheet_size"},
		"too little quiet":   {change(func(l *Layout) { l.QuietModules = 3 }), "sheet_quiet"},
		"too much quiet":     {change(func(l *Layout) { l.QuietModules = 17 }), "sheet_quiet"},
		"a column too many":  {change(func(l *Layout) { l.Columns = 5 }), "sheet_fit"},
		"a row too many":     {change(func(l *Layout) { l.Rows = 9 }), "sheet_fit"},
		"labels too small":   {change(func(l *Layout) { l.LabelWidthMM = 5 }), "sheet_small"},
		"no room above text": {change(func(l *Layout) { l.LabelHeightMM = 3 }), "sheet_small"},
	} {
		var out bytes.Buffer
		if _, err := NewSheet(&out, c.layout); err == nil || fault.Of(err).Code != c.code || out.Len() != 0 {
			t.Errorf("%s: got %v after %d bytes, want %s", name, err, out.Len(), c.code)
		}
	}
	exact := Layout{Columns: 3, Rows: 7, LabelWidthMM: 70, LabelHeightMM: 297.0 / 7}
	if err := exact.Check(); err != nil {
		t.Errorf("labels that fill the page exactly: %v", err)
	}
}

func TestRefusedLabelLeavesTheSheetUsable(t *testing.T) {
	var out bytes.Buffer
	s, err := NewSheet(&out, Layout{Columns: 1, Rows: 2, LabelWidthMM: 20, LabelHeightMM: 14, Text: true})
	if err != nil {
		t.Fatal(err)
	}
	e := NewEncoder(M)
	good, large := encode(t, e, "GOOD"), encode(t, e, strings.Repeat("A", 300))
	for _, c := range []struct {
		m    *Matrix
		text string
		code string
	}{
		{&large, "", "sheet_small"},
		{&good, "\u7801", "sheet_text"},
		{&good, strings.Repeat("x", 200), "sheet_text"},
		{&Matrix{}, "", "picture_content"},
		{&Matrix{Size: 1000}, "", "picture_content"},
	} {
		if err := s.Add(c.m, c.text); err == nil || fault.Of(err).Code != c.code {
			t.Errorf("%.10q: got %v, want %s", c.text, err, c.code)
		}
	}
	if err := s.Add(&good, "GOOD"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, out.Bytes()); len(got) != 1 || got[0].Matrix != good || got[0].Text != "GOOD" {
		t.Fatalf("read back %d labels", len(got))
	}
	if err := s.Add(&good, ""); err == nil {
		t.Error("a closed sheet takes labels")
	}
}

func TestEmptySheetIsRefused(t *testing.T) {
	s, err := NewSheet(io.Discard, DefaultLayout())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err == nil || fault.Of(err).Code != "sheet_empty" {
		t.Fatalf("got %v", err)
	}
}

// failing takes so many bytes and then fails for ever.
type failing struct{ room int }

var errFull = errors.New("disk full")

func (f *failing) Write(p []byte) (int, error) {
	if f.room < len(p) {
		n := f.room
		f.room = 0
		return n, errFull
	}
	f.room -= len(p)
	return len(p), nil
}

func TestFullDiskIsReportedWhereverItHappens(t *testing.T) {
	layout := Layout{Columns: 1, Rows: 1, LabelWidthMM: 40, LabelHeightMM: 40}
	m := encode(t, NewEncoder(M), "GOOD")
	write := func(w io.Writer) error {
		s, err := NewSheet(w, layout)
		if err != nil {
			return err
		}
		for range 3 {
			if err := s.Add(&m, ""); err != nil {
				return err
			}
		}
		return s.Close()
	}
	var whole bytes.Buffer
	if err := write(&whole); err != nil {
		t.Fatal(err)
	}
	for room := range whole.Len() {
		if err := write(&failing{room}); !errors.Is(err, errFull) {
			t.Fatalf("with room for %d bytes: got %v", room, err)
		}
	}
}

func TestReadSheetNoticesDamage(t *testing.T) {
	pdf, _ := sheet(t, DefaultLayout(), 40)
	none := func(Label) error { return nil }
	for name, bad := range map[string][]byte{
		"nothing":           nil,
		"another PDF":       []byte("%PDF-1.4\n%%EOF\n"),
		"cut in a page":     pdf[:300],
		"cut after a page":  pdf[:bytes.Index(pdf, []byte("endstream"))+10],
		"a flipped byte":    flip(pdf, bytes.Index(pdf, []byte("stream\n"))+200),
		"a length too long": bytes.Replace(pdf, []byte(streamHead), []byte(streamHead+"9"), 1),
	} {
		if err := ReadSheet(bytes.NewReader(bad), none); err == nil || fault.Of(err).Code != "sheet_unreadable" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	stop := errors.New("stop")
	if err := ReadSheet(bytes.NewReader(pdf), func(Label) error { return stop }); err != stop {
		t.Errorf("visit's error became %v", err)
	}
}

func flip(p []byte, at int) []byte {
	q := bytes.Clone(p)
	q[at] ^= 0x10
	return q
}

func FuzzReadPage(f *testing.F) {
	f.Add([]byte("q 1.00000 0 0 -1.00000 9.00000 9.00000 cm\n0 0 7 1 re\nf Q\n"))
	f.Add([]byte("BT /F 7.00000 Tf 1 2 Td (a\\)b) Tj ET\n"))
	f.Fuzz(func(t *testing.T, ops []byte) {
		_ = readPage(ops, 0, func(l Label) error {
			if !validSize(l.Matrix.Size) {
				t.Fatalf("label of %d modules", l.Matrix.Size)
			}
			return nil
		})
	})
}

func BenchmarkSheet(b *testing.B) {
	e := NewEncoder(M)
	s, err := NewSheet(io.Discard, DefaultLayout())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		m, err := e.Encode(printed)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Add(&m, "0123 4567 89AB CDEF"); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(s.written)/float64(b.N), "file-B/op")
}
