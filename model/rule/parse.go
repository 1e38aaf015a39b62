package rule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"

	"siyu/model/fault"
	"siyu/model/id"
)

// maxJSON bounds the text of a rule, bytes.
const maxJSON = 256 << 10

func bad(path, format string, args ...any) *fault.Fault {
	return fault.Invalidf("rule_invalid", "规则有误："+format, args...).With("path", path)
}

// Parse reads and checks a tree. Fault: Invalid rule_invalid, with the path of the place.
func Parse(text []byte) (t Tree, err error) {
	if len(text) > maxJSON {
		return t, bad("root", "内容太长")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return t, bad("root", "不是规则的格式").Because(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return t, bad("root", "规则后面有多余的内容")
	}
	return t, t.Check()
}

// Encode is the text of a tree; Parse reads it back.
func (t Tree) Encode() []byte {
	text, err := json.Marshal(t)
	if err != nil {
		panic("rule: " + err.Error()) // texts and numbers
	}
	return text
}

// Check says what is wrong with a tree. Whether tags, products, segments and lists exist
// is for others to know. Fault: Invalid rule_invalid, with the path of the place.
func (t Tree) Check() error {
	if t.V != Version {
		return bad("v", "不认识版本 %d", t.V)
	}
	c := checker{segments: map[id.ID]bool{}}
	if t.Root.All != nil && len(t.Root.All) == 0 && t.Root.kinds() == 1 {
		return nil
	}
	return c.node(&t.Root, "root", 1)
}

// checker counts what is bounded over the whole tree.
type checker struct {
	leaves, behaviours int
	segments           map[id.ID]bool
}

// kinds is how many of a node's fields are set; 1 is right.
func (n *Node) kinds() (count int) {
	for _, set := range []bool{n.All != nil, n.Any != nil, n.Not != nil, n.Tag != nil, n.Attr != nil, n.Did != nil,
		n.Sequence != nil, n.Segment != nil, n.List != nil, n.Random != nil} {
		if set {
			count++
		}
	}
	return count
}

func (c *checker) node(n *Node, path string, depth int) error {
	if n.kinds() != 1 {
		return bad(path, "每一处应当正好是一种条件")
	}
	if !n.Leaf() {
		if depth > MaxDepth {
			return bad(path, "最多嵌套 %d 层", MaxDepth)
		}
		return c.group(n, path, depth)
	}
	if c.leaves++; c.leaves > MaxLeaves {
		return bad(path, "最多 %d 个条件", MaxLeaves)
	}
	switch {
	case n.Tag != nil:
		return n.Tag.check(path + ".tag")
	case n.Attr != nil:
		return n.Attr.check(path + ".attr")
	case n.Random != nil:
		return n.Random.check(path + ".random")
	case n.List != nil:
		return named(n.List.ID, path+".list")
	case n.Segment != nil:
		if c.segments[n.Segment.ID] = true; len(c.segments) > MaxSegments {
			return bad(path, "最多引用 %d 个人群", MaxSegments)
		}
		return named(n.Segment.ID, path+".segment")
	}
	if c.behaviours++; c.behaviours > MaxBehaviours {
		return bad(path, "最多 %d 个行为条件", MaxBehaviours)
	}
	if n.Did != nil {
		return n.Did.check(path + ".did")
	}
	return n.Sequence.check(path + ".sequence")
}

func (c *checker) group(n *Node, path string, depth int) error {
	if n.Not != nil {
		return c.node(n.Not, path+".not", depth+1)
	}
	list, name := n.All, "all"
	if list == nil {
		list, name = n.Any, "any"
	}
	if len(list) == 0 {
		return bad(path, "这一组还没有条件")
	}
	for i := range list {
		if err := c.node(&list[i], fmt.Sprintf("%s.%s[%d]", path, name, i), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func named(i id.ID, path string) error {
	if i <= 0 {
		return bad(path, "没有选择")
	}
	return nil
}

func (t *Tag) check(path string) error {
	if err := named(t.ID, path); err != nil {
		return err
	}
	switch t.Op {
	case Has, Lacks:
		return exactly(path, t.Values, 0)
	case Is:
		return texts(path, t.Values, 1)
	case In:
		return texts(path, t.Values, MaxValues)
	case Gte, Lte, Between:
		_, err := numbers(path, t.Op, t.Values, -1_000_000_000, 1_000_000_000)
		return err
	}
	return bad(path, "标签不能用“%s”比较", t.Op)
}

func (a *Attr) check(path string) error {
	spec, ok := AttrOf(a.Name)
	if !ok {
		return bad(path, "没有“%s”这个属性", a.Name)
	}
	if !slices.Contains(spec.Ops, a.Op) {
		return bad(path, "“%s”不能用“%s”比较", spec.Title, a.Op)
	}
	if a.Op == Known || a.Op == Unknown {
		return exactly(path, a.Values, 0)
	}
	if spec.Kind == Number {
		_, err := numbers(path, a.Op, a.Values, spec.Min, spec.Max)
		return err
	}
	if err := texts(path, a.Values, MaxValues); err != nil {
		return err
	}
	for _, v := range a.Values {
		if spec.Kind == Account {
			if _, err := id.Parse(v); err != nil {
				return bad(path, "“%s”不是编号", v)
			}
		}
		if len(spec.Choices) > 0 && !slices.ContainsFunc(spec.Choices, func(w Word) bool { return w.Value == v }) {
			return bad(path, "“%s”没有“%s”这个值", spec.Title, v)
		}
	}
	return nil
}

func exactly(path string, values []string, n int) error {
	if len(values) != n {
		return bad(path, "应有 %d 个值", n)
	}
	return nil
}

func texts(path string, values []string, most int) error {
	if len(values) < 1 || len(values) > most {
		return bad(path, "应有 1 到 %d 个值", most)
	}
	for _, v := range values {
		if n := utf8.RuneCountInString(v); n < 1 || n > 64 || !utf8.ValidString(v) {
			return bad(path, "每个值 1 到 64 个字")
		}
	}
	return nil
}

// operands is how many numbers an operator takes.
func operands(op string) (least, most int) {
	switch op {
	case In:
		return 1, MaxValues
	case Between:
		return 2, 2
	}
	return 1, 1
}

func numbers(path, op string, values []string, least, most int64) ([]int64, error) {
	list := make([]int64, len(values))
	for i, v := range values {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return nil, bad(path, "“%s”不是整数", v)
		}
		list[i] = n
	}
	return list, inside(path, op, list, least, most)
}

func inside(path, op string, list []int64, least, most int64) error {
	if lo, hi := operands(op); len(list) < lo || len(list) > hi {
		return bad(path, "值的个数不对")
	}
	for _, n := range list {
		if n < least || n > most {
			return bad(path, "应在 %d 到 %d 之间", least, most)
		}
	}
	if op == Between && list[0] > list[1] {
		return bad(path, "前一个值不能大于后一个")
	}
	return nil
}

// Numbers are the values of a checked condition that compares numbers.
func Numbers(values []string) []int64 {
	list := make([]int64, len(values))
	for i, v := range values {
		list[i], _ = strconv.ParseInt(v, 10, 64) // Check has read them
	}
	return list
}

func (r *Random) check(path string) error {
	if n := utf8.RuneCountInString(r.Salt); n < 1 || n > 64 {
		return bad(path, "随机种子 1 到 64 个字")
	}
	if r.From < 0 || r.Until > Buckets || r.From >= r.Until {
		return bad(path, "范围应在 0 到 %d 之间，且不为空", Buckets)
	}
	return nil
}

func (d *Did) check(path string) error {
	spec, err := act(path, d.What, d.ProductIDs)
	if err == nil {
		_, err = act(path, d.What, d.ExceptIDs)
	}
	if err != nil {
		return err
	}
	if len(d.ProductIDs) > 0 && len(d.ExceptIDs) > 0 {
		return bad(path, "商品只能选一种：这些商品，或者除这些以外的商品")
	}
	if !slices.Contains(spec.Measures, d.measure()) {
		return bad(path, "“%s”没有“%s”这个量", spec.Title, d.Measure)
	}
	if !slices.Contains([]string{Eq, Gte, Lte, Between}, d.Op) {
		return bad(path, "行为不能用“%s”比较", d.Op)
	}
	most := int64(1_000_000_000_00)
	if slices.Contains([]string{First, Last, Interval}, d.measure()) {
		most = MaxDays
	}
	if err := inside(path, d.Op, d.Values, 0, most); err != nil {
		return err
	}
	if d.WithinDays < 0 || d.WithinDays > MaxDays {
		return bad(path, "天数应在 1 到 %d 之间", MaxDays)
	}
	if (d.From != 0 || d.Until != 0) && (d.WithinDays != 0 || d.From < 0 || d.Until < 0 || d.Until != 0 && d.Until <= d.From) {
		return bad(path, "时间范围不对：用最近多少天，或者用起止时间")
	}
	return nil
}

func (d *Did) measure() string {
	if d.Measure == "" {
		return Count
	}
	return d.Measure
}

func act(path, what string, products []id.ID) (ActSpec, error) {
	spec, ok := ActOf(what)
	if !ok {
		return spec, bad(path, "没有“%s”这种行为", what)
	}
	if len(products) > 0 && !spec.Products {
		return spec, bad(path, "“%s”不分商品", spec.Title)
	}
	if len(products) > MaxProducts {
		return spec, bad(path, "最多 %d 个商品", MaxProducts)
	}
	for _, p := range products {
		if err := named(p, path); err != nil {
			return spec, err
		}
	}
	return spec, nil
}

func (s *Sequence) check(path string) error {
	if len(s.Steps) < 2 || len(s.Steps) > MaxSteps {
		return bad(path, "应有 2 到 %d 步", MaxSteps)
	}
	for i, step := range s.Steps {
		if _, err := act(fmt.Sprintf("%s.steps[%d]", path, i), step.What, step.ProductIDs); err != nil {
			return err
		}
	}
	if s.WithinDays < 1 || s.WithinDays > MaxDays || s.WindowDays < 0 || s.WindowDays > MaxDays {
		return bad(path, "天数应在 1 到 %d 之间", MaxDays)
	}
	return nil
}
