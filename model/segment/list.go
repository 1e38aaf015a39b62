package segment

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/rule"
)

// Roster is a list of people that stays as it is until an operator changes it (名单). One
// that was taken out of a segment names it, with the version of its rule. Derived: that rule
// looked at what people did, so who takes his consent to that back is on it no more.
type Roster struct {
	ID        id.ID         `json:"id"`
	BrandID   id.ID         `json:"brand_id"`
	Name      string        `json:"name"`
	Note      string        `json:"note"`
	SegmentID id.ID         `json:"segment_id"`
	Version   int           `json:"version"`
	Derived   bool          `json:"derived"`
	Rev       int           `json:"rev"` // grows when an operator changes who is on it
	ByID      id.ID         `json:"by_id"`
	CreatedAt clock.Instant `json:"created_at"`
	Count     int64         `json:"count" gorm:"-"`
}

// TableName names the table for GORM.
func (Roster) TableName() string { return "segment_list" }

const (
	// RosterPer is how many members one change of a list may name.
	RosterPer = 1000
	// TakeMost is how many people of a segment a list may hold. A push to more names the
	// segment.
	TakeMost = 100_000
)

var (
	errRoster = fault.New(fault.NotFound, "list_not_found", "没有这个名单")
	errMany   = fault.Invalidf("list_too_long", "名单一次最多 %d 人", TakeMost)
)

// CreateRoster makes an empty list. Fault: Invalid list_name.
func (s *Store) CreateRoster(ctx context.Context, r Roster) (Roster, error) {
	r.Name, r.Note = strings.TrimSpace(r.Name), strings.TrimSpace(r.Note)
	if n := utf8.RuneCountInString(r.Name); n < 1 || n > 30 || utf8.RuneCountInString(r.Note) > 200 {
		return Roster{}, fault.NewInvalid("list_name", "名单名称 1 到 30 个字，说明最多 200 个字").With("field", "name")
	}
	r.ID, r.CreatedAt, r.Count, r.Rev = s.db.NewID(), s.db.Now(), 0, 1
	err := s.db.InTx(ctx, func(tx *gorm.DB) error { return tx.Create(&r).Error })
	return r, err
}

// TakeRoster makes a list of who is in a segment now (静态名单). Faults as CreateRoster;
// NotFound segment_not_found; Invalid list_too_long.
func (s *Store) TakeRoster(ctx context.Context, segmentID id.ID, name string, by id.ID) (Roster, error) {
	f, err := s.Freeze(ctx, segmentID)
	if err != nil {
		return Roster{}, err
	}
	if f.Count > TakeMost {
		return Roster{}, errMany
	}
	r, err := s.CreateRoster(ctx, Roster{BrandID: f.BrandID, Name: name, SegmentID: segmentID, Version: f.Version, Derived: f.People.derived, ByID: by, Note: "取自人群，截至 " + f.AsOf.Local()})
	if err != nil {
		return Roster{}, err
	}
	for part := range slices.Chunk(slices.Collect(f.People.Each()), RosterPer) {
		if _, err := s.put(ctx, r, part); err != nil {
			return Roster{}, err
		}
	}
	return s.Roster(ctx, r.ID)
}

// Put puts members on a list and says how many were not on it. Who is unknown is left
// out. Faults: NotFound list_not_found; Invalid list_too_long.
func (s *Store) Put(ctx context.Context, listID id.ID, members []id.ID) (n int64, err error) {
	r, err := s.Roster(ctx, listID)
	if err != nil {
		return 0, err
	}
	r.Derived = false // whom an operator names, he names for a reason of his own
	return s.put(ctx, r, members)
}

// put is Put; onto a derived list come only those who allow profiling at that moment.
func (s *Store) put(ctx context.Context, r Roster, members []id.ID) (n int64, err error) {
	if len(members) > RosterPer {
		return 0, errMany
	}
	now := s.db.Now()
	err = s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		var known []id.ID
		if err := tx.Raw("SELECT id FROM member WHERE id IN ? AND state <> 'erased' ORDER BY id", append([]id.ID{0}, members...)).Scan(&known).Error; err != nil {
			return err
		}
		if r.Derived {
			if known, err = s.agreeing(ctx, tx, known); err != nil {
				return err
			}
		}
		rows := db.NewRows("segment_list_item", "list_id, member_id, at, derived")
		for _, m := range known {
			rows.Add(r.ID, m, now, r.Derived)
		}
		if n, err = rows.Insert(ctx, tx, s.db.Once("at")); err != nil {
			return err
		}
		if err := revise(tx, r.ID, n); err != nil {
			return err
		}
		return s.NoteTx(ctx, tx, PartLists, known...)
	})
	if err != nil {
		return 0, fmt.Errorf("segment: list: %w", err)
	}
	return n, nil
}

// agreeing are those of some members who allow profiling, held so until the transaction
// ends: who takes it back is forgotten before, or after.
func (s *Store) agreeing(ctx context.Context, tx *gorm.DB, members []id.ID) ([]id.ID, error) {
	if len(members) == 0 {
		return nil, nil
	}
	f, err := familiesOf(tx, members)
	if err == nil {
		_, err = s.lock(ctx, tx, f.all)
	}
	if err != nil {
		return nil, err
	}
	allowed, err := s.allowed(tx, f)
	return slices.DeleteFunc(members, func(m id.ID) bool { return !allowed[f.root[m]] }), err
}

// Allowing are those of some people who allow profiling now.
func (s *Store) Allowing(ctx context.Context, people []id.ID) ([]id.ID, error) {
	if len(people) == 0 {
		return nil, nil
	}
	f, err := s.familiesOf(ctx, people)
	if err != nil {
		return nil, err
	}
	allowed, err := s.allowed(s.db.Read(ctx), f)
	if err != nil {
		return nil, fmt.Errorf("segment: allowing: %w", err)
	}
	return slices.DeleteFunc(slices.Clone(people), func(m id.ID) bool { return !allowed[f.root[m]] }), nil
}

// revise notes that an operator changed who is on a list.
func revise(tx *gorm.DB, listID id.ID, changed int64) error {
	if changed == 0 {
		return nil
	}
	return tx.Exec("UPDATE segment_list SET rev = rev + 1 WHERE id = ?", listID).Error
}

// Remove takes members off a list and says how many were on it. Fault: NotFound
// list_not_found.
func (s *Store) Remove(ctx context.Context, listID id.ID, members []id.ID) (n int64, err error) {
	if _, err := s.Roster(ctx, listID); err != nil {
		return 0, err
	}
	if len(members) > RosterPer {
		return 0, errMany
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec("DELETE FROM segment_list_item WHERE list_id = ? AND member_id IN ?", listID, append([]id.ID{0}, members...))
		if n = r.RowsAffected; r.Error != nil {
			return r.Error
		}
		if err := revise(tx, listID, n); err != nil {
			return err
		}
		return s.NoteTx(ctx, tx, PartLists, members...)
	})
	if err != nil {
		return 0, fmt.Errorf("segment: list: %w", err)
	}
	return n, nil
}

// Roster reads a list with its count. Fault: NotFound list_not_found.
func (s *Store) Roster(ctx context.Context, listID id.ID) (Roster, error) {
	var r Roster
	err := s.db.Read(ctx).Where("id = ?", listID).Take(&r).Error
	if db.IsNotFound(err) {
		return r, errRoster
	}
	if err == nil {
		err = s.db.Read(ctx).Raw("SELECT COUNT(*) FROM segment_list_item WHERE list_id = ?", listID).Scan(&r.Count).Error
	}
	return r, err
}

// Rosters pages a brand's lists, newest first.
func (s *Store) Rosters(ctx context.Context, brandID, before id.ID, limit int) ([]Roster, error) {
	list := []Roster{}
	if err := db.Page(s.db.Read(ctx).Where("brand_id = ?", brandID), "segment_list", before, limit).Find(&list).Error; err != nil || len(list) == 0 {
		return list, err
	}
	ids := make([]id.ID, len(list))
	for i, r := range list {
		ids[i] = r.ID
	}
	var rows []struct {
		ListID id.ID
		N      int64
	}
	err := s.db.Read(ctx).Raw("SELECT list_id, COUNT(*) AS n FROM segment_list_item WHERE list_id IN ? GROUP BY list_id", ids).Scan(&rows).Error
	for _, x := range rows {
		list[slices.IndexFunc(list, func(r Roster) bool { return r.ID == x.ListID })].Count = x.N
	}
	return list, err
}

// CountRosters is how many Rosters there are.
func (s *Store) CountRosters(ctx context.Context, brandID id.ID) (n int, more bool, err error) {
	return db.Total(s.db.Read(ctx).Model(&Roster{}).Where("brand_id = ?", brandID))
}

// Frozen is who is in a segment, or on a list, at one moment.
type Frozen struct {
	SegmentID id.ID // 0: of a list
	BrandID   id.ID
	Version   int
	Sentence  string // the rule in words fit for the people in it (rule.Tree.Told)
	AsOf      clock.Instant
	Count     int64
	People    People
}

// Freeze is who is in a segment now, everything noted before taken into account. It stays
// as it is whatever changes afterwards. Faults: NotFound segment_not_found; Invalid as
// Find.
func (s *Store) Freeze(ctx context.Context, segmentID id.ID) (Frozen, error) {
	g, err := s.Get(ctx, segmentID)
	if err != nil {
		return Frozen{}, err
	}
	r, err := s.Version(ctx, g.ID, g.Version) // and no later one: a list that is taken says by which
	if err != nil {
		return Frozen{}, err
	}
	f, err := s.FreezeRule(ctx, g.BrandID, r.Tree)
	f.SegmentID, f.Version = g.ID, g.Version
	return f, err
}

// FreezeRoster is Freeze of a list: those of its people who are the brand's.
func (s *Store) FreezeRoster(ctx context.Context, listID id.ID) (Frozen, error) {
	r, err := s.Roster(ctx, listID)
	if err != nil {
		return Frozen{}, err
	}
	return s.FreezeRule(ctx, r.BrandID, rule.Tree{V: rule.Version, Root: rule.Node{List: &rule.Ref{ID: listID}}})
}

// FreezeRule is Freeze of a rule that nobody saved.
func (s *Store) FreezeRule(ctx context.Context, brandID id.ID, t rule.Tree) (Frozen, error) {
	for more := true; more; {
		var err error
		if more, err = s.Refresh(ctx); err != nil {
			return Frozen{}, err
		}
	}
	p, err := s.Find(ctx, brandID, t)
	if err != nil {
		return Frozen{}, err
	}
	text, err := s.Told(ctx, brandID, t)
	return Frozen{BrandID: brandID, Sentence: text, AsOf: p.AsOf, Count: p.Count(), People: p}, err
}
