package admin

import (
	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/id"
	"siyu/model/referral"
)

// nothing is what is left to say.
type nothing struct{}

type referralInput struct {
	BrandID    id.ID  `json:"brand_id"`
	MemberID   id.ID  `json:"member_id"`   // the referee; of a hand-over who leaves
	ReferrerID id.ID  `json:"referrer_id"` // who comes in place
	Role       string `json:"role"`        // of the referrer: leader, clerk, staff, member
	Reason     string `json:"reason"`
}

// referralChange reads what an operator asks for and names its object for the audit.
func (h *Handler) referralChange(c *gin.Context, e *audit.Entry) (referral.Change, error) {
	var in referralInput
	if err := web.Bind(c, &in); err != nil {
		return referral.Change{}, err
	}
	ctx := c.Request.Context()
	if _, err := h.Brands.Get(ctx, in.BrandID); err != nil {
		return referral.Change{}, err
	}
	if _, err := h.Members.Get(ctx, in.MemberID); err != nil {
		return referral.Change{}, err
	}
	e.ObjectID = in.MemberID
	if b, held, err := h.Referrals.ReferrerOf(ctx, in.BrandID, in.MemberID, h.Clock.Now()); err != nil {
		return referral.Change{}, err
	} else if held {
		e.Before = b
	}
	return referral.Change{BrandID: in.BrandID, MemberID: in.MemberID, ReferrerID: in.ReferrerID, Role: in.Role, Reason: in.Reason, By: e.ActorID}, nil
}

func (h *Handler) rebind(c *gin.Context, e *audit.Entry) (any, error) {
	change, err := h.referralChange(c, e)
	if err != nil {
		return nil, err
	}
	b, err := h.Referrals.Rebind(c.Request.Context(), change)
	e.After = b
	return b, err
}

func (h *Handler) endReferral(c *gin.Context, e *audit.Entry) (any, error) {
	change, err := h.referralChange(c, e)
	if err != nil {
		return nil, err
	}
	return nothing{}, h.Referrals.End(c.Request.Context(), change)
}

func (h *Handler) handOver(c *gin.Context, e *audit.Entry) (any, error) {
	change, err := h.referralChange(c, e)
	if err != nil {
		return nil, err
	}
	done, err := h.Referrals.HandOver(c.Request.Context(), change)
	e.Before, e.After = nil, map[string]any{"to": change.ReferrerID, "done": done}
	return done, err
}
