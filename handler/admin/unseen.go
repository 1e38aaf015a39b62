package admin

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/fault"
)

// seenAgo tells with a change how many milliseconds ago the form that makes it was filled
// with what the thing was then. An age and not a time: clocks of offices differ.
const seenAgo = "X-Seen-Ago-Ms"

// longestSeen is how far back a change of somebody else is looked for.
const longestSeen = 7 * 24 * time.Hour

// seenLines are the changes of one thing that are looked at, newest first.
const seenLines = 100

// unseen refuses a change of what somebody else has changed since it was read: the form knows
// nothing of his change and would take it back, such as give a dismissed operator his account
// again. Two that are sent within the same moment both go through, the later one counts.
// found: a finder looked for the thing, so that one without anything has been removed.
// Faults: Conflict changed_meanwhile, with who and when, and gone_meanwhile.
func (h *Handler) unseen(c *gin.Context, e audit.Entry, about thing, found bool) error {
	text := c.GetHeader(seenAgo)
	if text == "" {
		return nil
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil || ms < 0 {
		return fault.NewInvalid("bad_field", seenAgo+" 应为毫秒数").With("field", seenAgo)
	}
	if about.id == 0 && len(about.which) == 0 {
		if found {
			return fault.New(fault.Conflict, "gone_meanwhile", "您打开之后，这一项已经被删除。请关闭后刷新列表，需要时重新添加")
		}
		return nil
	}
	since := h.Clock.Now().Add(-time.Duration(min(ms, longestSeen.Milliseconds())) * time.Millisecond)
	lines, err := h.Audit.List(c.Request.Context(), audit.Filter{Object: e.Object, ObjectID: about.id, Action: e.Action, Outcome: audit.Done, From: since, Limit: seenLines})
	if err != nil {
		return err
	}
	for _, l := range lines {
		if l.ActorID != e.ActorID && names(l, about.which) {
			at := l.CreatedAt.Time().In(clock.Shanghai).Format("15:04")
			return fault.New(fault.Conflict, "changed_meanwhile", l.Actor+" 在 "+at+" 改过这里，您看到的不是最新内容。请关闭后重新打开，核对后再改").With("by", l.Actor)
		}
	}
	return nil
}

// names says whether an act was about the thing that which tells.
func names(l audit.Line, which map[string]any) bool {
	for field, v := range which {
		want, err := json.Marshal(v)
		if err != nil || !slices.ContainsFunc(l.Changes, func(x audit.Change) bool { return x.Field == field && string(x.After) == string(want) }) {
			return false
		}
	}
	return true
}
