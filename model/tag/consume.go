package tag

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/id"
)

// Consume is the event.Consumer that brings the tags up to date that events touch. It
// computes from what is stored, so repeated batches and any order change nothing.
func (s *Store) Consume(ctx context.Context, events []event.Event) error {
	who := map[id.ID]map[string][]id.ID{} // by brand and type
	for _, e := range events {
		if e.MemberID == 0 || e.Channel == event.Erased {
			continue
		}
		if who[e.BrandID] == nil {
			who[e.BrandID] = map[string][]id.ID{}
		}
		who[e.BrandID][e.Type] = append(who[e.BrandID][e.Type], e.MemberID)
	}
	for brandID, types := range who {
		g, err := s.running(ctx, brandID)
		if err != nil {
			return err
		}
		if len(g.list) == 0 {
			continue
		}
		all := slices.Concat(slices.Collect(maps.Values(types))...)
		if err := s.welcome(ctx, g, brandID, all); err != nil {
			return err
		}
		for typ, members := range types {
			touched := func(t *live) bool { return t.Def.touched(typ) }
			if _, err := s.refresh(ctx, g, brandID, members, touched, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// welcome computes everything for members of whom the brand's tags know nothing yet.
func (s *Store) welcome(ctx context.Context, g *graph, brandID id.ID, members []id.ID) error {
	slices.Sort(members)
	for part := range slices.Chunk(slices.Compact(members), crowdMost) {
		var seen []id.ID
		if err := s.DB.Read(ctx).Raw("SELECT member_id FROM tag_seen WHERE brand_id = ? AND member_id IN ?", brandID, part).Scan(&seen).Error; err != nil {
			return fmt.Errorf("tag: seen: %w", err)
		}
		unseen := slices.DeleteFunc(slices.Clone(part), func(m id.ID) bool { return slices.Contains(seen, m) })
		if len(unseen) == 0 {
			continue
		}
		if _, err := s.refresh(ctx, g, brandID, unseen, func(*live) bool { return true }, true); err != nil {
			return err
		}
		err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
			rows := db.NewRows("tag_seen", "member_id, brand_id")
			for _, m := range unseen {
				rows.Add(m, brandID)
			}
			_, err := rows.Insert(ctx, tx, s.DB.Once("brand_id"))
			return err
		})
		if err != nil {
			return fmt.Errorf("tag: seen: %w", err)
		}
	}
	return nil
}

// Touch computes everything anew for some members, at every brand that knows them: after
// a consent was given, an answer was corrected, or a family has changed.
func (s *Store) Touch(ctx context.Context, members ...id.ID) error {
	var c *crowd
	err := s.again(ctx, members, func(met *crowd) error { c = met; return nil })
	if err != nil {
		return err
	}
	if len(c.members) == 0 {
		return nil
	}
	brands := map[id.ID]bool{}
	for _, q := range []string{
		"SELECT DISTINCT brand_id FROM event WHERE member_id IN ?",
		"SELECT DISTINCT t.brand_id FROM tag_value v JOIN tag t ON t.id = v.tag_id WHERE v.member_id IN ?",
	} {
		var found []id.ID
		if err := s.DB.Read(ctx).Raw(q, c.members).Scan(&found).Error; err != nil {
			return fmt.Errorf("tag: touch: %w", err)
		}
		for _, b := range found {
			brands[b] = true
		}
	}
	for _, brandID := range slices.Sorted(maps.Keys(brands)) {
		g, err := s.running(ctx, brandID)
		if err != nil {
			return err
		}
		if _, err := s.refresh(ctx, g, brandID, c.members, func(*live) bool { return true }, true); err != nil {
			return err
		}
	}
	return nil
}

// Regrouped is Touch after a family has changed (member.Store): what was computed for the
// human of before goes, what the human of now has comes.
func (s *Store) Regrouped(ctx context.Context, memberID id.ID) error {
	for more := true; more; {
		var err error
		if more, err = s.Rules.Refresh(ctx); err != nil {
			return err
		}
	}
	return s.Touch(ctx, memberID)
}
