package extract

import (
	"database/sql"
	"strconv"
	"strings"
	"unicode/utf8"

	"siyu/model/clock"
	"siyu/model/money"
)

// A format makes a cell of what the database said. NULL is an empty cell.
type format func(raw string) string

// text is what somebody may have written: a cell that a spreadsheet would take for a
// formula gets an apostrophe in front (OWASP, CSV injection), as does one that would begin
// with white space that programs trim first. Line ends and tabs become spaces.
func text(raw string) string {
	raw = strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' || r == '\t' || r == 0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(raw, "?"))
	head, _ := utf8.DecodeRuneInString(strings.TrimLeft(raw, " \u00a0\u3000\ufeff"))
	if strings.ContainsRune("=+-@＝＋－＠", head) && raw != "" {
		return "'" + raw
	}
	if digits(raw) && len(raw) > 11 {
		return number(raw)
	}
	return raw
}

// number is a long number that must stay as it is: ="123" is a text to Excel and to WPS,
// where the bare digits become 1.23E+17, a leading tab stays in the cell and a leading
// apostrophe is shown. Only digits are ever put there.
func number(raw string) string {
	switch {
	case raw == "" || raw == "0":
		return ""
	case !digits(raw):
		return text(raw)
	}
	return `="` + raw + `"`
}

// Number is the cell of an id or of another long number, for files that are not made here.
func Number(raw string) string { return number(raw) }

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// count is a number to calculate with.
func count(raw string) string {
	if _, err := strconv.ParseInt(raw, 10, 64); err != nil {
		return text(raw)
	}
	return raw
}

// yuan makes yuan with two decimals of fen.
func yuan(raw string) string {
	n, err := strconv.ParseInt(raw, 10, 64)
	if err != nil {
		return text(raw)
	}
	return money.Fen(n).Yuan()
}

// moment makes Shanghai time with seconds of milliseconds; 0 is none.
func moment(raw string) string {
	n, err := strconv.ParseInt(raw, 10, 64)
	if err != nil || n == 0 {
		return ""
	}
	return clock.Instant(n).Time().In(clock.Shanghai).Format("2006-01-02 15:04:05")
}

// day makes 2026-11-22 of 20261122.
func day(raw string) string {
	n, err := strconv.ParseInt(raw, 10, 64)
	if err != nil || n == 0 {
		return ""
	}
	return clock.Day(n).Text()
}

// flag says yes or no.
func flag(raw string) string {
	if raw == "0" || raw == "" {
		return "否"
	}
	return "是"
}

// words translates; what is not in the table is shown as it is.
func words(table map[string]string) format {
	return func(raw string) string {
		if w, ok := table[raw]; ok {
			return w
		}
		return text(raw)
	}
}

// cells formats a row.
func cells(columns []column, row []sql.NullString) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		if row[i].Valid {
			out[i] = c.show(row[i].String)
		}
	}
	return out
}
