package job

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/fail"
	"siyu/model/fresh"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/redpacket"
	"siyu/wechat"
)

// payer is the part of wechat.Client that pays.
type payer interface {
	Send(ctx context.Context, m wechat.Merchant, o wechat.PayOrder) wechat.PayAnswer
	Query(ctx context.Context, m wechat.Merchant, o wechat.PayOrder) wechat.PayAnswer
}

// merchants finds who pays and where WeChat reports to.
type merchants interface {
	Merchant(ctx context.Context, accountID id.ID) (m wechat.Merchant, notifyURL string, err error)
}

// PayLimits are WeChat's, per merchant and person (config.Pay).
type PayLimits struct {
	RedpackPerSecond, TransferPerSecond int
	UserPacketsPerDay                   int
	UserFenPerDay                       int64
	Night                               func(minuteOfDay int) bool // nothing is sent then; nil: never
	PollMin                             time.Duration              // first pause before an accepted payout is queried
}

// forgets is how long WeChat surely knows a bill number (30 days, with a day to spare).
// Later "not found" says nothing, and sending again could pay twice.
const forgets = 29 * 24 * time.Hour

// Payouts drives payouts from pending to their end.
type Payouts struct {
	packets *redpacket.Store
	pay     payer
	payers  *fresh.Cache[id.ID, merchant] // reading and opening keys for each packet would cost more than the rest
	clk     clock.Clock
	rates   *Rates
	limits  PayLimits
}

// NewPayouts makes the worker.
func NewPayouts(packets *redpacket.Store, pay payer, who merchants, clk clock.Clock, rates *Rates, limits PayLimits) *Payouts {
	if limits.PollMin == 0 {
		limits.PollMin = 5 * time.Second
	}
	load := func(ctx context.Context, accountID id.ID) (merchant, error) {
		m, notifyURL, err := who.Merchant(ctx, accountID)
		return merchant{m, notifyURL}, err
	}
	return &Payouts{packets: packets, pay: pay, payers: fresh.New(clk, load), clk: clk, rates: rates, limits: limits}
}

// merchant is who pays and where WeChat reports to.
type merchant struct {
	wechat.Merchant
	notifyURL string
}

// Drive moves one payout one step. Pending is sent; sending is queried first and sent
// again under the same number only if WeChat does not know it; accepted is queried.
func (w *Payouts) Drive(ctx context.Context, payoutID id.ID) (Verdict, error) {
	p, err := w.packets.Get(ctx, payoutID)
	if err != nil {
		return Verdict{}, err
	}
	if p.Final() {
		return Verdict{}, nil
	}
	payer, err := w.payers.Get(ctx, p.AccountID)
	if err != nil {
		return Verdict{}, err
	}
	m := payer.Merchant
	m.Rail = p.Rail // the rail was chosen with the bill number; a changed setting is for later ones
	if p.State == redpacket.Pending {
		if v, err := w.mayStart(ctx, p); err != nil || v.Again > 0 {
			return v, err
		}
	}
	// One turn a run, because a run creates once at most.
	if v, err := w.turn(ctx, m); err != nil || v.Again > 0 {
		return v, err
	}
	// Committed before the call: whatever happens now, the next run asks first.
	p, moved, err := w.packets.Begin(ctx, payoutID)
	if err != nil || p.Final() {
		return Verdict{}, err
	}
	order := wechat.PayOrder{BillNo: p.BillNo, AppID: p.AppID, OpenID: p.OpenID, AmountFen: int64(p.AmountFen), Wishing: p.Wishing,
		ActName: p.ActName, Remark: p.ActName, NotifyURL: payer.notifyURL, SceneID: p.SceneID}
	infos, err := p.Infos()
	if err != nil {
		return Verdict{}, err
	}
	for _, info := range infos {
		order.Infos = append(order.Infos, wechat.Info(info))
	}
	if fail.Broken("bill") && !moved { // another number for every repetition
		order.BillNo += "R" + strconv.Itoa(p.Attempts%1000)
	}
	var a wechat.PayAnswer
	if moved {
		a = w.send(ctx, m, order)
	} else if a = w.ask(ctx, m, order); a.State == wechat.PayNotFound && p.State == redpacket.Sending {
		if w.clk.Now().Sub(p.CreatedAt) < forgets {
			a = w.send(ctx, m, order)
		} else {
			a.State, a.Reason = wechat.PayHold, "微信已不再保留该单号，须人工核对账单"
		}
	}
	if a.State == wechat.PayAccepted && a.WaitUser && m.Rail == brand.RailTransfer && a.Package == "" && p.PackageInfo == "" {
		// The create answer was lost and with it what the person's phone needs; a query
		// does not repeat it, the same create under the same number does.
		if again := w.send(ctx, m, order); again.State == wechat.PayAccepted && again.Package != "" {
			a = again
		}
	}
	return w.record(ctx, p, a)
}

func (w *Payouts) send(ctx context.Context, m wechat.Merchant, o wechat.PayOrder) wechat.PayAnswer {
	fail.Point("send.before")
	defer fail.Point("send.after")
	return w.pay.Send(ctx, m, o)
}

func (w *Payouts) ask(ctx context.Context, m wechat.Merchant, o wechat.PayOrder) wechat.PayAnswer {
	fail.Point("ask.before")
	defer fail.Point("ask.after")
	return w.pay.Query(ctx, m, o)
}

// record keeps the answer and says when to look again. The call is over, so its
// outcome must be kept even when the worker's own time is up.
func (w *Payouts) record(ctx context.Context, p redpacket.Payout, a wechat.PayAnswer) (Verdict, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	pause := w.pause(p, a)
	p, err := w.packets.Apply(ctx, p.ID, Answer(a), w.clk.Now().Add(pause))
	if err != nil || p.Final() {
		return Verdict{}, err
	}
	return Verdict{Again: pause, Why: string(a.State) + " " + a.Code}, nil
}

// Answer is WeChat's answer in the words of the payout machine.
func Answer(a wechat.PayAnswer) redpacket.Answer {
	return redpacket.Answer{Out: string(a.State), WechatNo: a.WechatNo, Package: a.Package, WaitUser: a.WaitUser, Code: a.Code,
		Reason: a.Reason, AmountFen: money.Fen(a.AmountFen), RetryAfter: a.RetryAfter}
}

// mayStart holds back what WeChat would refuse anyway: the night, and a person's
// packets and yuan of the day (red packets only). It delays; the packet is not lost.
func (w *Payouts) mayStart(ctx context.Context, p redpacket.Payout) (Verdict, error) {
	now := w.clk.Now()
	_, midnight := clock.DayOf(now).Bounds()
	delay := func(code, why string, until clock.Instant) (Verdict, error) {
		err := w.packets.Delay(ctx, p.ID, code, why, until)
		return Verdict{Again: until.Sub(now), Why: why}, err
	}
	if p.Rail != brand.RailRedpack {
		return Verdict{}, nil
	}
	if w.limits.Night != nil {
		day, _ := clock.DayOf(now).Bounds()
		if w.limits.Night(int(now.Sub(day).Minutes())) {
			return delay("NIGHT", "夜间不发红包，稍后自动发放", now.Add(15*time.Minute))
		}
	}
	if w.limits.UserPacketsPerDay <= 0 && w.limits.UserFenPerDay <= 0 {
		return Verdict{}, nil
	}
	packets, sum, err := w.packets.SentToday(ctx, p)
	if err != nil {
		return Verdict{}, err
	}
	if (w.limits.UserPacketsPerDay > 0 && packets >= int64(w.limits.UserPacketsPerDay)) ||
		(w.limits.UserFenPerDay > 0 && int64(sum+p.AmountFen) > w.limits.UserFenPerDay) {
		// Spread over the first minutes of the day by id, so that they do not all start at once.
		return delay("USER_DAY_LIMIT", "已达微信每人每日红包上限，明天自动发放", midnight.Add(time.Duration(int64(p.ID)%600)*time.Second))
	}
	return Verdict{}, nil
}

// pause is when to look again.
func (w *Payouts) pause(p redpacket.Payout, a wechat.PayAnswer) time.Duration {
	age := w.clk.Now().Sub(p.MovedAt)
	switch a.State {
	case wechat.PayAccepted:
		if p.State != redpacket.Accepted {
			age = 0
		}
		// Doubling: 5 s, 10 s, 20 s ... 2 h. A notice usually comes first.
		return min(max(age, w.limits.PollMin), 2*time.Hour)
	case wechat.PayDelay:
		return w.delay(a)
	case wechat.PayHold:
		return time.Hour // a person looks; asking again hourly costs nothing
	}
	// Unknown: WeChat wants at least a second between repetitions of one number, and
	// sometimes says how long (PROCESSING: 20 minutes).
	return max(min(max(age, 2*time.Second), 10*time.Minute), a.RetryAfter)
}

func (w *Payouts) delay(a wechat.PayAnswer) time.Duration {
	switch a.Code {
	case "DAY_OVER_LIMITED", "MONEY_LIMIT", "SENDNUM_LIMIT", "RCVDAMOUNT_LIMIT": // until tomorrow
		now := w.clk.Now()
		_, midnight := clock.DayOf(now).Bounds()
		return midnight.Sub(now) + 5*time.Minute
	}
	return max(a.RetryAfter, time.Second)
}

// turn waits for the rail's next turn, or puts the payout off until one is likely.
func (w *Payouts) turn(ctx context.Context, m wechat.Merchant) (Verdict, error) {
	perSecond := w.limits.TransferPerSecond
	if m.Rail == brand.RailRedpack {
		perSecond = w.limits.RedpackPerSecond
	}
	wait, ok := w.rates.Turn(ctx, m.Rail+":"+m.MchID, perSecond)
	if !ok {
		return Verdict{Again: wait, Why: "等待发送名额"}, nil
	}
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return Verdict{}, ctx.Err()
		}
	}
	return Verdict{}, nil
}

// String names a verdict in logs.
func (v Verdict) String() string {
	if v.Again == 0 {
		return "done"
	}
	return fmt.Sprintf("again in %s: %s", v.Again, v.Why)
}
