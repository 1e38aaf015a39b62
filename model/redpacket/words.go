package redpacket

import (
	"fmt"

	"siyu/model/brand"
)

// Words say to an operator what a payout is waiting for and what he can do about it.
type Words struct {
	Text   string `json:"text"`   // what is
	Cure   string `json:"cure"`   // what to do; "": nothing
	Action string `json:"action"` // wait, query, fix, look, none: the kind of cure
}

// Kinds of cure.
const (
	DoNothing = "none"
	DoWait    = "wait"  // it goes on by itself
	DoQuery   = "query" // ask WeChat again now
	DoFix     = "fix"   // something must be changed in the merchant platform or here
	DoLook    = "look"  // a person decides; then the mark is taken off
)

// Explain puts a payout's state and WeChat's last code into words. The codes and what may
// be done about them are those of the platform facts 3.1 (sendredpack, gethbinfo:
// pay.weixin.qq.com/doc/v2/merchant/4011974053, 4011937431) and 3.2 (transfer-bills:
// pay.weixin.qq.com/doc/v3/merchant/4012716434).
func Explain(p Payout) Words {
	w := stateWords(p)
	if p.Final() && p.Code != codeContradiction {
		if cure, known := endWords()[p.Code]; known && p.State == Failed {
			w.Text += "：" + cure.Text
			w.Cure = cure.Cure
		}
		return w
	}
	if c, known := codeWords()[p.Code]; known {
		if c.Text != "" {
			w.Text += "：" + c.Text
		}
		w.Cure, w.Action = c.Cure, c.Action
	} else if p.State == Sending && p.Code != "" {
		w.Text = "发送中：微信返回了文档中没有的代码 " + p.Code + "，结果未知"
		w.Cure, w.Action = "系统会按同一单号继续查询，不会重复付款；超过 24 小时请到微信商户平台按商户单号核对", DoQuery
	}
	if p.Review && (w.Action == DoWait || w.Action == DoNothing) {
		w.Cure, w.Action = "请核对后取消复核标记；需要时先到微信商户平台按商户单号查询。", DoLook
	}
	return w
}

func stateWords(p Payout) Words {
	switch p.State {
	case Pending:
		return Words{"待发送", "系统会自动发送，不用处理", DoWait}
	case Sending:
		return Words{"发送中", "系统会按同一单号查询，不会重复付款", DoQuery}
	case Accepted:
		switch {
		case p.Rail == brand.RailTransfer && p.WaitUser:
			return Words{"等待用户确认收款", fmt.Sprintf("用户须在 %s 前在微信内确认，逾期自动退回，预算释放", p.ConfirmBy().Local()), DoWait}
		case p.WaitUser:
			return Words{"红包已发出，等待用户领取", "24 小时未领取会自动退回，预算释放", DoWait}
		}
		return Words{"微信已受理，处理中", "系统会自动查询结果", DoWait}
	case Settled:
		return Words{"已到账", "", DoNothing}
	case Returned:
		return Words{"用户逾期未领，已退回，预算已释放", "不用处理；用户可重新联系客服", DoNothing}
	}
	return Words{"发放失败，预算已释放", "微信已明确这个单号不会付款；如需补发，请通过积分或客服处理", DoNothing}
}

const codeContradiction = "CONTRADICTION"

// codeWords are WeChat's codes, and ours, of a payout that has not ended.
func codeWords() map[string]Words {
	balance := Words{"商户号余额不足", "请给商户号充值，充值后按原单号自动重发，不会丢失", DoFix}
	rate := Words{"发送太快，微信限流", "系统会自动放慢后重发", DoWait}
	day := Words{"商户号今天的额度已用完", "明天 0 点后自动重发；长期不够请到商户平台申请提高日额度", DoWait}
	person := Words{"这位用户今天收到的红包已达微信上限", "明天自动重发", DoWait}
	param := Words{"请求被微信拒绝（参数或配置）", "请把错误原因交给技术人员；改好后点“重新查询”，按原单号继续", DoFix}
	sign := Words{"签名或证书不对", "请检查商户号的密钥、证书序列号和微信支付公钥是否已更换", DoFix}
	return map[string]Words{
		"NOTENOUGH": balance, "NOT_ENOUGH": balance,
		"FREQ_LIMIT": rate, "SECOND_OVER_LIMITED": rate, "FREQUENCY_LIMITED": rate, "FREQUENCY_LIMIT_EXCEED": rate, "RATE_LIMITED": rate, "RATELIMIT_EXCEED": rate,
		"DAY_OVER_LIMITED": day, "MONEY_LIMIT": day, "SENDAMOUNT_LIMIT": day, "QUOTA_EXCEED": day,
		"SENDNUM_LIMIT": person, "RCVDAMOUNT_LIMIT": person, "USER_DAY_LIMIT": person,
		"NIGHT":        {"夜间不发红包", "早上 8 点后自动发送", DoWait},
		"TIME_LIMITED": {"微信夜间不发红包", "早上 8 点后自动重发", DoWait},
		"PROCESSING":   {"微信正在处理", "微信要求 20 分钟后再查，系统会自动查询", DoWait},
		"SYSTEMERROR":  {"微信系统繁忙，结果未知", "系统会按原单号查询和重试，不会重复付款", DoQuery},
		"SYSTEM_ERROR": {"微信系统繁忙，结果未知", "系统会按原单号查询和重试，不会重复付款", DoQuery},
		"NO_AUTH":      {"用户或商户号被微信风控，或产品权限未开通", "先看商户平台“产品中心”是否开通、IP 白名单是否正确；都正常则是用户被限制，请人工联系", DoLook},
		"PARAM_ERROR":  param, "INVALID_REQUEST": param, "XML_ERROR": param, "MCH_NOT_EXISTS": param, "APPID_MCHID_NOT_MATCH": param, "LOCAL_ORDER": param,
		"SIGN_ERROR": sign, "CA_ERROR": sign, "LOCAL_MERCHANT": sign,
		"FATAL_ERROR":       {"微信说同一单号的内容不一样", "不要换单号重发。请把单号交给技术人员，到商户平台核对这笔单", DoLook},
		"ALREADY_EXISTS":    {"微信已有这个单号", "系统会查询并比对金额；不一致时请人工核对", DoQuery},
		"OPENID_ERROR":      {"收款人的 openid 与公众号不匹配", "请检查商户号绑定的公众号（AppID）是否更换过", DoFix},
		"ILLEGAL_APPID":     {"商户号绑定的 AppID 不是公众号", "现金红包只能用公众号的 AppID，请到设置里改正", DoFix},
		"MSGAPPID_ERROR":    {"AppID 未与商户号绑定", "请到微信商户平台“AppID 账号管理”绑定", DoFix},
		"ACCEPTMODE_ERROR":  {"商户号的受理方式不允许", "请到商户平台检查产品设置", DoFix},
		"NOT_FOUND":         {"微信暂时查不到这个单号", "查不到不等于失败；系统会按原单号重发或继续查询", DoQuery},
		"LOCAL_NO_ANSWER":   {"没有收到微信的应答，结果未知", "系统会按原单号查询，不会重复付款", DoQuery},
		"LOCAL_MISMATCH":    {"微信返回的内容与打款单不一致", "不要手动补发。请到商户平台按商户单号核对金额和收款人", DoLook},
		"AMOUNT_MISMATCH":   {"微信返回的金额与打款单不一致", "不要手动补发。请到商户平台按商户单号核对", DoLook},
		"AMOUNT_MISSING":    {"微信通知里没有金额", "系统会查询确认", DoQuery},
		"RECEIVER_MISMATCH": {"微信通知里的收款人与打款单不符", "请到商户平台按商户单号核对收款人", DoLook},
		codeContradiction:   {"已有结果，微信又给出相反的说法", "请到商户平台按商户单号核对实际结果，并在对账里查看当天账单", DoLook},
		"WAIT_USER_CONFIRM": {"", "用户在微信内确认后到账；24 小时未确认自动退回", DoWait},
	}
}

// endWords are why a transfer failed for good (fail_reason and the codes of a refusal).
func endWords() map[string]Words {
	return map[string]Words{
		"SEND_FAILED": {"微信未能发出红包", "微信已明确不会付款，预算已释放；用户可用别的奖励补偿", DoNothing},
		"FAILED":      {"红包发送失败", "多为用户微信账号异常；预算已释放", DoNothing},
		"FAIL":        {"转账失败", "多为用户微信账号异常或未实名；预算已释放，请用户完成实名后由客服补偿", DoNothing},
	}
}
