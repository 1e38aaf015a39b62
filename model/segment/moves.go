package segment

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/segment/bits"
)

const (
	// movesPer bounds the moves of one transaction; a look with more of them takes several,
	// each of which leaves a membership that its moves lead to.
	movesPer = 5000
	// restFor is how old the as-of of a membership that does not change may get.
	restFor = 5 * time.Minute
)

// membership is a row of segment_now.
type membership struct {
	SegmentID id.ID
	Version   int
	Rev       int64
	People    []byte
	Count     int64
	AsOf      clock.Instant
	Derived   bool
	Day       int // of a snapshot
}

func (m membership) set() (*bits.Set, error) {
	s := roaring.New()
	if len(m.People) == 0 {
		return s, nil
	}
	_, err := s.FromUnsafeBytes(m.People)
	return s, err
}

// LookAll looks at all active segments: who came in, who left. Every process may call it;
// of two that look at once one commits.
func (s *Store) LookAll(ctx context.Context) error {
	var list []id.ID
	if err := s.db.Read(ctx).Raw("SELECT id FROM segment WHERE state = ? ORDER BY id", Active).Scan(&list).Error; err != nil {
		return fmt.Errorf("segment: look: %w", err)
	}
	var failed error
	for _, g := range list { // one that fails holds up no other
		if _, err := s.Look(ctx, g); err != nil {
			failed = err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return failed
}

// Look finds who is in a segment now, keeps it and tells who came in and who left since
// the last look. The first look at a version tells nobody: it is where moves begin. It
// returns how many are in it. Fault: NotFound segment_not_found.
func (s *Store) Look(ctx context.Context, segmentID id.ID) (int64, error) {
	g, err := s.Get(ctx, segmentID)
	if err != nil {
		return 0, err
	}
	t, err := s.current(ctx, g.BrandID, g.ID)
	if err != nil {
		return 0, err
	}
	for {
		var old membership
		err := s.db.Read(ctx).Raw("SELECT * FROM segment_now WHERE segment_id = ?", segmentID).Scan(&old).Error
		if err != nil {
			return 0, fmt.Errorf("segment: look: %w", err)
		}
		p, err := s.Find(ctx, g.BrandID, t) // after the row was read: never older than what it replaces
		if err != nil {
			return 0, err
		}
		more, err := s.keep(ctx, g, old, p)
		if err != nil {
			return 0, fmt.Errorf("segment: look: %w", err)
		}
		if !more {
			return p.Count(), nil
		}
	}
}

// keep writes a step from an old membership towards a new one; more: it was not all of it.
func (s *Store) keep(ctx context.Context, g Segment, old membership, p People) (more bool, err error) {
	was, err := old.set()
	if err != nil {
		return false, err
	}
	now := membership{SegmentID: g.ID, Version: g.Version, Rev: old.Rev + 1, AsOf: p.AsOf, Derived: p.derived}
	var withdrawn []id.ID // who was in it and may be known no more to have been
	if old.Derived && p.derived {
		gone, err := s.refusing(ctx, g.BrandID, roaring.AndNot(was, p.allowed))
		if err == nil && !gone.IsEmpty() {
			withdrawn = p.of(gone)
			old, err = old.without(gone)
		}
		if err != nil {
			return false, err
		}
	}
	next, begins := p.set, old.Version != g.Version
	var moved Moved
	if !begins {
		if next.Equals(was) && p.AsOf.Sub(old.AsOf) < restFor && clock.DayOf(p.AsOf) == clock.DayOf(old.AsOf) {
			return false, nil
		}
		came, left := roaring.AndNot(next, was), roaring.AndNot(was, next)
		if n := came.GetCardinality() + left.GetCardinality(); n > movesPer {
			more = true
			came, left = first(came, movesPer), first(left, movesPer-int(min(came.GetCardinality(), movesPer)))
			next = roaring.Or(roaring.AndNot(was, left), came)
		}
		moved = Moved{SegmentID: g.ID, BrandID: g.BrandID, Version: g.Version, Entered: p.of(came), Left: p.of(left), At: p.AsOf}
	}
	next = next.Clone()
	next.RunOptimize()
	var b bytes.Buffer
	if _, err := next.WriteTo(&b); err != nil {
		return false, err
	}
	now.People, now.Count = b.Bytes(), int64(next.GetCardinality())
	return more, s.db.InTx(ctx, func(tx *gorm.DB) error { return s.keepTx(ctx, tx, old, now, moved, withdrawn) })
}

func (s *Store) keepTx(ctx context.Context, tx *gorm.DB, old, now membership, moved Moved, withdrawn []id.ID) error {
	var n int64
	if old.Rev == 0 {
		r := tx.Exec("INSERT INTO segment_now (segment_id, version, rev, people, count, as_of, derived) VALUES (?,?,?,?,?,?,?)"+s.db.Once("rev"), now.SegmentID, now.Version, now.Rev, now.People, now.Count, now.AsOf, now.Derived)
		n = r.RowsAffected
		if r.Error != nil {
			return r.Error
		}
	} else {
		r := tx.Exec("UPDATE segment_now SET version = ?, rev = ?, people = ?, count = ?, as_of = ?, derived = ? WHERE segment_id = ? AND rev = ?", now.Version, now.Rev, now.People, now.Count, now.AsOf, now.Derived, now.SegmentID, old.Rev)
		n = r.RowsAffected
		if r.Error != nil {
			return r.Error
		}
	}
	if n == 0 {
		return nil // another process looked: its moves stand
	}
	if day := clock.DayOf(old.AsOf); old.Rev != 0 && day != clock.DayOf(now.AsOf) { // what was last known of that day
		if err := tx.Exec("INSERT INTO segment_snapshot (segment_id, day, version, people, count, as_of, derived) VALUES (?,?,?,?,?,?,?)"+s.db.Once("day"), old.SegmentID, day, old.Version, old.People, old.Count, old.AsOf, old.Derived).Error; err != nil {
			return err
		}
	}
	if len(moved.Entered)+len(moved.Left) == 0 {
		return nil
	}
	// That somebody left, because he wants it known no more what he did, would tell it.
	for part := range slices.Chunk(withdrawn, 500) {
		if err := tx.Exec("DELETE FROM segment_move WHERE person_id IN ? AND segment_id = ? AND derived = 1", part, now.SegmentID).Error; err != nil {
			return err
		}
	}
	silent := map[id.ID]bool{}
	for _, p := range withdrawn {
		silent[p] = true
	}
	rows := db.NewRows("segment_move", "id, segment_id, person_id, entered, version, at, derived")
	for i, list := range [][]id.ID{moved.Left, moved.Entered} {
		for _, p := range list {
			if !silent[p] {
				rows.Add(s.db.NewID(), now.SegmentID, p, i, now.Version, now.AsOf, now.Derived)
			}
		}
	}
	if _, err := rows.Insert(ctx, tx, ""); err != nil {
		return err
	}
	for _, tell := range s.listeners {
		if err := tell(ctx, tx, moved); err != nil {
			return err
		}
	}
	return nil
}

// first is the first n of a set.
func first(s *bits.Set, n int) *bits.Set {
	if n <= 0 {
		return roaring.New()
	}
	if s.GetCardinality() <= uint64(n) {
		return s
	}
	last, _ := s.Select(uint32(n - 1))
	out := s.Clone()
	out.RemoveRange(uint64(last)+1, 1<<32)
	return out
}

func (p People) of(s *bits.Set) []id.ID {
	out := make([]id.ID, 0, s.GetCardinality())
	for it := s.Iterator(); it.HasNext(); {
		out = append(out, p.ids[it.Next()])
	}
	return out
}

// Now is what the last look found; a zero AsOf: nobody looked yet.
type Now struct {
	Version int           `json:"version"`
	Count   int64         `json:"count"`
	AsOf    clock.Instant `json:"as_of"`
}

// Nows is Now of several segments.
func (s *Store) Nows(ctx context.Context, segments []id.ID) (map[id.ID]Now, error) {
	out := map[id.ID]Now{}
	if len(segments) == 0 {
		return out, nil
	}
	var rows []struct {
		SegmentID id.ID
		Now
	}
	err := s.db.Read(ctx).Raw("SELECT segment_id, version, count, as_of FROM segment_now WHERE segment_id IN ?", segments).Scan(&rows).Error
	for _, r := range rows {
		out[r.SegmentID] = r.Now
	}
	return out, err
}

// Snapshot is who was in a segment at the end of a day, as a number.
type Snapshot struct {
	Day     clock.Day     `json:"day"`
	Version int           `json:"version"`
	Count   int64         `json:"count"`
	AsOf    clock.Instant `json:"as_of"`
}

// Snapshots are the days of a segment, newest first, before a day (0: all).
func (s *Store) Snapshots(ctx context.Context, segmentID id.ID, before clock.Day, limit int) ([]Snapshot, error) {
	if before == 0 {
		before = 1 << 30
	}
	list := []Snapshot{}
	err := s.db.Read(ctx).Raw("SELECT day, version, count, as_of FROM segment_snapshot WHERE segment_id = ? AND day < ? ORDER BY day DESC LIMIT ?", segmentID, before, min(max(limit, 1), db.MaxPage)).Scan(&list).Error
	return list, err
}

// Difference is what became of a segment between the ends of two days; day 0 is now.
type Difference struct {
	From Snapshot `json:"from"`
	To   Snapshot `json:"to"`
	Both int64    `json:"both"` // in it at both
	Came int64    `json:"came"` // at the second only
	Left int64    `json:"left"` // at the first only
}

// Compare compares two days. Fault: NotFound snapshot_missing.
func (s *Store) Compare(ctx context.Context, segmentID id.ID, from, to clock.Day) (Difference, error) {
	var d Difference
	a, err := s.at(ctx, segmentID, from, &d.From)
	if err != nil {
		return d, err
	}
	b, err := s.at(ctx, segmentID, to, &d.To)
	if err != nil {
		return d, err
	}
	d.Both = int64(a.AndCardinality(b))
	d.Came, d.Left = int64(b.GetCardinality())-d.Both, int64(a.GetCardinality())-d.Both
	return d, nil
}

func (s *Store) at(ctx context.Context, segmentID id.ID, day clock.Day, into *Snapshot) (*bits.Set, error) {
	var m membership
	q := s.db.Read(ctx).Raw("SELECT * FROM segment_now WHERE segment_id = ?", segmentID)
	if day != 0 {
		q = s.db.Read(ctx).Raw("SELECT segment_id, version, people, count, as_of FROM segment_snapshot WHERE segment_id = ? AND day = ?", segmentID, day)
	}
	if err := q.Scan(&m).Error; err != nil {
		return nil, fmt.Errorf("segment: compare: %w", err)
	}
	if m.AsOf == 0 {
		return nil, fault.New(fault.NotFound, "snapshot_missing", "这一天没有快照，请选有快照的日期")
	}
	*into = Snapshot{clock.DayOf(m.AsOf), m.Version, m.Count, m.AsOf}
	return m.set()
}

// Move is somebody's coming in or leaving.
type Move struct {
	ID        id.ID         `json:"id"`
	SegmentID id.ID         `json:"segment_id"`
	PersonID  id.ID         `json:"person_id"`
	Entered   bool          `json:"entered"`
	Version   int           `json:"version"`
	At        clock.Instant `json:"at"`
}

// MovesOf are a human's comings and goings, newest first.
func (s *Store) MovesOf(ctx context.Context, family []id.ID, limit int) ([]Move, error) {
	list := []Move{}
	err := s.db.Read(ctx).Raw("SELECT * FROM segment_move WHERE person_id IN ? ORDER BY at DESC, id DESC LIMIT ?", family, min(max(limit, 1), db.MaxPage)).Scan(&list).Error
	return list, err
}
