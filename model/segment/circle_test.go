package segment_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/rule"
	"siyu/model/segment"
)

// Two operators name each other's segment at the same moment: one of them is told.
func TestSegmentsThatAreChangedAtOnceNeverMakeACircle(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w := newWorld(t, d, clk, 8, 1)
		draft := func(name string, other id.ID, rev int) segment.Draft {
			n := rule.Node{All: []rule.Node{}}
			if other != 0 {
				n = rule.Node{All: []rule.Node{{Segment: &rule.Ref{ID: other}}}}
			}
			return segment.Draft{BrandID: brandID, Name: name, Rev: rev, Tree: rule.Tree{V: rule.Version, Root: n}}
		}
		both := func(fns ...func() error) (errs []error) {
			errs = make([]error, len(fns))
			var wg sync.WaitGroup
			for i, fn := range fns {
				wg.Go(func() { errs[i] = fn() })
			}
			wg.Wait()
			for _, err := range errs {
				if err != nil && fault.KindOf(err) != fault.Invalid && fault.KindOf(err) != fault.Conflict {
					t.Error(err)
				}
			}
			return errs
		}
		for round := range 8 {
			var g [2]segment.Segment
			for i := range g {
				var err error
				if g[i], err = w.s.Create(ctx, draft(fmt.Sprint(round, "-", i), 0, 0), 5); err != nil {
					t.Fatal(err)
				}
			}
			errs := both(func() error { _, err := w.s.Change(ctx, g[0].ID, draft("甲", g[1].ID, g[0].Rev), 5); return err },
				func() error { _, err := w.s.Change(ctx, g[1].ID, draft("乙", g[0].ID, g[1].Rev), 5); return err })
			if errs[0] == nil && errs[1] == nil {
				t.Fatalf("round %d: each leads to the other", round)
			}
			if errs[0] != nil && errs[1] != nil {
				t.Errorf("round %d: nobody was heard: %v", round, errs)
			}
			if n, err := w.s.Size(ctx, brandID, draft("", g[0].ID, 0).Tree, segment.Plan{}); err != nil {
				t.Errorf("%+v %v", n, err)
			}
		}
	})
}
