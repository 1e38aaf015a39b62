package group_test

import (
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/group"
	"siyu/model/id"
)

func TestLiveCode(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		w.t = t
		t.Run("the same visitor is sent to the same community and takes one place, whichever of his members he is", func(t *testing.T) {
			a, b := w.community("甲", 10), w.community("乙", 10)
			l := w.code(group.LiveDraft{Strategy: group.Spread}, a, b)
			first := w.send(l, visitor(1))
			w.send(l, visitor(2)) // the other one is next
			w.families[1001], w.families[1501] = []id.ID{1001, 1501}, []id.ID{1001, 1501}
			for _, v := range []group.Visitor{visitor(1), visitor(501)} {
				if again := w.send(l, v); again.Community.ID != first.Community.ID || again.First {
					t.Fatalf("%+v", again)
				}
			}
			if st := w.stats(l); st.Total.Handed != 2 || st.Total.Visitors != 2 {
				t.Fatalf("%+v", st.Total)
			}
		})
		t.Run("looking takes no place", func(t *testing.T) {
			l := w.code(group.LiveDraft{}, w.community("看", 10))
			for range 3 {
				if a := must(w.Peek(w.ctx, l.Token, visitor(1), clk.Now()))(t); a.OK || a.Code.ID != l.ID {
					t.Fatalf("%+v", a)
				}
			}
			w.send(l, visitor(1))
			if a := must(w.Peek(w.ctx, l.Token, visitor(1), clk.Now()))(t); !a.OK || w.stats(l).Total.Handed != 1 {
				t.Fatalf("%+v", a)
			}
		})
		t.Run("who had a place in a community that died is sent on, and the switch says who took over", func(t *testing.T) {
			a, b := w.community("将关", 10), w.community("接手", 10)
			l := w.code(group.LiveDraft{}, a, b)
			if w.send(l, visitor(1)).Community.ID != a.ID {
				t.Fatal("not in the order of the list")
			}
			must(w.Close(w.ctx, group.By{}, a.ID, "群主退群"))(t)
			if x := w.send(l, visitor(1)); x.Community.ID != b.ID || !x.First {
				t.Fatalf("%+v", x)
			}
			st := w.stats(l)
			if len(st.Switches) != 1 || st.Switches[0].Cause != group.Closed || st.Switches[0].CommunityID != a.ID || st.Switches[0].NextID != b.ID ||
				st.Total.Moved != 1 || st.Total.Visitors != 1 || st.Total.Handed != 2 {
				t.Fatalf("%+v", st)
			}
		})
		t.Run("a code's own limit for a community drops it there and nowhere else", func(t *testing.T) {
			a, b := w.community("限一", 10), w.community("不限", 10)
			draft := group.LiveDraft{BrandID: brandA, Name: "限", Targets: []group.TargetDraft{{CommunityID: a.ID, MaxHanded: 1}, {CommunityID: b.ID}}}
			l := must(w.SaveCode(w.ctx, 0, draft))(t)
			other := w.code(group.LiveDraft{}, a)
			w.send(l, visitor(1))
			if w.send(l, visitor(2)).Community.ID != b.ID || w.send(other, visitor(3)).Community.ID != a.ID {
				t.Fatal("wrong community")
			}
			if st := w.stats(l); len(st.Switches) != 1 || st.Switches[0].Cause != "limit" || len(w.stats(other).Switches) != 0 {
				t.Fatalf("%+v", st.Switches)
			}
			draft.Targets[0].MaxHanded = 2
			must(w.SaveCode(w.ctx, l.ID, draft))(t)
			if w.send(l, visitor(4)).Community.ID != a.ID || w.send(l, visitor(5)).Community.ID != b.ID {
				t.Fatal("a raised limit brings it back for one more")
			}
		})
		t.Run("the visitor's city comes first, then his province, then the list", func(t *testing.T) {
			in := func(province, city string) func(*group.Draft) {
				return func(d *group.Draft) { d.Province, d.City = province, city }
			}
			far, near, here := w.community("成都", 10, in("四川省", "成都市")), w.community("宁波", 10, in("浙江", "宁波")), w.community("杭州", 1, in("浙江省", "杭州市"))
			l := w.code(group.LiveDraft{RegionFirst: true}, far, near, here)
			for i, want := range []id.ID{here.ID, near.ID} { // the second finds Hangzhou full
				v := visitor(20 + i)
				v.Province, v.City = "浙江省", "杭州"
				if a := w.send(l, v); a.Community.ID != want {
					t.Fatalf("%d: sent to %s", i, a.Community.Name)
				}
			}
			if a := w.send(l, visitor(30)); a.Community.ID != far.ID {
				t.Fatalf("who is nowhere was sent to %s", a.Community.Name)
			}
		})
		t.Run("a code restricted to a leader or region takes no other's community", func(t *testing.T) {
			c := w.community("王姐的", 10, func(d *group.Draft) { d.Province = "浙江" })
			_, err := w.SaveCode(w.ctx, 0, group.LiveDraft{BrandID: brandA, Name: "李哥", LeaderID: 2, Targets: []group.TargetDraft{{CommunityID: c.ID}}})
			wants(t, err, "live_code")
			_, err = w.SaveCode(w.ctx, 0, group.LiveDraft{BrandID: brandB, Name: "外", Targets: []group.TargetDraft{{CommunityID: c.ID}}})
			wants(t, err, "live_code")
			l := w.code(group.LiveDraft{Province: "浙江省"}, c)
			must(w.Update(w.ctx, group.By{}, c.ID, group.Draft{LeaderID: 1, Name: "搬走了", Province: "江苏"}))(t)
			if a := w.send(l, visitor(1)); a.OK {
				t.Fatalf("%+v", a)
			}
		})
		t.Run("paused it answers with its fallback", func(t *testing.T) {
			l := w.code(group.LiveDraft{FallbackText: "请联系客服"}, w.community("停", 10))
			must(w.Pause(w.ctx, l.ID))(t)
			if a := w.send(l, visitor(1)); a.OK || a.Code.FallbackText != "请联系客服" || w.stats(l).Total.DeadEnds != 0 {
				t.Fatalf("%+v", a)
			}
			must(w.Resume(w.ctx, l.ID))(t)
			if a := w.send(l, visitor(1)); !a.OK {
				t.Fatalf("%+v", a)
			}
		})
		t.Run("a forged token costs no SQL", func(t *testing.T) {
			l := w.code(group.LiveDraft{})
			if strings.Trim(l.Token, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || len(l.Token) > 20 {
				t.Fatal(l.Token)
			}
			reads := dbtest.Watch(t, d)
			for _, token := range []string{"", "0", l.Token[:13] + "!", "0123456789ABCD", l.Token + "0", strings.Repeat("A", 5000), l.Token[:12] + "ÜÜ"} {
				_, err := w.Resolve(w.ctx, token, visitor(1), clk.Now())
				wants(t, err, "live_code_not_found")
			}
			if n := reads.Plain(); len(n) != 0 {
				t.Fatalf("%v", n)
			}
			if got := must(w.ByToken(w.ctx, strings.ToLower(l.Token)))(t); got.ID != l.ID {
				t.Fatal("typed in small letters")
			}
		})
	})
}

func TestRevival(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		a := w.community("会过期", 10)
		l := w.code(group.LiveDraft{}, a)
		w.send(l, visitor(1))
		clk.Advance(7 * 24 * time.Hour)
		if x := w.send(l, visitor(1)); x.OK {
			t.Fatalf("sent to a dead group: %+v", x)
		}
		if c := must(w.Get(w.ctx, group.By{}, a.ID))(t); c.State != group.Expired {
			t.Fatalf("%+v", c)
		}
		_, err := w.PutQR(w.ctx, group.By{}, a.ID, group.Join{Text: a.QR})
		wants(t, err, "qr_same")
		clk.Advance(time.Second)
		must(w.PutQR(w.ctx, group.By{}, a.ID, group.Join{Text: joinURL()}))(t)
		if x := w.send(l, visitor(1)); x.Community.ID != a.ID || x.Community.QR == a.QR {
			t.Fatalf("%+v", x)
		}
		st := w.stats(l)
		if len(st.Switches) != 2 || st.Switches[0].Cause != group.Expired || st.Switches[1].Kind != group.SwitchRevived || st.Total.DeadEnds != 1 {
			t.Fatalf("%+v", st)
		}

		t.Run("a report of the size corrects the estimate, both ways, but not for who was just sent", func(t *testing.T) {
			c := w.community("五人", 5)
			l := w.code(group.LiveDraft{}, c)
			for i := range 5 {
				w.send(l, visitor(50+i))
			}
			if x := w.send(l, visitor(60)); x.OK {
				t.Fatalf("%+v", x)
			}
			must(w.ReportSize(w.ctx, group.By{}, c.ID, 1))(t) // five are on their way
			if x := w.send(l, visitor(60)); x.OK {
				t.Fatalf("%+v", x)
			}
			clk.Advance(11 * time.Minute)
			if now := must(w.ReportSize(w.ctx, group.By{}, c.ID, 3))(t); now.State != group.Open || now.Left() != 2 {
				t.Fatalf("%+v", now)
			}
			if !w.send(l, visitor(61)).OK || !w.send(l, visitor(62)).OK || w.send(l, visitor(63)).OK {
				t.Fatal("two more fit")
			}
			if x := must(w.ReportSize(w.ctx, group.By{}, c.ID, 5))(t); x.State != group.Full {
				t.Fatalf("%+v", x)
			}
			if x := w.send(l, visitor(61)); x.OK {
				t.Fatal("sent again to a group that is known to be full")
			}
		})
		t.Run("closed stays closed until somebody opens it", func(t *testing.T) {
			c := w.community("关", 5)
			must(w.Close(w.ctx, group.By{}, c.ID, "违规"))(t)
			_, err := w.PutQR(w.ctx, group.By{}, c.ID, group.Join{Text: joinURL()})
			wants(t, err, "community_closed")
			if x := must(w.ReportSize(w.ctx, group.By{}, c.ID, 1))(t); x.State != group.Closed {
				t.Fatalf("%+v", x)
			}
			if x := must(w.Reopen(w.ctx, group.By{}, c.ID))(t); x.State != group.Open {
				t.Fatalf("%+v", x)
			}
		})
	})
}

func TestAlarms(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		open := func(kind string) (n int) {
			t.Helper()
			for range 2 { // the second round finds nothing new
				if err := w.Watch(w.ctx); err != nil {
					t.Fatal(err)
				}
			}
			for _, a := range must(w.Alarms(w.ctx, group.AlarmFilter{BrandID: brandA, State: group.AlarmOpen}))(t) {
				if a.Kind == kind {
					n++
				}
			}
			return n
		}
		c := w.community("提醒", 10)
		l := w.code(group.LiveDraft{LeaderID: 1}, c)
		if open(group.AlarmExpiring)+open(group.AlarmFilling)+open(group.AlarmNone) != 0 {
			t.Fatal("nothing is wrong yet")
		}
		clk.Advance(6*24*time.Hour + time.Minute)
		if open(group.AlarmExpiring) != 1 {
			t.Fatal("not told a day before")
		}
		clk.Advance(time.Hour)
		if open(group.AlarmExpiring) != 1 {
			t.Fatal("told twice")
		}
		a := must(w.Alarms(w.ctx, group.AlarmFilter{LeaderID: 1, State: group.AlarmOpen}))(t)
		if len(a) != 1 || a[0].CommunityID != c.ID {
			t.Fatalf("the leader sees %+v", a)
		}
		_, err := w.Answer(w.ctx, group.By{LeaderID: 2}, a[0].ID, "")
		wants(t, err, "alarm_not_found")
		must(w.Answer(w.ctx, group.By{LeaderID: 1}, a[0].ID, "明天换"))(t)
		if open(group.AlarmExpiring) != 0 {
			t.Fatal("told again after it was answered")
		}
		clk.Advance(24 * time.Hour)
		if open(group.AlarmNone) != 1 {
			t.Fatal("nobody hears that the code leads nowhere")
		}
		w.send(l, visitor(1))
		must(w.PutQR(w.ctx, group.By{LeaderID: 1}, c.ID, group.Join{Text: joinURL()}))(t)
		if open(group.AlarmNone) != 0 {
			t.Fatal("a new join code answers it")
		}
		must(w.ReportSize(w.ctx, group.By{}, c.ID, 9))(t)
		if open(group.AlarmFilling) != 1 {
			t.Fatal("90 percent")
		}
		must(w.ReportSize(w.ctx, group.By{}, c.ID, 5))(t)
		if open(group.AlarmFilling) != 0 {
			t.Fatal("there is room again")
		}
		must(w.ReportSize(w.ctx, group.By{}, c.ID, 10))(t)
		if open(group.AlarmFilling) != 1 || open(group.AlarmNone) != 1 {
			t.Fatal("full again is another fact")
		}
	})
}

func TestLeadersReachOnlyTheirOwn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		mine, other := group.By{LeaderID: 1}, group.By{LeaderID: 2}
		c := must(w.Create(w.ctx, mine, group.Draft{Name: "王姐群", LeaderID: 2}))(t) // who asks leads, whatever he writes
		if c.LeaderID != 1 || c.BrandID != brandA || c.Capacity != 200 {
			t.Fatalf("%+v", c)
		}
		for name, try := range map[string]func() error{
			"get":    func() error { _, err := w.Get(w.ctx, other, c.ID); return err },
			"update": func() error { _, err := w.Update(w.ctx, other, c.ID, group.Draft{Name: "抢"}); return err },
			"size":   func() error { _, err := w.ReportSize(w.ctx, other, c.ID, 1); return err },
			"qr":     func() error { _, err := w.PutQR(w.ctx, other, c.ID, group.Join{Text: joinURL()}); return err },
			"close":  func() error { _, err := w.Close(w.ctx, other, c.ID, "抢"); return err },
			"open":   func() error { _, err := w.Reopen(w.ctx, other, c.ID); return err },
			"kit":    func() error { _, err := w.Kit(w.ctx, other, c.ID); return err },
			"health": func() error { _, err := w.Health(w.ctx, other, c.ID); return err },
		} {
			if err := try(); fault.KindOf(err) != fault.NotFound {
				t.Errorf("%s: %v", name, err)
			}
		}
		if list := must(w.List(w.ctx, group.Filter{LeaderID: 2}))(t); len(list) != 0 {
			t.Fatalf("%+v", list)
		}
		must(w.Close(w.ctx, mine, c.ID, "休息"))(t)
		if x := must(w.Reopen(w.ctx, mine, c.ID))(t); x.State != group.Open {
			t.Fatalf("%+v", x)
		}
		must(w.Close(w.ctx, mine, c.ID, "又休息"))(t) // and the office takes it over:
		must(w.Close(w.ctx, group.By{OperatorID: 9}, c.ID, "违规"))(t)
		_, again := w.Close(w.ctx, group.By{OperatorID: 9}, c.ID, "再关一次")
		wants(t, again, "community_closed")
		must(w.Close(w.ctx, mine, c.ID, "我自己关的"))(t)
		_, err := w.Reopen(w.ctx, mine, c.ID)
		wants(t, err, "community_closed")
		must(w.Reopen(w.ctx, group.By{OperatorID: 9}, c.ID))(t)
		taken := must(w.PutQR(w.ctx, mine, c.ID, group.Join{Text: joinURL()}))(t)
		theirs := must(w.Create(w.ctx, other, group.Draft{Name: "李哥群"}))(t)
		_, err = w.PutQR(w.ctx, other, theirs.ID, group.Join{Text: taken.QR})
		wants(t, err, "qr_used")
		if strings.Contains(fault.Of(err).Text, "王姐群") {
			t.Fatal("another leader's group is named")
		}
	})
}
