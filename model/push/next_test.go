package push_test

import (
	"errors"
	"testing"
	"time"

	"siyu/model/push"
	"siyu/model/reach"
)

func gone(list []push.Parcel) []push.Outcome {
	out := make([]push.Outcome, len(list))
	for i, x := range list {
		out[i] = push.Outcome{Parcel: x, Result: push.GoneOut}
	}
	return out
}

// What a wave did is recorded with the places of the next: one commit has both, or none.
func TestAWavesOutcomesAndTheNextPlacesAreOneCommit(t *testing.T) {
	each(t, 150, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.begun(form())
		lane := w.lanes(p.ID)[0]
		_, first, err := w.s.Take(ctx, lane, 50)
		w.must(err)
		_, next, err := w.s.Next(ctx, lane, gone(first.Parcels), 50)
		w.must(err)
		if n := w.states(p.ID); n["sent"] != 50 || n["sending"] != 50 || n["waiting"] != 50 || len(next.Parcels) != 50 {
			t.Fatalf("%v", n)
		}
		var told int
		w.must(w.d.Read(ctx).Raw("SELECT COUNT(*) FROM event WHERE type = 'message_sent'").Scan(&told).Error)
		if told != 50 {
			t.Errorf("%d events", told)
		}
		// Told again, as after a commit of which nobody heard: nothing changes.
		_, third, err := w.s.Next(ctx, lane, append(gone(first.Parcels), gone(next.Parcels)...), 50)
		w.must(err)
		if n := w.states(p.ID); n["sent"] != 100 || n["sending"] != 50 || len(third.Parcels) != 50 {
			t.Errorf("%v", n)
		}
	})
}

// The worker dies with one wave called and not recorded, as before; the wave before it is
// known, and nobody of either is sent again.
func TestAWorkerThatDiesBetweenWavesLosesOneWaveOnly(t *testing.T) {
	each(t, 120, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.begun(form())
		lane := w.lanes(p.ID)[0]
		_, first, err := w.s.Take(ctx, lane, 40)
		w.must(err)
		_, called, err := w.s.Next(ctx, lane, gone(first.Parcels), 40)
		w.must(err)
		w.clk.Advance(4 * time.Minute) // it died with its calls made
		sent := w.send(p.ID, took)
		before := map[string]bool{}
		for _, x := range append(first.Parcels, called.Parcels...) {
			before[x.OpenID] = true
		}
		for _, x := range sent {
			if before[x.OpenID] {
				t.Errorf("%s is sent again", x.OpenID)
			}
		}
		if n := w.states(p.ID); n["sent"] != 80 || n["unknown"] != 40 || len(sent) != 40 || w.get(p.ID).State != push.Done {
			t.Errorf("%v, %d were sent", n, len(sent))
		}
	})
}

// Where the next places cannot be taken, what the wave did is not lost with them.
func TestOutcomesOutliveTheNextPlaces(t *testing.T) {
	each(t, 100, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.begun(form())
		lane := w.lanes(p.ID)[0]
		r, wave, err := w.s.Take(ctx, lane, 30)
		w.must(err)
		w.ledger.broken = errors.New("the ledger is away")
		if _, _, err = w.s.Next(ctx, lane, gone(wave.Parcels), 30); !errors.Is(err, w.ledger.broken) {
			t.Fatal(err)
		}
		w.must(w.s.End(ctx, r, gone(wave.Parcels))) // as the worker does after an error
		if n := w.states(p.ID); n["sent"] != 30 || n["sending"] != 0 || n["waiting"] != 70 {
			t.Errorf("%v", n)
		}
		w.ledger.broken = nil

		t.Run("a pause records and takes nothing", func(t *testing.T) {
			_, wave, err := w.s.Take(ctx, lane, 30)
			w.must(err)
			w.must2(w.s.Pause(ctx, p.ID))
			_, idle, err := w.s.Next(ctx, lane, gone(wave.Parcels), 30)
			w.must(err)
			if n := w.states(p.ID); idle.On || len(idle.Parcels) != 0 || n["sent"] != 60 || n["sending"] != 0 {
				t.Errorf("%+v %v", idle, n)
			}
			w.must2(w.s.Resume(ctx, p.ID))
		})
		t.Run("the last wave ends the push", func(t *testing.T) {
			_, wave, err := w.s.Take(ctx, lane, 64)
			w.must(err)
			_, idle, err := w.s.Next(ctx, lane, gone(wave.Parcels), 64)
			w.must(err)
			if n := w.states(p.ID); idle.On || n["sent"] != 100 || w.get(p.ID).State != push.Done {
				t.Errorf("%+v %v %s", idle, n, w.get(p.ID).State)
			}
		})
	})
}

// A refusal that closes a channel is known when the next wave is judged.
func TestTheNextWaveKnowsWhatTheLastOneLearned(t *testing.T) {
	each(t, 60, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.begun(form())
		lane := w.lanes(p.ID)[0]
		_, wave, err := w.s.Take(ctx, lane, 30)
		w.must(err)
		out := gone(wave.Parcels)
		out[0].Result, out[0].Code = push.SaidNo, "43004"
		order := []string{}
		w.ledger.heard = func(what string) { order = append(order, what) }
		w.must3(w.s.Next(ctx, lane, out, 30))
		if len(order) < 2 || order[0] == "take" || order[len(order)-1] != "take" {
			t.Error(order)
		}
		if w.ledger.ended[w.ledger.tickets[wave.Parcels[0].DeliveryID].ID] == reach.Sent {
			t.Error("a refused one is said to be sent")
		}
	})
}
