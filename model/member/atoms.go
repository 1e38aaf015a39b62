package member

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/id"
)

// OfAllTx is Of for many persons in the caller's transaction: who has no member gets
// one. It returns the member of each person.
func (s *Store) OfAllTx(ctx context.Context, tx *gorm.DB, persons []id.ID) (map[id.ID]id.ID, error) {
	persons = slices.Compact(slices.Sorted(slices.Values(persons)))
	out := make(map[id.ID]id.ID, len(persons))
	for part := range slices.Chunk(persons, 500) {
		rows := db.NewRows("member", "id, person_id, state, created_at")
		for _, p := range part {
			rows.Add(s.db.NewID(), p, Active, s.db.Now())
		}
		if _, err := rows.Insert(ctx, tx, s.db.Once("person_id")); err != nil {
			return nil, fmt.Errorf("member: create: %w", err)
		}
		var list []struct{ ID, PersonID id.ID }
		if err := tx.Raw("SELECT id, person_id FROM member WHERE person_id IN ?", part).Scan(&list).Error; err != nil {
			return nil, fmt.Errorf("member: create: %w", err)
		}
		for _, m := range list {
			out[m.PersonID] = m.ID
		}
	}
	return out, nil
}

// DropTx deletes the members of persons who were made by mistake. The caller has made
// sure that nothing refers to them.
func (s *Store) DropTx(ctx context.Context, tx *gorm.DB, persons []id.ID) error {
	for part := range slices.Chunk(persons, 500) {
		if err := tx.WithContext(ctx).Exec("DELETE FROM member WHERE person_id IN ?", part).Error; err != nil {
			return fmt.Errorf("member: drop: %w", err)
		}
	}
	return nil
}
