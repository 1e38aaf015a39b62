package member

import (
	"fmt"

	"gorm.io/gorm"

	"siyu/model/id"
)

// Families is Family for many members in one read: of each its family, the root first.
// Unknown members are not in the answer.
func Families(tx *gorm.DB, members []id.ID) (map[id.ID][]id.ID, error) {
	var links []struct{ ID, Root, Other id.ID }
	err := tx.Raw("SELECT m.id, "+RootSQL("m")+" AS root, COALESCE(f.id, 0) AS other FROM member m LEFT JOIN member f ON f.root_id = "+RootSQL("m")+
		" WHERE m.id IN ? ORDER BY m.id, f.id", members).Scan(&links).Error
	if err != nil {
		return nil, fmt.Errorf("member: families: %w", err)
	}
	out := make(map[id.ID][]id.ID, len(members))
	for _, l := range links {
		if out[l.ID] == nil {
			out[l.ID] = []id.ID{l.Root}
		}
		if l.Other != 0 {
			out[l.ID] = append(out[l.ID], l.Other)
		}
	}
	return out, nil
}
