package admin

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/outbox"
	"siyu/model/progress"
)

// jobRoutes: the job centre (任务中心), wake-ups that fail, views of lists.
func (h *Handler) jobRoutes() []web.Route {
	sources := strings.Join(progress.Sources(), "|")
	return []web.Route{
		at(get, "/jobs", Session, "任务中心：我的长任务(all=1 为所有人的，需 job:all)", h.listJobs).
			Asks("source?:"+sources, "state?:waiting|running|paused|attention|done|failed|cancelled|expired", "all?:1").Lists(progress.Job{}),
		at(get, "/jobs/summary", Session, "铃铛：进行中与刚结束的任务", web.Answer(h.jobSummary)).Gives(progress.Summary{}),
		at(put, "/jobs/seen", Session, "已看过结束的任务", h.write("job.seen", ok, h.seeJobs)).Takes(seenInput{}).Gives(progress.Summary{}),
		at(get, "/jobs/house", operator.JobAll, "系统任务：推荐计数核对、企业微信同步", web.Answer(h.houseJobs)).Gives([]progress.Job{}),
		at(get, "/jobs/of/:source/:id", Session, "一个任务", web.Answer(h.getJob)).Gives(progress.Job{}),

		at(get, "/tasks", operator.TaskRetry, "失败任务：多次未能完成、还会重试的后台任务", web.Answer(h.stuckTasks)).Gives([]outbox.Row{}),
		at(post, "/tasks/:id/retry", operator.TaskRetry, "立即重试", h.write("task.retry", ok, h.retryTask)).Takes(reasonInput{}).Gives(outbox.Row{}),

		at(get, "/me/views", Session, "我在某个列表保存的视图", web.Answer(h.myViews)).Asks("page").Gives([]operator.View{}),
		at(put, "/me/views", Session, "保存视图(同名即覆盖)", h.write("operator.save_view", ok, h.saveView)).Takes(viewInput{}).Gives(operator.View{}),
		at(del, "/me/views/:view", Session, "删除视图", h.write("operator.drop_view", ok, h.dropView)).Gives(nil),
	}
}

func (h *Handler) listJobs(c *gin.Context) {
	o := current(c).Operator
	limit, err := web.Limit(c)
	f := progress.Filter{ByID: o.ID, Source: c.Query("source"), State: c.Query("state"), Before: c.Query("before"), Limit: limit}
	if err == nil && c.Query("all") != "" {
		if f.ByID = 0; !o.Can(operator.JobAll) {
			err = errPermission.With("permission", operator.JobAll)
		}
	}
	if err != nil {
		web.Fail(c, err)
		return
	}
	list, next, err := h.Progress.List(c.Request.Context(), f)
	if err != nil {
		web.Fail(c, err)
		return
	}
	web.Listed(c, list, next)
}

func (h *Handler) getJob(c *gin.Context) (any, error) {
	jobID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	j, err := h.Progress.Get(c.Request.Context(), c.Param("source"), jobID)
	o := current(c).Operator
	if err == nil && j.ByID != o.ID && !o.Can(operator.JobAll) {
		return nil, fault.New(fault.NotFound, "job_unknown", "没有这个任务")
	}
	return j, err
}

func (h *Handler) jobSummary(c *gin.Context) (any, error) {
	return h.Progress.Summarise(c.Request.Context(), current(c).Operator.ID)
}

type seenInput struct {
	At clock.Instant `json:"at"` // the end of the newest job that was shown
}

func (h *Handler) seeJobs(c *gin.Context, e *audit.Entry) (any, error) {
	var in seenInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	e.ObjectID = e.ActorID
	if err := h.Progress.Seen(c.Request.Context(), e.ActorID, in.At); err != nil {
		return nil, err
	}
	return h.Progress.Summarise(c.Request.Context(), e.ActorID)
}

func (h *Handler) houseJobs(c *gin.Context) (any, error) {
	list, err := h.Progress.House(c.Request.Context())
	slices.SortFunc(list, func(a, b progress.Job) int { return cmp.Compare(b.CreatedAt, a.CreatedAt) })
	return list, err
}

// maxStuck is how many wake-ups are shown: who has more has one cause, not many.
const maxStuck = 200

func (h *Handler) stuckTasks(c *gin.Context) (any, error) {
	return h.Outbox.Stuck(c.Request.Context(), maxStuck)
}

func (h *Handler) retryTask(c *gin.Context, e *audit.Entry) (any, error) {
	if err := bindOptional(c, &reasonInput{}); err != nil {
		return nil, err
	}
	row, err := h.Outbox.Hurry(c.Request.Context(), e.ObjectID)
	e.After = row
	return row, err
}

func (h *Handler) myViews(c *gin.Context) (any, error) {
	return h.Operators.Views(c.Request.Context(), current(c).Operator.ID, c.Query("page"))
}

type viewInput struct {
	Page  string `json:"page"`
	Name  string `json:"name"`
	Query string `json:"query"`
}

func (h *Handler) saveView(c *gin.Context, e *audit.Entry) (any, error) {
	var in viewInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	v, err := h.Operators.SaveView(c.Request.Context(), operator.View{OperatorID: e.ActorID, Page: in.Page, Name: in.Name, Query: in.Query})
	e.ObjectID, e.After = e.ActorID, v
	return v, err
}

func (h *Handler) dropView(c *gin.Context, e *audit.Entry) (any, error) {
	viewID, err := web.ParamID(c, "view")
	if err != nil {
		return nil, err
	}
	e.ObjectID = e.ActorID
	e.Before = map[string]id.ID{"view": viewID}
	return nil, h.Operators.DropView(c.Request.Context(), e.ActorID, viewID)
}
