package points

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/ledger"
)

// Hold is points frozen by an operator until something is clear. Frozen points do not
// expire; once released they have the end they had.
type Hold struct {
	ID        id.ID         `json:"id"`
	MemberID  id.ID         `json:"member_id"`
	Points    int64         `json:"points"`
	Left      int64         `json:"left"` // still frozen
	Reason    string        `json:"reason"`
	ByID      id.ID         `json:"by_id"`
	CreatedAt clock.Instant `json:"created_at"`
}

func (m move) hold() Hold {
	return Hold{ID: m.ID, MemberID: m.MemberID, Points: m.Amount, Left: m.Amount - m.Back, Reason: m.Memo, ByID: m.ByID, CreatedAt: m.CreatedAt}
}

// Freeze holds points of this one member. Faults: Invalid points_amount, points_reason;
// Exhausted points_short, with "available"; NotFound member_not_found.
func (a *Accounts) Freeze(ctx context.Context, memberID id.ID, points int64, reason string, by id.ID) (Hold, error) {
	if points <= 0 || points > maxAdjust {
		return Hold{}, fault.NewInvalid("points_amount", "冻结的积分数应大于 0").With("field", "points")
	}
	if err := checkReason(reason); err != nil {
		return Hold{}, err
	}
	if _, err := a.members.Family(ctx, memberID); err != nil {
		return Hold{}, err
	}
	var mv move
	err := a.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		p, err := a.open(ctx, tx, []id.ID{memberID})
		if err != nil {
			return err
		}
		if has := p.has(memberID); has < points {
			return errShort.With("available", has)
		}
		mv = move{ID: a.db.NewID(), Kind: kindHold, MemberID: memberID, Amount: points, Memo: reason, ByID: by, CreatedAt: a.db.Now()}
		mv.MoveKey = mv.ID.String()
		held := p.take(memberID, points)
		for _, x := range held {
			x.lot.Frozen += x.n
		}
		p.remember(mv.ID, held)
		p.move("hold:"+mv.MoveKey, ledger.Member, memberID, ledger.Frozen, memberID, points, "积分冻结")
		if err := mv.insert(tx); err != nil {
			return err
		}
		return p.close()
	})
	if err != nil {
		return Hold{}, err
	}
	return mv.hold(), nil
}

// Unfreeze lets go of all that is left of a hold of the member. Faults: NotFound
// points_hold_not_found; Exhausted points_returned when nothing is left of it; Invalid
// points_reason.
func (a *Accounts) Unfreeze(ctx context.Context, memberID, holdID id.ID, reason string, by id.ID) (Hold, error) {
	if err := checkReason(reason); err != nil {
		return Hold{}, err
	}
	mv, err := moveOf(a.db.Read(ctx), kindHold, holdID.String())
	if err != nil {
		return Hold{}, err
	}
	if mv == nil || mv.MemberID != memberID {
		return Hold{}, fault.New(fault.NotFound, "points_hold_not_found", "没有这笔积分冻结")
	}
	err = a.giveBack(ctx, move{Kind: kindUnhold, MoveKey: holdID.String() + ":" + a.db.NewID().String(), Memo: reason, ByID: by}, kindHold, mv.MoveKey,
		func(p *purse, m move, back taken) error {
			p.move("unhold:"+m.ID.String(), ledger.Frozen, memberID, ledger.Member, memberID, back.sum(), "积分解冻")
			return nil
		})
	if err != nil {
		return Hold{}, err
	}
	if mv, err = moveOf(a.db.Read(ctx), kindHold, mv.MoveKey); err != nil {
		return Hold{}, err
	}
	return mv.hold(), nil
}

// Holds lists what is frozen of the human. Fault: NotFound member_not_found.
func (a *Accounts) Holds(ctx context.Context, memberID id.ID) ([]Hold, error) {
	family, err := a.members.Family(ctx, memberID)
	if err != nil {
		return nil, err
	}
	var rows []move
	err = a.db.Read(ctx).Raw("SELECT * FROM points_move WHERE member_id IN ? AND kind = ? AND back < amount ORDER BY created_at, id", family, kindHold).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("points: holds: %w", err)
	}
	out := make([]Hold, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.hold())
	}
	return out, nil
}

func checkReason(reason string) error {
	if cut(reason, 200) != reason || len(reason) == 0 {
		return fault.NewInvalid("points_reason", "请填写原因，最多 200 字").With("field", "reason")
	}
	return nil
}
