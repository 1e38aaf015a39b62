package wechat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestSignV2MatchesWeChatsExample(t *testing.T) {
	params := map[string]string{
		"appid": "wxd930ea5d5a258f4f", "mch_id": "10000100", "device_info": "1000", "body": "test",
		"nonce_str": "ibuaiVcKdpRxkhJA", "sign": "ignored", "empty": "",
	}
	for signType, want := range map[string]string{
		"MD5":         "9A0A8659F005D6984697E2CA0A9CF3B7",
		"":            "9A0A8659F005D6984697E2CA0A9CF3B7",
		"HMAC-SHA256": "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6",
	} {
		if got, err := signV2(params, signType, redpackMerchant.APIKeyV2); err != nil || got != want {
			t.Errorf("%s: %s %v, want %s", signType, got, err, want)
		}
	}
}

const receivedBy = "<hblist><hbinfo><openid>%s</openid><amount>%s</amount><rcv_time>2026-11-20 20:01:00</rcv_time></hbinfo></hblist>"

func TestSendRedpack(t *testing.T) {
	ctx := context.Background()
	for _, signType := range []string{"MD5", "HMAC-SHA256", ""} {
		t.Run("a_good_answer_is_accepted_signed_"+signType, func(t *testing.T) {
			m := redpackMerchant
			m.SignType = signType
			m.SceneIDV2 = "PRODUCT_1"
			c, srv := newPayServer(t, m)
			srv.answer = func(path string, in map[string]string) (int, string) {
				if path != pathSendRedpack {
					t.Errorf("path %s", path)
				}
				out := accepted(in, "new_field", "未来的字段")
				out["sign"] = signXML(out, signType, m.APIKeyV2)
				return 200, xmlOf(out)
			}
			o := orderFor(m)
			a := c.Send(ctx, m, o)
			if a.State != PayAccepted || a.WechatNo != "100000000020150520314766074200" || a.AmountFen != 168 || a.Err != nil {
				t.Errorf("%+v", a)
			}
			for k, want := range map[string]string{
				"mch_billno": o.BillNo, "mch_id": m.MchID, "wxappid": o.AppID, "re_openid": openID, "total_amount": "168",
				"total_num": "1", "wishing": o.Wishing, "act_name": o.ActName, "remark": o.Remark, "client_ip": "10.0.0.1",
				"scene_id": "PRODUCT_1", "send_name": m.SendName,
			} {
				if srv.last[k] != want {
					t.Errorf("%s = %q, want %q", k, srv.last[k], want)
				}
			}
		})
	}

	t.Run("texts_are_there_and_shorter_than_the_limit", func(t *testing.T) {
		m := redpackMerchant
		m.SendName = strings.Repeat("店", 40)
		c, srv := newPayServer(t, m)
		srv.answer = func(_ string, in map[string]string) (int, string) { return 200, xmlOf(accepted(in)) }
		o := PayOrder{BillNo: "B1", OpenID: openID, AmountFen: 100, ActName: strings.Repeat("名", 50), Wishing: strings.Repeat("<&>", 80), SceneID: "PRODUCT_5"}
		if a := c.Send(ctx, m, o); a.State != PayAccepted || srv.last["scene_id"] != "PRODUCT_5" {
			t.Errorf("%+v, scene %s", a, srv.last["scene_id"])
		}
		for k, limit := range map[string]int{"send_name": 32, "act_name": 32, "wishing": 128, "remark": 256, "client_ip": 16} {
			if n := utf8.RuneCountInString(srv.last[k]); n == 0 || n >= limit {
				t.Errorf("%s has %d characters", k, n)
			}
		}
		if srv.last["wxappid"] != m.AppID {
			t.Errorf("wxappid %q, want the merchant's", srv.last["wxappid"])
		}
	})
}

func TestSendRedpackOutcomes(t *testing.T) {
	type in = map[string]string
	for name, tc := range map[string]struct {
		answer func(in) string
		state  PayState
		retry  time.Duration
	}{
		"send_failed_is_final":            {func(i in) string { return refusal(i, "SEND_FAILED") }, PayFailed, 0},
		"send_failed_without_return_code": {func(i in) string { return refusal(i, "SEND_FAILED", "return_code", "FAIL") }, PayUnknown, 0},
		"send_failed_for_another_bill":    {func(i in) string { return refusal(i, "SEND_FAILED", "mch_billno", "OTHER") }, PayHold, 0},
		"systemerror":                     {func(i in) string { return refusal(i, "SYSTEMERROR") }, PayUnknown, 0},
		"processing":                      {func(i in) string { return refusal(i, "PROCESSING") }, PayUnknown, 20 * time.Minute},
		"notenough":                       {func(i in) string { return refusal(i, "NOTENOUGH") }, PayDelay, 10 * time.Minute},
		"freq_limit":                      {func(i in) string { return refusal(i, "FREQ_LIMIT") }, PayDelay, 5 * time.Second},
		"user_day_limit":                  {func(i in) string { return refusal(i, "SENDNUM_LIMIT") }, PayDelay, time.Hour},
		"merchant_day_limit":              {func(i in) string { return refusal(i, "DAY_OVER_LIMITED") }, PayDelay, time.Hour},
		"night":                           {func(i in) string { return refusal(i, "TIME_LIMITED") }, PayDelay, 30 * time.Minute},
		"risk_control":                    {func(i in) string { return refusal(i, "NO_AUTH") }, PayHold, 0},
		"other_parameters":                {func(i in) string { return refusal(i, "FATAL_ERROR") }, PayHold, 0},
		"our_signature":                   {func(i in) string { return refusal(i, "SIGN_ERROR", "return_code", "FAIL") }, PayHold, 0},
		"numeric_code_seen_in_the_field":  {func(i in) string { return refusal(i, "268458547", "return_code", "FAIL") }, PayUnknown, 0},
		"code_of_tomorrow":                {func(i in) string { return refusal(i, "BRAND_NEW") }, PayUnknown, 0},
		"no_code":                         {func(i in) string { return refusal(i, "") }, PayUnknown, 0},
		"return_code_alone":               {func(in) string { return "<xml><return_code>SUCCESS</return_code></xml>" }, PayUnknown, 0},
		"fail_alone": {func(in) string {
			return "<xml><return_code>FAIL</return_code><return_msg>签名错误</return_msg></xml>"
		}, PayUnknown, 0},
		"success_with_an_error_code":  {func(i in) string { return xmlOf(accepted(i, "err_code", "SYSTEMERROR")) }, PayUnknown, 0},
		"success_without_bill_number": {func(i in) string { return xmlOf(accepted(i, "mch_billno", "")) }, PayUnknown, 0},
		"success_without_amount":      {func(i in) string { return xmlOf(accepted(i, "total_amount", "")) }, PayUnknown, 0},
		"success_for_another_bill":    {func(i in) string { return xmlOf(accepted(i, "mch_billno", "OTHER")) }, PayHold, 0},
		"success_with_another_amount": {func(i in) string { return xmlOf(accepted(i, "total_amount", "16800")) }, PayHold, 0},
		"success_for_another_person":  {func(i in) string { return xmlOf(accepted(i, "re_openid", "oOther")) }, PayHold, 0},
		"success_of_another_merchant": {func(i in) string { return xmlOf(accepted(i, "mch_id", "1")) }, PayHold, 0},
		"bad_signature":               {func(i in) string { return xmlOf(accepted(i, "sign", strings.Repeat("0", 32))) }, PayUnknown, 0},
		"failure_with_bad_signature":  {func(i in) string { return refusal(i, "SEND_FAILED", "sign", "0") }, PayUnknown, 0},
		"html":                        {func(in) string { return "<html><body>502<br></body></html>" }, PayUnknown, 0},
		"json":                        {func(in) string { return `{"return_code":"SUCCESS"}` }, PayUnknown, 0},
		"nothing":                     {func(in) string { return "" }, PayUnknown, 0},
		"cut_in_half":                 {func(i in) string { s := refusal(i, "SEND_FAILED"); return s[:len(s)-4] }, PayUnknown, 0},
		"code_twice": {func(i in) string {
			return strings.Replace(refusal(i, "SEND_FAILED"), "<xml>", "<xml><err_code>SYSTEMERROR</err_code>", 1)
		}, PayUnknown, 0},
		"entity_bomb": {func(i in) string {
			return `<!DOCTYPE x [<!ENTITY a "SEND_FAILED">]>` + refusal(i, "&a;")
		}, PayUnknown, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c, srv := newPayServer(t, redpackMerchant)
			srv.answer = func(_ string, i map[string]string) (int, string) { return 200, tc.answer(i) }
			a := c.Send(context.Background(), redpackMerchant, orderFor(redpackMerchant))
			if a.State != tc.state || a.RetryAfter != tc.retry {
				t.Errorf("%+v, want %s after %v", a, tc.state, tc.retry)
			}
			if a.State == PayUnknown && a.Err == nil {
				t.Error("unknown needs a cause")
			}
			mustNotTell(t, fmt.Sprint(a.Err, a.Reason), openID, redpackMerchant.APIKeyV2)
		})
	}
}

func TestRedpackIsUnknownWhenTheConnectionSaysNothing(t *testing.T) {
	ctx := context.Background()
	for name, h := range map[string]http.HandlerFunc{
		"cut_after_the_commit": func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				conn.Close()
			}
		},
		"status_502_with_a_final_looking_body": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(502)
			w.Write([]byte("<xml><return_code>SUCCESS</return_code><result_code>FAIL</result_code><err_code>SEND_FAILED</err_code></xml>"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := newTestClient(t, h)
			o := orderFor(redpackMerchant)
			for _, a := range []PayAnswer{c.Send(ctx, redpackMerchant, o), c.Query(ctx, redpackMerchant, o)} {
				if a.State != PayUnknown || a.Err == nil || a.Code != CodeLocalNoAnswer {
					t.Errorf("%+v, want unknown", a)
				}
			}
		})
	}
	t.Run("cancelled_by_us", func(t *testing.T) {
		c, srv := newPayServer(t, redpackMerchant)
		srv.answer = func(_ string, in map[string]string) (int, string) { return 200, xmlOf(accepted(in)) }
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if a := c.Send(gone, redpackMerchant, orderFor(redpackMerchant)); a.State != PayUnknown || !errors.Is(a.Err, context.Canceled) {
			t.Errorf("%+v", a)
		}
	})
}

func TestQueryRedpack(t *testing.T) {
	type in = map[string]string
	for name, tc := range map[string]struct {
		answer func(in) string
		state  PayState
		wait   bool
	}{
		"sending":            {func(i in) string { return xmlOf(status(i, "SENDING", "reason", "账户异常 "+openID)) }, PayAccepted, false},
		"sent":               {func(i in) string { return xmlOf(status(i, "SENT")) }, PayAccepted, true},
		"received":           {func(i in) string { return xmlOf(status(i, "RECEIVED"), fmt.Sprintf(receivedBy, openID, "168")) }, PaySettled, false},
		"received_no_list":   {func(i in) string { return xmlOf(status(i, "RECEIVED")) }, PaySettled, false},
		"returning":          {func(i in) string { return xmlOf(status(i, "RFUND_ING")) }, PayAccepted, false},
		"returned":           {func(i in) string { return xmlOf(status(i, "REFUND", "refund_amount", "168")) }, PayReturned, false},
		"failed":             {func(i in) string { return xmlOf(status(i, "FAILED", "reason", "x")) }, PayFailed, false},
		"state_of_tomorrow":  {func(i in) string { return xmlOf(status(i, "FROZEN")) }, PayUnknown, false},
		"no_state":           {func(i in) string { return xmlOf(status(i, "")) }, PayUnknown, false},
		"other_amount":       {func(i in) string { return xmlOf(status(i, "RECEIVED", "total_amount", "169")) }, PayHold, false},
		"other_bill":         {func(i in) string { return xmlOf(status(i, "FAILED", "mch_billno", "X")) }, PayHold, false},
		"taken_by_another":   {func(i in) string { return xmlOf(status(i, "RECEIVED"), fmt.Sprintf(receivedBy, "oOther", "168")) }, PayHold, false},
		"taken_other_amount": {func(i in) string { return xmlOf(status(i, "RECEIVED"), fmt.Sprintf(receivedBy, openID, "1")) }, PayHold, false},
		"partly_returned":    {func(i in) string { return xmlOf(status(i, "REFUND", "refund_amount", "100")) }, PayHold, false},
		"not_found":          {func(i in) string { return refusal(i, "NOT_FOUND") }, PayNotFound, false},
		"not_found_outside":  {func(i in) string { return refusal(i, "NOT_FOUND", "return_code", "FAIL") }, PayUnknown, false},
		"query_throttled":    {func(i in) string { return refusal(i, "FREQ_LIMIT") }, PayUnknown, false},
		"query_send_failed":  {func(i in) string { return refusal(i, "SEND_FAILED") }, PayUnknown, false},
		"query_our_key":      {func(i in) string { return refusal(i, "SIGN_ERROR") }, PayHold, false},
		"garbage":            {func(in) string { return "garbage" }, PayUnknown, false},
	} {
		t.Run(name, func(t *testing.T) {
			c, srv := newPayServer(t, redpackMerchant)
			srv.answer = func(path string, i map[string]string) (int, string) {
				if path != pathHBInfo || i["bill_type"] != "MCHT" || i["appid"] != official.AppID {
					t.Errorf("%s %v", path, i)
				}
				return 200, tc.answer(i)
			}
			a := c.Query(context.Background(), redpackMerchant, orderFor(redpackMerchant))
			if a.State != tc.state || a.WaitUser != tc.wait {
				t.Errorf("%+v, want %s wait %v", a, tc.state, tc.wait)
			}
			mustNotTell(t, fmt.Sprint(a.Err, a.Reason), openID)
		})
	}
}

func TestAnOrderThatBreaksARuleIsNeverSent(t *testing.T) {
	v2, v3 := redpackMerchant, transferMerchant(t)
	good := PayOrder{BillNo: "B1", OpenID: openID, AmountFen: 100}
	with := func(f func(*PayOrder)) PayOrder { o := good; f(&o); return o }
	keyless, badCert, badSign, badKey, noRail, nameless := v2, v2, v2, v3, v2, v2
	keyless.APIKeyV2, badCert.ClientCertPEM, badSign.SignType = "", "not pem", "SHA1"
	badKey.PrivateKeyPEM, noRail.Rail, nameless.MchID = "not pem", "", ""
	for name, tc := range map[string]struct {
		m    Merchant
		o    PayOrder
		code string
	}{
		"v2_no_bill":           {v2, with(func(o *PayOrder) { o.BillNo = "" }), CodeLocalOrder},
		"v2_bill_too_long":     {v2, with(func(o *PayOrder) { o.BillNo = strings.Repeat("1", 29) }), CodeLocalOrder},
		"v3_bill_too_long":     {v3, with(func(o *PayOrder) { o.BillNo = strings.Repeat("1", 33) }), CodeLocalOrder},
		"v3_bill_with_a_slash": {v3, with(func(o *PayOrder) { o.BillNo = "../x" }), CodeLocalOrder},
		"v2_no_openid":         {v2, with(func(o *PayOrder) { o.OpenID = "" }), CodeLocalOrder},
		"v2_zero":              {v2, with(func(o *PayOrder) { o.AmountFen = 0 }), CodeLocalOrder},
		"v3_negative":          {v3, with(func(o *PayOrder) { o.AmountFen = -1 }), CodeLocalOrder},
		"v2_small_no_scene":    {v2, with(func(o *PayOrder) { o.AmountFen = 99 }), CodeLocalOrder},
		"v2_large_no_scene":    {v2, with(func(o *PayOrder) { o.AmountFen = 20001 }), CodeLocalOrder},
		"v3_below_minimum":     {v3, with(func(o *PayOrder) { o.AmountFen = 9 }), CodeLocalOrder},
		"v3_needs_a_name":      {v3, with(func(o *PayOrder) { o.AmountFen = 200000 }), CodeLocalOrder},
		"no_key":               {keyless, good, CodeLocalMerchant},
		"bad_certificate":      {badCert, good, CodeLocalMerchant},
		"bad_sign_type":        {badSign, good, CodeLocalMerchant},
		"bad_private_key":      {badKey, good, CodeLocalMerchant},
		"no_rail":              {noRail, good, CodeLocalMerchant},
		"no_merchant_number":   {nameless, good, CodeLocalMerchant},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := newTestClient(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("sent %s", r.URL) }))
			if a := c.Send(context.Background(), tc.m, tc.o); a.State != PayHold || a.Code != tc.code || a.Reason == "" {
				t.Errorf("%+v, want hold %s", a, tc.code)
			}
		})
	}
	t.Run("a_red_packet_cannot_be_cancelled", func(t *testing.T) {
		c, _ := newTestClient(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("sent %s", r.URL) }))
		if a := c.Cancel(context.Background(), v2, good); a.State != PayHold {
			t.Errorf("%+v", a)
		}
	})
	t.Run("production_needs_a_client_certificate", func(t *testing.T) {
		c, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		if a := c.Send(context.Background(), v2, good); a.State != PayHold || a.Code != CodeLocalMerchant {
			t.Errorf("%+v", a)
		}
	})
}
