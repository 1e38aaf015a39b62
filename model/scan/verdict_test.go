package scan

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db/dbtest"
)

var now = dbtest.Start

// TestJudge holds the table of states: what a consumer reads in each.
func TestJudge(t *testing.T) {
	const me, other = 1, 2
	// base is the good case, each line of the table changes it.
	base := Facts{Now: now, Known: true, CodeState: Activated, Member: me, WeChat: true, SupportPhone: "400-000-0000",
		Sight:    Sight{FirstMember: me, FirstAt: now, FirstCity: "上海", Scans: 1, Fresh: true},
		Campaign: Campaign{State: "running", Name: "秋日", TopPrize: "最高 88 元红包", FromAt: now - 1000, UntilAt: now + 1000}}
	seenBy := func(f *Facts, s Sight) { f.Sight = s }
	for name, tc := range map[string]struct {
		change func(*Facts)
		state  State
		tone   Tone
		reward State
		says   []string // in title, text, reasons or reward
	}{
		"first scan":                         {func(f *Facts) {}, First, Good, Available, []string{"正品 · 首次验证", "最高 88 元红包", "不关注也可领取"}},
		"same person again, not yet claimed": {func(f *Facts) { f.Sight.Fresh = false }, Again, Good, Available, []string{"您已于 2026-11-21 12:00 验证过"}},
		"same person again, claimed":         {func(f *Facts) { f.Sight.Fresh = false; f.Claim = &Claim{true, now} }, Again, Good, Mine, []string{"您已领取"}},
		"others came after me": {func(f *Facts) { f.Sight = Sight{FirstMember: me, FirstAt: now, Scans: 9, Others: 8, FlaggedAt: now} }, Again, Good, Available,
			[]string{"之后另有他人查验 8 次"}},
		"someone else before": {func(f *Facts) {
			seenBy(f, Sight{FirstMember: other, FirstAt: now, FirstCity: "上海", Scans: 3, Others: 2})
		}, Elsewhere, Warn, None,
			[]string{"该码已被查验 3 次，首次 2026-11-21 12:00（上海）", "若非本人，请谨防假冒"}},
		"someone else before, place unknown": {func(f *Facts) { seenBy(f, Sight{FirstMember: other, FirstAt: now, Scans: 3}) }, Elsewhere, Warn, None,
			[]string{"首次 2026-11-21 12:00。若"}},
		"someone else claimed": {func(f *Facts) {
			seenBy(f, Sight{FirstMember: other, FirstAt: now, Scans: 2})
			f.Claim = &Claim{false, now}
		}, Elsewhere, Warn, Taken,
			[]string{"已于 2026-11-21 12:00 被领取"}},
		"over the threshold": {func(f *Facts) {
			seenBy(f, Sight{FirstMember: other, FirstAt: now, Scans: 6, Others: 5, FlaggedAt: now, FlagReason: "many"})
		}, Abnormal, Bad, None,
			[]string{"查验次数异常", "谨防假冒", "查验人次超过正常范围"}},
		"impossible travel": {func(f *Facts) {
			seenBy(f, Sight{FirstMember: other, FirstAt: now, Scans: 2, Others: 1, FlaggedAt: now, FlagReason: "travel:1067:20"})
		}, Abnormal, Bad, None,
			[]string{"1067 公里的两地在 20 分钟内"}},
		"not activated":          {func(f *Facts) { f.CodeState = Issued; f.Sight = Sight{} }, NotActivated, Warn, None, []string{"商品尚未激活", "请联系购买的门店"}},
		"voided":                 {func(f *Facts) { f.CodeState = Voided; f.CodeReason = "印刷错误" }, StateVoided, Bad, None, []string{"已作废", "印刷错误", "400-000-0000"}},
		"voided after I claimed": {func(f *Facts) { f.CodeState = Voided; f.Claim = &Claim{true, now} }, StateVoided, Bad, Mine, []string{"已作废", "您已领取"}},
		"recalled":               {func(f *Facts) { f.CodeState = Recalled }, StateRecall, Bad, None, []string{"已召回", "400-000-0000"}},
		"forged":                 {func(f *Facts) { *f = Facts{UnknownReason: "forged"} }, Unknown, Bad, None, []string{"未查询到此码", "未通过防伪校验"}},
		"malformed":              {func(f *Facts) { *f = Facts{UnknownReason: "malformed"} }, Unknown, Bad, None, []string{"16 位"}},
		"not issued":             {func(f *Facts) { *f = Facts{UnknownReason: "not_issued"} }, Unknown, Bad, None, []string{"未发行"}},
		"on another product":     {func(f *Facts) { *f = Facts{UnknownReason: "gtin_mismatch"} }, Mismatch, Bad, None, []string{"码与商品不符"}},
		"no campaign":            {func(f *Facts) { f.Campaign = Campaign{} }, First, Good, NoCampaign, []string{"没有领取活动"}},
		"campaign not begun": {func(f *Facts) { f.Campaign.State, f.Campaign.FromAt = "not_begun", now.Add(48*time.Hour) }, First, Good, NotBegun,
			[]string{"“秋日”将于 2026-11-23 12:00 开始"}},
		"campaign ended by time": {func(f *Facts) { f.Campaign.State, f.Campaign.UntilAt = "ended", now.Add(-time.Hour) }, First, Good, Ended,
			[]string{"“秋日”已于 2026-11-21 11:00 结束"}},
		"campaign ended by hand":              {func(f *Facts) { f.Campaign.State = "ended" }, First, Good, Ended, []string{"“秋日”已结束。"}},
		"campaign used up":                    {func(f *Facts) { f.Campaign.State = "used_up" }, First, Good, UsedUp, []string{"“秋日”的奖励已全部领完"}},
		"points without a campaign":           {func(f *Facts) { f.Campaign, f.ScanPoints = Campaign{}, 10 }, First, Good, Available, []string{"首次验证，可领取 10 积分"}},
		"points wait for a campaign to begin": {func(f *Facts) { f.Campaign.State, f.ScanPoints = "not_begun", 10 }, First, Good, NotBegun, nil},
		"points after the end, but not in WeChat": {func(f *Facts) {
			f.Campaign.State, f.ScanPoints, f.Member, f.WeChat, f.Sight = "ended", 10, 0, false, Sight{}
		}, Genuine, Good, NotWeChat, nil},
		"campaign paused":                {func(f *Facts) { f.Campaign.State = "paused" }, First, Good, Paused, []string{"暂停"}},
		"total limit met while claiming": {func(f *Facts) { f.Limit = &Cap{"cap_total", 5, 5, 0} }, First, Good, UsedUp, []string{"已领完"}},
		"daily limit": {func(f *Facts) { _, end := clock.DayOf(now).Bounds(); f.Limit = &Cap{"cap_member_day", 3, 3, end} }, First, Good, Limit,
			[]string{"今日已领 3/3，明天 0 点恢复"}},
		"personal limit":                    {func(f *Facts) { f.Limit = &Cap{"cap_member", 10, 10, 0} }, First, Good, Limit, []string{"每人最多领取 10 次"}},
		"snapshot user":                     {func(f *Facts) { f.Member, f.Snapshot, f.Sight = 0, true, Sight{} }, Genuine, Good, Snapshot, []string{"使用完整服务"}},
		"not in WeChat":                     {func(f *Facts) { f.Member, f.WeChat, f.Sight = 0, false, Sight{Anonymous: 2} }, Genuine, Good, NotWeChat, []string{"用微信扫一扫领红包", "2 次未登录"}},
		"not in WeChat, somebody was first": {func(f *Facts) { f.Member, f.WeChat = 0, false }, Elsewhere, Warn, None, []string{"已由一位会员首次验证"}},
		"login failed":                      {func(f *Facts) { f.Member, f.Sight = 0, Sight{} }, Genuine, Good, LoginFailed, []string{"重新登录"}},
		"below the campaign's level": {func(f *Facts) { f.Campaign.Who, f.Campaign.Below = "金卡及以上会员", true }, First, Good, Level,
			[]string{"本活动限金卡及以上会员。", "码不会被用掉"}},
		"at the campaign's level":             {func(f *Facts) { f.Campaign.Who = "金卡及以上会员" }, First, Good, Available, []string{"点击揭晓"}},
		"below the level, claimed before":     {func(f *Facts) { f.Campaign.Below, f.Claim = true, &Claim{true, now} }, First, Good, Mine, []string{"您已领取"}},
		"below the level, claimed by another": {func(f *Facts) { f.Campaign.Below, f.Claim = true, &Claim{false, now} }, First, Good, Taken, nil},
		"below the level, after the end": {func(f *Facts) { f.Campaign.State, f.Campaign.Below, f.ScanPoints = "ended", true, 10 }, First, Good, Available,
			[]string{"仍可领取 10 积分"}},
		"a level is needed, not in WeChat": {func(f *Facts) {
			f.Member, f.WeChat, f.Sight, f.Campaign.Who = 0, false, Sight{}, "金卡及以上会员"
		}, Genuine, Good, NotWeChat,
			[]string{"扫描包装上的二维码领取。本活动限金卡及以上会员。"}},
		"a level is needed, not begun": {func(f *Facts) { f.Campaign.State, f.Campaign.Who = "not_begun", "金卡及以上会员" }, First, Good, NotBegun, []string{"开始。本活动限金卡及以上会员。"}},
		"blocked, below the level":     {func(f *Facts) { f.Blocked, f.Campaign.Below, f.Sight = true, true, Sight{} }, Genuine, Good, Blocked, nil},
		"blocked member":               {func(f *Facts) { f.Blocked, f.Sight = true, Sight{} }, Genuine, Good, Blocked, []string{"账号存在异常", "400-000-0000"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := base
			tc.change(&f)
			v := Judge(f)
			if v.State != tc.state || v.Tone != tc.tone || v.Reward.State != tc.reward {
				t.Errorf("%s %s %s", v.State, v.Tone, v.Reward.State)
			}
			if v.Title == "" || v.Text == "" || v.Reward.Title == "" || v.Reward.Text == "" || len(v.Reasons) == 0 || v.Reasons[0].Text == "" {
				t.Errorf("something is left unsaid: %+v", v)
			}
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range tc.says {
				if !strings.Contains(string(b), s) {
					t.Errorf("%s does not say %q", b, s)
				}
			}
			if (v.Tone == Bad && v.State != StateRecall || v.State == Elsewhere) != v.Report && v.State != NotActivated {
				t.Errorf("%s: report offered: %v", v.State, v.Report)
			}
		})
	}
}
