package consumer

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/outbox"
	"siyu/model/push"
	"siyu/model/reach"
)

// sent gives somebody a message and returns the address at which he stops more of it.
func (s *site) sent(t *testing.T, openID string, pushes *push.Store) string {
	t.Helper()
	p, err := pushes.Create(t.Context(), push.Form{BrandID: s.Brand.ID, Name: "镜片", Purpose: reach.Marketing, Timing: push.Now}, 1)
	if err != nil {
		t.Fatal(err)
	}
	deliveryID := s.DB.NewID()
	if err := s.DB.InTx(t.Context(), func(tx *gorm.DB) error {
		return tx.Exec("INSERT INTO push_delivery (id, run_id, member_id, lane, arm, state, reason, channel, use_no, code, tries, take_id, ticket_id, due_at, first_at, moved_at) VALUES (?,?,?,0,0,'sent','','sms',0,'',1,?,0,0,0,0)", deliveryID, p.ID, s.memberOf(openID), deliveryID).Error
	}); err != nil {
		t.Fatal(err)
	}
	return "/l/" + pushes.Token(deliveryID, 0) + "/stop"
}

func TestLinksOfMessages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{})
		out := outbox.New(d)
		events := event.New(d, out)
		pushes := push.New(push.Deps{DB: d, LinkKey: []byte("key"), Outbox: out, Events: events})
		s.h.Links = pushes
		p, err := pushes.Create(t.Context(), push.Form{BrandID: s.Brand.ID, Name: "镜片", Purpose: reach.Marketing, Timing: push.Now,
			Body: push.Body{Links: []push.Link{{Title: "商品页", URL: "https://shop.example.cn/lens?from=siyu"}}}}, 1)
		if err == nil {
			err = d.InTx(t.Context(), func(tx *gorm.DB) error {
				return tx.Exec("INSERT INTO push_delivery (id, run_id, member_id, lane, arm, state, reason, channel, use_no, code, tries, take_id, ticket_id, due_at, first_at, moved_at) VALUES (77,?,5,0,0,'sent','','sms',0,'',1,77,0,0,0,0)", p.ID).Error
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		get := func(token string) *httptest.ResponseRecorder {
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "https://public.test/l/"+token, nil)
			r.Header.Set("User-Agent", cameraUA)
			s.engine.ServeHTTP(w, r)
			return w
		}
		// Who fetches it without a tap is shown where it leads, and nothing is told of it.
		for _, said := range [][2]string{{"Sec-Purpose", "prefetch;prerender"}, {"X-Purpose", "preview"}, {"User-Agent", ""}, {"User-Agent", "curl/8.5.0"},
			{"User-Agent", "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 (compatible; Bytespider; spider-feedback@bytedance.com)"},
			{"User-Agent", "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"}} {
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "https://public.test/l/"+pushes.Token(77, 1), nil)
			r.Header.Set("User-Agent", cameraUA)
			r.Header.Set(said[0], said[1])
			if s.engine.ServeHTTP(w, r); w.Code != http.StatusFound || s.count("push_click") != 0 {
				t.Errorf("%s: %d, %d clicks", said, w.Code, s.count("push_click"))
			}
		}
		w := get(pushes.Token(77, 1))
		if w.Code != http.StatusFound || w.Header().Get("Location") != "https://shop.example.cn/lens?from=siyu" || w.Header().Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
		// Whoever shows a link fetches it, too: one tap of a copy's link is told, however often.
		for range 3 {
			get(pushes.Token(77, 1))
		}
		told, err := events.Timeline(t.Context(), []id.ID{5}, nil, event.Cursor{}, 10)
		if err != nil || len(told) != 1 || told[0].Type != event.MessageTap || told[0].BrandID != s.Brand.ID ||
			!strings.Contains(string(told[0].Body), `"message":"push:`+p.ID.String()) || !strings.Contains(string(told[0].Body), "https://shop.example.cn/lens") {
			t.Errorf("%v %+v", err, told)
		}
		for _, other := range []string{"x", pushes.Token(77, 2), pushes.Token(78, 1), pushes.Token(77, 1)[:23] + "?url=https://evil.cn", "https:%2F%2Fevil.cn"} {
			if w := get(other); w.Code != http.StatusNotFound || w.Header().Get("Location") != "" {
				t.Errorf("%s: %d %s", other, w.Code, w.Header().Get("Location"))
			}
		}
		t.Run("the stop link asks what to stop, and stops it for who was sent it", func(t *testing.T) {
			lin := s.phone("lin")
			lin.claim(1)
			who := s.memberOf("oa_lin")
			if _, err := consent.New(d).Put(t.Context(), consent.Consent{MemberID: who, Purpose: consent.Marketing, Given: true, Channel: consent.H5}); err != nil {
				t.Fatal(err)
			}
			if err := d.InTx(t.Context(), func(tx *gorm.DB) error {
				return errors.Join(tx.Exec("UPDATE push_delivery SET member_id = ? WHERE id = 77", who).Error, tx.Exec("UPDATE push SET topic = '新品介绍', why = '只买过护理液' WHERE id = ?", p.ID).Error)
			}); err != nil {
				t.Fatal(err)
			}
			stop := "/l/" + pushes.Token(77, 0) + "/stop"
			if w := get(pushes.Token(77, 0)); w.Code != http.StatusFound || !strings.HasSuffix(w.Header().Get("Location"), stop) {
				t.Fatal(w.Code, w.Header())
			}
			stranger := s.phone("nobody") // a text message opens in any browser
			stranger.ua = cameraUA
			page := stranger.get(stop)
			page.says(t, 200, "退订", s.Brand.Name+"的营销消息", "只退订“新品介绍”")
			page.saysNot(t, "护理液", "已退订")
			if page.Header().Get("Referrer-Policy") != "no-referrer" {
				t.Error("the address leaks")
			}
			before := s.count("reach_optout")
			for _, what := range []string{"topic", "brand"} {
				stranger.post(page, stop, url.Values{"what": {what}, "refused": {"1"}})
			}
			if !s.refused(t, who, reach.SMS, "其他") || s.count("reach_optout") != before+2 {
				t.Error("nothing was stopped")
			}
			stranger.get(stop+"?done=1").says(t, 200, "已保存，立即生效", "已退订", "恢复接收")
			stranger.post(page, stop, url.Values{"what": {"brand"}, "refused": {"0"}})
			if s.refused(t, who, reach.SMS, "其他") || !s.refused(t, who, reach.SMS, "新品介绍") {
				t.Error("the brand comes back, the topic does not")
			}
			// What he himself refuses is not for whoever has an old message of his.
			if err := s.h.Wishes.OptOut(t.Context(), reach.Wish{MemberID: who, BrandID: s.Brand.ID, Source: "h5"}); err != nil {
				t.Fatal(err)
			}
			stranger.get(stop).saysNot(t, "恢复接收")
			if a := stranger.post(page, stop, url.Values{"what": {"brand"}, "refused": {"0"}}); a.Code != http.StatusForbidden || !s.refused(t, who, reach.SMS, "其他") {
				t.Errorf("%d, and he is written to again", a.Code)
			}
			for _, bad := range []url.Values{{"what": {"all"}, "refused": {"1"}}, {"what": {"brand"}}} {
				if a := stranger.post(page, stop, bad); a.Code != 400 {
					t.Error(bad, a.Code)
				}
			}
			for _, other := range []string{pushes.Token(77, 1), pushes.Token(78, 0), "x"} {
				if a := stranger.get("/l/" + other + "/stop"); a.Code != 404 {
					t.Error(other, a.Code)
				}
				if a := stranger.post(page, "/l/"+other+"/stop", url.Values{"what": {"brand"}, "refused": {"1"}}); a.Code != 404 {
					t.Error(other, a.Code)
				}
			}
			if a := stranger.send("POST", stop, "what=brand&refused=1", "Content-Type", "application/x-www-form-urlencoded"); a.Code != 403 {
				t.Error("no form of ours:", a.Code)
			}
		})
		var clicks int
		if err := d.Read(t.Context()).Raw("SELECT clicks FROM push_click WHERE delivery_id = 77 AND member_id = 5").Scan(&clicks).Error; err != nil || clicks != 4 {
			t.Errorf("%d clicks, %v", clicks, err)
		}
	})
}
