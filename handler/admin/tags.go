package admin

import (
	"context"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/rule"
	"siyu/model/say"
	"siyu/model/tag"
)

// tagRoutes: facts about people under names, from request to retirement. Tags that are for
// some roles only are not there for others.
func (h *Handler) tagRoutes() []web.Route {
	return []web.Route{
		at(get, "/tags", operator.TagRead, "标签列表", h.listTags()).Asks("brand_id", "class?:basic|social|consumption|activity|interest", "category_id?", "kind?:fact|rule|model",
			"state?:requested|built|pending|running|retired", "owner_id?", "q?", "proposed?:1", "due?:1").Lists(tag.Tag{}).Counts(),
		at(get, "/tags/tree", operator.TagRead, "标签树：五类、二三级分类和运行中的标签数", web.Answer(h.tagTree)).Asks("brand_id").Gives([]tag.Branch{}),
		at(get, "/tags/sources", operator.TagRead, "事实标签可以取值的行为字段和档案字段", web.Answer(h.tagSources)).Asks("brand_id").Gives(tag.Offer{}),
		at(post, "/tags", operator.TagWrite, "提出标签需求：目的、负责人、用途", h.write("tag.ask", created, h.askTag)).Takes(tagInput{}).Gives(tag.Tag{}),
		at(get, "/tags/:id", operator.TagRead, "标签详情、各版本定义和含义", web.Answer(h.getTag)).Gives(tagView{}),
		at(put, "/tags/:id", operator.TagWrite, "修改标签的名称、分类、权限、有效期、刷新与复核周期", h.write("tag.edit", ok, h.editTag)).Takes(tagInput{}).Gives(tag.Tag{}),
		at(put, "/tags/:id/definition", operator.TagWrite, "编写取值来源或规则（草稿）", h.write("tag.build", ok, h.buildTag)).Takes(definitionInput{}).Gives(tag.Version{}),
		at(post, "/tags/:id/submit", operator.TagWrite, "提交审批", h.write("tag.submit", ok, h.submitTag)).Takes(revInput{}).Gives(tag.Tag{}),
		at(post, "/tags/:id/approve", operator.TagApprove, "批准（申请人和编写人之外的人），随即计算全部用户", h.write("tag.approve", ok, h.decideTag(true))).Takes(tagDecisionInput{}).Gives(tag.Tag{}),
		at(post, "/tags/:id/reject", operator.TagApprove, "退回并写明理由", h.write("tag.reject", ok, h.decideTag(false))).Takes(tagDecisionInput{}).Gives(tag.Tag{}),
		at(post, "/tags/:id/review", operator.TagWrite, "复核：继续保留", h.write("tag.review", ok, h.reviewTag)).Takes(revInput{}).Gives(tag.Tag{}),
		at(post, "/tags/:id/retire", operator.TagApprove, "下线并清除取值", h.write("tag.retire", ok, h.retireTag)).Takes(revInput{}).Gives(tag.Tag{}),
		at(post, "/tags/:id/recompute", operator.TagWrite, "重新计算全部用户", h.write("tag.recompute", ok, h.recomputeTag)).Gives(tag.Run{}),
		at(get, "/tags/:id/runs", operator.TagRead, "计算记录", h.listTagRuns()).Lists(tag.Run{}),
		at(post, "/tags/:id/runs/:run/cancel", operator.TagWrite, "停止一次计算", h.write("tag.cancel_run", ok, h.cancelTagRun)).Gives(tag.Run{}),
		at(get, "/tags/:id/spread", operator.TagRead, "取值分布和九十天走势", web.Answer(h.tagSpread)).Gives(tag.Spread{}),
		at(get, "/tags/:id/related", operator.TagRead, "相关标签：同一批人更常有的标签", web.Answer(h.relatedTags)).Gives([]tag.Related{}),
		at(get, "/tags/:id/people", operator.MemberRead, "有这个标签的一些人", web.Answer(h.tagHolders)).Gives([]tag.Holder{}),
		at(get, "/tags/:id/lineage", operator.TagRead, "血缘：由什么算出，被谁使用", web.Answer(h.tagLineage)).Gives(tag.Lineage{}),
		at(put, "/tags/:id/scores", operator.TagWrite, "写入模型标签的得分和版本", h.write("tag.write_scores", ok, h.writeScores)).Takes(scoresInput{}).Gives(tag.Wrote{}),

		at(post, "/tag-categories", operator.TagWrite, "新增标签分类", h.write("tag_category.create", created, h.saveTagCategory)).Takes(categoryInput{}).Gives(tag.Category{}),
		at(put, "/tag-categories/:id", operator.TagWrite, "修改标签分类的名称和顺序", h.write("tag_category.edit", ok, h.saveTagCategory)).Takes(categoryInput{}).Gives(tag.Category{}),
		at(del, "/tag-categories/:id", operator.TagWrite, "删除空的标签分类", h.write("tag_category.delete", ok, h.dropTagCategory)).Gives(nil),

		at(get, "/tag-templates", operator.TagRead, "内置标签", web.Answer(h.tagTemplates)).Asks("brand_id").Gives([]tag.Template{}),
		at(post, "/tag-templates", operator.TagWrite, "添加一个内置标签，送去审批", h.write("tag.add_template", created, h.addTemplate)).Takes(templateTagInput{}).Gives(tag.Tag{}),

		at(get, "/members/:id/tags", operator.MemberRead, "会员的标签与依据", web.Answer(h.memberTags)).Gives([]heldTag{}),
		at(get, "/members/:id/tag-why", operator.MemberRead, "某个会员为什么有或没有一个标签", web.Answer(h.whyTag)).Asks("tag_id").Gives(tagWhy{}),
		at(post, "/members/:id/tags", operator.TagWrite, "给会员添加手工标签", h.write("member.give_tag", ok, h.giveTag)).Takes(giftInput{}).Gives(giftAnswer{}),
		at(post, "/members/:id/tags/take", operator.TagWrite, "移除会员的手工标签", h.write("member.take_tag", ok, h.takeTag)).Takes(giftInput{}).Gives(giftAnswer{}),
	}
}

func (h *Handler) listTags() gin.HandlerFunc {
	filter := func(c *gin.Context) (f tag.Filter, err error) {
		f = tag.Filter{Class: c.Query("class"), Kind: c.Query("kind"), State: c.Query("state"), Text: c.Query("q"), Proposed: c.Query("proposed") != "", Due: c.Query("due") != "",
			Roles: current(c).Operator.Roles}
		if f.BrandID, err = ofHome(c); err != nil {
			return f, err
		}
		if f.CategoryID, err = web.QueryID(c, "category_id"); err != nil {
			return f, err
		}
		f.OwnerID, err = web.QueryID(c, "owner_id")
		return f, err
	}
	return counted(func(t tag.Tag) id.ID { return t.ID }, func(c *gin.Context, p web.Page) ([]tag.Tag, error) {
		f, err := filter(c)
		if err != nil {
			return nil, err
		}
		f.Before, f.Limit = p.Before, p.Limit
		list, err := h.Tags.List(c.Request.Context(), f)
		for i := range list {
			list[i] = h.veil(c).tag(list[i])
		}
		return list, err
	}, func(c *gin.Context) (int, bool, error) {
		f, err := filter(c)
		if err != nil {
			return 0, false, err
		}
		return h.Tags.Count(c.Request.Context(), f)
	})
}

func (h *Handler) tagTree(c *gin.Context) (any, error) {
	brandID, err := ofHome(c)
	if err != nil {
		return nil, err
	}
	return h.Tags.Tree(c.Request.Context(), brandID, current(c).Operator.Roles)
}

func (h *Handler) tagSources(c *gin.Context) (any, error) {
	if _, err := ofHome(c); err != nil {
		return nil, err
	}
	return h.Tags.Offered(c.Request.Context())
}

var errTag = fault.New(fault.NotFound, "tag_not_found", "没有这个标签")

// seenTag is the id of the tag in the path, if it is there for who asks.
func (h *Handler) seenTag(c *gin.Context) (id.ID, error) {
	tagID, err := web.ParamID(c, "id")
	if err != nil {
		return 0, err
	}
	t, err := h.Tags.Get(c.Request.Context(), tagID)
	if err == nil && !t.Visible(current(c).Operator.Roles) {
		err = errTag
	}
	return tagID, err
}

// ruleNames says what the things are called that rules name; tags that are not for who asks
// have no name for him.
func (h *Handler) ruleNames(c *gin.Context) rule.Names {
	ctx, roles := c.Request.Context(), current(c).Operator.Roles
	return func(kind string, ref id.ID) string {
		switch kind {
		case rule.NameLanguage:
			return say.Language(ctx)
		case rule.NameTag:
			if t, err := h.Tags.Get(ctx, ref); err == nil {
				if !t.Visible(roles) {
					return secretTag
				}
				return t.Name
			}
		case rule.NameProduct:
			if p, err := h.Products.Get(ctx, ref); err == nil {
				return p.Name
			}
		case rule.NameAccount:
			if a, err := h.Brands.Account(ctx, ref); err == nil {
				return a.Name
			}
		}
		return ""
	}
}

func (h *Handler) getTag(c *gin.Context) (any, error) {
	tagID, err := h.seenTag(c)
	if err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	out := tagView{Operators: map[string]string{}}
	if out.Detail, err = h.Tags.DetailOf(ctx, tagID, h.ruleNames(c)); err != nil {
		return nil, err
	}
	v := h.veil(c)
	out.Detail.Tag = v.tag(out.Detail.Tag)
	for i, f := range out.Feeds {
		out.Feeds[i] = v.feed(tagID, f)
	}
	who := []id.ID{out.OwnerID, out.ByID}
	for _, x := range out.Versions {
		who = append(who, x.ByID, x.DecidedBy)
	}
	for _, w := range who {
		if _, known := out.Operators[w.String()]; known || w == 0 {
			continue
		}
		o, err := h.Operators.Get(ctx, w)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return nil, err
		}
		out.Operators[w.String()] = o.Name
	}
	return out, nil
}

// tagView is a tag with the names of who had to do with it: whoever decides about it wants
// to know, and may not read the list of operators.
type tagView struct {
	tag.Detail
	Operators map[string]string `json:"operators"` // id -> name
}

type tagInput struct {
	BrandID        id.ID    `json:"brand_id"`
	Rev            int64    `json:"rev"` // of an edit: the one that was seen
	Class          string   `json:"class"`
	CategoryID     id.ID    `json:"category_id"`
	Name           string   `json:"name"`
	Kind           string   `json:"kind"` // cannot be edited
	Purpose        string   `json:"purpose"`
	IntendedUse    string   `json:"intended_use"`
	OwnerID        id.ID    `json:"owner_id"`
	Sensitive      bool     `json:"sensitive"`
	Roles          []string `json:"roles"`
	TTLDays        int      `json:"ttl_days"`
	RefreshMinutes int      `json:"refresh_minutes"`
	ReviewDays     int      `json:"review_days"`
	IdleDays       int      `json:"idle_days"`
}

func (in tagInput) request(by id.ID) tag.Request {
	return tag.Request{BrandID: in.BrandID, Class: in.Class, CategoryID: in.CategoryID, Name: in.Name, Kind: in.Kind, Purpose: in.Purpose, IntendedUse: in.IntendedUse,
		OwnerID: in.OwnerID, Sensitive: in.Sensitive, Roles: in.Roles, TTLDays: in.TTLDays, RefreshMinutes: in.RefreshMinutes, ReviewDays: in.ReviewDays, IdleDays: in.IdleDays, ByID: by}
}

// ownerOf refuses an owner who is not there.
func (h *Handler) ownerOf(c *gin.Context, ownerID id.ID) error {
	if ownerID == 0 {
		return nil // the model asks for one
	}
	_, err := h.Operators.Get(c.Request.Context(), ownerID)
	return err
}

func (h *Handler) askTag(c *gin.Context, e *audit.Entry) (any, error) {
	var in tagInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(c.Request.Context(), in.BrandID); err != nil {
		return nil, err
	}
	if err := h.ownerOf(c, in.OwnerID); err != nil {
		return nil, err
	}
	t, err := h.Tags.Ask(c.Request.Context(), in.request(e.ActorID))
	e.ObjectID, e.After = t.ID, t
	return t, err
}

func (h *Handler) editTag(c *gin.Context, e *audit.Entry) (any, error) {
	var in tagInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	tagID, err := h.seenTag(c)
	if err != nil {
		return nil, err
	}
	if err := h.ownerOf(c, in.OwnerID); err != nil {
		return nil, err
	}
	before, after, err := h.Tags.Edit(c.Request.Context(), tagID, in.Rev, in.request(e.ActorID))
	e.Before, e.After = before, after
	return h.veil(c).tag(after), err
}

type definitionInput struct {
	Rev        int64          `json:"rev"`
	Definition tag.Definition `json:"definition"`
}

func (h *Handler) buildTag(c *gin.Context, e *audit.Entry) (any, error) {
	var in definitionInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	tagID, err := h.seenTag(c)
	if err != nil {
		return nil, err
	}
	t, err := h.Tags.Get(c.Request.Context(), tagID)
	if err == nil {
		err = h.Tags.Usable(c.Request.Context(), t.BrandID, in.Definition.Tags(), current(c).Operator.Roles)
	}
	if err != nil {
		return nil, err
	}
	v, err := h.Tags.Build(c.Request.Context(), tagID, in.Rev, in.Definition, e.ActorID)
	e.After = v
	return v, err
}

type revInput struct {
	Rev    int64  `json:"rev"`
	Reason string `json:"reason"`
}

// tagStep makes an action of a step of a tag's life.
func (h *Handler) tagStep(c *gin.Context, e *audit.Entry, do func(ctx context.Context, tagID id.ID, in revInput) (before, after tag.Tag, err error)) (any, error) {
	var in revInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	tagID, err := h.seenTag(c)
	if err != nil {
		return nil, err
	}
	before, after, err := do(c.Request.Context(), tagID, in)
	e.Before, e.After = before, after
	return h.veil(c).tag(after), err
}

func (h *Handler) submitTag(c *gin.Context, e *audit.Entry) (any, error) {
	return h.tagStep(c, e, func(ctx context.Context, tagID id.ID, in revInput) (tag.Tag, tag.Tag, error) {
		return h.Tags.Submit(ctx, tagID, in.Rev)
	})
}

func (h *Handler) reviewTag(c *gin.Context, e *audit.Entry) (any, error) {
	return h.tagStep(c, e, func(ctx context.Context, tagID id.ID, in revInput) (tag.Tag, tag.Tag, error) {
		return h.Tags.Review(ctx, tagID, in.Rev)
	})
}

func (h *Handler) retireTag(c *gin.Context, e *audit.Entry) (any, error) {
	return h.tagStep(c, e, func(ctx context.Context, tagID id.ID, in revInput) (tag.Tag, tag.Tag, error) {
		return h.Tags.Retire(ctx, tagID, in.Rev, e.ActorID)
	})
}

type tagDecisionInput struct {
	Rev  int64  `json:"rev"`
	Note string `json:"note"`
}

func (h *Handler) decideTag(yes bool) action {
	return func(c *gin.Context, e *audit.Entry) (any, error) {
		var in tagDecisionInput
		if err := web.Bind(c, &in); err != nil {
			return nil, err
		}
		tagID, err := h.seenTag(c)
		if err != nil {
			return nil, err
		}
		before, after, err := h.Tags.Decide(c.Request.Context(), tagID, in.Rev, yes, in.Note, e.ActorID)
		e.Before, e.After, e.Reason = before, after, in.Note
		return h.veil(c).tag(after), err
	}
}

func (h *Handler) recomputeTag(c *gin.Context, e *audit.Entry) (any, error) {
	tagID, err := h.seenTag(c)
	if err != nil {
		return nil, err
	}
	r, err := h.Tags.Recompute(c.Request.Context(), tagID, e.ActorID)
	e.After = r
	return h.veil(c).run(r), err
}

func (h *Handler) listTagRuns() gin.HandlerFunc {
	return list(func(r tag.Run) id.ID { return r.ID }, func(c *gin.Context, p web.Page) ([]tag.Run, error) {
		tagID, err := h.seenTag(c)
		if err != nil {
			return nil, err
		}
		runs, err := h.Tags.Runs(c.Request.Context(), tagID, p.Before, p.Limit)
		for i := range runs {
			runs[i] = h.veil(c).run(runs[i])
		}
		return runs, err
	})
}

func (h *Handler) cancelTagRun(c *gin.Context, e *audit.Entry) (any, error) {
	tagID, err := h.seenTag(c)
	if err != nil {
		return nil, err
	}
	runID, err := web.ParamID(c, "run")
	if err != nil {
		return nil, err
	}
	r, err := h.Tags.Cancel(c.Request.Context(), tagID, runID)
	e.After = r
	return h.veil(c).run(r), err
}
