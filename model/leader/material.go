package leader

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/lawful"
)

// Kinds of material.
const (
	Welcome = "welcome" // 欢迎语
	Picture = "picture" // 图片
	Copy    = "copy"    // 文案
)

// Material is something leaders may use (素材), from a level on.
type Material struct {
	ID         id.ID         `json:"id"`
	BrandID    id.ID         `json:"brand_id"`
	Kind       string        `json:"kind"`
	Title      string        `json:"title"`
	Text       string        `json:"text"`
	PictureURL string        `json:"picture_url"`
	MinLevel   int           `json:"min_level"` // 0: everybody's
	State      string        `json:"state"`     // active or gone
	ByID       id.ID         `json:"by_id"`
	CreatedAt  clock.Instant `json:"created_at"`
	ChangedAt  clock.Instant `json:"changed_at"`
}

// TableName names the table for GORM.
func (Material) TableName() string { return "leader_material" }

// gone is the state of a material that was taken away; its tasks keep their link.
const gone = "gone"

var errMaterial = fault.New(fault.NotFound, "leader_material_not_found", "没有这份素材")

func (m Material) check() error {
	wrong := func(field, text string) error { return fault.NewInvalid("leader_input", text).With("field", field) }
	switch {
	case m.Kind != Welcome && m.Kind != Picture && m.Kind != Copy:
		return wrong("kind", "类型应为 welcome、picture 或 copy")
	case between(m.Title, 1, 60) != nil:
		return wrong("title", "标题应为 1 到 60 字")
	case between(m.Text, 0, 2000) != nil || m.Kind != Picture && m.Text == "":
		return wrong("text", "文字应为 1 到 2000 字")
	case !webAddress(m.PictureURL) || m.Kind == Picture && m.PictureURL == "":
		return wrong("picture_url", "图片地址应以 https:// 开头，最多 300 字")
	case m.MinLevel < 0 || m.MinLevel > maxLevels:
		return wrong("min_level", "等级应为 0 到 10")
	}
	return lawful.Check("text", m.Title, m.Text)
}

// PutMaterial adds a material (ID 0) or changes one; its brand stays. Faults: Invalid
// leader_input, unlawful_words; NotFound leader_material_not_found.
func (s *Store) PutMaterial(ctx context.Context, m Material, by id.ID) (Material, error) {
	m.Title, m.Text, m.PictureURL = strings.TrimSpace(m.Title), strings.TrimSpace(m.Text), strings.TrimSpace(m.PictureURL)
	if err := m.check(); err != nil {
		return m, err
	}
	now := s.DB.Now()
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		if m.ID == 0 {
			m.ID, m.State, m.ByID, m.CreatedAt, m.ChangedAt = s.DB.NewID(), Active, by, now, now
			return tx.Create(&m).Error
		}
		if _, err := material(tx, m.ID); err != nil {
			return err
		}
		return tx.Model(&Material{}).Where("id = ?", m.ID).Updates(map[string]any{"kind": m.Kind, "title": m.Title, "text": m.Text, "picture_url": m.PictureURL,
			"min_level": m.MinLevel, "state": Active, "by_id": by, "changed_at": now}).Error
	})
	if err != nil {
		return m, fmt.Errorf("leader: put material: %w", err)
	}
	return material(s.DB.Read(ctx), m.ID)
}

// DropMaterial takes a material away; again changes nothing. Fault: NotFound
// leader_material_not_found.
func (s *Store) DropMaterial(ctx context.Context, materialID, by id.ID) (Material, error) {
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		if _, err := material(tx, materialID); err != nil {
			return err
		}
		return tx.Model(&Material{}).Where("id = ? AND state = ?", materialID, Active).Updates(map[string]any{"state": gone, "by_id": by, "changed_at": s.DB.Now()}).Error
	})
	if err != nil {
		return Material{}, fmt.Errorf("leader: drop material: %w", err)
	}
	return material(s.DB.Read(ctx), materialID)
}

// Material reads one, also when it is gone. Fault: NotFound leader_material_not_found.
func (s *Store) Material(ctx context.Context, materialID id.ID) (Material, error) {
	return material(s.DB.Read(ctx), materialID)
}

func material(tx *gorm.DB, materialID id.ID) (Material, error) {
	var m Material
	err := tx.Where("id = ?", materialID).Take(&m).Error
	if db.IsNotFound(err) {
		return m, errMaterial
	}
	return m, err
}

// ListMaterials lists a brand's materials, newest first, those that are gone as well.
func (s *Store) ListMaterials(ctx context.Context, brandID, before id.ID, limit int) ([]Material, error) {
	out := []Material{}
	if err := db.Page(s.DB.Read(ctx).Where("brand_id = ?", brandID), "leader_material", before, limit).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("leader: materials: %w", err)
	}
	return out, nil
}

// CountMaterials counts what ListMaterials pages, up to db.MaxTotal.
func (s *Store) CountMaterials(ctx context.Context, brandID id.ID) (n int, more bool, err error) {
	return db.Total(s.DB.Read(ctx).Model(&Material{}).Where("brand_id = ?", brandID))
}

// Materials lists what a leader may use, newest first, at most a hundred.
func (s *Store) Materials(ctx context.Context, l Leader) ([]Material, error) {
	out := []Material{}
	err := s.DB.Read(ctx).Where("brand_id = ? AND state = ? AND min_level <= ?", l.BrandID, Active, l.Level).Order("created_at DESC, id DESC").Limit(db.MaxPage).Find(&out).Error
	if err != nil {
		return nil, fmt.Errorf("leader: materials: %w", err)
	}
	return out, nil
}
