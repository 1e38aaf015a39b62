package member

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/id"
)

// EraseTx ends members for good: whatever session names them is nobody's from the commit
// on. It returns how many were not ended before.
func (s *Store) EraseTx(ctx context.Context, tx *gorm.DB, members []id.ID) (int64, error) {
	r := tx.WithContext(ctx).Model(&Member{}).Where("id IN ? AND state <> ?", members, Erased).Updates(map[string]any{"state": Erased})
	if r.Error != nil {
		return 0, fmt.Errorf("member: erase: %w", r.Error)
	}
	return r.RowsAffected, nil
}
