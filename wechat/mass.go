package wechat

import (
	"context"
	"fmt"
	"unicode/utf8"
)

// Codes of mass sends ([C] WxJava WxMpErrorMsgEnum; WeChat's own page names the second only).
const (
	CodeMassQuota    = 45028 // nothing left of the month's sends
	CodeMassRepeated = 45065 // this clientmsgid was sent before: nothing was sent again
)

// Bounds of one mass send by openid: developers.weixin.qq.com/doc/service Batch_Sends.html
const (
	minMass = 2
	maxMass = 10_000
)

// MassText is a text to many followers at once (群发).
type MassText struct {
	OpenIDs     []string // 2 to 10,000
	Text        string
	ClientMsgID string // WeChat sends one id only once; at most 64 bytes
}

// MassSent is what WeChat took: MASSSENDJOBFINISH will name MsgID.
type MassSent struct {
	MsgID    string
	Repeated bool // the same ClientMsgID was taken before, as MsgID if WeChat names it
}

// SendMass sends a text to followers of a service account, each of whom gets at most four
// mass sends in a calendar month: WeChat passes over the others without a word. A repeated
// ClientMsgID sends nothing and is no error, so a call whose outcome is unknown may be made
// again with the same id.
func (c *Client) SendMass(ctx context.Context, app App, m MassText) (MassSent, error) {
	const path = "/cgi-bin/message/mass/send"
	switch {
	case len(m.OpenIDs) < minMass || len(m.OpenIDs) > maxMass:
		return MassSent{}, &APIError{Code: 40130, Msg: fmt.Sprintf("need %d to %d openids", minMass, maxMass), Call: path}
	case m.ClientMsgID == "" || len(m.ClientMsgID) > 64:
		return MassSent{}, badParameter(path, "clientmsgid")
	}
	in := map[string]any{"touser": m.OpenIDs, "msgtype": "text", "text": map[string]string{"content": cutBytes(m.Text, maxText)}, "clientmsgid": m.ClientMsgID}
	var out struct {
		MsgID wireID `json:"msg_id"`
	}
	err := c.postAs(ctx, app, path, in, &out)
	repeated := ErrCode(err) == CodeMassRepeated
	if err != nil && !repeated {
		return MassSent{}, err
	}
	return MassSent{MsgID: string(out.MsgID), Repeated: repeated}, nil
}

// CorpMessage is a text that one of the staff is asked to send to contacts of his
// (企业微信群发; [D] developer.work.weixin.qq.com/document/path/92135).
type CorpMessage struct {
	Sender          string   // userid of the staff
	ExternalUserIDs []string // 1 to 10,000 contacts of his
	Text            string   // at most 4000 bytes
	LinkTitle       string   // "": no link
	LinkURL         string
}

// CorpSent is what WeCom took. Failed got no task: no contact of the sender, or over the
// number of messages that a contact gets.
type CorpSent struct {
	MsgID  string
	Failed []string
}

// AddCorpMessage makes a task for the sender, who has to press "send" in WeCom: until then
// nobody gets anything. It has no idempotency key.
func (c *Client) AddCorpMessage(ctx context.Context, corp App, m CorpMessage) (CorpSent, error) {
	const path = "/cgi-bin/externalcontact/add_msg_template"
	switch {
	case !corpIDShape.MatchString(m.Sender):
		return CorpSent{}, badParameter(path, "sender")
	case len(m.ExternalUserIDs) == 0 || len(m.ExternalUserIDs) > 10_000:
		return CorpSent{}, badParameter(path, "external_userid")
	case m.Text == "" || len(m.Text) > 4000 || !utf8.ValidString(m.Text):
		return CorpSent{}, badParameter(path, "text")
	}
	in := map[string]any{"chat_type": "single", "sender": m.Sender, "external_userid": m.ExternalUserIDs, "text": map[string]string{"content": m.Text}}
	if m.LinkURL != "" {
		in["attachments"] = []any{map[string]any{"msgtype": "link", "link": map[string]string{"title": cutBytes(m.LinkTitle, 128), "url": m.LinkURL}}}
	}
	var out struct {
		MsgID  string   `json:"msgid"`
		Failed []string `json:"fail_list"`
	}
	if err := c.postAs(ctx, corp, path, in, &out); err != nil {
		return CorpSent{}, err
	}
	if out.MsgID == "" {
		return CorpSent{}, fmt.Errorf("wechat: add_msg_template: answer without msgid")
	}
	return CorpSent{MsgID: out.MsgID, Failed: out.Failed}, nil
}

// CancelCorpMessage takes a task back from the staff who has not pressed "send" (停止企业群发;
// [D] path/97611): he cannot any more, and whom he has sent it to keeps it. WeCom does not say
// what it answers of a task that it took back before.
func (c *Client) CancelCorpMessage(ctx context.Context, corp App, msgID string) error {
	const path = "/cgi-bin/externalcontact/cancel_groupmsg_send"
	if msgID == "" {
		return badParameter(path, "msgid")
	}
	return c.postAs(ctx, corp, path, map[string]any{"msgid": msgID}, &struct{}{})
}

// States of a CorpResult.
const (
	CorpUnsent      = 0 // the staff has not pressed "send"
	CorpDelivered   = 1
	CorpNotContact  = 2 // not a contact any more
	CorpOverReached = 3 // got as many as a contact gets
)

// CorpResult is what became of a task for one contact.
type CorpResult struct {
	ExternalUserID string
	State          int
	SentAt         int64 // seconds; 0: not sent
}

// CorpMessageResults pages what became of a task for the contacts of its sender
// ([D] path/93338). cursor "" begins, next "" ends.
func (c *Client) CorpMessageResults(ctx context.Context, corp App, msgID, sender, cursor string) (list []CorpResult, next string, err error) {
	var out struct {
		List []struct {
			ExternalUserID string `json:"external_userid"`
			Status         int    `json:"status"`
			SendTime       int64  `json:"send_time"`
		} `json:"send_list"`
		Next string `json:"next_cursor"`
	}
	in := map[string]any{"msgid": msgID, "userid": sender, "limit": 500, "cursor": cursor}
	if err := c.postAs(ctx, corp, "/cgi-bin/externalcontact/get_groupmsg_send_result", in, &out); err != nil {
		return nil, "", err
	}
	for _, x := range out.List {
		list = append(list, CorpResult{x.ExternalUserID, x.Status, x.SendTime})
	}
	return list, out.Next, nil
}
