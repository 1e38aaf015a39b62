package profile

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
)

func TestBirthdays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d)
		a, b, c, changed := w.member(), w.member(), w.member(), w.member()
		w.put(a, Self, "birthday", "1990-11-22")
		w.put(b, Import, "birthday", "1985-11-22")
		w.put(c, Self, "birthday", "1988-02-29")
		w.put(changed, Self, "birthday", "1991-11-22")
		clk.Advance(time.Minute)
		w.put(changed, Self, "birthday", "1991-11-23")
		born := func(day clock.Day) (out []id.ID) {
			t.Helper()
			for after := id.ID(0); ; {
				list, next, err := w.BornOn(ctx, day, after, 2)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, list...)
				if after = next; next == 0 {
					return out
				}
			}
		}
		want := []id.ID{a, b}
		slices.Sort(want)
		if got := born(20261122); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("22 November: %v, want %v", got, want)
		}
		if got := born(20261123); len(got) != 1 || got[0] != changed {
			t.Errorf("23 November: %v", got)
		}
		for day, n := range map[clock.Day]int{20270228: 1, 20280228: 0, 20280229: 1, 20270301: 0} {
			if got := born(day); len(got) != n {
				t.Errorf("%s: %v", day.Text(), got)
			}
		}
		t.Run("what the human said himself counts over what a file says of his other member", func(t *testing.T) {
			w.join(a, b)
			w.put(a, Self, "birthday", "1990-05-05")
			if got := born(20261122); len(got) != 0 {
				t.Error(got)
			}
		})
	})
}
