package reach_test

import (
	"slices"
	"testing"

	"siyu/model/fault"
	"siyu/model/reach"
)

// TestTextMessagesAreAWayWhileSomebodyCarriesThem: without a provider nobody is counted as
// reachable by one, and nobody may choose them.
func TestTextMessagesAreAWayWhileSomebodyCarriesThem(t *testing.T) {
	each(t, func(s *site) {
		sms := reach.Use{Channel: reach.SMS}
		for _, none := range []bool{false, true} {
			deps := s.reach.Deps
			deps.NoSMS = none
			store := reach.New(deps)
			ways, err := store.Ways(s.ctx, brandID)
			s.ok(err)
			if there := slices.ContainsFunc(ways, func(w reach.Way) bool { return w.Use == sms }); there == none {
				s.Errorf("no carrier %v: among the ways %v", none, there)
			}
			sum, err := store.Summary(s.ctx, brandID, []string{reach.Marketing, reach.Service}[map[bool]int{true: 1}[none]]) // neither was counted before
			s.ok(err)
			if there := slices.ContainsFunc(sum.Ways, func(w reach.WayCount) bool { return w.Use == sms }); there == none {
				s.Errorf("no carrier %v: counted %v", none, there)
			}
			if err := store.CheckUse(s.ctx, brandID, sms); none != (err != nil && fault.Of(err).Code == "sms_no_carrier") {
				s.Errorf("no carrier %v: %v", none, err)
			}
			s.ok(store.CheckUse(s.ctx, brandID, reach.Use{Channel: reach.Mass, AccountID: official}))
		}
	})
}
