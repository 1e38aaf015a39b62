package rule

import (
	"fmt"
	"strconv"
	"strings"

	"siyu/model/clock"
)

// Found is what is known of one person about one condition, as of Now.
type Found struct {
	Now clock.Instant
	// Of acts within the condition's window. Days are business days with one.
	Times, Pieces, Fen, Days int64
	First, Last              clock.Instant // none: never
	Steps                    []Found       // of a sequence, in its order, without a window
	// Of an attribute and of a tag. Of a tag without values there is one empty one.
	Values []string // none: not known
	Score  int64
}

// Finding says what was found about a condition, to stand beside it: how often and when
// something was done, which value is known. "" where there is no more to say than whether
// it is true.
func (n *Node) Finding(names Names, f Found) string {
	if names.english() {
		return english{names}.finding(n, f)
	}
	return speaker{names: names}.finding(n, f)
}

func (s speaker) finding(n *Node, f Found) string {
	switch {
	case n.Did != nil:
		return s.acted(n.Did, f)
	case n.Sequence != nil:
		parts := make([]string, len(f.Steps))
		for i, x := range f.Steps {
			parts[i] = s.acted(&Did{What: n.Sequence.Steps[i].What}, x)
		}
		return strings.Join(parts, "；")
	case n.Tag != nil && len(f.Values) == 0:
		return "没有这个标签"
	case n.Tag != nil:
		text := "有这个标签"
		if f.Values[0] != "" {
			text = "值为“" + f.Values[0] + "”"
		}
		if f.scored() {
			text += fmt.Sprintf("，分值 %d", f.Score)
		}
		return text
	case n.Attr == nil || !n.Attr.finds():
		return ""
	}
	spec, _ := AttrOf(n.Attr.Name)
	titles := make([]string, len(f.Values))
	for i, v := range f.Values {
		if titles[i] = spec.titleOf(v); spec.Unit != "" {
			titles[i] += " " + spec.Unit
		}
	}
	if len(titles) == 0 {
		return spec.Title + "：无"
	}
	return spec.Title + "：" + strings.Join(titles, "、")
}

func (s speaker) acted(d *Did, f Found) string {
	act := s.acts(d.What, nil)
	if f.Last == 0 && d.measure() != SumFen && d.measure() != Quantity {
		return act + " 0 次"
	}
	last := ""
	if f.Last != 0 {
		last = "，最近 " + f.day(f.Last)
	}
	switch d.measure() {
	case Quantity:
		return fmt.Sprintf("%s %d 件%s", act, f.Pieces, last)
	case SumFen:
		return fmt.Sprintf("%s %s 元%s", act, yuan(f.Fen), last)
	case First:
		return fmt.Sprintf("第一次%s %s，距今 %d 天", act, f.day(f.First), f.ago(f.First))
	case Last:
		return fmt.Sprintf("最近一次%s %s，距今 %d 天", act, f.day(f.Last), f.ago(f.Last))
	case Interval:
		if f.Days < 2 {
			return fmt.Sprintf("%s %d 天，没有间隔%s", act, f.Days, last)
		}
		return fmt.Sprintf("%s %d 天，平均间隔 %s 天%s", act, f.Days, f.gap(), last)
	}
	return fmt.Sprintf("%s %d 次%s", act, f.Times, last)
}

func (e english) finding(n *Node, f Found) string {
	switch {
	case n.Did != nil:
		return e.acted(n.Did, f)
	case n.Sequence != nil:
		parts := make([]string, len(f.Steps))
		for i, x := range f.Steps {
			parts[i] = e.acted(&Did{What: n.Sequence.Steps[i].What}, x)
		}
		return strings.Join(parts, "; ")
	case n.Tag != nil && len(f.Values) == 0:
		return "does not have this tag"
	case n.Tag != nil:
		text := "has this tag"
		if f.Values[0] != "" {
			text = "value “" + f.Values[0] + "”"
		}
		if f.scored() {
			text += fmt.Sprintf(", score %d", f.Score)
		}
		return text
	case n.Attr == nil || !n.Attr.finds():
		return ""
	}
	title := inEnglish[n.Attr.Name]
	if title == "" {
		title = n.Attr.Name
	}
	values := make([]string, len(f.Values))
	for i, v := range f.Values {
		if values[i] = v; inEnglish[n.Attr.Name+"."+v] != "" {
			values[i] = inEnglish[n.Attr.Name+"."+v]
		}
	}
	if len(values) == 0 {
		return title + ": none"
	}
	return title + ": " + strings.Join(values, ", ")
}

func (e english) acted(d *Did, f Found) string {
	act := e.acts(d.What, nil)
	if f.Last == 0 && d.measure() != SumFen && d.measure() != Quantity {
		return act + " 0 times"
	}
	last := ""
	if f.Last != 0 {
		last = ", last on " + f.day(f.Last)
	}
	switch d.measure() {
	case Quantity:
		return fmt.Sprintf("%s: %s%s", act, many(f.Pieces, "piece"), last)
	case SumFen:
		return fmt.Sprintf("%s: %s yuan%s", act, yuan(f.Fen), last)
	case First:
		return fmt.Sprintf("%s first on %s, %s ago", act, f.day(f.First), many(f.ago(f.First), "day"))
	case Last:
		return fmt.Sprintf("%s last on %s, %s ago", act, f.day(f.Last), many(f.ago(f.Last), "day"))
	case Interval:
		if f.Days < 2 {
			return fmt.Sprintf("%s on %s, so there is no interval%s", act, many(f.Days, "day"), last)
		}
		return fmt.Sprintf("%s on %d days, on average every %s days%s", act, f.Days, f.gap(), last)
	}
	return fmt.Sprintf("%s %s%s", act, many(f.Times, "time"), last)
}

func many(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.FormatInt(n, 10) + " " + what + "s"
}

// finds says whether there is a value to tell: some are all told by whether they hold.
func (a *Attr) finds() bool { return a.Name != HasReferrer && a.Name != Follows }

// scored says whether a tag's score is told: a whole number is its own.
func (f Found) scored() bool {
	return f.Score != 0 && f.Values[0] != strconv.FormatInt(f.Score, 10)
}

// day is a business day as people say it: without the year where it is this one.
func (f Found) day(at clock.Instant) string {
	if day, now := clock.DayOf(at), clock.DayOf(f.Now); day/10000 != now/10000 {
		return day.Text()
	}
	return clock.DayOf(at).Text()[len("2026-"):]
}

// ago is how many business days ago a moment was.
func (f Found) ago(at clock.Instant) int64 {
	then, _ := clock.DayOf(at).Bounds()
	today, _ := clock.DayOf(f.Now).Bounds()
	return int64(today.Sub(then).Hours()) / 24
}

// gap is the mean of the days between, cut to tenths as the condition's bounds are never
// rounded up.
func (f Found) gap() string {
	tenths := int64(f.Last-f.First) * 10 / (24 * 3600 * 1000) / (f.Days - 1)
	return strings.TrimSuffix(fmt.Sprintf("%d.%d", tenths/10, tenths%10), ".0")
}

// yuan writes fen as yuan, without needless zeros.
func yuan(fen int64) string {
	sign := ""
	if fen < 0 {
		sign, fen = "-", -fen
	}
	return sign + strings.TrimSuffix(fmt.Sprintf("%d.%02d", fen/100, fen%100), ".00")
}
