package admin

import (
	"time"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/reconcile"
)

// parseDay reads "2026-11-21" as a business day, or a moment as the day it is in.
func parseDay(text, field string) (clock.Day, error) {
	var at clock.Instant
	if len(text) > len(time.DateOnly) && at.UnmarshalJSON([]byte(`"`+text+`"`)) == nil {
		return clock.DayOf(at), nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, clock.Shanghai)
	if err != nil {
		return 0, fault.NewInvalid("bad_day", "日期应为 2026-11-21 这样").With("field", field)
	}
	return clock.DayOf(clock.From(t)), nil
}

// calendar is what happened to the days of a range, and the accounts that they are of.
type calendar struct {
	Days     []reconcile.Day `json:"days"`
	Accounts []payer         `json:"accounts"`
}

// payer is a merchant account of a brand.
type payer struct {
	ID id.ID `json:"id"`
	accountLabel
}

func (h *Handler) payers(c *gin.Context, brandID id.ID) ([]payer, error) {
	list, err := h.Brands.Accounts(c.Request.Context(), brandID, brand.Merchant)
	if err != nil {
		return nil, err
	}
	return each(list, func(a brand.Account) (payer, error) {
		return payer{a.ID, accountLabel{a.Name, a.AppID, a.Settings.Rail}}, nil
	})
}

// reconRange bounds what one calendar shows.
const reconRange = 93 * 24 * time.Hour

func (h *Handler) reconDays(c *gin.Context) (any, error) {
	brandID, err := brandOf(c)
	if err != nil {
		return nil, err
	}
	f := reconcile.DayFilter{BrandID: brandID}
	if f.AccountID, err = web.QueryID(c, "account_id"); err != nil {
		return nil, err
	}
	if f.From, err = parseDay(c.Query("from"), "from"); err != nil {
		return nil, err
	}
	if f.To, err = parseDay(c.Query("until"), "until"); err != nil {
		return nil, err
	}
	from, _ := f.From.Bounds()
	if _, until := f.To.Bounds(); until.Sub(from) > reconRange {
		return nil, fault.NewInvalid("bad_range", "一次最多查看 93 天").With("field", "from")
	}
	var out calendar
	if out.Days, err = h.Reconcile.Days(c.Request.Context(), f); err != nil {
		return nil, err
	}
	out.Accounts, err = h.payers(c, brandID)
	return out, err
}

type askDayInput struct {
	AccountID id.ID  `json:"account_id"`
	Day       string `json:"day"` // 2026-11-21
}

func (h *Handler) askDay(c *gin.Context, e *audit.Entry) (any, error) {
	var in askDayInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	day, err := parseDay(in.Day, "day")
	if err != nil {
		return nil, err
	}
	a, err := h.merchant(c, in.AccountID)
	if err != nil {
		return nil, err
	}
	d, err := h.Reconcile.Ask(c.Request.Context(), a.BrandID, a.ID, day)
	e.ObjectID = d.ID
	return d, err
}

// merchant reads an account that must be a merchant number.
func (h *Handler) merchant(c *gin.Context, accountID id.ID) (brand.Account, error) {
	a, err := h.Brands.Account(c.Request.Context(), accountID)
	if err == nil && a.Kind != brand.Merchant {
		err = fault.NewInvalid("not_merchant", "请选择商户号").With("field", "account_id")
	}
	return a, err
}

// dayView is a day with the name of its account.
type dayView struct {
	reconcile.Day
	Account accountLabel `json:"account"`
}

func (h *Handler) getDay(c *gin.Context) (any, error) {
	dayID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	var out dayView
	if out.Day, err = h.Reconcile.Shown(c.Request.Context(), dayID); err != nil {
		return nil, err
	}
	out.Account, err = h.labels(c.Request.Context()).account(out.AccountID)
	return out, err
}

func (h *Handler) dayLines() gin.HandlerFunc {
	return list(func(l reconcile.Line) id.ID { return id.ID(l.Seq) }, func(c *gin.Context, p web.Page) ([]reconcile.Line, error) {
		dayID, err := web.ParamID(c, "id")
		if err != nil {
			return nil, err
		}
		return h.Reconcile.Lines(c.Request.Context(), dayID, c.Query("result"), int64(p.Before), p.Limit)
	})
}

func itemFilter(c *gin.Context) (f reconcile.ItemFilter, err error) {
	f = reconcile.ItemFilter{State: c.Query("state"), Kind: c.Query("kind")}
	if f.BrandID, err = brandOf(c); err != nil {
		return f, err
	}
	if s := c.Query("day"); s != "" {
		if f.Day, err = parseDay(s, "day"); err != nil {
			return f, err
		}
	}
	return f, queryIDs(c, map[string]*id.ID{"account_id": &f.AccountID, "payout_id": &f.PayoutID})
}

func (h *Handler) listItems() gin.HandlerFunc {
	return counted(func(i reconcile.Item) id.ID { return i.ID }, func(c *gin.Context, p web.Page) ([]reconcile.Item, error) {
		f, err := itemFilter(c)
		if err != nil {
			return nil, err
		}
		f.Before, f.Limit = p.Before, p.Limit
		return h.Reconcile.Items(c.Request.Context(), f)
	}, func(c *gin.Context) (int, bool, error) {
		f, err := itemFilter(c)
		if err != nil {
			return 0, false, err
		}
		return h.Reconcile.CountItems(c.Request.Context(), f)
	})
}

// explainInput: Version is that of the difference as it was shown.
type explainInput struct {
	Version int64  `json:"version"`
	Reason  string `json:"reason"`
}

func (h *Handler) explainItem(c *gin.Context, e *audit.Entry) (any, error) {
	var in explainInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if in.Version == 0 {
		return nil, fault.NewInvalid("version", "请带上所看到的差异的版本 version").With("field", "version")
	}
	// The path says reconcile/items and not recon_item, so the entry does not know yet.
	itemID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	e.ObjectID = itemID
	before, after, err := h.Reconcile.Explain(c.Request.Context(), itemID, in.Version, in.Reason, e.ActorID, e.Actor)
	e.Before, e.After = before, after
	return after, err
}

// namedBalance is a balance with whose it is.
type namedBalance struct {
	reconcile.Balance
	Account accountLabel `json:"account"`
}

func (h *Handler) listBalances(c *gin.Context) (any, error) {
	brandID, err := brandOf(c)
	if err != nil {
		return nil, err
	}
	list, err := h.payers(c, brandID)
	if err != nil {
		return nil, err
	}
	return each(list, func(a payer) (namedBalance, error) {
		b, err := h.Reconcile.Balance(c.Request.Context(), brandID, a.ID)
		return namedBalance{b, a.accountLabel}, err
	})
}

// balanceInput: what is absent stays as it is.
type balanceInput struct {
	SeenFen  *money.Fen `json:"seen_fen"`  // on WeChat's page, now
	AlarmFen *money.Fen `json:"alarm_fen"` // 0: no alarm
}

func (h *Handler) keepBalance(c *gin.Context, e *audit.Entry) (any, error) {
	var in balanceInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	accountID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	a, err := h.merchant(c, accountID)
	if err != nil {
		return nil, err
	}
	e.ObjectID = a.ID
	before, after, err := h.Reconcile.Keep(c.Request.Context(), a.BrandID, a.ID, in.SeenFen, in.AlarmFen, e.Actor)
	e.Before, e.After = before, after
	return after, err
}
