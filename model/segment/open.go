package segment

import (
	"context"
	"fmt"
	"slices"

	"siyu/model/id"
	"siyu/model/rule"
)

// Whether a channel is open to somebody now is what the ledger (model/reach) says and no
// table: SQL is given the people it holds of, bitmaps are made of the ledger's answer. In
// bitmaps it is as old as every fact whose change nobody tells (silentFor), or younger.

// ask asks the ledger about the people of a query, where a rule wants to know.
func (s *Store) ask(ctx context.Context, q *query, n *rule.Node) (err error) {
	wants := false
	n.Walk(func(n *rule.Node, _ int) bool {
		wants = wants || n.Attr != nil && n.Attr.Name == rule.Reach
		return !wants
	})
	if wants && s.reach != nil {
		q.open, err = s.reach.Open(ctx, q.brandID, q.people)
	}
	return err
}

// reached is the condition that a channel is open, on the person p of a query with people.
func (q *query) reached(a *rule.Attr) part {
	var in []id.ID
	for person, channels := range q.open {
		if len(channels) > 0 && (a.Op != rule.In || slices.ContainsFunc(channels, func(c string) bool { return slices.Contains(a.Values, c) })) {
			in = append(in, person)
		}
	}
	slices.Sort(in)
	switch {
	case a.Op == rule.Unknown && len(in) == 0:
		return raw("1 = 1")
	case a.Op == rule.Unknown:
		return raw("p.person_id NOT IN ?", in)
	case len(in) == 0:
		return raw("1 = 0")
	}
	return raw("p.person_id IN ?", in)
}

// opens are the channels that are open to some people, or to everybody (nil), as values.
func (s *Store) opens(ctx context.Context, brandID id.ID, people []id.ID) (out values, err error) {
	if s.reach == nil {
		return out, nil
	}
	add := func(person id.ID, channel string) {
		at := slices.Index(out.texts, channel)
		if at < 0 {
			at, out.texts = len(out.texts), append(out.texts, channel)
		}
		out.rows = append(out.rows, valued{person: person, text: int32(at)})
	}
	if people == nil {
		err = s.reach.Opens(ctx, brandID, func(channel string, some []id.ID) error {
			for _, p := range some {
				add(p, channel)
			}
			return nil
		})
		return out, err
	}
	open, err := s.reach.Open(ctx, brandID, people)
	for person, channels := range open {
		for _, c := range channels {
			add(person, c)
		}
	}
	return out, err
}

// allByPages is All of a rule that the ledger is asked about.
func (s *Store) allByPages(ctx context.Context, brandID id.ID, w whole, yield func(person id.ID) error) error {
	for after := id.ID(0); ; {
		var people []id.ID
		if err := s.db.Read(ctx).Raw("SELECT person_id FROM segment_person WHERE brand_id = ? AND live = 1 AND person_id > ? ORDER BY person_id LIMIT ?", brandID, after, amongPer).Scan(&people).Error; err != nil {
			return fmt.Errorf("segment: all: %w", err)
		}
		if len(people) == 0 {
			return nil
		}
		after = people[len(people)-1]
		f, err := s.familiesOf(ctx, people)
		if err != nil {
			return err
		}
		found, err := s.among(ctx, brandID, w.profiling, &w.root, f)
		if err != nil {
			return err
		}
		for _, p := range people {
			if !found[p] {
				continue
			}
			if err := yield(p); err != nil {
				return err
			}
		}
	}
}
