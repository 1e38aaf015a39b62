package consumer

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/push"
)

// repeated sends the same thing twice under one key and something else under the same
// key: one answer, one new row in the table, and a conflict.
func (p *phone) repeated(t *testing.T, path, bearer, table string, same, other any) {
	t.Helper()
	p.repeatedBy(t, "POST", path, bearer, table, same, other)
}

func (p *phone) repeatedBy(t *testing.T, method, path, bearer, table string, same, other any) {
	t.Helper()
	before := p.count(table)
	send := func(in any) (int, string, string) {
		status, data, code := p.api(method, path, bearer, in, "Idempotency-Key", "one-key-for-"+path)
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
	if n := p.count(table) - before; n != 1 {
		t.Fatalf("%d rows more in %s", n, table)
	}
}

// twice posts the same form of one page two times: a second tap, or a browser that lost
// the answer. Forms carry no Idempotency-Key.
func (p *phone) twice(t *testing.T, page answer, path, table string, fields url.Values) {
	t.Helper()
	before := p.count(table)
	first, again := p.post(page, path, fields), p.post(page, path, fields)
	if first.Code != http.StatusSeeOther || again.Code != first.Code || again.Header().Get("Location") != first.Header().Get("Location") {
		t.Fatal(first.Code, first.Header(), again.Code, again.Header())
	}
	if n := p.count(table) - before; n != 1 {
		t.Fatalf("%d rows more in %s", n, table)
	}
}

// Every write of the consumer's side. A route that is not listed fails the test.
func TestRetries(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{})
		mini := s.phone("mi")
		mini.get("/packets") // the red packet goes to the openid of the official account
		bearer := mini.miniLogin()
		code := func(serial int64) map[string]string { return map[string]string{"code": s.token(serial)} }
		tries := map[string]func(t *testing.T){
			"POST /api/v1/scan":  func(t *testing.T) { mini.repeated(t, "/api/v1/scan", bearer, "scan", code(1), code(2)) },
			"POST /api/v1/claim": func(t *testing.T) { mini.repeated(t, "/api/v1/claim", bearer, "claim", code(1), code(2)) },
			"POST /api/v1/location": func(t *testing.T) {
				mini.repeated(t, "/api/v1/location", bearer, "consent", place{Agree: true}, place{})
			},
			// WeChat's code works once and the answer is a secret: nothing is kept, whoever
			// lost the answer asks wx.login for another code. One person either way.
			"POST /api/v1/login": func(t *testing.T) {
				kept, people := s.count("replay"), s.count("person")
				for _, who := range []string{"neu", "neu", "noch"} {
					status, data, code := s.phone(who).api("POST", "/api/v1/login", "", map[string]string{"app_id": miniID, "code": who}, "Idempotency-Key", "login")
					if status != 200 || data["token"] == "" {
						t.Fatal(status, code)
					}
				}
				if s.count("replay") != kept || s.count("person") != people+2 {
					t.Fatal(s.count("replay")-kept, s.count("person")-people)
				}
			},
			"POST /api/v1/group": func(t *testing.T) {
				l, _ := s.liveCode(50)
				mini.repeated(t, "/api/v1/group", bearer, "live_hand", map[string]string{"code": l.Token}, map[string]string{"code": "x"})
			},
			"POST /g/:token": func(t *testing.T) {
				l, _ := s.liveCode(50)
				lin := s.phone("nameless")
				lin.twice(t, lin.get("/g/"+l.Token+"?wx=failed"), "/g/"+l.Token, "live_hand", nil)
			},
			"POST /q/:token/claim": func(t *testing.T) {
				lin := s.phone("lin")
				path := "/q/" + s.token(3)
				lin.twice(t, lin.get(path), path+"/claim", "claim", nil)
			},
			"POST /q/:token/report": func(t *testing.T) {
				path := "/q/0123456789ABCDEF"
				for _, who := range []*phone{s.phone("lin"), {site: s, ip: "31.0.0.9", ua: cameraUA, host: "q.example.cn", cookies: map[string]string{}}} {
					page := who.get(path)
					who.twice(t, page, path+"/report", "report", url.Values{"note": {"买到假货"}})
					who.twice(t, page, path+"/report", "report", url.Values{"note": {"补充：在集市买的"}})
				}
			},
			"PUT /api/v1/consents": func(t *testing.T) {
				mini.repeatedBy(t, "PUT", "/api/v1/consents", bearer, "consent", map[string]any{"purpose": "marketing", "given": true}, map[string]any{"purpose": "marketing", "given": false})
			},
			"POST /api/v1/rights": func(t *testing.T) {
				mini.repeated(t, "/api/v1/rights", bearer, "rights_request", map[string]string{"kind": "erase"}, map[string]string{"kind": "export"})
			},
			"POST /api/v1/rights/:id/cancel": func(t *testing.T) {
				_, asked, _ := mini.api("POST", "/api/v1/rights", bearer, map[string]string{"kind": "erase"})
				mini.repeated(t, "/api/v1/rights/"+asked["id"].(string)+"/cancel", bearer, "replay", map[string]string{}, map[string]string{"x": "y"})
			},
			// A link is a secret for ten minutes: nothing is kept, another call makes another.
			"POST /api/v1/rights/:id/ticket": func(t *testing.T) {
				requestID := mini.exported(t, bearer)
				kept := s.count("replay")
				for range 2 {
					if status, data, code := mini.api("POST", "/api/v1/rights/"+requestID+"/ticket", bearer, nil, "Idempotency-Key", "t"); status != 200 || data["url"] == "" {
						t.Fatal(status, data, code)
					}
				}
				if s.count("replay") != kept {
					t.Fatal("a link was kept")
				}
			},
			"POST /api/v1/phone": func(t *testing.T) {
				mini.repeated(t, "/api/v1/phone", bearer, "phone", map[string]any{"code": "00138000", "agree": true}, map[string]any{"code": "00138001", "agree": true})
				if s.wechat.asked != 1 {
					t.Fatal(s.wechat.asked, "paid questions")
				}
			},
			"POST /me/consents": func(t *testing.T) {
				lin := s.phone("lin")
				lin.twice(t, lin.get("/me/privacy"), "/me/consents", "consent", url.Values{"purpose": {"profiling"}, "given": {"1"}})
			},
			"POST /me/rights": func(t *testing.T) {
				lin := s.phone("lin")
				lin.twice(t, lin.get("/me/privacy"), "/me/rights", "rights_request", url.Values{"kind": {"erase"}, "understood": {"1"}})
			},
			"POST /me/rights/:id/cancel": func(t *testing.T) {
				ren := s.phone("ren")
				page := ren.get("/me/privacy")
				ren.post(page, "/me/rights", url.Values{"kind": {"erase"}, "understood": {"1"}})
				path := "/me/rights/" + ren.requestOf(t) + "/cancel"
				for range 2 {
					if a := ren.post(page, path, nil); a.Code != http.StatusSeeOther {
						t.Fatal(a.Code, a.Body)
					}
				}
			},
			"POST /me/rights/:id/ticket": func(t *testing.T) {
				bo := s.phone("bo")
				page := bo.get("/me/privacy")
				bo.post(page, "/me/rights", url.Values{"kind": {"export"}})
				requestID := bo.requestOf(t)
				s.work(t)
				for range 2 { // each tap is a new link to the same file
					if a := bo.post(page, "/me/rights/"+requestID+"/ticket", nil); a.Code != http.StatusSeeOther || !strings.Contains(a.Header().Get("Location"), "file=") {
						t.Fatal(a.Code, a.Body)
					}
				}
			},
			"PUT /api/v1/profile": func(t *testing.T) {
				mini.repeatedBy(t, "PUT", "/api/v1/profile", bearer, "profile_value", answersOf("杭州"), answersOf("宁波"))
			},
			"POST /api/v1/profile/skip": func(t *testing.T) {
				before := mini.count("profile_skip")
				mini.repeatedBy(t, "POST", "/api/v1/profile/skip", bearer, "replay", map[string]string{"field": "gender"}, map[string]string{"field": "city"})
				if n := mini.count("profile_skip") - before; n != 2 { // the question, and all for a while
					t.Fatal(n)
				}
			},
			"POST /me/profile": func(t *testing.T) {
				lin := s.phone("lin")
				lin.twice(t, lin.get("/me/profile"), "/me/profile", "profile_value", url.Values{"field": {"city"}, "value": {"杭州"}})
			},
			"PUT /api/v1/messages": func(t *testing.T) {
				mini.repeatedBy(t, "PUT", "/api/v1/messages", bearer, "reach_optout", map[string]any{"topic": "lens", "refused": true}, map[string]any{"topic": "lens", "refused": false})
			},
			"POST /l/:token/stop": func(t *testing.T) {
				pushes, ren := push.New(push.Deps{DB: d, LinkKey: []byte("key")}), s.phone("ren")
				s.h.Links = pushes
				ren.get("/packets")
				stop := ren.sent(t, "oa_ren", pushes)
				ren.twice(t, ren.get(stop), stop, "reach_optout", url.Values{"what": {"brand"}, "refused": {"1"}})
			},
			"POST /me/messages": func(t *testing.T) {
				lin := s.phone("lin")
				lin.twice(t, lin.get("/me/messages"), "/me/messages", "reach_optout", url.Values{"refused": {"1"}})
			},
			"POST /me/profile/skip": func(t *testing.T) {
				lin, page := s.phone("lin"), answer{}
				page = lin.get("/me/profile")
				for range 2 {
					if a := lin.post(page, "/me/profile/skip", url.Values{"field": {"gender"}}); a.Code != http.StatusSeeOther {
						t.Fatal(a.Code)
					}
				}
				lin.get("/me/profile").saysNot(t, "您的性别")
			},
			"POST /r/:token/join": func(t *testing.T) {
				neu, path := s.phone("invited"), "/r/"+s.invitation("inviter")
				neu.twice(t, neu.get(path), path+"/join", "referral_binding", nil)
			},
			"POST /me/invite/leave": func(t *testing.T) {
				neu, path := s.phone("leaving"), "/r/"+s.invitation("inviter")
				neu.post(neu.get(path), path+"/join", nil)
				neu.twice(t, neu.get("/me/invite"), "/me/invite/leave", "referral_binding WHERE state = 'ended'", url.Values{"brand_id": {s.Brand.ID.String()}})
			},
			"POST /api/v1/referral/join": func(t *testing.T) {
				neu := s.phone("small")
				neu.repeated(t, "/api/v1/referral/join", neu.miniLogin(), "referral_binding", map[string]string{"token": s.invitation("inviter")}, map[string]string{"token": s.invitation("other")})
			},
			"POST /api/v1/referral/leave": func(t *testing.T) {
				neu := s.phone("going")
				bearer := neu.miniLogin()
				neu.api("POST", "/api/v1/referral/join", bearer, map[string]string{"token": s.invitation("inviter")})
				neu.repeated(t, "/api/v1/referral/leave", bearer, "referral_binding WHERE state = 'ended'", map[string]string{}, map[string]string{"brand_id": "5"})
			},
			"POST /me/location": func(t *testing.T) {
				lin := s.phone("lin")
				lin.get("/q/" + s.token(3))
				lin.twice(t, lin.get("/privacy"), "/me/location", "consent", url.Values{"agree": {"1"}})
			},
		}
		for _, r := range s.h.Routes() {
			if r.Method == http.MethodGet {
				continue
			}
			name := r.Method + " " + r.Path
			try, there := tries[name]
			if !there {
				t.Errorf("%s: nobody says what a repeated call gets", name)
				continue
			}
			t.Run(name, try)
		}
		s.Audit(t)
	})
}

// The database is closed: whatever asks it anything fails.
func TestForgedCodesCostNoSQLEvenWithAKey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{})
		mini := s.phone("mi")
		bearer := mini.miniLogin()
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		forged := map[string]string{"code": "0123456789ABCDEF"}
		if status, data, code := mini.api("POST", "/api/v1/scan", bearer, forged, "Idempotency-Key", "k"); status != 200 || data["can_claim"] != false {
			t.Error(status, data, code)
		}
		if status, _, code := mini.api("POST", "/api/v1/claim", bearer, forged, "Idempotency-Key", "k"); status != 404 || code != "code_unknown" {
			t.Error(status, code)
		}
	})
}

// A customer of IPv6 owns a whole /64: changing the address within it must not help.
func TestChangingTheAddressWithinOneNetworkDoesNotHelp(t *testing.T) {
	clk := clock.NewFake(dbtest.Start)
	s := newSite(t, dbtest.Open(t, db.SQLite, clk), clk, claimtest.Setup{})
	at := func(i int) *phone {
		p := s.phone("nobody")
		p.ip, p.ua = fmt.Sprintf("2001:db8:7:7::%x", i+1), cameraUA
		return p
	}
	t.Run("looks that fill the disk", func(t *testing.T) {
		for i := range 80 {
			at(i).get("/q/" + s.token(5))
		}
		if n := s.count("scan"); n > 60 {
			t.Fatalf("%d rows of one customer", n)
		}
	})
	t.Run("reports", func(t *testing.T) {
		refused := 0
		for i := range 10 {
			p := at(i)
			if a := p.post(p.get("/q/0123456789ABCDEF"), "/q/0123456789ABCDEF/report", url.Values{"note": {fmt.Sprint(i)}}); a.Code == http.StatusTooManyRequests {
				refused++
			}
		}
		if refused < 5 {
			t.Fatalf("%d refused", refused)
		}
	})
	t.Run("log-ins, each of which asks WeChat", func(t *testing.T) {
		last := ""
		for i := range 70 {
			_, _, last = at(i).api("POST", "/api/v1/login", "", map[string]string{"app_id": miniID, "code": "x"})
		}
		if last != "too_many_logins" {
			t.Fatal(last)
		}
	})
}
