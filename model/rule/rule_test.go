package rule_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/rule"
)

func names(kind string, ref id.ID) string {
	return map[string]string{"tag1": "高价值", "segment2": "老客", "list3": "内测", "product4": "护理液", "product5": "镜片", "account6": "护眼号"}[kind+ref.String()]
}

func TestSentence(t *testing.T) {
	for text, want := range map[string]string{
		`{"all":[]}`: "品牌的全部用户",
		`{"all":[{"tag":{"id":"1","op":"has"}},{"any":[{"attr":{"name":"r","op":"gte","values":["4"]}},{"not":{"segment":{"id":"2"}}}]}]}`:                              "有标签「高价值」，并且（最近购买分 R不少于 4 分，或者不符合（属于人群「老客」））",
		`{"did":{"what":"bought","product_ids":["4"],"op":"gte","values":[2],"within_days":30}}`:                                                                        "最近 30 天购买（领取或下单）「护理液」的次数不少于 2 次",
		`{"all":[{"did":{"what":"bought","product_ids":["4"],"op":"gte","values":[1]}},{"not":{"did":{"what":"bought","product_ids":["5"],"op":"gte","values":[1]}}}]}`: "有过购买（领取或下单）「护理液」，并且从来没有购买（领取或下单）「镜片」",
		string(rule.OnlyOne(4, 45).Encode()[len(`{"v":1,"root":`) : len(rule.OnlyOne(4, 45).Encode())-1]):                                                               "最近 45 天有过购买（领取或下单）「护理液」，并且最近 45 天没有购买（领取或下单）「护理液」以外的商品",
		`{"did":{"what":"order","except_product_ids":["4","5"],"measure":"quantity","op":"gte","values":[2]}}`:                                                          "下单「护理液」或「镜片」以外的商品的件数不少于 2 件",
		`{"not":{"any":[{"did":{"what":"scan","op":"gte","values":[1],"within_days":30}}]}}`:                                                                            "最近 30 天没有扫码",
		`{"not":{"did":{"what":"scan","op":"gte","values":[2],"within_days":30}}}`:                                                                                      "不符合（最近 30 天扫码的次数不少于 2 次）",
		`{"did":{"what":"order","op":"eq","values":[0],"within_days":1}}`:                                                                                               "今天没有下单",
		`{"did":{"what":"order","measure":"sum_fen","op":"between","values":[10000,25050]}}`:                                                                            "下单的金额在 100 到 250.50 元之间",
		`{"sequence":{"steps":[{"what":"scan"},{"what":"order","product_ids":["4","5"]}],"within_days":7,"window_days":90}}`:                                            "最近 90 天起，在 7 天内先后扫码，然后下单「护理液」或「镜片」",
		`{"attr":{"name":"follows","op":"in","values":["6"]}}`:                                                                                                          "关注公众号「护眼号」",
		`{"attr":{"name":"stage","op":"in","values":["sleeping","lost"]}}`:                                                                                              "生命周期为“沉睡”、“流失”之一",
		`{"random":{"salt":"a","from":0,"until":1250}}`:                                                                                                                 "随机抽取的 12.5%（第 1 至 1250 份，共 10000 份）",
		`{"attr":{"name":"reach","op":"in","values":["custom","subscribe"]}}`:                                                                                           "微信现在接受“客服消息”或“订阅消息”",
		`{"attr":{"name":"reach","op":"unknown"}}`:                                                                                                                      "现在没有微信会接受消息的渠道",
		`{"attr":{"name":"depth","op":"lte","values":["2"]}}`:                                                                                                           "推荐层级（最上面一级为 0）不多于 2 级",
		`{"attr":{"name":"depth","op":"known"}}`:                                                                                                                        "在推荐关系里",
		`{"list":{"id":"3"}}`:                                                                                                                                           "在名单「内测」中",
		`{"list":{"id":"9"}}`:                                                                                                                                           "在名单「已删除」中",
	} {
		tree, err := rule.Parse([]byte(`{"v":1,"root":` + text + `}`))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := tree.Sentence(names); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

// TestWhatThePeopleAreToldHasNoNameOfTheOperators: products and accounts are known to them.
func TestWhatThePeopleAreToldHasNoNameOfTheOperators(t *testing.T) {
	for text, want := range map[string]string{
		`{"all":[]}`: "品牌的全部用户",
		`{"all":[{"tag":{"id":"1","op":"has"}},{"not":{"segment":{"id":"2"}}},{"any":[{"list":{"id":"3"}},{"tag":{"id":"1","op":"lacks"}}]}]}`: "有品牌给您的标签，并且不符合（在品牌选定的人群里），并且（在品牌选定的名单里，或者没有品牌给的某个标签）",
		`{"any":[{"tag":{"id":"1","op":"is","values":["高"]}},{"attr":{"name":"follows","op":"in","values":["6"]}}]}`:                           "品牌给您的标签符合条件，或者关注公众号「护眼号」",
		`{"tag":{"id":"1","op":"in","values":["高","中"]}}`:                                                                                      "品牌给您的标签符合条件",
		`{"tag":{"id":"1","op":"between","values":["60","90"]}}`:                                                                               "品牌给您的标签符合条件",
		`{"list":{"id":"3"}}`: "在品牌选定的名单里",
		`{"all":[{"did":{"what":"bought","product_ids":["4"],"op":"gte","values":[1]}},{"not":{"did":{"what":"bought","product_ids":["5"],"op":"gte","values":[1]}}}]}`: "有过购买（领取或下单）「护理液」，并且从来没有购买（领取或下单）「镜片」",
	} {
		tree, err := rule.Parse([]byte(`{"v":1,"root":` + text + `}`))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := tree.Told(names); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestSentenceInEnglish(t *testing.T) {
	english := func(kind string, ref id.ID) string {
		if kind == rule.NameLanguage {
			return "en"
		}
		return names(kind, ref)
	}
	for text, want := range map[string]string{
		`{"all":[]}`: "everybody of the brand",
		`{"all":[{"did":{"what":"bought","product_ids":["4"],"op":"gte","values":[1]}},{"not":{"did":{"what":"bought","product_ids":["5"],"op":"gte","values":[1]}}}]}`: "has bought (claim or order) “护理液”, and has never bought (claim or order) “镜片”",
		string(rule.OnlyOne(4, 0).Encode()[len(`{"v":1,"root":`) : len(rule.OnlyOne(4, 0).Encode())-1]):                                                                 "has bought (claim or order) “护理液”, and has never bought (claim or order) a product other than “护理液”",
		`{"did":{"what":"order","except_product_ids":["4","5"],"measure":"quantity","op":"gte","values":[2]}}`:                                                          "ordered a product other than “护理液” or “镜片”: at least 2 pieces",
		`{"any":[{"tag":{"id":"1","op":"lacks"}},{"not":{"segment":{"id":"2"}}},{"list":{"id":"9"}}]}`:                                                                  "has not tag “高价值”, or not (is in segment “老客”), or is on list (deleted)",
		`{"did":{"what":"order","measure":"sum_fen","op":"between","values":[10000,25050],"within_days":30}}`:                                                           "ordered: between 100 and 250.50 yuan in the last 30 days",
		`{"attr":{"name":"stage","op":"in","values":["sleeping","lost"]}}`:                                                                                              "stage of life is sleeping or lost",
		`{"sequence":{"steps":[{"what":"scan"},{"what":"order"}],"within_days":7,"window_days":90}}`:                                                                    "scanned, then ordered, within 7 days, since 90 days ago",
		`{"random":{"salt":"a","from":0,"until":1250}}`:                                                                                                                 "12.5% drawn by chance (parts 1 to 1250 of 10000)",
	} {
		tree, err := rule.Parse([]byte(`{"v":1,"root":` + text + `}`))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := tree.Sentence(english); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
	t.Run("every attribute, choice and act has English", func(t *testing.T) {
		chinese := func(s string) bool {
			return strings.ContainsFunc(s, func(r rune) bool { return r >= 0x4e00 && r <= 0x9fff })
		}
		said := func(n rule.Node, name string) {
			if s := n.Sentence(english); chinese(s) || strings.Contains(s, "_") {
				t.Errorf("%s: %s", name, s)
			}
		}
		for _, a := range rule.Attrs() {
			values := []string{"1", "2"}
			for _, c := range a.Choices {
				values = append(values, c.Value)
			}
			for _, op := range a.Ops {
				said(rule.Node{Attr: &rule.Attr{Name: a.Name, Op: op, Values: values}}, a.Name)
			}
		}
		for _, a := range rule.Acts() {
			said(rule.Node{Did: &rule.Did{What: a.What, Op: rule.Gte, Values: []int64{2}}}, a.What)
		}
	})
}

func TestParse(t *testing.T) {
	t.Run("what it wrote it reads", func(t *testing.T) {
		for _, tree := range []rule.Tree{rule.Everybody(), rule.NeverB([]id.ID{4}, []id.ID{5}, 90), rule.OnlyOne(4, 45)} {
			again, err := rule.Parse(tree.Encode())
			if err != nil || string(again.Encode()) != string(tree.Encode()) {
				t.Errorf("%s: %v", tree.Encode(), err)
			}
		}
	})
	leaf := `{"list":{"id":"3"}}`
	deep := func(n int) string { return strings.Repeat(`{"not":`, n) + leaf + strings.Repeat(`}`, n) }
	many := func(n int, leaf string) string {
		return `{"all":[` + strings.TrimSuffix(strings.Repeat(leaf+",", n), ",") + `]}`
	}
	segments := func(n int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = `{"segment":{"id":"` + id.ID(i+1).String() + `"}}`
		}
		return `{"any":[` + strings.Join(list, ",") + `]}`
	}
	did := `{"did":{"what":"scan","op":"gte","values":[1]}}`
	for _, text := range []string{deep(rule.MaxDepth), many(rule.MaxLeaves, leaf), many(rule.MaxBehaviours, did), segments(rule.MaxSegments)} {
		if _, err := rule.Parse([]byte(`{"v":1,"root":` + text + `}`)); err != nil {
			t.Errorf("within limits: %v", err)
		}
	}
	for text, path := range map[string]string{
		`{}`:                                                    "root",
		`{"all":[],"any":[]}`:                                   "root",
		`{"all":[{"all":[]}]}`:                                  "root.all[0]",
		`{"any":[]}`:                                            "root",
		deep(rule.MaxDepth + 1):                                 "root" + strings.Repeat(".not", rule.MaxDepth),
		many(rule.MaxLeaves+1, leaf):                            "root.all[60]",
		many(rule.MaxBehaviours+1, did):                         "root.all[10]",
		segments(rule.MaxSegments + 1):                          "root.any[5]",
		`{"tag":{"id":"1","op":"eq"}}`:                          "root.tag",
		`{"tag":{"id":null,"op":"has"}}`:                        "root.tag",
		`{"tag":{"id":"1","op":"gte","values":["x"]}}`:          "root.tag",
		`{"attr":{"name":"nose","op":"known"}}`:                 "root.attr",
		`{"attr":{"name":"r","op":"in","values":["6"]}}`:        "root.attr",
		`{"attr":{"name":"stage","op":"in","values":["old"]}}`:  "root.attr",
		`{"attr":{"name":"follows","op":"in","values":["me"]}}`: "root.attr",
		`{"did":{"what":"login","product_ids":["4"],"op":"gte","values":[1]}}`:                           "root.did",
		`{"did":{"what":"login","except_product_ids":["4"],"op":"gte","values":[1]}}`:                    "root.did",
		`{"did":{"what":"scan","product_ids":["5"],"except_product_ids":["4"],"op":"gte","values":[1]}}`: "root.did",
		`{"did":{"what":"scan","measure":"sum_fen","op":"gte","values":[1]}}`:                            "root.did",
		`{"did":{"what":"scan","op":"between","values":[3,2]}}`:                                          "root.did",
		`{"did":{"what":"scan","op":"gte","values":[1],"within_days":2,"from":"2026-11-01T00:00:00Z"}}`:  "root.did",
		`{"sequence":{"steps":[{"what":"scan"}],"within_days":7}}`:                                       "root.sequence",
		`{"random":{"salt":"a","from":5,"until":5}}`:                                                     "root.random",
		`{"list":{"id":"3"},"more":1}`:                                                                   "root",
	} {
		_, err := rule.Parse([]byte(`{"v":1,"root":` + text + `}`))
		f := fault.Of(err)
		if err == nil || f.Code != "rule_invalid" || f.Detail["path"] != path {
			t.Errorf("%.80s: %v at %v, want %s", text, err, f, path)
		}
	}
	if _, err := rule.Parse([]byte(`{"v":2,"root":{"all":[]}}`)); err == nil {
		t.Error("a later version was read")
	}
}

func TestUses(t *testing.T) {
	tree, err := rule.Parse([]byte(`{"v":1,"root":{"all":[{"tag":{"id":"7","op":"has"}},{"not":{"tag":{"id":"1","op":"has"}}},{"segment":{"id":"2"}},{"list":{"id":"3"}},
		{"did":{"what":"bought","product_ids":["5","4"],"op":"gte","values":[1],"within_days":9}},{"did":{"what":"bought","except_product_ids":["6"],"op":"gte","values":[1]}},{"attr":{"name":"follows","op":"known"}}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	u := tree.Uses()
	if !slices.Equal(u.Tags, []id.ID{1, 7}) || !slices.Equal(u.Segments, []id.ID{2}) || !slices.Equal(u.Lists, []id.ID{3}) || !slices.Equal(u.Products, []id.ID{4, 5, 6}) ||
		!slices.Equal(u.Events, []string{"claim", "follow", "order", "unfollow"}) || !u.Profiling || !u.Clock {
		t.Errorf("%+v", u)
	}
	plain := rule.Tree{V: 1, Root: rule.Node{Attr: &rule.Attr{Name: rule.Key, Op: rule.In, Values: []string{"phone"}}}}.Uses()
	if plain.Profiling || plain.Clock {
		t.Errorf("an identity key is no profile: %+v", plain)
	}
	if m := plain.Merge(u); !m.Profiling || !slices.Equal(m.Attrs, []string{"follows", "key"}) {
		t.Errorf("%+v", m)
	}
}

func TestSchema(t *testing.T) {
	text, err := json.Marshal(rule.Schema())
	if err != nil {
		t.Fatal(err)
	}
	defs := rule.Schema()["$defs"].(map[string]any)
	for _, part := range strings.Split(string(text), `"$ref":"#/$defs/`)[1:] {
		if name, _, _ := strings.Cut(part, `"`); defs[name] == nil {
			t.Errorf("nothing is called %s", name)
		}
	}
	fields := defs["node"].(map[string]any)["properties"].(map[string]any)
	if len(fields) != 10 {
		t.Errorf("a node has 10 kinds, the schema %d", len(fields))
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"v":1,"root":{"all":[{"did":{"what":"scan","op":"eq","values":[0]}}]}}`))
	f.Add(rule.NeverB([]id.ID{4}, []id.ID{5}, 90).Encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		tree, err := rule.Parse(text)
		if err != nil {
			return
		}
		_ = tree.Sentence(nil)
		_ = tree.Uses()
		again, err := rule.Parse(tree.Encode())
		if err != nil || string(again.Encode()) != string(tree.Encode()) {
			t.Fatalf("%s became %s: %v", tree.Encode(), again.Encode(), err)
		}
	})
}
