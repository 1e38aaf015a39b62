package group

import (
	"context"
	"fmt"
	"time"

	"siyu/model/clock"
	"siyu/model/id"
)

// Part is one share of a health score.
type Part struct {
	Key    string `json:"key"`
	Name   string `json:"name"`
	Known  bool   `json:"known"`
	Score  int    `json:"score"`  // 0 to 100
	Weight int    `json:"weight"` // of the whole; unknown parts count nothing
	Text   string `json:"text"`   // zh-CN: the numbers behind it
}

// Health is how a community fares (社群健康分), 0 to 100: the mean of its known parts by
// their weights. It pays nobody.
type Health struct {
	Score int    `json:"score"`
	Known bool   `json:"known"` // false: no part is known, and the score means nothing
	Parts []Part `json:"parts"`
}

// sampled is how many members a community's activity is judged by.
const sampled = 200

// Health computes a community's score from what is known now. Fault: NotFound
// community_not_found.
func (s *Store) Health(ctx context.Context, by By, communityID id.ID) (Health, error) {
	c, err := s.Get(ctx, by, communityID)
	if err != nil {
		return Health{}, err
	}
	return s.health(ctx, c)
}

func (s *Store) health(ctx context.Context, c Community) (Health, error) {
	h, now := Health{}, s.db.Now()
	activity, err := s.activityPart(ctx, c, now)
	if err != nil {
		return h, err
	}
	buyers, err := s.buyersPart(ctx, c)
	if err != nil {
		return h, err
	}
	alarms, err := s.alarmPart(ctx, c, now)
	if err != nil {
		return h, err
	}
	h.Parts = []Part{fillPart(c), activity, buyers, qrPart(c, now), alarms}
	sum, weights := 0, 0
	for _, p := range h.Parts {
		if p.Known {
			sum, weights = sum+p.Score*p.Weight, weights+p.Weight
		}
	}
	if weights > 0 {
		h.Score, h.Known = (sum+weights/2)/weights, true
	}
	return h, nil
}

// fillPart: a group that is a quarter full hardly lives, one without any room lets nobody
// in. Between 40 and 95 percent it is as it should be.
func fillPart(c Community) Part {
	p := Part{Key: "fill", Name: "群人数", Weight: 20, Text: "还没有人报告过群人数，不计入。"}
	if c.SizeAt == 0 {
		return p
	}
	percent := c.Size * 100 / c.Capacity
	switch {
	case percent < 40:
		p.Score = percent * 100 / 40
	case percent <= 95:
		p.Score = 100
	default:
		p.Score = 70
	}
	p.Known, p.Text = true, fmt.Sprintf("%s 时有 %d 人，上限 %d 人（%d%%）。40%% 到 95%% 为满分。", c.SizeAt.Local(), c.Size, c.Capacity, percent)
	return p
}

// activityPart: WeChat does not tell what is said in a group. What is known is what those
// did elsewhere who came into it through our live codes and are members.
func (s *Store) activityPart(ctx context.Context, c Community, now clock.Instant) (Part, error) {
	p := Part{Key: "activity", Name: "成员活跃", Weight: 30, Text: "没有通过活码入群的会员，微信也不提供群聊数据，不计入。"}
	var members []id.ID
	err := s.db.Read(ctx).Raw("SELECT member_id FROM live_place WHERE community_id = ? AND member_id <> 0 ORDER BY handed_at DESC, id LIMIT ?", c.ID, sampled).Scan(&members).Error
	if err != nil || len(members) == 0 {
		return p, err
	}
	n, err := s.People.ActiveSince(ctx, members, now.Add(-30*24*time.Hour))
	if err != nil {
		return p, err
	}
	percent := n * 100 / len(members)
	p.Known, p.Score = true, min(100, percent*2)
	p.Text = fmt.Sprintf("最近通过活码入群的 %d 位会员中，%d 位 30 天内有扫码、购买等行为（%d%%）。50%% 以上为满分。", len(members), n, percent)
	return p, nil
}

// buyersPart: how many of those whom the leader brought bought.
func (s *Store) buyersPart(ctx context.Context, c Community) (Part, error) {
	p := Part{Key: "buyers", Name: "购买占比", Weight: 20, Text: "这个群没有群主，或群主还没有直接带来的人，不计入。"}
	if c.LeaderMemberID == 0 {
		return p, nil
	}
	x, err := s.Referrals.Circle(ctx, c.BrandID, c.LeaderMemberID)
	if err != nil || x.Direct == 0 {
		return p, err
	}
	if x.Buyers < 0 {
		p.Text = "群主直接带来的人很多，购买人数没有统计，不计入。"
		return p, nil
	}
	percent := x.Buyers * 100 / x.Direct
	p.Known, p.Score = true, min(100, percent*2)
	p.Text = fmt.Sprintf("群主直接带来的 %d 人中，%d 人验证过商品或下过单（%d%%）。50%% 以上为满分。", x.Direct, x.Buyers, percent)
	return p, nil
}

// qrPart: a join code with three days left is as good as new.
func qrPart(c Community, now clock.Instant) Part {
	p := Part{Key: "qr", Name: "群二维码", Known: true, Weight: 20}
	left := c.QRExpiresAt.Sub(now)
	switch {
	case c.QR == "" && c.Kind == WeCom:
		p.Text = "还没有入群二维码，新成员无法扫码加入。请在企业微信账号的“群活码”里为它生成。"
	case c.QR == "":
		p.Text = "还没有上传群二维码，新成员无法扫码加入。"
	case c.QRExpiresAt >= Forever:
		p.Score, p.Text = 100, "企业微信客户群二维码长期有效。"
	case left <= 0:
		p.Text = fmt.Sprintf("群二维码已于 %s 失效。", c.QRExpiresAt.Local())
	default:
		p.Score = int(min(100, left*100/(72*time.Hour)))
		p.Text = fmt.Sprintf("群二维码 %s 失效。剩余 3 天以上为满分。", c.QRExpiresAt.Local())
	}
	return p
}

// alarmPart: what nobody did anything about for a day.
func (s *Store) alarmPart(ctx context.Context, c Community, now clock.Instant) (Part, error) {
	p := Part{Key: "alarms", Name: "提醒处理", Known: true, Weight: 10}
	var n int
	err := s.db.Read(ctx).Raw("SELECT COUNT(*) FROM community_alarm WHERE community_id = ? AND state = ? AND created_at <= ?", c.ID, AlarmOpen, now.Add(-24*time.Hour)).Scan(&n).Error
	if err != nil {
		return p, fmt.Errorf("group: health: %w", err)
	}
	p.Score, p.Text = max(0, 100-50*n), "没有超过 24 小时未处理的提醒。"
	if n > 0 {
		p.Text = fmt.Sprintf("有 %d 条提醒超过 24 小时没有处理，每条扣 50 分。", n)
	}
	return p, nil
}

// MeanHealth is the mean score of the communities of some members at a brand, and how many
// of them have one.
func (s *Store) MeanHealth(ctx context.Context, brandID id.ID, members []id.ID) (score, communities int, err error) {
	var list []Community
	err = s.db.Read(ctx).Where("brand_id = ? AND leader_member_id IN ? AND state <> ?", brandID, members, Closed).Order("id").Find(&list).Error
	if err != nil {
		return 0, 0, fmt.Errorf("group: health: %w", err)
	}
	sum := 0
	for _, c := range list {
		h, err := s.health(ctx, c)
		if err != nil {
			return 0, 0, err
		}
		if h.Known {
			sum, communities = sum+h.Score, communities+1
		}
	}
	if communities == 0 {
		return 0, 0, nil
	}
	return sum / communities, communities, nil
}
