package segment_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/rule"
	"siyu/model/segment"
)

// draw makes a random tree.
func (w *world) draw(depth int) rule.Node {
	if depth > 0 && w.chance(60) {
		list := make([]rule.Node, 1+w.r.IntN(3))
		for i := range list {
			list[i] = w.draw(depth - 1)
		}
		switch w.r.IntN(3) {
		case 0:
			return rule.Node{All: list}
		case 1:
			return rule.Node{Any: list}
		}
		return rule.Node{Not: &list[0]}
	}
	switch w.r.IntN(10) {
	case 0:
		return rule.Node{List: &rule.Ref{ID: pick[id.ID](w, 41, 42, 43)}}
	case 1:
		return rule.Node{Random: &rule.Random{Salt: pick(w, "a", "b"), From: w.r.IntN(5000), Until: 5001 + w.r.IntN(5000)}}
	case 2, 3:
		t := &rule.Tag{ID: pick[id.ID](w, 31, 32, 33), Op: pick(w, "has", "lacks", "is", "in", "gte", "between")}
		switch t.Op {
		case "is":
			t.Values = []string{"a"}
		case "in":
			t.Values = []string{"a", "b"}
		case "gte":
			t.Values = []string{"5"}
		case "between":
			t.Values = []string{"2", "6"}
		}
		return rule.Node{Tag: t}
	case 4, 5, 6:
		return rule.Node{Attr: w.drawAttr()}
	case 7:
		s := &rule.Sequence{WithinDays: 1 + w.r.IntN(200), WindowDays: pick(w, 0, 100)}
		for range 2 + w.r.IntN(2) {
			s.Steps = append(s.Steps, rule.Step{What: pick(w, "scan", "order", "bought", "login"), ProductIDs: nil})
		}
		s.Steps[0] = rule.Step{What: pick(w, "claim", "bought", "order"), ProductIDs: pick(w, nil, []id.ID{21, 22})}
		return rule.Node{Sequence: s}
	}
	if w.chance(10) && len(w.trees) > 0 {
		return rule.Node{Segment: &rule.Ref{ID: pick[id.ID](w, 51)}}
	}
	return rule.Node{Did: w.drawDid()}
}

func (w *world) drawAttr() *rule.Attr {
	specs := rule.Attrs()
	spec := specs[w.r.IntN(len(specs))]
	a := &rule.Attr{Name: spec.Name, Op: pick(w, spec.Ops...)}
	n := func() string { return strconv.FormatInt(spec.Min+w.r.Int64N(min(spec.Max, 120)-spec.Min+1), 10) }
	few := func() string {
		return strconv.FormatInt(spec.Min+w.r.Int64N(min(spec.Max, pick[int64](w, 5, 120))-spec.Min+1), 10)
	}
	switch {
	case a.Op == "known" || a.Op == "unknown":
	case spec.Kind == rule.Account:
		a.Values = []string{"11"}
	case spec.Name == "province":
		a.Values = []string{"浙江"}
	case spec.Kind == rule.Choice:
		a.Values = []string{spec.Choices[w.r.IntN(len(spec.Choices))].Value, spec.Choices[w.r.IntN(len(spec.Choices))].Value}
	case a.Op == "between":
		a.Values = []string{n(), n()}
		if x := rule.Numbers(a.Values); x[0] > x[1] {
			slices.Reverse(a.Values)
		}
	case a.Op == "in":
		a.Values = []string{few(), n()}
	default:
		a.Values = []string{few()}
	}
	return a
}

func (w *world) drawDid() *rule.Did {
	acts := rule.Acts()
	spec := acts[w.r.IntN(len(acts))]
	if w.chance(60) {
		spec = acts[w.r.IntN(3)]
	}
	d := &rule.Did{What: spec.What, Measure: pick(w, spec.Measures...), Op: pick(w, "eq", "gte", "lte", "between")}
	if spec.Products && w.chance(40) {
		d.ProductIDs = pick(w, []id.ID{21}, []id.ID{22, 23}, []id.ID{24}, []id.ID{25, 26, 21})
	}
	if spec.Products && d.ProductIDs == nil && w.chance(40) {
		d.ExceptIDs = pick(w, []id.ID{21}, []id.ID{22, 24}, []id.ID{21, 22, 23})
	}
	most := map[string]int{"count": 3, "quantity": 4, "sum_fen": 40000}[d.Measure]
	if most == 0 {
		most = 150
	}
	d.Values = []int64{int64(w.r.IntN(most))}
	if d.Op == "between" {
		d.Values = append(d.Values, d.Values[0]+int64(w.r.IntN(most)))
	}
	switch w.r.IntN(4) {
	case 0:
		d.WithinDays = 1 + w.r.IntN(200)
	case 1:
		d.From = w.ago(250)
		if w.chance(50) {
			d.Until = d.From + clock.Instant(1+w.r.IntN(5_000_000_000))
		}
	}
	return d
}

// ways asks for a rule in every way there is.
func (w *world) ways(t rule.Tree) map[string][]id.ID {
	w.Helper()
	ctx, out := context.Background(), map[string][]id.ID{}
	found, err := w.s.Find(ctx, brandID, t)
	if err != nil {
		w.Fatalf("%s: %v", t.Encode(), err)
	}
	out["bitmaps"] = slices.Sorted(found.Each())
	out["SQL"] = []id.ID{}
	if err := w.s.All(ctx, brandID, t, func(p id.ID) error { out["SQL"] = append(out["SQL"], p); return nil }); err != nil {
		w.Fatalf("%s: %v", t.Encode(), err)
	}
	among, err := w.s.Among(ctx, brandID, t, w.members)
	if err != nil {
		w.Fatalf("%s: %v", t.Encode(), err)
	}
	for m := range among {
		if w.root[m] != m {
			delete(among, m)
		}
	}
	out["one by one"] = keysOf(among)
	fresh, parts := segment.New(w.d), segment.New(w.d).Parts(1+w.r.IntN(9))
	fresh.UseReach(&open{w: w})
	parts.UseReach(&open{w: w})
	again, err := fresh.Find(ctx, brandID, t)
	if err != nil {
		w.Fatal(err)
	}
	out["bitmaps loaded anew"] = slices.Sorted(again.Each())
	if w.chance(50) { // begun for nobody, and gone on with by who asks
		if _, err := parts.Aside(ctx, brandID, t, int32(w.r.IntN(12))); err != nil {
			w.Fatal(err)
		}
	}
	again, err = parts.Find(ctx, brandID, t)
	if err != nil {
		w.Fatal(err)
	}
	out["bitmaps loaded in parts"] = slices.Sorted(again.Each())
	kept := segment.New(w.d).Parts(7) // the next process
	kept.KeepIn(w.dir)
	kept.UseReach(&open{w: w})
	if again, err = kept.Find(ctx, brandID, t); err != nil {
		w.Fatal(err)
	}
	if from, facts := kept.Restored(brandID); from {
		w.restored, w.spared = w.restored+1, w.spared+facts-kept.Loads(brandID)
	}
	out["bitmaps of a file and what changed since"] = slices.Sorted(again.Each())
	return out
}

// How many worlds are tried, and from which on: more by hand when something here changes.
var (
	seeds    = flag.Int("seeds", 1, "random worlds of TestEqual")
	fromSeed = flag.Uint64("seed", 0, "the first of them")
)

// TestEqual: random people to whom random things happen, random rules, each asked again
// and again; every way to ask gives what looking at each person gives, bitmaps that
// followed all changes as much as bitmaps that were loaded now.
func TestEqual(t *testing.T) {
	for n := range uint64(*seeds) {
		seed := *fromSeed + n
		dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
			w := newWorld(t, d, clk, seed+1, 40)
			w.s.Parts(7)
			w.dir = t.TempDir()
			w.s.KeepIn(w.dir)
			w.put("segment", row{"id": 51, "brand_id": 1, "version": 1})
			w.trees[51] = rule.Tree{V: 1, Root: rule.Node{Any: []rule.Node{{Tag: &rule.Tag{ID: 31, Op: "has"}}, {Did: &rule.Did{What: "order", Op: "gte", Values: []int64{1}}}}}}
			w.put("segment_version", row{"segment_id": 51, "version": 1, "tree": string(w.trees[51].Encode())})
			for range 300 {
				w.deed()
			}
			pool := make([]rule.Tree, 80)
			for i := range pool {
				pool[i] = rule.Tree{V: 1, Root: w.draw(i % 3)}
				if err := pool[i].Check(); err != nil {
					t.Fatalf("%s: %v", pool[i].Encode(), err)
				}
			}
			hits, lately := 0, len(w.late)
			for round := range 30 {
				if len(w.late) > 0 && (w.chance(10) || round == 20 && lately == len(w.late)) {
					w.register()
				}
				for i := range 6 {
					if i == 3 && w.chance(60) { // and more changes before it is read
						if err := w.s.Save(t.Context(), true); err != nil {
							t.Fatal(err)
						}
					}
					w.deed()
				}
				w.settle()
				for range 10 {
					tree := pick(w, pool...)
					want := w.people(tree)
					if len(want) > 0 {
						hits++
					}
					for how, got := range w.ways(tree) {
						if !slices.Equal(got, want) {
							t.Fatalf("seed %d, %s:\n%s\n got %v\nwant %v", seed, how, tree.Encode(), got, want)
						}
					}
				}
			}
			if hits < 100 {
				t.Errorf("only %d of 300 rules were true of anybody: the test shows little", hits)
			}
			if w.restored < 100 || w.spared < 500 {
				t.Errorf("%d stores of 300 began with a file, which spared %d facts: the test shows little", w.restored, w.spared)
			}
			if lately == len(w.late) {
				t.Error("no product was registered while rules were asked")
			}
			t.Logf("%d of 300 rules were true of somebody, %d stores began with a file, %d facts of theirs did not have to be read", hits, w.restored, w.spared)
		})
	}
}

var errStop = errors.New("stop")

func TestAll(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk, 9, 10)
		for range 60 {
			w.deed()
		}
		n := 0
		err := w.s.All(context.Background(), brandID, rule.Everybody(), func(id.ID) error { n++; return fmt.Errorf("no: %w", errStop) })
		if !errors.Is(err, errStop) || n != 1 {
			t.Errorf("after %d people: %v", n, err)
		}
	})
}
