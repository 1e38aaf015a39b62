package scan

import (
	"context"
	"sync"
	"testing"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
)

// A place that is sent while the consent is taken back is refused or erased, in whatever
// order the two meet.
func TestNoPlaceOutlivesItsConsent(t *testing.T) {
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		ctx := context.Background()
		consents := consent.New(d)
		s := New(d, consents)
		consents.OnWithdraw(consent.ExactPlace, s.ForgetExactPlacesTx)
		answer := func(yes bool) {
			t.Helper()
			if _, err := consents.Put(ctx, consent.Consent{MemberID: 50, Purpose: consent.ExactPlace, Given: yes, Channel: consent.H5}); err != nil {
				t.Error(err)
			}
		}
		if _, err := s.Record(ctx, look(1, 50)); err != nil {
			t.Fatal(err)
		}
		stored, refused := 0, 0
		for range 60 {
			answer(true)
			var both sync.WaitGroup
			both.Go(func() {
				switch err := s.PutExactPlace(ctx, 50, 3, 1, 31.2, 121.4); {
				case err == nil:
					stored++
				case fault.Of(err).Code == "consent_missing":
					refused++
				default:
					t.Error(err)
				}
			})
			both.Go(func() { answer(false) })
			both.Wait()
			r, err := s.OfMember(ctx, 50, 0, 1)
			if err != nil || len(r) != 1 || r[0].ExactPlace != "" {
				t.Fatalf("the place stands without consent: %+v %v", r, err)
			}
		}
		answer(true)
		if err := s.PutExactPlace(ctx, 50, 3, 1, 31.2, 121.4); err != nil {
			t.Fatal(err)
		}
		if r, err := s.OfMember(ctx, 50, 0, 1); err != nil || r[0].ExactPlace == "" {
			t.Fatal("nothing is ever stored:", r, err)
		}
		t.Logf("%d were stored first, %d were refused", stored, refused)
	})
}
