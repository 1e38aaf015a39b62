package points

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/ledger"
)

const (
	roundFold = "fold"
	roundPage = 100             // members of one step
	lease     = 5 * time.Minute // a process that said nothing for so long is dead
	duePage   = 200             // members of one look
)

// round is how far a daily walk over all members came.
type round struct {
	Name       string
	Day        clock.Day
	AfterID    id.ID
	LeaseUntil clock.Instant
}

// FoldAll makes lots of all entries that are none yet, once on a business day, so that
// points of members whom nobody asks about expire and reports are whole. It goes on
// where a process that died stopped, and does nothing while another one is at it.
func (a *Accounts) FoldAll(ctx context.Context) error {
	for ctx.Err() == nil {
		r, mine, err := a.takeRound(ctx, roundFold)
		if err != nil || !mine {
			return err
		}
		members, err := a.ledger.Owners(ctx, ledger.Member, r.AfterID, roundPage)
		if err != nil {
			return err
		}
		if len(members) > 0 {
			if err := a.foldPage(ctx, members); err != nil {
				return err
			}
			r.AfterID = members[len(members)-1]
		} else {
			if err := a.keepLiabilities(ctx); err != nil {
				return err
			}
			r.Day = clock.DayOf(a.db.Now())
		}
		if err := a.putRound(ctx, r, len(members) == 0); err != nil {
			return err
		}
		if len(members) == 0 {
			return nil
		}
	}
	return ctx.Err()
}

// takeRound takes the lease of today's round; mine is false when it is done or somebody
// else's.
func (a *Accounts) takeRound(ctx context.Context, name string) (r round, mine bool, err error) {
	now, today := a.db.Now(), clock.DayOf(a.db.Now())
	err = a.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		mine = false
		if err := tx.Exec("INSERT INTO points_round (name, day, after_id, lease_until) VALUES (?, 0, 0, 0)"+a.db.Once("day"), name).Error; err != nil {
			return err
		}
		res := tx.Exec("UPDATE points_round SET lease_until = ? WHERE name = ? AND day < ? AND lease_until <= ?", now.Add(lease), name, today, now)
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
		mine = true
		return tx.Raw("SELECT * FROM points_round WHERE name = ?", name).Scan(&r).Error
	})
	if err != nil {
		return round{}, false, fmt.Errorf("points: round: %w", err)
	}
	return r, mine, nil
}

// putRound records how far the round came and lets go of it, so that a process that stops
// between two steps delays nobody.
func (a *Accounts) putRound(ctx context.Context, r round, done bool) error {
	if done {
		r.AfterID = 0
	}
	err := a.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE points_round SET day = ?, after_id = ?, lease_until = 0 WHERE name = ? AND lease_until = ?",
			r.Day, r.AfterID, r.Name, r.LeaseUntil).Error
	})
	if err != nil {
		return fmt.Errorf("points: round: %w", err)
	}
	return nil
}

// SettleDue releases pending points whose time has come and books out expired ones, for
// every member who has such. It stops when nobody is left.
func (a *Accounts) SettleDue(ctx context.Context) error {
	for ctx.Err() == nil {
		var due []id.ID
		if err := a.db.Read(ctx).Raw("SELECT member_id FROM points_lot WHERE due_at <= ? ORDER BY due_at LIMIT ?", a.db.Now(), duePage).Scan(&due).Error; err != nil {
			return fmt.Errorf("points: due: %w", err)
		}
		slices.Sort(due)
		due = slices.Compact(due)
		for _, m := range due {
			if err := a.settle(ctx, []id.ID{m}); err != nil {
				return err
			}
		}
		if len(due) == 0 {
			return nil
		}
	}
	return ctx.Err()
}

// Warn hands points that expire within a time to tell, each member, brand and moment once. What
// tell fails for comes again; what it did is not taken back, so it must not mind.
func (a *Accounts) Warn(ctx context.Context, within time.Duration, tell func(ctx context.Context, e Expiring) error) error {
	now := a.db.Now()
	for ctx.Err() == nil {
		var list []Expiring
		err := a.db.Read(ctx).Raw(`SELECT l.member_id, l.brand_id, l.expires_at, SUM(l.available) AS points FROM points_lot l
			WHERE l.due_at > ? AND l.due_at <= ? AND l.available > 0
			AND NOT EXISTS (SELECT 1 FROM points_warning w WHERE w.member_id = l.member_id AND w.brand_id = l.brand_id AND w.expires_at = l.expires_at)
			GROUP BY l.member_id, l.brand_id, l.expires_at ORDER BY l.expires_at, l.member_id LIMIT ?`, now, now.Add(within), duePage).Scan(&list).Error
		if err != nil {
			return fmt.Errorf("points: warn: %w", err)
		}
		for _, e := range list {
			if err := tell(ctx, e); err != nil {
				return err
			}
			err := a.db.InTx(ctx, func(tx *gorm.DB) error {
				return tx.Exec("INSERT INTO points_warning (member_id, brand_id, expires_at, points, created_at) VALUES (?,?,?,?,?)"+a.db.Once("points"),
					e.MemberID, e.BrandID, e.ExpiresAt, e.Points, now).Error
			})
			if err != nil {
				return fmt.Errorf("points: warn: %w", err)
			}
		}
		if len(list) == 0 {
			return nil
		}
	}
	return ctx.Err()
}
