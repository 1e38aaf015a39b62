package admin_test

import (
	"context"
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/outbox"
	"siyu/model/wecom"
)

const corpAccount = `{"kind":"wecom","app_id":"ww0123456789abcdef","name":"企业微信","callback_slug":"corp-1",
	"secrets":{"app_secret":"corp-secret","token":"corp-token","aes_key":"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"}}`

// chat is a customer group that was synced.
func (s *site) chat(t *testing.T, account, brand id.ID, chatID string) wecom.Chat {
	t.Helper()
	c := wecom.Chat{ID: s.d.NewID(), AccountID: account, BrandID: brand, ChatID: chatID, State: wecom.Live, Owner: "lisi", SyncedAt: s.clk.Now(), CreatedAt: s.clk.Now()}
	if err := s.d.InTx(context.Background(), func(tx *gorm.DB) error { return tx.Create(&c).Error }); err != nil {
		t.Fatal(err)
	}
	return c
}

func (o *office) waysKeyed() map[string]retry {
	first, second := o.chat(o.t, o.corp.ID, o.brand.ID, "wrFirst"), o.chat(o.t, o.corp.ID, o.brand.ID, "wrSecond")
	form := func(c wecom.Chat) string { return `{"name":"门店","chats":["` + c.ID.String() + `"]}` }
	ways := "/accounts/" + o.corp.ID.String() + "/ways"
	changed, ended, unsure := o.must("POST", ways, form(first)), o.must("POST", ways, form(first)), o.must("POST", ways, form(first))
	if err := o.d.InTx(context.Background(), func(tx *gorm.DB) error {
		return tx.Exec("UPDATE wecom_way SET state = ? WHERE id = ?", wecom.WayUnsure, unsure.ID).Error
	}); err != nil {
		o.t.Fatal(err)
	}
	at := func(n named, tail string) string { return "/wecom-ways/" + n.ID.String() + tail }
	return map[string]retry{
		"POST /accounts/:id/ways":    {ways, form(first), form(second)},
		"PUT /wecom-ways/:id":        {at(changed, ""), form(first), form(second)},
		"POST /wecom-ways/:id/retry": {at(unsure, "/retry"), ``, `{}`},
		"DELETE /wecom-ways/:id":     {at(ended, ""), ``, `{}`},
	}
}

func TestWeComOfTheOffice(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		s := newSite(t, d, clk)
		root := s.as(t, "root", operator.Admin)
		var brand, corp, pay named
		root.do("POST", "/brands", `{"slug":"laojing","name":"老井","code_host":"q.laojing.cn"}`).into(t, &brand)
		accounts := "/brands/" + brand.ID.String() + "/accounts"
		root.do("PUT", accounts, merchantBody).into(t, &pay)
		t.Run("a corp is an account that is complete or not there", func(t *testing.T) {
			for _, missing := range []string{`"app_secret":"corp-secret",`, `"token":"corp-token",`} {
				if a := root.do("PUT", accounts, strings.Replace(corpAccount, missing, "", 1)); a.Status != 400 {
					t.Error(missing, a.Status, a.Raw)
				}
			}
			root.do("PUT", accounts, corpAccount).into(t, &corp)
		})
		of := "/accounts/" + corp.ID.String()
		t.Run("a round is asked for once and its standing shown", func(t *testing.T) {
			for range 2 {
				var y wecom.Sync
				root.do("POST", of+"/sync", `{"kind":"chats"}`).into(t, &y)
				if y.State != wecom.Running || y.RoundNo != 1 {
					t.Fatalf("%+v", y)
				}
			}
			var wakes []outbox.Row
			if err := d.Read(ctx).Where("task = ?", wecom.TaskSync).Find(&wakes).Error; err != nil || len(wakes) != 1 {
				t.Fatal(len(wakes), err)
			}
			var st wecom.Standing
			root.do("GET", of+"/sync", "").into(t, &st)
			if len(st.Rounds) != 1 || st.Rounds[0].Kind != wecom.Chats || st.Chats != 0 {
				t.Fatalf("%+v", st)
			}
		})
		t.Run("a join way is written down, woken for once, and shown", func(t *testing.T) {
			c := s.chat(t, corp.ID, brand.ID, "wrChat1")
			body := `{"name":"门店","chats":["` + c.ID.String() + `"],"auto_create_room":true,"room_base_name":"福利群","room_base_id":2}`
			var y wecom.Way
			if a := root.do("POST", of+"/ways", body); a.Status != 201 {
				t.Fatal(a.Status, a.Raw)
			} else {
				a.into(t, &y)
			}
			var wakes []outbox.Row
			if err := d.Read(ctx).Where("task = ? AND ref_id = ?", wecom.TaskWay, y.ID).Find(&wakes).Error; err != nil || len(wakes) != 1 {
				t.Fatal(len(wakes), err)
			}
			var list []wecom.Way
			root.do("GET", of+"/ways", "").into(t, &list)
			if len(list) != 1 || list[0].State != wecom.WayNew || !list[0].AutoCreate || len(list[0].Chats) != 1 {
				t.Fatalf("%+v", list)
			}
			root.do("DELETE", "/wecom-ways/"+y.ID.String(), "").into(t, &y)
			if y.State != wecom.WayEnding {
				t.Fatalf("%+v", y)
			}
			if a := root.do("PUT", "/wecom-ways/"+y.ID.String(), body); a.Status != 409 || a.Error.Message != "这个群活码已删除" {
				t.Error(a.Raw)
			}
			for path, want := range map[string]int{"/accounts/" + pay.ID.String() + "/ways": 400, "/accounts/1/ways": 404} {
				if a := root.do("POST", path, body); a.Status != want {
					t.Error(path, a.Status, a.Raw)
				}
			}
			if a := root.do("POST", of+"/ways", `{"name":"门店","chats":["1"]}`); a.Error.Message != "所选客户群不属于这个企业微信" {
				t.Error(a.Raw)
			}
		})
		t.Run("what an account has not is not synced", func(t *testing.T) {
			for path, body := range map[string]string{of + "/sync": `{"kind":"followers"}`, "/accounts/" + pay.ID.String() + "/sync": `{"kind":"chats"}`} {
				if a := root.do("POST", path, body); a.Status != 400 || a.Error.Code != "sync_kind" {
					t.Error(path, a.Status, a.Raw)
				}
			}
			if a := root.do("POST", "/accounts/1/sync", `{"kind":"chats"}`); a.Status != 404 {
				t.Error(a.Status, a.Raw)
			}
		})
		t.Run("contacts are masked, and paged", func(t *testing.T) {
			const external = "wmEAlECwAAHibyPbg2mAGZzhZIhAgnVQ"
			err := d.InTx(ctx, func(tx *gorm.DB) error {
				for i, state := range []string{wecom.Active, wecom.Left, wecom.Active} {
					c := wecom.Contact{ID: d.NewID(), AccountID: corp.ID, BrandID: brand.ID, ExternalUserID: external, UserID: string(rune('a' + i)), MemberID: 7,
						Way: "SECRETTOKEN", State: state, SinceAt: clk.Now(), CreatedAt: clk.Now()}
					if err := tx.Create(&c).Error; err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			a := root.do("GET", of+"/contacts?limit=1&state=active", "")
			var list []struct {
				ID     id.ID
				Shown  string
				UserID string
			}
			a.into(t, &list)
			if len(list) != 1 || list[0].Shown != "wmE***nVQ" || a.Next == "" || strings.Contains(a.Raw, external) || strings.Contains(a.Raw, "SECRETTOKEN") {
				t.Fatal(a.Raw)
			}
			rest := root.do("GET", of+"/contacts?limit=5&state=active&before="+a.Next, "")
			rest.into(t, &list)
			if len(list) != 1 || rest.Next != "" {
				t.Fatal(rest.Raw)
			}
			var st wecom.Standing
			root.do("GET", of+"/sync", "").into(t, &st)
			if st.Contacts != 2 {
				t.Fatalf("%+v", st)
			}
		})
	})
}
