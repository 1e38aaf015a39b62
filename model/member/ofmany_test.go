package member

import (
	"context"
	"sync"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/identity"
)

func TestOfManyMakesOneMemberPerPersonWhoeverAsksAtOnce(t *testing.T) {
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		ctx, s := context.Background(), New(d, identity.New(d))
		old, err := s.Of(ctx, 5)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		got := make([]map[id.ID]id.ID, 6)
		for i := range got {
			wg.Go(func() {
				persons := []id.ID{5, 5}
				for p := range id.ID(1500) {
					persons = append(persons, 1+(p*7+id.ID(i)*100)%1500)
				}
				var err error
				if got[i], err = s.OfMany(ctx, persons); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for p := range id.ID(1500) {
			for _, m := range got {
				if m[p+1] == 0 || m[p+1] != got[0][p+1] || p+1 == 5 && m[p+1] != old.ID {
					t.Fatalf("person %d: %d and %d", p+1, m[p+1], got[0][p+1])
				}
			}
		}
		if none, err := s.OfMany(ctx, nil); err != nil || len(none) != 0 {
			t.Error(none, err)
		}
	})
}
