package wechat

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/silenceper/wechat/v2/util"
)

// redpack is the v2 rail: sendredpack and gethbinfo, XML over mTLS.
// [D] pay.weixin.qq.com/doc/v2/merchant/4011974053 and .../4011937431
type redpack struct {
	c    *Client
	conn *merchantConn
}

const (
	pathSendRedpack = "/mmpaymkttransfers/sendredpack"
	pathHBInfo      = "/mmpaymkttransfers/gethbinfo"
)

func (r redpack) send(ctx context.Context, m Merchant, o PayOrder) PayAnswer {
	if why := checkOrder(o, 28); why != "" {
		return refuse(why)
	}
	// 1 to 200 yuan without a scene; outside, WeChat wants to know why.
	scene := orElse(o.SceneID, m.SceneIDV2)
	if (o.AmountFen < 100 || o.AmountFen > 20000) && scene == "" {
		return refuse("低于 1 元或高于 200 元的红包须配置 scene_id")
	}
	// Texts must be present and shorter than the limit, in characters: the real
	// answer is "act_name字段必填，并且少于32个字符".
	f, err := r.exchange(ctx, m, pathSendRedpack, map[string]string{
		"mch_billno":   o.BillNo,
		"mch_id":       m.MchID,
		"wxappid":      o.AppID,
		"send_name":    cutRunes(orElse(m.SendName, "品牌商"), 31),
		"re_openid":    o.OpenID,
		"total_amount": strconv.FormatInt(o.AmountFen, 10),
		"total_num":    "1",
		"wishing":      cutRunes(orElse(o.Wishing, "恭喜发财"), 127),
		"client_ip":    orElse(o.ClientIP, "127.0.0.1"),
		"act_name":     cutRunes(orElse(o.ActName, "扫码领红包"), 31),
		"remark":       cutRunes(orElse(o.Remark, "扫码领红包"), 255),
		"scene_id":     scene,
	})
	if err != nil {
		return unknown(CodeLocalNoAnswer, err)
	}
	return sendAnswer(f, m, o)
}

// sendAnswer reads an answer to sendredpack. "Accepted" needs our bill number and
// our amount in it.
func sendAnswer(f xmlFields, m Merchant, o PayOrder) PayAnswer {
	if f.get("return_code") != "SUCCESS" || f.get("result_code") != "SUCCESS" {
		return sendFault(f, o)
	}
	switch code := f.get("err_code"); {
	case code != "" && code != "SUCCESS" && code != "0":
		return unknown(code, errors.New("wechat: sendredpack: success with an error code"))
	case f.get("mch_billno") == "" || f.get("total_amount") == "":
		return unknown("", errors.New("wechat: sendredpack: success without bill number or amount"))
	}
	if what := differs(f, m, o); what != "" {
		return mismatch(what)
	}
	return PayAnswer{
		State: PayAccepted, WechatNo: f.get("send_listid"), Code: "SUCCESS",
		AmountFen: o.AmountFen, WaitUser: true,
	}
}

// sendFault reads a refusal. Only SEND_FAILED inside a business answer ends the
// bill number; a code that the list does not have is unknown, and codes seen in
// the field are not all in the documents (268458547, 系统繁忙).
func sendFault(f xmlFields, o PayOrder) PayAnswer {
	code := f.get("err_code")
	a := PayAnswer{State: PayUnknown, Code: code, Reason: reasonOf(f, o)}
	if a.State, a.RetryAfter = sendVerdict(code); a.State == PayFailed && f.get("return_code") != "SUCCESS" {
		a.State, a.RetryAfter = PayUnknown, 0
	}
	// The number in an answer is ours or the answer is not about our order.
	if no := f.get("mch_billno"); no != "" && no != o.BillNo {
		return mismatch("商户单号")
	}
	if a.State == PayUnknown {
		a.Err = fmt.Errorf("wechat: sendredpack: %s %s", scrub(code), a.Reason)
	}
	return a
}

// sendVerdict is WeChat's code table with our reaction. The waits are hints: what
// ends at midnight in Shanghai is the caller's knowledge.
func sendVerdict(code string) (PayState, time.Duration) {
	switch code {
	case "SEND_FAILED":
		return PayFailed, 0
	case "NOTENOUGH":
		return PayDelay, 10 * time.Minute
	case "FREQ_LIMIT", "SECOND_OVER_LIMITED":
		return PayDelay, 5 * time.Second
	case "DAY_OVER_LIMITED", "MONEY_LIMIT", "SENDNUM_LIMIT", "SENDAMOUNT_LIMIT", "RCVDAMOUNT_LIMIT":
		return PayDelay, time.Hour
	case "TIME_LIMITED": // no packets at night
		return PayDelay, 30 * time.Minute
	case "NO_AUTH", "FATAL_ERROR", "PARAM_ERROR", "XML_ERROR", "SIGN_ERROR", "CA_ERROR",
		"OPENID_ERROR", "ILLEGAL_APPID", "MSGAPPID_ERROR", "ACCEPTMODE_ERROR":
		return PayHold, 0
	case "PROCESSING": // "query after twenty minutes, then the same number again"
		return PayUnknown, 20 * time.Minute
	}
	return PayUnknown, 0
}

func (r redpack) query(ctx context.Context, m Merchant, o PayOrder) PayAnswer {
	if why := checkOrder(o, 28); why != "" {
		return refuse(why)
	}
	f, err := r.exchange(ctx, m, pathHBInfo, map[string]string{
		"mch_billno": o.BillNo, "mch_id": m.MchID, "appid": o.AppID, "bill_type": "MCHT",
	})
	if err != nil {
		return unknown(CodeLocalNoAnswer, err)
	}
	return queryAnswer(f, m, o)
}

// queryAnswer reads an answer to gethbinfo, which also must be about our bill
// number and amount.
func queryAnswer(f xmlFields, m Merchant, o PayOrder) PayAnswer {
	if f.get("return_code") != "SUCCESS" || f.get("result_code") != "SUCCESS" {
		return queryFault(f, o)
	}
	if f.get("mch_billno") == "" || f.get("total_amount") == "" {
		return unknown("", errors.New("wechat: gethbinfo: answer without bill number or amount"))
	}
	if what := differs(f, m, o); what != "" {
		return mismatch(what)
	}
	if what := receivedBySomebodyElse(f, o); what != "" {
		return mismatch(what)
	}
	a := PayAnswer{
		WechatNo: f.get("detail_id"), Code: f.get("status"), AmountFen: o.AmountFen,
		Reason: scrub(f.get("reason"), o.OpenID),
	}
	switch a.Code {
	case "SENDING": // may carry a reason and fail a day later
		a.State = PayAccepted
	case "SENT":
		a.State, a.WaitUser = PayAccepted, true
	case "RECEIVED":
		a.State = PaySettled
	case "RFUND_ING":
		a.State = PayAccepted
	case "REFUND":
		a.State = PayReturned
		if back := f.get("refund_amount"); back != "" && back != strconv.FormatInt(o.AmountFen, 10) {
			return mismatch("退款金额")
		}
	case "FAILED":
		a.State = PayFailed
	default:
		return unknown(a.Code, errors.New("wechat: gethbinfo: status not in the documents"))
	}
	return a
}

// queryFault reads a query that gave no status. No error of a query says
// anything final about the payment ("not found" neither: 4011937431), and a
// throttled query must not look like a throttled payment.
func queryFault(f xmlFields, o PayOrder) PayAnswer {
	a := PayAnswer{Code: f.get("err_code"), Reason: reasonOf(f, o)}
	if no := f.get("mch_billno"); no != "" && no != o.BillNo {
		return mismatch("商户单号")
	}
	if a.Code == "NOT_FOUND" && f.get("return_code") == "SUCCESS" {
		a.State = PayNotFound
		return a
	}
	state, wait := sendVerdict(a.Code)
	if a.State, a.RetryAfter = PayUnknown, wait; state == PayHold {
		a.State = PayHold
	}
	a.Err = fmt.Errorf("wechat: gethbinfo: %s %s", scrub(a.Code), a.Reason)
	return a
}

func (r redpack) cancel(context.Context, Merchant, PayOrder) PayAnswer {
	return refuse("现金红包不能撤销，未领取会自动退回")
}

// differs names the first field that speaks of another order.
func differs(f xmlFields, m Merchant, o PayOrder) (what string) {
	is := func(field, want string) bool { got := f.get(field); return got == "" || got == want }
	switch {
	case !is("mch_billno", o.BillNo):
		return "商户单号"
	case !is("mch_id", m.MchID):
		return "商户号"
	case !is("total_amount", strconv.FormatInt(o.AmountFen, 10)):
		return "金额"
	case !is("re_openid", o.OpenID):
		return "收款人"
	case !is("wxappid", o.AppID):
		return "appid"
	}
	return ""
}

// receivedBySomebodyElse checks who took the packet, where the answer says so.
func receivedBySomebodyElse(f xmlFields, o PayOrder) (what string) {
	for _, openID := range f["hblist/hbinfo/openid"] {
		if openID != o.OpenID {
			return "领取人"
		}
	}
	for _, amount := range f["hblist/hbinfo/amount"] {
		if amount != strconv.FormatInt(o.AmountFen, 10) {
			return "领取金额"
		}
	}
	return ""
}

func reasonOf(f xmlFields, o PayOrder) string {
	return scrub(orElse(f.get("err_code_des"), f.get("return_msg")), o.OpenID)
}

// exchange signs and posts params and reads the answer. An error means that
// nothing is known. HTTP answers other than 200 come from something in between.
func (r redpack) exchange(ctx context.Context, m Merchant, path string, params map[string]string) (xmlFields, error) {
	name := path[len("/mmpaymkttransfers/"):]
	params["nonce_str"] = nonce()
	if m.SignType == util.SignTypeHMACSHA256 {
		params["sign_type"] = m.SignType // MD5 is what WeChat assumes
	}
	sign, err := signV2(params, m.SignType, m.APIKeyV2)
	if err != nil {
		return nil, fmt.Errorf("wechat: %s: sign", name)
	}
	params["sign"] = sign
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.c.hosts.Pay+path, bytes.NewReader(encodeV2(params)))
	if err != nil {
		return nil, fmt.Errorf("wechat: %s: bad address", name)
	}
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	resp, err := r.conn.http.Do(req)
	if err != nil {
		return nil, cause(name, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, cause(name, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("wechat: %s: status %d", name, resp.StatusCode)
	}
	f, err := openV2(raw, m)
	if err != nil {
		return nil, fmt.Errorf("wechat: %s: %w", name, err)
	}
	return f, nil
}

// openV2 reads an answer and verifies its signature if it has one. sendredpack
// and gethbinfo answers usually have none; what vouches for them is the mTLS
// connection. Unknown fields take part: WeChat adds some.
func openV2(raw []byte, m Merchant) (xmlFields, error) {
	f, err := parseXML(raw)
	if err != nil {
		return nil, err
	}
	if f.get("return_code") == "" {
		return nil, fmt.Errorf("%w: no return_code", ErrMalformed)
	}
	if sign := f.get("sign"); sign != "" {
		flat := map[string]string{}
		for path, values := range f {
			if !strings.Contains(path, "/") { // hblist has no place in a flat k=v text
				flat[path] = values[0]
			}
		}
		want, err := signV2(flat, m.SignType, m.APIKeyV2)
		if err != nil || !sameText(want, sign) {
			return nil, ErrSignature
		}
	}
	return f, nil
}

// signV2 signs params: non-empty ones but "sign", sorted by key, then the key
// ([D] pay.weixin.qq.com/doc/v2/merchant/4011985891).
func signV2(params map[string]string, signType, key string) (string, error) {
	return util.CalculateSign(util.OrderParam(params, "&key="+key), signType, key)
}

// encodeV2 writes params as <xml>, sorted, without empty fields.
func encodeV2(params map[string]string) []byte {
	keys := make([]string, 0, len(params))
	for k, v := range params {
		if v != "" {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	var b bytes.Buffer
	b.WriteString("<xml>")
	for _, k := range keys {
		b.WriteString("<" + k + ">")
		xml.EscapeText(&b, []byte(params[k])) // a bytes.Buffer does not fail
		b.WriteString("</" + k + ">")
	}
	b.WriteString("</xml>")
	return b.Bytes()
}
