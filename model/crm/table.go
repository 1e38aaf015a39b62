package crm

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"siyu/model/fault"
)

// Limits of one row.
const (
	maxColumns = 200
	maxCell    = 1000 // characters
)

// table reads a file row by row, the header first.
type table interface {
	// header is the first row that is not empty. Fault: Invalid import_header.
	header() ([]string, error)
	// next is the following row with its number as Excel counts (the first is 1), or
	// io.EOF. A badRow is this row's fault only; any other error ends the file.
	next() (no int64, cells []string, err error)
}

// badRow is a row that cannot be read.
type badRow struct{ reason string }

func (b badRow) Error() string { return b.reason }

func (s *Store) open(ctx context.Context, r row) (table, error) {
	file := &pieces{ctx: ctx, s: s, id: r.ID, size: r.Bytes}
	if r.Format == XLSX {
		return openXLSX(file, r.Bytes)
	}
	return openCSV(io.NewSectionReader(file, 0, r.Bytes), r.Encoding)
}

type csvTable struct {
	in   *csv.Reader
	no   int64
	line int // where the row before ended
}

func openCSV(file io.Reader, enc string) (*csvTable, error) {
	var from encoding.Encoding = unicode.UTF8BOM // takes a BOM away
	switch enc {
	case GB18030:
		from = simplifiedchinese.GB18030
	case UTF16:
		from = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	}
	b := bufio.NewReaderSize(from.NewDecoder().Reader(file), 64<<10)
	t := &csvTable{in: csv.NewReader(b)}
	t.in.FieldsPerRecord, t.in.ReuseRecord = -1, true
	first, err := b.Peek(4 << 10)
	if len(first) == 0 && err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	line, _, _ := strings.Cut(string(first), "\n")
	for _, c := range []rune{'\t', ';', ','} {
		if strings.ContainsRune(line, c) {
			t.in.Comma = c
		}
	}
	return t, nil
}

func (t *csvTable) header() ([]string, error) {
	_, cells, err := t.next()
	if err != nil && !errors.As(err, &badRow{}) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return checkHeader(cells)
}

func (t *csvTable) next() (int64, []string, error) {
	cells, err := t.in.Read()
	if errors.Is(err, io.EOF) {
		return 0, nil, io.EOF
	}
	var bad *csv.ParseError
	if errors.As(err, &bad) {
		t.no += int64(max(1, bad.StartLine-t.line))
		t.line = bad.Line
		return t.no, nil, badRow{"引号不配对，无法分列"}
	}
	if err != nil {
		return 0, nil, err
	}
	// The reader leaves out empty lines; Excel counts them.
	start, _ := t.in.FieldPos(0)
	t.no += int64(start - t.line)
	last := len(cells) - 1
	end, _ := t.in.FieldPos(last)
	t.line = end + strings.Count(cells[last], "\n")
	return t.no, cells, checkCells(cells)
}

func checkCells(cells []string) error {
	if len(cells) > maxColumns {
		return badRow{"列太多"}
	}
	for _, c := range cells {
		switch {
		case len(c) > maxCell && utf8.RuneCountInString(c) > maxCell:
			return badRow{"单元格内容太长"}
		case !utf8.ValidString(c) || strings.ContainsRune(c, utf8.RuneError) || strings.ContainsRune(c, 0):
			return badRow{"含有无法识别的字符，请检查文件编码"}
		}
	}
	return nil
}

func checkHeader(cells []string) ([]string, error) {
	bad := func(text string) ([]string, error) { return nil, fault.NewInvalid("import_header", text) }
	out := make([]string, 0, len(cells))
	seen := map[string]bool{}
	for _, c := range cells {
		c = strings.TrimSpace(c)
		if c != "" && seen[c] {
			return bad("第一行有重复的列名“" + clip(c, 20) + "”，请修改后重新上传")
		}
		if utf8.RuneCountInString(c) > 64 {
			return bad("第一行应是列名，每个最多 64 字")
		}
		seen[c] = true
		out = append(out, c)
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	if len(out) == 0 || checkCells(cells) != nil {
		return bad("文件第一行应是列名")
	}
	return out, nil
}

func clip(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
