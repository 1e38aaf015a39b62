package push_test

import (
	"strings"
	"testing"
	"time"

	"siyu/model/push"
	"siyu/model/reach"
)

func TestAPushWaitsForASecondPersonAboveTheLimit(t *testing.T) {
	each(t, 3, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.size = 5000
		p := w.create(form())
		_, err := w.s.Start(ctx, p.ID, writer)
		w.code(err, "approval_needed")
		p, err = w.s.Submit(ctx, p.ID, writer)
		w.must(err)
		if p.State != push.Pending || p.Expected != 5000 {
			t.Fatalf("%+v", p)
		}
		_, err = w.s.Approve(ctx, p.ID, p.Version, writer)
		w.code(err, "own_push")
		_, err = w.s.Approve(ctx, p.ID, p.Version-1, second)
		w.code(err, "push_changed")
		_, err = w.s.Update(ctx, p.ID, p.Version, form(), writer)
		w.code(err, "push_state")
		if p, err = w.s.Refuse(ctx, p.ID, p.Version, second, "措辞不妥"); err != nil || p.State != push.Draft || !strings.Contains(p.Note, "措辞不妥") {
			t.Fatalf("%+v %v", p, err)
		}
		p, err = w.s.Submit(ctx, p.ID, writer)
		w.must(err)
		if p, err = w.s.Approve(ctx, p.ID, p.Version, second); err != nil || p.State != push.Scheduled {
			t.Fatalf("%+v %v", p, err)
		}
		if n, err := w.s.BeginDue(ctx); n != 0 || err != nil { // it waits for a person
			t.Fatal(n, err)
		}
		if p, err = w.s.Start(ctx, p.ID, writer); err != nil || p.State != push.Running {
			t.Fatalf("%+v %v", p, err)
		}
		w.must2(w.s.Freeze(ctx, p.ID))
		if got := w.get(p.ID); got.State != push.Running || got.FrozenAt == 0 || got.People != 3 {
			t.Errorf("%+v", got)
		}
	})
}

func TestManySmallPushesOfOnePersonAreOneLargeOne(t *testing.T) {
	each(t, 600, func(t *testing.T, w *world) {
		w.begun(form())
		p := w.create(form())
		_, err := w.s.Start(t.Context(), p.ID, writer)
		w.code(err, "approval_needed")
		if _, err := w.s.Start(t.Context(), p.ID, second); err != nil {
			t.Errorf("another person may: %v", err)
		}
		w.clk.Advance(25 * hour)
		p = w.create(form())
		if _, err := w.s.Start(t.Context(), p.ID, writer); err != nil {
			t.Errorf("tomorrow he may: %v", err)
		}
	})
}

func TestAnAudienceThatGrewBehindTheLimitWaitsForAPerson(t *testing.T) {
	each(t, 1200, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.size = 900
		p := w.begun(form())
		if p.State != push.Missed || !strings.Contains(p.Note, "1200") || len(w.lanes(p.ID)) != 0 {
			t.Fatalf("%s %s", p.State, p.Note)
		}
		p, err := w.s.Withdraw(ctx, p.ID)
		w.must(err)
		if p, err = w.s.Submit(ctx, p.ID, writer); err != nil {
			t.Fatal(err)
		}
		if p, err = w.s.Approve(ctx, p.ID, p.Version, second); err != nil {
			t.Fatal(err)
		}
		_, err = w.s.Start(ctx, p.ID, writer)
		w.must(err)
		w.must2(w.s.Freeze(ctx, p.ID))
		if p = w.get(p.ID); p.State != push.Missed { // 900 were agreed to, 1,200 are there
			t.Fatalf("%s %s", p.State, p.Note)
		}
		w.size = 0
		p, err = w.s.Withdraw(ctx, p.ID)
		w.must(err)
		p, err = w.s.Submit(ctx, p.ID, writer)
		w.must(err)
		p, err = w.s.Approve(ctx, p.ID, p.Version, second)
		w.must(err)
		_, err = w.s.Start(ctx, p.ID, writer)
		w.must(err)
		w.must2(w.s.Freeze(ctx, p.ID))
		if p = w.get(p.ID); p.State != push.Running || p.People != 1200 {
			t.Fatalf("%s %s", p.State, p.Note)
		}
		if n := w.states(p.ID); n["waiting"] != 1200 { // nothing is left of the attempts before
			t.Errorf("%v", n)
		}
	})
}

func TestAScheduleBeginsOnTimeAndWaitsForAPersonWhenItIsLate(t *testing.T) {
	each(t, 2, func(t *testing.T, w *world) {
		ctx := t.Context()
		f := form()
		f.Timing, f.StartAt, f.Worth = push.At, w.clk.Now().Add(hour), 70
		onTime, late := w.create(f), w.create(f)
		for _, p := range []push.Push{onTime, late} {
			_, err := w.s.Schedule(ctx, p.ID, writer)
			w.must(err)
		}
		if n, err := w.s.BeginDue(ctx); n != 0 || err != nil {
			t.Fatal("before its time", n, err)
		}
		if w.ledger.wanted[onTime.ID] != 70 || w.ledger.wanted[late.ID] != 70 {
			t.Errorf("grants are kept for neither: %v", w.ledger.wanted)
		}
		_, err := w.s.Withdraw(ctx, late.ID)
		w.must(err)
		if _, there := w.ledger.wanted[late.ID]; there {
			t.Error("grants are kept for what was taken back")
		}
		w.clk.Advance(hour + 30*time.Minute)
		if _, err := w.s.BeginDue(ctx); err != nil || w.get(onTime.ID).State != push.Running {
			t.Fatal("half an hour late is not too late", err)
		}
		_, err = w.s.Schedule(ctx, late.ID, writer)
		w.code(err, "start_past")
		f.StartAt = w.clk.Now().Add(hour)
		late, err = w.s.Update(ctx, late.ID, w.get(late.ID).Version, f, writer)
		w.must(err)
		_, err = w.s.Schedule(ctx, late.ID, writer)
		w.must(err)
		w.clk.Advance(hour + 31*time.Minute)
		w.must2(w.s.BeginDue(ctx))
		if late = w.get(late.ID); late.State != push.Missed || !strings.Contains(late.Note, "31 分钟") {
			t.Fatalf("%s %s", late.State, late.Note)
		}
		if late, err = w.s.Start(ctx, late.ID, writer); err != nil || late.State != push.Running {
			t.Errorf("a person decides: %+v %v", late, err)
		}
	})
}

func TestAPushToNobodyEndsAtOnce(t *testing.T) {
	each(t, 0, func(t *testing.T, w *world) {
		p := w.begun(form())
		if p.State != push.Done || p.FinishedAt == 0 || !strings.Contains(p.Note, "没有人") {
			t.Errorf("%+v", p)
		}
		if n, err := w.s.Numbers(t.Context(), p.ID); err != nil || n.People != 0 {
			t.Errorf("%+v %v", n, err)
		}
	})
}

func TestWhatMayNotBeWrittenIsRefused(t *testing.T) {
	each(t, 1, func(t *testing.T, w *world) {
		for name, c := range map[string]struct {
			change func(f *push.Form)
			code   string
		}{
			"promises for following": {func(f *push.Form) { f.Arms[0].Contents[0].Text = "关注公众号领红包" }, "unlawful_words"},
			"an offer in a service notice": {func(f *push.Form) {
				f.Purpose = reach.Service
				f.Arms[0].Contents[0].Text = "本周护理液八折优惠"
			}, "service_offer"},
			"marketing by template":        {func(f *push.Form) { f.Uses[0] = reach.Use{Channel: reach.Template, AccountID: 5, TemplateID: "t"} }, "push_form"},
			"a variable that is not there": {func(f *push.Form) { f.Arms[0].Contents[0].Text = "{手机号}您好" }, "push_form"},
			"a link that is not there":     {func(f *push.Form) { f.Arms[0].Contents[0].Text = "看这里 {链接2}" }, "push_form"},
			"a link that is a script":      {func(f *push.Form) { f.Links[0].URL = "javascript:alert(1)" }, "push_form"},
			"a link with a password":       {func(f *push.Form) { f.Links[0].URL = "https://a:b@c.cn/" }, "push_form"},
			"arms that share a name":       {func(f *push.Form) { f.Arms = append(f.Arms, f.Arms[0]) }, "holdout_split"},
			"variables in a mass send":     {func(f *push.Form) { f.Uses[0].Channel = reach.Mass }, "push_form"},
			"an arm without a text":        {func(f *push.Form) { f.Arms[0].Contents = nil }, "push_form"},
			"more than half left alone":    {func(f *push.Form) { f.HeldBP = 6000 }, "push_form"},
			"a segment and a list":         {func(f *push.Form) { f.ListID = 3 }, "push_form"},
			"now and at a moment":          {func(f *push.Form) { f.StartAt = 1 }, "push_form"},
			"a channel that nobody knows":  {func(f *push.Form) { f.Uses[0].Channel = "fax" }, "push_form"},
		} {
			t.Run(name, func(t *testing.T) {
				f := form()
				c.change(&f)
				_, err := w.s.Create(t.Context(), f, writer)
				w.code(err, c.code)
			})
		}
		f := form()
		f.SegmentID = 0
		_, err := w.s.Start(t.Context(), w.create(f).ID, writer)
		w.code(err, "push_incomplete")
	})
}

func TestServiceNoticesAlwaysNeedASecondPerson(t *testing.T) {
	each(t, 1, func(t *testing.T, w *world) {
		f := form()
		f.Purpose = reach.Service
		n, err := w.s.Needs(t.Context(), w.create(f).ID, writer)
		if err != nil || !n.NeedApproval {
			t.Errorf("%+v %v", n, err)
		}
	})
}

func TestTestsGoToTheWhiteListOnly(t *testing.T) {
	each(t, 3, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.create(form())
		_, err := w.s.AddTester(ctx, push.Tester{BrandID: brand, MemberID: w.people[0], Name: "运营小李", ByID: writer})
		w.must(err)
		_, err = w.s.SendTest(ctx, p.ID, 0, w.people[:2], writer)
		w.code(err, "test_members")
		for range 2 { // as often as one likes
			test, err := w.s.SendTest(ctx, p.ID, 0, w.people[:1], writer)
			w.must(err)
			sent := w.send(test.ID, took)
			if len(sent) != 1 || sent[0].MemberID != w.people[0] || !strings.Contains(sent[0].Message.Text, "王芳您好") {
				t.Fatalf("%+v", sent)
			}
			if n := w.states(test.ID); n["sent"] != 1 {
				t.Errorf("%v", n)
			}
		}
		list, err := w.s.Tests(ctx, p.ID)
		if err != nil || len(list) != 2 || len(list[0].Deliveries) != 1 || list[0].Deliveries[0].State != push.Sent {
			t.Errorf("%+v %v", list, err)
		}
		if got, err := w.s.ForMember(ctx, w.people[:1]); err != nil || len(got) != 0 {
			t.Errorf("a test is no message of the brand: %+v %v", got, err)
		}
		if w.get(p.ID).State != push.Draft {
			t.Error("a test changes nothing of the push")
		}
	})
}
