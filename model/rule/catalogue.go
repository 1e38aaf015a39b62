package rule

import "slices"

// Kinds of an attribute's values.
const (
	Number  = "number"
	Choice  = "choice"  // one of Choices; any text when there are none
	Account = "account" // id of an official account of the brand
)

// Word is a value with its Chinese name.
type Word struct {
	Value string `json:"value"`
	Title string `json:"title"`
}

// AttrSpec describes an attribute.
type AttrSpec struct {
	Name      string   `json:"name"`
	Title     string   `json:"title"`
	Kind      string   `json:"kind"`
	Ops       []string `json:"ops"`
	Choices   []Word   `json:"choices"`
	Min       int64    `json:"min"`
	Max       int64    `json:"max"`
	Unit      string   `json:"unit"`
	Many      bool     `json:"many"`      // a person may have several values at once
	Profiling bool     `json:"profiling"` // needs consent to profiling
	Clock     bool     `json:"clock"`     // changes with time alone
}

// ActSpec describes what a person may have done.
type ActSpec struct {
	What     string   `json:"what"`
	Title    string   `json:"title"` // a verb
	Products bool     `json:"products"`
	Measures []string `json:"measures"`
}

// Names of attributes.
const (
	TierLevel     = "tier_level"
	Stage         = "stage"
	R             = "r"
	F             = "f"
	M             = "m"
	Key           = "key"
	Consent       = "consent"
	Follows       = "follows"
	Leader        = "leader"
	HasReferrer   = "has_referrer"
	Referees      = "referees"
	Depth         = "depth"
	Reach         = "reach"
	Origin        = "origin"
	BirthdayMonth = "birthday_month"
	Province      = "province"
	JoinedDays    = "joined_days"
)

// Acts.
const (
	Scan     = "scan"
	Claim    = "claim"
	Order    = "order"
	Bought   = "bought" // a claim or an order: the same piece may be both
	Review   = "review"
	Login    = "login"
	Follow   = "follow"
	Unfollow = "unfollow"
	Clicked  = "message_clicked"
	Redeemed = "coupon_redeemed"
)

var (
	numberOps = []string{Eq, Gte, Lte, Between, Known, Unknown}
	scoreOps  = []string{In, Gte, Lte, Between, Known, Unknown}
	choiceOps = []string{In, Known, Unknown}
	flagOps   = []string{Known, Unknown}
)

func words(pairs ...string) (list []Word) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, Word{pairs[i], pairs[i+1]})
	}
	return list
}

// Attrs lists all attributes in the order in which operators are shown them.
func Attrs() []AttrSpec {
	list := []AttrSpec{
		{Name: TierLevel, Title: "会员等级序号", Kind: Number, Ops: scoreOps, Max: 20},
		{Name: Stage, Title: "生命周期", Kind: Choice, Ops: []string{In}, Choices: words("new", "新客", "active", "活跃", "sleeping", "沉睡", "lost", "流失"), Profiling: true, Clock: true},
		{Name: R, Title: "最近购买分 R", Kind: Number, Ops: scoreOps, Min: 1, Max: 5, Unit: "分", Profiling: true, Clock: true},
		{Name: F, Title: "购买频次分 F", Kind: Number, Ops: scoreOps, Min: 1, Max: 5, Unit: "分", Profiling: true, Clock: true},
		{Name: M, Title: "消费金额分 M", Kind: Number, Ops: scoreOps, Min: 1, Max: 5, Unit: "分", Profiling: true, Clock: true},
		{Name: Key, Title: "已知身份", Kind: Choice, Ops: choiceOps, Many: true,
			Choices: words("phone", "手机号", "unionid", "微信开放平台 unionid", "openid_official", "公众号 openid", "openid_mini", "小程序 openid", "wecom", "企业微信")},
		{Name: Consent, Title: "已同意", Kind: Choice, Ops: choiceOps, Many: true,
			Choices: words("profiling", "个性化画像", "marketing", "营销消息", "exact_place", "精确位置", "crm_match", "会员资料合并", "phone", "手机号登录")},
		{Name: Follows, Title: "关注公众号", Kind: Account, Ops: choiceOps, Many: true},
		{Name: Leader, Title: "群主等级序号", Kind: Number, Ops: scoreOps, Max: 20},
		{Name: HasReferrer, Title: "推荐人", Kind: Choice, Ops: flagOps},
		{Name: Referees, Title: "直接推荐人数", Kind: Number, Ops: numberOps, Max: 1_000_000, Unit: "人"},
		{Name: Depth, Title: "推荐层级", Kind: Number, Ops: scoreOps, Max: 63, Unit: "级"},
		{Name: Origin, Title: "来源渠道", Kind: Choice, Ops: choiceOps,
			Choices: words("scan", "扫码", "campaign", "活动", "follow", "关注", "referral", "推荐", "order", "下单", "login", "登录", "crm", "旧会员导入", "other", "其他")},
		{Name: BirthdayMonth, Title: "生日月份", Kind: Number, Ops: scoreOps, Min: 1, Max: 12, Unit: "月"},
		{Name: Province, Title: "最近扫码省份", Kind: Choice, Ops: choiceOps, Profiling: true},
		{Name: Reach, Title: "微信现在接受的渠道", Kind: Choice, Ops: choiceOps, Many: true, Clock: true,
			Choices: words("custom", "客服消息", "subscribe", "订阅消息", "mass", "群发", "wecom", "企业微信群发")},
		{Name: JoinedDays, Title: "注册天数", Kind: Number, Ops: []string{Eq, Gte, Lte, Between}, Max: MaxDays, Unit: "天", Clock: true},
	}
	for i := range list {
		if list[i].Choices == nil {
			list[i].Choices = []Word{}
		}
	}
	return list
}

// AttrOf finds an attribute by its name.
func AttrOf(name string) (AttrSpec, bool) {
	list := Attrs()
	i := slices.IndexFunc(list, func(a AttrSpec) bool { return a.Name == name })
	if i < 0 {
		return AttrSpec{}, false
	}
	return list[i], true
}

// Acts lists what a rule may ask whether somebody did it.
func Acts() []ActSpec {
	when := []string{Count, First, Last, Interval}
	goods := []string{Count, Quantity, First, Last, Interval}
	money := []string{Count, Quantity, SumFen, First, Last, Interval}
	return []ActSpec{
		{Bought, "购买（领取或下单）", true, money},
		{Claim, "扫码领取", true, goods},
		{Order, "下单", true, money},
		{Scan, "扫码", true, when},
		{Review, "评价", true, when},
		{Login, "登录", false, when},
		{Follow, "关注公众号", false, when},
		{Unfollow, "取消关注", false, when},
		{Clicked, "点开消息链接", false, when},
		{Redeemed, "核销优惠券", false, when},
	}
}

// ActOf finds an act by its name.
func ActOf(what string) (ActSpec, bool) {
	list := Acts()
	i := slices.IndexFunc(list, func(a ActSpec) bool { return a.What == what })
	if i < 0 {
		return ActSpec{}, false
	}
	return list[i], true
}

// titleOf is the Chinese name of a value of an attribute.
func (a AttrSpec) titleOf(value string) string {
	for _, w := range a.Choices {
		if w.Value == value {
			return w.Title
		}
	}
	return value
}
