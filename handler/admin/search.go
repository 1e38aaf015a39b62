package admin

import (
	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/fault"
	"siyu/model/find"
	"siyu/model/id"
	"siyu/model/operator"
)

// searchRoutes: the one search field (Ctrl+K).
func (h *Handler) searchRoutes() []web.Route {
	return []web.Route{
		at(get, "/search", Session, "全局搜索：会员、码、商品、批次、活动、大C、社群、打款单、提现、操作员、标签、人群、触达(仅自己有权查看的)", web.Answer(h.search)).Asks("q").Gives(searchAnswer{}),
	}
}

// searched is what is looked for, in this order, and who may see it.
func searched() []struct{ kind, permission string } {
	return []struct{ kind, permission string }{
		{find.Code, operator.CodeRead}, {find.Member, operator.MemberRead}, {find.Leader, operator.LeaderRead}, {find.Group, operator.GroupRead}, {find.Campaign, operator.CampaignRead},
		{find.Product, operator.ProductRead}, {find.Batch, operator.CodeRead}, {find.Payout, operator.PayoutRead}, {find.Withdrawal, operator.WithdrawalRead}, {find.Operator, operator.OperatorRead},
		{find.Tag, operator.TagRead}, {find.Segment, operator.SegmentRead}, {find.Push, operator.PushRead},
	}
}

type searchAnswer struct {
	Query string     `json:"query"` // as it was understood
	Hits  []find.Hit `json:"hits"`
}

func (h *Handler) search(c *gin.Context) (any, error) {
	ctx, o := c.Request.Context(), current(c).Operator
	q, err := find.Read(c.Query("q"))
	if err != nil {
		return nil, err
	}
	out := searchAnswer{Query: q.Text, Hits: []find.Hit{}}
	for _, s := range searched() {
		if !o.Can(s.permission) || s.kind == find.Operator && o.Scoped() || s.kind == find.Member && o.Scoped() {
			continue // people and operators are the house's
		}
		var hits []find.Hit
		if s.kind == find.Code {
			hits, err = h.findCode(c, q)
		} else {
			hits, err = h.Find.Find(ctx, s.kind, q, find.Scope{Brands: o.BrandIDs, Roles: o.Roles})
		}
		if err == nil && s.kind == find.Campaign {
			err = h.staged(c, hits)
		}
		if err != nil {
			return nil, err
		}
		// Leaders are found by a whole number; once is noted, with the members where he sees them.
		alone := s.kind == find.Leader && q.Tail == "" && (o.Scoped() || !o.Can(operator.MemberRead))
		if by := lookedForBy(q, hits); by != "" && (s.kind == find.Member || alone) {
			found := make([]id.ID, len(hits))
			for i, x := range hits {
				found[i] = x.ID
			}
			if err := h.noteLookUp(c, s.kind, by, found); err != nil {
				return nil, err // nobody is looked up unseen
			}
		}
		out.Hits = append(out.Hits, hits...)
	}
	return out, nil
}

// staged gives campaigns the stage that their pages show: it depends on the moment, their
// state does not.
func (h *Handler) staged(c *gin.Context, hits []find.Hit) error {
	for i := range hits {
		x, err := h.Campaigns.Get(c.Request.Context(), hits[i].ID)
		if err != nil {
			return err
		}
		hits[i].State = x.Stage
	}
	return nil
}

// lookedForBy is what of a person is looked for, "" for nothing. What may be an OpenID is
// one where it finds a member: bill numbers and the like have the same form.
func lookedForBy(q find.Query, hits []find.Hit) string {
	switch {
	case q.Tail != "":
		return "phone_tail"
	case q.Person():
		return "phone"
	case q.OpenID != "" && len(hits) > 0 && hits[0].Kind == find.Member:
		return "openid"
	}
	return ""
}

// noteLookUp audits that somebody was looked up by something that is his: by what (phone,
// phone_tail, openid, code, key) and who was found, never the value.
func (h *Handler) noteLookUp(c *gin.Context, kind, by string, found []id.ID) error {
	s := current(c)
	e := audit.Entry{ActorID: s.Operator.ID, Actor: s.Operator.Login, IP: web.ClientIP(c), RequestID: web.RequestID(c),
		Action: "member.look_up", Object: kind, After: map[string]any{"by": by, "found": found}}
	if len(found) == 1 {
		e.ObjectID = found[0]
	}
	return h.Audit.Record(c.Request.Context(), e)
}

// findCode takes the text for a code: its token or its address. A forged one is arithmetic
// and costs no SQL.
func (h *Handler) findCode(c *gin.Context, q find.Query) ([]find.Hit, error) {
	if len(q.Text) < 16 {
		return nil, nil
	}
	x, err := h.Codes.Explain(c.Request.Context(), q.Text)
	if err != nil || x.Batch == nil {
		if fault.KindOf(err) == fault.Invalid {
			err = nil
		}
		return nil, err
	}
	if o := current(c).Operator; !o.Sees(x.Batch.BrandID) {
		return nil, nil
	}
	return []find.Hit{{Kind: find.Code, ID: x.Batch.ID, Title: q.Text, Subtitle: x.Batch.Name, State: x.Code.State, BrandID: x.Batch.BrandID}}, nil
}
