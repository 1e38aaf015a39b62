package admin

import (
	"context"
	"errors"
	"regexp"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/rule"
	"siyu/model/segment"
	"siyu/model/tag"
)

func (h *Handler) tagSpread(c *gin.Context) (any, error) {
	tagID, err := h.seenTag(c)
	if err != nil {
		return nil, err
	}
	s, err := h.Tags.SpreadOf(c.Request.Context(), tagID)
	return h.veil(c).spread(tagID, s), err
}

func (h *Handler) relatedTags(c *gin.Context) (any, error) {
	tagID, err := h.seenTag(c)
	if err != nil {
		return nil, err
	}
	list, err := h.Tags.RelatedTo(c.Request.Context(), tagID, current(c).Operator.Roles)
	return h.veil(c).related(tagID, list), err
}

// spread veils who has a tag, value by value and day by day.
func (v *veil) spread(tagID id.ID, s tag.Spread) tag.Spread {
	s.People, s.Base = v.count(s.People, tagID), v.count(s.Base, tagID, "base")
	for i, x := range s.Values {
		s.Values[i].People = v.count(x.People, tagID, "value", x.Value)
	}
	for i, x := range s.Scores {
		s.Scores[i].People = v.count(x.People, tagID, "scores", x.Low, x.High)
	}
	for i, x := range s.Days {
		s.Days[i].People = v.count(x.People, tagID, "day", x.Day)
	}
	return s
}

// related leaves out tags that too few of the people have.
func (v *veil) related(tagID id.ID, list []tag.Related) []tag.Related {
	if v == nil {
		return list
	}
	out := []tag.Related{}
	for _, r := range list {
		if r.Both, r.Sample = v.count(r.Both, tagID, r.TagID), v.count(r.Sample, tagID, "sample"); r.Both > 0 && r.Sample > 0 {
			out = append(out, r)
		}
	}
	return out
}

func (h *Handler) tagLineage(c *gin.Context) (any, error) {
	tagID, err := h.seenTag(c)
	if err != nil {
		return nil, err
	}
	ctx, roles := c.Request.Context(), current(c).Operator.Roles
	out, err := h.Tags.LineageOf(ctx, tagID, h.ruleNames(c))
	if err != nil {
		return nil, err
	}
	hidden := func(tagID id.ID) (bool, error) {
		t, err := h.Tags.Get(ctx, tagID)
		return err == nil && !t.Visible(roles), err
	}
	for i, u := range out.To { // that something breaks he is told, not what is not for him
		if u.Kind == "tag" {
			not, err := hidden(u.ID)
			if err != nil {
				return nil, err
			}
			if not {
				out.To[i].Hidden, out.To[i].Name = true, secretTag
			}
		}
		if u.ViaID != 0 {
			not, err := hidden(u.ViaID)
			if err != nil {
				return nil, err
			}
			if not {
				out.To[i].ViaID, out.To[i].Via = 0, secretTag
			}
		}
	}
	return out, nil
}

// secretTag is what a tag is called for whom it is not.
const secretTag = "受限标签"

type scoresInput struct {
	Version int         `json:"version"`
	Scores  []tag.Score `json:"scores"` // at most 500
}

// wroteScores is what the audit keeps of scores: how many, not whose.
type wroteScores struct {
	Version int       `json:"version"`
	Wrote   tag.Wrote `json:"wrote"`
}

func (h *Handler) writeScores(c *gin.Context, e *audit.Entry) (any, error) {
	var in scoresInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	tagID, err := h.seenTag(c)
	if err != nil {
		return nil, err
	}
	wrote, err := h.Tags.Write(c.Request.Context(), tagID, in.Version, in.Scores)
	e.After = wroteScores{in.Version, wrote}
	return wrote, err
}

type categoryInput struct {
	BrandID  id.ID  `json:"brand_id"`
	Class    string `json:"class"`
	ParentID id.ID  `json:"parent_id"`
	Name     string `json:"name"`
	PlaceNo  int    `json:"place_no"`
}

func (h *Handler) saveTagCategory(c *gin.Context, e *audit.Entry) (any, error) {
	var in categoryInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	one := tag.Category{ID: e.ObjectID, BrandID: in.BrandID, Class: in.Class, ParentID: in.ParentID, Name: in.Name, PlaceNo: in.PlaceNo}
	if c.Param("id") != "" { // it stays where it is
		objectID, err := web.ParamID(c, "id")
		if err != nil {
			return nil, err
		}
		old, err := h.Tags.Category(c.Request.Context(), objectID)
		if err != nil {
			return nil, err
		}
		one.ID, one.BrandID = old.ID, old.BrandID
	} else if _, err := h.Brands.Get(c.Request.Context(), in.BrandID); err != nil {
		return nil, err
	}
	before, after, err := h.Tags.SaveCategory(c.Request.Context(), one)
	e.ObjectID, e.After = after.ID, after
	if before.ID != 0 {
		e.Before = before
	}
	return after, err
}

func (h *Handler) dropTagCategory(c *gin.Context, e *audit.Entry) (any, error) {
	categoryID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	old, err := h.Tags.Category(c.Request.Context(), categoryID)
	if err != nil {
		return nil, err
	}
	e.ObjectID, e.Before = categoryID, old
	return nil, h.Tags.DropCategory(c.Request.Context(), categoryID)
}

func (h *Handler) tagTemplates(c *gin.Context) (any, error) {
	brandID, err := ofHome(c)
	if err != nil {
		return nil, err
	}
	return h.Tags.Templates(c.Request.Context(), brandID)
}

type templateTagInput struct {
	BrandID    id.ID   `json:"brand_id"`
	Key        string  `json:"key"`
	Name       string  `json:"name"`              // "": the template's
	ProductIDs []id.ID `json:"product_ids"`       // that were bought
	OtherIDs   []id.ID `json:"other_product_ids"` // that were not
}

func (h *Handler) addTemplate(c *gin.Context, e *audit.Entry) (any, error) {
	var in templateTagInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(c.Request.Context(), in.BrandID); err != nil {
		return nil, err
	}
	t, err := h.Tags.Add(c.Request.Context(), tag.Starter{BrandID: in.BrandID, Key: in.Key, Name: in.Name, Products: in.ProductIDs, Others: in.OtherIDs, OwnerID: e.ActorID, ByID: e.ActorID})
	e.ObjectID, e.After = t.ID, t
	return t, err
}

// heldTag is what somebody has of a tag, with what is true of him now of the conditions that
// made it so.
type heldTag struct {
	tag.Held
	// Reasons are the conditions of the case of a rule; none of another tag, and where they
	// are made of tags that are not for who asks.
	Reasons []segment.Reason `json:"reasons"`
}

func (h *Handler) memberTags(c *gin.Context) (any, error) {
	memberID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	list, err := h.heldTags(c, memberID)
	out := make([]heldTag, len(list))
	for i, x := range list {
		out[i] = heldTag{x, []segment.Reason{}}
		if x.Case == nil {
			continue
		}
		a, err := h.whyRule(c, x.BrandID, *x.Case, memberID)
		if err != nil {
			return nil, err
		}
		out[i].Reasons = append(out[i].Reasons, a.Reasons...)
	}
	return out, err
}

// whyRule is what is true of a member of a rule of a tag; nothing where the rule is made of
// tags that are not for who asks.
func (h *Handler) whyRule(c *gin.Context, brandID id.ID, t rule.Tree, memberID id.ID) (a segment.Answer, err error) {
	if err := h.visible(c, brandID, t); err != nil {
		if fault.KindOf(err) == fault.Invalid {
			err = nil
		}
		return a, err
	}
	a, err = h.Segments.WhyRule(c.Request.Context(), brandID, t, memberID)
	return spared(c, a), err
}

// spared leaves out of an answer what somebody did, for who may not read that.
func spared(c *gin.Context, a segment.Answer) segment.Answer {
	for i := range a.Reasons {
		if !current(c).Operator.Can(operator.EventRead) {
			a.Reasons[i].Found = ""
		}
	}
	return a
}

func (h *Handler) heldTags(c *gin.Context, memberID id.ID) ([]tag.Held, error) {
	list, err := h.Tags.Of(c.Request.Context(), memberID, current(c).Operator.Roles, h.ruleNames(c))
	for i := range list {
		if said := tag.Withheld(); list[i].Said != nil && !current(c).Operator.Can(operator.EventRead) {
			list[i].Said, list[i].Why = &said, said.Text
		}
		if err == nil {
			list[i].Evidence, err = h.byName(c.Request.Context(), list[i].Evidence)
		}
		if err == nil {
			list[i].Why, err = h.byName(c.Request.Context(), list[i].Why)
		}
	}
	return list, err
}

// tagHolders are some people who have a tag, for who may open their pages.
func (h *Handler) tagHolders(c *gin.Context) (any, error) {
	tagID, err := h.seenTag(c)
	if err != nil {
		return nil, err
	}
	if blind(c) {
		return nil, errHidden
	}
	list, err := h.Tags.Holders(c.Request.Context(), tagID)
	for i := range list {
		if err == nil {
			list[i].Evidence, err = h.byName(c.Request.Context(), list[i].Evidence)
		}
	}
	return list, err
}

// tagWhy is why somebody has a tag, or has it not.
type tagWhy struct {
	Held *tag.Held `json:"held"` // none: he has it not
	// Cases of a rule up to the one that decides, with what is true of him now.
	Cases []whyCase `json:"cases"`
}

type whyCase struct {
	Value  string         `json:"value"` // "": the tag is there
	Answer segment.Answer `json:"answer"`
}

func (h *Handler) whyTag(c *gin.Context) (any, error) {
	memberID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	tagID, err := web.QueryID(c, "tag_id")
	if err != nil {
		return nil, err
	}
	ctx, roles := c.Request.Context(), current(c).Operator.Roles
	t, err := h.Tags.Get(ctx, tagID)
	if err == nil && !t.Visible(roles) {
		err = errTag
	}
	if err != nil {
		return nil, err
	}
	held, err := h.heldTags(c, memberID)
	if err != nil {
		return nil, err
	}
	out := tagWhy{Cases: []whyCase{}}
	for _, x := range held {
		if x.TagID == tagID {
			out.Held = &x
		}
	}
	cases, err := h.Tags.Cases(ctx, t)
	if err != nil {
		return nil, err
	}
	for _, k := range cases {
		if err := h.visible(c, t.BrandID, k.Tree); err != nil { // made of tags that are not for him
			return out, nil
		}
		a, err := h.Segments.WhyRule(ctx, t.BrandID, k.Tree, memberID)
		if err != nil {
			return nil, err
		}
		out.Cases = append(out.Cases, whyCase{k.Value, spared(c, a)})
		if a.In || a.Code != "" {
			break
		}
	}
	return out, nil
}

// byHand ends the evidence of a tag that an operator gave (tag.Give).
var byHand = regexp.MustCompile(`（操作员 ([0-9]+)）$`)

// byName puts an operator's name in the place of his number.
func (h *Handler) byName(ctx context.Context, text string) (string, error) {
	m := byHand.FindStringSubmatchIndex(text)
	if m == nil {
		return text, nil
	}
	name := "已离职"
	who, err := id.Parse(text[m[2]:m[3]])
	if err == nil {
		var o operator.Operator
		if o, err = h.Operators.Get(ctx, who); err == nil {
			name = o.Name
		} else if fault.KindOf(err) != fault.NotFound {
			return "", err
		}
	}
	return text[:m[2]] + name + text[m[3]:], nil
}

// named is a value whose evidence names who gave it.
func (h *Handler) named(ctx context.Context, v *tag.Value) (err error) {
	if v != nil {
		v.Evidence, err = h.byName(ctx, v.Evidence)
	}
	return err
}

type giftInput struct {
	TagID id.ID  `json:"tag_id"`
	Value string `json:"value"` // one of the tag's choices, "" where it has none
	// UntilAt is when it ends for this member; none: by the tag's own time.
	UntilAt clock.Instant `json:"until_at"`
	Reason  string        `json:"reason"`
}

// giftAnswer says what there was before, so that it can be undone.
type giftAnswer struct {
	Before *tag.Value `json:"before"`
	After  *tag.Value `json:"after"`
}

func (h *Handler) gift(c *gin.Context, e *audit.Entry) (tag.Gift, error) {
	var in giftInput
	if err := web.Bind(c, &in); err != nil {
		return tag.Gift{}, err
	}
	memberID, err := web.ParamID(c, "id")
	e.ObjectID = memberID
	return tag.Gift{TagID: in.TagID, MemberID: memberID, Value: in.Value, UntilAt: in.UntilAt, Reason: in.Reason, ByID: e.ActorID, Roles: current(c).Operator.Roles}, err
}

// keptGift is what the audit keeps of a value: who may read a member's trail may not see
// every tag.
type keptGift struct {
	TagID id.ID  `json:"tag_id"`
	Has   bool   `json:"has"`
	Value string `json:"value"`
}

func (h *Handler) keptGift(c *gin.Context, tagID id.ID, v *tag.Value) keptGift {
	k := keptGift{TagID: tagID, Has: v != nil}
	if t, err := h.Tags.Get(c.Request.Context(), tagID); err == nil && len(t.Roles) == 0 && v != nil {
		k.Value = v.Value
	}
	return k
}

func (h *Handler) giveTag(c *gin.Context, e *audit.Entry) (any, error) {
	g, err := h.gift(c, e)
	if err != nil {
		return nil, err
	}
	before, after, err := h.Tags.Give(c.Request.Context(), g)
	if err != nil {
		return nil, err
	}
	e.Before, e.After = h.keptGift(c, g.TagID, before), h.keptGift(c, g.TagID, &after)
	return h.gave(c, before, &after)
}

func (h *Handler) takeTag(c *gin.Context, e *audit.Entry) (any, error) {
	g, err := h.gift(c, e)
	if err != nil {
		return nil, err
	}
	before, err := h.Tags.Take(c.Request.Context(), g)
	e.Before, e.After = h.keptGift(c, g.TagID, before), h.keptGift(c, g.TagID, nil)
	if err != nil {
		return nil, err
	}
	return h.gave(c, before, nil)
}

func (h *Handler) gave(c *gin.Context, before, after *tag.Value) (giftAnswer, error) {
	return giftAnswer{before, after}, errors.Join(h.named(c.Request.Context(), before), h.named(c.Request.Context(), after))
}
