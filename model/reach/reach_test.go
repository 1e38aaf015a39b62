package reach_test

import (
	"testing"
	"time"

	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/reach"
)

var (
	custom = reach.Use{Channel: reach.Custom, AccountID: official}
	grant  = reach.Use{Channel: reach.Subscribe, AccountID: mini, TemplateID: tmpl}
	mass   = reach.Use{Channel: reach.Mass, AccountID: official}
	notify = reach.Use{Channel: reach.Template, AccountID: official, TemplateID: tmpl}
)

func TestWindow(t *testing.T) {
	each(t, func(s *site) {
		a := ask(reach.Service, custom)
		m := s.member(official, "o-1")
		s.expect(s.sends(a, m), reach.NotFollowing)
		s.event(official, "o-1", follow.Subscribe)
		for range 3 {
			s.expect(s.sends(a, m), "")
		}
		s.expect(s.sends(a, m), reach.WindowUsed)
		s.wait(time.Minute)
		s.expect(s.sends(a, m), reach.NoWindow)
		s.says(official, "o-1")
		s.wait(time.Hour)
		for range 4 {
			s.expect(s.sends(a, m), "")
		}
		s.wait(time.Second)
		s.says(official, "o-1") // a new message is a new window, not one more
		for range 5 {
			s.expect(s.sends(a, m), "")
		}
		s.expect(s.sends(a, m), reach.WindowUsed)
		s.wait(48*time.Hour - 5*time.Second)
		s.expect(s.sends(a, m), reach.NoWindow)
		s.says(official, "o-1")
		s.wait(time.Second)
		s.event(official, "o-1", follow.Unsubscribe)
		s.expect(s.sends(a, m), reach.NotFollowing)
	})
}

func TestReportsInAnyOrder(t *testing.T) {
	each(t, func(s *site) {
		a := ask(reach.Service, custom)
		m := s.member(official, "o-1")
		s.event(official, "o-1", follow.Subscribe)
		s.wait(time.Minute)
		now := s.clk.Now().Time().Unix()
		text := follow.Message{OpenID: "o-1", Type: "text", CreatedAt: now}
		s.push(official, text)
		s.expect(s.sends(a, m), "")
		s.push(official, text) // told twice: the window is not filled again
		for range 4 {
			s.expect(s.sends(a, m), "")
		}
		s.expect(s.sends(a, m), reach.WindowUsed)
		// A late report of a later message: what was sent since is not given again.
		s.wait(time.Minute)
		said := s.clk.Now().Time().Unix()
		s.event(official, "o-1", "CLICK")
		s.expect(s.sends(a, m), "")
		s.push(official, follow.Message{OpenID: "o-1", Type: "text", CreatedAt: said})
		for range 6 { // two of the click, four of the message
			s.expect(s.sends(a, m), "")
		}
		s.expect(s.sends(a, m), reach.WindowUsed)
		// He left, and only then comes the report of what he did before.
		s.wait(time.Minute)
		before := s.clk.Now().Time().Unix()
		s.wait(time.Minute)
		s.event(official, "o-1", follow.Unsubscribe)
		s.push(official, follow.Message{OpenID: "o-1", Type: "text", CreatedAt: before})
		s.wait(time.Minute)
		s.event(official, "o-1", follow.Subscribe)
		s.wait(time.Minute)
		s.expect(s.sends(a, m), reach.NoWindow)
	})
}

func TestGrants(t *testing.T) {
	each(t, func(s *site) {
		a := ask(reach.Marketing, grant)
		m := s.member(mini, "o-2")
		s.expect(s.sends(a, m), reach.NoConsent)
		s.agrees(m)
		s.expect(s.sends(a, m), reach.NoGrant)
		popup := follow.Message{OpenID: "o-2", Type: "event", Event: "subscribe_msg_popup_event", CreatedAt: s.clk.Now().Time().Unix(),
			Grants: []follow.Grant{{TemplateID: tmpl, Status: "accept"}, {TemplateID: "other", Status: "reject"}}}
		s.push(mini, popup)
		s.push(mini, popup)
		s.expect(s.sends(a, m), "")
		s.wait(24 * time.Hour)
		s.expect(s.sends(a, m), reach.NoGrant)
		s.allows(mini, "o-2", tmpl)
		ticket, _ := s.take(a, m)
		s.end(ticket, reach.Refused, "47003") // our own mistake: the grant is still there
		s.expect(s.sends(a, m), "")
		s.wait(24 * time.Hour)
		s.allows(mini, "o-2", tmpl)
		s.wait(time.Second)
		s.allows(mini, "o-2", tmpl)
		ticket, _ = s.take(a, m)
		s.end(ticket, reach.Refused, "43101") // WeChat knows better than the ledger
		s.expect(s.sends(a, m), reach.NoGrant)
		s.wait(time.Second)
		s.allows(mini, "o-2", tmpl)
		s.wait(time.Second)
		s.push(mini, follow.Message{OpenID: "o-2", Type: "event", Event: "subscribe_msg_change_event", Grants: []follow.Grant{{TemplateID: tmpl, Status: "reject"}}})
		s.expect(s.sends(a, m), reach.NoGrant)
	})
}

func TestTheSameDeliveryGetsTheSameTicket(t *testing.T) {
	each(t, func(s *site) {
		a := ask(reach.Service, custom)
		m := s.member(official, "o-1")
		s.event(official, "o-1", follow.Subscribe)
		one, _ := s.takeFor(a, m, 500)
		two, _ := s.takeFor(a, m, 500)
		if one != two || one.State != reach.Reserved {
			s.Fatalf("%+v %+v", one, two)
		}
		s.end(one, reach.Unknown, "")
		s.end(one, reach.Unknown, "")
		if again, _ := s.takeFor(a, m, 500); again.State != reach.Unknown || again.ID != one.ID {
			s.Fatalf("%+v", again)
		}
		other, _ := s.takeFor(a, m, 501)
		s.end(other, reach.Refused, "-2")
		if again, _ := s.takeFor(a, m, 501); again.ID == other.ID || again.State != reach.Reserved {
			s.Fatalf("a refused delivery gets no new place: %+v", again)
		}
		// Of three places one is unknown for ever, one reserved.
		s.expect(s.sends(a, m), "")
		s.expect(s.sends(a, m), reach.WindowUsed)
	})
}

func TestCaps(t *testing.T) {
	each(t, func(s *site) {
		p := reach.DefaultPolicy(brandID)
		p.Cap, p.Channels, p.MassPerMonth = reach.Cap{Day: 2, Week: 3, Month: 5}, nil, 100
		_, err := s.reach.SavePolicy(s.ctx, p, 1)
		s.ok(err)
		a := ask(reach.Marketing, mass)
		m := s.member(official, "o-1")
		s.agrees(m)
		s.event(official, "o-1", follow.Subscribe)
		s.expect(s.sends(a, m), "")
		s.expect(s.sends(a, m), "")
		got := s.look(a, m)
		s.expect(got.Reason, reach.CapDay)
		s.expect(got.NotBefore.Local(), "2026-11-22 00:00")
		s.wait(24 * time.Hour)
		s.expect(s.sends(a, m), "")
		got = s.look(a, m)
		s.expect(got.Reason, reach.CapWeek)
		s.expect(got.NotBefore.Local(), "2026-11-28 00:00")
		s.wait(6 * 24 * time.Hour) // the 28th: the two of the 21st are seven days old
		s.expect(s.sends(a, m), "")
		s.expect(s.sends(a, m), "")
		s.wait(8 * 24 * time.Hour)
		got = s.look(a, m)
		s.expect(got.Reason, reach.CapMonth)
		s.expect(got.NotBefore.Local(), "2026-12-21 00:00")
		s.expect(s.sends(ask(reach.Service, mass), m), "") // what he waits for still comes
	})
}

func TestTwoForOneHumanAtOnce(t *testing.T) {
	each(t, func(s *site) {
		a := ask(reach.Marketing, mass)
		m := s.member(official, "o-1")
		s.agrees(m)
		s.event(official, "o-1", follow.Subscribe)
		results := make(chan string, 8)
		s.ok(s.reach.Prepare(s.ctx, a))
		for i := range 8 {
			go func() { results <- s.race(a, m, id.ID(900+i)) }()
		}
		sent := 0
		for range 8 {
			if r := <-results; r == "" {
				sent++
			}
		}
		if sent != 1 {
			s.Fatalf("%d got through a cap of one a day", sent)
		}
	})
}
