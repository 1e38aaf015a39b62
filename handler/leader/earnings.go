package leader

import (
	"strconv"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/clock"
	"siyu/model/commission"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

var (
	errAccrual   = fault.New(fault.NotFound, "accrual_not_found", "没有这笔收益")
	errStatement = fault.New(fault.NotFound, "statement_not_found", "没有这张结算单")
)

// earnings are what the human earned with a brand by bringing buyers.
type earnings struct {
	Frozen   commission.Sum `json:"frozen"`   // 冻结中
	Checking commission.Sum `json:"checking"` // 核实中
	Waiting  commission.Sum `json:"waiting"`  // 待结算
	FreeFen  money.Fen      `json:"free_fen"` // 可提现
	HeldFen  money.Fen      `json:"held_fen"` // 提现中
	OwedFen  money.Fen      `json:"owed_fen"` // 待抵扣
	PaidFen  money.Fen      `json:"paid_fen"` // 已到账
	Today    commission.Sum `json:"today"`
	Cycle    string         `json:"cycle"`
	InCycle  commission.Sum `json:"in_cycle"`
	Unsigned bool           `json:"unsigned"` // the newest agreement, before which nothing is settled
	List     []accrual      `json:"list"`
	Next     string         `json:"next"`
	First    bool           `json:"-"` // of the list's pages
}

// accrual is one earning without whose purchase it was.
type accrual struct {
	ID        id.ID         `json:"id"`
	Text      string        `json:"text"`
	State     string        `json:"state"`
	StateText string        `json:"state_text"`
	Pay       string        `json:"pay"` // cash: fen, points: points
	Amount    int64         `json:"amount"`
	Clawed    int64         `json:"clawed"`
	Day       string        `json:"day"`
	ReleaseAt clock.Instant `json:"release_at"`
}

// Fen is the amount of an accrual in cash.
func (a accrual) Fen() money.Fen { return money.Fen(a.Amount) }

// ClawedFen is what was taken back of it.
func (a accrual) ClawedFen() money.Fen { return money.Fen(a.Clawed) }

func accrualOf(a commission.Accrual) accrual {
	v := accrual{ID: a.ID, State: a.State, Pay: a.Pay, Amount: a.Amount, Clawed: a.Clawed, Day: a.Day.Text(), ReleaseAt: a.ReleaseAt}
	who := "一位您推荐的用户"
	if a.Level == commission.Two {
		who = "您推荐的伙伴带来的一位用户"
	}
	v.Text = who + "验证了 " + strconv.FormatInt(max(1, a.BaseQty), 10) + " 件商品"
	if a.EarnedOn == commission.OnOrder {
		v.Text = who + "购买了商品"
		if a.BaseFen > 0 {
			v.Text += "，计佣金额 " + a.BaseFen.Yuan() + " 元"
		}
	}
	switch a.State {
	case commission.Frozen:
		v.StateText = "冻结中，" + a.ReleaseAt.Local()[:10] + " 后待结算"
	case commission.Held:
		v.StateText = "核实中，核实后继续结算"
	case commission.Released:
		v.StateText = "待结算"
	case commission.Settled:
		v.StateText = "已结算"
	case commission.Clawed:
		v.StateText = "已扣回"
	case commission.Nothing:
		v.StateText = "不计收益"
	}
	return v
}

func accrualsOf(list []commission.Accrual) []accrual {
	out := make([]accrual, 0, len(list))
	for _, a := range list {
		out = append(out, accrualOf(a))
	}
	return out
}

func (h *Handler) earnings(c *gin.Context, at *seat) (any, error) {
	ctx := c.Request.Context()
	page, err := web.Paging(c)
	if err != nil {
		return nil, err
	}
	family, err := h.Members.Family(ctx, at.Member)
	if err != nil {
		return nil, err
	}
	sum, err := h.Commission.Summary(ctx, at.Brand.ID, at.Member)
	if err != nil {
		return nil, err
	}
	a, err := h.Accounts.Of(ctx, at.Brand.ID, at.Member)
	if err != nil {
		return nil, err
	}
	list, err := h.Commission.Accruals(ctx, at.Brand.ID, family, commission.Filter{}, page.Before, page.Limit)
	if err != nil {
		return nil, err
	}
	return earnings{Frozen: sum.Frozen, Checking: sum.Held, Waiting: sum.Released, FreeFen: a.FreeFen(), HeldFen: a.HeldFen, OwedFen: a.OwedFen, PaidFen: a.PaidFen,
		Today: sum.Today, Cycle: sum.Cycle.Text(), InCycle: sum.InCycle, Unsigned: sum.Unsigned, List: accrualsOf(list), First: page.Before == 0,
		Next: web.Next(list, page.Limit, func(a commission.Accrual) string { return a.ID.String() })}, nil
}

// why is an accrual with what led to it and what became of it.
type why struct {
	accrual
	Rule        string        `json:"rule"`
	How         string        `json:"how"`
	FreezeDays  int           `json:"freeze_days"`
	At          clock.Instant `json:"at"`
	Reason      string        `json:"reason"` // why nothing, or why taken back
	Claws       []claw        `json:"claws"`
	StatementID id.ID         `json:"statement_id"` // null before it is settled
	Number      string        `json:"statement"`
}

type claw struct {
	Amount int64         `json:"amount"`
	Reason string        `json:"reason"`
	At     clock.Instant `json:"at"`
}

// Fen is the amount of what was taken back in cash.
func (x claw) Fen() money.Fen { return money.Fen(x.Amount) }

// mine says whether a row of a brand and a member is of the human who asks.
func (h *Handler) mine(c *gin.Context, at *seat, brandID, memberID id.ID, otherwise error) error {
	if brandID != at.Brand.ID {
		return otherwise
	}
	same, err := h.Members.SameHuman(c.Request.Context(), memberID, at.Member)
	if err == nil && !same {
		err = otherwise
	}
	return err
}

func (h *Handler) accrual(c *gin.Context, at *seat) (any, error) {
	ctx := c.Request.Context()
	accrualID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	w, err := h.Commission.Explain(ctx, accrualID)
	if fault.KindOf(err) == fault.NotFound {
		return nil, errAccrual // the same words whether it is another's or nobody's
	}
	if err == nil {
		err = h.mine(c, at, w.Accrual.BrandID, w.Accrual.EarnerID, errAccrual)
	}
	if err != nil {
		return nil, err
	}
	t := w.Rule.Terms
	v := why{accrual: accrualOf(w.Accrual), Rule: t.Name, FreezeDays: t.FreezeDays, At: w.Accrual.EventAt, How: how(t), Claws: []claw{}}
	if v.State == commission.Nothing || v.State == commission.Clawed {
		v.Reason = w.Accrual.Reason
	}
	for _, x := range w.Claws {
		v.Claws = append(v.Claws, claw{x.Amount, x.Reason, x.CreatedAt})
	}
	if w.Statement != nil {
		v.StatementID, v.Number = w.Statement.ID, w.Statement.Number
	}
	return v, nil
}

// how says how a rule reckons.
func how(t commission.Terms) string {
	unit := func(n int64) string {
		if t.Pay == commission.Points {
			return strconv.FormatInt(n, 10) + " 积分"
		}
		return money.Fen(n).Yuan() + " 元"
	}
	if t.ShareBP > 0 {
		return "按商品金额的 " + money.Fen(t.ShareBP).Yuan() + "% 计算" // basis points are to percent what fen are to yuan
	}
	return "每件 " + unit(t.Each)
}

// statement is one cycle's (结算单).
type statement struct {
	ID           id.ID         `json:"id"`
	Number       string        `json:"number"`
	Cycle        string        `json:"cycle"`
	Entries      int           `json:"entries"`
	GrossFen     money.Fen     `json:"gross_fen"`
	ClawedFen    money.Fen     `json:"clawed_fen"`
	NetFen       money.Fen     `json:"net_fen"`
	TaxableFen   money.Fen     `json:"taxable_fen"`
	GrossPoints  int64         `json:"gross_points"`
	ClawedPoints int64         `json:"clawed_points"`
	NetPoints    int64         `json:"net_points"`
	ClosedAt     clock.Instant `json:"closed_at"`
}

func statementOf(x commission.Statement) statement {
	return statement{x.ID, x.Number, x.Cycle().Text(), x.Entries, x.GrossFen, x.ClawedFen, x.NetFen, x.TaxableFen, x.GrossPoints, x.ClawedPoints, x.NetPoints, x.ClosedAt}
}

type statements struct {
	List []statement `json:"list"`
	Next string      `json:"next"`
}

func (h *Handler) statements(c *gin.Context, at *seat) (any, error) {
	ctx := c.Request.Context()
	page, err := web.Paging(c)
	if err != nil {
		return nil, err
	}
	family, err := h.Members.Family(ctx, at.Member)
	if err != nil {
		return nil, err
	}
	list, err := h.Commission.Statements(ctx, at.Brand.ID, family, page.Before, page.Limit)
	if err != nil {
		return nil, err
	}
	v := statements{List: []statement{}, Next: web.Next(list, page.Limit, func(x commission.Statement) string { return x.ID.String() })}
	for _, x := range list {
		v.List = append(v.List, statementOf(x))
	}
	return v, nil
}

// account is a statement with its lines.
type account struct {
	statement
	List  []accrual `json:"list"`
	Next  string    `json:"next"`
	Claws []claw    `json:"claws"` // taken back of earlier cycles, at most a hundred
}

func (h *Handler) statement(c *gin.Context, at *seat) (any, error) {
	ctx := c.Request.Context()
	statementID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	page, err := web.Paging(c)
	if err != nil {
		return nil, err
	}
	x, err := h.Commission.Statement(ctx, statementID)
	if fault.KindOf(err) == fault.NotFound || err == nil && x.State != commission.Closed {
		return nil, errStatement
	}
	if err == nil {
		err = h.mine(c, at, x.BrandID, x.EarnerID, errStatement)
	}
	if err != nil {
		return nil, err
	}
	list, err := h.Commission.Accruals(ctx, at.Brand.ID, nil, commission.Filter{StatementID: statementID}, page.Before, page.Limit)
	if err != nil {
		return nil, err
	}
	claws, err := h.Commission.LateClaws(ctx, statementID, 0, web.MaxLimit)
	if err != nil {
		return nil, err
	}
	v := account{statement: statementOf(x), List: accrualsOf(list), Claws: []claw{}, Next: web.Next(list, page.Limit, func(a commission.Accrual) string { return a.ID.String() })}
	for _, y := range claws {
		v.Claws = append(v.Claws, claw{y.Amount, y.Reason, y.CreatedAt})
	}
	return v, nil
}
