package admin

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/insight"
	"siyu/model/member"
	"siyu/model/operator"
)

// story is the timeline of a human from all tables: what he did, what he was paid, his
// points. What the operator may not see of money and points is left out of it.
func (h *Handler) story(c *gin.Context) {
	list, next, err := h.storyPage(c)
	if err != nil {
		web.Fail(c, err)
		return
	}
	web.Listed(c, list, next)
}

func (h *Handler) storyPage(c *gin.Context) ([]insight.Chapter, string, error) {
	memberID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, "", err
	}
	f := insight.StoryFilter{}
	if f.Limit, err = web.Limit(c); err != nil {
		return nil, "", err
	}
	after, err := timelineCursor(c.Query("before"))
	if err != nil {
		return nil, "", err
	}
	f.BeforeAt, f.BeforeID = after.At, after.ID
	if kinds := c.Query("kinds"); kinds != "" {
		f.Kinds = strings.Split(kinds, ",")
		known := event.Schemas()
		others := []string{insight.StoryPacket, insight.StoryPoints, insight.StoryMerge, insight.StoryLead}
		if i := slices.IndexFunc(f.Kinds, func(k string) bool { return known[k] == nil && !slices.Contains(others, k) }); i >= 0 {
			return nil, "", fault.Invalidf("bad_field", "没有“%.20s”这种记录", f.Kinds[i]).With("field", "kinds")
		}
	}
	who := current(c).Operator
	for kind, needs := range map[string]string{insight.StoryPacket: operator.PayoutRead, insight.StoryPoints: operator.PointsRead, insight.StoryLead: operator.LeaderRead, insight.StoryMerge: operator.IdentityRead} {
		if !who.Can(needs) {
			f.Without = append(f.Without, kind)
		}
	}
	if f.Members, err = h.Members.Family(c.Request.Context(), memberID); err != nil {
		return nil, "", err
	}
	list, err := h.Insight.Story(c.Request.Context(), f)
	return list, web.Next(list, f.Limit, func(x insight.Chapter) string { return fmt.Sprintf("%d.%d", x.At, x.ID) }), err
}

// turnMember blocks a member or lets him earn again; the reason is on record.
func (h *Handler) turnMember(turn func(context.Context, id.ID) (member.Member, error)) action {
	return func(c *gin.Context, e *audit.Entry) (any, error) {
		reason, err := bindReason(c)
		if err != nil {
			return nil, err
		}
		if err := worded(reason); err != nil {
			return nil, err
		}
		before, err := h.Members.Get(c.Request.Context(), e.ObjectID)
		if err != nil {
			return nil, err
		}
		if before.State == member.Erased {
			return nil, fault.New(fault.Conflict, "member_erased", "这个会员已注销，不能再停用或恢复")
		}
		after, err := turn(c.Request.Context(), e.ObjectID)
		e.Before, e.After = map[string]any{"state": before.State}, map[string]any{"state": after.State}
		return after, err
	}
}
