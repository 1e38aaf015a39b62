package export

import (
	"archive/zip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"siyu/model/code/picture"
	"siyu/model/code/token"
	"siyu/model/fault"
	"siyu/model/spreadsheet"
)

// drawer puts codes into an archive.
type drawer interface {
	// add writes one code, whose serials follow each other. Its arguments are valid
	// during the call only. With inspect the code is also read back from what was
	// written, at the latest by close, and the inspector's word is final.
	add(serial int64, token, url []byte, inspect bool) error
	close() error
	stop() // frees what add needed; harmless after close
}

func (w Work) drawer(a Archive, in *inspector) (drawer, error) {
	switch w.Kind {
	case CSV:
		return newTable(a, w, in)
	case PNG:
		px := w.Options.ModulePx
		if px == 0 {
			px = 8
		}
		return &pictures{archive: a, in: in, ext: ".png", method: zip.Store, read: picture.Decode, qr: picture.NewEncoder(picture.M),
			draw: func(dst []byte, m *picture.Matrix) ([]byte, error) { return picture.AppendPNG(dst, m, px) }}, nil
	case SVG:
		side := w.Options.SideMM
		if side == 0 {
			side = 20
		}
		return &pictures{archive: a, in: in, ext: ".svg", method: zip.Deflate, read: readSVG, qr: picture.NewEncoder(picture.M),
			draw: func(dst []byte, m *picture.Matrix) ([]byte, error) { return picture.AppendSVG(dst, m, side) }}, nil
	case PDF:
		return newSheet(a, w, in)
	}
	return nil, fault.NewInvalid("export_kind", "导出格式应为 csv、png、svg 或 pdf")
}

const flushBytes = 64 << 10

// table writes the CSV: UTF-8 with a byte order mark, or Excel shows garbage; lines
// end as RFC 4180 says.
type table struct {
	w    io.Writer
	in   *inspector
	buf  []byte
	tail []byte // what ends every line
}

func newTable(a Archive, w Work, in *inspector) (*table, error) {
	out, err := a.Create("codes-" + w.span() + ".csv")
	if err != nil {
		return nil, err
	}
	t := &table{w: out, in: in, tail: []byte("\r\n")}
	head := spreadsheet.Mark + "序号,码值,链接"
	if w.Options.WithProduct {
		head += ",商品名称,规格"
		t.tail = fmt.Appendf(nil, ",%s,%s\r\n", field(w.Print.Product), field(w.Print.Spec))
	}
	t.buf = append(make([]byte, 0, flushBytes+1024), head+"\r\n"...)
	return t, nil
}

// field makes free text safe in a CSV: no formula, and quoted as RFC 4180 says.
func field(s string) string {
	s = spreadsheet.Plain(s)
	if strings.ContainsAny(s, ",\"\r\n") {
		s = `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}

func (t *table) add(serial int64, token, url []byte, inspect bool) error {
	if len(t.buf) >= flushBytes {
		if err := t.close(); err != nil {
			return err
		}
	}
	line := len(t.buf)
	t.buf = strconv.AppendInt(t.buf, serial, 10)
	t.buf = append(append(t.buf, ','), token...)
	t.buf = append(append(t.buf, ','), url...)
	t.buf = append(t.buf, t.tail...)
	if !inspect {
		return nil
	}
	got, err := readLine(string(t.buf[line:]))
	return t.in.compare(serial, string(url), got, err)
}

// readLine parses a line as a reader of the file would and returns its URL.
func readLine(line string) (string, error) {
	record, err := csv.NewReader(strings.NewReader(line)).Read()
	if err != nil {
		return "", err
	}
	if len(record) < 3 || !strings.HasSuffix(record[2], record[1]) {
		return "", errors.New("the columns disagree")
	}
	return record[2], nil
}

func (t *table) close() error {
	_, err := t.w.Write(t.buf)
	t.buf = t.buf[:0]
	return err
}

func (t *table) stop() {}

// folderSize is how many pictures go into one inner ZIP.
const folderSize = 10_000

// pictures writes one file per code, named by its serial: a name that held the token
// would show it to everybody who sees the list. They go into plain ZIPs of
// folderSize inside the encrypted one, because encryption costs a millisecond per
// entry and a folder of a hundred thousand files is a burden everywhere.
type pictures struct {
	archive Archive
	in      *inspector
	ext     string
	method  uint16 // of the inner ZIP: a PNG is compressed already
	qr      *picture.Encoder
	draw    func(dst []byte, m *picture.Matrix) ([]byte, error)
	read    func(file []byte) (string, error)
	buf     []byte
	folder  *zip.Writer
	held    int // pictures in the folder
}

func (p *pictures) add(serial int64, _, url []byte, inspect bool) error {
	if p.held == folderSize {
		if err := p.close(); err != nil {
			return err
		}
	}
	m, err := p.qr.Encode(string(url))
	if err != nil {
		return err
	}
	if p.buf, err = p.draw(p.buf[:0], &m); err != nil {
		return err
	}
	if p.folder == nil {
		w, err := p.archive.CreateStored(fmt.Sprintf("codes-from-%d.zip", serial))
		if err != nil {
			return err
		}
		p.folder, p.held = zip.NewWriter(w), 0
	}
	out, err := p.folder.CreateHeader(&zip.FileHeader{Name: fmt.Sprintf("%09d%s", serial, p.ext), Method: p.method})
	if err != nil {
		return err
	}
	if _, err := out.Write(p.buf); err != nil {
		return err
	}
	p.held++
	if !inspect {
		return nil
	}
	got, err := p.read(p.buf)
	return p.in.compare(serial, string(url), got, err)
}

func (p *pictures) close() error {
	if p.folder == nil {
		return nil
	}
	err := p.folder.Close()
	p.folder = nil
	return err
}

func (p *pictures) stop() {}

// readSVG decodes the symbol that the drawing operations of an SVG paint.
func readSVG(file []byte) (string, error) {
	m, err := picture.ParseSVG(file)
	if err != nil {
		return "", err
	}
	return picture.DecodeMatrix(&m)
}

// sheet writes a PDF, and reads every page of it again while it is being written.
type sheet struct {
	pdf  *picture.Sheet
	qr   *picture.Encoder
	text bool
	// expect holds what the reader will find: every code to inspect is sent before the
	// page it is on can be read. It never fills, a sample is smaller.
	expect chan expected
	pipe   *io.PipeWriter
	read   chan error // the reader's last word
}

type expected struct {
	serial    int64
	url, text string
}

func newSheet(a Archive, w Work, in *inspector) (*sheet, error) {
	layout := picture.DefaultLayout()
	if w.Options.Layout != nil {
		layout = picture.Layout(*w.Options.Layout)
	}
	if err := layout.Check(); err != nil {
		return nil, err
	}
	out, err := a.CreateStored("labels-" + w.span() + ".pdf") // its pages are compressed
	if err != nil {
		return nil, err
	}
	from, to := io.Pipe()
	s := &sheet{qr: picture.NewEncoder(picture.M), text: layout.Text, pipe: to,
		expect: make(chan expected, sampleSize+2), read: make(chan error, 1)}
	go func() {
		err := s.readBack(from, w.From, in)
		from.CloseWithError(err) // a writer that goes on would wait for ever
		s.read <- err
	}()
	if s.pdf, err = picture.NewSheet(io.MultiWriter(out, to), layout); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// readBack decodes the labels to inspect from the PDF's own drawing operations.
func (s *sheet) readBack(r io.Reader, serial int64, in *inspector) error {
	var next *expected
	err := picture.ReadSheet(r, func(l picture.Label) error {
		if next == nil {
			select {
			case e := <-s.expect:
				next = &e
			default:
			}
		}
		at := serial
		serial++
		if next == nil || next.serial != at {
			return nil
		}
		e := *next
		next = nil
		got, err := picture.DecodeMatrix(&l.Matrix)
		if err == nil && l.Text != e.text {
			err = errors.New("the text under the picture is another")
		}
		return in.compare(at, e.url, got, err)
	})
	if err == nil && (next != nil || len(s.expect) > 0) {
		err = errMismatch.Because(errors.New("labels are missing"))
	}
	return err
}

func (s *sheet) add(serial int64, text, url []byte, inspect bool) error {
	m, err := s.qr.Encode(string(url))
	if err != nil {
		return err
	}
	under := ""
	if s.text {
		under = token.Token(text).Grouped()
	}
	if inspect {
		s.expect <- expected{serial, string(url), under}
	}
	return s.pdf.Add(&m, under)
}

func (s *sheet) close() error {
	if err := s.pdf.Close(); err != nil {
		return err
	}
	if err := s.pipe.Close(); err != nil {
		return err
	}
	return <-s.read
}

func (s *sheet) stop() { _ = s.pipe.CloseWithError(io.ErrUnexpectedEOF) }
