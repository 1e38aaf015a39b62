package group

import (
	"context"
	"fmt"

	"siyu/model/db"
	"siyu/model/id"
)

// CodesOf pages the live codes that lead only into communities of one leader, newest
// first, without their targets.
func (s *Store) CodesOf(ctx context.Context, leaderID, before id.ID, limit int) ([]LiveCode, error) {
	out := []LiveCode{}
	if err := db.Page(s.db.Read(ctx).Where("leader_id = ?", leaderID), "live_code", before, limit).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("group: live codes of a leader: %w", err)
	}
	return out, nil
}
