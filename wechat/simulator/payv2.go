package simulator

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Pay v2: sendredpack and gethbinfo. XML in and out, MD5 or HMAC-SHA256.
// https://pay.weixin.qq.com/doc/v2/merchant/4011974053

// fields are the children of <xml> in order.
type fields [][2]string

func (f fields) get(name string) string {
	for _, kv := range f {
		if kv[0] == name {
			return kv[1]
		}
	}
	return ""
}

// readFields parses any root with plain children. A field given twice is
// refused: which one was signed would be anybody's guess.
func readFields(body []byte) (fields, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	var out fields
	seen := map[string]bool{}
	depth, name, text := 0, "", ""
	for {
		t, err := d.Token()
		if err == io.EOF {
			if depth != 0 || len(out) == 0 {
				return nil, errors.New("empty or unfinished document")
			}
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.Directive:
			return nil, errors.New("document type is not allowed")
		case xml.StartElement:
			if depth++; depth == 2 {
				name, text = t.Name.Local, ""
			} else if depth > 2 {
				return nil, errors.New("nested field")
			}
		case xml.CharData:
			if depth == 2 {
				text += string(t)
			}
		case xml.EndElement:
			if depth == 2 {
				if seen[name] {
					return nil, errors.New("field given twice: " + name)
				}
				seen[name] = true
				out = append(out, [2]string{name, strings.TrimSpace(text)})
			}
			depth--
		}
	}
}

// signV2 signs the non-empty fields, sorted, in upper-case hex.
func signV2(f fields, key, signType string) string {
	pairs := make([]string, 0, len(f))
	for _, kv := range f {
		if kv[0] != "sign" && kv[1] != "" {
			pairs = append(pairs, kv[0]+"="+kv[1])
		}
	}
	sort.Strings(pairs)
	text := strings.Join(append(pairs, "key="+key), "&")
	if signType == "HMAC-SHA256" {
		h := hmac.New(sha256.New, []byte(key))
		h.Write([]byte(text))
		return strings.ToUpper(hex.EncodeToString(h.Sum(nil)))
	}
	sum := md5.Sum([]byte(text))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// v2Answer writes and, with a merchant, signs.
func v2Answer(m *merchant, signType string, f fields) answer {
	code := f.get("err_code")
	if m != nil {
		f = append(f, [2]string{"sign", signV2(f, m.APIKeyV2, signType)})
	}
	var b strings.Builder
	b.WriteString("<xml>\n")
	for _, kv := range f {
		if kv[0] == "hblist" {
			fmt.Fprintf(&b, "<hblist>%s</hblist>\n", kv[1])
			continue
		}
		fmt.Fprintf(&b, "<%s><![CDATA[%s]]></%s>\n", kv[0], strings.ReplaceAll(kv[1], "]]>", ""), kv[0])
	}
	b.WriteString("</xml>")
	return answer{status: http.StatusOK, body: []byte(b.String()), code: code, header: http.Header{"Content-Type": {"text/xml; charset=utf-8"}}}
}

// v2Fault refuses before the business: nothing is signed because the merchant
// is not proven yet.
func v2Fault(code, text string) answer {
	return v2Answer(nil, "", fields{{"return_code", "FAIL"}, {"return_msg", text}, {"result_code", "FAIL"}, {"err_code", code}, {"err_code_des", text}})
}

// v2Call is a checked request.
type v2Call struct {
	in       fields
	m        *merchant
	signType string
	spoil    bool
}

func (v v2Call) reply(f fields) answer {
	a := v2Answer(v.m, v.signType, f)
	if v.spoil {
		sign := signV2(f, v.m.APIKeyV2, v.signType)
		a.body = bytes.Replace(a.body, []byte(sign), []byte(strings.Repeat("0", len(sign))), 1)
	}
	return a
}

func (v v2Call) fail(code, text string) answer {
	f := fields{{"return_code", "SUCCESS"}, {"return_msg", text}, {"result_code", "FAIL"}, {"err_code", code}, {"err_code_des", text}}
	for _, name := range []string{"mch_billno", "mch_id", "wxappid", "re_openid", "total_amount"} {
		if value := v.in.get(name); value != "" {
			f = append(f, [2]string{name, value})
		}
	}
	return v.reply(f)
}

// enterV2 parses and checks the signature; the caller holds the lock.
func (s *Simulator) enterV2(c *call) (v2Call, answer, bool) {
	in, err := readFields(c.body)
	if err != nil {
		return v2Call{}, v2Fault("XML_ERROR", "输入xml参数格式错误"), false
	}
	m := s.merchants[in.get("mch_id")]
	sign := in.get("sign")
	v := v2Call{in: in, m: m, signType: "MD5", spoil: c.bad("bad_answer_signature")}
	// sign_type is optional on this rail; the length of the sign tells as well.
	if in.get("sign_type") == "HMAC-SHA256" || len(sign) == 64 {
		v.signType = "HMAC-SHA256"
	}
	if m == nil || m.APIKeyV2 == "" || sign == "" || !hmac.Equal([]byte(sign), []byte(signV2(in, m.APIKeyV2, v.signType))) {
		return v2Call{}, v2Fault("SIGN_ERROR", "签名错误"), false
	}
	return v, answer{}, true
}

var billNoV2 = regexp.MustCompile(`^[0-9A-Za-z]{1,28}$`)

// checkRedpack is every rule that looks at the request alone.
func (s *Simulator) checkRedpack(v v2Call) (u *user, fen int64, code, text string) {
	in := v.in
	for _, f := range []struct {
		name string
		most int
	}{{"nonce_str", 32}, {"send_name", 32}, {"re_openid", 32}, {"wishing", 128}, {"client_ip", 15}, {"act_name", 32}, {"remark", 256}, {"wxappid", 32}} {
		if n := utf8.RuneCountInString(in.get(f.name)); n == 0 || n > f.most {
			return nil, 0, "PARAM_ERROR", "参数错误:" + f.name
		}
	}
	if !billNoV2.MatchString(in.get("mch_billno")) {
		return nil, 0, "PARAM_ERROR", "参数错误:mch_billno"
	}
	if in.get("total_num") != "1" {
		return nil, 0, "PARAM_ERROR", "参数错误:total_num"
	}
	fen, err := strconv.ParseInt(in.get("total_amount"), 10, 64)
	if err != nil || fen <= 0 || fen > 49_990_000 {
		return nil, 0, "PARAM_ERROR", "参数错误:total_amount"
	}
	scene := in.get("scene_id")
	if n, found := strings.CutPrefix(scene, "PRODUCT_"); scene != "" && (!found || len(n) != 1 || n < "1" || n > "8") {
		return nil, 0, "PARAM_ERROR", "参数错误:scene_id"
	}
	if (fen < 100 || fen > 20_000) && scene == "" {
		return nil, 0, "PARAM_ERROR", "红包金额不在1元至200元之间，须上传场景值"
	}
	a := s.apps[in.get("wxappid")]
	if a == nil || !contains(v.m.AppIDs, in.get("wxappid")) {
		return nil, 0, "MSGAPPID_ERROR", "触达消息给用户appid有误"
	}
	if a.Kind != "official" {
		return nil, 0, "ILLEGAL_APPID", "非法appid，请确认是否为公众号的appid"
	}
	u, real := s.who(a.AppID, in.get("re_openid"))
	if u == nil || !real {
		return nil, 0, "OPENID_ERROR", "openid和appid不匹配"
	}
	return u, fen, "", ""
}

func contains(list []string, want string) bool {
	for _, v := range list {
		if v == want {
			return true
		}
	}
	return false
}

// fingerprint of everything but what changes with each request.
func (f fields) fingerprint() string {
	var kept []string
	for _, kv := range f {
		switch kv[0] {
		case "nonce_str", "sign", "sign_type", "client_ip", "risk_info":
		default:
			kept = append(kept, kv[0]+"="+kv[1])
		}
	}
	sort.Strings(kept)
	return digest(kept...)
}

func (s *Simulator) sendRedpack(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, fail, good := s.enterV2(c)
	if !good {
		return fail
	}
	u, fen, code, text := s.checkRedpack(v)
	if code != "" {
		return v.fail(code, text)
	}
	if b := s.bills.find(v.m.MchID, v.in.get("mch_billno")); b != nil {
		b.Sends++
		return s.repeatRedpack(v, b)
	}
	if code, text := s.refuseRedpack(c, v, u, fen); code != "" {
		return v.fail(code, text)
	}
	b := &bill{Bill: Bill{
		BillNo: v.in.get("mch_billno"), MchID: v.m.MchID, AppID: v.in.get("wxappid"), OpenID: v.in.get("re_openid"), User: u.Name,
		Rail: "redpack", AmountFen: fen, State: "SENDING", Sends: 1, Wishing: v.in.get("wishing"),
		Title: v.in.get("send_name") + " · " + v.in.get("act_name"),
	}, print: v.in.fingerprint(), actName: v.in.get("act_name"), remark: v.in.get("remark"), stuck: c.bad("user_never_confirms")}
	b.WechatNo = "1000" + digits("listid/"+b.MchID+"/"+b.BillNo, 24)
	if c.bad("user_blocks") {
		b.State, b.Reason = "FAILED", "该用户账号异常，无法领取红包"
	}
	s.open(v.m, b)
	switch {
	case b.State == "FAILED":
	case c.bad("processing"):
		b.Reason = "系统处理中" // in the field a SENDING bill may carry a reason
		return v.fail("PROCESSING", "请求已受理，请稍后使用原单号查询发放结果")
	default:
		if err := s.move(b, "SENT"); err != nil {
			panic("simulator: " + err.Error()) // SENDING -> SENT is always open
		}
		s.grab(c, b)
	}
	return s.redpackAnswer(v, b)
}

// refuseRedpack is every rule that looks at the world. Nothing is recorded for
// a refused order: the same number may be tried again.
func (s *Simulator) refuseRedpack(c *call, v v2Call, u *user, fen int64) (code, text string) {
	limits := v.m.Limits
	if s.tooFast(v.m) {
		return "FREQ_LIMIT", "超过频率限制，请稍后再试"
	}
	today := day(s.now())
	mine, all := s.bills.day(today, v.m.MchID, "redpack", u.Name), s.bills.day(today, v.m.MchID, "redpack", "")
	switch {
	case c.bad("balance_short") || v.m.BalanceFen < fen:
		return "NOTENOUGH", "帐号余额不足，请到商户平台充值后再重试"
	case int64(mine.count) >= limit(int64(limits.UserDayCount), 10):
		return "SENDNUM_LIMIT", "该用户今日领取红包个数超过限制"
	case mine.fen+fen > limit(limits.UserDayFen, 100_000):
		return "RCVDAMOUNT_LIMIT", "该用户今日领取金额超过限制"
	case all.fen+fen > limit(limits.MerchantDayFen, 100_000_000):
		return "DAY_OVER_LIMITED", "商户的今日额度超限"
	}
	return "", ""
}

// repeatRedpack answers a number that is already known: re-entrant for the same
// order, FATAL_ERROR for another one.
func (s *Simulator) repeatRedpack(v v2Call, b *bill) answer {
	if b.print != v.in.fingerprint() {
		return v.fail("FATAL_ERROR", "两次请求参数不一致")
	}
	if b.State == "SENDING" {
		return v.fail("PROCESSING", "请求已受理，请稍后使用原单号查询发放结果")
	}
	return s.redpackAnswer(v, b)
}

func (s *Simulator) redpackAnswer(v v2Call, b *bill) answer {
	if b.State == "FAILED" {
		return v.fail("SEND_FAILED", "红包发放失败，请更换单号再重试")
	}
	return v.reply(fields{
		{"return_code", "SUCCESS"}, {"return_msg", "发放成功"}, {"result_code", "SUCCESS"}, {"err_code", "SUCCESS"}, {"err_code_des", "发放成功"},
		{"mch_billno", b.BillNo}, {"mch_id", b.MchID}, {"wxappid", b.AppID}, {"re_openid", b.OpenID},
		{"total_amount", strconv.FormatInt(b.AmountFen, 10)}, {"send_listid", b.WechatNo}, {"send_time", b.CreatedAt.In(shanghai).Format("20060102150405")},
	})
}
