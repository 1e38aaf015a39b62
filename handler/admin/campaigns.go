package admin

import (
	"context"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/campaign"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/operator"
)

// campaignRoutes: activities from the first draft to the archive.
func (h *Handler) campaignRoutes() []web.Route {
	write := func(name string, status int, do action) gin.HandlerFunc { return h.write("campaign."+name, status, do) }
	return []web.Route{
		at(get, "/campaigns", operator.CampaignRead, "活动列表", h.listCampaigns()).
			Asks("brand_id", "stage?:draft|pending|scheduled|running|paused|ended|archived", "product_id?", "from?", "until?", "q?").Lists(campaign.Campaign{}).Counts(),
		at(post, "/campaigns", operator.CampaignWrite, "新建活动草稿", write("create", created, h.createCampaign)).Takes(campaignInput{}).Gives(campaign.Campaign{}),
		at(get, "/campaigns/:id", operator.CampaignRead, "活动详情", web.Answer(h.getCampaign)).Gives(campaign.Campaign{}),
		at(put, "/campaigns/:id", operator.CampaignWrite, "修改活动草稿", write("update", ok, h.updateCampaign)).Takes(campaignInput{}).Gives(campaign.Campaign{}),
		at(post, "/campaigns/:id/copy", operator.CampaignWrite, "复制为新的草稿", write("copy", created, h.copyCampaign)).Takes(reasonInput{}).Gives(campaign.Campaign{}),
		at(post, "/campaigns/:id/archive", operator.CampaignWrite, "归档已结束的活动或不要的草稿", write("archive", ok, h.archiveCampaign)).Takes(reasonInput{}).Gives(campaign.Campaign{}),
		at(post, "/campaigns/:id/unarchive", operator.CampaignWrite, "取消归档", write("unarchive", ok, h.unarchiveCampaign)).Takes(reasonInput{}).Gives(campaign.Campaign{}),
		at(get, "/campaigns/:id/preview", operator.CampaignRead, "发布预览：支出与中奖数", web.Answer(h.previewCampaign)).Gives(campaign.Preview{}),
		at(get, "/campaigns/:id/check", operator.CampaignRead, "发布前检查：规则、法律与微信要求", web.Answer(h.checkCampaign)).Gives([]campaign.Finding{}),
		at(get, "/campaigns/:id/dry-run", operator.CampaignRead, "试运行：模拟抽奖与预算走势，不写任何数据", web.Answer(h.rehearse)).Asks("draws?", "per_day?", "stop_fen?").Gives(campaign.Rehearsal{}),
		at(get, "/campaigns/:id/page", operator.CampaignRead, "消费者页面预览(草稿也可)", h.campaignPage).Asks("show?:scan|rules|won").File("text/html"),
		at(get, "/campaigns/:id/approval", operator.CampaignRead, "审批：冻结的内容、与上次批准的差别、历次申请", web.Answer(h.campaignDossier)).Gives(dossier{}),
		at(get, "/campaign-approvals", operator.CampaignRead, "待审批的活动", h.listApprovals()).Asks("brand_id").Lists(campaign.Approval{}).Counts(),
		at(post, "/campaigns/:id/submit", operator.CampaignWrite, "提交审批(冻结内容)", write("submit", ok, h.submitCampaign)).Takes(submitInput{}).Gives(campaign.Campaign{}),
		at(post, "/campaigns/:id/withdraw", operator.CampaignWrite, "撤回审批申请", write("withdraw", ok, h.withdrawCampaign)).Takes(reasonInput{}).Gives(campaign.Campaign{}),
		at(post, "/campaigns/:id/approve", operator.CampaignApprove, "批准活动(提交人和最后修改的人不能)", write("approve", ok, h.approveCampaign)).Takes(decisionInput{}).Gives(campaign.Campaign{}),
		at(post, "/campaigns/:id/refuse", operator.CampaignApprove, "退回活动(写明理由)", write("refuse", ok, h.refuseCampaign)).Takes(decisionInput{}).Gives(campaign.Campaign{}),
		at(get, "/brands/:id/campaign-policy", operator.CampaignRead, "活动审批额度", web.Answer(h.getCampaignPolicy)).Gives(campaign.Policy{}),
		at(put, "/brands/:id/campaign-policy", operator.CampaignPolicy, "修改活动审批额度", h.write("campaign_policy.set", ok, h.setCampaignPolicy)).Takes(campaignPolicyInput{}).Gives(campaign.Policy{}),
		at(post, "/campaigns/:id/publish", operator.CampaignPublish, "发布活动", write("publish", ok, h.publishCampaign)).Takes(publishInput{}).Gives(campaign.Campaign{}),
		at(post, "/campaigns/:id/cancel", operator.CampaignPublish, "取消排期：开始前退回草稿，释放预算", write("cancel", ok, h.cancelCampaign)).Takes(reasonInput{}).Gives(campaign.Campaign{}),
		at(post, "/campaigns/:id/pause", operator.CampaignPublish, "暂停活动", write("pause", ok, h.pauseCampaign)).Takes(reasonInput{}).Gives(campaign.Campaign{}),
		at(post, "/campaigns/:id/resume", operator.CampaignPublish, "恢复活动", write("resume", ok, h.resumeCampaign)).Takes(reasonInput{}).Gives(campaign.Campaign{}),
		at(post, "/campaigns/:id/end", operator.CampaignPublish, "结束活动并公开种子", write("end", ok, h.endCampaign)).Takes(reasonInput{}).Gives(campaign.Campaign{}),
		at(get, "/campaigns/:id/live", operator.CampaignRead, "活动数据：领取、中奖、资金、地区", web.Answer(h.liveCampaign)).Gives(liveNumbers{}),
		at(get, "/campaigns/:id/draw", operator.CampaignRead, "抽奖种子与验证(码值，或批次加序号)", web.Answer(h.draw)).Asks("code?", "batch_id?", "serial?").Gives(drawn{}),
	}
}

// campaignFilter reads the filters of the list.
func campaignFilter(c *gin.Context) (f campaign.Filter, err error) {
	if f.BrandID, err = web.QueryID(c, "brand_id"); err != nil {
		return f, err
	}
	if f.BrandID == 0 {
		return f, errNeeds
	}
	if f.ProductID, err = web.QueryID(c, "product_id"); err != nil {
		return f, err
	}
	if f.From, err = queryTime(c, "from"); err != nil {
		return f, err
	}
	f.Until, err = queryTime(c, "until")
	f.Stage, f.Q = c.Query("stage"), c.Query("q")
	return f, err
}

func (h *Handler) listCampaigns() gin.HandlerFunc {
	return counted(func(x campaign.Campaign) id.ID { return x.ID }, func(c *gin.Context, p web.Page) ([]campaign.Campaign, error) {
		f, err := campaignFilter(c)
		if err != nil {
			return nil, err
		}
		return h.Campaigns.Find(c.Request.Context(), f, p.Before, p.Limit)
	}, func(c *gin.Context) (int, bool, error) {
		f, err := campaignFilter(c)
		if err != nil {
			return 0, false, err
		}
		return h.Campaigns.Count(c.Request.Context(), f)
	})
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
	in.EditedBy = e.ActorID
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
	in.EditedBy = e.ActorID
	return h.campaign(c, e, func(ctx context.Context, campaignID id.ID) (campaign.Campaign, error) {
		return h.Campaigns.Update(ctx, campaignID, in.Form)
	})
}

// publishInput: SpendFen is the sum the operator was shown by the preview, Version the draft
// that he looked at.
type publishInput struct {
	SpendFen *money.Fen `json:"spend_fen"`
	Version  int64      `json:"version"`
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
		return h.Campaigns.PublishBy(ctx, campaignID, campaign.Shown{SpendFen: *in.SpendFen, Version: in.Version}, e.ActorID)
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
