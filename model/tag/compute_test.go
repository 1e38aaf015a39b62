package tag

import (
	"errors"
	"flag"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/rule"
)

func rules(cases ...Case) Definition { return Definition{Source: Rules, Cases: cases} }

func TestAnEventMovesTheTagsItTouches(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		often := w.tag("常来", rules(Case{"很多", times(rule.Login, 3)}, Case{"有些", times(rule.Login, 1)}))
		where := w.tag("省份", Definition{Source: Event, EventType: event.Scan, Field: "province"})
		above := w.tag("常来的人", rules(Case{"", has(often.ID)}))
		m := w.customer()
		w.want(m, often.ID, "-")
		w.happen(login(m))
		w.want(m, often.ID, "有些")
		w.want(m, above.ID, "") // what is made of it follows
		w.happen(login(m), login(m))
		w.want(m, often.ID, "很多")
		w.happen(scan(m, "浙江"))
		w.want(m, where.ID, "浙江")
		clk.Advance(time.Minute)
		w.happen(scan(m, "江苏"), scan(m, ""))
		w.want(m, where.ID, "江苏")
		if w.told[m] == 0 {
			t.Fatal("nobody was told")
		}
	})
}

func TestNobodyIsProfiledWithoutHisConsent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		came := w.tag("来过", rules(Case{"", times(rule.Login, 1)}))
		never := w.tag("没扫过", rules(Case{"", without(times(rule.Scan, 1))}))
		above := w.tag("来过的人", rules(Case{"", has(came.ID)}))
		m := w.member()
		w.happen(login(m))
		for _, x := range []id.ID{came.ID, never.ID, above.ID} {
			w.want(m, x, "-")
		}
		w.consent(m, true)
		w.must(w.Touch(ctx, m)) // the wake-up of OnGive
		for _, x := range []id.ID{came.ID, never.ID, above.ID} {
			w.want(m, x, "")
		}
		told := w.told[m]
		w.consent(m, false)
		for _, x := range []id.ID{came.ID, never.ID, above.ID} {
			w.want(m, x, "-")
		}
		if w.told[m] == told {
			t.Fatal("whoever builds on tags was not told of the withdrawal")
		}
		w.happen(login(m))
		w.want(m, came.ID, "-")
		var left int64
		w.must(d.Read(ctx).Raw("SELECT COUNT(*) FROM tag_value WHERE member_id = ?", m).Scan(&left).Error)
		if left != 0 {
			t.Fatal("rows are left of what was derived")
		}
	})
}

// A tag of facts that were said becomes one of behaviour: so does all that is made of it.
func TestWhatIsMadeOfBehaviourNeedsTheConsentToo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		said := w.tag("常客", Definition{Source: Manual})
		above := w.tag("非常客", rules(Case{"", without(has(said.ID))}))
		top := w.tag("两层", rules(Case{"", has(above.ID)}))
		m := w.member() // says nothing about profiling
		w.happen(login(m))
		w.want(m, top.ID, "")
		w.approve(said, Definition{Source: Event, EventType: event.Scan})
		for _, x := range []id.ID{above.ID, top.ID} {
			w.want(m, x, "-")
			if now, err := w.Get(ctx, x); err != nil || !now.Profiling {
				t.Fatal(now, err)
			}
		}
	})
}

// A value that was computed before a consent was taken back, or before a family changed,
// is not written after.
func TestWhatWasComputedFromOlderFactsIsNotWritten(t *testing.T) {
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		came := w.tag("来过", rules(Case{"", times(rule.Login, 1)}))
		m := w.customer()
		_, err := w.events.Put(ctx, []event.Event{{Key: "x1", Type: event.Login, BrandID: brandID, MemberID: m, Channel: event.H5, At: clk.Now(), Body: login(m).Body}})
		w.must(err)
		g, err := w.running(ctx, brandID)
		w.must(err)
		for _, between := range []func(){
			func() { w.consent(m, false) },
			func() { w.must(d.InTx(ctx, func(tx *gorm.DB) error { return w.bumpTx(ctx, tx, []id.ID{m}) })) },
		} {
			c, err := w.meet(ctx, []id.ID{m})
			w.must(err)
			want, err := w.values(ctx, g.byID[came.ID], c)
			w.must(err)
			between()
			err = d.InFreshTx(ctx, func(tx *gorm.DB) error {
				if err := w.holdTx(ctx, tx, c); err != nil {
					return err
				}
				_, err := w.writeTx(ctx, tx, brandID, []*live{g.byID[came.ID]}, []Tag{g.byID[came.ID].Tag}, c, map[id.ID]map[id.ID]Value{came.ID: want})
				return err
			})
			if !errors.Is(err, errMoved) {
				t.Fatalf("it was written: %v", err)
			}
			w.want(m, came.ID, "-")
		}
	})
}

// How many stories are told, and from which on: more by hand when something here changes.
var (
	seeds    = flag.Int("seeds", 4, "random stories of TestIncrementalEqualsFull; with segments half as many")
	fromSeed = flag.Uint64("seed", 0, "the first of them")
)

// TestAMessageThatDidNotArriveWasNotReceived: a tag of whom was sent something in the last
// days goes with the message, or falls back to the one before, also where the report is there
// before the message is told of.
func TestAMessageThatDidNotArriveWasNotReceived(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk).segments()
		m, o := w.customer(), w.customer()
		w.join(m, o) // one human
		ask := w.request("近 30 天收到消息", kindOf(Event))
		ask.TTLDays = 30
		asked, err := w.Ask(ctx, ask)
		w.must(err)
		got := w.approve(asked, Definition{Source: Event, EventType: event.MessageSent, Field: "title"})
		built := w.tag("打扰过", rules(Case{"", has(got.ID)}))
		first, second := w.message(m, "到货"), w.message(o, "换季")
		w.happen(first)
		w.want(m, got.ID, "到货")
		clk.Advance(time.Hour)
		w.happen(second)
		w.want(m, got.ID, "换季")
		for range 2 {
			w.lose(second.Key)
			w.want(m, got.ID, "到货")
			w.want(m, built.ID, "")
		}
		w.lose(first.Key)
		w.want(m, got.ID, "-")
		w.want(m, built.ID, "-")
		third := w.message(m, "清仓") // reported before anybody is told of it
		w.put(third)
		w.report(third.Key)
		w.deliver()
		w.want(m, got.ID, "-")
		if _, err := w.Recompute(ctx, got.ID, 1); err != nil {
			t.Fatal(err)
		}
		if moved := w.work(); moved != 0 {
			t.Errorf("computing everybody anew moved %d values", moved)
		}
	})
}

// TestIncrementalEqualsFull is the promise: whatever happens in whatever order, computing
// everybody anew finds nothing to move. A failing seed is printed.
func TestIncrementalEqualsFull(t *testing.T) {
	for n := range uint64(*seeds) {
		seed := *fromSeed + n
		dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
			story(newWorld(t, d, clk), rand.New(rand.NewPCG(seed, 7)), seed)
		})
	}
}

// The same with the engine that answers rules in the program.
func TestIncrementalEqualsFullWithSegments(t *testing.T) {
	for n := range uint64(*seeds+1) / 2 {
		seed := *fromSeed + n
		dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
			story(newWorld(t, d, clk).segments(), rand.New(rand.NewPCG(seed, 8)), seed)
		})
	}
}

func story(w *world, r *rand.Rand, seed uint64) {
	w.t.Helper()
	often := w.tag("常来", rules(Case{"多", times(rule.Login, 3)}, Case{"少", times(rule.Login, 1)}))
	never := w.tag("没扫过", rules(Case{"", without(times(rule.Scan, 1))}))
	gift := w.tag("手工", Definition{Source: Manual, Choices: []string{"甲", "乙"}})
	heard := w.tag("收到消息", Definition{Source: Event, EventType: event.MessageSent, Field: "title"})
	var sent []event.Event
	tags := []Tag{often, never, gift,
		w.tag("省份", Definition{Source: Event, EventType: event.Scan, Field: "province"}),
		heard, w.tag("听说过", rules(Case{"", has(heard.ID)})),
		w.tag("组合", rules(Case{"", has(often.ID)})),
		w.tag("组合二", rules(Case{"", without(has(never.ID))})),
		w.tag("手工组合", rules(Case{"", has(gift.ID)}))}
	people := make([]id.ID, 8)
	for i := range people {
		people[i] = w.customer()
	}
	root := map[id.ID]id.ID{}
	for range 60 {
		m, o := people[r.IntN(len(people))], people[r.IntN(len(people))]
		switch r.IntN(11) {
		case 0, 1:
			w.happen(login(m), login(o))
		case 2:
			w.happen(scan(m, []string{"浙江", "江苏", ""}[r.IntN(3)]))
		case 3:
			given := r.IntN(3) > 0
			w.consent(m, given)
			if given {
				w.must(w.Touch(ctx, m))
			}
		case 4: // families of two at most, so that a root is never joined under another
			free := func(x id.ID) bool {
				return root[x] == 0 && !slices.ContainsFunc(people, func(y id.ID) bool { return root[y] == x })
			}
			if m != o && free(m) && free(o) {
				root[o] = m
				w.join(m, o)
			}
		case 5:
			if root[m] != 0 {
				delete(root, m)
				w.join(0, m)
			}
		case 6:
			_, _, err := w.Give(ctx, Gift{TagID: gift.ID, MemberID: m, Value: "甲", Reason: "测试", ByID: 1, Roles: []string{admin}})
			w.must(err)
		case 7:
			_, err := w.Take(ctx, Gift{TagID: gift.ID, MemberID: m, Reason: "测试", ByID: 1, Roles: []string{admin}})
			w.must(err)
		case 8, 9:
			e := w.message(m, []string{"到货", "换季"}[r.IntN(2)])
			w.happen(e)
			sent = append(sent, e)
		case 10: // some of them twice
			if len(sent) > 0 {
				w.lose(sent[r.IntN(len(sent))].Key)
			}
		}
		w.clk.Advance(time.Second)
	}
	for _, x := range tags {
		if x.ID != gift.ID {
			_, err := w.Recompute(ctx, x.ID, 1)
			w.must(err)
		}
	}
	if moved := w.work(); moved != 0 {
		w.t.Fatalf("seed %d: computing everybody anew moved %d values", seed, moved)
	}
	// The other way round: without any value, computing everybody gives them all back.
	before := w.all(gift.ID)
	w.must(w.d.InTx(ctx, func(tx *gorm.DB) error { return tx.Exec("DELETE FROM tag_value WHERE tag_id <> ?", gift.ID).Error }))
	for _, x := range tags {
		if x.ID != gift.ID {
			_, err := w.Recompute(ctx, x.ID, 1)
			w.must(err)
			w.work()
		}
	}
	if after := w.all(gift.ID); !slices.Equal(before, after) {
		w.t.Fatalf("seed %d: %d values before, %d computed anew, not the same", seed, len(before), len(after))
	}
}

// all are the values of all tags but one, without their times.
func (w *world) all(but id.ID) []Value {
	w.t.Helper()
	var rows []Value
	w.must(w.d.Read(ctx).Where("tag_id <> ?", but).Order("tag_id, member_id").Find(&rows).Error)
	for i := range rows {
		rows[i].SinceAt = 0
	}
	return rows
}
