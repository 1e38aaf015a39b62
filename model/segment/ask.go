package segment

import (
	"context"
	"iter"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/rule"
	"siyu/model/segment/bits"
)

// People is a set of people as it stood at one moment.
type People struct {
	AsOf  clock.Instant
	set   *bits.Set
	ids   []id.ID
	brand int // everybody of the brand
	asked int // of whom the rule was asked
	// derived: it says what people did. allowed are those who agree to that, else nil.
	derived bool
	allowed *bits.Set
}

// Derived says that they were found by what people did: it is asked of those who agree to that.
func (p People) Derived() bool { return p.derived }

// Count is how many there are.
func (p People) Count() int64 { return int64(p.set.GetCardinality()) }

// Each goes through them, in the order in which the brand met them.
func (p People) Each() iter.Seq[id.ID] {
	return func(yield func(id.ID) bool) {
		for it := p.set.Iterator(); it.HasNext(); {
			if !yield(p.ids[it.Next()]) {
				return
			}
		}
	}
}

// After goes through those with a number above after (0: all), with their numbers: a
// place to go on from.
func (p People) after(after uint32, first bool) iter.Seq2[uint32, id.ID] {
	return func(yield func(uint32, id.ID) bool) {
		it := p.set.Iterator()
		if !first {
			it.AdvanceIfNeeded(after + 1)
		}
		for it.HasNext() {
			if n := it.Next(); !yield(n, p.ids[n]) {
				return
			}
		}
	}
}

// Find is who fulfils a rule now, by bitmaps. Notes that wait are not in it: they are a
// second or two old (Refresh).
func (s *Store) Find(ctx context.Context, brandID id.ID, t rule.Tree) (People, error) {
	w, err := s.expand(ctx, brandID, t)
	if err != nil {
		return People{}, err
	}
	return s.find(ctx, brandID, w)
}

func (s *Store) find(ctx context.Context, brandID id.ID, w whole) (p People, err error) {
	e, about := s.engine(brandID), columns(&w.root)
	for {
		if err := e.lock(ctx); err != nil {
			return p, err
		}
		var missing []column
		if err = e.sync(ctx); err == nil {
			if missing = e.missing(about); len(missing) == 0 {
				p = e.ask(w)
			}
		}
		e.unlock()
		if err != nil || len(missing) == 0 {
			return p, err
		}
		if err := e.load(ctx, missing, func(c column) bool { return !e.facts[c.key].fresh(s.db.Now()) }, nil); err != nil {
			return p, err
		}
	}
}

// ask evaluates a rule whose facts are held.
func (e *engine) ask(w whole) People {
	universe := e.people.Live
	if w.profiling {
		universe = roaring.And(universe, e.people.Allows)
	}
	set := e.eval(&w.root, universe)
	p := People{AsOf: e.s.db.Now(), set: set, ids: e.people.IDs(), brand: int(e.people.Live.GetCardinality()), asked: int(universe.GetCardinality()), derived: w.profiling}
	if w.profiling {
		p.allowed = universe
	}
	if set == e.people.Live || set == universe { // these change in place
		p.set = set.Clone()
	}
	return p
}

// Held is what the process holds of a brand.
type Held struct {
	People int
	Facts  int
	Bytes  uint64
	// Longest is how long the longest of the queries took that read people and facts.
	Longest time.Duration
}

// Held says what the process holds of a brand.
func (s *Store) Held(brandID id.ID) Held {
	e := s.engine(brandID)
	e.mu <- struct{}{}
	defer e.unlock()
	if e.people == nil {
		return Held{}
	}
	return Held{People: e.people.Len(), Facts: len(e.facts), Bytes: e.bytes(), Longest: e.longest}
}

// Drop lets go of what the process holds of a brand; the next question loads it anew.
func (s *Store) Drop(brandID id.ID) {
	e := s.engine(brandID)
	e.mu <- struct{}{}
	defer e.unlock()
	e.drop()
	e.draft = nil
}
