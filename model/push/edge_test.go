package push_test

import (
	"testing"
	"time"

	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
)

// WeChat takes a hundred mass sends a day, each for up to ten thousand people, and a member
// of the staff presses "send" once for each task: the fewer calls, the better.
func TestAMessageToManyGoesInFewCalls(t *testing.T) {
	each(t, 2400, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.must2(w.s.SetPolicy(ctx, push.Policy{BrandID: brand, ApprovalPeople: 5000, PerSecond: 50, GiveUpHours: 48}))
		f := form()
		f.Uses, f.Arms[0].Contents = []reach.Use{{Channel: reach.Mass, AccountID: 5}}, []push.Content{{Text: "镜片到货"}}
		p := w.begun(f)
		waves, people := 0, map[id.ID]bool{}
		for _, lane := range w.lanes(p.ID) {
			for range 1000 {
				r, wave, err := w.s.Take(ctx, lane, 64)
				w.must(err)
				if !wave.On || wave.Wait > 0 {
					break
				}
				waves++
				for _, x := range wave.Parcels {
					people[x.MemberID] = true
				}
				w.must(w.s.End(ctx, r, gone(wave.Parcels)))
			}
		}
		if waves > 3 || len(people) != 2400 || w.states(p.ID)["sent"] != 2400 {
			t.Errorf("%d calls for %d people", waves, len(people))
		}
	})
}

// A member's best hour may be a day ahead: a push that is tried for a shorter time is tried
// so long from then on.
func TestABestHourIsNotTooLateByItself(t *testing.T) {
	each(t, 2, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.must2(w.s.SetPolicy(ctx, push.Policy{BrandID: brand, ApprovalPeople: 1000, PerSecond: 50, GiveUpHours: 2}))
		now := w.clk.Now().Time().Add(8 * time.Hour).Hour() // Shanghai
		w.hours = map[id.ID]int{w.people[0]: (now + 10) % 24}
		f := form()
		f.Timing = push.Best
		p := w.begun(f)
		w.send(p.ID, took)
		w.clk.Advance(10*time.Hour + 30*time.Minute)
		w.send(p.ID, took)
		if n := w.states(p.ID); n["sent"] != 2 {
			t.Errorf("%v", n)
		}
	})
}

// Somebody pressed start, or the moment came, and then no worker lived to write the audience
// down for hours: at an hour that nobody chose, a person decides.
func TestAnAudienceThatIsWrittenDownHoursLateWaitsForAPerson(t *testing.T) {
	each(t, 3, func(t *testing.T, w *world) {
		ctx := t.Context()
		f := form()
		f.Timing, f.StartAt = push.At, w.clk.Now().Add(hour)
		p := w.create(f)
		_, err := w.s.Schedule(ctx, p.ID, writer)
		w.must(err)
		w.clk.Advance(hour)
		if n, err := w.s.BeginDue(ctx); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		w.clk.Advance(7 * hour)
		w.must2(w.s.Freeze(ctx, p.ID))
		if p = w.get(p.ID); p.State != push.Missed || p.FrozenAt != 0 || len(w.lanes(p.ID)) != 0 {
			t.Fatalf("%s %q, %d lanes", p.State, p.Note, len(w.lanes(p.ID)))
		}
		if _, err := w.s.Start(ctx, p.ID, writer); err != nil { // he decides
			t.Fatal(err)
		}
		w.must2(w.s.Freeze(ctx, p.ID))
		if sent := w.send(p.ID, took); len(sent) != 3 {
			t.Errorf("%d were sent", len(sent))
		}
		// Who pauses it before and goes on after a night chose that hour.
		p = w.create(form())
		_, err = w.s.Start(ctx, p.ID, second)
		w.must(err)
		w.must2(w.s.Pause(ctx, p.ID))
		w.clk.Advance(9 * hour)
		w.must2(w.s.Resume(ctx, p.ID))
		w.must2(w.s.Freeze(ctx, p.ID))
		if p = w.get(p.ID); p.State != push.Running || p.FrozenAt == 0 {
			t.Errorf("%s %q", p.State, p.Note)
		}
	})
}

// When the day's calls are used up, those who are left wait for the next, with their places
// given back, and nobody is sent twice.
func TestWhoIsLeftWhenTheDaysCallsAreUsedUpWaitsForTheNext(t *testing.T) {
	each(t, 1300, func(t *testing.T, w *world) {
		w.must2(w.s.SetPolicy(t.Context(), push.Policy{BrandID: brand, ApprovalPeople: 5000, PerSecond: 50, GiveUpHours: 48}))
		f := form()
		f.Uses, f.Arms[0].Contents = []reach.Use{{Channel: reach.Mass, AccountID: 5}}, []push.Content{{Text: "镜片到货"}}
		p := w.begun(f)
		w.ledger.calls = 1
		first := w.send(p.ID, took)
		n := w.states(p.ID)
		if len(first) != reach.MaxMembers || n["sent"] != len(first) || n["waiting"] != 300 || n["0waiting"+reach.ChannelStopped] != 300 {
			t.Fatalf("%d were sent: %v", len(first), n)
		}
		back := 0
		for _, outcome := range w.ledger.ended {
			if outcome == reach.Refused {
				back++
			}
		}
		if back != 300 {
			t.Errorf("%d places were given back", back)
		}
		w.clk.Advance(12*hour + time.Minute) // it was noon
		clear(w.ledger.tickets)
		w.ledger.calls = 1
		if rest := w.send(p.ID, took); len(rest) != 300 || w.states(p.ID)["sent"] != 1300 || w.get(p.ID).State != push.Done {
			t.Errorf("%d: %v", len(rest), w.states(p.ID))
		}
	})
}

// A mass send that WeChat did not take is nobody's: all of them wait, and go once.
func TestAMassSendThatWasNotTakenIsMadeAgain(t *testing.T) {
	each(t, 700, func(t *testing.T, w *world) {
		f := form()
		f.Uses, f.Arms[0].Contents = []reach.Use{{Channel: reach.Mass, AccountID: 5}}, []push.Content{{Text: "镜片到货"}}
		p := w.begun(f)
		busy := w.send(p.ID, func(push.Parcel) push.Outcome {
			return push.Outcome{Result: push.NotYet, Code: "45011", After: time.Minute}
		})
		if n := w.states(p.ID); len(busy) != 700 || n["waiting"] != 700 {
			t.Fatalf("%d: %v", len(busy), n)
		}
		w.clk.Advance(2 * time.Minute)
		if sent := w.send(p.ID, took); len(sent) != 700 || w.states(p.ID)["sent"] != 700 || w.get(p.ID).State != push.Done {
			t.Errorf("%d: %v", len(sent), w.states(p.ID))
		}
	})
}

// WeChat refuses a field that is empty, too long or of two lines as if the template were
// wrong: no name of anybody may end a push for all.
func TestATemplatesFieldsAreWhatWeChatTakes(t *testing.T) {
	each(t, 1, func(t *testing.T, w *world) {
		f := form()
		f.Uses = []reach.Use{{Channel: reach.Subscribe, AccountID: 5, TemplateID: "tpl"}}
		field := func(key, text string) error {
			f.Arms[0].Contents = []push.Content{{Data: map[string]string{key: text}, LinkNo: 1}}
			_, err := w.s.Create(t.Context(), f, writer)
			return err
		}
		for key, text := range map[string]string{"thing1": "{姓名}", "thing2": " ", "name1": "{等级}", "thing3": "一二三四五六七八九十一二三四五六七八九十多", "phrase1": "已经到店了吗"} {
			w.code(field(key, text), "push_form")
		}
		for key, text := range map[string]string{"thing1": "{姓名|会员}", "thing2": "{积分}", "phrase1": "已经到店了", "keyword1": "一二三四五六七八九十一二三四五六七八九十多"} {
			w.must(field(key, text))
		}
		w.name = "名字很长很长很长很长很长很长很长\n很长很长"
		w.must(field("thing1", "{姓名|会员}的镜片"))
		p := w.begun(f)
		sent := w.send(p.ID, took)
		if got := sent[0].Message.Data["thing1"]; got != "名字很长很长很长很长很长很长很长 很长很" { // twenty
			t.Errorf("%q", got)
		}
	})
}
