package push_test

import (
	"strings"
	"testing"
	"time"

	"siyu/model/push"
	"siyu/model/reach"
)

func TestWhoCannotBeReachedNowWaitsOrIsSaidWhy(t *testing.T) {
	each(t, 4, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.begun(form())
		w.ledger.why[w.people[0]] = reach.NoConsent
		w.ledger.why[w.people[1]], w.ledger.until[w.people[1]] = reach.QuietHours, w.clk.Now().Add(9*hour)
		w.ledger.why[w.people[2]], w.ledger.until[w.people[2]] = reach.CapWeek, w.clk.Now().Add(100*hour) // behind the end of trying
		if sent := w.send(p.ID, took); len(sent) != 1 || sent[0].MemberID != w.people[3] {
			t.Fatalf("%+v", sent)
		}
		if n := w.states(p.ID); n["skipped"] != 2 || n["waiting"] != 1 {
			t.Errorf("%v", n)
		}
		numbers, err := w.s.Numbers(ctx, p.ID)
		if err != nil || numbers.Percent != 75 || !strings.Contains(numbers.Words, "等到") || numbers.ETASeconds != 9*3600 {
			t.Errorf("%+v %v", numbers, err)
		}
		for i, want := range []string{"未同意营销消息", "免打扰时段", "七天", "已通过客服消息发送"} {
			tr, err := w.s.Why(ctx, p.ID, w.people[i])
			if err != nil || tr.Delivery == nil || !strings.Contains(tr.Delivery.Words, want) || tr.Got != (i == 3) {
				t.Errorf("%d: %+v %v", i, tr, err)
			}
		}
		w.clk.Advance(9*hour + time.Second)
		if sent := w.send(p.ID, took); len(sent) != 1 || w.get(p.ID).State != push.Done {
			t.Errorf("%+v %s", sent, w.get(p.ID).State)
		}
	})
}

func TestWhatWeChatRefusesGoesAnotherWayAndIsNotChased(t *testing.T) {
	each(t, 2, func(t *testing.T, w *world) {
		f := form()
		f.Uses = append(f.Uses, reach.Use{Channel: reach.SMS})
		f.Arms[0].Contents = append(f.Arms[0].Contents, push.Content{Text: "镜片到货，退订点 {退订}"})
		p := w.begun(f)
		var ways []string
		w.send(p.ID, func(x push.Parcel) push.Outcome {
			ways = append(ways, x.Way.Channel)
			if x.Way.Channel == reach.Custom {
				w.ledger.closed[reach.Custom] = true // what the code 45015 teaches the ledger
				return push.Outcome{Result: push.SaidNo, Code: "45015"}
			}
			return push.Outcome{Result: push.GoneOut}
		})
		w.clk.Advance(time.Second)
		w.send(p.ID, took)
		if n := w.states(p.ID); n["sent"] != 2 {
			t.Errorf("%v by %v", n, ways)
		}
		// With one way only, no is no.
		w.ledger.way = 0
		w.ledger.closed = map[string]bool{}
		p = w.begun(form())
		calls := w.send(p.ID, func(push.Parcel) push.Outcome { return push.Outcome{Result: push.SaidNo, Code: "43004"} })
		if n := w.states(p.ID); n["refused"] != 2 || len(calls) != 2 || w.get(p.ID).State != push.Done {
			t.Errorf("%v, %d calls", n, len(calls))
		}
	})
}

func TestWhatWasSurelyNotSentWaitsAndGivesItsPlaceBack(t *testing.T) {
	each(t, 1, func(t *testing.T, w *world) {
		p := w.begun(form())
		for round := range 10 { // the wire is down: that is nobody's attempt
			sent := w.send(p.ID, func(push.Parcel) push.Outcome { return push.Outcome{Result: push.NotYet, After: time.Minute} })
			if len(sent) != 1 {
				t.Fatalf("round %d: %d", round, len(sent))
			}
			w.clk.Advance(time.Minute)
		}
		for _, x := range w.ledger.tickets {
			if x.State == reach.Reserved {
				t.Errorf("a place is kept for who may not want it any more: %+v", x)
			}
		}
		w.send(p.ID, func(push.Parcel) push.Outcome {
			return push.Outcome{Result: push.NotYet, Code: "45009", After: hour}
		})
		w.clk.Advance(hour)
		if sent := w.send(p.ID, took); len(sent) != 1 || w.states(p.ID)["sent"] != 1 {
			t.Error("it was not sent in the end")
		}
		w.clk.Advance(hour)
		p = w.begun(form())
		w.send(p.ID, func(push.Parcel) push.Outcome { return push.Outcome{Result: push.NotYet, After: 49 * hour} })
		w.clk.Advance(49 * hour)
		if sent := w.send(p.ID, took); len(sent) != 0 || w.states(p.ID)["skipped"] != 1 {
			t.Errorf("two days later nobody wants it: %v", w.states(p.ID))
		}
	})
}
