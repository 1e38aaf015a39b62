package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"siyu/model/clock"
	"siyu/model/db/dbbench"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/segment"
)

const (
	seedSegments = 120 // so that their list has two pages
	seedLooks    = 90  // days for which the large ones were looked at
	seedLists    = 120
)

// crowd is what the program knows of people to find them by rules: who they are, and what
// those did who allow that it is known.
func (s *seeder) crowd(ctx context.Context) error {
	err := s.table(ctx, "segment_person", "brand_id, person_id, number, live, allows", func(l *dbbench.Lines) error {
		for m, i := range s.ids {
			l.Add(s.brand, i, m, 1, allows(m))
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.table(ctx, "segment_state", "member_id, allowed, version", func(l *dbbench.Lines) error {
		for m, i := range s.ids {
			l.Add(i, allows(m), 1)
		}
		return nil
	})
	if err != nil {
		return err
	}
	at, ids := seedSource(6) // of the events
	err = s.table(ctx, "segment_act", "member_id, event_id, line, person_id, brand_id, what, product_id, quantity, amount_fen, day, at, province", func(l *dbbench.Lines) error {
		s.eachScan(func(x seedScan) {
			if x.member < 0 {
				return
			}
			at.at = x.at
			member, product := s.ids[x.member], s.products[x.batch()]
			act := func(what string, e id.ID, at clock.Instant) {
				if allows(x.member) {
					l.Add(member, e, 0, member, s.brand, what, product, 1, 0, clock.DayOf(at), at, x.province)
				}
			}
			act(event.Scan, ids.Next(), x.at)
			if claims, _ := x.claims(); claims {
				act(event.Claim, ids.Next(), x.at.Add(5*time.Second))
			}
		})
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.exec(ctx, "INSERT INTO segment_brand (brand_id, next_number, seq) VALUES (?, ?, 0)", s.brand, s.members); err != nil {
		return err
	}
	return s.exec(ctx, "INSERT INTO segment_cursor (name, after_id, done) VALUES ('member', ?, 1)", slices.Max(s.ids))
}

// seedSegment is a segment with when members came in and left. It was first looked at when
// the first of its days began.
type seedSegment struct {
	number int
	id     id.ID
	days   int
	state  string
	at     clock.Instant
}

// within says from when until when a member is in it.
func (s *seeder) within(g seedSegment, m int) (in, out clock.Instant, yes bool) {
	what := uint64(1100 + g.number)
	if g.number < 4 {
		yes = dice(m, what)%1000 < []uint64{300, 100, 30, 10}[g.number] || m < 20
	} else {
		yes = m%seedSegments == g.number
	}
	if !yes {
		return 0, 0, false
	}
	in = s.joined[m].Add(time.Duration(dice(m, what+200)%(20*24*60)) * time.Minute)
	if out = s.now.Add(time.Hour); dice(m, what+400)%4 == 0 {
		out = in.Add(time.Duration(10*24*60+dice(m, what+600)%(30*24*60)) * time.Minute)
	}
	return in, out, in <= s.now
}

// segments are rules by version, who is in them, was at the end of each day, came and left.
func (s *seeder) segments(ctx context.Context) error {
	trees := []string{seedRule, `{"v":1,"root":{"attr":{"name":"joined_days","op":"gte","values":["30"]}}}`, `{"v":1,"root":{"did":{"what":"scan","op":"gte","values":[3],"within_days":30}}}`}
	err := s.column(ctx, "SELECT id FROM tag WHERE state = 'running' ORDER BY people DESC LIMIT 5", func(n int64) {
		trees = append(trees, fmt.Sprintf(`{"v":1,"root":{"all":[{"tag":{"id":"%d","op":"has"}},{"attr":{"name":"joined_days","op":"gte","values":["30"]}}]}}`, n))
	})
	if err != nil {
		return err
	}
	at, ids := seedSource(23)
	var list []seedSegment
	for k := range seedSegments {
		g := seedSegment{number: k, days: 10, state: segment.Active}
		if k < 4 {
			g.days = seedLooks
		}
		if k%10 == 9 {
			g.state = "archived"
		}
		at.at = s.spread(k, 2*seedSegments)
		g.id, g.at = ids.Next(), at.at
		list = append(list, g)
	}
	err = s.table(ctx, "segment", "id, brand_id, name, note, state, version, rev, by_id, created_at, changed_at", func(l *dbbench.Lines) error {
		for _, g := range list {
			l.Add(g.id, s.brand, fmt.Sprintf("人群 %d", g.number+1), "", g.state, 3, 3, 1, g.at, g.at)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.table(ctx, "segment_version", "segment_id, version, tree, by_id, created_at", func(l *dbbench.Lines) error {
		for _, g := range list {
			for v := range 3 {
				l.Add(g.id, v+1, trees[(g.number+v+1)%len(trees)], 1, g.at)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.rosters(ctx, list); err != nil {
		return err
	}
	return s.looks(ctx, list)
}

// rosters are lists; the first is a long one.
func (s *seeder) rosters(ctx context.Context, list []seedSegment) error {
	at, ids := seedSource(24)
	var rosters []id.ID
	err := s.table(ctx, "segment_list", "id, brand_id, name, note, segment_id, version, by_id, created_at", func(l *dbbench.Lines) error {
		for i := range seedLists {
			at.at = s.spread(i, seedLists)
			rosters = append(rosters, ids.Next())
			l.Add(rosters[i], s.brand, fmt.Sprintf("名单 %d", i+1), "", list[i%len(list)].id, 3, 1, at.at)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.table(ctx, "segment_list_item", "list_id, member_id, at", func(l *dbbench.Lines) error {
		for i, roster := range rosters {
			n := 20
			if i == 0 {
				n = s.members / 20
			}
			for k := range n {
				l.Add(roster, s.ids[(k*7+i)%s.members], s.now)
			}
		}
		return nil
	})
}

// seedStep is somebody's coming in or leaving.
type seedStep struct {
	at     clock.Instant
	member int
	in     bool
}

// looks are the memberships and what led to them, segment by segment.
func (s *seeder) looks(ctx context.Context, list []seedSegment) error {
	numbers := make(map[id.ID]uint32, s.members)
	rows, err := s.env.DB.Pool().QueryContext(ctx, "SELECT person_id, number FROM segment_person WHERE brand_id = ?", s.brand)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var person id.ID
		var n uint32
		if err := rows.Scan(&person, &n); err != nil {
			return err
		}
		numbers[person] = n
	}
	if err := rows.Err(); err != nil {
		return err
	}
	type known struct {
		segment id.ID
		day     clock.Day // 0: now
		people  []byte
		count   int64
		at      clock.Instant
	}
	var snapshots []known
	type move struct {
		segment id.ID
		seedStep
	}
	var moves []move
	today := clock.DayOf(s.now)
	for _, g := range list {
		if g.state != segment.Active {
			continue
		}
		first, _ := today.AddDays(-g.days).Bounds()
		set := roaring.New()
		var steps []seedStep
		for m := range s.members {
			in, out, yes := s.within(g, m)
			if !yes || out <= first {
				continue
			}
			if in <= first {
				set.Add(numbers[s.ids[m]])
			} else {
				steps = append(steps, seedStep{in, m, true})
			}
			if out <= s.now {
				steps = append(steps, seedStep{out, m, false})
			}
		}
		slices.SortStableFunc(steps, func(a, b seedStep) int { return int(a.at - b.at) })
		for back := g.days; back >= 0; back-- {
			day, until := today.AddDays(-back), s.now
			if back > 0 {
				_, until = day.Bounds()
				until = until.Add(-time.Millisecond)
			}
			n := 0
			for ; n < len(steps) && steps[n].at <= until; n++ {
				if x := steps[n]; x.in {
					set.Add(numbers[s.ids[x.member]])
				} else {
					set.Remove(numbers[s.ids[x.member]])
				}
				moves = append(moves, move{g.id, steps[n]})
			}
			steps = steps[n:]
			set.RunOptimize()
			var b bytes.Buffer
			if _, err := set.WriteTo(&b); err != nil {
				return err
			}
			k := known{g.id, day, b.Bytes(), int64(set.GetCardinality()), until}
			if back == 0 {
				k.day = 0
			}
			snapshots = append(snapshots, k)
		}
	}
	err = s.table(ctx, "segment_now", "segment_id, version, rev, people, count, as_of", func(l *dbbench.Lines) error {
		for _, k := range snapshots {
			if k.day == 0 {
				l.Add(k.segment, 3, 1, k.people, k.count, k.at)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.table(ctx, "segment_snapshot", "segment_id, day, version, people, count, as_of", func(l *dbbench.Lines) error {
		for _, k := range snapshots {
			if k.day != 0 {
				l.Add(k.segment, k.day, 3, k.people, k.count, k.at)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(moves, func(a, b move) int { return int(a.at - b.at) })
	at, ids := seedSource(25)
	return s.table(ctx, "segment_move", "id, segment_id, person_id, entered, version, at", func(l *dbbench.Lines) error {
		for _, x := range moves {
			at.at = x.at
			l.Add(ids.Next(), x.segment, s.ids[x.member], x.in, 3, x.at)
		}
		return nil
	})
}
