package admin

import (
	"context"
	"strconv"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/rule"
	"siyu/model/segment"
)

// segmentRoutes: rules over facts about people, who fulfils them, and lists kept by hand.
// Size and sample of a rule that is being edited are GETs with the rule in the query: they
// change nothing, are asked with every stroke, and belong in no audit.
func (h *Handler) segmentRoutes() []web.Route {
	return []web.Route{
		at(get, "/segments", operator.SegmentRead, "人群列表", h.listSegments()).Asks("brand_id", "state?:active|archived", "q?").Lists(segmentRow{}).Counts(),
		at(post, "/segments", operator.SegmentWrite, "新建人群", h.write("segment.create", created, h.createSegment)).Takes(segment.Draft{}).Gives(segment.Segment{}),
		at(get, "/segments/words", operator.SegmentRead, "规则可用的属性、行为和格式", web.Answer(h.segmentWords)).Asks("brand_id").Gives(ruleWords{}),
		at(get, "/segments/size", operator.SegmentRead, "规则的人数：品牌用户、命中、逐项排除、现在可达", web.Answer(h.segmentSize)).
			Asks("brand_id", "tree", "purpose?:marketing|service", "uses?", "topic?", "exact?:1").Gives(sizeView{}),
		at(get, "/segments/sample", operator.SegmentRead, "规则命中的 20 个样例（脱敏）", web.Answer(h.segmentSample)).Asks("brand_id", "tree").Gives([]segment.Somebody{}),
		at(get, "/segments/template", operator.SegmentRead, "由模板生成规则：买过甲从未买乙；一段时间里只买一个商品，没买品牌的其他商品", web.Answer(h.segmentTemplate)).
			Asks("brand_id", "kind:never_b|only_one", "product_ids", "other_product_ids?", "days?").Gives(wordedRule{}),
		at(get, "/segments/:id", operator.SegmentRead, "人群详情：规则、说明、人数、被谁引用", web.Answer(h.getSegment)).Gives(segmentView{}),
		at(put, "/segments/:id", operator.SegmentWrite, "修改人群（规则变了就是新版本）", h.write("segment.update", ok, h.updateSegment)).Takes(segment.Draft{}).Gives(segment.Segment{}),
		at(post, "/segments/:id/archive", operator.SegmentWrite, "归档人群", h.write("segment.archive", ok, h.archiveSegment)).Takes(revInput{}).Gives(segment.Segment{}),
		at(get, "/segments/:id/versions", operator.SegmentRead, "规则的历史版本", h.segmentVersions()).Lists(segment.Rule{}),
		at(get, "/segments/:id/snapshots", operator.SegmentRead, "每天的人数快照", h.segmentSnapshots()).Lists(segment.Snapshot{}),
		at(get, "/segments/:id/compare", operator.SegmentRead, "比较两天：留下、新进、离开的人数", web.Answer(h.compareSegment)).Asks("from", "to?").Gives(segment.Difference{}),
		at(get, "/members/:id/segments", operator.MemberRead, "会员现在在哪些人群", web.Answer(h.memberSegments)).Gives([]segment.Belonging{}),
		at(get, "/members/:id/segment-why", operator.MemberRead, "某个会员为什么在或不在一个人群", web.Answer(h.segmentWhy)).Asks("segment_id").Gives(segment.Answer{}),
		at(post, "/segments/:id/lists", operator.SegmentWrite, "把现在的人存为静态名单", h.write("segment.take_list", created, h.takeRoster)).Takes(rosterName{}).Gives(segment.Roster{}),

		at(get, "/segment-lists", operator.SegmentRead, "名单列表", h.listRosters()).Asks("brand_id").Lists(segment.Roster{}).Counts(),
		at(post, "/segment-lists", operator.SegmentWrite, "新建名单", h.write("segment-list.create", created, h.createRoster)).Takes(rosterInput{}).Gives(segment.Roster{}),
		at(get, "/segment-lists/:id", operator.SegmentRead, "名单详情", web.Answer(h.getRoster)).Gives(segment.Roster{}),
		at(post, "/segment-lists/:id/members", operator.SegmentWrite, "把会员加入名单", h.write("segment-list.put", ok, h.changeRoster(true))).Takes(rosterMembers{}).Gives(rosterChange{}),
		at(post, "/segment-lists/:id/remove", operator.SegmentWrite, "把会员移出名单", h.write("segment-list.remove", ok, h.changeRoster(false))).Takes(rosterMembers{}).Gives(rosterChange{}),
	}
}

// segmentRow is a segment with what the last look found.
type segmentRow struct {
	segment.Segment
	Now   segment.Now `json:"now"`
	Under int64       `json:"under,omitempty"` // numbers are rounded to multiples of it, 0 is fewer
}

// row veils how many people a segment has.
func (v *veil) row(g segment.Segment, now segment.Now) segmentRow {
	now.Count = v.count(now.Count, g.ID, now.Version)
	return segmentRow{g, now, v.under()}
}

func (h *Handler) listSegments() gin.HandlerFunc {
	filter := func(c *gin.Context) (f segment.Filter, err error) {
		f = segment.Filter{State: c.Query("state"), Text: c.Query("q")}
		f.BrandID, err = ofHome(c)
		return f, err
	}
	return counted(func(x segmentRow) id.ID { return x.ID }, func(c *gin.Context, p web.Page) ([]segmentRow, error) {
		f, err := filter(c)
		if err != nil {
			return nil, err
		}
		f.Before, f.Limit = p.Before, p.Limit
		list, err := h.Segments.List(c.Request.Context(), f)
		if err != nil {
			return nil, err
		}
		ids := make([]id.ID, len(list))
		for i, g := range list {
			ids[i] = g.ID
		}
		now, err := h.Segments.Nows(c.Request.Context(), ids)
		if err != nil {
			return nil, err
		}
		v := h.veil(c)
		return each(list, func(g segment.Segment) (segmentRow, error) { return v.row(g, now[g.ID]), nil })
	}, func(c *gin.Context) (int, bool, error) {
		f, err := filter(c)
		if err != nil {
			return 0, false, err
		}
		return h.Segments.Count(c.Request.Context(), f)
	})
}

// segmentView is a segment as its page shows it.
type segmentView struct {
	segmentRow
	Rule  segment.Rule      `json:"rule"`
	Uses  rule.Uses         `json:"uses"`
	Users []segment.Segment `json:"users"` // segments that name it
	// Pushes are those it is for that are not over, also by way of Users. The audience of one
	// that has begun stays as it is.
	Pushes []segmentPush `json:"pushes"`
}

// segmentPush is a push as the page of a segment names it.
type segmentPush struct {
	ID    id.ID  `json:"id"`
	Name  string `json:"name"`
	State string `json:"state"`
}

// pushesOn are the pushes to a segment, and to segments that name it, each once.
func (h *Handler) pushesOn(ctx context.Context, g segment.Segment) ([]segmentPush, error) {
	out, open, seen := []segmentPush{}, []id.ID{g.ID}, map[id.ID]bool{g.ID: true}
	for len(open) > 0 {
		of := open[0]
		open = open[1:]
		list, err := h.Pushes.Uses(ctx, of)
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			out = append(out, segmentPush{p.ID, p.Name, p.State})
		}
		users, err := h.Segments.Users(ctx, g.BrandID, rule.NameSegment, of)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			if !seen[u.ID] {
				seen[u.ID], open = true, append(open, u.ID)
			}
		}
	}
	return out, nil
}

func (h *Handler) getSegment(c *gin.Context) (any, error) {
	segmentID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	out := segmentView{}
	if out.Segment, err = h.Segments.Get(ctx, segmentID); err != nil {
		return nil, err
	}
	now, err := h.Segments.Nows(ctx, []id.ID{segmentID})
	if err != nil {
		return nil, err
	}
	out.segmentRow = h.veil(c).row(out.Segment, now[segmentID])
	if out.Rule, err = h.Segments.Version(ctx, segmentID, out.Version); err != nil {
		return nil, err
	}
	if out.Rule, err = h.worded(c, out.Rule); err != nil {
		return nil, err
	}
	out.Uses = out.Rule.Tree.Uses()
	if out.Users, err = h.Segments.Users(ctx, out.BrandID, rule.NameSegment, segmentID); err != nil {
		return nil, err
	}
	out.Pushes, err = h.pushesOn(ctx, out.Segment)
	return out, err
}

func (h *Handler) createSegment(c *gin.Context, e *audit.Entry) (any, error) {
	var in segment.Draft
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if err := h.brandThere(c.Request.Context(), in.BrandID); err != nil {
		return nil, err
	}
	if err := h.visible(c, in.BrandID, in.Tree); err != nil {
		return nil, err
	}
	g, err := h.Segments.Create(c.Request.Context(), in, e.ActorID)
	e.ObjectID, e.After = g.ID, segmentAudit(g, in.Tree)
	return g, err
}

// segmentAudit is a segment as the audit keeps it: with the rule as it was sent.
func segmentAudit(g segment.Segment, t rule.Tree) map[string]any {
	return map[string]any{"name": g.Name, "note": g.Note, "state": g.State, "version": g.Version, "tree": t}
}

func (h *Handler) updateSegment(c *gin.Context, e *audit.Entry) (any, error) {
	var in segment.Draft
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	old, err := h.Segments.Get(ctx, e.ObjectID)
	if err != nil {
		return nil, err
	}
	was, err := h.Segments.Version(ctx, old.ID, old.Version)
	if err != nil {
		return nil, err
	}
	if err := h.visible(c, old.BrandID, in.Tree); err != nil {
		return nil, err
	}
	g, err := h.Segments.Change(ctx, old.ID, in, e.ActorID)
	e.Before, e.After = segmentAudit(old, was.Tree), segmentAudit(g, in.Tree)
	return g, err
}

func (h *Handler) archiveSegment(c *gin.Context, e *audit.Entry) (any, error) {
	var in revInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	old, err := h.Segments.Get(c.Request.Context(), e.ObjectID)
	if err != nil {
		return nil, err
	}
	g, err := h.Segments.Archive(c.Request.Context(), old.ID, int(in.Rev))
	e.Before, e.After = old, g
	return g, err
}

func (h *Handler) segmentVersions() gin.HandlerFunc {
	return list(func(r segment.Rule) id.ID { return id.ID(r.Version) }, func(c *gin.Context, p web.Page) ([]segment.Rule, error) {
		segmentID, err := web.ParamID(c, "id")
		if err != nil {
			return nil, err
		}
		list, err := h.Segments.Versions(c.Request.Context(), segmentID, int(p.Before), p.Limit)
		if err != nil {
			return nil, err
		}
		return each(list, func(r segment.Rule) (segment.Rule, error) { return h.worded(c, r) })
	})
}

func (h *Handler) segmentSnapshots() gin.HandlerFunc {
	return list(func(s segment.Snapshot) id.ID { return id.ID(s.Day) }, func(c *gin.Context, p web.Page) ([]segment.Snapshot, error) {
		segmentID, err := web.ParamID(c, "id")
		if err != nil {
			return nil, err
		}
		list, err := h.Segments.Snapshots(c.Request.Context(), segmentID, clock.Day(p.Before), p.Limit)
		for i := range list {
			list[i] = h.veil(c).day(segmentID, list[i])
		}
		return list, err
	})
}

// day veils how many people a segment had.
func (v *veil) day(segmentID id.ID, s segment.Snapshot) segment.Snapshot {
	s.Count = v.count(s.Count, segmentID, s.Version, s.Day)
	return s
}

func (h *Handler) compareSegment(c *gin.Context) (any, error) {
	segmentID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	days := [2]int{}
	for i, name := range []string{"from", "to"} {
		if text := c.Query(name); text != "" || name == "from" {
			if days[i], err = strconv.Atoi(text); err != nil {
				return nil, fault.NewInvalid("bad_field", "日期应写成 20261120").With("field", name)
			}
		}
	}
	d, err := h.Segments.Compare(c.Request.Context(), segmentID, clock.Day(days[0]), clock.Day(days[1]))
	v := h.veil(c)
	d.From, d.To = v.day(segmentID, d.From), v.day(segmentID, d.To)
	for name, n := range map[string]*int64{"both": &d.Both, "came": &d.Came, "left": &d.Left} {
		*n = v.count(*n, segmentID, name, days)
	}
	return d, err
}

func (h *Handler) segmentWhy(c *gin.Context) (any, error) {
	memberID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	segmentID, err := web.QueryID(c, "segment_id")
	if err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	if _, err := h.Members.Get(ctx, memberID); err != nil {
		return nil, err
	}
	g, err := h.Segments.Get(ctx, segmentID)
	if err != nil {
		return nil, err
	}
	r, err := h.Segments.Version(ctx, g.ID, g.Version)
	if err == nil {
		err = h.visible(c, g.BrandID, r.Tree)
	}
	if err != nil {
		return nil, err
	}
	a, err := h.Segments.Why(ctx, segmentID, memberID)
	return spared(c, a), err
}

// memberSegments leaves out segments whose rules use tags that are not for who asks: being
// in one would tell the tag.
func (h *Handler) memberSegments(c *gin.Context) (any, error) {
	memberID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	if _, err := h.Members.Get(ctx, memberID); err != nil {
		return nil, err
	}
	list, err := h.Segments.BelongsTo(ctx, memberID)
	if err != nil {
		return nil, err
	}
	out := []segment.Belonging{}
	for _, b := range list {
		r, err := h.Segments.Version(ctx, b.SegmentID, b.Version)
		if err == nil {
			err = h.visible(c, b.BrandID, r.Tree)
		}
		switch {
		case err != nil && fault.KindOf(err) == fault.Invalid: // not for him, or a rule that cannot be read any more
		case err != nil:
			return nil, err
		default:
			out = append(out, b)
		}
	}
	return out, nil
}
