package consent

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// Purposes that ask for a person's agreement (同意). Without an answer the answer is no.
const (
	// ExactPlace is "store the exact place of a scan". Without it only province and city
	// are kept. Article 28 calls a person's whereabouts sensitive, which is why it is
	// asked for apart.
	ExactPlace = "exact_place"
	// Profiling is "derive from my purchases and scans what I might want" (个性化画像).
	Profiling = "profiling"
	// Marketing is "send me offers" (营销消息).
	Marketing = "marketing"
	// CRMMatch is "join what the brand knows of me from before" (与既往会员资料合并).
	CRMMatch = "crm_match"
	// Phone is "use my verified number to recognise me" (手机号登录).
	Phone = "phone"
)

// Purpose is one use of personal data, in the words that people are shown.
type Purpose struct {
	Key     string `json:"key"`
	Title   string `json:"title"`
	Text    string `json:"text"`    // what for, which data, what happens on taking it back
	Law     string `json:"law"`     // the article that asks for it, or allows it without asking
	Needed  bool   `json:"needed"`  // the service itself; there is nothing to agree to
	Version string `json:"version"` // of title and text; grows with every change of them
	Hash    string `json:"text_hash"`
}

// purposes is the table. A changed text needs a new version: who agreed to the old one
// has not agreed to the new.
func purposes() []Purpose {
	return []Purpose{
		{Key: "verify", Title: "验证真伪", Needed: true, Version: "2026-11", Law: "个人信息保护法第十三条第一款第二项（履行合同所必需）",
			Text: "保存微信用户标识、扫码时间、商品、网络地址和由其推断的省市，用来判断是否首次验证、识别假冒。"},
		{Key: "reward", Title: "发放红包和积分", Needed: true, Version: "2026-11", Law: "个人信息保护法第十三条第一款第二、三项（履行合同和法定义务所必需）",
			Text: "保存领取、红包和积分流水，用来把奖励发给您并依法留存账目。"},
		{Key: ExactPlace, Title: "精确位置", Version: "2026-11", Law: "个人信息保护法第二十八、二十九条（敏感个人信息，单独同意）",
			Text: "保存扫码时的精确位置，用于发现窜货和假冒。不同意不影响任何服务。撤回时，已保存的精确位置会被清除。"},
		{Key: Phone, Title: "手机号", Version: "2026-11", Law: "个人信息保护法第十三条第一款第一项、第十四条",
			Text: "保存您通过微信验证的手机号（加密），用来认出您在其他渠道的会员身份，合并积分和等级。不同意不影响验证和领取。撤回时，已保存的手机号会被删除，以后不再用它认人。"},
		{Key: CRMMatch, Title: "与既往会员资料合并", Version: "2026-11", Law: "个人信息保护法第十三条第一款第一项、第十四条",
			Text: "用您验证过的手机号，与品牌以前保存的会员资料对上，让您的老会员等级和积分继续有效。撤回后不再对照既往资料；已经合并的，可以申请更正或删除。"},
		{Key: Profiling, Title: "个性化画像", Version: "2026-11", Law: "个人信息保护法第二十四条（自动化决策）",
			Text: "根据您的购买和扫码，推算购买间隔、会员阶段等，用来挑选与您有关的内容。不用于差别定价。撤回后立即停止推算，已推算的结果会被删除；会员等级和积分不受影响。"},
		{Key: Marketing, Title: "营销消息", Version: "2026-11", Law: "个人信息保护法第二十四条第二款",
			Text: "通过公众号、小程序或短信向您发送优惠和活动。撤回后立即停止发送；红包到账等服务通知不受影响。"},
	}
}

// Purposes lists all uses, those that need no agreement first.
func Purposes() []Purpose {
	list := purposes()
	for i, p := range list {
		sum := sha256.Sum256([]byte(p.Title + "\n" + p.Text + "\n" + p.Law))
		list[i].Hash = hex.EncodeToString(sum[:])
	}
	return list
}

// PurposeOf finds a use by its key.
func PurposeOf(key string) (Purpose, bool) {
	list := Purposes()
	i := slices.IndexFunc(list, func(p Purpose) bool { return p.Key == key })
	if i < 0 {
		return Purpose{}, false
	}
	return list[i], true
}
