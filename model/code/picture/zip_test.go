package picture

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/aes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"siyu/model/fault"
)

const password = "Print-2026!"

// unseal decrypts an entry as the published description of AE-2 says, sharing no
// code with the writer.
func unseal(f *zip.File, password string) ([]byte, error) {
	r, err := f.OpenRaw()
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if f.Method != 99 || f.Flags&1 == 0 || f.CRC32 != 0 || len(raw) < 28 {
		return nil, fmt.Errorf("method %d, flags %x, crc %x, %d bytes", f.Method, f.Flags, f.CRC32, len(raw))
	}
	if x := f.Extra; len(x) < 11 || !bytes.Equal(x[:9], []byte("\x01\x99\x07\x00\x02\x00AE\x03")) {
		return nil, fmt.Errorf("extra field % x", f.Extra)
	}
	keys, err := pbkdf2.Key(sha1.New, password, raw[:16], 1000, 66)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(keys[64:], raw[16:18]) {
		return nil, errors.New("wrong password")
	}
	body, code := raw[18:len(raw)-10], raw[len(raw)-10:]
	mac := hmac.New(sha1.New, keys[32:64])
	mac.Write(body)
	if !bytes.Equal(mac.Sum(nil)[:10], code) {
		return nil, errors.New("wrong authentication code")
	}
	block, err := aes.NewCipher(keys[:32])
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(body))
	for i := range body {
		if i%16 == 0 {
			var count, pad [16]byte
			binary.LittleEndian.PutUint64(count[:], uint64(i/16+1))
			block.Encrypt(pad[:], count[:])
			copy(plain[i:], pad[:])
		}
		plain[i] ^= body[i]
	}
	if binary.LittleEndian.Uint16(f.Extra[9:]) == zip.Deflate {
		if plain, err = io.ReadAll(flate.NewReader(bytes.NewReader(plain))); err != nil {
			return nil, err
		}
	}
	if uint64(len(plain)) != f.UncompressedSize64 {
		return nil, fmt.Errorf("%d bytes, header says %d", len(plain), f.UncompressedSize64)
	}
	return plain, nil
}

type zipEntry struct {
	name   string
	stored bool
	body   []byte
	chunk  int // bytes per Write
}

// entries have the sizes at which blocks and buffers begin and end.
func entries() []zipEntry {
	r := rand.New(rand.NewPCG(5, 6))
	var out []zipEntry
	for i, n := range []int{0, 1, 15, 16, 17, 4095, 4096, 4097, 100_000, 300_001} {
		for _, stored := range []bool{false, true} {
			body := make([]byte, n)
			for j := range body {
				body[j] = "serial,token,url\n0123456789"[r.IntN(27)]
			}
			out = append(out, zipEntry{fmt.Sprintf("\u6279\u6b21/%v-%d.csv", stored, i), stored, body, []int{1 << 20, 7, 4096, 1000}[i%4]})
		}
	}
	return out
}

func writeZip(w io.Writer, list []zipEntry) error {
	z, err := NewZip(w, password)
	if err != nil {
		return err
	}
	z.Modified = time.Date(2026, 11, 20, 12, 30, 40, 0, time.UTC)
	for _, e := range list {
		create := z.Create
		if e.stored {
			create = z.CreateStored
		}
		out, err := create(e.name)
		if err != nil {
			return err
		}
		for body := e.body; len(body) > 0; {
			n, err := out.Write(body[:min(e.chunk, len(body))])
			if err != nil {
				return err
			}
			body = body[n:]
		}
	}
	return z.Close()
}

func TestZipOpensWithThePasswordOnly(t *testing.T) {
	var buf bytes.Buffer
	want := entries()
	if err := writeZip(&buf, want); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.File) != len(want) {
		t.Fatalf("%d entries, want %d", len(r.File), len(want))
	}
	for i, f := range r.File {
		got, err := unseal(f, password)
		if err != nil || f.Name != want[i].name || !bytes.Equal(got, want[i].body) {
			t.Errorf("%s: %d bytes, %v", f.Name, len(got), err)
		}
		if _, err := unseal(f, password+"x"); err == nil {
			t.Errorf("%s opens with a wrong password", f.Name)
		}
		if y, m, d := f.Modified.Date(); y != 2026 || m != 11 || d != 20 || f.Modified.Minute() != 30 || f.Modified.Second() != 40 {
			t.Errorf("%s: modified %v", f.Name, f.Modified)
		}
	}
}

func TestSevenZipAcceptsTheArchive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "codes.zip")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	want := entries()
	if err := writeZip(file, want); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	out := tool(t, "7z", "t", "-p"+password, path)
	if !strings.Contains(string(out), "Everything is Ok") {
		t.Fatalf("7z says %s", out)
	}
	if out := tool(t, "7z", "l", "-slt", "-p"+password, path); strings.Count(string(out), "Method = AES-256") != len(want) {
		t.Fatalf("7z lists %s", out)
	}
	for _, e := range want {
		if got := tool(t, "7z", "x", "-so", "-p"+password, path, e.name); !bytes.Equal(got, e.body) {
			t.Fatalf("%s: 7z unpacks %d bytes, want %d", e.name, len(got), len(e.body))
		}
	}
	if err := toolFails("7z", "t", "-pwrong-password", path); err == nil {
		t.Fatal("7z accepts a wrong password")
	}
}

func TestSameTextIsSealedDifferentlyEachTime(t *testing.T) {
	list := []zipEntry{{"a", true, bytes.Repeat([]byte("x"), 1000), 1000}, {"b", true, bytes.Repeat([]byte("x"), 1000), 1000}}
	var buf bytes.Buffer
	if err := writeZip(&buf, list); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var raw [2][]byte
	for i, f := range r.File {
		in, err := f.OpenRaw()
		if err != nil {
			t.Fatal(err)
		}
		if raw[i], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
	if bytes.Equal(raw[0][:16], raw[1][:16]) || bytes.Equal(raw[0][18:1018], raw[1][18:1018]) {
		t.Fatal("two entries share salt or key stream")
	}
}

func TestZipRefusals(t *testing.T) {
	for _, bad := range []string{"", "short", strings.Repeat("x", 100), "with blank", "\u5bc6\u7801\u5bc6\u7801", "nul\x00nul\x00"} {
		if _, err := NewZip(io.Discard, bad); err == nil || fault.Of(err).Code != "zip_password" {
			t.Errorf("password %q: got %v", bad, err)
		}
	}
	z, err := NewZip(io.Discard, password)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "/etc/passwd", "../x", "a/../b", "a//b", "a\\b", "C:x", "a/", ".", "x\x00", "\xff", strings.Repeat("x", 256)} {
		if _, err := z.Create(bad); err == nil || fault.Of(err).Code != "zip_name" {
			t.Errorf("name %q: got %v", bad, err)
		}
	}
	first, err := z.Create("a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Create("b"); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Write([]byte("late")); err == nil {
		t.Error("an entry left behind takes more")
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := z.Create("c"); err == nil {
		t.Error("a closed archive takes entries")
	}
}

func TestEntryBeyondFourGigabytesIsRefusedAndTheNextOneWorks(t *testing.T) {
	var buf bytes.Buffer
	z, err := NewZip(&buf, password)
	if err != nil {
		t.Fatal(err)
	}
	w, err := z.Create("large")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w, "begun")
	z.entry.plain += MaxEntry - 10 // as if so much had been written
	if n, err := w.Write(make([]byte, 6)); n != 0 || err == nil || fault.Of(err).Code != "zip_large" {
		t.Fatalf("%d, %v", n, err)
	}
	if _, err := w.Write(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	if w, err = z.Create("next"); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w, "next")
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := unseal(r.File[1], password); err != nil || string(got) != "next" {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestFullDiskIsReportedByTheZip(t *testing.T) {
	list := []zipEntry{{"a.csv", false, bytes.Repeat([]byte("0123456789"), 50), 100}}
	var whole bytes.Buffer
	if err := writeZip(&whole, list); err != nil {
		t.Fatal(err)
	}
	for room := range whole.Len() {
		if err := writeZip(&failing{room}, list); !errors.Is(err, errFull) {
			t.Fatalf("with room for %d of %d bytes: got %v", room, whole.Len(), err)
		}
	}
}

func BenchmarkZipBytes(b *testing.B) {
	z, err := NewZip(io.Discard, password)
	if err != nil {
		b.Fatal(err)
	}
	w, err := z.CreateStored("codes")
	if err != nil {
		b.Fatal(err)
	}
	body := make([]byte, 1<<16)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := w.Write(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkZipEntry(b *testing.B) {
	z, err := NewZip(io.Discard, password)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := z.CreateStored("code.png"); err != nil {
			b.Fatal(err)
		}
	}
}
