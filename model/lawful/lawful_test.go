package lawful

import (
	"strings"
	"testing"

	"siyu/model/fault"
)

func TestPromisesAreFoundHoweverTheyAreWritten(t *testing.T) {
	for text, source := range map[string]string{
		"分享到朋友圈领红包": "诱导分享", "分 享 得 积 分": "诱导分享", "分*享*得*红*包": "诱导分享", "轉發即送現金": "诱导分享", "分\u200b享领\u3164奖": "诱导分享",
		"邀请好友一起来领红包": "诱导分享", "关注公众号即可领取奖励": "诱导关注", "關注得紅包": "诱导关注",
		"拉3人奖励50元": "按人数计酬", "每推荐一人得10元": "按人数计酬", "拉３人，不限，拉5人得奖": "按人数计酬",
		"团队业绩达标另有奖励": "第七条", "三级分销": "第七条", "缴纳入门费即可加入": "第七条", "发展下线": "第七条", "不要错过分享得红包": "诱导分享", "不关注就领不到奖": "诱导关注",
	} {
		found, why := Promise(text)
		if found == "" || !strings.Contains(why, source) {
			t.Errorf("%s: %q %q", text, found, why)
		}
	}
	if err := Check("title", "介绍怎样验真", "拉3人奖50元"); fault.Of(err).Code != "unlawful_words" || fault.Of(err).Detail["field"] != "title" {
		t.Error(err)
	}
}

func TestHonestTextsStand(t *testing.T) {
	for _, text := range []string{"", "介绍怎样验真", "欢迎加入，验真后可领取红包", "关注不会得到奖励，也不是领奖的条件。", "本群不收入门费", "群主不得收取入门费，不得发展下线计酬。",
		"分享您的使用感受", "邀请好友了解产品", "每验证一件得 5 元佣金", "新品推荐：老井 53 度", "推荐人只能看到您打码的信息", "团队聚会照片", "扫码领红包，不关注也可领取。", "一级经销商"} {
		if found, why := Promise(text); found != "" {
			t.Errorf("%s: %q %s", text, found, why)
		}
	}
}
