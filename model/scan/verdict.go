package scan

import (
	"fmt"
	"strconv"
	"strings"

	"siyu/model/clock"
	"siyu/model/id"
)

// States of a code's life, as model/code spells them.
const (
	Issued    = "issued"
	Activated = "activated"
	Voided    = "voided"
	Recalled  = "recalled"
)

// State is what a verdict says: about the item, or about its reward.
type State string

// What can be said about the item.
const (
	First        State = "first"         // 首次验证, by this member
	Again        State = "again"         // the first member is back
	Elsewhere    State = "elsewhere"     // somebody else was first
	Abnormal     State = "abnormal"      // too many others, or two places too far apart
	Genuine      State = "genuine"       // genuine, looked at by nobody we know
	NotActivated State = "not_activated" // printed, not yet on sale
	StateVoided  State = "voided"
	StateRecall  State = "recalled"
	Unknown      State = "unknown"  // no code of ours
	Mismatch     State = "mismatch" // a code of ours, in the address of another product
)

// What can be said about the reward.
const (
	Available   State = "available"    // may be claimed now
	Mine        State = "mine"         // claimed by this member
	Taken       State = "taken"        // claimed by somebody else
	NoCampaign  State = "no_campaign"  // no activity over this code
	NotBegun    State = "not_begun"    // campaign
	Ended       State = "ended"        // campaign
	Paused      State = "paused"       // campaign
	UsedUp      State = "used_up"      // campaign's own limit
	Limit       State = "limit"        // the member's limit
	Snapshot    State = "snapshot"     // WeChat's preview user: a made-up identity
	NotWeChat   State = "not_wechat"   // another browser or scanner
	LoginFailed State = "login_failed" // in WeChat, but WeChat did not say who
	Blocked     State = "blocked"      // the member earns nothing
	Level       State = "level"        // the campaign is for members of a level, and he is not
	None        State = "none"         // the item's own state rules it out
)

// Tone colours a verdict; words and icon say the same.
type Tone string

// Tones.
const (
	Good Tone = "good"
	Warn Tone = "warn"
	Bad  Tone = "bad"
)

// Facts are everything a verdict depends on.
type Facts struct {
	Now           clock.Instant
	Known         bool   // the arithmetic knows the code
	UnknownReason string // malformed, unknown_slot, forged, not_issued, gtin_mismatch
	CodeState     string // Issued, Activated, Voided, Recalled
	CodeReason    string // what the brand wrote when it voided or recalled
	Sight         Sight  // this look included
	Member        id.ID  // 0: nobody we know
	WeChat        bool   // inside WeChat's browser, or its mini program
	Snapshot      bool
	Blocked       bool
	Campaign      Campaign
	ScanPoints    int64  // points of the product, earned even without a campaign
	Claim         *Claim // nil: not claimed
	Limit         *Cap   // nil: no limit was met
	SupportPhone  string
}

// Campaign is what a verdict needs of the activity over a code.
type Campaign struct {
	State           string // none, not_begun, running, paused, ended; "" is none
	Name            string
	FromAt, UntilAt clock.Instant
	TopPrize        string
	Who             string // may claim, in words; "" is everybody
	Below           bool   // this member has not reached the level that Who speaks of
}

// Claim is who took the reward, and when.
type Claim struct {
	Mine bool
	At   clock.Instant
}

// Cap is a limit that refused a claim.
type Cap struct {
	Code      string // cap_member_day, cap_member, cap_total
	Used, Cap int64
	ResetsAt  clock.Instant
}

// Reason is one ground of a verdict.
type Reason struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Reward says whether there is something to claim, and if not, why.
type Reward struct {
	State State         `json:"state"`
	Title string        `json:"title"`
	Text  string        `json:"text"`
	At    clock.Instant `json:"at"` // when the state began or will end; 0 = no such moment
}

// Can says whether a claim may be made.
func (r Reward) Can() bool { return r.State == Available }

// Verdict is what the consumer is told.
type Verdict struct {
	State   State    `json:"state"`
	Tone    Tone     `json:"tone"`
	Title   string   `json:"title"`
	Text    string   `json:"text"`
	Reasons []Reason `json:"reasons"`
	Reward  Reward   `json:"reward"`
	Report  bool     `json:"report"` // offer to report a fake
}

// Judge is the verdict on facts. It is pure: the same facts, the same words.
func Judge(f Facts) Verdict {
	v := authentic(f)
	v.Reward = reward(f, v.State)
	return v
}

// authentic judges the item alone. What is wrong with the code itself comes before
// who looked at it.
func authentic(f Facts) Verdict {
	real := Reason{"signature", "码值通过防伪校验"}
	switch {
	case f.UnknownReason == "gtin_mismatch":
		return Verdict{State: Mismatch, Tone: Bad, Title: "码与商品不符", Report: true,
			Text:    "这个码属于另一种商品，可能被挪用。请谨防假冒。" + phone(f),
			Reasons: []Reason{real, {"gtin_mismatch", "商品条码与码所属商品不一致"}}}
	case !f.Known:
		return Verdict{State: Unknown, Tone: Bad, Title: "未查询到此码", Report: true,
			Text:    "请核对包装上的码是否完整。如果确认无误，请谨防假冒。" + phone(f),
			Reasons: []Reason{{f.UnknownReason, unknownText(f.UnknownReason)}}}
	case f.CodeState == Voided:
		return Verdict{State: StateVoided, Tone: Bad, Title: "该码已作废", Report: true,
			Text:    "该批次的码已作废，请勿购买或使用。" + because(f) + phone(f),
			Reasons: []Reason{real, {"voided", "品牌方已作废此码"}}}
	case f.CodeState == Recalled:
		return Verdict{State: StateRecall, Tone: Bad, Title: "该批次已召回",
			Text:    "请停止使用该商品，联系门店或客服办理。" + because(f) + phone(f),
			Reasons: []Reason{real, {"recalled", "品牌方正在召回该批次"}}}
	case f.CodeState != Activated:
		return Verdict{State: NotActivated, Tone: Warn, Title: "商品尚未激活", Report: true,
			Text:    "请联系购买的门店核实，还没有付款的请先不要购买。" + phone(f),
			Reasons: []Reason{real, {"not_activated", "该码尚未投入销售"}}}
	}
	return witnessed(f, real)
}

// witnessed judges a code on sale by who has seen it.
func witnessed(f Facts, real Reason) (v Verdict) {
	s := f.Sight
	v = Verdict{Tone: Good, Reasons: []Reason{real, {"activated", "商品已激活，在售"}}}
	if s.Anonymous > 0 {
		defer func() {
			v.Reasons = append(v.Reasons, Reason{"anonymous", fmt.Sprintf("另有 %d 次未登录的查看，不计入查验次数", s.Anonymous)})
		}()
	}
	mine := f.Member != 0 && f.Member == s.FirstMember
	switch {
	case s.FirstMember == 0:
		v.State, v.Title = Genuine, "正品"
		v.Text = "该码真实有效，还没有人完成首次验证。"
		v.Reasons = append(v.Reasons, Reason{"not_yet_first", "尚未首次验证"})
	case mine && s.Fresh:
		v.State, v.Title = First, "正品 · 首次验证"
		v.Text = "该商品码首次被查验，请放心使用。"
		v.Reasons = append(v.Reasons, Reason{"first", "您是第一位验证的人"})
	case mine:
		v.State, v.Title = Again, "正品 · 您已验证过"
		v.Text = "您已于 " + s.FirstAt.Local() + " 验证过此商品。"
		v.Reasons = append(v.Reasons, Reason{"first_is_you", "首次验证的人是您"})
		if s.Others > 0 {
			v.Reasons = append(v.Reasons, Reason{"others", fmt.Sprintf("之后另有他人查验 %d 次", s.Others)})
		}
	case s.FlaggedAt != 0:
		v.State, v.Tone, v.Title, v.Report = Abnormal, Bad, "查验次数异常", true
		v.Text = seen(s) + "请谨防假冒。" + phone(f)
		v.Reasons = append(v.Reasons, Reason{"others", fmt.Sprintf("首次验证者以外查验 %d 次", s.Others)}, flagText(s.FlagReason))
	default:
		v.State, v.Tone, v.Title, v.Report = Elsewhere, Warn, "该码已被查验过", true
		v.Text = seen(s) + "若非本人，请谨防假冒。"
		v.Reasons = append(v.Reasons, Reason{"not_first", "首次验证的人不是您"})
		if f.Member == 0 {
			v.Reasons[len(v.Reasons)-1] = Reason{"first_is_member", "已由一位会员首次验证"}
		}
	}
	return v
}

func seen(s Sight) string {
	place := ""
	if s.FirstCity != "" {
		place = "（" + s.FirstCity + "）"
	}
	return fmt.Sprintf("该码已被查验 %d 次，首次 %s%s。", max(s.Scans, 1), s.FirstAt.Local(), place)
}

func flagText(flag string) Reason {
	if rest, ok := strings.CutPrefix(flag, "travel:"); ok {
		km, minutes, _ := strings.Cut(rest, ":")
		if n, err := strconv.Atoi(minutes); err == nil && n > 0 {
			return Reason{"travel", "相距约 " + km + " 公里的两地在 " + minutes + " 分钟内先后查验"}
		}
		return Reason{"travel", "相距约 " + km + " 公里的两地几乎同时查验"}
	}
	return Reason{"many", fmt.Sprintf("查验人次超过正常范围（%d 次）", ManyOthers)}
}

func unknownText(reason string) string {
	switch reason {
	case "malformed":
		return "码的格式不对，应为 16 位字母和数字"
	case "not_issued":
		return "该码未发行"
	}
	return "码值未通过防伪校验"
}

func phone(f Facts) string {
	if f.SupportPhone == "" {
		return ""
	}
	return "客服电话 " + f.SupportPhone + "。"
}

func because(f Facts) string {
	if f.CodeReason == "" {
		return ""
	}
	return "原因：" + f.CodeReason + "。"
}
