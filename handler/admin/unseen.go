package admin

import (
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/fault"
)

// seenAgo tells with a change how many milliseconds ago the form that makes it was filled
// with what the thing was then. An age and not a time: clocks of offices differ.
const seenAgo = "X-Seen-Ago-Ms"

// longestSeen is how far back a change of somebody else is looked for.
const longestSeen = 7 * 24 * time.Hour

// unseen refuses a change of what somebody else has changed since it was read: the form knows
// nothing of his change and would take it back, such as give a dismissed operator his account
// again. Two that are sent within the same moment both go through, the later one counts.
// Fault: Conflict changed_meanwhile, with who and when.
func (h *Handler) unseen(c *gin.Context, e audit.Entry) error {
	text := c.GetHeader(seenAgo)
	if text == "" || c.Param("id") == "" {
		return nil
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil || ms < 0 {
		return fault.NewInvalid("bad_field", seenAgo+" 应为毫秒数").With("field", seenAgo)
	}
	named, err := web.ParamID(c, "id")
	if err != nil {
		return err
	}
	since := h.Clock.Now().Add(-time.Duration(min(ms, longestSeen.Milliseconds())) * time.Millisecond)
	lines, err := h.Audit.List(c.Request.Context(), audit.Filter{Object: e.Object, ObjectID: named, Action: e.Action, Outcome: audit.Done, From: since, Limit: 100})
	if err != nil {
		return err
	}
	for _, l := range lines {
		if l.ActorID != e.ActorID {
			at := l.CreatedAt.Time().In(clock.Shanghai).Format("15:04")
			return fault.New(fault.Conflict, "changed_meanwhile", l.Actor+" 在 "+at+" 改过这里，您看到的不是最新内容。请关闭后重新打开，核对后再改").With("by", l.Actor)
		}
	}
	return nil
}
