package member

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
)

// Filter narrows List and Count; zero fields do not.
type Filter struct {
	State       string
	JoinedFrom  clock.Instant
	JoinedUntil clock.Instant
	Tail        string // the end of the number as id.Tail writes it
	Before      id.ID  // cursor: the last id of the page before
	Limit       int
}

func (s *Store) filtered(ctx context.Context, f Filter) *gorm.DB {
	q := s.db.Read(ctx).Model(&Member{})
	if f.State != "" {
		q = q.Where("state = ?", f.State)
	}
	if f.JoinedFrom != 0 {
		q = q.Where("created_at >= ?", f.JoinedFrom)
	}
	if f.JoinedUntil != 0 {
		q = q.Where("created_at < ?", f.JoinedUntil)
	}
	if f.Tail != "" {
		q = q.Where("tail = ?", id.OfTail(f.Tail))
	}
	return q
}

// Has says whether a member is one that the filter finds.
func (f Filter) Has(m Member) bool {
	return (f.State == "" || m.State == f.State) && (f.Tail == "" || m.ID.Tail() == f.Tail) && m.CreatedAt >= f.JoinedFrom && (f.JoinedUntil == 0 || m.CreatedAt < f.JoinedUntil)
}

// List pages members, newest first.
func (s *Store) List(ctx context.Context, f Filter) ([]Member, error) {
	out := []Member{}
	if err := db.Page(s.filtered(ctx, f), "member", f.Before, f.Limit).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("member: list: %w", err)
	}
	return out, nil
}

// Count is how many members a filter finds, up to db.MaxTotal; more: there are others.
func (s *Store) Count(ctx context.Context, f Filter) (n int, more bool, err error) {
	return db.Total(s.filtered(ctx, f))
}

// Many returns members by their ids, in the order asked for; unknown ones are left out.
func (s *Store) Many(ctx context.Context, ids []id.ID) ([]Member, error) {
	found := make(map[id.ID]Member, len(ids))
	for part := range slices.Chunk(ids, 500) {
		var list []Member
		if err := s.db.Read(ctx).Where("id IN ?", part).Find(&list).Error; err != nil {
			return nil, fmt.Errorf("member: many: %w", err)
		}
		for _, m := range list {
			found[m.ID] = m
		}
	}
	out := make([]Member, 0, len(ids))
	for _, i := range ids {
		if m, ok := found[i]; ok {
			out = append(out, m)
		}
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
