package main

import (
	"context"

	"siyu/model/brand"
	"siyu/model/commission"
	"siyu/model/leader"
	"siyu/model/referral"
)

// demoAgreement is what the demo's leaders sign.
const demoAgreement = `一、加入自愿、免费。成为群主无需交费，也无需购买任何商品。
二、报酬只来自您直接推荐的用户真实的购买或扫码验证；不按发展人数、不按分享次数、不按关注数计酬，也没有第三级。
三、如实介绍商品，不夸大功效，不承诺收益；不以任何形式向他人收费或要求囤货。
四、您只能看到打码的用户信息，不得索取、保存或出售他人的个人信息。
五、佣金先冻结，退货或码作废时相应追回；按周期结算，提现经审核后发放，依法代扣税款。
六、您可以随时退出；违反本协议的，品牌可以暂停或终止合作，已合法取得的佣金不受影响。`

// leaders gives the demo's brand a programme for leaders, what they earn, and the terms of
// withdrawals.
func (d *demoWorld) leaders(ctx context.Context, e *environment) error {
	p, err := e.Leaders.Programme(ctx, d.brand.ID)
	if err != nil || p.Version > 0 {
		return err
	}
	if _, err := e.Leaders.Publish(ctx, d.brand.ID, demoAgreement, 0); err != nil {
		return err
	}
	p.Open, p.ReapplyDays = true, 30
	p.Levels = []leader.Level{{Name: "群主", Groups: 3}, {Name: "金牌群主", Groups: 10,
		Conditions: []leader.Condition{{Metric: leader.Buyers, AtLeast: 20, Days: 30}, {Metric: leader.RetentionBP, AtLeast: 3000, Days: 60}}}}
	p.Candidates = leader.Rules{Conditions: []leader.Condition{{Metric: leader.OwnClaims, AtLeast: 5, Days: 30}}, AgainDays: 30}
	if _, err = e.Leaders.Save(ctx, p, 0); err != nil {
		return err
	}
	// Whoever holds the phone has usually scanned a bottle before he meets an invitation.
	terms, err := e.Referrals.Policy(ctx, d.brand.ID)
	if err != nil {
		return err
	}
	terms.Existing = referral.NeverBought
	if _, err = e.Referrals.SavePolicy(ctx, terms); err != nil {
		return err
	}
	if err := d.commission(ctx, e); err != nil {
		return err
	}
	merchant, err := e.Brands.AccountByApp(ctx, brand.Merchant, demoTransfer)
	if err != nil {
		return err
	}
	w, err := e.Withdrawals.Policy(ctx, d.brand.ID)
	if err == nil {
		w.AccountID, w.JobType = merchant.ID, "社群推广"
		_, err = e.Withdrawals.SavePolicy(ctx, w)
	}
	return err
}

// commission: half a yuan for each bottle that somebody one brought verifies, five per
// cent of what he orders; settled every Monday.
func (d *demoWorld) commission(ctx context.Context, e *environment) error {
	for _, t := range []commission.Terms{
		{Name: "扫码佣金", Trigger: commission.OnClaim, Pay: commission.Cash, Each: 50, Ceiling: 50, CapPerDay: 2_000, FreezeDays: commission.DefaultFreezeDays,
			Roles: []string{referral.Leader, referral.Clerk, referral.Member}, BudgetFen: 1_000_000},
		{Name: "订单佣金", Trigger: commission.OnOrder, Pay: commission.Cash, ShareBP: 500, Ceiling: 5_000, FreezeDays: commission.DefaultFreezeDays,
			Roles: []string{referral.Leader}, BudgetFen: 500_000},
	} {
		r, err := e.Commission.Create(ctx, d.brand.ID, t, 0)
		if err != nil {
			return err
		}
		if _, err = e.Commission.Activate(ctx, r.ID, r.Version, 0); err != nil {
			return err
		}
	}
	_, err := e.Commission.SavePolicy(ctx, commission.Policy{BrandID: d.brand.ID, Kind: commission.Weekly, SettleDay: 1})
	return err
}
