package wechat

import (
	"context"
	"errors"
	"strconv"
)

// Outcome is how one call of an account went, for whoever keeps count (Options.Observe).
type Outcome struct {
	Kind  string // of the account: KindOfficial, KindMini, KindWeCom or KindMerchant
	AppID string // of a merchant: its number
	Call  string // path of the call, or "pay.send", "pay.query", "pay.cancel"
	// Code is empty when the account did its part: a user who does not follow, a login code
	// that was used, a chat that is gone are no fault of the account. Otherwise WeChat's
	// code, or CodeLocalNoAnswer.
	Code   string
	Reason string // scrubbed
}

// KindMerchant is the kind of a merchant in an Outcome.
const KindMerchant = "merchant"

type appKey struct{}

// asApp says for whom the calls under ctx are made.
func asApp(ctx context.Context, app App) context.Context {
	return context.WithValue(ctx, appKey{}, Outcome{Kind: app.Kind, AppID: app.AppID}) // no secret goes along
}

// observe tells how a call went. It must be cheap: it stands in every call.
func (c *Client) observe(ctx context.Context, call string, err error) {
	o, known := ctx.Value(appKey{}).(Outcome)
	if c.seen == nil || !known || errors.Is(err, context.Canceled) {
		return
	}
	o.Call = call
	var said *APIError
	switch {
	case err == nil, IsBadLogin(err), IsWindowClosed(err), IsBlocked(err), IsGone(err), ErrCode(err) == CodeRiskyUser:
	case errors.As(err, &said):
		o.Code, o.Reason = strconv.Itoa(said.Code), said.Msg
	default:
		o.Code, o.Reason = CodeLocalNoAnswer, err.Error()
	}
	c.seen(o)
}

// observePay is observe for a merchant: what is held is waited for by a person, and no
// answer is no answer; all else is the receiver's affair.
func (c *Client) observePay(m Merchant, call string, a PayAnswer) {
	if c.seen == nil {
		return
	}
	o := Outcome{Kind: KindMerchant, AppID: m.MchID, Call: call}
	if a.Code != CodeLocalOrder && (a.State == PayHold || a.State == PayUnknown && a.Err != nil) {
		o.Code, o.Reason = a.Code, a.Reason
	}
	c.seen(o)
}
