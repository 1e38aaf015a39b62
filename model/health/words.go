package health

import "strings"

// titleOf names a call for people; one that has no name is shown as WeChat calls it.
func titleOf(name string) string {
	if t, ok := map[string]string{
		"cgi-bin/stable_token": "获取 access_token", "cgi-bin/gettoken": "获取 access_token", "cgi-bin/ticket/getticket": "获取 jsapi_ticket",
		"sns/oauth2/access_token": "网页登录", "sns/jscode2session": "小程序登录", "wxa/business/getuserphonenumber": "获取手机号",
		"cgi-bin/user/info": "查询粉丝", "cgi-bin/user/info/batchget": "批量查询粉丝", "cgi-bin/qrcode/create": "生成带参二维码",
		"cgi-bin/message/custom/send": "客服消息", "cgi-bin/message/template/send": "模板消息",
		"cgi-bin/message/subscribe/bizsend": "订阅通知", "cgi-bin/message/subscribe/send": "订阅消息", "wxa/getwxacodeunlimit": "小程序码",
		"pay.send": "发起打款", "pay.query": "查询打款", "pay.cancel": "撤销打款", Callback: "微信回调",
	}[name]; ok {
		return t
	}
	return strings.TrimPrefix(name, "cgi-bin/")
}

// quotas are the limits per day that WeChat documents for an official account
// (developers.weixin.qq.com/doc/offiaccount/Message_Management/API_Call_Limits.html);
// a verified or large one may have more.
func quotas() map[string]int64 {
	return map[string]int64{
		"cgi-bin/user/info": 5_000_000, "cgi-bin/user/info/batchget": 500_000, "cgi-bin/qrcode/create": 100_000,
		"cgi-bin/message/custom/send": 500_000, "cgi-bin/message/template/send": 100_000, "cgi-bin/ticket/getticket": 1_000_000,
	}
}

// cureOf says what to do about a code of WeChat's. Codes and meanings:
// developers.weixin.qq.com/doc/oplatform/Return_codes/Return_code_descriptions_new.html,
// developer.work.weixin.qq.com/document/path/90313, pay.weixin.qq.com/doc/v3/merchant/4012716434.
func cureOf(code string) remedy {
	switch code {
	case "40001", "40125", "41004":
		return remedy{"secret_wrong", "AppSecret 不对或已重置：到微信后台重置后，点“编辑”填入新的"}
	case "40013":
		return remedy{"app_id_wrong", "AppID 不对：请核对微信后台显示的 AppID"}
	case "40164":
		return remedy{"ip_list", "服务器的出口 IP 不在白名单：到公众平台 → 基本配置 → IP 白名单添加"}
	case "60020":
		return remedy{"ip_corp", "服务器的出口 IP 不在企业可信 IP 内：到企业微信后台 → 应用 → 企业可信 IP 添加"}
	case "45009":
		return remedy{"quota_used", "当天次数用完，明天 0 点自动恢复；可在公众平台申请提高上限"}
	case "45011", "45033":
		return remedy{"too_fast", "调用太快，系统会自动放慢重试，无需处理"}
	case "48001", "48002", "60011":
		return remedy{"no_right", "账号没有这个接口的权限：确认账号已认证，并在微信后台开通该接口"}
	case "50001", "50002":
		return remedy{"restricted", "账号的接口被微信限制：请登录微信后台查看通知"}
	case "-1":
		return remedy{"busy", "微信系统繁忙，会自动重试"}
	case "NOTENOUGH", "NOT_ENOUGH":
		return remedy{"balance", "商户账户余额不足：充值后系统自动继续打款"}
	case "SIGN_ERROR", "SIGNERROR":
		return remedy{"signature", "签名不对：核对 API 密钥、证书序列号和私钥，点“编辑”重填"}
	case "CA_ERROR":
		return remedy{"certificate_wrong", "商户证书不对或已更换：到商户平台下载新证书，点“编辑”填入"}
	case "NO_AUTH":
		return remedy{"no_product", "商户没有这项权限：在商户平台开通产品，并把服务器 IP 加入该产品的白名单"}
	case "APPID_MCHID_NOT_MATCH":
		return remedy{"app_not_bound", "商户号没有关联这个 AppID：到商户平台 → 产品中心 → AppID 账号管理添加关联"}
	case "LOCAL_MERCHANT":
		return remedy{"local_secret", "密钥或证书无法使用：点“编辑”核对后重填"}
	case "LOCAL_NO_ANSWER":
		return remedy{"no_answer", "没有得到微信的有效回答：检查服务器能否访问微信；单笔结果会自动查询，不会重复打款"}
	}
	return remedy{"other", "按微信错误码说明处理；仍不清楚时把请求编号和错误码告诉技术支持"}
}
