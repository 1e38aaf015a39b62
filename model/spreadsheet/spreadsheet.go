// Package spreadsheet writes CSV that people open in a spreadsheet (电子表格): marked as UTF-8, its
// lines ended as RFC 4180 says, and no cell is computed that somebody typed. Owns no tables.
package spreadsheet

import (
	"encoding/csv"
	"io"
	"strings"
	"unicode/utf8"
)

// Mark stands first in a file: without it Excel and WPS take UTF-8 for GBK.
const Mark = "\ufeff"

// Begin writes the mark and returns what writes the lines of the file; Flush it.
func Begin(w io.Writer) (*csv.Writer, error) {
	if _, err := io.WriteString(w, Mark); err != nil {
		return nil, err
	}
	return Continue(w), nil
}

// Continue returns what writes further lines of a file that has its mark; Flush it.
func Continue(w io.Writer) *csv.Writer {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	return out
}

// Plain is what somebody typed as a cell that no spreadsheet runs: with an apostrophe before
// what would be a formula. Full-width signs count: a Chinese or Japanese Excel reads them
// like the others (owasp.org/www-community/attacks/CSV_Injection).
func Plain(s string) string {
	if first, _ := utf8.DecodeRuneInString(s); s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + s
	}
	return s
}
