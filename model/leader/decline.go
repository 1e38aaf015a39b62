package leader

import (
	"context"

	"gorm.io/gorm"

	"siyu/model/fault"
	"siyu/model/id"
)

// declined is the reason on a candidate who turned an invitation down himself; ByID is
// nobody's then.
const declined = "本人谢绝了邀请"

var errNoInvitation = fault.New(fault.NotFound, "leader_invitation_not_found", "没有需要答复的邀请")

// Decline turns a brand's invitation down for the human behind a member, with the effect
// of Dismiss: he is not proposed again for the days of the programme. Saying so again
// changes nothing. Fault: NotFound leader_invitation_not_found.
func (s *Store) Decline(ctx context.Context, brandID, memberID id.ID) error {
	family, err := s.Members.Family(ctx, memberID)
	if err != nil {
		return err
	}
	p, err := s.Programme(ctx, brandID)
	if err != nil {
		return err
	}
	now := s.DB.Now()
	return s.DB.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Model(&Candidate{}).Where("brand_id = ? AND member_id IN ? AND state = ?", brandID, family, Invited).
			Updates(map[string]any{"state": Dismissed, "by_id": 0, "reason": declined, "decided_at": now, "again_at": now.Add(p.quiet())})
		if r.Error != nil || r.RowsAffected > 0 {
			return r.Error
		}
		var before int64
		err := tx.Model(&Candidate{}).Where("brand_id = ? AND member_id IN ? AND state = ? AND by_id = 0", brandID, family, Dismissed).Count(&before).Error
		if err == nil && before == 0 {
			return errNoInvitation
		}
		return err
	})
}
