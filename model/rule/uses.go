package rule

import (
	"maps"
	"slices"

	"siyu/model/id"
)

// Uses is what a rule is made of: what must be asked before it is trusted, and what
// changes it.
type Uses struct {
	Tags     []id.ID  `json:"tag_ids"`
	Segments []id.ID  `json:"segment_ids"`
	Lists    []id.ID  `json:"list_ids"`
	Products []id.ID  `json:"product_ids"`
	Acts     []string `json:"acts"`   // as Acts names them
	Events   []string `json:"events"` // types of event that may change it, as model/event names them
	Attrs    []string `json:"attrs"`
	// Profiling: only people who allow profiling may be asked. It is of the rule itself;
	// tags and segments that it names may need it too (Merge).
	Profiling bool `json:"profiling"`
	// Clock: who fulfils it changes with time alone, at midnight in Shanghai.
	Clock bool `json:"clock"`
}

// EventsOf are the types of event that an act is made of.
func EventsOf(what string) []string {
	switch what {
	case Bought:
		return []string{Claim, Order}
	case Redeemed:
		return []string{"coupon"}
	}
	return []string{what}
}

// Uses says what a tree is made of, every list in order and without repetition.
func (t Tree) Uses() Uses {
	tags, segments, lists, products := map[id.ID]bool{}, map[id.ID]bool{}, map[id.ID]bool{}, map[id.ID]bool{}
	acts, events, attrs := map[string]bool{}, map[string]bool{}, map[string]bool{}
	var u Uses
	did := func(what string, of []id.ID) {
		acts[what], u.Profiling = true, true
		for _, p := range of {
			products[p] = true
		}
		for _, e := range EventsOf(what) {
			events[e] = true
		}
	}
	t.Root.Walk(func(n *Node, _ int) bool {
		switch {
		case n.Tag != nil:
			tags[n.Tag.ID] = true
		case n.Segment != nil:
			segments[n.Segment.ID] = true
		case n.List != nil:
			lists[n.List.ID] = true
		case n.Attr != nil:
			spec, _ := AttrOf(n.Attr.Name)
			attrs[n.Attr.Name] = true
			u.Profiling, u.Clock = u.Profiling || spec.Profiling, u.Clock || spec.Clock
			for _, e := range attrEvents(n.Attr.Name) {
				events[e] = true
			}
		case n.Did != nil:
			did(n.Did.What, slices.Concat(n.Did.ProductIDs, n.Did.ExceptIDs))
			u.Clock = u.Clock || n.Did.WithinDays > 0 || n.Did.Measure == First || n.Did.Measure == Last
		case n.Sequence != nil:
			for _, s := range n.Sequence.Steps {
				did(s.What, s.ProductIDs)
			}
			u.Clock = u.Clock || n.Sequence.WindowDays > 0
		}
		return true
	})
	u.Tags, u.Segments, u.Lists, u.Products = sorted(tags), sorted(segments), sorted(lists), sorted(products)
	u.Acts, u.Events, u.Attrs = sorted(acts), sorted(events), sorted(attrs)
	return u
}

// attrEvents are the types of event that change an attribute.
func attrEvents(name string) []string {
	switch name {
	case Stage:
		return []string{Scan, Claim, Order, Review, Login, Follow, Clicked}
	case R, F, M, TierLevel:
		return []string{Claim, Order}
	case Province:
		return []string{Scan, Claim}
	case Follows, Reach:
		return []string{Follow, Unfollow}
	case HasReferrer, Referees, Depth:
		return []string{"referral"}
	case Origin:
		return []string{Scan, Claim, Order, Follow, Login, "referral"}
	}
	return nil
}

// Merge is what two rules use together.
func (u Uses) Merge(o Uses) Uses {
	return Uses{Tags: both(u.Tags, o.Tags), Segments: both(u.Segments, o.Segments), Lists: both(u.Lists, o.Lists), Products: both(u.Products, o.Products),
		Acts: both(u.Acts, o.Acts), Events: both(u.Events, o.Events), Attrs: both(u.Attrs, o.Attrs),
		Profiling: u.Profiling || o.Profiling, Clock: u.Clock || o.Clock}
}

func both[T id.ID | string](a, b []T) []T {
	list := slices.Concat(a, b)
	slices.Sort(list)
	return slices.Compact(list)
}

func sorted[T id.ID | string](set map[T]bool) []T {
	list := slices.AppendSeq(make([]T, 0, len(set)), maps.Keys(set))
	slices.Sort(list)
	return list
}
