package segment_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/rule"
	"siyu/model/segment"
)

// say answers about profiling as model/consent does.
func (w *world) say(given bool, members ...id.ID) {
	w.Helper()
	ctx := context.Background()
	w.clk.Advance(time.Second)
	err := w.d.InTx(ctx, func(tx *gorm.DB) error {
		if !given {
			if err := w.s.Forget(ctx, tx, members); err != nil {
				return err
			}
		}
		for _, m := range members {
			if err := tx.Exec("INSERT INTO consent (id, member_id, purpose, policy_version, given, channel, at) VALUES (?,?,?,'1',?,'h5',?)", w.d.NewID(), m, consent.Profiling, given, w.clk.Now()).Error; err != nil {
				return err
			}
		}
		return w.s.Answered(ctx, tx, members)
	})
	if err != nil {
		w.Fatal(err)
	}
	w.settle()
}

func (w *world) count(stmt string, args ...any) (n int64) {
	w.Helper()
	if err := w.d.Read(context.Background()).Raw(stmt, args...).Scan(&n).Error; err != nil {
		w.Fatalf("%s: %v", stmt, err)
	}
	return n
}

func of(n rule.Node) rule.Tree {
	return rule.Tree{V: rule.Version, Root: rule.Node{All: []rule.Node{n}}}
}

func (w *world) segment(name string, n rule.Node) segment.Segment {
	w.Helper()
	g, err := w.s.Create(context.Background(), segment.Draft{BrandID: brandID, Name: name, Tree: of(n)}, 5)
	if err != nil {
		w.Fatal(err)
	}
	return g
}

// TestWhoWithdrawsLeavesNothingThatWasDerived: lists, moves, and the memberships of past days
// that said what he did; what says nothing of it stays.
func TestWhoWithdrawsLeavesNothingThatWasDerived(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w, _ := crowded(t, d, clk, 8)
		var told []segment.Moved
		w.s.Listen(func(_ context.Context, _ *gorm.DB, m segment.Moved) error { told = append(told, m); return nil })
		w.say(true, w.members...)
		deeds := w.segment("买得多", rule.Node{Tag: &rule.Tag{ID: 33, Op: rule.Has}})
		facts := w.segment("关注的人", rule.Node{Attr: &rule.Attr{Name: rule.Follows, Op: rule.Known}})
		old := w.segment("归档的", rule.Node{Tag: &rule.Tag{ID: 33, Op: rule.Has}})
		for _, g := range []segment.Segment{deeds, facts, old} {
			_, err := w.s.Look(ctx, g.ID)
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, m := range w.members {
			w.put("tag_value", row{"tag_id": 33, "member_id": m, "value": "高", "since_at": 1})
		}
		w.note(segment.PartTags, w.members...)
		w.settle()
		w.look(deeds.ID, 8)
		w.look(facts.ID, 8)
		w.look(old.ID, 8)
		if _, err := w.s.Archive(ctx, old.ID, old.Rev); err != nil {
			t.Fatal(err)
		}
		derived, err := w.s.TakeRoster(ctx, deeds.ID, "买得多的", 5)
		if err != nil || !derived.Derived || derived.Count != 8 {
			t.Fatalf("%+v %v", derived, err)
		}
		plain, err := w.s.TakeRoster(ctx, facts.ID, "关注的", 5)
		if err != nil || plain.Derived || plain.Count != 8 {
			t.Fatalf("%+v %v", plain, err)
		}
		again := w.segment("名单里的", rule.Node{List: &rule.Ref{ID: derived.ID}})
		laundered, err := w.s.TakeRoster(ctx, again.ID, "洗过的", 5)
		if err != nil || !laundered.Derived {
			t.Fatalf("a list of a list says the same: %+v %v", laundered, err)
		}
		byHand, stays := w.members[0], w.members[1]
		if _, err := w.s.Put(ctx, 41, []id.ID{byHand}); err != nil {
			t.Fatal(err)
		}
		clk.Advance(24 * time.Hour) // the day ends with everybody in
		for _, g := range []segment.Segment{deeds, facts} {
			w.look(g.ID, 8)
		}
		rev := derived.Rev
		w.say(false, byHand)
		for what, n := range map[string]int64{
			"a list that was derived":  w.count("SELECT COUNT(*) FROM segment_list_item WHERE member_id = ? AND list_id IN ?", byHand, []id.ID{derived.ID, laundered.ID}),
			"moves that were derived":  w.count("SELECT COUNT(*) FROM segment_move WHERE person_id = ? AND segment_id = ?", byHand, deeds.ID),
			"somebody else's, missing": 2 - w.count("SELECT COUNT(*) FROM segment_list_item WHERE member_id = ? AND list_id IN ?", stays, []id.ID{derived.ID, laundered.ID}),
			"what says no deed":        2 - w.count("SELECT COUNT(*) FROM segment_list_item WHERE member_id = ? AND list_id IN ?", byHand, []id.ID{plain.ID, 41}),
		} {
			if n != 0 {
				t.Errorf("%s: %d", what, n)
			}
		}
		if r, err := w.s.Roster(ctx, derived.ID); err != nil || r.Count != 7 || r.Rev != rev {
			t.Errorf("%+v %v", r, err)
		}
		told = nil
		w.look(deeds.ID, 7)
		if len(told) != 1 || len(told[0].Left) != 1 || told[0].Left[0] != byHand {
			t.Errorf("who listens must hear that he left: %+v", told)
		}
		if n := w.count("SELECT COUNT(*) FROM segment_move WHERE person_id = ? AND segment_id = ?", byHand, deeds.ID); n != 0 {
			t.Errorf("that he left says that he was in it: %d", n)
		}
		yesterday := clock.DayOf(clk.Now().Add(-24 * time.Hour))
		in := func(g id.ID) int64 {
			x, err := w.s.Compare(ctx, g, yesterday, 0)
			if err != nil {
				t.Fatal(err)
			}
			if x.From.Count != x.Both+x.Left {
				t.Errorf("the count is not that of the day: %+v", x)
			}
			return x.From.Count
		}
		if more, err := w.s.Unlink(ctx); err != nil || more || in(deeds.ID) != 8 {
			t.Errorf("looks that run may leave a day behind: %v %v", more, err)
		}
		clk.Advance(2 * time.Hour)
		if more, err := w.s.Unlink(ctx); err != nil || more {
			t.Error(more, err)
		}
		if in(deeds.ID) != 7 || in(facts.ID) != 8 {
			t.Errorf("%d of those who bought, %d of those who follow", in(deeds.ID), in(facts.ID))
		}
		if n := w.count("SELECT count FROM segment_now WHERE segment_id = ?", old.ID); n != 7 {
			t.Errorf("an archived segment names %d", n)
		}
		if n := w.count("SELECT COUNT(*) FROM segment_unlink"); n != 0 {
			t.Errorf("%d numbers are left", n)
		}
		// To be erased is more than to withdraw.
		err = d.InTx(ctx, func(tx *gorm.DB) error { _, err := w.s.EraseTx(ctx, tx, []id.ID{byHand}); return err })
		if err != nil {
			t.Fatal(err)
		}
		clk.Advance(2 * time.Hour)
		if _, err := w.s.Unlink(ctx); err != nil {
			t.Fatal(err)
		}
		if in(facts.ID) != 7 || in(deeds.ID) != 7 {
			t.Errorf("%d of those who follow, %d of those who bought", in(facts.ID), in(deeds.ID))
		}
	})
}

// TestWhoWithdrawsWhileAListIsTakenIsNotOnIt: he was in the segment a moment ago.
func TestWhoWithdrawsWhileAListIsTakenIsNotOnIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w, _ := crowded(t, d, clk, 4)
		w.say(true, w.members...)
		for _, m := range w.members {
			w.put("tag_value", row{"tag_id": 33, "member_id": m, "value": "高", "since_at": 1})
		}
		w.note(segment.PartTags, w.members...)
		g := w.segment("买得多", rule.Node{Tag: &rule.Tag{ID: 33, Op: rule.Has}})
		done := make(chan error)
		go func() {
			done <- d.InTx(ctx, func(tx *gorm.DB) error {
				if err := w.s.Forget(ctx, tx, w.members[:2]); err != nil {
					return err
				}
				for _, m := range w.members[:2] {
					if err := tx.Exec("INSERT INTO consent (id, member_id, purpose, policy_version, given, channel, at) VALUES (?,?,?,'1',0,'h5',?)", w.d.NewID(), m, consent.Profiling, clk.Now()+1000).Error; err != nil {
						return err
					}
				}
				return w.s.Answered(ctx, tx, w.members[:2])
			})
		}()
		var lists []id.ID
		for i := range 5 {
			r, err := w.s.TakeRoster(ctx, g.ID, fmt.Sprint("第", i, "次"), 5)
			if err != nil {
				t.Fatal(err)
			}
			lists = append(lists, r.ID)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if n := w.count("SELECT COUNT(*) FROM segment_list_item WHERE list_id IN ? AND member_id IN ?", lists, w.members[:2]); n != 0 {
			t.Errorf("%d rows of people who withdrew", n)
		}
	})
}

// TestAListKeepsWhatItWasTakenFrom: the segment looks at other things by now.
func TestAListKeepsWhatItWasTakenFrom(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w, _ := crowded(t, d, clk, 3)
		w.say(true, w.members...)
		inner := w.segment("里面", rule.Node{Attr: &rule.Attr{Name: rule.Province, Op: rule.Unknown}})
		outer := w.segment("外面", rule.Node{Segment: &rule.Ref{ID: inner.ID}})
		r, err := w.s.TakeRoster(ctx, outer.ID, "取出", 5)
		if err != nil || !r.Derived {
			t.Fatalf("%+v %v", r, err)
		}
		if _, err := w.s.Change(ctx, inner.ID, segment.Draft{Name: "里面", Rev: inner.Rev, Tree: of(rule.Node{Attr: &rule.Attr{Name: rule.Follows, Op: rule.Known}})}, 5); err != nil {
			t.Fatal(err)
		}
		if f, err := w.s.Size(ctx, brandID, of(rule.Node{List: &rule.Ref{ID: r.ID}}), segment.Plan{}); err != nil || !f.Profiling || f.Matched != 3 {
			t.Errorf("%+v %v", f, err)
		}
		if n, err := w.s.Put(ctx, r.ID, w.members[:1]); err != nil || n != 0 {
			t.Error(n, err)
		}
		if n, err := w.s.Remove(ctx, r.ID, w.members[:1]); err != nil || n != 1 {
			t.Error(n, err)
		}
		if now, err := w.s.Roster(ctx, r.ID); err != nil || now.Rev != r.Rev+1 {
			t.Errorf("a revision is for each change: %+v %v", now, err)
		}
	})
}
