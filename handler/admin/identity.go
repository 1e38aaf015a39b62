package admin

import (
	"context"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/insight"
	"siyu/model/member"
	"siyu/model/operator"
	"siyu/model/phone"
)

// identityRoutes: which ids are one human, and who decided so.
func (h *Handler) identityRoutes() []web.Route {
	return []web.Route{
		at(get, "/members/:id/identity", operator.IdentityRead, "会员的编号、证据与温度", web.Answer(h.memberIdentity)).Gives(identityView{}),
		at(get, "/identity/reviews", operator.IdentityRead, "待确认合并列表", h.listReviews()).Asks("state?:open|merged|refused").Lists(reviewLine{}).Counts(),
		at(post, "/identity/reviews/:id/merge", operator.IdentityMerge, "确认是同一人，合并", h.write("review.merge", ok, h.acceptReview)).Takes(reasonInput{}).Gives(identity.Review{}),
		at(post, "/identity/reviews/:id/refuse", operator.IdentityMerge, "确认不是同一人", h.write("review.refuse", ok, h.refuseReview)).Takes(reasonInput{}).Gives(identity.Review{}),
		at(get, "/identity/merges", operator.IdentityRead, "合并记录", h.listMerges()).Asks("state?:merged|undone").Lists(mergeLine{}).Counts(),
		at(post, "/identity/merges", operator.IdentityMerge, "人工合并两个会员", h.write("merge.create", created, h.mergeMembers)).Takes(mergeInput{}).Gives(identity.Merge{}),
		at(post, "/identity/merges/:id/undo", operator.IdentityMerge, "撤销一次合并", h.write("merge.undo", ok, h.undoMerge)).Takes(reasonInput{}).Gives(identity.Merge{}),
		at(get, "/identity/kinds", operator.IdentityRead, "键类型、可信度与每人上限", web.Answer(h.listKinds)).Gives([]identity.Kind{}),
		at(post, "/identity/kinds", operator.IdentityWrite, "新增自定义键类型", h.write("kind.create", created, h.createKind)).Takes(kindInput{}).Gives(identity.Kind{}),
		at(put, "/identity/kinds", operator.IdentityWrite, "修改键类型", h.write("kind.update", ok, h.updateKind, by(kindNamed))).Takes(kindInput{}).Gives(identity.Kind{}),
		at(get, "/identity/blocked-keys", operator.IdentityRead, "共用键列表(不用于合并)", h.listBlocked()).Lists(blockedLine{}).Counts(),
		at(post, "/identity/blocked-keys", operator.IdentityWrite, "登记共用键", h.secret("blocked.create", created, h.blockKey)).Takes(blockInput{}).Gives(blockedLine{}),
		at(del, "/identity/blocked-keys/:id", operator.IdentityWrite, "移除共用键", h.write("blocked.delete", ok, h.unblockKey)).Takes(reasonInput{}).Gives(nil),
		at(get, "/data-map", operator.DataMapRead, "触点数据地图", web.Answer(h.dataMap)).Gives(insight.DataMap{}),
	}
}

// edgeLine is a piece of evidence with its keys masked.
type edgeLine struct {
	identity.Edge
	Shown string `json:"shown"`
	Other string `json:"other"`
}

// mergeLine is a merge in words.
type mergeLine struct {
	identity.Merge
	MemberID      id.ID  `json:"member_id"`
	OtherMemberID id.ID  `json:"other_member_id"`
	Shown         string `json:"shown"` // the key that joins them, masked
	RuleText      string `json:"rule_text"`
}

// identityView is why some accounts are one human.
type identityView struct {
	Members     []memberLine         `json:"members"`
	Temperature identity.Temperature `json:"temperature"`
	Why         identity.Why         `json:"why"`
	Evidence    []edgeLine           `json:"evidence"`
	Merges      []mergeLine          `json:"merges"`
}

func (h *Handler) memberIdentity(c *gin.Context) (any, error) {
	return one(c, func(ctx context.Context, memberID id.ID) (v identityView, err error) {
		m, err := h.Members.Get(ctx, memberID)
		if err != nil {
			return v, err
		}
		if v.Members, err = h.familyOf(ctx, m.PersonID); err != nil {
			return v, err
		}
		if v.Temperature, err = h.Identities.Temperature(ctx, m.PersonID); err != nil {
			return v, err
		}
		if v.Why, err = h.Identities.Why(ctx, m.PersonID); err != nil {
			return v, err
		}
		edges, merges, err := h.Identities.Evidence(ctx, m.PersonID)
		if err != nil {
			return v, err
		}
		v.Evidence = make([]edgeLine, len(edges))
		for i, e := range edges {
			v.Evidence[i] = edgeLine{Edge: e, Shown: e.Key().Masked()}
			if e.OtherKind != "" {
				v.Evidence[i].Other = e.Other().Masked()
			}
		}
		v.Merges, err = h.mergeLines(ctx, merges)
		return v, err
	})
}

// membersOf reads the members of the persons that rows name.
func (h *Handler) membersOf(ctx context.Context, persons []id.ID) (map[id.ID]member.Member, error) {
	if len(persons) == 0 {
		return nil, nil
	}
	return h.Members.Known(ctx, persons)
}

func (h *Handler) mergeLines(ctx context.Context, list []identity.Merge) ([]mergeLine, error) {
	var persons []id.ID
	for _, m := range list {
		persons = append(persons, m.PersonID, m.OtherID)
	}
	of, err := h.membersOf(ctx, persons)
	out := make([]mergeLine, len(list))
	for i, m := range list {
		out[i] = mergeLine{Merge: m, MemberID: of[m.PersonID].ID, OtherMemberID: of[m.OtherID].ID, RuleText: identity.RuleTitle(m.Rule)}
		if m.Kind != "" {
			out[i].Shown = m.Key().Masked()
		}
	}
	return out, err
}

func (h *Handler) listMerges() gin.HandlerFunc {
	return counted(func(m mergeLine) id.ID { return m.ID }, func(c *gin.Context, p web.Page) ([]mergeLine, error) {
		found, err := h.Identities.Merges(c.Request.Context(), c.Query("state"), p.Before, p.Limit)
		if err != nil {
			return nil, err
		}
		return h.mergeLines(c.Request.Context(), found)
	}, func(c *gin.Context) (int, bool, error) {
		return h.Identities.CountMerges(c.Request.Context(), c.Query("state"))
	})
}

// reviewLine is a case as the queue shows it: both sides with all their keys.
type reviewLine struct {
	identity.Review
	Title    string     `json:"title"` // of the key that names both
	Shown    string     `json:"shown"`
	RuleText string     `json:"rule_text"`
	Low      memberLine `json:"low"`
	High     memberLine `json:"high"`
}

func (h *Handler) reviewLines(ctx context.Context, list []identity.Review) ([]reviewLine, error) {
	out := make([]reviewLine, len(list))
	if len(list) == 0 {
		return out, nil
	}
	titles, err := h.titles(ctx)
	if err != nil {
		return nil, err
	}
	var persons []id.ID
	for _, r := range list {
		persons = append(persons, r.LowID, r.HighID)
	}
	of, err := h.membersOf(ctx, persons)
	if err != nil {
		return nil, err
	}
	var sides []member.Member
	for _, p := range persons {
		m := of[p]
		m.PersonID = p // a person whom only a file knows may have no member yet
		sides = append(sides, m)
	}
	lines, err := h.memberLines(ctx, sides)
	if err != nil {
		return nil, err
	}
	for i, r := range list {
		out[i] = reviewLine{Review: r, Title: titles[r.Kind], Shown: r.Key().Masked(), RuleText: identity.RuleTitle(r.Rule), Low: lines[2*i], High: lines[2*i+1]}
	}
	return out, nil
}

func (h *Handler) listReviews() gin.HandlerFunc {
	return counted(func(r reviewLine) id.ID { return r.ID }, func(c *gin.Context, p web.Page) ([]reviewLine, error) {
		found, err := h.Identities.Reviews(c.Request.Context(), c.Query("state"), p.Before, p.Limit)
		if err != nil {
			return nil, err
		}
		return h.reviewLines(c.Request.Context(), found)
	}, func(c *gin.Context) (int, bool, error) {
		return h.Identities.CountReviews(c.Request.Context(), c.Query("state"))
	})
}

// bindReason binds a reason that must be given.
func bindReason(c *gin.Context) (string, error) {
	var in reasonInput
	if err := web.Bind(c, &in); err != nil {
		return "", err
	}
	if in.Reason == "" {
		return "", fault.NewInvalid("reason_missing", "请填写原因").With("field", "reason")
	}
	return in.Reason, nil
}

func (h *Handler) acceptReview(c *gin.Context, e *audit.Entry) (any, error) {
	return h.decide(c, e, h.Identities.Accept)
}

func (h *Handler) refuseReview(c *gin.Context, e *audit.Entry) (any, error) {
	return h.decide(c, e, h.Identities.Refuse)
}

func (h *Handler) decide(c *gin.Context, e *audit.Entry, do func(ctx context.Context, reviewID, by id.ID, reason string) (identity.Review, error)) (any, error) {
	reviewID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	reason, err := bindReason(c)
	if err != nil {
		return nil, err
	}
	after, err := do(c.Request.Context(), reviewID, e.ActorID, reason)
	e.ObjectID, e.After = reviewID, after
	return after, err
}

type mergeInput struct {
	MemberID      id.ID  `json:"member_id"`
	OtherMemberID id.ID  `json:"other_member_id"`
	Reason        string `json:"reason"`
}

func (h *Handler) mergeMembers(c *gin.Context, e *audit.Entry) (any, error) {
	var in mergeInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	a, err := h.Members.Get(ctx, in.MemberID)
	if err != nil {
		return nil, err
	}
	b, err := h.Members.Get(ctx, in.OtherMemberID)
	if err != nil {
		return nil, err
	}
	m, err := h.Identities.Merge(ctx, a.PersonID, b.PersonID, identity.Evidence{Event: identity.ByOperator, By: e.ActorID, Channel: "admin", Note: in.Reason})
	e.ObjectID, e.After = m.ID, m
	return m, err
}

func (h *Handler) undoMerge(c *gin.Context, e *audit.Entry) (any, error) {
	mergeID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	reason, err := bindReason(c)
	if err != nil {
		return nil, err
	}
	after, err := h.Identities.Unmerge(c.Request.Context(), mergeID, e.ActorID, reason)
	e.ObjectID, e.After = mergeID, after
	return after, err
}

func (h *Handler) listKinds(c *gin.Context) (any, error) {
	return h.Identities.Kinds(c.Request.Context())
}

type kindInput struct {
	Kind      string `json:"kind"`
	Title     string `json:"title"`
	Strong    bool   `json:"strong"`
	Most      int    `json:"most"`
	ScopeRule string `json:"scope_rule"`
	Reason    string `json:"reason"`
}

func (h *Handler) createKind(c *gin.Context, e *audit.Entry) (any, error) {
	return h.saveKind(c, e, false)
}

func kindNamed(_ *gin.Context, in kindInput) (thing, error) {
	return thing{which: map[string]any{"kind": in.Kind}}, nil
}

func (h *Handler) updateKind(c *gin.Context, e *audit.Entry) (any, error) {
	return h.saveKind(c, e, true)
}

func (h *Handler) saveKind(c *gin.Context, e *audit.Entry, there bool) (any, error) {
	var in kindInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	all, err := h.Identities.Kinds(c.Request.Context())
	if err != nil {
		return nil, err
	}
	found := false
	for _, k := range all {
		if k.Kind == in.Kind {
			found, e.Before = true, k
		}
	}
	switch {
	case there && !found:
		return nil, fault.New(fault.NotFound, "kind_not_found", "没有这种键类型")
	case !there && found:
		return nil, fault.New(fault.Conflict, "kind_exists", "这种键类型已经存在")
	}
	after, err := h.Identities.SaveKind(c.Request.Context(), identity.Kind{Kind: in.Kind, Title: in.Title, Strong: in.Strong, Most: in.Most, ScopeRule: in.ScopeRule})
	e.After = after
	return after, err
}

// blockedLine is a shared key, masked.
type blockedLine struct {
	identity.Blocked
	Title string `json:"title"`
	Shown string `json:"shown"`
}

func (h *Handler) blockedLines(ctx context.Context, list []identity.Blocked) ([]blockedLine, error) {
	keys := make([]identity.Key, len(list))
	for i, b := range list {
		keys[i] = b.Key()
	}
	lines, err := h.keyLines(ctx, keys)
	if err != nil {
		return nil, err
	}
	out := make([]blockedLine, len(list))
	for i, b := range list {
		out[i] = blockedLine{b, lines[i].Title, lines[i].Shown}
	}
	return out, nil
}

func (h *Handler) listBlocked() gin.HandlerFunc {
	return counted(func(b blockedLine) id.ID { return b.ID }, func(c *gin.Context, p web.Page) ([]blockedLine, error) {
		found, err := h.Identities.BlockedKeys(c.Request.Context(), p.Before, p.Limit)
		if err != nil {
			return nil, err
		}
		return h.blockedLines(c.Request.Context(), found)
	}, func(c *gin.Context) (int, bool, error) { return h.Identities.CountBlocked(c.Request.Context()) })
}

// blockInput names a key; of a phone the number itself. Nothing of it is stored but the
// key, which is why the route keeps no answer.
type blockInput struct {
	Kind   string `json:"kind"`
	Scope  string `json:"scope"`
	Key    string `json:"key"` // the audit hides a field of this name
	Reason string `json:"reason"`
}

func (h *Handler) blockKey(c *gin.Context, e *audit.Entry) (any, error) {
	var in blockInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	k := identity.Key{Kind: in.Kind, Scope: in.Scope, Value: in.Key}
	if k.Kind == identity.Phone {
		number, err := phone.Parse(in.Key)
		if err != nil {
			return nil, err
		}
		k.Value = h.Phones.Hash(number)
	}
	ctx := c.Request.Context()
	b, err := h.Identities.Block(ctx, k, e.ActorID, in.Reason)
	if err != nil {
		return nil, err
	}
	lines, err := h.blockedLines(ctx, []identity.Blocked{b})
	if err != nil {
		return nil, err
	}
	e.ObjectID, e.After = b.ID, b
	return lines[0], nil
}

func (h *Handler) unblockKey(c *gin.Context, e *audit.Entry) (any, error) {
	if err := bindOptional(c, &reasonInput{}); err != nil {
		return nil, err
	}
	blockedID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	b, err := h.Identities.Unblock(c.Request.Context(), blockedID)
	e.ObjectID, e.Before = blockedID, b
	return nil, err
}

func (h *Handler) dataMap(c *gin.Context) (any, error) {
	return h.Insight.DataMap(c.Request.Context())
}
