package wechat

import (
	"context"
	"net/http"
)

type noticeKey struct{}

type transfer struct {
	c    *Client
	conn *merchantConn
}

func (c *Client) dialV3(m Merchant, conn *merchantConn, t http.RoundTripper) error { return nil }

func (t transfer) send(ctx context.Context, m Merchant, o PayOrder) PayAnswer {
	return PayAnswer{State: PayUnknown}
}
func (t transfer) query(ctx context.Context, m Merchant, o PayOrder) PayAnswer {
	return PayAnswer{State: PayUnknown}
}
func (t transfer) cancel(ctx context.Context, m Merchant, o PayOrder) PayAnswer {
	return PayAnswer{State: PayUnknown}
}

// TransferNotice is one verified notice of a transfer's end.
type TransferNotice struct {
	ID         string
	BillNo     string
	WechatNo   string
	OpenID     string
	State      string
	FailReason string
	AmountFen  int64
	Answer     PayAnswer
}

// OpenTransferNotice verifies and reads a notice.
func (c *Client) OpenTransferNotice(ctx context.Context, m Merchant, header http.Header, body []byte) (TransferNotice, error) {
	return TransferNotice{}, ErrSignature
}
