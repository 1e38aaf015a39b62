package brand

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/fault"
	"siyu/model/id"
)

// MarkDemo says that a brand holds what siyu demo made, not what people did.
func (s *Store) MarkDemo(ctx context.Context, brandID id.ID) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE brand SET demo = 1 WHERE id = ? AND demo = 0", brandID).Error
	})
}

// CheckDemo refuses to take a brand that people made out of sight. Fault: Conflict
// brand_not_demo.
func (s *Store) CheckDemo(b Brand) error {
	if !b.Demo {
		return fault.New(fault.Conflict, "brand_not_demo", "这不是演示品牌，不能当作演示数据清除")
	}
	return nil
}

// ArchiveDemo takes a demo brand out of every list. Nothing is deleted: whoever holds an
// id of it still finds it, and its ledger stays. Fault: Conflict brand_not_demo.
func (s *Store) ArchiveDemo(ctx context.Context, brandID id.ID) (Brand, error) {
	b, err := s.Get(ctx, brandID)
	if err == nil {
		err = s.CheckDemo(b)
	}
	if err != nil || b.ArchivedAt != 0 {
		return b, err
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE brand SET archived_at = ?, updated_at = ? WHERE id = ? AND demo = 1 AND archived_at = 0", s.db.Now(), s.db.Now(), brandID).Error
	})
	if err != nil {
		return b, fmt.Errorf("brand: archive: %w", err)
	}
	return s.Get(ctx, brandID)
}
