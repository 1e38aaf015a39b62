package referral

import (
	"math/rand/v2"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
)

func TestTreesOfAnotherSystem(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		now := clk.Now()
		for name, bad := range map[string][]Seedling{
			"a ring":             {{1, 2, now}, {2, 1, now}},
			"children first":     {{3, 2, now}, {2, 1, now}},
			"himself":            {{1, 1, now}},
			"twice":              {{2, 1, now}, {2, 3, now}},
			"of the future":      {{2, 1, now + 1}},
			"without a referrer": {{2, 0, now}},
		} {
			if _, err := w.Plant(ctx, brand, bad, "迁移", 1); fault.Of(err) == nil || fault.Of(err).Code != "referral_seed" {
				t.Error(name, err)
			}
		}
		people := w.persons(60)
		dice := rand.New(rand.NewPCG(3, 1))
		var list []Seedling
		for i := 2; i < 60; i++ { // two trees
			list = append(list, Seedling{people[i], people[dice.IntN(i)], now})
		}
		if n, err := w.Plant(ctx, brand, list, "旧系统迁移", 1); err != nil || n != 60 {
			t.Fatal(n, err)
		}
		w.sound()
		_, err := w.Plant(ctx, brand, list, "旧系统迁移", 1)
		w.refused(err, "referral_planted")
		t.Run("live on like others", func(t *testing.T) {
			w.bind(w.person(), people[59])
			if _, err := w.Rebind(ctx, Change{BrandID: brand, MemberID: people[30], ReferrerID: w.person(), Reason: "调整", By: 1}); err != nil {
				t.Fatal(err)
			}
			if r := w.referrer(people[5]); r != list[3].ReferrerID {
				t.Error(r)
			}
			w.sound()
		})
		t.Run("too deep a line is refused as a whole", func(t *testing.T) {
			var line []Seedling
			for i := range MaxLevels {
				line = append(line, Seedling{id.ID(1000 + i + 1), id.ID(1000 + i), now})
			}
			_, err := w.Plant(ctx, brand+1, line, "迁移", 1)
			w.refused(err, "referral_seed")
			if _, err := w.Plant(ctx, brand+1, line[:MaxLevels-1], "迁移", 1); err != nil {
				t.Error(err)
			}
		})
	})
}
