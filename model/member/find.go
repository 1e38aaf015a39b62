package member

import (
	"context"
	"fmt"
	"slices"

	"siyu/model/db"
	"siyu/model/id"
)

// Filter narrows List; zero fields do not.
type Filter struct {
	State  string
	Before id.ID // cursor: the last id of the page before
	Limit  int
}

// List pages members, newest first.
func (s *Store) List(ctx context.Context, f Filter) ([]Member, error) {
	q := s.db.Read(ctx)
	if f.State != "" {
		q = q.Where("state = ?", f.State)
	}
	out := []Member{}
	if err := db.Page(q, "member", f.Before, f.Limit).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("member: list: %w", err)
	}
	return out, nil
}

// Known returns the members of persons, by person, and makes none.
func (s *Store) Known(ctx context.Context, persons []id.ID) (map[id.ID]Member, error) {
	out := make(map[id.ID]Member, len(persons))
	for part := range slices.Chunk(persons, 500) {
		var list []Member
		if err := s.db.Read(ctx).Where("person_id IN ?", part).Find(&list).Error; err != nil {
			return nil, fmt.Errorf("member: known: %w", err)
		}
		for _, m := range list {
			out[m.PersonID] = m
		}
	}
	return out, nil
}
