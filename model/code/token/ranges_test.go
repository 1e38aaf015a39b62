package token

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"siyu/model/fault"
)

func TestParseRanges(t *testing.T) {
	for expr, want := range map[string][]Span{
		"1-500, 700, 900-1200": {{1, 500}, {700, 700}, {900, 1200}},
		"7":                    {{7, 7}},
		"000007-0010":          {{7, 10}},
		"900-1200;1-5":         {{1, 5}, {900, 1200}},
		"1-5,6,7-9":            {{1, 9}},
		"1-50,10-20,40-60":     {{1, 60}},
		"5,5,5":                {{5, 5}},
		"10-10":                {{10, 10}},
		"1-10000":              {{1, 10000}},
		" 1 - 5 ,, 8 ,\n9\r\n": {{1, 5}, {8, 9}},
		"\uff11\uff0d\uff15\uff0c\uff18\u3001\uff19\uff1b12": {{1, 5}, {8, 9}, {12, 12}},
		"1\u81f35\uff0c8\u523010":                            {{1, 5}, {8, 10}},
		"1~5,7\uff5e9,11\u201415":                            {{1, 5}, {7, 9}, {11, 15}},
	} {
		got, err := ParseRanges(expr, 10000)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q gives %v, %v, want %v", expr, got, err, want)
		}
	}
	for expr, code := range map[string]string{
		"": "ranges_empty", " , ,\n": "ranges_empty",
		"a": "ranges_syntax", "1-": "ranges_syntax", "-5": "ranges_syntax", "1-2-3": "ranges_syntax", "1 2": "ranges_syntax",
		"1--2": "ranges_syntax", "1.5": "ranges_syntax", "+1": "ranges_syntax", "0x10": "ranges_syntax", "\xff": "ranges_syntax",
		"5-1": "ranges_order",
		"0":   "ranges_bounds", "0-5": "ranges_bounds", "10001": "ranges_bounds", "9999-10001": "ranges_bounds",
		"99999999999999999999999999":         "ranges_bounds",
		strings.Repeat("1,", maxItems+1):     "ranges_long",
		strings.Repeat(" ", maxExpression+1): "ranges_long",
	} {
		got, err := ParseRanges(expr, 10000)
		if err == nil || fault.Of(err).Code != code || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%.40q gives %v, %v, want %s", expr, got, err, code)
		}
	}
}

func TestRangesReachTheLargestNumber(t *testing.T) {
	const top = 1<<64 - 1
	got, err := ParseRanges("18446744073709551615, 1-18446744073709551614", top)
	if want := []Span{{1, top}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%v, %v", got, err)
	}
}

func TestFaultRepeatsOnlyTheStartOfAPastedPage(t *testing.T) {
	_, err := ParseRanges(strings.Repeat("\u7801", 5000), 10)
	if text := fault.Of(err).Text; utf8.RuneCountInString(text) > 100 || !utf8.ValidString(text) {
		t.Fatalf("text has %d characters", utf8.RuneCountInString(text))
	}
}

func FuzzParseRanges(f *testing.F) {
	f.Add("1-500, 700, 900-1200", uint64(2000))
	f.Add("\uff11\uff0d\uff15\uff0c\u4e03", uint64(9))
	f.Add("18446744073709551615", uint64(1<<64-1))
	f.Fuzz(func(t *testing.T, expr string, limit uint64) {
		spans, err := ParseRanges(expr, limit)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid || !utf8.ValidString(fault.Of(err).Text) {
				t.Fatalf("%q: %v", expr, err)
			}
			return
		}
		for i, s := range spans {
			if s.First < 1 || s.First > s.Last || s.Last > limit {
				t.Fatalf("%q gives %v, out of bounds", expr, spans)
			}
			if i > 0 && (s.First <= spans[i-1].Last || s.First-spans[i-1].Last < 2) {
				t.Fatalf("%q gives %v, not merged", expr, spans)
			}
		}
		again, err := ParseRanges(FormatRanges(spans), limit)
		if err != nil || !reflect.DeepEqual(again, spans) {
			t.Fatalf("%v is written %q and read back as %v, %v", spans, FormatRanges(spans), again, err)
		}
	})
}
