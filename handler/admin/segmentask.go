package admin

import (
	"encoding/json"
	"strconv"

	"github.com/gin-gonic/gin"

	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/model/rule"
	"siyu/model/segment"
)

// ruleWords is the language of rules.
type ruleWords struct {
	Attrs  []rule.AttrSpec `json:"attrs"`
	Acts   []rule.ActSpec  `json:"acts"`
	Schema json.RawMessage `json:"schema"`
}

func (h *Handler) segmentWords(c *gin.Context) (any, error) {
	if _, err := ofHome(c); err != nil {
		return nil, err
	}
	schema, err := json.Marshal(rule.Schema())
	return ruleWords{rule.Attrs(), rule.Acts(), schema}, err
}

var errSecretTag = fault.NewInvalid("rule_unknown", "规则里的标签不存在，或不对您的角色开放，请重新选择")

// visible refuses a rule with a tag that is not for who asks, also in a segment that it
// names, or by which a list in it was taken: its size would tell what the tag does not.
func (h *Handler) visible(c *gin.Context, brandID id.ID, t rule.Tree) error {
	tags, err := h.Segments.TagsBehind(c.Request.Context(), brandID, t)
	if err != nil {
		return err
	}
	for _, tagID := range tags {
		g, err := h.Tags.Get(c.Request.Context(), tagID)
		if fault.KindOf(err) == fault.NotFound && err != nil || err == nil && !g.Visible(current(c).Operator.Roles) {
			return errSecretTag
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// visibleSegment is visible of a segment as its rule is now.
func (h *Handler) visibleSegment(c *gin.Context, segmentID id.ID) error {
	g, err := h.Segments.Get(c.Request.Context(), segmentID)
	if err != nil {
		return err
	}
	r, err := h.Segments.Version(c.Request.Context(), g.ID, g.Version)
	if err != nil {
		return err
	}
	return h.visible(c, g.BrandID, r.Tree)
}

// visibleList is visible of the people of a list.
func (h *Handler) visibleList(c *gin.Context, listID id.ID) error {
	r, err := h.Segments.Roster(c.Request.Context(), listID)
	if err != nil {
		return err
	}
	return h.visible(c, r.BrandID, rule.Tree{V: rule.Version, Root: rule.Node{List: &rule.Ref{ID: listID}}})
}

// visibleAudience is visible of the people of a push. What is not there any more tells of
// nobody.
func (h *Handler) visibleAudience(c *gin.Context, f push.Form) (err error) {
	switch {
	case f.ListID != 0:
		err = h.visibleList(c, f.ListID)
	case f.SegmentID != 0:
		err = h.visibleSegment(c, f.SegmentID)
	}
	if err != nil && fault.KindOf(err) == fault.NotFound {
		return nil
	}
	return err
}

// askedRule is the brand and the rule of a query.
func (h *Handler) askedRule(c *gin.Context) (brandID id.ID, t rule.Tree, err error) {
	if brandID, err = ofHome(c); err != nil {
		return 0, t, err
	}
	if t, err = rule.Parse([]byte(c.Query("tree"))); err == nil {
		err = h.visible(c, brandID, t)
	}
	if err == nil {
		err = h.Segments.Check(c.Request.Context(), brandID, 0, t)
	}
	return brandID, t, err
}

// sizeView is the numbers of a rule with the rule in words.
type sizeView struct {
	segment.Funnel
	Sentence string `json:"sentence"`
	// Under is for who may not see members: all numbers are rounded to multiples of it, and
	// moved by up to as much; 0 is fewer.
	Under int64 `json:"under,omitempty"`
}

func (h *Handler) segmentSize(c *gin.Context) (any, error) {
	brandID, t, err := h.askedRule(c)
	if err != nil {
		return nil, err
	}
	plan := segment.Plan{Purpose: c.Query("purpose"), Topic: c.Query("topic"), Exact: c.Query("exact") != ""}
	if text := c.Query("uses"); text != "" {
		if err := json.Unmarshal([]byte(text), &plan.Uses); err != nil || len(plan.Uses) > reach.MaxUses {
			return nil, fault.NewInvalid("bad_field", "参数 uses 不是触达方式的列表").With("field", "uses")
		}
	}
	ctx := c.Request.Context()
	out := sizeView{}
	if out.Funnel, err = h.Segments.Size(ctx, brandID, t, plan); err != nil {
		return nil, err
	}
	v := h.veil(c)
	v.funnel(&out.Funnel, brandID, t, plan)
	out.Under = v.under()
	out.Sentence, err = h.Segments.Sentence(ctx, brandID, t)
	return out, err
}

func (h *Handler) segmentSample(c *gin.Context) (any, error) {
	brandID, t, err := h.askedRule(c)
	if err != nil {
		return nil, err
	}
	list, err := h.Segments.Sample(c.Request.Context(), brandID, t, segment.SampleMost)
	if v := h.veil(c); v != nil && err == nil {
		f, err := h.Segments.Size(c.Request.Context(), brandID, t, segment.Plan{})
		return v.sample(list, f.Matched), err
	}
	return list, err
}

// wordedRule is a rule with its words.
type wordedRule struct {
	Tree     rule.Tree `json:"tree"`
	Sentence string    `json:"sentence"`
}

func (h *Handler) segmentTemplate(c *gin.Context) (any, error) {
	brandID, err := ofHome(c)
	if err != nil {
		return nil, err
	}
	a, err := idsOf(c, "product_ids")
	if err != nil {
		return nil, err
	}
	days, err := strconv.Atoi(c.DefaultQuery("days", "0"))
	if err != nil || days < 0 || days > rule.MaxDays {
		return nil, fault.NewInvalid("bad_field", "天数不对").With("field", "days")
	}
	out := wordedRule{}
	if c.Query("kind") == "only_one" {
		if len(a) != 1 {
			return nil, fault.NewInvalid("bad_field", "请选一个商品").With("field", "product_ids")
		}
		out.Tree = rule.OnlyOne(a[0], days)
	} else {
		b, err := idsOf(c, "other_product_ids")
		if err != nil {
			return nil, err
		}
		out.Tree = rule.NeverB(a, b, days)
	}
	if err := h.Segments.Check(c.Request.Context(), brandID, 0, out.Tree); err != nil {
		return nil, err
	}
	out.Sentence, err = h.Segments.Sentence(c.Request.Context(), brandID, out.Tree)
	return out, err
}
