package rule

import (
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/id"
)

// TestFinding: what was found stands beside a condition in both languages.
func TestFinding(t *testing.T) {
	now := clock.From(time.Date(2026, 11, 23, 1, 0, 0, 0, clock.Shanghai))
	first, last := clock.From(time.Date(2025, 12, 31, 23, 30, 0, 0, clock.Shanghai)), clock.From(time.Date(2026, 11, 22, 23, 33, 0, 0, clock.Shanghai))
	did := func(measure string) Node {
		return Node{Did: &Did{What: Scan, Measure: measure, Op: Gte, Values: []int64{3}}}
	}
	attr := func(name string) Node { return Node{Attr: &Attr{Name: name, Op: Known}} }
	f := Found{Now: now, Times: 5, Pieces: 1, Fen: -2550, Days: 3, First: first, Last: last}
	for i, x := range []struct {
		n       Node
		f       Found
		zh, eng string
	}{
		{did(""), f, "扫码 5 次，最近 11-22", "scanned 5 times, last on 11-22"},
		{did(""), Found{Now: now}, "扫码 0 次", "scanned 0 times"},
		{did(Quantity), f, "扫码 1 件，最近 11-22", "scanned: 1 piece, last on 11-22"},
		{did(SumFen), f, "扫码 -25.50 元，最近 11-22", "scanned: -25.50 yuan, last on 11-22"},
		{did(First), f, "第一次扫码 2025-12-31，距今 327 天", "scanned first on 2025-12-31, 327 days ago"},
		{did(Last), f, "最近一次扫码 11-22，距今 1 天", "scanned last on 11-22, 1 day ago"},
		{did(Last), Found{Now: now}, "扫码 0 次", "scanned 0 times"},
		{did(Interval), f, "扫码 3 天，平均间隔 163 天，最近 11-22", "scanned on 3 days, on average every 163 days, last on 11-22"},
		{did(Interval), Found{Now: now, Days: 1, First: last, Last: last}, "扫码 1 天，没有间隔，最近 11-22", "scanned on 1 day, so there is no interval, last on 11-22"},
		{Node{Sequence: &Sequence{Steps: []Step{{What: Scan}, {What: Order}}}}, Found{Steps: []Found{f, {Now: now}}}, "扫码 5 次，最近 11-22；下单 0 次", "scanned 5 times, last on 11-22; ordered 0 times"},
		{Node{Tag: &Tag{Op: Has}}, Found{}, "没有这个标签", "does not have this tag"},
		{Node{Tag: &Tag{Op: Has}}, Found{Values: []string{""}}, "有这个标签", "has this tag"},
		{Node{Tag: &Tag{Op: Gte}}, Found{Values: []string{"高"}, Score: 80}, "值为“高”，分值 80", "value “高”, score 80"},
		{Node{Tag: &Tag{Op: Gte}}, Found{Values: []string{"80"}, Score: 80}, "值为“80”", "value “80”"},
		{attr(Referees), Found{Values: []string{"12"}}, "直接推荐人数：12 人", "number of people referred: 12"},
		{attr(Consent), Found{Values: []string{"marketing", "profiling"}}, "已同意：营销消息、个性化画像", "agreed to: marketing messages, profiling"},
		{attr(Stage), Found{}, "生命周期：无", "stage of life: none"},
		{attr(HasReferrer), Found{Values: []string{"1"}}, "", ""},
		{Node{Random: &Random{Salt: "a", Until: 1}}, Found{}, "", ""},
	} {
		if got := x.n.Finding(nil, x.f); got != x.zh {
			t.Errorf("%d: %q, want %q", i, got, x.zh)
		}
		if got := x.n.Finding(func(kind string, _ id.ID) string { return "en" }, x.f); got != x.eng {
			t.Errorf("%d: %q, want %q", i, got, x.eng)
		}
	}
}
