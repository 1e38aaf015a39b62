package segment

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/rule"
)

// TagsBehind are the tags that the people of a rule tell of: those that it uses, by way of
// segments too, and those that a list in it was taken by. A list keeps who had a tag then,
// whatever the rules say now. Faults: as Used.
func (s *Store) TagsBehind(ctx context.Context, brandID id.ID, t rule.Tree) ([]id.ID, error) {
	uses, err := s.Used(ctx, brandID, t)
	if err != nil {
		return nil, err
	}
	b := behind{s: s, brand: brandID, tags: map[id.ID]bool{}, seen: map[version]bool{}, lists: map[id.ID]bool{}}
	if err := b.add(ctx, uses, 0); err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(b.tags)), nil
}

// version is one rule of a segment.
type version struct {
	SegmentID id.ID
	Version   int
}

// taken is of which rule a list was taken, and when.
type taken struct {
	SegmentID id.ID
	Version   int
	CreatedAt clock.Instant
}

// takes is how long, at most, it takes to write a list down after its people were found.
const takes = time.Minute

type behind struct {
	s     *Store
	brand id.ID
	tags  map[id.ID]bool
	seen  map[version]bool
	lists map[id.ID]bool
}

// add takes in what a rule uses. at is when: of a list that was taken, when it was, and its
// segments are followed to what they were then; 0 for now, when all they use is in uses.
func (b *behind) add(ctx context.Context, uses rule.Uses, at clock.Instant) error {
	for _, tagID := range uses.Tags {
		b.tags[tagID] = true
	}
	for _, listID := range uses.Lists {
		if b.lists[listID] {
			continue
		}
		b.lists[listID] = true
		var from []taken
		err := b.s.db.Read(ctx).Raw("SELECT segment_id, version, created_at FROM segment_list WHERE id = ? AND brand_id = ? AND segment_id <> 0", listID, b.brand).Scan(&from).Error
		if err != nil {
			return fmt.Errorf("segment: behind: %w", err)
		}
		for _, r := range from {
			if err := b.rule(ctx, version{r.SegmentID, r.Version}, r.CreatedAt); err != nil {
				return err
			}
		}
	}
	if at == 0 {
		return nil
	}
	for _, segmentID := range uses.Segments {
		var then []version
		err := b.s.db.Read(ctx).Raw("SELECT segment_id, version FROM segment_version WHERE segment_id = ? AND created_at <= ? AND version >= COALESCE((SELECT MAX(version) FROM segment_version WHERE segment_id = ? AND created_at < ?), 0)",
			segmentID, at, segmentID, at.Add(-takes)).Scan(&then).Error
		if err != nil {
			return fmt.Errorf("segment: behind: %w", err)
		}
		for _, v := range then {
			if err := b.rule(ctx, v, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// rule takes in one version of a segment's rule.
func (b *behind) rule(ctx context.Context, v version, at clock.Instant) error {
	if b.seen[v] {
		return nil
	}
	b.seen[v] = true
	var texts []string
	if err := b.s.db.Read(ctx).Raw("SELECT tree FROM segment_version WHERE segment_id = ? AND version = ?", v.SegmentID, v.Version).Scan(&texts).Error; err != nil {
		return fmt.Errorf("segment: behind: %w", err)
	}
	for _, text := range texts {
		t, err := rule.Parse([]byte(text))
		if err != nil {
			return err
		}
		if err := b.add(ctx, t.Uses(), at); err != nil {
			return err
		}
	}
	return nil
}
