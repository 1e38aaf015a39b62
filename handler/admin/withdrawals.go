package admin

import (
	"cmp"
	"context"
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"

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
		at(get, "/withdrawals", operator.WithdrawalRead, "佣金提现列表", h.listWithdrawals()),
		at(get, "/withdrawals/tax", operator.WithdrawalRead, "一个月的代扣税明细(按编号翻页，可导出 CSV)", h.taxReport),
		at(get, "/withdrawals/:id", operator.WithdrawalRead, "佣金提现：出资账户、打款单、经过", web.Answer(h.getWithdrawal)),
		at(post, "/withdrawals/:id/approve", operator.WithdrawalApprove, "通过提现并付款(税款可改，须写原因)", h.write("withdrawal.approve", ok, h.approveWithdrawal)),
		at(post, "/withdrawals/:id/refuse", operator.WithdrawalApprove, "拒绝提现(写明原因，金额退回)", h.write("withdrawal.refuse", ok, h.refuseWithdrawal)),
		at(get, "/brands/:id/withdrawal-policy", operator.WithdrawalRead, "提现规则", web.Answer(h.getWithdrawalPolicy)),
		at(put, "/brands/:id/withdrawal-policy", operator.WithdrawalPolicy, "修改提现规则", h.write("withdrawal_policy.save", ok, h.saveWithdrawalPolicy)),
		at(get, "/members/:id/earnings", operator.WithdrawalRead, "会员的佣金账户", web.Answer(h.memberEarnings)),
		at(get, "/members/:id/earnings/lines", operator.WithdrawalRead, "会员的佣金收支明细", h.memberEarningLines()),
	}
}

// asked is a withdrawal with whose it is.
type asked struct {
	withdrawal.Withdrawal
	NetFen money.Fen `json:"net_fen"`
	Who    who       `json:"who"`
}

func (h *Handler) listWithdrawals() gin.HandlerFunc {
	return list(func(w asked) id.ID { return w.ID }, func(c *gin.Context, p web.Page) ([]asked, error) {
		f := withdrawal.Filter{State: c.Query("state"), Before: p.Before, Limit: p.Limit}
		if err := queryIDs(c, map[string]*id.ID{"brand_id": &f.BrandID, "member_id": &f.MemberID}); err != nil {
			return nil, err
		}
		rows, err := h.Withdrawals.List(c.Request.Context(), f)
		out, name := make([]asked, 0, len(rows)), h.names(c.Request.Context())
		for _, w := range rows {
			whose, err := name(w.BrandID, w.MemberID)
			if err != nil {
				return nil, err
			}
			out = append(out, asked{w, w.NetFen(), whose})
		}
		return out, err
	})
}

func (h *Handler) getWithdrawal(c *gin.Context) (any, error) {
	return one(c, func(ctx context.Context, withdrawalID id.ID) (any, error) {
		d, err := h.Withdrawals.Detail(ctx, withdrawalID)
		if err != nil {
			return nil, err
		}
		whose, err := h.names(ctx)(d.BrandID, d.MemberID)
		return struct {
			withdrawal.Detail
			Who who `json:"who"`
		}{d, whose}, err
	})
}

type approveInput struct {
	TaxFen *money.Fen `json:"tax_fen"` // missing: as suggested
	Reason string     `json:"reason"`
}

func (h *Handler) approveWithdrawal(c *gin.Context, e *audit.Entry) (any, error) {
	var in approveInput
	if err := bindOptional(c, &in); err != nil {
		return nil, err
	}
	return h.moveWithdrawal(c, e, func(ctx context.Context) (withdrawal.Withdrawal, error) {
		return h.Withdrawals.Approve(ctx, e.ObjectID, withdrawal.Decision{By: e.ActorID, TaxFen: in.TaxFen, Reason: in.Reason})
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
	return struct {
		commission.Account
		FreeFen  money.Fen            `json:"free_fen"`
		Accounts []commission.Account `json:"accounts"`
	}{sum, sum.FreeFen(), rows}, err
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

// taxReport is ?brand_id and ?month (202611), from the id after on: JSON, or with
// ?format=csv a file whose next page is named by X-Next-After.
func (h *Handler) taxReport(c *gin.Context) {
	lines, month, next, err := h.taxLines(c)
	if err != nil {
		web.Fail(c, err)
		return
	}
	if c.Query("format") != "csv" {
		web.Listed(c, lines, next)
		return
	}
	rows := [][]string{{"提现编号", "会员编号", "税前（分）", "代扣税（分）", "实付（分）", "说明", "商户单号", "到账时间"}}
	for _, l := range lines {
		rows = append(rows, []string{l.ID.String(), l.MemberID.String(), strconv.FormatInt(int64(l.AmountFen), 10), strconv.FormatInt(int64(l.TaxFen), 10),
			strconv.FormatInt(int64(l.AmountFen-l.TaxFen), 10), l.TaxNote, l.BillNo, l.FinishedAt.Local()})
	}
	for _, r := range rows[1:] {
		r[5] = plainCell(r[5])
	}
	var b strings.Builder
	b.WriteString("\ufeff")              // or spreadsheets take it for GBK
	_ = csv.NewWriter(&b).WriteAll(rows) // into memory: nothing can fail
	if next != "" {
		c.Header("X-Next-After", next)
	}
	c.Header("Content-Disposition", `attachment; filename="tax-`+strconv.Itoa(month)+`.csv"`)
	c.Data(http.StatusOK, "text/csv; charset=utf-8", []byte(b.String()))
}

func (h *Handler) taxLines(c *gin.Context) (lines []withdrawal.TaxLine, month int, next string, err error) {
	brandID, err := brandAsked(c)
	if err != nil {
		return nil, 0, "", err
	}
	page, err := web.Paging(c)
	if err != nil {
		return nil, 0, "", err
	}
	after, err := web.QueryID(c, "after")
	if err != nil {
		return nil, 0, "", err
	}
	month, err = strconv.Atoi(cmp.Or(c.Query("month"), "0"))
	if err != nil {
		return nil, 0, "", fault.NewInvalid("bad_field", "月份应形如 202611").With("field", "month")
	}
	lines, err = h.Withdrawals.TaxReport(c.Request.Context(), brandID, month, after, page.Limit)
	return lines, month, web.Next(lines, page.Limit, func(l withdrawal.TaxLine) string { return l.ID.String() }), err
}
