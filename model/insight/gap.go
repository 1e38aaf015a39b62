package insight

import (
	"fmt"
	"time"

	"siyu/model/clock"
)

// Thresholds of what is called a gap.
const (
	joinEnough  = 20 // percent of a place's people who are known elsewhere too
	firstEnough = 50 // percent of signals that the brand's own places give
	quietAfter  = 30 * 24 * time.Hour
)

// gaps lists what is missing, the gravest first, each with something to do.
func (m *DataMap) gaps(now clock.Instant) {
	add := func(at, text, advice string) { m.Gaps = append(m.Gaps, Gap{at, text, advice}) }
	if m.Signals > 0 && m.FirstPartyPercent < firstEnough {
		add("", fmt.Sprintf("一方数据只占 %d%%，低于一半", m.FirstPartyPercent), "让订单后的购买、评价、复购发生在自有小程序和一物一码上，减少只依赖平台回传的环节")
	}
	phone := false
	for _, t := range m.Touchpoints {
		phone = phone || t.Kind == "phone"
		switch {
		case t.Kind == "":
			continue
		case t.People == 0:
			add(t.ID, t.Title+"没有可识别的人", "检查该触点的登录或回调是否接通")
		case t.Joined == 0:
			add(t.ID, t.Title+"与其他触点完全没有打通", adviceFor(t.Kind))
		case percent(t.Joined, t.People) < joinEnough:
			add(t.ID, fmt.Sprintf("%s只有 %d%% 的人与其他触点打通", t.Title, percent(t.Joined, t.People)), adviceFor(t.Kind))
		}
		if t.LastAt != 0 && now.Sub(t.LastAt) > quietAfter {
			add(t.ID, fmt.Sprintf("%s自 %s 起没有新的信号", t.Title, t.LastAt.Local()), "确认该触点是否仍在使用，回调地址是否有效")
		}
	}
	if m.People > 0 && !phone {
		add("phone/", "没有任何验证过的手机号", "在小程序领取后请会员自愿验证手机号，说明能找回老会员等级和积分")
	}
}

// adviceFor is what usually joins places of a kind.
func adviceFor(kind string) string {
	switch kind {
	case "openid":
		return "把公众号和小程序绑定到同一微信开放平台账号，登录时即可拿到 UnionID；再引导会员验证手机号"
	case "external_userid":
		return "把企业微信与小程序绑定到同一开放平台主体，客户联系回调会带上 UnionID"
	case "phone":
		return "让会员在小程序里验证手机号，与已有资料相认"
	case "crm", "card":
		return "导入时带上手机号列，会员验证手机号后自动与老资料相认（需会员同意）"
	}
	return "导入或上报时同时带上手机号，作为与其他触点相认的键"
}
