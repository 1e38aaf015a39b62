package bits

import (
	"maps"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// Column is a fact of few values: for each value the people who have it, of whom a person
// may be under several.
type Column struct {
	values map[string]*Set
}

// Loader fills a column. Numbers come in any order.
type Loader struct {
	values map[string][]uint32
}

// NewLoader begins a column.
func NewLoader() *Loader { return &Loader{map[string][]uint32{}} }

// Add says that a person has a value.
func (l *Loader) Add(value string, number uint32) { l.values[value] = append(l.values[value], number) }

// Column is what was added. It ends the loader.
func (l *Loader) Column() *Column {
	c := &Column{make(map[string]*Set, len(l.values))}
	for v, list := range l.values {
		slices.Sort(list)
		s := roaring.BitmapOf(list...)
		s.RunOptimize()
		c.values[v] = s
		delete(l.values, v) // one at a time, so that both are never whole
	}
	return c
}

// Replace takes people out of all values and puts in what was added for them. Sets that
// were given out before stay as they were.
func (c *Column) Replace(who *Set, l *Loader) {
	for v, s := range c.values {
		add, there := l.values[v]
		if !there && !s.Intersects(who) {
			continue
		}
		s = roaring.AndNot(s, who)
		s.AddMany(add)
		if delete(l.values, v); s.IsEmpty() {
			delete(c.values, v)
		} else {
			c.values[v] = s
		}
	}
	for v, list := range l.values {
		slices.Sort(list)
		c.values[v] = roaring.BitmapOf(list...)
	}
}

// Clone is the column as it is now.
func (c *Column) Clone() *Column { return &Column{maps.Clone(c.values)} }

// Of is who has one of the values.
func (c *Column) Of(values ...string) *Set {
	sets := make([]*Set, 0, len(values))
	for _, v := range values {
		if s := c.values[v]; s != nil {
			sets = append(sets, s)
		}
	}
	return union(sets)
}

// Match is who has a value that fits.
func (c *Column) Match(fits func(value string) bool) *Set {
	var sets []*Set
	for v, s := range c.values {
		if fits(v) {
			sets = append(sets, s)
		}
	}
	return union(sets)
}

// Any is who has a value.
func (c *Column) Any() *Set { return union(slices.Collect(maps.Values(c.values))) }

// Values are the values in use, in order.
func (c *Column) Values() []string { return slices.Sorted(maps.Keys(c.values)) }

// Bytes is about how much memory the column takes.
func (c *Column) Bytes() (n uint64) {
	for v, s := range c.values {
		n += s.GetSizeInBytes() + uint64(len(v)) + 48
	}
	return n
}

func union(sets []*Set) *Set {
	switch len(sets) {
	case 0:
		return roaring.New()
	case 1:
		return sets[0]
	}
	return roaring.FastOr(sets...)
}

// All is who is in the universe, in each of the sets and in none of the others. The
// smallest goes first: what is not in it is never looked at. The result may be the
// universe or one of the sets itself.
func All(universe *Set, in, out []*Set) *Set {
	in = append(slices.Clone(in), universe)
	slices.SortFunc(in, func(a, b *Set) int { return int(a.GetCardinality()) - int(b.GetCardinality()) })
	got := in[0]
	for _, s := range in[1:] {
		got = roaring.And(got, s)
	}
	for _, s := range out {
		got = roaring.AndNot(got, s)
	}
	return got
}

// Any is who is in one of the sets at least.
func Any(sets []*Set) *Set { return union(sets) }
