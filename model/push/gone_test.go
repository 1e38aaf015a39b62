package push_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
)

// TestNothingWaitsToBeRepeatedOfWhatWasStopped: of template messages without an answer, some
// wait for their repetition and some are still being sent when somebody stops their push.
func TestNothingWaitsToBeRepeatedOfWhatWasStopped(t *testing.T) {
	each(t, 3, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.notices()
		lane := w.lanes(p.ID)[0]
		r, wave, err := w.s.Take(ctx, lane, 64)
		w.must(err)
		if len(wave.Parcels) != 3 {
			t.Fatalf("%d are taken", len(wave.Parcels))
		}
		w.must(w.s.End(ctx, r, []push.Outcome{{Parcel: wave.Parcels[0], Result: push.GoneOut}, {Parcel: wave.Parcels[1], Result: push.WhoKnows}}))
		w.must2(w.s.Pause(ctx, p.ID))
		w.clk.Advance(4 * time.Minute)
		w.must(w.s.Tidy(ctx))
		if n := w.states(p.ID); n["waiting"] != 2 || n["sent"] != 1 {
			t.Fatalf("paused, they may be repeated yet: %v", n)
		}
		w.must2(w.s.Stop(ctx, p.ID, "写错了"))
		w.must(w.s.Tidy(ctx))
		if n := w.states(p.ID); n["unknown"] != 2 || n["sent"] != 1 || n["waiting"] != 0 {
			t.Errorf("%v", n)
		}
		for _, x := range wave.Parcels[1:] {
			if w.ledger.ended[w.ledger.tickets[x.DeliveryID].ID] != reach.Unknown {
				t.Error("the ledger was not told")
			}
		}
	})
	each(t, 3, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.notices()
		_, wave, err := w.s.Take(ctx, w.lanes(p.ID)[0], 64)
		w.must(err)
		w.must2(w.s.Stop(ctx, p.ID, "写错了"))
		w.clk.Advance(4 * time.Minute) // their worker is dead, and WeChat still knows the keys
		w.must(w.s.Tidy(ctx))
		if n := w.states(p.ID); n["unknown"] != len(wave.Parcels) || n["waiting"] != 0 {
			t.Errorf("%v", n)
		}
	})
}

// stuck is a ledger that has one ticket it cannot end.
type stuck struct {
	push.Reach
	ticket id.ID
}

func (s *stuck) EndTx(ctx context.Context, tx *gorm.DB, ticketID id.ID, outcome, code string) error {
	if ticketID == s.ticket {
		return errStuck
	}
	return s.Reach.EndTx(ctx, tx, ticketID, outcome, code)
}

var errStuck = errors.New("stuck")

// TestOneLaneThatCannotBeTidiedKeepsNoOtherFromIt.
func TestOneLaneThatCannotBeTidiedKeepsNoOtherFromIt(t *testing.T) {
	each(t, 3, func(t *testing.T, w *world) {
		ctx := t.Context()
		var pushes []push.Push
		var first id.ID
		for range 2 {
			p := w.notices()
			_, wave, err := w.s.Take(ctx, w.lanes(p.ID)[0], 64)
			w.must(err)
			if first == 0 {
				first = w.ledger.tickets[wave.Parcels[0].DeliveryID].ID
			}
			w.must2(w.s.Stop(ctx, p.ID, "写错了"))
			pushes = append(pushes, p)
		}
		w.s.Reach = &stuck{Reach: w.ledger, ticket: first}
		w.clk.Advance(4 * time.Minute)
		if err := w.s.Tidy(ctx); !errors.Is(err, errStuck) {
			t.Errorf("nobody hears of it: %v", err)
		}
		if n := w.states(pushes[0].ID); n["unknown"] != 0 {
			t.Errorf("the first: %v", n)
		}
		if n := w.states(pushes[1].ID); n["unknown"] != 3 {
			t.Errorf("the one behind it: %v", n)
		}
	})
}

// TestNobodySendsWhatHeDidNotLookAt: what somebody else wrote meanwhile is read first.
func TestNobodySendsWhatHeDidNotLookAt(t *testing.T) {
	each(t, 3, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.create(form())
		f := form()
		f.Name = "另一个名称"
		w.must2(w.s.Update(ctx, p.ID, p.Version, f, second))
		for name, act := range map[string]func(context.Context, id.ID, id.ID, ...int) (push.Push, error){"submit": w.s.Submit, "schedule": w.s.Schedule, "start": w.s.Start} {
			if _, err := act(ctx, p.ID, writer, p.Version); err == nil {
				t.Errorf("%s: nobody said that it is another one", name)
			} else {
				w.code(err, "push_changed")
			}
		}
		now := w.get(p.ID)
		if now.State != push.Draft {
			t.Fatal(now.State)
		}
		w.must2(w.s.Start(ctx, p.ID, writer, now.Version))
	})
}

// TestWhatWasApprovedForAMomentDoesNotBeginBefore: the second person agreed to that moment.
func TestWhatWasApprovedForAMomentDoesNotBeginBefore(t *testing.T) {
	each(t, 3, func(t *testing.T, w *world) {
		ctx := t.Context()
		f := form()
		f.Timing, f.StartAt = push.At, w.clk.Now().Add(48*time.Hour)
		p := w.create(f)
		w.must2(w.s.Submit(ctx, p.ID, writer))
		w.must2(w.s.Approve(ctx, p.ID, w.get(p.ID).Version, second))
		_, err := w.s.Start(ctx, p.ID, writer)
		w.code(err, "push_early")
		if p = w.get(p.ID); p.State != push.Scheduled || !p.Approved {
			t.Fatalf("%s, approved %v", p.State, p.Approved)
		}
		w.clk.Advance(48 * time.Hour)
		w.must2(w.s.Start(ctx, p.ID, writer))
		// Nobody had to agree to this one: who wrote it may change his mind.
		f.Name, f.StartAt = "另一次", w.clk.Now().Add(48*time.Hour)
		other := w.create(f)
		w.must2(w.s.Schedule(ctx, other.ID, writer))
		w.must2(w.s.Start(ctx, other.ID, writer))
	})
}
