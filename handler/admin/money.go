package admin

import (
	"strconv"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/claim"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/redpacket"
)

// queryIDs reads several optional ids.
func queryIDs(c *gin.Context, into map[string]*id.ID) error {
	for name, to := range into {
		v, err := web.QueryID(c, name)
		if err != nil {
			return err
		}
		*to = v
	}
	return nil
}

func (h *Handler) listClaims() gin.HandlerFunc {
	return list(func(x claim.Claim) id.ID { return x.ID }, func(c *gin.Context, p web.Page) ([]claim.Claim, error) {
		f := claim.Filter{Before: p.Before, Limit: p.Limit}
		if err := queryIDs(c, map[string]*id.ID{"brand_id": &f.BrandID, "campaign_id": &f.CampaignID, "member_id": &f.MemberID}); err != nil {
			return nil, err
		}
		return h.Claims.List(c.Request.Context(), f)
	})
}

func (h *Handler) listPayouts() gin.HandlerFunc {
	return list(func(x redpacket.Payout) id.ID { return x.ID }, func(c *gin.Context, p web.Page) ([]redpacket.Payout, error) {
		f := redpacket.Filter{State: c.Query("state"), Purpose: c.Query("purpose"), Before: p.Before, Limit: p.Limit}
		if err := queryIDs(c, map[string]*id.ID{"brand_id": &f.BrandID, "campaign_id": &f.CampaignID, "member_id": &f.MemberID}); err != nil {
			return nil, err
		}
		if s := c.Query("review"); s != "" {
			on, err := strconv.ParseBool(s)
			if err != nil {
				return nil, fault.NewInvalid("bad_field", "参数 review 应为 true 或 false").With("field", "review")
			}
			f.Review = &on
		}
		return h.Packets.List(c.Request.Context(), f)
	})
}

func (h *Handler) getPayout(c *gin.Context) (any, error) { return one(c, h.Packets.Get) }

func (h *Handler) queryPayout(c *gin.Context, _ *audit.Entry) (any, error) {
	if err := bindOptional(c, &reasonInput{}); err != nil {
		return nil, err
	}
	return one(c, h.Packets.AskAgain)
}

type reviewInput struct {
	On     bool   `json:"on"`
	Reason string `json:"reason"`
}

func (h *Handler) reviewPayout(c *gin.Context, e *audit.Entry) (any, error) {
	var in reviewInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	before, err := h.Packets.Get(c.Request.Context(), e.ObjectID)
	if err != nil {
		return nil, err
	}
	after, err := h.Packets.MarkReview(c.Request.Context(), e.ObjectID, in.On, in.Reason)
	e.Before, e.After = before, after
	return after, err
}

func (h *Handler) trialBalance(c *gin.Context) (any, error) {
	return h.Ledger.TrialBalance(c.Request.Context())
}
