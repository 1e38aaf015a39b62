package admin

import (
	"context"
	"errors"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/push"
	"siyu/model/reach"
)

// pushRoutes: messages to the people of a segment, from the draft to every copy's end.
// Writing, agreeing and sending are three permissions.
func (h *Handler) pushRoutes() []web.Route {
	write := func(name string, status int, do action) gin.HandlerFunc { return h.write("push."+name, status, do) }
	return []web.Route{
		at(get, "/pushes", operator.PushRead, "触达列表", h.listPushes()).
			Asks("brand_id", "state?:draft|pending|scheduled|running|paused|missed|done|stopped", "segment_id?", "q?").Lists(push.Push{}).Counts(),
		at(post, "/pushes", operator.PushWrite, "新建触达草稿", write("create", created, h.createPush)).Takes(push.Form{}).Gives(push.Push{}),
		at(get, "/pushes/:id", operator.PushRead, "触达详情", web.Answer(h.getPush)).Gives(push.Push{}),
		at(put, "/pushes/:id", operator.PushWrite, "修改触达草稿", write("update", ok, h.updatePush)).Takes(pushInput{}).Gives(push.Push{}),
		at(del, "/pushes/:id", operator.PushWrite, "删除没有发过的草稿", write("delete", ok, h.deletePush)).Gives(push.Push{}),
		at(post, "/pushes/:id/copy", operator.PushWrite, "复制为新的草稿", write("copy", created, h.copyPush)).Takes(reasonInput{}).Gives(push.Push{}),
		at(get, "/pushes/:id/needs", operator.PushRead, "开始前还差什么：人数与是否须审批", web.Answer(h.pushNeeds)).Gives(push.Need{}),
		at(get, "/pushes/:id/estimate", operator.PushRead, "现在开始要花多少：各渠道人数、计费条数、单价和占用的名额", web.Answer(h.pushEstimate)).Gives(push.Estimate{}),
		at(get, "/pushes/:id/optouts", operator.PushRead, "收到这次触达后退订的人", web.Answer(h.pushOptOuts)).Gives(reach.After{}),
		at(get, "/pushes/:id/preview", operator.PushRead, "以人群里一位真实会员的样子预览(姓名打码)", web.Answer(h.previewPush)).Asks("member_id?").Gives([]push.Preview{}),
		at(get, "/pushes/:id/tests", operator.PushRead, "发过的测试", web.Answer(h.pushTests)).Gives([]push.Test{}),
		at(post, "/pushes/:id/tests", operator.PushSend, "发送测试(只发给白名单)", write("test", created, h.testPush)).Takes(pushTestInput{}).Gives(push.Test{}),
		at(post, "/pushes/:id/submit", operator.PushWrite, "提交审批", write("submit", ok, h.submitPush)).Takes(pushDecision{}).Gives(push.Push{}),
		at(post, "/pushes/:id/withdraw", operator.PushWrite, "撤回为草稿(还没有开始的)", write("withdraw", ok, h.withdrawPush)).Takes(reasonInput{}).Gives(push.Push{}),
		at(post, "/pushes/:id/approve", operator.PushApprove, "批准触达(提交人和最后修改的人不能)", write("approve", ok, h.approvePush)).Takes(pushDecision{}).Gives(push.Push{}),
		at(post, "/pushes/:id/refuse", operator.PushApprove, "退回触达(写明理由)", write("refuse", ok, h.refusePush)).Takes(pushDecision{}).Gives(push.Push{}),
		at(post, "/pushes/:id/schedule", operator.PushSend, "按定时排期", write("schedule", ok, h.schedulePush)).Takes(pushDecision{}).Gives(push.Push{}),
		at(post, "/pushes/:id/start", operator.PushSend, "现在开始(也用于错过定时的)", write("start", ok, h.startPush)).Takes(pushDecision{}).Gives(push.Push{}),
		at(post, "/pushes/:id/pause", operator.PushSend, "暂停发送", write("pause", ok, h.pausePush)).Takes(reasonInput{}).Gives(push.Push{}),
		at(post, "/pushes/:id/resume", operator.PushSend, "继续发送", write("resume", ok, h.resumePush)).Takes(reasonInput{}).Gives(push.Push{}),
		at(post, "/pushes/:id/stop", operator.PushSend, "停止发送，不可恢复(写明原因)", write("stop", ok, h.stopPush)).Takes(reasonInput{}).Gives(push.Push{}),
		at(get, "/pushes/:id/progress", operator.PushRead, "进度：各状态人数、速度、预计时间、未送达原因、点击", web.Answer(h.pushNumbers)).Gives(push.Numbers{}),
		at(get, "/pushes/:id/deliveries", operator.PushRead, "每个会员的触达记录(按状态，或某个会员)", web.Answer(h.listDeliveries)).
			Asks("state?:waiting|sending|sent|refused|unknown|skipped|held", "member_id?", "after?", "limit?").Gives([]push.Delivery{}),
		at(get, "/pushes/:id/why", operator.PushRead, "某个会员为什么收到或没收到", web.Answer(h.pushWhy)).Asks("member_id").Gives(push.Trace{}),
		at(get, "/brands/:id/push-variables", operator.PushRead, "内容里可用的变量", web.Answer(func(*gin.Context) (any, error) { return push.Variables(), nil })).Gives([]push.Variable{}),
		at(get, "/brands/:id/push-policy", operator.PushRead, "触达审批人数、速度与尝试时长", web.Answer(func(c *gin.Context) (any, error) { return one(c, h.Pushes.Policy) })).Gives(push.Policy{}),
		at(put, "/brands/:id/push-policy", operator.PushApprove, "修改触达审批人数、速度与尝试时长", h.write("push_policy.set", ok, h.setPushPolicy)).Takes(pushPolicyInput{}).Gives(push.Policy{}),
		at(get, "/brands/:id/push-testers", operator.PushRead, "测试白名单", web.Answer(h.pushTesters)).Gives([]push.Tester{}),
		at(post, "/brands/:id/push-testers", operator.PushSend, "加入测试白名单", h.write("push_tester.add", created, h.addTester)).Takes(testerInput{}).Gives(push.Tester{}),
		at(post, "/brands/:id/push-testers/remove", operator.PushSend, "移出测试白名单", h.write("push_tester.remove", ok, h.removeTester)).Takes(testerInput{}).Gives(push.Tester{}),
	}
}

func pushFilter(c *gin.Context) (f push.Filter, err error) {
	if f.BrandID, err = web.QueryID(c, "brand_id"); err != nil {
		return f, err
	}
	if f.BrandID == 0 {
		return f, errNeeds
	}
	f.SegmentID, err = web.QueryID(c, "segment_id")
	f.State, f.Q = c.Query("state"), c.Query("q")
	return f, err
}

func (h *Handler) listPushes() gin.HandlerFunc {
	return counted(func(x push.Push) id.ID { return x.ID }, func(c *gin.Context, p web.Page) ([]push.Push, error) {
		f, err := pushFilter(c)
		if err != nil {
			return nil, err
		}
		list, err := h.Pushes.List(c.Request.Context(), f, p.Before, p.Limit)
		if err != nil {
			return nil, err
		}
		return each(list, func(x push.Push) (push.Push, error) { return h.shown(c, x) })
	}, func(c *gin.Context) (int, bool, error) {
		f, err := pushFilter(c)
		if err != nil {
			return 0, false, err
		}
		return h.Pushes.Count(c.Request.Context(), f)
	})
}

// usable refuses a form that names what belongs to another brand, or people who tell of a tag
// that is not for who asks. Accounts are refused by the reach ledger.
func (h *Handler) usable(c *gin.Context, f push.Form) error {
	ctx := c.Request.Context()
	if _, err := h.Brands.Get(ctx, f.BrandID); err != nil {
		return err
	}
	for _, productID := range f.ProductIDs {
		p, err := h.Products.Get(ctx, productID)
		if err == nil && p.BrandID != f.BrandID {
			err = fault.NewInvalid("push_form", "所选商品不是这个品牌的").With("field", "product_ids")
		}
		if err != nil {
			return err
		}
	}
	if err := h.Pushes.CheckAudience(ctx, f); err != nil {
		return err
	}
	if err := h.visibleAudience(c, f); err != nil {
		return err
	}
	return h.Pushes.CheckUses(ctx, f)
}

func (h *Handler) createPush(c *gin.Context, e *audit.Entry) (any, error) {
	var in push.Form
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if err := h.usable(c, in); err != nil {
		return nil, err
	}
	x, err := h.Pushes.Create(c.Request.Context(), in, e.ActorID)
	e.ObjectID, e.After = x.ID, x
	return x, err
}

func (h *Handler) getPush(c *gin.Context) (any, error) {
	return one(c, func(ctx context.Context, pushID id.ID) (push.Push, error) {
		p, err := h.Pushes.Get(ctx, pushID)
		if err != nil {
			return p, err
		}
		return h.shown(c, p)
	})
}

type pushInput struct {
	push.Form
	Version int    `json:"version"` // that the operator read
	Reason  string `json:"reason"`
}

func (h *Handler) updatePush(c *gin.Context, e *audit.Entry) (any, error) {
	var in pushInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if err := h.usable(c, in.Form); err != nil {
		return nil, err
	}
	return h.push(c, e, func(ctx context.Context, pushID id.ID) (push.Push, error) {
		return h.Pushes.Update(ctx, pushID, in.Version, in.Form, e.ActorID)
	})
}

// push runs one change and notes it before and after.
func (h *Handler) push(c *gin.Context, e *audit.Entry, change func(context.Context, id.ID) (push.Push, error)) (any, error) {
	before, err := h.Pushes.Get(c.Request.Context(), e.ObjectID)
	if err != nil {
		return nil, err
	}
	after, err := change(c.Request.Context(), e.ObjectID)
	e.Before, e.After = before, after
	if errors.Is(err, errNeedsSecond) && blind(c) { // it says how many there are
		err = errNeedsSecond
	}
	if err != nil {
		return nil, h.unnamed(c, before.BrandID, err)
	}
	return h.shown(c, after)
}

// moved is push for a change that takes no more than a reason.
func (h *Handler) moved(c *gin.Context, e *audit.Entry, change func(ctx context.Context, pushID id.ID) (push.Push, error)) (any, error) {
	if err := bindOptional(c, &reasonInput{}); err != nil {
		return nil, err
	}
	return h.push(c, e, change)
}

func (h *Handler) deletePush(c *gin.Context, e *audit.Entry) (any, error) {
	before, err := h.Pushes.Get(c.Request.Context(), e.ObjectID)
	if err == nil {
		e.Before = before
		err = h.Pushes.Delete(c.Request.Context(), e.ObjectID)
	}
	if err != nil {
		return nil, err
	}
	return h.shown(c, before)
}

func (h *Handler) copyPush(c *gin.Context, e *audit.Entry) (any, error) {
	if err := bindOptional(c, &reasonInput{}); err != nil {
		return nil, err
	}
	p, err := h.Pushes.Get(c.Request.Context(), e.ObjectID)
	if err == nil {
		err = h.visibleAudience(c, p.Form)
	}
	if err != nil {
		return nil, err
	}
	x, err := h.Pushes.Copy(c.Request.Context(), e.ObjectID, e.ActorID)
	if err != nil {
		return nil, err
	}
	e.After = x
	return h.shown(c, x)
}

func (h *Handler) pushNeeds(c *gin.Context) (any, error) {
	return one(c, func(ctx context.Context, pushID id.ID) (push.Need, error) {
		n, err := h.Pushes.Needs(ctx, pushID, current(c).Operator.ID)
		if v := h.veil(c); v != nil {
			n = v.need(n, pushID)
		}
		return n, err
	})
}

// need veils how many people a push would have; the sentence that counts them is left out.
func (v *veil) need(n push.Need, pushID id.ID) push.Need {
	n.People, n.TodayPeople = v.count(n.People, pushID, "needs"), v.count(n.TodayPeople, pushID, "today")
	if n.NeedApproval && n.Limit > 0 {
		n.Why = "须由第二人审批"
	}
	return n
}

var errNeedsSecond = fault.New(fault.Conflict, "approval_needed", "须由第二人审批")

func (h *Handler) submitPush(c *gin.Context, e *audit.Entry) (any, error) {
	return h.begun(c, e, h.Pushes.Submit)
}

func (h *Handler) withdrawPush(c *gin.Context, e *audit.Entry) (any, error) {
	return h.moved(c, e, h.Pushes.Withdraw)
}

// begun is push for what brings a push towards people: of the version that was looked at.
func (h *Handler) begun(c *gin.Context, e *audit.Entry, begin func(ctx context.Context, pushID, by id.ID, seen ...int) (push.Push, error)) (any, error) {
	var in pushDecision
	if err := bindOptional(c, &in); err != nil {
		return nil, err
	}
	return h.push(c, e, func(ctx context.Context, pushID id.ID) (push.Push, error) {
		return begin(ctx, pushID, e.ActorID, in.Version)
	})
}

// pushDecision names the version that was read: nobody agrees to, or sends, what he did not
// see.
type pushDecision struct {
	Version int    `json:"version"`
	Reason  string `json:"reason"`
}

func (h *Handler) approvePush(c *gin.Context, e *audit.Entry) (any, error) {
	var in pushDecision
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	return h.push(c, e, func(ctx context.Context, pushID id.ID) (push.Push, error) {
		return h.Pushes.Approve(ctx, pushID, in.Version, e.ActorID)
	})
}

func (h *Handler) refusePush(c *gin.Context, e *audit.Entry) (any, error) {
	var in pushDecision
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	return h.push(c, e, func(ctx context.Context, pushID id.ID) (push.Push, error) {
		return h.Pushes.Refuse(ctx, pushID, in.Version, e.ActorID, in.Reason)
	})
}

func (h *Handler) schedulePush(c *gin.Context, e *audit.Entry) (any, error) {
	return h.begun(c, e, h.Pushes.Schedule)
}

func (h *Handler) startPush(c *gin.Context, e *audit.Entry) (any, error) {
	return h.begun(c, e, h.Pushes.Start)
}

func (h *Handler) pausePush(c *gin.Context, e *audit.Entry) (any, error) {
	return h.moved(c, e, h.Pushes.Pause)
}

func (h *Handler) resumePush(c *gin.Context, e *audit.Entry) (any, error) {
	return h.moved(c, e, h.Pushes.Resume)
}

func (h *Handler) stopPush(c *gin.Context, e *audit.Entry) (any, error) {
	var in reasonInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	return h.push(c, e, func(ctx context.Context, pushID id.ID) (push.Push, error) {
		return h.Pushes.Stop(ctx, pushID, in.Reason)
	})
}

type pushPolicyInput struct {
	ApprovalPeople int64  `json:"approval_people"`
	PerSecond      int    `json:"per_second"`
	GiveUpHours    int    `json:"give_up_hours"`
	Reason         string `json:"reason"`
}

func (h *Handler) setPushPolicy(c *gin.Context, e *audit.Entry) (any, error) {
	var in pushPolicyInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	brandID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(c.Request.Context(), brandID); err != nil {
		return nil, err
	}
	before, err := h.Pushes.Policy(c.Request.Context(), brandID)
	if err != nil {
		return nil, err
	}
	after, err := h.Pushes.SetPolicy(c.Request.Context(), push.Policy{BrandID: brandID, ApprovalPeople: in.ApprovalPeople, PerSecond: in.PerSecond, GiveUpHours: in.GiveUpHours, ByID: e.ActorID})
	e.ObjectID, e.Before, e.After = brandID, before, after
	return after, err
}
