package reach_test

import (
	"testing"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/reach"
)

func TestACallThatWasNeverMadeIsGivenBack(t *testing.T) {
	each(t, func(s *site) {
		p := reach.DefaultPolicy(brandID)
		p.TemplatePerDay = 8 // one of each slot
		_, err := s.reach.SavePolicy(s.ctx, p, 1)
		s.ok(err)
		m := s.member(official, "o-1")
		s.event(official, "o-1", follow.Subscribe)
		a := ask(reach.Service, notify)
		for range 20 { // there was no turn, and nobody was called
			ticket, answer := s.take(a, m)
			if ticket.ID == 0 {
				s.Fatalf("%+v", answer)
			}
			s.end(ticket, reach.Refused, "")
		}
		for range 8 {
			s.expect(s.sends(a, m), "")
		}
		s.expect(s.sends(a, m), reach.ChannelStopped)
	})
}

// WeChat takes a hundred mass sends a day, whoever they are for.
func TestCallsThatReachManyAreCountedByTheDay(t *testing.T) {
	each(t, func(s *site) {
		p := reach.DefaultPolicy(brandID)
		p.MassCallsPerDay = 3
		p, err := s.reach.SavePolicy(s.ctx, p, 1)
		s.ok(err)
		m := s.member(official, "o-1")
		s.event(official, "o-1", follow.Subscribe)
		a := ask(reach.Service, mass)
		calls := func() (n int) {
			for i := range 5 {
				s.ok(s.d.InTx(s.ctx, func(tx *gorm.DB) error {
					ok, err := s.reach.CallTx(s.ctx, tx, a, mass, id.ID(i))
					if ok {
						n++
					}
					return err
				}))
			}
			return n
		}
		s.expect(s.look(a, m).Reason, "")
		if n := calls(); n != 3 {
			t.Errorf("%d calls", n)
		}
		x := s.look(a, m)
		_, next := clock.DayOf(s.clk.Now()).Bounds()
		if x.Reason != reach.ChannelStopped || x.NotBefore != next {
			t.Errorf("%+v", x)
		}
		s.wait(next.Sub(s.clk.Now()))
		s.expect(s.look(a, m).Reason, "")
		if n := calls(); n != 3 {
			t.Errorf("%d calls on the next day", n)
		}
		p.MassCallsPerDay = 0 // said by who does not know of it
		if p, err = s.reach.SavePolicy(s.ctx, p, 1); err != nil || p.MassCallsPerDay != 3 {
			t.Errorf("%+v %v", p, err)
		}
	})
}
