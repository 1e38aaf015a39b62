package job

import (
	"context"
	"strconv"

	"siyu/model/clock"
	"siyu/model/fail"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/message"
	"siyu/model/notice"
	"siyu/model/redpacket"
	"siyu/wechat"
)

// follows applies what official accounts and mini programs report.
type follows interface {
	ApplyMessage(ctx context.Context, n notice.Notice) error
}

// pushes applies what WeCom reports; *wecom.Store does.
type pushes interface {
	Apply(ctx context.Context, n notice.Notice) error
}

// Notices applies stored notices.
type Notices struct {
	notices *notice.Store
	packets *redpacket.Store
	follows follows
	corps   pushes
}

// NewNotices makes the worker.
func NewNotices(n *notice.Store, p *redpacket.Store, f follows) *Notices {
	return &Notices{notices: n, packets: p, follows: f}
}

// OfCorps has notices of WeCom applied too; without it they are refused.
func (w *Notices) OfCorps(p pushes) *Notices {
	w.corps = p
	return w
}

// Apply gives one notice its effect. A notice that can have none is refused and kept;
// everything else is tried again until it had its effect.
func (w *Notices) Apply(ctx context.Context, noticeID id.ID) (Verdict, error) {
	n, err := w.notices.Get(ctx, noticeID)
	if err != nil || n.State != notice.Stored {
		return Verdict{}, err
	}
	switch n.Source {
	case notice.Transfer:
		_, err = w.packets.ApplyReport(ctx, n.AccountID, n.Body)
	case notice.WeCom:
		if err = errNoCorps; w.corps != nil {
			err = w.corps.Apply(ctx, n)
		}
	default:
		err = w.follows.ApplyMessage(ctx, n)
	}
	switch fault.KindOf(err) {
	case fault.NotFound, fault.Invalid, fault.Conflict:
		if err != nil {
			return Verdict{}, w.notices.MarkRefused(ctx, noticeID, err.Error())
		}
	}
	if err != nil {
		return Verdict{}, err
	}
	return Verdict{}, w.notices.MarkApplied(ctx, noticeID)
}

var errNoCorps = fault.NewInvalid("no_corps", "此程序不处理企业微信通知")

// teller is the part of wechat.Client that talks to one person.
type teller interface {
	SendText(ctx context.Context, app wechat.App, openID, text string) error
}

// apps finds an account's credentials.
type apps interface {
	App(ctx context.Context, accountID id.ID) (wechat.App, error)
}

// Messages sends messages.
type Messages struct {
	messages *message.Store
	tell     teller
	who      apps
	clk      clock.Clock
	quiet    func(ctx context.Context, accountID id.ID, at clock.Instant) (clock.Instant, error)
}

// NewMessages makes the worker.
func NewMessages(m *message.Store, t teller, who apps) *Messages {
	return &Messages{messages: m, tell: t, who: who}
}

// UseQuiet makes messages wait while people are not to be disturbed; until tells when an
// account may speak. What is sent from here are reminders, which can wait.
func (w *Messages) UseQuiet(clk clock.Clock, until func(ctx context.Context, accountID id.ID, at clock.Instant) (clock.Instant, error)) {
	w.clk, w.quiet = clk, until
}

// Send sends one message. WeChat's documented refusals end it; anything else is tried
// again, and may then reach the person twice: a reminder twice is better than none.
func (w *Messages) Send(ctx context.Context, messageID id.ID) (Verdict, error) {
	m, err := w.messages.Get(ctx, messageID)
	if err != nil || m.State != message.Waiting {
		return Verdict{}, err
	}
	if w.quiet != nil {
		now := w.clk.Now()
		at, err := w.quiet(ctx, m.AccountID, now)
		if err != nil {
			return Verdict{}, err
		}
		if at > now {
			return Verdict{Again: at.Sub(now), Why: "免打扰时段"}, nil
		}
	}
	app, err := w.who.App(ctx, m.AccountID)
	if err != nil {
		return Verdict{}, err
	}
	fail.Point("tell.before")
	err = w.tell.SendText(ctx, app, m.OpenID, m.Text)
	fail.Point("tell.after")
	switch code := wechat.ErrCode(err); {
	case err == nil:
		return Verdict{}, w.messages.End(ctx, messageID, message.Sent, "")
	case code > 0 && !wechat.IsThrottled(err):
		return Verdict{}, w.messages.End(ctx, messageID, message.Refused, strconv.Itoa(code))
	}
	return Verdict{}, err
}
