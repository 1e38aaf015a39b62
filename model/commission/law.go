package commission

import (
	"cmp"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"siyu/model/fault"
)

// Level is how far the earner stands from the buyer (层级): One brought him, Two brought
// who brought him. A bool has two values: a third level cannot be written down.
type Level bool

// The levels.
const (
	One Level = false
	Two Level = true
)

// Trigger is the sale that pays (触发): a claim of an item's code or an order. There is no
// value for anything that is not a sale.
type Trigger bool

// The triggers.
const (
	OnClaim Trigger = false
	OnOrder Trigger = true
)

// Why something cannot be asked for. The texts are shown to whoever asks.
const (
	lawHeads = "《禁止传销条例》第七条第（一）项：不得以发展人员的数量（拉人头、注册、绑定）作为计酬依据；微信同样禁止按下线人数返利"
	lawEntry = "《禁止传销条例》第七条第（二）项：不得要求交纳费用或者以认购商品等方式变相交纳费用，取得加入资格"
	lawTeam  = "《禁止传销条例》第七条第（三）项：不得以下线的销售业绩计算报酬（团队计酬）；微信同样禁止按下线销售额多级返利"
	lawShare = "《微信外部链接内容管理规范》：不得以现金、红包、积分等奖励诱导分享"
	lawFan   = "《微信外部链接内容管理规范》：不得以现金、红包、积分等奖励诱导关注"
	lawDepth = "《禁止传销条例》第七条与微信多级分销规则：佣金最多两级，三级及以上一律不允许；第二级还须法务出具意见"
	lawUnder = "《禁止传销条例》第七条：佣金最多两级，且只能来自真实的扫码领取或订单"
)

// unlawfulTriggers are what people have asked pay for elsewhere. Whatever is not listed
// is refused as unknown all the same.
var unlawfulTriggers = map[string]string{
	"head_count": lawHeads, "headcount": lawHeads, "heads": lawHeads, "bind": lawHeads, "binding": lawHeads, "register": lawHeads, "registration": lawHeads,
	"sign_up": lawHeads, "signup": lawHeads, "join": lawHeads, "invite": lawHeads, "invitation": lawHeads, "recruit": lawHeads, "referral": lawHeads,
	"team_size": lawHeads, "new_member": lawHeads, "login": lawHeads, "group_join": lawHeads,
	"人头": lawHeads, "拉新": lawHeads, "注册": lawHeads, "绑定": lawHeads, "邀请": lawHeads, "入群": lawHeads, "发展人数": lawHeads,
	"entry_fee": lawEntry, "join_fee": lawEntry, "membership_fee": lawEntry, "fee": lawEntry, "deposit": lawEntry, "starter_kit": lawEntry,
	"入门费": lawEntry, "加盟费": lawEntry, "会费": lawEntry, "押金": lawEntry,
	"team_sales": lawTeam, "team_order": lawTeam, "team_orders": lawTeam, "team_claims": lawTeam, "team_performance": lawTeam, "downline_sales": lawTeam,
	"downline": lawTeam, "pool": lawTeam, "团队业绩": lawTeam, "团队销售": lawTeam, "团队计酬": lawTeam, "下线业绩": lawTeam,
	"share": lawShare, "forward": lawShare, "repost": lawShare, "moments": lawShare, "help": lawShare, "分享": lawShare, "转发": lawShare, "朋友圈": lawShare, "助力": lawShare,
	"follow": lawFan, "subscribe": lawFan, "fan": lawFan, "关注": lawFan,
}

func unlawful(field, word, why string) error {
	return fault.Invalidf("commission_unlawful", "不能按“%s”计佣。%s。", word, why).With("field", field).With("reason", why)
}

// ParseTrigger reads claim or order. Faults: Invalid commission_unlawful for what law or
// WeChat forbids to pay for, with the rule in Detail reason; commission_trigger for
// anything else.
func ParseTrigger(text string) (Trigger, error) {
	word := plain(text)
	switch word {
	case "claim":
		return OnClaim, nil
	case "order":
		return OnOrder, nil
	}
	if why := unlawfulTriggers[word]; why != "" {
		return OnClaim, unlawful("trigger", strings.TrimSpace(text), why)
	}
	return OnClaim, fault.NewInvalid("commission_trigger", "触发方式只有两种：claim（被推荐人扫码领取）、order（被推荐人的订单）").With("field", "trigger")
}

// depthFields are names of fields by which people ask for more than two levels. What else
// a rule may not have is named like the triggers.
var depthFields = map[string]string{"levels": lawDepth, "depth": lawDepth, "max_level": lawDepth, "max_depth": lawDepth, "tiers": lawDepth,
	"level_three": lawDepth, "third_level": lawDepth, "层级": lawDepth}

// CheckFields looks through the names of a rule's fields for what cannot be asked for:
// levels, entry_fee_fen. Fault: Invalid commission_unlawful with the field and the law.
// What is no JSON object is left to whoever reads it.
func CheckFields(raw []byte) error {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		word := plain(name)
		for _, unit := range []string{"_fen", "_points"} { // share_bp is a field: of the price of goods
			word = strings.TrimSuffix(word, unit)
		}
		why := cmp.Or(depthFields[word], unlawfulTriggers[word])
		if rest, numbered := strings.CutPrefix(word, "level"); why == "" && numbered && rest != "" {
			if n, err := strconv.Atoi(strings.Trim(rest, "_")); err == nil && n > 2 { // level_3, level3
				why = lawDepth
			}
		}
		if why != "" {
			return unlawful(name, name, why)
		}
	}
	return nil
}

// ParseLevel reads one or two, in letters or as a number. Fault: Invalid commission_unlawful for all else.
func ParseLevel(text string) (Level, error) {
	switch plain(text) {
	case "one", "1":
		return One, nil
	case "two", "2":
		return Two, nil
	}
	why := lawDepth
	if w := plain(text); w == "" || w == "zero" || w == "0" {
		why = lawUnder
	}
	return One, unlawful("level", strings.TrimSpace(text), why)
}

// plain takes the spelling away: teamSales, Team-Sales and TEAM_SALES are one word.
func plain(text string) string {
	text = strings.TrimSpace(text)
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == '-' || r == ' ':
			r = '_'
		case r >= 'A' && r <= 'Z':
			if i > 0 && strings.ToUpper(text) != text && !strings.HasSuffix(b.String(), "_") {
				b.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Depth is 1 or 2.
func (l Level) Depth() int {
	if l == Two {
		return 2
	}
	return 1
}

// String is one or two.
func (l Level) String() string { return [...]string{"one", "two"}[l.Depth()-1] }

// MarshalText writes one or two.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText is ParseLevel.
func (l *Level) UnmarshalText(b []byte) (err error) {
	*l, err = ParseLevel(string(b))
	return err
}

// Value stores the depth.
func (l Level) Value() (driver.Value, error) { return int64(l.Depth()), nil }

// Scan reads the depth. A row that says three is an error.
func (l *Level) Scan(v any) error {
	if b, ok := v.([]byte); ok {
		v = string(b)
	}
	switch fmt.Sprint(v) {
	case "1":
		*l = One
	case "2":
		*l = Two
	default:
		return fmt.Errorf("commission: level %v", v)
	}
	return nil
}

// String is claim or order.
func (t Trigger) String() string {
	if t == OnOrder {
		return "order"
	}
	return "claim"
}

// MarshalText writes claim or order.
func (t Trigger) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText is ParseTrigger.
func (t *Trigger) UnmarshalText(b []byte) (err error) {
	*t, err = ParseTrigger(string(b))
	return err
}

// Value stores the word.
func (t Trigger) Value() (driver.Value, error) { return t.String(), nil }

// Scan reads the word.
func (t *Trigger) Scan(v any) (err error) {
	switch x := v.(type) {
	case string:
		*t, err = ParseTrigger(x)
	case []byte:
		*t, err = ParseTrigger(string(x))
	default:
		err = fmt.Errorf("commission: trigger %v", v)
	}
	return err
}
