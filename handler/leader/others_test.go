package leader

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"siyu/handler/web"
	"siyu/model/commission"
	"siyu/model/group"
	"siyu/model/id"
	"siyu/model/leader"
	"siyu/model/money"
	"siyu/model/withdrawal"
)

// payOut opens withdrawals.
func (s *site) payOut() {
	s.t.Helper()
	p, err := s.withdrawals.Policy(ctx, s.Brand.ID)
	s.must(err)
	p.AccountID, p.PerDay = s.Merchant.ID, 9
	_, err = s.withdrawals.SavePolicy(ctx, p)
	s.must(err)
}

// belongings are one leader's ids, by the route that names them.
type belongings map[string]id.ID

// ownedBy makes one of everything for a leader; his earnings are settled already.
func (s *site) ownedBy(v *visitor) belongings {
	s.t.Helper()
	b, err := s.referrals.Direct(ctx, s.Brand.ID, v.member, 0, 1)
	s.must(err)
	g, err := s.groups.Create(ctx, group.By{LeaderID: v.leader.ID}, group.Draft{BrandID: s.Brand.ID, Name: v.leader.Name + "的群", City: "杭州"})
	s.must(err)
	family := []id.ID{v.member}
	accruals, err := s.pay.Accruals(ctx, s.Brand.ID, family, commission.Filter{}, 0, 1)
	s.must(err)
	statements, err := s.pay.Statements(ctx, s.Brand.ID, family, 0, 1)
	s.must(err)
	w, err := s.withdrawals.Request(ctx, s.Brand.ID, v.member, 100, "key-"+v.member.String())
	s.must(err)
	if len(b) == 0 || len(accruals) == 0 || len(statements) == 0 {
		s.t.Fatal("the leader has not one of everything")
	}
	return belongings{"people": b[0].ID, "groups": g.ID, "accruals": accruals[0].ID, "statements": statements[0].ID, "withdrawals": w.ID}
}

// of fills in the id of a route, "" when the route has none or names what all leaders
// share.
func (b belongings) of(path string) string {
	if !strings.Contains(path, "/:") || strings.Contains(path, "/tasks/") {
		return ""
	}
	for noun, x := range b {
		if strings.Contains(path, "/"+noun+"/:") {
			return strings.NewReplacer(":id", x.String(), ":binding", x.String()).Replace(path)
		}
	}
	return "?"
}

// TestOthers asks for everything of another leader: it is answered like what does not
// exist. A route with an id that this test does not know fails it.
func TestOthers(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.cast().settle()
		s.payOut()
		theirs := s.ownedBy(s.bert)
		inputs := map[string]string{"/size": `{"size":5}`, "/qr": `{"text":"https://weixin.qq.com/g/AwYAACxyz"}`, "/close": `{"reason":"不用了"}`}
		form := "form_token=" + url.QueryEscape(s.h.Sessions.FormToken(&s.anna.session)) + "&size=5&reason=x"
		n := 0
		for _, r := range s.h.Routes() {
			path := theirs.of(r.Path)
			if path == "" {
				continue
			}
			n++
			body, kind := form, "application/x-www-form-urlencoded"
			if strings.HasPrefix(path, "/api/") {
				body, kind = "{}", "application/json"
				for end, in := range inputs {
					if strings.HasSuffix(path, end) {
						body = in
					}
				}
			}
			if strings.HasSuffix(r.Path, "/qr") && kind != "application/json" {
				continue // a picture; below
			}
			for who, v := range map[string]*visitor{"another leader": s.anna, "who has no desk": s.carl} {
				if who == "who has no desk" && r.Permission == desk {
					continue
				}
				send := body
				if v == s.carl {
					send = strings.Replace(form, url.QueryEscape(s.h.Sessions.FormToken(&s.anna.session)), url.QueryEscape(s.h.Sessions.FormToken(&v.session)), 1)
				}
				if a := v.send(r.Method, path, send, "Content-Type", kind, "Origin", "https://siyu.test"); a.Code != http.StatusNotFound {
					t.Errorf("%s: %s %s: %d %.200s", who, r.Method, path, a.Code, a.Body)
				}
			}
			if r.Method == "GET" { // the ids are good
				if a := s.bert.get(path); a.Code != http.StatusOK {
					t.Errorf("his own %s: %d %s", path, a.Code, a.Body)
				}
			}
		}
		if n < 20 {
			t.Errorf("only %d routes were asked", n)
		}
		g, err := s.groups.Get(ctx, group.By{}, theirs["groups"])
		s.must(err)
		w, err := s.withdrawals.Get(ctx, theirs["withdrawals"])
		s.must(err)
		if g.Size != 0 || g.QR != "" || g.State == group.Closed || w.State != withdrawal.Requested {
			t.Errorf("somebody moved %+v %+v", g, w)
		}
		t.Run("a picture for another's group", func(t *testing.T) {
			body := "--x\r\nContent-Disposition: form-data; name=\"form_token\"\r\n\r\n" + s.h.Sessions.FormToken(&s.anna.session) + "\r\n--x\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"a.png\"\r\n\r\nx\r\n--x--\r\n"
			s.anna.send("POST", "/leader/groups/"+theirs["groups"].String()+"/qr", body, "Content-Type", "multipart/form-data; boundary=x", "Origin", "https://siyu.test").says(t, 404)
		})
		t.Run("who is below another leader, at any depth", func(t *testing.T) {
			l, err := s.referrals.Direct(ctx, s.Brand.ID, s.annas.member, 0, 1)
			s.must(err)
			s.anna.get("/leader/people/"+l[0].ID.String()).says(t, 200, "赵**")
			s.bert.get("/leader/people/"+l[0].ID.String()).says(t, 404)
		})
		t.Run("another brand knows nothing of it", func(t *testing.T) {
			s.bert.get("/earnings/statements/"+theirs["statements"].String()+"?brand=1").says(t, 404)
		})
	})
}

// TestRoutes keeps the surface in one reviewed file.
func TestRoutes(t *testing.T) {
	want, err := os.ReadFile("testdata/routes.txt")
	if err != nil {
		t.Fatal(err)
	}
	h := &Handler{Deps{Sessions: &web.Sessions{}}}
	if got := web.List(h.Routes()); got != string(want) {
		t.Errorf("testdata/routes.txt differs; now:\n%s", got)
	}
	for _, r := range h.Routes() {
		if r.Permission != desk && r.Permission != anybody {
			t.Errorf("%s %s asks for %q", r.Method, r.Path, r.Permission)
		}
	}
}

// TestRetries sends every write twice; a write that is not listed fails the test.
func TestRetries(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.cast().settle()
		s.payOut()
		mine := s.ownedBy(s.anna)
		groupPath := "/leader/groups/" + mine["groups"].String()
		task, err := s.leaders.PutTask(ctx, leader.Task{BrandID: s.Brand.ID, Title: "介绍怎样验真", Text: "讲一次", State: leader.Open}, 1)
		s.must(err)
		s.n += 100
		signer, leaver, former, formLeaver := s.lead("签"), s.lead("走"), s.visitor(""), s.lead("退")
		api := func(v *visitor, path string, same, other any, table string, rows int64) func(*testing.T) {
			return func(t *testing.T) { s.repeated(t, v, path, same, other, table, rows) }
		}
		form := func(v *visitor, page, path string, fields url.Values, table string, rows int64) func(*testing.T) {
			return func(t *testing.T) { s.twice(t, v, page, path, fields, table, rows) }
		}
		apply := map[string]any{"name": "新人", "region": "杭州", "agree": true, "version": 1}
		other := map[string]any{"name": "别人", "region": "杭州", "agree": true, "version": 1}
		qr := map[string]string{"text": "https://weixin.qq.com/g/AwYAACAAAAxyz"}
		tries := []struct {
			route string
			try   func(*testing.T)
		}{
			{"POST /api/v1/leader/apply", api(s.carl, "/leader/apply", apply, other, "leader", 1)},
			{"POST /leader/apply", form(former, "/leader/apply", "/leader/apply", url.Values{"name": {"新人"}, "region": {"杭州"}, "agree": {"1"}, "version": {"1"}}, "leader", 1)},
			{"POST /api/v1/leader/sign", func(t *testing.T) {
				_, err := s.leaders.Publish(ctx, s.Brand.ID, "第二版：群主应如实介绍商品，不得收取入门费，不得按人数计酬。", 1)
				s.must(err)
				s.repeated(t, signer, "/leader/sign", map[string]any{"agree": true, "version": 2}, map[string]any{"agree": true, "version": 1}, "leader_signature", 1)
			}},
			{"POST /leader/sign", form(s.anna, "/leader/apply", "/leader/sign", url.Values{"agree": {"1"}, "version": {"2"}}, "leader_signature", 1)},
			{"POST /api/v1/leader/leave", api(leaver, "/leader/leave", map[string]any{"sure": true}, map[string]any{"sure": true, "x": 1}, "leader_move", 1)},
			{"POST /leader/leave", form(formLeaver, "/leader/leave", "/leader/leave", url.Values{"sure": {"1"}}, "leader_move", 1)},
			{"POST /api/v1/leader/decline", func(t *testing.T) {
				v := s.invited(s.Brand.ID)
				s.repeated(t, v, "/leader/decline", map[string]int{}, map[string]int{"x": 1}, "leader_candidate WHERE state = 'dismissed'", 1)
			}},
			{"POST /leader/decline", func(t *testing.T) {
				s.twice(t, s.invited(s.Brand.ID), "/leader/apply", "/leader/decline", nil, "leader_candidate WHERE state = 'dismissed'", 1)
			}},
			{"POST /api/v1/leader/tasks/:id/done", api(s.bert, "/leader/tasks/"+task.ID.String()+"/done", map[string]string{"note": "好"}, map[string]string{"note": "不好"}, "leader_done", 1)},
			{"POST /leader/tasks/:id/done", form(s.anna, "/leader/tasks", "/leader/tasks/"+task.ID.String()+"/done", nil, "leader_done", 1)},
			{"POST /api/v1/leader/groups", api(s.bert, "/leader/groups", map[string]string{"name": "新群"}, map[string]string{"name": "别的群"}, "community", 1)},
			{"POST /leader/groups", form(s.bert, "/leader/groups", "/leader/groups", url.Values{"name": {"又一群"}}, "community", 1)},
			{"POST /api/v1/leader/groups/:id/size", api(s.anna, groupPath+"/size", map[string]int{"size": 9}, map[string]int{"size": 8}, "", 0)},
			{"POST /leader/groups/:id/size", form(s.anna, groupPath, groupPath+"/size", url.Values{"size": {"12"}}, "", 0)},
			{"POST /api/v1/leader/groups/:id/qr", api(s.anna, groupPath+"/qr", qr, map[string]string{"text": "x"}, "", 0)},
			{"POST /leader/groups/:id/qr", func(t *testing.T) { s.picture(t, groupPath) }},
			{"POST /api/v1/leader/groups/:id/close", api(s.anna, groupPath+"/close", map[string]string{"reason": "满了"}, map[string]string{"reason": "不满"}, "", 0)},
			{"POST /api/v1/leader/groups/:id/reopen", api(s.anna, groupPath+"/reopen", map[string]string{}, map[string]int{"x": 1}, "", 0)},
			{"POST /leader/groups/:id/close", form(s.anna, groupPath, groupPath+"/close", url.Values{"reason": {"满了"}}, "", 0)},
			{"POST /leader/groups/:id/reopen", form(s.anna, groupPath, groupPath+"/reopen", nil, "", 0)},
			{"POST /api/v1/earnings/withdrawals", api(s.bert, "/earnings/withdrawals", map[string]int{"amount_fen": 100}, map[string]int{"amount_fen": 200}, "withdrawal", 1)},
			{"POST /earnings/withdraw", form(s.bert, "/earnings/withdraw", "/earnings/withdraw", url.Values{"amount": {"1.00"}}, "withdrawal", 1)},
			{"POST /earnings/withdrawals/:id/cancel", form(s.anna, "/earnings/withdrawals/"+mine["withdrawals"].String(), "/earnings/withdrawals/"+mine["withdrawals"].String()+"/cancel", nil, "withdrawal_move", 1)},
			{"POST /api/v1/earnings/withdrawals/:id/cancel", func(t *testing.T) {
				w, err := s.withdrawals.Request(ctx, s.Brand.ID, s.anna.member, 100, "another")
				s.must(err)
				s.repeated(t, s.anna, "/earnings/withdrawals/"+w.ID.String()+"/cancel", map[string]int{}, map[string]int{"x": 1}, "withdrawal_move", 1)
			}},
		}
		listed := map[string]bool{}
		for _, x := range tries {
			listed[x.route] = true
			t.Run(x.route, x.try)
		}
		for _, r := range s.h.Routes() {
			if r.Method != "GET" && !listed[r.Method+" "+r.Path] {
				t.Errorf("no test repeats %s %s", r.Method, r.Path)
			}
		}
		t.Run("a withdrawal of the mini program needs a key", func(t *testing.T) {
			if status, _, code := s.bert.api("POST", "/earnings/withdrawals", map[string]int{"amount_fen": 100}); status != 400 || code != "idempotency_key_needed" {
				t.Error(status, code)
			}
		})
	})
}

func (s *site) count(table string) (n int64) {
	s.t.Helper()
	if table != "" {
		s.must(s.DB.Read(ctx).Raw("SELECT COUNT(*) FROM " + table).Scan(&n).Error)
	}
	return n
}

// repeated sends the same twice and something else under one key: one answer, so many
// rows more, and a conflict.
func (s *site) repeated(t *testing.T, v *visitor, path string, same, other any, table string, rows int64) {
	t.Helper()
	before := s.count(table)
	send := func(in any) (int, string, string) {
		status, data, code := v.api("POST", path, in, "Idempotency-Key", "one-key-for-"+path)
		return status, fmt.Sprint(data), code
	}
	status, first, code := send(same)
	if status != 200 {
		t.Fatal(status, first, code)
	}
	if status, again, code := send(same); status != 200 || again != first {
		t.Fatalf("%d %s %s, first %s", status, again, code, first)
	}
	if status, _, code := send(other); status != http.StatusConflict || code != "key_reused" {
		t.Fatal(status, code)
	}
	if n := s.count(table) - before; n != rows {
		t.Fatalf("%d rows more in %s", n, table)
	}
}

// twice posts the same form of one page two times.
func (s *site) twice(t *testing.T, v *visitor, page, path string, fields url.Values, table string, rows int64) {
	t.Helper()
	before := s.count(table)
	if fields == nil {
		fields = url.Values{}
	}
	first := v.post(page, path, fields)
	again := v.send("POST", path, fields.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Origin", "https://siyu.test")
	if first.Code != http.StatusSeeOther || again.Code != first.Code || again.Header().Get("Location") != first.Header().Get("Location") {
		t.Fatal(first.Code, first.Header(), again.Code, again.Header(), again.Body)
	}
	if n := s.count(table) - before; n != rows {
		t.Fatalf("%d rows more in %s", n, table)
	}
}

// picture uploads a join code twice.
func (s *site) picture(t *testing.T, groupPath string) {
	t.Helper()
	png, err := group.Draw("https://weixin.qq.com/g/AwYAACBBBBxyz", 8)
	s.must(err)
	token := s.h.Sessions.FormToken(&s.anna.session)
	for range 2 {
		body := "--x\r\nContent-Disposition: form-data; name=\"form_token\"\r\n\r\n" + token + "\r\n--x\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n" + string(png) + "\r\n--x--\r\n"
		a := s.anna.send("POST", groupPath+"/qr", body, "Content-Type", "multipart/form-data; boundary=x", "Origin", "https://siyu.test")
		if a.Code != http.StatusSeeOther {
			t.Fatal(a.Code, a.Body)
		}
	}
	s.anna.get(groupPath).says(t, 200, "更换二维码", "data:image/png;base64")
}

// TestMoney follows a withdrawal on the pages.
func TestMoney(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.cast().settle()
		s.dora.get("/earnings").says(t, 200, "¥5.00", "一位您推荐的用户验证了 1 件商品", "已结算")
		s.dora.get("/earnings/withdraw").says(t, 200, "还没有开通提现")
		s.payOut()
		list, err := s.pay.Accruals(ctx, s.Brand.ID, []id.ID{s.dora.member}, commission.Filter{}, 0, 1)
		s.must(err)
		s.dora.get("/earnings/accruals/"+list[0].ID.String()).says(t, 200, "扫码佣金", "每件 5.00 元", "2 天")
		s.dora.get("/earnings/statements").says(t, 200, "¥5.00")
		for _, amount := range []string{"", "x", "-1", "1.234", "999999", "5.01"} {
			if a := s.dora.post("/earnings/withdraw", "/earnings/withdraw", url.Values{"amount": {amount}}); a.Code != 400 && a.Code != 409 {
				t.Errorf("%q: %d", amount, a.Code)
			}
		}
		a := s.dora.post("/earnings/withdraw", "/earnings/withdraw", url.Values{"amount": {"3"}})
		if a.Code != http.StatusSeeOther {
			t.Fatal(a.Code, a.Body)
		}
		path := a.Header().Get("Location")
		s.dora.get(path).says(t, 200, "审核中", "撤回提现", "3.00")
		s.dora.get("/earnings").says(t, 200, "提现中", "¥3.00", "¥2.00")
		withdrawalID, err := id.Parse(strings.TrimPrefix(path, "/earnings/withdrawals/"))
		s.must(err)
		tax := money.Fen(60)
		_, err = s.withdrawals.Approve(ctx, withdrawalID, withdrawal.Decision{By: 1, TaxFen: &tax, Reason: "劳务报酬预扣"})
		s.must(err)
		s.dora.get(path).says(t, 200, "付款处理中", "2.40", "data-poll")
		form := url.Values{"form_token": {s.h.Sessions.FormToken(&s.dora.session)}}
		s.dora.send("POST", path+"/cancel", form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Origin", "https://siyu.test").says(t, 409)
	})
}
