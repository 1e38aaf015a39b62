package admin_test

import (
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/operator"
)

// A page that is left open asks for its numbers again and again. That is nobody's use of it.
func TestAnOpenPageKeepsNobodyLoggedIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk)
		status := func(p *person, header ...string) int { return p.do("GET", "/jobs/summary", "", header...).Status }
		at, away := s.as(t, "here", operator.Admin), s.as(t, "away", operator.Admin)
		for range 7 {
			if got, by := status(at), status(away, "X-Background", "1"); got != 200 || by != 200 {
				t.Fatal(got, by, "before the time is over")
			}
			clk.Advance(17 * time.Minute)
		}
		clk.Advance(2 * time.Minute)
		if got, by := status(at), status(away, "X-Background", "1"); got != 200 || by != 401 {
			t.Fatalf("who works has %d, who went away %d", got, by)
		}
		if got := status(away); got != 401 {
			t.Fatal("a click brings an ended session back:", got)
		}
	})
}
