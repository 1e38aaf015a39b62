package segment

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/segment/bits"
)

// follow takes in some changes; false: those after ours are gone.
func (e *engine) follow(ctx context.Context) (bool, error) {
	var list []struct {
		Seq    int64
		Parts  int
		People []byte
	}
	err := e.s.db.Read(ctx).Raw("SELECT seq, parts, people FROM segment_change WHERE brand_id = ? AND seq > ? ORDER BY seq LIMIT ?", e.brand, e.seq, changesPer).Scan(&list).Error
	if err != nil {
		return false, fmt.Errorf("segment: changes: %w", err)
	}
	if len(list) == 0 || list[0].Seq != e.seq+1 {
		return false, nil
	}
	parts, seen := 0, map[id.ID]bool{}
	for _, c := range list {
		parts |= c.Parts
		for _, p := range unpack(c.People) {
			seen[p] = true
		}
	}
	changed := make([]id.ID, 0, len(seen))
	for p := range seen {
		changed = append(changed, p)
	}
	slices.Sort(changed)
	if reloadShare*len(changed) > e.people.Len() && len(changed) > 10_000 {
		return false, nil
	}
	for _, x := range e.loading {
		if x.parts&parts != 0 {
			for _, p := range changed {
				x.changed[p] = true
			}
		}
	}
	for part := range slices.Chunk(changed, amongPer) {
		if err := e.again(ctx, part, func(f *fact) bool { return f.parts&parts != 0 || f.random != nil }); err != nil {
			return false, err
		}
	}
	e.seq = list[len(list)-1].Seq
	return true, nil
}

// again reads people again, and the facts about them that are concerned.
func (e *engine) again(ctx context.Context, people []id.ID, concerned func(f *fact) bool) error {
	var facts []*fact
	for _, f := range e.facts {
		if concerned(f) {
			facts = append(facts, f)
		}
	}
	return e.againFor(ctx, people, facts)
}

// againFor reads people again, and some facts about them.
func (e *engine) againFor(ctx context.Context, people []id.ID, facts []*fact) error {
	err := e.rows(ctx, part{"SELECT person_id, number, live, allows FROM segment_person WHERE brand_id = ? AND person_id IN ?", []any{e.brand, people}}, func(rows *sql.Rows) error {
		had := e.people.Len()
		person, err := putPerson(rows, e.people)
		if e.people.Len() > had {
			e.newcomer(person)
		}
		return err
	})
	if err != nil {
		return err
	}
	f, err := e.s.familiesOf(ctx, people)
	if err != nil {
		return err
	}
	q := e.s.query(e.brand)
	q.people, q.members = f.roots, f.all
	who := e.people.Numbers(slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(people), f.roots...)))))
	for _, x := range facts {
		l := bits.NewLoader()
		if x.random != nil {
			draw(e.people, x.random, q.people, l)
		} else {
			v, err := e.values(ctx, &x.column, q, nil)
			if err != nil {
				return err
			}
			more := len(x.until)
			if x.until = v.add(e.people, l, x.until); len(x.until) > more {
				slices.SortFunc(x.until, byEnd)
			}
		}
		x.set.Replace(who, l)
	}
	return nil
}

func byEnd(a, b ending) int { return cmp.Compare(a.at, b.at) }

// expire reads people again whose value of something has ended.
func (e *engine) expire(ctx context.Context, now clock.Instant) error {
	for _, f := range e.facts {
		var over []id.ID
		for len(f.until) > 0 && f.until[0].at <= now {
			over, f.until = append(over, f.until[0].person), f.until[1:]
		}
		slices.Sort(over)
		over = slices.Compact(over)
		for part := range slices.Chunk(over, amongPer) {
			if err := e.again(ctx, part, func(x *fact) bool { return x == f }); err != nil {
				delete(e.facts, f.key) // what was taken off the list must not be forgotten
				return err
			}
		}
	}
	return nil
}
