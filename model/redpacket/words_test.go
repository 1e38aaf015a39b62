package redpacket_test

import (
	"strings"
	"testing"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/redpacket"
)

// Every code that the client gives (wechat/payv2.go, payv3.go, pay.go) and that our own
// machine writes has words of its own.
func TestEveryCodeSaysWhatHelps(t *testing.T) {
	for _, code := range strings.Fields(`NOTENOUGH FREQ_LIMIT SECOND_OVER_LIMITED DAY_OVER_LIMITED MONEY_LIMIT SENDNUM_LIMIT SENDAMOUNT_LIMIT RCVDAMOUNT_LIMIT TIME_LIMITED
		NO_AUTH FATAL_ERROR PARAM_ERROR XML_ERROR SIGN_ERROR CA_ERROR OPENID_ERROR ILLEGAL_APPID MSGAPPID_ERROR ACCEPTMODE_ERROR PROCESSING SYSTEMERROR
		NOT_ENOUGH FREQUENCY_LIMITED FREQUENCY_LIMIT_EXCEED RATE_LIMITED RATELIMIT_EXCEED QUOTA_EXCEED INVALID_REQUEST MCH_NOT_EXISTS APPID_MCHID_NOT_MATCH NOT_FOUND ALREADY_EXISTS SYSTEM_ERROR
		LOCAL_ORDER LOCAL_MERCHANT LOCAL_MISMATCH LOCAL_NO_ANSWER NIGHT USER_DAY_LIMIT AMOUNT_MISMATCH AMOUNT_MISSING RECEIVER_MISMATCH`) {
		w := redpacket.Explain(redpacket.Payout{State: redpacket.Sending, Code: code})
		plain := redpacket.Explain(redpacket.Payout{State: redpacket.Sending})
		if w.Text == plain.Text || w.Cure == "" || strings.Contains(w.Text, code) {
			t.Errorf("%s: %+v", code, w)
		}
	}
}

func TestWordsOfAPayout(t *testing.T) {
	at := clock.Instant(1_800_000_000_000)
	for name, c := range map[string]struct {
		p      redpacket.Payout
		text   string
		cure   string
		action string
	}{
		"a code that nobody documented":       {redpacket.Payout{State: redpacket.Sending, Code: "268458547"}, "268458547", "不会重复付款", redpacket.DoQuery},
		"short of money":                      {redpacket.Payout{State: redpacket.Sending, Code: "NOTENOUGH"}, "余额不足", "充值", redpacket.DoFix},
		"a transfer that waits for its owner": {redpacket.Payout{State: redpacket.Accepted, Rail: brand.RailTransfer, WaitUser: true, MovedAt: at}, "等待用户确认", at.Add(24 * 3600e9).Local(), redpacket.DoWait},
		"a packet that waits for its owner":   {redpacket.Payout{State: redpacket.Accepted, Rail: brand.RailRedpack, WaitUser: true}, "等待用户领取", "24 小时", redpacket.DoWait},
		"arrived":                             {redpacket.Payout{State: redpacket.Settled, Code: "SUCCESS"}, "已到账", "", redpacket.DoNothing},
		"arrived, and then denied":            {redpacket.Payout{State: redpacket.Settled, Code: "CONTRADICTION", Review: true}, "相反的说法", "商户平台", redpacket.DoLook},
		"failed for good":                     {redpacket.Payout{State: redpacket.Failed, Code: "SEND_FAILED"}, "发放失败", "预算已释放", redpacket.DoNothing},
		"marked by hand":                      {redpacket.Payout{State: redpacket.Accepted, Review: true}, "已受理", "取消复核标记", redpacket.DoLook},
	} {
		if w := redpacket.Explain(c.p); !strings.Contains(w.Text, c.text) || !strings.Contains(w.Cure, c.cure) || w.Action != c.action {
			t.Errorf("%s: %+v", name, w)
		}
	}
}
