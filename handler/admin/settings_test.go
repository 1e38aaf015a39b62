package admin_test

import (
	"context"
	"strings"
	"testing"

	"siyu/model/operator"
)

func (o *office) settingsKeyed() map[string]retry {
	return map[string]retry{
		"PUT /brands/:id/quiet-hours": {"/brands/" + o.brand.ID.String() + "/quiet-hours", `{"from_minute":1320,"until_minute":480}`, `{"from_minute":1380,"until_minute":480}`},
	}
}

func TestSettings(t *testing.T) {
	s := sqliteSite(t)
	root := s.as(t, "root", operator.Admin)
	var b, a named
	root.do("POST", "/brands", `{"slug":"b1","name":"牌","code_host":"b1.test"}`).into(t, &b)
	root.do("PUT", "/brands/"+b.ID.String()+"/accounts", `{"kind":"official","app_id":"wx0000000000000001","name":"号","callback_slug":"b1-oa","secrets":{"app_secret":"sec","token":"tok"}}`).into(t, &a)

	t.Run("nobody is logged in: null, not an error", func(t *testing.T) {
		if x := s.nobody().do("GET", "/session", ""); x.Status != 200 || strings.TrimSpace(string(x.Data)) != "null" {
			t.Fatal(x.Status, x.Raw)
		}
		var me struct {
			Permissions []string
			IdleS       int64 `json:"idle_s"`
		}
		if root.do("GET", "/session", "").into(t, &me); len(me.Permissions) == 0 || me.IdleS != 7200 {
			t.Fatal(me)
		}
	})
	t.Run("an account tells how it is, and where WeChat has to call", func(t *testing.T) {
		s.deps.Health.Note("official", "wx0000000000000001", "cgi-bin/message/custom/send", "48001", "api unauthorized")
		if err := s.deps.Health.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		var r struct {
			State       string
			CallbackURL string `json:"callback_url"`
			Checks      []struct{ Name, State, Cure string }
		}
		root.do("GET", "/accounts/"+a.ID.String()+"/health", "").into(t, &r)
		if r.State != "bad" || r.CallbackURL != "http://siyu.test/wx/callback/b1-oa" {
			t.Fatal(r)
		}
		cures := 0
		for _, c := range r.Checks {
			if c.State == "bad" && c.Cure != "" {
				cures++
			}
		}
		if cures == 0 {
			t.Fatal("trouble without a cure", r)
		}
		var all []struct {
			AccountID string `json:"account_id"`
			State     string
		}
		root.do("GET", "/brands/"+b.ID.String()+"/account-health", "").into(t, &all)
		if len(all) != 1 || all[0].AccountID != a.ID.String() || all[0].State != "bad" {
			t.Fatal(all)
		}
	})
	t.Run("quiet hours are set with before and after in the log", func(t *testing.T) {
		path := "/brands/" + b.ID.String() + "/quiet-hours"
		var h struct {
			FromMinute  int `json:"from_minute"`
			UntilMinute int `json:"until_minute"`
		}
		root.do("PUT", path, `{"from_minute":1320,"until_minute":480,"reason":"春节"}`).into(t, &h)
		if root.do("GET", path, "").into(t, &h); h.FromMinute != 1320 || h.UntilMinute != 480 {
			t.Fatal(h)
		}
		if x := root.do("PUT", path, `{"from_minute":0,"until_minute":1439}`); x.Status != 400 || x.Error.Code != "quiet_hours" {
			t.Fatal(x.Raw)
		}
		var lines []struct {
			Outcome, Reason string
			Changes         []struct{ Field string }
		}
		root.do("GET", "/audit?action=quiet_hours.set", "").into(t, &lines)
		if len(lines) != 2 || lines[1].Reason != "春节" || len(lines[1].Changes) == 0 || lines[0].Outcome != "quiet_hours" {
			t.Fatal(lines)
		}
	})
}
