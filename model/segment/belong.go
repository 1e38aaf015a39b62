package segment

import (
	"context"
	"fmt"

	"siyu/model/clock"
	"siyu/model/id"
)

// Belonging is a segment that a human was in at its last look.
type Belonging struct {
	SegmentID id.ID         `json:"segment_id"`
	BrandID   id.ID         `json:"brand_id"`
	Name      string        `json:"name"`
	Version   int           `json:"version"`  // that the look was at
	SinceAt   clock.Instant `json:"since_at"` // zero: since before the first look at that version
	AsOf      clock.Instant `json:"as_of"`
}

// belongMost bounds how many segments BelongsTo reads the memberships of.
const belongMost = 200

// BelongsTo lists the active segments that the human of a member was in at their last
// looks, newest segment first, of all brands. It asks no rule anew: Why does.
func (s *Store) BelongsTo(ctx context.Context, memberID id.ID) ([]Belonging, error) {
	f, err := s.familiesOf(ctx, []id.ID{memberID})
	if err != nil {
		return nil, err
	}
	tx := s.db.Read(ctx)
	out := []Belonging{}
	var places []struct {
		BrandID id.ID
		Number  uint32
	}
	person := f.root[memberID]
	if err := tx.Raw("SELECT brand_id, number FROM segment_person WHERE person_id = ? AND live = 1 ORDER BY brand_id", person).Scan(&places).Error; err != nil {
		return nil, fmt.Errorf("segment: belongs: %w", err)
	}
	for _, p := range places {
		var list []struct {
			SegmentID id.ID
			Name      string
			Version   int
			People    []byte
			AsOf      clock.Instant
		}
		err := tx.Raw("SELECT n.segment_id, n.version, n.people, n.as_of, g.name FROM segment g JOIN segment_now n ON n.segment_id = g.id AND n.version = g.version WHERE g.brand_id = ? AND g.state = ? ORDER BY g.created_at DESC, g.id DESC LIMIT ?",
			p.BrandID, Active, belongMost).Scan(&list).Error
		if err != nil {
			return nil, fmt.Errorf("segment: belongs: %w", err)
		}
		for _, g := range list {
			set, err := membership{People: g.People}.set()
			if err != nil {
				return nil, fmt.Errorf("segment: belongs: %w", err)
			}
			if set.Contains(p.Number) {
				out = append(out, Belonging{SegmentID: g.SegmentID, BrandID: p.BrandID, Name: g.Name, Version: g.Version, AsOf: g.AsOf})
			}
		}
	}
	return out, s.sinceWhen(ctx, person, out)
}

// sinceWhen fills in when somebody came in.
func (s *Store) sinceWhen(ctx context.Context, person id.ID, list []Belonging) error {
	if len(list) == 0 {
		return nil
	}
	ids := make([]id.ID, len(list))
	for i, b := range list {
		ids[i] = b.SegmentID
	}
	var came []struct {
		SegmentID id.ID
		Version   int
		At        clock.Instant
	}
	err := s.db.Read(ctx).Raw("SELECT segment_id, version, MAX(at) AS at FROM segment_move WHERE person_id = ? AND entered = 1 AND segment_id IN ? GROUP BY segment_id, version", person, ids).Scan(&came).Error
	if err != nil {
		return fmt.Errorf("segment: belongs: %w", err)
	}
	for i := range list {
		for _, c := range came {
			if c.SegmentID == list[i].SegmentID && c.Version == list[i].Version {
				list[i].SinceAt = c.At
			}
		}
	}
	return nil
}
