package push_test

import (
	"fmt"
	"strings"
	"testing"

	"siyu/model/id"
	"siyu/model/push"
)

// planned schedules a push in an hour while its audience is of so many people, and has that
// hour pass with others.
func (w *world) planned(f push.Form, then, now int, change func(l []push.Ground) []push.Ground) push.Push {
	w.t.Helper()
	ctx := w.t.Context()
	all := w.people
	defer func() { w.people = all }()
	w.people, w.grounds = all[:then], rests()
	f.Timing, f.StartAt = push.At, w.clk.Now().Add(hour)
	p := w.create(f)
	w.must2(w.s.Schedule(ctx, p.ID, writer))
	w.people = all[:now]
	if change != nil {
		w.grounds = change(rests())
	}
	w.clk.Advance(hour)
	w.must2(w.s.BeginDue(ctx))
	w.must2(w.s.Freeze(ctx, p.ID))
	return w.get(p.ID)
}

// TestAScheduleSendsToWhomItWasMeantFor: nobody looks on when it begins, so what it rests on
// must be what it was.
func TestAScheduleSendsToWhomItWasMeantFor(t *testing.T) {
	rule := func(l []push.Ground) []push.Ground { l[0].Version = 4; return l }
	for _, c := range []struct {
		then, now int
		change    func(l []push.Ground) []push.Ground
		says      string // "": it runs
		code      string
	}{
		{100, 100, nil, "", ""},
		{100, 120, nil, "", ""},
		{100, 121, nil, "开始时有 121 人，排期时只有 100 人", "note_plan_grown"},
		{100, 3, nil, "", ""},
		{5, 15, nil, "", ""}, // a few more are no matter
		{5, 16, nil, "开始时有 16 人，排期时只有 5 人", "note_plan_grown"},
		{0, 161, nil, "", ""}, // it was said that whoever comes is sent to
		{0, 161, rule, "排期之后人群“护理液老客”的规则从第 3 版改成了第 4 版，现在有 161 人，排期时有 0 人", "note_plan_moved"},
		{100, 100, rule, "人群“护理液老客”的规则从第 3 版改成了第 4 版", "note_plan_moved"},
		{100, 100, func(l []push.Ground) []push.Ground { l[3].Version++; return l }, "名单“门店名单”增减过成员", "note_plan_moved"},
	} {
		t.Run(fmt.Sprint(c.then, " ", c.now, " ", c.says), func(t *testing.T) {
			each(t, 200, func(t *testing.T, w *world) {
				p := w.planned(form(), c.then, c.now, c.change)
				if c.says == "" {
					if p.State != push.Running || p.People != int64(c.now) || len(w.lanes(p.ID)) == 0 {
						t.Fatalf("%s %s, %d people", p.State, p.Note, p.People)
					}
					return
				}
				if p.State != push.Missed || len(w.lanes(p.ID)) != 0 || !strings.Contains(p.Note, c.says) || p.Said == nil || p.Said.Code != c.code {
					t.Fatalf("%s %s %+v", p.State, p.Note, p.Said)
				}
				told := p.Told(func(int64, string) int64 { return 0 })
				if told.Said == nil || told.Said.Code != c.code+"_some" || strings.ContainsAny(strings.NewReplacer("第 3 版", "", "第 4 版", "").Replace(told.Note), "0123456789") {
					t.Errorf("who may not know how many reads %q %+v", told.Note, told.Said)
				}
				// Somebody looked, and begins it as it is now.
				w.people = w.people[:c.now]
				w.must2(w.s.Start(t.Context(), p.ID, second))
				w.must2(w.s.Freeze(t.Context(), p.ID))
				if p = w.get(p.ID); p.State != push.Running || p.People != int64(c.now) {
					t.Errorf("%s %s, %d people", p.State, p.Note, p.People)
				}
			})
		})
	}
}

// TestAnEmptyScheduleGrowsUpToTheLimit: above it a second person has to agree, as ever.
func TestAnEmptyScheduleGrowsUpToTheLimit(t *testing.T) {
	each(t, 1001, func(t *testing.T, w *world) {
		if p := w.planned(form(), 0, 1001, nil); p.State != push.Missed || p.Said.Code != "note_too_many" {
			t.Errorf("%s %s", p.State, p.Note)
		}
		if p := w.planned(form(), 0, 1000, nil); p.State != push.Running {
			t.Errorf("%s %s", p.State, p.Note)
		}
	})
}

// TestWhatWasScheduledAgainRestsOnWhatIsThereThen: also after it was submitted with other
// grounds, and after it waited for a person.
func TestWhatWasScheduledAgainRestsOnWhatIsThereThen(t *testing.T) {
	each(t, 20, func(t *testing.T, w *world) {
		ctx := t.Context()
		f := form()
		f.Timing, f.StartAt = push.At, w.clk.Now().Add(hour)
		p := w.create(f)
		w.grounds = rests()
		w.must2(w.s.Submit(ctx, p.ID, writer))
		w.must2(w.s.Withdraw(ctx, p.ID))
		w.grounds[0].Version = 9
		w.must2(w.s.Schedule(ctx, p.ID, writer))
		w.clk.Advance(hour)
		w.must2(w.s.BeginDue(ctx))
		w.must2(w.s.Freeze(ctx, p.ID))
		if p = w.get(p.ID); p.State != push.Running {
			t.Errorf("%s %s", p.State, p.Note)
		}
	})
}

// TestAScheduleThatWasAgreedToWaitsWhenItMoved: though nobody had to agree to so few.
func TestAScheduleThatWasAgreedToWaitsWhenItMoved(t *testing.T) {
	each(t, 20, func(t *testing.T, w *world) {
		ctx := t.Context()
		for _, byHand := range []bool{true, false} {
			f := form()
			f.Timing, f.StartAt = push.At, w.clk.Now().Add(hour)
			p := w.create(f)
			w.grounds = rests()
			w.must2(w.s.Submit(ctx, p.ID, writer))
			w.must2(w.s.Approve(ctx, p.ID, w.get(p.ID).Version, second))
			w.grounds[0].Version++
			want := push.Running
			w.clk.Advance(hour)
			if byHand { // who begins it now has seen how many there are
				w.must2(w.s.Start(ctx, p.ID, writer))
			} else {
				want = push.Missed
				w.must2(w.s.BeginDue(ctx))
			}
			w.must2(w.s.Freeze(ctx, p.ID))
			if p = w.get(p.ID); p.State != want || p.Approved || byHand == strings.Contains(p.Note, "排期之后") {
				t.Errorf("by hand %v: %s %s", byHand, p.State, p.Note)
			}
		}
	})
}

// TestAStartOfNowTakesWhatIsThere: whoever presses the button has just read the number.
func TestAStartOfNowTakesWhatIsThere(t *testing.T) {
	each(t, 200, func(t *testing.T, w *world) {
		all := w.people
		w.people, w.grounds = all[:5], rests()
		p := w.create(form())
		w.must2(w.s.Start(t.Context(), p.ID, writer))
		w.people, w.grounds = append([]id.ID{}, all...), rests()
		w.grounds[0].Version++
		w.must2(w.s.Freeze(t.Context(), p.ID))
		if p = w.get(p.ID); p.State != push.Running || p.People != 200 {
			t.Errorf("%s %s", p.State, p.Note)
		}
	})
}
