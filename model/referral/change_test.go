package referral

import (
	"slices"
	"strings"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/id"
)

func TestOperatorsChangeReferrersWithAReason(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p := w.persons(8)
		for i := 1; i < 6; i++ { // a line: p0 over p1 over p2 ...
			w.bind(p[i], p[i-1])
		}
		op := func(who, to id.ID) Change {
			return Change{BrandID: brand, MemberID: who, ReferrerID: to, Role: Leader, Reason: "客户投诉核实", By: 42}
		}
		if err := w.Consume(ctx, acts3("x", p[4], clk.Now())); err != nil {
			t.Fatal(err)
		}
		t.Run("everybody below comes along, with what they did", func(t *testing.T) {
			b, err := w.Rebind(ctx, op(p[3], p[6]))
			if err != nil || b.ByID != 42 || b.Reason != "客户投诉核实" || b.Role != Leader {
				t.Fatalf("%+v %v", b, err)
			}
			if n := w.node(p[6]); n.TeamSize != 3 || n.Direct != 1 || n.TeamSalesFen != 1250 || n.Active != 3 {
				t.Errorf("%+v", n)
			}
			if n := w.node(p[0]); n.TeamSize != 2 || n.TeamSalesFen != 0 {
				t.Errorf("%+v", n)
			}
			if again, err := w.Rebind(ctx, op(p[3], p[6])); err != nil || again.ID != b.ID {
				t.Error("the same again made another", err)
			}
		})
		t.Run("rings and oneself are refused to operators too", func(t *testing.T) {
			_, err := w.Rebind(ctx, op(p[6], p[5]))
			w.refused(err, "referral_ring")
			_, err = w.Rebind(ctx, op(p[6], p[6]))
			w.refused(err, "referral_self")
		})
		t.Run("without a reason nothing happens", func(t *testing.T) {
			c := op(p[3], p[0])
			c.Reason = " "
			_, err := w.Rebind(ctx, c)
			w.refused(err, "reason_missing")
			w.refused(w.End(ctx, c), "reason_missing")
			_, err = w.HandOver(ctx, c)
			w.refused(err, "reason_missing")
		})
		t.Run("an ended referral leaves him with his own people", func(t *testing.T) {
			if err := w.End(ctx, op(p[4], 0)); err != nil {
				t.Fatal(err)
			}
			if n := w.node(p[4]); n.ParentID != 0 || n.TeamSize != 1 || w.referrer(p[4]) != 0 {
				t.Errorf("%+v", n)
			}
			w.refused(w.End(ctx, op(p[4], 0)), "referral_none")
		})
		t.Run("the history says who, when and why", func(t *testing.T) {
			list, err := w.Bindings(ctx, brand, Filter{MemberID: p[3]})
			if err != nil || len(list) != 2 {
				t.Fatal(list, err)
			}
			i := slices.IndexFunc(list, func(b Binding) bool { return b.State == Replaced })
			if i < 0 || list[i].ReferrerID != p[2] || list[i].EndedBy != 42 || list[i].EndedReason != "客户投诉核实" {
				t.Errorf("%+v", list)
			}
		})
		t.Run("and both sides hear of it as events", func(t *testing.T) {
			list, err := w.Events.Timeline(ctx, []id.ID{p[3], p[6]}, []string{event.Referral}, event.Cursor{}, 100)
			var said []string
			for _, e := range list {
				said = append(said, string(e.Body))
			}
			all := strings.Join(said, "\n")
			for _, want := range []string{`"scene":"bound"`, `"scene":"replaced"`, `"scene":"rebound"`, `"role":"referrer"`, `"other_id":"` + p[6].String() + `"`} {
				if err != nil || !strings.Contains(all, want) {
					t.Errorf("no %s (%v) in\n%s", want, err, all)
				}
			}
		})
		w.sound()
	})
}

func TestHandingOverWhatALeaderLeaves(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		leader, heir := w.person(), w.person()
		people := w.persons(handOverMost + 20)
		for _, p := range people {
			w.bind(p, leader)
		}
		w.bind(heir, people[0]) // the new one stands in the team of one of them
		below := w.person()
		w.bind(below, people[1])
		done, err := w.HandOver(ctx, Change{BrandID: brand, MemberID: leader, ReferrerID: heir, Reason: "团长离任", By: 1})
		if err != nil || done.Moved != int64(len(people)-1) || done.Stay != 1 || done.More {
			t.Fatalf("%+v %v", done, err)
		}
		if n := w.node(heir); n.Direct != int64(len(people)-1) || n.TeamSize != int64(len(people)) {
			t.Errorf("%+v", n)
		}
		if w.referrer(people[0]) != leader || w.referrer(people[5]) != heir || w.referrer(below) != people[1] {
			t.Error("somebody went astray")
		}
		w.sound()
		if done, err = w.HandOver(ctx, Change{BrandID: brand, MemberID: leader, ReferrerID: heir, Reason: "团长离任", By: 1}); err != nil || done.Moved != 0 || done.Stay != 1 {
			t.Errorf("%+v %v", done, err)
		}
	})
}

func TestTreesDeeperThanALimitAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p := w.persons(MaxLevels + 3)
		for i := 1; i < MaxLevels; i++ {
			w.bind(p[i], p[i-1])
		}
		_, err := w.try(p[MaxLevels], p[MaxLevels-1])
		w.refused(err, "referral_depth")
		w.bind(p[MaxLevels], p[MaxLevels-2])
		_, err = w.try(p[0], p[MaxLevels+1]) // the whole line one level down
		w.refused(err, "referral_depth")
		t.Run("but a line that is shorter than it was is measured", func(t *testing.T) {
			if err := w.End(ctx, Change{BrandID: brand, MemberID: p[MaxLevels-2], Reason: "调整", By: 1}); err != nil {
				t.Fatal(err)
			}
			w.bind(p[0], p[MaxLevels+1])
		})
		w.sound()
	})
}

func TestLists(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		root := w.person()
		people := w.persons(25)
		for i, p := range people {
			if i < 15 {
				w.bind(p, root)
			} else {
				w.bind(p, people[i%4])
			}
		}
		t.Run("children by the size of their teams, each once over all pages", func(t *testing.T) {
			var after Cursor
			seen := map[id.ID]bool{}
			last := int64(1 << 40)
			for {
				list, err := w.Children(ctx, brand, root, after, 4)
				if err != nil {
					t.Fatal(err)
				}
				for _, n := range list {
					if seen[n.MemberID] || n.TeamSize > last || n.ParentID != root {
						t.Errorf("%+v after %d", n, last)
					}
					seen[n.MemberID], last = true, n.TeamSize
				}
				if len(list) < 4 {
					break
				}
				if after, err = ParseCursor(CursorAfter(list[3]).String()); err != nil {
					t.Fatal(err)
				}
			}
			if len(seen) != 15 {
				t.Error(len(seen))
			}
		})
		t.Run("direct people newest first", func(t *testing.T) {
			var after id.ID
			n := 0
			for {
				list, err := w.Direct(ctx, brand, root, after, 4)
				if err != nil {
					t.Fatal(err)
				}
				if n += len(list); len(list) < 4 {
					break
				}
				after = list[3].ID
			}
			if n != 15 {
				t.Error(n)
			}
		})
		t.Run("who stands above and under whom", func(t *testing.T) {
			up, err := w.Above(ctx, brand, people[20])
			if err != nil || len(up) != 2 || up[0].MemberID != people[0] || up[1].MemberID != root {
				t.Error(up, err)
			}
			if ids, err := w.AboveIDs(ctx, brand, people[20]); err != nil || !slices.Equal(ids, []id.ID{people[0], root}) {
				t.Error(ids, err)
			}
			if ids, err := w.AboveIDs(ctx, brand, root); err != nil || len(ids) != 0 {
				t.Error(ids, err)
			}
			for _, x := range []struct {
				root, who id.ID
				want      bool
			}{{root, people[20], true}, {people[0], people[20], true}, {people[1], people[20], false}, {people[20], root, false}, {root, root, false}} {
				if got, err := w.Under(ctx, brand, x.root, x.who); err != nil || got != x.want {
					t.Errorf("%+v: %v %v", x, got, err)
				}
			}
		})
		t.Run("trees to look at, with why", func(t *testing.T) {
			list, err := w.Watch(ctx, brand, Cursor{}, 10)
			if err != nil || len(list) != 1 || list[0].MemberID != root || list[0].People != 26 || list[0].Why != "层级达到 3 层" {
				t.Fatalf("%+v %v", list, err)
			}
			pair, crowd := w.person(), w.person()
			w.bind(w.person(), pair)
			for range WatchPeople - 2 {
				w.bind(w.person(), crowd)
			}
			if list, err = w.Watch(ctx, brand, Cursor{}, 10); err != nil || len(list) != 1 {
				t.Errorf("%+v %v", list, err)
			}
			w.bind(w.person(), crowd)
			if list, err = w.Watch(ctx, brand, Cursor{}, 10); err != nil || len(list) != 2 || list[0].Why != "人数达到 30 人" {
				t.Errorf("%+v %v", list, err)
			}
		})
		if _, err := ParseCursor("x.1"); err == nil {
			t.Error("a cursor of nonsense")
		}
	})
}
