package admin

import (
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/consent"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/operator"
	"siyu/model/rights"
)

// revealsPerOperator within about an hour: an operator who calls people back gets on, one
// who copies the book does not.
const revealsPerOperator = 30

// rightsRoutes: what members agreed to, what they ask of their data, and the one place
// where a telephone number is shown.
func (h *Handler) rightsRoutes() []web.Route {
	return []web.Route{
		at(get, "/consent-purposes", operator.ConsentRead, "授权用途与文本", web.Answer(h.purposes)).Gives([]consent.Purpose{}),
		at(get, "/members/:id/consents", operator.ConsentRead, "会员的授权与记录", web.Answer(h.memberConsents)).Asks("before?", "limit?").Gives(consentsOf{}),
		at(get, "/rights", operator.RightsRead, "个人信息权利请求(state=open 按期限排序)", h.listRights()).Asks("state?:open|requested|approved|running|done|refused|cancelled").Lists(rights.Request{}).Counts(),
		at(get, "/rights/:id", operator.RightsRead, "个人信息权利请求详情", web.Answer(h.getRights)).Gives(rightsDetail{}),
		at(get, "/rights/:id/proof", operator.RightsRead, "注销的删除证明", web.Answer(h.rightsProof)).Gives(rights.Proof{}),
		at(post, "/rights", operator.RightsWrite, "代会员登记请求(须另一人核实)", h.write("rights.create", created, h.createRights)).Takes(rightsInput{}).Gives(rights.Request{}),
		at(post, "/rights/:id/approve", operator.RightsWrite, "核实身份并受理", h.write("rights.approve", ok, h.approveRights)).Takes(reasonInput{}).Gives(rights.Request{}),
		at(post, "/rights/:id/refuse", operator.RightsWrite, "不予受理(写明理由)", h.write("rights.refuse", ok, h.refuseRights)).Takes(reasonInput{}).Gives(rights.Request{}),
		at(post, "/members/:id/phone/reveal", operator.PhoneReveal, "查看完整手机号(写明理由)", h.secret("phone.reveal", ok, h.revealPhone)).Takes(reasonInput{}).Gives(revealed{}),
	}
}

func (h *Handler) purposes(*gin.Context) (any, error) { return consent.Purposes(), nil }

// consentsOf is a member's consents: what counts, and every answer.
type consentsOf struct {
	State   []consent.Answer  `json:"state"`
	History []consent.Consent `json:"history"`
	Next    string            `json:"next"` // ?before= of the next page of the history
}

func (h *Handler) memberConsents(c *gin.Context) (any, error) {
	memberID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	if _, err := h.Members.Get(c.Request.Context(), memberID); err != nil {
		return nil, err
	}
	page, err := web.Paging(c)
	if err != nil {
		return nil, err
	}
	out := consentsOf{}
	if out.State, err = h.Consents.State(c.Request.Context(), memberID); err != nil {
		return nil, err
	}
	out.History, err = h.Consents.History(c.Request.Context(), memberID, page.Before, page.Limit)
	out.Next = web.Next(out.History, page.Limit, func(x consent.Consent) string { return x.ID.String() })
	return out, err
}

func (h *Handler) listRights() gin.HandlerFunc {
	return counted(func(r rights.Request) id.ID { return r.ID }, func(c *gin.Context, p web.Page) ([]rights.Request, error) {
		return h.Rights.List(c.Request.Context(), c.Query("state"), p.Before, p.Limit)
	}, func(c *gin.Context) (int, bool, error) {
		return h.Rights.Count(c.Request.Context(), c.Query("state"))
	})
}

// rightsDetail is a request with what it asks to correct, for who decides.
type rightsDetail struct {
	rights.Request
	Fields map[string]string `json:"fields"`
}

func (h *Handler) getRights(c *gin.Context) (any, error) {
	requestID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	r, err := h.Rights.Get(c.Request.Context(), requestID)
	if err != nil {
		return nil, err
	}
	fields, err := h.Rights.Fields(r)
	return rightsDetail{r, fields}, err
}

func (h *Handler) rightsProof(c *gin.Context) (any, error) { return one(c, h.Rights.ProofOf) }

type rightsInput struct {
	MemberID id.ID             `json:"member_id"`
	Kind     string            `json:"kind"`
	Fields   map[string]string `json:"fields"`
	Reason   string            `json:"reason"` // how the member asked
}

func (h *Handler) createRights(c *gin.Context, e *audit.Entry) (any, error) {
	var in rightsInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if err := worded(in.Reason); err != nil {
		return nil, err
	}
	r, err := h.Rights.Ask(c.Request.Context(), rights.Ask{MemberID: in.MemberID, Kind: in.Kind, Fields: in.Fields, Channel: consent.Operator, OperatorID: e.ActorID})
	e.ObjectID, e.After = r.ID, r
	return r, err
}

func (h *Handler) approveRights(c *gin.Context, e *audit.Entry) (any, error) {
	var in reasonInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if err := worded(in.Reason); err != nil {
		return nil, err
	}
	r, err := h.Rights.Approve(c.Request.Context(), e.ObjectID, e.ActorID, in.Reason)
	e.After = r
	return r, err
}

func (h *Handler) refuseRights(c *gin.Context, e *audit.Entry) (any, error) {
	var in reasonInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	r, err := h.Rights.Refuse(c.Request.Context(), e.ObjectID, e.ActorID, in.Reason)
	e.After = r
	return r, err
}

// worded asks for a reason that says something.
func worded(reason string) error {
	if n := utf8.RuneCountInString(strings.TrimSpace(reason)); n < 2 || n > 400 {
		return fault.NewInvalid("reason_missing", "请填写理由，2 到 400 个字").With("field", "reason")
	}
	return nil
}

var errReveals = fault.New(fault.Throttled, "too_many_reveals", "查看手机号过于频繁，请稍后再试").With("retry_after_s", 3600)

// revealed is the one answer that holds numbers in clear.
type revealed struct {
	Phones []string `json:"phones"`
}

// revealPhone shows the numbers of one member. The entry in the audit stands before the
// number is opened, and holds the reason and never the number.
func (h *Handler) revealPhone(c *gin.Context, e *audit.Entry) (any, error) {
	var in reasonInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if err := worded(in.Reason); err != nil {
		return nil, err
	}
	memberID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	who := e.ActorID.String()
	if !h.reveals.Take(who) {
		return nil, errReveals
	}
	ctx := c.Request.Context()
	family, err := h.Members.Family(ctx, memberID)
	if err != nil {
		return nil, err
	}
	numbers := []string{}
	for _, m := range family {
		of, err := h.Members.Get(ctx, m)
		if err != nil {
			return nil, err
		}
		keys, err := h.Identities.Keys(ctx, of.PersonID)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			if k.Kind != identity.Phone {
				continue
			}
			n, err := h.Phones.Reveal(ctx, k.Value)
			if err != nil && fault.KindOf(err) != fault.NotFound {
				return nil, err
			}
			if err == nil {
				numbers = append(numbers, n.Digits())
			}
		}
	}
	e.After = map[string]any{"member_id": memberID, "count": len(numbers)}
	if len(numbers) == 0 {
		return nil, fault.New(fault.NotFound, "phone_not_found", "这个会员没有手机号")
	}
	return revealed{numbers}, nil
}
