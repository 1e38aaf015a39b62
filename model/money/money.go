// Package money counts fen. Amounts are integers; no float ever touches them.
package money

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Fen is one hundredth of a yuan.
type Fen int64

// Max is the largest amount siyu accepts in one field: ten billion yuan. It keeps
// every sum of sums far from overflow.
const Max Fen = 1_000_000_000_000

// ErrAmount is returned for text that is not an amount.
var ErrAmount = errors.New("金额格式不对，应为不带符号、最多两位小数的元，例如 12.50")

// Yuan writes 1234 as "12.34". Negative amounts keep their sign.
func (f Fen) Yuan() string {
	s := ""
	u := uint64(f)
	if f < 0 {
		s, u = "-", uint64(-f)
	}
	c := u % 100
	cents := strconv.FormatUint(c, 10)
	if c < 10 {
		cents = "0" + cents
	}
	return s + strconv.FormatUint(u/100, 10) + "." + cents
}

// Text writes 2000000 as "¥20,000.00", as the panel shows amounts.
func (f Fen) Text() string {
	s, sign := f.Yuan(), ""
	if f < 0 {
		s, sign = s[1:], "-"
	}
	return sign + "¥" + grouped(s, len(s)-3)
}

// grouped puts a comma before every third of the first digits of s.
func grouped(s string, digits int) string {
	for at := digits - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}

// Count writes 7002 as "7,002", as the panel shows numbers.
func Count(n int64) string {
	s, sign := strconv.FormatInt(n, 10), ""
	if n < 0 {
		s, sign = s[1:], "-"
	}
	return sign + grouped(s, len(s))
}

// Parse reads "12", "12.3" or "12.34" yuan. Signs, exponents, more than two
// decimals and amounts over Max are refused.
func Parse(s string) (Fen, error) {
	whole, frac, dot := strings.Cut(strings.TrimSpace(s), ".")
	if whole == "" || len(whole) > 11 || (dot && (frac == "" || len(frac) > 2)) {
		return 0, ErrAmount
	}
	for _, part := range []string{whole, frac} {
		for i := range len(part) {
			if part[i] < '0' || part[i] > '9' {
				return 0, ErrAmount
			}
		}
	}
	for len(frac) < 2 {
		frac += "0"
	}
	n, err := strconv.ParseInt(whole+frac, 10, 64)
	if err != nil || Fen(n) > Max {
		return 0, ErrAmount
	}
	return Fen(n), nil
}

// Mul returns f*n, or ok=false when the product leaves [0, Max].
func (f Fen) Mul(n int64) (Fen, bool) {
	if f < 0 || n < 0 || (n != 0 && f > Fen(math.MaxInt64/n)) {
		return 0, false
	}
	p := f * Fen(n)
	return p, p <= Max
}

// Add returns f+g, or ok=false when the sum leaves [0, Max].
func (f Fen) Add(g Fen) (Fen, bool) {
	if f < 0 || g < 0 || f > Max || g > Max {
		return 0, false
	}
	return f + g, f+g <= Max
}
