package wechat

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestOutcomes: whoever keeps count hears of each call, for whom it was, and only of what
// is the account's own trouble.
func TestOutcomes(t *testing.T) {
	answer := `{"errcode":0}`
	c, _ := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/stable_token") {
			fmt.Fprint(w, `{"access_token":"T-secret","expires_in":7200}`)
			return
		}
		fmt.Fprint(w, answer)
	}))
	var heard []Outcome
	c.seen = func(o Outcome) { heard = append(heard, o) }
	app := App{Kind: KindOfficial, AppID: "wx1", Secret: "S-secret"}
	for _, x := range []struct{ answer, code string }{
		{`{"errcode":0}`, ""},
		{`{"errcode":45015,"errmsg":"response out of time limit"}`, ""},
		{`{"errcode":45009,"errmsg":"reach max api daily quota limit"}`, "45009"},
		{`{"errcode":48001,"errmsg":"api unauthorized T-secret"}`, "48001"},
		{`not json`, CodeLocalNoAnswer},
	} {
		answer, heard = x.answer, nil
		_ = c.SendText(context.Background(), app, "openid-1", "hello")
		last := heard[len(heard)-1]
		if last.Call != "cgi-bin/message/custom/send" || last.Kind != KindOfficial || last.AppID != "wx1" || last.Code != x.code {
			t.Errorf("%s: %+v", x.answer, last)
		}
		if all := fmt.Sprint(heard); strings.Contains(all, "secret") || strings.Contains(all, "openid-1") {
			t.Errorf("%s: says too much: %s", x.answer, all)
		}
	}
	t.Run("a merchant whose keys are unusable is in trouble, a bad order is not his", func(t *testing.T) {
		heard = nil
		c.Send(context.Background(), Merchant{MchID: "1900000109", Rail: RailTransfer}, PayOrder{BillNo: "x"})
		c.observePay(Merchant{MchID: "1900000109"}, "pay.send", PayAnswer{State: PayHold, Code: CodeLocalOrder})
		c.observePay(Merchant{MchID: "1900000109"}, "pay.send", PayAnswer{State: PayFailed, Code: "V2_ACCOUNT_SIMPLE_BAN"})
		if len(heard) != 3 || heard[0].Code != CodeLocalMerchant || heard[1].Code != "" || heard[2].Code != "" || heard[0].Kind != KindMerchant {
			t.Errorf("%+v", heard)
		}
	})
}
