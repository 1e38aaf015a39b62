package reach_test

import (
	"slices"
	"testing"
	"time"

	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/reach"
)

// TestOpen: a channel is open as long as WeChat would accept a message by it, whatever the
// house's own rules say.
func TestOpen(t *testing.T) {
	each(t, func(s *site) {
		m := s.member(official, "o-1") // who never agreed to anything
		open := func(want ...string) {
			s.Helper()
			got, err := s.reach.Open(s.ctx, brandID, []id.ID{m})
			s.ok(err)
			slices.Sort(got[m])
			if !slices.Equal(got[m], want) {
				s.Fatalf("%v, want %v", got[m], want)
			}
		}
		open()
		s.event(official, "o-1", follow.Subscribe)
		open(reach.Custom, reach.Mass)
		s.wait(10 * time.Minute) // the window after following is a minute long
		open(reach.Mass)
		s.says(official, "o-1")
		open(reach.Custom, reach.Mass)
		s.ok(s.reach.OptOut(s.ctx, reach.Wish{MemberID: m, BrandID: brandID}))
		open(reach.Custom, reach.Mass)
		s.event(official, "o-1", follow.Unsubscribe)
		open()
		s.wait(2 * time.Second)
		s.allows(official, "o-1", tmpl)
		open(reach.Subscribe)
	})
}
