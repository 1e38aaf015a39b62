package admin

import (
	"context"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/group"
	"siyu/model/id"
	"siyu/model/operator"
)

// groupRoutes: communities, their templates and alarms, and what leaders look after.
func (h *Handler) groupRoutes() []web.Route {
	return append([]web.Route{
		at(get, "/groups", operator.GroupRead, "社群列表", h.listGroups()).
			Asks("brand_id?", "leader_id?", "state?:open|full|expired|closed", "kind?:wechat|wecom", "name?").Lists(namedGroup{}).Counts(),
		at(post, "/groups", operator.GroupWrite, "登记社群", h.write("group.create", created, h.createGroup)).Takes(group.Draft{}).Gives(group.Community{}),
		at(get, "/groups/:id", operator.GroupRead, "社群详情：欢迎语、素材、任务、健康分", web.Answer(h.getGroup)).Gives(groupView{}),
		at(put, "/groups/:id", operator.GroupWrite, "修改社群", h.write("group.update", ok, h.updateGroup)).Takes(group.Draft{}).Gives(group.Community{}),
		at(put, "/groups/:id/size", operator.GroupWrite, "更新群人数", h.write("group.size", ok, h.sizeGroup)).Takes(sizeInput{}).Gives(group.Community{}),
		at(put, "/groups/:id/qr", operator.GroupWrite, "上传群二维码图片(PNG、JPEG，multipart)", web.Upload(group.MaxPicture, h.write("group.qr", ok, h.qrGroup))).Upload("file", "expires_at").Gives(group.Community{}),
		at(post, "/groups/:id/close", operator.GroupWrite, "关闭社群", h.write("group.close", ok, h.closeGroup)).Takes(reasonInput{}).Gives(group.Community{}),
		at(post, "/groups/:id/reopen", operator.GroupWrite, "重新开放社群", h.write("group.reopen", ok, h.reopenGroup)).Takes(reasonInput{}).Gives(group.Community{}),
		at(get, "/groups/:id/health", operator.GroupRead, "社群健康分及各项依据", web.Answer(h.groupHealth)).Gives(group.Health{}),

		at(get, "/group-templates", operator.GroupRead, "社群模板列表", ofBrand(func(t group.Template) id.ID { return t.ID }, h.Groups.Templates, h.Groups.CountTemplates)).Asks("brand_id").Lists(group.Template{}).Counts(),
		at(post, "/group-templates", operator.GroupWrite, "新增社群模板", h.write("group-template.create", created, h.createTemplate)).Takes(templateInput{}).Gives(group.Template{}),
		at(get, "/group-templates/:id", operator.GroupRead, "社群模板详情", web.Answer(func(c *gin.Context) (any, error) { return one(c, h.Groups.Template) })).Gives(group.Template{}),
		at(put, "/group-templates/:id", operator.GroupWrite, "修改社群模板(已复制的社群不变)", h.write("group-template.update", ok, h.updateTemplate)).Takes(templateInput{}).Gives(group.Template{}),
		at(post, "/group-templates/:id/clone", operator.GroupWrite, "由模板新建社群", h.write("group.clone", created, h.cloneTemplate)).Takes(group.Draft{}).Gives(group.Community{}),

		at(get, "/group-alarms", operator.GroupRead, "社群提醒列表", h.listAlarms()).Asks("brand_id?", "leader_id?", "group_id?", "state?:open|done").Lists(group.Alarm{}).Counts(),
		at(post, "/group-alarms/:id/done", operator.GroupWrite, "处理社群提醒", h.write("group-alarm.done", ok, h.answerAlarm)).Takes(noteInput{}).Gives(group.Alarm{}),
		at(get, "/group-capacity", operator.GroupRead, "群主承载：直接带来的人与群对照上限，含分群建议", h.groupCapacity()).Asks("brand_id").Lists(group.Load{}).Counts(),
		at(get, "/brands/:id/group-policy", operator.GroupRead, "社群数值：扫码上限、二维码有效期、提醒", web.Answer(h.getGroupPolicy)).Gives(group.Policy{}),
		at(put, "/brands/:id/group-policy", operator.GroupWrite, "修改社群数值", h.write("group_policy.save", ok, h.saveGroupPolicy)).Takes(group.Policy{}).Gives(group.Policy{}),
	}, h.liveRoutes()...)
}

// namedGroup is a community with its leader's name.
type namedGroup struct {
	group.Community
	LeaderName string `json:"leader_name"` // "": the company's own
}

func (h *Handler) listGroups() gin.HandlerFunc {
	return counted(func(x namedGroup) id.ID { return x.ID }, func(c *gin.Context, p web.Page) ([]namedGroup, error) {
		f, err := groupsAsked(c)
		if err != nil {
			return nil, err
		}
		f.Before, f.Limit = p.Before, p.Limit
		rows, err := h.Groups.List(c.Request.Context(), f)
		if err != nil {
			return nil, err
		}
		name := h.leaderNames(c.Request.Context())
		return each(rows, func(x group.Community) (namedGroup, error) {
			leads, err := name(x.LeaderID)
			return namedGroup{x, leads}, err
		})
	}, func(c *gin.Context) (int, bool, error) {
		f, err := groupsAsked(c)
		if err != nil {
			return 0, false, err
		}
		return h.Groups.Count(c.Request.Context(), f)
	})
}

func groupsAsked(c *gin.Context) (group.Filter, error) {
	f := group.Filter{State: c.Query("state"), Kind: c.Query("kind"), Name: c.Query("name")}
	return f, queryIDs(c, map[string]*id.ID{"brand_id": &f.BrandID, "leader_id": &f.LeaderID})
}

// sizeInput is how many are in a community.
type sizeInput struct {
	Size *int `json:"size"`
}

// noteInput is what was done about an alarm.
type noteInput struct {
	Note string `json:"note"`
}

func (h *Handler) createGroup(c *gin.Context, e *audit.Entry) (any, error) {
	var in group.Draft
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if err := h.brandThere(c.Request.Context(), in.BrandID); err != nil {
		return nil, err
	}
	x, err := h.Groups.Create(c.Request.Context(), group.By{OperatorID: e.ActorID}, in)
	e.ObjectID, e.After = x.ID, x
	return x, err
}

// brandThere: what names no brand gets the fault of the field, not of a brand.
func (h *Handler) brandThere(ctx context.Context, brandID id.ID) error {
	if brandID == 0 {
		return fault.NewInvalid("brand_id", "请先选择品牌").With("field", "brand_id")
	}
	_, err := h.Brands.Get(ctx, brandID)
	return err
}

// groupView is a community with what it started with.
type groupView struct {
	namedGroup
	Left   int          `json:"left"` // how many more may be sent to it
	Kit    group.Kit    `json:"kit"`
	Health group.Health `json:"health"`
}

func (h *Handler) getGroup(c *gin.Context) (any, error) {
	groupID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	x, err := h.Groups.Get(ctx, group.By{}, groupID)
	if err != nil {
		return nil, err
	}
	out := groupView{namedGroup: namedGroup{Community: x}, Left: x.Left()}
	if out.LeaderName, err = h.leaderNames(ctx)(x.LeaderID); err != nil {
		return nil, err
	}
	if out.Kit, err = h.Groups.Kit(ctx, group.By{}, groupID); err != nil {
		return nil, err
	}
	out.Health, err = h.Groups.Health(ctx, group.By{}, groupID)
	return out, err
}

// changeGroup is the frame of every write to one community: before and after in the audit.
func (h *Handler) changeGroup(c *gin.Context, e *audit.Entry, do func(ctx context.Context, by group.By) (group.Community, error)) (any, error) {
	ctx := c.Request.Context()
	old, err := h.Groups.Get(ctx, group.By{}, e.ObjectID)
	if err != nil {
		return nil, err
	}
	x, err := do(ctx, group.By{OperatorID: e.ActorID})
	e.Before, e.After = old, x
	return x, err
}

func (h *Handler) updateGroup(c *gin.Context, e *audit.Entry) (any, error) {
	var in group.Draft
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	return h.changeGroup(c, e, func(ctx context.Context, by group.By) (group.Community, error) {
		return h.Groups.Update(ctx, by, e.ObjectID, in)
	})
}

func (h *Handler) sizeGroup(c *gin.Context, e *audit.Entry) (any, error) {
	var in sizeInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if in.Size == nil {
		return nil, fault.NewInvalid("community", "请填写群人数").With("field", "size")
	}
	return h.changeGroup(c, e, func(ctx context.Context, by group.By) (group.Community, error) {
		return h.Groups.ReportSize(ctx, by, e.ObjectID, *in.Size)
	})
}

func (h *Handler) qrGroup(c *gin.Context, e *audit.Entry) (any, error) {
	var in struct {
		ExpiresAt clock.Instant `json:"expires_at"` // RFC 3339; none: the policy's life from now on
		Bytes     int           `json:"bytes"`
		SHA256    string        `json:"sha256"`
	}
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	return h.changeGroup(c, e, func(ctx context.Context, by group.By) (group.Community, error) {
		return h.Groups.PutPicture(ctx, by, e.ObjectID, web.Uploaded(c), in.ExpiresAt)
	})
}

func (h *Handler) closeGroup(c *gin.Context, e *audit.Entry) (any, error) {
	var in reasonInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	return h.changeGroup(c, e, func(ctx context.Context, by group.By) (group.Community, error) {
		return h.Groups.Close(ctx, by, e.ObjectID, in.Reason)
	})
}

func (h *Handler) reopenGroup(c *gin.Context, e *audit.Entry) (any, error) {
	var in reasonInput
	if err := bindOptional(c, &in); err != nil {
		return nil, err
	}
	return h.changeGroup(c, e, func(ctx context.Context, by group.By) (group.Community, error) {
		return h.Groups.Reopen(ctx, by, e.ObjectID)
	})
}

func (h *Handler) groupHealth(c *gin.Context) (any, error) {
	return one(c, func(ctx context.Context, groupID id.ID) (group.Health, error) {
		return h.Groups.Health(ctx, group.By{}, groupID)
	})
}

type templateInput struct {
	BrandID   id.ID            `json:"brand_id"`
	Name      string           `json:"name"`
	Welcome   string           `json:"welcome"`
	Materials []group.Material `json:"materials"`
	Tasks     []string         `json:"tasks"`
}

func (h *Handler) createTemplate(c *gin.Context, e *audit.Entry) (any, error) {
	var in templateInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if err := h.brandThere(c.Request.Context(), in.BrandID); err != nil {
		return nil, err
	}
	t, err := h.Groups.SaveTemplate(c.Request.Context(), group.Template{BrandID: in.BrandID, Name: in.Name, Welcome: in.Welcome, Materials: in.Materials, Tasks: in.Tasks})
	e.ObjectID, e.After = t.ID, t
	return t, err
}

func (h *Handler) updateTemplate(c *gin.Context, e *audit.Entry) (any, error) {
	var in templateInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	old, err := h.Groups.Template(c.Request.Context(), e.ObjectID)
	if err != nil {
		return nil, err
	}
	t, err := h.Groups.SaveTemplate(c.Request.Context(), group.Template{ID: e.ObjectID, Name: in.Name, Welcome: in.Welcome, Materials: in.Materials, Tasks: in.Tasks})
	e.Before, e.After = old, t
	return t, err
}

func (h *Handler) cloneTemplate(c *gin.Context, e *audit.Entry) (any, error) {
	var in group.Draft
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	templateID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	x, err := h.Groups.Clone(c.Request.Context(), group.By{OperatorID: e.ActorID}, templateID, in)
	e.ObjectID, e.After = x.ID, x
	return x, err
}

func (h *Handler) listAlarms() gin.HandlerFunc {
	return counted(func(a group.Alarm) id.ID { return a.ID }, func(c *gin.Context, p web.Page) ([]group.Alarm, error) {
		f, err := alarmsAsked(c)
		if err != nil {
			return nil, err
		}
		f.Before, f.Limit = p.Before, p.Limit
		return h.Groups.Alarms(c.Request.Context(), f)
	}, func(c *gin.Context) (int, bool, error) {
		f, err := alarmsAsked(c)
		if err != nil {
			return 0, false, err
		}
		return h.Groups.CountAlarms(c.Request.Context(), f)
	})
}

func alarmsAsked(c *gin.Context) (group.AlarmFilter, error) {
	f := group.AlarmFilter{State: c.Query("state")}
	return f, queryIDs(c, map[string]*id.ID{"brand_id": &f.BrandID, "leader_id": &f.LeaderID, "group_id": &f.CommunityID})
}

func (h *Handler) answerAlarm(c *gin.Context, e *audit.Entry) (any, error) {
	var in noteInput
	if err := bindOptional(c, &in); err != nil {
		return nil, err
	}
	a, err := h.Groups.Answer(c.Request.Context(), group.By{OperatorID: e.ActorID}, e.ObjectID, in.Note)
	e.After = a
	return a, err
}

func (h *Handler) groupCapacity() gin.HandlerFunc {
	return ofBrand(func(x group.Load) id.ID { return x.LeaderID }, func(ctx context.Context, brandID, before id.ID, limit int) ([]group.Load, error) {
		loads, err := h.Groups.Capacity(ctx, brandID, before, limit)
		if err != nil {
			return nil, err
		}
		name := h.names(ctx)
		for _, l := range loads {
			for i, b := range l.Branches {
				whose, err := name(brandID, b.MemberID)
				if err != nil {
					return nil, err
				}
				l.Branches[i].Name = whose.Name
			}
		}
		return loads, nil
	}, h.Groups.CountCapacity)
}

func (h *Handler) getGroupPolicy(c *gin.Context) (any, error) {
	brandID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(c.Request.Context(), brandID); err != nil {
		return nil, err
	}
	return h.Groups.Policy(c.Request.Context(), brandID)
}

func (h *Handler) saveGroupPolicy(c *gin.Context, e *audit.Entry) (any, error) {
	brandID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(c.Request.Context(), brandID); err != nil {
		return nil, err
	}
	old, err := h.Groups.Policy(c.Request.Context(), brandID)
	if err != nil {
		return nil, err
	}
	p := old // what is not sent stays
	if err := web.Bind(c, &p); err != nil {
		return nil, err
	}
	p.BrandID = brandID
	p, err = h.Groups.SavePolicy(c.Request.Context(), p, e.ActorID)
	e.ObjectID, e.Before, e.After = brandID, old, p
	return p, err
}
