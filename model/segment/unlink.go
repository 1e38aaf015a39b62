package segment

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/segment/bits"
)

const (
	// unlinkAfter lets looks that had begun before somebody withdrew end, and the snapshot of
	// a day that they leave behind.
	unlinkAfter = time.Hour
	// unlinkPer is how many numbers go in one pass: a pass reads every snapshot of their brands.
	unlinkPer = 20_000
	// snapsPer is how many snapshots are read at once: each may be a megabyte.
	snapsPer = 20
)

// unlinkTx notes that past days must not name these people any more: in segments that say
// what somebody did, or (entire) in any.
func (s *Store) unlinkTx(ctx context.Context, tx *gorm.DB, people []id.ID, entire bool) error {
	if len(people) == 0 {
		return nil
	}
	tail := " ON CONFLICT (brand_id, number, entire) DO UPDATE SET at = excluded.at"
	if s.db.Driver() == db.MySQL {
		tail = " ON DUPLICATE KEY UPDATE at = VALUES(at)"
	}
	err := tx.WithContext(ctx).Exec("INSERT INTO segment_unlink (brand_id, number, entire, at) SELECT brand_id, number, ?, ? FROM segment_person WHERE person_id IN ?"+tail, entire, s.db.Now(), people).Error
	return wrap("unlink", err)
}

// Unlink takes people who withdrew their consent, or were erased, out of the memberships of
// past days, and of segments that are not looked at any more (撤回同意后删除推断数据). How many
// there were goes down with them. Newer than unlinkAfter waits; more says that there are others.
func (s *Store) Unlink(ctx context.Context) (more bool, err error) {
	before := s.db.Now().Add(-unlinkAfter)
	var rows []struct {
		BrandID id.ID
		Number  uint32
		Entire  bool
	}
	err = s.db.Read(ctx).Raw("SELECT brand_id, number, entire FROM segment_unlink WHERE at < ? ORDER BY brand_id, number LIMIT ?", before, unlinkPer).Scan(&rows).Error
	if err != nil {
		return false, wrap("unlink", err)
	}
	for len(rows) > 0 {
		brandID := rows[0].BrandID
		x := leaving{everywhere: roaring.New(), deeds: roaring.New()}
		var numbers []uint32
		for len(rows) > 0 && rows[0].BrandID == brandID {
			x.deeds.Add(rows[0].Number)
			if rows[0].Entire {
				x.everywhere.Add(rows[0].Number)
			}
			numbers, rows = append(numbers, rows[0].Number), rows[1:]
		}
		if err := s.unlinkBrand(ctx, brandID, x); err != nil {
			return false, wrap("unlink", err)
		}
		for part := range slices.Chunk(numbers, 500) {
			err := s.db.InTx(ctx, func(tx *gorm.DB) error {
				return tx.Exec("DELETE FROM segment_unlink WHERE brand_id = ? AND at < ? AND number IN ?", brandID, before, part).Error
			})
			if err != nil {
				return false, wrap("unlink", err)
			}
		}
		more = more || len(numbers) == unlinkPer
	}
	return more, nil
}

// refusing are those of some numbers who do not agree to profiling; others are not there any
// more by themselves: who was joined with somebody goes on under his number.
func (s *Store) refusing(ctx context.Context, brandID id.ID, some *bits.Set) (*bits.Set, error) {
	out := roaring.New()
	for part := range slices.Chunk(some.ToArray(), 500) {
		var found []uint32
		if err := s.db.Read(ctx).Raw("SELECT number FROM segment_person WHERE brand_id = ? AND number IN ? AND live = 1 AND allows = 0", brandID, part).Scan(&found).Error; err != nil {
			return nil, err
		}
		out.AddMany(found)
	}
	return out, nil
}

// leaving are numbers of a brand that go: from all memberships, or from those that say what
// people did.
type leaving struct{ everywhere, deeds *bits.Set }

func (x leaving) from(m membership) (membership, bool, error) {
	gone := x.everywhere
	if m.Derived {
		gone = x.deeds
	}
	was, err := m.set()
	if err != nil || !was.Intersects(gone) {
		return m, false, err
	}
	m, err = m.without(gone)
	return m, true, err
}

// without is a membership less some numbers.
func (m membership) without(gone *bits.Set) (membership, error) {
	was, err := m.set()
	if err != nil {
		return m, err
	}
	rest := roaring.AndNot(was, gone)
	rest.RunOptimize()
	var b bytes.Buffer
	if _, err := rest.WriteTo(&b); err != nil {
		return m, err
	}
	m.People, m.Count = b.Bytes(), int64(rest.GetCardinality())
	return m, nil
}

func (s *Store) unlinkBrand(ctx context.Context, brandID id.ID, x leaving) error {
	var segments []Segment
	if err := s.db.Read(ctx).Where("brand_id = ?", brandID).Order("id").Find(&segments).Error; err != nil {
		return err
	}
	for _, g := range segments {
		if g.State == Archived { // nobody looks any more
			if err := s.unlinkNow(ctx, g.ID, x); err != nil {
				return err
			}
		}
		for day, more := 0, true; more; {
			var days []membership
			err := s.db.Read(ctx).Raw("SELECT segment_id, day, version, people, count, as_of, derived FROM segment_snapshot WHERE segment_id = ? AND day > ? ORDER BY day LIMIT ?", g.ID, day, snapsPer).Scan(&days).Error
			if err != nil {
				return err
			}
			for _, d := range days {
				day = d.Day
				m, changed, err := x.from(d)
				if err == nil && changed {
					err = s.db.InTx(ctx, func(tx *gorm.DB) error {
						return tx.Exec("UPDATE segment_snapshot SET people = ?, count = ? WHERE segment_id = ? AND day = ?", m.People, m.Count, g.ID, d.Day).Error
					})
				}
				if err != nil {
					return fmt.Errorf("day %d of %d: %w", d.Day, g.ID, err)
				}
			}
			more = len(days) == snapsPer
		}
	}
	return nil
}

func (s *Store) unlinkNow(ctx context.Context, segmentID id.ID, x leaving) error {
	var m membership
	if err := s.db.Read(ctx).Raw("SELECT * FROM segment_now WHERE segment_id = ?", segmentID).Scan(&m).Error; err != nil || m.Rev == 0 {
		return err
	}
	m, changed, err := x.from(m)
	if err != nil || !changed {
		return err
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE segment_now SET people = ?, count = ?, rev = rev + 1 WHERE segment_id = ? AND rev = ?", m.People, m.Count, segmentID, m.Rev).Error
	})
}
