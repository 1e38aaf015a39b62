package reach_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/fault"
	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/quiet"
	"siyu/model/reach"
)

func TestWhatARefusalTeaches(t *testing.T) {
	each(t, func(s *site) {
		m := s.member(official, "o-1")
		s.event(official, "o-1", follow.Subscribe)
		refuse := func(u reach.Use, code string) {
			s.Helper()
			t, answer := s.take(ask(reach.Service, u), m)
			if t.ID == 0 {
				s.Fatalf("%+v", answer)
			}
			s.end(t, reach.Refused, code)
		}
		why := func(u reach.Use) string { return s.look(ask(reach.Service, u), m).Reason }
		refuse(custom, "45015")
		s.expect(why(custom), reach.WindowUsed)
		s.wait(time.Minute)
		s.expect(why(custom), reach.NoWindow)
		refuse(notify, "43004")
		s.expect(why(notify), reach.NotFollowing)
		s.event(official, "o-1", follow.Subscribe) // he came back
		s.expect(why(notify), "")
		refuse(notify, "45009") // WeChat's day ends at midnight in Shanghai
		s.expect(why(notify), reach.ChannelStopped)
		s.expect(s.look(ask(reach.Service, notify), m).NotBefore.Local(), "2026-11-22 00:00")
		s.wait(12*time.Hour - time.Minute)
		s.expect(why(notify), "")
		refuse(notify, "45011")
		s.expect(why(notify), reach.ChannelStopped)
		s.ok(s.reach.Resume(s.ctx, official, reach.Template))
		s.expect(why(notify), "")
		s.push(official, follow.Message{OpenID: "o-1", Type: "event", Event: "TEMPLATESENDJOBFINISH", Status: "failed:user block"})
		s.expect(why(notify), reach.Blocked)
		s.wait(90 * 24 * time.Hour)
		s.expect(why(notify), "")
		refuse(mass, "45028")
		s.expect(why(mass), reach.MassQuota)
	})
}

func TestADaysCallsAreUsedUp(t *testing.T) {
	each(t, func(s *site) {
		p := reach.DefaultPolicy(brandID)
		p.TemplatePerDay = 11 // over eight slots
		_, err := s.reach.SavePolicy(s.ctx, p, 1)
		s.ok(err)
		m := s.member(official, "o-1")
		s.event(official, "o-1", follow.Subscribe)
		a := ask(reach.Service, notify)
		for range 11 {
			s.expect(s.sends(a, m), "")
		}
		s.expect(s.sends(a, m), reach.ChannelStopped)
		s.wait(24 * time.Hour)
		s.expect(s.sends(a, m), "")
	})
}

func TestQuietHoursAndHolidays(t *testing.T) {
	each(t, func(s *site) {
		m := s.member(official, "o-1")
		s.agrees(m)
		s.event(official, "o-1", follow.Subscribe)
		_, err := quiet.New(s.d).Set(s.ctx, quiet.Hours{BrandID: brandID, FromMinute: 22 * 60, UntilMinute: 8 * 60})
		s.ok(err)
		_, err = s.reach.SetHolidays(s.ctx, brandID, 2026, []reach.FreeDay{{Day: "2026-11-22", Name: "店休"}, {Day: "2026-11-23", Name: "店休"}}, 1)
		s.ok(err)
		offer, service := ask(reach.Marketing, mass), ask(reach.Service, mass)
		s.wait(11 * time.Hour) // 23:00 on the 21st
		got := s.look(offer, m)
		s.expect(got.Reason+" "+got.NotBefore.Local(), reach.QuietHours+" 2026-11-24 08:00")
		got = s.look(service, m)
		s.expect(got.Reason+" "+got.NotBefore.Local(), reach.QuietHours+" 2026-11-22 08:00")
		s.wait(12 * time.Hour) // 11:00 on the 22nd
		got = s.look(offer, m)
		s.expect(got.Reason+" "+got.NotBefore.Local(), reach.Holiday+" 2026-11-24 08:00")
		s.expect(s.sends(service, m), "")
		test := offer
		test.Test = true // the white list is written to at any time, and needs no consent
		s.expect(s.sends(test, m), "")
		_, err = s.reach.SetHolidays(s.ctx, brandID, 2026, nil, 1)
		s.ok(err)
		s.expect(s.sends(offer, m), "")
	})
}

func TestWishes(t *testing.T) {
	each(t, func(s *site) {
		m := s.member(official, "o-1")
		s.agrees(m)
		s.event(official, "o-1", follow.Subscribe)
		lens := ask(reach.Marketing, mass, custom)
		lens.Topic = "lens"
		wish := func(topic, channel string, refused bool) {
			s.Helper()
			say := s.reach.OptIn
			if refused {
				say = s.reach.OptOut
			}
			s.ok(say(s.ctx, reach.Wish{MemberID: m, BrandID: brandID, Topic: topic, Channel: channel, Source: "h5"}))
		}
		wish("", reach.Mass, true)
		if got := s.look(lens, m); got.Use != 1 || got.Each[0] != reach.OptedOut {
			s.Fatalf("%+v", got)
		}
		wish("", "", true)
		s.expect(s.look(lens, m).Reason, reach.OptedOut)
		s.expect(s.look(ask(reach.Service, custom), m).Reason, "")
		wish("", "", false)
		wish("lens", "", true) // a topic covers what is no offer too
		s.expect(s.look(lens, m).Reason, reach.OptedOut)
		lens.Purpose = reach.Service
		s.expect(s.look(lens, m).Reason, reach.OptedOut)
		list, err := s.reach.Preferences(s.ctx, brandID, m)
		s.ok(err)
		if len(list) != 3 || list[0].Refused || !list[1].Refused || list[1].Channel != reach.Mass || list[2].Topic != "lens" {
			s.Fatalf("%+v", list)
		}
		if err := s.reach.OptOut(s.ctx, reach.Wish{MemberID: m, Topic: "<b>"}); fault.KindOf(err) != fault.Invalid {
			s.Fatal(err)
		}
	})
}

// Two accounts of one human: what either said and got counts for both, and parting them
// leaves each his own.
func TestJoinedHumansCountTogether(t *testing.T) {
	each(t, func(s *site) {
		a, b := s.member(official, "o-1"), s.member(mini, "m-1")
		s.event(official, "o-1", follow.Subscribe)
		s.agrees(a)
		s.allows(mini, "m-1", tmpl)
		offer := ask(reach.Marketing, grant, mass)
		s.expect(s.look(offer, b).Reason, reach.NoConsent)
		pa, err := s.members.Get(s.ctx, a)
		s.ok(err)
		pb, err := s.members.Get(s.ctx, b)
		s.ok(err)
		joined, err := s.people.Merge(s.ctx, pa.PersonID, pb.PersonID, identity.Evidence{Event: "operator", By: 1, Channel: "admin", Note: "同一人"})
		s.ok(err)
		if x, y := s.look(offer, a), s.look(offer, b); x.Use != 0 || y.Use != 0 || x.OpenID != "m-1" {
			s.Fatalf("%+v %+v", x, y)
		}
		s.expect(s.sends(offer, b), "")
		s.expect(s.look(offer, a).Reason, reach.CapDay)
		_, err = s.people.Unmerge(s.ctx, joined.ID, 1, "认错人")
		s.ok(err)
		s.expect(s.look(offer, a).Reason, "")
		s.expect(s.look(offer, b).Reason, reach.NoConsent)
	})
}

func TestTheStaffWritesOnceADay(t *testing.T) {
	each(t, func(s *site) {
		m := s.member(official, "o-1")
		use := reach.Use{Channel: reach.WeCom, AccountID: corp}
		a := ask(reach.Service, use)
		s.expect(s.sends(a, m), reach.NoContact)
		row := func(n int, staff, state string) {
			s.ok(s.d.InTx(s.ctx, func(tx *gorm.DB) error {
				return tx.Exec(`INSERT INTO wecom_contact (id, account_id, brand_id, external_userid, userid, member_id, way, add_way, state, since_at, changed_at, told_at, asked, done, seen_round, created_at)
					VALUES (?,?,?,'wm1',?,?,'',1,?,?,1,0,0,0,0,1)`, n, corp, brandID, staff, m, state, n).Error
			}))
		}
		row(1, "gone", "dropped")
		s.expect(s.sends(a, m), reach.NoContact)
		row(2, "zhang", "active")
		row(3, "li", "active")
		ticket, _ := s.take(a, m)
		if ticket.Sender != "zhang" || ticket.OpenID != "wm1" {
			s.Fatalf("%+v", ticket)
		}
		s.expect(s.sends(a, m), reach.MassQuota)
		s.end(ticket, reach.Refused, "84061")
		s.expect(s.sends(a, m), "")
		s.expect(s.look(a, m).NotBefore.Local(), "2026-11-22 00:00")
		s.wait(24 * time.Hour)
		s.expect(s.sends(a, m), "")
	})
}

func TestABetterMessageKeepsItsGrant(t *testing.T) {
	each(t, func(s *site) {
		m, other := s.member(mini, "m-1"), s.member(mini, "m-2")
		s.allows(mini, "m-1", tmpl)
		s.allows(mini, "m-2", tmpl)
		low := ask(reach.Service, grant)
		low.Value = 30
		s.ok(s.reach.Want(s.ctx, reach.Wanted{RefID: 9, BrandID: brandID, Uses: []reach.Use{grant, custom}, Value: 80, At: s.clk.Now().Add(time.Hour), Members: []id.ID{m}}))
		s.expect(s.sends(low, m), reach.KeptForBetter)
		s.expect(s.sends(low, other), "") // it is not for him
		s.wait(time.Second)
		s.allows(mini, "m-1", tmpl)
		s.expect(s.sends(low, m), "") // of two, one is enough for the better message
		high := low
		high.Value = 80
		s.expect(s.sends(high, m), "")
		s.allows(mini, "m-1", tmpl)
		s.wait(time.Second)
		s.allows(mini, "m-1", tmpl)
		s.ok(s.reach.Unwant(s.ctx, 9))
		s.expect(s.sends(low, m), "")
	})
}

func TestATextNeedsANumber(t *testing.T) {
	each(t, func(s *site) {
		m := s.member(official, "o-1")
		a := ask(reach.Service, reach.Use{Channel: reach.SMS})
		s.expect(s.sends(a, m), reach.NoPhone)
		who, err := s.members.Get(s.ctx, m)
		s.ok(err)
		s.ok(s.d.InTx(s.ctx, func(tx *gorm.DB) error {
			return tx.Exec("INSERT INTO identity_key (kind, scope, value, person_id, created_at) VALUES (?,'',?,?,1)", identity.Phone, "hash-of-number", who.PersonID).Error
		}))
		ticket, _ := s.take(a, m)
		if ticket.OpenID != "hash-of-number" {
			s.Fatalf("%+v", ticket)
		}
	})
}

func TestUsesThatCannotWorkAreRefused(t *testing.T) {
	each(t, func(s *site) {
		for _, u := range []reach.Use{
			{Channel: "pigeon"}, {Channel: reach.Template, AccountID: mini, TemplateID: tmpl}, {Channel: reach.Mass, AccountID: mini}, {Channel: reach.Subscribe, AccountID: mini},
			{Channel: reach.Custom, AccountID: official, TemplateID: tmpl}, {Channel: reach.Custom, AccountID: corp}, {Channel: reach.SMS, AccountID: official},
		} {
			if _, err := s.reach.Look(s.ctx, ask(reach.Service, u), nil); fault.KindOf(err) != fault.Invalid {
				s.Errorf("%+v: %v", u, err)
			}
		}
		a := ask(reach.Service, custom)
		a.BrandID = 8
		if _, err := s.reach.Look(s.ctx, a, nil); fault.KindOf(err) != fault.Invalid {
			s.Errorf("another brand's account: %v", err)
		}
	})
}

func TestPruneKeepsWhatCounts(t *testing.T) {
	each(t, func(s *site) {
		m := s.member(official, "o-1")
		s.event(official, "o-1", follow.Subscribe)
		a := ask(reach.Service, mass)
		s.expect(s.sends(a, m), "")
		lost, _ := s.takeFor(a, m, 77)
		s.wait(25 * time.Hour)
		_, err := s.reach.Prune(s.ctx, 100)
		s.ok(err)
		if again, _ := s.takeFor(a, m, 77); again.State != reach.Unknown || again.ID != lost.ID {
			s.Fatalf("a ticket whose holder died: %+v", again)
		}
		s.expect(s.sends(a, m), "")
		s.expect(s.sends(a, m), "")
		s.expect(s.sends(a, m), reach.MassQuota) // four in a month, one of them perhaps
		s.wait(100 * 24 * time.Hour)
		n, err := s.reach.Prune(s.ctx, 100)
		s.ok(err)
		if n == 0 {
			s.Fatal("nothing is ever forgotten")
		}
		var left int
		s.ok(s.d.Read(s.ctx).Raw("SELECT COUNT(*) FROM reach_ticket").Scan(&left).Error)
		if left != 0 {
			s.Fatalf("%d tickets after a hundred days", left)
		}
		s.expect(s.sends(a, m), "")
	})
}

// Whoever was erased took his tickets with him: the message that was on its way has nothing
// left to tell of him, and what others are told with it stands.
func TestATicketThatIsGoneHasNoEnd(t *testing.T) {
	each(t, func(s *site) {
		m := s.member(official, "o-1")
		s.event(official, "o-1", follow.Subscribe)
		lost, _ := s.takeFor(ask(reach.Service, mass), m, 77)
		if lost.ID == 0 {
			s.Fatal("no ticket")
		}
		s.ok(s.d.InTx(s.ctx, func(tx *gorm.DB) error {
			return tx.Exec("DELETE FROM reach_ticket WHERE member_id = ?", m).Error
		}))
		for _, outcome := range []string{reach.Sent, reach.Refused, reach.Unknown} {
			s.ok(s.d.InTx(s.ctx, func(tx *gorm.DB) error { return s.reach.EndTx(s.ctx, tx, lost.ID, outcome, "40003") }))
		}
		s.ok(s.d.InTx(s.ctx, func(tx *gorm.DB) error { return s.reach.SentTx(s.ctx, tx, []id.ID{lost.ID}) }))
		var left int
		s.ok(s.d.Read(s.ctx).Raw("SELECT COUNT(*) FROM reach_ticket").Scan(&left).Error)
		if left != 0 {
			s.Fatalf("%d tickets came back", left)
		}
	})
}

func TestLoopbackCarriesOnce(t *testing.T) {
	var l reach.Loopback
	ctx := context.Background()
	for range 2 {
		if err := l.Carry(ctx, reach.ShortMessage{Key: "d-1", Number: "13800138000", Body: "到货"}); err != nil {
			t.Fatal(err)
		}
	}
	no := &reach.CarrierRefusal{Code: "arrears", Stop: true}
	l.Fail(no)
	var got *reach.CarrierRefusal
	if err := l.Carry(ctx, reach.ShortMessage{Key: "d-2"}); !errors.As(err, &got) || !got.Stop {
		t.Fatal(err)
	}
	if texts := l.Texts(); len(texts) != 1 || texts[0].Body != "到货" {
		t.Fatalf("%+v", texts)
	}
}
