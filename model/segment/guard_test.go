package segment_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/rule"
	"siyu/model/segment"
)

// TestSegmentsThatGrowBeneathEachOtherAreRefusedSoon: each was small when it was saved; put
// into each other they are a condition for every grain on the board.
func TestSegmentsThatGrowBeneathEachOtherAreRefusedSoon(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk, 1, 3)
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute) // what is not refused takes for ever
		defer cancel()
		leaf := rule.Node{Attr: &rule.Attr{Name: rule.Follows, Op: rule.Known}}
		many := func(n rule.Node) rule.Tree {
			return rule.Tree{V: rule.Version, Root: rule.Node{Any: slices.Repeat([]rule.Node{n}, 60)}}
		}
		var list []segment.Segment
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			g, err := w.s.Create(ctx, segment.Draft{BrandID: brandID, Name: name, Tree: rule.Tree{V: rule.Version, Root: rule.Node{All: []rule.Node{leaf}}}}, 1)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, g)
		}
		for i, g := range list {
			tree := many(leaf)
			if i < len(list)-1 {
				tree = many(rule.Node{Segment: &rule.Ref{ID: list[i+1].ID}})
			}
			if _, err := w.s.Change(ctx, g.ID, segment.Draft{Name: g.Name, Rev: g.Rev, Tree: tree}, 1); err != nil {
				t.Fatal(err)
			}
		}
		_, err := w.s.Size(ctx, brandID, rule.Tree{V: rule.Version, Root: rule.Node{All: []rule.Node{{Segment: &rule.Ref{ID: list[1].ID}}}}}, segment.Plan{})
		if err == nil || ctx.Err() != nil {
			t.Errorf("%v, %v", err, ctx.Err())
		}
	})
}

// TestAListTakenFromWhatPeopleDidIsOfThoseWhoAllowIt: who is on it says what he did.
func TestAListTakenFromWhatPeopleDidIsOfThoseWhoAllowIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w, _ := crowded(t, d, clk, 4)
		say := func(given int, members ...id.ID) {
			clk.Advance(time.Hour)
			for _, m := range members {
				w.put("consent", row{"id": d.NewID(), "member_id": m, "purpose": consent.Profiling, "given": given, "at": clk.Now()})
			}
			w.note(segment.PartAll, members...)
			w.settle()
		}
		for _, m := range w.members {
			w.put("tag_value", row{"tag_id": 33, "member_id": m, "value": "高", "since_at": 1})
		}
		say(1, w.members...)
		did, err := w.s.Create(ctx, segment.Draft{BrandID: brandID, Name: "买得多", Tree: rule.Tree{V: rule.Version, Root: rule.Node{All: []rule.Node{{Tag: &rule.Tag{ID: 33, Op: rule.Has}}}}}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		outer, err := w.s.Create(ctx, segment.Draft{BrandID: brandID, Name: "outer", Tree: rule.Tree{V: rule.Version, Root: rule.Node{All: []rule.Node{{Segment: &rule.Ref{ID: did.ID}}}}}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		list, err := w.s.TakeRoster(ctx, outer.ID, "取出", 1)
		if err != nil || list.Count != 4 {
			t.Fatal(list, err)
		}
		gone := w.members[0]
		say(0, gone)
		tree := rule.Tree{V: rule.Version, Root: rule.Node{All: []rule.Node{{List: &rule.Ref{ID: list.ID}}}}}
		f, err := w.s.Size(ctx, brandID, tree, segment.Plan{})
		if err != nil || f.Matched != 3 || !f.Profiling {
			t.Errorf("%+v %v", f, err)
		}
		not := rule.Tree{V: rule.Version, Root: rule.Node{Not: &tree.Root}}
		found, err := w.s.Among(ctx, brandID, not, []id.ID{gone})
		if err != nil || found[gone] {
			t.Errorf("%v %v", found, err)
		}
	})
}
