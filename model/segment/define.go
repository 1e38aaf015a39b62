package segment

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/rule"
)

var (
	errMissing = fault.New(fault.NotFound, "segment_not_found", "没有这个人群")
	errChanged = fault.New(fault.Conflict, "segment_changed", "别人刚刚修改了这个人群，请刷新后再改")
	errMeant   = fault.New(fault.Conflict, "segment_meant", "还有没结束的触达在用这个人群，请先结束或删除它们")
	errUsed    = fault.New(fault.Conflict, "segment_used", "别的人群引用了这个人群，请先改掉它们的规则")
)

// Draft is what an operator says of a segment.
type Draft struct {
	BrandID id.ID     `json:"brand_id"`
	Name    string    `json:"name"`
	Note    string    `json:"note"`
	Tree    rule.Tree `json:"tree"`
	Rev     int       `json:"rev"` // of what was read, to change it
}

func (d *Draft) check() error {
	d.Name, d.Note = strings.TrimSpace(d.Name), strings.TrimSpace(d.Note)
	if n := utf8.RuneCountInString(d.Name); n < 1 || n > 30 {
		return fault.NewInvalid("segment_name", "人群名称 1 到 30 个字").With("field", "name")
	}
	if utf8.RuneCountInString(d.Note) > 200 {
		return fault.NewInvalid("segment_note", "说明最多 200 个字").With("field", "note")
	}
	return nil
}

// Rule is one version of a segment's rule. Rows are never changed.
type Rule struct {
	SegmentID id.ID         `json:"segment_id"`
	Version   int           `json:"version"`
	Tree      rule.Tree     `json:"tree" gorm:"-"`
	Text      string        `json:"-" gorm:"column:tree"`
	Sentence  string        `json:"sentence" gorm:"-"`
	ByID      id.ID         `json:"by_id"`
	CreatedAt clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Rule) TableName() string { return "segment_version" }

// Create makes a segment. Faults: Invalid segment_name, segment_note, rule_invalid and
// what Check finds.
func (s *Store) Create(ctx context.Context, d Draft, by id.ID) (Segment, error) {
	if err := s.ready(ctx, 0, &d); err != nil {
		return Segment{}, err
	}
	now := s.db.Now()
	g := Segment{ID: s.db.NewID(), BrandID: d.BrandID, Name: d.Name, Note: d.Note, State: Active, Version: 1, Rev: 1, ByID: by, CreatedAt: now, ChangedAt: now}
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&g).Error; err != nil {
			return err
		}
		return s.versionTx(tx, g, d.Tree, by)
	})
	if err != nil {
		return Segment{}, fmt.Errorf("segment: create: %w", err)
	}
	return g, nil
}

func (s *Store) versionTx(tx *gorm.DB, g Segment, t rule.Tree, by id.ID) error {
	return tx.Exec("INSERT INTO segment_version (segment_id, version, tree, by_id, created_at) VALUES (?,?,?,?,?)", g.ID, g.Version, string(t.Encode()), by, s.db.Now()).Error
}

func (s *Store) ready(ctx context.Context, self id.ID, d *Draft) error {
	if err := d.check(); err != nil {
		return err
	}
	return s.Check(ctx, d.BrandID, self, d.Tree)
}

// Check says whether a rule may be a brand's: it is in order, what it names is the
// brand's, and no segment leads back to self (0: a new one). Faults: Invalid rule_invalid,
// rule_unknown, segment_gone, segment_circle, segment_deep, segment_heavy.
func (s *Store) Check(ctx context.Context, brandID, self id.ID, t rule.Tree) error {
	w, err := s.expandFor(ctx, brandID, self, t)
	if err != nil {
		return err
	}
	_, err = s.namesOf(ctx, brandID, w.uses, &t)
	return err
}

// Change gives a segment another name, note or rule; another rule is a new version, and
// its first look is a new beginning for moves. Faults as Create; NotFound
// segment_not_found; Conflict segment_changed.
func (s *Store) Change(ctx context.Context, segmentID id.ID, d Draft, by id.ID) (Segment, error) {
	old, err := s.Get(ctx, segmentID)
	if err != nil {
		return Segment{}, err
	}
	if d.BrandID = old.BrandID; d.Rev != old.Rev {
		return Segment{}, errChanged
	}
	if err := s.ready(ctx, segmentID, &d); err != nil {
		return Segment{}, err
	}
	was, err := s.Version(ctx, segmentID, old.Version)
	if err != nil {
		return Segment{}, err
	}
	g := old
	g.Name, g.Note, g.Rev, g.ChangedAt = d.Name, d.Note, old.Rev+1, s.db.Now()
	another := string(was.Tree.Encode()) != string(d.Tree.Encode())
	if another {
		g.Version++
	}
	err = s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		if another {
			if err := s.aloneTx(tx, g, d.Tree.Uses().Segments); err != nil {
				return err
			}
		}
		if err := s.moveRow(tx, g, old.Rev); err != nil || !another {
			return err
		}
		return s.versionTx(tx, g, d.Tree, by)
	})
	if err != nil {
		return Segment{}, fmt.Errorf("segment: change: %w", err)
	}
	return g, nil
}

// aloneTx looks once more whether what a segment is about to name leads back to it: somebody
// may have changed those a moment ago. Whoever names one of them waits meanwhile.
func (s *Store) aloneTx(tx *gorm.DB, g Segment, named []id.ID) error {
	if len(named) == 0 {
		return nil
	}
	all, lock := append([]id.ID{g.ID}, named...), ""
	if s.db.Driver() == db.MySQL {
		lock = " FOR UPDATE"
	}
	var held []id.ID
	if err := tx.Raw("SELECT id FROM segment WHERE id IN ? ORDER BY id"+lock, all).Scan(&held).Error; err != nil {
		return err
	}
	for seen := map[id.ID]bool{}; len(named) > 0; {
		var texts []string
		if err := tx.Raw("SELECT v.tree FROM segment s JOIN segment_version v ON v.segment_id = s.id AND v.version = s.version WHERE s.id IN ?", named).Scan(&texts).Error; err != nil {
			return err
		}
		for _, n := range named {
			seen[n] = true
		}
		named = nil
		for _, text := range texts {
			t, err := rule.Parse([]byte(text))
			if err != nil {
				return err
			}
			for _, n := range t.Uses().Segments {
				if n == g.ID {
					return errCircle
				}
				if !seen[n] {
					named = append(named, n)
				}
			}
		}
	}
	return nil
}

func (s *Store) moveRow(tx *gorm.DB, g Segment, rev int) error {
	r := tx.Model(&Segment{}).Where("id = ? AND rev = ?", g.ID, rev).Updates(map[string]any{"name": g.Name, "note": g.Note, "state": g.State, "version": g.Version,
		"rev": g.Rev, "changed_at": g.ChangedAt})
	if r.Error == nil && r.RowsAffected == 0 {
		return errChanged
	}
	return r.Error
}

// Archive ends a segment: it is not looked at any more. It stays for what used it.
// Faults: NotFound segment_not_found; Conflict segment_changed, segment_used.
func (s *Store) Archive(ctx context.Context, segmentID id.ID, rev int) (Segment, error) {
	g, err := s.Get(ctx, segmentID)
	if err != nil || g.State == Archived {
		return g, err
	}
	users, err := s.Users(ctx, g.BrandID, rule.NameSegment, segmentID)
	if err != nil {
		return Segment{}, err
	}
	if len(users) > 0 {
		return Segment{}, errUsed.With("names", names(users))
	}
	for _, ask := range s.users {
		others, err := ask(ctx, segmentID)
		if err != nil {
			return Segment{}, err
		}
		if len(others) > 0 {
			return Segment{}, errMeant.With("names", others)
		}
	}
	if rev != g.Rev {
		return Segment{}, errChanged
	}
	g.State, g.Rev, g.ChangedAt = Archived, g.Rev+1, s.db.Now()
	if err := s.db.InTx(ctx, func(tx *gorm.DB) error { return s.moveRow(tx, g, rev) }); err != nil {
		return Segment{}, fmt.Errorf("segment: archive: %w", err)
	}
	return g, nil
}

func names(list []Segment) []string {
	out := make([]string, len(list))
	for i, g := range list {
		out[i] = g.Name
	}
	return out
}

// Get reads a segment. Fault: NotFound segment_not_found.
func (s *Store) Get(ctx context.Context, segmentID id.ID) (Segment, error) {
	var g Segment
	err := s.db.Read(ctx).Where("id = ?", segmentID).Take(&g).Error
	if db.IsNotFound(err) {
		return g, errMissing
	}
	return g, err
}

// Version reads one version of the rule, in words too. Fault: NotFound segment_not_found.
func (s *Store) Version(ctx context.Context, segmentID id.ID, version int) (Rule, error) {
	g, err := s.Get(ctx, segmentID)
	if err != nil {
		return Rule{}, err
	}
	var r Rule
	err = s.db.Read(ctx).Where("segment_id = ? AND version = ?", segmentID, version).Take(&r).Error
	if db.IsNotFound(err) {
		return r, errMissing
	}
	if err == nil {
		err = s.words(ctx, g.BrandID, &r)
	}
	return r, err
}

// words reads a row's tree and says it in a sentence.
func (s *Store) words(ctx context.Context, brandID id.ID, r *Rule) (err error) {
	if r.Tree, err = rule.Parse([]byte(r.Text)); err == nil {
		r.Sentence, err = s.Sentence(ctx, brandID, r.Tree)
	}
	return err
}

// Versions lists the rules that a segment had, newest first, below a version (0: all).
func (s *Store) Versions(ctx context.Context, segmentID id.ID, below, limit int) ([]Rule, error) {
	g, err := s.Get(ctx, segmentID)
	if err != nil {
		return nil, err
	}
	if below <= 0 {
		below = g.Version + 1
	}
	list := []Rule{}
	err = s.db.Read(ctx).Where("segment_id = ? AND version < ?", segmentID, below).Order("version DESC").Limit(min(max(limit, 1), db.MaxPage)).Find(&list).Error
	for i := range list {
		if err == nil {
			err = s.words(ctx, g.BrandID, &list[i])
		}
	}
	return list, err
}

// Filter narrows List and Count.
type Filter struct {
	BrandID id.ID
	State   string
	Text    string // part of the name
	Before  id.ID
	Limit   int
}

func (f Filter) where(q *gorm.DB) *gorm.DB {
	q = q.Where("brand_id = ?", f.BrandID)
	if f.State != "" {
		q = q.Where("state = ?", f.State)
	}
	if f.Text != "" {
		q = q.Where("name LIKE ? ESCAPE '!'", db.Containing(f.Text))
	}
	return q
}

// List pages the segments of a brand, newest first.
func (s *Store) List(ctx context.Context, f Filter) ([]Segment, error) {
	list := []Segment{}
	err := db.Page(f.where(s.db.Read(ctx)), "segment", f.Before, f.Limit).Find(&list).Error
	return list, err
}

// Count is how many List finds.
func (s *Store) Count(ctx context.Context, f Filter) (n int, more bool, err error) {
	return db.Total(f.where(s.db.Read(ctx).Model(&Segment{})))
}

// Users are the active segments of a brand whose newest rule names a thing: kind is one of
// rule.NameTag, NameSegment, NameList, NameProduct.
func (s *Store) Users(ctx context.Context, brandID id.ID, kind string, ref id.ID) ([]Segment, error) {
	var rows []struct {
		Segment
		Tree string
	}
	// The text names every id it uses: most are sorted out before they are read.
	err := s.db.Read(ctx).Raw("SELECT s.*, v.tree FROM segment s JOIN segment_version v ON v.segment_id = s.id AND v.version = s.version WHERE s.brand_id = ? AND s.state = ? AND v.tree LIKE ? ORDER BY s.id",
		brandID, Active, "%\""+ref.String()+"\"%").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("segment: users: %w", err)
	}
	out := []Segment{}
	for _, r := range rows {
		t, err := rule.Parse([]byte(r.Tree))
		if err != nil {
			return nil, err
		}
		if u := t.Uses(); hasID(map[string][]id.ID{rule.NameTag: u.Tags, rule.NameSegment: u.Segments, rule.NameList: u.Lists, rule.NameProduct: u.Products}[kind], ref) {
			out = append(out, r.Segment)
		}
	}
	return out, nil
}
