package leader

import (
	"context"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/withdrawal"
)

var (
	errAmount     = fault.NewInvalid("withdrawal_amount", "请填写提现金额，最多两位小数")
	errNoKey      = fault.NewInvalid("idempotency_key_needed", "提现请求需要 Idempotency-Key，以免重复提交")
	errWithdrawal = fault.New(fault.NotFound, "withdrawal_not_found", "没有这笔提现")
)

// withdrawPollMs is how soon a page asks again what became of a payment.
const withdrawPollMs = 1500

func (h *Handler) withdrawalRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/earnings/withdraw", Permission: anybody, Summary: "申请提现", Handler: h.page("desk_withdraw.html", "提现", h.offer)},
		{Method: "POST", Path: "/earnings/withdraw", Permission: anybody, Summary: "申请提现(表单)", Handler: h.form("desk_withdraw.html", "提现", h.offer, h.withdrawForm)},
		{Method: "GET", Path: "/earnings/withdrawals", Permission: anybody, Summary: "我的提现", Handler: h.page("desk_withdrawals.html", "提现记录", h.withdrawals)},
		{Method: "GET", Path: "/earnings/withdrawals/:id", Permission: anybody, Summary: "一笔提现", Handler: h.page("desk_withdrawal.html", "提现", h.withdrawal)},
		{Method: "GET", Path: "/earnings/withdrawals/:id/state", Permission: anybody, Summary: "提现状态(轮询)", Handler: h.answer(h.withdrawal)},
		{Method: "POST", Path: "/earnings/withdrawals/:id/cancel", Permission: anybody, Summary: "撤回提现(表单)", Handler: h.form("desk_withdrawal.html", "提现", h.withdrawal, h.cancelForm)},
		{Method: "GET", Path: "/api/v1/earnings/offer", Permission: anybody, Summary: "小程序提现条件", Handler: h.answer(h.offer)},
		{Method: "GET", Path: "/api/v1/earnings/withdrawals", Permission: anybody, Summary: "小程序我的提现", Handler: h.answer(h.withdrawals)},
		{Method: "POST", Path: "/api/v1/earnings/withdrawals", Permission: anybody, Summary: "小程序申请提现", Handler: h.once(h.apiWithdraw)},
		{Method: "GET", Path: "/api/v1/earnings/withdrawals/:id", Permission: anybody, Summary: "小程序一笔提现", Handler: h.answer(h.withdrawal)},
		{Method: "POST", Path: "/api/v1/earnings/withdrawals/:id/cancel", Permission: anybody, Summary: "小程序撤回提现", Handler: h.once(h.apiCancel)},
	}
}

// offer is what can be withdrawn now and on which terms.
type offer struct {
	Open    bool      `json:"open"` // the brand pays out
	FreeFen money.Fen `json:"free_fen"`
	OwedFen money.Fen `json:"owed_fen"`
	MinFen  money.Fen `json:"min_fen"`
	MaxFen  money.Fen `json:"max_fen"` // of one, also not more than is free
	PerDay  int       `json:"per_day"`
	Tax     string    `json:"tax"` // zh-CN
}

// Can says whether something can be withdrawn now.
func (v offer) Can() bool { return v.Open && v.FreeFen >= v.MinFen }

func (h *Handler) offer(c *gin.Context, at *seat) (any, error) {
	ctx := c.Request.Context()
	p, err := h.Withdrawals.Policy(ctx, at.Brand.ID)
	if err != nil {
		return nil, err
	}
	a, err := h.Accounts.Of(ctx, at.Brand.ID, at.Member)
	if err != nil {
		return nil, err
	}
	free := a.FreeFen()
	if free < p.MinFen {
		free = p.MaxFen // nothing can be asked for yet: the terms as they are
	}
	v := offer{Open: p.Version > 0, FreeFen: a.FreeFen(), OwedFen: a.OwedFen, MinFen: p.MinFen, MaxFen: min(p.MaxFen, free), PerDay: p.PerDay}
	switch p.Tax {
	case withdrawal.TaxFixed:
		v.Tax = "按 " + money.Fen(p.TaxBP).Yuan() + "% 代扣代缴，提交后显示具体金额，审核前可以撤回。" // basis points are to percent what fen are to yuan
	case withdrawal.TaxLabour:
		v.Tax = "按劳务报酬所得预扣预缴：提交后显示具体金额，审核前可以撤回。"
	default:
		v.Tax = "提现时不代扣，请依法自行申报。"
	}
	return v, nil
}

func (h *Handler) withdrawForm(c *gin.Context, at *seat, get func(string) string) (string, error) {
	amount, err := money.Parse(strings.TrimSpace(get("amount")))
	if err != nil || amount <= 0 {
		return "", errAmount
	}
	// One form is one withdrawal, whatever was typed into it the second time.
	key := h.Sessions.Cookies.Signer.Digest("withdrawal", get("form_token"))
	w, err := h.Withdrawals.Request(c.Request.Context(), at.Brand.ID, at.Member, amount, key)
	return "/earnings/withdrawals/" + w.ID.String(), err
}

func (h *Handler) apiWithdraw(c *gin.Context, at *seat) (any, error) {
	var in struct {
		AmountFen money.Fen `json:"amount_fen"`
	}
	if err := web.BindLoose(c, &in); err != nil {
		return nil, err
	}
	key := c.GetHeader("Idempotency-Key")
	if key == "" {
		return nil, errNoKey
	}
	w, err := h.Withdrawals.Request(c.Request.Context(), at.Brand.ID, at.Member, in.AmountFen, h.Sessions.Cookies.Signer.Digest("withdrawal", key))
	if err != nil {
		return nil, err
	}
	return h.paying(c.Request.Context(), at, w.ID)
}

// paying is one withdrawal as its person sees it; the script of packets reads the same
// fields.
type paying struct {
	ID        id.ID               `json:"id"`
	State     string              `json:"state"`
	Title     string              `json:"title"`
	Text      string              `json:"text"`
	AmountFen money.Fen           `json:"amount_fen"`
	TaxFen    money.Fen           `json:"tax_fen"`
	NetFen    money.Fen           `json:"net_fen"`
	TaxNote   string              `json:"tax_note"`
	BillNo    string              `json:"bill_no"`
	CreatedAt clock.Instant       `json:"created_at"`
	ConfirmBy clock.Instant       `json:"confirm_by"`
	Confirm   *withdrawal.Confirm `json:"confirm"`
	PollMs    int                 `json:"poll_ms"` // 0: nothing will happen within minutes
	CanCancel bool                `json:"can_cancel"`
}

// Refresh is for browsers without scripts, in seconds.
func (v paying) Refresh() int {
	if v.PollMs > 0 {
		return 5
	}
	return 0
}

func payingOf(v withdrawal.View) paying {
	w := paying{ID: v.ID, State: v.State, AmountFen: v.AmountFen, TaxFen: v.TaxFen, NetFen: v.NetFen, TaxNote: v.TaxNote, BillNo: v.BillNo,
		CreatedAt: v.CreatedAt, ConfirmBy: v.ConfirmBy, Confirm: v.Confirm, CanCancel: v.State == withdrawal.Requested}
	because := ""
	if v.Reason != "" {
		because = "原因：" + strings.TrimSuffix(v.Reason, "。") + "。"
	}
	switch v.State {
	case withdrawal.Requested:
		w.Title, w.Text = "审核中", "审核通过后通过微信发放，结果会通知您。审核之前可以撤回。"
	case withdrawal.Refused:
		w.State, w.Title, w.Text = "failed", "提现没有通过", because+"金额已退回可提现余额。"
	case withdrawal.Cancelled:
		w.State, w.Title, w.Text = "returned", "已撤回", "金额已退回可提现余额。"
	case withdrawal.Returned:
		w.Title, w.Text = "已退回", "超过时间没有确认收款，金额已退回可提现余额。"
	case withdrawal.Failed:
		w.Title, w.Text = "发放没有成功", "微信没有受理这笔付款，金额已退回可提现余额。"
	case withdrawal.Paid:
		w.State, w.Title, w.Text = "settled", "已到账", "已存入您的微信零钱。"
	default:
		w.underway(v)
	}
	return w
}

// underway is what is between the approval and the money.
func (w *paying) underway(v withdrawal.View) {
	w.PollMs = withdrawPollMs
	switch {
	case v.Confirm != nil:
		w.State, w.Title, w.Text = "confirm", "待确认收款", "请在 "+v.ConfirmBy.Local()+" 前确认收款，逾期金额退回可提现余额。"
	case v.InChat:
		w.State, w.Title, w.Text, w.PollMs = "sent", "红包已发出", "请回到微信聊天，在服务通知或公众号消息里拆开红包，24 小时内有效。", 0
	case v.Review:
		w.State, w.Title, w.Text, w.PollMs = "sending", "核实中", "付款正在核实，核实后会继续，无需重复操作。", 0
	default:
		w.State, w.Title, w.Text = "sending", "付款处理中", "一般几秒内完成，您可以停留在本页等待。"
	}
}

func (h *Handler) paying(ctx context.Context, at *seat, withdrawalID id.ID) (paying, error) {
	v, err := h.Withdrawals.State(ctx, at.Member, withdrawalID)
	if err == nil && v.BrandID != at.Brand.ID {
		err = errWithdrawal
	}
	return payingOf(v), err
}

func (h *Handler) withdrawal(c *gin.Context, at *seat) (any, error) {
	withdrawalID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	return h.paying(c.Request.Context(), at, withdrawalID)
}

type withdrawals struct {
	List []paying `json:"list"`
	Next string   `json:"next"`
}

func (h *Handler) withdrawals(c *gin.Context, at *seat) (any, error) {
	page, err := web.Paging(c)
	if err != nil {
		return nil, err
	}
	list, err := h.Withdrawals.Mine(c.Request.Context(), at.Brand.ID, at.Member, page.Before, page.Limit)
	if err != nil {
		return nil, err
	}
	v := withdrawals{List: []paying{}, Next: web.Next(list, page.Limit, func(w withdrawal.Withdrawal) string { return w.ID.String() })}
	for _, w := range list {
		p := payingOf(withdrawal.View{Withdrawal: w, NetFen: w.NetFen()})
		if w.State == withdrawal.Approved { // what is to be done about it, its own page says
			p.Text, p.PollMs = "", 0
		}
		v.List = append(v.List, p)
	}
	return v, nil
}

// cancel takes a withdrawal back that nobody has decided about.
func (h *Handler) cancel(c *gin.Context, at *seat) (id.ID, error) {
	withdrawalID, err := web.ParamID(c, "id")
	if err != nil {
		return 0, err
	}
	ctx := c.Request.Context()
	if _, err := h.paying(ctx, at, withdrawalID); err != nil {
		return 0, err
	}
	_, err = h.Withdrawals.Cancel(ctx, at.Member, withdrawalID)
	return withdrawalID, err
}

func (h *Handler) cancelForm(c *gin.Context, at *seat, _ func(string) string) (string, error) {
	withdrawalID, err := h.cancel(c, at)
	return "/earnings/withdrawals/" + withdrawalID.String(), err
}

func (h *Handler) apiCancel(c *gin.Context, at *seat) (any, error) {
	withdrawalID, err := h.cancel(c, at)
	if err != nil {
		return nil, err
	}
	return h.paying(c.Request.Context(), at, withdrawalID)
}
