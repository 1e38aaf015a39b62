// Package leader serves the people who bring people, in WeChat's browser and in the mini
// program, on the same functions: the desk of leaders (群主), clerks and staff, and what
// anybody earned by bringing buyers.
//
// Promises. Who asks sees his own subtree only, masked: an initial, a city, a month.
// What belongs to somebody else is answered like what does not exist, with 404. No answer
// holds an openid, a unionid, a telephone number, a place finer than a city or the id of
// another member. GET changes nothing, but that his own device is noted; a form's token does its act once, an
// Idempotency-Key does for the mini program. Nothing here asks anybody to pay, and nothing
// shown is a promise of income. Who is suspended or left keeps the pages of his earnings.
package leader

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/commission"
	"siyu/model/group"
	"siyu/model/id"
	"siyu/model/invite"
	"siyu/model/leader"
	"siyu/model/member"
	"siyu/model/profile"
	"siyu/model/referral"
	"siyu/model/scan"
	"siyu/model/withdrawal"
)

// Deps are what a Handler works with.
type Deps struct {
	Clock       clock.Clock
	Sessions    *web.Sessions
	Pages       *web.Pages
	Login       web.Login // the consumer's
	Replays     web.Replayer
	Brands      *brand.Store
	Members     *member.Store
	Profiles    *profile.Store
	Scans       *scan.Store
	Leaders     *leader.Store
	Referrals   *referral.Store
	Groups      *group.Store
	Invites     *invite.Store
	Commission  *commission.Store
	Accounts    *commission.Accounts
	Withdrawals *withdrawal.Store
	// HeldBy is told whose device opens his own code (a keyed hash); nil: nobody is.
	HeldBy    func(ctx context.Context, memberID id.ID, deviceHash string) error
	PublicURL string // of live codes: scheme and host, without a trailing slash
}

// Handler answers.
type Handler struct{ Deps }

// New fails when it is not told how people log in and what they are shown.
func New(d Deps) (*Handler, error) {
	if d.Sessions == nil || d.Pages == nil || d.Login == nil {
		return nil, fmt.Errorf("leader: sessions, pages and a login are needed")
	}
	return &Handler{d}, nil
}

// What a route's caller must be.
const (
	anybody = "member" // a session
	desk    = "leader" // an active leader, clerk or member of staff of the brand
)

// Routes is the whole surface.
func (h *Handler) Routes() []web.Route {
	return slices.Concat(h.applyRoutes(), h.deskRoutes(), h.groupRoutes(), h.earningRoutes(), h.withdrawalRoutes())
}

// Mount puts the routes on an engine, each behind what its permission asks for.
func (h *Handler) Mount(e gin.IRoutes) { web.Mount(e, h.Routes(), h.guard) }

func (h *Handler) applyRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/leader/apply", Permission: anybody, Summary: "群主计划、申请与状态", Handler: h.page("desk_apply.html", "群主计划", h.standing)},
		{Method: "POST", Path: "/leader/apply", Permission: anybody, Summary: "申请成为群主(表单)", Handler: h.form("desk_apply.html", "群主计划", h.standing, h.applyForm)},
		{Method: "POST", Path: "/leader/sign", Permission: anybody, Summary: "签署群主协议(表单)", Handler: h.form("desk_apply.html", "群主计划", h.standing, h.signForm)},
		{Method: "POST", Path: "/leader/decline", Permission: anybody, Summary: "谢绝成为群主的邀请(表单)", Handler: h.form("desk_apply.html", "群主计划", h.standing, h.declineForm)},
		{Method: "GET", Path: "/leader/leave", Permission: anybody, Summary: "退出群主计划(说明)", Handler: h.page("desk_leave.html", "退出群主计划", h.standing)},
		{Method: "POST", Path: "/leader/leave", Permission: anybody, Summary: "退出群主计划、撤回申请(表单)", Handler: h.form("desk_leave.html", "退出群主计划", h.standing, h.leaveForm)},
		{Method: "GET", Path: "/api/v1/leader", Permission: anybody, Summary: "小程序群主计划与我的状态", Handler: h.answer(h.standing)},
		{Method: "POST", Path: "/api/v1/leader/apply", Permission: anybody, Summary: "小程序申请成为群主", Handler: h.once(h.apiApply)},
		{Method: "POST", Path: "/api/v1/leader/sign", Permission: anybody, Summary: "小程序签署群主协议", Handler: h.once(h.apiSign)},
		{Method: "POST", Path: "/api/v1/leader/decline", Permission: anybody, Summary: "小程序谢绝成为群主的邀请", Handler: h.once(h.apiDecline)},
		{Method: "POST", Path: "/api/v1/leader/leave", Permission: anybody, Summary: "小程序退出群主计划、撤回申请", Handler: h.once(h.apiLeave)},
	}
}

func (h *Handler) deskRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/leader", Permission: desk, Summary: "群主工作台", Handler: h.page("desk_home.html", "工作台", h.home)},
		{Method: "GET", Path: "/leader/people", Permission: desk, Summary: "我推荐的人(脱敏)", Handler: h.page("desk_people.html", "我的客户", h.people)},
		{Method: "GET", Path: "/leader/people/:binding", Permission: desk, Summary: "我的下级推荐的人(脱敏)", Handler: h.page("desk_people.html", "我的客户", h.below)},
		{Method: "GET", Path: "/leader/tasks", Permission: desk, Summary: "我的任务", Handler: h.page("desk_tasks.html", "我的任务", h.tasks)},
		{Method: "POST", Path: "/leader/tasks/:id/done", Permission: desk, Summary: "完成任务(表单)", Handler: h.form("desk_tasks.html", "我的任务", h.tasks, h.doneForm)},
		{Method: "GET", Path: "/leader/materials", Permission: desk, Summary: "素材", Handler: h.page("desk_materials.html", "素材", h.materials)},
		{Method: "GET", Path: "/leader/poster", Permission: desk, Summary: "我的邀请海报", Handler: h.page("desk_poster.html", "邀请海报", h.invitation)},
		{Method: "GET", Path: "/leader/poster.png", Permission: desk, Summary: "邀请海报图片", Handler: h.posterPicture},
		{Method: "GET", Path: "/api/v1/leader/home", Permission: desk, Summary: "小程序群主工作台", Handler: h.answer(h.home)},
		{Method: "GET", Path: "/api/v1/leader/people", Permission: desk, Summary: "小程序我推荐的人(脱敏)", Handler: h.answer(h.people)},
		{Method: "GET", Path: "/api/v1/leader/people/:binding", Permission: desk, Summary: "小程序我的下级推荐的人(脱敏)", Handler: h.answer(h.below)},
		{Method: "GET", Path: "/api/v1/leader/tasks", Permission: desk, Summary: "小程序我的任务", Handler: h.answer(h.tasks)},
		{Method: "POST", Path: "/api/v1/leader/tasks/:id/done", Permission: desk, Summary: "小程序完成任务", Handler: h.once(h.apiDone)},
		{Method: "GET", Path: "/api/v1/leader/materials", Permission: desk, Summary: "小程序素材", Handler: h.answer(h.materials)},
		{Method: "GET", Path: "/api/v1/leader/invitation", Permission: desk, Summary: "小程序我的邀请链接", Handler: h.answer(h.invitation)},
	}
}

func (h *Handler) groupRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/leader/groups", Permission: desk, Summary: "我的社群", Handler: h.page("desk_groups.html", "我的社群", h.groups)},
		{Method: "POST", Path: "/leader/groups", Permission: desk, Summary: "登记社群(表单)", Handler: h.form("desk_groups.html", "我的社群", h.groups, h.createForm)},
		{Method: "GET", Path: "/leader/groups/:id", Permission: desk, Summary: "社群详情", Handler: h.page("desk_group.html", "社群", h.group)},
		{Method: "POST", Path: "/leader/groups/:id/size", Permission: desk, Summary: "更新社群人数(表单)", Handler: h.form("desk_group.html", "社群", h.group, h.sizeForm)},
		{Method: "POST", Path: "/leader/groups/:id/qr", Permission: desk, Summary: "上传群二维码(表单)", Handler: h.upload("desk_group.html", "社群", h.group, h.qrForm)},
		{Method: "POST", Path: "/leader/groups/:id/close", Permission: desk, Summary: "停用社群(表单)", Handler: h.form("desk_group.html", "社群", h.group, h.closeForm)},
		{Method: "POST", Path: "/leader/groups/:id/reopen", Permission: desk, Summary: "恢复社群(表单)", Handler: h.form("desk_group.html", "社群", h.group, h.reopenForm)},
		{Method: "GET", Path: "/api/v1/leader/groups", Permission: desk, Summary: "小程序我的社群", Handler: h.answer(h.groups)},
		{Method: "POST", Path: "/api/v1/leader/groups", Permission: desk, Summary: "小程序登记社群", Handler: h.once(h.apiCreate)},
		{Method: "GET", Path: "/api/v1/leader/groups/:id", Permission: desk, Summary: "小程序社群详情", Handler: h.answer(h.group)},
		{Method: "POST", Path: "/api/v1/leader/groups/:id/size", Permission: desk, Summary: "小程序更新社群人数", Handler: h.once(h.apiSize)},
		{Method: "POST", Path: "/api/v1/leader/groups/:id/qr", Permission: desk, Summary: "小程序更新群二维码", Handler: h.once(h.apiQR)},
		{Method: "POST", Path: "/api/v1/leader/groups/:id/close", Permission: desk, Summary: "小程序停用社群", Handler: h.once(h.apiClose)},
		{Method: "POST", Path: "/api/v1/leader/groups/:id/reopen", Permission: desk, Summary: "小程序恢复社群", Handler: h.once(h.apiReopen)},
	}
}

func (h *Handler) earningRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/earnings", Permission: anybody, Summary: "我的收益", Handler: h.page("desk_earnings.html", "我的收益", h.earnings)},
		{Method: "GET", Path: "/earnings/accruals/:id", Permission: anybody, Summary: "一笔收益的来由", Handler: h.page("desk_accrual.html", "收益明细", h.accrual)},
		{Method: "GET", Path: "/earnings/statements", Permission: anybody, Summary: "我的结算单", Handler: h.page("desk_statements.html", "结算单", h.statements)},
		{Method: "GET", Path: "/earnings/statements/:id", Permission: anybody, Summary: "结算单", Handler: h.page("desk_statement.html", "结算单", h.statement)},
		{Method: "GET", Path: "/api/v1/earnings", Permission: anybody, Summary: "小程序我的收益", Handler: h.answer(h.earnings)},
		{Method: "GET", Path: "/api/v1/earnings/accruals/:id", Permission: anybody, Summary: "小程序一笔收益的来由", Handler: h.answer(h.accrual)},
		{Method: "GET", Path: "/api/v1/earnings/statements", Permission: anybody, Summary: "小程序我的结算单", Handler: h.answer(h.statements)},
		{Method: "GET", Path: "/api/v1/earnings/statements/:id", Permission: anybody, Summary: "小程序结算单", Handler: h.answer(h.statement)},
	}
}

// once is an act of the mini program, repeatable under its Idempotency-Key.
func (h *Handler) once(do act) gin.HandlerFunc {
	return web.Once(h.Replays, h.Sessions.Owner, http.StatusOK, func(c *gin.Context) (any, error) { return do(c, seatOf(c)) })
}
