package wechat

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/silenceper/wechat/v2/util"
)

// reported opens a plain push with a body.
func reported(t *testing.T, body string) Message {
	t.Helper()
	now := time.Unix(1795233600, 0)
	stamp := strconv.FormatInt(now.Unix(), 10)
	q := url.Values{"timestamp": {stamp}, "nonce": {"n"}, "signature": {util.Signature("token", stamp, "n")}}
	m, err := OpenMessage(App{AppID: "wx1", Token: "token"}, q, []byte(body), now)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestReportsOfWhatWasSent(t *testing.T) {
	head := "<xml><ToUserName>gh_1</ToUserName><FromUserName>mphelper</FromUserName><CreateTime>1795233600</CreateTime><MsgType>event</MsgType><Event>%s</Event>%s</xml>"
	m := reported(t, fmt.Sprintf(head, "MASSSENDJOBFINISH", "<MsgID>1000001625</MsgID><Status><![CDATA[send success]]></Status><TotalCount>100</TotalCount><FilterCount>80</FilterCount><SentCount>75</SentCount><ErrorCount>5</ErrorCount><CopyrightCheckResult><Count>1</Count><ResultList><item><ArticleIdx>1</ArticleIdx></item></ResultList><CheckState>2</CheckState></CopyrightCheckResult>"))
	if m.MsgID != "1000001625" || m.Status != "send success" || m.Counts == nil || *m.Counts != (Counts{100, 80, 75, 5}) || m.Results != nil {
		t.Errorf("%+v", m)
	}
	m = reported(t, fmt.Sprintf(head, "subscribe_msg_sent_event", "<SubscribeMsgSentEvent><List><TemplateId>T1</TemplateId><MsgID>1700827132819554304</MsgID><ErrorCode>43101</ErrorCode><ErrorStatus>user refuse</ErrorStatus></List></SubscribeMsgSentEvent>"))
	want := []Result{{"T1", "1700827132819554304", "43101", "user refuse"}}
	if !slices.Equal(m.Results, want) || m.Counts != nil {
		t.Errorf("%+v", m)
	}
	for _, list := range []string{`{"TemplateId":"T1","MsgID":"1700827132819554304","ErrorCode":"43101","ErrorStatus":"user refuse"}`, `[{"TemplateId":"T1","MsgID":1700827132819554304,"ErrorCode":43101,"ErrorStatus":"user refuse"}]`} {
		m = reported(t, `{"ToUserName":"gh_1","FromUserName":"o1","CreateTime":1795233600,"MsgType":"event","Event":"subscribe_msg_sent_event","List":`+list+`}`)
		if !slices.Equal(m.Results, want) {
			t.Errorf("%s: %+v", list, m.Results)
		}
	}
	if m = reported(t, fmt.Sprintf(head, "subscribe_msg_sent_event", "<SubscribeMsgSentEvent><List><TemplateId>T1</TemplateId></List></SubscribeMsgSentEvent>")); m.Results != nil {
		t.Errorf("half a result: %+v", m.Results)
	}
}

// A call whose answer was lost learns the job's id when it is repeated: its report names it.
func TestARepeatedMassSendNamesTheJob(t *testing.T) {
	const path = "/cgi-bin/message/mass/send"
	srv := &answers{byPath: map[string]string{path: `{"errcode":45065,"errmsg":"clientmsgid exist","msg_id":34182}`}}
	c, _ := newTestClient(t, srv)
	m := MassText{OpenIDs: []string{"o1", "o2"}, Text: "护眼月", ClientMsgID: "push-7-1"}
	if got, err := c.SendMass(context.Background(), official, m); err != nil || got != (MassSent{MsgID: "34182", Repeated: true}) {
		t.Errorf("%+v %v", got, err)
	}
}

func TestASubscribeMessageNamesItsIDWhereTheAnswerDoes(t *testing.T) {
	srv := &answers{byPath: map[string]string{"/cgi-bin/message/subscribe/send": `{"errcode":0,"errmsg":"ok","msgid":1700827132819554304}`, "/cgi-bin/message/subscribe/bizsend": `{"errcode":0,"errmsg":"ok"}`}}
	c, _ := newTestClient(t, srv)
	m := SubscribeMessage{OpenID: "o1", TemplateID: "T2", Data: map[string]string{"thing1": "x"}}
	if got, err := c.SendSubscribe(context.Background(), mini, m); err != nil || got != "1700827132819554304" {
		t.Errorf("%q %v", got, err)
	}
	if got, err := c.SendSubscribe(context.Background(), official, m); err != nil || got != "" {
		t.Errorf("%q %v", got, err)
	}
}
