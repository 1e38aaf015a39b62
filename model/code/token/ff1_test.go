package token

import (
	"encoding/hex"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/capitalone/fpe/ff1"

	"siyu/model/fault"
)

const (
	key128 = "2B7E151628AED2A6ABF7158809CF4F3C"
	key192 = key128 + "EF4359D8D580AA4F"
	key256 = key192 + "7F036D6F04FC6A94"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func numerals(t testing.TB, s string) []uint16 {
	t.Helper()
	out := make([]uint16, len(s))
	for i := range s {
		d, err := strconv.ParseUint(s[i:i+1], 36, 16)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = uint16(d)
	}
	return out
}

func spell(x []uint16) string {
	var b strings.Builder
	for _, d := range x {
		b.WriteString(strconv.FormatUint(uint64(d), 36))
	}
	return b.String()
}

// The nine samples NIST published for FF1
// (csrc.nist.gov/projects/cryptographic-standards-and-guidelines/example-values).
func TestFF1AgreesWithThePublishedSamples(t *testing.T) {
	const digits, letters = "39383736353433323130", "3737373770717273373737"
	for i, v := range []struct {
		key, tweak    string
		radix         int
		plain, sealed string
	}{
		{key128, "", 10, "0123456789", "2433477484"},
		{key128, digits, 10, "0123456789", "6124200773"},
		{key128, letters, 36, "0123456789abcdefghi", "a9tv40mll9kdu509eum"},
		{key192, "", 10, "0123456789", "2830668132"},
		{key192, digits, 10, "0123456789", "2496655549"},
		{key192, letters, 36, "0123456789abcdefghi", "xbj3kv35jrawxv32ysr"},
		{key256, "", 10, "0123456789", "6657667009"},
		{key256, digits, 10, "0123456789", "1001623463"},
		{key256, letters, 36, "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"},
	} {
		f, err := NewFF1(unhex(t, v.key), v.radix, len(v.plain), unhex(t, v.tweak))
		if err != nil {
			t.Fatalf("sample %d: %v", i+1, err)
		}
		x := numerals(t, v.plain)
		if err := f.Encrypt(x); err != nil || spell(x) != v.sealed {
			t.Errorf("sample %d: encrypted to %s, %v, want %s", i+1, spell(x), err, v.sealed)
		}
		if err := f.Decrypt(x); err != nil || spell(x) != v.plain {
			t.Errorf("sample %d: decrypted to %s, %v, want %s", i+1, spell(x), err, v.plain)
		}
	}
}

// fpe spells numerals with big.Int, so it reaches radix 36.
func TestFF1AgreesWithCapitalOneOnRandomInputs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	cases, wide, full := 0, 0, 0
	for cases < 3000 {
		radix, n := 2+r.IntN(35), 2+r.IntN(60)
		key := make([]byte, 16+8*r.IntN(3))
		tweak := make([]byte, r.IntN(50))
		for _, b := range [][]byte{key, tweak} {
			for i := range b {
				b[i] = byte(r.Uint32())
			}
		}
		ours, err := NewFF1(key, radix, n, tweak)
		if err != nil {
			if fault.Of(err).Code != "ff1_domain" {
				t.Fatal(err)
			}
			continue
		}
		theirs, err := ff1.NewCipher(radix, len(tweak), key, tweak)
		if err != nil {
			t.Fatal(err)
		}
		x := make([]uint16, n)
		for i := range x {
			x[i] = uint16(r.IntN(radix))
		}
		plain := spell(x)
		want, err := theirs.Encrypt(plain)
		if err != nil {
			t.Fatal(err)
		}
		if err := ours.Encrypt(x); err != nil || spell(x) != want {
			t.Fatalf("radix %d, n %d, tweak %d bytes: %s encrypts to %s, %v, want %s", radix, n, len(tweak), plain, spell(x), err, want)
		}
		if err := ours.Decrypt(x); err != nil || spell(x) != plain {
			t.Fatalf("radix %d, n %d: %s decrypts to %s, %v, want %s", radix, n, want, spell(x), err, plain)
		}
		cases++
		if ours.wide {
			wide++
		}
		if ours.numBytes == 8 {
			full++
		}
	}
	// Guard the guard: both widths of y and the widest NUM(B) must have been met.
	if wide < 100 || cases-wide < 100 || full < 20 {
		t.Fatalf("unbalanced cases: %d wide, %d narrow, %d full", wide, cases-wide, full)
	}
}

func TestFF1IsAPermutationOfItsDomain(t *testing.T) {
	f, err := NewFF1(unhex(t, key128), 10, 6, []byte("tweak"))
	if err != nil {
		t.Fatal(err)
	}
	seen := make([]bool, 1_000_000)
	for a := range uint64(1000) {
		for b := range uint64(1000) {
			x, y := f.encrypt(a, b)
			if x > 999 || y > 999 || seen[x*1000+y] {
				t.Fatalf("%d,%d goes to %d,%d, out of range or taken", a, b, x, y)
			}
			seen[x*1000+y] = true
			if p, q := f.decrypt(x, y); p != a || q != b {
				t.Fatalf("%d,%d comes back as %d,%d", a, b, p, q)
			}
		}
	}
}

func TestFF1ComesBackInLargeRadixes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct{ radix, n int }{{65536, 2}, {65536, 6}, {65535, 5}, {58, 20}, {1000, 12}, {2, 124}} {
		f, err := NewFF1(unhex(t, key256), c.radix, c.n, nil)
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		x := make([]uint16, c.n)
		for range 200 {
			for i := range x {
				x[i] = uint16(r.IntN(c.radix))
			}
			y := append([]uint16(nil), x...)
			if err := f.Encrypt(y); err != nil {
				t.Fatal(err)
			}
			if err := f.Decrypt(y); err != nil {
				t.Fatal(err)
			}
			for i := range x {
				if x[i] != y[i] {
					t.Fatalf("%+v: numeral %d of %v came back as %d", c, i, x, y[i])
				}
			}
		}
	}
}

func TestFF1RefusesWhatItCannotDoExactly(t *testing.T) {
	for name, c := range map[string]struct {
		key, radix, n, tweak int
		code                 string
	}{
		"a short key":                      {15, 10, 10, 0, "ff1_key"},
		"radix one":                        {16, 1, 10, 0, "ff1_domain"},
		"a radix beyond the standard":      {16, 65537, 4, 0, "ff1_domain"},
		"fewer texts than a million":       {16, 10, 5, 0, "ff1_domain"},
		"halves beyond 63 bits":            {16, 10, 38, 0, "ff1_domain"},
		"a half of exactly 2^63":           {16, 2, 126, 0, "ff1_domain"},
		"a tweak nobody needs that long":   {16, 10, 10, 1<<16 + 1, "ff1_domain"},
		"a negative length":                {16, 10, -4, 0, "ff1_domain"},
		"a length whose power would panic": {16, 10, 1 << 40, 0, "ff1_domain"},
	} {
		_, err := NewFF1(make([]byte, c.key), c.radix, c.n, make([]byte, c.tweak))
		if err == nil || fault.Of(err).Code != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
	}
	f, err := NewFF1(make([]byte, 16), 10, 8, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]uint16{nil, make([]uint16, 7), {0, 0, 0, 10, 0, 0, 0, 0}} {
		if err := f.Encrypt(bad); err == nil || fault.Of(err).Code != "ff1_text" {
			t.Errorf("%v: got %v", bad, err)
		}
	}
}
