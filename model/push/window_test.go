package push_test

import (
	"context"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/holdout"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
)

// nothing happened at the brand, and nobody is there but a push's people.
type nothing struct{}

func (nothing) Everybody(context.Context, id.ID, clock.Instant, id.ID, int) ([]id.ID, error) {
	return nil, nil
}

func (w *world) report(pushID id.ID) holdout.Report {
	w.t.Helper()
	r, err := holdout.NewReports(w.d, w.s, nothing{}, w.events).Of(w.t.Context(), pushID)
	w.must(err)
	return r
}

// covers checks that whoever is sent now has a whole window from then on.
func (w *world) covers(pushID id.ID, window time.Duration) {
	w.t.Helper()
	r := w.report(pushID)
	if began := w.get(pushID).FrozenAt; r.BeganAt != began || r.UntilAt < w.clk.Now().Add(window) || r.Final {
		w.t.Errorf("somebody is sent at %s; what he does counts from %s until %s, final %v", w.clk.Now().Local(), r.BeganAt.Local(), r.UntilAt.Local(), r.Final)
	}
}

// TestTheWindowCoversWhoIsSentLate: he waits for a cap, or for his best hour, longer than the
// window is long.
func TestTheWindowCoversWhoIsSentLate(t *testing.T) {
	const day = 24 * time.Hour
	each(t, 2, func(t *testing.T, w *world) {
		w.set = holdout.Settings{BrandID: brand, WindowDays: 1, CapFen: 1000}
		m := w.people[0]
		w.ledger.why[m], w.ledger.until[m] = reach.CapDay, w.clk.Now().Add(30*time.Hour)
		p := w.begun(form())
		if r := w.report(p.ID); r.UntilAt != p.GiveUpAt.Add(day) {
			t.Errorf("it may send until %s, and counts until %s", p.GiveUpAt.Local(), r.UntilAt.Local())
		}
		w.send(p.ID, took)
		w.clk.Advance(31 * time.Hour)
		w.covers(p.ID, day)
		if sent := w.send(p.ID, took); len(sent) != 1 || sent[0].MemberID != m {
			t.Fatalf("%+v", sent)
		}
		// It is over: nobody can be sent later than now.
		if p = w.get(p.ID); p.State != push.Done || w.report(p.ID).UntilAt != p.FinishedAt.Add(day) {
			t.Errorf("%s: done at %s, counts until %s", p.State, p.FinishedAt.Local(), w.report(p.ID).UntilAt.Local())
		}
		w.clk.Advance(day)
		if r := w.report(p.ID); r.Final {
			t.Error("shops may still report")
		}
		w.clk.Advance(day)
		if r := w.report(p.ID); !r.Final {
			t.Error("nothing may change any more")
		}
	})
}

func TestTheWindowMovesWhenAPauseEnds(t *testing.T) {
	const day = 24 * time.Hour
	each(t, 2, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.set = holdout.Settings{BrandID: brand, WindowDays: 7, CapFen: 1000}
		p := w.begun(form())
		w.must2(w.s.Pause(ctx, p.ID))
		w.clk.Advance(12 * day) // more than it may send, is watched and waits for shops
		if r := w.report(p.ID); r.Final {
			t.Error("a paused push may go on: nothing of it is final")
		}
		if err := holdout.NewReports(w.d, w.s, nothing{}, w.events).Run(ctx); err != nil {
			t.Fatal(err)
		}
		w.must2(w.s.Resume(ctx, p.ID))
		w.covers(p.ID, 7*day)
		if sent := w.send(p.ID, took); len(sent) != 2 {
			t.Errorf("%d sent", len(sent))
		}
		w.clk.Advance(8*day - time.Minute)
		if r := w.report(p.ID); r.Final {
			t.Error("final before its window")
		}
		w.clk.Advance(time.Hour)
		if r := w.report(p.ID); !r.Final {
			t.Error("it does not end")
		}
		// Long after it began it is still found by whoever counts.
		found, err := w.s.Begun(ctx, p.GiveUpAt.Add(day), 0, 10)
		if err != nil || len(found) != 1 {
			t.Error(found, err)
		}
	})
}

// TestAStoppedPushCountsFromItsLastSend: also one that was paused long before.
func TestAStoppedPushCountsFromItsLastSend(t *testing.T) {
	const day = 24 * time.Hour
	each(t, 2, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.set = holdout.Settings{BrandID: brand, WindowDays: 1, CapFen: 1000}
		soon, late := w.begun(form()), w.begun(form())
		w.must2(w.s.Pause(ctx, late.ID))
		w.clk.Advance(time.Hour)
		w.must2(w.s.Stop(ctx, soon.ID, "写错了"))
		if r := w.report(soon.ID); r.UntilAt != w.clk.Now().Add(day) {
			t.Error(r.UntilAt.Local())
		}
		w.clk.Advance(20 * day)
		w.must2(w.s.Stop(ctx, late.ID, "写错了"))
		if r := w.report(late.ID); r.UntilAt != late.GiveUpAt.Add(day) || !r.Final {
			t.Error(r.UntilAt.Local(), r.Final)
		}
	})
}

// TestStaffHaveTheirTimeBeforeTheWindowEnds: WeCom lets them send for a week.
func TestStaffHaveTheirTimeBeforeTheWindowEnds(t *testing.T) {
	const day = 24 * time.Hour
	each(t, 2, func(t *testing.T, w *world) {
		w.set = holdout.Settings{BrandID: brand, WindowDays: 1, CapFen: 1000}
		f := form()
		f.Uses[0].Channel, f.Arms[0].Contents[0].Text = reach.WeCom, "镜片到货"
		p := w.begun(f)
		if r := w.report(p.ID); r.UntilAt != p.GiveUpAt.Add(8*day) {
			t.Error(r.UntilAt.Local())
		}
	})
}
