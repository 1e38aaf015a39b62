package admin

import (
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
		at(get, "/fraud/cases", operator.FraudRead, "推荐作弊案件列表", h.listFraud()),
		at(get, "/fraud/cases/:id", operator.FraudRead, "一个案件：证据与涉及的人", web.Answer(h.fraudCase)),
		at(get, "/fraud/cases/:id/people", operator.FraudRead, "案件涉及的人(翻页)", h.fraudPeople()),
		at(post, "/fraud/cases/:id/decide", operator.FraudDecide, "对案件作出决定：排除或属实", h.write("fraud_case.decide", ok, h.decideFraud)),
		at(get, "/brands/:id/fraud-policy", operator.FraudRead, "推荐作弊识别规则", web.Answer(h.getFraudPolicy)),
		at(put, "/brands/:id/fraud-policy", operator.FraudDecide, "修改推荐作弊识别规则", h.write("fraud_policy.save", ok, h.saveFraudPolicy)),
	}
}

func (h *Handler) listFraud() gin.HandlerFunc {
	return list(func(x fraud.Case) id.ID { return x.ID }, func(c *gin.Context, p web.Page) ([]fraud.Case, error) {
		brandID, err := web.QueryID(c, "brand_id")
		if err != nil {
			return nil, err
		}
		referrerID, err := web.QueryID(c, "referrer_id")
		if err != nil {
			return nil, err
		}
		return h.Fraud.List(c.Request.Context(), fraud.Filter{BrandID: brandID, ReferrerID: referrerID, State: c.Query("state"), Kind: c.Query("kind"), Before: p.Before, Limit: p.Limit})
	})
}

// fraudView is a case with the first of its people.
type fraudView struct {
	fraud.Case
	Suspects []fraud.Suspect `json:"suspects"`
}

func (h *Handler) fraudCase(c *gin.Context) (any, error) {
	caseID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	x, err := h.Fraud.Get(c.Request.Context(), caseID)
	if err != nil {
		return nil, err
	}
	people, err := h.Fraud.People(c.Request.Context(), caseID, 0, 50)
	return fraudView{x, people}, err
}

func (h *Handler) fraudPeople() gin.HandlerFunc {
	return list(func(x fraud.Suspect) id.ID { return x.MemberID }, func(c *gin.Context, p web.Page) ([]fraud.Suspect, error) {
		caseID, err := web.ParamID(c, "id")
		if err != nil {
			return nil, err
		}
		return h.Fraud.People(c.Request.Context(), caseID, p.Before, p.Limit)
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
