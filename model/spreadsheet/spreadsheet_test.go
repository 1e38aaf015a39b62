package spreadsheet

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFile(t *testing.T) {
	var b bytes.Buffer
	first, err := Begin(&b)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.WriteAll([][]string{{"姓名", "备注"}, {"老王", "a,b"}}); err != nil {
		t.Fatal(err)
	}
	if err := Continue(&b).WriteAll([][]string{{"小李", ""}}); err != nil {
		t.Fatal(err)
	}
	if want := "\ufeff姓名,备注\r\n老王,\"a,b\"\r\n小李,\r\n"; b.String() != want {
		t.Fatalf("%q, not %q", b.String(), want)
	}
}

// full takes nothing.
type full struct{}

var errFull = errors.New("full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestFile_that_takes_no_mark_is_not_begun(t *testing.T) {
	if w, err := Begin(full{}); w != nil || !errors.Is(err, errFull) {
		t.Fatal(w, err)
	}
}

func TestPlain(t *testing.T) {
	for s, want := range map[string]string{"": "", "老王": "老王", "1-2": "1-2", "'=1": "'=1", "=1+1": "'=1+1", "＠x": "'＠x", "\n=1": "'\n=1"} {
		if got := Plain(s); got != want {
			t.Errorf("%q became %q, not %q", s, got, want)
		}
	}
}

// FuzzPlain: no cell begins like a formula, and nothing of it is lost.
func FuzzPlain(f *testing.F) {
	for _, s := range []string{"=1+1", "+1", "-1", "@x", "老王", "\t=", "\r=", "\n=", "＝1", "＋1", "－1", "＠x", "\xff=1", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := Plain(s)
		if first, _ := utf8.DecodeRuneInString(out); out != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
			t.Fatalf("%q begins like a formula", out)
		}
		if out != s && out != "'"+s {
			t.Fatalf("%q became %q", s, out)
		}
	})
}
