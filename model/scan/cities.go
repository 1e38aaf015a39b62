package scan

import (
	"context"
	"fmt"

	"siyu/model/id"
)

// Cities tells in which city each of some members scanned last; who never scanned, or
// from an address of no known city, is not in it.
func (s *Store) Cities(ctx context.Context, members []id.ID) (map[id.ID]string, error) {
	var rows []struct {
		MemberID id.ID
		City     string
	}
	err := s.db.Read(ctx).Raw(`SELECT s.member_id, s.city FROM scan s JOIN (SELECT member_id, MAX(at) AS at FROM scan WHERE member_id IN ? AND city <> '' GROUP BY member_id) last
		ON last.member_id = s.member_id AND last.at = s.at WHERE s.city <> ''`, members).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("scan: cities: %w", err)
	}
	out := make(map[id.ID]string, len(rows))
	for _, r := range rows {
		out[r.MemberID] = r.City
	}
	return out, nil
}
