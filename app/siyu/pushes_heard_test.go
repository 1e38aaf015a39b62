package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"siyu/model/brand"
	"siyu/model/consent"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/model/segment"
	"siyu/wechat/simulator"
)

// What WeChat took and reports later as failed is told by its own wire, once or twice,
// and ends as a copy that did not arrive.
func TestWhatWeChatReportsReachesThePush(t *testing.T) {
	w, ctx := startTown(t, nil), context.Background()
	e := w.env
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	a, err := e.Brands.AccountByApp(ctx, brand.Official, demoOfficial)
	must(err)
	mini, err := e.Brands.AccountByApp(ctx, brand.Mini, demoMini)
	must(err)
	var members []id.ID
	for i, name := range []string{"何一", "何二", "何三"} {
		w.sim.AddUser(simulator.User{Name: name})
		must(w.sim.Follow(name, demoOfficial))
		person, err := e.Identities.Resolve(ctx, identity.Login{AppID: demoOfficial, OpenID: w.sim.OpenID(name, demoOfficial), UnionID: fmt.Sprint("union-", i)})
		must(err)
		_, err = e.Identities.Resolve(ctx, identity.Login{AppID: demoMini, OpenID: w.sim.OpenID(name, demoMini), UnionID: fmt.Sprint("union-", i)})
		must(err)
		who, err := e.Members.Of(ctx, person)
		must(err)
		_, err = e.Consents.Put(ctx, consent.Consent{MemberID: who.ID, Purpose: consent.Marketing, Given: true, Channel: consent.H5})
		must(err)
		must(w.sim.Popup(name, demoOfficial, []string{"ARRIVAL"}, nil))
		must(w.sim.Popup(name, demoMini, []string{"ARRIVAL"}, nil))
		members = append(members, who.ID)
	}
	list, err := e.Segments.CreateRoster(ctx, segment.Roster{BrandID: a.BrandID, Name: "老客", ByID: 1})
	must(err)
	_, err = e.Segments.Put(ctx, list.ID, members)
	must(err)
	eventually(t, "everybody may be reached", func() bool {
		answers, err := e.Reach.Look(ctx, reach.Ask{BrandID: a.BrandID, Purpose: reach.Marketing, Uses: []reach.Use{{Channel: reach.Mass, AccountID: a.ID}}}, members)
		must(err)
		for _, x := range answers {
			if x.Use != 0 {
				return false
			}
		}
		return true
	})
	runs := func(u reach.Use, c push.Content, orders ...simulator.Misfortune) push.Numbers {
		t.Helper()
		w.clk.Advance(24 * time.Hour) // one offer a day
		for _, m := range orders {
			must(w.sim.SetMisfortune(m))
		}
		f := push.Form{BrandID: a.BrandID, Name: "到货", Purpose: reach.Marketing, Worth: 50, ListID: list.ID, Timing: push.Now,
			Body: push.Body{Uses: []reach.Use{u}, Arms: []push.Arm{{Name: "A", Weight: 1, Contents: []push.Content{c}}}}}
		if u.Channel == reach.Template {
			f.Purpose = reach.Service
		}
		p, err := e.Pushes.Create(ctx, f, 1)
		must(err)
		eventually(t, "everybody is in the audience", func() bool {
			need, err := e.Pushes.Needs(ctx, p.ID, 1)
			must(err)
			return need.People == 3
		})
		if p, err = e.Pushes.Submit(ctx, p.ID, 1); err == nil {
			p, err = e.Pushes.Approve(ctx, p.ID, p.Version, 2)
		}
		must(err)
		_, err = e.Pushes.Start(ctx, p.ID, 1)
		must(err)
		var n push.Numbers
		eventually(t, "the push is done and its reports applied: "+u.Channel, func() bool {
			n, err = e.Pushes.Numbers(ctx, p.ID)
			must(err)
			return n.State == push.Done && (n.Refused > 0 || n.Partial != nil)
		})
		return n
	}
	data := map[string]string{"thing1": "到货"}
	later := func(call, code string) simulator.Misfortune {
		return simulator.Misfortune{Call: call, Kind: "fails_later", Code: code, Count: 1}
	}
	mass := reach.Use{Channel: reach.Mass, AccountID: a.ID}
	n := runs(mass, push.Content{Text: "到货"}, later("mass.send", "err(10001)"), simulator.Misfortune{Call: "callback", Kind: "duplicate_notice"})
	if n.Refused != 3 || n.Sent != 0 || n.Counts[0].Reason != "mass_ad" {
		t.Errorf("a mass send that was refused: %+v", n)
	}
	n = runs(reach.Use{Channel: reach.Template, AccountID: a.ID, TemplateID: "ARRIVAL"}, push.Content{Data: data}, later("template.send", ""), simulator.Misfortune{Call: "callback", Kind: "duplicate_notice", Count: 3})
	if n.Refused != 1 || n.Sent != 2 {
		t.Errorf("a template message that failed: %+v", n)
	}
	n = runs(reach.Use{Channel: reach.Subscribe, AccountID: a.ID, TemplateID: "ARRIVAL"}, push.Content{Data: data}, later("subscribe.send", "20001"))
	if n.Refused != 1 || n.Sent != 2 {
		t.Errorf("a subscribe message of an account: %+v", n)
	}
	n = runs(reach.Use{Channel: reach.Subscribe, AccountID: mini.ID, TemplateID: "ARRIVAL"}, push.Content{Data: data}, later("subscribe.send", ""))
	if n.Refused != 1 || n.Sent != 2 || n.Counts[len(n.Counts)-1].Reason != reach.NoGrant {
		t.Errorf("a subscribe message of a mini program: %+v", n)
	}
	w.sim.AddUser(simulator.User{Name: "何三", Blocked: true})
	n = runs(mass, push.Content{Text: "又到货"})
	if n.Sent != 3 || n.Partial == nil || n.Partial.Args["n"] != "1" {
		t.Errorf("a mass send that one did not get: %+v", n)
	}
	sent, lost := 0, 0 // of three people; who did not get the last is not known
	for _, m := range members {
		all, err := e.Events.Timeline(ctx, []id.ID{m}, []string{event.MessageSent, event.MessageLost}, event.Cursor{}, 0)
		must(err)
		standing, err := e.Events.Standing(ctx, all)
		must(err)
		for _, x := range standing {
			if x.Type == event.MessageLost {
				lost++
			} else {
				sent++
			}
		}
	}
	if sent != 9 || lost != 6 {
		t.Errorf("%d messages count as sent and %d as lost", sent, lost)
	}
}
