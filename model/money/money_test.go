package money

import (
	"math"
	"testing"
)

func TestParse(t *testing.T) {
	good := map[string]Fen{"0": 0, "12": 1200, "12.3": 1230, "12.34": 1234, " 0.01 ": 1, "10000000000.00": Max}
	for in, want := range good {
		if got, err := Parse(in); err != nil || got != want {
			t.Errorf("Parse(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "-1", "+1", "1e3", "1.234", "1.", ".5", "1,000", "10000000000.01", "99999999999999999999", "12元", "٣"} {
		if got, err := Parse(in); err == nil {
			t.Errorf("Parse(%q) = %d, want a refusal", in, got)
		}
	}
}

func TestYuanAndParseAreInverse(t *testing.T) {
	for _, f := range []Fen{0, 1, 9, 10, 99, 100, 101, 123456789, Max} {
		got, err := Parse(f.Yuan())
		if err != nil || got != f {
			t.Errorf("%d -> %s -> %d, %v", f, f.Yuan(), got, err)
		}
	}
	if Fen(-1205).Yuan() != "-12.05" {
		t.Error(Fen(-1205).Yuan())
	}
}

func TestOverflowIsRefused(t *testing.T) {
	if _, ok := Fen(2).Mul(math.MaxInt64); ok {
		t.Error("product overflowed silently")
	}
	if _, ok := Max.Add(1); ok {
		t.Error("sum passed the maximum silently")
	}
	if p, ok := Fen(188).Mul(1000); !ok || p != 188000 {
		t.Error(p, ok)
	}
}

// FuzzParse: what is read is within bounds and written back to the same amount.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"12.34", "0", "10000000000.00", " 1", "-1", "1e3", "\uff11", "00000000001.0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Parse(s)
		if err != nil {
			if got != 0 {
				t.Fatalf("refused %q but returned %d", s, got)
			}
			return
		}
		if got < 0 || got > Max {
			t.Fatalf("%q is %d", s, got)
		}
		if again, err := Parse(got.Yuan()); err != nil || again != got {
			t.Fatalf("%q is %d, written %s, read back %d, %v", s, got, got.Yuan(), again, err)
		}
	})
}

func TestAmountsAndCountsAsThePanelShowsThem(t *testing.T) {
	for fen, want := range map[Fen]string{0: "¥0.00", 5: "¥0.05", 99_999: "¥999.99", 100_000: "¥1,000.00", 2_000_000: "¥20,000.00", Max: "¥10,000,000,000.00", -123_456_789: "-¥1,234,567.89"} {
		if got := fen.Text(); got != want {
			t.Errorf("%d: %s, want %s", fen, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 7002: "7,002", 1_000_000: "1,000,000", -1500: "-1,500"} {
		if got := Count(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
