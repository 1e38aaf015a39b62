package admin_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/operator"
)

type foundMember struct {
	ID        id.ID
	Level     int
	LevelName string `json:"level_name"`
}

func TestWhoLooksMembersUpIsKnown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		one, two := o.somebody(t, "oOneLookedUp0000000001", "13800138001").ID, o.somebody(t, "oTwoLookedUp0000000002", "13900138001").ID
		exec := func(stmt string, args ...any) {
			t.Helper()
			if err := d.InTx(context.Background(), func(tx *gorm.DB) error { return tx.Exec(stmt, args...).Error }); err != nil {
				t.Fatal(err)
			}
		}
		o.must("PUT", "/brands/"+o.brand.ID.String()+"/accounts", `{"kind":"official","app_id":"wxA","name":"号","callback_slug":"b1-oa","secrets":{"app_secret":"sec","token":"tok"}}`)
		exec("INSERT INTO claim (id, batch_id, serial, brand_id, product_id, member_id, campaign_id, tier, kind, prize, cash_fen, points, day, created_at) VALUES (9, ?, 5, ?, ?, ?, ?, 1, 'points', '', 0, 1, 20261121, ?)",
			o.batch.ID, o.brand.ID, o.product.ID, two, o.live.ID, clk.Now())
		token, err := o.deps.Codes.TokenOf(o.batch.ID, 5)
		if err != nil {
			t.Fatal(err)
		}
		brand := "&level=0&state=active&brand_id=" + o.brand.ID.String()
		support := o.as(t, "support", operator.Support)
		lines := func() (list []audit.Line) {
			t.Helper()
			o.root.do("GET", "/audit?limit=100&action=member.look_up", "").into(t, &list)
			return list
		}
		for name, x := range map[string]struct {
			query, by string
			found     []id.ID
		}{
			"a telephone":                        {"phone=13800138001", "phone", []id.ID{one}},
			"a telephone among others of a list": {"phone=13800138001" + brand, "phone", []id.ID{one}},
			"a telephone on a later page":        {"phone=13800138001&before=5", "phone", []id.ID{one}},
			"a telephone that nobody has":        {"phone=13800138999", "phone", nil},
			"the end of two":                     {"phone_tail=8001", "phone_tail", []id.ID{one, two}},
			"an OpenID":                          {"openid=oOneLookedUp0000000001", "openid", []id.ID{one}},
			"a key of some kind":                 {"kind=openid&scope=wxA&key=oOneLookedUp0000000001", "key", []id.ID{one}},
			"a code":                             {"code=" + token, "code", []id.ID{two}},
			"several at once":                    {"phone=13800138001&code=" + token, "phone,code", []id.ID{one, two}},
			"a number of ours":                   {"id=" + one.String(), "", nil},
			"the end of a number of ours":        {"id=" + one.Tail(), "", nil},
			"nothing":                            {"state=active", "", nil},
		} {
			t.Run(name, func(t *testing.T) {
				before := len(lines())
				a := support.do("GET", "/members?total=1&"+x.query, "")
				if a.Status != 200 {
					t.Fatal(a.Raw)
				}
				got := lines()
				if x.by == "" {
					if len(got) != before {
						t.Errorf("%+v", got[0])
					}
					return
				}
				if len(got) != before+1 { // the total of the answer is no second one
					t.Fatalf("%d lines more", len(got)-before)
				}
				l, told := got[0], map[string]string{}
				for _, c := range l.Changes {
					told[c.Field] = string(c.After)
				}
				if l.Actor != "support" || l.Object != "member" || told["by"] != `"`+x.by+`"` {
					t.Errorf("%+v", l)
				}
				var only id.ID
				if len(x.found) == 1 {
					only = x.found[0]
				}
				if l.ObjectID != only || strings.Count(told["found"], ",")+1 != max(1, len(x.found)) {
					t.Errorf("%+v", l)
				}
				for _, m := range x.found {
					if !strings.Contains(told["found"], m.String()) || !strings.Contains(a.Raw, m.String()) {
						t.Errorf("%s is not in %s", m, told["found"])
					}
				}
				for _, secret := range []string{"8001", "LookedUp", token} {
					if strings.Contains(told["by"]+l.Reason, secret) {
						t.Errorf("%s is written: %+v", secret, l)
					}
				}
				for field := range told {
					if field != "by" && field != "found" {
						t.Errorf("%s is written: %s", field, told[field])
					}
				}
			})
		}
		t.Run("what cannot be noted is not answered", func(t *testing.T) {
			exec("ALTER TABLE audit RENAME TO audit_away")
			defer exec("ALTER TABLE audit_away RENAME TO audit")
			for _, query := range []string{"phone=13800138001", "phone_tail=8001" + brand, "code=" + token} {
				if a := support.do("GET", "/members?"+query, ""); a.Status != 500 || strings.Contains(a.Raw, one.String()) || strings.Contains(a.Raw, two.String()) {
					t.Errorf("%s: %d %s", query, a.Status, a.Raw)
				}
			}
		})
	})
}

func TestMembersAreFoundAndTheirStoryIsTold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		ctx := context.Background()
		first := clk.Now()
		early := o.member(100)
		clk.Advance(20 * time.Minute)
		late := o.somebody(t, "oLate", "13800138000").ID
		o.must("PUT", "/brands/"+o.brand.ID.String()+"/tiers", fmt.Sprintf(tierBody, 0, 100))
		exec := func(stmt string, args ...any) {
			t.Helper()
			if err := d.InTx(ctx, func(tx *gorm.DB) error { return tx.Exec(stmt, args...).Error }); err != nil {
				t.Fatal(err)
			}
		}
		exec("INSERT INTO tier_standing (brand_id, member_id, level, until_at, warned_until, version) VALUES (?, ?, 1, 0, 0, 1)", o.brand.ID, early)
		exec("INSERT INTO claim (id, batch_id, serial, brand_id, product_id, member_id, campaign_id, tier, kind, prize, cash_fen, points, day, created_at) VALUES (9, ?, 5, ?, ?, ?, ?, 1, 'points', '', 0, 1, 20261121, ?)",
			o.batch.ID, o.brand.ID, o.product.ID, late, o.live.ID, clk.Now())
		if err := o.deps.Codes.Refresh(ctx); err != nil {
			t.Fatal(err)
		}
		token, err := o.deps.Codes.TokenOf(o.batch.ID, 5)
		if err != nil {
			t.Fatal(err)
		}
		brand := "brand_id=" + o.brand.ID.String()
		other := "000000"
		for _, m := range []id.ID{early, late} {
			if m.Tail() == other {
				other = "999999"
			}
		}
		cut := url.QueryEscape(first.Add(10 * time.Minute).String())
		for name, c := range map[string]struct {
			query string
			want  []id.ID
		}{
			"a whole number":                     {"phone=138+0013+8000", []id.ID{late}},
			"an openid of whichever app":         {"openid=oLate", nil},
			"a code that he claimed":             {"code=" + token, []id.ID{late}},
			"a code that nobody saw":             {"code=0123456789ABCDEF", nil},
			"a level":                            {"level=1&" + brand, []id.ID{early}},
			"a level that nobody has":            {"level=7&" + brand, nil},
			"who came until a moment":            {"joined_until=" + cut, []id.ID{early}},
			"who came from a moment on":          {"state=active&joined_from=" + cut, []id.ID{late}},
			"everybody, the newest first":        {brand, []id.ID{late, early}},
			"and how many of them are blocked":   {"state=blocked", nil},
			"whoever is asked for by his number": {"id=" + late.String(), []id.ID{late}},
			"the end of his number":              {"id=" + late.Tail(), []id.ID{late}},
			"an end that no number has":          {"id=" + other, nil},
			"the end of a number, among others":  {"state=blocked&id=" + late.Tail(), nil},
		} {
			t.Run("found by "+name, func(t *testing.T) {
				a := o.root.do("GET", "/members?total=1&"+c.query, "")
				var list []foundMember
				a.into(t, &list)
				if len(list) != len(c.want) || !strings.Contains(a.Raw, fmt.Sprintf(`"total":%d,`, len(c.want))) {
					t.Fatalf("%s: %s", c.query, a.Raw)
				}
				for i, m := range list {
					if m.ID != c.want[i] {
						t.Errorf("%d: %s, want %s", i, m.ID, c.want[i])
					}
					if strings.Contains(c.query, brand) && m.LevelName != map[id.ID]string{early: "金卡", late: "普通"}[m.ID] {
						t.Errorf("%s has the level %q", m.ID, m.LevelName)
					}
				}
			})
		}
		sifted := func(t *testing.T) {
			for query, want := range map[string][]id.ID{
				"level=1&state=active":                     {early},
				"level=1&state=blocked":                    nil,
				"level=1&joined_until=" + cut:              {early},
				"level=1&joined_from=" + cut:               nil,
				"level=7&state=active":                     nil,
				"level=1&state=active&id=" + late.String(): {late}, // who is named is named
				"level=1&id=" + early.Tail():               {early},
				"level=1&id=" + late.Tail():                nil,
			} {
				got, next := []id.ID{}, ""
				for range 10 {
					var list []foundMember
					a := o.root.do("GET", "/members?limit=1&before="+next+"&"+query+"&"+brand, "")
					a.into(t, &list)
					for _, m := range list {
						got = append(got, m.ID)
					}
					if next = a.Next; next == "" {
						break
					}
				}
				if !slices.Equal(got, want) && len(got)+len(want) > 0 {
					t.Errorf("%s: %v, want %v", query, got, want)
				}
			}
		}
		t.Run("a level goes with other filters", sifted)
		t.Run("also a level of very many", func(t *testing.T) {
			rows := make([]string, 1000)
			for part := range 11 {
				for i := range rows {
					rows[i] = fmt.Sprintf("(%d, %d, 1, 0, 0, 1)", o.brand.ID, 1+part*len(rows)+i)
				}
				exec("INSERT INTO tier_standing (brand_id, member_id, level, until_at, warned_until, version) VALUES " + strings.Join(rows, ","))
			}
			sifted(t)
			exec("DELETE FROM tier_standing WHERE member_id <= 11000")
		})
		put := func(at clock.Instant, kind string, key string) {
			t.Helper()
			body := event.Body(event.ScanBody{ProductID: 1, BatchID: 2, Serial: 3, Verdict: "first"})
			exec("INSERT INTO event (id, event_key, type, brand_id, member_id, channel, at, received_at, body) VALUES (?, ?, ?, ?, ?, 'code', ?, ?, ?)", d.NewID(), key, kind, o.brand.ID, early, at, at, []byte(body))
		}
		for i := range 5 {
			put(clk.Now().Add(time.Duration(i)*time.Minute), event.Scan, fmt.Sprintf("s:%d", i))
		}
		type chapter struct {
			ID   id.ID
			Kind string
			At   clock.Instant
		}
		read := func(who *person, query string) (list []chapter, next string) {
			t.Helper()
			a := who.do("GET", "/members/"+early.String()+"/story?"+query, "")
			a.into(t, &list)
			return list, a.Next
		}
		t.Run("the story is all that happened, newest first, page by page", func(t *testing.T) {
			var all []chapter
			next := ""
			for range 5 {
				page, after := read(o.root, "limit=2&before="+next)
				all = append(all, page...)
				if next = after; next == "" {
					break
				}
			}
			if len(all) != 6 || all[0].Kind != event.Scan || all[5].Kind != "points" {
				t.Fatalf("%+v", all)
			}
			for i := 1; i < len(all); i++ {
				if all[i].At > all[i-1].At || all[i].ID == all[i-1].ID {
					t.Errorf("%d: %+v after %+v", i, all[i], all[i-1])
				}
			}
		})
		t.Run("it is narrowed by kinds, and an unknown kind is refused", func(t *testing.T) {
			if list, _ := read(o.root, "kinds=points"); len(list) != 1 || list[0].Kind != "points" {
				t.Errorf("%+v", list)
			}
			if a := o.root.do("GET", "/members/"+early.String()+"/story?kinds=gossip", ""); a.Status != 400 {
				t.Error(a.Status, a.Raw)
			}
		})
		t.Run("who may not read payouts is not told of them", func(t *testing.T) {
			exec("UPDATE payout SET member_id = ? WHERE id = ?", early, o.pay.ID)
			analyst := o.as(t, "ana-1", operator.Analyst)
			told := func(list []chapter) (kinds string) {
				for _, c := range list {
					kinds += c.Kind + " "
				}
				return kinds
			}
			list, _ := read(analyst, "")
			whole, _ := read(o.root, "")
			if strings.Contains(told(list), "packet") || !strings.Contains(told(list), "scan") || !strings.Contains(told(whole), "packet") {
				t.Error(told(list), "|", told(whole))
			}
		})
		t.Run("a blocked member is let earn again; an erased one never", func(t *testing.T) {
			if a := o.root.do("POST", "/members/"+late.String()+"/block", `{"reason":""}`); a.Status != 400 {
				t.Error("without a reason", a.Status)
			}
			o.must("POST", "/members/"+late.String()+"/block", `{"reason":"刷单"}`)
			if m, err := o.deps.Members.Get(ctx, late); err != nil || !m.Blocked() {
				t.Error(m, err)
			}
			o.must("POST", "/members/"+late.String()+"/unblock", `{"reason":"查清了"}`)
			exec("UPDATE member SET state = 'erased' WHERE id = ?", late)
			if a := o.root.do("POST", "/members/"+late.String()+"/unblock", `{"reason":"查清了"}`); a.Status != 409 || a.Error.Code != "member_erased" {
				t.Error(a.Status, a.Raw)
			}
		})
	})
}
