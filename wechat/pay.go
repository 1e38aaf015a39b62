package wechat

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
)

// PayOrder is one order to pay. Its fields are fixed before the first call and
// the same in every repetition: WeChat answers a repeated bill number with the
// first result only if the rest is the same too.
type PayOrder struct {
	BillNo    string // letters and digits; v2 up to 28, v3 up to 32
	AppID     string // empty means the merchant's
	OpenID    string // of AppID
	AmountFen int64
	Wishing   string // shown on the packet
	ActName   string // the campaign's name
	Remark    string
	ClientIP  string // v2; empty means 127.0.0.1
	NotifyURL string // v3; without query
	SceneID   string // of the rail: v2 scene_id, v3 transfer_scene_id; empty means the merchant's
	Infos     []Info // v3: what the scene wants reported; empty means what a reward's scene wants
}

// Info is one line of transfer_scene_report_infos.
type Info struct{ Type, Content string }

// PayState is what is known about an order.
type PayState string

// States of an order. Only settled, returned and failed are final.
const (
	// PayAccepted: WeChat has it; money may be on its way or wait for the user.
	PayAccepted PayState = "accepted"
	// PaySettled: the user has the money.
	PaySettled PayState = "settled"
	// PayReturned: not collected or cancelled; the money is back.
	PayReturned PayState = "returned"
	// PayFailed: documented as final; nothing was or will be paid under this number.
	PayFailed PayState = "failed"
	// PayDelay: documented that nothing was done; the same number again later.
	// Code tells daily limits from short ones.
	PayDelay PayState = "delay"
	// PayHold: configuration, request or risk control; a person must look. Not
	// final: an earlier attempt under the number may have succeeded.
	PayHold PayState = "hold"
	// PayUnknown: anything may have happened; query under the same number.
	PayUnknown PayState = "unknown"
	// PayNotFound: WeChat does not know the number. Not a failure: an attempt may
	// still be under way, and WeChat forgets after 30 days. Within them the same
	// number may be sent again.
	PayNotFound PayState = "not_found"
)

// Final tells that the state will not change any more.
func (s PayState) Final() bool { return s == PaySettled || s == PayReturned || s == PayFailed }

// PayAnswer is the answer to one call.
type PayAnswer struct {
	State      PayState
	WechatNo   string // send_listid, detail_id or transfer_bill_no
	Package    string // v3: what the confirm page wants; store it, a query may not repeat it
	Code       string // WeChat's code or state, or LOCAL_...
	Reason     string // WeChat's words, scrubbed
	AmountFen  int64  // as WeChat says; 0 when it does not
	WaitUser   bool   // accepted, and the user must open or confirm
	RetryAfter time.Duration
	Err        error // why unknown, scrubbed
}

// Codes that WeChat does not give.
const (
	CodeLocalOrder    = "LOCAL_ORDER"     // the order breaks a documented rule; never sent
	CodeLocalMerchant = "LOCAL_MERCHANT"  // key material unusable; never sent
	CodeLocalMismatch = "LOCAL_MISMATCH"  // WeChat answers about other money than ours
	CodeLocalNoAnswer = "LOCAL_NO_ANSWER" // no answer, or none that can be read or trusted
)

// Send pays o over m's rail. Repeating it with the same order is safe on both
// rails and is the documented reaction to an unknown outcome.
func (c *Client) Send(ctx context.Context, m Merchant, o PayOrder) PayAnswer {
	return c.pay(ctx, "pay.send", m, o, payer.send)
}

// Query asks what became of o. Both rails know a number for 30 days.
func (c *Client) Query(ctx context.Context, m Merchant, o PayOrder) PayAnswer {
	return c.pay(ctx, "pay.query", m, o, payer.query)
}

// Cancel takes back a transfer that the user has not confirmed. A red packet
// cannot be taken back; it returns by itself.
func (c *Client) Cancel(ctx context.Context, m Merchant, o PayOrder) PayAnswer {
	return c.pay(ctx, "pay.cancel", m, o, payer.cancel)
}

// payer is one rail. Implementations answer, they do not fail.
type payer interface {
	send(ctx context.Context, m Merchant, o PayOrder) PayAnswer
	query(ctx context.Context, m Merchant, o PayOrder) PayAnswer
	cancel(ctx context.Context, m Merchant, o PayOrder) PayAnswer
}

func (c *Client) pay(ctx context.Context, call string, m Merchant, o PayOrder, do func(payer, context.Context, Merchant, PayOrder) PayAnswer) (answer PayAnswer) {
	defer func() { c.observePay(m, call, answer) }()
	if o.AppID == "" {
		o.AppID = m.AppID
	}
	conn, err := c.conn(m)
	if err != nil {
		return PayAnswer{State: PayHold, Code: CodeLocalMerchant, Reason: err.Error(), Err: err}
	}
	var rail payer = redpack{c, conn}
	if m.Rail == RailTransfer {
		rail = transfer{c, conn}
	}
	return do(rail, ctx, m, o)
}

// merchantConn is what one merchant's calls share: connections and parsed keys.
type merchantConn struct {
	digest [32]byte // of the material it was made from
	http   *http.Client
	files  *http.Client // for bills: large, slow answers
	idle   func()
	v3     *core.Client // RailTransfer only
	notice *noticeKey   // RailTransfer only
}

// conn returns the merchant's connections, made anew when its material changed.
// The library would build a client per call, leak its connections and ignore
// our transport (platform facts, 1.3).
func (c *Client) conn(m Merchant) (*merchantConn, error) {
	if m.MchID == "" {
		return nil, errors.New("wechat: merchant has no number")
	}
	h := sha256.New()
	for _, part := range []string{m.ClientCertPEM, m.ClientKeyPEM, m.APIv3Key, m.SerialNo, m.PrivateKeyPEM, m.PublicKeyID, m.PublicKeyPEM} {
		fmt.Fprintf(h, "%d:%s,", len(part), part)
	}
	digest := [32]byte(h.Sum(nil))
	key := m.Rail + ":" + m.MchID
	c.mu.Lock()
	old := c.merchant[key]
	c.mu.Unlock()
	if old != nil && old.digest == digest {
		return old, nil
	}
	// Parsing keys takes a millisecond; two at once waste one of them.
	made, err := c.dial(m)
	if err != nil {
		return nil, err
	}
	made.digest = digest
	c.mu.Lock()
	c.merchant[key] = made
	c.mu.Unlock()
	if old != nil {
		old.idle()
	}
	return made, nil
}

func (c *Client) dial(m Merchant) (*merchantConn, error) {
	var cert *tls.Certificate
	switch m.Rail {
	case RailRedpack:
		if m.APIKeyV2 == "" {
			return nil, errors.New("wechat: merchant has no v2 key")
		}
		if m.SignType != "" && m.SignType != "MD5" && m.SignType != "HMAC-SHA256" {
			return nil, errors.New("wechat: merchant's sign type is neither MD5 nor HMAC-SHA256")
		}
		if m.ClientCertPEM != "" || m.ClientKeyPEM != "" {
			pair, err := tls.X509KeyPair([]byte(m.ClientCertPEM), []byte(m.ClientKeyPEM))
			if err != nil {
				return nil, errors.New("wechat: merchant's client certificate and key do not fit")
			}
			cert = &pair
		} else if strings.HasPrefix(c.hosts.Pay, "https:") {
			return nil, errors.New("wechat: red packets need the merchant's client certificate")
		}
	case RailTransfer:
	default:
		return nil, errors.New("wechat: merchant's rail is neither redpack nor transfer")
	}
	transport := newTransport(cert)
	conn := &merchantConn{idle: transport.CloseIdleConnections}
	if m.Rail == RailTransfer {
		return conn, c.dialV3(m, conn, transport)
	}
	conn.http = c.guard.client(transport, c.payTimeout)
	conn.files = c.guard.bounded(transport, billTimeout, maxBill)
	return conn, nil
}

// billTimeout is how long the download of a day's bill may take.
const billTimeout = 10 * time.Minute

var billShape = regexp.MustCompile(`^[0-9A-Za-z]+$`)

// refuse is the answer to an order that was never sent.
func refuse(why string) PayAnswer {
	return PayAnswer{State: PayHold, Code: CodeLocalOrder, Reason: why, Err: errors.New("wechat: order not sent: " + why)}
}

// checkOrder holds what both rails demand; longest is the rail's limit.
func checkOrder(o PayOrder, longest int) (why string) {
	switch {
	case !billShape.MatchString(o.BillNo) || len(o.BillNo) > longest:
		return "商户单号须为字母和数字，且不超过长度上限"
	case o.AppID == "" || o.OpenID == "":
		return "缺少 appid 或 openid"
	case o.AmountFen <= 0:
		return "金额必须大于零"
	}
	return ""
}

// unknown is the answer when anything may have happened.
func unknown(code string, err error) PayAnswer {
	if code == "" {
		code = CodeLocalNoAnswer
	}
	return PayAnswer{State: PayUnknown, Code: code, Err: err}
}

// mismatch is the answer when WeChat speaks about something else than our order.
// A person must look; releasing or settling on it would be wrong either way.
func mismatch(what string) PayAnswer {
	err := fmt.Errorf("wechat: answer does not match the order: %s", what)
	return PayAnswer{State: PayHold, Code: CodeLocalMismatch, Reason: "微信返回的" + what + "与打款单不一致", Err: err}
}

// orElse fills a text that WeChat demands.
func orElse(s, fallback string) string {
	if strings.TrimSpace(s) == "" {
		return fallback
	}
	return s
}
