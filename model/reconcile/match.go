package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/redpacket"
)

// finding is one difference of one payout.
type finding struct {
	kind   string
	day    clock.Day
	line   *Line // nil: it is a line that is missing
	wechat money.Fen
	note   string
	shared bool // the line itself is fine: it is the lines together that are not
}

// judge says what differs between a payout and all lines about it. whole tells that the
// bills of every day on which a line of it could stand are there: only then may one be
// missing. It looks at nothing else, so judging again gives the same.
func judge(p redpacket.Payout, lines []Line, dayOf func(Line) clock.Day, whole bool) []finding {
	slices.SortFunc(lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.DayID, b.DayID), cmp.Compare(a.Seq, b.Seq))
	})
	var found []finding
	var outs, ins []*Line
	for i := range lines {
		l := &lines[i]
		switch {
		case l.Said != "":
			if f, differs := hears(p, l); differs {
				f.day = dayOf(*l)
				found = append(found, f)
			}
			continue
		case l.AmountFen < 0:
			outs = append(outs, l)
		default:
			ins = append(ins, l)
		}
		if got := abs(l.AmountFen); got != p.AmountFen {
			found = append(found, finding{kind: Amount, day: dayOf(*l), line: l, wechat: l.AmountFen, note: "账单金额 " + got.Yuan() + " 元，打款单 " + p.AmountFen.Yuan() + " 元"})
		}
	}
	if len(outs) > 1 {
		l := outs[len(outs)-1]
		found = append(found, finding{kind: Double, day: dayOf(*l), line: l, wechat: l.AmountFen, note: fmt.Sprintf("同一商户单号在账单中扣款 %d 次", len(outs)), shared: true})
	}
	ended := clock.DayOf(p.MovedAt)
	switch p.State {
	case redpacket.Pending:
		if len(outs) > 0 {
			found = append(found, finding{kind: State, day: dayOf(*outs[0]), line: outs[0], wechat: outs[0].AmountFen, note: "账单已扣款，我方尚未发起"})
		}
	case redpacket.Sending, redpacket.Accepted, redpacket.Settled:
		if len(ins) > 0 {
			found = append(found, finding{kind: State, day: dayOf(*ins[0]), line: ins[0], wechat: ins[0].AmountFen, note: "账单已退回，我方仍为「" + redpacket.StateName(p.State) + "」"})
		}
		if len(outs) == 0 && whole && p.State != redpacket.Sending {
			found = append(found, finding{kind: OnlyOurs, day: ended, note: "我方为「" + redpacket.StateName(p.State) + "」，账单没有这笔扣款"})
		}
	case redpacket.Returned, redpacket.Failed:
		switch {
		case len(ins) > len(outs) && whole:
			found = append(found, finding{kind: State, day: dayOf(*ins[0]), line: ins[0], wechat: ins[0].AmountFen, note: "账单有退回，没有扣款", shared: true})
		case len(outs) == 0 && whole && p.State == redpacket.Returned:
			found = append(found, finding{kind: OnlyOurs, day: ended, note: "我方为「已退回」，账单没有扣款也没有退回"})
		case len(outs) > len(ins) && whole:
			found = append(found, finding{kind: NoReturn, day: ended, wechat: outs[0].AmountFen, note: "我方为「" + redpacket.StateName(p.State) + "」并已释放预算，账单没有退回"})
		}
	}
	return found
}

// hears compares an answer with the payout. Our row may have moved on since; what it can
// not have done is to end otherwise.
func hears(p redpacket.Payout, l *Line) (finding, bool) {
	final := func(s string) bool {
		return s == redpacket.Settled || s == redpacket.Returned || s == redpacket.Failed
	}
	name := redpacket.StateName
	switch l.Said {
	case saidMismatch:
		return finding{kind: Amount, line: l, note: "微信返回的内容与打款单不符：" + l.Memo}, true
	case redpacket.OutNotFound:
		if p.State == redpacket.Accepted || p.State == redpacket.Settled {
			return finding{kind: OnlyOurs, line: l, note: "我方为「" + name(p.State) + "」，微信查无此单"}, true
		}
	case redpacket.Settled, redpacket.Returned, redpacket.Failed:
		if l.Said != p.State {
			return finding{kind: State, line: l, wechat: l.AmountFen, note: "微信为「" + name(l.Said) + "」，我方为「" + name(p.State) + "」"}, true
		}
	case redpacket.Accepted:
		if p.State == redpacket.Pending || final(p.State) && l.At > p.MovedAt {
			return finding{kind: State, line: l, wechat: l.AmountFen, note: "微信为「已受理」，我方为「" + name(p.State) + "」"}, true
		}
	}
	return finding{}, false
}

// saidMismatch: WeChat answers about other money, or another person.
const saidMismatch = "mismatch"

func abs(f money.Fen) money.Fen {
	if f < 0 {
		return -f
	}
	return f
}

// aboutPayouts tells whether a movement belongs to one of the two rails. The names of the
// business are WeChat's and not documented one by one, so their words decide.
func aboutPayouts(l Line) bool {
	text := l.Business + l.Kind
	return strings.Contains(text, "转账") || strings.Contains(text, "红包") || strings.Contains(text, "付款到零钱") || strings.HasPrefix(l.Voucher, "SY20")
}

// resultOf is what a line is shown as. It depends on the line and its payout alone, so that
// another day's bill leaves it as it is.
func resultOf(l Line, p redpacket.Payout, found []finding) string {
	if p.ID == 0 {
		if aboutPayouts(l) {
			return OnlyWeChat
		}
		return Other
	}
	for _, f := range found {
		if f.line != nil && !f.shared && f.line.DayID == l.DayID && f.line.Gen == l.Gen && f.line.Seq == l.Seq {
			return Differs
		}
	}
	switch {
	case l.Said == redpacket.OutUnknown, l.Said == redpacket.OutNotFound: // which is never read as failed
		return Unclear
	case l.AmountFen > 0 || l.Said == redpacket.Returned:
		return Returned
	}
	return Matched
}

func keyOf(payoutID id.ID, f finding) string {
	key := "payout:" + payoutID.String() + ":" + f.kind
	if f.kind == Amount && f.line.FlowNo != "" { // each line may be wrong by itself
		key += ":" + f.line.FlowNo
	}
	return cut(key, 96)
}

// Answer is what WeChat said of a payout when it was asked, as a line. out is an outcome of
// package redpacket; hold and why: it answered about something else.
func Answer(p redpacket.Payout, out, why string, at clock.Instant) Line {
	l := Line{At: at, WechatNo: p.WechatNo, FlowNo: "Q" + p.ID.String(), Business: "逐单查询", Kind: "逐单查询", AmountFen: -p.AmountFen, Voucher: p.BillNo,
		Memo: why, Said: out, PayoutID: p.ID}
	switch out {
	case redpacket.OutHold:
		l.Said = saidMismatch
	case redpacket.OutDelay:
		l.Said = redpacket.OutUnknown
	case redpacket.OutReturned, redpacket.OutFailed, redpacket.OutNotFound:
		l.AmountFen = 0
	}
	return l
}
