package segment_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/rule"
	"siyu/model/segment"
)

// hands is a rule over a list that the test keeps.
var hands = rule.Tree{V: 1, Root: rule.Node{List: &rule.Ref{ID: 41}}}

// crowded is a world whose people all follow the brand, and a segment of who is on list 41.
func crowded(t *testing.T, d *db.DB, clk *clock.Fake, people int) (*world, segment.Segment) {
	t.Helper()
	w := newWorld(t, d, clk, 3, people)
	for _, m := range w.members {
		w.kept[m]["follows:11"] = true
		w.put("follower", row{"account_id": 11, "openid": m.String(), "member_id": m, "following": 1})
	}
	w.note(segment.PartAll, w.members...)
	w.settle()
	g, err := w.s.Create(context.Background(), segment.Draft{BrandID: brandID, Name: "名单里的人", Tree: hands}, 5)
	if err != nil {
		t.Fatal(err)
	}
	return w, g
}

func (w *world) on(members ...id.ID) {
	w.Helper()
	if _, err := w.s.Put(context.Background(), 41, members); err != nil {
		w.Fatal(err)
	}
	w.settle()
}

func (w *world) off(members ...id.ID) {
	w.Helper()
	if _, err := w.s.Remove(context.Background(), 41, members); err != nil {
		w.Fatal(err)
	}
	w.settle()
}

func (w *world) look(g id.ID, want int64) {
	w.Helper()
	if n, err := w.s.Look(context.Background(), g); err != nil || n != want {
		w.Fatalf("%d people, %v, want %d", n, err, want)
	}
}

func TestLook(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w, g := crowded(t, d, clk, 10)
		var heard []segment.Moved
		var fail error
		w.s.Listen(func(_ context.Context, _ *gorm.DB, m segment.Moved) error {
			if fail == nil {
				heard = append(heard, m)
			}
			return fail
		})
		a, b, c := w.members[0], w.members[1], w.members[2]
		moves := func(of id.ID) (got []bool) {
			list, err := w.s.MovesOf(ctx, []id.ID{of}, 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range list {
				got = append(got, m.Entered)
			}
			return got
		}
		w.on(a, b)
		w.look(g.ID, 2)
		if len(heard) != 0 {
			t.Fatalf("the first look told of %+v", heard)
		}
		clk.Advance(time.Minute)
		w.on(c)
		w.off(a)
		fail = errors.New("not now")
		if _, err := w.s.Look(ctx, g.ID); !errors.Is(err, fail) || len(moves(c)) != 0 {
			t.Fatalf("a listener that fails: %v, moves %v", err, moves(c))
		}
		fail = nil
		w.look(g.ID, 2)
		if len(heard) != 1 || !slices.Equal(heard[0].Entered, []id.ID{c}) || !slices.Equal(heard[0].Left, []id.ID{a}) {
			t.Fatalf("%+v", heard)
		}
		w.look(g.ID, 2)
		if len(heard) != 1 {
			t.Fatal("who did not move was told of twice")
		}
		other := segment.New(d) // another process
		if _, err := other.Look(ctx, g.ID); err != nil || len(moves(a)) != 1 {
			t.Fatalf("another process told again: %v %v", moves(a), err)
		}
		today := clock.DayOf(clk.Now())
		clk.Advance(24 * time.Hour)
		w.on(a)
		w.look(g.ID, 3)
		if got := moves(a); !slices.Equal(got, []bool{true, false}) {
			t.Errorf("came and left: %v", got)
		}
		diff, err := w.s.Compare(ctx, g.ID, today, 0)
		if err != nil || diff.From.Count != 2 || diff.To.Count != 3 || diff.Both != 2 || diff.Came != 1 || diff.Left != 0 {
			t.Errorf("%+v %v", diff, err)
		}
		if _, err := w.s.Compare(ctx, g.ID, 20200101, 0); fault.Of(err).Code != "snapshot_missing" {
			t.Error(err)
		}
		t.Run("another rule is a new beginning", func(t *testing.T) {
			g, err = w.s.Change(ctx, g.ID, segment.Draft{Name: g.Name, Tree: rule.Everybody(), Rev: g.Rev}, 5)
			if err != nil {
				t.Fatal(err)
			}
			before := len(heard)
			w.look(g.ID, 10)
			if len(heard) != before {
				t.Error("people moved because an operator wrote something else")
			}
		})
	})
}

func TestDefinitions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w, g := crowded(t, d, clk, 3)
		of := func(i id.ID) rule.Tree { return rule.Tree{V: 1, Root: rule.Node{Segment: &rule.Ref{ID: i}}} }
		code := func(err error) string { return fault.Of(err).Code }
		outer, err := w.s.Create(ctx, segment.Draft{BrandID: brandID, Name: "外层", Tree: of(g.ID)}, 5)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.s.Change(ctx, g.ID, segment.Draft{Name: "绕圈", Tree: of(outer.ID), Rev: 1}, 5); code(err) != "segment_circle" {
			t.Error(err)
		}
		if _, err := w.s.Archive(ctx, g.ID, 1); code(err) != "segment_used" {
			t.Error(err)
		}
		if _, err := w.s.Create(ctx, segment.Draft{BrandID: otherBrand, Name: "别人的", Tree: of(g.ID)}, 5); code(err) != "segment_gone" {
			t.Error(err)
		}
		if _, err := w.s.Create(ctx, segment.Draft{BrandID: otherBrand, Name: "别人的标签", Tree: rule.Tree{V: 1, Root: rule.Node{Tag: &rule.Tag{ID: 31, Op: rule.Has}}}}, 5); code(err) != "rule_unknown" {
			t.Error(err)
		}
		if _, err := w.s.Create(ctx, segment.Draft{BrandID: brandID, Name: " ", Tree: rule.Everybody()}, 5); code(err) != "segment_name" {
			t.Error(err)
		}
		deep := outer
		for range rule.MaxSegments - 2 {
			if deep, err = w.s.Create(ctx, segment.Draft{BrandID: brandID, Name: "更外", Tree: of(deep.ID)}, 5); err != nil {
				t.Fatal(err)
			}
		}
		if deep, err = w.s.Create(ctx, segment.Draft{BrandID: brandID, Name: "正好", Tree: of(deep.ID)}, 5); err != nil {
			t.Error(err)
		}
		if _, err = w.s.Create(ctx, segment.Draft{BrandID: brandID, Name: "太深", Tree: of(deep.ID)}, 5); code(err) != "segment_deep" {
			t.Error(err)
		}
		users, err := w.s.Users(ctx, brandID, rule.NameList, 41)
		if err != nil || len(users) != 1 || users[0].ID != g.ID {
			t.Errorf("%+v %v", users, err)
		}
		f, err := w.s.Freeze(ctx, deep.ID)
		if err != nil || f.Count != 0 || f.Sentence == "" {
			t.Errorf("%+v %v", f, err)
		}
		w.on(w.members[0])
		if f.People.Count() != 0 {
			t.Error("what is frozen changed")
		}
		if f, err = w.s.Freeze(ctx, deep.ID); err != nil || !slices.Equal(slices.Collect(f.People.Each()), w.members[:1]) {
			t.Errorf("%+v %v", f, err)
		}
	})
}

func TestBegin(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk, 4, 5)
		for i, m := range w.members { // before anybody listened
			w.put("event", row{"id": 500 + i, "type": "scan", "brand_id": 1, "member_id": m, "channel": "h5", "at": clk.Now(), "body": []byte(`{"product_id":"21"}`)})
		}
		for more := true; more; {
			var err error
			if more, err = w.s.Begin(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		w.settle()
		if p, err := w.s.Find(context.Background(), brandID, rule.Everybody()); err != nil || p.Count() != 5 {
			t.Errorf("%d people, %v", p.Count(), err)
		}
	})
}

// TestConsent: no act is kept of who does not allow it, from the commit that says so, and
// a rule about acts is asked of nobody else, whichever way round.
func TestConsent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w := newWorld(t, d, clk, 5, 2)
		m := w.members[0]
		w.put("event", row{"id": 600, "type": "scan", "brand_id": 1, "member_id": m, "channel": "h5", "at": clk.Now(), "body": []byte(`{"product_id":"21"}`)})
		w.note(segment.PartAll, m)
		acts := func() (n int64) {
			if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM segment_act").Scan(&n).Error; err != nil {
				t.Fatal(err)
			}
			return n
		}
		scanned := rule.Node{Did: &rule.Did{What: rule.Scan, Op: rule.Gte, Values: []int64{1}}}
		count := func(n rule.Node) int64 {
			w.settle()
			p, err := w.s.Find(ctx, brandID, rule.Tree{V: 1, Root: n})
			if err != nil {
				t.Fatal(err)
			}
			return p.Count()
		}
		say := func(given bool) {
			err := d.InTx(ctx, func(tx *gorm.DB) error {
				if !given {
					if err := w.s.Forget(ctx, tx, []id.ID{m}); err != nil {
						return err
					}
				}
				clk.Advance(time.Second)
				if err := tx.Exec("INSERT INTO consent (id, member_id, purpose, policy_version, given, channel, at) VALUES (?,?,'profiling','1',?,'h5',?)", d.NewID(), m, given, clk.Now()).Error; err != nil {
					return err
				}
				return w.s.Answered(ctx, tx, []id.ID{m})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		not := rule.Node{Not: &scanned}
		if count(scanned) != 0 || count(not) != 0 || count(rule.Node{All: []rule.Node{}}) != 1 || acts() != 0 {
			t.Error("who was never asked is judged by what he did")
		}
		say(true)
		if count(scanned) != 1 || count(not) != 0 || acts() != 1 {
			t.Error("what was before he agreed is not taken into account")
		}
		if why, err := w.s.WhyRule(ctx, brandID, rule.Tree{V: 1, Root: not}, m); err != nil || why.In || len(why.Reasons) != 1 || !why.Reasons[0].Holds || why.Reasons[0].Path != "root.not" {
			t.Errorf("%+v %v", why, err)
		}
		say(false)
		if acts() != 0 {
			t.Error("acts outlived the agreement")
		}
		if count(scanned) != 0 || count(not) != 0 {
			t.Error("who took it back is still judged")
		}
		if why, err := w.s.WhyRule(ctx, brandID, rule.Tree{V: 1, Root: not}, m); err != nil || why.In || why.Text == "" {
			t.Errorf("%+v %v", why, err)
		}
	})
}
