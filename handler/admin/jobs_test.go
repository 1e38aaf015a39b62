package admin_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/extract"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/outbox"
	"siyu/model/progress"
	"siyu/model/segment"
)

// jobsKeyed are the writes of the job centre.
func (o *office) jobsKeyed() map[string]retry {
	x := o.must("POST", "/extracts", `{"kind":"groups","reason":"盘点"}`)
	return map[string]retry{
		"POST /extracts":            {"/extracts", `{"kind":"groups","reason":"盘点"}`, `{"kind":"leaders","reason":"盘点"}`},
		"POST /extracts/:id/cancel": {"/extracts/" + x.ID.String() + "/cancel", `{"reason":"a"}`, `{"reason":"b"}`},
		"PUT /jobs/seen":            {"/jobs/seen", `{"at":"2026-11-21T04:00:00Z"}`, `{"at":"2026-11-21T04:00:01Z"}`},
		"POST /tasks/:id/retry":     {"/tasks/" + o.stuck(o.t, "import:work", "连不上").String() + "/retry", `{"reason":"a"}`, `{"reason":"b"}`},
		"PUT /me/views":             {"/me/views", `{"page":"payouts","name":"失败","query":"state=failed"}`, `{"page":"payouts","name":"退回","query":"state=returned"}`},
		"DELETE /me/views/:view":    {"/me/views/" + o.must("PUT", "/me/views", `{"page":"claims","name":"今天","query":"x=1"}`).ID.String(), ``, `{}`},
	}
}

func (o *office) jobsExempts() []exempt {
	x := o.must("POST", "/extracts", `{"kind":"groups","reason":"盘点"}`)
	if err := o.deps.Extracts.Run(context.Background(), x.ID); err != nil {
		o.t.Fatal(err)
	}
	return []exempt{{"POST /extracts/:id/files/:file/ticket", "/extracts/" + x.ID.String() + "/files/1/ticket", "", ""}}
}

// stuck puts a wake-up that was put off several times.
func (s *site) stuck(t *testing.T, task, why string) (rowID id.ID) {
	t.Helper()
	ctx := context.Background()
	if err := s.d.InTx(ctx, func(tx *gorm.DB) (err error) {
		rowID, err = s.deps.Outbox.PutTx(ctx, tx, task, 7, 0)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for range outbox.StuckTries {
		if err := s.deps.Outbox.PutOff(ctx, rowID, time.Hour, why); err != nil {
			t.Fatal(err)
		}
	}
	return rowID
}

func TestTakingOut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		s := newSite(t, d, clk)
		boss, money := s.as(t, "boss", operator.Admin), s.as(t, "money", operator.Finance)
		make := func(p *person, kind string) extract.Extract {
			t.Helper()
			var x extract.Extract
			p.do("POST", "/extracts", `{"kind":"`+kind+`","filter":{},"reason":"月度对账"}`).into(t, &x)
			if err := s.deps.Extracts.Run(ctx, x.ID); err != nil {
				t.Fatal(err)
			}
			return x
		}
		t.Run("each kind needs the permission to take out and that of its list", func(t *testing.T) {
			roles := operator.Roles()
			for _, r := range roles {
				p := s.as(t, "role-"+r.Key, r.Key)
				may := map[string]bool{}
				for _, have := range r.Permissions {
					may[have] = true
				}
				for _, k := range extract.Kinds() {
					a := p.do("POST", "/extracts", `{"kind":"`+k.Name+`","reason":"月度对账"}`)
					want := may[operator.ExtractMake] && may[k.Permission] && (k.Also == "" || may[k.Also])
					if got := a.Status == 201 || a.Error.Code == "extract_many" || a.Error.Code == "bad_field"; got != want {
						t.Errorf("%s takes out %s: %v, want %v (%s)", r.Key, k.Name, got, want, a.Error.Code)
					}
				}
			}
		})
		t.Run("a file is had by who asked, with a ticket, so many times, and each time is known", func(t *testing.T) {
			x := make(money, "payouts")
			path := "/extracts/" + x.ID.String()
			if a := money.do("GET", path+"/files/1", ""); a.Error.Code != "ticket" {
				t.Fatal(a.Raw)
			}
			for range 3 {
				var ticket struct{ URL string }
				money.do("POST", path+"/files/1/ticket", "").into(t, &ticket)
				if a := boss.do("GET", ticket.URL, ""); a.Status != 403 {
					t.Fatal("another's file", a.Status)
				}
				a := money.do("GET", ticket.URL, "")
				if a.Status != 200 || !strings.HasPrefix(a.Raw, "\ufeff商户单号,") || !strings.Contains(a.Header.Get("Content-Disposition"), "attachment") {
					t.Fatal(a.Status, a.Header, a.Raw)
				}
			}
			if a := money.do("POST", path+"/files/1/ticket", ""); a.Error.Code != "downloads_used" {
				t.Fatal(a.Raw)
			}
			var lines []audit.Line
			boss.do("GET", "/audit?action=extract.download", "").into(t, &lines)
			if len(lines) != 3 || lines[0].Actor != "money" || lines[0].ObjectID != x.ID || lines[0].Reason != "月度对账" {
				t.Fatalf("%+v", lines)
			}
		})
		t.Run("who lost the permission of the list has its file no more", func(t *testing.T) {
			p := s.as(t, "moved", operator.Finance)
			x := make(p, "withdrawals")
			var me struct{ Operator operator.Operator }
			p.do("GET", "/me", "").into(t, &me)
			boss.do("PUT", "/operators/"+me.Operator.ID.String(), `{"name":"某人","roles":["legal"],"state":"active"}`).into(t, &struct{}{})
			if a := p.do("POST", "/extracts/"+x.ID.String()+"/files/1/ticket", ""); a.Status != 403 {
				t.Fatal(a.Raw)
			}
		})
		t.Run("who sees less than he did has what he took out then no more", func(t *testing.T) {
			var mine, other named
			boss.do("POST", "/brands", `{"slug":"less","name":"甲家","code_host":"q.less.cn"}`).into(t, &mine)
			boss.do("POST", "/brands", `{"slug":"more","name":"乙家","code_host":"q.more.cn"}`).into(t, &other)
			p := s.as(t, "narrowed", operator.Finance)
			whole := make(p, "withdrawals")
			var me struct{ Operator operator.Operator }
			p.do("GET", "/me", "").into(t, &me)
			confine := func(brands string) {
				t.Helper()
				boss.do("PUT", "/operators/"+me.Operator.ID.String(), `{"name":"某人","roles":["finance"],"state":"active","brand_ids":[`+brands+`]}`).into(t, &struct{}{})
			}
			quoted := func(n named) string { return `"` + n.ID.String() + `"` }
			take := func(x extract.Extract) string {
				return p.do("POST", "/extracts/"+x.ID.String()+"/files/1/ticket", "").Error.Code
			}
			confine(quoted(mine) + "," + quoted(other))
			p = s.login(t, "narrowed")
			if code := take(whole); code != "brand_scope" {
				t.Error("the whole house's list: ", code)
			}
			both := make(p, "withdrawals")
			confine(quoted(mine))
			p = s.login(t, "narrowed")
			if code := take(both); code != "brand_scope" {
				t.Error("two brands' list: ", code)
			}
			if code := take(make(p, "withdrawals")); code != "" {
				t.Error("his own: ", code)
			}
		})
		t.Run("a confined operator takes out rows of his brands, and no list that has none", func(t *testing.T) {
			var mine, other named
			boss.do("POST", "/brands", `{"slug":"mine","name":"自家","code_host":"q.mine.cn"}`).into(t, &mine)
			boss.do("POST", "/brands", `{"slug":"other","name":"别家","code_host":"q.other.cn"}`).into(t, &other)
			plant(t, d, "leader", 91, mine.ID)
			plant(t, d, "leader", 92, other.ID)
			plant(t, d, "segment", 94, mine.ID)
			plant(t, d, "segment_list", 95, mine.ID)
			p := s.confined(t, "confined", mine.ID)
			x := make(p, "leaders")
			var b strings.Builder
			got, err := s.deps.Extracts.Finished(ctx, x.ID)
			if err != nil || got.Done != 1 || got.Seen != 2 || s.deps.Extracts.File(ctx, got, 1, &b) != nil || !strings.Contains(b.String(), "自家") || strings.Contains(b.String(), "别家") {
				t.Fatal(got, err, b.String())
			}
			for _, body := range []string{`{"kind":"members","reason":"月度对账"}`, `{"kind":"segment_people","reason":"月度对账","filter":{"segment_id":"94"}}`, `{"kind":"list_people","reason":"月度对账","filter":{"list_id":"95"}}`,
				`{"kind":"audit","reason":"月度对账"}`, `{"kind":"payouts","reason":"月度对账","filter":{"brand_id":"` + other.ID.String() + `"}}`} {
				if a := p.do("POST", "/extracts", body); a.Status != 403 {
					t.Error(body, a.Raw)
				}
			}
			for who, want := range map[*person]bool{p: false, boss: true, money: false} {
				var kinds []extract.Kind
				who.do("GET", "/extracts/kinds", "").into(t, &kinds)
				for _, name := range []string{"segment_people", "list_people"} {
					if got := slices.ContainsFunc(kinds, func(k extract.Kind) bool { return k.Name == name }); got != want {
						t.Errorf("offered %s: %v, want %v", name, got, want)
					}
				}
			}
		})
		t.Run("the people of a list are had by who may see members and segments", func(t *testing.T) {
			var b named
			boss.do("POST", "/brands", `{"slug":"crowd","name":"丙家","code_host":"q.crowd.cn"}`).into(t, &b)
			l, err := s.deps.Segments.CreateRoster(ctx, segment.Roster{BrandID: b.ID, Name: "老客"})
			if err != nil {
				t.Fatal(err)
			}
			ops := s.as(t, "ops-crowd", operator.Operations)
			var x extract.Extract
			ops.do("POST", "/extracts", `{"kind":"list_people","reason":"回访","filter":{"list_id":"`+l.ID.String()+`"}}`).into(t, &x)
			if err := s.deps.Extracts.Run(ctx, x.ID); err != nil {
				t.Fatal(err)
			}
			var ticket struct{ URL string }
			ops.do("POST", "/extracts/"+x.ID.String()+"/files/1/ticket", "").into(t, &ticket)
			if a := ops.do("GET", ticket.URL, ""); a.Status != 200 || !strings.HasPrefix(a.Raw, "\ufeff会员编号,") {
				t.Fatal(a.Status, a.Raw)
			}
		})
		t.Run("jobs of others are for who may see all", func(t *testing.T) {
			x := make(boss, "audit")
			for _, path := range []string{"/extracts/" + x.ID.String(), "/jobs/of/extract/" + x.ID.String()} {
				if a := money.do("GET", path, ""); a.Status != 404 {
					t.Error(path, a.Raw)
				}
				if a := boss.do("GET", path, ""); a.Status != 200 {
					t.Error(path, a.Raw)
				}
			}
			if a := money.do("GET", "/jobs?all=1", ""); a.Status != 403 {
				t.Error(a.Raw)
			}
			var mine, all []progress.Job
			money.do("GET", "/jobs?limit=50", "").into(t, &mine)
			boss.do("GET", "/jobs?all=1&limit=50", "").into(t, &all)
			for _, j := range mine {
				if j.By != "某人" || j.Source != "extract" {
					t.Errorf("%+v", j)
				}
			}
			if len(mine) == 0 || len(all) <= len(mine) {
				t.Error(len(mine), len(all))
			}
		})
		t.Run("pages of jobs meet each job once", func(t *testing.T) {
			seen, next := map[id.ID]bool{}, ""
			for {
				a := boss.do("GET", "/jobs?all=1&limit=3&before="+next, "")
				var page []progress.Job
				a.into(t, &page)
				for _, j := range page {
					if seen[j.ID] {
						t.Fatal("twice")
					}
					seen[j.ID] = true
				}
				if next = a.Next; next == "" {
					break
				}
			}
			var all []progress.Job
			boss.do("GET", "/jobs?all=1&limit=100", "").into(t, &all)
			if len(seen) != len(all) {
				t.Error(len(seen), len(all))
			}
		})
		t.Run("the bell rings for what ended since one looked", func(t *testing.T) {
			p := s.as(t, "bell", operator.Finance)
			clk.Advance(time.Minute)
			make(p, "payouts")
			var sum progress.Summary
			p.do("GET", "/jobs/summary", "").into(t, &sum)
			if len(sum.Ended) != 1 || sum.Ended[0].State != progress.Done || sum.Running != 0 {
				t.Fatalf("%+v", sum)
			}
			p.do("POST", "/extracts", `{"kind":"claims","reason":"月度对账"}`).into(t, &struct{}{})
			p.do("PUT", "/jobs/seen", `{"at":"`+sum.Ended[0].FinishedAt.String()+`"}`).into(t, &sum)
			if len(sum.Ended) != 0 || sum.Running != 1 {
				t.Fatalf("%+v", sum)
			}
		})
	})
}

func TestFailedTasks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk)
		boss, other := s.as(t, "boss", operator.Admin), s.as(t, "ops", operator.Operations)
		rowID := s.stuck(t, "export:run", "磁盘空间不足")
		var rows []outbox.Row
		boss.do("GET", "/tasks", "").into(t, &rows)
		if len(rows) != 1 || rows[0].ID != rowID || rows[0].LastError != "磁盘空间不足" || rows[0].DueAt <= clk.Now() {
			t.Fatalf("%+v", rows)
		}
		boss.do("POST", "/tasks/"+rowID.String()+"/retry", `{"reason":"已清理磁盘"}`).into(t, &struct{}{})
		if due, err := s.deps.Outbox.Due(context.Background(), 10); err != nil || len(due) != 1 || due[0].ID != rowID {
			t.Fatal(due, err)
		}
		if a := other.do("GET", "/tasks", ""); a.Status != 403 {
			t.Error(a.Raw)
		}
		if a := boss.do("POST", "/tasks/12345/retry", ""); a.Error.Code != "task_unknown" {
			t.Error(a.Raw)
		}
	})
}

func TestViews(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk)
		one, two := s.as(t, "one", operator.Analyst), s.as(t, "two", operator.Analyst)
		save := func(name, query string) operator.View {
			t.Helper()
			var v operator.View
			one.do("PUT", "/me/views", `{"page":"payouts","name":"`+name+`","query":"`+query+`"}`).into(t, &v)
			return v
		}
		save("失败", "state=failed")
		kept := save("失败", "state=failed&from=1") // the same name again
		save("退回", "state=returned")
		var views []operator.View
		one.do("GET", "/me/views?page=payouts", "").into(t, &views)
		if len(views) != 2 || (views[0].Query != kept.Query && views[1].Query != kept.Query) {
			t.Fatalf("%+v", views)
		}
		two.do("DELETE", "/me/views/"+kept.ID.String(), "") // not his
		two.do("GET", "/me/views?page=payouts", "").into(t, &views)
		if len(views) != 0 {
			t.Fatalf("%+v", views)
		}
		one.do("DELETE", "/me/views/"+kept.ID.String(), "")
		one.do("GET", "/me/views?page=payouts", "").into(t, &views)
		if len(views) != 1 || views[0].Name != "退回" {
			t.Fatalf("%+v", views)
		}
		for want, body := range map[string]string{"view_name": `{"page":"payouts","name":" "}`, "view_page": `{"page":"../x","name":"a"}`} {
			if a := one.do("PUT", "/me/views", body); a.Error.Code != want {
				t.Error(a.Raw)
			}
		}
	})
}

func TestTrailOfAnObject(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk)
		boss, ops, legal := s.as(t, "boss", operator.Admin), s.as(t, "ops", operator.Operations), s.as(t, "support", operator.Support)
		var b, p named
		boss.do("POST", "/brands", `{"slug":"laojing","name":"老井","code_host":"q.laojing.cn"}`).into(t, &b)
		boss.do("POST", "/products", `{"brand_id":"`+b.ID.String()+`","gtin":"6901234567892","name":"老井啤酒"}`).into(t, &p)
		boss.do("PUT", "/products/"+p.ID.String(), `{"brand_id":"`+b.ID.String()+`","gtin":"6901234567892","name":"老井纯生"}`).into(t, &struct{}{})
		var lines []audit.Line
		ops.do("GET", "/trails/product/"+p.ID.String(), "").into(t, &lines)
		if len(lines) != 2 || lines[0].Action != "product.update" || lines[0].IP != "" || len(lines[0].Changes) == 0 {
			t.Fatalf("%+v", lines)
		}
		boss.do("GET", "/trails/product/"+p.ID.String(), "").into(t, &lines)
		if len(lines) != 2 || lines[0].IP == "" {
			t.Fatalf("%+v", lines)
		}
		for _, object := range []string{"operator", "apikey", "nothing"} {
			if a := legal.do("GET", "/trails/"+object+"/"+p.ID.String(), ""); a.Status != 403 {
				t.Error(object, a.Raw)
			}
		}
		if a := boss.do("GET", "/trails/nothing/"+p.ID.String(), ""); a.Status != 200 {
			t.Error(a.Raw)
		}
		// What stands for a brand is open to who may open its page.
		boss.do("PUT", "/brands/"+b.ID.String()+"/quiet-hours", `{"from_minute":1320,"until_minute":480}`).into(t, &struct{}{})
		ops.do("GET", "/trails/quiet_hours/"+b.ID.String(), "").into(t, &lines)
		if len(lines) != 1 || lines[0].Action != "quiet_hours.set" {
			t.Fatalf("%+v", lines)
		}
		for _, object := range []string{"poster_choice", "leader_agreement"} {
			if a := ops.do("GET", "/trails/"+object+"/"+b.ID.String(), ""); a.Status != 200 {
				t.Error(object, a.Raw)
			}
		}
		if a := ops.do("GET", "/trails/live-code/1", ""); a.Status != 200 {
			t.Error(a.Raw)
		}
		confined := s.confined(t, "confined", b.ID)
		if a := confined.do("GET", "/trails/product/"+p.ID.String(), ""); a.Status != 200 {
			t.Error(a.Raw)
		}
		var other, theirs named
		boss.do("POST", "/brands", `{"slug":"other","name":"别家","code_host":"q.other.cn"}`).into(t, &other)
		boss.do("POST", "/products", `{"brand_id":"`+other.ID.String()+`","gtin":"6901234567885","name":"别的"}`).into(t, &theirs)
		for _, path := range []string{"/trails/product/" + theirs.ID.String(), "/trails/brand/" + other.ID.String(), "/trails/member/1"} {
			if a := confined.do("GET", path, ""); a.Status < 400 {
				t.Error(path, a.Raw)
			}
		}
	})
}
