package crm

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
)

// rows reads a table to its end: "number:cell|cell", bad rows as "number!reason".
func rows(t table) (out []string, err error) {
	head, err := t.header()
	if err != nil {
		return nil, err
	}
	out = []string{strings.Join(head, "|")}
	for {
		no, cells, err := t.next()
		var bad badRow
		switch {
		case errors.Is(err, io.EOF):
			return out, nil
		case errors.As(err, &bad):
			out = append(out, fmt.Sprintf("%d!%s", no, bad.reason))
		case err != nil:
			return out, err
		default:
			out = append(out, fmt.Sprintf("%d:%s", no, strings.Join(cells, "|")))
		}
	}
}

// read sniffs a file and reads it, as an upload does.
func read(file []byte) ([]string, error) {
	var s sniffer
	for part := range bytes.SplitAfterSeq(file, []byte("\n")) { // cut anywhere
		for len(part) > 7 {
			s.see(part[:7])
			part = part[7:]
		}
		s.see(part)
	}
	format, enc, err := s.verdict()
	if err != nil {
		return nil, err
	}
	var t table
	if format == XLSX {
		t, err = openXLSX(bytes.NewReader(file), int64(len(file)))
	} else {
		t, err = openCSV(bytes.NewReader(file), enc)
	}
	if err != nil {
		return nil, err
	}
	return rows(t)
}

func TestEncodings(t *testing.T) {
	const text = "手机号,昵称\n1,龘𠮷王\n\n2,\"两\n行\"\n3,李\n"
	want := "手机号|昵称 2:1|龘𠮷王 4:2|两\n行 5:3|李" // rows as Excel counts them: a cell of two lines is one row
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	le, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	be, err := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{"UTF-8": text, "UTF-8 with BOM": "\ufeff" + text, "GB18030": gb, "UTF-16 little": le, "UTF-16 big": be,
		"semicolons": strings.ReplaceAll(text, ",", ";"), "tabs": strings.ReplaceAll(text, ",", "\t"), "CRLF": strings.ReplaceAll(text, "\n", "\r\n")} {
		got, err := read([]byte(file))
		if s := strings.ReplaceAll(strings.Join(got, " "), "\r", ""); err != nil || s != want {
			t.Errorf("%s: %q %v", name, s, err)
		}
	}
}

func TestRowsThatCannotBeRead(t *testing.T) {
	got, err := read([]byte("手机号\n1\n\"2\"x\n3\n" + strings.Repeat("长", maxCell+1) + "\n4\n" + strings.Repeat(",", maxColumns) + "\n5\n\"6\n7\n"))
	want := "手机号 2:1 3!引号不配对，无法分列 4:3 5!单元格内容太长 6:4 7!列太多 8:5 9!引号不配对，无法分列"
	if s := strings.Join(got, " "); err != nil || s != want {
		t.Errorf("%v\n%s\nwant\n%s", err, s, want)
	}
}

// workbook zips the parts of an XLSX file.
func workbook(parts map[string]string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range parts {
		w, _ := z.Create(name)
		_, _ = w.Write([]byte(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + text))
	}
	_ = z.Close()
	return b.Bytes()
}

// excel is a workbook as Excel writes it: a hidden sheet first, shared strings with runs
// and reading aids, numbers with styles, empty and missing cells.
func excel() map[string]string {
	const ns = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`
	return map[string]string{
		"xl/workbook.xml":            `<workbook ` + ns + `><sheets><sheet name="旧" sheetId="1" state="hidden" r:id="rId1"/><sheet name="会员" sheetId="2" r:id="rId2"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Target="/xl/worksheets/sheet7.xml"/></Relationships>`,
		"xl/styles.xml":              `<styleSheet><numFmts><numFmt numFmtId="176" formatCode="yyyy&quot;年&quot;m&quot;月&quot;"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="176"/><xf numFmtId="2"/></cellXfs></styleSheet>`,
		"xl/sharedStrings.xml":       `<sst><si><t>手机号</t></si><si><t>生日</t></si><si><r><t>老</t></r><r><t xml:space="preserve">王 </t></r><rPh sb="0" eb="1"><t>lao</t></rPh></si><si><t>昵称</t></si></sst>`,
		"xl/worksheets/sheet1.xml":   `<worksheet><sheetData><row r="1"><c r="A1"><v>9</v></c></row></sheetData></worksheet>`,
		"xl/worksheets/sheet7.xml": `<worksheet><cols><col min="1"/></cols><sheetData><row r="1"/><row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="s"><v>1</v></c><c r="C2" t="s"><v>3</v></c></row>
			<row r="3"><c r="A3"><v>1.3800000001E10</v></c><c r="B3" s="1"><v>32994</v></c><c r="C3" t="s"><v>2</v></c></row>
			<row r="5"><c r="B5" s="2"><v>32994.5</v></c><c r="C5" t="inlineStr"><is><t>小</t></is></c></row>
			<row r="6"><c r="A6" s="3"/></row>
			<row><c t="str"><f>A1</f><v>公式</v></c><c/><c t="b"><v>1</v></c></row></sheetData></worksheet>`,
	}
}

func TestXLSX(t *testing.T) {
	got, err := read(workbook(excel()))
	want := "手机号|生日|昵称;3:13800000001|1990-05-01|老王 ;5:|1990-05-01 12:00:00|小;7:公式||1"
	if s := strings.Join(got, ";"); err != nil || s != want {
		t.Fatalf("%v\n%s\nwant\n%s", err, s, want)
	}
	for name, change := range map[string]func(map[string]string){
		"a string that is not there": func(p map[string]string) { p["xl/sharedStrings.xml"] = "<sst/>" },
		"a sheet cut off": func(p map[string]string) {
			p["xl/worksheets/sheet7.xml"] = p["xl/worksheets/sheet7.xml"][:400]
		},
		"no sheet": func(p map[string]string) { delete(p, "xl/worksheets/sheet7.xml") },
		"no XML":   func(p map[string]string) { p["xl/worksheets/sheet7.xml"] = "<row><<" },
	} {
		p := excel()
		change(p)
		if _, err := read(workbook(p)); err == nil {
			t.Errorf("%s: nothing is wrong", name)
		} else {
			is(t, err, "import_format")
		}
	}
}

func TestXLSXIsImported(t *testing.T) {
	clk := clock.NewFake(dbtest.Start)
	w := newDesk(t, dbtest.Open(t, db.SQLite, clk), clk)
	i := w.load(string(workbook(excel())))
	if got := counts(i); got != "new 1 old 0 conflict 0 bad 2 of 3" || i.Format != XLSX {
		t.Fatal(got)
	}
	if w.person("phone", "", w.phoneHash("13800000001")) == 0 {
		t.Fatal("nobody has the phone")
	}
}

// A ZIP of zeros: small to send, endless to read.
func TestAZIPBombEnds(t *testing.T) {
	b := &bounded{r: endless{}, left: 1 << 20}
	n, err := io.Copy(io.Discard, b)
	if n != 1<<20 {
		t.Fatal(n)
	}
	is(t, err, "import_format")
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func FuzzRead(f *testing.F) {
	f.Add([]byte("手机号,昵称\n1,\"王\n"))
	f.Add([]byte("\xff\xfea\x00\n\x00"))
	f.Add([]byte("\xc4\xe3,b\n;\t\n"))
	f.Add(workbook(excel()))
	f.Fuzz(func(t *testing.T, file []byte) {
		lines, err := read(file)
		if err != nil {
			return
		}
		last := ""
		for _, l := range lines[1:] {
			if l == last && strings.Contains(l, "!") {
				t.Fatalf("the row %q twice", l)
			}
			last = l
		}
	})
}
