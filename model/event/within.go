package event

import (
	"context"
	"fmt"

	"siyu/model/clock"
	"siyu/model/id"
)

// Within returns what members did at a brand in [from, until), of some types, in no order
// and without keys: for figures over many people. At most a thousand members are asked for
// at a time.
func (s *Store) Within(ctx context.Context, brandID id.ID, members []id.ID, types []string, from, until clock.Instant) (list []Event, err error) {
	err = s.db.Read(ctx).Raw("SELECT id, type, brand_id, member_id, at, body FROM event WHERE member_id IN ? AND at >= ? AND at < ? AND brand_id = ? AND type IN ?",
		members, from, until, brandID, types).Scan(&list).Error
	if err != nil {
		return nil, fmt.Errorf("event: within: %w", err)
	}
	return list, nil
}
