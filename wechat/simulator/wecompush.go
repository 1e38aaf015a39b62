package simulator

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// WeCom's callbacks: always encrypted, signed by msg_signature over the cipher text, five
// seconds to answer, three tries (developer.work.weixin.qq.com/document/path/90930).

// corpPushBody is the plaintext of one push. Empty parts are left out, as WeCom does.
type corpPushBody struct {
	XMLName     xml.Name    `xml:"xml"`
	ToUser      cdata       `xml:"ToUserName"`
	FromUser    cdata       `xml:"FromUserName"`
	CreateTime  int64       `xml:"CreateTime"`
	MsgType     cdata       `xml:"MsgType"`
	Event       cdata       `xml:"Event"`
	ChangeType  cdata       `xml:"ChangeType"`
	UserID      *cdata      `xml:"UserID,omitempty"`
	ExternalID  *cdata      `xml:"ExternalUserID,omitempty"`
	State       *cdata      `xml:"State,omitempty"`
	WelcomeCode *cdata      `xml:"WelcomeCode,omitempty"`
	ChatID      *cdata      `xml:"ChatId,omitempty"`
	Detail      *cdata      `xml:"UpdateDetail,omitempty"`
	JoinScene   *int        `xml:"JoinScene,omitempty"`
	QuitScene   *int        `xml:"QuitScene,omitempty"`
	Count       *int        `xml:"MemChangeCnt,omitempty"`
	Changes     *corpChange `xml:"MemChangeList,omitempty"`
	LastVersion *cdata      `xml:"LastMemVer,omitempty"`
	NewVersion  *cdata      `xml:"CurMemVer,omitempty"`
}

type corpChange struct {
	Item []cdata `xml:"Item"`
}

func text(s string) *cdata {
	if s == "" {
		return nil
	}
	return &cdata{s}
}

func number(n int) *int { return &n }

func (e *corpPushBody) contact(userID, externalUserID string) {
	e.UserID, e.ExternalID = text(userID), text(externalUserID)
}

func (e *corpPushBody) members(ids []string, last, cur string) {
	e.Count, e.Changes = number(len(ids)), &corpChange{}
	for _, id := range ids {
		e.Changes.Item = append(e.Changes.Item, cdata{id})
	}
	e.LastVersion, e.NewVersion = text(last), text(cur)
}

// corpEvent is a new event of a corp; the caller holds the lock.
func (s *Simulator) corpEvent(c *corp, event, change string) corpPushBody {
	return corpPushBody{ToUser: cdata{c.CorpID}, FromUser: cdata{"sys"}, CreateTime: s.now().Unix(), MsgType: cdata{"event"}, Event: cdata{event}, ChangeType: cdata{change}}
}

func (s *Simulator) chatUpdate(c *corp, g *groupChat, detail string) corpPushBody {
	e := s.corpEvent(c, "change_external_chat", "update")
	e.ChatID, e.Detail = text(g.ID), text(detail)
	return e
}

// corpPush delivers one event, with the misfortunes of "wecom_callback".
func (s *Simulator) corpPush(c *corp, e corpPushBody) {
	s.mu.Lock()
	to := c.Corp
	s.mu.Unlock()
	if to.CallbackURL == "" {
		return
	}
	body, err := xml.Marshal(e)
	if err != nil {
		panic("simulator: corp push: " + err.Error()) // only texts and numbers
	}
	fate := s.takeMisfortune("wecom_callback")
	s.withFate(fate, func() { s.deliverCorp(to, body) }, func() { s.forgeCorp(to, body, fate.Code) })
}

func (s *Simulator) deliverCorp(to Corp, body []byte) {
	for try := 1; try <= 3; try++ {
		q, sent, err := s.dressCorp(to, to.CorpID, body, s.now().Unix())
		if err != nil {
			s.enter(Request{Out: true, Call: "wecom_callback", URL: to.CallbackURL, Remark: err.Error()})
			return
		}
		status, _ := s.post(to.CallbackURL, q, sent, fmt.Sprintf("企业微信 第 %d 次", try), body)
		if status >= 200 && status < 300 || s.ctx.Err() != nil {
			return
		}
	}
}

// dressCorp encrypts for a corp and signs. inside is the corpid in the cipher text.
func (s *Simulator) dressCorp(to Corp, inside string, body []byte, at int64) (url.Values, []byte, error) {
	sealed, err := seal(to.AESKey, s.mint("noise"), inside, body)
	if err != nil {
		return nil, nil, err
	}
	stamp, nonce := strconv.FormatInt(at, 10), s.mint("nonce")[:10]
	q := url.Values{"msg_signature": {pushSignature(to.Token, stamp, nonce, sealed)}, "timestamp": {stamp}, "nonce": {nonce}}
	return q, []byte("<xml><ToUserName><![CDATA[" + to.CorpID + "]]></ToUserName><AgentID><![CDATA[]]></AgentID><Encrypt><![CDATA[" + sealed + "]]></Encrypt></xml>"), nil
}

// forgeCorp sends what an attacker could, as forgePush does: "" or msg_signature (wrong
// signature), plaintext, stale (an hour old), corp (well sealed for another corp, as one
// who shares the key with a sister corp would).
func (s *Simulator) forgeCorp(to Corp, body []byte, how string) {
	at, inside := s.now().Unix(), to.CorpID
	switch how {
	case "stale":
		at -= 3600
	case "corp":
		inside = "ww0000000000000000"
	}
	q, sent, err := s.dressCorp(to, inside, body, at)
	if err != nil {
		return
	}
	switch how {
	case "stale", "corp":
	case "plaintext":
		sent = body
	default:
		q.Set("msg_signature", pushSignature("wrong", q.Get("timestamp"), q.Get("nonce")))
	}
	s.post(to.CallbackURL, q, sent, "企业微信 伪造", body)
}

// VerifyCorpURL is the operator saving the callback address in WeCom's console: siyu must
// answer the decrypted echostr.
func (s *Simulator) VerifyCorpURL(corpID string) error {
	s.mu.Lock()
	c, err := s.corpOf(corpID)
	if err != nil {
		s.mu.Unlock()
		return err
	}
	to := c.Corp
	s.mu.Unlock()
	echo := digits(s.mint("echo"), 19)
	q, sent, err := s.dressCorp(to, to.CorpID, []byte(echo), s.now().Unix())
	if err != nil {
		return err
	}
	sealed := string(sent)
	_, sealed, _ = strings.Cut(sealed, "<Encrypt><![CDATA[")
	sealed, _, _ = strings.Cut(sealed, "]]>")
	q.Set("echostr", sealed)
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
		return fmt.Errorf("callback address answered %d and not the decrypted echostr", status)
	}
	return nil
}
