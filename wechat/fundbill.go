package wechat

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"
)

// The fund bill (资金账单) says what moved on a merchant's basic account on one day in
// Shanghai. Both generations of the interface give the same text: v3 with an address and a
// hash first ([D] pay.weixin.qq.com/doc/v3/merchant/4012556742), v2 with a Digest header
// ([D] pay.weixin.qq.com/wiki/doc/api/micropay.php?chapter=9_18). Bills are made from nine in
// the morning of the day after and should be fetched after ten; they can be had for three
// months.

// Why there is no fund bill. Compare with errors.Is.
var (
	// ErrBillNotReady: WeChat is still making it; later.
	ErrBillNotReady = errors.New("wechat: fund bill is not ready")
	// ErrNoBill: nothing moved on that day, so there is none.
	ErrNoBill = errors.New("wechat: no fund bill for that day")
	// ErrBillBroken: the file is not what its hash, its own totals or its form promise.
	ErrBillBroken = errors.New("wechat: fund bill is broken")
	// ErrBillRefused: this merchant may not have fund bills through the interface.
	ErrBillRefused = errors.New("wechat: fund bill refused")
)

// maxBill bounds a bill before and after unpacking: three million movements.
const maxBill = 1 << 30

// FundFlow is one line of a fund bill.
type FundFlow struct {
	At         time.Time // to the second
	WechatNo   string    // 微信支付业务单号
	FlowNo     string    // 资金流水单号, one for each movement
	Business   string    // 业务名称
	Kind       string    // 业务类型
	AmountFen  int64     // in > 0, out < 0
	BalanceFen int64     // of the account, after the movement
	Applicant  string
	Memo       string
	Voucher    string // 业务凭证号: of what we ordered, our own bill number
}

// BillTotals is what the end of a fund bill says; it was compared with the lines.
type BillTotals struct {
	InCount, OutCount int
	InFen, OutFen     int64
	SHA1              string // of the text, lower-case hex
}

// FundBill fetches the fund bill of day ("2026-11-21") and hands over its lines as they
// come, in the bill's order. Only when it returns without an error were hash and totals
// right; until then each may still be taken back. An error of each ends the fetching and
// is returned.
//
// Errors: ErrBillNotReady, ErrNoBill, ErrBillBroken, ErrBillRefused, or that nothing is known.
func (c *Client) FundBill(ctx context.Context, m Merchant, day string, each func(FundFlow) error) (BillTotals, error) {
	conn, err := c.conn(m)
	if err != nil {
		return BillTotals{}, err
	}
	if m.Rail == RailTransfer {
		return c.fundBillV3(ctx, conn, day, each)
	}
	return c.fundBillV2(ctx, conn, m, day, each)
}

const pathFundBill = "/v3/bill/fundflowbill"

func (c *Client) fundBillV3(ctx context.Context, conn *merchantConn, day string, each func(FundFlow) error) (BillTotals, error) {
	ask := url.Values{"bill_date": {day}, "account_type": {"BASIC"}, "tar_type": {"GZIP"}}
	result, err := conn.v3.Request(ctx, http.MethodGet, consts.WechatPayAPIServer+pathFundBill, nil, ask, nil, consts.ApplicationJSON)
	if result != nil && result.Response != nil {
		defer result.Response.Body.Close()
	}
	if err != nil {
		return BillTotals{}, billFault("fundflowbill", err)
	}
	var at struct {
		HashType string `json:"hash_type"`
		Hash     string `json:"hash_value"`
		URL      string `json:"download_url"`
	}
	if json.NewDecoder(result.Response.Body).Decode(&at) != nil || at.HashType != "SHA1" || at.Hash == "" {
		return BillTotals{}, fmt.Errorf("%w: no hash to compare with", ErrBillBroken)
	}
	// The file's answer has no signature of its own: the hash that came signed vouches for it.
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.URL, nil)
	if err != nil {
		return BillTotals{}, fmt.Errorf("%w: bad address", ErrBillBroken)
	}
	req.Header.Set(consts.UserAgent, "siyu")
	resp, err := conn.files.Do(req)
	if err != nil {
		return BillTotals{}, cause("billdownload", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return BillTotals{}, fmt.Errorf("wechat: billdownload: status %d", resp.StatusCode)
	}
	return readBill(resp.Body, each, func(text, _ string) bool { return strings.EqualFold(text, at.Hash) })
}

// billFault sorts a refusal to give a bill.
func billFault(call string, err error) error {
	var e *core.APIError
	if !errors.As(err, &e) {
		return cause(call, err)
	}
	switch e.Code {
	case "STATEMENT_CREATING":
		return ErrBillNotReady
	case "NO_STATEMENT_EXIST":
		return ErrNoBill
	case "NO_AUTH":
		return fmt.Errorf("%w: %s", ErrBillRefused, scrub(e.Message))
	}
	return fmt.Errorf("wechat: %s: status %d %s %s", call, e.StatusCode, scrub(e.Code), scrub(e.Message))
}

func (c *Client) fundBillV2(ctx context.Context, conn *merchantConn, m Merchant, day string, each func(FundFlow) error) (BillTotals, error) {
	const call = "downloadfundflow"
	params := map[string]string{"appid": m.AppID, "mch_id": m.MchID, "nonce_str": nonce(), "sign_type": "HMAC-SHA256", // the only one it takes
		"bill_date": strings.ReplaceAll(day, "-", ""), "account_type": "Basic", "tar_type": "GZIP"}
	sign, err := signV2(params, "HMAC-SHA256", m.APIKeyV2)
	if err != nil {
		return BillTotals{}, fmt.Errorf("wechat: %s: sign", call)
	}
	params["sign"] = sign
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.hosts.Pay+"/pay/"+call, bytes.NewReader(encodeV2(params)))
	if err != nil {
		return BillTotals{}, fmt.Errorf("wechat: %s: bad address", call)
	}
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	resp, err := conn.files.Do(req)
	if err != nil {
		return BillTotals{}, cause(call, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return BillTotals{}, fmt.Errorf("wechat: %s: status %d", call, resp.StatusCode)
	}
	body := bufio.NewReader(resp.Body)
	if head, _ := body.Peek(5); string(head) == "<xml>" {
		raw, err := io.ReadAll(io.LimitReader(body, maxAnswer))
		if err != nil {
			return BillTotals{}, cause(call, err)
		}
		return BillTotals{}, billFaultV2(raw)
	}
	digest, ok := strings.CutPrefix(resp.Header.Get("Digest"), "SHA=")
	if !ok {
		return BillTotals{}, fmt.Errorf("%w: no digest to compare with", ErrBillBroken)
	}
	// Whether the digest is of the text or of what was sent is not documented; only the
	// true file has either.
	return readBill(body, each, func(text, sent string) bool {
		return strings.EqualFold(text, digest) || strings.EqualFold(sent, digest)
	})
}

func billFaultV2(raw []byte) error {
	f, err := parseXML(raw)
	if err != nil {
		return err
	}
	code := orElse(f.get("err_code"), f.get("error_code"))
	switch strings.ToUpper(strings.ReplaceAll(orElse(code, f.get("return_msg")), " ", "_")) {
	case "BILL_CREATING":
		return ErrBillNotReady
	case "NO_BILL_EXIST":
		return ErrNoBill
	case "NO_AUTH":
		return fmt.Errorf("%w: %s", ErrBillRefused, scrub(f.get("return_msg")))
	}
	return fmt.Errorf("wechat: downloadfundflow: %s %s", scrub(code), scrub(orElse(f.get("err_code_des"), f.get("return_msg"))))
}

// readBill unpacks, checks and parses in one pass: a bill may be larger than memory.
func readBill(body io.Reader, each func(FundFlow) error, right func(text, sent string) bool) (BillTotals, error) {
	sent, text := sha1.New(), sha1.New()
	packed := bufio.NewReader(io.TeeReader(body, sent))
	var plain io.Reader = packed
	if magic, _ := packed.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		unpacked, err := gzip.NewReader(packed)
		if err != nil {
			return BillTotals{}, fmt.Errorf("%w: not gzip", ErrBillBroken)
		}
		plain = unpacked
	}
	totals, err := parseBill(io.TeeReader(io.LimitReader(plain, maxBill), text), each)
	if err != nil {
		return BillTotals{}, err
	}
	if _, err := io.Copy(io.Discard, packed); err != nil {
		return BillTotals{}, cause("billdownload", err)
	}
	if totals.SHA1 = sum(text); !right(totals.SHA1, sum(sent)) {
		return BillTotals{}, fmt.Errorf("%w: hash does not match", ErrBillBroken)
	}
	return totals, nil
}

func sum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// The heads of the two parts of a bill.
var (
	billHead   = []string{"记账时间", "微信支付业务单号", "资金流水单号", "业务名称", "业务类型", "收支类型", "收支金额(元)", "账户结余(元)", "资金变更提交申请人", "备注", "业务凭证号"}
	totalsHead = []string{"资金流水总笔数", "收入笔数", "收入金额", "支出笔数", "支出金额"}
)

// parseBill reads the text. Each value of a line begins with ` so that a spreadsheet does
// not turn numbers into floats; so a comma inside a remark does not end it.
func parseBill(r io.Reader, each func(FundFlow) error) (t BillTotals, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 8<<10), 64<<10)
	broken := func(n int, why string) error { return fmt.Errorf("%w: line %d: %s", ErrBillBroken, n, why) }
	part, n := 0, 0
	for lines.Scan() {
		text := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if n++; text == "" {
			continue
		}
		switch {
		case part == 0:
			if !sameHead(text, billHead) {
				return t, broken(n, "unknown head")
			}
			part = 1
		case part == 1 && sameHead(text, totalsHead):
			part = 2
		case part == 1:
			f, err := parseFlow(text)
			if err != nil {
				return t, broken(n, err.Error())
			}
			if f.AmountFen > 0 {
				t.InCount, t.InFen = t.InCount+1, t.InFen+f.AmountFen
			} else {
				t.OutCount, t.OutFen = t.OutCount+1, t.OutFen-f.AmountFen
			}
			if err := each(f); err != nil {
				return t, err
			}
		case part == 2:
			if err := t.compare(text); err != nil {
				return t, broken(n, err.Error())
			}
			part = 3
		default:
			return t, broken(n, "text after the totals")
		}
	}
	switch err := lines.Err(); {
	case err != nil && errors.Is(err, bufio.ErrTooLong), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, gzip.ErrChecksum):
		return t, broken(n, "cut off")
	case err != nil:
		return t, cause("billdownload", err)
	case part != 3:
		return t, broken(n, "no totals")
	}
	return t, nil
}

// sameHead compares a head: brackets come in both widths, and in some files each name
// begins with ` as well.
func sameHead(text string, want []string) bool {
	text = strings.NewReplacer("（", "(", "）", ")", "`", "", " ", "").Replace(text)
	return text == strings.Join(want, ",")
}

func fieldsOf(text string, n int) ([]string, error) {
	f := strings.Split(strings.TrimPrefix(text, "`"), ",`")
	if len(f) != n {
		return nil, fmt.Errorf("%d values and not %d", len(f), n)
	}
	for i := range f {
		f[i] = strings.TrimSpace(f[i])
	}
	return f, nil
}

var shanghai = time.FixedZone("Asia/Shanghai", 8*3600)

func parseFlow(text string) (FundFlow, error) {
	f, err := fieldsOf(text, len(billHead))
	if err != nil {
		return FundFlow{}, err
	}
	at, err := time.ParseInLocation(time.DateTime, f[0], shanghai)
	if err != nil {
		return FundFlow{}, errors.New("bad time")
	}
	amount, ok := fenOf(f[6])
	balance, ok2 := fenOf(f[7])
	if !ok || !ok2 || amount <= 0 || f[2] == "" {
		return FundFlow{}, errors.New("bad amount, balance or number")
	}
	switch f[5] {
	case "收入":
	case "支出":
		amount = -amount
	default:
		return FundFlow{}, errors.New("neither in nor out")
	}
	return FundFlow{At: at.UTC(), WechatNo: f[1], FlowNo: f[2], Business: f[3], Kind: f[4], AmountFen: amount, BalanceFen: balance,
		Applicant: cutRunes(f[8], 64), Memo: cutRunes(f[9], 200), Voucher: f[10]}, nil
}

// compare holds the counted totals against the written ones ("20.0" is how counts look in
// some bills).
func (t BillTotals) compare(text string) error {
	f, err := fieldsOf(text, len(totalsHead))
	if err != nil {
		return err
	}
	counts := []int{t.InCount + t.OutCount, t.InCount, t.OutCount}
	for i, at := range []int{0, 1, 3} {
		if n, err := strconv.Atoi(strings.TrimSuffix(f[at], ".0")); err != nil || n != counts[i] {
			return errors.New("count differs from the lines")
		}
	}
	in, ok := fenOf(f[2])
	out, ok2 := fenOf(f[4])
	if !ok || !ok2 || in != t.InFen || out != t.OutFen {
		return errors.New("amount differs from the lines")
	}
	return nil
}

// fenOf reads yuan with at most two decimals.
func fenOf(yuan string) (int64, bool) {
	whole, part, dot := strings.Cut(strings.TrimPrefix(yuan, "-"), ".")
	if whole == "" || len(whole) > 13 || dot && (part == "" || len(part) > 2) || strings.ContainsAny(whole+part, "+-") {
		return 0, false
	}
	n, err := strconv.ParseInt(whole+(part + "00")[:2], 10, 64)
	if strings.HasPrefix(yuan, "-") {
		n = -n
	}
	return n, err == nil
}

// Balance is the money on a merchant's basic account, in fen. Only a merchant with v3 keys
// can ask, and WeChat gives the permission to few ([D] .../apiv3/wxpay/pay/transfer/chapter5_1.shtml).
//
// Errors: ErrBillRefused when this merchant may not ask, or that nothing is known.
func (c *Client) Balance(ctx context.Context, m Merchant) (availableFen int64, err error) {
	if m.Rail != RailTransfer {
		return 0, fmt.Errorf("%w: no v3 interface", ErrBillRefused)
	}
	conn, err := c.conn(m)
	if err != nil {
		return 0, err
	}
	result, err := conn.v3.Request(ctx, http.MethodGet, consts.WechatPayAPIServer+"/v3/merchant/fund/balance/BASIC", nil, nil, nil, consts.ApplicationJSON)
	if result != nil && result.Response != nil {
		defer result.Response.Body.Close()
	}
	if err != nil {
		return 0, billFault("fund/balance", err)
	}
	var out struct {
		Available *int64 `json:"available_amount"`
	}
	if json.NewDecoder(result.Response.Body).Decode(&out) != nil || out.Available == nil {
		return 0, errors.New("wechat: fund/balance: answer without an amount")
	}
	return *out.Available, nil
}
