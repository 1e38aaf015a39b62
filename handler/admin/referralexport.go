package admin

import (
	"context"
	"io"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/id"
	"siyu/model/referral"
)

// namedExport is a list of people with whose people they are.
type namedExport struct {
	referral.Export
	Who who `json:"who"`
}

func (h *Handler) listReferralExports() gin.HandlerFunc {
	return ofBrand(func(x namedExport) id.ID { return x.ID }, func(ctx context.Context, brandID, before id.ID, limit int) ([]namedExport, error) {
		rows, err := h.Referrals.Exports(ctx, brandID, before, limit)
		if err != nil {
			return nil, err
		}
		name := h.names(ctx)
		return each(rows, func(x referral.Export) (namedExport, error) {
			whose, err := name(x.BrandID, x.MemberID)
			return namedExport{x, whose}, err
		})
	}, h.Referrals.CountExports)
}

func (h *Handler) exportReferrals(c *gin.Context, e *audit.Entry) (any, error) {
	change, err := h.referralChange(c, e)
	if err != nil {
		return nil, err
	}
	x, err := h.Referrals.Ask(c.Request.Context(), change)
	e.ObjectID, e.Before, e.After = x.ID, nil, x
	return x, err
}

func (h *Handler) getReferralExport(c *gin.Context) (any, error) { return one(c, h.Referrals.ExportOf) }

// referralFile hands over a list. Who fetched it is on record before the first line.
func (h *Handler) referralFile(c *gin.Context) {
	exportID, err := web.ParamID(c, "id")
	if err != nil {
		web.Fail(c, err)
		return
	}
	x, err := h.Referrals.Finished(c.Request.Context(), exportID)
	if err != nil {
		web.Fail(c, err)
		return
	}
	h.attach(c, "团队名单-"+x.ID.String()+".csv", audit.Entry{Action: "referral_export.file", Object: "referral_export", ObjectID: exportID}, func(to io.Writer) error {
		return h.Referrals.File(c.Request.Context(), exportID, to)
	})
}
