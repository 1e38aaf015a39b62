package picture

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tool runs a program of the machine and returns what it prints. A missing program
// fails the test: what it would have shown has not been shown (scripts/test installs
// p7zip-full, zbar-tools, librsvg2-bin and poppler-utils).
func tool(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	var out, errs bytes.Buffer
	c := exec.Command(name, args...)
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, errs.Bytes(), out.Bytes())
	}
	return out.Bytes()
}

func toolFails(name string, args ...string) error { return exec.Command(name, args...).Run() }

// scan returns what zbar reads in each file, sorted.
func scan(t *testing.T, files ...string) []string {
	t.Helper()
	args := []string{"--quiet", "--raw", "--set", "disable", "--set", "qrcode.enable"}
	out := tool(t, "zbarimg", append(args, files...)...)
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	slices.Sort(lines)
	return lines
}

func codeURLs(n int) []string {
	var out []string
	for i, content := range contents(5 * n) {
		if i%5 < 3 && len(out) < n {
			out = append(out, content)
		}
	}
	return out
}

func save(t *testing.T, path string, body []byte) string {
	t.Helper()
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func compare(t *testing.T, what string, got, want []string) {
	t.Helper()
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Fatalf("%s: zbar read %d codes of %d:\n%s", what, len(got), len(want), strings.Join(got, "\n"))
	}
}

func TestZbarReadsThePNGs(t *testing.T) {
	dir, e := t.TempDir(), NewEncoder(M)
	urls := codeURLs(60)
	var files []string
	for i, url := range urls {
		m := encode(t, e, url)
		picture, err := AppendPNG(nil, &m, 3+i%8)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, save(t, filepath.Join(dir, fmt.Sprintf("%d.png", i)), picture))
	}
	single, err := Single("https://qr.brand.cn/single", 300)
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, save(t, filepath.Join(dir, "single.png"), single))
	compare(t, "PNG", scan(t, files...), append(urls, "https://qr.brand.cn/single"))
}

func TestZbarReadsTheSVGs(t *testing.T) {
	dir, e := t.TempDir(), NewEncoder(M)
	urls := codeURLs(20)
	var files []string
	for i, url := range urls {
		m := encode(t, e, url)
		svg, err := AppendSVG(nil, &m, 20)
		if err != nil {
			t.Fatal(err)
		}
		path := save(t, filepath.Join(dir, fmt.Sprintf("%d.svg", i)), svg)
		tool(t, "rsvg-convert", "--dpi-x", "300", "--dpi-y", "300", "-o", path+".png", path)
		files = append(files, path+".png")
	}
	compare(t, "SVG", scan(t, files...), urls)
}

func TestZbarReadsTheSheet(t *testing.T) {
	dir, e := t.TempDir(), NewEncoder(M)
	urls := codeURLs(50) // a full page and part of another
	var pdf bytes.Buffer
	s, err := NewSheet(&pdf, DefaultLayout())
	if err != nil {
		t.Fatal(err)
	}
	for i, url := range urls {
		m := encode(t, e, url)
		if err := s.Add(&m, fmt.Sprintf("01AB 23CD 45EF %04d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := save(t, filepath.Join(dir, "sheet.pdf"), pdf.Bytes())
	tool(t, "pdftoppm", "-r", "200", "-gray", "-png", path, filepath.Join(dir, "page"))
	pages, err := filepath.Glob(filepath.Join(dir, "page*.png"))
	if err != nil || len(pages) != 2 {
		t.Fatalf("pages %v, %v", pages, err)
	}
	compare(t, "PDF", scan(t, pages...), urls)

	text := string(tool(t, "pdftotext", "-layout", path, "-"))
	for i := range urls {
		if want := fmt.Sprintf("01AB 23CD 45EF %04d", i); !strings.Contains(text, want) {
			t.Fatalf("%q is not in the text of the sheet:\n%s", want, text)
		}
	}
}
