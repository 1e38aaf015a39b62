package push

import (
	"strings"

	"siyu/model/reach"
	"siyu/model/say"
)

// Reasons of copies that WeChat took and reported later as not delivered, beside those that
// the ledger has words for: reach.Blocked, reach.NoGrant.
const (
	systemFailed = "system_failed"
	notDelivered = "not_delivered"
	massFailed   = "mass_failed"
)

// massReasons are what the review, or whoever has to agree, says of a mass send, by the
// number in err(...): developers.weixin.qq.com/doc/service/guide/product/message/Batch_Sends.html
var massReasons = map[string]string{
	"10001": "mass_ad", "20001": "mass_politics", "20002": "mass_porn", "20004": "mass_society", "20006": "mass_crime", "20008": "mass_fraud", "20013": "mass_copyright",
	"22000": "mass_mutual", "21000": "mass_other", "30001": "mass_original", "30002": "mass_original", "30003": "mass_original", "40001": "mass_admin_no", "40002": "mass_admin_late",
}

// laterWords are those reasons in zh-CN.
var laterWords = map[string]string{
	systemFailed:      "微信系统出错",
	notDelivered:      "微信没有说明原因",
	massFailed:        "群发失败，微信没有说明原因",
	"mass_ad":         "审核没有通过：涉嫌广告",
	"mass_politics":   "审核没有通过：涉嫌政治",
	"mass_porn":       "审核没有通过：涉嫌色情",
	"mass_society":    "审核没有通过：涉嫌社会",
	"mass_crime":      "审核没有通过：涉嫌违法犯罪",
	"mass_fraud":      "审核没有通过：涉嫌欺诈",
	"mass_copyright":  "审核没有通过：涉嫌版权",
	"mass_mutual":     "审核没有通过：涉嫌互推",
	"mass_other":      "审核没有通过：涉嫌其他违规",
	"mass_original":   "原创校验没有通过",
	"mass_review":     "审核没有通过",
	"mass_admin_no":   "公众号管理员拒绝了这次群发",
	"mass_admin_late": "公众号管理员 30 分钟内没有确认",
	reach.Blocked:     "用户拒收",
	reach.NoGrant:     "没有订阅授权",
}

// plain is a status without what WeChat writes now so, now otherwise.
func plain(status string) string {
	return strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(status, " ", ""), "_", ""))
}

// templateReason is why a template message did not arrive; "": it did.
func templateReason(status string) string {
	switch plain(status) {
	case "success":
		return ""
	case "failed:userblock":
		return reach.Blocked
	case "failed:systemfailed":
		return systemFailed
	}
	return notDelivered
}

// subscribeReason is the same for a subscribe message.
func subscribeReason(code, status string) string {
	switch {
	case code == "0", code == "" && plain(status) == "success":
		return ""
	case code == "43101":
		return reach.NoGrant
	case strings.Contains(plain(status), "userblock"):
		return reach.Blocked
	}
	return notDelivered
}

// massReason is why nobody got a mass send; "": somebody did, whatever its status.
func massReason(status string, sent int) string {
	said := plain(status)
	if said == "sendsuccess" || sent > 0 {
		return ""
	}
	number, isErr := strings.CutPrefix(said, "err(")
	if !isErr {
		return massFailed
	}
	if reason := massReasons[strings.TrimSuffix(number, ")")]; reason != "" {
		return reason
	}
	return "mass_review"
}

// undelivered says of a copy that WeChat took it and reported otherwise later.
func undelivered(d *Delivery) say.Said {
	return say.Of("delivery_undelivered", "微信接收了{how}，随后报告没有送达：{why}", "how", wayWord(d.Channel), "why", reasonWord(d.Reason))
}
