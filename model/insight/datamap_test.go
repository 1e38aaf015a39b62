package insight_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/insight"
)

// TestDataMap draws the map of a small town: ten followers of an official account, of
// whom six use the mini program (a unionid joins four, an operator one, nothing the
// last), three verified phones, two of them old customers of a file of five.
func TestDataMap(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		people, s := identity.New(d), insight.New(d)
		exec := func(stmt string, args ...any) {
			t.Helper()
			if err := d.InTx(ctx, func(tx *gorm.DB) error { return tx.Exec(stmt, args...).Error }); err != nil {
				t.Fatal(err)
			}
		}
		login := func(app string, n int, union bool) id.ID {
			t.Helper()
			l := identity.Login{AppID: app, OpenID: fmt.Sprintf("o%d", n)}
			if union {
				l.UnionID = fmt.Sprintf("u%d", n)
			}
			p, err := people.Resolve(ctx, l)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		phone := func(n int) identity.Key {
			return identity.Key{Kind: identity.Phone, Value: fmt.Sprintf("phone%038d", n)}
		}
		draw := func(t *testing.T) *insight.DataMap {
			t.Helper()
			m, err := s.DataMap(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		at := func(t *testing.T, m *insight.DataMap, place string) insight.Touchpoint {
			t.Helper()
			i := slices.IndexFunc(m.Touchpoints, func(p insight.Touchpoint) bool { return p.ID == place })
			if i < 0 {
				t.Fatalf("no %s in %+v", place, m.Touchpoints)
			}
			return m.Touchpoints[i]
		}
		gap := func(m *insight.DataMap, place, word string) bool {
			return slices.ContainsFunc(m.Gaps, func(g insight.Gap) bool {
				return g.Touchpoint == place && strings.Contains(g.Text, word) && g.Advice != ""
			})
		}
		t.Run("an empty house has an empty map", func(t *testing.T) {
			if m := draw(t); m.People != 0 || len(m.Touchpoints) != 0 || len(m.Joins) != 0 || m.AsOf != dbtest.Start {
				t.Fatalf("%+v", m)
			}
		})
		exec("INSERT INTO account (id, brand_id, kind, app_id, name, callback_slug, settings, secrets, created_at, updated_at) VALUES (7, 1, 'official', 'wxOA', '老井', 's', '{}', 'x', 0, 0)")
		exec("INSERT INTO follower (account_id, openid, member_id, following, scene, changed_at) VALUES (7, 'o0', 1, 1, '', 5), (7, 'o1', 2, 0, '', 6)")
		for n := range 5 {
			if _, err := people.ResolveMany(ctx, []identity.Item{{Keys: []identity.Key{{Kind: identity.CRM, Scope: "tmall", Value: fmt.Sprint(n)}, phone(n)}}}, identity.Evidence{Event: identity.CRMImport}); err != nil {
				t.Fatal(err)
			}
		}
		clk.Advance(time.Minute)
		var oa [10]id.ID
		for n := range oa {
			oa[n] = login("wxOA", n, n < 4)
		}
		for n := range 4 {
			login("wxMini", n, true)
		}
		if _, err := people.Merge(ctx, oa[4], login("wxMini", 4, false), identity.Evidence{Event: identity.ByOperator, By: 1, Note: "x"}); err != nil {
			t.Fatal(err)
		}
		login("wxMini", 99, false)
		for n, want := range map[int]string{0: identity.Joined, 1: identity.Joined, 9: identity.Attached} { // two old customers and one new
			out, err := people.Link(ctx, oa[n], phone(n), identity.Evidence{Event: identity.PhoneVerified, ConsentID: 1})
			if err != nil || out.State != want {
				t.Fatal(n, out, err)
			}
		}
		for i, channel := range []string{"code", "code", "open", "open", "open"} {
			exec("INSERT INTO event (id, event_key, type, brand_id, member_id, channel, at, received_at, body) VALUES (?, ?, ?, 1, 1, ?, ?, ?, '{}')",
				d.NewID(), fmt.Sprint("k", i), []string{"scan", "claim", "order", "order", "order"}[i], channel, clk.Now(), clk.Now())
		}
		t.Run("a map is kept for its minute", func(t *testing.T) {
			clk.Advance(-2 * time.Second)
			if m := draw(t); m.People != 0 && m.AsOf == dbtest.Start {
				t.Fatal("drawn again at once")
			}
			clk.Advance(2 * time.Minute)
		})
		m := draw(t)
		t.Run("places, people and what joins them are counted by human", func(t *testing.T) {
			// 10 followers, 1 mini user alone, 3 of 5 old customers who did not come back.
			if m.People != 14 {
				t.Errorf("%d people", m.People)
			}
			for place, want := range map[string][3]int64{"openid/wxOA": {10, 10, 6}, "openid/wxMini": {6, 6, 5}, "phone/": {6, 6, 6}, "crm/tmall": {5, 5, 5}} {
				p := at(t, m, place)
				if got := [3]int64{p.Keys, p.People, p.Joined}; got != want || p.LastAt == 0 {
					t.Errorf("%s: %v, want %v", place, got, want)
				}
			}
			i := slices.IndexFunc(m.Joins, func(j insight.Join) bool { return j.A == "openid/wxMini" && j.B == "openid/wxOA" })
			if i < 0 || m.Joins[i].People != 5 || m.Joins[i].Percent != 83 || m.Joins[i].Through["unionid"] != 4 || m.Joins[i].Through["operator"] != 1 {
				t.Errorf("%+v", m.Joins)
			}
			i = slices.IndexFunc(m.Joins, func(j insight.Join) bool { return j.A == "crm/tmall" && j.B == "openid/wxOA" })
			if i < 0 || m.Joins[i].People != 2 || m.Joins[i].Through["phone"] != 2 {
				t.Errorf("%+v", m.Joins)
			}
		})
		t.Run("signals come from the rows, with the account's name", func(t *testing.T) {
			p := at(t, m, "openid/wxOA")
			if p.Title != "公众号“老井”" || !slices.ContainsFunc(p.Signals, func(s insight.Signal) bool { return s.Signal == "following" && s.Count == 1 }) {
				t.Errorf("%+v", p)
			}
			if p := at(t, m, "channel/open"); p.Owner != insight.ThirdParty || p.Signals[0].Count != 3 || p.Signals[0].Title != "订单" {
				t.Errorf("%+v", p)
			}
			if m.Signals != 5 || m.FirstPartyPercent != 40 || m.OwnKeyPercent != 42 {
				t.Errorf("%d signals, %d%% first party, %d%% own", m.Signals, m.FirstPartyPercent, m.OwnKeyPercent)
			}
			if !slices.ContainsFunc(m.Evidence, func(e insight.Evidence) bool {
				return e.Kind == "unionid" && e.Other == "openid" && e.Event == "wechat_login" && e.Count == 4
			}) {
				t.Errorf("%+v", m.Evidence)
			}
		})
		t.Run("who was erased is on no map", func(t *testing.T) {
			exec("UPDATE identity_key SET value = 'erased_digest' WHERE kind = 'crm' AND value = '4'")
			exec("UPDATE identity_key SET value = 'erased_other' WHERE kind = 'phone' AND value = ?", phone(4).Value)
			clk.Advance(2 * time.Minute)
			if m := draw(t); m.People != 13 || at(t, m, "crm/tmall").Keys != 4 || at(t, m, "phone/").People != 5 {
				t.Errorf("%+v", m)
			}
		})
		t.Run("gaps say what to do", func(t *testing.T) {
			if !gap(m, "", "一方数据只占 40%") {
				t.Errorf("%+v", m.Gaps)
			}
			clk.Advance(40 * 24 * time.Hour)
			login("wxAlone", 1, false)
			later := draw(t)
			if !gap(later, "openid/wxAlone", "完全没有打通") || !gap(later, "crm/tmall", "没有新的信号") {
				t.Errorf("%+v", later.Gaps)
			}
		})
	})
}
