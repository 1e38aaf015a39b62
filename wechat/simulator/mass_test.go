package simulator_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"testing"
	"time"

	"siyu/wechat"
	"siyu/wechat/simulator"
)

func (w *world) mass(clientID string, users ...string) jsonOf {
	var to []string
	for _, u := range users {
		to = append(to, w.sim.OpenID(u, officialID))
	}
	return w.api("POST", "/cgi-bin/message/mass/send?access_token="+w.token(), jsonOf{"touser": to, "msgtype": "text", "text": jsonOf{"content": "护眼月"}, "clientmsgid": clientID})
}

func TestMassSendPassesOverWhoHadFourThisMonth(t *testing.T) {
	w := newWorld(t)
	w.sim.AddUser(simulator.User{Name: "阿强"})
	must(t, w.sim.Follow("小满", officialID))
	must(t, w.sim.Follow("阿强", officialID))
	if got := w.mass("one", "小满").code(); got != 40130 {
		t.Errorf("to one: %d", got)
	}
	for i := range 4 {
		if got := w.mass(fmt.Sprint("c", i), "小满", "阿强").code(); got != 0 {
			t.Fatal(got)
		}
	}
	if got := w.sim.Would("mass", "小满", officialID, ""); got != 45028 {
		t.Errorf("would: %d", got)
	}
	if got := w.mass("c3", "小满", "阿强").code(); got != 45065 {
		t.Errorf("the same clientmsgid: %d", got)
	}
	w.mass("c5", "小满", "阿强")
	if got := w.sim.MassFiltered(officialID); got != 2 {
		t.Errorf("%d passed over, want 2", got)
	}
	w.pass(31 * 24 * time.Hour)
	w.mass("c6", "小满", "阿强")
	if got := w.sim.MassFiltered(officialID); got != 2 {
		t.Errorf("a new month: %d passed over", got)
	}
	var last struct {
		Event, Status           string
		TotalCount, FilterCount int
		SentCount               int
	}
	for _, a := range w.arrived("/callback") {
		var e struct{ Event string }
		must(t, xml.Unmarshal(a.body, &e))
		if e.Event == "MASSSENDJOBFINISH" {
			must(t, xml.Unmarshal(a.body, &last))
		}
	}
	if last.TotalCount != 2 || last.FilterCount != 2 || last.SentCount != 2 {
		t.Errorf("the report: %+v", last)
	}
}

func TestPopupGrantsAndSettingsTakeThemBack(t *testing.T) {
	w := newWorld(t)
	send := func() int {
		return w.api("POST", "/cgi-bin/message/subscribe/bizsend?access_token="+w.token(), jsonOf{"touser": w.sim.OpenID("小满", officialID), "template_id": "S1", "data": jsonOf{"thing1": jsonOf{"value": "x"}}}).code()
	}
	must(t, w.sim.Popup("小满", officialID, []string{"S1"}, []string{"S2"}))
	must(t, w.sim.Popup("小满", officialID, []string{"S1"}, nil))
	if a, b := send(), w.sim.Would("subscribe", "小满", officialID, "S1"); a != 0 || b != 0 {
		t.Errorf("%d, would %d", a, b)
	}
	must(t, w.sim.Withdraw("小满", officialID, "S1"))
	if a, b := w.sim.Would("subscribe", "小满", officialID, "S1"), send(); a != 43101 || b != 43101 {
		t.Errorf("would %d, %d", a, b)
	}
	type said struct {
		Template string `xml:"TemplateId"`
		Status   string `xml:"SubscribeStatusString"`
	}
	var popup struct {
		List []said `xml:"SubscribeMsgPopupEvent>List"`
	}
	must(t, xml.Unmarshal(w.arrived("/callback")[0].body, &popup))
	if fmt.Sprint(popup.List) != "[{S1 accept} {S2 reject}]" {
		t.Errorf("%+v", popup)
	}
}

func TestAClickOpensAMinuteAndADeedDoesNotAddUp(t *testing.T) {
	w := newWorld(t)
	if w.sim.Click("小满", officialID, "menu") == nil {
		t.Error("a stranger has no menu")
	}
	must(t, w.sim.Follow("小满", officialID))
	w.pass(time.Minute)
	must(t, w.sim.Click("小满", officialID, "menu"))
	must(t, w.sim.Click("小满", officialID, "menu"))
	codes := ""
	for range 4 {
		codes += fmt.Sprint(w.sayTo("在").code(), w.sim.Would("custom", "小满", officialID, ""), " ")
	}
	if codes != "0 0 0 0 0 45047 45047 45047 " {
		t.Errorf("%q", codes)
	}
}

func TestAGroupSendWaitsForTheStaff(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	c, app := w.corp()
	w.sim.AddUser(simulator.User{Name: "阿强"})
	must(t, w.sim.AddContact(corpID, "zhangsan", "小满", "", false))
	task := func() wechat.CorpSent {
		got, err := c.AddCorpMessage(ctx, app, wechat.CorpMessage{Sender: "zhangsan", ExternalUserIDs: []string{w.sim.ExternalUserID("小满", corpID), w.sim.ExternalUserID("阿强", corpID)}, Text: "新品"})
		if err != nil || len(got.Failed) != 1 || got.Failed[0] != w.sim.ExternalUserID("阿强", corpID) {
			t.Fatalf("%+v %v", got, err)
		}
		return got
	}
	first, second := task(), task()
	state := func(of wechat.CorpSent) int {
		list, _, err := c.CorpMessageResults(ctx, app, of.MsgID, "zhangsan", "")
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v %v", list, err)
		}
		return list[0].State
	}
	if got := state(first); got != wechat.CorpUnsent {
		t.Errorf("before anybody pressed: %d", got)
	}
	if n, err := w.sim.StaffSends(corpID, "zhangsan"); err != nil || n != 1 {
		t.Errorf("%d %v", n, err)
	}
	if a, b := state(first), state(second); a != wechat.CorpDelivered || b != wechat.CorpOverReached {
		t.Errorf("two tasks on one day: %d, %d", a, b)
	}
}

func TestWhatWasTakenBackTheStaffCannotSend(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	c, app := w.corp()
	w.sim.AddUser(simulator.User{Name: "阿强"})
	task := func(name string) string {
		must(t, w.sim.AddContact(corpID, "zhangsan", name, "", false))
		got, err := c.AddCorpMessage(ctx, app, wechat.CorpMessage{Sender: "zhangsan", ExternalUserIDs: []string{w.sim.ExternalUserID(name, corpID)}, Text: "新品"})
		must(t, err)
		return got.MsgID
	}
	state := func(msgID string) int {
		list, _, err := c.CorpMessageResults(ctx, app, msgID, "zhangsan", "")
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v %v", list, err)
		}
		return list[0].State
	}
	sends := func(want int) {
		t.Helper()
		if n, err := w.sim.StaffSends(corpID, "zhangsan"); err != nil || n != want {
			t.Errorf("%d were sent, want %d: %v", n, want, err)
		}
	}
	early := task("小满")
	sends(1)
	late := task("阿强")
	for _, msgID := range []string{early, late, late} {
		must(t, c.CancelCorpMessage(ctx, app, msgID))
	}
	sends(0)
	other := task("阿强")
	for msgID, want := range map[string]int{late: 0, other: 1, "msg-of-nobody": 0} {
		if n, err := w.sim.StaffSendsOne(corpID, msgID); err != nil || n != want {
			t.Errorf("%d were sent by one task, want %d: %v", n, want, err)
		}
	}
	list := w.sim.StaffTasks(corpID)
	if len(list) != 3 || !list[0].Back || !list[1].Back || list[2].Back || list[0].Sender != "zhangsan" || list[1].Text != "新品" ||
		list[0].States["小满"] != 1 || list[1].States["阿强"] != 0 || list[2].States["阿强"] != 1 {
		t.Errorf("%+v", list)
	}
	if a, b := state(early), state(late); a != wechat.CorpDelivered || b != wechat.CorpUnsent {
		t.Errorf("who got it keeps it, nobody else gets it: %d, %d", a, b)
	}
	if err := c.CancelCorpMessage(ctx, app, "msg-of-nobody"); wechat.ErrCode(err) != wechat.CodeBadParameter {
		t.Errorf("%v", err)
	}
}
