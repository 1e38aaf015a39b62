package profile

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
)

// beside runs all at the same time and returns what each said.
func beside(all ...func() error) []error {
	out := make([]error, len(all))
	var start, done sync.WaitGroup
	start.Add(1)
	for i, f := range all {
		done.Go(func() {
			start.Wait()
			out[i] = f()
		})
	}
	start.Done()
	done.Wait()
	return out
}

func TestTwoMembersOfOneHumanWhoAnswerTogetherEarnOnce(t *testing.T) {
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		w := newTown(t, d)
		w.reward("city", 10, "")
		for range 10 {
			a, b := w.member(), w.member()
			w.join(a, b)
			say := func(m id.ID) func() error {
				return func() error {
					_, err := w.Put(ctx, Answer{MemberID: m, Source: Self, Values: map[string]string{"city": "杭州"}})
					return err
				}
			}
			for _, err := range beside(say(a), say(b), say(a), say(b)) {
				if err != nil {
					t.Fatal(err)
				}
			}
			if n := w.balance(a) + w.balance(b); n != 10 {
				t.Fatalf("the human has %d points", n)
			}
		}
	})
}

func TestAFieldDeclaredTwiceAtOnceHasOneMeaning(t *testing.T) {
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		w := newTown(t, d)
		for i := range 10 {
			name := fmt.Sprint("f", i)
			declare := func(kind string) func() error {
				return func() error {
					_, err := w.PutField(ctx, Field{Name: name, Title: "口味", Kind: kind, Active: true})
					return err
				}
			}
			kinds := []string{Text, Date, Text, Date}
			var said []string
			for i, err := range beside(declare(kinds[0]), declare(kinds[1]), declare(kinds[2]), declare(kinds[3])) {
				if err == nil {
					said = append(said, kinds[i])
				} else if fault.Of(err) == nil || fault.Of(err).Code != "profile_field_kind" {
					t.Fatal(err)
				}
			}
			all, err := w.Fields(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range all {
				for _, kind := range said {
					if f.Name == name && f.Kind != kind {
						t.Fatalf("%s was declared %s and is %s", name, kind, f.Kind)
					}
				}
			}
			if len(said) != 2 {
				t.Fatal(said)
			}
		}
	})
}

// turning is a human who takes his agreement back right after he was asked about it.
type turning struct{ asked int }

func (c *turning) Given(context.Context, id.ID, string) (bool, error) {
	c.asked++
	return c.asked == 1, nil
}

func TestAnAnswerDoesNotOutliveAWithdrawalMadeBesideIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		w := newTown(t, d)
		w.reward("skin", 0, Profiling)
		a := w.member()
		w.Consents = &turning{}
		_, err := w.Put(ctx, Answer{MemberID: a, Source: Self, Values: map[string]string{"skin": "干性", "city": "杭州"}})
		is(t, err, "profile_consent")
		var left []string
		if err := d.InTx(ctx, func(tx *gorm.DB) error {
			return tx.Raw("SELECT field FROM profile_value WHERE member_id = ?", a).Scan(&left).Error
		}); err != nil || len(left) != 1 || left[0] != "city" {
			t.Fatal(left, err)
		}
	})
}
