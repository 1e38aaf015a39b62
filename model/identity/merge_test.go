package identity

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
)

func TestMerge(t *testing.T) {
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w := town{New(d), t, d}
		made := 0
		person := func() id.ID {
			made++
			clk.Advance(time.Second)
			return w.login(fmt.Sprintf("app%d", made), "o", "")
		}
		undo := func(t *testing.T, m Merge) {
			t.Helper()
			if got, err := w.Unmerge(ctx, m.ID, 9, "认错人了"); err != nil || got.State != Undone || got.UndoneBy != 9 || got.Reason == "" {
				t.Fatal(got, err)
			}
		}
		t.Run("the oldest is the root whoever is named first, and nothing else changes", func(t *testing.T) {
			w := w.in(t)
			a, b, c := person(), person(), person()
			keys := w.count("identity_key", "0 = 0")
			w.merge(c, b)
			if f := w.family(c); !slices.Equal(f, []id.ID{b, c}) {
				t.Fatal(f)
			}
			w.merge(c, a)
			if f := w.family(b); !slices.Equal(f, []id.ID{a, b, c}) {
				t.Fatal(f)
			}
			if w.count("identity_key", "0 = 0") != keys {
				t.Fatal("keys were written")
			}
		})
		t.Run("undoing the middle of a chain parts it there", func(t *testing.T) {
			w := w.in(t)
			a, b, c, e := person(), person(), person(), person()
			w.merge(a, b)
			middle := w.merge(b, c)
			last := w.merge(c, e)
			undo(t, middle)
			if !slices.Equal(w.family(b), []id.ID{a, b}) || !slices.Equal(w.family(e), []id.ID{c, e}) {
				t.Fatal(w.family(b), w.family(e))
			}
			undo(t, last)
			if len(w.family(c)) != 1 || len(w.family(e)) != 1 {
				t.Fatal(w.family(c))
			}
		})
		t.Run("what cannot be merged or undone says why", func(t *testing.T) {
			w := w.in(t)
			a, b := person(), person()
			by := Evidence{Event: ByOperator, By: 9, Note: "x"}
			for _, c := range []struct {
				p, q id.ID
				e    Evidence
				want string
			}{{a, a, by, "already_one"}, {a, 404, by, "person_not_found"}, {a, b, Evidence{Event: ByOperator, By: 9}, "reason_missing"}, {a, b, Evidence{Event: "browser"}, "evidence_malformed"}} {
				_, err := w.Merge(ctx, c.p, c.q, c.e)
				w.refused(err, c.want)
			}
			m := w.merge(a, b)
			_, err := w.Merge(ctx, b, a, by)
			w.refused(err, "already_one")
			_, err = w.Unmerge(ctx, m.ID, 9, "")
			w.refused(err, "reason_missing")
			undo(t, m)
			_, err = w.Unmerge(ctx, m.ID, 9, "再来")
			w.refused(err, "merge_undone")
			_, err = w.Unmerge(ctx, 404, 9, "x")
			w.refused(err, "merge_not_found")
		})
		t.Run("a follower's error undoes the merge", func(t *testing.T) {
			w := town{New(d), t, d}
			w.Follow(func(context.Context, *gorm.DB, Change) error { return fault.New(fault.Conflict, "no", "不行") })
			a, b := person(), person()
			_, err := w.Merge(ctx, a, b, Evidence{Event: ByOperator, By: 9, Note: "x"})
			w.refused(err, "no")
			if w.one(a, b) || w.count("identity_merge", fmt.Sprintf("person_id = %d", a)) != 0 {
				t.Fatal("half a merge")
			}
		})
		t.Run("merges of overlapping people at once lose nothing", func(t *testing.T) {
			w := w.in(t)
			p := make([]id.ID, 8)
			for i := range p {
				p[i] = person()
			}
			var wg sync.WaitGroup
			for i := range p { // a ring, from every place at once: seven merges join it
				wg.Go(func() {
					_, err := w.Merge(ctx, p[i], p[(i+1)%len(p)], Evidence{Event: ByOperator, By: 9, Note: "x"})
					if err != nil && fault.Of(err).Code != "already_one" {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if f := w.family(p[5]); !slices.Equal(f, p) {
				t.Fatalf("%v, want %v", f, p)
			}
			if n := w.count("identity_merge", "state = 'merged' AND person_id IN (SELECT id FROM person WHERE root_id = "+p[0].String()+" OR id = "+p[0].String()+")"); n != 7 {
				t.Fatal(n)
			}
		})
		t.Run("one merge undone by many is undone once", func(t *testing.T) {
			w := w.in(t)
			a, b := person(), person()
			m := w.merge(a, b)
			var wg sync.WaitGroup
			done := make([]bool, 6)
			for i := range done {
				wg.Go(func() {
					_, err := w.Unmerge(ctx, m.ID, 9, "x")
					if done[i] = err == nil; err != nil {
						w.refused(err, "merge_undone")
					}
				})
			}
			wg.Wait()
			n := 0
			for _, x := range done {
				n += b2i(x)
			}
			if n != 1 || w.one(a, b) {
				t.Fatal(n)
			}
		})
		t.Run("a family has an end", func(t *testing.T) {
			w := w.in(t)
			root := person()
			for range familyMost - 1 {
				w.merge(root, person())
			}
			_, err := w.Merge(ctx, root, person(), Evidence{Event: ByOperator, By: 9, Note: "x"})
			w.refused(err, "family_too_large")
		})
	})
}
