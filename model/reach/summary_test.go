package reach_test

import (
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/follow"
	"siyu/model/reach"
)

func TestSummaryIsRenewedForWhoLooks(t *testing.T) {
	each(t, func(s *site) {
		m := s.member(official, "o-1")
		s.event(official, "o-1", follow.Subscribe)
		people := func() reach.Summary {
			s.Helper()
			x, err := s.reach.Summary(s.ctx, brandID, reach.Service)
			s.ok(err)
			return x
		}
		first := people()
		if first.People != 1 || first.Reachable != 1 {
			s.Fatalf("%+v", first)
		}
		s.event(official, "o-2", follow.Subscribe)
		if again := people(); again.AsOf != first.AsOf || again.People != 1 {
			s.Fatalf("counted again at once: %+v", again)
		}
		s.wait(6 * time.Minute)
		s.ok(s.reach.Recount(s.ctx))
		if x := people(); x.People != 2 || x.AsOf != s.clk.Now() {
			s.Fatalf("%+v", x)
		}
		s.wait(2 * time.Hour)
		s.ok(s.reach.Recount(s.ctx)) // nobody looked for an hour: nothing is counted for nobody
		var asOf clock.Instant
		s.ok(s.d.Read(s.ctx).Raw("SELECT as_of FROM reach_summary").Scan(&asOf).Error)
		if asOf == s.clk.Now() {
			s.Fatal("counted for nobody")
		}
		s.ok(s.reach.OptOut(s.ctx, reach.Wish{MemberID: m, BrandID: brandID, Channel: reach.Custom}))
		if x := people(); x.People != 2 || x.AsOf != s.clk.Now() || x.Reachable+sum(x) != x.People {
			s.Fatalf("%+v", x)
		}
	})
}

func TestNobodyWaitsForTheCountOfALargeBrand(t *testing.T) {
	each(t, func(s *site) {
		s.member(official, "o-1")
		s.event(official, "o-1", follow.Subscribe)
		look := func() reach.Summary {
			s.Helper()
			x, err := s.reach.Summary(s.ctx, brandID, reach.Service)
			s.ok(err)
			return x
		}
		keep := func(body string, asOf clock.Instant) {
			s.Helper()
			s.ok(s.d.InTx(s.ctx, func(tx *gorm.DB) error {
				if err := tx.Exec("DELETE FROM reach_summary").Error; err != nil {
					return err
				}
				return tx.Exec("INSERT INTO reach_summary (brand_id, purpose, body, asked_at, as_of, busy_until) VALUES (?,?,?,?,?,0)", brandID, reach.Service, body, s.clk.Now(), asOf).Error
			}))
		}
		keep("", 0) // somebody waited for the first count, and in vain
		s.wait(10 * time.Second)
		if x := look(); !x.Renewing || x.AsOf != 0 || x.People != 0 {
			s.Fatalf("waited again: %+v", x)
		}
		s.ok(s.reach.Recount(s.ctx))
		if x := look(); x.Renewing || x.People != 1 {
			s.Fatalf("not counted after: %+v", x)
		}
		old := s.clk.Now()
		keep(fmt.Sprintf(`{"as_of":%q,"people":1000000}`, old), old)
		s.wait(6 * time.Minute)
		if x := look(); !x.Renewing || x.AsOf != old || x.People != 1_000_000 {
			s.Fatalf("waited though there is a count: %+v", x)
		}
		s.ok(s.reach.Recount(s.ctx))
		if x := look(); x.Renewing || x.People != 1 {
			s.Fatalf("not counted after: %+v", x)
		}
	})
}

// Who follows and has not written lately gets a template message, and that only of a service.
func TestServiceNoticesReachFollowersByTemplate(t *testing.T) {
	each(t, func(s *site) {
		s.member(official, "o-1")
		s.event(official, "o-1", follow.Subscribe)
		s.wait(time.Hour) // what following opened is over
		for purpose, want := range map[string]string{reach.Service: "[1 1]", reach.Marketing: "[]"} {
			x, err := s.reach.Summary(s.ctx, brandID, purpose)
			s.ok(err)
			got := []int64{}
			for _, w := range x.Ways {
				if w.Channel == reach.Template {
					if got = append(got, w.First, w.Able); w.AccountID != official || w.TemplateID != "" || x.Reachable != 1 {
						s.Errorf("%+v of %+v", w, x)
					}
				}
			}
			if fmt.Sprint(got) != want {
				s.Errorf("%s: by template %v, want %s: %+v", purpose, got, want, x)
			}
		}
	})
}

// sum of the people whom the reasons concern.
func sum(x reach.Summary) (n int64) {
	for _, r := range x.Reasons {
		n += r.People
	}
	return n
}
