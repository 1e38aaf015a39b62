package profile

import (
	"context"
	"fmt"

	"siyu/model/clock"
	"siyu/model/id"
)

// BornOn lists members whose birthday is on a day, by id after a given one, and the id
// to go on from (0: that was all). Whoever was born on 29 February has his birthday on
// the 28th in other years. Only the answer that counts for the human counts here; of a
// human who gave it twice, more than one member may be named.
func (s *Store) BornOn(ctx context.Context, day clock.Day, after id.ID, limit int) (found []id.ID, next id.ID, err error) {
	dates := []string{"%" + day.Text()[4:]}
	if day.AddDays(1)%10000 == 301 && day%10000 == 228 {
		dates = append(dates, "%-02-29")
	} else {
		dates = append(dates, dates[0])
	}
	var candidates []id.ID
	err = s.DB.Read(ctx).Raw("SELECT DISTINCT member_id FROM profile_value WHERE member_id > ? AND field = ? AND (value LIKE ? OR value LIKE ?) ORDER BY member_id LIMIT ?",
		after, Birthday, dates[0], dates[1], limit).Scan(&candidates).Error
	if err != nil {
		return nil, 0, fmt.Errorf("profile: birthdays: %w", err)
	}
	for _, m := range candidates {
		family, err := s.Families.Family(ctx, m)
		if err != nil {
			return nil, 0, err
		}
		by, err := valuesOf(s.DB.Read(ctx), family)
		if err != nil {
			return nil, 0, err
		}
		best, _ := pick(by[Birthday])
		if len(best.Value) == 10 && (best.Value[4:] == dates[0][1:] || best.Value[4:] == dates[1][1:]) {
			found = append(found, m)
		}
	}
	if len(candidates) == limit {
		next = candidates[limit-1]
	}
	return found, next, nil
}
