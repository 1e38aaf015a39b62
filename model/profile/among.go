package profile

import (
	"context"
	"fmt"

	"siyu/model/id"
	"siyu/model/member"
)

// Among is the answer to one field that counts for the human behind each of many members;
// who never said anything is not in it.
func (s *Store) Among(ctx context.Context, field string, members []id.ID) (map[id.ID]Value, error) {
	out := map[id.ID]Value{}
	if len(members) == 0 {
		return out, nil
	}
	families, err := member.Families(s.DB.Read(ctx), members)
	if err != nil {
		return nil, err
	}
	var all []id.ID
	for _, family := range families {
		all = append(all, family...)
	}
	var rows []Value
	if err := s.DB.Read(ctx).Where("member_id IN ? AND field = ?", all, field).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("profile: answers: %w", err)
	}
	said := map[id.ID][]Value{}
	for _, v := range rows {
		said[v.MemberID] = append(said[v.MemberID], v)
	}
	for _, m := range members {
		var values []Value
		for _, x := range families[m] {
			values = append(values, said[x]...)
		}
		if len(values) > 0 {
			out[m], _ = pick(values)
		}
	}
	return out, nil
}
