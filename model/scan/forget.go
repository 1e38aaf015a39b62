package scan

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/id"
)

// ForgetExactPlacesTx erases members' exact places in the transaction that takes the
// consent back (个人信息保护法 art. 47), so that there is no moment in which one stands
// without the other.
func (s *Store) ForgetExactPlacesTx(ctx context.Context, tx *gorm.DB, members []id.ID) error {
	err := tx.WithContext(ctx).Exec("UPDATE scan SET exact_place = '' WHERE member_id IN ? AND exact_place <> ''", members).Error
	if err != nil {
		return fmt.Errorf("scan: forget places: %w", err)
	}
	return nil
}
