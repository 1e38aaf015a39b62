package phone

import (
	"encoding/json"
	"strings"

	"siyu/model/fault"
)

// Number is a telephone number in the form of E.164: plus, country, digits. Printed,
// logged or written as JSON it is masked; only Digits gives it away.
type Number struct{ e164 string }

var errNumber = fault.NewInvalid("phone_malformed", "手机号格式不对，请填写 11 位手机号，或以 + 和国家代码开头的号码")

// Parse reads a number as people write it: full-width digits, spaces, hyphens and
// brackets are taken off; 11 digits from 1 are a mainland mobile number, with or
// without +86, 0086 or 86; every other number needs its country (+ or 00).
// Fault: Invalid phone_malformed.
func Parse(text string) (Number, error) {
	if len(text) > 64 {
		return Number{}, errNumber
	}
	var b strings.Builder
	for _, r := range strings.TrimSpace(text) {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r >= '０' && r <= '９':
			b.WriteRune(r - '０' + '0')
		case (r == '+' || r == '＋') && b.Len() == 0:
			b.WriteByte('+')
		case strings.ContainsRune(" -()\u00a0\u2010\u2011\u2013\u3000－（）", r):
		default:
			return Number{}, errNumber
		}
	}
	s := b.String()
	if rest, ok := strings.CutPrefix(s, "00"); ok {
		s = "+" + rest
	}
	if !strings.HasPrefix(s, "+") {
		if rest, ok := strings.CutPrefix(s, "86"); ok && len(rest) == 11 {
			s = rest
		}
		if !mobile(s) {
			return Number{}, errNumber
		}
		return Number{"+86" + s}, nil
	}
	if rest, ok := strings.CutPrefix(s, "+86"); ok {
		if !mobile(rest) {
			return Number{}, errNumber
		}
		return Number{s}, nil
	}
	// E.164: at most 15 digits; a country never begins with 0.
	if n := len(s) - 1; n < 8 || n > 15 || s[1] == '0' {
		return Number{}, errNumber
	}
	return Number{s}, nil
}

// mobile tells a mainland mobile number (手机号): 1, then 3 to 9, then nine digits.
func mobile(s string) bool { return len(s) == 11 && s[0] == '1' && s[1] >= '3' }

// Digits is the number in clear, as it is dialled: 11 digits of a mainland number, E.164
// of any other. Whoever shows it audits that.
func (n Number) Digits() string { return strings.TrimPrefix(n.e164, "+86") }

// E164 is the number in clear with its country.
func (n Number) E164() string { return n.e164 }

// Masked is what lists show: 138****8000.
func (n Number) Masked() string {
	d := n.Digits()
	if len(d) < 8 {
		return "****"
	}
	return d[:3] + strings.Repeat("*", len(d)-7) + d[len(d)-4:]
}

// Tail is the last four digits.
func (n Number) Tail() string {
	if len(n.e164) < 4 {
		return ""
	}
	return n.e164[len(n.e164)-4:]
}

// String is Masked.
func (n Number) String() string { return n.Masked() }

// GoString is Masked: a %#v in a log shows nothing either.
func (n Number) GoString() string { return n.Masked() }

// MarshalJSON writes the masked number.
func (n Number) MarshalJSON() ([]byte, error) { return json.Marshal(n.Masked()) }
