package segment

import (
	"context"
	"fmt"

	"siyu/model/clock"
	"siyu/model/id"
)

// Everybody lists a brand's people who became members before a moment, by id, after one,
// at most limit.
func (s *Store) Everybody(ctx context.Context, brandID id.ID, before clock.Instant, after id.ID, limit int) (people []id.ID, err error) {
	err = s.db.Read(ctx).Raw("SELECT p.person_id FROM segment_person p JOIN member m ON m.id = p.person_id WHERE p.brand_id = ? AND p.live = 1 AND p.person_id > ? AND m.created_at < ? ORDER BY p.person_id LIMIT ?",
		brandID, after, before, limit).Scan(&people).Error
	if err != nil {
		return nil, fmt.Errorf("segment: everybody: %w", err)
	}
	return people, nil
}
