package tier

import (
	"context"
	"slices"

	"siyu/model/id"
)

// Rung names a level of a brand's table of now, "" when there is none; the first level, 0,
// is everybody's and admits to nothing. open says whether that level and all above it
// have the privilege of activities for members of a level (会员专享活动).
func (s *Store) Rung(ctx context.Context, brandID id.ID, level int) (name string, open bool, err error) {
	t, err := s.Table(ctx, brandID)
	if err != nil || level < 1 || level >= len(t.Levels) {
		return "", false, err
	}
	closed := func(l Level) bool { return !l.Campaigns }
	return t.Levels[level].Name, !slices.ContainsFunc(t.Levels[level:], closed), nil
}

// Reaches says whether the human behind a member stands now at a level or above it. The
// level is the one that is called name; when none is any more, the one of that number.
// So levels may be added and renamed while something is promised to one of them, and a
// privilege that is taken away meanwhile takes back no promise. Fault: NotFound
// member_not_found.
func (s *Store) Reaches(ctx context.Context, brandID, memberID id.ID, level int, name string) (bool, error) {
	st, _, err := s.at(ctx, brandID, memberID, s.db.Now())
	if err != nil {
		return false, err
	}
	if i := slices.IndexFunc(st.table.Levels, func(l Level) bool { return l.Name == name }); i >= 0 {
		level = i
	}
	return len(st.table.Levels) > 0 && st.level >= level, nil
}
