// Package callback is where WeChat calls us (回调): messages and events of official
// accounts and mini programs, events of WeCom, and pay v3 notices. A handler verifies, stores once,
// answers fast and decides nothing; a job applies later what was stored. The one
// exception is the passive answer to a text, which has to be in this response.
//
// Promises: nothing unverified is stored; three deliveries of a message are one
// notice and get one and the same answer; what could not be stored is not
// acknowledged, so WeChat sends it again; an answer comes within the deadline.
package callback

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/follow"
	"siyu/model/notice"
	"siyu/wechat"
)

// deadline is under the 5 s after which WeChat sends a message again
// (developers.weixin.qq.com/doc/service/en/guide/product/message/Receiving_standard_messages.html).
const deadline = 4 * time.Second

// Accounts finds whom a callback address belongs to; *brand.Store does.
type Accounts interface {
	AccountBySlug(ctx context.Context, slug string) (brand.Account, error)
}

// Keys turns an account into what verifies its callbacks.
type Keys interface {
	AppOf(ctx context.Context, a brand.Account) (wechat.App, error)
	MerchantOf(ctx context.Context, a brand.Account) (wechat.Merchant, error)
}

// Payments opens pay v3 notices; *wechat.Client does.
type Payments interface {
	OpenTransferNotice(ctx context.Context, m wechat.Merchant, header http.Header, body []byte) (wechat.TransferNotice, error)
}

// Notices keeps what was verified; *notice.Store does.
type Notices interface {
	Store(ctx context.Context, n notice.Notice) (fresh bool, err error)
}

// Teller knows what to answer to a text; *reply.Store does. "" is no answer.
type Teller interface {
	Reply(ctx context.Context, a brand.Account, openID, text string) (string, error)
}

// Greeter knows what to answer to who scanned a code with a scene; *invite.Store does. ""
// is no answer.
type Greeter interface {
	Greeting(ctx context.Context, a brand.Account, openID, scene string) (string, error)
}

// Deps are what the handlers work with.
type Deps struct {
	Clock    clock.Clock
	Accounts Accounts
	Keys     Keys
	Payments Payments
	Notices  Notices
	Replay   web.Replayer
	Teller   Teller
	Greeter  Greeter // nil: nobody who scanned is greeted
	// Heard is told whether what came to an account's address was WeChat's; nil: nobody is.
	Heard func(a brand.Account, err error)
}

// Handler answers WeChat.
type Handler struct{ Deps }

// heard tells whoever counts.
func (h *Handler) heard(a brand.Account, err error) {
	if h.Heard == nil {
		return
	}
	if err != nil {
		err = refusal(err)
	}
	h.Heard(a, err)
}

// New makes a handler.
func New(d Deps) *Handler { return &Handler{d} }

// Routes is the table. "wechat" is the permission of who can sign as WeChat.
func (h *Handler) Routes() []web.Route {
	at := func(method, path, summary string, answer gin.HandlerFunc) web.Route {
		return web.Route{Method: method, Path: path, Permission: "wechat", Summary: summary, Handler: answer}
	}
	return []web.Route{
		at(http.MethodGet, "/wx/callback/:slug", "微信验证回调地址", h.echo),
		at(http.MethodPost, "/wx/callback/:slug", "公众号、小程序、企业微信消息与事件", h.message),
		at(http.MethodPost, "/wx/pay/:slug/transfer", "商家转账结果通知", h.transfer),
	}
}

func (h *Handler) echo(c *gin.Context) {
	account, app, err := h.app(c.Request.Context(), c)
	if err != nil {
		web.Fail(c, err)
		return
	}
	if account.Kind == brand.WeCom {
		h.corpEcho(c, account, app)
		return
	}
	echo, err := wechat.VerifyEcho(app, c.Request.URL.Query(), h.Clock.Now().Time())
	h.heard(account, err)
	if err != nil {
		web.Fail(c, refusal(err))
		return
	}
	c.Data(http.StatusOK, "text/plain; charset=utf-8", []byte(echo))
}

func (h *Handler) message(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), deadline)
	defer cancel()
	account, app, err := h.app(ctx, c)
	if err != nil {
		web.Fail(c, err)
		return
	}
	if account.Kind == brand.WeCom {
		h.corpEvent(ctx, c, account, app)
		return
	}
	body, err := web.Body(c)
	if err != nil {
		web.Fail(c, err)
		return
	}
	q := c.Request.URL.Query()
	m, err := wechat.OpenMessage(app, q, body, h.Clock.Now().Time())
	h.heard(account, err)
	if err != nil {
		web.Fail(c, refusal(err))
		return
	}
	if err := h.keep(ctx, account, m); err != nil {
		web.Fail(c, err) // not 200: WeChat sends it again
		return
	}
	h.respond(ctx, c, account, app, q, m)
}

// keep stores a message once. Where somebody is (LOCATION, a sent position) is not
// kept: nobody here agreed to it, and nothing needs it.
func (h *Handler) keep(ctx context.Context, account brand.Account, m wechat.Message) error {
	if m.Event == "LOCATION" || m.Type == "location" {
		return nil
	}
	var grants []follow.Grant
	for _, g := range m.Grants {
		grants = append(grants, follow.Grant{TemplateID: g.TemplateID, Status: g.Status})
	}
	var counts *follow.Counts
	if n := m.Counts; n != nil {
		counts = &follow.Counts{Total: n.Total, Meant: n.Meant, Sent: n.Sent, Failed: n.Failed}
	}
	var results []follow.Result
	for _, r := range m.Results {
		results = append(results, follow.Result{TemplateID: r.TemplateID, MsgID: r.MsgID, Code: r.Code, Status: r.Status})
	}
	body, err := follow.Message{AppID: m.AppID, OpenID: m.OpenID, Type: m.Type, Event: m.Event, EventKey: m.EventKey,
		Ticket: m.Ticket, MsgID: m.MsgID, Content: m.Content, CreatedAt: m.CreateTime, Status: m.Status, Counts: counts, Results: results, Grants: grants, Raw: string(m.Raw)}.Body()
	if err != nil {
		return err
	}
	source := notice.Official
	if account.Kind == brand.Mini {
		source = notice.Mini
	}
	_, err = h.Notices.Store(ctx, notice.Notice{Source: source, DedupKey: m.DedupKey, AccountID: account.ID, Body: body})
	return err
}

// respond writes the passive answer to a text or a scan, or "success". From here on the
// message is safe, so every trouble ends in "success": an answer is not worth a
// second delivery, and an error would be shown to the writer.
func (h *Handler) respond(ctx context.Context, c *gin.Context, account brand.Account, app wechat.App, q url.Values, m wechat.Message) {
	text := ""
	if account.Kind == brand.Official { // mini programs have no passive texts
		var err error
		if text, err = h.words(ctx, account, m); err != nil {
			web.Note(c, err)
		}
	}
	now := h.Clock.Now().Time()
	out, err := wechat.SealReply(app, q, wechat.TextReply(m, text, now), now)
	if err != nil {
		web.Note(c, err)
		out = []byte("success")
	}
	kind := "application/xml; charset=utf-8"
	if string(out) == "success" {
		kind = "text/plain; charset=utf-8"
	}
	c.Data(http.StatusOK, kind, out)
}

// words is the answer, built once: a later delivery gets the same, whatever happened in
// between. "" for what is not answered.
func (h *Handler) words(ctx context.Context, account brand.Account, m wechat.Message) (string, error) {
	build := h.Teller.Reply
	said := m.Content
	if m.Type != "text" {
		if said = sceneOf(m); said == "" || h.Greeter == nil {
			return "", nil
		}
		build = h.Greeter.Greeting
	}
	_, answer, _, err := h.Replay.Do(ctx, "wx:"+account.ID.String(), m.DedupKey, []byte(m.OpenID+"\n"+said), func() (int, []byte, error) {
		text, err := build(ctx, account, m.OpenID, said)
		return http.StatusOK, []byte(text), err
	})
	return string(answer), err
}

// sceneOf is the scene of the QR code that an event reports, "" if it reports none.
func sceneOf(m wechat.Message) string {
	switch {
	case m.Type != "event":
	case m.Event == follow.Subscribe:
		scene, _ := strings.CutPrefix(m.EventKey, "qrscene_")
		return scene
	case m.Event == follow.Scan:
		return m.EventKey
	}
	return ""
}

func (h *Handler) app(ctx context.Context, c *gin.Context) (brand.Account, wechat.App, error) {
	account, err := h.Accounts.AccountBySlug(ctx, c.Param("slug"))
	if err != nil {
		return account, wechat.App{}, err
	}
	if account.Kind != brand.Official && account.Kind != brand.Mini && account.Kind != brand.WeCom {
		return account, wechat.App{}, errNoAccount
	}
	app, err := h.Keys.AppOf(ctx, account)
	return account, app, err
}

var errNoAccount = fault.New(fault.NotFound, "account_not_found", "没有这个账号")

// refusal is the fault for what package wechat would not open.
func refusal(err error) error {
	for _, r := range []struct {
		err error
		f   *fault.Fault
	}{
		{wechat.ErrTooLarge, fault.NewInvalid("body_too_large", "内容太大")},
		{wechat.ErrSignature, fault.New(fault.Forbidden, "signature", "签名不对")},
		{wechat.ErrReplay, fault.New(fault.Forbidden, "replayed", "请求已过期")},
		{wechat.ErrPlaintext, fault.New(fault.Forbidden, "plaintext", "安全模式下只接收密文")},
		{wechat.ErrMalformed, fault.NewInvalid("malformed", "内容格式不对")},
	} {
		if errors.Is(err, r.err) {
			return r.f.Because(err)
		}
	}
	return err
}
