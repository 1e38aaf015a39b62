package admin

import (
	"context"
	"strconv"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/leader"
	"siyu/model/operator"
)

// leaderRoutes: leaders, clerks and staff. Who decides about people (leader:approve) is
// not who writes the programme (leader:write).
func (h *Handler) leaderRoutes() []web.Route {
	decide := func(path, summary, name string, do func(context.Context, leader.Decision) (leader.Leader, error)) web.Route {
		return at(post, "/leaders/:id/"+path, operator.LeaderApprove, summary, h.write(name, ok, h.decideLeader(do))).Takes(reasonInput{}).Gives(leader.Leader{})
	}
	return []web.Route{
		at(get, "/brands/:id/leader-programme", operator.LeaderRead, "群主计划：开放、问题、等级与条件、候选规则", web.Answer(h.getProgramme)).Gives(leader.Programme{}),
		at(put, "/brands/:id/leader-programme", operator.LeaderWrite, "修改群主计划(收费、人头条件会被拒绝)", h.write("leader_programme.save", ok, h.saveProgramme)).Takes(leader.Draft{}).Gives(leader.Programme{}),
		at(get, "/brands/:id/leader-agreements", operator.LeaderRead, "群主协议的各版本", web.Answer(h.listAgreements)).Gives([]leader.Agreement{}),
		at(post, "/brands/:id/leader-agreements", operator.LeaderWrite, "发布新的群主协议(需重新签署)", h.write("leader_agreement.publish", created, h.publishAgreement)).Takes(agreementInput{}).Gives(leader.Agreement{}),

		at(get, "/leaders", operator.LeaderRead, "群主、导购、员工与申请列表", h.listLeaders()).
			Asks("brand_id", "state?:applied|approved|active|suspended|left|refused", "role?:leader|clerk|staff", "level?", "name?").Lists(leader.Leader{}).Counts(),
		at(post, "/leaders", operator.LeaderApprove, "任命导购或员工", h.write("leader.appoint", created, h.appointLeader)).Takes(appointment{}).Gives(leader.Leader{}),
		at(get, "/leaders/:id", operator.LeaderRead, "一人：资料、条件与数字、签署、历史", web.Answer(h.getLeader)).Gives(leader.Dossier{}),
		decide("approve", "通过申请", "leader.approve", h.Leaders.Approve),
		decide("refuse", "不通过申请(告知理由)", "leader.refuse", h.Leaders.Refuse),
		decide("suspend", "暂停资格(告知理由)", "leader.suspend", h.Leaders.Suspend),
		decide("resume", "恢复资格", "leader.resume", h.Leaders.Resume),
		decide("end", "终止资格(告知理由)", "leader.end", h.Leaders.End),
		at(put, "/leaders/:id/level", operator.LeaderApprove, "手工设定等级(至下次评定)", h.write("leader.set_level", ok, h.setLeaderLevel)).Takes(levelInput{}).Gives(leader.Leader{}),

		at(get, "/leader-candidates", operator.LeaderRead, "规则推荐的群主候选人", h.listCandidates()).
			Asks("brand_id", "state?:proposed|invited|dismissed|applied").Lists(namedCandidate{}).Counts(),
		at(post, "/leader-candidates/:id/invite", operator.LeaderApprove, "邀请候选人申请", h.write("leader_candidate.invite", ok, h.inviteCandidate)).Gives(leader.Candidate{}),
		at(post, "/leader-candidates/:id/dismiss", operator.LeaderApprove, "排除候选人、收回邀请", h.write("leader_candidate.dismiss", ok, h.dismissCandidate)).Takes(reasonInput{}).Gives(leader.Candidate{}),

		at(get, "/leader-tasks", operator.LeaderRead, "群主任务列表", h.listLeaderTasks()).Asks("brand_id").Lists(leader.Task{}).Counts(),
		at(post, "/leader-tasks", operator.LeaderWrite, "新建群主任务(不得发放报酬)", h.write("leader_task.create", created, h.createLeaderTask)).Takes(leader.TaskDraft{}).Gives(leader.Task{}),
		at(get, "/leader-tasks/:id", operator.LeaderRead, "任务进度与反馈", web.Answer(h.leaderTaskProgress)).Gives(leader.Progressed{}),
		at(put, "/leader-tasks/:id", operator.LeaderWrite, "修改、结束群主任务", h.write("leader_task.update", ok, h.updateLeaderTask)).Takes(leader.TaskDraft{}).Gives(leader.Task{}),
		at(get, "/leader-materials", operator.LeaderRead, "群主素材列表", h.listMaterials()).Asks("brand_id").Lists(leader.Material{}).Counts(),
		at(post, "/leader-materials", operator.LeaderWrite, "新增群主素材", h.write("leader_material.create", created, h.createMaterial)).Takes(materialInput{}).Gives(leader.Material{}),
		at(put, "/leader-materials/:id", operator.LeaderWrite, "修改群主素材", h.write("leader_material.update", ok, h.updateMaterial)).Takes(materialInput{}).Gives(leader.Material{}),
		at(del, "/leader-materials/:id", operator.LeaderWrite, "撤下群主素材", h.write("leader_material.drop", ok, h.dropMaterial)).Gives(leader.Material{}),
	}
}

// agreementInput is a new version of the agreement.
type agreementInput struct {
	Text string `json:"text"`
}

// levelInput sets somebody's level by hand.
type levelInput struct {
	Level  int    `json:"level"`
	Reason string `json:"reason"`
}

func (h *Handler) getProgramme(c *gin.Context) (any, error) {
	brandID, err := h.theBrand(c)
	if err != nil {
		return nil, err
	}
	return h.Leaders.Programme(c.Request.Context(), brandID)
}

func (h *Handler) saveProgramme(c *gin.Context, e *audit.Entry) (any, error) {
	brandID, err := h.theBrand(c)
	if err != nil {
		return nil, err
	}
	raw, err := web.Body(c)
	if err != nil {
		return nil, err
	}
	p, err := leader.ReadProgramme(raw)
	if err != nil {
		return nil, err
	}
	if e.Before, err = h.Leaders.Programme(c.Request.Context(), brandID); err != nil {
		return nil, err
	}
	p.BrandID = brandID
	p, err = h.Leaders.Save(c.Request.Context(), p, e.ActorID)
	e.ObjectID, e.After = brandID, p
	return p, err
}

// theBrand is the one in the path, which exists.
func (h *Handler) theBrand(c *gin.Context) (id.ID, error) {
	brandID, err := web.ParamID(c, "id")
	if err != nil {
		return 0, err
	}
	_, err = h.Brands.Get(c.Request.Context(), brandID)
	return brandID, err
}

func (h *Handler) listAgreements(c *gin.Context) (any, error) {
	brandID, err := h.theBrand(c)
	if err != nil {
		return nil, err
	}
	return h.Leaders.Agreements(c.Request.Context(), brandID)
}

func (h *Handler) publishAgreement(c *gin.Context, e *audit.Entry) (any, error) {
	var in agreementInput
	brandID, err := h.theBrand(c)
	if err == nil {
		err = web.Bind(c, &in)
	}
	if err != nil {
		return nil, err
	}
	a, err := h.Leaders.Publish(c.Request.Context(), brandID, in.Text, e.ActorID)
	e.ObjectID, e.After = brandID, map[string]any{"version": a.Version, "sha256": a.SHA256}
	return a, err
}

// ofWhichBrand is the brand_id that a list needs.
func ofWhichBrand(c *gin.Context) (id.ID, error) {
	brandID, err := web.QueryID(c, "brand_id")
	if err == nil && brandID == 0 {
		err = fault.NewInvalid("brand_id", "请先选择品牌").With("field", "brand_id")
	}
	return brandID, err
}

func (h *Handler) listLeaders() gin.HandlerFunc {
	return counted(func(l leader.Leader) id.ID { return l.ID }, func(c *gin.Context, p web.Page) ([]leader.Leader, error) {
		f, err := leadersAsked(c)
		if err != nil {
			return nil, err
		}
		return h.Leaders.List(c.Request.Context(), f, p.Before, p.Limit)
	}, func(c *gin.Context) (int, bool, error) {
		f, err := leadersAsked(c)
		if err != nil {
			return 0, false, err
		}
		return h.Leaders.Count(c.Request.Context(), f)
	})
}

func leadersAsked(c *gin.Context) (f leader.Filter, err error) {
	f = leader.Filter{State: c.Query("state"), Role: c.Query("role"), Name: c.Query("name")}
	if f.BrandID, err = ofWhichBrand(c); err != nil {
		return f, err
	}
	if text := c.Query("level"); text != "" {
		if f.Level, err = strconv.Atoi(text); err != nil {
			return f, fault.NewInvalid("bad_field", "level 应为数字").With("field", "level")
		}
	}
	return f, nil
}

func (h *Handler) getLeader(c *gin.Context) (any, error) { return one(c, h.Leaders.Dossier) }

// appointment is what an operator writes.
type appointment struct {
	BrandID    id.ID  `json:"brand_id"`
	MemberID   id.ID  `json:"member_id"`
	Role       string `json:"role"`
	Name       string `json:"name"`
	ShopName   string `json:"shop_name"`
	EmployeeNo string `json:"employee_no"`
	Reason     string `json:"reason"`
}

func (h *Handler) appointLeader(c *gin.Context, e *audit.Entry) (any, error) {
	var in appointment
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(c.Request.Context(), in.BrandID); err != nil {
		return nil, err
	}
	l, err := h.Leaders.Appoint(c.Request.Context(), leader.Appointment{BrandID: in.BrandID, MemberID: in.MemberID, Role: in.Role, Name: in.Name,
		ShopName: in.ShopName, EmployeeNo: in.EmployeeNo, By: e.ActorID, Reason: in.Reason})
	e.ObjectID, e.After = l.ID, l
	return l, err
}

// decideLeader makes an action of a decision about one person.
func (h *Handler) decideLeader(do func(context.Context, leader.Decision) (leader.Leader, error)) action {
	return func(c *gin.Context, e *audit.Entry) (any, error) {
		var in reasonInput
		if err := bindOptional(c, &in); err != nil {
			return nil, err
		}
		return h.decided(c, e, func(d leader.Decision) (leader.Leader, error) {
			d.Reason = in.Reason
			return do(c.Request.Context(), d)
		})
	}
}

func (h *Handler) setLeaderLevel(c *gin.Context, e *audit.Entry) (any, error) {
	var in levelInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	return h.decided(c, e, func(d leader.Decision) (leader.Leader, error) {
		d.Reason = in.Reason
		return h.Leaders.SetLevel(c.Request.Context(), d, in.Level)
	})
}

// decided lets an operator decide about the person in the path and keeps both sides.
func (h *Handler) decided(c *gin.Context, e *audit.Entry, do func(leader.Decision) (leader.Leader, error)) (any, error) {
	leaderID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	before, err := h.Leaders.Get(c.Request.Context(), leaderID)
	if err != nil {
		return nil, err
	}
	l, err := do(leader.Decision{LeaderID: leaderID, By: e.ActorID})
	e.Before, e.After = before, l
	return l, err
}
