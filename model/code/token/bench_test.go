package token

import (
	"testing"

	"github.com/capitalone/fpe/ff1"
)

func BenchmarkIssue(b *testing.B) {
	k := newKey(b, 7)
	buf := make([]byte, 0, Size)
	b.ReportAllocs()
	for i := range uint64(b.N) {
		buf = k.AppendIssue(buf[:0], i&(Positions-1))
	}
}

// BenchmarkRun counts single tokens, issued a thousand at a time.
func BenchmarkRun(b *testing.B) {
	k := newKey(b, 7)
	buf := make([]byte, 0, 1000*Size)
	b.ReportAllocs()
	for done := 0; done < b.N; done += 1000 {
		buf = k.AppendRun(buf[:0], uint64(done), min(1000, b.N-done))
	}
}

func BenchmarkOpen(b *testing.B) {
	k := newKey(b, 7)
	t := k.Issue(12345)
	b.ReportAllocs()
	for b.Loop() {
		k.Open(t)
	}
}

func BenchmarkCheck(b *testing.B) {
	k := newKey(b, 7)
	ring, err := NewRing([]*Key{k}, []Range{{7, 0, 1 << 30, 1}})
	if err != nil {
		b.Fatal(err)
	}
	t := string(k.Issue(12345))
	b.ReportAllocs()
	for b.Loop() {
		ring.Check(t)
	}
}

// BenchmarkFPE is the same encryption by capitalone/fpe: the ratio is what counts.
func BenchmarkFPE(b *testing.B) {
	c, err := ff1.NewCipher(32, 2, make([]byte, SecretSize), []byte{0, 7})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Encrypt("0000c1p0000000"); err != nil {
			b.Fatal(err)
		}
	}
}
