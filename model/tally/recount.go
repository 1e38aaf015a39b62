package tally

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
)

// recountDays is how far back a member may still be taken back: an import that is undone
// deletes those whom it made.
const recountDays = 40

// RecountMembers puts days right whose members were deleted afterwards. All else that is
// counted is never deleted, or stays counted because it did happen. Days that are counted
// for good are touched by nobody else.
func (s *Store) RecountMembers(ctx context.Context) error {
	c, there, err := s.cursor(ctx)
	if err != nil || !there {
		return err
	}
	last := clock.DayOf(c.SureAt.Add(-time.Hour)).AddDays(-1)
	for day := last.AddDays(1 - recountDays); day <= last; day = day.AddDays(1) {
		if err := s.recountMembers(ctx, day); err != nil {
			return fmt.Errorf("tally: members of %s: %w", day.Text(), err)
		}
	}
	return nil
}

func (s *Store) recountMembers(ctx context.Context, day clock.Day) error {
	from, until := day.Bounds()
	var was, is int64
	if err := s.db.Read(ctx).Raw("SELECT COALESCE(SUM(n), 0) FROM tally WHERE brand_id = 0 AND metric = ? AND kind = ? AND slot_at = ?", Member, Day, from).Scan(&was).Error; err != nil {
		return err
	}
	if err := s.db.Read(ctx).Raw("SELECT COUNT(*) FROM member WHERE created_at >= ? AND created_at < ?", from, until).Scan(&is).Error; err != nil || is == was {
		return err
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		var rows []struct {
			Slot clock.Instant
			N    int64
		}
		if err := tx.Raw("SELECT "+slotted("created_at")+" AS slot, COUNT(*) AS n FROM member WHERE created_at >= ? AND created_at < ? GROUP BY 1", from, until).Scan(&rows).Error; err != nil {
			return err
		}
		found := lines{}
		for _, r := range rows {
			found.at(0, Member, r.Slot, r.N, 0)
		}
		if err := tx.Exec("DELETE FROM tally WHERE brand_id = 0 AND metric = ? AND kind IN (?, ?) AND slot_at >= ? AND slot_at < ?", Member, Slot, Day, from, until).Error; err != nil {
			return err
		}
		out := db.NewRows("tally", columns)
		for at, sum := range found {
			out.Add(at.brand, at.metric, at.kind, at.slot, at.dim, sum.n, sum.amount)
		}
		_, err := out.Insert(ctx, tx, "")
		return err
	})
}
