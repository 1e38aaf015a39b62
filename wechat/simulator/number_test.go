package simulator_test

import (
	"testing"
	"time"
)

func (w *world) miniToken() string {
	return w.api("POST", "/cgi-bin/stable_token", jsonOf{"grant_type": "client_credential", "appid": miniID, "secret": "secret2"}).text("access_token")
}

func TestPhoneNumberCodes(t *testing.T) {
	w := newWorld(t)
	ask := func(token, code string) jsonOf {
		return w.api("POST", "/wxa/business/getuserphonenumber?access_token="+token, jsonOf{"code": code})
	}
	token := w.miniToken()
	code, err := w.sim.NumberCode("小满", miniID)
	must(t, err)
	if got := ask("nonsense", code).code(); got != 40014 && got != 40001 {
		t.Errorf("without a good token: %d", got)
	}
	if got := ask(w.token(), code).code(); got != 40013 {
		t.Errorf("an official account asks: %d", got)
	}
	out := ask(token, code)
	info, _ := out["phone_info"].(map[string]any)
	if info["phoneNumber"] != w.sim.PhoneNumber("小满") || info["countryCode"] != "86" || info["watermark"].(map[string]any)["appid"] != miniID {
		t.Errorf("%v", out)
	}
	if got := ask(token, code).code(); got != 40029 {
		t.Errorf("used: %d", got)
	}
	if old, err := w.sim.NumberCode("小满", miniID); err != nil {
		t.Error(err)
	} else if w.pass(6 * time.Minute); ask(token, old).code() != 40029 {
		t.Error("a code older than five minutes works")
	}
	must(t, w.sim.SetPhoneNumber("小满", "+85291234567"))
	foreign, err := w.sim.NumberCode("小满", miniID)
	must(t, err)
	if info := ask(token, foreign)["phone_info"].(map[string]any); info["phoneNumber"] != "+85291234567" || info["purePhoneNumber"] != "91234567" || info["countryCode"] != "852" {
		t.Errorf("%v", info)
	}
	if _, err := w.sim.NumberCode("小满", officialID); err == nil {
		t.Error("an official account has no such button")
	}
	if w.sim.SetPhoneNumber("小满", "call me") == nil || w.sim.SetPhoneNumber("nobody", "13800138000") == nil {
		t.Error("nonsense was kept")
	}
}
