package reach

// Reasons why a person cannot be reached, from what concerns every message to what
// concerns one channel. They are stable: reports keep them.
const (
	NoConsent      = "no_marketing_consent"
	NoProfiling    = "no_profiling_consent"
	OptedOut       = "opted_out"
	QuietHours     = "quiet_hours"
	Holiday        = "holiday"
	CapDay         = "cap_day"
	CapWeek        = "cap_week"
	CapMonth       = "cap_month"
	NotForOffers   = "not_for_offers"
	Blocked        = "blocked"
	NotFollowing   = "not_following"
	NoWindow       = "no_window"
	WindowUsed     = "window_used"
	NoGrant        = "no_grant"
	KeptForBetter  = "grant_kept_for_better"
	MassQuota      = "mass_quota"
	NoOpenID       = "no_openid"
	NoPhone        = "no_phone"
	ChannelStopped = "channel_stopped"
	NoContact      = "no_contact"
	Busy           = "busy"
)

// Word is a reason in words.
type Word struct {
	Code string `json:"code"`
	Text string `json:"text"` // zh-CN
	Hint string `json:"hint"` // what may change it
}

// Words are all reasons, those that concern every message first.
func Words() []Word {
	return []Word{
		{NoConsent, "未同意营销消息", "在会员中心的隐私设置里可以同意"},
		{NoProfiling, "不再同意个性化画像", "在会员中心的隐私设置里可以同意"},
		{OptedOut, "已退订", "会员可在消息设置里重新打开"},
		{QuietHours, "免打扰时段", "时段结束后可以发送"},
		{Holiday, "假日不打扰", "假日过后可以发送"},
		{CapDay, "今天的营销消息已到上限", "明天可以发送"},
		{CapWeek, "七天内的营销消息已到上限", "最早的一条满七天后可以发送"},
		{CapMonth, "三十天内的营销消息已到上限", "最早的一条满三十天后可以发送"},
		{NotForOffers, "模板消息不能发营销内容", "请改用订阅消息、客服消息或群发"},
		{Blocked, "用户拒收", "用户重新关注后可以发送"},
		{NotFollowing, "未关注公众号", "引导用户关注"},
		{NoWindow, "没有客服消息窗口", "用户发消息、点菜单、扫码或关注后可以发送"},
		{WindowUsed, "客服消息窗口的条数已用完", "用户再次互动后可以发送"},
		{NoGrant, "没有订阅授权", "请用户在小程序或页面里点“允许”"},
		{KeptForBetter, "授权留给更重要的消息", "更重要的触达结束后可以发送"},
		{MassQuota, "群发次数已用完", "下个周期可以发送"},
		{NoOpenID, "没有这个账号的身份", "用户从这个公众号或小程序登录后可以发送"},
		{NoPhone, "没有手机号", "请用户绑定手机号"},
		{ChannelStopped, "渠道已达上限，暂停到恢复时间", "到时自动恢复"},
		{NoContact, "不是企业微信客户", "引导用户添加员工"},
		{Busy, "稍后再试", "同一个人正有另一条消息在发送"},
	}
}

// Text is a reason in words, the code itself for one that is not known.
func Text(code string) string {
	for _, w := range Words() {
		if w.Code == code {
			return w.Text
		}
	}
	return code
}

// nearness orders the reasons of channels: a human who lacks a grant is nearer than one
// without an openid, and the nearest counts.
func nearness() []string {
	return []string{Busy, ChannelStopped, KeptForBetter, CapDay, CapWeek, CapMonth, MassQuota, WindowUsed, NoGrant, NoWindow, OptedOut, Blocked, NotFollowing, NotForOffers, NoContact, NoOpenID, NoPhone}
}

// Nearness is the order in which reasons of channels count, for those who count with Sets.
func Nearness() []string { return nearness() }
