package admin

// Whom a push reaches, as operators may see it: previews, tests and the white list, what
// became of each copy, and what came of them all. The veil lies over most of it.

import (
	"context"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/fault"
	"siyu/model/holdout"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/model/say"
)

// previewPush writes a message for a member; operators of some brands, who may not open
// members' pages, are shown one of the audience that chance names. So are those whose the tag
// is not by which the audience was found: they are not told who it is.
func (h *Handler) previewPush(c *gin.Context) (any, error) {
	memberID, err := web.QueryID(c, "member_id")
	if err != nil {
		return nil, err
	}
	if memberID != 0 && blind(c) {
		return nil, errHidden
	}
	return one(c, func(ctx context.Context, pushID id.ID) ([]push.Preview, error) {
		p, err := h.Pushes.Get(ctx, pushID)
		if err != nil {
			return nil, err
		}
		secret := false
		if err := h.visibleAudience(c, p.Form); err != nil {
			if secret = fault.KindOf(err) == fault.Invalid; !secret {
				return nil, err
			}
		}
		v := h.veil(c)
		list, err := h.Pushes.Preview(ctx, pushID, memberID, v.under())
		if v != nil || secret && memberID == 0 {
			for i := range list {
				list[i].MemberID = 0
			}
		}
		return list, err
	})
}

type pushTestInput struct {
	Arm       int     `json:"arm"` // index of the version
	MemberIDs []id.ID `json:"member_ids"`
}

func (h *Handler) testPush(c *gin.Context, e *audit.Entry) (any, error) {
	var in pushTestInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	ctx, v := c.Request.Context(), h.veil(c)
	p, err := h.Pushes.Get(ctx, e.ObjectID)
	if err != nil {
		return nil, err
	}
	if in.MemberIDs, err = h.testersBehind(ctx, v, p.BrandID, in.MemberIDs); err != nil {
		return nil, err
	}
	x, err := h.Pushes.SendTest(ctx, e.ObjectID, in.Arm, in.MemberIDs, e.ActorID)
	e.After = testAudit{x.ID, x.Arm, len(x.Deliveries)}
	return v.test(p.BrandID, x), err
}

// testAudit is a test as the audit keeps it: how many it went to, not to whom.
type testAudit struct {
	ID     id.ID `json:"id"`
	Arm    int   `json:"arm"`
	People int   `json:"people"`
}

// test names testers by their aliases.
func (v *veil) test(brandID id.ID, x push.Test) push.Test {
	for i := range x.Deliveries {
		x.Deliveries[i].MemberID = v.alias(brandID, x.Deliveries[i].MemberID)
	}
	return x
}

// testersBehind are the members behind aliases; who has none stays as he is, and is refused.
func (h *Handler) testersBehind(ctx context.Context, v *veil, brandID id.ID, names []id.ID) ([]id.ID, error) {
	if v == nil {
		return names, nil
	}
	list, err := h.Pushes.Testers(ctx, brandID)
	if err != nil {
		return nil, err
	}
	of := map[id.ID]id.ID{}
	for _, t := range list {
		of[v.alias(brandID, t.MemberID)] = t.MemberID
	}
	out := make([]id.ID, len(names))
	for i, n := range names {
		out[i] = of[n]
	}
	return out, nil
}

func (h *Handler) pushTests(c *gin.Context) (any, error) {
	return one(c, func(ctx context.Context, pushID id.ID) ([]push.Test, error) {
		p, err := h.Pushes.Get(ctx, pushID)
		if err != nil {
			return nil, err
		}
		list, err := h.Pushes.Tests(ctx, pushID)
		for i := range list {
			list[i] = h.veil(c).test(p.BrandID, list[i])
		}
		return list, err
	})
}

func (h *Handler) pushTesters(c *gin.Context) (any, error) {
	return one(c, func(ctx context.Context, brandID id.ID) ([]push.Tester, error) {
		list, err := h.Pushes.Testers(ctx, brandID)
		for i := range list {
			list[i].MemberID = h.veil(c).alias(brandID, list[i].MemberID)
		}
		return list, err
	})
}

// fewOf says that a push has so few people that what became of them is not told to who asks.
func (h *Handler) fewOf(c *gin.Context, pushID id.ID) (bool, error) {
	v := h.veil(c)
	if v == nil {
		return false, nil
	}
	p, err := h.Pushes.Get(c.Request.Context(), pushID)
	return p.People < v.few, err
}

var errThin = fault.New(fault.Conflict, "report_thin", "这次触达有的版本或对照组人数太少，效果会指向具体的人，请联系有会员权限的同事查看")

func (h *Handler) pushReport(c *gin.Context) (any, error) {
	return one(c, func(ctx context.Context, pushID id.ID) (holdout.Report, error) {
		r, err := h.Reports.Of(ctx, pushID)
		if err != nil {
			return r, err
		}
		return h.veil(c).report(r)
	})
}

// pushNumbers tells of a push to few only how far it is.
func (h *Handler) pushNumbers(c *gin.Context) (any, error) {
	return one(c, func(ctx context.Context, pushID id.ID) (push.Numbers, error) {
		n, err := h.Pushes.Numbers(ctx, pushID)
		if err != nil {
			return n, err
		}
		few, err := h.fewOf(c, pushID)
		if few {
			n = push.Numbers{PushID: n.PushID, State: n.State, AsOf: n.AsOf, Percent: n.Percent, ETASeconds: n.ETASeconds,
				Said: say.Of("pace_few", "人数太少，进展会指向具体的人，不显示详情"), Counts: []push.Count{}, Clicks: []push.Clicks{}, Tasks: []push.TaskCount{}}
			n.Words = n.Said.Text
			return n, nil
		}
		return h.veil(c).numbers(n), err
	})
}

func (h *Handler) pushEstimate(c *gin.Context) (any, error) {
	return one(c, func(ctx context.Context, pushID id.ID) (push.Estimate, error) {
		e, err := h.Pushes.Estimate(ctx, pushID)
		return h.veil(c).estimate(pushID, e), err
	})
}

// pushOptOuts names nobody to who may see no members, as copies do not.
func (h *Handler) pushOptOuts(c *gin.Context) (any, error) {
	return one(c, func(ctx context.Context, pushID id.ID) (reach.After, error) {
		few, err := h.fewOf(c, pushID)
		if few || err != nil {
			return reach.After{List: []reach.AfterOne{}}, err
		}
		a, err := h.Reach.OptOutsAfter(ctx, pushID)
		return h.veil(c).after(pushID, a), err
	})
}

func (h *Handler) listDeliveries(c *gin.Context) (any, error) {
	memberID, err := web.QueryID(c, "member_id")
	if err != nil {
		return nil, err
	}
	after, err := web.QueryID(c, "after")
	if err != nil {
		return nil, err
	}
	limit, err := web.Limit(c)
	if err != nil {
		return nil, err
	}
	if blind(c) { // whoever counts the copies knows the numbers
		return nil, errHidden
	}
	return one(c, func(ctx context.Context, pushID id.ID) ([]push.Delivery, error) {
		return h.Pushes.Deliveries(ctx, pushID, c.Query("state"), memberID, after, limit)
	})
}

func (h *Handler) pushWhy(c *gin.Context) (any, error) {
	memberID, err := web.QueryID(c, "member_id")
	if err == nil && memberID == 0 {
		err = fault.NewInvalid("member_id", "请填写会员编号").With("field", "member_id")
	}
	if err != nil {
		return nil, err
	}
	if blind(c) {
		return nil, errHidden
	}
	return one(c, func(ctx context.Context, pushID id.ID) (push.Trace, error) {
		t, err := h.Pushes.Why(ctx, pushID, memberID)
		if err == nil {
			err = h.ruled(c, &t)
		}
		if err == nil && t.Delivery == nil {
			err = h.left(c, &t)
		}
		return t, err
	})
}

// left says which conditions of a push's segment, as the push began with it, somebody does
// not fulfil who was not in its audience. Of a rule that is not for who asks nothing is said.
func (h *Handler) left(c *gin.Context, t *push.Trace) error {
	ctx := c.Request.Context()
	p, err := h.Pushes.Get(ctx, t.PushID)
	if err != nil || p.FrozenAt == 0 || p.SegmentID == 0 {
		return err
	}
	r, err := h.Segments.Version(ctx, p.SegmentID, p.SegmentVersion)
	if fault.KindOf(err) == fault.NotFound && err != nil {
		return nil
	}
	if err != nil {
		return err
	}
	a, err := h.whyRule(c, p.BrandID, r.Tree, t.MemberID)
	if err != nil {
		return err
	}
	var by []push.Condition
	for _, x := range a.Reasons {
		if x.Decides {
			by = append(by, push.Condition{Text: x.Text, Holds: x.Holds, Found: x.Found})
		}
	}
	t.Left(h.Clock.Now(), a.In, a.Code, by)
	return nil
}

type testerInput struct {
	MemberID id.ID  `json:"member_id"`
	Name     string `json:"name"`
}

func (h *Handler) tester(c *gin.Context, e *audit.Entry) (push.Tester, error) {
	var in testerInput
	if err := web.Bind(c, &in); err != nil {
		return push.Tester{}, err
	}
	brandID, err := web.ParamID(c, "id")
	if err == nil {
		_, err = h.Brands.Get(c.Request.Context(), brandID)
	}
	e.ObjectID = in.MemberID
	return push.Tester{BrandID: brandID, MemberID: in.MemberID, Name: in.Name, ByID: e.ActorID}, err
}

// addTester: whom an operator puts on the list is written to without being asked, so he must
// be able to see who that is.
func (h *Handler) addTester(c *gin.Context, e *audit.Entry) (any, error) {
	if blind(c) {
		return nil, errHidden
	}
	t, err := h.tester(c, e)
	if err != nil {
		return nil, err
	}
	t, err = h.Pushes.AddTester(c.Request.Context(), t)
	e.After = t
	return t, err
}

func (h *Handler) removeTester(c *gin.Context, e *audit.Entry) (any, error) {
	t, err := h.tester(c, e)
	if err != nil {
		return nil, err
	}
	ctx, v, said := c.Request.Context(), h.veil(c), t
	behind, err := h.testersBehind(ctx, v, t.BrandID, []id.ID{t.MemberID})
	if err != nil {
		return nil, err
	}
	t.MemberID, e.ObjectID = behind[0], behind[0]
	e.Before = t
	return said, h.Pushes.RemoveTester(ctx, t.BrandID, t.MemberID)
}
