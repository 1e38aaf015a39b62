package main

import (
	"context"
	"testing"

	"siyu/model/brand"
	"siyu/model/group"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/referral"
	"siyu/model/wecom"
	"siyu/wechat/simulator"
)

// TestWeComStory is the whole program: what a person does in WeCom reaches it through its
// own callback address, workers and rounds.
func TestWeComStory(t *testing.T) {
	ctx := context.Background()
	w := startTown(t, nil)
	e, brandID := w.env, w.demo.brand.ID
	for _, u := range []string{"老带", "新来"} {
		w.sim.AddUser(simulator.User{Name: u})
	}
	if err := w.sim.VerifyCorpURL(demoCorp); err != nil {
		t.Fatal("WeCom would not take the address:", err)
	}
	member := func(user string) id.ID {
		p, ok, err := e.Identities.PersonOf(ctx, identity.ExternalUserID, demoCorp, w.sim.ExternalUserID(user, demoCorp))
		if err != nil || !ok {
			return 0
		}
		m, err := e.Members.Of(ctx, p)
		if err != nil {
			return 0
		}
		return m.ID
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(w.sim.AddContact(demoCorp, demoStaff, "老带", "", false))
	eventually(t, "the first contact is a member", func() bool { return member("老带") != 0 })
	code, err := e.Referrals.CodeOf(ctx, brandID, member("老带"), referral.Member)
	must(err)
	must(w.sim.AddContact(demoCorp, demoStaff, "新来", e.Referrals.Token(code), false))
	eventually(t, "who scanned a way with a referral code is bound", func() bool {
		who := member("新来")
		if who == 0 {
			return false
		}
		b, ok, err := e.Referrals.ReferrerOf(ctx, brandID, who, e.Clock.Now())
		return err == nil && ok && b.ReferrerID == member("老带") && b.Channel == referral.WeChat
	})
	must(w.sim.AddContact(demoCorp, "xiaoli", "新来", "NOTOKEN", false)) // a state of somebody else's is no fault

	community := func() group.Community {
		list, err := e.Groups.List(ctx, group.Filter{BrandID: brandID, Kind: group.WeCom, Limit: 10})
		if err != nil || len(list) != 1 {
			return group.Community{}
		}
		return list[0]
	}
	chat := w.sim.CorpChatIDs(demoCorp)[0]
	eventually(t, "the group that no push told of is found", func() bool { return community().Name == "晒足坊福利一群" })
	must(w.sim.JoinChat(demoCorp, chat, simulator.JoinQR, "", "老带", "新来"))
	must(w.sim.RenameChat(demoCorp, chat, "晒足坊福利群"))
	eventually(t, "its size and name follow", func() bool { c := community(); return c.Size == 3 && c.Name == "晒足坊福利群" })
	acc, err := e.Brands.AccountByApp(ctx, brand.WeCom, demoCorp)
	must(err)
	list, err := e.WeCom.Chats(ctx, acc.ID, 0, 10)
	must(err)
	way, err := e.WeCom.MakeWay(ctx, wecom.Account{ID: list[0].AccountID, BrandID: brandID, CorpID: demoCorp}, wecom.WayDraft{Name: "门店", ChatNos: []id.ID{list[0].ID}, Way: e.Referrals.Token(code)})
	must(err)
	eventually(t, "a join way gives the group its join code", func() bool {
		now, err := e.WeCom.WayOf(ctx, way.ID)
		return err == nil && now.Ready() && community().QR == now.JoinURL
	})
	l, err := e.Groups.SaveCode(ctx, 0, group.LiveDraft{BrandID: brandID, Name: "海报", Targets: []group.TargetDraft{{CommunityID: community().ID}}})
	must(err)
	if a, err := e.Groups.Resolve(ctx, l.Token, group.Visitor{MemberID: member("新来")}, e.Clock.Now()); err != nil || !a.OK {
		t.Fatal("the live code does not hand it out", a, err)
	}
	must(w.sim.DismissChat(demoCorp, chat))
	eventually(t, "it ends", func() bool { return community().State == group.Closed })
	eventually(t, "every push had its effect", w.quiet)
}
