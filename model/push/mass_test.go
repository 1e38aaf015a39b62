package push_test

import (
	"strings"
	"testing"
	"time"

	"siyu/model/push"
	"siyu/model/reach"
)

func massForm() push.Form {
	f := form()
	f.Uses, f.Arms[0].Contents = []reach.Use{{Channel: reach.Mass, AccountID: 5}}, []push.Content{{Text: "镜片到货"}}
	return f
}

// calls are how many copies each call of a wave has, by its key.
func calls(list []push.Parcel) map[string]int {
	n := map[string]int{}
	for _, x := range list {
		n[x.Call]++
	}
	return n
}

func answered(list []push.Parcel, result, code string) []push.Outcome {
	out := make([]push.Outcome, len(list))
	for i, x := range list {
		out[i] = push.Outcome{Parcel: x, Result: result, Code: code}
	}
	return out
}

// TestACallToManyIsMadeAgainWholeUnderItsKey: WeChat sends a key once. Were a part of those
// who went with it called under it, or others with them, they would be taken for sent.
func TestACallToManyIsMadeAgainWholeUnderItsKey(t *testing.T) {
	each(t, 1300, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.must2(w.s.SetPolicy(ctx, push.Policy{BrandID: brand, ApprovalPeople: 5000, PerSecond: 50, GiveUpHours: 48}))
		p := w.begun(massForm())
		lane := w.lanes(p.ID)[0]
		r, first, err := w.s.Take(ctx, lane, 64)
		w.must(err)
		key := first.Parcels[0].Call
		if n := calls(first.Parcels); len(n) != 1 || key == "" || n[key] != reach.MaxMembers {
			t.Fatalf("%v", n)
		}
		w.must(w.s.End(ctx, r, answered(first.Parcels[:100], push.GoneOut, ""))) // then it dies
		w.clk.Advance(4 * time.Minute)
		_, again, err := w.s.Take(ctx, lane, 64)
		w.must(err)
		if n := calls(again.Parcels); len(n) != 1 || n[key] != 900 {
			t.Fatalf("%v", n)
		}
		before := map[string]push.Parcel{}
		for _, x := range first.Parcels[100:] {
			before[x.Key] = x
		}
		for _, x := range again.Parcels {
			if was := before[x.Key]; !x.Again || was.OpenID != x.OpenID || x.Message.Text != was.Message.Text || x.Way != was.Way {
				t.Fatalf("%+v, was %+v", x, was)
			}
		}
		// While it is on its way, and when there is no turn for it, nobody else repeats it.
		_, other, err := w.s.Take(ctx, lane, 64)
		w.must(err)
		if n := calls(other.Parcels); n[key] != 0 || len(other.Parcels) != 300 {
			t.Errorf("%v", n)
		}
		w.must(w.s.End(ctx, r, answered(again.Parcels, push.NotYet, "45011")))
		w.must(w.s.End(ctx, r, answered(other.Parcels, push.GoneOut, "")))
		if n := w.states(p.ID); n["sending"] != 900 || n["sent"] != 400 {
			t.Fatalf("%v", n)
		}
		w.clk.Advance(3*time.Minute + time.Second)
		_, again, err = w.s.Take(ctx, lane, 64)
		w.must(err)
		if n := calls(again.Parcels); n[key] != 900 {
			t.Fatalf("%v", n)
		}
		w.must(w.s.End(ctx, r, answered(again.Parcels, push.GoneOut, "")))
		w.send(p.ID, took)
		if n := w.states(p.ID); n["sent"] != 1300 || w.get(p.ID).State != push.Done {
			t.Errorf("%v %s", n, w.get(p.ID).State)
		}
	})
}

// TestACallToManyThatNobodyKnowsOf: an answer that did not come is asked for again; what
// WeChat has forgotten, and what was stopped, is never sent once more, and it is said where
// a person can look.
func TestACallToManyThatNobodyKnowsOf(t *testing.T) {
	each(t, 30, func(t *testing.T, w *world) {
		ctx := t.Context()
		begun := func() (push.Push, push.Run, []push.Parcel) {
			p := w.begun(massForm())
			r, wave, err := w.s.Take(ctx, w.lanes(p.ID)[0], 64)
			w.must(err)
			if len(wave.Parcels) != 30 {
				t.Fatalf("%d are sent", len(wave.Parcels))
			}
			return p, r, wave.Parcels
		}
		p, r, list := begun()
		w.must(w.s.End(ctx, r, answered(list, push.WhoKnows, "")))
		if n := w.states(p.ID); n["sending"] != 30 {
			t.Fatalf("%v", n)
		}
		w.clk.Advance(4 * time.Minute)
		if sent := w.send(p.ID, took); len(calls(sent)) != 1 || sent[0].Call != list[0].Call || w.states(p.ID)["sent"] != 30 {
			t.Errorf("%v", w.states(p.ID))
		}
		p, _, _ = begun()
		w.clk.Advance(9 * time.Minute)
		if sent := w.send(p.ID, took); len(sent) != 0 || w.states(p.ID)["unknown"] != 30 || w.get(p.ID).State != push.Done {
			t.Errorf("%d were sent again: %v", len(sent), w.states(p.ID))
		}
		said := ""
		for _, c := range w.numbers(p).Counts {
			said += c.Words
		}
		if !strings.Contains(said, "群发记录") {
			t.Error(said)
		}
		p, _, _ = begun()
		w.must2(w.s.Stop(ctx, p.ID, "不发了"))
		w.clk.Advance(4 * time.Minute)
		w.must(w.s.Tidy(ctx))
		if sent := w.send(p.ID, took); len(sent) != 0 || w.states(p.ID)["unknown"] != 30 {
			t.Errorf("%d were sent after the stop: %v", len(sent), w.states(p.ID))
		}
	})
}
