package tag

import (
	"context"
	"fmt"
	"strconv"

	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/rule"
)

// Template is a tag that most brands want (内置标签): one click sends it in for approval, and
// afterwards it is a tag like any other.
type Template struct {
	Key         string `json:"key"`
	Name        string `json:"name"`
	Class       string `json:"class"`
	Kind        string `json:"kind"`
	Purpose     string `json:"purpose"`
	IntendedUse string `json:"intended_use"`
	// Products and Others say whether goods must be chosen: those that were bought, and those
	// that were not.
	Products bool `json:"products"`
	Others   bool `json:"others"`
	Added    bool `json:"added"` // the brand has a tag of this name
}

// starter is a template with how it is made.
type starter struct {
	Template
	refresh int // minutes
	build   func(products, others []id.ID) Definition
}

const daily = 24 * 60

// starters lists them in the order of the classes.
func starters() []starter {
	fixed := func(d Definition) func(_, _ []id.ID) Definition {
		return func(_, _ []id.ID) Definition { return d }
	}
	one := func(root rule.Node) func(_, _ []id.ID) Definition {
		return fixed(Definition{Source: Rules, Cases: []Case{{Tree: tree(root)}}})
	}
	return []starter{
		{Template: Template{Key: "birthday_month", Name: "生日月份", Class: Basic, Kind: Rule, Purpose: "在生日月送上祝福和权益", IntendedUse: "生日关怀触达"}, refresh: daily, build: fixed(months())},
		{Template: Template{Key: "province", Name: "最近扫码省份", Class: Basic, Kind: Fact, Purpose: "了解用户所在省份，按地区做活动", IntendedUse: "地区活动人群"},
			build: fixed(Definition{Source: Event, EventType: event.Scan, Field: "province"})},
		{Template: Template{Key: "origin", Name: "来源渠道分类", Class: Basic, Kind: Rule, Purpose: "比较各来源渠道用户的质量", IntendedUse: "新客分渠道欢迎与培育"}, build: fixed(origins())},
		{Template: Template{Key: "referrer", Name: "高推荐用户", Class: Social, Kind: Rule, Purpose: "找到愿意向亲友推荐的用户", IntendedUse: "邀请成为群主、共创活动"}, refresh: daily, build: one(attr(rule.Referees, rule.Gte, "3"))},
		{Template: Template{Key: "leader", Name: "大C", Class: Social, Kind: Rule, Purpose: "区分经营社群的用户与普通用户", IntendedUse: "群主专属通知，从普通促销中排除"}, refresh: daily, build: one(attr(rule.Leader, rule.Known))},
		{Template: Template{Key: "rfm", Name: "RFM 分层", Class: Consumption, Kind: Rule, Purpose: "按最近购买、频次、金额把客户分成八层", IntendedUse: "分层维护与挽回"}, refresh: daily, build: fixed(cells())},
		{Template: Template{Key: "only_a", Name: "只买A不买B", Class: Consumption, Kind: Rule, Purpose: "找到只买了其中一类商品的客户，介绍另一类", IntendedUse: "交叉销售触达", Products: true, Others: true}, refresh: daily,
			build: func(a, b []id.ID) Definition {
				return Definition{Source: Rules, Cases: []Case{{Tree: rule.NeverB(a, b, 0)}}}
			}},
		{Template: Template{Key: "first_order", Name: "只买过一次", Class: Consumption, Kind: Rule, Purpose: "推动首单客户第二次购买", IntendedUse: "首购后回购提醒"}, refresh: daily, build: one(did(rule.Bought, rule.Eq, 1, 0))},
		{Template: Template{Key: "stage", Name: "生命周期阶段", Class: Activity, Kind: Rule, Purpose: "按阶段决定欢迎、培育还是唤醒", IntendedUse: "生命周期旅程"}, refresh: daily, build: fixed(stages())},
		{Template: Template{Key: "active_scanner", Name: "近 30 天常扫码", Class: Activity, Kind: Rule, Purpose: "识别近期互动频繁的用户", IntendedUse: "新品试用招募"}, refresh: daily, build: one(did(rule.Scan, rule.Gte, 3, 30))},
		{Template: Template{Key: "reader", Name: "爱看内容", Class: Interest, Kind: Rule, Purpose: "识别会点开内容链接的用户", IntendedUse: "内容类触达优先人群"}, refresh: daily, build: one(did(rule.Clicked, rule.Gte, 2, 90))},
	}
}

func tree(root rule.Node) rule.Tree { return rule.Tree{V: rule.Version, Root: root} }

func attr(name, op string, values ...string) rule.Node {
	return rule.Node{Attr: &rule.Attr{Name: name, Op: op, Values: values}}
}

func did(what, op string, n int64, days int) rule.Node {
	return rule.Node{Did: &rule.Did{What: what, Op: op, Values: []int64{n}, WithinDays: days}}
}

// months cannot name "this month": the value is the month, and a push asks for one.
func months() Definition {
	d := Definition{Source: Rules}
	for m := 1; m <= 12; m++ {
		d.Cases = append(d.Cases, Case{fmt.Sprintf("%d月", m), tree(attr(rule.BirthdayMonth, rule.In, strconv.Itoa(m)))})
	}
	return d
}

// choices makes a case of each value of an attribute.
func choices(name string) Definition {
	d := Definition{Source: Rules}
	spec, _ := rule.AttrOf(name)
	for _, w := range spec.Choices {
		d.Cases = append(d.Cases, Case{w.Title, tree(attr(name, rule.In, w.Value))})
	}
	return d
}

func origins() Definition { return choices(rule.Origin) }

func stages() Definition { return choices(rule.Stage) }

// cells are the eight of RFM: each score is high from 4 of 5.
func cells() Definition {
	d := Definition{Source: Rules}
	for _, c := range []struct {
		name    string
		r, f, m bool
	}{
		{"重要价值", true, true, true}, {"重要发展", true, false, true}, {"重要保持", false, true, true}, {"重要挽留", false, false, true},
		{"一般价值", true, true, false}, {"一般发展", true, false, false}, {"一般保持", false, true, false}, {"一般挽留", false, false, false},
	} {
		score := func(name string, high bool) rule.Node {
			if high {
				return attr(name, rule.Gte, "4")
			}
			return attr(name, rule.Lte, "3")
		}
		d.Cases = append(d.Cases, Case{c.name, tree(rule.Node{All: []rule.Node{score(rule.R, c.r), score(rule.F, c.f), score(rule.M, c.m)}})})
	}
	return d
}

// Templates lists the built-in tags and whether the brand has them.
func (s *Store) Templates(ctx context.Context, brandID id.ID) ([]Template, error) {
	var names []string
	if err := s.DB.Read(ctx).Raw("SELECT name FROM tag WHERE brand_id = ?", brandID).Scan(&names).Error; err != nil {
		return nil, fmt.Errorf("tag: templates: %w", err)
	}
	there := map[string]bool{}
	for _, n := range names {
		there[n] = true
	}
	out := []Template{}
	for _, t := range starters() {
		t.Added = there[t.Name]
		out = append(out, t.Template)
	}
	return out, nil
}

// Starter is a template as somebody wants it.
type Starter struct {
	BrandID  id.ID
	Key      string
	Name     string // "": the template's
	Products []id.ID
	Others   []id.ID
	OwnerID  id.ID
	ByID     id.ID
}

// Add makes a tag of a template and sends it in for approval. Faults as of Ask and Build;
// Invalid tag_template.
func (s *Store) Add(ctx context.Context, st Starter) (Tag, error) {
	for _, t := range starters() {
		if t.Key != st.Key {
			continue
		}
		if t.Products && len(st.Products) == 0 || t.Others && len(st.Others) == 0 {
			return Tag{}, fault.NewInvalid("tag_template", "请选择商品").With("field", "product_ids")
		}
		if st.Name == "" {
			st.Name = t.Name
		}
		d := t.build(st.Products, st.Others)
		if err := d.check(t.Kind); err != nil { // nothing is made of what cannot be built
			return Tag{}, err
		}
		made, err := s.Ask(ctx, Request{BrandID: st.BrandID, Class: t.Class, Name: st.Name, Kind: t.Kind, Purpose: t.Purpose, IntendedUse: t.IntendedUse,
			OwnerID: st.OwnerID, RefreshMinutes: t.refresh, ReviewDays: 180, IdleDays: 90, ByID: st.ByID})
		if err != nil {
			return Tag{}, err
		}
		if _, err := s.Build(ctx, made.ID, made.Rev, d, st.ByID); err != nil {
			return Tag{}, err
		}
		_, made, err = s.Submit(ctx, made.ID, made.Rev+1)
		return made, err
	}
	return Tag{}, fault.NewInvalid("tag_template", "没有这个内置标签").With("field", "key")
}
