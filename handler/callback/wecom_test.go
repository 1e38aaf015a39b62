package callback_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/notice"
	"siyu/model/wecom"
	"siyu/wechat"
)

func joined(chat string, at int) string {
	return fmt.Sprintf(`<xml><ToUserName><![CDATA[%s]]></ToUserName><FromUserName>sys</FromUserName><CreateTime>%d</CreateTime><MsgType>event</MsgType>
<Event>change_external_chat</Event><ChatId>%s</ChatId><ChangeType>update</ChangeType><UpdateDetail>add_member</UpdateDetail><JoinScene>3</JoinScene></xml>`, corpID, at, chat)
}

// corpSealed encrypts for a corp: the library's cipher, the tests' signature.
func (s *site) corpSealed(t *testing.T, inside, plain string) (url.Values, []byte) {
	t.Helper()
	out, err := wechat.SealReply(wechat.App{AppID: inside, Token: token, AESKey: aesKey, Secure: true}, nil, []byte(plain), s.clk.Now().Time())
	if err != nil {
		t.Fatal(err)
	}
	var x struct{ Encrypt string }
	if err := xml.Unmarshal(out, &x); err != nil {
		t.Fatal(err)
	}
	return s.corpQuery(x.Encrypt), []byte("<xml><ToUserName>" + corpID + "</ToUserName><AgentID></AgentID><Encrypt>" + x.Encrypt + "</Encrypt></xml>")
}

func (s *site) corpQuery(sealed string) url.Values {
	ts := strconv.FormatInt(s.clk.Now().Time().Unix(), 10)
	return url.Values{"timestamp": {ts}, "nonce": {"n1"}, "msg_signature": {sign(token, ts, "n1", sealed)}}
}

func TestCorpEvents(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk)
		push := func(q url.Values, body []byte) *httptest.ResponseRecorder {
			return s.do("POST", "/wx/callback/corp?"+q.Encode(), body, nil)
		}
		t.Run("three deliveries, each encrypted anew, are one notice and answered success", func(t *testing.T) {
			for range 3 {
				q, body := s.corpSealed(t, corpID, joined("wr1", 1795233600))
				if w := push(q, body); w.Code != 200 || w.Body.String() != "success" {
					t.Fatal(w.Code, w.Body.String())
				}
				clk.Advance(5 * time.Second)
			}
			var list []notice.Notice
			if err := d.Read(context.Background()).Where("source = ?", notice.WeCom).Find(&list).Error; err != nil || len(list) != 1 || s.count(t, "outbox") != 1 {
				t.Fatal(len(list), err)
			}
			var p wecom.Push
			if err := json.Unmarshal(list[0].Body, &p); err != nil || p.ChatID != "wr1" || p.Event != "change_external_chat" || p.ChangeType != "update" || p.Detail != "add_member" ||
				p.CreatedAt != 1795233600 || p.CorpID != corpID || !strings.Contains(p.Raw, "JoinScene") {
				t.Fatalf("%+v %v", p, err)
			}
		})
		t.Run("ten deliveries at once are one notice", func(t *testing.T) {
			var wg sync.WaitGroup
			for range 10 {
				q, body := s.corpSealed(t, corpID, joined("wr2", 1795233600))
				wg.Go(func() {
					if w := push(q, body); w.Code != 200 {
						t.Error(w.Code, w.Body.String())
					}
				})
			}
			wg.Wait()
			if n := s.count(t, "notice"); n != 2 {
				t.Fatal(n)
			}
		})
		t.Run("an event nobody knows is kept and acknowledged", func(t *testing.T) {
			q, body := s.corpSealed(t, corpID, strings.ReplaceAll(joined("wr3", 1795233600), "change_external_chat", "new_thing"))
			if w := push(q, body); w.Code != 200 || s.count(t, "notice") != 3 {
				t.Fatal(w.Code, w.Body.String())
			}
		})
		t.Run("what somebody wrote to an app of the corp is not kept", func(t *testing.T) {
			q, body := s.corpSealed(t, corpID, strings.Replace(joined("wr4", 1795233600), "<MsgType>event", "<MsgType>text", 1))
			if w := push(q, body); w.Code != 200 || w.Body.String() != "success" || s.count(t, "notice") != 3 {
				t.Fatal(w.Code, w.Body.String())
			}
		})
		t.Run("what cannot be stored is not acknowledged", func(t *testing.T) {
			s.store.fail.Store(true)
			defer s.store.fail.Store(false)
			q, body := s.corpSealed(t, corpID, joined("wr5", 1795233600))
			if w := push(q, body); w.Code != 500 {
				t.Fatal(w.Code, w.Body.String())
			}
		})
		t.Run("the address is verified with the decrypted echo", func(t *testing.T) {
			_, body := s.corpSealed(t, corpID, "6181920")
			var x struct{ Encrypt string }
			if err := xml.Unmarshal(body, &x); err != nil {
				t.Fatal(err)
			}
			q := s.corpQuery(x.Encrypt)
			q.Set("echostr", x.Encrypt)
			if w := s.do("GET", "/wx/callback/corp?"+q.Encode(), nil, nil); w.Code != 200 || w.Body.String() != "6181920" {
				t.Fatal(w.Code, w.Body.String())
			}
			q.Set("msg_signature", sign("wrong"))
			if w := s.do("GET", "/wx/callback/corp?"+q.Encode(), nil, nil); w.Code != 403 || strings.Contains(w.Body.String(), "6181920") {
				t.Fatal(w.Code, w.Body.String())
			}
		})
	})
}

func TestCorpEventsOfAttackers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk)
		good := joined("wr1", 1795233600)
		q, body := s.corpSealed(t, corpID, good)
		with := func(k, v string) url.Values {
			c := url.Values{}
			for name, values := range q {
				c[name] = values
			}
			c.Set(k, v)
			return c
		}
		otherQ, other := s.corpSealed(t, "ww9", good)
		bomb := `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>` + strings.Replace(good, "wr1", "&b;", 1)
		bombQ, sealedBomb := s.corpSealed(t, corpID, bomb)
		for _, row := range []struct {
			name   string
			q      url.Values
			body   string
			status int
			code   string
		}{
			{"a wrong msg_signature", with("msg_signature", sign("wrong")), string(body), 403, "signature"},
			{"an official account's signature only", s.query(), string(body), 403, "signature"},
			{"plaintext", q, good, 403, "plaintext"},
			{"plaintext under an official account's signature", s.query(), good, 403, "plaintext"},
			{"another corp in the cipher text", otherQ, string(other), 400, "malformed"},
			{"a cipher text of five bytes", s.corpQuery("AAAAAAA="), "<xml><Encrypt>AAAAAAA=</Encrypt></xml>", 400, "malformed"},
			{"an entity bomb", q, bomb, 400, "malformed"},
			{"an entity bomb inside", bombQ, string(sealedBomb), 400, "malformed"},
			{"nothing", q, "", 400, "malformed"},
			{"ten megabytes", q, strings.Repeat("x", 10<<20), 413, "body_too_large"},
		} {
			w := s.do("POST", "/wx/callback/corp?"+row.q.Encode(), []byte(row.body), nil)
			if w.Code != row.status || !strings.Contains(w.Body.String(), `"`+row.code+`"`) {
				t.Errorf("%s: %d %s", row.name, w.Code, w.Body.String())
			}
		}
		if w := s.do("POST", "/wx/callback/safe?"+q.Encode(), body, nil); w.Code == 200 {
			t.Error("a corp's push was taken at an official account's address")
		}
		clk.Advance(10 * time.Minute)
		if w := s.do("POST", "/wx/callback/corp?"+q.Encode(), body, nil); w.Code != 403 || !strings.Contains(w.Body.String(), "replayed") {
			t.Error("ten minutes later:", w.Code, w.Body.String())
		}
		if n := s.count(t, "notice"); n != 0 {
			t.Fatal("something unverified was stored", n)
		}
	})
}
