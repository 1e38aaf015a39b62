package admin

import (
	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/id"
	"siyu/model/referral"
)

func (h *Handler) watchReferrals(c *gin.Context) {
	brandID, _, err := placed(c, false)
	if err != nil {
		web.Fail(c, err)
		return
	}
	after, limit, err := sized(c)
	if err != nil {
		web.Fail(c, err)
		return
	}
	trees, err := h.Referrals.Watch(c.Request.Context(), brandID, after, limit)
	if err != nil {
		web.Fail(c, err)
		return
	}
	name := h.names(c.Request.Context())
	named, err := each(trees, func(x referral.Watched) (namedWatched, error) {
		whose, err := name(x.BrandID, x.MemberID)
		return namedWatched{x, whose}, err
	})
	if err != nil {
		web.Fail(c, err)
		return
	}
	web.Listed(c, named, web.Next(trees, limit, func(w referral.Watched) string { return referral.CursorAfter(w.Node).String() }))
}

// namedWatched is a tree to look at with whose it is.
type namedWatched struct {
	referral.Watched
	Who who `json:"who"`
}

// checkInput starts a check of the counters.
type checkInput struct {
	BrandID id.ID  `json:"brand_id"`
	Reason  string `json:"reason"`
}

func (h *Handler) referralCheck(c *gin.Context) (any, error) {
	brandID, _, err := placed(c, false)
	if err != nil {
		return nil, err
	}
	return h.Referrals.CheckOf(c.Request.Context(), brandID)
}

func (h *Handler) startReferralCheck(c *gin.Context, e *audit.Entry) (any, error) {
	var in checkInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(c.Request.Context(), in.BrandID); err != nil {
		return nil, err
	}
	e.ObjectID = in.BrandID
	return h.Referrals.StartCheck(c.Request.Context(), in.BrandID)
}

func (h *Handler) listRepairs() gin.HandlerFunc {
	return ofBrand(func(r referral.Repair) id.ID { return r.ID }, h.Referrals.Repairs, h.Referrals.CountRepairs)
}
