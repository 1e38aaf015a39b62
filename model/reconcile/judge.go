package reconcile

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/redpacket"
)

// verdict is what judging one payout gave, beside what was known before.
type verdict struct {
	found []finding
	old   []Item
}

// judgeAll judges payouts by all lines about them that count.
func (s *Store) judgeAll(ctx context.Context, payouts []redpacket.Payout, days *days) (map[id.ID]verdict, error) {
	out := map[id.ID]verdict{}
	if len(payouts) == 0 {
		return out, nil
	}
	ids := make([]id.ID, 0, len(payouts))
	for _, p := range payouts {
		ids = append(ids, p.ID)
	}
	var lines []Line
	err := s.db.Read(ctx).Raw(`SELECT l.* FROM recon_line l JOIN recon_day d ON d.id = l.day_id AND d.gen = l.gen WHERE l.payout_id IN ?`, ids).Scan(&lines).Error
	if err == nil {
		err = days.learn(ctx, lines)
	}
	if err != nil {
		return nil, err
	}
	var items []Item
	if err := s.db.Read(ctx).Where("payout_id IN ?", ids).Find(&items).Error; err != nil {
		return nil, err
	}
	about, known := map[id.ID][]Line{}, map[id.ID][]Item{}
	for _, l := range lines {
		about[l.PayoutID] = append(about[l.PayoutID], l)
	}
	for _, i := range items {
		known[i.PayoutID] = append(known[i.PayoutID], i)
	}
	type span struct {
		account  id.ID
		from, to clock.Day
	}
	whole := map[span]bool{}
	for _, p := range payouts {
		at := span{p.AccountID, clock.DayOf(p.CreatedAt), clock.DayOf(p.MovedAt)}
		if _, asked := whole[at]; !asked {
			if whole[at], err = s.coverage(ctx, at.account, at.from, at.to); err != nil {
				return nil, err
			}
		}
		out[p.ID] = verdict{judge(p, about[p.ID], days.of, whole[at]), known[p.ID]}
	}
	return out, nil
}

// settle judges payouts and keeps the outcome.
func (s *Store) settle(ctx context.Context, payouts []redpacket.Payout, days *days) error {
	verdicts, err := s.judgeAll(ctx, payouts, days)
	if err != nil {
		return err
	}
	var differ []redpacket.Payout
	for _, p := range payouts {
		if v := verdicts[p.ID]; len(v.found) > 0 || len(v.old) > 0 {
			differ = append(differ, p)
		}
	}
	if len(differ) == 0 {
		return nil
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		for _, p := range differ {
			if err := s.keepTx(ctx, tx, p, verdicts[p.ID].found, verdicts[p.ID].old); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) settleIDs(ctx context.Context, ids []id.ID, days *days) error {
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) == 0 {
		return nil
	}
	payouts, err := s.packets.ByIDs(ctx, ids)
	if err != nil {
		return err
	}
	return s.settle(ctx, payouts, days)
}
