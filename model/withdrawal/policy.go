package withdrawal

import (
	"context"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

// How tax is suggested.
const (
	TaxNone   = "none"
	TaxFixed  = "fixed"  // tax_bp of the amount
	TaxLabour = "labour" // 劳务报酬预扣预缴, over what the human withdrew in the month
)

const (
	// mostFen: a transfer from 2000 yuan on needs the real name, which is not collected.
	mostFen money.Fen = 199_900
	// netFen is the least that a payout may be: both rails take it under the scenes used here.
	netFen money.Fen = 30
)

// Policy is the terms of a brand's withdrawals.
type Policy struct {
	BrandID          id.ID         `json:"brand_id"`
	Version          int           `json:"version"`    // 0: none yet, nothing can be withdrawn
	AccountID        id.ID         `json:"account_id"` // the merchant who pays
	MinFen           money.Fen     `json:"min_fen"`
	MaxFen           money.Fen     `json:"max_fen"`
	PerDay           int           `json:"per_day"`                // withdrawals of a human in a day
	AutoApproveBelow money.Fen     `json:"auto_approve_below_fen"` // in a human's day; 0: never
	Tax              string        `json:"tax"`
	TaxBP            int           `json:"tax_bp"`   // with fixed: ten-thousandths
	JobType          string        `json:"job_type"` // 岗位类型, reported to WeChat
	ByID             id.ID         `json:"by_id"`
	CreatedAt        clock.Instant `json:"created_at"`
}

// defaults of a brand that has no policy yet.
func defaults(brandID id.ID) Policy {
	return Policy{BrandID: brandID, MinFen: 100, MaxFen: mostFen, PerDay: 3, Tax: TaxNone, JobType: "推广员"}
}

// Policy reads a brand's newest terms; version 0 is the defaults, nothing saved yet.
func (s *Store) Policy(ctx context.Context, brandID id.ID) (Policy, error) {
	var rows []struct {
		Version   int
		Body      string
		ByID      id.ID
		CreatedAt clock.Instant
	}
	p := defaults(brandID)
	err := s.DB.Read(ctx).Raw("SELECT version, body, by_id, created_at FROM withdrawal_policy WHERE brand_id = ? ORDER BY version DESC LIMIT 1", brandID).Scan(&rows).Error
	if err != nil {
		return p, fmt.Errorf("withdrawal: policy: %w", err)
	}
	if len(rows) == 0 {
		return p, nil
	}
	if err := json.Unmarshal([]byte(rows[0].Body), &p); err != nil {
		return p, fmt.Errorf("withdrawal: policy: %w", err)
	}
	p.BrandID, p.Version, p.ByID, p.CreatedAt = brandID, rows[0].Version, rows[0].ByID, rows[0].CreatedAt
	return p, nil
}

// SavePolicy adds a version; p.Version is the one that was read. Faults: Invalid
// withdrawal_policy; Conflict withdrawal_policy_changed.
func (s *Store) SavePolicy(ctx context.Context, p Policy) (Policy, error) {
	if err := s.checkPolicy(ctx, p); err != nil {
		return Policy{}, err
	}
	now, err := s.Policy(ctx, p.BrandID)
	if err != nil {
		return Policy{}, err
	}
	if now.Version != p.Version {
		return Policy{}, errPolicyChanged
	}
	p.Version, p.CreatedAt = p.Version+1, s.DB.Now()
	body, err := json.Marshal(p)
	if err != nil {
		return Policy{}, fmt.Errorf("withdrawal: policy: %w", err)
	}
	err = s.DB.Read(ctx).Exec("INSERT INTO withdrawal_policy (brand_id, version, body, by_id, created_at) VALUES (?,?,?,?,?)", p.BrandID, p.Version, string(body), p.ByID, p.CreatedAt).Error
	if db.IsDuplicate(err) {
		return Policy{}, errPolicyChanged
	}
	if err != nil {
		return Policy{}, fmt.Errorf("withdrawal: policy: %w", err)
	}
	return p, nil
}

var errPolicyChanged = fault.New(fault.Conflict, "withdrawal_policy_changed", "提现规则刚被修改过，请刷新后再改")

func (s *Store) checkPolicy(ctx context.Context, p Policy) error {
	bad := func(field, text string) error {
		return fault.NewInvalid("withdrawal_policy", text).With("field", field)
	}
	switch {
	case p.MinFen < 100 || p.MinFen > p.MaxFen:
		return bad("min_fen", "单笔最低金额应不低于 1 元，且不高于最高金额")
	case p.MaxFen > mostFen:
		return bad("max_fen", "单笔最高 1999 元：2000 元及以上的转账须提供收款人姓名，本系统不收集")
	case p.PerDay < 1 || p.PerDay > 10:
		return bad("per_day", "每人每日次数应为 1 到 10")
	case p.AutoApproveBelow < 0 || p.AutoApproveBelow > 20_000:
		return bad("auto_approve_below_fen", "免审金额应为 0（都要审核）到 200 元")
	case p.Tax != TaxNone && p.Tax != TaxFixed && p.Tax != TaxLabour:
		return bad("tax", "计税方式应为 none、fixed 或 labour")
	case p.TaxBP < 0 || p.TaxBP > 4500 || (p.Tax == TaxFixed) != (p.TaxBP > 0):
		return bad("tax_bp", "固定税率应为 0.01% 到 45%，其他计税方式不填")
	case p.JobType == "" || utf8.RuneCountInString(p.JobType) > 32:
		return bad("job_type", "岗位类型应为 1 到 32 个字，须与微信支付报备一致")
	}
	account, err := s.Brands.Account(ctx, p.AccountID)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return err
	}
	if err != nil || account.BrandID != p.BrandID || account.Kind != brand.Merchant || account.Settings.PayAppID == "" {
		return bad("account_id", "请选择本品牌已绑定公众号的微信支付商户")
	}
	return nil
}

// tax is what is to be withheld from an amount, when the human has already withdrawn
// before in the month, of which withheld was kept.
func (p Policy) tax(amount, before, withheld money.Fen) money.Fen {
	var due money.Fen
	switch p.Tax {
	case TaxFixed:
		due = (amount*money.Fen(p.TaxBP) + 5000) / 10_000
	case TaxLabour:
		due = labour(before+amount) - withheld
	}
	return min(max(due, 0), max(0, amount-netFen))
}

// labour is 劳务报酬所得 withheld in advance from a resident's income of one month
// (个人所得税扣缴申报管理办法（试行）, 国家税务总局公告 2018 年第 61 号, art. 8 and table 2):
// 800 yuan free up to 4000, a fifth free above; 20%, 30% less 2000, 40% less 7000.
func labour(month money.Fen) money.Fen {
	taxable := month * 80 / 100
	if month <= 400_000 {
		taxable = max(0, month-80_000)
	}
	switch {
	case taxable <= 2_000_000:
		return (taxable*20 + 50) / 100
	case taxable <= 5_000_000:
		return (taxable*30+50)/100 - 200_000
	}
	return (taxable*40+50)/100 - 700_000
}
