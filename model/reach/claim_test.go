package reach_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"gorm.io/gorm"

	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/reach"
)

// takeAll is one question for all members, each with a delivery of his own.
func (s *site) takeAll(a reach.Ask, members []id.ID, first id.ID) (list []reach.Taken) {
	s.Helper()
	seats := make([]reach.Seat, len(members))
	for i, m := range members {
		seats[i] = reach.Seat{MemberID: m, DeliveryID: first + id.ID(i)}
	}
	s.ok(s.d.InFreshTx(s.ctx, func(tx *gorm.DB) (err error) {
		list, err = s.reach.TakeManyTx(s.ctx, tx, a, seats)
		return err
	}))
	return list
}

// Somebody who is named several times in one question gets as many places as he has, and
// nobody beside him loses one by it.
func TestAQuestionThatNamesSomebodyTwiceGivesEachPlaceOnce(t *testing.T) {
	each(t, func(s *site) {
		var members []id.ID
		for i := range 20 {
			open := fmt.Sprintf("o-%d", i)
			m := s.member(official, open)
			s.event(official, open, follow.Subscribe) // three messages in a minute
			members = append(members, m)
		}
		a := ask(reach.Service, custom)
		got, why := map[id.ID]int{}, map[string]int{}
		for _, x := range s.takeAll(a, append(append([]id.ID{}, members...), members[3], members[3], members[3], members[7]), 5000) {
			if x.Ticket.ID != 0 {
				got[x.Ticket.MemberID]++
			} else {
				why[x.Answer.Reason]++
			}
		}
		for i, m := range members {
			want := map[int]int{3: 3, 7: 2}[i]
			if got[m] != max(want, 1) {
				t.Errorf("%d: %d places", i, got[m])
			}
		}
		if len(why) != 1 || why[reach.WindowUsed] != 1 {
			t.Error(why)
		}
		var left, taken int
		s.ok(s.d.Read(s.ctx).Raw("SELECT SUM(left_n) FROM reach_window").Scan(&left).Error)
		s.ok(s.d.Read(s.ctx).Raw("SELECT SUM(used) FROM reach_quota").Scan(&taken).Error)
		s.expect(fmt.Sprint(left, taken), "37 23") // sixty, less what was taken
	})
}

// Several processes reach for the same places at once: each is given once, whoever was
// slower is told to come back and gets what is left, and nothing is lost on the way.
func TestPlacesAreGivenOnceHoweverManyReachForThem(t *testing.T) {
	each(t, func(s *site) {
		const people, workers = 25, 4
		var members []id.ID
		for i := range people {
			open := fmt.Sprintf("m-%d", i)
			members = append(members, s.member(mini, open))
			s.allows(mini, open, tmpl)
			s.says(mini, open) // five messages
		}
		a := ask(reach.Service, grant, reach.Use{Channel: reach.Custom, AccountID: mini})
		var mu sync.Mutex
		given := map[string]int{}
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				dice := rand.New(rand.NewPCG(1, uint64(w)))
				next := id.ID(10_000 * (w + 1))
				for rounds, rest := 0, true; rest && rounds < 400; rounds++ {
					order := append([]id.ID{}, members...)
					dice.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
					rest = false
					seats := make([]reach.Seat, len(order))
					for i, m := range order {
						next++
						seats[i] = reach.Seat{MemberID: m, DeliveryID: next}
					}
					var list []reach.Taken
					if err := s.d.InFreshTx(s.ctx, func(tx *gorm.DB) (err error) {
						list, err = s.reach.TakeManyTx(s.ctx, tx, a, seats)
						return err
					}); err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					for _, x := range list {
						switch {
						case x.Ticket.ID != 0:
							rest = true
							given[x.Ticket.Way.Channel]++
						case x.Answer.Reason == reach.Busy:
							rest = true
						}
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		var grants, windows, tickets, calls int
		s.ok(s.d.Read(s.ctx).Raw("SELECT SUM(left_n) FROM reach_grant").Scan(&grants).Error)
		s.ok(s.d.Read(s.ctx).Raw("SELECT SUM(left_n) FROM reach_window").Scan(&windows).Error)
		s.ok(s.d.Read(s.ctx).Raw("SELECT COUNT(*) FROM reach_ticket").Scan(&tickets).Error)
		s.ok(s.d.Read(s.ctx).Raw("SELECT SUM(used) FROM reach_quota").Scan(&calls).Error)
		s.expect(fmt.Sprint(given[reach.Subscribe], given[reach.Custom], grants, windows, tickets, calls), "25 125 0 0 150 150")
	})
}

// A day has eight calls left. Whoever was judged before others took them gives back what he
// took of his people, and has no ticket.
func TestTheLastCallsOfADayAreGivenOnce(t *testing.T) {
	each(t, func(s *site) {
		p := reach.DefaultPolicy(brandID)
		p.CustomPerDay = 8
		_, err := s.reach.SavePolicy(s.ctx, p, 1)
		s.ok(err)
		var members []id.ID
		for i := range 10 {
			open := fmt.Sprintf("m-%d", i)
			members = append(members, s.member(mini, open))
			s.says(mini, open)
		}
		a := ask(reach.Service, reach.Use{Channel: reach.Custom, AccountID: mini})
		var wg sync.WaitGroup
		var mu sync.Mutex
		got := 0
		for w := range 4 {
			wg.Go(func() {
				list := s.takeAll(a, members, id.ID(10_000*(w+1)))
				mu.Lock()
				defer mu.Unlock()
				for _, x := range list {
					if x.Ticket.ID != 0 {
						got++
					}
				}
			})
		}
		wg.Wait()
		var windows, tickets, calls int
		s.ok(s.d.Read(s.ctx).Raw("SELECT SUM(left_n) FROM reach_window").Scan(&windows).Error)
		s.ok(s.d.Read(s.ctx).Raw("SELECT COUNT(*) FROM reach_ticket").Scan(&tickets).Error)
		s.ok(s.d.Read(s.ctx).Raw("SELECT SUM(used) FROM reach_quota").Scan(&calls).Error)
		s.expect(fmt.Sprint(got, windows, tickets, calls), "8 42 8 8")
		s.expect(s.sends(a, members[0]), reach.ChannelStopped)
	})
}
