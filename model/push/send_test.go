package push_test

import (
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/holdout"
	"siyu/model/id"
	"siyu/model/push"
)

func TestEverybodyIsSentOnce(t *testing.T) {
	each(t, 1100, func(t *testing.T, w *world) {
		w.must2(w.s.SetPolicy(t.Context(), push.Policy{BrandID: brand, ApprovalPeople: 5000, PerSecond: 50, GiveUpHours: 48}))
		f := form()
		f.HeldBP = 1000
		p := w.begun(f)
		if n := len(w.lanes(p.ID)); n != 3 {
			t.Errorf("%d lanes", n)
		}
		sent := w.send(p.ID, took)
		seen := map[id.ID]bool{}
		for _, x := range sent {
			if seen[x.MemberID] {
				t.Fatalf("%d twice", x.MemberID)
			}
			seen[x.MemberID] = true
		}
		n := w.states(p.ID)
		if n["held"] < 60 || n["held"] > 160 || n["sent"] != len(sent) || n["sent"]+n["held"] != 1100 {
			t.Errorf("%v, %d were sent", n, len(sent))
		}
		for _, m := range w.people { // who is left alone is what chance says, and nobody else
			_, arm := holdout.Arm(holdout.Split{BrandID: brand, HeldBP: 1000, Arms: []holdout.Part{{Name: "A", Weight: 1}}}, p.ID, m)
			if (arm == holdout.Held) == seen[m] {
				t.Fatalf("%d: arm %s, sent %v", m, arm, seen[m])
			}
		}
		if p = w.get(p.ID); p.State != push.Done || p.FinishedAt == 0 {
			t.Errorf("%+v", p)
		}
		if again := w.send(p.ID, took); len(again) != 0 {
			t.Errorf("%d again", len(again))
		}
	})
}

func TestPauseAndResumeNeverRepeat(t *testing.T) {
	each(t, 200, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.begun(form())
		lane := w.lanes(p.ID)[0]
		seen := map[id.ID]int{}
		for round := range 6 {
			r, wave, err := w.s.Take(ctx, lane, 20)
			w.must(err)
			_, err = w.s.Pause(ctx, p.ID)
			w.must(err)
			if _, idle, err := w.s.Take(ctx, lane, 20); err != nil || idle.On || len(idle.Parcels) != 0 {
				t.Fatalf("round %d: it sends while it is paused: %+v %v", round, idle, err)
			}
			var out []push.Outcome
			for _, x := range wave.Parcels { // on their way when it was paused
				seen[x.MemberID]++
				out = append(out, push.Outcome{Parcel: x, Result: push.GoneOut})
			}
			w.must(w.s.End(ctx, r, out))
			_, err = w.s.Resume(ctx, p.ID)
			w.must(err)
		}
		for _, x := range w.send(p.ID, took) {
			seen[x.MemberID]++
		}
		for m, n := range seen {
			if n != 1 {
				t.Errorf("%d was sent %d times", m, n)
			}
		}
		if len(seen) != 200 || w.get(p.ID).State != push.Done {
			t.Errorf("%d people, %s", len(seen), w.get(p.ID).State)
		}
	})
}

// Somebody pauses just when the last copy has been sent.
func TestAPauseAtTheVeryEndEndsWhenItIsResumed(t *testing.T) {
	each(t, 5, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.begun(form())
		w.send(p.ID, took)
		w.must(w.d.InTx(ctx, func(tx *gorm.DB) error {
			return tx.Exec("UPDATE push SET state = 'paused', finished_at = 0 WHERE id = ?", p.ID).Error
		}))
		w.must2(w.s.Resume(ctx, p.ID))
		if p := w.get(p.ID); p.State != push.Done || p.FinishedAt == 0 {
			t.Errorf("%s for ever", p.State)
		}
	})
}

func TestASlowPushReservesFewAtOnce(t *testing.T) {
	each(t, 100, func(t *testing.T, w *world) {
		for perSecond, want := range map[int]int{0: 64, 320: 20, 5: 4} {
			f := form()
			f.PerSecond = perSecond
			p := w.begun(f)
			_, wave, err := w.s.Take(t.Context(), w.lanes(p.ID)[0], 64)
			if err != nil || len(wave.Parcels) != want {
				t.Errorf("%d a second: %d, %v", perSecond, len(wave.Parcels), err)
			}
		}
	})
}

func TestStopSendsNobodyMore(t *testing.T) {
	each(t, 100, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.begun(form())
		_, wave, err := w.s.Take(ctx, w.lanes(p.ID)[0], 10)
		w.must(err)
		_, err = w.s.Stop(ctx, p.ID, "")
		w.code(err, "reason_missing")
		_, err = w.s.Stop(ctx, p.ID, "价格写错了")
		w.must(err)
		if sent := w.send(p.ID, took); len(sent) != 0 {
			t.Errorf("%d were sent", len(sent))
		}
		w.clk.Advance(5 * time.Minute)
		w.must(w.s.Tidy(ctx))
		w.must(w.s.Tidy(ctx))
		if n := w.states(p.ID); n["unknown"] != len(wave.Parcels) || n["waiting"] != 90 {
			t.Errorf("%v", n)
		}
		tr, err := w.s.Why(ctx, p.ID, w.people[99])
		if err != nil || tr.Got || !strings.Contains(tr.Delivery.Words, "停止") {
			t.Errorf("%+v %v", tr, err)
		}
		_, err = w.s.Resume(ctx, p.ID)
		w.code(err, "push_state")
	})
}

func TestPeopleWhoTurnOutToBeOneAreSentOnce(t *testing.T) {
	each(t, 3, func(t *testing.T, w *world) {
		p := w.begun(form())
		w.must(w.d.InTx(t.Context(), func(tx *gorm.DB) error {
			return tx.Exec("UPDATE member SET root_id = ? WHERE id IN ?", w.people[0], w.people[:2]).Error
		}))
		if sent := w.send(p.ID, took); len(sent) != 2 {
			t.Errorf("%d were sent", len(sent))
		}
		tr, err := w.s.Why(t.Context(), p.ID, w.people[1])
		if err != nil || !tr.Got {
			t.Errorf("%+v %v", tr, err)
		}
	})
}

func TestEachMembersBestHour(t *testing.T) {
	each(t, 3, func(t *testing.T, w *world) { // it is noon in Shanghai
		f := form()
		f.Timing = push.Best
		w.hours = map[id.ID]int{w.people[0]: 20, w.people[1]: 9}
		p := w.begun(f)
		order := []id.ID{}
		for h := range 26 {
			for _, x := range w.send(p.ID, took) {
				order = append(order, x.MemberID)
				if want := map[id.ID]int{w.people[2]: 0, w.people[0]: 8, w.people[1]: 21}[x.MemberID]; want != h {
					t.Errorf("%d was sent after %d hours, want %d", x.MemberID, h, want)
				}
			}
			w.clk.Advance(hour)
		}
		if len(order) != 3 {
			t.Errorf("%v", order)
		}
	})
}
