package claim

import (
	"context"
	"strconv"

	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/product"
	"siyu/model/redpacket"
)

// plan is everything about a claim that is decided before its transaction.
type plan struct {
	claim      Claim
	human      id.ID // whose caps count; known when the claim is about to be written
	offer      campaign.Offer
	pay        brand.Account
	openID     string
	payoutID   id.ID
	scanPoints int64
	product    product.Product
}

// allowed says whether a code in this state may be claimed at all.
func allowed(c code.Code) error {
	texts := map[string]string{code.Issued: "商品尚未激活，请联系门店", code.Voided: "这个码已作废", code.Recalled: "该批次商品已召回，请联系客服"}
	if c.State != code.Activated {
		slug := c.State
		if slug == code.Issued {
			slug = "not_activated"
		}
		return fault.New(fault.Forbidden, slug, texts[c.State])
	}
	return nil
}

// plan decides everything about a claim but whether it comes first. Without SQL, once
// the caches are warm, the session's account is the one that is paid, and the campaign is
// for everybody.
func (s *Store) plan(ctx context.Context, c code.Code, who Who) (plan, error) {
	if err := allowed(c); err != nil {
		return plan{}, err
	}
	now := s.db.Now()
	prod, err := s.goods.Get(ctx, c.ProductID)
	if err != nil {
		return plan{}, err
	}
	p := plan{product: prod, scanPoints: prod.ScanPoints * int64(prod.PointsPercent) / 100}
	p.claim = Claim{ID: s.db.NewID(), BatchID: c.BatchID, Serial: c.Serial, BrandID: c.BrandID, ProductID: c.ProductID,
		MemberID: who.MemberID, Kind: campaign.Points, Day: clock.DayOf(now), CreatedAt: now, Points: p.scanPoints}
	p.offer = s.campaigns.For(ctx, c.BatchID, c.Serial, now)
	switch p.offer.State {
	case campaign.StandRunning:
		if err := s.admit(ctx, p.offer, who.MemberID); err != nil {
			return plan{}, err
		}
		return s.draw(ctx, p, c, who)
	case campaign.StandNotBegun:
		// Claiming now would use up the code's one claim for nothing.
		return plan{}, fault.New(fault.Conflict, "not_begun", "活动还没开始,"+p.offer.FromAt.Local()+" 再来领取").With("from_at", p.offer.FromAt)
	case campaign.StandPaused:
		return plan{}, fault.New(fault.Conflict, "paused", "活动暂停中，您的奖还在，请稍后再来")
	}
	if p.scanPoints == 0 {
		texts := map[string]string{campaign.StandEnded: "活动已结束", campaign.StandUsedUp: "活动奖品已领完"}
		text, ok := texts[p.offer.State]
		if !ok {
			text = "这件商品现在没有活动"
		}
		return plan{}, fault.New(fault.NotFound, "no_campaign", text).With("standing", p.offer.State)
	}
	p.claim.Prize = strconv.FormatInt(p.scanPoints, 10) + " 积分"
	return p, nil
}

func (s *Store) draw(ctx context.Context, p plan, c code.Code, who Who) (plan, error) {
	won, err := s.campaigns.Draw(p.offer.CampaignID, c.BatchID, c.Serial, p.claim.CreatedAt)
	if err != nil {
		return plan{}, err
	}
	p.claim.CampaignID, p.claim.Tier, p.claim.Kind = p.offer.CampaignID, won.Tier.Tier, won.Tier.Kind
	p.claim.CashFen, p.claim.Prize = won.AmountFen, won.Tier.Name
	p.claim.Points += won.Tier.Points
	if won.Tier.Kind == campaign.Nothing && won.Tier.Text != "" {
		p.claim.Prize = won.Tier.Text
	}
	if p.offer.AccountID == 0 {
		return p, nil
	}
	// For every prize, won or not: otherwise the fault itself would tell the prize.
	if p.pay, err = s.payers.Get(ctx, p.offer.AccountID); err != nil {
		return plan{}, err
	}
	if p.openID = who.OpenID; who.AppID != p.pay.Settings.PayAppID {
		if p.openID, err = s.people.OpenID(ctx, who.MemberID, p.pay.Settings.PayAppID); err != nil {
			return plan{}, err
		}
	}
	if p.openID == "" {
		return plan{}, fault.New(fault.Conflict, "pay_account_mismatch", "请用微信扫码打开页面领取，红包才能到您的微信").With("app_id", p.pay.Settings.PayAppID)
	}
	if won.AmountFen > 0 {
		p.payoutID = s.db.NewID()
		p.claim.BillNo = redpacket.BillNo(p.payoutID, p.claim.Day)
	}
	return p, nil
}
