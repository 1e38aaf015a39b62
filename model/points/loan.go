package points

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"

	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/member"
	"siyu/model/outbox"
)

// Task is the wake-up after a member's family changed; its ref is the member's id.
const Task = "family:regroup"

// Regrouped leaves a wake-up for every member of families that change: what follows has
// locks of its own and is done after the commit of those who join and part.
func Regrouped(out *outbox.Store) member.Follower {
	return func(ctx context.Context, tx *gorm.DB, g member.Regroup) error {
		return out.PutAllTx(ctx, tx, Task, slices.Sorted(maps.Keys(g.Roots)))
	}
}

// returnLoans hands points that came back into borrowed lots on to whose they were.
func (p *purse) returnLoans(back taken) error {
	for _, x := range back {
		var found []loan
		if err := p.tx.Raw("SELECT * FROM points_loan WHERE borrower_lot = ? AND outstanding > 0", x.lot.ID).Scan(&found).Error; err != nil {
			return fmt.Errorf("points: loans: %w", err)
		}
		if len(found) == 0 {
			continue // the member's own
		}
		lender, err := p.lot("id", found[0].LenderLot)
		if err != nil {
			return err
		}
		if lender == nil {
			return fmt.Errorf("points: loan %d has no lender's lot", found[0].BorrowerLot)
		}
		n := min(x.n, found[0].Outstanding) // what was returned when they parted is the member's now
		x.lot.Available -= n
		lender.ExpiresAt = max(lender.ExpiresAt, x.lot.ExpiresAt)
		if err := p.handOver(found[0], lender, n); err != nil {
			return err
		}
	}
	return nil
}

// handOver posts n points of a loan back into the lender's lot.
func (p *purse) handOver(l loan, lender *lot, n int64) error {
	lender.Available += n
	p.move("return:"+p.a.db.NewID().String(), ledger.Member, l.BorrowerID, ledger.Member, l.LenderID, n, "合并账户调拨退回")
	r := p.tx.Exec("UPDATE points_loan SET outstanding = outstanding - ? WHERE borrower_lot = ? AND outstanding >= ?", n, l.BorrowerLot, n)
	if r.Error != nil || r.RowsAffected != 1 {
		return fmt.Errorf("points: loan %d moved beside its lock: %w", l.BorrowerLot, r.Error)
	}
	return nil
}

// Part returns loans between members who are no longer the same human, as far as the
// borrowers have points; what they cannot return is theirs. members bounds it to loans
// of theirs; none means all. It is to be called after a join was taken back, and by a
// chore in case nobody did. Calling it again changes nothing.
func (a *Accounts) Part(ctx context.Context, members ...id.ID) error {
	var loans []loan
	q := a.db.Read(ctx).Table("points_loan").Where("outstanding > 0")
	if len(members) > 0 {
		q = q.Where("borrower_id IN ? OR lender_id IN ?", members, members)
	}
	if err := q.Order("created_at, borrower_lot").Find(&loans).Error; err != nil {
		return fmt.Errorf("points: loans: %w", err)
	}
	families := map[id.ID][]id.ID{}
	for _, l := range loans {
		if _, known := families[l.BorrowerID]; !known {
			f, err := a.members.Family(ctx, l.BorrowerID)
			if err != nil {
				return err
			}
			families[l.BorrowerID] = f
		}
		if slices.Contains(families[l.BorrowerID], l.LenderID) {
			continue
		}
		if err := a.part(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

func (a *Accounts) part(ctx context.Context, l loan) error {
	return a.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		p, err := a.open(ctx, tx, []id.ID{l.BorrowerID, l.LenderID})
		if err != nil {
			return err
		}
		var now []loan
		if err := tx.Raw("SELECT * FROM points_loan WHERE borrower_lot = ? AND outstanding > 0", l.BorrowerLot).Scan(&now).Error; err != nil {
			return fmt.Errorf("points: loans: %w", err)
		}
		if len(now) == 0 {
			return p.close()
		}
		if n := p.take(l.BorrowerID, now[0].Outstanding).sum(); n > 0 {
			lender, err := p.lot("id", l.LenderLot)
			if err != nil {
				return err
			}
			if lender == nil {
				return fmt.Errorf("points: loan %d has no lender's lot", l.BorrowerLot)
			}
			if err := p.handOver(now[0], lender, n); err != nil {
				return err
			}
		}
		if err := tx.Exec("UPDATE points_loan SET outstanding = 0 WHERE borrower_lot = ?", l.BorrowerLot).Error; err != nil {
			return fmt.Errorf("points: loans: %w", err)
		}
		return p.close()
	})
}
