package wechat

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/silenceper/wechat/v2/miniprogram/subscribe"
	"github.com/silenceper/wechat/v2/officialaccount/basic"
	"github.com/silenceper/wechat/v2/officialaccount/message"
)

// maxText is the longest customer-service or passive text in bytes; over it
// WeChat answers 45002.
const maxText = 2048

// maxQR is the longest life of a temporary scene QR code:
// [D] developers.weixin.qq.com/doc/service/api/qrcode/qrcodes/api_createqrcode
const maxQR = 2592000 * time.Second

// SceneQR is a QR code of an official account that tells us its scene when
// scanned (带参数二维码).
type SceneQR struct {
	Ticket        string
	URL           string // what the picture holds, to draw it ourselves
	ImageURL      string // WeChat's picture
	ExpireSeconds int    // 0 for a permanent one
}

// SceneQR makes a scene QR code. scene is 1 to 64 characters; ttl 0 means
// permanent, of which an account has 100,000 in its life.
func (c *Client) SceneQR(ctx context.Context, app App, scene string, ttl time.Duration) (SceneQR, error) {
	if n := utf8.RuneCountInString(scene); n < 1 || n > 64 || !utf8.ValidString(scene) {
		return SceneQR{}, fmt.Errorf("wechat: qrcode: scene must have 1 to 64 characters")
	}
	if ttl != 0 && (ttl < time.Second || ttl > maxQR) {
		return SceneQR{}, fmt.Errorf("wechat: qrcode: life must be 1 s to 30 days, or 0")
	}
	req := basic.NewLimitQrRequest(scene)
	if ttl != 0 {
		req = basic.NewTmpQrRequest(ttl, scene)
	}
	var out basic.Ticket
	if err := c.postAs(ctx, app, "/cgi-bin/qrcode/create", req, &out); err != nil {
		return SceneQR{}, err
	}
	if out.Ticket == "" {
		return SceneQR{}, fmt.Errorf("wechat: qrcode: answer without ticket")
	}
	return SceneQR{
		Ticket: out.Ticket, URL: out.URL, ExpireSeconds: int(out.ExpireSeconds),
		ImageURL: c.hosts.MP + "/cgi-bin/showqrcode?ticket=" + url.QueryEscape(out.Ticket),
	}, nil
}

// SendText sends a customer-service text (客服消息): official account and mini
// program alike, only within the window that the user opened. The API has no
// idempotency key; after a timeout the message may or may not have been sent.
func (c *Client) SendText(ctx context.Context, app App, openID, text string) error {
	m := message.NewCustomerTextMessage(openID, cutBytes(text, maxText))
	return c.scrubbed(openID, c.postAs(ctx, app, "/cgi-bin/message/custom/send", m, nil))
}

// TemplateMessage is a template message (模板消息) of a service account.
type TemplateMessage struct {
	OpenID      string
	TemplateID  string
	URL         string // opened by a tap, unless a mini program is given
	ClientMsgID string // WeChat sends one id only once (for about 10 minutes)
	MiniAppID   string
	MiniPath    string
	Data        map[string]string
}

// templateWire leaves the mini program out when there is none; the library's
// type always sends an empty one.
type templateWire struct {
	*message.TemplateMessage
	MiniProgram *miniWire `json:"miniprogram,omitempty"`
}

type miniWire struct {
	AppID    string `json:"appid"`
	PagePath string `json:"pagepath"`
}

func miniOf(appID, path string) *miniWire {
	if appID == "" {
		return nil
	}
	return &miniWire{AppID: appID, PagePath: path}
}

// SendTemplate sends m and returns WeChat's id, which TEMPLATESENDJOBFINISH will
// name. IsBlocked tells that this user cannot be reached.
func (c *Client) SendTemplate(ctx context.Context, app App, m TemplateMessage) (msgID string, err error) {
	wire := templateWire{
		TemplateMessage: &message.TemplateMessage{
			ToUser: m.OpenID, TemplateID: m.TemplateID, URL: m.URL, ClientMsgID: m.ClientMsgID,
			Data: make(map[string]*message.TemplateDataItem, len(m.Data)),
		},
		MiniProgram: miniOf(m.MiniAppID, m.MiniPath),
	}
	for k, v := range m.Data {
		wire.Data[k] = &message.TemplateDataItem{Value: v}
	}
	var out struct {
		MsgID wireID `json:"msgid"`
	}
	if err := c.postAs(ctx, app, "/cgi-bin/message/template/send", wire, &out); err != nil {
		return "", c.scrubbed(m.OpenID, err)
	}
	return string(out.MsgID), nil
}

// SubscribeMessage is a message that the user has granted: one grant, one message.
type SubscribeMessage struct {
	OpenID     string
	TemplateID string
	Page       string // official: a web page; mini: a page of the mini program
	MiniAppID  string // official only: open this mini program instead of Page
	MiniPath   string
	State      string // mini only: "developer", "trial" or "formal" (default)
	Data       map[string]string
}

// SendSubscribe sends m: an official account's subscription notice (订阅通知,
// bizsend) or a mini program's subscription message (订阅消息), by app.Kind.
// Neither has an idempotency key. 43101 (IsBlocked) means no grant left. msgID is what
// subscribe_msg_sent_event will name; "" where the answer has none, as that of bizsend.
func (c *Client) SendSubscribe(ctx context.Context, app App, m SubscribeMessage) (msgID string, err error) {
	var out struct {
		MsgID wireID `json:"msgid"`
	}
	if app.Kind == KindMini {
		wire := subscribe.Message{
			ToUser: m.OpenID, TemplateID: m.TemplateID, Page: m.Page, Lang: "zh_CN",
			MiniprogramState: m.State, Data: make(map[string]*subscribe.DataItem, len(m.Data)),
		}
		if wire.MiniprogramState == "" {
			wire.MiniprogramState = "formal"
		}
		for k, v := range m.Data {
			wire.Data[k] = &subscribe.DataItem{Value: v}
		}
		err := c.postAs(ctx, app, "/cgi-bin/message/subscribe/send", wire, &out)
		return string(out.MsgID), c.scrubbed(m.OpenID, err)
	}
	wire := struct {
		*message.SubscribeMessage
		MiniProgram *miniWire `json:"miniprogram,omitempty"`
	}{
		SubscribeMessage: &message.SubscribeMessage{
			ToUser: m.OpenID, TemplateID: m.TemplateID, Page: m.Page,
			Data: make(map[string]*message.SubscribeDataItem, len(m.Data)),
		},
		MiniProgram: miniOf(m.MiniAppID, m.MiniPath),
	}
	for k, v := range m.Data {
		wire.Data[k] = &message.SubscribeDataItem{Value: v}
	}
	err = c.postAs(ctx, app, "/cgi-bin/message/subscribe/bizsend", wire, &out)
	return string(out.MsgID), c.scrubbed(m.OpenID, err)
}

// scrubbed cuts openID out of WeChat's words, whatever its shape.
func (c *Client) scrubbed(openID string, err error) error {
	if e, ok := err.(*APIError); ok && len(openID) >= 4 {
		return &APIError{Code: e.Code, Call: e.Call, Msg: strings.ReplaceAll(e.Msg, openID, "***")}
	}
	return err
}

// cutBytes keeps at most n bytes without breaking a character.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
