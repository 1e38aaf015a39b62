package admin

import (
	"context"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/segment"
)

// idsOf reads ids from the query, divided by commas.
func idsOf(c *gin.Context, name string) ([]id.ID, error) {
	var list []id.ID
	for text := range strings.SplitSeq(c.Query(name), ",") {
		i, err := id.Parse(strings.TrimSpace(text))
		if err != nil {
			return nil, fault.NewInvalid("bad_field", "编号的格式不对").With("field", name)
		}
		list = append(list, i)
	}
	return list, nil
}

func (h *Handler) listRosters() gin.HandlerFunc {
	return counted(func(r segment.Roster) id.ID { return r.ID }, func(c *gin.Context, p web.Page) ([]segment.Roster, error) {
		brandID, err := ofHome(c)
		if err != nil {
			return nil, err
		}
		list, err := h.Segments.Rosters(c.Request.Context(), brandID, p.Before, p.Limit)
		for i := range list {
			list[i] = h.veil(c).roster(list[i])
		}
		return list, err
	}, func(c *gin.Context) (int, bool, error) {
		brandID, err := ofHome(c)
		if err != nil {
			return 0, false, err
		}
		return h.Segments.CountRosters(c.Request.Context(), brandID)
	})
}

// roster veils how many people are on a list.
func (v *veil) roster(r segment.Roster) segment.Roster {
	r.Count = v.count(r.Count, r.ID, r.Rev)
	return r
}

func (h *Handler) getRoster(c *gin.Context) (any, error) {
	return one(c, func(ctx context.Context, listID id.ID) (segment.Roster, error) {
		r, err := h.Segments.Roster(ctx, listID)
		return h.veil(c).roster(r), err
	})
}

// rosterName names a list that is taken out of a segment.
type rosterName struct {
	Name string `json:"name"`
}

func (h *Handler) takeRoster(c *gin.Context, e *audit.Entry) (any, error) {
	var in rosterName
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if err := h.visibleSegment(c, e.ObjectID); err != nil {
		return nil, err
	}
	r, err := h.Segments.TakeRoster(c.Request.Context(), e.ObjectID, in.Name, e.ActorID)
	r = h.veil(c).roster(r) // whoever reads the trail may be under one, too
	e.After = r
	return r, err
}

// rosterInput is a new list.
type rosterInput struct {
	BrandID id.ID  `json:"brand_id"`
	Name    string `json:"name"`
	Note    string `json:"note"`
}

func (h *Handler) createRoster(c *gin.Context, e *audit.Entry) (any, error) {
	var in rosterInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if err := h.brandThere(c.Request.Context(), in.BrandID); err != nil {
		return nil, err
	}
	r, err := h.Segments.CreateRoster(c.Request.Context(), segment.Roster{BrandID: in.BrandID, Name: in.Name, Note: in.Note, ByID: e.ActorID})
	e.ObjectID, e.After = r.ID, r
	return r, err
}

// rosterMembers names members.
type rosterMembers struct {
	MemberIDs []id.ID `json:"member_ids"`
}

// rosterChange is how many it concerned, and the list afterwards.
type rosterChange struct {
	Changed int64          `json:"changed"`
	List    segment.Roster `json:"list"`
}

// changeRoster: whom an operator may name he must be able to see, so it is not for those
// who are confined to brands.
func (h *Handler) changeRoster(in bool) action {
	do := h.putOrRemove(in)
	return func(c *gin.Context, e *audit.Entry) (any, error) {
		var body rosterMembers
		if err := web.Bind(c, &body); err != nil {
			return nil, err
		}
		if current(c).Operator.Scoped() {
			return nil, errScope
		}
		if blind(c) {
			return nil, errHidden
		}
		if err := h.visibleList(c, e.ObjectID); err != nil { // how many of one were on it tells of him
			return nil, err
		}
		ctx := c.Request.Context()
		old, err := h.Segments.Roster(ctx, e.ObjectID)
		if err != nil {
			return nil, err
		}
		out := rosterChange{}
		if out.Changed, err = do(ctx, e.ObjectID, body.MemberIDs); err != nil {
			return nil, err
		}
		out.List, err = h.Segments.Roster(ctx, e.ObjectID)
		e.Before, e.After = old, out
		return out, err
	}
}

func (h *Handler) putOrRemove(in bool) func(ctx context.Context, listID id.ID, members []id.ID) (int64, error) {
	return func(ctx context.Context, listID id.ID, members []id.ID) (int64, error) {
		if in {
			return h.Segments.Put(ctx, listID, members)
		}
		return h.Segments.Remove(ctx, listID, members)
	}
}
