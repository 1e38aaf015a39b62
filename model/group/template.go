package group

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/lawful"
)

// Material is something a leader shows in his community.
type Material struct {
	Title string `json:"title"`
	Text  string `json:"text"`
	URL   string `json:"url"` // https; "" = none
}

// Kit is what a community starts with: its own copy of a template.
type Kit struct {
	TemplateID id.ID         `json:"template_id"` // none: it was not cloned
	Welcome    string        `json:"welcome"`
	Materials  []Material    `json:"materials"`
	Tasks      []string      `json:"tasks"`
	CreatedAt  clock.Instant `json:"created_at"`
}

// Template is one of a brand's (社群模板).
type Template struct {
	ID        id.ID         `json:"id"`
	BrandID   id.ID         `json:"brand_id"`
	Name      string        `json:"name"`
	Welcome   string        `json:"welcome"`
	Materials []Material    `json:"materials"`
	Tasks     []string      `json:"tasks"`
	CreatedAt clock.Instant `json:"created_at"`
	UpdatedAt clock.Instant `json:"updated_at"`
}

// templateRow is a template as it is stored.
type templateRow struct {
	ID        id.ID
	BrandID   id.ID
	Name      string
	Welcome   string
	Materials string
	Tasks     string
	CreatedAt clock.Instant
	UpdatedAt clock.Instant
}

func (templateRow) TableName() string { return "community_template" }

// kitRow is a kit as it is stored.
type kitRow struct {
	CommunityID id.ID
	TemplateID  id.ID
	Welcome     string
	Materials   string
	Tasks       string
	CreatedAt   clock.Instant
}

func (kitRow) TableName() string { return "community_kit" }

// maxKitBytes is what fits a column of MySQL's TEXT.
const maxKitBytes = 60_000

var errTemplate = fault.New(fault.NotFound, "group_template_not_found", "没有这个社群模板")

func (t *Template) check() error {
	wrong := func(field, what string) error {
		return fault.NewInvalid("group_template", what).With("field", field)
	}
	t.Name, t.Welcome = strings.TrimSpace(t.Name), strings.TrimSpace(t.Welcome)
	if t.Materials == nil {
		t.Materials = []Material{}
	}
	if t.Tasks == nil {
		t.Tasks = []string{}
	}
	switch {
	case !text(t.Name, 1, 64):
		return wrong("name", "模板名称应为 1 到 64 个字")
	case !prose(t.Welcome, 1000):
		return wrong("welcome", "欢迎语最多 1000 个字")
	case len(t.Materials) > 30 || len(t.Tasks) > 30:
		return wrong("materials", "素材和任务各最多 30 条")
	}
	for _, m := range t.Materials {
		u, err := url.Parse(m.URL)
		if !text(m.Title, 1, 64) || !prose(m.Text, 1000) || len(m.URL) > 500 || m.URL != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
			return wrong("materials", "素材应有 1 到 64 个字的标题，正文最多 1000 个字，链接应为 https")
		}
		if err := lawful.Check("materials", m.Title, m.Text); err != nil {
			return err
		}
	}
	for _, x := range t.Tasks {
		if !text(x, 1, 200) {
			return wrong("tasks", "每条任务应为 1 到 200 个字")
		}
	}
	if err := lawful.Check("tasks", t.Tasks...); err != nil {
		return err
	}
	return lawful.Check("welcome", t.Name, t.Welcome)
}

// SaveTemplate makes a template (ID 0) or changes one; communities cloned from it stay as
// they are. Faults: Invalid group_template, unlawful_words, NotFound group_template_not_found.
func (s *Store) SaveTemplate(ctx context.Context, t Template) (Template, error) {
	if err := t.check(); err != nil {
		return Template{}, err
	}
	materials, err := json.Marshal(t.Materials)
	if err != nil {
		return Template{}, err
	}
	tasks, err := json.Marshal(t.Tasks)
	if err != nil {
		return Template{}, err
	}
	if len(materials) > maxKitBytes || len(tasks) > maxKitBytes {
		return Template{}, fault.NewInvalid("group_template", "素材和任务的内容太长，请精简").With("field", "materials")
	}
	now := s.db.Now()
	if t.ID != 0 {
		old, err := s.Template(ctx, t.ID)
		if err != nil {
			return Template{}, err
		}
		t.BrandID, t.CreatedAt, t.UpdatedAt = old.BrandID, old.CreatedAt, now
		err = s.db.InTx(ctx, func(tx *gorm.DB) error {
			return tx.Model(&templateRow{}).Where("id = ?", t.ID).Updates(map[string]any{"name": t.Name, "welcome": t.Welcome, "materials": string(materials), "tasks": string(tasks), "updated_at": now}).Error
		})
		return t, err
	}
	if t.BrandID == 0 {
		return Template{}, fault.NewInvalid("group_template", "请先选择品牌").With("field", "brand_id")
	}
	t.ID, t.CreatedAt, t.UpdatedAt = s.db.NewID(), now, now
	row := templateRow{ID: t.ID, BrandID: t.BrandID, Name: t.Name, Welcome: t.Welcome, Materials: string(materials), Tasks: string(tasks), CreatedAt: now, UpdatedAt: now}
	if err := s.db.InTx(ctx, func(tx *gorm.DB) error { return tx.Create(&row).Error }); err != nil {
		return Template{}, fmt.Errorf("group: template: %w", err)
	}
	return t, nil
}

// Template reads one. Fault: NotFound group_template_not_found.
func (s *Store) Template(ctx context.Context, templateID id.ID) (Template, error) {
	var row templateRow
	err := s.db.Read(ctx).Where("id = ?", templateID).Take(&row).Error
	if db.IsNotFound(err) {
		return Template{}, errTemplate
	}
	if err != nil {
		return Template{}, fmt.Errorf("group: template: %w", err)
	}
	return row.read()
}

func (r templateRow) read() (Template, error) {
	t := Template{ID: r.ID, BrandID: r.BrandID, Name: r.Name, Welcome: r.Welcome, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
	return t, unpack(r.Materials, r.Tasks, &t.Materials, &t.Tasks)
}

func unpack(materials, tasks string, m *[]Material, t *[]string) error {
	if err := json.Unmarshal([]byte(materials), m); err != nil {
		return fmt.Errorf("group: template: %w", err)
	}
	if err := json.Unmarshal([]byte(tasks), t); err != nil {
		return fmt.Errorf("group: template: %w", err)
	}
	return nil
}

// Templates pages those of a brand, newest first.
func (s *Store) Templates(ctx context.Context, brandID, before id.ID, limit int) ([]Template, error) {
	var rows []templateRow
	if err := db.Page(s.db.Read(ctx).Where("brand_id = ?", brandID), "community_template", before, limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("group: templates: %w", err)
	}
	out := make([]Template, 0, len(rows))
	for _, r := range rows {
		t, err := r.read()
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// CountTemplates counts what Templates pages, up to db.MaxTotal.
func (s *Store) CountTemplates(ctx context.Context, brandID id.ID) (n int, more bool, err error) {
	return db.Total(s.db.Read(ctx).Model(&templateRow{}).Where("brand_id = ?", brandID))
}

// Clone registers a community that starts with a copy of a template. Faults: those of
// Create, NotFound group_template_not_found.
func (s *Store) Clone(ctx context.Context, by By, templateID id.ID, d Draft) (Community, error) {
	t, err := s.Template(ctx, templateID)
	if err != nil {
		return Community{}, err
	}
	if d.BrandID == 0 {
		d.BrandID = t.BrandID
	}
	if d.BrandID != t.BrandID {
		return Community{}, errTemplate
	}
	c, err := s.prepare(ctx, by, d, 0)
	if err != nil {
		return Community{}, err
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		var row templateRow // again, under the transaction: the copy is of one moment
		if err := tx.Where("id = ?", templateID).Take(&row).Error; err != nil {
			return err
		}
		if err := tx.Create(&c).Error; err != nil {
			return err
		}
		return tx.Create(&kitRow{CommunityID: c.ID, TemplateID: row.ID, Welcome: row.Welcome, Materials: row.Materials, Tasks: row.Tasks, CreatedAt: c.CreatedAt}).Error
	})
	if err != nil {
		return Community{}, fmt.Errorf("group: clone: %w", err)
	}
	return c, nil
}

// Kit reads what a community started with; one that was not cloned has none of it.
func (s *Store) Kit(ctx context.Context, by By, communityID id.ID) (Kit, error) {
	if _, err := s.Get(ctx, by, communityID); err != nil {
		return Kit{}, err
	}
	k, row := Kit{Materials: []Material{}, Tasks: []string{}}, kitRow{}
	err := s.db.Read(ctx).Where("community_id = ?", communityID).Take(&row).Error
	if db.IsNotFound(err) {
		return k, nil
	}
	if err != nil {
		return k, fmt.Errorf("group: kit: %w", err)
	}
	k.TemplateID, k.Welcome, k.CreatedAt = row.TemplateID, row.Welcome, row.CreatedAt
	return k, unpack(row.Materials, row.Tasks, &k.Materials, &k.Tasks)
}
