package admin

import (
	"context"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/insight"
	"siyu/model/member"
	"siyu/model/operator"
)

// memberRoutes: who the members are.
func (h *Handler) memberRoutes() []web.Route {
	return []web.Route{
		at(get, "/members", operator.MemberRead, "会员列表与查找", h.listMembers()).
			Asks("brand_id?", "state?:active|blocked|erased", "level?", "joined_from?", "joined_until?", "id?", "phone_tail?", "phone?", "openid?", "code?", "key?", "kind?", "scope?").Lists(memberRow{}).Counts(),
		at(get, "/members/:id", operator.MemberRead, "会员概况", web.Answer(h.getMember)).Gives(memberView{}),
		at(get, "/members/:id/story", operator.EventRead, "会员的全部经历：扫码、领取、红包、积分、推荐、消息、合并", h.story).Asks("kinds?").Lists(insight.Chapter{}),
		at(post, "/members/:id/block", operator.MemberBlock, "停用会员：不再获得奖励(写明理由)", h.write("member.block", ok, h.turnMember(h.Members.Block))).Takes(reasonInput{}).Gives(member.Member{}),
		at(post, "/members/:id/unblock", operator.MemberBlock, "恢复会员(写明理由)", h.write("member.unblock", ok, h.turnMember(h.Members.Unblock))).Takes(reasonInput{}).Gives(member.Member{}),
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
