package simulator_test

import (
	"encoding/xml"
	"testing"

	"siyu/wechat/simulator"
)

// laterCases are the misfortunes of messages that were taken, for the table of all of them:
// the call is answered with success, nobody gets anything, and the report says so.
func laterCases(case_ func(kind, name string, f func(t *testing.T, w *world))) {
	case_("fails_later", "is_told_in_the_report_of_what_was_sent", whatWasTakenFails)
}

func whatWasTakenFails(t *testing.T, w *world) {
	w.sim.AddUser(simulator.User{Name: "阿强"})
	must(t, w.sim.Follow("小满", officialID))
	must(t, w.sim.Follow("阿强", officialID))
	must(t, w.sim.Grant("小满", officialID, "S1", 1))
	fails := func(call, code string) {
		t.Helper()
		must(t, w.sim.SetMisfortune(simulator.Misfortune{Call: call, Kind: "fails_later", Code: code}))
	}
	type report struct {
		Event, Status, MsgID               string
		TotalCount, FilterCount, SentCount int
		Sent                               struct {
			ErrorCode   int
			ErrorStatus string
		} `xml:"SubscribeMsgSentEvent>List"`
	}
	last := func() (r report) {
		must(t, w.sim.Settle(t.Context()))
		all := w.arrived("/callback")
		must(t, xml.Unmarshal(all[len(all)-1].body, &r))
		return r
	}
	fails("mass.send", "err(20004)")
	if got := w.mass("c1", "小满", "阿强").code(); got != 0 {
		t.Fatal(got)
	}
	if r := last(); r.Event != "MASSSENDJOBFINISH" || r.Status != "err(20004)" || r.MsgID == "" || r.TotalCount+r.FilterCount+r.SentCount != 0 {
		t.Errorf("%+v", r)
	}
	to := jsonOf{"touser": w.sim.OpenID("小满", officialID), "template_id": "S1", "data": jsonOf{"thing1": jsonOf{"value": "x"}}}
	fails("template.send", "")
	if got := w.api("POST", "/cgi-bin/message/template/send?access_token="+w.token(), to).code(); got != 0 {
		t.Fatal(got)
	}
	if r := last(); r.Status != "failed: system failed" {
		t.Errorf("%+v", r)
	}
	fails("subscribe.send", "")
	if got := w.api("POST", "/cgi-bin/message/subscribe/bizsend?access_token="+w.token(), to).code(); got != 0 {
		t.Fatal(got)
	}
	if r := last(); r.Sent.ErrorCode != 43101 || r.Sent.ErrorStatus == "success" || w.sim.Grants("小满", officialID, "S1") != 0 {
		t.Errorf("%+v", r)
	}
	for _, name := range []string{"小满", "阿强"} {
		for _, m := range w.sim.Chats(name) {
			if m.Kind != "event" {
				t.Errorf("%s got %+v", name, m)
			}
		}
	}
}
