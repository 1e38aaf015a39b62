package push_test

import (
	"slices"
	"testing"
	"time"

	"siyu/model/push"
	"siyu/model/reach"
)

func TestManySmallSchedulesOfOnePersonAreOneLargeOne(t *testing.T) {
	each(t, 600, func(t *testing.T, w *world) {
		ctx := t.Context()
		f := form()
		f.Timing, f.StartAt = push.At, w.clk.Now().Add(hour)
		first, again := w.create(f), w.create(f)
		w.must2(w.s.Schedule(ctx, first.ID, writer))
		_, err := w.s.Schedule(ctx, again.ID, writer)
		w.code(err, "approval_needed")
		if _, err := w.s.Schedule(ctx, again.ID, second); err != nil {
			t.Errorf("another person may: %v", err)
		}
		f.StartAt = w.clk.Now().Add(30 * hour)
		later := w.create(f)
		if _, err := w.s.Schedule(ctx, later.ID, writer); err != nil {
			t.Errorf("another day he may: %v", err)
		}
	})
}

// TestSmallPushesThatBeginTogetherAreCountedTogether: each was looked at before the other
// had begun.
func TestSmallPushesThatBeginTogetherAreCountedTogether(t *testing.T) {
	each(t, 600, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.size = 1 // so both pass the first look
		a, b := w.create(form()), w.create(form())
		for _, p := range []push.Push{a, b} {
			w.must2(w.s.Start(ctx, p.ID, writer))
		}
		for _, p := range []push.Push{b, a} {
			w.must2(w.s.Freeze(ctx, p.ID))
		}
		if a, b = w.get(a.ID), w.get(b.ID); b.State != push.Running || a.State != push.Missed || a.Note == "" {
			t.Errorf("%s %s, %s", a.State, a.Note, b.State)
		}
		c := w.create(form()) // what nobody was sent counts for nothing
		if n, err := w.s.Needs(ctx, c.ID, writer); err != nil || n.TodayPeople != 600 {
			t.Errorf("%+v %v", n, err)
		}
	})
}

// TestAMomentFarAwayHidesNothingOfToday: whoever begins it now begins it today, whatever
// moment the draft names.
func TestAMomentFarAwayHidesNothingOfToday(t *testing.T) {
	each(t, 600, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.begun(form())
		f := form()
		f.Timing, f.StartAt = push.At, w.clk.Now().Add(40*hour)
		p := w.create(f)
		if n, err := w.s.Needs(ctx, p.ID, writer); err != nil || n.TodayPeople != 600 || !n.NeedApproval {
			t.Errorf("%+v %v", n, err)
		}
		_, err := w.s.Start(ctx, p.ID, writer)
		w.code(err, "approval_needed")
		if w.get(p.ID).State != push.Draft {
			t.Error(w.get(p.ID).State)
		}
		w.must2(w.s.Schedule(ctx, p.ID, writer)) // on that day it is the only one
		f.StartAt = w.clk.Now().Add(60 * hour)
		next := w.create(f)
		_, err = w.s.Schedule(ctx, next.ID, writer)
		w.code(err, "approval_needed")
	})
}

func TestNobodyFreesHimselfFromTheSecondPersonByTheLimit(t *testing.T) {
	each(t, 2, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.size = 5000
		w.must2(w.s.SetPolicy(ctx, push.Policy{BrandID: brand, ApprovalPeople: 1_000_000, PerSecond: 50, GiveUpHours: 48, ByID: writer}))
		p := w.create(form())
		_, err := w.s.Start(ctx, p.ID, writer)
		w.code(err, "approval_needed")
		if _, err := w.s.Start(ctx, p.ID, second); err != nil {
			t.Errorf("whom somebody else trusts: %v", err)
		}
	})
}

// TestWhatWasAgreedToIsOfTheRuleAsItWasSubmitted: other people, as many, are not those whom
// somebody agreed to.
func TestWhatWasAgreedToIsOfTheRuleAsItWasSubmitted(t *testing.T) {
	each(t, 3, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.size = 5000
		p := w.create(form())
		w.must2(w.s.Submit(ctx, p.ID, writer))
		w.must2(w.s.Approve(ctx, p.ID, w.get(p.ID).Version, second))
		w.version = 4
		w.must2(w.s.Start(ctx, p.ID, writer))
		w.must2(w.s.Freeze(ctx, p.ID))
		if p = w.get(p.ID); p.State != push.Missed || len(w.lanes(p.ID)) != 0 || p.Note == "" {
			t.Errorf("%s %s", p.State, p.Note)
		}
		w.must2(w.s.Withdraw(ctx, p.ID))
		w.must2(w.s.Submit(ctx, p.ID, writer))
		w.must2(w.s.Approve(ctx, p.ID, w.get(p.ID).Version, second))
		w.must2(w.s.Start(ctx, p.ID, writer))
		w.must2(w.s.Freeze(ctx, p.ID))
		if p = w.get(p.ID); p.State != push.Running || p.SegmentVersion != 4 {
			t.Errorf("%s %s", p.State, p.Note)
		}
	})
}

// TestWhoTakesHisConsentBackWhileHisCopyWaitsIsNotSent: the channel had no turn, nobody was
// called; the place was reserved when he still agreed.
func TestWhoTakesHisConsentBackWhileHisCopyWaitsIsNotSent(t *testing.T) {
	each(t, 2, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.begun(form())
		lane := w.lanes(p.ID)[0]
		r, wave, err := w.s.Take(ctx, lane, 64)
		w.must(err)
		var back []push.Outcome
		for _, x := range wave.Parcels {
			back = append(back, push.Outcome{Parcel: x, Result: push.NotYet, After: time.Minute})
		}
		w.must(w.s.End(ctx, r, back))
		w.must2(w.s.Pause(ctx, p.ID))
		w.ledger.why[w.people[0]] = reach.NoConsent
		w.clk.Advance(24 * hour)
		w.must2(w.s.Resume(ctx, p.ID))
		sent := w.send(p.ID, took)
		if slices.ContainsFunc(sent, func(x push.Parcel) bool { return x.MemberID == w.people[0] }) || len(sent) != 1 {
			t.Errorf("%+v", sent)
		}
		if n := w.states(p.ID); n["skipped"] != 1 || n["sent"] != 1 {
			t.Errorf("%v", n)
		}
	})
}

// TestWaitingForATurnIsNoAttempt: however often the channel had none.
func TestWaitingForATurnIsNoAttempt(t *testing.T) {
	each(t, 1, func(t *testing.T, w *world) {
		p, n := w.begun(form()), 0
		for range 20 {
			w.send(p.ID, func(push.Parcel) push.Outcome { n++; return push.Outcome{Result: push.NotYet, After: time.Minute} })
			w.clk.Advance(2 * time.Minute)
		}
		if sent := w.send(p.ID, took); n != 20 || len(sent) != 1 {
			t.Errorf("%d waits, %d sent", n, len(sent))
		}
	})
}

// TestWhatMayHaveArrivedKeepsItsKeyWhateverTheRepetitionIsTold: a repetition that had no
// turn, or that WeChat would not take, says nothing of the first call.
func TestWhatMayHaveArrivedKeepsItsKeyWhateverTheRepetitionIsTold(t *testing.T) {
	for name, answer := range map[string]push.Outcome{
		"no turn":       {Result: push.NotYet, After: time.Second},
		"minute quota":  {Result: push.NotYet, Code: "45011", After: time.Second},
		"refused":       {Result: push.SaidNo, Code: "43004"},
		"no answer yet": {Result: push.WhoKnows},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, 1, func(t *testing.T, w *world) {
				ctx := t.Context()
				f := form()
				f.Purpose = reach.Service
				f.Uses = []reach.Use{{Channel: reach.Template, AccountID: 5, TemplateID: "tpl"}, {Channel: reach.Custom, AccountID: 5}}
				f.Arms[0].Contents = []push.Content{{Data: map[string]string{"thing1": "镜片已到店"}}, {Text: "镜片已到店"}}
				p := w.create(f)
				w.must2(w.s.Submit(ctx, p.ID, writer))
				w.must2(w.s.Approve(ctx, p.ID, w.get(p.ID).Version, second))
				p = w.get(p.ID)
				w.must2(w.s.Start(ctx, p.ID, writer))
				w.must2(w.s.Freeze(ctx, p.ID))
				lane := w.lanes(p.ID)[0]
				_, wave, err := w.s.Take(ctx, lane, 64) // and the worker dies
				w.must(err)
				key := wave.Parcels[0].Key
				w.clk.Advance(4 * time.Minute)
				r, wave, err := w.s.Take(ctx, lane, 64)
				w.must(err)
				if len(wave.Parcels) != 1 || !wave.Parcels[0].Again {
					t.Fatalf("%+v", wave.Parcels)
				}
				answer.Parcel = wave.Parcels[0]
				w.must(w.s.End(ctx, r, []push.Outcome{answer}))
				w.clk.Advance(2 * time.Second)
				for _, x := range w.send(p.ID, took) {
					if x.Key != key || !x.Again {
						t.Errorf("sent once more under another key: %+v", x)
					}
				}
				w.clk.Advance(10 * time.Minute)
				if late := w.send(p.ID, took); len(late) != 0 {
					t.Errorf("WeChat has forgotten the key: %+v", late)
				}
				if n := w.states(p.ID); n["sent"]+n["unknown"] != 1 {
					t.Errorf("%v", n)
				}
			})
		})
	}
}

func TestATestOfAVersionThatIsGoneIsNotSent(t *testing.T) {
	each(t, 2, func(t *testing.T, w *world) {
		ctx := t.Context()
		f := form()
		f.Arms = append(f.Arms, push.Arm{Name: "B", Weight: 1, Contents: []push.Content{{Text: "第二个版本"}}})
		p := w.create(f)
		w.must2(w.s.AddTester(ctx, push.Tester{BrandID: brand, MemberID: w.people[0], Name: "王工"}))
		x, err := w.s.SendTest(ctx, p.ID, 1, w.people[:1], writer)
		w.must(err)
		w.must2(w.s.Update(ctx, p.ID, w.get(p.ID).Version, form(), writer))
		if sent := w.send(x.ID, took); len(sent) != 0 {
			t.Errorf("%+v", sent)
		}
		if n := w.states(x.ID); n["skipped"] != 1 {
			t.Errorf("%v", n)
		}
	})
}

func TestTheWhiteListIsNoWayAroundTheAudience(t *testing.T) {
	each(t, 60, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.create(form())
		test := func(people ...int) (err error) {
			var who []int
			for _, i := range people {
				who = append(who, i)
				w.must2(w.s.AddTester(ctx, push.Tester{BrandID: brand, MemberID: w.people[i], Name: "王工"}))
				defer func() { w.must(w.s.RemoveTester(ctx, brand, w.people[i])) }()
			}
			for _, i := range who {
				if _, err = w.s.SendTest(ctx, p.ID, 0, w.people[i:i+1], writer); err != nil {
					return err
				}
			}
			return nil
		}
		for i := range 50 {
			w.must(test(i))
		}
		w.must(test(3)) // whom it was sent to already
		w.code(test(55), "testers_many")
		w.clk.Advance(25 * hour)
		w.must(test(55))
	})
}
