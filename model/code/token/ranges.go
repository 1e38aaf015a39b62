package token

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"siyu/model/fault"
)

// Span is a run of serials, both ends included, as people write them.
type Span struct{ First, Last uint64 }

// Count is how many serials the span holds.
func (s Span) Count() uint64 { return s.Last - s.First + 1 }

const (
	// maxExpression bounds, in bytes, what ParseRanges reads.
	maxExpression = 64 << 10
	// maxItems bounds how many ranges one expression names.
	maxItems = 5000
)

// ParseRanges reads serial ranges as operators write them, "1-500, 700, 900-1200",
// in ASCII or full-width characters, each serial in 1..limit. The result is sorted,
// and ranges that overlap or touch are merged.
// Faults: Invalid ranges_empty, ranges_long, ranges_syntax, ranges_order,
// ranges_bounds.
func ParseRanges(expr string, limit uint64) ([]Span, error) {
	if len(expr) > maxExpression {
		return nil, fault.NewInvalid("ranges_long", "序号范围太长，请分几次操作")
	}
	var spans []Span
	for item := range strings.FieldsFuncSeq(expr, separator) {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		if len(spans) == maxItems {
			return nil, fault.Invalidf("ranges_long", "一次最多 %d 段序号，请分几次操作", maxItems)
		}
		s, err := parseSpan(item, limit)
		if err != nil {
			return nil, err
		}
		spans = append(spans, s)
	}
	if len(spans) == 0 {
		return nil, fault.NewInvalid("ranges_empty", "请填写序号范围，例如 1-500, 700")
	}
	return merge(spans), nil
}

// separator: comma, enumeration comma and semicolon, in both widths, and line ends.
func separator(r rune) bool { return strings.ContainsRune(",\uff0c\u3001;\uff1b\n\r", r) }

// dash: hyphen, minus, tilde and the dashes of input methods, in both widths, and
// the Chinese words for "to".
func dash(r rune) bool {
	return strings.ContainsRune("-\uff0d\u2010\u2011\u2012\u2013\u2014\u2015\u2212~\uff5e\u301c\u81f3\u5230", r)
}

func parseSpan(item string, limit uint64) (Span, error) {
	first, last := item, item
	if i := strings.IndexFunc(item, dash); i >= 0 {
		_, size := utf8.DecodeRuneInString(item[i:])
		first, last = item[:i], item[i+size:]
	}
	var s Span
	var err error
	if s.First, err = parseSerial(first, item, limit); err != nil {
		return Span{}, err
	}
	if s.Last, err = parseSerial(last, item, limit); err != nil {
		return Span{}, err
	}
	if s.First > s.Last {
		return Span{}, fault.Invalidf("ranges_order", "“%s”的起始序号大于结束序号", quote(item))
	}
	return s, nil
}

// parseSerial reads decimal digits; leading zeros are welcome, labels have them.
func parseSerial(text, item string, limit uint64) (uint64, error) {
	text = strings.TrimSpace(text)
	var n uint64
	for _, r := range text {
		if r >= '\uff10' && r <= '\uff19' { // full-width digits
			r -= 0xFEE0
		}
		if r < '0' || r > '9' {
			return 0, fault.Invalidf("ranges_syntax", "看不懂“%s”，应为 700 或 900-1200 这样的序号", quote(item))
		}
		// Stop at the bound before the number can overflow.
		if d := uint64(r - '0'); n > limit/10 || n == limit/10 && d > limit%10 {
			return 0, fault.Invalidf("ranges_bounds", "“%s”超出范围，序号应在 1 到 %d 之间", quote(item), limit)
		} else {
			n = n*10 + d
		}
	}
	if text == "" {
		return 0, fault.Invalidf("ranges_syntax", "看不懂“%s”，应为 700 或 900-1200 这样的序号", quote(item))
	}
	if n == 0 {
		return 0, fault.Invalidf("ranges_bounds", "“%s”超出范围，序号应在 1 到 %d 之间", quote(item), limit)
	}
	return n, nil
}

// quote cuts what is repeated to the user: an item may be a whole pasted page.
func quote(item string) string {
	item = strings.ToValidUTF8(item, "?")
	n := 0
	for i := range item {
		if n++; n > 40 {
			return item[:i] + "…"
		}
	}
	return item
}

func merge(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.First, b.First) })
	out := spans[:1]
	for _, s := range spans[1:] {
		// Serials stay far below 2^64-1 only if limit does, so avoid Last + 1.
		if last := &out[len(out)-1]; s.First <= last.Last || s.First-last.Last == 1 {
			last.Last = max(last.Last, s.Last)
		} else {
			out = append(out, s)
		}
	}
	return out
}

// FormatRanges writes spans the way ParseRanges reads them.
func FormatRanges(spans []Span) string {
	var b []byte
	for i, s := range spans {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = strconv.AppendUint(b, s.First, 10)
		if s.Last != s.First {
			b = strconv.AppendUint(append(b, '-'), s.Last, 10)
		}
	}
	return string(b)
}
