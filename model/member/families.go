package member

import (
	"fmt"

	"gorm.io/gorm"

	"siyu/model/id"
)

// Families is Family for many members in two reads: of each its family, the root first.
// Unknown members are not in the answer.
func Families(tx *gorm.DB, members []id.ID) (map[id.ID][]id.ID, error) {
	type link struct{ ID, Root id.ID }
	var asked, all []link
	const root = "CASE root_id WHEN 0 THEN id ELSE root_id END AS root"
	if err := tx.Raw("SELECT id, "+root+" FROM member WHERE id IN ?", members).Scan(&asked).Error; err != nil {
		return nil, fmt.Errorf("member: families: %w", err)
	}
	out := make(map[id.ID][]id.ID, len(asked))
	if len(asked) == 0 {
		return out, nil
	}
	roots := make([]id.ID, 0, len(asked))
	byRoot := map[id.ID][]id.ID{}
	for _, l := range asked {
		if byRoot[l.Root] == nil {
			roots, byRoot[l.Root] = append(roots, l.Root), []id.ID{l.Root}
		}
	}
	if err := tx.Raw("SELECT id, root_id AS root FROM member WHERE root_id IN ? ORDER BY id", roots).Scan(&all).Error; err != nil {
		return nil, fmt.Errorf("member: families: %w", err)
	}
	for _, l := range all {
		byRoot[l.Root] = append(byRoot[l.Root], l.ID)
	}
	for _, l := range asked {
		out[l.ID] = byRoot[l.Root]
	}
	return out, nil
}
