package admin

import (
	"context"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/operator"
	"siyu/model/points"
	"siyu/model/tier"
)

// pointsRoutes: members' points, the rules of earning, membership levels.
func (h *Handler) pointsRoutes() []web.Route {
	return []web.Route{
		at(get, "/members/:id/points", operator.PointsRead, "会员积分：余额、批次、冻结", web.Answer(h.memberPoints)).Gives(pointsView{}),
		at(get, "/members/:id/points/statement", operator.PointsRead, "会员积分流水", h.pointsStatement()).Lists(ledger.Line{}),
		at(post, "/members/:id/points/adjustments", operator.PointsAdjust, "调整积分(超过额度须另一人审批)", h.write("points.adjust", created, h.adjustPoints)).Takes(adjustInput{}).Gives(points.Adjustment{}),
		at(post, "/members/:id/points/freeze", operator.PointsAdjust, "冻结积分", h.write("points.freeze", created, h.freezePoints)).Takes(freezeInput{}).Gives(points.Hold{}),
		at(post, "/members/:id/points/unfreeze", operator.PointsAdjust, "解冻积分", h.write("points.unfreeze", ok, h.unfreezePoints)).Takes(unfreezeInput{}).Gives(points.Hold{}),
		at(get, "/points/adjustments", operator.PointsRead, "积分调整列表", h.listAdjustments()).Asks("state?:requested|booked|refused", "member_id?").Lists(points.Adjustment{}).Counts(),
		at(post, "/points/adjustments/:id/approve", operator.PointsApprove, "批准积分调整(不能批准自己的)", h.write("points.approve", ok, h.approveAdjustment)).Takes(reasonInput{}).Gives(points.Adjustment{}),
		at(post, "/points/adjustments/:id/refuse", operator.PointsApprove, "驳回积分调整", h.write("points.refuse", ok, h.refuseAdjustment)).Takes(reasonInput{}).Gives(points.Adjustment{}),
		at(get, "/points/liability", operator.PointsRead, "积分负债：按到期月份，含预计过期", web.Answer(h.liability)).Asks("brand_id").Gives(points.Liability{}),
		at(get, "/brands/:id/points-rules", operator.PointsRead, "积分规则", web.Answer(h.getPointsRules)).Gives(ruled{}),
		at(put, "/brands/:id/points-rules", operator.PointsWrite, "修改积分规则(dry_run 只预览)", h.write("points_rule.save", ok, h.savePointsRules)).Takes(rulesInput{}).Gives(ruled{}),

		at(get, "/brands/:id/tiers", operator.TierRead, "会员等级表", web.Answer(h.getTiers)).Gives(tier.Table{}),
		at(put, "/brands/:id/tiers", operator.TierWrite, "修改会员等级表", h.write("tier.save", ok, h.saveTiers)).Takes(tiersInput{}).Gives(tier.Table{}),
		at(get, "/members/:id/tier", operator.TierRead, "会员的等级与升降记录", web.Answer(h.memberTier)).Gives([]memberLevel{}),
		at(get, "/tiers/preview", operator.TierRead, "等级预览：各门槛的会员数", web.Answer(h.previewTiers)).Asks("brand_id", "thresholds?", "period_months?").Gives([]tier.Share{}),
	}
}

// pointsView is what a member has: balances, what they are made of, what is held.
type pointsView struct {
	Account points.Account `json:"account"`
	Lots    []points.Lot   `json:"lots"`
	Holds   []points.Hold  `json:"holds"`
}

func (h *Handler) memberPoints(c *gin.Context) (any, error) {
	memberID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	account, err := h.Points.Account(ctx, memberID)
	if err != nil {
		return nil, err
	}
	lots, err := h.Points.Lots(ctx, memberID)
	if err != nil {
		return nil, err
	}
	holds, err := h.Points.Holds(ctx, memberID)
	return pointsView{account, lots, holds}, err
}

func (h *Handler) pointsStatement() gin.HandlerFunc {
	return list(func(l ledger.Line) id.ID { return l.ID }, func(c *gin.Context, p web.Page) ([]ledger.Line, error) {
		memberID, err := web.ParamID(c, "id")
		if err != nil {
			return nil, err
		}
		return h.Points.Statement(c.Request.Context(), memberID, p.Before, p.Limit)
	})
}

type adjustInput struct {
	BrandID id.ID  `json:"brand_id"`
	Points  int64  `json:"points"` // less than 0 takes
	Reason  string `json:"reason"`
}

func (h *Handler) adjustPoints(c *gin.Context, e *audit.Entry) (any, error) {
	var in adjustInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	memberID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(c.Request.Context(), in.BrandID); err != nil {
		return nil, err
	}
	x, err := h.Points.Adjust(c.Request.Context(), points.Adjustment{MemberID: memberID, BrandID: in.BrandID, Points: in.Points, Reason: in.Reason, ByID: e.ActorID})
	e.ObjectID, e.After = x.ID, x
	return x, err
}

type freezeInput struct {
	Points int64  `json:"points"`
	Reason string `json:"reason"`
}

func (h *Handler) freezePoints(c *gin.Context, e *audit.Entry) (any, error) {
	var in freezeInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	memberID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	x, err := h.Points.Freeze(c.Request.Context(), memberID, in.Points, in.Reason, e.ActorID)
	e.ObjectID, e.After = x.ID, x
	return x, err
}

type unfreezeInput struct {
	HoldID id.ID  `json:"hold_id"`
	Reason string `json:"reason"`
}

func (h *Handler) unfreezePoints(c *gin.Context, e *audit.Entry) (any, error) {
	var in unfreezeInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	memberID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	x, err := h.Points.Unfreeze(c.Request.Context(), memberID, in.HoldID, in.Reason, e.ActorID)
	e.ObjectID, e.After = x.ID, x
	return x, err
}

func (h *Handler) listAdjustments() gin.HandlerFunc {
	return counted(func(x points.Adjustment) id.ID { return x.ID }, func(c *gin.Context, p web.Page) ([]points.Adjustment, error) {
		memberID, err := web.QueryID(c, "member_id")
		if err != nil {
			return nil, err
		}
		return h.Points.Adjustments(c.Request.Context(), c.Query("state"), memberID, p.Before, p.Limit)
	}, func(c *gin.Context) (int, bool, error) {
		memberID, err := web.QueryID(c, "member_id")
		if err != nil {
			return 0, false, err
		}
		return h.Points.CountAdjustments(c.Request.Context(), c.Query("state"), memberID)
	})
}

func (h *Handler) approveAdjustment(c *gin.Context, e *audit.Entry) (any, error) {
	var in reasonInput
	if err := bindOptional(c, &in); err != nil {
		return nil, err
	}
	return h.decideAdjustment(c, e, h.Points.Approve, in.Reason)
}

func (h *Handler) refuseAdjustment(c *gin.Context, e *audit.Entry) (any, error) {
	var in reasonInput
	if err := bindOptional(c, &in); err != nil {
		return nil, err
	}
	return h.decideAdjustment(c, e, h.Points.Refuse, in.Reason)
}

func (h *Handler) decideAdjustment(c *gin.Context, e *audit.Entry, decide func(ctx context.Context, adjustmentID, by id.ID, note string) (points.Adjustment, error), note string) (any, error) {
	before, err := h.Points.Adjustment(c.Request.Context(), e.ObjectID)
	if err != nil {
		return nil, err
	}
	x, err := decide(c.Request.Context(), e.ObjectID, e.ActorID, note)
	e.Before, e.After = before, x
	return x, err
}

func (h *Handler) liability(c *gin.Context) (any, error) {
	brandID, err := web.QueryID(c, "brand_id")
	if err != nil {
		return nil, err
	}
	return h.Points.Liability(c.Request.Context(), brandID)
}

// ruled is rules with what they mean.
type ruled struct {
	Rules   points.Rules   `json:"rules"`
	Preview points.Preview `json:"preview"`
}

func (h *Handler) getPointsRules(c *gin.Context) (any, error) {
	brandID, err := h.brandOf(c)
	if err != nil {
		return nil, err
	}
	r, err := h.Points.Rules(c.Request.Context(), brandID)
	if err != nil {
		return nil, err
	}
	p, err := h.Points.PreviewRules(r)
	return ruled{r, p}, err
}

type rulesInput struct {
	Version      int           `json:"version"` // that was read
	Earn         []points.Earn `json:"earn"`
	Expiry       points.Expiry `json:"expiry"`
	ApproveAbove int64         `json:"approve_above"`
	DryRun       bool          `json:"dry_run"` // check and preview, save nothing
	Reason       string        `json:"reason"`
}

func (h *Handler) savePointsRules(c *gin.Context, e *audit.Entry) (any, error) {
	var in rulesInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	brandID, err := h.brandOf(c)
	if err != nil {
		return nil, err
	}
	r := points.Rules{BrandID: brandID, Version: in.Version, Earn: in.Earn, Expiry: in.Expiry, ApproveAbove: in.ApproveAbove, ByID: e.ActorID}
	p, err := h.Points.PreviewRules(r)
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		return ruled{r, p}, nil
	}
	before, err := h.Points.Rules(c.Request.Context(), brandID)
	if err != nil {
		return nil, err
	}
	after, err := h.Points.SaveRules(c.Request.Context(), r)
	e.ObjectID, e.Before, e.After = brandID, before, after
	return ruled{after, p}, err
}

// brandOf is the brand of the path, which must exist.
func (h *Handler) brandOf(c *gin.Context) (id.ID, error) {
	brandID, err := web.ParamID(c, "id")
	if err != nil {
		return 0, err
	}
	_, err = h.Brands.Get(c.Request.Context(), brandID)
	return brandID, err
}

func (h *Handler) getTiers(c *gin.Context) (any, error) {
	brandID, err := h.brandOf(c)
	if err != nil {
		return nil, err
	}
	return h.Tiers.Table(c.Request.Context(), brandID)
}

type tiersInput struct {
	Version      int          `json:"version"` // that was read
	Levels       []tier.Level `json:"levels"`
	Grow         []tier.Grow  `json:"grow"`
	PeriodMonths int          `json:"period_months"`
	Down         string       `json:"down"`
	Reason       string       `json:"reason"`
}

func (h *Handler) saveTiers(c *gin.Context, e *audit.Entry) (any, error) {
	var in tiersInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	brandID, err := h.brandOf(c)
	if err != nil {
		return nil, err
	}
	before, err := h.Tiers.Table(c.Request.Context(), brandID)
	if err != nil {
		return nil, err
	}
	after, err := h.Tiers.Save(c.Request.Context(), tier.Table{BrandID: brandID, Version: in.Version, Levels: in.Levels, Grow: in.Grow,
		PeriodMonths: in.PeriodMonths, Down: in.Down, ByID: e.ActorID})
	e.ObjectID, e.Before, e.After = brandID, before, after
	return after, err
}

// memberLevel is where a member stands at one brand and how he came there.
type memberLevel struct {
	tier.Standing
	History []tier.Move `json:"history"`
}

func (h *Handler) memberTier(c *gin.Context) (any, error) {
	memberID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	standings, err := h.Tiers.Of(c.Request.Context(), memberID)
	if err != nil {
		return nil, err
	}
	out := make([]memberLevel, 0, len(standings))
	for _, s := range standings {
		moves, err := h.Tiers.History(c.Request.Context(), s.BrandID, memberID)
		if err != nil {
			return nil, err
		}
		out = append(out, memberLevel{s, moves})
	}
	return out, nil
}

// previewTiers counts for ?thresholds=0,100,300&period_months=12, or for the brand's
// table as it is.
func (h *Handler) previewTiers(c *gin.Context) (any, error) {
	brandID, err := web.QueryID(c, "brand_id")
	if err != nil {
		return nil, err
	}
	t, err := h.Tiers.Table(c.Request.Context(), brandID)
	if err != nil {
		return nil, err
	}
	levels, months := t.Levels, t.PeriodMonths
	if text := c.Query("thresholds"); text != "" {
		levels = nil
		for i, part := range strings.Split(text, ",") {
			n, err := strconv.ParseInt(part, 10, 64)
			if err != nil || n < 0 {
				return nil, fault.NewInvalid("bad_field", "参数 thresholds 应为逗号分隔的门槛").With("field", "thresholds")
			}
			levels = append(levels, tier.Level{Name: "等级 " + strconv.Itoa(i+1), Threshold: n})
		}
	}
	if text := c.Query("period_months"); text != "" {
		if months, err = strconv.Atoi(text); err != nil {
			return nil, fault.NewInvalid("bad_field", "参数 period_months 应为月数").With("field", "period_months")
		}
	}
	return h.Tiers.Preview(c.Request.Context(), brandID, levels, months)
}
