package segment

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/rule"
)

var (
	errGone   = fault.NewInvalid("segment_gone", "规则里引用的人群不存在，或不属于这个品牌")
	errCircle = fault.NewInvalid("segment_circle", "人群互相引用成了一个圈，请去掉其中一个引用")
	errDeep   = fault.Invalidf("segment_deep", "人群引用人群最多 %d 层", rule.MaxSegments)
	errHeavy  = fault.Invalidf("segment_heavy", "连同引用的人群一共有太多条件，最多 %d 个、行为条件 %d 个，请简化", heavyLeaves, heavyBehaviours)
)

// What a rule may cost together with the segments it names.
const (
	heavyLeaves     = 200
	heavyBehaviours = 30
)

// whole is a tree with the segments it names put in their places.
type whole struct {
	root      rule.Node
	uses      rule.Uses // with those of the segments
	profiling bool      // the rule, or a tag in it, needs consent to profiling
}

// expand puts the newest rules of named segments into a tree. Faults: Invalid
// rule_invalid, segment_gone, segment_circle, segment_deep, segment_heavy.
func (s *Store) expand(ctx context.Context, brandID id.ID, t rule.Tree) (whole, error) {
	return s.expandFor(ctx, brandID, 0, t)
}

// expandFor is expand for the rule of a segment (0: of none), which must not lead to it.
func (s *Store) expandFor(ctx context.Context, brandID, self id.ID, t rule.Tree) (w whole, err error) {
	if err := t.Check(); err != nil {
		return w, err
	}
	w.uses = t.Uses()
	var path []id.ID
	if self != 0 {
		path = []id.ID{self}
	}
	left := 2 * heavyLeaves
	if w.root, err = s.inline(ctx, brandID, t.Root, path, &w.uses, &left); err != nil {
		return w, err
	}
	leaves, behaviours := 0, 0
	w.root.Walk(func(n *rule.Node, _ int) bool {
		if n.Leaf() {
			leaves++
		}
		if n.Did != nil || n.Sequence != nil {
			behaviours++
		}
		return true
	})
	if leaves > heavyLeaves || behaviours > heavyBehaviours {
		return w, errHeavy
	}
	w.profiling, err = s.profiles(ctx, brandID, w.uses, map[id.ID]bool{})
	return w, err
}

// Used is all that a rule rests on, with what the segments in it name. Faults: Invalid
// rule_invalid, segment_gone, segment_circle, segment_deep, segment_heavy.
func (s *Store) Used(ctx context.Context, brandID id.ID, t rule.Tree) (rule.Uses, error) {
	w, err := s.expand(ctx, brandID, t)
	return w.uses, err
}

// profiles says whether what is used tells of what people did: by itself, by a tag, or by
// a list that was taken out of such a segment. seen are the lists that were looked at.
func (s *Store) profiles(ctx context.Context, brandID id.ID, u rule.Uses, seen map[id.ID]bool) (bool, error) {
	if u.Profiling {
		return true, nil
	}
	if len(u.Tags) > 0 {
		var n int64
		if err := s.db.Read(ctx).Raw("SELECT COUNT(*) FROM tag WHERE id IN ? AND profiling = 1", u.Tags).Scan(&n).Error; err != nil || n > 0 {
			return true, wrap("tags", err)
		}
	}
	lists := slices.DeleteFunc(slices.Clone(u.Lists), func(l id.ID) bool { return seen[l] })
	if len(lists) == 0 {
		return false, nil
	}
	for _, l := range lists {
		seen[l] = true
	}
	var derived int64 // as it was when it was taken; the rules below may look at other things by now
	if err := s.db.Read(ctx).Raw("SELECT COUNT(*) FROM segment_list WHERE id IN ? AND derived = 1", lists).Scan(&derived).Error; err != nil || derived > 0 {
		return true, wrap("lists", err)
	}
	var texts []string
	err := s.db.Read(ctx).Raw("SELECT DISTINCT v.tree FROM segment_list l JOIN segment_version v ON v.segment_id = l.segment_id AND v.version = l.version WHERE l.id IN ? AND l.brand_id = ?", lists, brandID).Scan(&texts).Error
	if err != nil {
		return true, wrap("lists", err)
	}
	for _, text := range texts {
		t, err := rule.Parse([]byte(text))
		if err != nil {
			return true, err
		}
		uses, left := t.Uses(), 2*heavyLeaves
		if _, err := s.inline(ctx, brandID, t.Root, nil, &uses, &left); err != nil {
			if f := new(fault.Fault); errors.As(err, &f) && f.Kind == fault.Invalid { // nobody can say any more: rather ask
				return true, nil
			}
			return true, err
		}
		if yes, err := s.profiles(ctx, brandID, uses, seen); yes || err != nil {
			return true, err
		}
	}
	return false, nil
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("segment: %s: %w", what, err)
}

// inline puts segments in their places. left is how much more there may be: segments that
// grew beneath each other would make more than a machine holds before it is counted.
func (s *Store) inline(ctx context.Context, brandID id.ID, n rule.Node, path []id.ID, uses *rule.Uses, left *int) (rule.Node, error) {
	if n.Leaf() {
		if *left--; *left < 0 {
			return n, errHeavy
		}
	}
	for _, list := range []*[]rule.Node{&n.All, &n.Any} {
		*list = slices.Clone(*list)
		for i, child := range *list {
			c, err := s.inline(ctx, brandID, child, path, uses, left)
			if err != nil {
				return n, err
			}
			(*list)[i] = c
		}
	}
	if n.Not != nil {
		c, err := s.inline(ctx, brandID, *n.Not, path, uses, left)
		n.Not = &c
		return n, err
	}
	if n.Segment == nil {
		return n, nil
	}
	switch {
	case slices.Contains(path, n.Segment.ID):
		return n, errCircle
	case len(path) >= rule.MaxSegments:
		return n, errDeep
	}
	t, err := s.current(ctx, brandID, n.Segment.ID)
	if err != nil {
		return n, err
	}
	*uses = uses.Merge(t.Uses())
	return s.inline(ctx, brandID, t.Root, append(slices.Clone(path), n.Segment.ID), uses, left)
}

// current is the newest rule of a segment of a brand.
func (s *Store) current(ctx context.Context, brandID, segmentID id.ID) (rule.Tree, error) {
	var texts []string
	err := s.db.Read(ctx).Raw("SELECT v.tree FROM segment s JOIN segment_version v ON v.segment_id = s.id AND v.version = s.version WHERE s.id = ? AND s.brand_id = ?", segmentID, brandID).Scan(&texts).Error
	if err != nil {
		return rule.Tree{}, fmt.Errorf("segment: rule: %w", err)
	}
	if len(texts) == 0 {
		return rule.Tree{}, errGone
	}
	return rule.Parse([]byte(texts[0]))
}

// where is a tree as a condition on the person p.
func (q *query) where(n *rule.Node) part {
	switch {
	case n.All != nil && len(n.All) == 0:
		return raw("1 = 1")
	case n.All != nil:
		return q.group(n.All, " AND ")
	case n.Any != nil:
		return q.group(n.Any, " OR ")
	case n.Not != nil:
		return join(raw("NOT ("), q.where(n.Not), raw(")"))
	case n.Random != nil:
		a, b := factors(n.Random.Salt)
		return raw("((p.person_id % ? * ? + ?) % ? % ?) BETWEEN ? AND ?", bucketPrime, a, b, bucketPrime, rule.Buckets, n.Random.From, n.Random.Until-1)
	}
	if n.Attr != nil && n.Attr.Name == rule.Reach {
		return q.reached(n.Attr)
	}
	if c, ok := columnFor(n); ok {
		cond, not := columnCond(n)
		return in(not, join(raw("SELECT person FROM ("), c.read(q), raw(") c WHERE "), cond))
	}
	l := leafOf(n)
	if l.ends {
		return in(l.not, join(raw("SELECT person FROM ("), l.read(q), raw(") c")))
	}
	return in(l.not, l.read(q))
}

func in(not bool, p part) part {
	head := "p.person_id IN ("
	if not {
		head = "p.person_id NOT IN ("
	}
	return join(raw(head), p, raw(")"))
}

func (q *query) group(list []rule.Node, and string) part {
	parts := []part{raw("(")}
	for i := range list {
		if i > 0 {
			parts = append(parts, raw(and))
		}
		parts = append(parts, q.where(&list[i]))
	}
	return join(append(parts, raw(")"))...)
}

// columnFor is the column that answers a condition, if one does.
func columnFor(n *rule.Node) (column, bool) {
	switch {
	case n.Attr != nil:
		return columnOf(n.Attr.Name)
	case n.Tag != nil && n.Tag.Op != rule.Gte && n.Tag.Op != rule.Lte && n.Tag.Op != rule.Between:
		return tagColumn(n.Tag.ID), true
	}
	return column{}, false
}

// columnCond is the condition on a column's value, and whether it is of whom it is false.
func columnCond(n *rule.Node) (cond part, not bool) {
	if n.Tag != nil {
		switch n.Tag.Op {
		case rule.Has, rule.Lacks:
			return raw("1 = 1"), n.Tag.Op == rule.Lacks
		}
		return raw("value IN ?", n.Tag.Values), false
	}
	spec, _ := rule.AttrOf(n.Attr.Name)
	switch {
	case n.Attr.Op == rule.Known || n.Attr.Op == rule.Unknown:
		return raw("1 = 1"), n.Attr.Op == rule.Unknown
	case spec.Kind == rule.Choice:
		return raw("value IN ?", n.Attr.Values), false
	}
	text, args := compared("value", n.Attr.Op, rule.Numbers(n.Attr.Values))
	return part{text, args}, false
}

// universe is of whom a rule is asked at all.
func (q *query) universe(profiling bool) part {
	p := raw("p.brand_id = ? AND p.live = 1", q.brandID)
	if profiling {
		p.text += " AND p.allows = 1"
	}
	if q.people != nil {
		p = join(p, raw(" AND p.person_id IN ?", q.people))
	}
	return p
}

func (s *Store) query(brandID id.ID) *query {
	return &query{driver: s.db.Driver(), brandID: brandID, now: s.db.Now()}
}

func run(tx *gorm.DB, p part) *gorm.DB { return tx.Raw(p.text, p.args...) }

// All calls yield with the people of a brand who fulfil a rule, by plain SQL, in order. An
// error of yield ends it and is returned. It holds a connection until it ends.
func (s *Store) All(ctx context.Context, brandID id.ID, t rule.Tree, yield func(person id.ID) error) error {
	w, err := s.expand(ctx, brandID, t)
	if err != nil {
		return err
	}
	for more := true; more; { // who asks by SQL wants what is true now
		if more, err = s.Refresh(ctx); err != nil {
			return err
		}
	}
	if slices.Contains(w.uses.Attrs, rule.Reach) {
		return s.allByPages(ctx, brandID, w, yield)
	}
	q := s.query(brandID)
	stmt := join(raw("SELECT p.person_id FROM segment_person p WHERE "), q.universe(w.profiling), raw(" AND "), q.where(&w.root), raw(" ORDER BY p.person_id"))
	rows, err := run(s.db.Read(ctx), stmt).Rows()
	if err != nil {
		return fmt.Errorf("segment: all: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var p id.ID
		if err := rows.Scan(&p); err != nil {
			return fmt.Errorf("segment: all: %w", err)
		}
		if err := yield(p); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("segment: all: %w", err)
	}
	return nil
}

// amongPer bounds one question of Among.
const amongPer = 500

// Among says of which members the humans fulfil a rule, by SQL that reads only them. Who
// changed a moment ago is brought up to date first.
func (s *Store) Among(ctx context.Context, brandID id.ID, t rule.Tree, members []id.ID) (map[id.ID]bool, error) {
	w, err := s.expand(ctx, brandID, t)
	if err != nil {
		return nil, err
	}
	out := map[id.ID]bool{}
	for part := range slices.Chunk(members, amongPer) {
		f, err := s.familiesOf(ctx, part)
		if err == nil {
			err = s.settleAmong(ctx, f.all)
		}
		if err != nil {
			return nil, err
		}
		found, err := s.among(ctx, brandID, w.profiling, &w.root, f)
		if err != nil {
			return nil, err
		}
		for _, m := range part {
			if found[f.root[m]] {
				out[m] = true
			}
		}
	}
	return out, nil
}

// among says which roots of families fulfil a node.
func (s *Store) among(ctx context.Context, brandID id.ID, profiling bool, n *rule.Node, f families) (map[id.ID]bool, error) {
	q := s.query(brandID)
	q.people, q.members = f.roots, f.all
	if err := s.ask(ctx, q, n); err != nil {
		return nil, err
	}
	var found []id.ID
	err := run(s.db.Read(ctx), join(raw("SELECT p.person_id FROM segment_person p WHERE "), q.universe(profiling), raw(" AND "), q.where(n))).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("segment: among: %w", err)
	}
	out := make(map[id.ID]bool, len(found))
	for _, p := range found {
		out[p] = true
	}
	return out, nil
}
