package leader

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"siyu/model/fault"
)

// Why something cannot be asked for. The texts are shown to whoever asks.
const (
	lawHeads = "《禁止传销条例》第七条第（一）项：不得以直接或者间接发展人员的数量作为计酬或者晋级的依据"
	lawEntry = "《禁止传销条例》第七条第（二）项：不得要求交纳费用或者以认购商品等方式变相交纳费用，取得加入资格"
	lawTeam  = "《禁止传销条例》第七条第（三）项：不得以下线的销售业绩作为计酬或者晋级的依据（团队计酬）"
	lawShare = "《微信外部链接内容管理规范》：不得以奖励诱导分享、关注"
	lawTask  = "任务不发放报酬：《禁止传销条例》第七条只允许按真实销售取酬，《微信外部链接内容管理规范》不允许奖励分享和关注"
)

// unlawful are words that would make an unlawful scheme, as names of fields or as
// metrics, with their reason. They are listed so that who tries is told why; whatever is
// not listed is refused as unknown all the same.
var unlawful = map[string]string{
	"fee": lawEntry, "fee_fen": lawEntry, "entry_fee": lawEntry, "entry_fee_fen": lawEntry, "join_fee": lawEntry, "membership_fee": lawEntry,
	"deposit": lawEntry, "deposit_fen": lawEntry, "margin": lawEntry, "purchase_required": lawEntry, "required_purchase": lawEntry,
	"min_purchase": lawEntry, "min_purchase_fen": lawEntry, "must_buy": lawEntry, "入门费": lawEntry, "加盟费": lawEntry, "押金": lawEntry, "保证金": lawEntry,
	"head_count": lawHeads, "headcount": lawHeads, "team_size": lawHeads, "recruits": lawHeads, "recruited": lawHeads, "invites": lawHeads,
	"invited": lawHeads, "members": lawHeads, "direct": lawHeads, "direct_count": lawHeads, "registrations": lawHeads, "downline": lawHeads, "人头": lawHeads, "团队人数": lawHeads,
	"team_sales": lawTeam, "team_sales_fen": lawTeam, "team_orders": lawTeam, "team_claims": lawTeam, "team_scans": lawTeam, "team_buyers": lawTeam, "团队业绩": lawTeam,
	"shares": lawShare, "share": lawShare, "follows": lawShare, "follow": lawShare, "followers": lawShare, "分享": lawShare, "关注": lawShare,
}

// pays are words that would make a task pay.
var pays = map[string]string{
	"reward": lawTask, "reward_fen": lawTask, "amount_fen": lawTask, "pay": lawTask, "pay_fen": lawTask, "bonus": lawTask, "bonus_fen": lawTask,
	"points": lawTask, "commission": lawTask, "commission_fen": lawTask, "red_packet": lawTask, "cash_fen": lawTask, "奖励": lawTask, "红包": lawTask,
}

func refused(word, why string) error {
	return fault.Invalidf("leader_unlawful", "不能设置“%s”。%s。", word, why).With("field", word)
}

// lookFor searches an input, at any depth, for fields with such names and for metrics.
func lookFor(raw []byte, words map[string]string) error {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil // the strict decoder says what is wrong
	}
	return lookIn(v, words)
}

func lookIn(v any, words map[string]string) error {
	switch v := v.(type) {
	case map[string]any:
		for name, x := range v {
			if why := words[plain(name)]; why != "" {
				return refused(name, why)
			}
			if text, ok := x.(string); ok && plain(name) == "metric" && words[plain(text)] != "" {
				return refused(text, words[plain(text)])
			}
			if err := lookIn(x, words); err != nil {
				return err
			}
		}
	case []any:
		for _, x := range v {
			if err := lookIn(x, words); err != nil {
				return err
			}
		}
	}
	return nil
}

// plain takes the spelling away: headCount, Head-Count and HEAD_COUNT are one word.
func plain(name string) string {
	var b strings.Builder
	for i, r := range strings.TrimSpace(name) {
		switch {
		case r == '-' || r == ' ':
			r = '_'
		case r >= 'A' && r <= 'Z':
			if i > 0 && strings.ToUpper(name) != name && !strings.HasSuffix(b.String(), "_") {
				b.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// misread says in the operator's language what of an input cannot be read.
func misread(err error) error {
	text, field := "不是合法的 JSON", ""
	var kind *json.UnmarshalTypeError
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown { // the decoder has no type for it
		field = strings.Trim(name, `"`)
		text = "没有字段 " + field
	} else if errors.As(err, &kind) {
		field = kind.Field
		text = "字段 " + field + " 的类型不对"
	}
	f := fault.New(fault.Invalid, "leader_input", "内容格式不对："+text).Because(err)
	if field != "" {
		f = f.With("field", field)
	}
	return f
}

// strict reads an input that may hold nothing unlawful and no field that is not there.
// Faults: Invalid leader_unlawful with the article, leader_input.
func strict(raw []byte, into any, words map[string]string) error {
	if err := lookFor(raw, words); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return misread(err)
	}
	return nil
}
