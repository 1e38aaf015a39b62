package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/redpacket"
)

// lookAhead is how long after a day its bill may complete the picture of a payout: those
// that were made on it and ended later.
const lookAhead = 31

// Match holds the lines of a day against the payouts, and the payouts against the lines,
// and ends the day. Cut off, it goes on where it was.
func (s *Store) Match(ctx context.Context, dayID id.ID) error {
	d, err := s.Get(ctx, dayID)
	if err != nil || d.State != Matching {
		return err
	}
	known := &days{s: s, known: map[id.ID]clock.Day{d.ID: d.Day}}
	for {
		more, err := s.matchLines(ctx, &d, known)
		if err != nil {
			return fmt.Errorf("reconcile: match: %w", err)
		}
		if !more {
			break
		}
	}
	for _, step := range []func(context.Context, Day, *days) error{s.oldLines, s.oursOfDay, s.again, s.strangers} {
		if err := step(ctx, d, known); err != nil {
			return fmt.Errorf("reconcile: match: %w", err)
		}
	}
	return s.end(ctx, d)
}

// days remembers which day a line belongs to.
type days struct {
	s     *Store
	known map[id.ID]clock.Day
}

func (m *days) learn(ctx context.Context, lines []Line) error {
	var ids []id.ID
	for _, l := range lines {
		if _, ok := m.known[l.DayID]; !ok && !slices.Contains(ids, l.DayID) {
			ids = append(ids, l.DayID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var rows []Day
	if err := m.s.db.Read(ctx).Select("id", "day").Where("id IN ?", ids).Find(&rows).Error; err != nil {
		return err
	}
	for _, r := range rows {
		m.known[r.ID] = r.Day
	}
	return nil
}

func (m *days) of(l Line) clock.Day { return m.known[l.DayID] }

// matchLines matches the next lines: it finds their payouts, judges those, and notes both
// with how far it came in one transaction.
func (s *Store) matchLines(ctx context.Context, d *Day, days *days) (more bool, err error) {
	var lines []Line
	if err := s.db.Read(ctx).Where("day_id = ? AND gen = ? AND seq > ?", d.ID, d.Gen, d.DoneLines).Order("seq").Limit(chunk).Find(&lines).Error; err != nil || len(lines) == 0 {
		return false, err
	}
	var ids []id.ID
	for _, l := range lines {
		if l.PayoutID != 0 {
			ids = append(ids, l.PayoutID)
		}
	}
	slices.Sort(ids)
	list, err := s.packets.ByIDs(ctx, slices.Compact(ids))
	if err != nil {
		return false, err
	}
	payouts := map[id.ID]redpacket.Payout{}
	for _, p := range list {
		payouts[p.ID] = p
	}
	verdicts, err := s.judgeAll(ctx, list, days)
	if err != nil {
		return false, err
	}
	last := lines[len(lines)-1].Seq
	return true, s.db.InTx(ctx, func(tx *gorm.DB) error {
		t := *d
		results := map[string][]int64{}
		for _, l := range lines {
			p := payouts[l.PayoutID]
			l.Result = resultOf(l, p, verdicts[p.ID].found)
			t.tally(l)
			results[l.Result] = append(results[l.Result], l.Seq)
			if l.Result == OnlyWeChat {
				if err := s.strangerTx(ctx, tx, *d, l); err != nil {
					return err
				}
			}
		}
		for _, result := range slices.Sorted(maps.Keys(results)) {
			if err := tx.Model(&Line{}).Where("day_id = ? AND gen = ? AND seq IN ?", d.ID, d.Gen, results[result]).Update("result", result).Error; err != nil {
				return err
			}
		}
		for _, p := range list {
			if err := s.keepTx(ctx, tx, p, verdicts[p.ID].found, verdicts[p.ID].old); err != nil {
				return err
			}
		}
		// Guarded by how far we were: another worker on the same day changes nothing.
		r := tx.Model(&Day{}).Where("id = ? AND gen = ? AND state = ? AND done_lines = ?", d.ID, d.Gen, Matching, d.DoneLines).Updates(map[string]any{
			"done_lines": last, "matched": t.Matched, "matched_fen": t.MatchedFen, "returned": t.Returned, "returned_fen": t.ReturnedFen,
			"other_lines": t.OtherLines, "other_in_fen": t.OtherInFen, "other_out_fen": t.OtherOutFen})
		if r.Error != nil {
			return r.Error
		}
		if r.RowsAffected == 0 {
			return errOvertaken
		}
		t.DoneLines = last
		*d = t
		return nil
	})
}

func (d *Day) tally(l Line) {
	switch l.Result {
	case Matched:
		d.Matched++
		d.MatchedFen += abs(l.AmountFen)
	case Returned:
		d.Returned++
		d.ReturnedFen += abs(l.AmountFen)
	case Other:
		d.OtherLines++
		if l.AmountFen > 0 {
			d.OtherInFen += l.AmountFen
		} else {
			d.OtherOutFen -= l.AmountFen
		}
	}
}

// own writes into lines whose payouts they are about: by our bill number, or else by
// WeChat's.
func (s *Store) own(ctx context.Context, d Day, lines []Line) error {
	find := func(of func(Line) string, load func([]string) ([]redpacket.Payout, error), key func(redpacket.Payout) string) error {
		var asked []string
		for _, l := range lines {
			if l.PayoutID == 0 && of(l) != "" {
				asked = append(asked, of(l))
			}
		}
		if len(asked) == 0 {
			return nil
		}
		list, err := load(asked)
		if err != nil {
			return err
		}
		known := map[string]id.ID{}
		for _, p := range list {
			known[key(p)] = p.ID
		}
		for i, l := range lines {
			if l.PayoutID == 0 {
				lines[i].PayoutID = known[of(l)] // 0 again for an unknown one
			}
		}
		return nil
	}
	err := find(func(l Line) string { return l.Voucher },
		func(bills []string) ([]redpacket.Payout, error) { return s.packets.ByBills(ctx, d.AccountID, bills) },
		func(p redpacket.Payout) string { return p.BillNo })
	if err != nil {
		return err
	}
	return find(func(l Line) string {
		if aboutPayouts(l) {
			return l.WechatNo
		}
		return ""
	}, func(numbers []string) ([]redpacket.Payout, error) {
		return s.packets.ByWechatNos(ctx, d.AccountID, first(d.Day.AddDays(-1)), numbers)
	}, func(p redpacket.Payout) string { return p.WechatNo })
}

// oldLines judges whom lines of earlier generations were about, who may have none now, and
// drops those lines.
func (s *Store) oldLines(ctx context.Context, d Day, days *days) error {
	for {
		var lines []Line
		if err := s.db.Read(ctx).Where("day_id = ? AND gen < ?", d.ID, d.Gen).Order("gen, seq").Limit(chunk).Find(&lines).Error; err != nil || len(lines) == 0 {
			return err
		}
		var ids []id.ID
		for _, l := range lines {
			if l.PayoutID != 0 {
				ids = append(ids, l.PayoutID)
			}
		}
		if err := s.settleIDs(ctx, ids, days); err != nil {
			return err
		}
		last := lines[len(lines)-1]
		if err := s.db.InTx(ctx, func(tx *gorm.DB) error {
			return tx.Where("day_id = ? AND (gen < ? OR (gen = ? AND seq <= ?)) AND gen < ?", d.ID, last.Gen, last.Gen, last.Seq, d.Gen).Delete(&Line{}).Error
		}); err != nil {
			return err
		}
	}
}

// oursOfDay judges our payouts whose lines could stand in this bill: made before its end
// and moved on it or later.
func (s *Store) oursOfDay(ctx context.Context, d Day, days *days) error {
	from, until := d.Day.Bounds()
	_, most := d.Day.AddDays(lookAhead).Bounds()
	at, after := from, id.ID(0)
	for {
		list, err := s.packets.Moved(ctx, d.AccountID, at, most, after, chunk)
		if err != nil || len(list) == 0 {
			return err
		}
		at, after = list[len(list)-1].MovedAt, list[len(list)-1].ID
		list = slices.DeleteFunc(list, func(p redpacket.Payout) bool { return p.CreatedAt >= until })
		if err := s.settle(ctx, list, days); err != nil {
			return err
		}
	}
}

// again judges the payouts of the account's open differences once more: what this bill, or
// our own row meanwhile, made right resolves itself.
func (s *Store) again(ctx context.Context, d Day, days *days) error {
	var after id.ID
	for {
		var items []Item
		if err := s.db.Read(ctx).Where("account_id = ? AND state = ? AND payout_id <> 0 AND id > ?", d.AccountID, Open, after).Order("id").Limit(chunk).Find(&items).Error; err != nil || len(items) == 0 {
			return err
		}
		var ids []id.ID
		for _, i := range items {
			ids = append(ids, i.PayoutID)
		}
		after = items[len(items)-1].ID
		if err := s.settleIDs(ctx, ids, days); err != nil {
			return err
		}
	}
}

// strangers resolves differences of this day that were only WeChat's and that the new
// generation does not have.
func (s *Store) strangers(ctx context.Context, d Day, _ *days) error {
	now := s.db.Now()
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		_, err := db.Exec(ctx, tx, `UPDATE recon_item SET state = ?, resolved_at = ?, updated_at = ? WHERE account_id = ? AND day = ? AND kind = ? AND state = ?
			AND NOT EXISTS (SELECT 1 FROM recon_line l WHERE l.day_id = ? AND l.gen = ? AND l.result = ? AND l.flow_no = recon_item.flow_no)`,
			Resolved, now, now, d.AccountID, d.Day, OnlyWeChat, Open, d.ID, d.Gen, OnlyWeChat)
		return err
	})
}

func (s *Store) end(ctx context.Context, d Day) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&Day{}).Where("id = ? AND gen = ? AND state = ?", d.ID, d.Gen, Matching).
			Updates(map[string]any{"state": Done, "finished_at": s.db.Now()}).Error
	})
}
