package crm

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"siyu/model/fault"
)

// A reader of the first sheet of an XLSX workbook (ECMA-376 part 1, SpreadsheetML), row
// by row. The usual library holds the whole file in memory or unpacks it into temporary
// files in clear; here memory is bounded and nothing leaves the sealed store.

// Limits of what is unpacked: a small ZIP can hold terabytes of zeros.
const (
	maxSheet   = 2 << 30
	maxStrings = 96 << 20
	maxPart    = 4 << 20 // workbook, relations, styles
)

var errXLSX = fault.NewInvalid("import_format", "无法读取这个 Excel 文件，请另存为 CSV 后再上传")

type xlsxTable struct {
	in      *xml.Decoder
	strings []string
	dates   map[int]bool // styles that show a number as a date
	epoch   time.Time
	no      int64
}

func openXLSX(file io.ReaderAt, size int64) (*xlsxTable, error) {
	z, err := zip.NewReader(file, size)
	if err != nil {
		return nil, errXLSX.Because(err)
	}
	t := &xlsxTable{dates: map[int]bool{}, epoch: time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)}
	sheet, err := t.findSheet(z)
	if err != nil {
		return nil, err
	}
	if err := t.readStyles(z); err != nil {
		return nil, err
	}
	if err := t.readStrings(z); err != nil {
		return nil, err
	}
	f, err := z.Open(sheet)
	if err != nil {
		return nil, errXLSX.Because(err)
	}
	t.in = xml.NewDecoder(&bounded{f, maxSheet})
	return t, nil
}

// bounded fails instead of ending quietly when there is more than it may read.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fault.NewInvalid("import_format", "Excel 文件解开后太大，请分成几个文件")
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// each walks the elements of a part; a part that is not there has none.
func each(z *zip.Reader, name string, most int64, see func(d *xml.Decoder, e xml.StartElement) error) error {
	f, err := z.Open(name)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // only read
	d := xml.NewDecoder(&bounded{f, most})
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			if e, ok := tok.(xml.StartElement); ok {
				err = see(d, e)
			}
		}
		if err != nil {
			return asFault(err)
		}
	}
}

// asFault keeps faults and errors of our own store, and makes the rest the file's.
func asFault(err error) error {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) || errors.Is(err, zip.ErrChecksum) || errors.Is(err, zip.ErrFormat) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errXLSX.Because(err)
	}
	return err
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// findSheet is the part of the first visible sheet.
func (t *xlsxTable) findSheet(z *zip.Reader) (string, error) {
	ref := ""
	err := each(z, "xl/workbook.xml", maxPart, func(_ *xml.Decoder, e xml.StartElement) error {
		switch e.Name.Local {
		case "workbookPr":
			if v := attr(e, "date1904"); v == "1" || v == "true" {
				t.epoch = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
			}
		case "sheet":
			if state := attr(e, "state"); ref == "" && (state == "" || state == "visible") {
				for _, a := range e.Attr { // r:id, not the sheet's own id
					if a.Name.Local == "id" && a.Name.Space != "" {
						ref = a.Value
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	sheet := "xl/worksheets/sheet1.xml"
	err = each(z, "xl/_rels/workbook.xml.rels", maxPart, func(_ *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local == "Relationship" && attr(e, "Id") == ref {
			if to := attr(e, "Target"); strings.HasPrefix(to, "/") {
				sheet = strings.TrimPrefix(to, "/")
			} else {
				sheet = path.Join("xl", to)
			}
		}
		return nil
	})
	return sheet, err
}

// readStyles finds which styles are dates: the built-in formats 14 to 22, the Chinese
// ones, and those whose own pattern has a year.
func (t *xlsxTable) readStyles(z *zip.Reader) error {
	own := map[string]bool{}
	inXfs, n := false, 0
	return each(z, "xl/styles.xml", maxPart, func(_ *xml.Decoder, e xml.StartElement) error {
		switch e.Name.Local {
		case "numFmt":
			own[attr(e, "numFmtId")] = strings.ContainsAny(strings.ToLower(attr(e, "formatCode")), "y年")
		case "cellXfs":
			inXfs = true
		case "cellStyles", "dxfs":
			inXfs = false
		case "xf":
			if inXfs {
				f, _ := strconv.Atoi(attr(e, "numFmtId"))
				t.dates[n] = f >= 14 && f <= 17 || f == 22 || f >= 27 && f <= 36 || f >= 50 && f <= 58 || own[attr(e, "numFmtId")]
				n++
			}
		}
		return nil
	})
}

func (t *xlsxTable) readStrings(z *zip.Reader) error {
	return each(z, "xl/sharedStrings.xml", maxStrings, func(d *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local != "si" {
			return nil
		}
		s, err := texts(d)
		t.strings = append(t.strings, s)
		return err
	})
}

// texts joins the <t> of an element, also those of formatted runs, but not the reading
// aids (<rPh>) that East Asian text may carry.
func texts(d *xml.Decoder) (string, error) {
	var b strings.Builder
	depth, in, aid := 1, false, 0
	for depth > 0 {
		tok, err := d.Token()
		if err != nil {
			return "", err
		}
		switch x := tok.(type) {
		case xml.StartElement:
			depth++
			in = x.Name.Local == "t"
			if aid > 0 || x.Name.Local == "rPh" {
				aid++
			}
		case xml.EndElement:
			depth--
			in = false
			aid = max(0, aid-1)
		case xml.CharData:
			if in && aid == 0 && b.Len() <= maxCell*utf8.UTFMax {
				b.Write(x)
			}
		}
	}
	return b.String(), nil
}

func (t *xlsxTable) header() ([]string, error) {
	for {
		_, cells, err := t.next()
		if errors.Is(err, io.EOF) {
			return checkHeader(nil)
		}
		if err != nil && !errors.As(err, &badRow{}) {
			return nil, err
		}
		if strings.Join(cells, "") != "" {
			return checkHeader(cells)
		}
	}
}

func (t *xlsxTable) next() (int64, []string, error) {
	for {
		tok, err := t.in.Token()
		if err != nil {
			return 0, nil, asFault(err) // io.EOF stays what it is
		}
		e, ok := tok.(xml.StartElement)
		if !ok || e.Name.Local != "row" {
			continue
		}
		t.no++
		if n, err := strconv.ParseInt(attr(e, "r"), 10, 32); err == nil && n > 0 {
			t.no = n
		}
		cells, err := t.row()
		if err != nil {
			return 0, nil, asFault(err)
		}
		if strings.Join(cells, "") == "" {
			continue // only formatting
		}
		return t.no, cells, checkCells(cells)
	}
}

func (t *xlsxTable) row() ([]string, error) {
	var cells []string
	for {
		tok, err := t.in.Token()
		if err != nil {
			return nil, unexpected(err)
		}
		switch x := tok.(type) {
		case xml.EndElement:
			if x.Name.Local == "row" {
				return cells, nil
			}
		case xml.StartElement:
			if x.Name.Local != "c" {
				continue
			}
			col := column(attr(x, "r"))
			if col < 0 {
				col = len(cells)
			}
			text, err := t.cell(x)
			if err != nil {
				return nil, unexpected(err)
			}
			if col > maxColumns { // far to the right: somebody's formatting
				continue
			}
			for len(cells) <= col {
				cells = append(cells, "")
			}
			cells[col] = text
		}
	}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// column reads the letters of "AB12"; -1 for none.
func column(ref string) int {
	n := 0
	for i := range len(ref) {
		c := ref[i]
		if c < 'A' || c > 'Z' {
			break
		}
		if n = n*26 + int(c-'A') + 1; n > 1<<16 {
			return 1 << 16
		}
	}
	return n - 1
}

func (t *xlsxTable) cell(e xml.StartElement) (string, error) {
	kind, style := attr(e, "t"), attr(e, "s")
	value, depth := "", 1
	for depth > 0 {
		tok, err := t.in.Token()
		if err != nil {
			return "", err
		}
		switch x := tok.(type) {
		case xml.StartElement:
			if x.Name.Local == "v" || x.Name.Local == "is" {
				if value, err = innerText(t.in, x); err != nil {
					return "", err
				}
				continue
			}
			depth++
		case xml.EndElement:
			depth--
		}
	}
	switch kind {
	case "s":
		i, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || i < 0 || i >= len(t.strings) {
			return "", errXLSX
		}
		return t.strings[i], nil
	case "", "n":
		s, _ := strconv.Atoi(style)
		return t.number(value, style != "" && t.dates[s]), nil
	}
	return value, nil // str, inlineStr, b, e, d
}

// innerText is the text of <v>, or of all <t> within <is>.
func innerText(d *xml.Decoder, e xml.StartElement) (string, error) {
	if e.Name.Local == "is" {
		return texts(d)
	}
	var b strings.Builder
	for {
		tok, err := d.Token()
		if err != nil {
			return "", err
		}
		switch x := tok.(type) {
		case xml.CharData:
			if b.Len() <= maxCell*utf8.UTFMax {
				b.Write(x)
			}
		case xml.EndElement:
			return b.String(), nil
		}
	}
}

// number shows a number as a person would have typed it: a telephone number without an
// exponent, a day as a day.
func (t *xlsxTable) number(value string, date bool) string {
	value = strings.TrimSpace(value)
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || math.Abs(f) > 1e15 {
		return value
	}
	if !date || f < 1 || f > 2958465 { // 9999-12-31
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	at := t.epoch.AddDate(0, 0, int(f)).Add(time.Duration(math.Round((f-math.Floor(f))*86400)) * time.Second)
	if at.Hour() == 0 && at.Minute() == 0 && at.Second() == 0 {
		return at.Format("2006-01-02")
	}
	return at.Format("2006-01-02 15:04:05")
}
