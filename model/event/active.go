package event

import (
	"context"
	"fmt"
	"slices"

	"siyu/model/clock"
	"siyu/model/id"
)

// NotDone are the types of what happens to people without their doing: they are sent
// something, or it did not arrive.
func NotDone() []string { return []string{MessageSent, MessageLost} }

// ActiveSince counts how many of some members did anything at or after a moment. That they
// were sent something is not their doing.
func (s *Store) ActiveSince(ctx context.Context, members []id.ID, since clock.Instant) (n int, err error) {
	err = s.db.Read(ctx).Raw("SELECT COUNT(DISTINCT member_id) FROM event WHERE member_id IN ? AND at >= ? AND type NOT IN ?", members, since, NotDone()).Scan(&n).Error
	if err != nil {
		return 0, fmt.Errorf("event: active: %w", err)
	}
	return n, nil
}

// Deeds are the types of what people do themselves, in order of their names.
func Deeds() []string {
	var out []string
	for typ := range schemas {
		if !slices.Contains(NotDone(), typ) {
			out = append(out, typ)
		}
	}
	slices.Sort(out)
	return out
}
