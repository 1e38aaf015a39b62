package tag

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/outbox"
	"siyu/model/profile"
	"siyu/model/rule"
)

// Wake-ups.
const (
	Task      = "tag:run"   // of a run; its ref is the run's id
	TaskTouch = "tag:touch" // computes everything of one human anew; its ref is a member
)

// Evaluator answers who fulfils a rule; model/segment is it. Both ways must say the same
// at the same moment.
type Evaluator interface {
	// Among says which of the members' humans, given by their roots, fulfil it now.
	Among(ctx context.Context, brandID id.ID, t rule.Tree, roots []id.ID) (map[id.ID]bool, error)
	// All calls yield with the root of every human of the brand who fulfils it now.
	All(ctx context.Context, brandID id.ID, t rule.Tree, yield func(root id.ID) error) error
	// Refresh brings up to date what rules look at, a bounded part at a time; more says that
	// it is not done. Among does so for those it is asked about, not for those who were one
	// human with them a moment ago.
	Refresh(ctx context.Context) (more bool, err error)
}

// Use is somebody who builds on a tag.
type Use struct {
	Kind  string `json:"kind"` // tag, segment, push
	ID    id.ID  `json:"id"`
	Name  string `json:"name"`
	State string `json:"state"`
	Live  bool   `json:"live"` // it breaks or stops when the tag goes
	// Via names what stands between: a tag or segment that is made of the tag, and of which
	// this one is made; "": nothing.
	Via   string `json:"via"`
	ViaID id.ID  `json:"via_id"` // of that, where it is a tag
	// Hidden: it is not for who asks, who is not told its name.
	Hidden bool `json:"hidden"`
}

// Consents says who allows what; *consent.Store fits.
type Consents interface {
	GivenAmong(ctx context.Context, members []id.ID, purpose string) (map[id.ID]bool, error)
}

// Answers reads what members said of themselves; *profile.Store fits.
type Answers interface {
	Fields(ctx context.Context) ([]profile.Field, error)
	Among(ctx context.Context, field string, members []id.ID) (map[id.ID]profile.Value, error)
}

// Happened reads what happened to a family; *event.Store fits.
type Happened interface {
	// Get reads an event by its key. Fault: NotFound event_not_found.
	Get(ctx context.Context, key string) (event.Event, error)
	Timeline(ctx context.Context, members []id.ID, types []string, after event.Cursor, limit int) ([]event.Event, error)
	// Standing leaves out what was taken back.
	Standing(ctx context.Context, list []event.Event) ([]event.Event, error)
}

// Deps are what a store works with. Rules, Users and Changed may be set after New, before
// anybody is served: who answers them is built later and needs this store.
type Deps struct {
	DB       *db.DB
	Outbox   *outbox.Store
	Consents Consents
	Profiles Answers
	Events   Happened
	Rules    Evaluator
	// Users names everything outside of this context that builds on a tag.
	Users []func(ctx context.Context, tagID id.ID) ([]Use, error)
	// Changed is told, in the transaction, whose values moved.
	Changed []func(ctx context.Context, tx *gorm.DB, brandID id.ID, members []id.ID) error
}

// Store keeps tags.
type Store struct{ Deps }

// New makes a store.
func New(d Deps) *Store { return &Store{d} }

// Faults.
var (
	errMissing = fault.New(fault.NotFound, "tag_not_found", "没有这个标签")
	errRev     = fault.New(fault.Conflict, "tag_changed", "标签刚被别人改过，请刷新后再试")
	errName    = fault.New(fault.Conflict, "tag_exists", "这个品牌已有同名标签")
	errGroup   = fault.New(fault.NotFound, "tag_category_not_found", "没有这个分类")
)

// Category is a branch of the tag tree under a class.
type Category struct {
	ID       id.ID  `json:"id"`
	BrandID  id.ID  `json:"brand_id"`
	Class    string `json:"class"`
	ParentID id.ID  `json:"parent_id"` // 0: the second level, otherwise the third
	Name     string `json:"name"`
	PlaceNo  int    `json:"place_no"`
}

// TableName names the table for GORM.
func (Category) TableName() string { return "tag_category" }

// Categories lists a brand's branches in their order.
func (s *Store) Categories(ctx context.Context, brandID id.ID) ([]Category, error) {
	out := []Category{}
	if err := s.DB.Read(ctx).Where("brand_id = ?", brandID).Order("class, parent_id, place_no, id").Find(&out).Error; err != nil {
		return nil, fmt.Errorf("tag: categories: %w", err)
	}
	return out, nil
}

// maxCategories of one brand: a tree that is longer is a list.
const maxCategories = 200

// SaveCategory adds a branch (ID 0), or renames and reorders one; it stays under its class
// and parent. Faults: Invalid tag_category; NotFound tag_category_not_found; Conflict
// tag_category_exists.
func (s *Store) SaveCategory(ctx context.Context, c Category) (before, after Category, err error) {
	c.Name = strings.TrimSpace(c.Name)
	if n := utf8.RuneCountInString(c.Name); n == 0 || n > 16 {
		return before, after, fault.NewInvalid("tag_category", "分类名称 1 到 16 个字").With("field", "name")
	}
	all, err := s.Categories(ctx, c.BrandID)
	if err != nil {
		return before, after, err
	}
	find := func(categoryID id.ID) *Category {
		if i := slices.IndexFunc(all, func(x Category) bool { return x.ID == categoryID }); i >= 0 {
			return &all[i]
		}
		return nil
	}
	parent := find(c.ParentID)
	switch old := find(c.ID); {
	case c.ID != 0 && old == nil:
		return before, after, errGroup
	case c.ID != 0:
		before = *old
		c.Class, c.ParentID = old.Class, old.ParentID
	case className(c.Class) == "":
		return before, after, fault.NewInvalid("tag_category", "请选择五类标签之一").With("field", "class")
	case c.ParentID != 0 && (parent == nil || parent.Class != c.Class || parent.ParentID != 0):
		return before, after, fault.NewInvalid("tag_category", "上级分类不对：标签树最多三级").With("field", "parent_id")
	case len(all) >= maxCategories:
		return before, after, fault.NewInvalid("tag_category", "分类太多，请合并一些")
	}
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		if before.ID != 0 {
			return tx.Model(&Category{}).Where("id = ?", c.ID).Updates(map[string]any{"name": c.Name, "place_no": c.PlaceNo}).Error
		}
		c.ID = s.DB.NewID()
		return tx.Exec("INSERT INTO tag_category (id, brand_id, class, parent_id, name, place_no, created_at) VALUES (?,?,?,?,?,?,?)",
			c.ID, c.BrandID, c.Class, c.ParentID, c.Name, c.PlaceNo, s.DB.Now()).Error
	})
	if db.IsDuplicate(err) {
		return before, after, fault.New(fault.Conflict, "tag_category_exists", "同一级已有同名分类")
	}
	if err != nil {
		return before, after, fmt.Errorf("tag: category: %w", err)
	}
	return before, c, nil
}

// Category reads one. Fault: NotFound tag_category_not_found.
func (s *Store) Category(ctx context.Context, categoryID id.ID) (Category, error) {
	var c Category
	err := s.DB.Read(ctx).Where("id = ?", categoryID).Take(&c).Error
	if db.IsNotFound(err) {
		err = errGroup
	}
	return c, err
}

// DropCategory deletes a branch that nothing hangs on. Faults: NotFound
// tag_category_not_found; Conflict tag_category_used.
func (s *Store) DropCategory(ctx context.Context, categoryID id.ID) error {
	return s.DB.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec("DELETE FROM tag_category WHERE id = ? AND NOT EXISTS (SELECT 1 FROM tag t WHERE t.category_id = ?) "+
			"AND NOT EXISTS (SELECT 1 FROM (SELECT parent_id FROM tag_category) c WHERE c.parent_id = ?)", categoryID, categoryID, categoryID)
		if r.Error != nil || r.RowsAffected == 1 {
			return r.Error
		}
		var n int64
		if err := tx.Model(&Category{}).Where("id = ?", categoryID).Count(&n).Error; err != nil {
			return err
		}
		if n == 0 {
			return errGroup
		}
		return fault.New(fault.Conflict, "tag_category_used", "分类下还有标签或子分类，请先移走")
	})
}

func className(key string) string {
	for _, c := range Classes() {
		if c.Key == key {
			return c.Name
		}
	}
	return ""
}

// Get reads a tag. Fault: NotFound tag_not_found.
func (s *Store) Get(ctx context.Context, tagID id.ID) (Tag, error) { return get(s.DB.Read(ctx), tagID) }

func get(tx *gorm.DB, tagID id.ID) (Tag, error) {
	var t Tag
	err := tx.Where("id = ?", tagID).Take(&t).Error
	if db.IsNotFound(err) {
		return t, errMissing
	}
	if err != nil {
		return t, fmt.Errorf("tag: read: %w", err)
	}
	return t.tidy(), nil
}

// tidy makes lists empty that are null.
func (t Tag) tidy() Tag {
	if t.Roles == nil {
		t.Roles = []string{}
	}
	return t
}

// Many reads tags by their ids; unknown ones are left out.
func (s *Store) Many(ctx context.Context, ids []id.ID) ([]Tag, error) {
	return s.find(s.DB.Read(ctx).Where("id IN ?", ids).Order("id"))
}

func (s *Store) find(q *gorm.DB) ([]Tag, error) {
	out := []Tag{}
	if err := q.Find(&out).Error; err != nil {
		return nil, fmt.Errorf("tag: list: %w", err)
	}
	for i := range out {
		out[i] = out[i].tidy()
	}
	return out, nil
}

// Usable says whether somebody with these roles may build on tags of a brand: all of them
// run, and he may see them. Fault: NotFound tag_not_found (Detail tag_id).
func (s *Store) Usable(ctx context.Context, brandID id.ID, ids []id.ID, roles []string) error {
	if len(ids) == 0 {
		return nil
	}
	found, err := s.Many(ctx, ids)
	if err != nil {
		return err
	}
	for _, want := range ids {
		if !slices.ContainsFunc(found, func(t Tag) bool {
			return t.ID == want && t.BrandID == brandID && t.State == Running && t.Visible(roles)
		}) {
			return errMissing.With("tag_id", want)
		}
	}
	return nil
}

// Filter narrows List and Count; zero fields do not.
type Filter struct {
	BrandID    id.ID
	Class      string
	CategoryID id.ID
	Kind       string
	State      string
	OwnerID    id.ID
	Text       string // in the name, the purpose, the intended use, the category or a value that people have
	Proposed   bool   // only those that propose their own end
	Due        bool   // only those to be reviewed
	Roles      []string
	Before     id.ID
	Limit      int
}

func (s *Store) narrow(q *gorm.DB, f Filter) *gorm.DB {
	q = q.Model(&Tag{}).Where("brand_id = ?", f.BrandID)
	if f.State == Pending { // also what runs and is to mean something else
		q, f.State = q.Where("(state = ? OR EXISTS (SELECT 1 FROM tag_version v WHERE v.tag_id = tag.id AND v.state = ?))", Pending, Pending), ""
	}
	for column, v := range map[string]string{"class": f.Class, "kind": f.Kind, "state": f.State} {
		if v != "" {
			q = q.Where(column+" = ?", v)
		}
	}
	if f.CategoryID != 0 {
		q = q.Where("(category_id = ? OR category_id IN (SELECT c.id FROM tag_category c WHERE c.parent_id = ?))", f.CategoryID, f.CategoryID)
	}
	if f.OwnerID != 0 {
		q = q.Where("owner_id = ?", f.OwnerID)
	}
	if f.Text != "" {
		p := db.Containing(f.Text)
		q = q.Where("(name LIKE ? ESCAPE '!' OR purpose LIKE ? ESCAPE '!' OR intended_use LIKE ? ESCAPE '!'"+
			" OR category_id IN (SELECT c.id FROM tag_category c WHERE c.brand_id = ? AND c.name LIKE ? ESCAPE '!')"+
			" OR EXISTS (SELECT 1 FROM tag_stat s WHERE s.tag_id = tag.id AND s.value LIKE ? ESCAPE '!'))", p, p, p, f.BrandID, p, p)
	}
	if f.Proposed {
		q = q.Where("proposal <> '' AND state = ?", Running)
	}
	if f.Due {
		q = q.Where("state = ? AND reviewed_at + review_days * 86400000 <= ?", Running, s.DB.Now())
	}
	return visible(q, f.Roles)
}

// visible is Tag.Visible as a condition.
func visible(q *gorm.DB, roles []string) *gorm.DB {
	where, args := ForRoles("roles", roles)
	return q.Where(where, args...)
}

// ForRoles is Tag.Visible as a condition on the column that keeps a tag's roles, with what
// it takes. Keys of roles are plain words.
func ForRoles(column string, roles []string) (where string, args []any) {
	if slices.Contains(roles, admin) {
		return "1 = 1", nil
	}
	where = column + " = '[]'"
	for _, r := range roles {
		where, args = where+" OR "+column+" LIKE ?", append(args, `%"`+r+`"%`)
	}
	return "(" + where + ")", args
}

// List pages the tags of a brand that these roles may see, newest first.
func (s *Store) List(ctx context.Context, f Filter) ([]Tag, error) {
	return s.find(db.Page(s.narrow(s.DB.Read(ctx), f), "tag", f.Before, f.Limit))
}

// Count is how many tags a filter finds, up to db.MaxTotal.
func (s *Store) Count(ctx context.Context, f Filter) (n int, more bool, err error) {
	return db.Total(s.narrow(s.DB.Read(ctx), f))
}
