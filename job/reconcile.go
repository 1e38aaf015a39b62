package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/reconcile"
	"siyu/model/redpacket"
	"siyu/wechat"
)

// TaskReconcile works on one day of one merchant account.
const TaskReconcile = reconcile.Task // recon:run

// biller is the part of wechat.Client that tells of a merchant's money.
type biller interface {
	FundBill(ctx context.Context, m wechat.Merchant, day string, each func(wechat.FundFlow) error) (wechat.BillTotals, error)
	Balance(ctx context.Context, m wechat.Merchant) (availableFen int64, err error)
	Query(ctx context.Context, m wechat.Merchant, o wechat.PayOrder) wechat.PayAnswer
}

// Reconciler fetches what WeChat says of merchant accounts (model/reconcile).
type Reconciler struct {
	days   *reconcile.Store
	bills  biller
	who    merchants
	brands *brand.Store
	clk    clock.Clock
	log    *slog.Logger
}

// NewReconciler makes the worker and its chores.
func NewReconciler(days *reconcile.Store, bills biller, who merchants, brands *brand.Store, clk clock.Clock, log *slog.Logger) *Reconciler {
	return &Reconciler{days: days, bills: bills, who: who, brands: brands, clk: clk, log: log}
}

// giveUp is how long after it was asked for a day is tried: a bill that is not there after
// two days will not come by itself.
const giveUp = 48 * time.Hour

// Run works on one day: it fetches the bill, or asks for each payout where there is none,
// and matches. Cut off while matching, it goes on there; cut off before, it fetches again.
func (w *Reconciler) Run(ctx context.Context, dayID id.ID) (Verdict, error) {
	d, err := w.days.Get(ctx, dayID)
	if err != nil {
		return Verdict{}, err
	}
	if d.State == reconcile.Waiting {
		m, _, err := w.who.Merchant(ctx, d.AccountID)
		if err != nil {
			return Verdict{}, err
		}
		fetch := w.bill
		if d.Source == reconcile.FromQuery {
			fetch = w.ask
		}
		if err := fetch(ctx, d, m); err != nil {
			return w.later(ctx, d, err)
		}
	}
	if err := w.days.Match(ctx, dayID); err != nil {
		return busy(err)
	}
	return Verdict{}, nil
}

// busy: another worker is at it, and may have died.
func busy(err error) (Verdict, error) {
	if f := fault.Of(err); f != nil && f.Code == "recon_busy" {
		return Verdict{Again: time.Minute, Why: f.Text}, nil
	}
	return Verdict{}, err
}

// bill fetches the fund bill into a sheet, which counts only when all of it was right.
func (w *Reconciler) bill(ctx context.Context, d reconcile.Day, m wechat.Merchant) error {
	sheet, err := w.days.Open(ctx, d.ID)
	if err != nil {
		return err
	}
	totals, err := w.bills.FundBill(ctx, m, d.Day.Text(), func(f wechat.FundFlow) error {
		return sheet.Add(ctx, reconcile.Line{At: clock.From(f.At), WechatNo: f.WechatNo, FlowNo: f.FlowNo, Business: f.Business, Kind: f.Kind,
			AmountFen: money.Fen(f.AmountFen), BalanceFen: money.Fen(f.BalanceFen), Memo: f.Memo, Voucher: f.Voucher})
	})
	switch {
	case errors.Is(err, wechat.ErrNoBill):
		return sheet.Commit(ctx, reconcile.Quiet)
	case err != nil:
		return err
	}
	return sheet.Commit(ctx, totals.SHA1)
}

// ask asks WeChat for each payout that moved on the day. It knows a number for 30 days.
func (w *Reconciler) ask(ctx context.Context, d reconcile.Day, m wechat.Merchant) error {
	sheet, err := w.days.Open(ctx, d.ID)
	if err != nil {
		return err
	}
	from, after := clock.Instant(0), id.ID(0)
	for {
		list, err := w.days.Due(ctx, d, from, after, 100)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return sheet.Commit(ctx, "")
		}
		for _, p := range list {
			from, after = p.MovedAt, p.ID
			if p.State == redpacket.Pending {
				continue // nothing was sent: WeChat cannot know it
			}
			m.Rail = p.Rail
			a := w.bills.Query(ctx, m, wechat.PayOrder{BillNo: p.BillNo, AppID: p.AppID, OpenID: p.OpenID, AmountFen: int64(p.AmountFen)})
			if ctx.Err() != nil {
				return ctx.Err()
			}
			out := string(a.State)
			if a.State == wechat.PayHold && a.Code != wechat.CodeLocalMismatch {
				out = redpacket.OutUnknown // the question was refused, which says nothing of the payment
			}
			if err := sheet.Add(ctx, reconcile.Answer(p, out, a.Reason, w.clk.Now())); err != nil {
				return err
			}
		}
	}
}

// later says why a day waits and when it is tried again.
func (w *Reconciler) later(ctx context.Context, d reconcile.Day, err error) (Verdict, error) {
	if ctx.Err() != nil {
		return Verdict{}, err
	}
	pause, why := 10*time.Minute, "微信没有应答，将自动重试"
	switch {
	case errors.Is(err, wechat.ErrBillRefused):
		if err := w.days.UseQuery(ctx, d.ID); err != nil {
			return Verdict{}, err
		}
		return Verdict{Again: time.Second, Why: "没有资金账单权限，改为逐单查询"}, nil
	case errors.Is(err, wechat.ErrBillNotReady):
		pause, why = 30*time.Minute, "微信账单还在生成（次日 10 点后可取），将自动重试"
	case errors.Is(err, wechat.ErrBillBroken):
		why = "账单文件与微信给出的摘要或合计不符，未采用，将自动重新下载"
	case fault.Of(err) != nil && fault.Of(err).Code == "recon_busy":
		return busy(err)
	}
	w.log.WarnContext(ctx, "a day cannot be reconciled yet", "account", d.AccountID, "day", d.Day, "error", err)
	failed := w.clk.Now().Sub(d.AskedAt) > giveUp
	if failed {
		why += "；已停止自动重试，请检查商户号配置后手动重新对账"
	}
	if err := w.days.PutOff(ctx, d.ID, why, failed); err != nil {
		return Verdict{}, err
	}
	if failed {
		return Verdict{}, nil
	}
	return Verdict{Again: pause, Why: why}, nil
}

// Chores are what reconciliation does by the clock.
func (w *Reconciler) Chores() []Chore {
	return []Chore{
		{"reconcile yesterday with WeChat's bill", 10 * time.Minute, w.yesterday},
		{"balances of merchant accounts", 10 * time.Minute, w.balances},
		{"sums of payouts by day", 10 * time.Minute, w.fold},
	}
}

// catchUp is how many days back bills are asked for by themselves.
const catchUp = 7

// yesterday asks for the bills that can be there: of the last days, after ten in the
// morning, of every merchant account that has paid anything by then.
func (w *Reconciler) yesterday(ctx context.Context) error {
	now := w.clk.Now()
	today := clock.DayOf(now)
	midnight, _ := today.Bounds()
	last := today.AddDays(-1)
	if now.Sub(midnight) < 10*time.Hour {
		last = last.AddDays(-1)
	}
	return w.each(ctx, func(a brand.Account) error {
		began, err := w.days.FirstPayout(ctx, a.ID)
		if err != nil || began == 0 {
			return err
		}
		from := max(began, today.AddDays(-catchUp))
		list, err := w.days.Days(ctx, reconcile.DayFilter{AccountID: a.ID, From: from, To: last})
		if err != nil {
			return err
		}
		done := map[clock.Day]bool{}
		for _, d := range list {
			done[d.Day] = d.Source == reconcile.FromBill || d.State != reconcile.Done || d.FinishedAt >= until(d.Day)
		}
		for day := from; day <= last; day = day.AddDays(1) {
			if done[day] {
				continue
			}
			if _, err := w.days.Ask(ctx, a.BrandID, a.ID, day); err != nil {
				return err
			}
		}
		return nil
	})
}

// until is the end of a day: answers that were collected before it are of half a day.
func until(d clock.Day) clock.Instant { _, end := d.Bounds(); return end }

func (w *Reconciler) balances(ctx context.Context) error {
	return w.each(ctx, func(a brand.Account) error {
		m, _, err := w.who.Merchant(ctx, a.ID)
		if err != nil {
			return err
		}
		fen, err := w.bills.Balance(ctx, m)
		if err == nil {
			_, err = w.days.Told(ctx, a.BrandID, a.ID, money.Fen(fen))
			return err
		}
		why := "微信没有应答"
		if errors.Is(err, wechat.ErrBillRefused) {
			why = "微信不向该商户号提供余额接口"
		}
		_, err = w.days.Estimate(ctx, a.BrandID, a.ID, why)
		return err
	})
}

// fold sums today and yesterday, and days before that were never summed.
func (w *Reconciler) fold(ctx context.Context) error {
	today := clock.DayOf(w.clk.Now())
	return w.each(ctx, func(a brand.Account) error {
		began, err := w.days.FirstPayout(ctx, a.ID)
		if err != nil || began == 0 {
			return err
		}
		for day := today; day >= began && ctx.Err() == nil; day = day.AddDays(-1) {
			at, err := w.days.Folded(ctx, a.ID, day)
			if err != nil {
				return err
			}
			if at >= until(day).Add(time.Hour) { // and so were all before it
				return nil
			}
			if err := w.days.Fold(ctx, a.BrandID, a.ID, day); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

// each does something for every merchant account; one that fails does not keep the others
// from their turn.
func (w *Reconciler) each(ctx context.Context, do func(brand.Account) error) error {
	list, err := w.brands.AccountsOf(ctx, brand.Merchant)
	if err != nil {
		return err
	}
	for _, a := range list {
		if one := do(a); one != nil {
			err = errors.Join(err, fmt.Errorf("account %d: %w", a.ID, one))
		}
	}
	return err
}
