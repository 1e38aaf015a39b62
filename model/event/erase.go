package event

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/id"
)

// EraseTx takes the person out of members' events (删除权): whose it was, what it said and
// by what channel are gone, and with them all purchases. Key, type and time stay, so that
// the same fact reported again is a duplicate and does not come back; a key names an
// order or a row, never a person. It returns how many events there were.
func (s *Store) EraseTx(ctx context.Context, tx *gorm.DB, members []id.ID) (int64, error) {
	tx = tx.WithContext(ctx)
	r := tx.Exec("UPDATE event SET member_id = 0, channel = ?, body = ? WHERE member_id IN ?", Erased, []byte("{}"), members)
	if r.Error != nil {
		return 0, fmt.Errorf("event: erase: %w", r.Error)
	}
	// The state rows stay, as after a withdrawal: a consumer who read the events before
	// finds them changed and begins again.
	return r.RowsAffected, s.forget(ctx, tx, members)
}
