package points

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/ledger"
)

var errAdjustment = fault.New(fault.NotFound, "points_adjustment_not_found", "没有这笔积分调整")

// States of an adjustment.
const (
	Requested = "requested" // waits for a second person
	Booked    = "booked"
	Refused   = "refused"
)

// Adjustment is points an operator gives (> 0) or takes (< 0), with the reason.
type Adjustment struct {
	ID        id.ID         `json:"id"`
	MemberID  id.ID         `json:"member_id"`
	BrandID   id.ID         `json:"brand_id"`
	Points    int64         `json:"points"`
	Reason    string        `json:"reason"`
	State     string        `json:"state"`
	ByID      id.ID         `json:"by_id"`
	DecidedBy id.ID         `json:"decided_by"`
	Note      string        `json:"note"`
	Day       clock.Day     `json:"-"`
	CreatedAt clock.Instant `json:"created_at"`
	DecidedAt clock.Instant `json:"decided_at"`
}

// TableName names the table for GORM.
func (Adjustment) TableName() string { return "points_adjustment" }

// Adjust books an adjustment, or leaves it for a second person when the human's
// adjustments of the day that nobody else saw come above the brand's limit with it:
// many small ones are one large one. Taking needs points to take: an adjustment makes no
// debt. Faults: Invalid points_amount, points_reason; NotFound member_not_found;
// Exhausted points_short.
func (a *Accounts) Adjust(ctx context.Context, in Adjustment) (Adjustment, error) {
	if in.Points == 0 || max(in.Points, -in.Points) > maxAdjust {
		return Adjustment{}, fault.Invalidf("points_amount", "调整的积分数应不为 0 且不超过 %d", int64(maxAdjust)).With("field", "points")
	}
	if in.BrandID == 0 || in.ByID == 0 {
		return Adjustment{}, fault.NewInvalid("points_amount", "请选择品牌").With("field", "brand_id")
	}
	if err := checkReason(in.Reason); err != nil {
		return Adjustment{}, err
	}
	out := in
	err := a.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		out = in
		family, err := a.members.FamilyTx(tx, in.MemberID)
		if err != nil {
			return err
		}
		p, err := a.open(ctx, tx, family)
		if err != nil {
			return err
		}
		rules, err := a.rulesAt(tx, in.BrandID, a.db.Now())
		if err != nil {
			return err
		}
		out.ID, out.CreatedAt, out.State = a.db.NewID(), a.db.Now(), Requested
		out.Day = clock.DayOf(out.CreatedAt)
		var alone int64
		err = tx.Raw("SELECT COALESCE(SUM(ABS(points)), 0) FROM points_adjustment WHERE member_id IN ? AND day = ? AND state = ? AND decided_by = by_id",
			family, out.Day, Booked).Scan(&alone).Error
		if err != nil {
			return fmt.Errorf("points: adjust: %w", err)
		}
		if alone+max(in.Points, -in.Points) <= rules.ApproveAbove {
			out.State, out.DecidedBy, out.DecidedAt = Booked, in.ByID, out.CreatedAt
			if err := p.adjust(out, rules.Expiry); err != nil {
				return err
			}
		}
		if err := tx.Create(&out).Error; err != nil {
			return fmt.Errorf("points: adjust: %w", err)
		}
		return p.close()
	})
	return out, err
}

// adjust books an adjustment.
func (p *purse) adjust(x Adjustment, expiry Expiry) error {
	key := "adjust:" + x.ID.String()
	memo := "积分调整 " + x.Reason
	if x.Points > 0 {
		now := p.a.db.Now()
		p.move(key, ledger.Issue, x.BrandID, ledger.Member, x.MemberID, x.Points, memo)
		_, err := p.add(lot{Source: key, MemberID: x.MemberID, BrandID: x.BrandID, Amount: x.Points, Available: x.Points, EarnedAt: now, ExpiresAt: expiry.End(now)})
		return err
	}
	if has := p.has(x.MemberID); has < -x.Points {
		return errShort.With("available", has)
	}
	out := p.take(x.MemberID, -x.Points)
	for _, b := range out.brands() {
		p.move(key+":"+b.String(), ledger.Member, x.MemberID, ledger.Issue, b, out.of(b), memo)
	}
	return nil
}

// Approve books a requested adjustment. Who asked for it cannot approve it. Faults:
// NotFound points_adjustment_not_found; Forbidden points_same_person; Conflict
// points_decided; Exhausted points_short.
func (a *Accounts) Approve(ctx context.Context, adjustmentID, by id.ID, note string) (Adjustment, error) {
	return a.decide(ctx, adjustmentID, by, Booked, note)
}

// Refuse ends a requested adjustment without booking it; also who asked for it may.
// Faults: NotFound points_adjustment_not_found; Conflict points_decided.
func (a *Accounts) Refuse(ctx context.Context, adjustmentID, by id.ID, note string) (Adjustment, error) {
	return a.decide(ctx, adjustmentID, by, Refused, note)
}

func (a *Accounts) decide(ctx context.Context, adjustmentID, by id.ID, state, note string) (Adjustment, error) {
	x, err := a.Adjustment(ctx, adjustmentID)
	if err != nil {
		return Adjustment{}, err
	}
	if state == Booked && x.ByID == by {
		return Adjustment{}, fault.New(fault.Forbidden, "points_same_person", "积分调整须由另一位同事审批")
	}
	if cut(note, 200) != note {
		return Adjustment{}, fault.NewInvalid("points_reason", "说明最多 200 字").With("field", "reason")
	}
	err = a.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		p, err := a.open(ctx, tx, []id.ID{x.MemberID})
		if err != nil {
			return err
		}
		x.State, x.DecidedBy, x.Note, x.DecidedAt = state, by, note, a.db.Now()
		r := tx.Model(&Adjustment{}).Where("id = ? AND state = ?", x.ID, Requested).
			Updates(map[string]any{"state": state, "decided_by": by, "note": note, "decided_at": x.DecidedAt})
		if r.Error != nil {
			return fmt.Errorf("points: decide: %w", r.Error)
		}
		if r.RowsAffected == 0 {
			return fault.New(fault.Conflict, "points_decided", "这笔积分调整已有结论")
		}
		if state == Booked {
			rules, err := a.rulesAt(tx, x.BrandID, a.db.Now())
			if err != nil {
				return err
			}
			if err := p.adjust(x, rules.Expiry); err != nil {
				return err
			}
		}
		return p.close()
	})
	if err != nil {
		return Adjustment{}, err
	}
	return x, nil
}

// Adjustment reads one. Fault: NotFound points_adjustment_not_found.
func (a *Accounts) Adjustment(ctx context.Context, adjustmentID id.ID) (Adjustment, error) {
	var x Adjustment
	err := a.db.Read(ctx).Where("id = ?", adjustmentID).Take(&x).Error
	if db.IsNotFound(err) {
		return Adjustment{}, errAdjustment
	}
	if err != nil {
		return Adjustment{}, fmt.Errorf("points: adjustment: %w", err)
	}
	return x, nil
}

// Adjustments pages them, newest first; state and memberID narrow when not zero.
func (a *Accounts) Adjustments(ctx context.Context, state string, memberID, before id.ID, limit int) ([]Adjustment, error) {
	out := []Adjustment{}
	if err := db.Page(a.adjustments(ctx, state, memberID), "points_adjustment", before, limit).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("points: adjustments: %w", err)
	}
	return out, nil
}

// CountAdjustments is how many there are, up to db.MaxTotal.
func (a *Accounts) CountAdjustments(ctx context.Context, state string, memberID id.ID) (n int, more bool, err error) {
	return db.Total(a.adjustments(ctx, state, memberID))
}

func (a *Accounts) adjustments(ctx context.Context, state string, memberID id.ID) *gorm.DB {
	q := a.db.Read(ctx).Model(&Adjustment{})
	if state != "" {
		q = q.Where("state = ?", state)
	}
	if memberID != 0 {
		q = q.Where("member_id = ?", memberID)
	}
	return q
}
