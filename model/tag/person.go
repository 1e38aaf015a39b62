package tag

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"

	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/member"
)

// crowd is some humans at one moment: who belongs to whom, and the number of the last
// write about each. What is computed from a crowd is written only if no number has moved.
type crowd struct {
	roots    []id.ID
	families map[id.ID][]id.ID // by root, the root first
	members  []id.ID           // all of them, in order
	seq      map[id.ID]int64   // no entry: no row yet
	allowed  map[id.ID]bool    // roots of those who allow profiling
}

// most humans are computed and written together.
const crowdMost = 200

// meet reads the humans behind some members. The numbers come first: what is read after
// them is at least as new.
func (s *Store) meet(ctx context.Context, members []id.ID) (*crowd, error) {
	c := &crowd{families: map[id.ID][]id.ID{}}
	found, err := member.Families(s.DB.Read(ctx), members)
	if err != nil {
		return nil, fmt.Errorf("tag: people: %w", err)
	}
	for _, family := range found {
		if root := family[0]; c.families[root] == nil {
			c.families[root] = family
			c.roots, c.members = append(c.roots, root), append(c.members, family...)
		}
	}
	slices.Sort(c.roots)
	slices.Sort(c.members)
	if c.seq, err = seqs(s.DB.Read(ctx), c.members, ""); err != nil {
		return nil, err
	}
	// Families once more: a join between the two reads has moved a number that was read.
	again, err := member.Families(s.DB.Read(ctx), members)
	if err != nil {
		return nil, fmt.Errorf("tag: people: %w", err)
	}
	for m, family := range found {
		if !slices.Equal(family, again[m]) {
			return nil, errMoved
		}
	}
	c.allowed, err = s.Consents.GivenAmong(ctx, c.roots, consent.Profiling)
	return c, err
}

// errMoved: somebody else wrote about one of these people meanwhile.
var errMoved = errors.New("tag: people moved")

func seqs(tx *gorm.DB, members []id.ID, tail string) (map[id.ID]int64, error) {
	out := map[id.ID]int64{}
	if len(members) == 0 {
		return out, nil
	}
	var rows []struct {
		MemberID id.ID
		Seq      int64
	}
	if err := tx.Raw("SELECT member_id, seq FROM tag_person WHERE member_id IN ? ORDER BY member_id"+tail, members).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("tag: people: %w", err)
	}
	for _, r := range rows {
		out[r.MemberID] = r.Seq
	}
	return out, nil
}

// holdTx takes the rows of a crowd and moves their numbers. Fault: errMoved.
func (s *Store) holdTx(ctx context.Context, tx *gorm.DB, c *crowd) error {
	lock := ""
	if s.DB.Driver() == db.MySQL {
		lock = " FOR UPDATE" // SQLite has one writer, and it is us
	}
	now, err := seqs(tx, c.members, lock)
	if err != nil {
		return err
	}
	missing := db.NewRows("tag_person", "member_id, seq")
	for _, m := range c.members {
		was, there := c.seq[m]
		if is, still := now[m]; is != was || still != there {
			return errMoved
		}
		if !there {
			missing.Add(m, 1)
		}
	}
	n, err := missing.Insert(ctx, tx, s.DB.Once("seq"))
	if err != nil {
		return err
	}
	if n != int64(missing.Len()) {
		return errMoved
	}
	if len(now) == 0 {
		return nil
	}
	return tx.Exec("UPDATE tag_person SET seq = seq + 1 WHERE member_id IN ?", slices.Collect(maps.Keys(now))).Error
}

// bumpTx moves the numbers of members whatever they are, so that nothing that was computed
// before is written after.
func (s *Store) bumpTx(ctx context.Context, tx *gorm.DB, members []id.ID) error {
	tail := " ON CONFLICT (member_id) DO UPDATE SET seq = tag_person.seq + 1"
	if s.DB.Driver() == db.MySQL {
		tail = " ON DUPLICATE KEY UPDATE seq = seq + 1"
	}
	for _, m := range slices.Sorted(slices.Values(members)) { // in order: two who bump the same people wait, and do not lock each other out
		if _, err := db.Exec(ctx, tx, "INSERT INTO tag_person (member_id, seq) VALUES (?,1)"+tail, m); err != nil {
			return fmt.Errorf("tag: people: %w", err)
		}
	}
	return nil
}

// again runs what meets people until nobody moved meanwhile.
func (s *Store) again(ctx context.Context, members []id.ID, do func(c *crowd) error) error {
	for range 20 {
		c, err := s.meet(ctx, members)
		if err == nil {
			err = do(c)
		}
		if !errors.Is(err, errMoved) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return fault.New(fault.Unavailable, "busy", "系统繁忙，请稍后再试")
}

// Follow is the member.Follower that keeps a regrouping from being overtaken by what was
// computed for the old families. What follows from the new ones is Regrouped's, after the
// commit.
func (s *Store) Follow(ctx context.Context, tx *gorm.DB, g member.Regroup) error {
	members := make([]id.ID, 0, len(g.Roots))
	for m := range g.Roots {
		members = append(members, m)
	}
	return s.bumpTx(ctx, tx, members)
}

// Wake leaves wake-ups to compute members anew after the commit: of a human who has begun to
// allow profiling (consent.OnGive), of those whose answers changed (profile.Deps).
func (s *Store) Wake(ctx context.Context, tx *gorm.DB, members []id.ID) error {
	if len(members) == 0 {
		return nil
	}
	return s.Outbox.PutAllTx(ctx, tx, TaskTouch, members)
}

// Forget deletes what was made of members' behaviour: what must happen in the transaction
// that takes the consent back.
func (s *Store) Forget(ctx context.Context, tx *gorm.DB, members []id.ID) error {
	if err := s.bumpTx(ctx, tx, members); err != nil {
		return err
	}
	_, err := s.dropTx(ctx, tx, members, " AND tag_id IN (SELECT id FROM tag WHERE profiling = 1)")
	return err
}

// EraseTx deletes all values of these members (个人信息删除) and says how many rows that were.
func (s *Store) EraseTx(ctx context.Context, tx *gorm.DB, members []id.ID) (int64, error) {
	if err := s.bumpTx(ctx, tx, members); err != nil {
		return 0, err
	}
	if err := tx.WithContext(ctx).Exec("DELETE FROM tag_seen WHERE member_id IN ?", members).Error; err != nil {
		return 0, fmt.Errorf("tag: erase: %w", err)
	}
	return s.dropTx(ctx, tx, members, "")
}

// dropTx deletes values of members and tells who builds on them.
func (s *Store) dropTx(ctx context.Context, tx *gorm.DB, members []id.ID, which string) (int64, error) {
	tx = tx.WithContext(ctx)
	var rows []struct{ BrandID, MemberID id.ID }
	err := tx.Raw("SELECT DISTINCT t.brand_id, v.member_id FROM tag_value v JOIN tag t ON t.id = v.tag_id WHERE v.member_id IN ?", members).Scan(&rows).Error
	if err != nil {
		return 0, fmt.Errorf("tag: drop: %w", err)
	}
	r := tx.Exec("DELETE FROM tag_value WHERE member_id IN ?"+which, members)
	if r.Error != nil {
		return 0, fmt.Errorf("tag: drop: %w", r.Error)
	}
	moved := map[id.ID][]id.ID{}
	for _, x := range rows {
		moved[x.BrandID] = append(moved[x.BrandID], x.MemberID)
	}
	for brandID, list := range moved {
		if err := s.changedTx(ctx, tx, brandID, list); err != nil {
			return 0, err
		}
	}
	return r.RowsAffected, nil
}

func (s *Store) changedTx(ctx context.Context, tx *gorm.DB, brandID id.ID, members []id.ID) error {
	if len(members) == 0 {
		return nil
	}
	for _, tell := range s.Changed {
		if err := tell(ctx, tx, brandID, members); err != nil {
			return err
		}
	}
	return nil
}
