package picture

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"strconv"

	"siyu/model/fault"
)

// Label is one label read back from a sheet.
type Label struct {
	Page, Index int // from 0; Index counts the labels of the page
	Matrix      Matrix
	Text        string // empty if none is printed
	ModulePt    float64
}

// maxPage bounds a page's drawing operations, in bytes: 10,000 labels of the
// largest symbol take less.
const maxPage = 256 << 20

// ReadSheet reads what Sheet wrote, from its drawing operations, and shows each
// label in turn until visit fails or the sheet ends. It keeps one page in memory and
// reads no other PDF. Faults: Invalid sheet_unreadable, or visit's error.
func ReadSheet(r io.Reader, visit func(Label) error) error {
	in := bufio.NewReaderSize(r, 1<<16)
	whole := false // the end mark was the last thing seen: nothing is cut off
	for page := 0; ; {
		line, err := in.ReadSlice('\n')
		switch {
		case err == io.EOF && len(line) == 0:
			if page == 0 || !whole {
				return notOurs(nil)
			}
			return nil
		case errors.Is(err, bufio.ErrBufferFull):
			continue // part of a long line; streams are skipped below, so none of ours
		case err != nil:
			return notOurs(err)
		}
		whole = string(line) == "%%EOF\n"
		size, ok := streamSize(line)
		if !ok {
			continue
		}
		if line, err = in.ReadSlice('\n'); err != nil || string(line) != "stream\n" {
			return notOurs(err)
		}
		content := io.LimitReader(in, size)
		unpacked, err := zlib.NewReader(content)
		if err != nil {
			return notOurs(err)
		}
		ops, err := io.ReadAll(io.LimitReader(unpacked, maxPage))
		if err != nil {
			return notOurs(err)
		}
		if err := readPage(ops, page, visit); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return notOurs(err)
		}
		page++
	}
}

func notOurs(err error) *fault.Fault {
	return fault.NewInvalid("sheet_unreadable", "不是本系统导出的标签页，或文件已损坏").Because(err)
}

// streamSize reads the dictionary line in front of a page's content.
func streamSize(line []byte) (int64, bool) {
	rest, ok := bytes.CutPrefix(line, []byte(streamHead))
	if !ok {
		return 0, false
	}
	rest, ok = bytes.CutSuffix(rest, []byte(">>\n"))
	n, err := strconv.ParseInt(string(rest), 10, 64)
	return n, ok && err == nil && n > 0
}

// readPage runs the operations of a page: one per line, operands first.
func readPage(ops []byte, page int, visit func(Label) error) error {
	var c canvas
	label := Label{Page: page}
	inside := false
	for line := range bytes.Lines(ops) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		switch {
		case bytes.HasSuffix(line, []byte(" re")):
			r, ok := parseRun(line)
			if !ok || !inside || !c.paint(r) {
				return notOurs(nil)
			}
		case bytes.HasSuffix(line, []byte(" cm")):
			f := bytes.Fields(line)
			if len(f) != 8 || inside || string(f[4]) != "-"+string(f[1]) {
				return notOurs(nil) // not a picture, or not a square one
			}
			size, err := strconv.ParseFloat(string(f[1]), 64)
			if err != nil {
				return notOurs(err)
			}
			label.ModulePt, inside = size, true
		case bytes.HasSuffix(line, []byte(") Tj ET")):
			_, text, ok := bytes.Cut(line, []byte(" Td ("))
			if !ok || inside {
				return notOurs(nil)
			}
			label.Text = unescape(bytes.TrimSuffix(text, []byte(") Tj ET")))
		case string(line) == "f Q":
			m, ok := c.matrix()
			if !ok || !inside {
				return notOurs(nil)
			}
			label.Matrix = m
			if err := visit(label); err != nil {
				return err
			}
			label = Label{Page: page, Index: label.Index + 1}
			c, inside = canvas{}, false
		default:
			return notOurs(nil)
		}
	}
	if inside {
		return notOurs(nil)
	}
	return nil
}

// parseRun reads "x y w 1 re"; any other height is not ours.
func parseRun(line []byte) (run, bool) {
	s := scanner{text: line}
	r := run{x: s.number()}
	s.expect(' ')
	r.y = s.number()
	s.expect(' ')
	r.w = s.number()
	return r, !s.failed && string(s.text) == " 1 re"
}

func unescape(text []byte) string {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
		}
		out = append(out, text[i])
	}
	return string(out)
}
