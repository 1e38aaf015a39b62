package segment

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/id"
)

// beginPer is how many members are taken in at once.
const beginPer = 2000

// Begin takes members in who were there before this context was, a part at a time; more
// says that there are others. From then on every event notes its member. What was taken
// in already costs one read.
func (s *Store) Begin(ctx context.Context) (more bool, err error) {
	var c struct {
		AfterID id.ID
		Done    bool
	}
	if err := s.db.Read(ctx).Raw("SELECT after_id, done FROM segment_cursor WHERE name = 'member'").Scan(&c).Error; err != nil {
		return false, fmt.Errorf("segment: begin: %w", err)
	}
	if c.Done {
		return false, nil
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("INSERT INTO segment_cursor (name, after_id, done) VALUES ('member', 0, 0)" + s.db.Once("done")).Error; err != nil {
			return err
		}
		var members []id.ID
		stmt := "SELECT m.id FROM member m WHERE m.id > ? ORDER BY m.id LIMIT ?"
		if err := tx.Raw(stmt, c.AfterID, beginPer).Scan(&members).Error; err != nil {
			return err
		}
		next := c.AfterID
		if more = len(members) == beginPer; len(members) > 0 {
			next = members[len(members)-1]
		}
		r := tx.Exec("UPDATE segment_cursor SET after_id = ?, done = ? WHERE name = 'member' AND after_id = ? AND done = 0", next, !more, c.AfterID)
		if r.Error != nil || r.RowsAffected == 0 { // another process took this part
			return r.Error
		}
		return s.NoteTx(ctx, tx, PartAll, members...)
	})
	if err != nil {
		return false, fmt.Errorf("segment: begin: %w", err)
	}
	return more, nil
}
