package reach

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
)

const (
	// ticketDays is how long tickets are kept: longer than the longest cap looks back.
	// Who got what is kept by those who sent it.
	ticketDays = 95
	// seenFor is longer than a report is ever applied again.
	seenFor = 30 * 24 * time.Hour
	// reservedFor is how long a ticket may wait for its end. Whoever had it died: nobody
	// knows whether it was used, so nothing is given back.
	reservedFor = 24 * time.Hour
)

// Prune deletes what counts no more, at most limit rows of each kind, and ends tickets
// whose holder died. It says how many rows that were. Windows, grants and contacts stay:
// there is one of each kind for an openid.
func (s *Store) Prune(ctx context.Context, limit int) (n int64, err error) {
	now := s.DB.Now()
	today := clock.DayOf(now)
	old := now.Add(-ticketDays * 24 * time.Hour)
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		n = 0
		for _, x := range []struct {
			from string
			args []any
		}{
			{"reach_ticket WHERE state = ? AND taken_at < ?", []any{Sent, old}},
			{"reach_ticket WHERE state = ? AND taken_at < ?", []any{Refused, old}},
			{"reach_ticket WHERE state = ? AND taken_at < ?", []any{Unknown, old}},
			{"reach_seen WHERE at < ?", []any{now.Add(-seenFor)}},
			// Days have eight digits, months six.
			{"reach_count WHERE period_no > ? AND period_no < ?", []any{1_000_000, today.AddDays(-2)}},
			{"reach_count WHERE period_no < ?", []any{int32(today.AddMonths(-2)) / 100}},
			{"reach_quota WHERE day_no < ?", []any{today.AddDays(-ticketDays)}},
			{"reach_want WHERE at < ?", []any{now.Add(-2 * wantLate)}},
			{"reach_want_member WHERE ref_id NOT IN (SELECT ref_id FROM reach_want)", nil},
		} {
			stmt := "DELETE FROM " + x.from + " LIMIT ?"
			if s.DB.Driver() == db.SQLite { // which knows no LIMIT there
				table, _, _ := strings.Cut(x.from, " ")
				stmt = "DELETE FROM " + table + " WHERE rowid IN (SELECT rowid FROM " + x.from + " LIMIT ?)"
			}
			r := tx.Exec(stmt, append(x.args, limit)...)
			if r.Error != nil {
				return r.Error
			}
			n += r.RowsAffected
		}
		r := tx.Exec("UPDATE reach_ticket SET state = ?, ended_at = ? WHERE state = ? AND taken_at < ?", Unknown, now, Reserved, now.Add(-reservedFor))
		n += r.RowsAffected
		return r.Error
	})
	if err != nil {
		return 0, fmt.Errorf("reach: prune: %w", err)
	}
	return n, nil
}
