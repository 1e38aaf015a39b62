package event

import (
	"context"
	"fmt"
	"slices"
	"time"

	"siyu/model/clock"
	"siyu/model/id"
)

// Recent returns up to most events of a brand and of some types that were stored in
// [from, until), the newest days when there are more, each day in the order in which
// things happened, and whether these are all. It reads day by day by the primary key, so
// that it costs what it looks at and no index of its own.
func (s *Store) Recent(ctx context.Context, brandID id.ID, types []string, from, until clock.Instant, most int) (list []Event, all bool, err error) {
	for end := until; end > from; {
		start := max(from, end.Add(-24*time.Hour))
		where, args := s.db.MadeIn(start, end)
		var day []Event
		err := s.db.Read(ctx).Where(where, args...).Where("brand_id = ? AND type IN ? AND channel <> ?", brandID, types, Erased).
			Order("at, id").Limit(most - len(list) + 1).Find(&day).Error
		if err != nil {
			return nil, false, fmt.Errorf("event: recent: %w", err)
		}
		if len(list)+len(day) > most {
			return slices.Concat(day[:most-len(list)], list), false, nil
		}
		list = append(day, list...)
		end = start
	}
	return list, true, nil
}
