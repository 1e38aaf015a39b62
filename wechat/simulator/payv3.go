package simulator

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// Pay v3: 商家转账 transfer-bills: create, two queries, cancel.
// https://pay.weixin.qq.com/doc/v3/merchant/4012716434

const transferPath = "/v3/fund-app/mch-transfer/transfer-bills"

type reportInfo struct {
	Type    string `json:"info_type"`
	Content string `json:"info_content"`
}

type transferOrder struct {
	AppID      string       `json:"appid"`
	BillNo     string       `json:"out_bill_no"`
	SceneID    string       `json:"transfer_scene_id"`
	OpenID     string       `json:"openid"`
	UserName   string       `json:"user_name"`
	AmountFen  int64        `json:"transfer_amount"`
	Remark     string       `json:"transfer_remark"`
	NotifyURL  string       `json:"notify_url"`
	Perception string       `json:"user_recv_perception"`
	Reports    []reportInfo `json:"transfer_scene_report_infos"`
}

// transferScenes are those whose rules are known: what must be reported, and the words
// that the person may read. Others take anything.
var transferScenes = map[string]struct{ reports, perceptions []string }{
	"1000": {[]string{"活动名称", "奖励说明"}, []string{"现金奖励", "活动奖励"}},
	"1005": {[]string{"岗位类型", "报酬说明"}, []string{"劳务报酬", "报销款", "企业补贴", "开工利是"}},
}

var billNoV3 = regexp.MustCompile(`^[0-9A-Za-z]{1,32}$`)

func (s *Simulator) paramError(field, text string) answer {
	return s.v3Error(http.StatusBadRequest, "PARAM_ERROR", text, object{"field": field, "issue": text, "location": "body"})
}

// checkTransfer is every rule that looks at the request alone.
func (s *Simulator) checkTransfer(c *call, m *merchant, o *transferOrder) (u *user, fail answer, good bool) {
	bad := func(field, text string) (*user, answer, bool) { return nil, s.paramError(field, text), false }
	switch n := utf8.RuneCountInString(o.Remark); {
	case !billNoV3.MatchString(o.BillNo):
		return bad("out_bill_no", "商户单号只能由数字、大小写字母组成，长度1到32")
	case o.SceneID == "" || len(o.SceneID) > 36:
		return bad("transfer_scene_id", "转账场景ID不能为空")
	case o.AmountFen < 10:
		return bad("transfer_amount", "转账金额不能低于0.1元")
	case n == 0 || n > 32:
		return bad("transfer_remark", "转账备注长度须为1到32")
	}
	if o.NotifyURL != "" {
		if u, err := url.Parse(o.NotifyURL); err != nil || u.Host == "" || u.RawQuery != "" || u.Scheme != "https" && !loopback(u) {
			return bad("notify_url", "通知地址必须为https且不能携带参数")
		}
	}
	if scene, known := transferScenes[o.SceneID]; known {
		if o.Perception != "" && !contains(scene.perceptions, o.Perception) {
			return nil, s.v3Error(http.StatusBadRequest, "INVALID_REQUEST", "用户收款感知不符合该转账场景要求", nil), false
		}
		kinds := map[string]bool{}
		for _, r := range o.Reports {
			if r.Content == "" || utf8.RuneCountInString(r.Content) > 32 {
				return bad("transfer_scene_report_infos", "报备信息内容长度须为1到32")
			}
			kinds[r.Type] = true
		}
		if len(o.Reports) != 2 || !kinds[scene.reports[0]] || !kinds[scene.reports[1]] {
			return bad("transfer_scene_report_infos", "该转账场景须填写"+strings.Join(scene.reports, "、"))
		}
	}
	if text := s.checkRealName(c, o); text != "" {
		return bad("user_name", text)
	}
	if s.apps[o.AppID] == nil || !contains(m.AppIDs, o.AppID) {
		return nil, s.v3Error(http.StatusForbidden, "NO_AUTH", "appid与商户号未绑定", nil), false
	}
	u, real := s.who(o.AppID, o.OpenID)
	if u == nil || !real {
		return bad("openid", "openid与appid不匹配")
	}
	return u, answer{}, true
}

// loopback: WeChat wants https, and a simulator's siyu stands on this machine.
func loopback(u *url.URL) bool {
	h := u.Hostname()
	return h == "127.0.0.1" || h == "localhost" || h == "::1"
}

// checkRealName decrypts user_name in place: the cipher text differs each time.
func (s *Simulator) checkRealName(c *call, o *transferOrder) string {
	if o.UserName == "" {
		if o.AmountFen >= 200_000 {
			return "转账金额达到2000元须填写收款用户姓名"
		}
		return ""
	}
	if o.AmountFen < 30 {
		return "转账金额低于0.3元不支持填写收款用户姓名"
	}
	if c.r.Header.Get("Wechatpay-Serial") != s.keyID {
		return "加密敏感信息须在Wechatpay-Serial中给出公钥ID"
	}
	sealed, err := base64.StdEncoding.DecodeString(o.UserName)
	if err != nil {
		return "收款用户姓名解密失败"
	}
	name, err := rsa.DecryptOAEP(sha1.New(), rand.Reader, s.key(), sealed, nil)
	if err != nil {
		return "收款用户姓名解密失败"
	}
	o.UserName = string(name)
	return ""
}

func (o transferOrder) fingerprint() string {
	text, err := json.Marshal(o)
	if err != nil {
		panic("simulator: order: " + err.Error()) // texts and numbers only
	}
	return digest(string(text))
}

func (s *Simulator) createTransfer(c *call) answer {
	m, fail, good := s.enterV3(c)
	if !good {
		return fail
	}
	var o transferOrder
	if err := json.Unmarshal(c.body, &o); err != nil {
		return s.paramError("", "请求体不是合法的JSON")
	}
	s.mu.Lock()
	u, fail, good := s.checkTransfer(c, m, &o)
	if !good {
		s.mu.Unlock()
		return fail
	}
	if b := s.bills.find(m.MchID, o.BillNo); b != nil {
		defer s.mu.Unlock()
		b.Sends++
		if b.print != o.fingerprint() {
			return s.v3Error(http.StatusBadRequest, "ALREADY_EXISTS", "商户单号已存在，但信息不一致", nil) // code [M]
		}
		return jsonAnswer(http.StatusOK, createdAnswer(b))
	}
	if s.tooFast(m) {
		s.mu.Unlock()
		return s.v3Error(http.StatusTooManyRequests, "FREQUENCY_LIMITED", "频率超限", nil)
	}
	b := &bill{Bill: Bill{
		BillNo: o.BillNo, WechatNo: "1330" + digits("transfer/"+m.MchID+"/"+o.BillNo, 28), MchID: m.MchID, AppID: o.AppID, OpenID: o.OpenID,
		User: u.Name, Rail: "transfer", AmountFen: o.AmountFen, State: "ACCEPTED", Sends: 1, Title: o.Remark, NotifyURL: o.NotifyURL,
	}, print: o.fingerprint(), remark: o.Remark, stuck: c.bad("user_never_confirms")}
	short := m.BalanceFen < o.AmountFen || c.bad("balance_short")
	if waits := m.Limits.ShortStaysWaiting || c.bad("balance_short") && c.fate.Code == "PROCESSING"; short && !waits {
		s.mu.Unlock()
		return s.v3Error(http.StatusForbidden, "NOT_ENOUGH", "资金不足", nil)
	}
	s.open(m, b)
	first := s.advanceNew(c, b, short)
	s.mu.Unlock()
	if first != nil {
		// Our notice overtakes our answer: the merchant reads SUCCESS first and
		// WAIT_USER_CONFIRM afterwards.
		s.sendNotice(*first)
	}
	return jsonAnswer(http.StatusOK, s.createdBefore(b, first))
}

// advanceNew takes a new bill as far as it goes by itself.
func (s *Simulator) advanceNew(c *call, b *bill, short bool) *notice {
	must := func(state string) {
		if err := s.move(b, state); err != nil {
			panic("simulator: new bill: " + err.Error()) // a new bill may go anywhere forward
		}
	}
	must("PROCESSING")
	switch {
	case short || c.bad("processing"):
	case c.bad("user_blocks"):
		b.Reason = "PAYEE_ACCOUNT_ABNORMAL"
		must("FAIL")
	default:
		s.givePackage(b)
		must("WAIT_USER_CONFIRM")
		s.grab(c, b)
	}
	if !c.bad("notice_before_answer") || b.State != "WAIT_USER_CONFIRM" {
		return nil
	}
	end := "SUCCESS"
	if c.fate.Code != "" {
		end = c.fate.Code
	}
	if end == "FAIL" {
		b.Reason = "PAYEE_ACCOUNT_ABNORMAL"
	}
	if err := s.shift(b, end); err != nil {
		return nil
	}
	n := s.newNotice(b)
	return &n
}

// createdBefore is the create answer; if a notice overtook it, as it was before.
func (s *Simulator) createdBefore(b *bill, overtaken *notice) object {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := createdAnswer(b)
	if overtaken != nil {
		out["state"], out["package_info"] = "WAIT_USER_CONFIRM", b.Package
		delete(out, "fail_reason")
	}
	return out
}

// givePackage: what the phone opens the confirm page with.
func (s *Simulator) givePackage(b *bill) {
	b.Package = "ABBQO+" + short("package", b.MchID, b.BillNo) + short("package2", b.MchID, b.BillNo) + "=="
	s.bills.byPackage[b.Package] = b
}

func createdAnswer(b *bill) object {
	out := object{"out_bill_no": b.BillNo, "transfer_bill_no": b.WechatNo, "create_time": b.CreatedAt.In(shanghai).Format(time.RFC3339), "state": b.State}
	if b.Reason != "" {
		out["fail_reason"] = b.Reason
	}
	if b.State == "WAIT_USER_CONFIRM" {
		out["package_info"] = b.Package
	}
	return out
}

// queryTransfer serves out-bill-no and transfer-bill-no.
func (s *Simulator) queryTransfer(c *call) answer {
	m, fail, good := s.enterV3(c)
	if !good {
		return fail
	}
	rest := strings.TrimPrefix(c.path, transferPath+"/")
	kind, number, _ := strings.Cut(rest, "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.bills.find(m.MchID, number)
	if kind == "transfer-bill-no" {
		b = nil
		for _, other := range s.bills.all {
			if other.MchID == m.MchID && other.WechatNo == number {
				b = other
			}
		}
	}
	if b == nil || b.Rail != "transfer" || s.now().Sub(b.CreatedAt) > 30*24*time.Hour {
		return s.v3Error(http.StatusNotFound, "NOT_FOUND", "记录不存在", nil)
	}
	b.Queries++
	out := object{
		"mch_id": b.MchID, "out_bill_no": b.BillNo, "transfer_bill_no": b.WechatNo, "appid": b.AppID, "state": b.State,
		"transfer_amount": b.AmountFen, "transfer_remark": b.remark, "openid": b.OpenID,
		"create_time": b.CreatedAt.In(shanghai).Format(time.RFC3339), "update_time": b.UpdatedAt.In(shanghai).Format(time.RFC3339),
	}
	if b.Reason != "" {
		out["fail_reason"] = b.Reason
	}
	if c.bad("wrong_amount") {
		out["transfer_amount"] = b.AmountFen + 1
	}
	return jsonAnswer(http.StatusOK, out)
}

// cancelTransfer answers CANCELING; the end, and its notice, come right after.
func (s *Simulator) cancelTransfer(c *call) answer {
	m, fail, good := s.enterV3(c)
	if !good {
		return fail
	}
	number := strings.TrimSuffix(strings.TrimPrefix(c.path, transferPath+"/out-bill-no/"), "/cancel")
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.bills.find(m.MchID, number)
	if b == nil || b.Rail != "transfer" {
		return s.v3Error(http.StatusNotFound, "NOT_FOUND", "记录不存在", nil)
	}
	if b.State != "CANCELLED" && b.State != "CANCELING" {
		if err := s.move(b, "CANCELING"); err != nil {
			return s.v3Error(http.StatusBadRequest, "INVALID_REQUEST", fmt.Sprintf("当前单据状态不允许撤销（%s）", b.State), nil)
		}
	}
	out := object{"out_bill_no": b.BillNo, "transfer_bill_no": b.WechatNo, "state": b.State, "update_time": b.UpdatedAt.In(shanghai).Format(time.RFC3339)}
	if b.State == "CANCELING" {
		if err := s.move(b, "CANCELLED"); err != nil {
			panic("simulator: cancel: " + err.Error()) // CANCELING -> CANCELLED is always open
		}
	}
	return jsonAnswer(http.StatusOK, out)
}
