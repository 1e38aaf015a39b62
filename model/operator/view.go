package operator

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// maxViews is how many views one operator keeps of one list.
const maxViews = 30

var pageName = regexp.MustCompile(`^[a-z0-9._-]{1,64}$`)

// View is what somebody kept of a list (保存的视图): a name for its filters.
type View struct {
	ID         id.ID         `json:"id"`
	OperatorID id.ID         `json:"-"`
	Page       string        `json:"page"` // name of the list
	Name       string        `json:"name"`
	Query      string        `json:"query"` // filters as they stand in the list's address
	CreatedAt  clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (View) TableName() string { return "operator_view" }

// Views lists what an operator kept of a list, by name.
func (s *Store) Views(ctx context.Context, operatorID id.ID, page string) ([]View, error) {
	out := []View{}
	if err := s.db.Read(ctx).Where("operator_id = ? AND page = ?", operatorID, page).Order("name").Find(&out).Error; err != nil {
		return nil, fmt.Errorf("operator: views: %w", err)
	}
	return out, nil
}

// SaveView keeps a view; one of the same name is replaced.
// Faults: Invalid view_page, view_name, view_query; Exhausted view_many.
func (s *Store) SaveView(ctx context.Context, v View) (View, error) {
	v.Name = strings.TrimSpace(v.Name)
	switch n := utf8.RuneCountInString(v.Name); {
	case !pageName.MatchString(v.Page):
		return View{}, fault.NewInvalid("view_page", "没有这个列表").With("field", "page")
	case n < 1 || n > 32:
		return View{}, fault.NewInvalid("view_name", "视图名称应为 1 到 32 字").With("field", "name")
	case len(v.Query) > 2000:
		return View{}, fault.NewInvalid("view_query", "筛选条件太长，保存不了").With("field", "query")
	}
	v.ID, v.CreatedAt = s.db.NewID(), s.db.Now()
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		var n int64
		if err := tx.Model(&View{}).Where("operator_id = ? AND page = ? AND name <> ?", v.OperatorID, v.Page, v.Name).Count(&n).Error; err != nil {
			return err
		}
		if n >= maxViews {
			return fault.New(fault.Exhausted, "view_many", fmt.Sprintf("每个列表最多保存 %d 个视图，请先删除不用的", maxViews))
		}
		if err := tx.Where("operator_id = ? AND page = ? AND name = ?", v.OperatorID, v.Page, v.Name).Delete(&View{}).Error; err != nil {
			return err
		}
		return tx.Create(&v).Error
	})
	if db.IsDuplicate(err) { // two tabs at once
		return View{}, fault.New(fault.Conflict, "view_changed", "视图刚刚被修改，请重试")
	}
	return v, err
}

// DropView deletes a view of an operator's own; one that is gone is fine.
func (s *Store) DropView(ctx context.Context, operatorID, viewID id.ID) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Where("id = ? AND operator_id = ?", viewID, operatorID).Delete(&View{}).Error
	})
}
