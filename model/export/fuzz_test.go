package export

import (
	"encoding/csv"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzField: whatever a product is called, a spreadsheet reads one field that is the
// name and never a formula.
func FuzzField(f *testing.F) {
	for _, s := range []string{"老井啤酒", "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＠SUM(A1)", `a"b`, "a,b", "a\r\nb", "", "'=1", `"=1"`, "\xff=1", ","} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		line := "1,T,U," + field(s) + "," + field("规格") + "\r\n"
		rec, err := csv.NewReader(strings.NewReader(line)).Read()
		if err != nil || len(rec) != 5 || rec[4] != "规格" {
			t.Fatalf("%q makes the line %q: %q, %v", s, line, rec, err)
		}
		got := rec[3]
		if first, _ := utf8.DecodeRuneInString(got); got != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
			t.Fatalf("%q begins like a formula", got)
		}
		// encoding/csv reads every line end as \n.
		want := strings.ReplaceAll(s, "\r\n", "\n")
		if got != want && got != "'"+want {
			t.Fatalf("%q came back as %q", s, got)
		}
	})
}
