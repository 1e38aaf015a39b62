package push_test

import (
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/push"
)

// Two workers have one lane, as after a wake-up that was taken for lost. One looks and finds
// everything at its end; before it ends the lane, the other gives its copy back. The lane goes
// on: who heard that it does not would let its only wake-up go, and the copy would wait for ever.
func TestALaneGoesOnWhereACopyIsGivenBackAsItEnds(t *testing.T) {
	each(t, 1, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.begun(form())
		lane := w.lanes(p.ID)[0]
		r, slow, err := w.s.Take(ctx, lane, 1)
		w.must(err)
		w.must(w.s.End(ctx, r, gone(slow.Parcels)))
		given := false
		w.must(w.d.Read(ctx).Callback().Raw().After("gorm:raw").Register("give back", func(q *gorm.DB) {
			if given || !strings.HasPrefix(q.Statement.SQL.String(), "UPDATE push SET moved_at") {
				return
			}
			given = true
			_, err := q.Statement.ConnPool.ExecContext(ctx, "UPDATE push_delivery SET state = 'waiting', take_id = take_id + 1")
			w.must(err)
		}))
		defer func() { w.must(w.d.Read(ctx).Callback().Raw().Remove("give back")) }()
		if _, wave, err := w.s.Take(ctx, lane, 1); err != nil || !given || !wave.On || wave.Wait <= 0 {
			t.Fatalf("%+v, given back: %v, %v", wave, given, err)
		}
		if got := w.get(p.ID); got.State != push.Running {
			t.Fatal(got.State)
		}
		if sent := w.send(p.ID, took); len(sent) != 1 {
			t.Errorf("%d were sent after it", len(sent))
		}
	})
}

// Two workers have the wake-up of a push that nobody wrote down for long. One puts it before
// a person, just when the other has begun to write: he may die of it, so the wake-up stays.
func TestAMissedAudienceKeepsItsWakeUpWhileSomebodyElseWritesIt(t *testing.T) {
	each(t, 1, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.create(form())
		_, err := w.s.Start(ctx, p.ID, 1)
		w.must(err)
		w.clk.Advance(2 * time.Hour)
		begun := false
		w.must(w.d.Read(ctx).Callback().Query().After("gorm:query").Register("begin to write", func(q *gorm.DB) {
			if begun || q.Statement.Table != "push" {
				return
			}
			begun = true
			w.must(w.d.InTx(ctx, func(tx *gorm.DB) error {
				return tx.Exec("UPDATE push SET freeze_no = freeze_no + 1, version = version + 1, moved_at = ?", w.clk.Now()).Error
			}))
		}))
		again, err := w.s.Freeze(ctx, p.ID)
		w.must(w.d.Read(ctx).Callback().Query().Remove("begin to write"))
		if err != nil || !begun || again <= 0 || w.get(p.ID).State != push.Running {
			t.Fatal(again, begun, w.get(p.ID).State, err)
		}
		if again, err := w.s.Freeze(ctx, p.ID); err != nil || again != 0 || w.get(p.ID).FrozenAt == 0 { // the other died
			t.Fatal(again, err)
		}
	})
}

// A push that is stopped while its audience is being written down has none: no page counts
// people of half a list as waiting.
func TestAPushStoppedWhileItsAudienceIsWrittenHasNobody(t *testing.T) {
	each(t, 3, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.create(form())
		_, err := w.s.Start(ctx, p.ID, writer)
		w.must(err)
		half := db.NewRows("push_delivery", "id, run_id, member_id, lane, arm, state, reason, channel, use_no, code, tries, take_id, ticket_id, due_at, first_at, moved_at")
		for _, m := range w.people[:2] {
			half.Add(w.d.NewID(), p.ID, m, 0, 0, push.Waiting, "", "", -1, "", 0, 0, 0, w.clk.Now(), 0, w.clk.Now())
		}
		w.must(w.d.InTx(ctx, func(tx *gorm.DB) error {
			if _, err := half.Insert(ctx, tx, ""); err != nil {
				return err
			}
			return tx.Exec("UPDATE push SET people = 2").Error
		}))
		other := form()
		other.Name = "另一次"
		kept := w.begun(other)
		w.must2(w.s.Stop(ctx, p.ID, "发错了"))
		w.must(w.s.Tidy(ctx))
		if n := w.states(p.ID); len(n) != 0 || w.get(p.ID).People != 0 {
			t.Errorf("%v of %d", n, w.get(p.ID).People)
		}
		if n := w.states(kept.ID); n["waiting"] != 3 {
			t.Errorf("another push: %v", n)
		}
	})
}
