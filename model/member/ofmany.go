package member

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/id"
)

// OfMany is Of for many persons, by person: one read, and one insert for those who have
// no member yet.
func (s *Store) OfMany(ctx context.Context, persons []id.ID) (map[id.ID]id.ID, error) {
	found := make(map[id.ID]id.ID, len(persons))
	missing, err := s.findMany(ctx, persons, found)
	if err != nil || len(missing) == 0 {
		return found, err
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		for part := range slices.Chunk(missing, manyMost) {
			rows := db.NewRows("member", "id, person_id, state, created_at")
			for _, p := range part {
				rows.Add(s.db.NewID(), p, Active, s.db.Now())
			}
			if _, err := rows.Insert(ctx, tx, s.db.Once("person_id")); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("member: create many: %w", err)
	}
	if missing, err = s.findMany(ctx, missing, found); err == nil && len(missing) > 0 {
		err = fmt.Errorf("member: %d persons have no member after one was made", len(missing))
	}
	return found, err
}

// manyMost bounds one statement.
const manyMost = 1000

// findMany adds the members of persons to found and returns who has none, each once and
// in order: two processes that make the same ones do not wait for each other.
func (s *Store) findMany(ctx context.Context, persons []id.ID, found map[id.ID]id.ID) (missing []id.ID, err error) {
	persons = slices.Compact(slices.Sorted(slices.Values(persons)))
	for part := range slices.Chunk(persons, manyMost) {
		var rows []Member
		if err := s.db.Read(ctx).Select("id, person_id").Where("person_id IN ?", part).Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("member: read many: %w", err)
		}
		for _, m := range rows {
			found[m.PersonID] = m.ID
		}
	}
	for _, p := range persons {
		if found[p] == 0 {
			missing = append(missing, p)
		}
	}
	return missing, nil
}
