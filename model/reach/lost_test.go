package reach_test

import (
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/reach"
)

// TestWhatWeChatTookAndDidNotDeliver counts for no cap of the brand, and for everything that
// WeChat itself counts.
func TestWhatWeChatTookAndDidNotDeliver(t *testing.T) {
	each(t, func(s *site) {
		p := reach.DefaultPolicy(brandID)
		p.Cap, p.Channels = reach.Cap{Day: 1}, nil
		_, err := s.reach.SavePolicy(s.ctx, p, 1)
		s.ok(err)
		m := s.member(official, "o-1")
		s.agrees(m)
		s.event(official, "o-1", follow.Subscribe)
		lost := func(t reach.Ticket, code string) {
			s.Helper()
			for range 2 { // WeChat repeats itself
				s.ok(s.d.InTx(s.ctx, func(tx *gorm.DB) error { return s.reach.LostTx(s.ctx, tx, []id.ID{t.ID}, code) }))
			}
		}
		a := ask(reach.Marketing, mass)
		for range p.MassPerMonth {
			x, _ := s.take(a, m)
			s.end(x, reach.Sent, "")
			s.expect(s.look(a, m).Reason, reach.CapDay)
			lost(x, "")
		}
		s.expect(s.look(a, m).Reason, reach.MassQuota)
		s.wait(24 * time.Hour)

		sub := ask(reach.Marketing, grant)
		u := s.member(mini, "o-2")
		s.agrees(u)
		s.allows(mini, "o-2", tmpl)
		s.wait(time.Second)
		s.allows(mini, "o-2", tmpl)
		s.wait(time.Minute)
		x, _ := s.take(sub, u)
		s.end(x, reach.Sent, "")
		lost(x, "20001")
		s.expect(s.look(sub, u).Reason, "") // one grant is left, and the cap is free
		x, _ = s.take(sub, u)
		s.end(x, reach.Unknown, "")
		s.wait(time.Second)
		s.allows(mini, "o-2", tmpl) // after the message: it counts
		s.wait(time.Minute)
		lost(x, "43101")
		s.expect(s.look(sub, u).Reason, "")
		x, _ = s.take(sub, u)
		s.end(x, reach.Sent, "")
		s.wait(24 * time.Hour)
		s.allows(mini, "o-2", tmpl)
		s.wait(time.Second)
		s.allows(mini, "o-2", tmpl)
		s.wait(time.Minute)
		x, _ = s.take(sub, u)
		s.end(x, reach.Sent, "")
		lost(x, "43101") // nobody knows better: the other grant is not risked
		s.expect(s.look(sub, u).Reason, reach.NoGrant)
	})
}
