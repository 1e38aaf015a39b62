package identity

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// familyMost bounds a component: a human is not fifty people, a mistake of a rule is.
const familyMost = 50

var (
	errPerson = fault.New(fault.NotFound, "person_not_found", "没有这个人")
	errBusy   = fault.New(fault.Unavailable, "busy", "系统繁忙，请稍后再试")
)

// Change is what a merge, or taking one back, did to the components concerned.
type Change struct {
	MergeID id.ID
	Undone  bool
	Roots   map[id.ID]id.ID // every person of the components concerned -> his root now
}

// Follower is told of a change inside its transaction; its error undoes the change. It
// may run several times for one change, each time in a new transaction.
type Follower func(ctx context.Context, tx *gorm.DB, c Change) error

// Follow registers a follower. Not safe beside calls of other methods: contexts
// register when they are made.
func (s *Store) Follow(f Follower) { s.followers = append(s.followers, f) }

// human is one atom of a component.
type human struct {
	ID        id.ID
	RootID    id.ID // as stored: 0 is itself
	CreatedAt clock.Instant
}

func (h human) root() id.ID {
	if h.RootID == 0 {
		return h.ID
	}
	return h.RootID
}

// older orders persons: the oldest is the root (祖ID), so that the choice depends on no
// order of merges.
func older(a, b human) int {
	return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

// rootsOf reads the roots of persons. Fault: NotFound person_not_found.
func rootsOf(tx *gorm.DB, persons []id.ID) (map[id.ID]id.ID, error) {
	out := make(map[id.ID]id.ID, len(persons))
	for part := range slices.Chunk(persons, 500) {
		var list []human
		if err := tx.Raw("SELECT id, root_id, created_at FROM person WHERE id IN ?", part).Scan(&list).Error; err != nil {
			return nil, fmt.Errorf("identity: roots: %w", err)
		}
		for _, h := range list {
			out[h.ID] = h.root()
		}
	}
	for _, p := range persons {
		if out[p] == 0 {
			return nil, errPerson
		}
	}
	return out, nil
}

// familyOf reads the persons of components by their roots, oldest first.
func familyOf(tx *gorm.DB, roots ...id.ID) ([]human, error) {
	var list []human
	err := tx.Raw("SELECT id, root_id, created_at FROM person WHERE id IN ? UNION ALL SELECT id, root_id, created_at FROM person WHERE root_id IN ?", roots, roots).Scan(&list).Error
	if err != nil {
		return nil, fmt.Errorf("identity: family: %w", err)
	}
	slices.SortFunc(list, older)
	return list, nil
}

func idsOf(list []human) []id.ID {
	out := make([]id.ID, len(list))
	for i, h := range list {
		out[i] = h.ID
	}
	return out
}

// Roots returns the root of each person. Fault: NotFound person_not_found.
func (s *Store) Roots(ctx context.Context, persons []id.ID) (map[id.ID]id.ID, error) {
	return rootsOf(s.db.Read(ctx), persons)
}

// Family returns the persons who are the same human, the root first.
// Fault: NotFound person_not_found.
func (s *Store) Family(ctx context.Context, person id.ID) ([]id.ID, error) {
	tx := s.db.Read(ctx)
	roots, err := rootsOf(tx, []id.ID{person})
	if err != nil {
		return nil, err
	}
	list, err := familyOf(tx, roots[person])
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(list, func(a, b human) int { // the root is the oldest; this holds whatever the clocks said
		return cmp.Compare(b2i(b.ID == roots[person]), b2i(a.ID == roots[person]))
	})
	return idsOf(list), nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// lock makes the transaction the only writer of the components of these persons, and
// returns their roots. Whoever changes a component, or adds a key to it, updates the
// row of its root first; roots are taken in the order of their ids, so that two
// transactions wait for one another and do not deadlock. It must run at READ COMMITTED
// (InFreshTx): what it reads after the wait must be what the other one left.
func (s *Store) lock(ctx context.Context, tx *gorm.DB, persons ...id.ID) (map[id.ID]id.ID, error) {
	roots, err := rootsOf(tx, persons)
	for range 4 {
		if err != nil {
			return nil, err
		}
		rows := sortedRoots(roots)
		for part := range slices.Chunk(rows, 500) {
			args := make([]any, len(part))
			for i, r := range part {
				args[i] = r
			}
			if _, err := db.Exec(ctx, tx, "UPDATE person SET version = version + 1 WHERE id IN "+db.Marks(len(part)), args...); err != nil {
				return nil, fmt.Errorf("identity: lock: %w", err)
			}
		}
		var now map[id.ID]id.ID
		if now, err = rootsOf(tx, persons); err == nil && slices.Equal(sortedRoots(now), rows) {
			return now, nil
		}
		roots = now // a merge was faster: its root is the one to wait for
	}
	return nil, errBusy
}

func sortedRoots(roots map[id.ID]id.ID) []id.ID {
	out := make([]id.ID, 0, len(roots))
	for _, r := range roots {
		out = append(out, r)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// join is one merged row: two persons who count as one.
type join struct{ PersonID, OtherID id.ID }

// components finds the root of each person from the joins alone.
func components(people []human, joins []join) map[id.ID]id.ID {
	people = slices.SortedFunc(slices.Values(people), older)
	parent := make(map[id.ID]id.ID, len(people))
	rank := make(map[id.ID]int, len(people))
	for i, h := range people {
		parent[h.ID], rank[h.ID] = h.ID, i
	}
	var find func(p id.ID) id.ID
	find = func(p id.ID) id.ID {
		if parent[p] != p {
			parent[p] = find(parent[p])
		}
		return parent[p]
	}
	for _, j := range joins {
		a, b := find(j.PersonID), find(j.OtherID)
		if rank[b] < rank[a] {
			a, b = b, a
		}
		parent[b] = a // the older one stays on top
	}
	out := make(map[id.ID]id.ID, len(people))
	for _, h := range people {
		out[h.ID] = find(h.ID)
	}
	return out
}

// settle computes the components of these persons anew from the merges that stand,
// stores the roots that differ and tells the followers. The caller holds the lock.
func (s *Store) settle(ctx context.Context, tx *gorm.DB, people []human, mergeID id.ID, undone bool) error {
	var joins []join
	err := tx.Raw("SELECT person_id, other_id FROM identity_merge WHERE state = ? AND person_id IN ?", Merged, idsOf(people)).Scan(&joins).Error
	if err != nil {
		return fmt.Errorf("identity: components: %w", err)
	}
	roots := components(people, joins)
	for _, h := range people {
		root := roots[h.ID]
		if root == h.ID {
			root = 0
		}
		if root == h.RootID {
			continue
		}
		if _, err := db.Exec(ctx, tx, "UPDATE person SET root_id = ? WHERE id = ?", root, h.ID); err != nil {
			return fmt.Errorf("identity: root: %w", err)
		}
	}
	for _, f := range s.followers {
		if err := f(ctx, tx, Change{MergeID: mergeID, Undone: undone, Roots: roots}); err != nil {
			return err
		}
	}
	return nil
}
