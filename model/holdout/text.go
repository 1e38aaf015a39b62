package holdout

import (
	"fmt"
	"math"
	"sort"
	"strconv"

	"siyu/model/lift"
	"siyu/model/money"
	"siyu/model/say"
)

// sentences say a report in words: first what matters, then why one may believe it.
func (r *Report) sentences() []say.Said {
	var out []say.Said
	add := func(code, text string, pairs ...any) { out = append(out, say.Of(code, text, pairs...)) }
	if r.Sizes.Alarm {
		return r.alarm()
	}
	if r.All == nil {
		add("report_no_control", "这次触达没有留对照组，无法知道没有它会怎样，也就无法说明它带来了什么。")
	} else {
		out = append(out, r.effect()...)
	}
	for _, b := range r.Between {
		if b.speaks() {
			out = append(out, between(b))
		}
	}
	if r.Under > 0 {
		add("report_rounded", "您的账号看不到具体的会员：人数和金额都是约数，区间已相应加宽。")
	}
	if r.Whole {
		add("report_whole", "比较的是 {since} 以来全局对照组与其他人：品牌全部营销触达合在一起带来了什么。", "since", r.BeganAt.Local())
		return out
	}
	if r.Control == ByBrand {
		add("report_universal", "对照的是品牌的全局对照组，他们一直没有收到过营销触达，差异里也有以前各次触达的作用。")
	}
	if n := len(r.ProductIDs); n > 0 {
		add("report_products", "只统计所选的 {n} 个商品：它们的扫码、下单和金额。", "n", n)
	}
	switch {
	case r.Final:
		add("report_over", "统计的是 {from} 到 {until} 之间的行为，各组相同；观察期已结束，数字不再变化。", "from", r.BeganAt.Local(), "until", r.UntilAt.Local())
	case r.open:
		add("report_sending", "触达还没有结束：观察期到最后可能发送的时刻之后 {n} 天为止，现在是 {until}；提前发完会提前，暂停后继续会顺延。各组的起止相同。", "n", r.WindowDays, "until", r.UntilAt.Local())
	default:
		add("report_open", "观察期到 {until} 为止，数字还会变化；区间对每一次查看都有效，可以随时看。", "until", r.UntilAt.Local())
	}
	if r.Mixed > 0 {
		add("report_mixed", "有 {n} 人被发现是同一个人却分在不同的组，没有计入。", "n", r.Mixed)
	}
	return out
}

// alarm says what is wrong with the arms, what it means and what to do, and claims nothing.
func (r *Report) alarm() (out []say.Said) {
	people, shares := r.sizes()
	total, all := 0.0, int64(0)
	for i, s := range shares {
		total, all = total+s, all+people[i]
	}
	at, most, want := 0, -1.0, int64(0) // the group that is furthest off
	for i, s := range shares {
		n := float64(all) * s / total
		if off := math.Abs(float64(people[i])-n) / math.Sqrt(max(1, n)); off > most {
			at, most, want = i, off, int64(math.Round(n))
		}
	}
	if u := r.Under; u > 0 { // as the others are told
		want = (want + u/2) / u * u
	}
	var who any = say.Word{Key: "group_universal", Text: "全局对照组"}
	switch {
	case at == 1:
		who = say.Word{Key: "group_held", Text: "本次留白的人"}
	case at > 1 && r.Whole:
		who = say.Word{Key: "group_others", Text: "其他人"}
	case at > 1:
		who = r.Arms[at-2].Name
	}
	add := func(code, text string, pairs ...any) { out = append(out, say.Of(code, text, pairs...)) }
	add("report_alarm", "各组人数与设定的比例不符：“{group}”按比例应约 {want} 人，实际 {have} 人。", "group", who, "want", want, "have", people[at])
	add("report_alarm_means", "随机分组已经被打乱，几组人不再可比：看到的差异可能来自分组，而不是消息。所以这里不给出任何提升或下降的结论。")
	add("report_alarm_do", "请先查明原因：开始以后，是否成批合并过会员、导入过名单，或成批注销、删除过某一组的人。查明并停止后，复制这次触达重新发送，届时会重新随机分组。")
	if r.Mixed > 0 {
		add("report_mixed", "有 {n} 人被发现是同一个人却分在不同的组，没有计入。", "n", r.Mixed)
	}
	return out
}

// speaks says whether there is anything to say of two texts: somebody did something.
func (c Compared) speaks() bool {
	for _, m := range c.measures() {
		if m.e.Verdict != lift.Early {
			return true
		}
	}
	return false
}

// measure is one thing that is compared, and how its difference is written.
type measure struct {
	name say.Word
	e    lift.Estimate
	unit func(float64) string
	in   say.Word
}

func (c Compared) measures() []measure {
	points, yuan := say.Word{Key: "unit_points", Text: "个百分点"}, say.Word{Key: "unit_yuan", Text: "元"}
	return []measure{
		{say.Word{Key: "measure_scan", Text: "扫码人数占比"}, c.Scan, asPoints, points},
		{say.Word{Key: "measure_order", Text: "下单人数占比"}, c.Order, asPoints, points},
		{say.Word{Key: "measure_amount", Text: "人均下单金额"}, c.Amount, asYuan, yuan},
	}
}

func (m measure) shows() bool { return m.e.Verdict == lift.More || m.e.Verdict == lift.Less }

// effect says the three measures against the control group.
func (r *Report) effect() (out []say.Said) {
	c := *r.All
	measured := c.measures()
	sort.SliceStable(measured, func(i, j int) bool { return measured[i].shows() && !measured[j].shows() })
	seen := false
	for _, m := range measured {
		seen = seen || m.shows()
	}
	switch {
	case r.controlled().People == 0 || r.People-r.Held.People-r.Universal.People == 0:
		return []say.Said{say.Of("report_nobody", "对照组或触达组还没有人，现在什么都不能说。")}
	case !c.speaks() && r.Under > 0:
		return []say.Said{say.Of("report_too_few", "观察期内扫码和下单的人还太少，现在什么都不能说。")}
	case !c.speaks():
		return []say.Said{say.Of("report_nothing", "观察期内还没有人扫码或下单，现在什么都不能说。")}
	case !seen:
		out = append(out, say.Of("report_no_effect", "没有看到效果：两组的差异都在偶然波动之内。"))
	}
	for _, m := range measured {
		switch early := m.e.Verdict == lift.Early; {
		case early && r.Under > 0: // few are told as none, and what is rounded has to be more
			out = append(out, say.Of("measure_few", "{name}：按约数来看，人还太少，不下结论。", "name", m.name))
		case early && m.e.Treated+m.e.Control == 0:
			out = append(out, say.Of("measure_nothing", "{name}：两组都还没有人这样做，不下结论。", "name", m.name))
		default:
			out = append(out, m.said())
		}
	}
	switch e := r.Money; {
	case e.Known && e.PerYuan != nil:
		out = append(out, say.Of("report_money", "共花费 {cost} 元，估计带来 {earned} 元（{low} 到 {high} 元），每花 1 元带来 {per} 元（{per_low} 到 {per_high} 元）。",
			"cost", e.CostFen.Yuan(), "earned", e.EarnedFen.Yuan(), "low", e.LowFen.Yuan(), "high", e.HighFen.Yuan(),
			"per", two(e.PerYuan.Yuan), "per_low", two(e.PerYuan.Low), "per_high", two(e.PerYuan.High)))
	case e.Known:
		out = append(out, say.Of("report_earned", "估计共带来 {earned} 元（{low} 到 {high} 元）。填写花费后，可以看到每花 1 元带来多少。",
			"earned", e.EarnedFen.Yuan(), "low", e.LowFen.Yuan(), "high", e.HighFen.Yuan()))
	}
	return out
}

// controlled is the group that is compared with.
func (r *Report) controlled() Group {
	if r.Control == ByPush {
		return r.Held
	}
	return r.Universal
}

// said is one measure in words.
func (m measure) said() say.Said {
	with := func(code, text string, pairs ...any) say.Said {
		return say.Of(code, "{name}："+text, append([]any{"name", m.name, "unit", m.in}, pairs...)...)
	}
	switch e := m.e; e.Verdict {
	case lift.Early:
		return with("measure_early", "下单的人还太少（每组至少 {n} 人），不下结论。", "n", lift.Fewest)
	case lift.None:
		return with("measure_none", "未看到效果，差异在 {low} 到 {high} {unit}之间，包含 0。", "low", signed(e.Low, m.unit), "high", signed(e.High, m.unit))
	case lift.Less:
		return with("measure_less", "触达后反而减少 {diff} {unit}（至少 {least} {unit}）。", "diff", m.unit(-e.Diff), "least", m.unit(-e.High))
	default:
		return with("measure_more", "增加 {diff} {unit}（在 {low} 到 {high} {unit}之间）。", "diff", m.unit(e.Diff), "low", m.unit(e.Low), "high", m.unit(e.High))
	}
}

// between compares two texts, in the measure that shows a difference: money before orders
// before scans.
func between(c Compared) say.Said {
	list := c.measures()
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].shows() {
			s := list[i].said()
			s.Text = fmt.Sprintf("版本 %s 与 %s 相比：%s", c.Arm, c.With, s.Text)
			s.Args["arm"], s.Args["with"] = c.Arm, c.With
			return s
		}
	}
	return say.Of("between_same", "版本 {arm} 与 {with} 相比：没有看到差别，选哪个都可以。", "arm", c.Arm, "with", c.With)
}

func signed(x float64, unit func(float64) string) string {
	if x < 0 {
		return "−" + unit(-x)
	}
	return "+" + unit(x)
}

// asPoints writes a share as percentage points.
func asPoints(x float64) string { return two(100 * x) }

// asYuan writes fen.
func asYuan(x float64) string { return money.Fen(math.Round(x)).Yuan() }

// two writes two decimals, as the tables beside the sentences do.
func two(x float64) string { return strconv.FormatFloat(math.Round(100*x)/100, 'f', 2, 64) }
