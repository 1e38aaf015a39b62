package crm

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
)

func (w *desk) bad(i Import) string {
	w.t.Helper()
	var out bytes.Buffer
	if err := w.WriteBad(ctx, i.ID, &out); err != nil {
		w.t.Fatal(err)
	}
	return strings.ReplaceAll(strings.TrimPrefix(out.String(), "\ufeff"), "\r\n", "\n")
}

// What an operator gets back is his own rows with a reason, and nothing else; mended they go
// in, and who was in already is not brought in again.
func TestBadRowsAreMendedAndUploadedAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newDesk(t, d, clk)
		var file strings.Builder
		file.WriteString("手机号,客户编号,昵称,生日\n")
		for n := range 200 {
			day := "1980-01-02"
			if n%50 == 7 {
				day = "1980-13-02"
			}
			fmt.Fprintf(&file, "%s,%018d,=名%d,%s\n", mobile(n+1), n+1, n, day)
		}
		i := w.load(file.String())
		if got := counts(i); got != "new 196 old 0 conflict 0 bad 4 of 200" {
			t.Fatal(got)
		}
		got := w.bad(i)
		want := "手机号,客户编号,昵称,生日,原因\n" + mobile(8) + `,"=""000000000000000008""",'=名7,1980-13-02,原第 9 行 生日：生日应为过去的日期，例如 1990-05-04` + "\n"
		if !strings.HasPrefix(got, want) || strings.Count(got, "\n") != 5 {
			t.Fatalf("%s\nwant\n%s", got, want)
		}
		again := w.load(strings.ReplaceAll(got, "1980-13-02", "1980-12-02"))
		if got := counts(again); got != "new 4 old 0 conflict 0 bad 0 of 4" {
			t.Fatal(got)
		}
		if w.person("crm", "天猫2019", "000000000000000008") == 0 {
			t.Fatal("a number came back with what Excel needs around it")
		}
		if got := w.bad(again); got != "手机号,客户编号,昵称,生日,原因\n" {
			t.Fatal(got)
		}
	})
}

func TestPagesThatCallThemselvesTables(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		for _, file := range []string{"<html><table><tr><td>手机号</td></tr></table></html>", "\ufeff\r\n <?xml version=\"1.0\"?><Workbook/>"} {
			_, err := newDesk(t, d, clk).Stage(ctx, strings.NewReader(file))
			is(t, err, "import_format")
		}
	})
}

func TestSamplesHideNumbersInAnyColumn(t *testing.T) {
	for cell, want := range map[string]string{
		"13800000001":                  "138****0001",
		"+86 138-0000-0001":            "+86 *********0001",
		"微信 13800000001（下午）":           "微信 138****0001（下午）",
		"１３８００００００００１":                 "１３８*****０００１",
		"33010219800102123X":           "330***********123X",
		"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o": "oUp*********************eS6o",
		"1990-05-04":                   "1990-05-04",
		"1990年5月4日":                    "1990年5月4日",
		"2019-11-11 10:20":             "2019-11-11 10:20",
		"浙江省杭州市西湖区":                    "浙江省杭州市西湖区",
		"128":                          "128",
	} {
		if got := shown("", cell); got != want {
			t.Errorf("%q shows %q, want %q", cell, got, want)
		}
	}
}
