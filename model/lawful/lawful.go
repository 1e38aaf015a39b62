// Package lawful knows words that no text of a brand for people may hold: promises for
// sharing, following or bringing people, and schemes that pay by head count or team
// (微信外部链接内容管理规范; 禁止传销条例 art. 7). It is pure; it owns no table.
//
// It catches what is written carelessly, not who wants to get by: any list of words can be
// written around. What pays, and for what, is decided by types elsewhere.
package lawful

import (
	"regexp"
	"strings"
	"unicode"

	"siyu/model/fault"
)

const (
	share  = "《微信外部链接内容管理规范》禁止诱导分享"
	follow = "《微信外部链接内容管理规范》禁止诱导关注"
	heads  = "《禁止传销条例》第七条禁止按人数计酬"
	team   = "《禁止传销条例》第七条禁止人头费、入门费与团队计酬"
)

// gain is what somebody gets.
const gain = `(领|得|送|奖|返|赚|抽|红包|现金|积分|优惠|免费)`

var promises = []struct {
	words *regexp.Regexp
	why   string
}{
	{regexp.MustCompile(`(分享|转发|集赞|点赞|助力|砍价)[^，。！；]{0,12}` + gain), share},
	{regexp.MustCompile(`(领|得|送|奖|返|赚|抽|红包|现金|积分)[^，。！；]{0,6}(先|需|须|要|请)?(分享|转发|集赞)`), share},
	{regexp.MustCompile(`(拉|邀请?|约|叫)[^，。！；]{0,4}(好友|朋友|亲友)[^，。！；]{0,12}(领|得|送|奖|返|赚|抽|红包|现金|积分|免费)`), share},
	{regexp.MustCompile(`关注[^，。！；]{0,12}` + gain), follow},
	{regexp.MustCompile(`(拉|邀请?|推荐|发展|介绍)[^，。！；]{0,4}([0-9一二两三四五六七八九十百几多每]+[个位名]?人?|人头|新人|下线)[^，。！；]{0,10}(领|得|送|奖|返|赚|提成|红包|现金|积分|佣金)`), heads},
	{regexp.MustCompile(`(团队|下级|下家|下线)[^，。！；]{0,6}(业绩|销售额|流水)[^，。！；]{0,8}(提成|佣金|奖|返|分红|抽成)`), team},
	{regexp.MustCompile(`([三四五六七八九多]|[3-9]|无限)级(分销|返利|返佣|佣金|提成)`), team},
	{regexp.MustCompile(`人头费|入门费|入会费|加盟费|下线|躺赚|团队计酬|级差|无限(代|级|层)`), team},
}

// denied ends what stands before words that are named only to deny them, within that who
// promises nothing ("关注不会得到奖励").
var (
	denied = regexp.MustCompile(`(不得|不收取?|不会|不能|不允许|不存在|不需要|不按|禁止|严禁|没有|拒绝|无需|不用)[^，。！；]{0,2}$`)
	within = regexp.MustCompile(`不会|不得|不能|不给|不发|不送|并不|没有任何`)
	// "不关注也可领取" promises the opposite; "不关注就领不到" does not.
	without = regexp.MustCompile(`[不未]$`)
	anyway  = regexp.MustCompile(`也可|也能|都可|都能|照样`)
)

// Promise finds an unlawful promise in a text, and says what it breaks; "" for none.
func Promise(text string) (found, why string) {
	text = plain(text)
	for _, p := range promises {
		for _, at := range p.words.FindAllStringIndex(text, -1) {
			if word := text[at[0]:at[1]]; !denied.MatchString(text[:at[0]]) && !within.MatchString(word) &&
				!(without.MatchString(text[:at[0]]) && anyway.MatchString(word)) {
				return word, p.why
			}
		}
	}
	return "", ""
}

// Check refuses a text with an unlawful promise. Fault: Invalid unlawful_words, with the
// name of the field.
func Check(field string, texts ...string) error {
	for _, text := range texts {
		if found, why := Promise(text); found != "" {
			return fault.Invalidf("unlawful_words", "不能写“%s”：%s。可以写明购买或扫码验证后的真实权益", found, why).With("field", field)
		}
	}
	return nil
}

// old are characters of these words as they are written elsewhere.
var old = strings.NewReplacer("轉", "转", "發", "发", "領", "领", "紅", "红", "現", "现", "積", "积", "獎", "奖", "請", "请", "關", "关", "註", "注", "贊", "赞", "薦", "荐",
	"級", "级", "無", "无", "線", "线", "門", "门", "費", "费", "團", "团", "隊", "队", "計", "计", "會", "会", "個", "个", "賺", "赚", "優", "优", "業", "业", "績", "绩")

// plain leaves letters, numbers and the marks between clauses: words may not hide by
// spaces, signs or the width of a character.
func plain(text string) string {
	return old.Replace(strings.Map(func(r rune) rune {
		if r >= '\uff01' && r <= '\uff5e' { // full-width forms stand 0xFEE0 above ASCII
			r -= 0xFEE0
		}
		switch r {
		case ',', '，', '、':
			return '，'
		case ';', '；':
			return '；'
		case '!', '！', '?':
			return '！'
		case '。', '\n':
			return '。'
		}
		if unicode.IsLetter(r) && !hidden(r) || unicode.IsNumber(r) {
			return r
		}
		return -1
	}, text))
}

// hidden are letters that show nothing.
func hidden(r rune) bool { return r == 0x115f || r == 0x1160 || r == 0x3164 || r == 0xffa0 }
