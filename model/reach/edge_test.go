package reach_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/reach"
)

// together runs something in several goroutines at once.
func together(n int, fn func(i int) error) (errs []error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if err := fn(i); err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return errs
}

// Two tabs save at once: one of them has the last word, and neither is told that something
// broke.
func TestWhoSavesAtOnceBreaksNothing(t *testing.T) {
	each(t, func(s *site) {
		for round := range 5 {
			for _, err := range together(6, func(i int) error {
				_, err := s.reach.SetHolidays(s.ctx, brandID, 2026, []reach.FreeDay{{Day: "2026-10-01", Name: fmt.Sprint(round, i)}, {Day: fmt.Sprintf("2026-10-%02d", i+2), Name: "国庆"}}, 1)
				return err
			}) {
				t.Error("holidays:", err)
			}
			if days, err := s.reach.Holidays(s.ctx, brandID, 2026); err != nil || len(days) != 2 {
				t.Errorf("%v %v", days, err)
			}
			m := s.member(official, fmt.Sprint("o-", round))
			for _, err := range together(6, func(i int) error {
				w := reach.Wish{MemberID: m, BrandID: brandID, Source: "h5"}
				if i%2 == 0 {
					return s.reach.OptOut(s.ctx, w)
				}
				return s.reach.OptIn(s.ctx, w)
			}) {
				t.Error("wishes:", err)
			}
			for _, err := range together(6, func(i int) error {
				return s.reach.Want(s.ctx, reach.Wanted{RefID: 77, BrandID: brandID, Uses: []reach.Use{grant}, Value: 10 * i, At: s.clk.Now().Add(time.Hour), Members: []id.ID{m, m + 1}})
			}) {
				t.Error("wants:", err)
			}
			if list, err := s.reach.Wants(s.ctx); err != nil || len(list) != 1 || list[0].Named != 2 {
				t.Errorf("%+v %v", list, err)
			}
		}
	})
}

// Reports of the same openid, and sends to it, come in at once and in any order: what is left
// is never more than WeChat has.
func TestReportsAndSendsAtOnce(t *testing.T) {
	each(t, func(s *site) {
		a := ask(reach.Service, custom)
		m := s.member(official, "o-1")
		s.event(official, "o-1", follow.Subscribe)
		s.wait(2 * time.Minute)
		said := s.clk.Now().Time().Unix()
		s.wait(time.Second)
		var mu sync.Mutex
		sent := 0
		errs := together(8, func(i int) error {
			if i%4 == 0 { // told twice, as WeChat does when nobody answers in time
				body := follow.Message{OpenID: "o-1", Type: "text", CreatedAt: said, AppID: appOf(official)}
				return s.heard(official, body)
			}
			for n := range 3 {
				if r := s.race(a, m, id.ID(9000+10*i+n)); r == "" {
					mu.Lock()
					sent++
					mu.Unlock()
				} else if r != reach.NoWindow && r != reach.WindowUsed && r != reach.Busy {
					return fmt.Errorf("%s", r)
				}
			}
			return nil
		})
		for _, err := range errs {
			t.Error(err)
		}
		for s.sends(a, m) == "" {
			sent++
		}
		if sent != 5 {
			t.Errorf("%d messages were sent for one", sent)
		}
	})
}

// A month and a day end at midnight of Shanghai, to the millisecond.
func TestMonthsAndDaysEndAtMidnightOfShanghai(t *testing.T) {
	each(t, func(s *site) {
		p := reach.DefaultPolicy(brandID)
		p.MassPerMonth, p.Cap, p.Channels = 1, reach.Cap{Day: 1}, []reach.ChannelCap{}
		_, err := s.reach.SavePolicy(s.ctx, p, 1)
		s.ok(err)
		m := s.member(official, "o-1")
		s.agrees(m)
		s.event(official, "o-1", follow.Subscribe)
		_, end := clock.DayOf(s.clk.Now()).MonthEnd().Bounds()
		s.wait(end.Sub(s.clk.Now()) - 2*time.Minute)
		s.expect(s.sends(ask(reach.Service, mass), m), "")
		s.expect(s.sends(ask(reach.Service, mass), m), reach.MassQuota)
		// A call that is reserved now may be made next month: WeChat would count it there.
		fresh := s.member(official, "o-2")
		s.event(official, "o-2", follow.Subscribe)
		s.wait(2*time.Minute - time.Millisecond)
		s.expect(s.sends(ask(reach.Service, mass), fresh), reach.ChannelStopped)
		s.wait(time.Millisecond)
		s.expect(s.sends(ask(reach.Service, mass), fresh), "")
		s.expect(s.sends(ask(reach.Service, mass), m), "")
		s.expect(s.look(ask(reach.Service, mass), m).Reason, reach.MassQuota)

		s.says(official, "o-1")
		s.expect(s.sends(ask(reach.Marketing, custom), m), "")
		x := s.look(ask(reach.Marketing, custom), m)
		_, next := clock.DayOf(s.clk.Now()).Bounds()
		if x.Reason != reach.CapDay || x.NotBefore != next {
			t.Errorf("%+v, want until %s", x, next.Local())
		}
		s.wait(next.Sub(s.clk.Now()) - time.Millisecond)
		s.expect(s.look(ask(reach.Marketing, custom), m).Reason, reach.CapDay)
		s.wait(time.Millisecond)
		s.expect(s.sends(ask(reach.Marketing, custom), m), "")
	})
}

// Workers of several pushes reach for the same people at once, at the isolation that pushes
// take places with: nobody gets more than his cap.
func TestTheLastPlaceOfACapIsGivenOnce(t *testing.T) {
	each(t, func(s *site) {
		p := reach.DefaultPolicy(brandID)
		p.Cap, p.Channels = reach.Cap{Day: 2}, []reach.ChannelCap{}
		_, err := s.reach.SavePolicy(s.ctx, p, 1)
		s.ok(err)
		const people, workers = 40, 4
		var members []id.ID
		for i := range people {
			open := fmt.Sprint("o-", i)
			m := s.member(official, open)
			s.agrees(m)
			s.event(official, open, follow.Subscribe)
			s.says(official, open)
			members = append(members, m)
		}
		a := ask(reach.Marketing, custom)
		for round := range 3 {
			for _, err := range together(workers, func(w int) error {
				for i := range members {
					m := members[(i+w)%people]
					if r := s.race(a, m, id.ID(100_000*(round+1)+1000*w+i)); r != "" && r != reach.CapDay && r != reach.Busy {
						return fmt.Errorf("%s", r)
					}
				}
				return nil
			}) {
				t.Error(err)
			}
		}
		for _, m := range members {
			for s.sends(a, m) == "" { // what was lost to somebody who was faster is still to be had
			}
		}
		var got []int
		s.ok(s.d.Read(s.ctx).Raw("SELECT COUNT(*) FROM reach_ticket GROUP BY member_id").Scan(&got).Error)
		for _, n := range got {
			if n != 2 {
				t.Errorf("%d messages on one day", n)
			}
		}
	})
}

// A message of the person's comes in while others are being sent to him: those that went out
// after it took from what it allows.
func TestAReportThatComesInWhileMessagesAreSentGivesNoneAgain(t *testing.T) {
	each(t, func(s *site) {
		a := ask(reach.Service, custom)
		for round := range 12 {
			open := fmt.Sprint("o-", round)
			m := s.member(official, open)
			s.event(official, open, follow.Subscribe)
			s.wait(2 * time.Minute)
			s.says(official, open)
			s.wait(time.Hour)
			said := s.clk.Now().Time().Unix()
			s.wait(time.Second)
			var mu sync.Mutex
			sent := 0
			for _, err := range together(6, func(i int) error {
				if i == 0 {
					return s.heard(official, follow.Message{OpenID: open, Type: "text", CreatedAt: said, AppID: appOf(official)})
				}
				if r := s.race(a, m, id.ID(10_000*(round+1)+i)); r == "" {
					mu.Lock()
					sent++
					mu.Unlock()
				} else if r != reach.WindowUsed && r != reach.Busy {
					return fmt.Errorf("%s", r)
				}
				return nil
			}) {
				t.Error(err)
			}
			for s.sends(a, m) == "" {
				sent++
			}
			if sent != 5 {
				t.Errorf("%d messages were sent for the last one of his", sent)
			}
		}
	})
}

// WeChat knows an openid of a mini program no more: nothing is sent to it until it is heard of
// again.
func TestAnOpenIDThatIsGoneIsNotTriedAgain(t *testing.T) {
	each(t, func(s *site) {
		m := s.member(mini, "m-1")
		talk := reach.Use{Channel: reach.Custom, AccountID: mini}
		s.says(mini, "m-1")
		s.allows(mini, "m-1", tmpl)
		s.allows(mini, "m-1", tmpl)
		s.wait(time.Second)
		ticket, _ := s.take(ask(reach.Service, talk), m)
		s.end(ticket, reach.Refused, "40003")
		s.expect(s.look(ask(reach.Service, talk), m).Reason, reach.NoOpenID)
		s.expect(s.look(ask(reach.Service, grant), m).Reason, reach.NoOpenID)
		s.wait(time.Second)
		s.says(mini, "m-1")
		s.expect(s.sends(ask(reach.Service, talk), m), "")
		s.expect(s.sends(ask(reach.Service, grant), m), "")
	})
}

// Topics are words that anybody may send: so many of one person, and he may always refuse
// everything.
func TestNobodyFillsTheLedgerWithTopics(t *testing.T) {
	each(t, func(s *site) {
		m := s.member(official, "o-1")
		wish := func(topic string) error {
			return s.reach.OptOut(s.ctx, reach.Wish{MemberID: m, BrandID: brandID, Topic: topic, Source: "h5"})
		}
		refused := 0
		for i := range 140 {
			if err := wish(fmt.Sprint("主题", i)); err != nil {
				if refused++; fault.Of(err).Code != "reach_wish" {
					t.Fatal(err)
				}
			}
		}
		if refused != 40 {
			t.Errorf("%d were refused", refused)
		}
		s.ok(wish("主题3"))
		s.ok(s.reach.OptIn(s.ctx, reach.Wish{MemberID: m, BrandID: brandID, Topic: "主题3", Source: "h5"}))
		s.ok(wish(""))
	})
}
