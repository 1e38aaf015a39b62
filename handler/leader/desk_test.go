package leader

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/leader"
)

func each(t *testing.T, fn func(t *testing.T, s *site)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) { fn(t, newSite(t, d, clk)) })
}

// TestApply follows one who applies, on the pages.
func TestApply(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		eve := s.visitor("")
		eve.get("/leader/apply").says(t, 200, "还没有开放招募")
		if a := eve.get("/leader"); a.Code != http.StatusSeeOther || a.Header().Get("Location") != "/leader/apply" {
			t.Error(a.Code, a.Header())
		}
		s.cast()
		page := eve.get("/leader/apply").says(t, 200, "不需要交钱", "群主协议", "不得收取入门费", "所在城市")
		if strings.Contains(page.Body.String(), "checked") {
			t.Error("something is ticked beforehand")
		}
		form := url.Values{"name": {"伊芙"}, "region": {"杭州"}, "community": {"小区群"}, "version": {"1"}}
		eve.post("/leader/apply", "/leader/apply", form).says(t, 400, "请先阅读并勾选", `value="伊芙"`)
		form.Set("agree", "1")
		if a := eve.post("/leader/apply", "/leader/apply", form); a.Code != http.StatusSeeOther {
			t.Fatal(a.Code, a.Body)
		}
		eve.get("/leader/apply").says(t, 200, "申请审核中", "撤回申请")
		if status, _, code := eve.api("GET", "/leader/home", nil); status != 403 || code != "leader_needed" {
			t.Error(status, code)
		}
		l, _, err := s.leaders.Of(ctx, s.Brand.ID, eve.member)
		s.must(err)
		_, err = s.leaders.Refuse(ctx, leader.Decision{LeaderID: l.ID, By: 1, Reason: "资料不全"})
		s.must(err)
		page = eve.get("/leader/apply").says(t, 200, "申请没有通过", "资料不全", "之后再次申请")
		if strings.Contains(page.Body.String(), "提交申请") {
			t.Error("he could apply at once")
		}
		t.Run("who is approved signs the version that counts, and leaves in two steps", func(t *testing.T) {
			finn := s.visitor("")
			finn.post("/leader/apply", "/leader/apply", url.Values{"name": {"芬恩"}, "region": {"宁波"}, "agree": {"1"}, "version": {"1"}})
			_, err := s.leaders.Publish(ctx, s.Brand.ID, "第二版：不得收取入门费，不得按人数计酬。", 1)
			s.must(err)
			l, _, err := s.leaders.Of(ctx, s.Brand.ID, finn.member)
			s.must(err)
			_, err = s.leaders.Approve(ctx, leader.Decision{LeaderID: l.ID, By: 1, Reason: "可以"})
			s.must(err)
			finn.get("/leader/apply").says(t, 200, "申请已通过", "第二版")
			finn.post("/leader/apply", "/leader/sign", url.Values{"agree": {"1"}, "version": {"1"}}).says(t, 409)
			if a := finn.post("/leader/apply", "/leader/sign", url.Values{"agree": {"1"}, "version": {"2"}}); a.Code != http.StatusSeeOther {
				t.Fatal(a.Code, a.Body)
			}
			finn.get("/leader").says(t, 200, "芬恩，您好", "见习群主")
			finn.post("/leader/leave", "/leader/leave", nil).says(t, 400, "请先勾选")
			if a := finn.post("/leader/leave", "/leader/leave", url.Values{"sure": {"1"}}); a.Code != http.StatusSeeOther {
				t.Fatal(a.Code)
			}
			finn.get("/leader/apply").says(t, 200, "您已退出")
			s.anna.get("/leader").says(t, 200, "协议有更新")
		})
	})
}

// TestDesk reads every page of an active leader.
func TestDesk(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.cast()
		task, err := s.leaders.PutTask(ctx, leader.Task{BrandID: s.Brand.ID, Title: "介绍怎样验真", Text: "在群里讲一次", State: leader.Open}, 1)
		s.must(err)
		_, err = s.leaders.PutMaterial(ctx, leader.Material{BrandID: s.Brand.ID, Kind: leader.Copy, Title: "验真三步", Text: "扫码、看结果、领奖励"}, 1)
		s.must(err)
		s.anna.get("/leader").says(t, 200, "安娜，您好", "¥5.00", "介绍怎样验真", "邀请海报", "<b>1</b>我推荐的人", "1 / 150 人")
		s.anna.get("/leader/people").says(t, 200, "林**", "购买 1 次", "又带来 1 人", "7 天内活跃")
		_, data, _ := s.anna.api("GET", "/leader/people", nil)
		first := data["list"].([]any)[0].(map[string]any)
		s.anna.get("/leader/people/"+first["id"].(string)).says(t, 200, "林** 带来的人", "赵**")
		s.bert.get("/leader/people").says(t, 200, "微信用户") // a name of digits is a number
		s.anna.get("/leader/materials").says(t, 200, "验真三步", "看结果")
		s.anna.get("/leader/poster").says(t, 200, "/leader/poster.png", "https://siyu.test/r/", "封禁")
		if a := s.anna.get("/leader/poster.png"); a.Code != 200 || !strings.HasPrefix(a.Body.String(), "\x89PNG") || s.anna.send("GET", "/leader/poster.png", "", "If-None-Match", a.Header().Get("ETag")).Code != 304 {
			t.Error(a.Code, a.Header())
		}
		page := s.anna.get("/leader/tasks").says(t, 200, "标记为完成")
		if a := s.anna.post(page.path, "/leader/tasks/"+task.ID.String()+"/done", url.Values{"note": {"讲完了"}}); a.Code != http.StatusSeeOther {
			t.Error(a.Code, a.Body)
		}
		s.anna.get("/leader/tasks").says(t, 200, "讲完了")
		if status, data, _ := s.anna.api("GET", "/leader/home", nil); status != 200 || data["people"] == nil || data["rank"] == nil {
			t.Error(status, data)
		}
		t.Run("without a session", func(t *testing.T) {
			nobody := &visitor{s: s}
			if a := nobody.get("/leader"); a.Code != http.StatusFound || a.Header().Get("Location") != "/silent" {
				t.Error(a.Code, a.Header())
			}
			if status, _, code := nobody.api("GET", "/earnings", nil); status != 401 || code != "login" {
				t.Error(status, code)
			}
		})
		t.Run("an ordinary member sees no desk but what he earned", func(t *testing.T) {
			for _, r := range s.h.Routes() {
				if r.Permission != desk {
					continue
				}
				path := strings.NewReplacer(":id", "1", ":binding", "1").Replace(r.Path)
				a := s.carl.send(r.Method, path, "{}")
				if page := r.Method == "GET" && !strings.HasPrefix(path, "/api/"); page && a.Code != http.StatusSeeOther || !page && a.Code != http.StatusForbidden {
					t.Error(r.Method, path, a.Code)
				}
			}
			s.annas.get("/earnings").says(t, 200, "¥5.00", "冻结中") // she brought zhao, who bought
			s.carl.get("/earnings").says(t, 200, "还没有收益")
		})
		t.Run("who is suspended keeps his income and cannot invite", func(t *testing.T) {
			s.dora.get("/leader/apply").says(t, 200, "资格已暂停", "群里刷屏")
			s.dora.get("/earnings").says(t, 200, "¥5.00")
			for _, path := range []string{"/leader/invitation", "/leader/people", "/leader/groups"} {
				if status, _, code := s.dora.api("GET", path, nil); status != 403 || code != "leader_suspended" {
					t.Error(path, status, code)
				}
			}
			if a := s.dora.get("/leader/poster.png"); a.Code != http.StatusSeeOther {
				t.Error(a.Code)
			}
		})
	})
}
