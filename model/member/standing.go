package member

import (
	"context"
	"fmt"

	"siyu/model/id"
)

// Standing is what a claim must know of a member.
type Standing struct {
	Root    id.ID // the member that stands for the human
	Blocked bool  // he, or another member of the same human, is blocked
}

// StandingMost bounds one question.
const StandingMost = 256

// Standing answers for up to StandingMost members in one read. Whoever is blocked under
// one of his accounts earns nothing under any of them. Unknown members are not in the
// answer.
func (s *Store) Standing(ctx context.Context, members []id.ID) (map[id.ID]Standing, error) {
	if len(members) > StandingMost {
		return nil, fmt.Errorf("member: standing of %d members at once", len(members))
	}
	out := make(map[id.ID]Standing, len(members))
	if len(members) == 0 {
		return out, nil
	}
	var rows []struct {
		ID, RootID id.ID
		State      string
		Others     int64 // blocked ones among the rest of the family
	}
	// The blocked of a family are looked for from the root down: one index, one look.
	err := s.db.Read(ctx).Raw(`SELECT m.id, m.root_id, m.state,
		(SELECT COUNT(*) FROM member f WHERE f.root_id = CASE m.root_id WHEN 0 THEN m.id ELSE m.root_id END AND f.state <> ?)
		+ (SELECT COUNT(*) FROM member r WHERE r.id = m.root_id AND r.state <> ?) AS others
		FROM member m WHERE m.id IN ?`, Active, Active, members).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("member: standing: %w", err)
	}
	for _, r := range rows {
		root := r.RootID
		if root == 0 {
			root = r.ID
		}
		out[r.ID] = Standing{Root: root, Blocked: r.State != Active || r.Others > 0}
	}
	return out, nil
}
