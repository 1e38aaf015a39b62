package wechat

import (
	"context"
	"fmt"
	"testing"
)

func TestSendMass(t *testing.T) {
	ctx := context.Background()
	srv := &answers{byPath: map[string]string{"/cgi-bin/message/mass/send": `{"errcode":0,"errmsg":"ok","msg_id":34182,"msg_data_id":206227730}`}}
	c, _ := newTestClient(t, srv)
	m := MassText{OpenIDs: []string{"o1", "o2"}, Text: "护眼月", ClientMsgID: "push-7-1"}
	got, err := c.SendMass(ctx, official, m)
	if err != nil || got != (MassSent{MsgID: "34182"}) {
		t.Fatalf("%+v %v", got, err)
	}
	bodyIs(t, srv.body, `{"touser":["o1","o2"],"msgtype":"text","text":{"content":"护眼月"},"clientmsgid":"push-7-1"}`)

	srv.byPath["/cgi-bin/message/mass/send"] = `{"errcode":45065,"errmsg":"clientmsgid exist"}`
	if got, err := c.SendMass(ctx, official, m); err != nil || !got.Repeated {
		t.Errorf("a repetition is no error: %+v %v", got, err)
	}
	srv.byPath["/cgi-bin/message/mass/send"] = `{"errcode":45028,"errmsg":"has no masssend quota"}`
	if _, err := c.SendMass(ctx, official, m); ErrCode(err) != CodeMassQuota {
		t.Errorf("%v", err)
	}
	srv.body = nil
	if _, err := c.SendMass(ctx, official, MassText{OpenIDs: []string{"o1"}, Text: "x", ClientMsgID: "y"}); ErrCode(err) != 40130 || srv.body != nil {
		t.Errorf("one receiver: %v, sent %v", err, srv.body)
	}
}

func TestCorpMessage(t *testing.T) {
	ctx := context.Background()
	srv := &answers{byPath: map[string]string{
		"/qyapi.weixin.qq.com/cgi-bin/gettoken":                                 `{"errcode":0,"errmsg":"ok","access_token":"corp-token","expires_in":7200}`,
		"/qyapi.weixin.qq.com/cgi-bin/externalcontact/add_msg_template":         `{"errcode":0,"errmsg":"ok","msgid":"msg-1","fail_list":["wm2"]}`,
		"/qyapi.weixin.qq.com/cgi-bin/externalcontact/get_groupmsg_send_result": `{"errcode":0,"errmsg":"ok","next_cursor":"c2","send_list":[{"external_userid":"wm1","userid":"zhang","status":1,"send_time":1795233600},{"external_userid":"wm3","userid":"zhang","status":3}]}`,
	}}
	c, _ := newTestClient(t, srv)
	got, err := c.AddCorpMessage(ctx, corp, CorpMessage{Sender: "zhang", ExternalUserIDs: []string{"wm1", "wm2"}, Text: "新品", LinkTitle: "看看", LinkURL: "https://h5/l/x"})
	if err != nil || got.MsgID != "msg-1" || len(got.Failed) != 1 || got.Failed[0] != "wm2" {
		t.Fatalf("%+v %v", got, err)
	}
	bodyIs(t, srv.body, `{"chat_type":"single","sender":"zhang","external_userid":["wm1","wm2"],"text":{"content":"新品"},
		"attachments":[{"msgtype":"link","link":{"title":"看看","url":"https://h5/l/x"}}]}`)
	list, next, err := c.CorpMessageResults(ctx, corp, "msg-1", "zhang", "")
	if err != nil || next != "c2" || len(list) != 2 || list[0] != (CorpResult{"wm1", CorpDelivered, 1795233600}) || list[1].State != CorpOverReached {
		t.Errorf("%+v %q %v", list, next, err)
	}
	if _, err := c.AddCorpMessage(ctx, corp, CorpMessage{Sender: "zhang", Text: "x"}); ErrCode(err) != CodeBadParameter {
		t.Errorf("nobody: %v", err)
	}
}

func TestATaskOfStaffIsTakenBack(t *testing.T) {
	ctx := context.Background()
	const path = "/qyapi.weixin.qq.com/cgi-bin/externalcontact/cancel_groupmsg_send"
	srv := &answers{byPath: map[string]string{
		"/qyapi.weixin.qq.com/cgi-bin/gettoken": `{"errcode":0,"errmsg":"ok","access_token":"corp-token","expires_in":7200}`,
		path:                                    `{"errcode":0,"errmsg":"ok"}`,
	}}
	c, _ := newTestClient(t, srv)
	if err := c.CancelCorpMessage(ctx, corp, "msg-1"); err != nil {
		t.Fatal(err)
	}
	bodyIs(t, srv.body, `{"msgid":"msg-1"}`)
	srv.byPath[path] = `{"errcode":41063,"errmsg":"groupmsg is dispatching"}`
	if err := c.CancelCorpMessage(ctx, corp, "msg-1"); !IsThrottled(err) || !DidNothing(err) {
		t.Errorf("what is being handed out is taken back later: %v", err)
	}
	srv.body = nil
	if err := c.CancelCorpMessage(ctx, corp, ""); ErrCode(err) != CodeBadParameter || srv.body != nil {
		t.Errorf("no task: %v, sent %v", err, srv.body)
	}
}

func TestGrantsInEvents(t *testing.T) {
	list := func(where string) string {
		return "<Event><![CDATA[subscribe_msg_" + where + "_event]]></Event><SubscribeMsg" + map[string]string{"popup": "Popup", "change": "Change"}[where] + "Event>" +
			"<List><TemplateId><![CDATA[T1]]></TemplateId><SubscribeStatusString><![CDATA[accept]]></SubscribeStatusString><PopupScene>2</PopupScene></List>" +
			"<List><TemplateId><![CDATA[T2]]></TemplateId><SubscribeStatusString><![CDATA[reject]]></SubscribeStatusString></List></SubscribeMsg" +
			map[string]string{"popup": "Popup", "change": "Change"}[where] + "Event>"
	}
	const said = "[{T1 accept} {T2 reject}]"
	for _, where := range []string{"popup", "change"} {
		m, err := OpenMessage(official, pushQuery(official, noon), []byte(pushXML("event", list(where))), noon)
		if err != nil || fmt.Sprint(m.Grants) != said {
			t.Errorf("%s: %v %v", where, m.Grants, err)
		}
	}
	for text, want := range map[string]string{
		`[{"TemplateId":"T1","SubscribeStatusString":"accept"},{"TemplateId":"T2","SubscribeStatusString":"reject"}]`: said,
		`{"TemplateId":"T1","SubscribeStatusString":"accept"}`:                                                        "[{T1 accept}]",
		`"T1"`: "[]", `{}`: "[]",
	} {
		body := fmt.Sprintf(`{"ToUserName":"gh_2","FromUserName":%q,"CreateTime":%d,"MsgType":"event","Event":"subscribe_msg_popup_event","List":%s}`, openID, noon.Unix(), text)
		m, err := OpenMessage(official, pushQuery(official, noon), []byte(body), noon)
		if err != nil || fmt.Sprint(m.Grants) != want {
			t.Errorf("%s: %v %v", text, m.Grants, err)
		}
	}
	other := pushXML("event", "<Event><![CDATA[CLICK]]></Event><SubscribeMsgPopupEvent><List><TemplateId>T1</TemplateId><SubscribeStatusString>accept</SubscribeStatusString></List></SubscribeMsgPopupEvent>")
	if m, err := OpenMessage(official, pushQuery(official, noon), []byte(other), noon); err != nil || len(m.Grants) != 0 {
		t.Errorf("another event grants nothing: %v %v", m.Grants, err)
	}
	half := pushXML("event", "<Event>subscribe_msg_popup_event</Event><SubscribeMsgPopupEvent><List><TemplateId>T1</TemplateId></List></SubscribeMsgPopupEvent>")
	if m, err := OpenMessage(official, pushQuery(official, noon), []byte(half), noon); err != nil || len(m.Grants) != 0 {
		t.Errorf("half a list grants nothing: %v %v", m.Grants, err)
	}
	done := pushXML("event", "<Event>TEMPLATESENDJOBFINISH</Event><MsgID>200163836</MsgID><Status><![CDATA[failed:user block]]></Status>")
	if m, err := OpenMessage(official, pushQuery(official, noon), []byte(done), noon); err != nil || m.Status != "failed:user block" {
		t.Errorf("%q %v", m.Status, err)
	}
}
