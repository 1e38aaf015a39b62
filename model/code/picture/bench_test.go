package picture

import (
	"testing"

	qrcode "github.com/skip2/go-qrcode"
)

const printed = "HTTPS://QR.BRAND.CN/Q/0123456789ABCDEF"

func BenchmarkEncode(b *testing.B) {
	e := NewEncoder(M)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Encode(printed); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSkip2Encode is the same work by skip2: the ratio is what counts.
func BenchmarkSkip2Encode(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		q, err := qrcode.New(printed, qrcode.Medium)
		if err != nil {
			b.Fatal(err)
		}
		q.Bitmap()
	}
}

func BenchmarkEncodeAndPNG(b *testing.B) {
	e := NewEncoder(M)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		m, err := e.Encode(printed)
		if err != nil {
			b.Fatal(err)
		}
		if buf, err = AppendPNG(buf[:0], &m, 8); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkSkip2PNG(b *testing.B) {
	for b.Loop() {
		if _, err := Single(printed, 264); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeAndSVG(b *testing.B) {
	e := NewEncoder(M)
	var buf []byte
	for b.Loop() {
		m, err := e.Encode(printed)
		if err != nil {
			b.Fatal(err)
		}
		if buf, err = AppendSVG(buf[:0], &m, 20); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(buf)))
}
