package campaign

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"siyu/model/brand"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

// Rail limits in fen (wechat-platform facts 3.1, 3.2); per-merchant ones are WeChat's to enforce.
const (
	redpackMin  money.Fen = 100
	redpackMax  money.Fen = 20000
	transferMin money.Fen = 10
	// From 2000 yuan on a transfer needs the person's real name, which siyu does not ask for.
	transferMax money.Fen = 199999
)

// shape refuses what can never be saved, not even as a draft.
func (f *Form) shape() error {
	f.Name = strings.TrimSpace(f.Name)
	texts := []struct {
		field, label, text string
		max                int
	}{{"name", "活动名称", f.Name, 64}, {"organiser", "主办方", f.Organiser, 100}, {"rules", "活动规则", f.Rules, 2000}, {"wishing", "祝福语", f.Wishing, 60}}
	for _, t := range texts {
		if !utf8.ValidString(t.text) || strings.ContainsRune(t.text, 0) {
			return fault.Invalidf(t.field, "%s含有无法识别的字符", t.label)
		}
		if utf8.RuneCountInString(t.text) > t.max {
			return fault.Invalidf(t.field, "%s最多 %d 个字", t.label, t.max)
		}
	}
	switch {
	case f.Name == "":
		return fault.NewInvalid("name", "请填写活动名称")
	case f.FromAt < 0 || f.UntilAt < 0 || f.FromAt > 4102444800000 || f.UntilAt > 4102444800000:
		return fault.NewInvalid("from_at", "活动时间超出范围")
	case f.CapMemberDay < 0 || f.CapMember < 0 || f.CapTotal < 0:
		return fault.NewInvalid("cap", "领取上限不能为负数，0 表示不限")
	case f.MinLevel < 0 || f.MinLevel > maxLevel:
		return fault.Invalidf("min_level", "参加对象的等级应在 0 到 %d 之间，0 表示所有会员", maxLevel)
	case len(f.Tiers) > maxTiers:
		return fault.Invalidf("tiers", "奖项最多 %d 个", maxTiers)
	case len(f.Scopes) > maxScopes:
		return fault.Invalidf("scopes", "参与范围最多 %d 段", maxScopes)
	}
	for i := range f.Tiers {
		if err := f.Tiers[i].shape(i); err != nil {
			return err
		}
	}
	for i, s := range f.Scopes {
		if (s.ProductID == 0) == (s.BatchID == 0) {
			return fault.Invalidf("scopes", "第 %d 段参与范围应填商品或码批次其中之一", i+1)
		}
		if s.FromSerial < 0 || s.UntilSerial < 0 || (s.UntilSerial != 0 && s.UntilSerial <= s.FromSerial) {
			return fault.Invalidf("scopes", "第 %d 段参与范围的起止序号不对", i+1)
		}
	}
	return nil
}

func (t *Tier) shape(i int) error {
	t.Name = strings.TrimSpace(t.Name)
	bad := func(text string) error { return fault.Invalidf("tiers", "第 %d 个奖项:%s", i+1, text) }
	switch {
	case t.Name == "" || utf8.RuneCountInString(t.Name) > 32 || !utf8.ValidString(t.Name):
		return bad("名称应为 1 到 32 个字")
	case utf8.RuneCountInString(t.Text) > 100 || !utf8.ValidString(t.Text):
		return bad("说明最多 100 个字")
	case t.Kind != Cash && t.Kind != Points && t.Kind != Nothing:
		return bad("类型应为现金、积分或未中奖")
	case t.Winners < 0 || t.Winners > 1<<40:
		return bad("数量超出范围")
	case t.MinFen < 0 || t.MaxFen < 0 || t.TotalFen < 0 || t.MaxFen > money.Max || t.TotalFen > money.Max:
		return bad("金额超出范围")
	case t.Points < 0 || t.Points > 1_000_000:
		return bad("积分应在 0 到 1000000 之间")
	case t.Kind != Cash && (t.MinFen != 0 || t.MaxFen != 0 || t.TotalFen != 0):
		return bad("只有现金奖项可以填金额")
	case t.Kind == Nothing && t.Points != 0:
		return bad("未中奖不能带积分，请改为积分奖项")
	}
	return nil
}

// Asking for a follow or a share as the price of a reward, in words. A negation in
// front ("无需关注即可领取") is the opposite and stays allowed.
var induces = regexp.MustCompile(`(关注|转发|分享|集赞|助力|邀请好友).{0,12}(领|抽|得|红包|积分|奖|机会)`)
var negated = regexp.MustCompile(`(不用|不必|无需|无须|不需|毋须|不|未)(要)?$`)

func inducing(text string) bool {
	for _, at := range induces.FindAllStringIndex(text, -1) {
		if !negated.MatchString(text[:at[0]]) {
			return true
		}
	}
	return false
}

// problems lists everything that keeps a campaign from being published; codes is
// the number of codes in scope, pay the merchant account (zero when none is set).
func problems(c Campaign, codes int64, pay brand.Account) []Problem {
	out := []Problem{}
	add := func(code, field, format string, args ...any) {
		out = append(out, Problem{Code: code, Field: field, Text: fmt.Sprintf(format, args...)})
	}
	if c.FromAt == 0 || c.UntilAt == 0 || c.UntilAt <= c.FromAt {
		add("window", "until_at", "请填写活动开始和结束时间，结束须晚于开始")
	}
	if strings.TrimSpace(c.Organiser) == "" {
		add("organiser", "organiser", "请填写主办方，消费者需要知道是谁发的奖")
	}
	if strings.TrimSpace(c.Rules) == "" {
		add("rules", "rules", "请填写活动规则")
	}
	for field, text := range map[string]string{"name": c.Name, "rules": c.Rules, "wishing": c.Wishing} {
		if inducing(text) {
			add("induce", field, "文案像是把关注或分享作为领奖条件，微信会封禁域名和账号，请删去")
		}
	}
	out = append(out, unlawful(c)...)
	if codes == 0 {
		add("scopes", "scopes", "参与范围内没有码")
	}
	if len(c.Tiers) == 0 {
		add("tiers", "tiers", "请至少设置一个奖项及其数量，消费者要看到中奖概率")
	}
	var winners int64
	cash := false
	for _, t := range c.Tiers {
		winners += t.Winners
		if t.Kind == Cash {
			cash = true
		}
		out = append(out, t.problems(pay)...)
	}
	if winners > codes && codes > 0 {
		add("winners", "tiers", "奖项数量合计 %d，超过参与的码数 %d", winners, codes)
	}
	if cash && pay.ID == 0 {
		add("account", "account_id", "有现金奖项，请选择打款的商户号")
	}
	return out
}

func (t Tier) problems(pay brand.Account) []Problem {
	out := []Problem{}
	add := func(code, format string, args ...any) {
		out = append(out, Problem{Code: code, Field: "tiers." + strconv.Itoa(t.Tier), Text: "奖项“" + t.Name + "”:" + fmt.Sprintf(format, args...)})
	}
	if t.Winners == 0 {
		add("winners", "请填写数量，没有数量就没有概率")
		return out
	}
	if inducing(t.Text) || inducing(t.Name) {
		add("induce", "不能把关注或分享作为领奖条件")
	}
	switch t.Kind {
	case Points:
		if t.Points == 0 {
			add("points", "请填写积分")
		}
	case Cash:
		if t.MaxFen > MaxPrize {
			add("max_prize", "最高奖 %s，超过抽奖促销法定上限 ¥50,000.00", t.MaxFen.Text())
		}
		if t.MinFen <= 0 || t.MaxFen < t.MinFen {
			add("amount", "请填写金额范围")
			return out
		}
		lo, okLo := t.MinFen.Mul(t.Winners)
		hi, okHi := t.MaxFen.Mul(t.Winners)
		if !okLo || (okHi && t.TotalFen > hi) || t.TotalFen < lo {
			add("total", "总额 %s 应在 %s 到 %s 之间", t.TotalFen.Text(), lo.Text(), hi.Text())
		}
		switch pay.Settings.Rail {
		case brand.RailRedpack:
			if (t.MinFen < redpackMin || t.MaxFen > redpackMax) && pay.Settings.SceneIDV2 == "" {
				add("rail", "现金红包单个应在 1.00 到 200.00 元之间；超出范围需先为商户号配置场景 ID")
			}
		case brand.RailTransfer:
			if t.MinFen < transferMin || t.MaxFen > transferMax {
				add("rail", "商家转账单笔应在 0.10 到 1999.99 元之间（2000 元起须实名，请人工发放）")
			}
		}
	}
	return out
}

// odds writes w of n so that a person can read it: per cent while that says something,
// one in so many below.
func odds(w, n int64) string {
	if n == 0 || w == 0 {
		return "0"
	}
	if w*100 > n {
		percent := strconv.FormatFloat(float64(w)*100/float64(n), 'f', 2, 64)
		if w < n && percent == "100.00" {
			percent = "99.99" // one blank in a million is no certainty
		}
		return strings.TrimSuffix(strings.TrimRight(percent, "0"), ".") + "%"
	}
	if n%w == 0 {
		return "1/" + strconv.FormatInt(n/w, 10)
	}
	return "约 1/" + strconv.FormatInt((n+w/2)/w, 10)
}

// prize is what a tier says to a consumer.
func (t Tier) prize() string {
	switch t.Kind {
	case Cash:
		if t.MinFen == t.MaxFen {
			return "现金红包 " + t.MinFen.Yuan() + " 元"
		}
		return "现金红包 " + t.MinFen.Yuan() + "–" + t.MaxFen.Yuan() + " 元"
	case Points:
		return strconv.FormatInt(t.Points, 10) + " 积分"
	}
	if t.Text != "" {
		return t.Text
	}
	return t.Name
}

func oddsLines(tiers []Tier, codes int64) []OddsLine {
	out := make([]OddsLine, 0, len(tiers))
	for _, t := range tiers {
		out = append(out, OddsLine{Name: t.Name, Kind: t.Kind, Prize: t.prize(), Winners: t.Winners, Odds: odds(t.Winners, codes), MaxFen: t.MaxFen, Points: t.Points})
	}
	return out
}

var errNotFound = fault.New(fault.NotFound, "campaign_not_found", "没有这个活动")

func stateFault(c Campaign, want string) error {
	return fault.New(fault.Conflict, "campaign_state", "活动当前是“"+StageName(c.Stage)+"”，不能"+want).With("state", c.State).With("id", id.ID(c.ID))
}
