package admin

import (
	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/goal"
	"siyu/model/id"
	"siyu/model/insight"
	"siyu/model/operator"
)

// homeRoutes: what operators see first every morning (今日).
func (h *Handler) homeRoutes() []web.Route {
	return []web.Route{
		at(get, "/home", operator.HomeRead, "今日：增长、会员、时段与地区", web.Answer(h.home)).Asks("brand_id").Gives(homeAnswer{}),
		at(get, "/home/money", operator.PayoutRead, "今日：预算与打款", web.Answer(h.homeMoney)).Asks("brand_id").Gives(insight.HomeMoney{}),
		at(get, "/home/waiting", operator.HomeRead, "今日：待处理事项(仅自己有权处理的)", web.Answer(h.homeWaiting)).Asks("brand_id").Gives(waitingAnswer{}),
		at(get, "/home/recent", operator.HomeRead, "刚刚发生的扫码、领取与打款(脱敏)", web.Answer(h.homeRecent)).Asks("brand_id").Gives(recentAnswer{}),
		at(get, "/home/setup", operator.HomeRead, "新手引导：已完成的步骤", web.Answer(h.homeSetup)).Asks("brand_id").Gives(setupAnswer{}),
		at(put, "/brands/:id/targets", operator.HomeWrite, "设定月度目标(0 为取消)", h.write("brand.set_target", ok, h.setTarget, by(targetNamed))).Takes(targetInput{}).Gives(goal.Target{}),
		at(put, "/brands/:id/setup", operator.HomeWrite, "收起、恢复新手引导", h.write("brand.dismiss_setup", ok, h.dismissSetup)).Takes(dismissInput{}).Gives(setupAnswer{}),
		at(post, "/brands/:id/archive-demo", operator.BrandWrite, "清除演示数据：结束演示活动并收起演示品牌(账目保留)", h.write("brand.archive_demo", ok, h.archiveDemo)).Takes(archiveInput{}).Gives(brand.Brand{}),
	}
}

// ofHome reads the brand that a page is about.
func ofHome(c *gin.Context) (id.ID, error) {
	brandID, err := web.QueryID(c, "brand_id")
	if err == nil && brandID == 0 {
		err = errNeeds
	}
	return brandID, err
}

type homeAnswer struct {
	insight.Home
	Targets []goal.Target `json:"targets"` // of this month
}

func (h *Handler) home(c *gin.Context) (any, error) {
	brandID, err := ofHome(c)
	if err != nil {
		return nil, err
	}
	var out homeAnswer
	if out.Home, err = h.Insight.Home(c.Request.Context(), brandID); err != nil {
		return nil, err
	}
	out.Targets, err = h.Goals.Of(c.Request.Context(), brandID, goal.Month(out.Day))
	return out, err
}

func (h *Handler) homeMoney(c *gin.Context) (any, error) {
	brandID, err := ofHome(c)
	if err != nil {
		return nil, err
	}
	return h.Insight.HomeMoney(c.Request.Context(), brandID)
}

type waitingAnswer struct {
	AsOf  clock.Instant     `json:"as_of"`
	Items []insight.Waiting `json:"items"`
}

// homeWaiting shows what the operator may do something about; what belongs to the whole
// house is none of a confined operator's.
func (h *Handler) homeWaiting(c *gin.Context) (any, error) {
	brandID, err := ofHome(c)
	if err != nil {
		return nil, err
	}
	s, can := current(c), map[string]bool{}
	for _, p := range h.describe(s).Permissions {
		can[p] = true
	}
	items, err := h.Insight.Waiting(c.Request.Context(), brandID, s.Operator.ID, func(p string) bool { return can[p] })
	return waitingAnswer{h.Clock.Now(), items}, err
}

type recentAnswer struct {
	AsOf  clock.Instant       `json:"as_of"`
	Items []insight.Happening `json:"items"` // newest first, at most twenty
}

func (h *Handler) homeRecent(c *gin.Context) (any, error) {
	brandID, err := ofHome(c)
	if err != nil {
		return nil, err
	}
	now := h.Clock.Now()
	items, err := h.Insight.Recent(c.Request.Context(), brandID)
	return recentAnswer{now, items}, err
}

type setupAnswer struct {
	Steps       []insight.Step `json:"steps"`
	Ready       bool           `json:"ready"`        // only optional steps are left
	DismissedAt clock.Instant  `json:"dismissed_at"` // somebody did not want to see them any more
	Demo        bool           `json:"demo"`         // the brand holds the demo's data
	Clearable   bool           `json:"clearable"`    // and this operator may clear it here
}

func (h *Handler) homeSetup(c *gin.Context) (any, error) {
	brandID, err := ofHome(c)
	if err != nil {
		return nil, err
	}
	return h.setupOf(c, brandID)
}

func (h *Handler) setupOf(c *gin.Context, brandID id.ID) (out setupAnswer, err error) {
	ctx := c.Request.Context()
	b, err := h.Brands.Get(ctx, brandID)
	if err != nil {
		return out, err
	}
	if out.Steps, err = h.Insight.Setup(ctx, brandID); err != nil {
		return out, err
	}
	out.Ready, out.Demo = insight.Ready(out.Steps), b.Demo
	out.Clearable = b.Demo && h.Sandbox && current(c).Operator.Can(operator.BrandWrite)
	out.DismissedAt, err = h.Goals.Dismissed(ctx, brandID)
	return out, err
}

type targetInput struct {
	Month  int    `json:"month"` // 202611
	Metric string `json:"metric"`
	Amount int64  `json:"amount"` // people, times, or fen; 0: none
}

// targetNamed is one target of a month: each is changed alone.
func targetNamed(c *gin.Context, in targetInput) (thing, error) {
	brandID, err := web.ParamID(c, "id")
	return thing{brandID, map[string]any{"month": in.Month, "metric": in.Metric}}, err
}

func (h *Handler) setTarget(c *gin.Context, e *audit.Entry) (any, error) {
	var in targetInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if _, err := one(c, h.Brands.Get); err != nil {
		return nil, err
	}
	before, after, err := h.Goals.Set(c.Request.Context(), goal.Target{BrandID: e.ObjectID, Month: in.Month, Metric: in.Metric, Amount: in.Amount, ByID: current(c).Operator.ID})
	e.Before, e.After = before, after
	return after, err
}

type dismissInput struct {
	Dismissed bool `json:"dismissed"`
}

func (h *Handler) dismissSetup(c *gin.Context, e *audit.Entry) (any, error) {
	var in dismissInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if _, err := one(c, h.Brands.Get); err != nil {
		return nil, err
	}
	if err := h.Goals.Dismiss(c.Request.Context(), e.ObjectID, current(c).Operator.ID, in.Dismissed); err != nil {
		return nil, err
	}
	e.After = in
	return h.setupOf(c, e.ObjectID)
}

type archiveInput struct {
	Name string `json:"name"` // of the brand, typed by hand
}

var (
	errNotSandbox = fault.New(fault.Forbidden, "not_sandbox", "只能在演示或沙箱环境中清除演示数据")
	errTypedName  = fault.NewInvalid("typed_name", "输入的品牌名称不一致，请照原样输入").With("field", "name")
)

// archiveDemo takes the demo's brand out of sight. Its campaigns end first, so that none of
// its codes pays any more; what was booked stays booked.
func (h *Handler) archiveDemo(c *gin.Context, e *audit.Entry) (any, error) {
	var in archiveInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	b, err := h.Brands.Get(ctx, e.ObjectID)
	switch {
	case err != nil:
		return nil, err
	case !h.Sandbox:
		return nil, errNotSandbox
	case in.Name != b.Name:
		return nil, errTypedName
	}
	if err := h.Brands.CheckDemo(b); err != nil {
		return nil, err
	}
	for before, more := id.ID(0), true; more; {
		list, err := h.Campaigns.List(ctx, b.ID, before, 100)
		if err != nil {
			return nil, err
		}
		for _, k := range list {
			before = k.ID
			if k.State != campaign.Published && k.State != campaign.Paused {
				continue
			}
			if _, err := h.Campaigns.End(ctx, k.ID); err != nil {
				return nil, err
			}
		}
		more = len(list) == 100
	}
	after, err := h.Brands.ArchiveDemo(ctx, b.ID)
	e.Before, e.After = b, after
	return after, err
}
