package reach

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/id"
)

// Set is where one human falls: to the first of the uses that reaches him, or to the
// reason why none does (Use -1). Every human is in exactly one.
type Set struct {
	Use    int    `json:"use"`
	Reason string `json:"reason"`
}

// Sets judges all people as Look does and yields them by Set, in chunks, roots only
// (member.RootSQL), one call at a time; at 0 is now. Whoever it does not name is in the Set
// that it returns. It is for counting: people are read in pages, so what is taken meanwhile
// may be counted or not. Faults as Look.
func (s *Store) Sets(ctx context.Context, brandID id.ID, purpose string, uses []Use, at clock.Instant, yield func(set Set, people []id.ID) error) (rest Set, err error) {
	a := Ask{BrandID: brandID, Purpose: purpose, Uses: uses, At: at}
	if err := s.check(ctx, &a); err != nil {
		return Set{}, err
	}
	tx := s.DB.Read(ctx)
	empty, err := s.load(tx, a, nil)
	if err != nil {
		return Set{}, err
	}
	rest = empty.stranger()
	err = s.pages(ctx, a, func(f *facts, people []id.ID) error {
		found := map[Set][]id.ID{}
		for _, m := range people {
			x, _ := f.answer(m)
			if set := (Set{x.Use, x.Reason}); set != rest {
				found[set] = append(found[set], m)
			}
		}
		for set, list := range found {
			if err := yield(set, list); err != nil {
				return err
			}
		}
		return nil
	})
	return rest, err
}

// setsWorkers judge pages side by side; do is called by one at a time.
const setsWorkers = 4

// pages reads the facts of all people, some at a time; of those who do not agree only
// that.
func (s *Store) pages(ctx context.Context, a Ask, do func(f *facts, people []id.ID) error) (err error) {
	blank, err := s.blank(s.DB.Read(ctx), a)
	if err != nil {
		return err
	}
	if err := s.bulk(ctx, blank); err != nil {
		return err
	}
	var one sync.Mutex
	return side(ctx, s.members, func(ctx context.Context, p membersPage) error {
		people := make([]id.ID, len(p.rows))
		for i, r := range p.rows {
			people[i] = r.ID
		}
		f := blank.page()
		f.span = &p.span
		if err := f.everything(s.DB.Read(ctx), p.rows); err != nil {
			return err
		}
		one.Lock()
		defer one.Unlock()
		return do(f, people)
	})
}

// membersPage is a range of members, and the roots among them.
type membersPage struct {
	span [2]id.ID
	rows []memberRow
}

// members hands out all members page by page.
func (s *Store) members(ctx context.Context, hand func(membersPage) error) error {
	for after := id.ID(0); ; {
		var rows []memberRow
		if err := s.DB.Read(ctx).Raw(memberColumns+"WHERE id > ? ORDER BY id LIMIT ?", after, s.page).Scan(&rows).Error; err != nil {
			return fmt.Errorf("reach: people: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		p := membersPage{span: [2]id.ID{after + 1, rows[len(rows)-1].ID}}
		after = p.span[1]
		// Of a human his root is judged, on the page where it is.
		p.rows = slices.DeleteFunc(rows, func(r memberRow) bool { return r.RootID != 0 || r.State == "erased" })
		if len(p.rows) == 0 {
			continue
		}
		if err := hand(p); err != nil {
			return err
		}
	}
}

// everything reads what concerns the humans of a range beside their openids.
func (f *facts) everything(tx *gorm.DB, rows []memberRow) error {
	if err := f.families(tx, rows); err != nil {
		return err
	}
	var steps []func(*gorm.DB, []id.ID) error
	if !f.ask.Test {
		if f.ask.Purpose == Marketing {
			if err := f.agreements(tx, f.members()); err != nil {
				return fmt.Errorf("reach: %w", err)
			}
			f.drop()
			steps = append(steps, f.messages)
		}
		steps = append(steps, f.wishes, f.hoped)
	}
	all := f.members()
	if len(all) == 0 {
		return nil
	}
	for person, m := range f.persons {
		h := f.of(m)
		h.known = f.bulk.of(h.known, person)
	}
	for _, read := range append(steps, f.staff) {
		if err := read(tx, all); err != nil {
			return fmt.Errorf("reach: %w", err)
		}
	}
	return nil
}

// stranger is the set of a human of whom nothing is known.
func (f *facts) stranger() Set {
	h := &human{refuses: map[[2]string]bool{}}
	f.humans[0], f.roots[0] = h, 0
	defer func() { delete(f.humans, 0); delete(f.roots, 0) }()
	a, _ := f.answer(0)
	return Set{a.Use, a.Reason}
}
