package event

import (
	"context"
	"fmt"

	"siyu/model/clock"
	"siyu/model/id"
)

// ActiveSince counts how many of some members have an event at or after a moment.
func (s *Store) ActiveSince(ctx context.Context, members []id.ID, since clock.Instant) (n int, err error) {
	err = s.db.Read(ctx).Raw("SELECT COUNT(DISTINCT member_id) FROM event WHERE member_id IN ? AND at >= ?", members, since).Scan(&n).Error
	if err != nil {
		return 0, fmt.Errorf("event: active: %w", err)
	}
	return n, nil
}
