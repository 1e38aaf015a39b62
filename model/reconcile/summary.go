package reconcile

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/redpacket"
)

// Fold works out what an account's payouts that ended on a day come to. A payout that ended
// does not move again, so a day that is over is folded once; today again and again.
func (s *Store) Fold(ctx context.Context, brandID, accountID id.ID, day clock.Day) error {
	from, until := day.Bounds()
	var sums []struct {
		CampaignID           id.ID
		Purpose, Rail, State string
		N                    int64
		Sum                  money.Fen
	}
	err := s.db.Read(ctx).Raw(`SELECT campaign_id, purpose, rail, state, COUNT(*) AS n, SUM(amount_fen) AS sum FROM payout
		WHERE account_id = ? AND moved_at >= ? AND moved_at < ? AND state IN (?, ?, ?) GROUP BY campaign_id, purpose, rail, state`,
		accountID, from, until, redpacket.Settled, redpacket.Returned, redpacket.Failed).Scan(&sums).Error
	if err != nil {
		return fmt.Errorf("reconcile: fold: %w", err)
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		if _, err := db.Exec(ctx, tx, "DELETE FROM payout_day WHERE day = ? AND account_id = ?", day, accountID); err != nil {
			return err
		}
		rows := db.NewRows("payout_day", "day, account_id, campaign_id, purpose, rail, state, brand_id, payouts, sum_fen, updated_at")
		for _, x := range sums {
			rows.Add(day, accountID, x.CampaignID, x.Purpose, x.Rail, x.State, brandID, x.N, x.Sum, s.db.Now())
		}
		if rows.Len() == 0 { // the day was looked at all the same
			rows.Add(day, accountID, 0, redpacket.ForClaim, "", redpacket.Settled, brandID, 0, 0, s.db.Now())
		}
		_, err := rows.Insert(ctx, tx, "")
		return err
	})
}

// Folded is when an account's day was last worked out, or 0.
func (s *Store) Folded(ctx context.Context, accountID id.ID, day clock.Day) (at clock.Instant, err error) {
	err = s.db.Read(ctx).Raw("SELECT COALESCE(MAX(updated_at), 0) FROM payout_day WHERE day = ? AND account_id = ?", day, accountID).Scan(&at).Error
	return at, err
}

// FirstPayout is the day of an account's oldest payout by when it last moved, or 0.
func (s *Store) FirstPayout(ctx context.Context, accountID id.ID) (clock.Day, error) {
	var at []clock.Instant
	err := s.db.Read(ctx).Raw("SELECT moved_at FROM payout WHERE account_id = ? ORDER BY moved_at LIMIT 1", accountID).Scan(&at).Error
	if err != nil || len(at) == 0 {
		return 0, err
	}
	return clock.DayOf(at[0]), nil
}

// MonthLine is what one campaign's payouts of one purpose came to in a month.
type MonthLine struct {
	BrandID     id.ID     `json:"brand_id"`
	CampaignID  id.ID     `json:"campaign_id"` // 0: of no campaign
	Campaign    string    `json:"campaign"`
	Purpose     string    `json:"purpose"`
	AccountID   id.ID     `json:"account_id"`
	Rail        string    `json:"rail"`
	Settled     int64     `json:"settled"`
	SettledFen  money.Fen `json:"settled_fen"`
	Returned    int64     `json:"returned"`
	ReturnedFen money.Fen `json:"returned_fen"`
	Failed      int64     `json:"failed"`
	FailedFen   money.Fen `json:"failed_fen"`
}

// Month is the summary for finance. What counts is the day in Shanghai on which a payout
// ended.
type Month struct {
	Month string        `json:"month"` // "2026-11"
	Lines []MonthLine   `json:"lines"`
	Total MonthLine     `json:"total"`
	AsOf  clock.Instant `json:"as_of"`
}

// Summary sums a month, of one brand or (0) of all. month is 202611.
func (s *Store) Summary(ctx context.Context, brandID id.ID, month int) (Month, error) {
	first := clock.Day(month*100 + 1)
	if from, _ := first.Bounds(); clock.DayOf(from) != first || month < 202001 {
		return Month{}, fault.NewInvalid("bad_month", "月份应为 2026-11 这样").With("field", "month")
	}
	m := Month{Month: first.Text()[:7], Lines: []MonthLine{}}
	stmt := `SELECT d.brand_id, d.campaign_id, d.purpose, d.account_id, d.rail, d.state, SUM(d.payouts) AS n, SUM(d.sum_fen) AS sum, MAX(d.updated_at) AS as_of,
		COALESCE(MAX(c.name), '') AS campaign FROM payout_day d LEFT JOIN campaign c ON c.id = d.campaign_id WHERE d.day >= ? AND d.day <= ?`
	args := []any{first, first.MonthEnd()}
	if brandID != 0 {
		stmt, args = stmt+" AND d.brand_id = ?", append(args, brandID)
	}
	var sums []struct {
		MonthLine
		State string
		N     int64
		Sum   money.Fen
		AsOf  clock.Instant
	}
	err := s.db.Read(ctx).Raw(stmt+" GROUP BY d.brand_id, d.campaign_id, d.purpose, d.account_id, d.rail, d.state ORDER BY d.brand_id, d.purpose, d.campaign_id, d.account_id, d.rail", args...).Scan(&sums).Error
	if err != nil {
		return Month{}, fmt.Errorf("reconcile: summary: %w", err)
	}
	for _, x := range sums {
		m.AsOf = max(m.AsOf, x.AsOf)
		if x.N == 0 {
			continue
		}
		if n := len(m.Lines); n == 0 || !same(m.Lines[n-1], x.MonthLine) {
			m.Lines = append(m.Lines, x.MonthLine)
		}
		for _, l := range []*MonthLine{&m.Lines[len(m.Lines)-1], &m.Total} {
			l.add(x.State, x.N, x.Sum)
		}
	}
	return m, nil
}

func same(a, b MonthLine) bool {
	return a.BrandID == b.BrandID && a.CampaignID == b.CampaignID && a.Purpose == b.Purpose && a.AccountID == b.AccountID && a.Rail == b.Rail
}

func (l *MonthLine) add(state string, n int64, sum money.Fen) {
	switch state {
	case redpacket.Settled:
		l.Settled, l.SettledFen = l.Settled+n, l.SettledFen+sum
	case redpacket.Returned:
		l.Returned, l.ReturnedFen = l.Returned+n, l.ReturnedFen+sum
	case redpacket.Failed:
		l.Failed, l.FailedFen = l.Failed+n, l.FailedFen+sum
	}
}
