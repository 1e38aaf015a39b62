package insight

import (
	"cmp"
	"context"
	"slices"

	"siyu/model/db"
	"siyu/model/id"
)

// crossings counts who is known at which places.
func (s *Store) crossings(ctx context.Context, m *DataMap, bit map[[2]string]int) error {
	roots, err := s.roots(ctx)
	if err != nil {
		return err
	}
	c := counter{bit: bit, places: m.Touchpoints, byMask: map[uint64]int64{}, pairs: map[[2]int]*Join{}}
	families := map[id.ID]uint64{}
	// Keys in the order of their persons come from an index that holds all that is asked,
	// but in SQLite, where each would be looked up by itself: there the table is read as it
	// lies, and everybody is held in memory.
	order, scattered := " ORDER BY person_id", s.db.Driver() == db.SQLite
	if scattered {
		order = ""
	}
	rows, err := s.db.Read(ctx).Raw("SELECT person_id, kind, scope FROM identity_key WHERE " + alive + order).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	var person id.ID
	var mask uint64
	done := func() {
		root, joined := roots[person]
		switch {
		case joined:
			families[root] |= mask
		case scattered:
			families[person] |= mask
		case mask != 0:
			c.byMask[mask]++
		}
	}
	for rows.Next() {
		var p id.ID
		var kind, scope string
		if err := rows.Scan(&p, &kind, &scope); err != nil {
			return err
		}
		if p != person {
			done()
			person, mask = p, 0
		}
		if b, ok := bit[[2]string{kind, scope}]; ok {
			mask |= 1 << b
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	done()
	for _, mask := range families {
		if mask != 0 {
			c.byMask[mask]++
		}
	}
	c.count()
	m.People, m.OwnKeyPercent = c.people, percent(c.owned, c.people)
	for at, p := range c.pairs {
		p.Percent = percent(p.People, min(m.Touchpoints[at[0]].People, m.Touchpoints[at[1]].People))
		m.Joins = append(m.Joins, *p)
	}
	slices.SortFunc(m.Joins, func(a, b Join) int {
		return cmp.Or(cmp.Compare(b.People, a.People), cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B))
	})
	return nil
}

// roots are the roots of everybody who is merged with somebody: few among all.
func (s *Store) roots(ctx context.Context) (map[id.ID]id.ID, error) {
	var rows []struct{ ID, RootID id.ID }
	if err := s.db.Read(ctx).Raw("SELECT id, root_id FROM person WHERE root_id > 0").Scan(&rows).Error; err != nil {
		return nil, err
	}
	out := make(map[id.ID]id.ID, 2*len(rows))
	for _, r := range rows {
		out[r.ID], out[r.RootID] = r.RootID, r.RootID
	}
	return out, nil
}

// counter adds up humans.
type counter struct {
	bit    map[[2]string]int // of each key's place
	places []Touchpoint
	byMask map[uint64]int64 // humans by the places they are known at
	pairs  map[[2]int]*Join
	people int64
	owned  int64 // known by a key of the brand's own
}

// count turns masks into figures: there are few different masks, whatever the number
// of people.
func (c *counter) count() {
	through := c.throughs()
	for mask, n := range c.byMask {
		c.people += n
		var here []int
		for i, t := range c.places {
			if mask&(1<<t.bit) != 0 {
				here = append(here, i)
				c.places[i].People += n
			}
		}
		if slices.ContainsFunc(here, func(i int) bool { return c.places[i].Kind != "openid" && c.places[i].Kind != "external_userid" }) {
			c.owned += n
		}
		for _, i := range here {
			if len(here) > 1 {
				c.places[i].Joined += n
			}
			for _, j := range here {
				if i < j {
					c.pair(i, j, n, through(mask, i, j))
				}
			}
		}
	}
}

func (c *counter) pair(i, j int, n int64, by string) {
	p := c.pairs[[2]int{i, j}]
	if p == nil {
		p = &Join{A: c.places[i].ID, B: c.places[j].ID, Through: map[string]int64{}}
		c.pairs[[2]int{i, j}] = p
	}
	p.People += n
	p.Through[by] += n
}

// throughs says which key joins two places for a human who is known at them.
func (c *counter) throughs() func(mask uint64, i, j int) string {
	var union, phone uint64
	for at, b := range c.bit {
		switch at[0] {
		case "unionid":
			union |= 1 << b
		case "phone":
			phone |= 1 << b
		}
	}
	wechat := func(kind string) bool { return kind == "openid" || kind == "external_userid" }
	return func(mask uint64, i, j int) string {
		a, b := c.places[i].Kind, c.places[j].Kind
		switch {
		case wechat(a) && wechat(b) && mask&union != 0:
			return "unionid"
		case mask&phone != 0:
			return "phone"
		case wechat(a) && wechat(b):
			return "operator"
		}
		return "import" // a customer number or card, from the row that named both
	}
}

func percent(part, all int64) int {
	if all <= 0 {
		return 0
	}
	return int(part * 100 / all)
}
