package admin_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/handler/admin"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/holdout"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/outbox"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/model/seal"
	"siyu/model/segment"
)

// audience plays the segments: segment 7 has as many people as it says.
type audience struct{ people []id.ID }

func (c audience) Check(_ context.Context, f push.Form) error {
	if f.SegmentID == 8 {
		return fault.New(fault.NotFound, "segment_not_found", "没有这个人群")
	}
	return nil
}

func (c audience) Size(context.Context, push.Push) (int64, error) { return int64(len(c.people)), nil }

func (c audience) Sample(_ context.Context, _ push.Push, limit int) ([]id.ID, error) {
	return c.people[:min(limit, len(c.people))], nil
}

func (c audience) Freeze(context.Context, push.Push) (push.Frozen, error) {
	return push.Frozen{Version: 1, AsOf: dbtest.Start, Sentence: "最近 30 天买过护理液", Each: func(yield func([]id.ID) error) error { return yield(c.people) }}, nil
}

func (c audience) Of(_ context.Context, _ id.ID, _ []string, members []id.ID, _ bool) (map[id.ID]map[string]string, error) {
	out := map[id.ID]map[string]string{}
	for _, m := range members {
		out[m] = map[string]string{"姓名": "王*"}
	}
	return out, nil
}

func (c audience) Best(context.Context, []id.ID) (map[id.ID]int, error) { return nil, nil }

func newPushes(d *db.DB, box *seal.Box, out *outbox.Store, deps admin.Deps) *push.Store {
	c := audience{people: []id.ID{101, 102, 103}}
	return push.New(push.Deps{DB: d, Outbox: out, Audience: c, Values: c, Hours: c, Controls: holdout.New(d), Events: event.New(d, out), LinkKey: box.Derive("push links"), PublicURL: "http://siyu.test",
		Reach:    reach.New(reach.Deps{DB: d, People: deps.Identities, Members: deps.Members, Quiet: deps.Quiet, Accounts: deps.Brands.Account}),
		Families: deps.Members.Family})
}

// pushBody is a push by text message that lacks nothing; held is in 1/10,000.
func pushBody(brandID id.ID, name string, more string) string {
	return fmt.Sprintf(`{"brand_id":"%s","name":"%s","purpose":"marketing","topic":"","worth":50,"segment_id":"7","timing":"now","per_second":0,"held_bp":1000,"why":"",
		"uses":[{"channel":"sms"}],"links":[{"title":"商品页","url":"https://shop.example.cn/lens"}],
		"arms":[{"name":"A","weight":1,"contents":[{"text":"{姓名|会员}您好，镜片到货：{链接1} 退订 {退订}","data":{},"link_no":0}]}]%s}`, brandID, name, more)
}

// pushIn makes a push and brings it to a state.
func (o *office) pushIn(state string) named {
	o.t.Helper()
	ctx := context.Background()
	n := o.must("POST", "/pushes", pushBody(o.brand.ID, "镜片上新", ""))
	var err error
	check := func(_ any, e error) {
		if err == nil {
			err = e
		}
	}
	switch state {
	case push.Pending:
		p, e := o.deps.Pushes.Get(ctx, n.ID)
		check(p, e)
		p, e = o.deps.Pushes.Update(ctx, n.ID, p.Version, p.Form, 4711) // somebody else's, so that we may decide
		check(p, e)
		check(o.deps.Pushes.Submit(ctx, n.ID, 4711))
	case push.Running, push.Paused, push.Done:
		check(o.deps.Pushes.Start(ctx, n.ID, 4711))
		check(o.deps.Pushes.Freeze(ctx, n.ID))
		if state == push.Paused {
			check(o.deps.Pushes.Pause(ctx, n.ID))
		}
	}
	if err != nil {
		o.t.Fatal(err)
	}
	return n
}

func (o *office) pushKeyed() map[string]retry {
	of := func(state, tail string) string { return "/pushes/" + o.pushIn(state).ID.String() + tail }
	tester, policy := o.somebody(o.t, "oTester", "13800138055").ID.String(), "/brands/"+o.brand.ID.String()
	o.must("POST", policy+"/push-testers", `{"member_id":"`+tester+`","name":"小李"}`)
	version := func(p string, state string) (string, string) {
		n := o.pushIn(state)
		x, err := o.deps.Pushes.Get(context.Background(), n.ID)
		if err != nil {
			o.t.Fatal(err)
		}
		return "/pushes/" + n.ID.String() + p, fmt.Sprintf(`{"version":%d,"reason":"看过了"}`, x.Version)
	}
	update, _ := version("", push.Draft)
	approve, yes := version("/approve", push.Pending)
	refuse, no := version("/refuse", push.Pending)
	submit, sent := version("/submit", push.Draft)
	start, begun := version("/start", push.Draft)
	scheduled := o.must("POST", "/pushes", strings.Replace(pushBody(o.brand.ID, "定时", ""), `"timing":"now"`, `"timing":"at","start_at":"2026-12-01T02:00:00Z"`, 1))
	return map[string]retry{
		"POST /pushes":                         {"/pushes", pushBody(o.brand.ID, "甲", ""), pushBody(o.brand.ID, "乙", "")},
		"PUT /pushes/:id":                      {update, pushBody(o.brand.ID, "甲", `,"version":1,"reason":""`), pushBody(o.brand.ID, "乙", `,"version":1,"reason":""`)},
		"DELETE /pushes/:id":                   {of(push.Draft, ""), ``, `{}`},
		"POST /pushes/:id/copy":                {of(push.Draft, "/copy"), `{"reason":"a"}`, `{"reason":"b"}`},
		"POST /pushes/:id/tests":               {of(push.Draft, "/tests"), `{"arm":0,"member_ids":["` + tester + `"]}`, `{"arm":0,"member_ids":[]}`},
		"POST /pushes/:id/submit":              {submit, sent, `{"version":9}`},
		"POST /pushes/:id/withdraw":            {of(push.Pending, "/withdraw"), `{"reason":"a"}`, `{"reason":"b"}`},
		"POST /pushes/:id/approve":             {approve, yes, `{"version":9}`},
		"POST /pushes/:id/refuse":              {refuse, no, `{"version":9,"reason":"不行"}`},
		"POST /pushes/:id/schedule":            {"/pushes/" + scheduled.ID.String() + "/schedule", `{"version":1}`, `{"version":9}`},
		"POST /pushes/:id/start":               {start, begun, `{"version":9}`},
		"POST /pushes/:id/pause":               {of(push.Running, "/pause"), `{"reason":"a"}`, `{"reason":"b"}`},
		"POST /pushes/:id/resume":              {of(push.Paused, "/resume"), `{"reason":"a"}`, `{"reason":"b"}`},
		"POST /pushes/:id/stop":                {of(push.Running, "/stop"), `{"reason":"价格错了"}`, `{"reason":"写错了"}`},
		"PUT /brands/:id/push-policy":          {policy + "/push-policy", `{"approval_people":500,"per_second":20,"give_up_hours":24,"reason":"谨慎"}`, `{"approval_people":600,"per_second":20,"give_up_hours":24,"reason":"谨慎"}`},
		"POST /brands/:id/push-testers":        {policy + "/push-testers", `{"member_id":"` + tester + `","name":"小李"}`, `{"member_id":"` + tester + `","name":"小张"}`},
		"POST /brands/:id/push-testers/remove": {policy + "/push-testers/remove", `{"member_id":"` + tester + `","name":""}`, `{"member_id":"1","name":""}`},
	}
}

func refused(t *testing.T, a answer, code string) {
	t.Helper()
	if a.Error.Code != code {
		t.Errorf("%d %s, want %s", a.Status, a.Raw, code)
	}
}

func TestPushes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		var p push.Push
		o.root.do("POST", "/pushes", pushBody(o.brand.ID, "镜片上新", "")).into(t, &p)
		at := "/pushes/" + p.ID.String()
		t.Run("who writes, who agrees and who sends are three people", func(t *testing.T) {
			o.root.do("PUT", "/brands/"+o.brand.ID.String()+"/push-policy", `{"approval_people":2,"per_second":20,"give_up_hours":24,"reason":"谨慎"}`).into(t, &struct{}{})
			writer, boss := o.as(t, "writer-1", operator.Operations), o.as(t, "boss-1", operator.Approver)
			version := func() string { return fmt.Sprintf(`{"version":%d}`, p.Version) }
			for _, what := range []string{"/start", "/schedule", "/submit"} {
				for _, stale := range []string{"", `{"version":9}`} { // another one than he looked at
					refused(t, writer.do("POST", at+what, stale), "push_changed")
				}
			}
			refused(t, writer.do("POST", at+"/start", version()), "approval_needed")
			refused(t, writer.do("POST", at+"/approve", `{"version":1}`), "no_permission")
			refused(t, boss.do("POST", at+"/submit", version()), "no_permission")
			writer.do("POST", at+"/submit", version()).into(t, &p)
			boss.do("POST", at+"/approve", fmt.Sprintf(`{"version":%d}`, p.Version)).into(t, &p)
			if p.State != push.Scheduled || !p.Approved {
				t.Fatalf("%+v", p)
			}
			refused(t, writer.do("POST", at+"/start", ""), "push_changed")
			writer.do("POST", at+"/start", version()).into(t, &p)
			if p.State != push.Running {
				t.Fatalf("%+v", p)
			}
		})
		t.Run("a segment or a list of another brand is not there, for whom it may be shown and for whom not", func(t *testing.T) {
			other := strings.Replace(pushBody(o.brand.ID, "镜片上新", ""), `"segment_id":"7"`, `"segment_id":"8"`, 1)
			refused(t, o.root.do("POST", "/pushes", other), "segment_not_found")
			draft := o.must("POST", "/pushes", pushBody(o.brand.ID, "草稿", ""))
			refused(t, o.root.do("PUT", "/pushes/"+draft.ID.String(), strings.Replace(other, `{"brand_id"`, `{"version":1,"reason":"","brand_id"`, 1)), "segment_not_found")
			mine := o.confined(t, "one-brand", o.brand.ID)
			plant(t, d, "segment", 91, o.brand.ID+1)
			plant(t, d, "segment_list", 92, o.brand.ID+1)
			for _, query := range []string{"segment_id=91", "list_id=92"} {
				refused(t, mine.do("GET", "/pushes?brand_id="+o.brand.ID.String()+"&"+query, ""), "not_found")
			}
			refused(t, mine.do("POST", "/pushes", strings.Replace(other, `"segment_id":"8"`, `"list_id":"92"`, 1)), "not_found")
		})
		if _, err := o.deps.Pushes.Freeze(context.Background(), p.ID); err != nil {
			t.Fatal(err)
		}
		t.Run("progress, copies and the reason of each", func(t *testing.T) {
			var n push.Numbers
			o.root.do("GET", at+"/progress", "").into(t, &n)
			if n.People != 3 || n.Waiting+n.Held != 3 || n.Words == "" {
				t.Errorf("%+v", n)
			}
			var list []push.Delivery
			o.root.do("GET", at+"/deliveries?state=waiting", "").into(t, &list)
			if len(list) != int(n.Waiting) {
				t.Errorf("%+v", list)
			}
			var w push.Trace
			o.root.do("GET", at+"/why?member_id="+o.somebody(t, "oStranger", "13800138056").ID.String(), "").into(t, &w)
			if w.Delivery != nil || len(w.Steps) != 1 {
				t.Errorf("%+v", w)
			}
			refused(t, o.root.do("GET", at+"/why", ""), "member_id")
		})
		t.Run("who was not in the segment is told which condition he fails", func(t *testing.T) {
			ctx := context.Background()
			g := o.must("POST", "/segments", o.segmentForm("老会员", `{"v":1,"root":{"all":[{"attr":{"name":"joined_days","op":"gte","values":["3000"]}},{"attr":{"name":"has_referrer","op":"unknown"}}]}}`, 0))
			var old struct{ SegmentID, SegmentVersion int64 }
			if err := d.Read(ctx).Raw("SELECT segment_id, segment_version FROM push WHERE id = ?", p.ID).Scan(&old).Error; err != nil {
				t.Fatal(err)
			}
			set := func(segmentID, version any) {
				t.Helper()
				if err := d.InTx(ctx, func(tx *gorm.DB) error {
					return tx.Exec("UPDATE push SET segment_id = ?, segment_version = ? WHERE id = ?", segmentID, version, p.ID).Error
				}); err != nil {
					t.Fatal(err)
				}
			}
			set(g.ID, 1)
			defer set(old.SegmentID, old.SegmentVersion)
			fresh, here := o.somebody(t, "oNew", "13800138058").ID, o.somebody(t, "oNobody", "13800138059").ID
			if _, err := o.deps.Events.Put(ctx, []event.Event{{Key: "login:trace", Type: event.Login, BrandID: o.brand.ID, MemberID: fresh, Channel: event.H5, At: clk.Now(), Body: []byte(`{"app_id":"wx1"}`)}}); err != nil {
				t.Fatal(err)
			}
			if err := d.InTx(ctx, func(tx *gorm.DB) error { return o.deps.Segments.NoteTx(ctx, tx, segment.PartAll, fresh) }); err != nil {
				t.Fatal(err)
			}
			for m, want := range map[id.ID][2]string{fresh: {"trace_fails_found", "注册天数：0 天"}, here: {"trace_not_here", "不是这个品牌的用户"}} {
				var w push.Trace
				o.root.do("GET", at+"/why?member_id="+m.String(), "").into(t, &w)
				if w.Delivery != nil || len(w.Steps) != 2 || w.Steps[0].Said.Code != "trace_out" || w.Steps[1].Said.Code != want[0] || !strings.Contains(w.Steps[1].Text, want[1]) || w.Steps[1].At != clk.Now() {
					t.Errorf("%+v", w)
				}
			}
		})
		t.Run("a preview is one of the audience and shows no name", func(t *testing.T) {
			var list []push.Preview
			o.root.do("GET", at+"/preview", "").into(t, &list)
			if len(list) != 1 || !strings.HasPrefix(list[0].Messages[0].Text, "王*您好") {
				t.Errorf("%+v", list)
			}
		})
		t.Run("a service notice leaves nobody out but those whom somebody chose to", func(t *testing.T) {
			notice := strings.NewReplacer(`"purpose":"marketing"`, `"purpose":"service"`).Replace(pushBody(o.brand.ID, "到店通知", ""))
			var n push.Push
			o.root.do("POST", "/pushes", strings.Replace(notice, `"held_bp":1000,`, "", 1)).into(t, &n)
			if n.HeldBP != 0 {
				t.Errorf("without a word %d are left out", n.HeldBP)
			}
			o.root.do("POST", "/pushes", notice).into(t, &n)
			if n.HeldBP != 1000 {
				t.Errorf("%d are left out, 1000 were asked for", n.HeldBP)
			}
		})
		t.Run("an account of another brand is refused", func(t *testing.T) {
			refused(t, o.root.do("POST", "/pushes", strings.Replace(pushBody(o.brand.ID, "甲", ""), `"channel":"sms"`, `"channel":"custom","account_id":"4711"`, 1)), "reach_use")
		})
	})
}
