package admin

import (
	"context"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/fraud"
	"siyu/model/id"
	"siyu/model/operator"
)

// fraudRoutes: referrals that look wrong, and who decided about them.
func (h *Handler) fraudRoutes() []web.Route {
	return []web.Route{
		at(get, "/fraud/cases", operator.FraudRead, "推荐作弊案件列表", h.listFraud()).
			Asks("brand_id?", "referrer_id?", "state?:open|cleared|confirmed", "kind?:ring|own_device|device|address|burst|clerk_self").Lists(namedCase{}).Counts(),
		at(get, "/fraud/cases/:id", operator.FraudRead, "一个案件：证据与涉及的人", web.Answer(h.fraudCase)).Gives(fraudView{}),
		at(get, "/fraud/cases/:id/people", operator.FraudRead, "案件涉及的人(翻页)", h.fraudPeople()).Lists(namedSuspect{}),
		at(post, "/fraud/cases/:id/decide", operator.FraudDecide, "对案件作出决定：排除或属实", h.write("fraud_case.decide", ok, h.decideFraud)).Takes(fraudDecision{}).Gives(fraud.Case{}),
		at(get, "/brands/:id/fraud-policy", operator.FraudRead, "推荐作弊识别规则", web.Answer(h.getFraudPolicy)).Gives(fraud.Policy{}),
		at(put, "/brands/:id/fraud-policy", operator.FraudDecide, "修改推荐作弊识别规则", h.write("fraud_policy.save", ok, h.saveFraudPolicy)).Takes(fraud.Policy{}).Gives(fraud.Policy{}),
	}
}

// namedCase is a case with who brought the people.
type namedCase struct {
	fraud.Case
	Referrer who `json:"referrer"`
}

// namedSuspect is one of a case's people with what he is called.
type namedSuspect struct {
	fraud.Suspect
	Who who `json:"who"`
}

func (h *Handler) listFraud() gin.HandlerFunc {
	return counted(func(x namedCase) id.ID { return x.ID }, func(c *gin.Context, p web.Page) ([]namedCase, error) {
		f, err := fraudAsked(c)
		if err != nil {
			return nil, err
		}
		f.Before, f.Limit = p.Before, p.Limit
		rows, err := h.Fraud.List(c.Request.Context(), f)
		if err != nil {
			return nil, err
		}
		name := h.names(c.Request.Context())
		return each(rows, func(x fraud.Case) (namedCase, error) {
			whose, err := name(x.BrandID, x.ReferrerID)
			return namedCase{x, whose}, err
		})
	}, func(c *gin.Context) (int, bool, error) {
		f, err := fraudAsked(c)
		if err != nil {
			return 0, false, err
		}
		return h.Fraud.Count(c.Request.Context(), f)
	})
}

func fraudAsked(c *gin.Context) (fraud.Filter, error) {
	f := fraud.Filter{State: c.Query("state"), Kind: c.Query("kind")}
	return f, queryIDs(c, map[string]*id.ID{"brand_id": &f.BrandID, "referrer_id": &f.ReferrerID})
}

// fraudView is a case with the first of its people, and those of a ring in their order.
type fraudView struct {
	namedCase
	Suspects []namedSuspect `json:"suspects"`
	Chain    []person       `json:"chain"`
}

func (h *Handler) fraudCase(c *gin.Context) (any, error) {
	return one(c, func(ctx context.Context, caseID id.ID) (v fraudView, err error) {
		if v.Case, err = h.Fraud.Get(ctx, caseID); err != nil {
			return v, err
		}
		name := h.names(ctx)
		if v.Referrer, err = name(v.BrandID, v.ReferrerID); err != nil {
			return v, err
		}
		if v.Chain, err = each(v.Evidence.Chain, func(m id.ID) (person, error) {
			whose, err := name(v.BrandID, m)
			return person{m, whose}, err
		}); err != nil {
			return v, err
		}
		people, err := h.Fraud.People(ctx, caseID, 0, 50)
		if err != nil {
			return v, err
		}
		v.Suspects, err = each(people, func(x fraud.Suspect) (namedSuspect, error) {
			whose, err := name(v.BrandID, x.MemberID)
			return namedSuspect{x, whose}, err
		})
		return v, err
	})
}

func (h *Handler) fraudPeople() gin.HandlerFunc {
	return list(func(x namedSuspect) id.ID { return x.MemberID }, func(c *gin.Context, p web.Page) ([]namedSuspect, error) {
		caseID, err := web.ParamID(c, "id")
		if err != nil {
			return nil, err
		}
		of, err := h.Fraud.Get(c.Request.Context(), caseID)
		if err != nil {
			return nil, err
		}
		people, err := h.Fraud.People(c.Request.Context(), caseID, p.Before, p.Limit)
		if err != nil {
			return nil, err
		}
		name := h.names(c.Request.Context())
		return each(people, func(x fraud.Suspect) (namedSuspect, error) {
			whose, err := name(of.BrandID, x.MemberID)
			return namedSuspect{x, whose}, err
		})
	})
}

type fraudDecision struct {
	Decision string `json:"decision"` // cleared, confirmed
	Reason   string `json:"reason"`
}

func (h *Handler) decideFraud(c *gin.Context, e *audit.Entry) (any, error) {
	var in fraudDecision
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	caseID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	x, err := h.Fraud.Decide(c.Request.Context(), caseID, in.Decision, in.Reason, e.ActorID)
	e.ObjectID, e.After, e.Reason = x.ID, x, in.Reason
	return x, err
}

func (h *Handler) getFraudPolicy(c *gin.Context) (any, error) {
	brandID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(c.Request.Context(), brandID); err != nil {
		return nil, err
	}
	return h.Fraud.Policy(c.Request.Context(), brandID)
}

func (h *Handler) saveFraudPolicy(c *gin.Context, e *audit.Entry) (any, error) {
	var in fraud.Policy
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	brandID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(ctx, brandID); err != nil {
		return nil, err
	}
	before, err := h.Fraud.Policy(ctx, brandID)
	if err != nil {
		return nil, err
	}
	x, err := h.Fraud.SavePolicy(ctx, brandID, in)
	e.ObjectID = brandID
	e.Before, e.After = before, x
	return x, err
}
