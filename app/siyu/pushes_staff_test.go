package main

import (
	"context"
	"testing"

	"siyu/model/brand"
	"siyu/model/fresh"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/wechat/simulator"
)

// What staff are asked to send goes by WeCom's own wire: who is no contact gets no task, and
// nobody has got anything before the staff has pressed "send".
func TestStaffSendWhatTheyAreAskedTo(t *testing.T) {
	w, ctx := startTown(t, nil), context.Background()
	for _, u := range []string{"小满", "阿强"} {
		w.sim.AddUser(simulator.User{Name: u})
	}
	if err := w.sim.AddContact(demoCorp, demoStaff, "小满", "", false); err != nil {
		t.Fatal(err)
	}
	a, err := w.env.Brands.AccountByApp(ctx, brand.WeCom, demoCorp)
	if err != nil {
		t.Fatal(err)
	}
	m := mouth{w.wechat, fresh.New(w.env.Clock, accounts{w.env.Brands, w.cfg.PublicURL}.App), w.env.carry}
	friend, stranger := w.sim.ExternalUserID("小满", demoCorp), w.sim.ExternalUserID("阿强", demoCorp)
	parcel := push.Parcel{Way: reach.Use{Channel: reach.WeCom, AccountID: a.ID}, Sender: demoStaff, OpenID: friend, Message: push.Message{Text: "镜片到货"}}
	other := parcel
	other.OpenID = stranger
	task, err := m.SendPushes(ctx, []push.Parcel{parcel, other})
	if err != nil || task.ID == "" || !task.Without[stranger] || task.Without[friend] {
		t.Fatalf("%+v %v", task, err)
	}
	asked := push.Task{AccountID: a.ID, Sender: demoStaff, MsgID: task.ID}
	if got, err := m.TaskResults(ctx, asked); err != nil || len(got) != 1 || got[friend] != push.TaskWaits {
		t.Errorf("%v %v", got, err)
	}
	if n, err := w.sim.StaffSends(demoCorp, demoStaff); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if got, err := m.TaskResults(ctx, asked); err != nil || got[friend] != push.TaskDelivered {
		t.Errorf("%v %v", got, err)
	}
	if err := w.sim.AddContact(demoCorp, demoStaff, "阿强", "", false); err != nil {
		t.Fatal(err)
	}
	late, err := m.SendPushes(ctx, []push.Parcel{other})
	if err != nil || late.Without[stranger] {
		t.Fatalf("%+v %v", late, err)
	}
	if err := m.CancelTask(ctx, push.Task{AccountID: a.ID, Sender: demoStaff, MsgID: late.ID}); err != nil {
		t.Error(err)
	}
	if n, err := w.sim.StaffSends(demoCorp, demoStaff); err != nil || n != 0 {
		t.Errorf("%d got what was taken back: %v", n, err)
	}
}
