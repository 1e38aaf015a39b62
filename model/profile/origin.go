package profile

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/id"
)

// Channels of origin.
const (
	FromScan     = "scan"
	FromCampaign = "campaign"
	FromFollow   = "follow"
	FromReferral = "referral"
	FromOrder    = "order"
	FromLogin    = "login"
	FromCRM      = "crm"
	FromOther    = "other"
)

var originTitles = map[string]string{FromScan: "扫码验证", FromCampaign: "活动领取", FromFollow: "关注公众号", FromReferral: "推荐", FromOrder: "下单", FromLogin: "登录", FromCRM: "会员资料导入", FromOther: "其他"}

var comesBy = map[string]string{event.Scan: FromScan, event.Claim: FromCampaign, event.Follow: FromFollow, event.Referral: FromReferral, event.Order: FromOrder, event.Login: FromLogin}

// Origin is the first touch of a human (来源渠道).
type Origin struct {
	MemberID   id.ID         `json:"member_id"`
	Channel    string        `json:"channel"`
	Title      string        `json:"title" gorm:"-"`
	EventKey   string        `json:"event_key"`
	BrandID    id.ID         `json:"brand_id"`
	ProductID  id.ID         `json:"product_id"`
	BatchID    id.ID         `json:"batch_id"`
	CampaignID id.ID         `json:"campaign_id"`
	Scene      string        `json:"scene"`  // of the QR code or login; the name of the source for an import
	RefID      id.ID         `json:"ref_id"` // the member who referred, or the import
	At         clock.Instant `json:"at"`
}

// TableName names the table for GORM.
func (Origin) TableName() string { return "profile_origin" }

func (o Origin) before(p Origin) int {
	return cmp.Or(cmp.Compare(o.At, p.At), cmp.Compare(o.EventKey, p.EventKey))
}

// OriginOf is the earliest touch of a family, nil before any.
func (s *Store) OriginOf(ctx context.Context, family []id.ID) (*Origin, error) {
	var all []Origin
	if err := s.DB.Read(ctx).Where("member_id IN ?", family).Find(&all).Error; err != nil {
		return nil, fmt.Errorf("profile: origin: %w", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	first := slices.MinFunc(all, Origin.before)
	first.Title = originTitles[first.Channel]
	return &first, nil
}

// OriginsTx keeps touches unless an earlier one of the same member and channel is kept;
// of a later one that is kept, the earlier takes the place. Events come in no order.
func (s *Store) OriginsTx(ctx context.Context, tx *gorm.DB, list []Origin) error {
	type at struct {
		member  id.ID
		channel string
	}
	first := map[at]Origin{}
	for _, o := range list {
		k := at{o.MemberID, o.Channel}
		if old, there := first[k]; !there || o.before(old) < 0 {
			first[k] = o
		}
	}
	rows := db.NewRows("profile_origin", "member_id, channel, event_key, brand_id, product_id, batch_id, campaign_id, scene, ref_id, at")
	// In one order, so that two workers do not lock each other out.
	order := slices.SortedFunc(maps.Keys(first), func(a, b at) int {
		return cmp.Or(cmp.Compare(a.member, b.member), cmp.Compare(a.channel, b.channel))
	})
	for _, k := range order {
		o := first[k]
		rows.Add(o.MemberID, o.Channel, o.EventKey, o.BrandID, o.ProductID, o.BatchID, o.CampaignID, o.Scene, o.RefID, o.At)
	}
	n, err := rows.Insert(ctx, tx, s.DB.Once("channel"))
	if err != nil {
		return fmt.Errorf("profile: origins: %w", err)
	}
	if int(n) == rows.Len() {
		return nil
	}
	for _, k := range order {
		o := first[k]
		_, err := db.Exec(ctx, tx, `UPDATE profile_origin SET event_key = ?, brand_id = ?, product_id = ?, batch_id = ?, campaign_id = ?, scene = ?, ref_id = ?, at = ?
			WHERE member_id = ? AND channel = ? AND (at > ? OR at = ? AND event_key > ?)`,
			o.EventKey, o.BrandID, o.ProductID, o.BatchID, o.CampaignID, o.Scene, o.RefID, o.At, o.MemberID, o.Channel, o.At, o.At, o.EventKey)
		if err != nil {
			return fmt.Errorf("profile: origins: %w", err)
		}
	}
	return nil
}
