package push_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/push"
)

func TestAFreezingThatDiedBeginsAnew(t *testing.T) {
	each(t, 5, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.create(form())
		_, err := w.s.Start(ctx, p.ID, writer)
		w.must(err)
		all := w.people
		w.must(w.d.InTx(ctx, func(tx *gorm.DB) error { // it died after two people
			for i, m := range all[:2] {
				if err := tx.Exec("INSERT INTO push_delivery (id, run_id, member_id, lane, arm, state, reason, channel, use_no, code, tries, take_id, ticket_id, due_at, first_at, moved_at) VALUES (?,?,?,0,0,'waiting','','',-1,'',0,0,0,0,0,0)", i+1, p.ID, m).Error; err != nil {
					return err
				}
			}
			return tx.Exec("UPDATE push SET people = 2, freeze_no = 1 WHERE id = ?", p.ID).Error
		}))
		if again, err := w.s.Freeze(ctx, p.ID); err != nil || again == 0 || w.get(p.ID).FrozenAt != 0 {
			t.Fatal("it may only be slow", again, err)
		}
		w.people = all[1:] // the audience is another one by now
		w.clk.Advance(time.Minute)
		if again, err := w.s.Freeze(ctx, p.ID); err != nil || again != 0 {
			t.Fatal(again, err)
		}
		sent := w.send(p.ID, took)
		if p = w.get(p.ID); p.People != 4 || len(sent) != 4 || slices.ContainsFunc(sent, func(x push.Parcel) bool { return x.MemberID == all[0] }) {
			t.Errorf("%d people, %d sent", p.People, len(sent))
		}
	})
}

// Some of the audience is written down, or all of it; then somebody pauses and goes on at once.
func TestAPauseWhileTheAudienceIsWrittenDownLosesNobody(t *testing.T) {
	for _, after := range []int{3, 6} {
		each(t, 6, func(t *testing.T, w *world) {
			ctx := t.Context()
			p := w.create(form())
			_, err := w.s.Start(ctx, p.ID, writer)
			w.must(err)
			w.after, w.between = after, func() {
				w.between = nil
				w.must2(w.s.Pause(ctx, p.ID))
				w.must2(w.s.Resume(ctx, p.ID))
			}
			if again, err := w.s.Freeze(ctx, p.ID); err != nil || again == 0 {
				t.Errorf("after %d: whoever wrote before the pause is not overtaken: %v %v", after, again, err)
			}
			w.clk.Advance(time.Minute)
			w.must2(w.s.Freeze(ctx, p.ID))
			sent := w.send(p.ID, took)
			if p, n := w.get(p.ID), w.states(p.ID); p.State != push.Done || p.People != 6 || n[push.Sent] != 6 || len(sent) != 6 {
				t.Errorf("after %d: %s, %d people, %v, %d sent", after, p.State, p.People, n, len(sent))
			}
		})
	}
}

// Several workers are told to write the same audience down, over what is left of one that
// died.
func TestWorkersThatOvertakeEachOtherWriteTheAudienceDownOnce(t *testing.T) {
	each(t, 300, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.create(form())
		_, err := w.s.Start(ctx, p.ID, writer)
		w.must(err)
		rows := db.NewRows("push_delivery", "id, run_id, member_id, lane, arm, state, reason, channel, use_no, code, tries, take_id, ticket_id, due_at, first_at, moved_at")
		for i := range 2500 {
			rows.Add(i+1, p.ID, i+1, 0, 0, push.Waiting, "", "", -1, "", 0, 0, 0, 0, 0, 0)
		}
		w.must(w.d.InTx(ctx, func(tx *gorm.DB) error { _, err := rows.Insert(ctx, tx, ""); return err }))
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if _, err := w.s.Freeze(ctx, p.ID); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		w.clk.Advance(time.Minute)
		w.must2(w.s.Freeze(ctx, p.ID))
		if p, n := w.get(p.ID), w.states(p.ID); p.FrozenAt == 0 || p.People != 300 || n[push.Waiting] != 300 {
			t.Errorf("%s %s: %d people, %v", p.State, p.Note, p.People, n)
		}
	})
}
