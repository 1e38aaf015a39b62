package referral

import (
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
)

func TestBind(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p := w.persons(6)
		b := w.bind(p[1], p[0])
		t.Run("the referrer is known, with terms", func(t *testing.T) {
			got, ok, err := w.ReferrerOf(ctx, brand, p[1], clk.Now())
			if err != nil || !ok || got != b || got.ReferrerID != p[0] || got.ProtectedUntil != clk.Now().Add(30*24*time.Hour) || got.ExpiresAt != 0 {
				t.Errorf("%+v %v %v", got, ok, err)
			}
			if n := w.node(p[0]); n.Direct != 1 || n.TeamSize != 1 || n.Levels != 2 || n.Active != 1 {
				t.Errorf("%+v", n)
			}
		})
		t.Run("the same again is the same binding", func(t *testing.T) {
			if again := w.bind(p[1], p[0]); again != b {
				t.Errorf("%+v, was %+v", again, b)
			}
		})
		t.Run("who is protected stays", func(t *testing.T) {
			_, err := w.try(p[1], p[2])
			w.refused(err, "referral_bound")
		})
		t.Run("nobody brings himself or who is above him", func(t *testing.T) {
			_, err := w.try(p[0], p[0])
			w.refused(err, "referral_self")
			w.bind(p[3], p[1])
			_, err = w.try(p[0], p[3])
			w.refused(err, "referral_ring")
		})
		t.Run("who brings people moves with them", func(t *testing.T) {
			w.bind(p[0], p[4])
			if n := w.node(p[4]); n.Direct != 1 || n.TeamSize != 3 || n.Levels != 4 {
				t.Errorf("%+v", n)
			}
			list, err := w.Upline(ctx, brand, p[3], clk.Now(), 2)
			if err != nil || len(list) != 2 || list[0].ReferrerID != p[1] || list[1].ReferrerID != p[0] {
				t.Error(list, err)
			}
		})
		w.sound()
	})
}
