package consumer

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"siyu/model/brand"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/quiet"
	"siyu/model/reach"
)

// told plays model/push: what each member was sent.
type told map[id.ID][]push.Received

func (t told) ForMember(_ context.Context, family []id.ID) (list []push.Received, _ error) {
	for _, m := range family {
		list = append(list, t[m]...)
	}
	return list, nil
}

func newWishes(s *site) *reach.Store {
	return reach.New(reach.Deps{DB: s.DB, People: s.people, Members: s.members, Quiet: quiet.New(s.DB),
		Accounts: func(ctx context.Context, accountID id.ID) (brand.Account, error) {
			return s.Brands.Account(ctx, accountID)
		}})
}

// mayReach asks the ledger whether opting out is why somebody gets no offer.
func (s *site) refused(t *testing.T, memberID id.ID, channel, topic string) bool {
	t.Helper()
	ask := reach.Ask{BrandID: s.Brand.ID, Purpose: reach.Marketing, Topic: topic, Uses: []reach.Use{{Channel: channel}}}
	list, err := s.h.Wishes.(*reach.Store).Look(context.Background(), ask, []id.ID{memberID})
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	return list[0].Reason == reach.OptedOut || slices.Contains(list[0].Each, reach.OptedOut)
}

func TestMessages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{})
		lin := s.phone("lin")
		lin.claim(1)
		who := s.memberOf("oa_lin")
		if _, err := consent.New(d).Put(context.Background(), consent.Consent{MemberID: who, Purpose: consent.Marketing, Given: true, Channel: consent.H5}); err != nil {
			t.Fatal(err)
		}
		s.told[who] = []push.Received{
			{DeliveryID: 900, BrandID: s.Brand.ID, Title: "流失老客召回第二波", Topic: "新品介绍", Purpose: reach.Marketing, Channel: reach.SMS, Why: "最近 90 天只买过护理液", At: clk.Now()},
			{DeliveryID: 901, BrandID: s.Brand.ID, Purpose: reach.Service, Channel: reach.Template, Why: "您有积分要到期", At: clk.Now()},
			{DeliveryID: 903, BrandID: s.Brand.ID, Purpose: reach.Marketing, Channel: reach.SMS, At: clk.Now()}}
		page := lin.get("/me/messages")
		t.Run("he sees what he gets and why, and not what operators call it", func(t *testing.T) {
			page.says(t, 200, "消息设置", "接收中", "一键退订全部", "最近收到的消息", "短信", "不看这类内容")
			page.saysNot(t, "召回", "已退订")
			why := lin.get("/me/messages/900")
			why.says(t, 200, "最近 90 天只买过护理液", "营销消息", "短信", "不看这类内容", "退订这个品牌", "您可以拒绝")
			why.saysNot(t, "召回")
			lin.get("/me/messages/901").says(t, 200, "服务通知", "不含推销")
			lin.get("/me/messages/901").saysNot(t, "不想再收到")
			lin.get("/me/messages/903").says(t, 200, "您在品牌为这条消息选定的名单里。") // nothing is kept that he may read
			lin.get("/me/messages/902").says(t, 404, "没有找到")
		})
		t.Run("nobody sees another's messages", func(t *testing.T) {
			wang := s.phone("wang")
			wang.get("/me/messages/900").says(t, 404, "没有找到")
			wang.get("/me/messages").saysNot(t, "短信　", "为什么收到")
		})
		tap := func(fields url.Values) {
			t.Helper()
			a := lin.post(page, "/me/messages", fields)
			if a.Code != http.StatusSeeOther {
				t.Fatal(a.Code, bare(a.Body.String()))
			}
		}
		t.Run("one tap stops all offers at once, another brings them back", func(t *testing.T) {
			if s.refused(t, who, reach.SMS, "新品介绍") {
				t.Fatal("refused before")
			}
			tap(url.Values{"refused": {"1"}})
			lin.get("/me/messages?done=1").says(t, 200, "已保存，立即生效", "所有品牌都不会再给您发营销消息")
			if !s.refused(t, who, reach.SMS, "新品介绍") {
				t.Fatal("still reached")
			}
			tap(url.Values{"refused": {"0"}})
			if s.refused(t, who, reach.SMS, "新品介绍") {
				t.Fatal("still refused")
			}
		})
		t.Run("a topic, a way or a brand alone", func(t *testing.T) {
			of := s.Brand.ID.String()
			for _, c := range []struct {
				fields url.Values
				refuse [4]bool // the topic by sms and otherwise, another topic by sms and otherwise
			}{
				{url.Values{"brand_id": {of}, "topic": {"新品介绍"}}, [4]bool{true, true, false, false}},
				{url.Values{"brand_id": {of}, "channel": {reach.SMS}}, [4]bool{true, false, true, false}},
				{url.Values{"brand_id": {of}}, [4]bool{true, true, true, true}},
			} {
				c.fields.Set("refused", "1")
				tap(c.fields)
				got := [4]bool{s.refused(t, who, reach.SMS, "新品介绍"), false, s.refused(t, who, reach.SMS, "other"), false}
				list, err := s.h.Wishes.Preferences(context.Background(), s.Brand.ID, who)
				if err != nil {
					t.Fatal(err)
				}
				got[1] = refuses(list, s.Brand.ID, "新品介绍", "") || refuses(list, s.Brand.ID, "", "")
				got[3] = refuses(list, s.Brand.ID, "", "")
				if got != c.refuse {
					t.Errorf("%v: %v, want %v", c.fields, got, c.refuse)
				}
				lin.get("/me/messages").says(t, 200, "已退订", "恢复接收")
				c.fields.Set("refused", "0")
				tap(c.fields)
			}
			lin.get("/me/messages").saysNot(t, "已退订")
		})
		t.Run("what means nothing is refused in words", func(t *testing.T) {
			for name, fields := range map[string]url.Values{"no answer": {}, "no such way": {"refused": {"1"}, "channel": {"pigeon"}}, "no number": {"refused": {"1"}, "brand_id": {"x"}}, "no such brand": {"refused": {"1"}, "brand_id": {"77"}}} {
				if a := lin.post(page, "/me/messages", fields); a.Code != 400 && a.Code != 404 {
					t.Error(name, a.Code)
				}
			}
			if a := s.phone("eve").post(page, "/me/messages", url.Values{"refused": {"1"}}); a.Code != 401 && a.Code != 403 {
				t.Error("another's form:", a.Code)
			}
		})
		t.Run("every page leads there", func(t *testing.T) {
			for _, path := range []string{"/q/" + s.token(1), "/packets", "/privacy"} {
				if !strings.Contains(lin.get(path).Body.String(), `href="/me/messages"`) {
					t.Error(path)
				}
			}
		})
		t.Run("the mini program has the same", func(t *testing.T) {
			mini := s.phone("mi")
			bearer := mini.miniLogin()
			s.told[s.memberOf("mini_mi")] = s.told[who][:1]
			status, data, code := mini.api("GET", "/api/v1/messages", bearer, nil)
			if status != 200 || data["refused"] != false || data["agrees"] != false || len(data["brands"].([]any)) != 1 || len(data["recent"].([]any)) != 1 {
				t.Fatal(status, data, code)
			}
			status, data, code = mini.api("PUT", "/api/v1/messages", bearer, map[string]any{"brand_id": s.Brand.ID, "topic": "新品介绍", "refused": true})
			if status != 200 || !strings.Contains(fmt.Sprint(data["brands"]), "map[key:新品介绍 refused:true title:新品介绍]") {
				t.Fatal(status, data, code)
			}
			if status, _, code = mini.api("PUT", "/api/v1/messages", bearer, map[string]any{"topic": "新品介绍"}); status != 400 || code != "bad_field" {
				t.Fatal(status, code)
			}
			status, data, _ = mini.api("GET", "/api/v1/messages/received", bearer, nil)
			if got := fmt.Sprint(data["list"]); status != 200 || !strings.Contains(got, "护理液") || strings.Contains(got, "召回") {
				t.Fatal(status, data)
			}
			if status, _, _ = mini.api("GET", "/api/v1/messages", "", nil); status != 401 {
				t.Fatal(status)
			}
		})
	})
}
