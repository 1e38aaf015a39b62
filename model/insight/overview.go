// Package insight reads numbers over all contexts (看板). It owns no table, writes
// nothing, and imports none of the contexts whose tables it reads: a number here may
// be seconds old and decides nothing.
package insight

import (
	"context"
	"fmt"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/money"
	"siyu/model/tally"
)

// Store reads.
type Store struct {
	db    *db.DB
	tally *tally.Store
	maps  mapCache
}

// New makes a store.
func New(d *db.DB) *Store { return &Store{db: d, tally: tally.New(d)} }

// PayoutLine is how many payouts of the last twenty-four hours are in a state, and their
// amount.
type PayoutLine struct {
	State     string    `json:"state"`
	Count     int64     `json:"count"`
	AmountFen money.Fen `json:"amount_fen"`
}

// Overview is whether things move, on one screen.
type Overview struct {
	AsOf             clock.Instant `json:"as_of"`
	CountedAt        clock.Instant `json:"counted_at"`  // until when scans and claims are counted
	ScansToday       int64         `json:"scans_today"` // business day in Shanghai
	ClaimsToday      int64         `json:"claims_today"`
	Payouts          []PayoutLine  `json:"payouts"`
	PayoutsToReview  int64         `json:"payouts_to_review"`
	OutboxWaiting    int64         `json:"outbox_waiting"`
	OutboxOverdueS   int64         `json:"outbox_overdue_s"` // age of the oldest due row, seconds
	NoticesWaiting   int64         `json:"notices_waiting"`
	NoticesRefused   int64         `json:"notices_refused"` // in the last thirty days
	ExportsRunning   int64         `json:"exports_running"`
	CampaignsRunning int64         `json:"campaigns_running"`
	ActsUnfinished   int64         `json:"acts_unfinished"` // audit entries that began over a minute ago and did not end
}

// Overview counts. Each number is one statement over an index; they are not of one
// moment.
func (s *Store) Overview(ctx context.Context) (Overview, error) {
	now := s.db.Now()
	today, _ := clock.DayOf(now).Bounds()
	month := now.Add(-30 * 24 * time.Hour)
	o := Overview{AsOf: now, Payouts: []PayoutLine{}}
	lately, ids := s.db.MadeIn(now.Add(-24*time.Hour), now.Add(time.Minute))
	var oldest clock.Instant
	for _, q := range []struct {
		into any
		sql  string
		args []any
	}{
		{&o.Payouts, "SELECT state, COUNT(*) AS count, SUM(amount_fen) AS amount_fen FROM payout WHERE " + lately + " GROUP BY state ORDER BY state", ids},
		{&o.PayoutsToReview, "SELECT COUNT(*) FROM payout WHERE review = ?", []any{true}},
		{&o.OutboxWaiting, "SELECT COUNT(*) FROM outbox WHERE state = 0", nil},
		{&oldest, "SELECT COALESCE(MIN(due_at), 0) FROM outbox WHERE state = 0 AND due_at < ?", []any{now}},
		{&o.NoticesWaiting, "SELECT COUNT(*) FROM notice WHERE state = 0", nil},
		{&o.NoticesRefused, "SELECT COUNT(*) FROM notice WHERE state = 2 AND received_at >= ?", []any{month}},
		{&o.ExportsRunning, "SELECT COUNT(*) FROM export WHERE state IN ('waiting', 'running')", nil},
		{&o.CampaignsRunning, "SELECT COUNT(*) FROM campaign WHERE state = 'published' AND from_at <= ? AND until_at > ?", []any{now, now}},
		{&o.ActsUnfinished, "SELECT COUNT(*) FROM audit WHERE outcome = 'begun' AND created_at < ? AND created_at >= ?", []any{now.Add(-time.Minute), month}},
	} {
		if err := s.db.Read(ctx).Raw(q.sql, q.args...).Scan(q.into).Error; err != nil {
			return o, fmt.Errorf("insight: overview: %w", err)
		}
	}
	var err error
	if o.CountedAt, err = s.tally.AsOf(ctx); err != nil {
		return o, err
	}
	for metric, into := range map[string]*int64{tally.Scan: &o.ScansToday, tally.Claim: &o.ClaimsToday} {
		days, err := s.tally.House(ctx, metric, tally.Day, today, now+1)
		if err != nil {
			return o, err
		}
		for _, d := range days {
			*into += d.N
		}
	}
	if oldest != 0 {
		o.OutboxOverdueS = int64(now.Sub(oldest) / time.Second)
	}
	return o, nil
}
