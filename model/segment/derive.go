package segment

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"

	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/member"
)

const (
	// membersPer bounds one transaction, families aside.
	membersPer = 200
	// notesPer is how many notes one look takes.
	notesPer = 1000
)

// dirty is a row of segment_dirty.
type dirty struct {
	ID       id.ID
	MemberID id.ID
	Parts    int
}

// Refresh derives what the notes say has changed, a bounded part at a time; more says
// that there are others. Every process may call it; two at once do the same twice.
func (s *Store) Refresh(ctx context.Context) (more bool, err error) {
	var notes []dirty
	if err := s.db.Read(ctx).Raw("SELECT id, member_id, parts FROM segment_dirty ORDER BY id LIMIT ?", notesPer).Scan(&notes).Error; err != nil {
		return false, fmt.Errorf("segment: notes: %w", err)
	}
	return len(notes) == notesPer, s.settle(ctx, notes)
}

// settle derives for the members of notes and deletes the notes with it.
func (s *Store) settle(ctx context.Context, notes []dirty) error {
	by := map[id.ID][]dirty{}
	for _, n := range notes {
		by[n.MemberID] = append(by[n.MemberID], n)
	}
	for part := range slices.Chunk(slices.Sorted(maps.Keys(by)), membersPer) {
		parts, done := 0, []id.ID(nil)
		for _, m := range part {
			for _, n := range by[m] {
				parts, done = parts|n.Parts, append(done, n.ID)
			}
		}
		if err := s.derive(ctx, part, parts, done, nil); err != nil {
			return err
		}
	}
	return nil
}

// settleAmong brings members up to date of whom a note waits, so that an answer about
// them is no older than the question.
func (s *Store) settleAmong(ctx context.Context, members []id.ID) error {
	var notes []dirty
	if err := s.db.Read(ctx).Raw("SELECT id, member_id, parts FROM segment_dirty WHERE member_id IN ?", members).Scan(&notes).Error; err != nil {
		return fmt.Errorf("segment: notes: %w", err)
	}
	return s.settle(ctx, notes)
}

// derive brings acts, people and the change log up to date for members, and deletes the
// notes that said so. events are theirs that may be new: where acts are kept already only
// these are added, where they are not yet, all there are.
//
// Everything is read after the states are locked and by statements that see the newest
// commit. A fact that commits after that has a note of its own.
func (s *Store) derive(ctx context.Context, members []id.ID, parts int, notes []id.ID, events []event.Event) error {
	err := s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		tx = tx.WithContext(ctx)
		f, err := familiesOf(tx, members)
		if err != nil {
			return err
		}
		before, err := s.lock(ctx, tx, f.all)
		if err != nil {
			return err
		}
		allowed, err := s.allowed(tx, f)
		if err != nil {
			return err
		}
		if err := s.keepActs(ctx, tx, f, before, allowed, events); err != nil {
			return err
		}
		parts := parts
		named, err := s.name(ctx, tx, f)
		if err != nil {
			return err
		}
		if named {
			parts |= PartActs
		}
		if err := s.people(ctx, tx, f, allowed, parts); err != nil {
			return err
		}
		for part := range slices.Chunk(notes, 500) {
			if err := tx.Exec("DELETE FROM segment_dirty WHERE id IN ?", part).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("segment: derive: %w", err)
	}
	return nil
}

// families are the humans behind some members.
type families struct {
	all   []id.ID         // every member of them, in order
	root  map[id.ID]id.ID // of each of all
	roots []id.ID         // in order
	asked []id.ID
}

// familiesOf reads the families of members.
func (s *Store) familiesOf(ctx context.Context, members []id.ID) (families, error) {
	return familiesOf(s.db.Read(ctx), members)
}

func familiesOf(tx *gorm.DB, members []id.ID) (families, error) {
	of, err := member.Families(tx, members)
	return group(members, of), err
}

// group sorts families out. A member nobody knows is himself alone.
func group(members []id.ID, of map[id.ID][]id.ID) families {
	f := families{root: map[id.ID]id.ID{}, asked: members}
	for _, m := range members {
		family := of[m]
		if len(family) == 0 {
			family = []id.ID{m}
		}
		for _, x := range family {
			f.root[x] = family[0]
		}
	}
	f.all = slices.Sorted(maps.Keys(f.root))
	f.roots = slices.Clone(f.all)
	for i, m := range f.roots {
		f.roots[i] = f.root[m]
	}
	slices.Sort(f.roots)
	f.roots = slices.Compact(f.roots)
	return f
}

// lock holds the states of members and says whose acts are kept.
func (s *Store) lock(ctx context.Context, tx *gorm.DB, members []id.ID) (map[id.ID]bool, error) {
	for part := range slices.Chunk(members, 500) {
		rows := db.NewRows("segment_state", "member_id, allowed, version")
		for _, m := range part {
			rows.Add(m, 0, 0)
		}
		if _, err := rows.Insert(ctx, tx, s.db.Once("allowed")); err != nil {
			return nil, err
		}
	}
	tail := ""
	if s.db.Driver() == db.MySQL {
		tail = " FOR UPDATE" // SQLite has one writer, and it is us
	}
	var kept []id.ID
	stmt := "SELECT CASE allowed WHEN 0 THEN 0 ELSE member_id END FROM segment_state WHERE member_id IN ? ORDER BY member_id" + tail
	if err := tx.Raw(stmt, members).Scan(&kept).Error; err != nil {
		return nil, err
	}
	out := map[id.ID]bool{}
	for _, m := range kept {
		out[m] = m != 0
	}
	return out, nil
}

// allowed says of each human, by his root, whether he agrees to profiling.
func (s *Store) allowed(tx *gorm.DB, f families) (map[id.ID]bool, error) {
	var rows []struct {
		MemberID id.ID
		Given    bool
	}
	err := tx.Raw("SELECT member_id, given FROM consent WHERE member_id IN ? AND purpose = ? ORDER BY at, id", f.all, consent.Profiling).Scan(&rows).Error
	out := map[id.ID]bool{}
	for _, r := range rows { // oldest first: the last one stays
		out[f.root[r.MemberID]] = r.Given
	}
	return out, err
}

// people brings the people of the humans' brands up to date and writes the changes.
func (s *Store) people(ctx context.Context, tx *gorm.DB, f families, allowed map[id.ID]bool, parts int) error {
	type at struct{ brand, person id.ID }
	var seen []struct{ BrandID, MemberID id.ID }
	if err := tx.Raw("SELECT DISTINCT brand_id, member_id FROM event WHERE member_id IN ? AND channel <> ?", f.all, event.Erased).Scan(&seen).Error; err != nil {
		return err
	}
	follows := seen[:0:0]
	if err := tx.Raw("SELECT DISTINCT a.brand_id, f.member_id FROM follower f JOIN account a ON a.id = f.account_id WHERE f.member_id IN ? AND f.following = 1", f.all).Scan(&follows).Error; err != nil {
		return err
	}
	live := map[at]bool{}
	for _, x := range append(seen, follows...) {
		live[at{x.BrandID, f.root[x.MemberID]}] = true
	}
	var rows []struct {
		BrandID, PersonID id.ID
		Live, Allows      bool
	}
	if err := tx.Raw("SELECT brand_id, person_id, live, allows FROM segment_person WHERE person_id IN ?", f.all).Scan(&rows).Error; err != nil {
		return err
	}
	there, brands := map[at]bool{}, map[id.ID][]id.ID{}
	for _, r := range rows {
		k := at{r.BrandID, r.PersonID}
		there[k], brands[r.BrandID] = true, append(brands[r.BrandID], r.PersonID)
		if r.Live == live[k] && r.Allows == allowed[r.PersonID] {
			continue
		}
		err := tx.Exec("UPDATE segment_person SET live = ?, allows = ? WHERE brand_id = ? AND person_id = ?", live[k], allowed[r.PersonID], r.BrandID, r.PersonID).Error
		if err != nil {
			return err
		}
	}
	fresh := map[id.ID][]id.ID{}
	for k := range live {
		if !there[k] {
			fresh[k.brand], brands[k.brand] = append(fresh[k.brand], k.person), append(brands[k.brand], k.person)
		}
	}
	for _, brandID := range slices.Sorted(maps.Keys(brands)) {
		slices.Sort(fresh[brandID])
		slices.Sort(brands[brandID])
		parts := parts
		if len(fresh[brandID]) > 0 { // nothing of them is held
			parts = PartAll
		}
		if err := s.change(ctx, tx, brandID, fresh[brandID], brands[brandID], allowed, parts); err != nil {
			return err
		}
	}
	return nil
}

// change numbers a brand's new people and appends to its change log.
func (s *Store) change(ctx context.Context, tx *gorm.DB, brandID id.ID, fresh, people []id.ID, allowed map[id.ID]bool, parts int) error {
	update := func() (int64, error) {
		r := tx.Exec("UPDATE segment_brand SET next_number = next_number + ?, seq = seq + 1 WHERE brand_id = ?", len(fresh), brandID)
		return r.RowsAffected, r.Error
	}
	n, err := update()
	if err == nil && n == 0 {
		if err = tx.Exec("INSERT INTO segment_brand (brand_id, next_number, seq) VALUES (?,0,0)"+s.db.Once("seq"), brandID).Error; err == nil {
			_, err = update()
		}
	}
	if err != nil {
		return err
	}
	var b struct{ NextNumber, Seq int64 } // ours: nobody else changes it before we commit
	if err := tx.Raw("SELECT next_number, seq FROM segment_brand WHERE brand_id = ?", brandID).Scan(&b).Error; err != nil {
		return err
	}
	rows := db.NewRows("segment_person", "brand_id, person_id, number, live, allows")
	for i, p := range fresh {
		rows.Add(brandID, p, b.NextNumber-int64(len(fresh)-i), 1, allowed[p])
	}
	// Somebody else may have numbered one of them since they were read: his number stays,
	// and ours is nobody's.
	if _, err := rows.Insert(ctx, tx, s.db.Once("live")); err != nil {
		return err
	}
	_, err = db.Exec(ctx, tx, "INSERT INTO segment_change (brand_id, seq, parts, people, created_at) VALUES (?,?,?,?,?)", brandID, b.Seq, parts, pack(people), s.db.Now())
	return err
}

func pack(list []id.ID) []byte {
	out := make([]byte, 0, 8*len(list))
	for _, i := range list {
		out = binary.BigEndian.AppendUint64(out, uint64(i))
	}
	return out
}

func unpack(b []byte) (list []id.ID) {
	for ; len(b) >= 8; b = b[8:] {
		list = append(list, id.ID(binary.BigEndian.Uint64(b)))
	}
	return list
}
