package admin

import (
	"errors"
	"slices"

	"github.com/gin-gonic/gin"

	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/rule"
	"siyu/model/segment"
	"siyu/model/tag"
)

// hides says whether a rule names a tag that is not for who asks.
func (h *Handler) hides(c *gin.Context, t rule.Tree) (bool, error) {
	for _, tagID := range t.Uses().Tags {
		g, err := h.Tags.Get(c.Request.Context(), tagID)
		if err != nil && fault.KindOf(err) == fault.NotFound { // it has no name any more
			continue
		}
		if err != nil || !g.Visible(current(c).Operator.Roles) {
			return true, err
		}
	}
	return false, nil
}

// segmentNames is ruleNames for rules that name segments and lists, too.
func (h *Handler) segmentNames(c *gin.Context) rule.Names {
	ctx, names := c.Request.Context(), h.ruleNames(c)
	return func(kind string, ref id.ID) string {
		switch kind {
		case rule.NameSegment:
			if g, err := h.Segments.Get(ctx, ref); err == nil {
				return g.Name
			}
			return ""
		case rule.NameList:
			if r, err := h.Segments.Roster(ctx, ref); err == nil {
				return r.Name
			}
			return ""
		}
		return names(kind, ref)
	}
}

// worded says the rule of a segment as who asks may read it.
func (h *Handler) worded(c *gin.Context, r segment.Rule) (segment.Rule, error) {
	hidden, err := h.hides(c, r.Tree)
	if hidden {
		r.Sentence = r.Tree.Sentence(h.segmentNames(c))
	}
	return r, err
}

// audienceWords is the rule that the audience of a push was found by, as who asks may read
// it; "": it is not known any more.
func (h *Handler) audienceWords(c *gin.Context, p push.Push) (string, error) {
	if p.ListID != 0 {
		t := rule.Tree{V: rule.Version, Root: rule.Node{List: &rule.Ref{ID: p.ListID}}}
		return t.Sentence(h.segmentNames(c)), nil
	}
	r, err := h.Segments.Version(c.Request.Context(), p.SegmentID, p.SegmentVersion)
	if f := new(fault.Fault); errors.As(err, &f) && (f.Kind == fault.NotFound || f.Kind == fault.Invalid) {
		return "", nil
	}
	if err == nil {
		r, err = h.worded(c, r)
	}
	return r.Sentence, err
}

// ruled says in a trace by which rule the audience was found, in the words of who reads it:
// what the push keeps is for members.
func (h *Handler) ruled(c *gin.Context, t *push.Trace) error {
	p, err := h.Pushes.Get(c.Request.Context(), t.PushID)
	if err != nil || p.FrozenAt == 0 {
		return err
	}
	text, err := h.audienceWords(c, p)
	if err == nil && text != "" {
		t.ByRule(text)
	}
	return err
}

// secretNames are what the tags are called that a text about an audience names and that are
// not for who asks.
func (h *Handler) secretNames(c *gin.Context, brandID id.ID, text string) (map[string]string, error) {
	out := map[string]string{}
	for _, name := range push.TagsNamed(text) {
		seen, err := h.Tags.List(c.Request.Context(), tag.Filter{BrandID: brandID, Text: name, Roles: current(c).Operator.Roles, Limit: 100})
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(seen, func(t tag.Tag) bool { return t.Name == name }) {
			out[name] = secretTag
		}
	}
	return out, nil
}

// shown is a push as who asks may read it: numbers under the veil, and no name in its note of
// a tag that is not for him.
func (h *Handler) shown(c *gin.Context, p push.Push) (push.Push, error) {
	names, err := h.secretNames(c, p.BrandID, p.Note)
	return h.veil(c).push(p.Noted(names)), err
}

// unnamed is the refusal of a push whose audience is not what it was, without such a name.
func (h *Handler) unnamed(c *gin.Context, brandID id.ID, refused error) error {
	f := new(fault.Fault)
	if !errors.As(refused, &f) || f.Code != "push_moved" {
		return refused
	}
	names, err := h.secretNames(c, brandID, f.Text)
	if err != nil {
		return err
	}
	return fault.New(f.Kind, f.Code, push.Renamed(f.Text, names))
}
