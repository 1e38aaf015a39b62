package wechat

import (
	"context"
)

type redpack struct {
	c    *Client
	conn *merchantConn
}

func (r redpack) send(ctx context.Context, m Merchant, o PayOrder) PayAnswer {
	return PayAnswer{State: PayUnknown}
}
func (r redpack) query(ctx context.Context, m Merchant, o PayOrder) PayAnswer {
	return PayAnswer{State: PayUnknown}
}
func (r redpack) cancel(ctx context.Context, m Merchant, o PayOrder) PayAnswer {
	return PayAnswer{State: PayHold}
}
