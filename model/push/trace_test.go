package push_test

import (
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/push"
	"siyu/model/reach"
)

// step is a line of a trace, as a test compares it.
type step struct {
	at   clock.Instant
	code string
}

func steps(t push.Trace) (list []step) {
	for _, s := range t.Steps {
		list = append(list, step{s.At, s.Said.Code})
	}
	return list
}

// TestTheTraceKeepsTheTimes: a tap stands at its own moment, and of a copy that waited and
// was then skipped it is told until when it was put off, not why.
func TestTheTraceKeepsTheTimes(t *testing.T) {
	each(t, 2, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.begun(form())
		w.ledger.why[w.people[1]], w.ledger.until[w.people[1]] = reach.QuietHours, w.clk.Now().Add(9*hour)
		sent := w.send(p.ID, took)
		if len(sent) != 1 {
			t.Fatal(sent)
		}
		last := func() step {
			t.Helper()
			tr, err := w.s.Why(ctx, p.ID, w.people[0])
			w.must(err)
			list := steps(tr)
			return list[len(list)-1]
		}
		if got := last(); got.code != "delivery_sent" {
			t.Error(got)
		}
		w.clk.Advance(5 * hour)
		first := w.clk.Now()
		w.must2(w.s.Click(ctx, w.s.Token(sent[0].DeliveryID, 1)))
		if got := last(); got != (step{first, "trace_click"}) {
			t.Error(got)
		}
		w.clk.Advance(hour)
		w.must2(w.s.Click(ctx, w.s.Token(sent[0].DeliveryID, 1)))
		tr, err := w.s.Why(ctx, p.ID, w.people[0])
		w.must(err)
		if list := steps(tr); len(list) < 2 || list[len(list)-2] != (step{first, "trace_click_first"}) || list[len(list)-1] != (step{w.clk.Now(), "trace_click_last"}) || tr.Delivery.LinkClicks != 2 {
			t.Error(list)
		}

		w.ledger.why[w.people[1]], w.ledger.until[w.people[1]] = reach.NoConsent, 0
		w.clk.Advance(3*hour + time.Second)
		w.send(p.ID, took)
		tr, err = w.s.Why(ctx, p.ID, w.people[1])
		w.must(err)
		if tr.Delivery.State != push.Skipped {
			t.Fatalf("%+v", tr.Delivery)
		}
		want := []step{{p.AsOf, "trace_in"}, {w.get(p.ID).FrozenAt, "trace_arm"}, {tr.Delivery.DueAt, "trace_due"}, {tr.Delivery.MovedAt, "delivery_why"}}
		list := steps(tr)
		want[0].at = list[0].at
		if len(list) != len(want) {
			t.Fatal(list)
		}
		for i := range want {
			if list[i] != want[i] || i > 0 && list[i].at < list[i-1].at {
				t.Errorf("%d: %+v, want %+v", i, list[i], want[i])
			}
		}
	})
}

// TestTheTraceSaysWhichConditionFailed of who was not in the audience.
func TestTheTraceSaysWhichConditionFailed(t *testing.T) {
	by := []push.Condition{{Text: "扫码不少于 3 次", Found: "扫码 1 次"}, {Text: "下过单", Holds: true}}
	for _, x := range []struct {
		in   bool
		code string
		want []string
	}{
		{false, "", []string{"按现在的情况：他不符合“扫码不少于 3 次”（扫码 1 次）", "按现在的情况：他“下过单”，人群不要这样的人"}},
		{true, "", []string{"按现在的情况：他符合人群，触达开始时还不符合"}},
		{false, "no_profiling", []string{"按现在的情况：他没有同意个性化画像，用到行为的人群不对他计算"}},
	} {
		var tr push.Trace
		tr.Left(7, x.in, x.code, by)
		if len(tr.Steps) != len(x.want) {
			t.Errorf("%+v", tr.Steps)
			continue
		}
		for i, want := range x.want {
			if tr.Steps[i].Text != want || tr.Steps[i].At != 7 {
				t.Errorf("%+v, want %s", tr.Steps[i], want)
			}
		}
	}
}
