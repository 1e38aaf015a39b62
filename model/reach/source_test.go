package reach_test

import (
	"testing"

	"siyu/model/reach"
)

// TestHisOwnWordTakesThePlaceOfALinks: a link may be anybody's, so what it stopped another may
// bring back; what he said himself may not become a link's.
func TestHisOwnWordTakesThePlaceOfALinks(t *testing.T) {
	each(t, func(s *site) {
		m := s.member(official, "o-1")
		say := func(source string, refused bool) {
			s.Helper()
			do := s.reach.OptIn
			if refused {
				do = s.reach.OptOut
			}
			s.ok(do(s.ctx, reach.Wish{MemberID: m, BrandID: brandID, Source: source}))
		}
		is := func(refused bool, source string) {
			s.Helper()
			list, err := s.reach.Preferences(s.ctx, brandID, m)
			s.ok(err)
			if len(list) != 1 || list[0].Refused != refused || list[0].Source != source {
				s.Fatalf("%+v, want %v by %s", list, refused, source)
			}
		}
		say(reach.ByLink, true)
		is(true, reach.ByLink)
		say("h5", true) // on his own page, to be sure
		is(true, "h5")
		say(reach.ByLink, true)
		is(true, "h5")
		say("operator", true) // he rang up
		is(true, "operator")
		say("mini", false)
		is(false, "mini")
		say(reach.ByLink, true)
		is(true, reach.ByLink)
		var moves int64
		s.ok(s.d.Read(s.ctx).Raw("SELECT COUNT(*) FROM reach_optout_move WHERE member_id = ?", m).Scan(&moves).Error)
		if moves != 3 { // out, in, out
			s.Errorf("%d moves", moves)
		}
	})
}
