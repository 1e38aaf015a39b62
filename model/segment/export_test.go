package segment

import (
	"context"
	"errors"
	"sync/atomic"

	"siyu/model/id"
	"siyu/model/rule"
)

// Parts lets a store read in parts of so many people whatever the size of a brand.
func (s *Store) Parts(people int) *Store {
	s.few, s.cell = 0, people
	return s
}

// LetGo lets go of a brand's facts, not of its people.
func (s *Store) LetGo(brandID id.ID) {
	e := s.engine(brandID)
	e.mu <- struct{}{}
	defer e.unlock()
	e.facts, e.longest = map[string]*fact{}, 0
}

// OneQuery reads what a condition is about by one query for the whole brand.
func (s *Store) OneQuery(ctx context.Context, brandID id.ID, n *rule.Node) error {
	_, err := s.engine(brandID).values(ctx, &columns(n)[0], s.query(brandID), nil)
	return err
}

// Loads is how often facts were read.
func (s *Store) Loads(brandID id.ID) int { return s.engine(brandID).read }

// Busy holds a brand's bitmaps until it is called.
func (s *Store) Busy(brandID id.ID) (free func()) {
	e := s.engine(brandID)
	e.mu <- struct{}{}
	return e.unlock
}

// Aside begins to read what a tree is about for nobody who waits, and steps aside after so
// many looks whether somebody does; false: it did not have to.
func (s *Store) Aside(ctx context.Context, brandID id.ID, t rule.Tree, looks int32) (bool, error) {
	w, err := s.expand(ctx, brandID, t)
	if err != nil {
		return false, err
	}
	e := s.engine(brandID)
	if err := e.lock(ctx); err != nil {
		return false, err
	}
	err = e.sync(ctx)
	about := e.missing(columns(&w.root)) // each once, as whoever loads has them
	e.unlock()
	if err != nil {
		return false, err
	}
	var looked atomic.Int32
	err = e.load(ctx, about, func(c column) bool { return !e.facts[c.key].fresh(s.db.Now()) }, func() bool { return looked.Add(1) > looks })
	if errors.Is(err, errAside) {
		return true, nil
	}
	return false, err
}

// Waits says that so many more wait for facts to be read.
func (s *Store) Waits(brandID id.ID, more int32) { s.engine(brandID).waiting.Add(more) }

// Whole is how many acts are read by one query at most.
const Whole = wholeActs

// Restored says whether bitmaps began with a file, and how many facts are held.
func (s *Store) Restored(brandID id.ID) (from bool, facts int) {
	e := s.engine(brandID)
	return e.savedAt != 0, len(e.facts)
}

// Reprint writes the file as a program would have whose SQL differs.
func (s *Store) Reprint(ctx context.Context, brandID id.ID) error {
	e := s.engine(brandID)
	h, people, cells, _ := e.picture(s.db.Now())
	var err error
	h.Witness, err = e.witness(ctx, h.Seq)
	if err == nil {
		h.Schema, err = e.schema(ctx)
	}
	if err != nil {
		return err
	}
	return e.write(h, people, cells) // without prints
}
