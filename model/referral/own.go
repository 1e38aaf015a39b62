package referral

import (
	"context"
	"slices"

	"siyu/model/id"
)

// What a person does with his own relation, and what he may know of those he brought.

// leftBySelf is the reason of what the person himself ended.
const leftBySelf = "本人解除"

// Leave ends a human's relation with his referrer because he wants it (个人信息保护法
// art. 15: as easy as it was made). The history stays; those below him stay his; what was
// earned from him stays earned, and nothing more is. Faults: NotFound referral_none,
// member_not_found.
func (s *Store) Leave(ctx context.Context, brandID, memberID id.ID) error {
	return s.under(ctx, brandID, []id.ID{memberID}, func(h *history) error {
		family := h.families[memberID]
		if family == nil {
			return errMember
		}
		ended := 0
		for _, m := range family {
			for _, b := range slices.Clone(h.bindings[m]) {
				if b.Slot != 0 {
					continue
				}
				if err := h.cut(b, change{reason: leftBySelf, scene: "left"}); err != nil {
					return err
				}
				ended++
			}
		}
		if ended == 0 {
			return errNone
		}
		return nil
	})
}

// Brought is what the people did whom a human brought himself, without theirs.
type Brought struct {
	People int64 `json:"people"`
	Claims int64 `json:"claims"` // bottles they verified and claimed
	Orders int64 `json:"orders"` // orders that were reported
}

// BroughtBy counts it.
func (s *Store) BroughtBy(ctx context.Context, brandID, memberID id.ID) (Brought, error) {
	var out Brought
	family, err := s.Members.Family(ctx, memberID)
	if err != nil {
		return out, err
	}
	err = s.DB.Read(ctx).Raw("SELECT COUNT(*) AS people, COALESCE(SUM(own_claims), 0) AS claims, COALESCE(SUM(own_orders), 0) AS orders FROM referral_node WHERE brand_id = ? AND parent_id IN ?",
		brandID, family).Scan(&out).Error
	return out, wrap("brought", err)
}
