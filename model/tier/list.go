package tier

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/id"
)

// A standing is what the last computation found: right for lists, never told to a person.

func (s *Store) atLevel(ctx context.Context, brandID id.ID, level int) *gorm.DB {
	return s.db.Read(ctx).Table("tier_standing").Where("brand_id = ? AND level = ?", brandID, level)
}

// MembersAt pages the members of a brand's level by descending id, after the member before
// (0: the first page).
func (s *Store) MembersAt(ctx context.Context, brandID id.ID, level int, before id.ID, limit int) ([]id.ID, error) {
	q := s.atLevel(ctx, brandID, level)
	if before != 0 {
		q = q.Where("member_id < ?", before)
	}
	out := []id.ID{}
	if err := q.Order("member_id DESC").Limit(limit).Pluck("member_id", &out).Error; err != nil {
		return nil, fmt.Errorf("tier: members: %w", err)
	}
	return out, nil
}

// CountAt is how many members are at a level, up to db.MaxTotal; more: there are others.
func (s *Store) CountAt(ctx context.Context, brandID id.ID, level int) (n int, more bool, err error) {
	return db.Total(s.atLevel(ctx, brandID, level))
}

// LevelsOf is the level of each of the members at a brand; who never grew is left out.
func (s *Store) LevelsOf(ctx context.Context, brandID id.ID, members []id.ID) (map[id.ID]int, error) {
	out := make(map[id.ID]int, len(members))
	for part := range slices.Chunk(members, 500) {
		var rows []struct {
			MemberID id.ID
			Level    int
		}
		err := s.db.Read(ctx).Raw("SELECT member_id, level FROM tier_standing WHERE brand_id = ? AND member_id IN ?", brandID, part).Scan(&rows).Error
		if err != nil {
			return nil, fmt.Errorf("tier: levels: %w", err)
		}
		for _, r := range rows {
			out[r.MemberID] = r.Level
		}
	}
	return out, nil
}
