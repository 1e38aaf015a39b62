package campaign

import (
	"context"
	"fmt"
	"math"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

// Up to how much one person may publish where a brand says nothing: 10,000 yuan, and as
// many points as that is where a point is worth one fen.
const (
	DefaultApproval       money.Fen = 1_000_000
	DefaultApprovalPoints int64     = 1_000_000
	// MaxApprovalPoints is the highest limit in points: in effect none.
	MaxApprovalPoints int64 = 1_000_000_000_000
)

// aloneFor is how long what one person published by himself counts towards the limits.
const aloneFor = 24 * time.Hour

// Worst is what a campaign gives away if every code is claimed.
type Worst struct {
	Fen    money.Fen
	Points int64
}

// Policy is a brand's limits of approval (审批额度). Points are promises too, and cost no
// fen when they are given: they have a limit of their own.
type Policy struct {
	BrandID        id.ID         `json:"brand_id" gorm:"primaryKey"`
	ApprovalFen    money.Fen     `json:"approval_fen"`    // a campaign that may spend more needs a second person; 0 = every campaign
	ApprovalPoints int64         `json:"approval_points"` // one that may give more points does too; 0 = every one that gives any
	UpdatedBy      id.ID         `json:"updated_by"`      // 0: nobody has changed it yet
	UpdatedAt      clock.Instant `json:"updated_at"`
	BeforeFen      money.Fen     `json:"-"` // the lowest limits of the day before the last change
	BeforePoints   int64         `json:"-"`
}

// TableName names the table for GORM.
func (Policy) TableName() string { return "campaign_policy" }

// overFen and overPoints say which limit a campaign passes, with what was published before
// it. What it does not give at all cannot pass a limit.
func (p Policy) overFen(w, before Worst) bool {
	sum, ok := before.Fen.Add(w.Fen)
	return p.ApprovalFen == 0 || w.Fen > 0 && (!ok || sum > p.ApprovalFen)
}

func (p Policy) overPoints(w, before Worst) bool {
	return w.Points > 0 && w.Points > p.ApprovalPoints-before.Points
}

// Needs says whether a campaign needs a second person.
func (p Policy) Needs(w, before Worst) bool { return p.overFen(w, before) || p.overPoints(w, before) }

// alone is the policy for what one person publishes by himself: who changed the limits is
// bound for a day by what they were, so that nobody raises them for his own campaign.
func (p Policy) alone(by id.ID, now clock.Instant) Policy {
	if by != 0 && p.UpdatedBy == by && now.Sub(p.UpdatedAt) < aloneFor {
		p.ApprovalFen, p.ApprovalPoints = min(p.ApprovalFen, p.BeforeFen), min(p.ApprovalPoints, p.BeforePoints)
	}
	return p
}

// PolicyOf reads a brand's policy.
func (s *Store) PolicyOf(ctx context.Context, brandID id.ID) (Policy, error) {
	return policyOf(s.db.Read(ctx), brandID)
}

func policyOf(q *gorm.DB, brandID id.ID) (Policy, error) {
	var p Policy
	err := q.Where("brand_id = ?", brandID).Take(&p).Error
	if db.IsNotFound(err) {
		return Policy{BrandID: brandID, ApprovalFen: DefaultApproval, ApprovalPoints: DefaultApprovalPoints}, nil
	}
	if err != nil {
		return p, fmt.Errorf("campaign: policy: %w", err)
	}
	return p, nil
}

// SetPolicy changes a brand's policy. It counts at the next publication: what was approved
// stays approved. Faults: Invalid.
func (s *Store) SetPolicy(ctx context.Context, p Policy) (Policy, error) {
	if p.ApprovalFen < 0 || p.ApprovalFen > money.Max {
		return Policy{}, fault.NewInvalid("approval_fen", "审批额度应为 0 元以上；0 表示每个活动都要审批").With("field", "approval_fen")
	}
	if p.ApprovalPoints < 0 || p.ApprovalPoints > MaxApprovalPoints {
		return Policy{}, fault.NewInvalid("approval_points", "积分审批额度应为 0 到 1 万亿；0 表示送积分的活动都要审批").With("field", "approval_points")
	}
	p.UpdatedAt = s.db.Now()
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		old, err := policyOf(tx, p.BrandID)
		if err != nil {
			return err
		}
		p.BeforeFen, p.BeforePoints = old.ApprovalFen, old.ApprovalPoints
		if p.UpdatedAt.Sub(old.UpdatedAt) < aloneFor { // raising in two steps is raising
			p.BeforeFen, p.BeforePoints = min(p.BeforeFen, old.BeforeFen), min(p.BeforePoints, old.BeforePoints)
		}
		r := tx.Model(&Policy{}).Where("brand_id = ?", p.BrandID).Updates(map[string]any{"approval_fen": p.ApprovalFen, "approval_points": p.ApprovalPoints,
			"before_fen": p.BeforeFen, "before_points": p.BeforePoints, "updated_by": p.UpdatedBy, "updated_at": p.UpdatedAt})
		if r.Error != nil || r.RowsAffected == 1 {
			return r.Error
		}
		if err := tx.Create(&p).Error; !db.IsDuplicate(err) { // MySQL does not count a row that stays as it is
			return err
		}
		return nil
	})
	return p, err
}

// approvedTx refuses a publication that needs a second person and has none. What the same
// person published without a second one within a day counts: many small campaigns are one
// large one. by 0 is a program, whose campaigns are counted one by one.
func (s *Store) approvedTx(tx *gorm.DB, c Campaign, w Worst, by id.ID) error {
	p, before, err := s.bounds(tx, c, w, by)
	if err != nil || !p.Needs(w, before) {
		return err
	}
	a, err := latest(tx, c.ID)
	if err != nil {
		return err
	}
	_, hash, err := freeze(c).seal()
	if err != nil {
		return err
	}
	if c.Approval == Approved && a.State == Approved && a.Hash == hash && a.SpendFen == w.Fen {
		return nil
	}
	return fault.New(fault.Conflict, "approval_needed", p.why(w, before)+"，请先提交审批，由另一人批准后再发布").
		With("approval_fen", p.ApprovalFen).With("spend_fen", w.Fen).With("before_fen", before.Fen).
		With("approval_points", p.ApprovalPoints).With("spend_points", w.Points).With("before_points", before.Points)
}

// why says which limit a campaign passes, in words.
func (p Policy) why(w, before Worst) string {
	this, earlier, limit := w.Fen.Text(), before.Fen.Text(), p.ApprovalFen.Text()
	verb, some := "最大支出 ", before.Fen > 0
	switch {
	case p.ApprovalFen == 0:
		return "本品牌的活动都要审批"
	case !p.overFen(w, before) && p.ApprovalPoints == 0:
		return "本品牌送积分的活动都要审批"
	case !p.overFen(w, before):
		points := func(n int64) string { return money.Count(n) + " 积分" }
		this, earlier, limit = points(w.Points), points(before.Points), points(p.ApprovalPoints)
		verb, some = "最多送出 ", before.Points > 0
	}
	if some {
		return "您 24 小时内已发布未经审批的活动共 " + earlier + "，加上本次的 " + this + "超过审批额度 " + limit
	}
	return verb + this + "，超过审批额度 " + limit
}

// bounds is the policy that a publication by somebody is held against, and what he
// published alone before.
func (s *Store) bounds(q *gorm.DB, c Campaign, w Worst, by id.ID) (p Policy, before Worst, err error) {
	if p, err = policyOf(q, c.BrandID); err != nil || by == 0 || w == (Worst{}) {
		return p, before, err
	}
	p = p.alone(by, s.db.Now())
	before, err = s.aloneTx(q, c, by)
	return p, before, err
}

// aloneTx sums what a person published of a brand within a day without a second one.
func (s *Store) aloneTx(tx *gorm.DB, c Campaign, by id.ID) (Worst, error) {
	var sum Worst
	err := tx.Raw(`SELECT COALESCE(SUM(spend_fen), 0) AS fen, COALESCE(SUM(spend_points), 0) AS points FROM campaign
		WHERE brand_id = ? AND published_by = ? AND published_at > ? AND state <> ? AND approval <> ? AND id <> ?`,
		c.BrandID, by, s.db.Now().Add(-aloneFor), Draft, Approved, c.ID).Scan(&sum).Error
	if err != nil {
		return sum, fmt.Errorf("campaign: published alone: %w", err)
	}
	return sum, nil
}

// worstOf is what a campaign gives if every code is claimed; the most there is when that
// is out of range.
func worstOf(tiers []Tier) Worst {
	var w Worst
	for _, t := range tiers {
		w.Points += min(t.Points*t.Winners, math.MaxInt64-w.Points) // a tier's stay within 2^60 (Tier.shape)
		next, ok := w.Fen.Add(t.TotalFen)
		if !ok {
			next = money.Max
		}
		w.Fen = next
	}
	return w
}
