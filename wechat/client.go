// Package wechat is the one real WeChat client (微信): access tokens, login,
// messages, callbacks and both payout rails. It owns the wire format and nothing
// else: no tables, no business rule, no import of ours. It does not know whether
// it talks to Tencent or to wechat/simulator; Hosts decides.
//
// Promises:
//   - No call leaves the configured hosts, follows a redirect, reads an answer
//     over 1 MiB or waits longer than its timeout.
//   - No error text or log line carries an access token, a secret, a code or an
//     openid.
//   - A payout answer is final (settled, returned, failed) only when WeChat
//     documents it as final and the answer is authentic. Everything else says
//     so: the caller keeps the bill number (商户单号) and asks again.
//   - Nothing here panics on what the network says.
//
// JSON calls use the request and answer types and the message cryptography of
// github.com/silenceper/wechat/v2, but not its HTTP layer and never its root
// package: those keep globals, have no context in most calls, put secrets into
// errors and read tokens without retry or cross-process lock. Pay v3 runs on
// github.com/wechatpay-apiv3/wechatpay-go. Pay v2 is written here because no
// library has the query, the scene id and one shared mTLS client.
package wechat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Hosts are the base URLs of WeChat's servers, without a trailing slash. A base
// may carry a path, which is how one simulator serves them all:
// "http://127.0.0.1:8090/api.weixin.qq.com".
type Hosts struct {
	API   string // JSON APIs of official accounts and mini programs
	MP    string // pictures of scene QR codes
	Open  string // the OAuth page the browser visits
	Pay   string // v2 and v3 payment
	QyAPI string // WeCom (企业微信)
	Res   string // scripts such as the JS-SDK, loaded by the browser
}

// DefaultHosts are Tencent's own.
func DefaultHosts() Hosts {
	return Hosts{
		API:   "https://api.weixin.qq.com",
		MP:    "https://mp.weixin.qq.com",
		Open:  "https://open.weixin.qq.com",
		Pay:   "https://api.mch.weixin.qq.com",
		QyAPI: "https://qyapi.weixin.qq.com",
		Res:   "https://res.wx.qq.com",
	}
}

// Kinds of App.
const (
	KindOfficial = "official" // official account (公众号, 服务号)
	KindMini     = "mini"     // mini program (小程序)
	KindWeCom    = "wecom"    // a WeCom corp with its customer-contact secret (企业微信)
)

// App is one official account, mini program or WeCom corp and its secrets.
type App struct {
	Kind   string // KindOfficial, KindMini or KindWeCom
	AppID  string // of a corp: its corpid
	Secret string
	Token  string // shared word of the callback signature
	AESKey string // EncodingAESKey, 43 characters; empty in plain mode
	Secure bool   // safe mode (安全模式): plaintext callbacks are refused
}

// Rails of Merchant.
const (
	RailRedpack  = "redpack"  // 现金红包, pay v2
	RailTransfer = "transfer" // 商家转账, pay v3
)

// Merchant is one merchant number (商户号) and its secrets.
type Merchant struct {
	MchID string
	AppID string // the official account or mini program bound to the merchant
	Rail  string // RailRedpack or RailTransfer

	APIKeyV2      string
	SignType      string // v2: "MD5" (default) or "HMAC-SHA256"
	ClientCertPEM string // v2 mTLS; both empty only towards a plain-http simulator
	ClientKeyPEM  string

	APIv3Key      string // 32 bytes
	SerialNo      string // of the merchant's certificate
	PrivateKeyPEM string // PKCS #8
	PublicKeyID   string // PUB_KEY_ID_..., the id of 微信支付公钥
	PublicKeyPEM  string // PKIX

	SceneIDV2       string // PRODUCT_1..8; needed under 1 yuan and over 200
	TransferSceneID string // empty means 1000 现金营销
	SendName        string // the merchant's name on a red packet
}

// Options configure a Client. The zero value of each has a default.
type Options struct {
	Hosts      Hosts
	Timeout    time.Duration // of a JSON call; default 5 s
	PayTimeout time.Duration // of a payment call; default 15 s
	Tokens     TokenStore    // default NewMemoryTokens(), right for one process only
	Now        func() time.Time
	Log        *slog.Logger  // default discards
	Observe    func(Outcome) // told after each call of an account; must be quick; nil: nobody
}

// Client talks to WeChat. It is safe for concurrent use and is meant to live as
// long as the process.
type Client struct {
	hosts      Hosts
	http       *http.Client
	payTimeout time.Duration
	lockTTL    time.Duration
	guard      guard
	tokens     TokenStore
	now        func() time.Time
	log        *slog.Logger
	seen       func(Outcome)

	mu       sync.Mutex
	local    map[string]Token   // what the store said, to spare a read per call
	flights  map[string]*flight // one fetch per key and process
	merchant map[string]*merchantConn
}

// New checks the hosts and returns a Client. It makes no call.
func New(o Options) (*Client, error) {
	if o.Hosts == (Hosts{}) {
		o.Hosts = DefaultHosts()
	}
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	if o.PayTimeout <= 0 {
		o.PayTimeout = 15 * time.Second
	}
	if o.Tokens == nil {
		o.Tokens = NewMemoryTokens()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	g, err := newGuard(o.Hosts)
	if err != nil {
		return nil, err
	}
	c := &Client{
		hosts: o.Hosts, payTimeout: o.PayTimeout, guard: g,
		// A holder makes at most two calls (ticket, then token under its own
		// lease), each possibly twice after a refused token.
		lockTTL: 4*o.Timeout + time.Second,
		tokens:  o.Tokens, now: o.Now, log: o.Log, seen: o.Observe,
		local: map[string]Token{}, flights: map[string]*flight{}, merchant: map[string]*merchantConn{},
	}
	c.http = g.client(newTransport(nil), o.Timeout)
	return c, nil
}

// Hosts returns what the client was configured with, for pages that must load a
// script or send a browser to the same place.
func (c *Client) Hosts() Hosts { return c.hosts }

// check refuses a base URL that would not do what it looks like.
func (h Hosts) check() error {
	var errs []error
	for _, b := range []struct{ name, base string }{
		{"API", h.API}, {"MP", h.MP}, {"Open", h.Open}, {"Pay", h.Pay}, {"QyAPI", h.QyAPI}, {"Res", h.Res},
	} {
		u, err := url.Parse(b.base)
		switch {
		case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
			errs = append(errs, fmt.Errorf("wechat: host %s: not an http(s) address", b.name))
		case strings.HasSuffix(b.base, "/") || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
			errs = append(errs, fmt.Errorf("wechat: host %s: no trailing slash, query or user allowed", b.name))
		}
	}
	return errors.Join(errs...)
}

// detach keeps ctx's values but not its end: work that others wait for must not
// die because the first who asked went away.
func detach(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), limit)
}
