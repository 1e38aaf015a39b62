package points

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/ledger"
)

// Account is what a human has, over all members he is.
type Account struct {
	Available int64      `json:"available"` // can be spent; what is owed is taken off
	Pending   int64      `json:"pending"`
	Frozen    int64      `json:"frozen"`
	Owed      int64      `json:"owed"`
	Expiring  []Expiring `json:"expiring"` // soonest first, at most five dates
	Coming    []Coming   `json:"coming"`   // pending, by date
}

// Expiring is points that end at a moment.
type Expiring struct {
	MemberID  id.ID         `json:"-"`
	BrandID   id.ID         `json:"-"` // of a warning; an account sums brands
	Points    int64         `json:"points"`
	ExpiresAt clock.Instant `json:"expires_at"`
}

// LastDay is the last day on which the points can be used, as text.
func (e Expiring) LastDay() string { return clock.DayOf(e.ExpiresAt - 1).Text() }

// Coming is points that can be spent from a moment on.
type Coming struct {
	Points    int64         `json:"points"`
	ReleaseAt clock.Instant `json:"release_at"`
}

// Day is the day from which the points can be used, as text.
func (c Coming) Day() string { return clock.DayOf(c.ReleaseAt).Text() }

// Lot is points that were earned together.
type Lot struct {
	ID        id.ID         `json:"id"`
	MemberID  id.ID         `json:"member_id"`
	BrandID   id.ID         `json:"brand_id"`
	Source    string        `json:"source"`
	Amount    int64         `json:"amount"`
	Available int64         `json:"available"`
	Pending   int64         `json:"pending"`
	Frozen    int64         `json:"frozen"`
	EarnedAt  clock.Instant `json:"earned_at"`
	ReleaseAt clock.Instant `json:"release_at"`
	ExpiresAt clock.Instant `json:"expires_at"` // null: never
}

// dates is how many expiry dates an account names.
const dates = 5

// Account reads what the human behind a member has, after settling him. Fault: NotFound
// member_not_found.
func (a *Accounts) Account(ctx context.Context, memberID id.ID) (Account, error) {
	family, err := a.members.Family(ctx, memberID)
	if err != nil {
		return Account{}, err
	}
	lots, err := a.lots(ctx, family)
	if err != nil {
		return Account{}, err
	}
	sums, err := a.ledger.Balances(ctx, ledger.Points, family, ledger.Member, ledger.Pending, ledger.Frozen, ledger.Debt)
	if err != nil {
		return Account{}, err
	}
	out := Account{Available: max(0, sums[ledger.Member]+sums[ledger.Debt]), Pending: sums[ledger.Pending], Frozen: sums[ledger.Frozen],
		Owed: -sums[ledger.Debt], Expiring: []Expiring{}, Coming: []Coming{}}
	for _, l := range lots {
		if n := len(out.Expiring); l.Available > 0 && l.ExpiresAt != forever {
			if n > 0 && out.Expiring[n-1].ExpiresAt == l.ExpiresAt {
				out.Expiring[n-1].Points += l.Available
			} else if n < dates {
				out.Expiring = append(out.Expiring, Expiring{MemberID: memberID, Points: l.Available, ExpiresAt: l.ExpiresAt})
			}
		}
	}
	slices.SortStableFunc(lots, func(x, y lot) int { return int(x.ReleaseAt - y.ReleaseAt) })
	for _, l := range lots {
		if n := len(out.Coming); l.Pending > 0 {
			if n > 0 && out.Coming[n-1].ReleaseAt == l.ReleaseAt {
				out.Coming[n-1].Points += l.Pending
			} else {
				out.Coming = append(out.Coming, Coming{l.Pending, l.ReleaseAt})
			}
		}
	}
	return out, nil
}

// Lots lists what is left of the human's earnings, oldest expiry first.
func (a *Accounts) Lots(ctx context.Context, memberID id.ID) ([]Lot, error) {
	family, err := a.members.Family(ctx, memberID)
	if err != nil {
		return nil, err
	}
	lots, err := a.lots(ctx, family)
	if err != nil {
		return nil, err
	}
	out := make([]Lot, 0, len(lots))
	for _, l := range lots {
		out = append(out, Lot{l.ID, l.MemberID, l.BrandID, l.Source, l.Amount, l.Available, l.Pending, l.Frozen, l.EarnedAt, l.ReleaseAt, shown(l.ExpiresAt)})
	}
	return out, nil
}

// lots reads living lots, oldest expiry first, and settles first who has something to
// settle.
func (a *Accounts) lots(ctx context.Context, family []id.ID) ([]lot, error) {
	late, err := a.unsettled(ctx, family)
	if err == nil && len(late) > 0 {
		err = a.settle(ctx, late)
	}
	if err != nil {
		return nil, err
	}
	var lots []lot
	err = a.db.Read(ctx).Raw("SELECT * FROM points_lot WHERE member_id IN ? AND live = 1 ORDER BY expires_at, earned_at, id", family).Scan(&lots).Error
	if err != nil {
		return nil, fmt.Errorf("points: lots: %w", err)
	}
	return lots, nil
}

// unsettled tells which of the members are not up to now.
func (a *Accounts) unsettled(ctx context.Context, members []id.ID) ([]id.ID, error) {
	tx, now := a.db.Read(ctx), a.db.Now()
	var out []id.ID
	err := tx.Raw("SELECT DISTINCT member_id FROM points_lot WHERE member_id IN ? AND live = 1 AND due_at <= ?", members, now).Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("points: settle: %w", err)
	}
	for _, m := range members {
		if slices.Contains(out, m) {
			continue
		}
		fresh, err := a.unfolded(tx, m)
		if err != nil {
			return nil, err
		}
		if len(fresh) > 0 {
			out = append(out, m)
			continue
		}
		sums, err := a.ledger.Balances(ctx, ledger.Points, []id.ID{m}, ledger.Member, ledger.Debt)
		if err != nil {
			return nil, err
		}
		if sums[ledger.Debt] < 0 && sums[ledger.Member] > 0 {
			out = append(out, m)
		}
	}
	return out, nil
}

// settle brings members up to now.
func (a *Accounts) settle(ctx context.Context, members []id.ID) error {
	return a.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		p, err := a.open(ctx, tx, members)
		if err != nil {
			return err
		}
		return p.close()
	})
}

// Statement lists the human's entries, newest first, after the entry before (0 = the
// newest). What his members moved among themselves is not in it.
func (a *Accounts) Statement(ctx context.Context, memberID, before id.ID, limit int) ([]ledger.Line, error) {
	family, err := a.members.Family(ctx, memberID)
	if err != nil {
		return nil, err
	}
	if limit <= 0 || limit > 100 {
		limit = 100
	}
	return a.ledger.Statements(ctx, ledger.Points, ledger.Member, family, before, limit)
}

// Month is what ends in one month.
type Month struct {
	Month     string `json:"month"` // 2026-11; "" = points that do not expire
	Available int64  `json:"available"`
	Pending   int64  `json:"pending"`
	Frozen    int64  `json:"frozen"`
}

// Liability is what a brand owes its members in points.
type Liability struct {
	BrandID   id.ID         `json:"brand_id"`
	At        clock.Instant `json:"at"`
	Available int64         `json:"available"`
	Pending   int64         `json:"pending"`
	Frozen    int64         `json:"frozen"`
	Months    []Month       `json:"months"` // by the month in which they end
	Issued    int64         `json:"issued"` // ever, less what was taken back
	Spent     int64         `json:"spent"`
	Expired   int64         `json:"expired"`
	// BreakageBP is the share of ended points that expired unused, in basis points; -1
	// before anything ended. Estimated is what it says of the points that can expire.
	BreakageBP int64 `json:"breakage_bp"`
	Estimated  int64 `json:"estimated_breakage"`
	// Unfolded is what the ledger gave out and lots do not show yet: claims since the
	// last daily round.
	Unfolded int64 `json:"unfolded"`
}
