package consumer

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	book "siyu/model/phone"
	"siyu/model/rights"
)

// work does what the workers would do with requests that are due.
func (s *site) work(t *testing.T) {
	t.Helper()
	list, err := s.rights.List(context.Background(), "open", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if _, _, err := s.rights.Run(context.Background(), r.ID); err != nil {
			t.Fatal(err)
		}
	}
}

var requestLink = regexp.MustCompile(`/me/rights/(\d+)/`)

// requestOf finds the newest request on the member's own page.
func (p *phone) requestOf(t *testing.T) string {
	t.Helper()
	p.site.work(t)
	m := requestLink.FindStringSubmatch(p.get("/me/privacy").Body.String())
	if m == nil {
		t.Fatal("the page shows no request")
	}
	return m[1]
}

// exported asks for a copy by the API and waits for it.
func (p *phone) exported(t *testing.T, bearer string) string {
	t.Helper()
	status, asked, code := p.api("POST", "/api/v1/rights", bearer, map[string]string{"kind": "export"})
	if status != 200 {
		t.Fatal(status, code)
	}
	p.site.work(t)
	return asked["id"].(string)
}

func TestPrivacyCentre(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{})
		ctx := context.Background()
		p := s.phone("lin")
		p.claim(1)
		page := p.get("/me/privacy")
		who := s.memberOf("oa_lin")
		t.Run("every purpose is explained and nothing is ticked", func(t *testing.T) {
			page.says(t, 200, "由您决定", "服务必需")
			for _, x := range consent.Purposes() {
				page.says(t, 200, x.Title, x.Text, x.Law)
			}
			page.saysNot(t, "已同意", "checked")
		})
		t.Run("an answer is kept with what shows that it was given", func(t *testing.T) {
			if a := p.post(page, "/me/consents", url.Values{"purpose": {"marketing"}, "given": {"1"}}); a.Code != http.StatusSeeOther {
				t.Fatal(a.Code, a.Body)
			}
			p.get("/me/privacy?done=1").says(t, 200, "已保存", "已同意")
			list, err := s.h.Consents.History(ctx, who, 0, 10)
			if err != nil || len(list) != 1 || list[0].Page != "/me/consents" || list[0].RequestID == "" || list[0].IPHash == "" || strings.Contains(list[0].IPHash, "31.0") || list[0].TextHash == "" {
				t.Fatal(list, err)
			}
			p.post(page, "/me/consents", url.Values{"purpose": {"marketing"}, "given": {"0"}})
			if ok, err := s.h.Consents.Given(ctx, who, consent.Marketing); ok || err != nil {
				t.Fatal(ok, err)
			}
			for _, f := range []url.Values{{"purpose": {"marketing"}}, {"purpose": {"verify"}, "given": {"0"}}, {"purpose": {"x"}, "given": {"1"}}, {"purpose": {"marketing"}, "given": {"1"}, "form_token": {"forged"}}} {
				if a := p.post(page, "/me/consents", f); a.Code < 400 || a.Code >= 500 {
					t.Error(f, a.Code)
				}
			}
		})
		t.Run("taking the place back erases it in the same act, by whichever page", func(t *testing.T) {
			p.post(page, "/me/consents", url.Values{"purpose": {"exact_place"}, "given": {"1"}})
			s.mustExec("UPDATE scan SET exact_place = '31.2,121.4' WHERE member_id = ?", who)
			p.post(page, "/me/consents", url.Values{"purpose": {"exact_place"}, "given": {"0"}})
			var left int
			if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM scan WHERE exact_place <> ''").Scan(&left).Error; err != nil || left != 0 {
				t.Fatal(left, err)
			}
		})
		t.Run("a copy is made, fetched by a link, and by nobody else", func(t *testing.T) {
			p.post(page, "/me/rights", url.Values{"kind": {"export"}})
			requestID := p.requestOf(t)
			p.get("/me/privacy").says(t, 200, "文件已生成")
			if a := s.phone("eve").post(s.phone("eve").get("/me/privacy"), "/me/rights/"+requestID+"/ticket", nil); a.Code < 400 {
				t.Fatal("somebody else has a link:", a.Code)
			}
			a := p.post(page, "/me/rights/"+requestID+"/ticket", nil)
			shown := p.get(a.Header().Get("Location"))
			link := regexp.MustCompile(`/rights/file/[^"]+`).FindString(shown.Body.String())
			browser := &phone{site: s, ip: "31.0.0.9", ua: cameraUA, host: "q.example.cn", cookies: map[string]string{}}
			file := browser.send("GET", link, "")
			var c rights.Copy
			if err := json.Unmarshal(file.Body.Bytes(), &c); err != nil || file.Code != 200 || !strings.Contains(file.Body.String(), "oa_lin") || file.Header().Get("Content-Disposition") == "" {
				t.Fatal(file.Code, link, err)
			}
			if x := browser.send("GET", link[:len(link)-2]+"xx", ""); x.Code != 403 {
				t.Error("a changed link works:", x.Code)
			}
			clk.Advance(11 * time.Minute)
			if x := browser.send("GET", link, ""); x.Code != 403 {
				t.Error("an old link works:", x.Code)
			}
		})
		t.Run("closing the account says what it means, rests, and can be taken back", func(t *testing.T) {
			page.says(t, 200, "7 天可以撤回", "不折现", "至少保存三年", "新会员")
			if a := p.post(page, "/me/rights", url.Values{"kind": {"erase"}}); a.Code != 400 {
				t.Fatal("without the tick:", a.Code)
			}
			p.post(page, "/me/rights", url.Values{"kind": {"erase"}, "understood": {"1"}})
			now := p.get("/me/privacy")
			now.says(t, 200, "此前可以撤回", "注销回执")
			now.saysNot(t, "申请注销")
			p.post(page, "/me/rights/"+p.requestOf(t)+"/cancel", nil)
			p.get("/me/privacy").says(t, 200, "已撤回", "申请注销")
		})
		t.Run("after the erasure the session is nobody's, and the receipt shows the proof", func(t *testing.T) {
			p.post(page, "/me/rights", url.Values{"kind": {"erase"}, "understood": {"1"}})
			receipt := regexp.MustCompile(`/rights/receipt/[^"]+`).FindString(p.get("/me/privacy").Body.String())
			s.mustExec("UPDATE payout SET state = 'settled' WHERE member_id = ?", who)
			clk.Advance(6*24*time.Hour + 12*time.Hour)
			page = p.get("/me/privacy") // the form, the session lives seven days
			p.send("GET", receipt, "").says(t, 200, "此前可以撤回")
			clk.Advance(12 * time.Hour)
			p.claim(3) // a session of the day
			s.mustExec("UPDATE payout SET state = 'settled' WHERE member_id = ?", who)
			s.work(t)
			clk.Advance(3 * time.Minute)
			s.work(t)
			for _, path := range []string{"/packets", "/points", "/me/privacy"} {
				if a := p.send("GET", path, ""); a.Code == 200 {
					t.Errorf("%s still answers the old session", path)
				}
			}
			done := p.send("GET", receipt, "")
			done.says(t, 200, "您的个人信息已删除", "签名")
			var proof rights.Proof
			if err := json.Unmarshal(p.send("GET", receipt+"?format=json", "").Body.Bytes(), &proof); err != nil || !s.rights.VerifyProof(proof) {
				t.Error(proof, err)
			}
			p.get("/packets").says(t, 200, "还没有领取记录") // logged in anew: somebody else
			if s.memberOf("oa_lin") == who {
				t.Error("he is the old member again")
			}
			if m, err := s.members.Get(ctx, who); err != nil || m.State != member.Erased {
				t.Error(m, err)
			}
		})
	})
}

func (s *site) mustExec(stmt string, args ...any) {
	s.t.Helper()
	if _, err := s.DB.Pool().Exec(stmt, plain(args)...); err != nil {
		s.t.Fatal(err)
	}
}

func plain(args []any) []any {
	for i, a := range args {
		if n, ok := a.(id.ID); ok {
			args[i] = int64(n)
		}
	}
	return args
}

func TestPhoneLogin(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{})
		ctx := context.Background()
		n, err := s.phones.Put(ctx, number(t, "13900138000"))
		if err != nil {
			t.Fatal(err)
		}
		mini := s.phone("mi")
		bearer := mini.miniLogin()
		ask := func(in map[string]any) (int, map[string]any, string) {
			return mini.api("POST", "/api/v1/phone", bearer, in)
		}
		t.Run("without agreement nothing is asked or kept", func(t *testing.T) {
			if status, _, code := ask(map[string]any{"code": "00138000"}); status != 403 || code != "consent_missing" || s.wechat.asked != 0 {
				t.Fatal(status, code)
			}
		})
		t.Run("the number is WeChat's word, masked, and under the consent it was given with", func(t *testing.T) {
			status, data, code := ask(map[string]any{"code": "00138000", "agree": true, "match": true, "phone": "13800000000"})
			if status != 200 || data["phone"] != "139****8000" || data["state"] != identity.Attached {
				t.Fatal(status, data, code)
			}
			who := s.memberOf("mini_mi")
			for _, purpose := range []string{consent.Phone, consent.CRMMatch} {
				if ok, err := s.h.Consents.Given(ctx, who, purpose); !ok || err != nil {
					t.Error(purpose, ok, err)
				}
			}
			var key struct {
				Value string
				Phone int64
			}
			if err := d.Read(ctx).Raw("SELECT value, (SELECT COUNT(*) FROM phone) AS phone FROM identity_key WHERE kind = 'phone'").Scan(&key).Error; err != nil || key.Value != n || key.Phone != 1 {
				t.Error(key, err)
			}
		})
		t.Run("an old customer of a file is recognised when he says that he may be", func(t *testing.T) {
			hash, err := s.phones.Put(ctx, number(t, "13955556666"))
			if err != nil {
				t.Fatal(err)
			}
			old, err := s.h.Identities.ResolveMany(ctx, []identity.Item{{Keys: []identity.Key{{Kind: identity.Phone, Value: hash}, {Kind: identity.CRM, Scope: "store", Value: "A-17"}}}},
				identity.Evidence{Event: identity.CRMImport, By: 1, Channel: "import", Note: "old customers"})
			if err != nil || !old[0].New {
				t.Fatal(old, err)
			}
			back := s.phone("back")
			bearer := back.miniLogin()
			status, data, code := back.api("POST", "/api/v1/phone", bearer, map[string]any{"code": "55556666", "agree": true})
			if status != 200 || data["recognised"] != false || data["state"] != identity.InReview {
				t.Fatal("joined without his word:", status, data, code)
			}
			other := s.phone("other")
			hash, err = s.phones.Put(ctx, number(t, "13977778888"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.h.Identities.ResolveMany(ctx, []identity.Item{{Keys: []identity.Key{{Kind: identity.Phone, Value: hash}}}},
				identity.Evidence{Event: identity.CRMImport, By: 1, Channel: "import", Note: "old customers"}); err != nil {
				t.Fatal(err)
			}
			status, data, code = other.api("POST", "/api/v1/phone", other.miniLogin(), map[string]any{"code": "77778888", "agree": true, "match": true})
			if status != 200 || data["recognised"] != true || data["state"] != identity.Joined {
				t.Fatal(status, data, code)
			}
		})
		t.Run("a used code asks for another tap, and few questions are paid for", func(t *testing.T) {
			if status, _, code := ask(map[string]any{"code": "used", "agree": true}); status != 400 || code != "phone_code" {
				t.Fatal(status, code)
			}
			last := ""
			for range 5 {
				_, _, last = ask(map[string]any{"code": "00138000", "agree": true})
			}
			if last != "too_many_numbers" || s.wechat.asked > 5 {
				t.Fatal(last, s.wechat.asked)
			}
		})
		t.Run("it shows masked on the page of consents, and goes when the consent goes", func(t *testing.T) {
			s.h.Consents.OnWithdraw(consent.Phone, s.rights.ForgetPhonesTx)
			if status, _, code := mini.api("PUT", "/api/v1/consents", bearer, map[string]any{"purpose": "phone", "given": false}); status != 200 {
				t.Fatal(status, code)
			}
			if s.count("phone") != 2 { // those of the others
				t.Fatal("the number is still there")
			}
		})
	})
}

func number(t *testing.T, text string) book.Number {
	t.Helper()
	n, err := book.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
