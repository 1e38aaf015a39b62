package admin

import (
	"context"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/claim"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/money"
	"siyu/model/operator"
	"siyu/model/reconcile"
	"siyu/model/redpacket"
)

// moneyRoutes: what was won, what was paid, the book, and what WeChat says of all that.
func (h *Handler) moneyRoutes() []web.Route {
	return []web.Route{
		at(get, "/claims", operator.ClaimRead, "领取记录(须指定品牌、活动或会员)", h.listClaims()).
			Asks("brand_id?", "campaign_id?", "member_id?").Lists(namedClaim{}).Counts(),
		at(get, "/payouts", operator.PayoutRead, "打款单列表(按金额、方式或用途查找时日期范围不超过 31 天)", h.listPayouts()).
			Asks("brand_id?", "campaign_id?", "member_id?", "account_id?", "state?:pending|sending|accepted|settled|returned|failed", "purpose?:claim|withdrawal",
				"rail?:redpack|transfer", "review?:true|false", "bill_no?", "from?", "until?", "min_yuan?", "max_yuan?").Lists(namedPayout{}).Counts(),
		at(get, "/payouts/:id", operator.PayoutRead, "打款单详情：经过、分录、对账", web.Answer(h.getPayout)).Gives(payoutView{}),
		at(post, "/payouts/:id/query", operator.PayoutWrite, "向微信重新查询", h.write("payout.query", ok, h.queryPayout)).Takes(reasonInput{}).Gives(redpacket.Payout{}),
		at(put, "/payouts/:id/review", operator.PayoutWrite, "标记、取消人工复核", h.write("payout.review", ok, h.reviewPayout)).Takes(reviewInput{}).Gives(redpacket.Payout{}),
		at(get, "/payout-summary", operator.PayoutRead, "月度打款汇总(按活动和用途，结束日期计)", web.Answer(h.payoutSummary)).Asks("brand_id?", "month").Gives(monthView{}),

		at(get, "/ledger/trial-balance", operator.LedgerRead, "试算平衡(每小时一次的最近结果)", web.Answer(h.trialBalance)).Gives(ledger.KeptTrial{}),
		at(get, "/ledger/accounts", operator.LedgerRead, "品牌与活动的账户余额(最近一次试算时)", web.Answer(h.ledgerAccounts)).Asks("unit?:fen|points").Gives([]namedSum{}),
		at(get, "/ledger/entries", operator.LedgerRead, "一个账户的分录", h.ledgerEntries()).Asks("unit:fen|points", "kind", "owner_id", "from?", "until?").Lists(ledger.Posting{}),

		at(get, "/reconcile/days", operator.ReconRead, "对账日历：每个商户号每一天", web.Answer(h.reconDays)).Asks("brand_id", "account_id?", "from", "until").Gives(calendar{}),
		at(post, "/reconcile/days", operator.ReconWrite, "对一天的账(已对过的重新对，结果不会重复)", h.write("recon_day.ask", created, h.askDay)).Takes(askDayInput{}).Gives(reconcile.Day{}),
		at(get, "/reconcile/days/:id", operator.ReconRead, "一天的对账结果", web.Answer(h.getDay)).Gives(dayView{}),
		at(get, "/reconcile/days/:id/lines", operator.ReconRead, "账单逐行(按账单顺序翻页，before 为上一页最后的 seq)", h.dayLines()).
			Asks("result?:matched|returned|differs|only_wechat|other|unclear").Lists(reconcile.Line{}),
		at(get, "/reconcile/items", operator.ReconRead, "对账差异", h.listItems()).
			Asks("brand_id", "account_id?", "payout_id?", "day?", "state?:open|explained|resolved", "kind?:amount|only_wechat|only_ours|no_return|state|double").Lists(reconcile.Item{}).Counts(),
		at(post, "/reconcile/items/:id/explain", operator.ReconWrite, "说明一条差异(写明原因)", h.write("recon_item.explain", ok, h.explainItem)).Takes(explainInput{}).Gives(reconcile.Item{}),

		at(get, "/balances", operator.ReconRead, "商户号余额与预警线", web.Answer(h.listBalances)).Asks("brand_id").Gives([]namedBalance{}),
		at(put, "/balances/:id", operator.ReconWrite, "设定商户号的预警线，登记商户平台上看到的余额", h.write("balance.keep", ok, h.keepBalance)).Takes(balanceInput{}).Gives(reconcile.Balance{}),
	}
}

// queryIDs reads several optional ids.
func queryIDs(c *gin.Context, into map[string]*id.ID) error {
	for name, to := range into {
		v, err := web.QueryID(c, name)
		if err != nil {
			return err
		}
		*to = v
	}
	return nil
}

// labels looks names up for one answer; each is read once. What is gone has none.
type labels struct {
	h         *Handler
	ctx       context.Context
	campaigns map[id.ID]string
	accounts  map[id.ID]accountLabel
}

type accountLabel struct {
	Name  string `json:"name"`
	MchID string `json:"mch_id"`
	Rail  string `json:"rail"`
}

func (h *Handler) labels(ctx context.Context) *labels {
	return &labels{h, ctx, map[id.ID]string{0: ""}, map[id.ID]accountLabel{0: {}}}
}

func (l *labels) campaign(campaignID id.ID) (string, error) {
	return labelled(l.campaigns, campaignID, func() (string, error) {
		c, err := l.h.Campaigns.Get(l.ctx, campaignID)
		return c.Name, err
	})
}

func (l *labels) account(accountID id.ID) (accountLabel, error) {
	return labelled(l.accounts, accountID, func() (accountLabel, error) {
		a, err := l.h.Brands.Account(l.ctx, accountID)
		return accountLabel{a.Name, a.AppID, a.Settings.Rail}, err
	})
}

func labelled[V any](known map[id.ID]V, key id.ID, load func() (V, error)) (V, error) {
	v, ok := known[key]
	if ok {
		return v, nil
	}
	v, err := load()
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return v, err
	}
	known[key] = v
	return v, nil
}

type namedClaim struct {
	claim.Claim
	Campaign string `json:"campaign"`
	Product  string `json:"product"`
}

func claimFilter(c *gin.Context) (claim.Filter, error) {
	var f claim.Filter
	err := queryIDs(c, map[string]*id.ID{"brand_id": &f.BrandID, "campaign_id": &f.CampaignID, "member_id": &f.MemberID})
	if err == nil && f.BrandID == 0 && f.CampaignID == 0 && f.MemberID == 0 {
		err = errNeeds
	}
	return f, err
}

func (h *Handler) listClaims() gin.HandlerFunc {
	return counted(func(x namedClaim) id.ID { return x.ID }, func(c *gin.Context, p web.Page) ([]namedClaim, error) {
		f, err := claimFilter(c)
		if err != nil {
			return nil, err
		}
		f.Before, f.Limit = p.Before, p.Limit
		ctx := c.Request.Context()
		rows, err := h.Claims.List(ctx, f)
		if err != nil {
			return nil, err
		}
		l, products := h.labels(ctx), map[id.ID]string{0: ""}
		return each(rows, func(x claim.Claim) (out namedClaim, err error) {
			out.Claim = x
			if out.Campaign, err = l.campaign(x.CampaignID); err != nil {
				return out, err
			}
			out.Product, err = labelled(products, x.ProductID, func() (string, error) {
				p, err := h.Products.Get(ctx, x.ProductID)
				return p.Name, err
			})
			return out, err
		})
	}, func(c *gin.Context) (int, bool, error) {
		f, err := claimFilter(c)
		if err != nil {
			return 0, false, err
		}
		return h.Claims.Count(c.Request.Context(), f)
	})
}

// namedPayout is a payout with what it is about, in words.
type namedPayout struct {
	redpacket.Payout
	Words    redpacket.Words `json:"words"`
	Campaign string          `json:"campaign"`
	Account  accountLabel    `json:"account"`
}

func (l *labels) payout(p redpacket.Payout) (out namedPayout, err error) {
	out = namedPayout{Payout: p, Words: redpacket.Explain(p)}
	if out.Campaign, err = l.campaign(p.CampaignID); err == nil {
		out.Account, err = l.account(p.AccountID)
	}
	return out, err
}

func payoutFilter(c *gin.Context) (f redpacket.Filter, err error) {
	f = redpacket.Filter{State: c.Query("state"), Purpose: c.Query("purpose"), Rail: c.Query("rail"), BillNo: queryText(c, "bill_no")}
	if err = queryIDs(c, map[string]*id.ID{"brand_id": &f.BrandID, "campaign_id": &f.CampaignID, "member_id": &f.MemberID, "account_id": &f.AccountID}); err != nil {
		return f, err
	}
	for name, to := range map[string]*money.Fen{"min_yuan": &f.MinFen, "max_yuan": &f.MaxFen} {
		text := queryText(c, name)
		if text == "" {
			continue
		}
		if *to, err = money.Parse(text); err != nil {
			return f, fault.NewInvalid("bad_amount", "金额应为元，例如 1.88").With("field", name)
		}
	}
	for name, to := range map[string]*clock.Instant{"from": &f.From, "until": &f.Until} {
		if *to, err = queryTime(c, name); err != nil {
			return f, err
		}
	}
	if s := c.Query("review"); s != "" {
		on, err := strconv.ParseBool(s)
		if err != nil {
			return f, fault.NewInvalid("bad_field", "参数 review 应为 true 或 false").With("field", "review")
		}
		f.Review = &on
	}
	return f, nil
}

func (h *Handler) listPayouts() gin.HandlerFunc {
	return counted(func(x namedPayout) id.ID { return x.ID }, func(c *gin.Context, p web.Page) ([]namedPayout, error) {
		f, err := payoutFilter(c)
		if err != nil {
			return nil, err
		}
		f.Before, f.Limit = p.Before, p.Limit
		rows, err := h.Packets.List(c.Request.Context(), f)
		if err != nil {
			return nil, err
		}
		return each(rows, h.labels(c.Request.Context()).payout)
	}, func(c *gin.Context) (int, bool, error) {
		f, err := payoutFilter(c)
		if err != nil {
			return 0, false, err
		}
		return h.Packets.Count(c.Request.Context(), f)
	})
}

// payoutView is all that is known of one payout.
type payoutView struct {
	namedPayout
	ConfirmBy clock.Instant    `json:"confirm_by"` // until when the person can confirm
	Postings  []ledger.Posting `json:"postings"`   // of what it is for and of its end
	Lines     []reconcile.Line `json:"lines"`      // of WeChat's bills
	Items     []reconcile.Item `json:"items"`      // differences
}

func (h *Handler) getPayout(c *gin.Context) (any, error) {
	ctx := c.Request.Context()
	payoutID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	p, err := h.Packets.Get(ctx, payoutID)
	if err != nil {
		return nil, err
	}
	out := payoutView{ConfirmBy: p.ConfirmBy()}
	if out.namedPayout, err = h.labels(ctx).payout(p); err != nil {
		return nil, err
	}
	keys := []string{"payout:" + p.ID.String() + ":", "claim:" + p.ClaimID.String() + ":cash"}
	if p.Purpose == redpacket.ForWithdrawal {
		keys = []string{"wd:" + p.ClaimID.String() + ":"}
	}
	if out.Postings, err = h.Ledger.WithKeys(ctx, keys...); err != nil {
		return nil, err
	}
	if out.Lines, err = h.Reconcile.OfPayout(ctx, p.ID); err != nil {
		return nil, err
	}
	out.Items, err = h.Reconcile.Items(ctx, reconcile.ItemFilter{PayoutID: p.ID, Limit: 20})
	return out, err
}

func (h *Handler) queryPayout(c *gin.Context, _ *audit.Entry) (any, error) {
	if err := bindOptional(c, &reasonInput{}); err != nil {
		return nil, err
	}
	return one(c, h.Packets.AskAgain)
}

type reviewInput struct {
	On     bool   `json:"on"`
	Reason string `json:"reason"`
}

func (h *Handler) reviewPayout(c *gin.Context, e *audit.Entry) (any, error) {
	var in reviewInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	before, err := h.Packets.Get(c.Request.Context(), e.ObjectID)
	if err != nil {
		return nil, err
	}
	after, err := h.Packets.MarkReview(c.Request.Context(), e.ObjectID, in.On, in.Reason)
	e.Before, e.After = before, after
	return after, err
}

// monthView is a month with the names of its accounts.
type monthView struct {
	reconcile.Month
	Accounts map[string]accountLabel `json:"accounts"`
}

func (h *Handler) payoutSummary(c *gin.Context) (any, error) {
	brandID, err := web.QueryID(c, "brand_id")
	if err != nil {
		return nil, err
	}
	year, month := 0, 0
	if s := strings.Replace(c.Query("month"), "-", "", 1); len(s) == 6 {
		year, _ = strconv.Atoi(s[:4]) // 0 is refused below
		month, _ = strconv.Atoi(s[4:])
	}
	ctx := c.Request.Context()
	m, err := h.Reconcile.Summary(ctx, brandID, year*100+month)
	if err != nil {
		return nil, err
	}
	out, l := monthView{m, map[string]accountLabel{}}, h.labels(ctx)
	for _, x := range m.Lines {
		if out.Accounts[x.AccountID.String()], err = l.account(x.AccountID); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// trialBalance gives the last one that was kept; a house that has none yet is small enough
// to work it out now.
func (h *Handler) trialBalance(c *gin.Context) (any, error) {
	ctx := c.Request.Context()
	t, err := h.Ledger.LastTrial(ctx)
	if fault.KindOf(err) == fault.NotFound {
		return h.Ledger.KeepTrial(ctx)
	}
	return t, err
}

// namedSum is an account of the book with whose it is.
type namedSum struct {
	ledger.Sum
	Balance int64  `json:"balance"` // credits - debits
	Name    string `json:"name"`    // of the brand or campaign
}

func (h *Handler) ledgerAccounts(c *gin.Context) (any, error) {
	ctx := c.Request.Context()
	sums, err := h.Ledger.Sums(ctx, c.Query("unit"), nil)
	if err != nil {
		return nil, err
	}
	names := map[id.ID]string{}
	return each(sums, func(s ledger.Sum) (out namedSum, err error) {
		out = namedSum{Sum: s, Balance: s.Credits - s.Debits}
		out.Name, err = labelled(names, s.Owner, func() (string, error) {
			switch s.Kind {
			case ledger.Reserved, ledger.Promised, ledger.Paid:
				return nameOf(ctx, s.Owner, h.Campaigns.Get, func(x campaign.Campaign) string { return x.Name })
			}
			return nameOf(ctx, s.Owner, h.Brands.Get, func(x brand.Brand) string { return x.Name })
		})
		return out, err
	})
}

func nameOf[T any](ctx context.Context, objectID id.ID, get func(context.Context, id.ID) (T, error), name func(T) string) (string, error) {
	x, err := get(ctx, objectID)
	return name(x), err
}

func (h *Handler) ledgerEntries() gin.HandlerFunc {
	return list(func(x ledger.Posting) id.ID { return x.ID }, func(c *gin.Context, p web.Page) ([]ledger.Posting, error) {
		owner, err := web.QueryID(c, "owner_id")
		if err != nil {
			return nil, err
		}
		kind := c.Query("kind")
		if owner == 0 || kind == "" {
			return nil, fault.NewInvalid("ledger_account", "请先选择一个账户").With("field", "owner_id")
		}
		from, err := queryTime(c, "from")
		if err != nil {
			return nil, err
		}
		until, err := queryTime(c, "until")
		if err != nil {
			return nil, err
		}
		return h.Ledger.Postings(c.Request.Context(), c.Query("unit"), ledger.Account{Kind: kind, Owner: owner}, from, until, p.Before, p.Limit)
	})
}
