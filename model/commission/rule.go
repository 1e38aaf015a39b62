package commission

import (
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/lawful"
	"siyu/model/money"
	"siyu/model/referral"
)

// Terms are what a version of a rule says. Amounts and caps are fen for cash and points
// for points; a cap of 0 is none.
type Terms struct {
	Name    string  `json:"name"`
	Trigger Trigger `json:"trigger"`
	Level   Level   `json:"level"`
	Pay     string  `json:"pay"` // cash, points
	// Each pays per item; ShareBP pays that part of what the goods cost, in basis points,
	// for orders only. One of them is 0.
	Each        int64 `json:"each"`
	ShareBP     int64 `json:"share_bp"`
	Ceiling     int64 `json:"ceiling"`       // most that one fact brings
	CapPerDay   int64 `json:"cap_per_day"`   // most that one human earns by the rule on a business day
	CapPerCycle int64 `json:"cap_per_cycle"` // and within a cycle of settlement

	ProductIDs []id.ID  `json:"product_ids"` // empty: all goods of the brand
	Roles      []string `json:"roles"`       // of the referrers it pays
	// MinLeaderLevel pays leaders of that level and above only. No level rests on head count
	// or on what a team sells (model/leader), but one may rest on how many of those somebody
	// brought bought something; so this too needs a legal opinion.
	MinLeaderLevel int           `json:"min_leader_level"`
	FreezeDays     int           `json:"freeze_days"`
	ValidFrom      clock.Instant `json:"valid_from"`  // null: from activation
	ValidUntil     clock.Instant `json:"valid_until"` // null: until it is ended
	BudgetFen      money.Fen     `json:"budget_fen"`  // cash only: the most it pays in all
}

// Limits of terms.
const (
	DefaultFreezeDays = 15
	leastOrderFreeze  = 7 // 七日无理由退货
	mostFreeze        = 365
	mostEach          = 1_000_000 // 10,000 yuan, or points
	mostShareBP       = 5000
	mostProducts      = 500
)

func bad(field, format string, args ...any) error {
	return fault.Invalidf("commission_rule", format, args...).With("field", field)
}

// check finds mistakes. Fault: Invalid commission_rule.
func (t Terms) check() error {
	least := 0
	if t.Trigger == OnOrder {
		least = leastOrderFreeze
	}
	n := utf8.RuneCountInString(t.Name)
	known := func(r string) bool { return slices.Contains(referral.Roles(), r) }
	switch {
	case n == 0 || n > 40:
		return bad("name", "名称应为 1 到 40 字")
	case t.Pay != Cash && t.Pay != Points:
		return bad("pay", "发放方式应为 cash（现金）或 points（积分）")
	case t.Each < 0 || t.Each > mostEach || t.ShareBP < 0 || t.ShareBP > mostShareBP || (t.Each > 0) == (t.ShareBP > 0):
		return bad("each", "请填写每件金额（不超过 %d）或比例（万分之 1 到 %d），二者选一", mostEach, mostShareBP)
	case t.ShareBP > 0 && t.Trigger != OnOrder:
		return bad("share_bp", "只有订单有金额，扫码领取请按每件计佣")
	case t.ShareBP > 0 && t.Pay != Cash:
		return bad("share_bp", "积分请按每件计佣")
	case t.Ceiling <= 0 || t.Ceiling > mostEach:
		return bad("ceiling", "请填写单笔上限，1 到 %d", mostEach)
	case t.CapPerDay < 0 || t.CapPerCycle < 0 || t.CapPerDay > 0 && t.CapPerCycle > 0 && t.CapPerCycle < t.CapPerDay:
		return bad("cap_per_cycle", "上限不能为负，每周期上限不能低于每日上限")
	case len(t.ProductIDs) > mostProducts || slices.Contains(t.ProductIDs, 0):
		return bad("product_ids", "商品最多 %d 个；不填为全部商品", mostProducts)
	case len(t.Roles) == 0 || slices.ContainsFunc(t.Roles, func(r string) bool { return !known(r) }):
		return bad("roles", "请选择适用的推荐人身份：leader、clerk、staff、member")
	case t.MinLeaderLevel < 0 || t.MinLeaderLevel > 20:
		return bad("min_leader_level", "最低群主等级应为 0 到 20")
	case t.FreezeDays < least || t.FreezeDays > mostFreeze:
		return bad("freeze_days", "冻结天数应为 %d 到 %d", least, mostFreeze)
	case t.ValidUntil != 0 && t.ValidUntil <= t.ValidFrom:
		return bad("valid_until", "结束时间应晚于开始时间")
	case t.Pay == Cash && (t.BudgetFen <= 0 || t.BudgetFen > money.Max):
		return bad("budget_fen", "现金佣金须填写预算")
	case t.Pay == Points && t.BudgetFen != 0:
		return bad("budget_fen", "积分佣金没有现金预算")
	}
	return lawful.Check("name", t.Name) // people read it beside what they earned
}

// covers says whether goods are within the rule's scope.
func (t Terms) covers(productID id.ID) bool {
	return len(t.ProductIDs) == 0 || slices.Contains(t.ProductIDs, productID)
}

// worth is what covered goods bring before caps: items, and what they cost.
func (t Terms) worth(qty int64, fen money.Fen) int64 {
	n := t.ShareBP * int64(fen) / 10_000 // in favour of the budget
	if t.Each > 0 {
		n = t.Ceiling
		if qty <= t.Ceiling/t.Each { // no overflow, whatever quantity was reported
			n = t.Each * qty
		}
	}
	return min(n, t.Ceiling)
}

// gone is how much of an amount goes with goods that came back, rounded up so that all of
// them take all of it. Where pay is per item a refund without goods (仅退款) counts by its
// money: whichever share is larger.
func gone(a Accrual, perItem bool, qty int64, fen money.Fen) int64 {
	share := func(part, whole int64) int64 {
		if part = min(part, whole); part <= 0 {
			return 0
		}
		return (a.Amount*part + whole - 1) / whole // an amount is at most mostEach
	}
	n := share(int64(fen), int64(a.BaseFen))
	if perItem {
		n = max(n, share(qty, a.BaseQty))
	}
	return n
}

// Rule is a rule with the version that counts now and, beside it, the newest one.
type Rule struct {
	ID            id.ID         `json:"id"`
	BrandID       id.ID         `json:"brand_id"`
	State         string        `json:"state"`
	Version       int           `json:"version"`        // newest
	ActiveVersion int           `json:"active_version"` // 0: none came into force
	Budget        int64         `json:"-"`
	Used          int64         `json:"used"` // fen or points accrued, less what was taken back
	CreatedAt     clock.Instant `json:"created_at"`
	EndedAt       clock.Instant `json:"ended_at"`
	Terms         Terms         `json:"terms" gorm:"-"` // of the newest version
}

// TableName names the table for GORM.
func (Rule) TableName() string { return "commission_rule" }

// Version is one version of a rule and when it was in force.
type Version struct {
	RuleID      id.ID         `json:"rule_id"`
	Version     int           `json:"version"`
	BrandID     id.ID         `json:"brand_id"`
	Body        string        `json:"-"`
	ByID        id.ID         `json:"by_id"`
	CreatedAt   clock.Instant `json:"created_at"`
	ActiveFrom  clock.Instant `json:"active_from"`
	ActiveUntil clock.Instant `json:"active_until"` // null: still, or never
	ActivatedBy id.ID         `json:"activated_by"`
	Terms       Terms         `json:"terms" gorm:"-"`
}

// TableName names the table for GORM.
func (Version) TableName() string { return "commission_version" }

// listed makes empty lists of missing ones: all goods, and no roles, are lists too.
func (t Terms) listed() Terms {
	if t.ProductIDs == nil {
		t.ProductIDs = []id.ID{}
	}
	if t.Roles == nil {
		t.Roles = []string{}
	}
	return t
}

func (v *Version) read() error {
	if err := json.Unmarshal([]byte(v.Body), &v.Terms); err != nil {
		return fmt.Errorf("commission: rule %d version %d: %w", v.RuleID, v.Version, err)
	}
	v.Terms = v.Terms.listed()
	return nil
}

// at says whether the version counted at a moment.
func (v *Version) at(at clock.Instant) bool {
	in := func(from, until clock.Instant) bool { return at >= from && (until == 0 || at < until) }
	return v.ActiveFrom != 0 && in(v.ActiveFrom, v.ActiveUntil) && in(v.Terms.ValidFrom, v.Terms.ValidUntil)
}

// SignOff is a legal opinion on one version of a rule (法务意见).
type SignOff struct {
	ID        id.ID         `json:"id"`
	BrandID   id.ID         `json:"brand_id"`
	RuleID    id.ID         `json:"rule_id"`
	Version   int           `json:"version"`
	Signer    string        `json:"signer"` // the lawyer
	Title     string        `json:"title"`  // of the opinion
	Number    string        `json:"number"`
	SignedOn  clock.Day     `json:"signed_on"`
	ByID      id.ID         `json:"by_id"` // operator who recorded it
	CreatedAt clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (SignOff) TableName() string { return "commission_signoff" }

// opined says whether a lawyer must have read the terms before they come into force.
func (t Terms) opined() bool { return t.Level == Two || t.MinLeaderLevel > 0 }
