package admin

import (
	"cmp"
	"context"
	"strconv"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/commission"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/money"
	"siyu/model/operator"
	"siyu/model/withdrawal"
)

// withdrawalRoutes: earned commission on its way out. Who sets the terms does not approve.
func (h *Handler) withdrawalRoutes() []web.Route {
	return []web.Route{
		at(get, "/withdrawals", operator.WithdrawalRead, "佣金提现列表", h.listWithdrawals()).
			Asks("brand_id?", "member_id?", "state?:requested|approved|paid|refused|returned|failed|cancelled").Lists(asked{}).Counts(),
		at(get, "/withdrawals/tax", operator.WithdrawalRead, "一个月的代扣税明细(按编号翻页)", h.taxReport).Asks("brand_id", "month", "after?").Lists(namedTax{}),
		at(get, "/withdrawals/:id", operator.WithdrawalRead, "佣金提现：出资账户、打款单、经过", web.Answer(h.getWithdrawal)).Gives(withdrawalView{}),
		at(post, "/withdrawals/:id/approve", operator.WithdrawalApprove, "通过提现并付款(税款必填；与建议不同须写原因)", h.write("withdrawal.approve", ok, h.approveWithdrawal)).Takes(approveInput{}).Gives(withdrawal.Withdrawal{}),
		at(post, "/withdrawals/:id/refuse", operator.WithdrawalApprove, "拒绝提现(写明原因，金额退回)", h.write("withdrawal.refuse", ok, h.refuseWithdrawal)).Takes(reasonInput{}).Gives(withdrawal.Withdrawal{}),
		at(get, "/brands/:id/withdrawal-policy", operator.WithdrawalRead, "提现规则", web.Answer(h.getWithdrawalPolicy)).Gives(withdrawal.Policy{}),
		at(put, "/brands/:id/withdrawal-policy", operator.WithdrawalPolicy, "修改提现规则", h.write("withdrawal_policy.save", ok, h.saveWithdrawalPolicy)).Takes(withdrawal.Policy{}).Gives(withdrawal.Policy{}),
		at(get, "/members/:id/earnings", operator.WithdrawalRead, "会员的佣金账户", web.Answer(h.memberEarnings)).Asks("brand_id").Gives(earningsView{}),
		at(get, "/members/:id/earnings/lines", operator.WithdrawalRead, "会员的佣金收支明细", h.memberEarningLines()).Asks("brand_id").Lists(ledger.Line{}),
	}
}

// asked is a withdrawal with whose it is.
type asked struct {
	withdrawal.Withdrawal
	NetFen money.Fen `json:"net_fen"`
	Who    who       `json:"who"`
}

func (h *Handler) listWithdrawals() gin.HandlerFunc {
	return counted(func(w asked) id.ID { return w.ID }, func(c *gin.Context, p web.Page) ([]asked, error) {
		f, err := withdrawalsAsked(c)
		if err != nil {
			return nil, err
		}
		f.Before, f.Limit = p.Before, p.Limit
		rows, err := h.Withdrawals.List(c.Request.Context(), f)
		if err != nil {
			return nil, err
		}
		name := h.names(c.Request.Context())
		return each(rows, func(w withdrawal.Withdrawal) (asked, error) {
			whose, err := name(w.BrandID, w.MemberID)
			return asked{w, w.NetFen(), whose}, err
		})
	}, func(c *gin.Context) (int, bool, error) {
		f, err := withdrawalsAsked(c)
		if err != nil {
			return 0, false, err
		}
		return h.Withdrawals.Count(c.Request.Context(), f)
	})
}

func withdrawalsAsked(c *gin.Context) (withdrawal.Filter, error) {
	f := withdrawal.Filter{State: c.Query("state")}
	return f, queryIDs(c, map[string]*id.ID{"brand_id": &f.BrandID, "member_id": &f.MemberID})
}

// withdrawalView is a withdrawal with all that belongs to it.
type withdrawalView struct {
	withdrawal.Detail
	Who who `json:"who"`
}

func (h *Handler) getWithdrawal(c *gin.Context) (any, error) {
	return one(c, func(ctx context.Context, withdrawalID id.ID) (withdrawalView, error) {
		d, err := h.Withdrawals.Detail(ctx, withdrawalID)
		if err != nil {
			return withdrawalView{}, err
		}
		whose, err := h.names(ctx)(d.BrandID, d.MemberID)
		return withdrawalView{d, whose}, err
	})
}

type approveInput struct {
	TaxFen       *money.Fen `json:"tax_fen"`       // withheld; must be there
	SuggestedFen *money.Fen `json:"suggested_fen"` // the suggestion that the page showed; another one by now: Conflict
	Reason       string     `json:"reason"`        // needed with another tax than suggested
}

func (h *Handler) approveWithdrawal(c *gin.Context, e *audit.Entry) (any, error) {
	var in approveInput
	if err := bindOptional(c, &in); err != nil {
		return nil, err
	}
	return h.moveWithdrawal(c, e, func(ctx context.Context) (withdrawal.Withdrawal, error) {
		return h.Withdrawals.Approve(ctx, e.ObjectID, withdrawal.Decision{By: e.ActorID, TaxFen: in.TaxFen, SuggestedFen: in.SuggestedFen, Reason: in.Reason})
	})
}

func (h *Handler) refuseWithdrawal(c *gin.Context, e *audit.Entry) (any, error) {
	var in reasonInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	return h.moveWithdrawal(c, e, func(ctx context.Context) (withdrawal.Withdrawal, error) {
		return h.Withdrawals.Refuse(ctx, e.ObjectID, e.ActorID, in.Reason)
	})
}

// moveWithdrawal runs a decision and leaves both sides of it in the audit.
func (h *Handler) moveWithdrawal(c *gin.Context, e *audit.Entry, do func(context.Context) (withdrawal.Withdrawal, error)) (any, error) {
	before, err := h.Withdrawals.Get(c.Request.Context(), e.ObjectID)
	if err != nil {
		return nil, err
	}
	after, err := do(c.Request.Context())
	e.Before, e.After = before, after
	return after, err
}

func (h *Handler) getWithdrawalPolicy(c *gin.Context) (any, error) {
	return one(c, h.Withdrawals.Policy)
}

func (h *Handler) saveWithdrawalPolicy(c *gin.Context, e *audit.Entry) (any, error) {
	var in withdrawal.Policy
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	brandID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	before, err := h.Withdrawals.Policy(c.Request.Context(), brandID)
	if err != nil {
		return nil, err
	}
	in.BrandID, in.ByID = brandID, e.ActorID
	after, err := h.Withdrawals.SavePolicy(c.Request.Context(), in)
	e.ObjectID, e.Before, e.After = brandID, before, after
	return after, err
}

// earningsView is a human's accounts at a brand and their sum.
type earningsView struct {
	commission.Account
	FreeFen  money.Fen            `json:"free_fen"` // may be asked for now
	Accounts []commission.Account `json:"accounts"`
}

// memberEarnings is the human's account with ?brand_id and those of his members.
func (h *Handler) memberEarnings(c *gin.Context) (any, error) {
	brandID, err := brandAsked(c)
	if err != nil {
		return nil, err
	}
	memberID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	sum, err := h.Earnings.Of(c.Request.Context(), brandID, memberID)
	if err != nil {
		return nil, err
	}
	rows, err := h.Earnings.OfFamily(c.Request.Context(), brandID, memberID)
	return earningsView{sum, sum.FreeFen(), rows}, err
}

func (h *Handler) memberEarningLines() gin.HandlerFunc {
	return list(func(l ledger.Line) id.ID { return l.ID }, func(c *gin.Context, p web.Page) ([]ledger.Line, error) {
		brandID, err := brandAsked(c)
		if err != nil {
			return nil, err
		}
		memberID, err := web.ParamID(c, "id")
		if err != nil {
			return nil, err
		}
		return h.Earnings.Statement(c.Request.Context(), brandID, memberID, p.Before, p.Limit)
	})
}

// namedTax is a line of the tax list with whose it is.
type namedTax struct {
	withdrawal.TaxLine
	Who who `json:"who"`
}

// taxReport is ?brand_id and ?month (202611), from the id after on. A file of it is taken out
// like other lists (withdrawal_tax): with a reason, by who may.
func (h *Handler) taxReport(c *gin.Context) {
	named, next, err := h.taxLines(c)
	if err != nil {
		web.Fail(c, err)
		return
	}
	web.Listed(c, named, next)
}

func (h *Handler) taxLines(c *gin.Context) (named []namedTax, next string, err error) {
	brandID, err := brandAsked(c)
	if err != nil {
		return nil, "", err
	}
	page, err := web.Paging(c)
	if err != nil {
		return nil, "", err
	}
	after, err := web.QueryID(c, "after")
	if err != nil {
		return nil, "", err
	}
	month, err := strconv.Atoi(cmp.Or(c.Query("month"), "0"))
	if err != nil {
		return nil, "", fault.NewInvalid("bad_field", "月份应形如 202611").With("field", "month")
	}
	lines, err := h.Withdrawals.TaxReport(c.Request.Context(), brandID, month, after, page.Limit)
	if err != nil {
		return nil, "", err
	}
	name := h.names(c.Request.Context())
	named, err = each(lines, func(l withdrawal.TaxLine) (namedTax, error) {
		whose, err := name(brandID, l.MemberID)
		return namedTax{l, whose}, err
	})
	return named, web.Next(lines, page.Limit, func(l withdrawal.TaxLine) string { return l.ID.String() }), err
}
