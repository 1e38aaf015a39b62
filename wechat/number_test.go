package wechat

import (
	"context"
	"strings"
	"testing"
)

func TestPhoneNumber(t *testing.T) {
	const path = "/wxa/business/getuserphonenumber"
	mini := App{Kind: KindMini, AppID: "wxmini0000000000001", Secret: "secret-of-the-mini"}
	good := `{"errcode":0,"errmsg":"ok","phone_info":{"phoneNumber":"13800138000","purePhoneNumber":"13800138000","countryCode":"86","watermark":{"timestamp":1,"appid":"` + mini.AppID + `"}}}`
	t.Run("a_code_becomes_a_number", func(t *testing.T) {
		a := &answers{byPath: map[string]string{path: good}}
		c, _ := newTestClient(t, a)
		n, err := c.PhoneNumber(context.Background(), mini, "code-1")
		if err != nil || n != (PhoneNumber{"13800138000", "13800138000", "86"}) || a.query.Get("access_token") != "tok-1" || a.body["code"] != "code-1" {
			t.Errorf("%+v %v %v %v", n, err, a.query, a.body)
		}
	})
	t.Run("a_number_made_for_another_app_is_refused", func(t *testing.T) {
		c, _ := newTestClient(t, &answers{byPath: map[string]string{path: strings.Replace(good, mini.AppID, "wxother000000000001", 1)}})
		if _, err := c.PhoneNumber(context.Background(), mini, "code-1"); err == nil {
			t.Error("accepted")
		}
	})
	t.Run("a_used_or_strange_code_asks_for_another_tap_and_is_in_no_error", func(t *testing.T) {
		a := &answers{byPath: map[string]string{path: `{"errcode":40029,"errmsg":"invalid code secret-code-9"}`}}
		c, _ := newTestClient(t, a)
		for _, code := range []string{"secret-code-9", "a&b", ""} {
			_, err := c.PhoneNumber(context.Background(), mini, code)
			if !IsBadLogin(err) || strings.Contains(err.Error(), "secret-code-9") {
				t.Errorf("%q: %v", code, err)
			}
		}
	})
}
