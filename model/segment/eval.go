package segment

import (
	"encoding/json"
	"strconv"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/rule"
	"siyu/model/segment/bits"
)

// eval is who fulfils a node; the set must not be changed.
func (e *engine) eval(n *rule.Node, universe *bits.Set) *bits.Set {
	switch {
	case n.All != nil:
		return e.all(n.All, universe)
	case n.Any != nil:
		sets := make([]*bits.Set, len(n.Any))
		for i := range n.Any {
			sets[i] = e.eval(&n.Any[i], universe)
		}
		return bits.Any(sets)
	}
	return e.all([]rule.Node{*n}, universe)
}

// all divides nodes into those who must be and those who must not, so that a negation
// takes away instead of making a set of nearly everybody.
func (e *engine) all(list []rule.Node, universe *bits.Set) *bits.Set {
	var in, out []*bits.Set
	for i := range list {
		n, not := &list[i], false
		for n.Not != nil {
			n, not = n.Not, !not
		}
		var s *bits.Set
		if n.Leaf() {
			var opposite bool
			s, opposite = e.leaf(n)
			not = not != opposite
		} else {
			s = e.eval(n, universe)
		}
		if not {
			out = append(out, s)
		} else {
			in = append(in, s)
		}
	}
	return bits.All(universe, in, out)
}

// leaf is whom a condition is true of, or false of.
func (e *engine) leaf(n *rule.Node) (s *bits.Set, not bool) {
	if n.Random != nil {
		key, err := json.Marshal(n)
		if err != nil {
			panic("segment: " + err.Error()) // a text and numbers
		}
		return e.need(column{key: string(key), told: true}, n.Random).Any(), false
	}
	c, ok := columnFor(n)
	if !ok {
		l := leafOf(n)
		return e.need(l.column(), nil).Any(), l.not
	}
	set := e.need(c, nil)
	if n.Tag != nil {
		if n.Tag.Op == rule.Has || n.Tag.Op == rule.Lacks {
			return set.Any(), n.Tag.Op == rule.Lacks
		}
		return set.Of(n.Tag.Values...), false
	}
	spec, _ := rule.AttrOf(n.Attr.Name)
	switch {
	case n.Attr.Op == rule.Known || n.Attr.Op == rule.Unknown:
		return set.Any(), n.Attr.Op == rule.Unknown
	case spec.Kind != rule.Number:
		return set.Of(n.Attr.Values...), false
	}
	values := rule.Numbers(n.Attr.Values)
	return set.Match(func(v string) bool {
		x, err := strconv.ParseInt(v, 10, 64)
		return err == nil && holds(x, n.Attr.Op, values)
	}), false
}

// need is a fact that is held; the parts of a random one are made of the people.
func (e *engine) need(c column, r *rule.Random) *bits.Column {
	now := e.s.db.Now()
	f := e.facts[c.key]
	if f == nil { // load has read all others before anything is evaluated
		l := bits.NewLoader()
		draw(e.people, r, nil, l)
		f = &fact{column: c, at: now, of: clock.DayOf(now), random: r, set: l.Column()}
		e.facts[c.key] = f
	}
	f.used = now
	return f.set
}

// draw puts the people of a random part into a loader.
func draw(p *bits.People, r *rule.Random, among []id.ID, l *bits.Loader) {
	of := bucket(r.Salt)
	add := func(person id.ID, n uint32) {
		if b := of(person); r.From <= b && b < r.Until {
			l.Add("", n)
		}
	}
	if among == nil {
		for n, person := range p.IDs() {
			if person != 0 {
				add(person, uint32(n))
			}
		}
	}
	for _, person := range among {
		if n, ok := p.Number(person); ok {
			add(person, n)
		}
	}
}
