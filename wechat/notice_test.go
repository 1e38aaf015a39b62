package wechat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func noticePlain(m Merchant, state string) string {
	return fmt.Sprintf(`{"mch_id":%q,"out_bill_no":"B20261120","transfer_bill_no":"133","state":%q,"transfer_amount":168,
"openid":%q,"fail_reason":"x","create_time":"2026-11-20T20:00:00+08:00","update_time":"2026-11-20T20:00:00+08:00"}`, m.MchID, state, openID)
}

func noticeClient(t testing.TB) (*Client, Merchant) {
	c, _ := newTestClient(t, http.NotFoundHandler())
	return c, transferMerchant(t)
}

func TestOpenTransferNotice(t *testing.T) {
	c, m := noticeClient(t)
	for state, want := range map[string]PayState{
		"SUCCESS": PaySettled, "FAIL": PayFailed, "CANCELLED": PayReturned, "WAIT_USER_CONFIRM": PayUnknown, "TOMORROW": PayUnknown,
	} {
		body := sealNotice(m, noticePlain(m, state))
		n, err := c.OpenTransferNotice(context.Background(), m, signPay(rsaKeys().wechat, m.PublicKeyID, noon.Add(4*time.Minute), body), body)
		if err != nil {
			t.Fatal(err)
		}
		if n.Answer.State != want || n.ID != "EV-1" || n.BillNo != "B20261120" || n.WechatNo != "133" || n.OpenID != openID || n.AmountFen != 168 || n.State != state {
			t.Errorf("%s: %+v", state, n)
		}
	}
}

func TestOpenTransferNoticeRefuses(t *testing.T) {
	c, m := noticeClient(t)
	good := sealNotice(m, noticePlain(m, "SUCCESS"))
	sign := func(body []byte) http.Header { return signPay(rsaKeys().wechat, m.PublicKeyID, noon, body) }
	edit := func(f func(map[string]any)) []byte {
		var v map[string]any
		if err := json.Unmarshal(good, &v); err != nil {
			t.Fatal(err)
		}
		f(v)
		b, _ := json.Marshal(v)
		return b
	}
	resource := func(k string, v any) []byte {
		return edit(func(n map[string]any) { n["resource"].(map[string]any)[k] = v })
	}
	header := func(k, v string) http.Header { h := sign(good); h.Set(k, v); return h }
	other := m
	other.MchID = "999"

	for name, tc := range map[string]struct {
		h    http.Header
		body []byte
		want error
	}{
		"no_headers":            {http.Header{}, good, ErrSignature},
		"signed_by_another":     {signPay(rsaKeys().other, m.PublicKeyID, noon, good), good, ErrSignature},
		"another_serial":        {signPay(rsaKeys().wechat, "PUB_KEY_ID_OLD", noon, good), good, ErrSignature},
		"probe":                 {header("Wechatpay-Signature", "WECHATPAY/SIGNTEST/"+sign(good).Get("Wechatpay-Signature")), good, ErrSignature},
		"another_type":          {header("Wechatpay-Signature-Type", "WECHATPAY2-SM2-WITH-SM3"), good, ErrSignature},
		"another_nonce":         {header("Wechatpay-Nonce", "x"), good, ErrSignature},
		"changed_body":          {sign(good), append([]byte(" "), good...), ErrSignature},
		"changed_timestamp":     {header("Wechatpay-Timestamp", "1795176001"), good, ErrSignature},
		"six_minutes_old":       {signPay(rsaKeys().wechat, m.PublicKeyID, noon.Add(-6*time.Minute), good), good, ErrReplay},
		"six_minutes_ahead":     {signPay(rsaKeys().wechat, m.PublicKeyID, noon.Add(6*time.Minute), good), good, ErrReplay},
		"too_large":             {http.Header{}, []byte(strings.Repeat(" ", 64<<10+1)), ErrTooLarge},
		"signed_no_resource":    signed(sign, edit(func(n map[string]any) { delete(n, "resource") })),
		"signed_no_id":          signed(sign, edit(func(n map[string]any) { delete(n, "id") })),
		"signed_other_event":    signed(sign, edit(func(n map[string]any) { n["event_type"] = "TRANSACTION.SUCCESS" })),
		"signed_short_nonce":    signed(sign, resource("nonce", "short")),
		"signed_long_nonce":     signed(sign, resource("nonce", "abcdefghijklmnop")),
		"signed_other_cipher":   signed(sign, resource("algorithm", "AES_128")),
		"signed_bad_ciphertext": signed(sign, resource("ciphertext", "AAAA")),
		"signed_not_base64":     signed(sign, resource("ciphertext", "%")),
		"signed_other_aad":      signed(sign, resource("associated_data", "x")),
		"signed_not_json":       signed(sign, []byte("hello")),
		"signed_empty":          signed(sign, nil),
		"signed_null":           signed(sign, []byte("null")),
		"content_not_json":      signed(sign, sealNotice(m, "hello")),
		"content_without_bill":  signed(sign, sealNotice(m, `{"mch_id":"`+m.MchID+`","state":"SUCCESS"}`)),
		"another_merchant":      signed(sign, sealNotice(m, noticePlain(other, "SUCCESS"))),
	} {
		t.Run(name, func(t *testing.T) {
			n, err := c.OpenTransferNotice(context.Background(), m, tc.h, tc.body)
			if !errors.Is(err, tc.want) || n != (TransferNotice{}) {
				t.Errorf("%+v, err %v, want %v", n, err, tc.want)
			}
			if err != nil {
				mustNotTell(t, err.Error(), openID, m.APIv3Key, "Wechatpay", m.PublicKeyID)
			}
		})
	}
	t.Run("unusable_keys", func(t *testing.T) {
		broken := m
		broken.APIv3Key = "short"
		if _, err := c.OpenTransferNotice(context.Background(), broken, sign(good), good); err == nil {
			t.Error("a short key opened a notice")
		}
	})
}

func signed(sign func([]byte) http.Header, body []byte) struct {
	h    http.Header
	body []byte
	want error
} {
	return struct {
		h    http.Header
		body []byte
		want error
	}{sign(body), body, ErrMalformed}
}
