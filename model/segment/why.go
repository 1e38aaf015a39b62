package segment

import (
	"context"
	"fmt"
	"slices"

	"siyu/model/id"
	"siyu/model/rule"
)

// Reason is one condition of a rule and whether it is true of somebody. Path is its place
// in the tree, as rule_invalid names places.
type Reason struct {
	Path  string `json:"path"`
	Text  string `json:"text"`
	Holds bool   `json:"holds"`
	// Found is what is known of him about it, in words: how often and when he did it, which
	// value he has. "" where there is no more to say.
	Found string `json:"found"`
	// Decides: because of it he is in, or is not.
	Decides bool `json:"decides"`
}

// Answer is why somebody is in a segment, or is not.
type Answer struct {
	In      bool     `json:"in"`
	Version int      `json:"version"`
	Text    string   `json:"text"` // zh-CN: what decided, before any condition; "": the conditions did
	Code    string   `json:"code"` // of the text: not_here, no_profiling
	Reasons []Reason `json:"reasons"`
}

// Why says of a member's human which conditions of a segment's newest rule are true.
// Faults: NotFound segment_not_found, member_not_found.
func (s *Store) Why(ctx context.Context, segmentID, memberID id.ID) (Answer, error) {
	g, err := s.Get(ctx, segmentID)
	if err != nil {
		return Answer{}, err
	}
	t, err := s.current(ctx, g.BrandID, g.ID)
	if err != nil {
		return Answer{}, err
	}
	a, err := s.WhyRule(ctx, g.BrandID, t, memberID)
	a.Version = g.Version
	return a, err
}

// WhyRule is Why for a rule.
func (s *Store) WhyRule(ctx context.Context, brandID id.ID, t rule.Tree, memberID id.ID) (Answer, error) {
	a := Answer{Reasons: []Reason{}}
	w, err := s.expand(ctx, brandID, t)
	if err != nil {
		return a, err
	}
	f, err := s.familiesOf(ctx, []id.ID{memberID})
	if err == nil {
		err = s.settleAmong(ctx, f.all)
	}
	if err != nil {
		return a, err
	}
	person := f.root[memberID]
	asked := func(profiling bool, n *rule.Node) (bool, error) {
		found, err := s.among(ctx, brandID, profiling, n, f)
		return found[person], err
	}
	everybody := rule.Everybody()
	seen, err := asked(false, &everybody.Root)
	if err != nil {
		return a, err
	}
	allowed, err := asked(w.profiling, &everybody.Root)
	switch {
	case err != nil:
		return a, err
	case !seen:
		a.Code, a.Text = "not_here", "不是这个品牌的用户：没有行为记录，也没有关注品牌的公众号"
		return a, nil
	case !allowed:
		a.Code, a.Text = "no_profiling", "没有同意个性化画像：用到行为的人群不对他计算"
		return a, nil
	}
	if a.In, err = asked(w.profiling, &w.root); err != nil {
		return a, err
	}
	say, err := s.namesOf(ctx, brandID, t.Uses(), &t)
	if say == nil {
		return a, err
	}
	found := func(n *rule.Node) (rule.Found, error) { return s.found(ctx, brandID, n, f) }
	if err := s.reasons(ctx, brandID, &t.Root, "root", say, asked, found, &a.Reasons); err != nil {
		return a, err
	}
	holds := map[string]bool{}
	for _, r := range a.Reasons {
		holds[r.Path] = r.Holds
	}
	_, by := decides(&t.Root, "root", holds)
	for i, r := range a.Reasons {
		a.Reasons[i].Decides = slices.Contains(by, r.Path)
	}
	return a, nil
}

// reasons asks for each condition, leaves only: how they are put together the reader sees.
func (s *Store) reasons(ctx context.Context, brandID id.ID, n *rule.Node, path string, say rule.Names, asked func(bool, *rule.Node) (bool, error), found func(*rule.Node) (rule.Found, error), into *[]Reason) error {
	for name, list := range map[string][]rule.Node{"all": n.All, "any": n.Any} {
		for i := range list {
			if err := s.reasons(ctx, brandID, &list[i], fmt.Sprintf("%s.%s[%d]", path, name, i), say, asked, found, into); err != nil {
				return err
			}
		}
	}
	if n.Not != nil {
		return s.reasons(ctx, brandID, n.Not, path+".not", say, asked, found, into)
	}
	if !n.Leaf() {
		return nil
	}
	left := 2 * heavyLeaves
	whole, err := s.inline(ctx, brandID, *n, nil, &rule.Uses{}, &left)
	if err != nil {
		return err
	}
	holds, err := asked(false, &whole)
	if err != nil {
		return err
	}
	x, err := found(n)
	*into = append(*into, Reason{Path: path, Text: n.Sentence(say), Holds: holds, Found: n.Finding(say, x)})
	return err
}
