package token

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/capitalone/fpe/ff1"

	"siyu/model/fault"
)

func newKey(t testing.TB, slot int) *Key {
	t.Helper()
	secret := make([]byte, SecretSize)
	for i := range secret {
		secret[i] = byte(i*7 + slot)
	}
	k, err := NewKey(slot, secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestMillionTokensAreDistinctAndComeBack(t *testing.T) {
	const n = 1_000_000
	key := newKey(t, 37)
	ring, err := NewRing([]*Key{key}, []Range{{Slot: 37, From: 5_000_000_000, Count: n, BatchID: 9}})
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[Token]struct{}, n)
	for serial := uint64(1); serial <= n; serial++ {
		tok := key.Issue(5_000_000_000 + serial - 1)
		seen[tok] = struct{}{}
		v := ring.Check(string(tok))
		if !v.OK || v.BatchID != 9 || v.Serial != serial || v.Slot != 37 || v.Token != tok {
			t.Fatalf("serial %d: %s gives %+v", serial, tok, v)
		}
	}
	if len(seen) != n {
		t.Fatalf("%d distinct tokens of %d", len(seen), n)
	}
}

func TestMillionRandomTokensAreRefused(t *testing.T) {
	// The worst case for us: the guesser knows the slots, every position of one of
	// them is issued, so only the check bits stand in the way.
	keys := []*Key{newKey(t, 0), newKey(t, 31), newKey(t, 1023)}
	ring, err := NewRing(keys, []Range{{Slot: 31, From: 0, Count: Positions, BatchID: 1}})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 6))
	reasons := map[Reason]int{}
	guess := make([]byte, Size)
	for i := range 1_000_000 {
		for j := range guess {
			guess[j] = alphabet[r.IntN(32)]
		}
		if i%10 != 0 {
			guess[0], guess[1] = '0', 'Z' // slot 31
		}
		v := ring.Check(string(guess))
		if v.OK {
			t.Fatalf("accepted %s as %+v", guess, v)
		}
		reasons[v.Reason]++
	}
	if reasons[Forged] < 900_000 || reasons[UnknownSlot] < 90_000 || reasons[Malformed] != 0 {
		t.Fatalf("unexpected reasons: %v", reasons)
	}
}

// Printed tokens outlive programs: these must never change.
func TestTokensKeepTheirMeaning(t *testing.T) {
	for _, c := range []struct {
		slot     int
		position uint64
		want     Token
	}{
		{0, 0, "00J25AKAX6JX30N2"},
		{1, 1, "011PTCM5C57ZY34M"},
		{513, 123_456_789, "G1METZ38H58DS5FD"},
		{1023, Positions - 1, "ZZ4CQ3WHMQ85T4B6"},
	} {
		k := newKey(t, c.slot)
		if got := k.Issue(c.position); got != c.want {
			t.Errorf("slot %d, position %d: %s, want %s", c.slot, c.position, got, c.want)
		}
		if got, ok := k.Open(c.want); !ok || got != c.position {
			t.Errorf("%s opens to %d, %v, want %d", c.want, got, ok, c.position)
		}
	}
}

func TestRunIsTheSameTokensOneByOne(t *testing.T) {
	k := newKey(t, 37)
	for _, from := range []uint64{0, 1, 99_999, Positions - 11} {
		for count := range 12 {
			want := []byte("kept")
			for i := range uint64(count) {
				want = k.AppendIssue(want, from+i)
			}
			if got := k.AppendRun([]byte("kept"), from, count); !bytes.Equal(got, want) {
				t.Fatalf("%d from %d: %s, want %s", count, from, got, want)
			}
		}
	}
}

func TestTokenIsPlainFF1(t *testing.T) {
	secret := bytes.Repeat([]byte{0x5a}, SecretSize)
	k, err := NewKey(513, secret)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ff1.NewCipher(32, 2, secret, []byte{2, 1})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 8))
	for range 2000 {
		position := r.Uint64N(Positions)
		plain := fmt.Sprintf("%07s", big32(position<<1)) + "0000000"
		want, err := c.Encrypt(plain)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for i := range want {
			b.WriteByte(alphabet[strings.IndexByte("0123456789abcdefghijklmnopqrstuv", want[i])])
		}
		if got := k.Issue(position); got[:2] != "G1" || string(got[2:]) != b.String() {
			t.Fatalf("position %d: %s, want G1%s", position, got, b.String())
		}
	}
}

func big32(n uint64) string {
	out := make([]byte, 7)
	for i := range out {
		out[6-i] = "0123456789abcdefghijklmnopqrstuv"[n>>(5*i)&31]
	}
	return string(out)
}

func TestEverySingleChangeIsNoticed(t *testing.T) {
	k := newKey(t, 37)
	tok := k.Issue(77)
	for i := range Size {
		for _, c := range []byte(alphabet) {
			if c == tok[i] {
				continue
			}
			if p, ok := k.Open(tok[:i] + Token(c) + tok[i+1:]); ok {
				t.Fatalf("symbol %d changed to %c still opens, to %d", i, c, p)
			}
		}
	}
}

func TestNormalize(t *testing.T) {
	const want = "01AB23CD45EF0117"
	for name, s := range map[string]string{
		"canonical":                want,
		"lower case":               "01ab23cd45ef0117",
		"confusable letters":       "oIab23cd45efOlL7",
		"hyphens":                  "01AB-23CD-45EF-0117",
		"groups as printed":        "01AB 23CD 45EF 0117",
		"pasted with a line end":   " 01AB23CD45EF0117\r\n",
		"full width":               "\uff10\uff11\uff21\uff22\uff12\uff13\uff43\uff44\uff14\uff15\uff25\uff26\uff10\uff11\uff11\uff17",
		"full-width hyphen, blank": "01AB\uff0d23CD\u300045EF\u20140117",
		"zero-width characters":    "\ufeff01AB23CD\u200b45EF0117",
	} {
		if got, ok := Normalize(s); !ok || got != want {
			t.Errorf("%s: %q gives %q, %v", name, s, got, ok)
		}
	}
	for name, s := range map[string]string{
		"empty":           "",
		"one short":       want[1:],
		"one long":        want + "0",
		"the letter U":    "U1AB23CD45EF0117",
		"the letter u":    "u1AB23CD45EF0117",
		"an underscore":   "01AB_23CD45EF0117",
		"Chinese":         "01AB23CD45EF011\u4e03",
		"bad UTF-8":       "01AB23CD45EF011\xff",
		"a null":          "01AB23CD45EF0117\x00",
		"Cyrillic A":      "01\u0410B23CD45EF0117",
		"a page of blank": want + strings.Repeat(" ", 200),
	} {
		if got, ok := Normalize(s); ok {
			t.Errorf("%s: %q gives %q", name, s, got)
		}
	}
}

func TestTokenMadeFromUncheckedTextIsHarmless(t *testing.T) {
	k := newKey(t, 0)
	for _, bad := range []Token{"", "0", "not a token here", "0000000000000000000", "uuuuuuuuuuuuuuuu", Token(bytes.Repeat([]byte{0xff}, 16))} {
		if bad.Slot() != -1 {
			t.Errorf("%q has slot %d", bad, bad.Slot())
		}
		if p, ok := k.Open(bad); ok {
			t.Errorf("%q opens to %d", bad, p)
		}
		_, _ = bad.Grouped(), bad.Masked()
	}
	if _, ok := newKey(t, 1).Open(k.Issue(4)); ok {
		t.Error("another slot's token opens")
	}
}

func TestTokenForms(t *testing.T) {
	tok := Token("01AB23CD45EF0117")
	if got := tok.Grouped(); got != "01AB 23CD 45EF 0117" {
		t.Error(got)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("scan", "token", tok, "key", newKey(t, 3))
	if strings.Contains(log.String(), string(tok)) || !strings.Contains(log.String(), "01************17") {
		t.Errorf("log shows %s", log.String())
	}
	if s := fmt.Sprintf("%v %+v %#v", newKey(t, 3), newKey(t, 3), newKey(t, 3)); strings.Count(s, "token.Key") != 3 || len(s) > 40 {
		t.Errorf("key prints as %s", s)
	}
}

func TestKeyRefusesBadSlotsAndSecrets(t *testing.T) {
	for _, c := range []struct{ slot, size int }{{-1, 32}, {Slots, 32}, {0, 31}, {0, 16}, {0, 0}} {
		if _, err := NewKey(c.slot, make([]byte, c.size)); err == nil || fault.Of(err).Code != "code_key" {
			t.Errorf("%+v: got %v", c, err)
		}
	}
}

func TestPositionBeyondTheSlotPanicsInsteadOfPrintingAnotherCode(t *testing.T) {
	k := newKey(t, 0)
	for name, f := range map[string]func(){
		"issue":                func() { k.Issue(Positions) },
		"run past the end":     func() { k.AppendRun(nil, Positions-1, 2) },
		"run beyond the end":   func() { k.AppendRun(nil, Positions+1, 0) },
		"run of negative size": func() { k.AppendRun(nil, 0, -1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func FuzzNormalize(f *testing.F) {
	f.Add("01AB-23CD-45EF-0117")
	f.Add("\uff10\uff11ab23cd45efOlL7")
	f.Add("\xff\xfe\u200b")
	f.Fuzz(func(t *testing.T, s string) {
		tok, ok := Normalize(s)
		if !ok {
			if tok != "" {
				t.Fatalf("refused %q but returned %q", s, tok)
			}
			return
		}
		if !tok.canonical() || tok.Slot() < 0 {
			t.Fatalf("%q gives %q, which is not canonical", s, tok)
		}
		if again, ok := Normalize(tok.Grouped()); !ok || again != tok {
			t.Fatalf("%q is not stable: %q", tok, again)
		}
	})
}
