package poster

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// States of a template.
const (
	Live    = "live"
	Retired = "retired" // nobody can choose it any more
)

// Template is a brand's own template with one of its versions, the newest unless another
// was asked for.
type Template struct {
	ID        id.ID         `json:"id"`
	BrandID   id.ID         `json:"brand_id"`
	Name      string        `json:"name"`
	State     string        `json:"state"`
	Version   int           `json:"version"`
	CreatedAt clock.Instant `json:"created_at"`
	ChangedAt clock.Instant `json:"changed_at"`
	Layout    *Layout       `json:"layout,omitempty" gorm:"-"`
}

// TableName names the table for GORM.
func (Template) TableName() string { return "poster_template" }

// Codes that invitations carry.
const (
	Link     = "link"     // the address of the invitation's page
	Official = "official" // a QR code of the brand's official account, with the scene
	Mini     = "mini"     // a code of the brand's mini program, with the scene
)

// Choice is what a brand's people get: a template of its own or a built-in one, written as
// the template's id or the built-in one's key, and the kind of code on it.
type Choice struct {
	TemplateID id.ID  `json:"template_id"` // null: the built-in one
	Builtin    string `json:"builtin,omitempty"`
	Code       string `json:"code"` // "" is written as Link
}

// Limits of a brand.
const (
	maxTemplates = 50
	maxPictures  = 100
)

var (
	errTemplate = fault.New(fault.NotFound, "poster_not_found", "没有这个海报模板")
	errCarried  = fault.NewInvalid("poster_carries", "海报上的码应为 link（链接）、official（公众号）或 mini（小程序）").With("field", "code")
	errChanged  = fault.New(fault.Conflict, "poster_changed", "模板已被他人修改，请刷新后重试")
)

// Store keeps templates and draws them.
type Store struct {
	db       *db.DB
	renderer *Renderer
}

// New makes a store.
func New(d *db.DB, r *Renderer) *Store { return &Store{db: d, renderer: r} }

func (t *Template) check() error {
	t.Name = strings.TrimSpace(t.Name)
	if t.Name == "" || utf8.RuneCountInString(t.Name) > 64 || !utf8.ValidString(t.Name) {
		return fault.NewInvalid("poster_name", "模板名称应为 1 到 64 个字").With("field", "name")
	}
	if t.Layout == nil {
		return bad("layout", "请给出版式")
	}
	return t.Layout.Check()
}

// Create adds a template with its first version. Faults: Invalid poster_name,
// poster_layout, poster_words; NotFound poster_picture_not_found; Exhausted posters_full.
func (s *Store) Create(ctx context.Context, t Template, by id.ID) (Template, error) {
	if err := t.check(); err != nil {
		return Template{}, err
	}
	t.ID, t.State, t.Version, t.CreatedAt, t.ChangedAt = s.db.NewID(), Live, 1, s.db.Now(), s.db.Now()
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		var n int64
		if err := tx.Model(&Template{}).Where("brand_id = ? AND state = ?", t.BrandID, Live).Count(&n).Error; err != nil {
			return err
		}
		if n >= maxTemplates {
			return fault.New(fault.Exhausted, "posters_full", fmt.Sprintf("一个品牌最多 %d 个海报模板，请先停用不用的", maxTemplates))
		}
		if err := tx.Create(&t).Error; err != nil {
			return err
		}
		return addVersion(tx, t, by)
	})
	return t, wrap("create", err)
}

// addVersion stores t.Layout as t.Version.
func addVersion(tx *gorm.DB, t Template, by id.ID) error {
	var n int64
	want := t.Layout.pictures()
	if err := tx.Model(&Picture{}).Where("brand_id = ? AND id IN ?", t.BrandID, append(want, 0)).Count(&n).Error; err != nil {
		return err
	}
	if int(n) != len(want) {
		return errPicture // or another brand's
	}
	body, err := json.Marshal(t.Layout)
	if err != nil {
		return err
	}
	return tx.Exec("INSERT INTO poster_version (template_id, version, layout, by_id, created_at) VALUES (?,?,?,?,?)", t.ID, t.Version, string(body), by, t.ChangedAt).Error
}

// Update stores the version after t.Version, which is the one that was read. Faults as
// of Create; NotFound poster_not_found; Conflict poster_changed.
func (s *Store) Update(ctx context.Context, t Template, by id.ID) (Template, error) {
	if err := t.check(); err != nil {
		return Template{}, err
	}
	old, err := s.Get(ctx, t.ID, 0)
	if err != nil {
		return Template{}, err
	}
	t.BrandID, t.State, t.CreatedAt, t.ChangedAt = old.BrandID, old.State, old.CreatedAt, s.db.Now()
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec("UPDATE poster_template SET name = ?, version = ?, changed_at = ? WHERE id = ? AND version = ? AND state = ?", t.Name, t.Version+1, t.ChangedAt, t.ID, t.Version, Live)
		if r.Error != nil || r.RowsAffected == 0 {
			return errOr(r.Error, errChanged)
		}
		next := t
		next.Version++
		return addVersion(tx, next, by)
	})
	if err != nil {
		return Template{}, wrap("update", err)
	}
	t.Version++
	return t, nil
}

// Retire takes a template out of use; twice is no fault. Faults: NotFound
// poster_not_found; Conflict poster_in_use for the brand's choice.
func (s *Store) Retire(ctx context.Context, templateID id.ID) (Template, error) {
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec("UPDATE poster_template SET state = ?, changed_at = ? WHERE id = ? AND state = ? AND NOT EXISTS (SELECT 1 FROM poster_default d WHERE d.template_id = poster_template.id)", Retired, s.db.Now(), templateID, Live)
		return r.Error
	})
	if err != nil {
		return Template{}, wrap("retire", err)
	}
	t, err := s.Get(ctx, templateID, 0)
	if err == nil && t.State == Live {
		err = fault.New(fault.Conflict, "poster_in_use", "这是品牌正在用的模板，请先换用另一个")
	}
	return t, err
}

// Get reads a template with a version of its layout, 0 for the newest. Fault: NotFound
// poster_not_found.
func (s *Store) Get(ctx context.Context, templateID id.ID, version int) (Template, error) {
	var t Template
	err := s.db.Read(ctx).Where("id = ?", templateID).Take(&t).Error
	if db.IsNotFound(err) {
		return t, errTemplate
	}
	if err != nil {
		return t, wrap("get", err)
	}
	if version != 0 {
		t.Version = version
	}
	var body []string
	if err := s.db.Read(ctx).Raw("SELECT layout FROM poster_version WHERE template_id = ? AND version = ?", t.ID, t.Version).Scan(&body).Error; err != nil {
		return t, wrap("version", err)
	}
	if len(body) == 0 {
		return t, errTemplate
	}
	t.Layout = &Layout{}
	return t, wrap("version", json.Unmarshal([]byte(body[0]), t.Layout))
}

// List pages a brand's templates without their layouts, newest first, retired ones too.
func (s *Store) List(ctx context.Context, brandID, before id.ID, limit int) ([]Template, error) {
	out := []Template{}
	err := db.Page(s.db.Read(ctx).Where("brand_id = ?", brandID), "poster_template", before, limit).Find(&out).Error
	return out, wrap("list", err)
}

// Count counts what List pages, up to db.MaxTotal.
func (s *Store) Count(ctx context.Context, brandID id.ID) (n int, more bool, err error) {
	return db.Total(s.db.Read(ctx).Model(&Template{}).Where("brand_id = ?", brandID))
}

// Version is one line of a template's history.
type Version struct {
	Version   int           `json:"version"`
	ByID      id.ID         `json:"by_id"`
	CreatedAt clock.Instant `json:"created_at"`
}

// Versions lists a template's versions, newest first.
func (s *Store) Versions(ctx context.Context, templateID id.ID) ([]Version, error) {
	out := []Version{}
	err := s.db.Read(ctx).Raw("SELECT version, by_id, created_at FROM poster_version WHERE template_id = ? ORDER BY version DESC LIMIT ?", templateID, db.MaxPage).Scan(&out).Error
	return out, wrap("versions", err)
}

// Choose sets what a brand's people get. Faults: NotFound poster_not_found, also of
// another brand's or a retired template; Invalid poster_carries.
func (s *Store) Choose(ctx context.Context, brandID id.ID, c Choice, by id.ID) (Choice, error) {
	if _, known := BuiltinOf(c.Builtin); known == (c.TemplateID != 0) || c.TemplateID != 0 && c.Builtin != "" {
		return Choice{}, errTemplate
	}
	if c.Code = cmp.Or(c.Code, Link); c.Code != Link && c.Code != Official && c.Code != Mini {
		return Choice{}, errCarried
	}
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		if c.TemplateID != 0 { // the row is locked: it cannot be retired meanwhile
			r := tx.Exec("UPDATE poster_template SET changed_at = CASE WHEN changed_at < ? THEN ? ELSE changed_at + 1 END WHERE id = ? AND brand_id = ? AND state = ?", now, now, c.TemplateID, brandID, Live)
			if r.Error != nil || r.RowsAffected == 0 {
				return errOr(r.Error, errTemplate)
			}
		}
		r := tx.Exec("INSERT INTO poster_default (brand_id, template_id, builtin, code, by_id, changed_at) VALUES (?,?,?,?,?,?)"+s.db.Once("brand_id"), brandID, c.TemplateID, c.Builtin, c.Code, by, now)
		if r.Error != nil || r.RowsAffected == 1 {
			return r.Error
		}
		return tx.Exec("UPDATE poster_default SET template_id = ?, builtin = ?, code = ?, by_id = ?, changed_at = ? WHERE brand_id = ?", c.TemplateID, c.Builtin, c.Code, by, now, brandID).Error
	})
	return c, wrap("choose", err)
}

// Chosen tells what a brand's people get.
func (s *Store) Chosen(ctx context.Context, brandID id.ID) (Choice, error) {
	c := Choice{Builtin: Builtins()[0].Key, Code: Link}
	var rows []Choice
	err := s.db.Read(ctx).Raw("SELECT template_id, builtin, code FROM poster_default WHERE brand_id = ?", brandID).Scan(&rows).Error
	if err == nil && len(rows) == 1 {
		c = rows[0]
	}
	return c, wrap("chosen", err)
}

// LayoutOf returns what a choice looks like now. Fault: NotFound poster_not_found.
func (s *Store) LayoutOf(ctx context.Context, c Choice) (Layout, error) {
	if c.TemplateID == 0 {
		b, ok := BuiltinOf(c.Builtin)
		if !ok {
			return Layout{}, errTemplate
		}
		return b.Layout, nil
	}
	t, err := s.Get(ctx, c.TemplateID, 0)
	if err != nil {
		return Layout{}, err
	}
	return *t.Layout, nil
}

// Poster draws the brand's poster for somebody. Faults as of Renderer.Render.
func (s *Store) Poster(ctx context.Context, brandID id.ID, v Values, format string) (Image, error) {
	c, err := s.Chosen(ctx, brandID)
	if err != nil {
		return Image{}, err
	}
	l, err := s.LayoutOf(ctx, c)
	if err != nil {
		return Image{}, err
	}
	return s.Render(ctx, l, v, format)
}

// Render draws a layout with the pictures that the store keeps.
func (s *Store) Render(ctx context.Context, l Layout, v Values, format string) (Image, error) {
	return s.renderer.Render(ctx, l, v, format, s.photos)
}

// photos reads the pictures of a layout.
func (s *Store) photos(ctx context.Context, ids []id.ID) (map[id.ID]Picture, error) {
	out := map[id.ID]Picture{}
	if len(ids) == 0 {
		return out, nil
	}
	var rows []Picture
	if err := s.db.Read(ctx).Where("id IN ?", ids).Find(&rows).Error; err != nil {
		return nil, wrap("pictures", err)
	}
	for _, p := range rows {
		out[p.ID] = p
	}
	return out, nil
}

// AddPicture keeps an upload, drawn anew; the same picture again is the one that is there.
// Faults: Invalid poster_picture, poster_name; Exhausted pictures_full.
func (s *Store) AddPicture(ctx context.Context, brandID id.ID, name string, upload []byte, by id.ID) (Picture, error) {
	p, err := redraw(upload)
	if err != nil {
		return Picture{}, err
	}
	if p.Name = strings.TrimSpace(name); utf8.RuneCountInString(p.Name) > 64 || !utf8.ValidString(p.Name) {
		return Picture{}, fault.NewInvalid("poster_name", "图片名称不能超过 64 个字").With("field", "name")
	}
	p.ID, p.BrandID, p.ByID, p.CreatedAt = s.db.NewID(), brandID, by, s.db.Now()
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		var n int64
		if err := tx.Model(&Picture{}).Where("brand_id = ? AND digest <> ?", brandID, p.Digest).Count(&n).Error; err != nil {
			return err
		}
		if n >= maxPictures {
			return fault.New(fault.Exhausted, "pictures_full", fmt.Sprintf("一个品牌最多 %d 张海报图片", maxPictures))
		}
		return tx.Exec("INSERT INTO poster_picture (id, brand_id, digest, name, kind, width_px, height_px, body, by_id, created_at) VALUES (?,?,?,?,?,?,?,?,?,?)"+s.db.Once("kind"),
			p.ID, p.BrandID, p.Digest, p.Name, p.Kind, p.WidthPx, p.HeightPx, p.Body, p.ByID, p.CreatedAt).Error
	})
	if err != nil {
		return Picture{}, wrap("picture", err)
	}
	var kept Picture
	err = s.db.Read(ctx).Where("brand_id = ? AND digest = ?", brandID, p.Digest).Take(&kept).Error
	return kept, wrap("picture", err)
}

// Picture reads a picture with its body. Fault: NotFound poster_picture_not_found.
func (s *Store) Picture(ctx context.Context, pictureID id.ID) (Picture, error) {
	var p Picture
	err := s.db.Read(ctx).Where("id = ?", pictureID).Take(&p).Error
	if db.IsNotFound(err) {
		return p, errPicture
	}
	return p, wrap("picture", err)
}

// Pictures pages a brand's pictures without their bodies, newest first.
func (s *Store) Pictures(ctx context.Context, brandID, before id.ID, limit int) ([]Picture, error) {
	out := []Picture{}
	err := db.Page(s.db.Read(ctx).Omit("body").Where("brand_id = ?", brandID), "poster_picture", before, limit).Find(&out).Error
	return out, wrap("pictures", err)
}

// CountPictures counts what Pictures pages, up to db.MaxTotal.
func (s *Store) CountPictures(ctx context.Context, brandID id.ID) (n int, more bool, err error) {
	return db.Total(s.db.Read(ctx).Model(&Picture{}).Where("brand_id = ?", brandID))
}

func errOr(err error, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("poster: %s: %w", what, err)
}

// HasFont says whether PNGs can be drawn.
func (s *Store) HasFont() bool { return s.renderer.fonts != nil }
