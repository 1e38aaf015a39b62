package consumer

import (
	"context"
	"net/url"
	"testing"

	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/profile"
)

// still plays the event store: nobody did anything.
type still struct{}

func (still) Last(context.Context, []id.ID) (clock.Instant, error)            { return 0, nil }
func (still) Count(context.Context, []id.ID, clock.Instant, int) (int, error) { return 0, nil }

func newProfiles(s *site, agreed *consent.Store) *profile.Store {
	return profile.New(profile.Deps{DB: s.DB, Families: s.members, Consents: agreed, Points: s.Points, Activity: still{}})
}

func answersOf(city string) map[string]any {
	return map[string]any{"values": map[string]string{"city": city}}
}

func TestMyProfile(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{})
		fields, err := s.h.Profiles.Fields(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		nick := fields[0]
		nick.BrandID, nick.Points = s.Brand.ID, 5
		if _, err := s.h.Profiles.PutField(context.Background(), nick); err != nil {
			t.Fatal(err)
		}
		lin := s.phone("lin")
		lin.claim(1)
		page := lin.get("/me/profile")
		page.says(t, 200, "我的资料", "怎么称呼您？", "回答后得 5 积分，仅一次", "跳过，暂不回答", "全部选填", "未填写")
		lin.get("/packets").says(t, 200, "怎么称呼您？", "可以不填", "去填写")

		before, err := s.Points.Balance(context.Background(), s.memberOf("oa_lin"))
		if err != nil {
			t.Fatal(err)
		}
		lin.post(page, "/me/profile", url.Values{"field": {"nickname"}, "value": {"<b>小林</b>"}})
		page = lin.get("/me/profile?saved=1&points=5")
		page.says(t, 200, "已保存，获得 5 积分", "&lt;b&gt;小林&lt;/b&gt;", "本人填写", "您的生日是哪一天？")
		page.saysNot(t, "<b>小林</b>", "首次填写得")
		if n, err := s.Points.Balance(context.Background(), s.memberOf("oa_lin")); err != nil || n != before+5 {
			t.Fatal(before, n, err)
		}

		bad := lin.post(page, "/me/profile", url.Values{"field": {"birthday"}, "value": {"2020-01-01"}})
		bad.says(t, 400, "未满 14 周岁")
		if n := s.count("profile_value"); n != 1 {
			t.Fatal(n, "values are stored: a child's too")
		}
		lin.post(page, "/me/profile/skip", url.Values{"field": {"birthday"}})
		page = lin.get("/me/profile")
		page.saysNot(t, "您的生日是哪一天？", "跳过，暂不回答")
		lin.get("/packets").saysNot(t, "去填写")

		// Another session's form, or none at all.
		if a := s.phone("eve").post(page, "/me/profile", url.Values{"field": {"nickname"}, "value": {"x"}}); a.Code != 401 && a.Code != 403 {
			t.Fatal(a.Code)
		}
	})
}

func TestTheMiniProgramHasTheSame(t *testing.T) {
	clk := clock.NewFake(dbtest.Start)
	s := newSite(t, dbtest.Open(t, db.SQLite, clk), clk, claimtest.Setup{})
	mini := s.phone("mi")
	bearer := mini.miniLogin()
	status, data, _ := mini.api("GET", "/api/v1/profile", bearer, nil)
	if q, ok := data["question"].(map[string]any); status != 200 || !ok || q["question"] != "怎么称呼您？" {
		t.Fatal(status, data)
	}
	status, data, code := mini.api("PUT", "/api/v1/profile", bearer, map[string]any{"values": map[string]string{"gender": "女", "household": "3"}})
	if status != 200 || len(data["changed"].([]any)) != 2 {
		t.Fatal(status, data, code)
	}
	if status, _, code = mini.api("PUT", "/api/v1/profile", bearer, map[string]any{"values": map[string]string{"gender": "x"}}); status != 400 || code != "profile_value" {
		t.Fatal(status, code)
	}
	if status, _, code = mini.api("GET", "/api/v1/profile", "", nil); status != 401 {
		t.Fatal(status, code)
	}
}
