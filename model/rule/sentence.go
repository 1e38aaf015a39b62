package rule

import (
	"fmt"
	"strconv"
	"strings"

	"siyu/model/id"
)

// Kinds of thing whose names a sentence asks for.
const (
	NameTag     = "tag"
	NameSegment = "segment"
	NameList    = "list"
	NameProduct = "product"
	NameAccount = "account"
)

// Names tells what operators call a thing; "" when it is gone.
type Names func(kind string, ref id.ID) string

// Sentence is the tree as a Chinese sentence, or an English one (NameLanguage). It never
// shows an id: what has no name any more is 已删除.
func (t Tree) Sentence(names Names) string {
	if t.Root.All != nil && len(t.Root.All) == 0 {
		if names.english() {
			return "everybody of the brand"
		}
		return allOf
	}
	return t.Root.Sentence(names)
}

// Told is the tree in Chinese words for the people whom it is about. Products and accounts
// keep their names; of tags, segments and lists, whose names are the operators' own, it says
// of what kind a condition is, and neither name nor value.
func (t Tree) Told(names Names) string {
	if t.Root.All != nil && len(t.Root.All) == 0 {
		return allOf
	}
	return speaker{names, true}.node(&t.Root, true)
}

const allOf = "品牌的全部用户"

// Sentence is the part of a sentence that a node is.
func (n *Node) Sentence(names Names) string {
	if names.english() {
		return english{names}.node(n, true)
	}
	return speaker{names: names}.node(n, true)
}

func (names Names) english() bool { return names != nil && names(NameLanguage, 0) == "en" }

type speaker struct {
	names Names
	told  bool // to the people themselves
}

func (s speaker) of(kind string, ref id.ID) string {
	if s.names != nil {
		if name := s.names(kind, ref); name != "" {
			return "「" + name + "」"
		}
	}
	return "「已删除」"
}

func (s speaker) node(n *Node, top bool) string {
	switch {
	case n.All != nil:
		return s.group(n.All, "，并且", top)
	case n.Any != nil:
		return s.group(n.Any, "，或者", top)
	case n.Not != nil:
		if alone := n.Not.alone(); alone.Did != nil && alone.Did.once() {
			return s.never(alone.Did) // "not (has bought)" is said the way people say it
		}
		return "不符合（" + s.node(n.Not, true) + "）"
	case s.told && n.Tag != nil && n.Tag.Op == Has:
		return "有品牌给您的标签"
	case s.told && n.Tag != nil && n.Tag.Op == Lacks:
		return "没有品牌给的某个标签"
	case s.told && n.Tag != nil:
		return "品牌给您的标签符合条件"
	case s.told && n.Segment != nil:
		return "在品牌选定的人群里"
	case s.told && n.List != nil:
		return "在品牌选定的名单里"
	case n.Tag != nil:
		return s.tag(n.Tag)
	case n.Attr != nil:
		return s.attr(n.Attr)
	case n.Did != nil:
		return s.did(n.Did)
	case n.Sequence != nil:
		return s.sequence(n.Sequence)
	case n.Segment != nil:
		return "属于人群" + s.of(NameSegment, n.Segment.ID)
	case n.List != nil:
		return "在名单" + s.of(NameList, n.List.ID) + "中"
	case n.Random != nil:
		return fmt.Sprintf("随机抽取的 %s%%（第 %d 至 %d 份，共 %d 份）", percent(n.Random.Until-n.Random.From), n.Random.From+1, n.Random.Until, Buckets)
	}
	return ""
}

// alone is the condition that a group of one is.
func (n *Node) alone() *Node {
	for len(n.All)+len(n.Any) == 1 {
		if n = &append(n.All, n.Any...)[0]; n.Not != nil {
			break
		}
	}
	return n
}

// percent writes parts of Buckets as percent, without needless zeros.
func percent(parts int) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%02d", parts/100, parts%100), "0"), ".")
}

func (s speaker) group(list []Node, and string, top bool) string {
	parts := make([]string, len(list))
	for i := range list {
		parts[i] = s.node(&list[i], false)
	}
	text := strings.Join(parts, and)
	if top || len(parts) == 1 {
		return text
	}
	return "（" + text + "）"
}

func (s speaker) tag(t *Tag) string {
	name := s.of(NameTag, t.ID)
	switch t.Op {
	case Has:
		return "有标签" + name
	case Lacks:
		return "没有标签" + name
	case Is:
		return "标签" + name + "为“" + t.Values[0] + "”"
	case In:
		return "标签" + name + "为" + quoted(t.Values) + "之一"
	}
	return "标签" + name + "的分值" + compare(t.Op, t.Values, "")
}

func quoted(values []string) string { return "“" + strings.Join(values, "、") + "”" }

func compare(op string, values []string, unit string) string {
	if unit != "" {
		unit = " " + unit
	}
	switch op {
	case Gte:
		return "不少于 " + values[0] + unit
	case Lte:
		return "不多于 " + values[0] + unit
	case Between:
		return "在 " + values[0] + " 到 " + values[1] + unit + "之间"
	}
	return "为 " + strings.Join(values, "、") + unit
}

func (s speaker) attr(a *Attr) string {
	spec, _ := AttrOf(a.Name)
	switch {
	case a.Name == HasReferrer && a.Op == Known:
		return "有推荐人"
	case a.Name == HasReferrer:
		return "没有推荐人"
	case a.Name == Leader && a.Op == Known:
		return "是群主"
	case a.Name == Leader && a.Op == Unknown:
		return "不是群主"
	case a.Name == Depth && a.Op == Known:
		return "在推荐关系里"
	case a.Name == Depth && a.Op == Unknown:
		return "不在推荐关系里"
	case a.Name == Depth:
		return "推荐层级（最上面一级为 0）" + compare(a.Op, a.Values, spec.Unit)
	case a.Name == Reach && a.Op == Known:
		return "现在有微信会接受消息的渠道"
	case a.Name == Reach && a.Op == Unknown:
		return "现在没有微信会接受消息的渠道"
	case a.Name == Follows && a.Op == Known:
		return "关注了品牌的公众号"
	case a.Name == Follows && a.Op == Unknown:
		return "没有关注品牌的公众号"
	case a.Op == Known:
		return "已知" + spec.Title
	case a.Op == Unknown:
		return "不知道" + spec.Title
	case spec.Kind == Number:
		return spec.Title + compare(a.Op, a.Values, spec.Unit)
	}
	titles := make([]string, len(a.Values))
	for i, v := range a.Values {
		titles[i] = "“" + spec.titleOf(v) + "”"
		if ref, err := id.Parse(v); spec.Kind == Account && err == nil {
			titles[i] = s.of(NameAccount, ref)
		}
	}
	if a.Name == Reach {
		return "微信现在接受" + strings.Join(titles, "或")
	}
	if spec.Many && spec.Kind != Account {
		return spec.Title + strings.Join(titles, "或")
	}
	if len(titles) == 1 {
		return spec.Title + map[bool]string{true: "", false: "为"}[spec.Kind == Account] + titles[0]
	}
	return spec.Title + "为" + strings.Join(titles, "、") + "之一"
}

// acts writes what was done, with the products.
func (s speaker) acts(what string, products []id.ID) string {
	spec, _ := ActOf(what)
	if len(products) == 0 {
		return spec.Title
	}
	list := make([]string, len(products))
	for i, p := range products {
		list[i] = s.of(NameProduct, p)
	}
	return spec.Title + strings.Join(list, "或")
}

// done is acts of a condition on acts.
func (s speaker) done(d *Did) string {
	if text := s.acts(d.What, d.ExceptIDs); len(d.ExceptIDs) > 0 {
		return text + "以外的商品"
	}
	return s.acts(d.What, d.ProductIDs)
}

func (s speaker) did(d *Did) string {
	window := span(d)
	act := s.done(d)
	switch {
	case d.measure() == Count && (d.Op == Eq || d.Op == Lte) && d.Values[0] == 0:
		return s.never(d)
	case d.once():
		return window + "有过" + act
	}
	values := make([]string, len(d.Values))
	for i, v := range d.Values {
		values[i] = strconv.FormatInt(v, 10)
	}
	switch d.measure() {
	case Quantity:
		return window + act + "的件数" + compare(d.Op, values, "件")
	case SumFen:
		for i, v := range d.Values {
			values[i] = strings.TrimSuffix(fmt.Sprintf("%d.%02d", v/100, v%100), ".00")
		}
		return window + act + "的金额" + compare(d.Op, values, "元")
	case First:
		return window + "第一次" + act + "距今" + compare(d.Op, values, "天")
	case Last:
		return window + "最近一次" + act + "距今" + compare(d.Op, values, "天")
	case Interval:
		return window + act + "的平均间隔" + compare(d.Op, values, "天")
	}
	return window + act + "的次数" + compare(d.Op, values, "次")
}

// once tells whether it is asked for no more than that it was done.
func (d *Did) once() bool { return d.measure() == Count && d.Op == Gte && d.Values[0] == 1 }

func (s speaker) never(d *Did) string {
	if window := span(d); window != "" {
		return window + "没有" + s.done(d)
	}
	return "从来没有" + s.done(d)
}

func span(d *Did) string {
	switch {
	case d.WithinDays == 1:
		return "今天"
	case d.WithinDays > 0:
		return fmt.Sprintf("最近 %d 天", d.WithinDays)
	case d.From != 0 && d.Until != 0:
		return d.From.Local() + " 至 " + d.Until.Local() + " 期间"
	case d.From != 0:
		return d.From.Local() + " 以来"
	case d.Until != 0:
		return d.Until.Local() + " 以前"
	}
	return ""
}

func (s speaker) sequence(q *Sequence) string {
	steps := make([]string, len(q.Steps))
	for i, step := range q.Steps {
		steps[i] = s.acts(step.What, step.ProductIDs)
	}
	window := ""
	if q.WindowDays > 0 {
		window = fmt.Sprintf("最近 %d 天起，", q.WindowDays)
	}
	return fmt.Sprintf("%s在 %d 天内先后%s", window, q.WithinDays, strings.Join(steps, "，然后"))
}
