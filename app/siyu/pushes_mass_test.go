package main

import (
	"context"
	"slices"
	"testing"

	"siyu/model/brand"
	"siyu/model/fresh"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/wechat/simulator"
)

// A mass send that is made again after its worker died goes under the key of its call by
// WeChat's own wire: who got it gets nothing more, whoever of them stands first in the list.
func TestAMassSendThatIsMadeAgainReachesNobodyTwice(t *testing.T) {
	w, ctx := startTown(t, nil), context.Background()
	a, err := w.env.Brands.AccountByApp(ctx, brand.Official, demoOfficial)
	if err != nil {
		t.Fatal(err)
	}
	var list []push.Parcel
	users := []string{"小满", "阿强"}
	for i, u := range users {
		w.sim.AddUser(simulator.User{Name: u})
		if err := w.sim.Follow(u, demoOfficial); err != nil {
			t.Fatal(err)
		}
		list = append(list, push.Parcel{Way: reach.Use{Channel: reach.Mass, AccountID: a.ID}, OpenID: w.sim.OpenID(u, demoOfficial), Key: []string{"71", "72"}[i], Call: "71", Message: push.Message{Text: "镜片到货"}})
	}
	m := mouth{w.wechat, fresh.New(w.env.Clock, accounts{w.env.Brands, w.cfg.PublicURL}.App), w.env.carry}
	got := func() (n []int) {
		for _, u := range users {
			count := 0
			for _, c := range w.sim.Chats(u) {
				if c.Text == "镜片到货" {
					count++
				}
			}
			n = append(n, count)
		}
		return n
	}
	for range 2 {
		if _, err := m.SendPushes(ctx, list); err != nil {
			t.Fatal(err)
		}
		if n := got(); !slices.Equal(n, []int{1, 1}) {
			t.Fatalf("they got %v", n)
		}
		slices.Reverse(list)
	}
	for i := range list {
		list[i].Call = "90"
	}
	if _, err := m.SendPushes(ctx, list); err != nil {
		t.Fatal(err)
	}
	if n := got(); !slices.Equal(n, []int{2, 2}) {
		t.Errorf("another call: they got %v", n)
	}
}
