package simulator

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Misfortune is an order: the next Count matching calls go wrong. It is used up
// by a call even if that kind has no meaning for it, so that a test which
// orders nonsense sees nothing happen instead of a surprise later.
//
// For every call (names in endpoints(); "" or "*" is any, "payout" either rail's
// create, "payout.query" either rail's query, "bill" either generation's fund bill):
//
//	commit_then_drop     the call takes effect, the connection is cut
//	drop                 the connection is cut, nothing happened
//	delay                the answer comes Delay late; the effect at once
//	unknown_code         nothing happens; an undocumented code (Code) is answered
//	http_500, http_502   nothing happens; the gateway's error page
//	commit_then_500      the call takes effect; the gateway's error page
//	garbage_body         the call takes effect; 200 with half an answer
//	expired_token        the access token dies now (JSON calls): 42001, or Code "40001"
//	balance_short        as if the merchant had no money (both rails)
//	user_blocks          the user cannot receive: SEND_FAILED / FAIL / failed:user block
//	fails_later          messages: taken, and reported as failed. Code: the mass send's or
//	                     template's Status, the subscribe message's ErrorCode
//	user_never_confirms  the transfer, or the packet, can only expire
//	processing           the bill stays SENDING / PROCESSING until Advance
//	bad_answer_signature the answer is right, its signature is not
//	probe_answer_signature  signature begins WECHATPAY/SIGNTEST/
//	notice_before_answer the notice (SUCCESS, or Code) arrives before the answer
//	wrong_amount         the answer names one fen more (queries)
//	no_receive_time      gethbinfo without rcv_time, as seen in the field
//	bill_not_ready       the fund bill is still being made (bills; so the four below)
//	bill_missing_line    a line is not there; Code: of this bill number
//	bill_extra_line      a transfer that nobody here ordered
//	bill_other_amount    a line has one fen more; Code: of this bill number
//	bill_wrong_hash      the digest is not the file's
//	no_balance           the merchant may not ask for its balance
//
// For Call "notice" (pay v3), "callback" (messages and events) and "wecom_callback":
//
//	missing_notice       never sent
//	duplicate_notice     sent twice at the same time
//	out_of_order_notice  kept back until the next one was delivered (or Settle)
//	forged_notice        a false one first, then the true one. Code: "" = wrong
//	                     signature, "probe" = SIGNTEST, "stale" = an hour old
//	                     but well signed, "serial" = unknown key id; callbacks:
//	                     "msg_signature", "plaintext" (downgrade), "stale", WeCom's also "corp"
//	delay                sent Delay later
type Misfortune struct {
	Call  string        `json:"call"`
	Kind  string        `json:"kind"`
	Count int           `json:"count"` // 0 means 1
	Code  string        `json:"code"`
	Delay time.Duration `json:"-"` // the API says delay_ms
}

// misfortuneNames are the kinds that exist, with what the phone page calls them.
var misfortuneNames = map[string]string{
	"commit_then_drop": "做完后断线", "drop": "没做就断线", "delay": "很慢", "unknown_code": "未知错误码",
	"http_500": "服务器错误 500", "http_502": "网关错误 502", "commit_then_500": "做完后报 500",
	"garbage_body": "应答残缺", "expired_token": "凭证过期", "balance_short": "商户余额不足",
	"user_blocks": "用户无法收款", "fails_later": "接收后没有送达", "user_never_confirms": "用户一直不确认", "processing": "一直处理中",
	"bad_answer_signature": "应答签名错误", "probe_answer_signature": "应答签名探测",
	"notice_before_answer": "通知先于应答", "wrong_amount": "应答金额不符", "no_receive_time": "缺少领取时间",
	"bill_not_ready": "账单未生成", "bill_missing_line": "账单缺一行", "bill_extra_line": "账单多一行",
	"bill_other_amount": "账单金额不符", "bill_wrong_hash": "账单摘要不符", "no_balance": "无权查询余额",
	"missing_notice": "通知丢失", "duplicate_notice": "通知重复", "out_of_order_notice": "通知乱序", "forged_notice": "伪造通知",
}

// MisfortuneKinds are all kinds there are, sorted.
func MisfortuneKinds() []string { return slices.Sorted(maps.Keys(misfortuneNames)) }

// callGroups let one order fit whichever rail the merchant uses.
var callGroups = map[string]string{
	"sendredpack": "payout", "transfer.create": "payout", "gethbinfo": "payout.query", "transfer.query": "payout.query",
	"fundbill": "bill", "downloadfundflow": "bill",
}

// SetMisfortune orders one. An unknown kind is an error, and nothing is ordered.
func (s *Simulator) SetMisfortune(m Misfortune) error {
	if misfortuneNames[m.Kind] == "" {
		return fmt.Errorf("没有这种故障：%s", m.Kind)
	}
	if m.Count <= 0 {
		m.Count = 1
	}
	if m.Kind == "delay" && m.Delay <= 0 {
		m.Delay = 3 * time.Second
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.misfortunes = append(s.misfortunes, &m)
	s.version++
	return nil
}

// ClearMisfortunes forgets all that have not happened.
func (s *Simulator) ClearMisfortunes() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.misfortunes = nil
	s.version++
}

// Misfortunes are those still waiting.
func (s *Simulator) Misfortunes() []Misfortune {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Misfortune, 0, len(s.misfortunes))
	for _, m := range s.misfortunes {
		list = append(list, *m)
	}
	return list
}

// fits: outbound deliveries never match the wildcard, because a test that breaks
// "any call" means calls to WeChat.
func (m *Misfortune) fits(name string) bool {
	switch m.Call {
	case name:
		return true
	case "", "*":
		return name != "notice" && name != "callback" && name != "wecom_callback"
	}
	return m.Call == callGroups[name]
}

// takeMisfortune uses up one order for this call.
func (s *Simulator) takeMisfortune(name string) *Misfortune {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, m := range s.misfortunes {
		if !m.fits(name) {
			continue
		}
		taken := *m
		if m.Count--; m.Count == 0 {
			s.misfortunes = append(s.misfortunes[:i:i], s.misfortunes[i+1:]...)
		}
		s.suffered[name+" "+m.Kind]++
		if m.Code != "" {
			s.suffered[name+" "+m.Kind+" "+m.Code]++
		}
		s.version++
		return &taken
	}
	return nil
}

// Suffered counts what went wrong so far, by "call kind" with the call's own name, and by
// "call kind code" where the order named a code.
func (s *Simulator) Suffered() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.suffered)
}

// suffer serves the call with the misfortune ordered for it, if any. drop means
// that not one byte may be answered.
func (s *Simulator) suffer(c *call, e endpoint) (a answer, drop bool) {
	kind := ""
	if c.fate != nil {
		kind = c.fate.Kind
	}
	switch kind {
	case "drop":
		return answer{}, true
	case "http_500", "http_502":
		return gatewayPage(kind), false
	case "unknown_code":
		return s.unknownCode(e.wire, c), false
	}
	a = s.serve(c, e)
	switch kind {
	case "commit_then_drop":
		return a, true
	case "commit_then_500":
		return gatewayPage("http_500"), false
	case "garbage_body":
		a.body = a.body[:len(a.body)/2]
		a.code = "garbage"
	case "delay":
		// The effect comes first: a slow answer to something already done is
		// what a payout must survive. A client that leaves is not waited for.
		s.dawdle(c.r.Context(), c.fate.Delay)
	}
	if e.wire == wireV3 {
		// After the spoiling, so that half a body still carries a good signature:
		// only the parser can notice.
		s.signAnswer(&a, c)
	}
	return a, false
}

// dawdle waits until d is over, the client has left, or the simulator closes.
func (s *Simulator) dawdle(client context.Context, d time.Duration) {
	ctx, cancel := context.WithCancel(client)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	pause(ctx, d)
}

func (s *Simulator) serve(c *call, e endpoint) answer {
	if e.token {
		if a, ok := s.authenticate(c); !ok {
			return a
		}
	}
	if e.corp {
		if a, ok := s.authenticateCorp(c); !ok {
			return a
		}
	}
	return e.serve(c)
}

func gatewayPage(kind string) answer {
	status := http.StatusInternalServerError
	if kind == "http_502" {
		status = http.StatusBadGateway
	}
	return answer{
		status: status, code: strings.ToUpper(kind), header: http.Header{"Content-Type": {"text/html"}},
		body: []byte("<html><head><title>" + http.StatusText(status) + "</title></head><body><center><h1>" + http.StatusText(status) + "</h1></center></body></html>"),
	}
}

// unknownCode answers a code no documentation knows. v2's default is a real
// sample from the field: numeric, with return_code FAIL.
func (s *Simulator) unknownCode(w wire, c *call) answer {
	code := c.fate.Code
	switch w {
	case wireV2:
		if code == "" {
			code = "268458547"
		}
		return v2Answer(nil, "", fields{{"return_code", "FAIL"}, {"return_msg", "系统繁忙，请稍后再试"}, {"result_code", "FAIL"}, {"err_code", code}, {"err_code_des", "系统繁忙，请稍后再试"}})
	case wireV3:
		if code == "" {
			code = "BIZ_ERR_NEED_RETRY"
		}
		a := s.v3Error(http.StatusBadRequest, code, "系统繁忙，请稍后再试", nil)
		s.signAnswer(&a, c)
		return a
	}
	if code == "" {
		code = "-20261"
	}
	a := jsonAnswer(http.StatusOK, object{"errcode": toInt(code), "errmsg": "system error" + s.rid()})
	a.code = code
	return a
}
