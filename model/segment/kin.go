package segment

import (
	"context"
	"fmt"
	"slices"

	"siyu/model/id"
	"siyu/model/segment/bits"
)

// kin are the people with several accounts, or everybody of a small brand. Who becomes one
// later is noted, and read again.
func (e *engine) kin(ctx context.Context, people *bits.People) (roots []id.ID, err error) {
	err = e.locked(ctx, people, func() {
		if people.Len() <= e.s.few {
			roots = slices.DeleteFunc(slices.Clone(people.IDs()), func(i id.ID) bool { return i == 0 })
			slices.Sort(roots)
		}
	})
	if len(roots) > 0 || err != nil {
		return roots, err
	}
	for after := id.ID(0); ; {
		var some []id.ID
		if err := e.s.db.Read(ctx).Raw("SELECT DISTINCT root_id FROM member WHERE root_id > ? ORDER BY root_id LIMIT ?", after, kinPer).Scan(&some).Error; err != nil {
			return nil, fmt.Errorf("segment: load: %w", err)
		}
		if err := e.locked(ctx, people, func() {
			for _, r := range some {
				if _, ours := people.Number(r); ours {
					roots = append(roots, r)
				}
			}
		}); err != nil {
			return nil, err
		}
		if len(some) < kinPer {
			return roots, nil
		}
		after = some[len(some)-1]
	}
}

// loadKin reads who has several accounts.
func (e *engine) loadKin(ctx context.Context, people *bits.People, todo []*loading, roots []id.ID) error {
	for part := range slices.Chunk(roots, amongPer) {
		f, err := e.s.familiesOf(ctx, part)
		if err != nil {
			return err
		}
		for _, x := range todo {
			if x.kin {
				continue
			}
			q := e.s.query(e.brand)
			q.now, q.people, q.members = x.now, f.roots, f.all
			if err := e.into(ctx, people, x, q, nil); err != nil {
				x.kinAgain(e)
				return err
			}
		}
	}
	for _, x := range todo {
		x.kin = true
	}
	return nil
}

// kinAgain lets go of a fact that has some of those with several accounts.
func (x *loading) kinAgain(e *engine) { x.now = 0 }
