package simulator

import (
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/http"
	"sort"
	"strings"
	"time"
)

// The fund bill (资金账单) of a merchant's basic account, in both generations of the
// interface: https://pay.weixin.qq.com/doc/v3/merchant/4012556742 and
// https://pay.weixin.qq.com/wiki/doc/api/micropay.php?chapter=9_18. The names of the
// business and of its kind for transfers and red packets are from memory [M].

// flow is one movement of a merchant's money.
type flow struct {
	at       time.Time
	bill     *bill // nil: a top-up
	business string
	kind     string
	fen      int64 // in > 0
	balance  int64
	voucher  string
	wechatNo string
}

// topUp is money that somebody paid in.
type topUp struct {
	MchID string    `json:"mch_id"`
	At    time.Time `json:"at"`
	Fen   int64     `json:"fen"`
}

const (
	billsFrom = 9 * time.Hour // of the day after
	billsKept = 90 * 24 * time.Hour
)

// flowsOf works a merchant's movements out of its bills, with the balance after each: it
// is known now, so it was known then. The caller holds the lock.
func (s *Simulator) flowsOf(m *merchant) []flow {
	var list []flow
	for _, b := range s.bills.all {
		if b.MchID != m.MchID || b.unpaid {
			continue
		}
		business, back := "商家转账", "商家转账退回"
		if b.Rail == "redpack" {
			business, back = "微信红包", "微信红包退回"
		}
		list = append(list, flow{at: b.CreatedAt, bill: b, business: business, kind: business, fen: -b.AmountFen, voucher: b.BillNo, wechatNo: b.WechatNo})
		if b.returned {
			list = append(list, flow{at: b.UpdatedAt, bill: b, business: business, kind: back, fen: b.AmountFen, voucher: b.BillNo, wechatNo: b.WechatNo})
		}
	}
	for i, t := range s.topUps {
		if t.MchID == m.MchID {
			no := "1800" + digits(fmt.Sprintf("topup/%s/%d", m.MchID, i), 28)
			list = append(list, flow{at: t.At, business: "充值", kind: "充值", fen: t.Fen, voucher: no, wechatNo: no})
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].at.Before(list[j].at) })
	balance := m.BalanceFen
	for i := len(list) - 1; i >= 0; i-- {
		list[i].balance, balance = balance, balance-list[i].fen
	}
	return list
}

// spoilFlows is what misfortunes do to a bill before its totals and hash are made: the
// mistake is WeChat's own, so nothing but comparing finds it. Code names the bill number;
// without one the first line of a payout suffers.
func (s *Simulator) spoilFlows(c *call, m *merchant, list []flow) []flow {
	at := -1
	for i, f := range list {
		if at < 0 && f.bill != nil && (c.fate == nil || c.fate.Code == "" || c.fate.Code == f.voucher) {
			at = i
		}
	}
	switch {
	case c.bad("bill_extra_line"):
		balance := m.BalanceFen
		when := s.now().Add(-24 * time.Hour)
		if n := len(list); n > 0 {
			balance, when = list[n-1].balance, list[n-1].at
		}
		no := "OTHER" + digits(fmt.Sprintf("extra/%s/%s", m.MchID, day(when)), 15)
		return append(list, flow{at: when, business: "商家转账", kind: "商家转账", fen: -100, balance: balance - 100, voucher: no, wechatNo: "1330" + digits(no, 28)})
	case at >= 0 && c.bad("bill_missing_line"):
		return append(list[:at:at], list[at+1:]...)
	case at >= 0 && c.bad("bill_other_amount"):
		list[at].fen--
	}
	return list
}

func yuan(fen int64) string {
	sign := ""
	if fen < 0 {
		sign, fen = "-", -fen
	}
	return fmt.Sprintf("%s%d.%02d", sign, fen/100, fen%100)
}

// billText writes a bill as WeChat does.
func billText(m *merchant, list []flow) []byte {
	var b bytes.Buffer
	b.WriteString("记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号\n")
	var in, out int
	var inFen, outFen int64
	for i, f := range list {
		direction, fen := "收入", f.fen
		if fen < 0 {
			direction, fen = "支出", -fen
			out, outFen = out+1, outFen+fen
		} else {
			in, inFen = in+1, inFen+fen
		}
		flowNo := "4200" + digits(fmt.Sprintf("flow/%s/%s/%s/%d", m.MchID, f.voucher, direction, f.at.UnixMilli()), 24)
		if f.bill == nil {
			flowNo = "4300" + digits(fmt.Sprintf("flow/%s/%s/%d", m.MchID, f.voucher, i), 24)
		}
		memo := f.kind + ",共1笔"
		fields := []string{f.at.In(shanghai).Format(time.DateTime), f.wechatNo, flowNo, f.business, f.kind, direction, yuan(fen), yuan(f.balance), m.MchID + "API", memo, f.voucher}
		b.WriteString("`" + strings.Join(fields, ",`") + "\n")
	}
	fmt.Fprintf(&b, "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\n`%d,`%d,`%s,`%d,`%s\n", in+out, in, yuan(inFen), out, yuan(outFen))
	return b.Bytes()
}

// makeBill is the bill of a day, or why there is none. The caller holds the lock.
func (s *Simulator) makeBill(c *call, m *merchant, date time.Time) (text []byte, none string) {
	next := date.AddDate(0, 0, 1)
	switch now := s.now(); {
	case c.bad("bill_not_ready") || now.Before(next.Add(billsFrom)):
		return nil, "creating"
	case now.Sub(date) > billsKept:
		return nil, "old"
	}
	var list []flow
	for _, f := range s.flowsOf(m) {
		if !f.at.Before(date) && f.at.Before(next) {
			list = append(list, f)
		}
	}
	if list = s.spoilFlows(c, m, list); len(list) == 0 {
		return nil, "empty"
	}
	return billText(m, list), ""
}

func packed(text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(text)
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic("simulator: gzip: " + err.Error()) // a buffer takes everything
	}
	return b.Bytes()
}

// hashOf is the digest that goes with a bill, or a wrong one.
func hashOf(c *call, text []byte) string {
	h := sha1.Sum(text)
	if c.bad("bill_wrong_hash") {
		h[0]++
	}
	return hex.EncodeToString(h[:])
}

// billFile is a bill that waits for its download.
type billFile struct {
	body  []byte
	until time.Time
}

// fundBill is GET /v3/bill/fundflowbill.
func (s *Simulator) fundBill(c *call) answer {
	m, fail, good := s.enterV3(c)
	if !good {
		return fail
	}
	date, err := time.ParseInLocation(time.DateOnly, c.query.Get("bill_date"), shanghai)
	if account := c.query.Get("account_type"); err != nil || account != "" && account != "BASIC" && account != "OPERATION" && account != "FEES" {
		return s.paramError("bill_date", "账单日期格式为yyyy-MM-DD")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	text, none := s.makeBill(c, m, date)
	switch none {
	case "creating":
		return s.v3Error(http.StatusBadRequest, "STATEMENT_CREATING", "账单生成中", nil)
	case "old":
		return s.v3Error(http.StatusBadRequest, "INVALID_REQUEST", "仅支持三个月内的账单下载申请", nil)
	case "empty":
		return s.v3Error(http.StatusBadRequest, "NO_STATEMENT_EXIST", "账单文件不存在", nil)
	}
	token := s.mint("bill")
	body := text
	if c.query.Get("tar_type") == "GZIP" {
		body = packed(text)
	}
	for t, f := range s.billFiles {
		if s.now().After(f.until) {
			delete(s.billFiles, t)
		}
	}
	s.billFiles[token] = billFile{body, s.now().Add(5 * time.Minute)}
	return jsonAnswer(http.StatusOK, object{"hash_type": "SHA1", "hash_value": hashOf(c, text), "download_url": "https://" + payHost + "/v3/billdownload/file?token=" + token})
}

// fundBillFile is GET /v3/billdownload/file: a signed request, an answer without signature.
func (s *Simulator) fundBillFile(c *call) answer {
	if _, fail, good := s.enterV3(c); !good {
		return fail
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, found := s.billFiles[c.query.Get("token")]
	if !found || s.now().After(f.until) {
		return s.v3Error(http.StatusBadRequest, "INVALID_REQUEST", "账单下载地址已失效", nil)
	}
	return answer{status: http.StatusOK, body: f.body, header: http.Header{"Content-Type": {"application/octet-stream"}}}
}

// fundBillV2 is POST /pay/downloadfundflow.
func (s *Simulator) fundBillV2(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, fail, good := s.enterV2(c)
	if !good {
		return fail
	}
	date, err := time.ParseInLocation("20060102", v.in.get("bill_date"), shanghai)
	if err != nil || v.signType != "HMAC-SHA256" || v.in.get("account_type") != "Basic" || !contains(v.m.AppIDs, v.in.get("appid")) {
		return v.fail("PARAM_ERROR", "参数错误")
	}
	text, none := s.makeBill(c, v.m, date)
	switch none {
	case "creating":
		return v2Fault("BILL_CREATING", "账单未生成")
	case "old":
		return v.fail("PARAM_ERROR", "参数错误")
	case "empty":
		return v2Fault("NO_BILL_EXIST", "账单不存在")
	}
	body := text
	if v.in.get("tar_type") == "GZIP" {
		body = packed(text)
	}
	return answer{status: http.StatusOK, body: body, header: http.Header{"Content-Type": {"text/plain"}, "Digest": {"SHA=" + hashOf(c, text)}}}
}

// fundBalance is GET /v3/merchant/fund/balance/BASIC.
func (s *Simulator) fundBalance(c *call) answer {
	m, fail, good := s.enterV3(c)
	if !good {
		return fail
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.bad("no_balance") {
		return s.v3Error(http.StatusForbidden, "NO_AUTH", "商户未开通该接口权限", nil)
	}
	return jsonAnswer(http.StatusOK, object{"available_amount": m.BalanceFen, "pending_amount": 0})
}
