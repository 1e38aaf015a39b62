package scan

import (
	"fmt"

	"siyu/model/clock"
)

// reward judges what is to be claimed. Whoever claimed it keeps seeing it, whatever
// happened to the code, the campaign or himself afterwards.
func reward(f Facts, item State) Reward {
	if f.Claim != nil && f.Claim.Mine {
		return Reward{Mine, "您已领取", "领取时间 " + f.Claim.At.Local(), f.Claim.At}
	}
	switch item {
	case First, Again, Genuine, Elsewhere:
	default:
		return Reward{None, "暂无奖励", "当前状态不能领取奖励。", 0}
	}
	if f.Claim != nil {
		return Reward{Taken, "奖励已被领取", "已于 " + f.Claim.At.Local() + " 被领取。", f.Claim.At}
	}
	if item == Elsewhere {
		return Reward{None, "暂无奖励", "奖励属于首次验证的人。若您是购买者，请举报或联系客服。", 0}
	}
	r, closed := campaign(f)
	// Product points need no campaign; but claiming them would use up the code's one
	// claim, so a campaign that is still to come is waited for.
	if closed && (f.ScanPoints == 0 || r.State == NotBegun || r.State == Paused) {
		return r
	}
	if who := person(f); !closed || who.State != Available {
		return who
	}
	if r.State == NoCampaign {
		return Reward{Available, "您有积分待领取", fmt.Sprintf("首次验证，可领取 %d 积分。", f.ScanPoints), 0}
	}
	return Reward{Available, "您有积分待领取", r.Text + fmt.Sprintf("仍可领取 %d 积分。", f.ScanPoints), 0}
}

// campaign says why nothing can be claimed from the activity at present.
func campaign(f Facts) (Reward, bool) {
	c := f.Campaign
	name := "活动"
	if c.Name != "" {
		name = "“" + c.Name + "”"
	}
	switch c.State {
	case "running":
		return Reward{}, false
	case "not_begun":
		return Reward{NotBegun, "活动尚未开始", name + "将于 " + c.FromAt.Local() + " 开始。" + only(c), c.FromAt}, true
	case "paused":
		return Reward{Paused, "活动已暂停", name + "暂停中，恢复后可以领取。", 0}, true
	case "ended":
		text := name + "已结束。"
		if c.UntilAt != 0 && c.UntilAt <= f.Now {
			text = name + "已于 " + c.UntilAt.Local() + " 结束。"
		}
		return Reward{Ended, "活动已结束", text, c.UntilAt}, true
	}
	if c.State == "used_up" {
		return Reward{UsedUp, "奖励已领完", name + "的奖励已全部领完，感谢参与。", 0}, true
	}
	return Reward{NoCampaign, "暂无活动", "该商品目前没有领取活动。", 0}, true
}

// person says whether this visitor may claim.
func person(f Facts) Reward {
	switch {
	case f.Snapshot:
		return Reward{Snapshot, "当前为预览模式", "点击“使用完整服务”后即可领取，不关注也可领取。" + only(f.Campaign), 0}
	case f.Member == 0 && f.WeChat:
		return Reward{LoginFailed, "微信登录没有完成", "验证结果不受影响。重新登录后即可领取。" + only(f.Campaign), 0}
	case f.Member == 0:
		return Reward{NotWeChat, "用微信扫一扫领红包", "请打开微信，用“扫一扫”扫描包装上的二维码领取。" + only(f.Campaign), 0}
	case f.Blocked:
		return Reward{Blocked, "账号暂不能领取", "您的账号存在异常，暂不能领取奖励。如有疑问请联系客服。" + phone(f), 0}
	case f.Campaign.State == "running" && f.Campaign.Below:
		return Reward{Level, "会员专享活动", only(f.Campaign) + "您还没有达到这个等级；码不会被用掉，达到后再来领取。", f.Campaign.UntilAt}
	case f.Limit != nil:
		return limited(f)
	}
	text := "点击领取，立即揭晓。不关注也可领取。"
	if f.Campaign.TopPrize != "" {
		text = f.Campaign.TopPrize + "，点击揭晓。不关注也可领取。"
	}
	return Reward{Available, "您有一次领取机会", text, 0} // not a prize: the draw may say no
}

// only says who may take part, where that is not everybody.
func only(c Campaign) string {
	if c.Who == "" {
		return ""
	}
	return "本活动限" + c.Who + "。"
}

func limited(f Facts) Reward {
	l := f.Limit
	switch l.Code {
	case "cap_member_day":
		return Reward{Limit, "今日领取已达上限", fmt.Sprintf("今日已领 %d/%d，%s恢复。", l.Used, l.Cap, dayText(f.Now, l.ResetsAt)), l.ResetsAt}
	case "cap_member":
		return Reward{Limit, "您的领取次数已用完", fmt.Sprintf("本活动每人最多领取 %d 次，您已领 %d 次。", l.Cap, l.Used), 0}
	}
	return Reward{UsedUp, "奖励已领完", "本活动的奖励已全部领完，感谢参与。", 0}
}

// dayText is how people say when a day's limit is over: 明天 0 点.
func dayText(now, at clock.Instant) string {
	today, _ := clock.DayOf(now).Bounds()
	if day, _ := clock.DayOf(at).Bounds(); at == day && day.Sub(today).Hours() == 24 {
		return "明天 0 点"
	}
	return at.Local() + " "
}
