package admin

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/group"
	"siyu/model/id"
	"siyu/model/operator"
)

// liveRoutes: live codes (活码), printed once.
func (h *Handler) liveRoutes() []web.Route {
	return []web.Route{
		at(get, "/live-codes", operator.GroupRead, "活码列表", ofBrand(func(l group.LiveCode) id.ID { return l.ID }, h.Groups.Codes, h.Groups.CountCodes)).Asks("brand_id").Lists(group.LiveCode{}).Counts(),
		at(post, "/live-codes", operator.GroupWrite, "新增活码", h.write("live-code.create", created, h.createLiveCode)).Takes(group.LiveDraft{}).Gives(liveView{}),
		at(get, "/live-codes/:id", operator.GroupRead, "活码详情：各群已发放、状态", web.Answer(h.getLiveCode)).Gives(liveView{}),
		at(put, "/live-codes/:id", operator.GroupWrite, "修改活码的规则与目标群(地址不变)", h.write("live-code.update", ok, h.updateLiveCode)).Takes(group.LiveDraft{}).Gives(liveView{}),
		at(post, "/live-codes/:id/pause", operator.GroupWrite, "暂停活码", h.write("live-code.pause", ok, h.turnLiveCode(group.Paused))).Takes(reasonInput{}).Gives(group.LiveCode{}),
		at(post, "/live-codes/:id/resume", operator.GroupWrite, "恢复活码", h.write("live-code.resume", ok, h.turnLiveCode(group.Live))).Takes(reasonInput{}).Gives(group.LiveCode{}),
		at(get, "/live-codes/:id/stats", operator.GroupRead, "活码统计：按小时、按群，含切换记录", web.Answer(h.liveStats)).Asks("from?", "until?").Gives(group.Stats{}),
		at(get, "/live-codes/:id/picture", operator.GroupRead, "活码图片(format=png|svg)", h.livePicture).Asks("format?:png|svg").File("image/png", "image/svg+xml"),
	}
}

// liveView is a live code with what is printed and with its communities.
type liveView struct {
	group.LiveCode
	URL        string                     `json:"url"`
	LeaderName string                     `json:"leader_name"` // "": any leader's communities
	Groups     map[string]group.Community `json:"groups"`      // by id
}

func (h *Handler) viewLive(c *gin.Context, l group.LiveCode) (liveView, error) {
	ctx := c.Request.Context()
	b, err := h.Brands.Get(ctx, l.BrandID)
	if err != nil {
		return liveView{}, err
	}
	v := liveView{LiveCode: l, URL: group.Address(b, l.Token), Groups: map[string]group.Community{}}
	if v.LeaderName, err = h.leaderNames(ctx)(l.LeaderID); err != nil {
		return liveView{}, err
	}
	for _, t := range l.Targets {
		x, err := h.Groups.Get(ctx, group.By{}, t.CommunityID)
		if err != nil {
			return liveView{}, err
		}
		v.Groups[x.ID.String()] = x
	}
	return v, nil
}

func (h *Handler) createLiveCode(c *gin.Context, e *audit.Entry) (any, error) {
	var in group.LiveDraft
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if err := h.brandThere(c.Request.Context(), in.BrandID); err != nil {
		return nil, err
	}
	l, err := h.Groups.SaveCode(c.Request.Context(), 0, in)
	if err != nil {
		return nil, err
	}
	e.ObjectID, e.After = l.ID, l
	return h.viewLive(c, l)
}

func (h *Handler) getLiveCode(c *gin.Context) (any, error) {
	codeID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	l, err := h.Groups.Code(c.Request.Context(), codeID)
	if err != nil {
		return nil, err
	}
	return h.viewLive(c, l)
}

func (h *Handler) updateLiveCode(c *gin.Context, e *audit.Entry) (any, error) {
	var in group.LiveDraft
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	old, err := h.Groups.Code(c.Request.Context(), e.ObjectID)
	if err != nil {
		return nil, err
	}
	l, err := h.Groups.SaveCode(c.Request.Context(), e.ObjectID, in)
	if err != nil {
		return nil, err
	}
	e.Before, e.After = old, l
	return h.viewLive(c, l)
}

func (h *Handler) turnLiveCode(state string) action {
	return func(c *gin.Context, e *audit.Entry) (any, error) {
		var in reasonInput
		if err := bindOptional(c, &in); err != nil {
			return nil, err
		}
		turn := h.Groups.Resume
		if state == group.Paused {
			turn = h.Groups.Pause
		}
		l, err := turn(c.Request.Context(), e.ObjectID)
		e.After = l
		return l, err
	}
}

// liveStats counts in [from, until); the last seven days if neither is given.
func (h *Handler) liveStats(c *gin.Context) (any, error) {
	codeID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	until := h.Clock.Now().Add(time.Millisecond) // what happens now is seen
	from := until.Add(-7 * 24 * time.Hour)
	for name, into := range map[string]*clock.Instant{"from": &from, "until": &until} {
		if s := c.Query(name); s != "" {
			if err := into.UnmarshalJSON([]byte(strconv.Quote(s))); err != nil {
				return nil, fault.Invalidf("bad_field", "参数 %s 应为 RFC 3339 时间", name).With("field", name)
			}
		}
	}
	return h.Groups.Stats(c.Request.Context(), codeID, from, until)
}

// livePicture is what is printed. It is no secret: whoever scans it reads the same.
func (h *Handler) livePicture(c *gin.Context) {
	codeID, err := web.ParamID(c, "id")
	var l group.LiveCode
	if err == nil {
		l, err = h.Groups.Code(c.Request.Context(), codeID)
	}
	var b brand.Brand
	if err == nil {
		b, err = h.Brands.Get(c.Request.Context(), l.BrandID)
	}
	if err != nil {
		web.Fail(c, err)
		return
	}
	kind, draw := "image/png", func() ([]byte, error) { return group.Draw(group.Address(b, l.Token), 24) }
	switch c.DefaultQuery("format", "png") {
	case "png":
	case "svg":
		kind, draw = "image/svg+xml", func() ([]byte, error) { return group.DrawSVG(group.Address(b, l.Token), 60) }
	default:
		web.Fail(c, fault.NewInvalid("bad_field", "图片格式应为 png 或 svg").With("field", "format"))
		return
	}
	body, err := draw()
	if err != nil {
		web.Fail(c, err)
		return
	}
	c.Header("Content-Disposition", `attachment; filename="live-`+l.Token+"."+c.DefaultQuery("format", "png")+`"`)
	c.Data(http.StatusOK, kind, body)
}
