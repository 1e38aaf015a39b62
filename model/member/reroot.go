package member

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/identity"
)

// Regroup is what a merge, or taking one back, did to families.
type Regroup struct {
	MergeID id.ID
	Undone  bool
	Roots   map[id.ID]id.ID // every member of the families concerned -> his root now
}

// Follower is told of a regrouping inside its transaction; its error undoes the merge.
// It may run several times for one, each time in a new transaction.
type Follower func(ctx context.Context, tx *gorm.DB, g Regroup) error

// Follow registers a follower, for contexts that must hand something back when a family
// parts. Not safe beside calls of other methods.
func (s *Store) Follow(f Follower) { s.followers = append(s.followers, f) }

// regroup keeps member.root_id equal to what identity says of the persons. Persons
// without a member get one now: a member that was made at the same time would not know
// of the merge, and the unique key makes one of the two wait for the other.
func (s *Store) regroup(ctx context.Context, tx *gorm.DB, c identity.Change) error {
	persons := make([]id.ID, 0, len(c.Roots))
	for p := range c.Roots {
		persons = append(persons, p)
	}
	slices.Sort(persons)
	rows := db.NewRows("member", "id, person_id, state, created_at")
	for _, p := range persons {
		rows.Add(s.db.NewID(), p, Active, s.db.Now())
	}
	if _, err := rows.Insert(ctx, tx, s.db.Once("person_id")); err != nil {
		return fmt.Errorf("member: regroup: %w", err)
	}
	var list []struct{ ID, PersonID, RootID id.ID }
	if err := tx.Raw("SELECT id, person_id, root_id FROM member WHERE person_id IN ?", persons).Scan(&list).Error; err != nil {
		return fmt.Errorf("member: regroup: %w", err)
	}
	of := make(map[id.ID]id.ID, len(list)) // person -> member
	for _, m := range list {
		of[m.PersonID] = m.ID
	}
	g := Regroup{MergeID: c.MergeID, Undone: c.Undone, Roots: make(map[id.ID]id.ID, len(list))}
	for _, m := range list {
		root := of[c.Roots[m.PersonID]]
		g.Roots[m.ID] = root
		if root == m.ID {
			root = 0
		}
		if root == m.RootID {
			continue
		}
		if _, err := db.Exec(ctx, tx, "UPDATE member SET root_id = ? WHERE id = ?", root, m.ID); err != nil {
			return fmt.Errorf("member: regroup: %w", err)
		}
	}
	for _, f := range s.followers {
		if err := f(ctx, tx, g); err != nil {
			return err
		}
	}
	return nil
}
