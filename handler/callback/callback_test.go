package callback_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/follow"
	"siyu/model/notice"
	"siyu/model/redpacket"
	"siyu/wechat"
)

func TestMessages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk)
		push := func(slug string, q url.Values, body string) *httptest.ResponseRecorder {
			return s.do("POST", "/wx/callback/"+slug+"?"+q.Encode(), []byte(body), nil)
		}
		said := func(t *testing.T, w *httptest.ResponseRecorder) string {
			t.Helper()
			var x struct{ Content, ToUserName, FromUserName string }
			if err := xml.Unmarshal(w.Body.Bytes(), &x); err != nil || w.Code != 200 || x.ToUserName != "o1" || x.FromUserName != "gh_1" {
				t.Fatal(w.Code, w.Body.String(), err)
			}
			return x.Content
		}
		t.Run("three deliveries of a text are one notice and one answer", func(t *testing.T) {
			for range 3 {
				if got := said(t, push("plain", s.query(), text(1, "你好"))); got != "第 1 次回答" {
					t.Fatal(got)
				}
				clk.Advance(5 * time.Second)
			}
			if n, m := s.count(t, "notice"), s.count(t, "outbox"); n != 1 || m != 1 {
				t.Fatal(n, m)
			}
			if got := said(t, push("plain", s.query(), text(2, "你好"))); got != "第 2 次回答" {
				t.Fatal(got)
			}
		})
		t.Run("three deliveries at once agree as well", func(t *testing.T) {
			var wg sync.WaitGroup
			answers := make([]string, 3)
			for i := range answers {
				wg.Go(func() { answers[i] = said(t, push("plain", s.query(), text(3, "你好"))) })
			}
			wg.Wait()
			if answers[0] != answers[1] || answers[1] != answers[2] {
				t.Fatal(answers)
			}
			if n := s.count(t, "notice"); n != 3 {
				t.Fatal(n)
			}
		})
		t.Run("in safe mode question and answer are encrypted", func(t *testing.T) {
			q, body := s.sealed(t, "wxsafe", text(10, "红包"))
			w := s.do("POST", "/wx/callback/safe?"+q.Encode(), body, nil)
			if strings.Contains(w.Body.String(), "次回答") || !strings.Contains(w.Body.String(), "<Encrypt>") {
				t.Fatal(w.Body.String())
			}
			var x struct {
				Encrypt, MsgSignature, Nonce string
				TimeStamp                    string
			}
			if err := xml.Unmarshal(w.Body.Bytes(), &x); err != nil || x.MsgSignature != sign(token, x.TimeStamp, x.Nonce, x.Encrypt) {
				t.Fatal(w.Body.String(), err)
			}
		})
		t.Run("an event is stored with what a job needs, and answered with success", func(t *testing.T) {
			w := push("plain", s.query(), event("subscribe", 1795233600))
			if w.Body.String() != "success" {
				t.Fatal(w.Body.String())
			}
			var all []notice.Notice
			if err := d.Read(context.Background()).Where("source = ?", notice.Official).Find(&all).Error; err != nil {
				t.Fatal(err)
			}
			var found int
			for _, n := range all {
				var m follow.Message
				if err := json.Unmarshal(n.Body, &m); err != nil {
					t.Fatal(err)
				}
				if m.Event == "subscribe" && m.AppID == "wxplain" && m.OpenID == "o1" && m.CreatedAt == 1795233600 && strings.HasPrefix(m.Raw, "<xml>") && n.AccountID != 0 {
					found++
				}
			}
			if found != 1 {
				t.Fatal(found)
			}
		})
		t.Run("a mini program's text is stored and not answered", func(t *testing.T) {
			if w := push("mini", s.query(), text(20, "你好")); w.Body.String() != "success" || s.count(t, "notice WHERE source = 'mini'") != 1 {
				t.Fatal(w.Body.String())
			}
		})
		t.Run("where somebody is, is not kept", func(t *testing.T) {
			before := s.count(t, "notice")
			if w := push("plain", s.query(), event("LOCATION", 1795233601)); w.Body.String() != "success" || s.count(t, "notice") != before {
				t.Fatal(w.Body.String())
			}
		})
		t.Run("what cannot be stored is not acknowledged", func(t *testing.T) {
			s.store.fail.Store(true)
			w := push("plain", s.query(), text(30, "你好"))
			s.store.fail.Store(false)
			if w.Code != 500 || strings.Contains(w.Body.String(), "success") || strings.Contains(w.Body.String(), "disk full") {
				t.Fatal(w.Code, w.Body.String())
			}
			if w := push("plain", s.query(), text(30, "你好")); w.Code != 200 {
				t.Fatal("the second delivery was refused", w.Body.String())
			}
		})
		t.Run("without an answer the message is still taken", func(t *testing.T) {
			s.tell.fail.Store(true)
			w := push("plain", s.query(), text(31, "你好"))
			s.tell.fail.Store(false)
			if w.Code != 200 || w.Body.String() != "success" {
				t.Fatal(w.Code, w.Body.String())
			}
		})
		t.Run("the address is verified with the echo, and only with the right token", func(t *testing.T) {
			q := s.query()
			q.Set("echostr", "echo<script>")
			if w := s.do("GET", "/wx/callback/safe?"+q.Encode(), nil, nil); w.Code != 200 || w.Body.String() != "echo<script>" || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
				t.Fatal(w.Code, w.Header(), w.Body.String())
			}
			q.Set("nonce", "n2")
			if w := s.do("GET", "/wx/callback/safe?"+q.Encode(), nil, nil); w.Code != 403 || strings.Contains(w.Body.String(), "echo") {
				t.Fatal(w.Code, w.Body.String())
			}
		})
	})
}

func TestScans(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk)
		push := func(slug, body string) string {
			return s.do("POST", "/wx/callback/"+slug+"?"+s.query().Encode(), []byte(body), nil).Body.String()
		}
		t.Run("who scanned a code that somebody knows is greeted, the same however often it comes", func(t *testing.T) {
			first := push("plain", scanned("subscribe", "qrscene_REFERRAL", 1795233600))
			again := push("plain", scanned("subscribe", "qrscene_REFERRAL", 1795233600))
			if !strings.Contains(first, "第 1 次问候") || !strings.Contains(again, "第 1 次问候") || s.count(t, "notice") != 1 {
				t.Errorf("%s\n%s", first, again)
			}
			if got := push("plain", scanned("SCAN", "REFERRAL", 1795233601)); !strings.Contains(got, "第 2 次问候") {
				t.Error(got)
			}
		})
		t.Run("other scenes, other events and mini programs are only stored", func(t *testing.T) {
			before := s.count(t, "notice")
			for i, c := range []struct{ slug, body string }{
				{"plain", scanned("subscribe", "qrscene_shop", 1795233610)}, {"plain", scanned("subscribe", "", 1795233611)}, {"plain", scanned("SCAN", "shop", 1795233612)},
				{"plain", scanned("CLICK", "REFERRAL", 1795233613)}, {"plain", scanned("unsubscribe", "REFERRAL", 1795233614)}, {"mini", scanned("SCAN", "REFERRAL", 1795233615)},
			} {
				if got := push(c.slug, c.body); got != "success" {
					t.Errorf("%d: %s", i, got)
				}
			}
			if n := s.count(t, "notice") - before; n != 6 {
				t.Errorf("%d stored", n)
			}
		})
	})
}

func TestHostileMessages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk)
		sealedQuery, sealedBody := s.sealed(t, "wxsafe", text(1, "x"))
		otherQuery, otherBody := s.sealed(t, "wxother", text(1, "x"))
		with := func(q url.Values, k, v string) url.Values {
			out := url.Values{}
			for name, vs := range q {
				out[name] = vs
			}
			out.Set(k, v)
			return out
		}
		bomb := `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><xml><FromUserName>&b;</FromUserName></xml>`
		for _, row := range []struct {
			name, slug string
			q          url.Values
			body       string
			status     int
			code       string
		}{
			{"a wrong signature", "plain", with(s.query(), "signature", strings.Repeat("0", 40)), text(1, "x"), 403, "signature"},
			{"no query at all", "plain", nil, text(1, "x"), 403, "signature"},
			{"a right signature with a wrong msg_signature", "safe", with(sealedQuery, "msg_signature", strings.Repeat("0", 40)), string(sealedBody), 403, "signature"},
			{"plaintext in safe mode", "safe", s.query(), text(1, "x"), 403, "plaintext"},
			{"plaintext that says it is encrypted", "safe", with(s.query(), "encrypt_type", "aes"), text(1, "x"), 403, "plaintext"},
			{"a message for another app", "safe", otherQuery, string(otherBody), 400, "malformed"},
			{"a ciphertext of five bytes", "safe", with(s.query(), "msg_signature", sign(token, s.query().Get("timestamp"), "n1", "AAAAAAA=")), "<xml><Encrypt>AAAAAAA=</Encrypt></xml>", 400, "malformed"},
			{"an entity bomb", "plain", s.query(), bomb, 400, "malformed"},
			{"no XML", "plain", s.query(), "hello", 400, "malformed"},
			{"nothing", "plain", s.query(), "", 400, "malformed"},
			{"not UTF-8", "plain", s.query(), "<xml>\xff\xfe</xml>", 400, "bad_utf8"},
			{"ten megabytes", "plain", s.query(), strings.Repeat("x", 10<<20), 413, "body_too_large"},
			{"an unknown address", "nobody", s.query(), text(1, "x"), 404, "account_not_found"},
			{"a merchant's address", "pay1", s.query(), text(1, "x"), 404, "account_not_found"},
		} {
			w := s.do("POST", "/wx/callback/"+row.slug+"?"+row.q.Encode(), []byte(row.body), nil)
			if w.Code != row.status || !strings.Contains(w.Body.String(), `"`+row.code+`"`) {
				t.Errorf("%s: %d %s", row.name, w.Code, w.Body.String())
			}
		}
		t.Run("a push seen ten minutes ago is refused", func(t *testing.T) {
			q := s.query()
			clk.Advance(10 * time.Minute)
			if w := s.do("POST", "/wx/callback/plain?"+q.Encode(), []byte(text(1, "x")), nil); w.Code != 403 || !strings.Contains(w.Body.String(), "replayed") {
				t.Fatal(w.Code, w.Body.String())
			}
		})
		if n, m := s.count(t, "notice"), s.count(t, "replay"); n != 0 || m != 0 || s.tell.said.Load() != 0 {
			t.Fatal("something unverified was stored or answered", n, m)
		}
	})
}

func TestTransferNotices(t *testing.T) {
	const bill = `{"mch_id":"1900000001","out_bill_no":"SY20261121000000000001","transfer_bill_no":"W1","state":"SUCCESS","transfer_amount":188,"openid":"o1"}`
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk)
		send := func(body []byte, h http.Header) *httptest.ResponseRecorder {
			return s.do("POST", "/wx/pay/pay1/transfer", body, h)
		}
		t.Run("deliveries of one notice are one report", func(t *testing.T) {
			for range 3 {
				body, h := s.notify(t, "EV-1", bill)
				if w := send(body, h); w.Code != 204 || w.Body.Len() != 0 {
					t.Fatal(w.Code, w.Body.String())
				}
				clk.Advance(15 * time.Second)
			}
			var n notice.Notice
			if err := d.Read(context.Background()).Where("source = ?", notice.Transfer).Take(&n).Error; err != nil || s.count(t, "notice") != 1 || s.count(t, "outbox") != 1 {
				t.Fatal(err)
			}
			var r redpacket.Report
			want := redpacket.Report{BillNo: "SY20261121000000000001", Out: redpacket.OutSettled, WechatNo: "W1", Code: "SUCCESS", OpenID: "o1", AmountFen: 188}
			if err := json.Unmarshal(n.Body, &r); err != nil || r != want {
				t.Fatalf("%+v %v", r, err)
			}
		})
		t.Run("every outcome has the payout's own word", func(t *testing.T) {
			for out, state := range map[string]wechat.PayState{redpacket.OutAccepted: wechat.PayAccepted, redpacket.OutSettled: wechat.PaySettled,
				redpacket.OutReturned: wechat.PayReturned, redpacket.OutFailed: wechat.PayFailed, redpacket.OutDelay: wechat.PayDelay,
				redpacket.OutHold: wechat.PayHold, redpacket.OutUnknown: wechat.PayUnknown, redpacket.OutNotFound: wechat.PayNotFound} {
				if out != string(state) {
					t.Errorf("%s is not %s", out, state)
				}
			}
		})
		t.Run("what cannot be stored is not acknowledged", func(t *testing.T) {
			s.store.fail.Store(true)
			body, h := s.notify(t, "EV-2", bill)
			w := send(body, h)
			s.store.fail.Store(false)
			if w.Code != 500 || !strings.Contains(w.Body.String(), `"code":"FAIL"`) || strings.Contains(w.Body.String(), "disk full") {
				t.Fatal(w.Code, w.Body.String())
			}
		})
		t.Run("forgeries, probes and other merchants' notices change nothing", func(t *testing.T) {
			before := s.count(t, "notice")
			body, h := s.notify(t, "EV-3", bill)
			foreign, fh := s.notify(t, "EV-4", strings.Replace(bill, "1900000001", "1900000002", 1))
			long, lh := s.notify(t, strings.Repeat("E", 200), bill)
			change := func(k, v string) http.Header {
				c := h.Clone()
				c.Set(k, v)
				return c
			}
			for _, row := range []struct {
				name   string
				body   []byte
				h      http.Header
				status int
			}{
				{"no signature", body, nil, 401},
				{"a changed body", []byte(strings.Replace(string(body), "EV-3", "EV-9", 1)), h, 401},
				{"a signature probe", body, change("Wechatpay-Signature", "WECHATPAY/SIGNTEST/"+h.Get("Wechatpay-Signature")), 401},
				{"another key's serial", body, change("Wechatpay-Serial", "PUB_KEY_ID_2"), 401},
				{"another merchant's notice", foreign, fh, 400},
				{"an endless notice id", long, lh, 400},
				{"ten megabytes", []byte(strings.Repeat("x", 10<<20)), h, 413},
			} {
				w := send(row.body, row.h)
				if w.Code != row.status || !strings.Contains(w.Body.String(), `"code":"FAIL"`) || strings.Contains(w.Body.String(), v3Key) {
					t.Errorf("%s: %d %s", row.name, w.Code, w.Body.String())
				}
			}
			clk.Advance(10 * time.Minute)
			if w := send(body, h); w.Code != 403 || !strings.Contains(w.Body.String(), `"code":"FAIL"`) {
				t.Error("an old notice:", w.Code, w.Body.String())
			}
			if w := s.do("POST", "/wx/pay/plain/transfer", body, h); w.Code != 404 {
				t.Error("an official account's address:", w.Code)
			}
			if n := s.count(t, "notice"); n != before {
				t.Fatal(n)
			}
		})
	})
}
