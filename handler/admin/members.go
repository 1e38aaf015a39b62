package admin

import (
	"context"
	"slices"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/operator"
)

// memberRoutes: who the members are.
func (h *Handler) memberRoutes() []web.Route {
	return []web.Route{
		at(get, "/members", operator.MemberRead, "会员列表与查找", h.listMembers()),
		at(get, "/members/:id", operator.MemberRead, "会员概况", web.Answer(h.getMember)),
	}
}

// keyLine is a key as the back office shows it: masked.
type keyLine struct {
	identity.Key
	Title string `json:"title"`
	Shown string `json:"shown"`
}

// memberLine is a member with what he is known by.
type memberLine struct {
	member.Member
	Keys []keyLine `json:"keys"`
}

// titles names the kinds of key.
func (h *Handler) titles(ctx context.Context) (map[string]string, error) {
	list, err := h.Identities.Kinds(ctx)
	out := make(map[string]string, len(list))
	for _, k := range list {
		out[k.Kind] = k.Title
	}
	return out, err
}

// keyLines masks keys; of phones the masked digits are read.
func (h *Handler) keyLines(ctx context.Context, keys []identity.Key) ([]keyLine, error) {
	titles, err := h.titles(ctx)
	if err != nil {
		return nil, err
	}
	var hashes []string
	for _, k := range keys {
		if k.Kind == identity.Phone && k.Value != "" {
			hashes = append(hashes, k.Value)
		}
	}
	numbers := map[string]string{}
	if len(hashes) > 0 {
		if numbers, err = h.Phones.Masked(ctx, hashes); err != nil {
			return nil, err
		}
	}
	out := make([]keyLine, len(keys))
	for i, k := range keys {
		out[i] = keyLine{k, titles[k.Kind], k.Masked()}
		if n := numbers[k.Value]; k.Kind == identity.Phone && n != "" {
			out[i].Shown = n
		}
	}
	return out, nil
}

// memberLines adds the keys to members.
func (h *Handler) memberLines(ctx context.Context, list []member.Member) ([]memberLine, error) {
	out := make([]memberLine, len(list))
	if len(list) == 0 {
		return out, nil
	}
	persons := make([]id.ID, len(list))
	for i, m := range list {
		persons[i] = m.PersonID
	}
	keys, err := h.Identities.Keys(ctx, persons...)
	if err != nil {
		return nil, err
	}
	lines, err := h.keyLines(ctx, keys)
	for i, m := range list {
		out[i] = memberLine{m, []keyLine{}}
		for _, l := range lines {
			if l.PersonID == m.PersonID {
				out[i].Keys = append(out[i].Keys, l)
			}
		}
	}
	return out, err
}

func (h *Handler) listMembers() gin.HandlerFunc {
	return list(func(m memberLine) id.ID { return m.ID }, func(c *gin.Context, p web.Page) ([]memberLine, error) {
		ctx := c.Request.Context()
		found, asked, err := h.findMembers(c, p.Limit)
		if err == nil && !asked {
			found, err = h.Members.List(ctx, member.Filter{State: c.Query("state"), Before: p.Before, Limit: p.Limit})
		}
		if err != nil {
			return nil, err
		}
		return h.memberLines(ctx, found)
	})
}

// findMembers answers a search by one exact word; asked is whether there was one. All
// accounts of the human are found with the one that was named. What was found is a
// page that ends, so a search has no next one.
func (h *Handler) findMembers(c *gin.Context, limit int) (found []member.Member, asked bool, err error) {
	ctx := c.Request.Context()
	var keys []identity.Key
	memberID, err := web.QueryID(c, "id")
	if err != nil {
		return nil, true, err
	}
	if tail := c.Query("phone_tail"); tail != "" {
		asked = true
		hashes, err := h.Phones.ByTail(ctx, tail, limit)
		if err != nil {
			return nil, true, err
		}
		for _, v := range hashes {
			keys = append(keys, identity.Key{Kind: identity.Phone, Value: v})
		}
	}
	if v := c.Query("key"); v != "" {
		asked = true
		if c.Query("kind") == "" {
			return nil, true, fault.NewInvalid("bad_field", "请选择编号的类型").With("field", "kind")
		}
		keys = append(keys, identity.Key{Kind: c.Query("kind"), Scope: c.Query("scope"), Value: v})
	}
	var persons []id.ID
	if memberID != 0 {
		asked = true
		switch m, err := h.Members.Get(ctx, memberID); {
		case err == nil:
			persons = append(persons, m.PersonID)
		case fault.KindOf(err) != fault.NotFound:
			return nil, true, err
		}
	}
	owners, err := h.Identities.Owners(ctx, keys)
	if err != nil {
		return nil, asked, err
	}
	persons = append(persons, owners...)
	for _, p := range slices.Clone(persons) {
		family, err := h.Identities.Family(ctx, p)
		if err != nil {
			return nil, asked, err
		}
		persons = append(persons, family...)
	}
	known, err := h.Members.Known(ctx, persons)
	for _, m := range known {
		found = append(found, m)
	}
	slices.SortFunc(found, func(a, b member.Member) int { return int(min(max(b.CreatedAt-a.CreatedAt, -1), 1)) })
	return found[:min(len(found), limit)], asked, err
}

// memberView is one member on one screen.
type memberView struct {
	memberLine
	Family      []memberLine         `json:"family"` // the accounts of the same human, the root first
	Temperature identity.Temperature `json:"temperature"`
}

func (h *Handler) getMember(c *gin.Context) (any, error) {
	return one(c, func(ctx context.Context, memberID id.ID) (memberView, error) {
		m, err := h.Members.Get(ctx, memberID)
		if err != nil {
			return memberView{}, err
		}
		v := memberView{}
		if v.Family, err = h.familyOf(ctx, m.PersonID); err != nil {
			return v, err
		}
		for _, f := range v.Family {
			if f.ID == m.ID {
				v.memberLine = f
			}
		}
		v.Temperature, err = h.Identities.Temperature(ctx, m.PersonID)
		return v, err
	})
}

// familyOf reads the accounts of a human, the root first.
func (h *Handler) familyOf(ctx context.Context, person id.ID) ([]memberLine, error) {
	persons, err := h.Identities.Family(ctx, person)
	if err != nil {
		return nil, err
	}
	known, err := h.Members.Known(ctx, persons)
	if err != nil {
		return nil, err
	}
	var list []member.Member
	for _, p := range persons {
		if m, ok := known[p]; ok {
			list = append(list, m)
		}
	}
	return h.memberLines(ctx, list)
}
