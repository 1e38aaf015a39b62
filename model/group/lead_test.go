package group_test

import (
	"slices"
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

func TestTemplates(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		tpl := must(w.SaveTemplate(w.ctx, group.Template{BrandID: brandA, Name: "新群", Welcome: "欢迎\n请看公告", Tasks: []string{"每天问好"},
			Materials: []group.Material{{Title: "产品册", URL: "https://brand.cn/a"}}}))(t)
		c := must(w.Clone(w.ctx, group.By{LeaderID: 2}, tpl.ID, group.Draft{Name: "李哥二群"}))(t)
		tpl.Welcome, tpl.Tasks, tpl.Materials = "改了", nil, nil
		must(w.SaveTemplate(w.ctx, tpl))(t)
		k := must(w.Kit(w.ctx, group.By{LeaderID: 2}, c.ID))(t)
		if c.LeaderID != 2 || k.TemplateID != tpl.ID || k.Welcome != "欢迎\n请看公告" || !slices.Equal(k.Tasks, []string{"每天问好"}) || len(k.Materials) != 1 {
			t.Fatalf("a later change of the template reached the clone: %+v %+v", c, k)
		}
		_, err := w.Clone(w.ctx, group.By{LeaderID: 3}, tpl.ID, group.Draft{Name: "别的品牌"})
		wants(t, err, "leader_not_found")
		for field, x := range map[string]group.Template{
			"name": {BrandID: brandA}, "materials": {BrandID: brandA, Name: "x", Materials: []group.Material{{Title: "a", URL: "javascript:alert(1)"}}},
			"tasks": {BrandID: brandA, Name: "x", Tasks: []string{""}}, "welcome": {BrandID: brandA, Name: "x", Welcome: strings.Repeat("长", 1001)},
		} {
			_, err := w.SaveTemplate(w.ctx, x)
			wants(t, err, "group_template")
			if got := fault.Of(err).Detail["field"]; got != field {
				t.Errorf("field %v, want %s", got, field)
			}
		}
	})
}

func TestSync(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		in := group.Synced{BrandID: brandA, ChatID: "wrOgQhDgAAMYQiS5ol9G7gK9JVAAAA", Name: "客户群", Owner: "小王", Size: 80, JoinURL: "https://work.weixin.qq.com/gm/abc", At: clk.Now()}
		c := must(w.PutSynced(w.ctx, in))(t)
		if c.Kind != group.WeCom || c.State != group.Open || c.Size != 80 || c.QRExpiresAt != group.Forever || c.OwnerName != "小王" {
			t.Fatalf("%+v", c)
		}
		l := w.code(group.LiveDraft{}, c)
		old := in
		in.Size, in.At, in.Name = 200, clk.Now().Add(time.Minute), "改名"
		if x := must(w.PutSynced(w.ctx, in))(t); x.ID != c.ID || x.State != group.Full || x.Name != "改名" {
			t.Fatalf("%+v", x)
		}
		if x := must(w.PutSynced(w.ctx, old))(t); x.Size != 200 || x.Name != "改名" {
			t.Fatalf("an older word counted: %+v", x)
		}
		in.Size, in.At, in.Dismissed = 0, in.At.Add(time.Minute), true
		if x := must(w.PutSynced(w.ctx, in))(t); x.State != group.Closed || w.send(l, visitor(1)).OK {
			t.Fatalf("%+v", x)
		}
		clk.Advance(time.Second)
		in.Size, in.At, in.Dismissed = 10, in.At.Add(time.Minute), false
		if x := must(w.PutSynced(w.ctx, in))(t); x.State != group.Open || !w.send(l, visitor(1)).OK {
			t.Fatalf("%+v", x)
		}
		var causes []string
		for _, x := range w.stats(l).Switches {
			causes = append(causes, x.Kind+x.Cause)
		}
		if !slices.Equal(causes, []string{"droppedfull", "revived"}) {
			t.Fatal(causes)
		}
	})
}

func TestWhoStoodDownIsSentNobody(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		c := w.community("王姐群", 10)
		l := w.code(group.LiveDraft{}, c)
		turn := func(active bool) {
			t.Helper()
			x := w.leaders[1]
			x.Active = active
			w.leaders[1] = x
			if err := w.Watch(w.ctx); err != nil {
				t.Fatal(err)
			}
		}
		turn(false)
		if w.send(l, visitor(1)).OK {
			t.Fatal("sent to a suspended leader")
		}
		_, err := w.Create(w.ctx, group.By{LeaderID: 1}, group.Draft{Name: "再来一个"})
		wants(t, err, "leader_inactive")
		turn(true)
		if !w.send(l, visitor(1)).OK {
			t.Fatal("he leads again")
		}
		if x := must(w.Update(w.ctx, group.By{}, w.community("转给公司", 5).ID, group.Draft{Name: "转给公司"}))(t); x.LeaderID != 0 {
			t.Fatalf("%+v", x)
		}
		must(w.Close(w.ctx, group.By{}, c.ID, "违规"))(t)
		turn(false)
		turn(true)
		if w.send(l, visitor(1)).OK {
			t.Fatal("what an operator closed was opened")
		}
	})
}

func TestCapacity(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		c := w.community("大群", 200)
		must(w.ReportSize(w.ctx, group.By{}, c.ID, 120))(t)
		w.circles[101] = group.Circle{Direct: 180, Buyers: 60}
		w.circles[102] = group.Circle{Direct: 20, Buyers: 5}
		w.brought[101] = []group.Person{{MemberID: 201, Direct: 6}, {MemberID: 202, Direct: 40}, {MemberID: 203, Direct: 2}, {MemberID: 204}}
		w.brought[202] = []group.Person{{MemberID: 301}, {MemberID: 302}, {MemberID: 303}}
		w.cities[301], w.cities[302] = "杭州", "杭州"
		list := must(w.Capacity(w.ctx, brandA, 0, 10))(t)
		if len(list) != 2 || list[1].Over || len(list[1].Branches) != 0 || list[1].UsedPercent != 13 {
			t.Fatalf("%+v", list)
		}
		x := list[0]
		if !x.Over || x.UsedPercent != 120 || x.InGroups != 120 || x.Communities != 1 || len(x.Branches) != 2 || x.Branches[0].MemberID != 202 ||
			x.Branches[0].Cities[0] != (group.CityCount{City: "杭州", People: 2}) || !strings.Contains(x.Advice, "150") {
			t.Fatalf("%+v", x)
		}
		p := must(w.Policy(w.ctx, brandA))(t)
		p.PeoplePerLeader = 200
		must(w.SavePolicy(w.ctx, p, 9))(t)
		if x := must(w.LoadOf(w.ctx, 1))(t); x.Over || x.Limit != 200 {
			t.Fatalf("%+v", x)
		}
		if sum := must(w.Summary(w.ctx, brandA, []id.ID{101, 555}))(t); sum.Communities != 1 || sum.Members != 120 {
			t.Fatalf("%+v", sum)
		}
	})
}

func TestPolicyChangesFillAndOpen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		c := w.community("按政策", 400)
		if c.ScanCapacity != 200 {
			t.Fatalf("%+v", c)
		}
		must(w.ReportSize(w.ctx, group.By{}, c.ID, 150))(t)
		p := must(w.Policy(w.ctx, brandA))(t)
		p.ScanLimit = 100
		must(w.SavePolicy(w.ctx, p, 9))(t)
		if x := must(w.Get(w.ctx, group.By{}, c.ID))(t); x.State != group.Full || x.ScanCapacity != 100 {
			t.Fatalf("%+v", x)
		}
		p.ScanLimit = 300
		must(w.SavePolicy(w.ctx, p, 9))(t)
		if x := must(w.Get(w.ctx, group.By{}, c.ID))(t); x.State != group.Open || x.ScanCapacity != 300 {
			t.Fatalf("%+v", x)
		}
		p.ScanLimit = 501
		_, err := w.SavePolicy(w.ctx, p, 9)
		wants(t, err, "group_policy")
	})
}

func TestHealth(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		part := func(c group.Community, key string) group.Part {
			t.Helper()
			for _, p := range must(w.Health(w.ctx, group.By{}, c.ID))(t).Parts {
				if p.Key == key {
					return p
				}
			}
			t.Fatalf("no part %s", key)
			return group.Part{}
		}
		c := w.community("健康", 100)
		for _, key := range []string{"fill", "activity", "buyers"} {
			if p := part(c, key); p.Known || p.Text == "" {
				t.Errorf("nothing is known of %s: %+v", key, p)
			}
		}
		if h := must(w.Health(w.ctx, group.By{}, c.ID))(t); h.Score != 100 { // code and alarms are fine, the rest is left out
			t.Fatalf("%+v", h)
		}
		l := w.code(group.LiveDraft{}, c)
		for i := range 4 {
			w.send(l, visitor(i))
		}
		w.active[1000] = clk.Now()
		w.circles[101] = group.Circle{Direct: 10, Buyers: 5}
		must(w.ReportSize(w.ctx, group.By{}, c.ID, 20))(t)
		for key, want := range map[string]int{"fill": 50, "activity": 50, "buyers": 100, "qr": 100, "alarms": 100} {
			if p := part(c, key); !p.Known || p.Score != want {
				t.Errorf("%s: %+v, want %d", key, p, want)
			}
		}
		if h := must(w.Health(w.ctx, group.By{}, c.ID))(t); h.Score != 75 {
			t.Fatalf("%+v", h)
		}
		clk.Advance(7*24*time.Hour + time.Hour)
		if err := w.Watch(w.ctx); err != nil {
			t.Fatal(err)
		}
		clk.Advance(25 * time.Hour)
		if q, a := part(c, "qr"), part(c, "alarms"); q.Score != 0 || a.Score != 50 {
			t.Fatalf("%+v %+v", q, a)
		}
		score, n, err := w.MeanHealth(w.ctx, brandA, []id.ID{101})
		if err != nil || n != 1 || score == 0 || score >= 75 {
			t.Fatal(score, n, err)
		}
	})
}

// TestNoTextPromisesForHeadsOrShares: of communities, templates and live codes.
func TestNoTextPromisesForHeadsOrShares(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		const bad = "拉3人奖50元"
		for _, x := range []group.Template{{Name: bad}, {Name: "x", Welcome: bad}, {Name: "x", Tasks: []string{bad}}, {Name: "x", Materials: []group.Material{{Title: "a", Text: bad}}}} {
			x.BrandID = brandA
			_, err := w.SaveTemplate(w.ctx, x)
			wants(t, err, "unlawful_words")
		}
		_, err := w.Create(w.ctx, group.By{LeaderID: 2}, group.Draft{BrandID: brandA, LeaderID: 2, Name: bad})
		wants(t, err, "unlawful_words")
		_, err = w.SaveCode(w.ctx, 0, group.LiveDraft{BrandID: brandA, Name: "门店", FallbackText: "关注公众号领红包"})
		wants(t, err, "unlawful_words")
	})
}
