// Package token is the arithmetic of codes (码): it turns (batch, serial) into the
// sixteen characters printed on an item and back, and tells a genuine token (码值)
// from a forged one. It has no table, no clock and no state.
//
// A token is 16 symbols of Crockford Base32, 80 bits:
//
//	symbols 0-1    key slot in clear, 10 bits: which brand key and key version
//	symbols 2-15   FF1, radix 32, of 34 bits of position and 36 zero bits
//
// A batch (码批次) owns one contiguous range of positions under its slot, so
// (batch, serial) and position are one subtraction apart and no row exists per
// code. The 36 zero bits are the redundancy: decrypting a token nobody issued
// gives anything but zeros.
//
// What a guess is worth. Every issued token is one of 2^70 under its slot, so with
// 10^9 live codes a guesser who knows the slot from a bottle hits one with
// probability 10^9/2^70 < 2^-40, one who does not with less than 2^-50. Arithmetic
// alone, before the issued ranges are looked at, lets 2^-36 through. None of this
// needs SQL.
//
// Promises: a token never changes its meaning; checking a canonical token
// allocates nothing; text from outside never panics, whatever it holds. A token in
// full is as good as the item it is printed on, so slog shows it masked.
package token

import "log/slog"

// Size is the number of symbols of a token.
const Size = 16

// maxText bounds what Normalize reads, in bytes: 16 full-width symbols with a
// full-width hyphen or space between any two are 93.
const maxText = 128

// alphabet is Douglas Crockford's Base32 (https://www.crockford.com/base32.html):
// no I, L, O (read as 1, 1, 0) and no U.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const noSymbol = 0xff

// canonical maps the 32 symbols of the alphabet to their values and every other
// byte to noSymbol; lenient also takes what people type for them. Both are
// constants that Go cannot spell as such.
var canonical, lenient = symbolTables()

func symbolTables() (strict, loose [256]byte) {
	for i := range strict {
		strict[i] = noSymbol
	}
	for i := range len(alphabet) {
		strict[alphabet[i]] = byte(i)
	}
	loose = strict
	for c := byte('A'); c <= 'Z'; c++ {
		switch c {
		case 'O':
			loose[c] = 0
		case 'I', 'L':
			loose[c] = 1
		}
		loose[c|0x20] = loose[c] // lower case
	}
	return strict, loose
}

// Token is the canonical text of a token: 16 upper-case symbols. Only Normalize
// and Key make one; a conversion from other text is refused wherever it is used.
type Token string

// Normalize reads a token as people type and paste it: lower case, O for 0, I and L
// for 1, full-width letters and digits, blanks and hyphens anywhere. U is not in
// the alphabet and stands for nothing. False means the text is no token.
// Canonical text is returned as it is, without an allocation.
func Normalize(s string) (Token, bool) {
	if Token(s).canonical() {
		return Token(s), true
	}
	if len(s) > maxText {
		return "", false
	}
	var out [Size]byte
	n := 0
	for _, r := range s {
		if r >= '\uff01' && r <= '\uff5e' { // full-width forms stand 0xFEE0 above ASCII
			r -= 0xFEE0
		}
		if blank(r) {
			continue
		}
		if r > 0x7f || lenient[r] == noSymbol || n == Size {
			return "", false
		}
		out[n] = alphabet[lenient[r]]
		n++
	}
	if n != Size {
		return "", false
	}
	return Token(out[:]), true
}

// blank says what may stand between symbols: blanks and hyphens of the keyboards
// and fonts seen in the wild, and the zero-width characters chat programs insert.
func blank(r rune) bool {
	switch r {
	case ' ', '\t', '\r', '\n', 0xA0, 0x3000, 0x200B, 0xFEFF, '-', 0x2212, 0x30FC, 0xFE63:
		return true
	}
	return r >= 0x2010 && r <= 0x2015 // hyphens and dashes
}

func (t Token) canonical() bool {
	if len(t) != Size {
		return false
	}
	for i := range Size {
		if canonical[t[i]] == noSymbol {
			return false
		}
	}
	return true
}

// Slot returns the key slot the token names, 0..Slots-1, or -1 if t is not
// canonical.
func (t Token) Slot() int {
	if !t.canonical() {
		return -1
	}
	return int(canonical[t[0]])<<5 | int(canonical[t[1]])
}

// Grouped is the human-readable form printed under a picture: four groups of four.
func (t Token) Grouped() string {
	if len(t) != Size {
		return string(t)
	}
	return string(t[:4] + " " + t[4:8] + " " + t[8:12] + " " + t[12:])
}

// Masked keeps the slot and the last two symbols: enough to recognise a token one
// holds, too little to use it.
func (t Token) Masked() string {
	if len(t) != Size {
		return "(malformed)"
	}
	return string(t[:2] + "************" + t[14:])
}

// LogValue masks the token in logs.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.Masked()) }
