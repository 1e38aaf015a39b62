package reach_test

import (
	"context"
	"flag"
	"fmt"
	"testing"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/reach"
)

var benchPeople = flag.Int("people", 100_000, "people of BenchmarkSets, a multiple of 5000")

// BenchmarkSets judges a brand's people, four in five of whom agree to offers and half of
// whom have a window or a grant.
func BenchmarkSets(b *testing.B) {
	people := *benchPeople
	for _, engine := range dbtest.Engines() {
		b.Run(engine, func(b *testing.B) {
			clk := clock.NewFake(dbtest.Start)
			d := dbtest.Open(b, engine, clk)
			crowd(b, d, people)
			s := reach.New(reach.Deps{DB: d, Accounts: func(_ context.Context, a id.ID) (brand.Account, error) {
				return brand.Account{ID: a, BrandID: brandID, Kind: map[id.ID]string{official: brand.Official, mini: brand.Mini}[a], AppID: appOf(a)}, nil
			}})
			b.ResetTimer()
			for range b.N {
				n := 0
				_, err := s.Sets(b.Context(), brandID, reach.Marketing, []reach.Use{custom, grant, mass}, 0, func(_ reach.Set, list []id.ID) error {
					n += len(list)
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
				if n == 0 {
					b.Fatal("nobody")
				}
			}
			sets := float64(people) * float64(b.N) / b.Elapsed().Seconds()
			b.ReportMetric(sets, "people/s")
			b.StopTimer()
			// The same people, looked at a thousand at a time as a push does.
			a, begun := ask(reach.Marketing, custom, grant, mass), clock.Wall()
			for from := 0; from < people; from += reach.MaxMembers {
				var some []id.ID
				for i := from; i < from+reach.MaxMembers; i++ {
					some = append(some, id.ID(1_000_000+i*7))
				}
				if _, err := s.Look(b.Context(), a, some); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(sets*clock.Wall().Sub(begun).Seconds()/float64(people), "sets/look")
		})
	}
}

func crowd(b *testing.B, d *db.DB, people int) {
	for from := 0; from < people; from += 5000 {
		err := d.InTx(b.Context(), func(tx *gorm.DB) error {
			members, keys := db.NewRows("member", "id, person_id, root_id, state, created_at"), db.NewRows("identity_key", "kind, scope, value, person_id, created_at")
			follows, consents := db.NewRows("follower", "account_id, openid, member_id, following, scene, changed_at"), db.NewRows("consent", "id, member_id, purpose, policy_version, given, channel, at, text_hash, page, request_id, ip_hash, operator_id, note")
			windows, grants := db.NewRows("reach_window", "account_id, openid, deed, member_id, opened_at, until_at, left_n"), db.NewRows("reach_grant", "account_id, openid, template_id, member_id, left_n, reset_at, changed_at")
			for i := from; i < from+5000; i++ {
				m, open, small := id.ID(1_000_000+i*7), fmt.Sprintf("oOff%d", i), fmt.Sprintf("oMini%d", i)
				members.Add(m, m, 0, "active", 1)
				keys.Add("openid", appOf(official), open, m, 1)
				keys.Add("openid", appOf(mini), small, m, 1)
				follows.Add(official, open, m, i%3 > 0, "", 1)
				if i%5 > 0 {
					consents.Add(m, m, "marketing", "1", true, "h5", 1, "", "", "", "", 0, "")
				}
				if i%4 == 0 {
					windows.Add(official, open, "message", m, dbtest.Start, dbtest.Start.Add(1e15), i%6)
				}
				if i%4 == 1 {
					grants.Add(mini, small, tmpl, m, 1, 0, 1)
				}
			}
			for _, r := range []*db.Rows{members, keys, follows, consents, windows, grants} {
				if _, err := r.Insert(b.Context(), tx, ""); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTake takes places for a hundred people in a transaction and ends them in the
// next, as a push does.
func BenchmarkTake(b *testing.B) {
	for _, engine := range dbtest.Engines() {
		b.Run(engine, func(b *testing.B) {
			clk := clock.NewFake(dbtest.Start)
			d := dbtest.Open(b, engine, clk)
			crowd(b, d, 5000)
			s := reach.New(reach.Deps{DB: d, Accounts: func(_ context.Context, a id.ID) (brand.Account, error) {
				return brand.Account{ID: a, BrandID: brandID, Kind: brand.Official, AppID: appOf(a)}, nil
			}})
			a := ask(reach.Service, mass)
			if err := s.Prepare(b.Context(), a); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			sent, next := 0, id.ID(1)
			for i := range b.N {
				var seats []reach.Seat
				for j := range 100 {
					seats = append(seats, reach.Seat{MemberID: id.ID(1_000_000 + (i*100+j)%5000*7), DeliveryID: next})
					next++
				}
				var tickets []id.ID
				err := d.InTx(b.Context(), func(tx *gorm.DB) error {
					list, err := s.TakeManyTx(b.Context(), tx, a, seats)
					tickets = tickets[:0]
					for _, x := range list {
						if x.Ticket.ID != 0 {
							tickets = append(tickets, x.Ticket.ID)
						}
					}
					return err
				})
				if err == nil {
					err = d.InTx(b.Context(), func(tx *gorm.DB) error { return s.SentTx(b.Context(), tx, tickets) })
				}
				if err != nil {
					b.Fatal(err)
				}
				sent += len(tickets)
			}
			b.ReportMetric(float64(sent)/b.Elapsed().Seconds(), "places/s")
		})
	}
}
