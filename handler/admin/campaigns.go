package admin

import (
	"context"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/campaign"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

func (h *Handler) listCampaigns() gin.HandlerFunc {
	return ofBrand(func(x campaign.Campaign) id.ID { return x.ID }, h.Campaigns.List)
}

type campaignInput struct {
	campaign.Form
	Reason string `json:"reason"`
}

func (h *Handler) createCampaign(c *gin.Context, e *audit.Entry) (any, error) {
	var in campaignInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(c.Request.Context(), in.BrandID); err != nil {
		return nil, err
	}
	x, err := h.Campaigns.Create(c.Request.Context(), in.Form)
	e.ObjectID, e.After = x.ID, x
	return x, err
}

func (h *Handler) getCampaign(c *gin.Context) (any, error)     { return one(c, h.Campaigns.Get) }
func (h *Handler) previewCampaign(c *gin.Context) (any, error) { return one(c, h.Campaigns.Preview) }

func (h *Handler) updateCampaign(c *gin.Context, e *audit.Entry) (any, error) {
	var in campaignInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	return h.campaign(c, e, func(ctx context.Context, campaignID id.ID) (campaign.Campaign, error) {
		return h.Campaigns.Update(ctx, campaignID, in.Form)
	})
}

// publishInput: SpendFen is the sum the operator was shown by the preview.
type publishInput struct {
	SpendFen *money.Fen `json:"spend_fen"`
	Reason   string     `json:"reason"`
}

func (h *Handler) publishCampaign(c *gin.Context, e *audit.Entry) (any, error) {
	var in publishInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if in.SpendFen == nil {
		return nil, fault.NewInvalid("spend_fen", "请确认预览中的最大支出 spend_fen").With("field", "spend_fen")
	}
	return h.campaign(c, e, func(ctx context.Context, campaignID id.ID) (campaign.Campaign, error) {
		return h.Campaigns.Publish(ctx, campaignID, *in.SpendFen)
	})
}

type reasonInput struct {
	Reason string `json:"reason"`
}

func (h *Handler) pauseCampaign(c *gin.Context, e *audit.Entry) (any, error) {
	if err := bindOptional(c, &reasonInput{}); err != nil {
		return nil, err
	}
	return h.campaign(c, e, h.Campaigns.Pause)
}

func (h *Handler) resumeCampaign(c *gin.Context, e *audit.Entry) (any, error) {
	if err := bindOptional(c, &reasonInput{}); err != nil {
		return nil, err
	}
	return h.campaign(c, e, h.Campaigns.Resume)
}

// endCampaign cannot be taken back, so it takes a reason.
func (h *Handler) endCampaign(c *gin.Context, e *audit.Entry) (any, error) {
	var in reasonInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if strings.TrimSpace(in.Reason) == "" {
		return nil, fault.NewInvalid("reason", "结束活动不可恢复，请填写原因").With("field", "reason")
	}
	return h.campaign(c, e, h.Campaigns.End)
}

// campaign runs one change of a campaign and notes it before and after.
func (h *Handler) campaign(c *gin.Context, e *audit.Entry, change func(context.Context, id.ID) (campaign.Campaign, error)) (any, error) {
	before, err := h.Campaigns.Get(c.Request.Context(), e.ObjectID)
	if err != nil {
		return nil, err
	}
	after, err := change(c.Request.Context(), e.ObjectID)
	e.Before, e.After = before, after
	return after, err
}

// drawn is what anybody needs to check a draw. Before the end only the hash is there.
type drawn struct {
	SeedHash     string          `json:"seed_hash"`
	SeedRevealed string          `json:"seed_revealed"`
	Terms        string          `json:"terms"`
	Prize        *campaign.Prize `json:"prize"` // of the asked code
}

// draw shows the seed's hash, after the end the seed, and with ?batch_id=&serial=
// recomputes one code's prize from the revealed seed.
func (h *Handler) draw(c *gin.Context) (any, error) {
	campaignID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	x, err := h.Campaigns.Get(c.Request.Context(), campaignID)
	if err != nil {
		return nil, err
	}
	out := drawn{SeedHash: x.SeedHash, SeedRevealed: x.SeedRevealed, Terms: x.Terms}
	if c.Query("serial") == "" {
		return out, nil
	}
	if x.SeedRevealed == "" {
		return nil, fault.New(fault.Conflict, "seed_sealed", "活动结束后才公开种子，此前任何人都不能得知码的奖项")
	}
	batchID, err := web.QueryID(c, "batch_id")
	if err != nil {
		return nil, err
	}
	serial, err := strconv.ParseInt(c.Query("serial"), 10, 64)
	if err != nil {
		return nil, fault.NewInvalid("bad_field", "参数 serial 不是序号").With("field", "serial")
	}
	prize, err := campaign.Recompute(x, x.SeedRevealed, batchID, serial)
	out.Prize = &prize
	return out, err
}
