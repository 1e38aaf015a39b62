package reach_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/reach"
)

func TestOptOutsAreCounted(t *testing.T) {
	each(t, func(s *site) {
		a, b, c := s.member(official, "a"), s.member(official, "b"), s.member(official, "c")
		var since clock.Instant
		s.reach.Told = func(_ context.Context, _ *gorm.DB, w reach.Wish, family []id.ID, from clock.Instant) (reach.Last, error) {
			if since = from; !slices.Contains(family, b) {
				return reach.Last{}, nil
			}
			return reach.Last{PushID: 501, BrandID: brandID, Channel: reach.Mass}, nil
		}
		first := clock.DayOf(s.clk.Now())
		wish := func(m id.ID, w reach.Wish) {
			s.Helper()
			w.MemberID = m
			if w.Refused {
				s.ok(s.reach.OptOut(s.ctx, w))
			} else {
				s.ok(s.reach.OptIn(s.ctx, w))
			}
		}
		// By a link, twice; after a push; about all brands after none; and of another brand.
		wish(a, reach.Wish{BrandID: brandID, Refused: true, Source: "link", PushID: 500, PushChannel: reach.SMS})
		wish(a, reach.Wish{BrandID: brandID, Refused: true, Source: "link", PushID: 500, PushChannel: reach.SMS})
		wish(b, reach.Wish{Refused: true, Source: "h5"})
		if s.clk.Now().Sub(since) != 72*time.Hour {
			s.Error(since)
		}
		s.wait(24 * time.Hour)
		wish(c, reach.Wish{Refused: true, Source: "mini"})
		wish(c, reach.Wish{BrandID: 8, Refused: true, Source: "mini"})
		wish(a, reach.Wish{BrandID: brandID, Source: "operator"})                                    // wants them again
		wish(c, reach.Wish{BrandID: brandID, Topic: "护理提醒", Channel: reach.SMS, Source: "operator"}) // never refused: nothing moved
		s.wait(24 * time.Hour)

		o, err := s.reach.OptOuts(s.ctx, brandID, 3)
		s.ok(err)
		s.expect(fmt.Sprint(o.Out, o.Back, o.Days), fmt.Sprint(3, 1, []reach.OptDay{{first, 2, 0}, {first.AddDays(1), 1, 1}, {first.AddDays(2), 0, 0}}))
		s.expect(fmt.Sprint(o.Kinds), fmt.Sprint([]reach.OptKind{{true, "", "", "h5", 1, 0}, {false, "", "", "link", 1, 0}, {true, "", "", "mini", 1, 0}, {false, "", "", "operator", 0, 1}}))
		s.expect(fmt.Sprint(o.Pushes), fmt.Sprint([]reach.OptOfPush{{501, "", 1}, {500, "", 1}}))
		if o, err := s.reach.OptOuts(s.ctx, brandID, 1); err != nil || o.Out != 0 || len(o.Days) != 1 {
			s.Error(o, err)
		}
		if _, err := s.reach.OptOuts(s.ctx, brandID, 367); err == nil {
			s.Error("more than a year was counted")
		}

		after, err := s.reach.OptOutsAfter(s.ctx, 500)
		s.ok(err)
		if after.People != 1 || len(after.List) != 1 || after.List[0].MemberID != a || !after.List[0].Back || after.List[0].Through != reach.SMS || after.List[0].Source != "link" {
			s.Errorf("%+v", after)
		}
		if after, err = s.reach.OptOutsAfter(s.ctx, 501); err != nil || after.People != 1 || !after.List[0].AllBrands || after.List[0].Back {
			s.Errorf("%+v %v", after, err)
		}
	})
}

func TestPricesAreOfTheirMoment(t *testing.T) {
	each(t, func(s *site) {
		begun := s.clk.Now()
		p, err := s.reach.Policy(s.ctx, brandID)
		s.ok(err)
		if p.PriceOf(reach.SMS) != 50 || p.PriceOf(reach.Mass) != 0 {
			s.Errorf("%+v", p.Prices)
		}
		s.wait(time.Second)
		p.Prices = []reach.Price{{Channel: reach.SMS, Li: 38}}
		p, err = s.reach.SavePolicy(s.ctx, p, 1)
		s.ok(err)
		p.Prices = nil // not said
		p, err = s.reach.SavePolicy(s.ctx, p, 1)
		s.ok(err)
		old, err := s.reach.PolicyAt(s.ctx, brandID, begun)
		s.ok(err)
		s.expect(fmt.Sprint(p.PriceOf(reach.SMS), old.PriceOf(reach.SMS)), "38 50")
		for _, bad := range [][]reach.Price{{{Channel: "fax", Li: 1}}, {{Channel: reach.SMS, Li: -1}}, {{Channel: reach.SMS, Li: 1}, {Channel: reach.SMS, Li: 2}}} {
			p.Prices = bad
			if _, err := s.reach.SavePolicy(s.ctx, p, 1); err == nil {
				s.Error(bad)
			}
		}
	})
}
