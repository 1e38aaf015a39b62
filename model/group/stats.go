package group

import (
	"context"
	"fmt"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
)

// Kinds of switch.
const (
	SwitchDropped = "dropped" // a target stopped taking people
	SwitchRevived = "revived" // it takes them again
)

const hourMs = 3_600_000

// Switch is a target that came or went.
type Switch struct {
	ID          id.ID         `json:"id"`
	LiveCodeID  id.ID         `json:"live_code_id"`
	CommunityID id.ID         `json:"community_id"`
	Kind        string        `json:"kind"`
	Cause       string        `json:"cause"`   // of a drop: full, limit, expired, closed, no_qr
	NextID      id.ID         `json:"next_id"` // the community that took over; none: nobody came since
	NextAt      clock.Instant `json:"next_at"`
	CreatedAt   clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Switch) TableName() string { return "live_switch" }

// Hand is one place handed out.
type Hand struct {
	ID          id.ID
	LiveCodeID  id.ID
	CommunityID id.ID
	Visitor     string
	MemberID    id.ID
	FromID      id.ID // the community he was sent to before; none: his first
	At          clock.Instant
}

// TableName names the table for GORM.
func (Hand) TableName() string { return "live_hand" }

// Count is what one target, or the code, handed out in an hour or in all.
type Count struct {
	CommunityID id.ID         `json:"community_id"`            // none: the code as a whole
	HourAt      clock.Instant `json:"hour_at"`                 // begin of the hour; none: the whole time
	Handed      int           `json:"handed"`                  // places
	Visitors    int           `json:"visitors"`                // different ones
	Moved       int           `json:"moved"`                   // who had a place in a community that died
	DeadEnds    int           `json:"dead_ends"`               // different visitors for whom there was no place
	Name        string        `json:"name,omitempty" gorm:"-"` // of the community
}

// Stats is what became of a live code between two moments.
type Stats struct {
	Total    Count    `json:"total"`
	Targets  []Count  `json:"targets"`  // by community
	Hours    []Count  `json:"hours"`    // by hour and community, oldest first; dead ends are lines without one
	Switches []Switch `json:"switches"` // oldest first, at most 500
}

const maxStatsDays = 92

// Stats counts in [from, until), at most 92 days. Faults: Invalid stats_range, NotFound
// live_code_not_found.
func (s *Store) Stats(ctx context.Context, codeID id.ID, from, until clock.Instant) (Stats, error) {
	if until <= from || until.Sub(from).Hours() > 24*maxStatsDays {
		return Stats{}, fault.Invalidf("stats_range", "请选择 %d 天以内的时间", maxStatsDays)
	}
	if _, err := s.Code(ctx, codeID); err != nil {
		return Stats{}, err
	}
	out := Stats{Targets: []Count{}, Hours: []Count{}, Switches: []Switch{}}
	const hand = "COUNT(*) AS handed, COUNT(DISTINCT visitor) AS visitors, SUM(CASE WHEN from_id <> 0 THEN 1 ELSE 0 END) AS moved FROM live_hand WHERE live_code_id = ? AND at >= ? AND at < ?"
	const dead = "COUNT(DISTINCT visitor) AS dead_ends FROM live_dead WHERE live_code_id = ? AND at >= ? AND at < ?"
	var deadHours []Count
	for _, q := range []struct {
		stmt string
		into any
	}{
		{"SELECT COUNT(*) AS handed, COUNT(DISTINCT visitor) AS visitors, COALESCE(SUM(CASE WHEN from_id <> 0 THEN 1 ELSE 0 END), 0) AS moved FROM live_hand WHERE live_code_id = ? AND at >= ? AND at < ?", &out.Total},
		{"SELECT " + dead, &out.Total.DeadEnds},
		{"SELECT community_id, " + hand + " GROUP BY community_id ORDER BY community_id", &out.Targets},
		{"SELECT community_id, at - at % 3600000 AS hour_at, " + hand + " GROUP BY community_id, at - at % 3600000 ORDER BY hour_at, community_id", &out.Hours},
		{"SELECT hour_at, " + dead + " GROUP BY hour_at ORDER BY hour_at", &deadHours},
	} {
		if err := s.db.Read(ctx).Raw(q.stmt, codeID, from, until).Scan(q.into).Error; err != nil {
			return Stats{}, fmt.Errorf("group: stats: %w", err)
		}
	}
	out.Hours = append(out.Hours, deadHours...)
	err := s.db.Read(ctx).Where("live_code_id = ? AND created_at >= ? AND created_at < ?", codeID, from, until).Order("created_at, id").Limit(500).Find(&out.Switches).Error
	if err == nil {
		err = s.names(ctx, out.Targets)
	}
	if err != nil {
		return Stats{}, fmt.Errorf("group: stats: %w", err)
	}
	return out, nil
}

func (s *Store) names(ctx context.Context, list []Count) error {
	ids := []id.ID{0}
	for _, x := range list {
		ids = append(ids, x.CommunityID)
	}
	var all []Community
	if err := s.db.Read(ctx).Select("id, name").Where("id IN ?", ids).Find(&all).Error; err != nil {
		return err
	}
	for i := range list {
		for _, c := range all {
			if c.ID == list[i].CommunityID {
				list[i].Name = c.Name
			}
		}
	}
	return nil
}
