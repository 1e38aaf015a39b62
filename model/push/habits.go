package push

import (
	"context"
	"fmt"
	"slices"
	"time"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/member"
)

// bestHour is the reason of a delivery whose best hour passed while its push was paused.
const bestHour = "best_hour"

// dueCopy is a delivery that waited until now.
type dueCopy struct {
	ID       id.ID
	MemberID id.ID
	Reason   string
	DueAt    clock.Instant
}

// bestAnew are the next best hours of those whose hour was over when the push went on after
// a pause. It is asked for as their turn comes, as it was for the first: who allows no
// profiling any more, or of whom nothing is known, is not made to wait.
func (s *Store) bestAnew(ctx context.Context, p Push, due []dueCopy, now clock.Instant) (map[id.ID]clock.Instant, error) {
	if p.Timing != Best || p.ResumedAt == 0 {
		return nil, nil
	}
	var members []id.ID
	for _, d := range due {
		if d.over(p.ResumedAt) {
			members = append(members, d.MemberID)
		}
	}
	if len(members) == 0 {
		return nil, nil
	}
	hours, err := s.Hours.Best(ctx, members)
	if err != nil {
		return nil, err
	}
	out := map[id.ID]clock.Instant{}
	for _, d := range due {
		if hour, known := hours[d.MemberID]; known && d.over(p.ResumedAt) {
			if at := nextHour(now, hour); at > now {
				out[d.ID] = at
			}
		}
	}
	return out, nil
}

// over tells whether the hour in which it was due had passed at a moment. What may have
// arrived already is repeated as soon as it can be.
func (d dueCopy) over(at clock.Instant) bool {
	const hour = 3_600_000 // Shanghai is whole hours from UTC
	return d.Reason != repeat && d.DueAt-d.DueAt%hour+hour <= at
}

// Habits knows when people usually do something (最佳时段), from their events. It is
// profiling, so it is computed only of those who allow that, when it is asked for, and
// kept nowhere but as the time of a delivery. When we wrote to them says nothing of them.
type Habits struct {
	DB       *db.DB
	Consents interface {
		GivenAmong(ctx context.Context, members []id.ID, purpose string) (map[id.ID]bool, error)
	}
}

const (
	habitDays  = 90 // looked back
	habitLeast = 3  // acts by day that say something
	wakes      = 8  // hours of the day between which anybody is sent anything at his best hour
	sleeps     = 22
)

// Best implements Hours: the hour between 8 and 22 o'clock in which somebody acted most in
// 90 days, the earlier of two.
func (h Habits) Best(ctx context.Context, members []id.ID) (map[id.ID]int, error) {
	given, err := h.Consents.GivenAmong(ctx, members, consent.Profiling)
	if err != nil {
		return nil, err
	}
	allow := slices.DeleteFunc(slices.Clone(members), func(m id.ID) bool { return !given[m] })
	if len(allow) == 0 {
		return nil, nil
	}
	families, err := member.Families(h.DB.Read(ctx), allow)
	if err != nil {
		return nil, err
	}
	owner, all := map[id.ID]id.ID{}, []id.ID{}
	for person, family := range families {
		for _, m := range family {
			owner[m] = person
			all = append(all, m)
		}
	}
	var acts []struct {
		MemberID id.ID
		Slot     clock.Instant // the beginning of an hour of the first day of time
		N        int
	}
	err = h.DB.Read(ctx).Raw("SELECT member_id, at % 86400000 - at % 3600000 AS slot, COUNT(*) AS n FROM event WHERE member_id IN ? AND at >= ? AND type NOT IN ? GROUP BY member_id, at % 86400000 - at % 3600000",
		all, h.DB.Now().Add(-habitDays*24*time.Hour), event.NotDone()).Scan(&acts).Error
	if err != nil {
		return nil, fmt.Errorf("push: habits: %w", err)
	}
	counts := map[id.ID]*[24]int{}
	for _, a := range acts {
		if counts[owner[a.MemberID]] == nil {
			counts[owner[a.MemberID]] = &[24]int{}
		}
		counts[owner[a.MemberID]][a.Slot.Time().In(clock.Shanghai).Hour()] += a.N
	}
	out := map[id.ID]int{}
	for person, n := range counts {
		best, sum := wakes, 0
		for hour := wakes; hour < sleeps; hour++ {
			if sum += n[hour]; n[hour] > n[best] {
				best = hour
			}
		}
		if sum >= habitLeast {
			out[person] = best
		}
	}
	return out, nil
}
