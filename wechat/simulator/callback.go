package simulator

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Callbacks: what users do, told to the account's server. Five seconds to
// answer, three tries with the same MsgId, then WeChat gives up.
// developers.weixin.qq.com/doc/service Receiving_standard_messages.html

type cdata struct {
	Text string `xml:",cdata"`
}

type sentEvent struct {
	TemplateID  string `xml:"TemplateId"`
	MsgID       int64  `xml:"MsgID"`
	ErrorCode   int    `xml:"ErrorCode"`
	ErrorStatus string `xml:"ErrorStatus"`
}

// push is the body of one callback.
type push struct {
	XMLName    xml.Name   `xml:"xml"`
	ToUser     cdata      `xml:"ToUserName"`
	FromUser   cdata      `xml:"FromUserName"`
	CreateTime int64      `xml:"CreateTime"`
	MsgType    cdata      `xml:"MsgType"`
	Event      *cdata     `xml:"Event,omitempty"`
	EventKey   *cdata     `xml:"EventKey,omitempty"`
	Ticket     *cdata     `xml:"Ticket,omitempty"`
	Content    *cdata     `xml:"Content,omitempty"`
	MsgID      int64      `xml:"MsgId,omitempty"`
	MsgIDEvent int64      `xml:"MsgID,omitempty"` // template results spell it so
	Status     string     `xml:"Status,omitempty"`
	Sent       *sentEvent `xml:"SubscribeMsgSentEvent>List,omitempty"`
	Popup      *grantList `xml:"SubscribeMsgPopupEvent,omitempty"`
	Change     *grantList `xml:"SubscribeMsgChangeEvent,omitempty"`
	*massJob
}

// event is a new event from u to a; the caller holds the lock.
func (s *Simulator) event(a *app, u *user, name string) push {
	return push{
		ToUser: cdata{a.ghID}, FromUser: cdata{openID(u.Name, a.AppID, false)},
		CreateTime: s.now().Unix(), MsgType: cdata{"event"}, Event: &cdata{name},
	}
}

// Follow subscribes the user; an empty-handed second follow is no event.
func (s *Simulator) Follow(user, appID string) error { return s.follow(user, appID, nil) }

func (s *Simulator) follow(user, appID string, q *sceneCode) error {
	s.mu.Lock()
	u, a, err := s.pair(user, appID)
	if err != nil || a.Kind != "official" {
		s.mu.Unlock()
		return firstError(err, errNoApp)
	}
	if a.follows[u.Name] != nil {
		s.mu.Unlock()
		return nil
	}
	f := &follow{at: s.now()}
	e := s.event(a, u, "subscribe")
	e.EventKey = &cdata{}
	if q != nil {
		f.scene = q.scene
		e.EventKey, e.Ticket = &cdata{"qrscene_" + q.scene}, &cdata{q.ticket}
	}
	a.follows[u.Name] = f
	s.openWindow(a, u.Name, "follow")
	s.chat(u, ChatMessage{AppID: a.AppID, Kind: "event", Text: "已关注 " + a.Name})
	s.mu.Unlock()
	s.callback(a, u.Name, e)
	return nil
}

// Recall is what happened before the simulator was there: since when somebody follows an
// official account and when he last wrote to it (zero: never). Nobody is told of it.
func (s *Simulator) Recall(user, appID string, followed, wrote time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, a, err := s.pair(user, appID)
	if err != nil || a.Kind != "official" {
		return firstError(err, errNoApp)
	}
	s.version++
	a.follows[u.Name] = &follow{at: followed}
	if rule := windowRules["message"]; s.now().Sub(wrote) < rule.life {
		a.windows[u.Name] = append(a.windows[u.Name], &window{"message", wrote.Add(rule.life), rule.count})
	}
	return nil
}

// Unfollow also closes every window and takes back the grants.
func (s *Simulator) Unfollow(user, appID string) error {
	s.mu.Lock()
	u, a, err := s.pair(user, appID)
	if err != nil || a.follows[u.Name] == nil {
		s.mu.Unlock()
		return err
	}
	delete(a.follows, u.Name)
	delete(a.windows, u.Name)
	for k := range a.grants {
		if strings.HasPrefix(k, u.Name+"\n") {
			delete(a.grants, k)
		}
	}
	e := s.event(a, u, "unsubscribe")
	e.EventKey = &cdata{}
	s.chat(u, ChatMessage{AppID: a.AppID, Kind: "event", Text: "已取消关注 " + a.Name})
	s.mu.Unlock()
	s.callback(a, u.Name, e)
	return nil
}

// ScanQR is the user scanning a scene code of the account: somebody new follows
// (subscribe with qrscene_), a follower causes SCAN. scene may be the text of
// the code's picture, its ticket, or a plain scene nobody created.
func (s *Simulator) ScanQR(user, appID, scene string) error {
	q := s.sceneByURL(scene)
	if q == nil {
		q = &sceneCode{scene: scene, ticket: "gQ" + digest("ticket", scene)[:62] + "=="}
	} else {
		appID = q.appID
	}
	s.mu.Lock()
	u, a, err := s.pair(user, appID)
	if err != nil || a.follows[u.Name] == nil {
		s.mu.Unlock()
		if err != nil {
			return err
		}
		return s.follow(user, appID, q)
	}
	s.openWindow(a, u.Name, "scan")
	e := s.event(a, u, "SCAN")
	e.EventKey, e.Ticket = &cdata{q.scene}, &cdata{q.ticket}
	s.mu.Unlock()
	s.callback(a, u.Name, e)
	return nil
}

// Say is the user writing a text; it opens the 48-hour window.
func (s *Simulator) Say(user, appID, text string) error {
	s.mu.Lock()
	u, a, err := s.pair(user, appID)
	if err != nil {
		s.mu.Unlock()
		return err
	}
	s.openWindow(a, u.Name, "message")
	s.chat(u, ChatMessage{AppID: a.AppID, Kind: "text", Mine: true, Text: text})
	e := s.event(a, u, "")
	e.Event, e.MsgType, e.Content, e.MsgID = nil, cdata{"text"}, &cdata{text}, s.number()
	s.mu.Unlock()
	s.callback(a, u.Name, e)
	return nil
}

// callback delivers one push and shows the passive reply, with misfortunes.
func (s *Simulator) callback(a *app, user string, e push) {
	s.mu.Lock()
	to := a.App
	s.mu.Unlock()
	if to.CallbackURL == "" {
		return
	}
	body, err := xml.Marshal(e)
	if err != nil {
		panic("simulator: push: " + err.Error()) // only texts and numbers
	}
	fate := s.takeMisfortune("callback")
	send := func() { s.deliverPush(to, user, e.FromUser.Text, body) }
	s.withFate(fate, send, func() { s.forgePush(to, e, body, fate.Code) })
}

// withFate runs one delivery under its misfortune, for callbacks and notices.
func (s *Simulator) withFate(fate *Misfortune, send, forge func()) {
	kind := ""
	if fate != nil {
		kind = fate.Kind
	}
	switch kind {
	case "missing_notice":
		return
	case "out_of_order_notice":
		s.mu.Lock()
		s.held = append(s.held, heldDelivery{send: send, since: s.now()})
		s.mu.Unlock()
		return
	case "duplicate_notice":
		done := make(chan struct{})
		s.fly(func() { defer close(done); send() })
		send()
		select {
		case <-done:
		case <-s.ctx.Done():
		}
	case "forged_notice":
		forge()
		send()
	case "delay":
		if pause(s.ctx, fate.Delay) {
			send()
		}
	default:
		send()
	}
	s.releaseHeld()
}

// heldDelivery waits for the next delivery, for Settle, or for heldLife.
type heldDelivery struct {
	send  func()
	since time.Time
}

const heldLife = 30 * time.Second

// releaseHeld sends what out_of_order_notice kept back.
func (s *Simulator) releaseHeld() {
	s.mu.Lock()
	held := s.held
	s.held = nil
	s.mu.Unlock()
	for _, h := range held {
		h.send()
	}
}

func (s *Simulator) deliverPush(to App, user, openID string, body []byte) {
	for try := 1; try <= 3; try++ {
		q, sent, err := s.dressPush(to, openID, body, s.now())
		if err != nil {
			s.enter(Request{Out: true, Call: "callback", URL: to.CallbackURL, Remark: err.Error()})
			return
		}
		status, reply := s.post(to.CallbackURL, q, sent, fmt.Sprintf("第 %d 次", try), body)
		if status >= 200 && status < 300 {
			s.showReply(to, user, reply)
			return
		}
		if s.ctx.Err() != nil {
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.users[user]; u != nil {
		s.chat(u, ChatMessage{AppID: to.AppID, Kind: "text", Text: "该公众号提供的服务出现故障，请稍后再试"})
	}
}

// dressPush signs, and encrypts as the app's mode wants.
func (s *Simulator) dressPush(to App, openID string, body []byte, at time.Time) (url.Values, []byte, error) {
	stamp, nonce := strconv.FormatInt(at.Unix(), 10), s.mint("nonce")[:10]
	q := url.Values{"signature": {pushSignature(to.Token, stamp, nonce)}, "timestamp": {stamp}, "nonce": {nonce}, "openid": {openID}}
	if to.Mode == "plain" {
		return q, body, nil
	}
	sealed, err := seal(to.AESKey, s.mint("noise"), to.AppID, body)
	if err != nil {
		return nil, nil, err
	}
	q.Set("encrypt_type", "aes")
	q.Set("msg_signature", pushSignature(to.Token, stamp, nonce, sealed))
	encrypted := "<Encrypt><![CDATA[" + sealed + "]]></Encrypt></xml>"
	if to.Mode == "compatible" {
		return q, []byte(strings.TrimSuffix(string(body), "</xml>") + encrypted), nil
	}
	var in struct {
		ToUserName string
	}
	if err := xml.Unmarshal(body, &in); err != nil {
		return nil, nil, err
	}
	return q, []byte("<xml><ToUserName><![CDATA[" + in.ToUserName + "]]></ToUserName>" + encrypted), nil
}

// forgePush sends what an attacker could: he knows the address, has seen
// messages go by, but has neither the token nor the key.
func (s *Simulator) forgePush(to App, e push, body []byte, how string) {
	at := s.now()
	if how == "stale" {
		at = at.Add(-time.Hour) // a genuine one, recorded an hour ago
	}
	q, sent, err := s.dressPush(to, e.FromUser.Text, body, at)
	if err != nil {
		return
	}
	switch how {
	case "stale":
	case "msg_signature":
		q.Set("msg_signature", pushSignature("wrong", q.Get("nonce")))
	case "plaintext":
		q.Del("encrypt_type")
		q.Del("msg_signature")
		sent = body
	default:
		q.Set("signature", pushSignature("wrong", q.Get("timestamp"), q.Get("nonce")))
		q.Del("msg_signature")
	}
	s.post(to.CallbackURL, q, sent, "伪造", body)
}

// post is one delivery; status 0 means no answer in time. plain is for the log.
func (s *Simulator) post(target string, q url.Values, body []byte, remark string, plain []byte) (status int, reply []byte) {
	entry := Request{Out: true, Call: "callback", Method: http.MethodPost, URL: target, Remark: remark, Body: clip(plain)}
	defer func() { entry.Status, entry.Response = status, clip(reply); s.enter(entry) }()
	if strings.Contains(target, "?") {
		target += "&" + q.Encode()
	} else {
		target += "?" + q.Encode()
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.opts.CallbackDeadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		entry.Code = err.Error()
		return 0, nil
	}
	req.Header.Set("Content-Type", "text/xml")
	req.Header.Set("User-Agent", "Mozilla/4.0")
	return s.fetch(req, &entry)
}

func (s *Simulator) fetch(req *http.Request, entry *Request) (int, []byte) {
	res, err := s.client.Do(req)
	if err != nil {
		entry.Code = "no answer"
		return 0, nil
	}
	defer res.Body.Close()
	reply, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		entry.Code = "answer cut short"
		return 0, nil
	}
	return res.StatusCode, reply
}

// VerifyURL is the operator pressing 提交 on the developer page: siyu must echo.
func (s *Simulator) VerifyURL(appID string) error {
	s.mu.Lock()
	a := s.apps[appID]
	if a == nil {
		s.mu.Unlock()
		return errNoApp
	}
	to := a.App
	s.mu.Unlock()
	stamp, nonce, echo := strconv.FormatInt(s.now().Unix(), 10), s.mint("nonce")[:10], digits(s.mint("echo"), 19)
	q := url.Values{"signature": {pushSignature(to.Token, stamp, nonce)}, "timestamp": {stamp}, "nonce": {nonce}, "echostr": {echo}}
	ctx, cancel := context.WithTimeout(s.ctx, s.opts.CallbackDeadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to.CallbackURL+"?"+q.Encode(), nil)
	if err != nil {
		return fmt.Errorf("callback address: %w", err)
	}
	entry := Request{Out: true, Call: "verify_url", Method: http.MethodGet, URL: to.CallbackURL}
	status, reply := s.fetch(req, &entry)
	entry.Status, entry.Response = status, clip(reply)
	s.enter(entry)
	if status != http.StatusOK || string(reply) != echo {
		return fmt.Errorf("callback address answered %d and not the echostr", status)
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
