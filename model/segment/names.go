package segment

import (
	"context"
	"fmt"
	"slices"

	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/rule"
	"siyu/model/say"
)

func hasID(list []id.ID, one id.ID) bool { return slices.Contains(list, one) }

// named says where the names of a brand's things are.
var named = []struct{ kind, title, stmt string }{
	{rule.NameTag, "标签", "SELECT id, name FROM tag WHERE brand_id = ? AND id IN ?"},
	{rule.NameSegment, "人群", "SELECT id, name FROM segment WHERE brand_id = ? AND id IN ?"},
	{rule.NameList, "名单", "SELECT id, name FROM segment_list WHERE brand_id = ? AND id IN ?"},
	{rule.NameProduct, "商品", "SELECT id, name FROM product WHERE brand_id = ? AND id IN ?"},
	{rule.NameAccount, "公众号", "SELECT id, name FROM account WHERE brand_id = ? AND id IN ?"},
}

// accounts are those that a rule names.
func accounts(t *rule.Tree) (list []id.ID) {
	t.Root.Walk(func(n *rule.Node, _ int) bool {
		if n.Attr != nil && n.Attr.Name == rule.Follows {
			for _, v := range n.Attr.Values {
				if a, err := id.Parse(v); err == nil {
					list = append(list, a)
				}
			}
		}
		return true
	})
	return list
}

// namesOf reads the names of what a rule uses. Fault: Invalid rule_unknown for what the
// brand does not have; the names are those that there are.
func (s *Store) namesOf(ctx context.Context, brandID id.ID, u rule.Uses, t *rule.Tree) (rule.Names, error) {
	type thing struct {
		kind string
		id   id.ID
	}
	found, missing := map[thing]string{}, ""
	want := map[string][]id.ID{rule.NameTag: u.Tags, rule.NameSegment: u.Segments, rule.NameList: u.Lists, rule.NameProduct: u.Products, rule.NameAccount: accounts(t)}
	for _, n := range named {
		if len(want[n.kind]) == 0 {
			continue
		}
		var rows []struct {
			ID   id.ID
			Name string
		}
		if err := s.db.Read(ctx).Raw(n.stmt, brandID, want[n.kind]).Scan(&rows).Error; err != nil {
			return nil, fmt.Errorf("segment: names: %w", err)
		}
		for _, r := range rows {
			found[thing{n.kind, r.ID}] = r.Name
		}
		for _, i := range want[n.kind] {
			if _, there := found[thing{n.kind, i}]; !there {
				missing = n.title
			}
		}
	}
	words := func(kind string, ref id.ID) string {
		if kind == rule.NameLanguage {
			return say.Language(ctx)
		}
		return found[thing{kind, ref}]
	}
	if missing != "" {
		return words, fault.Invalidf("rule_unknown", "规则里的%s不存在，或不属于这个品牌，请重新选择", missing)
	}
	return words, nil
}

// Sentence says a rule in words; what is gone is 已删除.
func (s *Store) Sentence(ctx context.Context, brandID id.ID, t rule.Tree) (string, error) {
	words, err := s.namesOf(ctx, brandID, t.Uses(), &t)
	if words == nil {
		return "", err
	}
	return t.Sentence(words), nil
}

// Told says a rule in zh-CN to the people whom it is about: without what operators call their
// tags, segments and lists.
func (s *Store) Told(ctx context.Context, brandID id.ID, t rule.Tree) (string, error) {
	words, err := s.namesOf(ctx, brandID, t.Uses(), &t)
	if words == nil {
		return "", err
	}
	return t.Told(words), nil
}
