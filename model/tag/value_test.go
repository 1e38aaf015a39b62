package tag

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/profile"
	"siyu/model/rule"
)

func gift(tagID, m id.ID, value string) Gift {
	return Gift{TagID: tagID, MemberID: m, Value: value, Reason: "本人来电", ByID: 5, Roles: []string{admin}}
}

func TestATagGivenByHandBelongsToTheHuman(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		x := w.tag("肤质", Definition{Source: Manual, Choices: []string{"干", "油"}})
		a, b := w.member(), w.member() // no consent: he said so himself
		_, _, err := w.Give(ctx, gift(x.ID, a, "干"))
		w.must(err)
		clk.Advance(time.Minute)
		_, _, err = w.Give(ctx, gift(x.ID, b, "油"))
		w.must(err)
		w.join(a, b)
		w.want(a, x.ID, "油") // the newest counts
		w.must(w.Recount(ctx, x.ID))
		if s, err := w.SpreadOf(ctx, x.ID); err != nil || s.People != 1 || len(s.Values) != 1 || s.Values[0] != (Share{"油", 1}) {
			t.Fatal(s, err)
		}
		w.join(0, b)
		w.want(a, x.ID, "干")
		w.want(b, x.ID, "油")
		before, err := w.Take(ctx, gift(x.ID, b, ""))
		if err != nil || before == nil || before.Value != "油" {
			t.Fatal(before, err)
		}
		w.want(b, x.ID, "-")
		if before, err = w.Take(ctx, gift(x.ID, b, "")); before != nil || err != nil {
			t.Fatal(before, err)
		}
		for name, bad := range map[string]struct {
			g    Gift
			code string
		}{
			"no such value": {gift(x.ID, a, "中"), "tag_value"}, "no such member": {gift(x.ID, 999, "干"), "member_not_found"}, "no such tag": {gift(999, a, "干"), "tag_not_found"},
			"no reason": {Gift{TagID: x.ID, MemberID: a, Value: "干", ByID: 5, Roles: []string{admin}}, "reason_missing"},
		} {
			if _, _, err := w.Give(ctx, bad.g); code(err) != bad.code {
				t.Errorf("%s: %v", name, err)
			}
		}
		y := w.tag("来过", rules(Case{"", times(rule.Login, 1)}))
		if _, _, err := w.Give(ctx, gift(y.ID, a, "")); code(err) != "tag_not_manual" {
			t.Error(err)
		}
	})
}

func TestAValueEndsWithItsTime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		r := w.request("感冒", Fact)
		r.TTLDays = 7
		x, err := w.Ask(ctx, r)
		w.must(err)
		x = w.approve(x, Definition{Source: Manual})
		above := w.tag("感冒的人", rules(Case{"", has(x.ID)}))
		m := w.customer()
		w.happen(login(m))
		_, _, err = w.Give(ctx, gift(x.ID, m, ""))
		w.must(err)
		w.want(m, above.ID, "")
		clk.Advance(7 * day)
		w.want(m, x.ID, "-") // though the row is still there
		told := w.told[m]
		if n, err := w.Expire(ctx, 10); n != 1 || err != nil || w.told[m] == told {
			t.Fatal(n, err)
		}
		w.want(m, above.ID, "-")
	})
}

func TestAModelsWordIsKeptWithScoreAndVersion(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		x := w.tag("流失风险", Definition{Source: Scores, Choices: []string{"高", "低"}})
		m, silent, foreign := w.customer(), w.member(), w.customer()
		w.happen(login(m), login(silent))
		write := func(version int, list ...Score) Wrote {
			t.Helper()
			out, err := w.Write(ctx, x.ID, version, list)
			w.must(err)
			return out
		}
		if got := write(2, Score{MemberID: m, Score: 87, Value: "高"}, Score{MemberID: silent, Score: 1, Value: "低"}, Score{MemberID: 999, Value: "低"}, Score{MemberID: foreign, Value: "低"}); got != (Wrote{Written: 1, Refused: 1, Unknown: 2}) {
			t.Fatalf("%+v", got)
		}
		if got := write(2, Score{MemberID: m, Score: 87, Value: "高"}); got != (Wrote{Same: 1}) {
			t.Fatalf("%+v", got)
		}
		if got := write(1, Score{MemberID: m, Score: 3, Value: "低"}); got != (Wrote{Older: 1}) {
			t.Fatalf("%+v", got)
		}
		held, err := w.Of(ctx, m, []string{admin}, nil)
		if err != nil || len(held) != 1 || held[0].Value.Value != "高" || held[0].Score != 87 || held[0].Version != 2 {
			t.Fatal(held, err)
		}
		if got := write(3, Score{MemberID: m, Gone: true}); got != (Wrote{Written: 1}) {
			t.Fatalf("%+v", got)
		}
		w.want(m, x.ID, "-")
		if got := write(2, Score{MemberID: m, Score: 87, Value: "高"}); got != (Wrote{Older: 1}) { // what a newer one took back
			t.Fatalf("%+v", got)
		}
		w.want(m, x.ID, "-")
		for _, bad := range [][]Score{nil, {{MemberID: m, Value: "中"}}, {{MemberID: m, Value: "高"}, {MemberID: m, Value: "低"}}, make([]Score, ScoresMost+1)} {
			if _, err := w.Write(ctx, x.ID, 4, bad); code(err) != "tag_scores" {
				t.Errorf("%d: %v", len(bad), err)
			}
		}
		write(4, Score{MemberID: m, Score: 9, Value: "高"})
		w.consent(m, false)
		w.want(m, x.ID, "-")
	})
}

func TestAnAnswerIsATagOfTheHuman(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		profiles := w.Profiles.(*profile.Store)
		profiles.Answered = append(profiles.Answered, w.Wake)
		x := w.tag("城市", Definition{Source: Profile, Field: "city"})
		m := w.member()
		_, err := profiles.Put(ctx, profile.Answer{MemberID: m, Source: profile.Self, Values: map[string]string{"city": "杭州"}})
		w.must(err)
		var woken []id.ID
		w.must(d.Read(ctx).Raw("SELECT ref_id FROM outbox WHERE task = ?", TaskTouch).Scan(&woken).Error)
		if len(woken) != 1 || woken[0] != m {
			t.Fatal("nobody is woken", woken)
		}
		w.happen(login(m)) // he is one of the brand's people now
		w.must(w.Touch(ctx, m))
		w.want(m, x.ID, "杭州")
		_, err = w.Recompute(ctx, x.ID, 1)
		w.must(err)
		if moved := w.work(); moved != 0 {
			t.Fatal(moved)
		}
	})
}

func TestAnErasedPersonHasNoTags(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		x := w.tag("肤质", Definition{Source: Manual})
		m := w.member()
		_, _, err := w.Give(ctx, gift(x.ID, m, ""))
		w.must(err)
		w.must(d.InTx(ctx, func(tx *gorm.DB) error {
			n, err := w.EraseTx(ctx, tx, []id.ID{m})
			if n != 1 {
				t.Errorf("%d rows", n)
			}
			return err
		}))
		w.want(m, x.ID, "-")
	})
}

// Events, hands and a computation of everybody at the same moment: nothing is lost, and
// computing once more finds nothing to move.
func TestManyAtOnceEndAsOneAfterTheOther(t *testing.T) {
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		came := w.tag("来过", rules(Case{"三次", times(rule.Login, 3)}, Case{"来过", times(rule.Login, 1)}))
		hand := w.tag("手工", Definition{Source: Manual})
		both := w.tag("都有", rules(Case{"", has(hand.ID)}))
		people := []id.ID{w.customer(), w.customer(), w.customer()}
		var all []func() error
		for i, m := range people {
			for n := range 3 {
				e := login(m)
				e.Key, e.BrandID, e.At = fmt.Sprintf("p:%d:%d", i, n), brandID, clk.Now()
				all = append(all, func() error {
					if _, err := w.events.Put(ctx, []event.Event{e}); err != nil {
						return err
					}
					return w.Consume(ctx, []event.Event{e})
				})
			}
			all = append(all, func() error { _, _, err := w.Give(ctx, gift(hand.ID, m, "")); return err })
		}
		all = append(all, func() error {
			r, err := w.Recompute(ctx, came.ID, 1)
			if err == nil {
				err = w.Work(ctx, r.ID)
			}
			return err
		})
		var wg sync.WaitGroup
		for _, do := range all {
			wg.Go(func() {
				if err := do(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, m := range people {
			w.want(m, came.ID, "三次")
			w.want(m, both.ID, "")
		}
		for _, x := range []Tag{came, both} {
			_, err := w.Recompute(ctx, x.ID, 1)
			w.must(err)
		}
		if moved := w.work(); moved != 0 {
			t.Fatal(moved)
		}
	})
}

func TestARunIsTakenOverAndStopped(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		x := w.tag("来过", rules(Case{"", times(rule.Login, 1)}))
		r, err := w.Recompute(ctx, x.ID, 5)
		w.must(err)
		if again, err := w.Recompute(ctx, x.ID, 5); err != nil || again.ID != r.ID {
			t.Fatal("two wait", err)
		}
		// A worker that died in the middle.
		w.must(d.InTx(ctx, func(tx *gorm.DB) error {
			return tx.Exec("UPDATE tag_run SET state = ?, worker_id = 3, moved_at = ? WHERE id = ?", Running, clk.Now(), r.ID).Error
		}))
		if err := w.Work(ctx, r.ID); code(err) != "tag_run_busy" {
			t.Fatal(err)
		}
		clk.Advance(silent)
		w.must(w.Work(ctx, r.ID))
		w.must(w.Work(ctx, r.ID)) // a second wake-up does nothing
		runs, err := w.Runs(ctx, x.ID, 0, 5)
		if err != nil || len(runs) != 2 || runs[0].State != Done || runs[0].FinishedAt == 0 {
			t.Fatal(runs, err)
		}
		if _, err := w.Cancel(ctx, x.ID, r.ID); code(err) != "tag_run_ended" {
			t.Fatal(err)
		}
		stopped, err := w.Recompute(ctx, x.ID, 5)
		w.must(err)
		if _, err := w.Cancel(ctx, x.ID, stopped.ID); err != nil {
			t.Fatal(err)
		}
		w.must(w.Work(ctx, stopped.ID))
		if _, err := w.Cancel(ctx, x.ID, 999); code(err) != "tag_run_not_found" {
			t.Fatal(err)
		}
	})
}

func TestTagsOfTheSamePeopleAreRelated(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		a, b, c := w.tag("甲", Definition{Source: Manual}), w.tag("乙", Definition{Source: Manual}), w.tag("丙", Definition{Source: Manual})
		for i := range 8 {
			m := w.member()
			for tagID, has := range map[id.ID]bool{a.ID: i < 4, b.ID: i < 4, c.ID: true} {
				if has {
					_, _, err := w.Give(ctx, gift(tagID, m, ""))
					w.must(err)
				}
			}
		}
		clk.Advance(fewAfter)
		w.must(w.RecountDue(ctx))
		list, err := w.RelatedTo(ctx, a.ID, []string{admin})
		if err != nil || len(list) != 2 || list[0].TagID != b.ID || list[0].LiftPercent != 200 || list[1].LiftPercent != 100 {
			t.Fatalf("%+v %v", list, err)
		}
		spread, err := w.SpreadOf(ctx, a.ID)
		if err != nil || spread.People != 4 || spread.Base != 8 || len(spread.Days) != 1 || spread.AsOf != clk.Now() {
			t.Fatalf("%+v %v", spread, err)
		}
	})
}
