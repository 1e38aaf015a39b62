package tag

import (
	"context"
	"slices"

	"siyu/model/id"
)

// Beneath are tags of a brand with all that they are made of, by id. What does not run has
// version 0: nobody has it. Fault: NotFound tag_not_found.
func (s *Store) Beneath(ctx context.Context, brandID id.ID, tags []id.ID) ([]Tag, error) {
	if len(tags) == 0 {
		return nil, nil
	}
	g, err := s.running(ctx, brandID)
	if err != nil {
		return nil, err
	}
	var out []Tag
	seen := map[id.ID]bool{}
	for open := slices.Clone(tags); len(open) > 0; {
		tagID := open[0]
		if open = open[1:]; seen[tagID] {
			continue
		}
		seen[tagID] = true
		if t := g.byID[tagID]; t != nil {
			out, open = append(out, t.Tag), append(open, t.Def.Tags()...)
			continue
		}
		t, err := s.Get(ctx, tagID)
		if err != nil {
			return nil, err
		}
		t.Version = 0
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b Tag) int { return int(min(max(a.ID-b.ID, -1), 1)) })
	return out, nil
}
