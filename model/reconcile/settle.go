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
	"siyu/model/money"
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

// strangerTx notes a line of a payout that is not ours.
func (s *Store) strangerTx(ctx context.Context, tx *gorm.DB, d Day, l Line) error {
	return s.putTx(ctx, tx, Item{ItemKey: cut("line:"+d.AccountID.String()+":"+l.FlowNo, 96), BrandID: d.BrandID, AccountID: d.AccountID, Day: d.Day, Kind: OnlyWeChat,
		WechatNo: l.WechatNo, FlowNo: l.FlowNo, BillNo: l.Voucher, WechatFen: l.AmountFen, Note: "账单有" + l.Business + "，我方没有这张打款单", Since: l.At})
}

// keepTx makes the differences of a payout what was found.
func (s *Store) keepTx(ctx context.Context, tx *gorm.DB, p redpacket.Payout, found []finding, old []Item) error {
	keys := map[string]bool{}
	for _, f := range found {
		i := Item{ItemKey: keyOf(p.ID, f), BrandID: p.BrandID, AccountID: p.AccountID, Day: f.day, Kind: f.kind, PayoutID: p.ID, BillNo: p.BillNo,
			WechatNo: p.WechatNo, OursFen: p.AmountFen, WechatFen: f.wechat, OursState: p.State, Note: cut(f.note, 200), Since: p.MovedAt}
		if f.line != nil {
			i.FlowNo, i.Since = f.line.FlowNo, f.line.At
		}
		keys[i.ItemKey] = true
		if err := s.putTx(ctx, tx, i); err != nil {
			return err
		}
	}
	now := s.db.Now()
	for _, o := range old {
		if o.State == Open && !keys[o.ItemKey] {
			err := tx.Model(&Item{}).Where("id = ? AND state = ?", o.ID, Open).Updates(map[string]any{"state": Resolved, "resolved_at": now, "updated_at": now, "ours_state": p.State}).Error
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// putTx writes a difference: new, or as it is now. What a person explained stays
// explained as long as it is the same; what had resolved itself is open again.
func (s *Store) putTx(ctx context.Context, tx *gorm.DB, i Item) error {
	now := s.db.Now()
	rows := db.NewRows("recon_item", `id, item_key, brand_id, account_id, day, kind, state, payout_id, bill_no, wechat_no, flow_no, ours_fen, wechat_fen, ours_state, note, since,
		reason, by_id, by_login, explained_at, resolved_at, created_at, updated_at`)
	rows.Add(s.db.NewID(), i.ItemKey, i.BrandID, i.AccountID, i.Day, i.Kind, Open, i.PayoutID, i.BillNo, i.WechatNo, i.FlowNo, i.OursFen, i.WechatFen, i.OursState, i.Note, i.Since,
		"", 0, "", 0, 0, now, now)
	if n, err := rows.Insert(ctx, tx, s.db.Once("id")); err != nil || n == 1 {
		return err
	}
	same := "item_key = ? AND day = ? AND wechat_fen = ? AND ours_state = ? AND note = ?"
	var unchanged int64
	if err := tx.Model(&Item{}).Where(same+" AND state <> ?", i.ItemKey, i.Day, i.WechatFen, i.OursState, i.Note, Resolved).Count(&unchanged).Error; err != nil || unchanged > 0 {
		return err
	}
	// A reason was given for what was seen then: other money, or another state of ours, is
	// another difference, and asks for a person again. The old reason stays readable.
	r := tx.Model(&Item{}).Where("item_key = ? AND state = ? AND (wechat_fen <> ? OR ours_state <> ? OR note <> ?)", i.ItemKey, Explained, i.WechatFen, i.OursState, i.Note).Update("state", Open)
	if r.Error != nil {
		return r.Error
	}
	if err := tx.Model(&Item{}).Where("item_key = ?", i.ItemKey).Updates(map[string]any{"day": i.Day, "flow_no": i.FlowNo, "wechat_no": i.WechatNo,
		"wechat_fen": i.WechatFen, "ours_state": i.OursState, "note": i.Note, "updated_at": now}).Error; err != nil {
		return err
	}
	return tx.Model(&Item{}).Where("item_key = ? AND state = ?", i.ItemKey, Resolved).Updates(map[string]any{"state": Open, "resolved_at": 0}).Error
}

// Explain closes a difference with a reason. Faults: NotFound, Conflict when it resolved
// itself, Invalid without a reason.
func (s *Store) Explain(ctx context.Context, itemID id.ID, reason string, byID id.ID, login string) (before, after Item, err error) {
	if reason = cut(reason, 300); len([]rune(reason)) < 2 {
		return before, after, errReason
	}
	if before, err = s.Item(ctx, itemID); err != nil {
		return before, after, err
	}
	now := s.db.Now()
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Model(&Item{}).Where("id = ? AND state <> ?", itemID, Resolved).Updates(map[string]any{"state": Explained, "reason": reason,
			"by_id": byID, "by_login": login, "explained_at": now, "updated_at": now})
		if r.Error == nil && r.RowsAffected == 0 {
			return errResolved
		}
		return r.Error
	})
	if err != nil {
		return before, after, err
	}
	after, err = s.Item(ctx, itemID)
	return before, after, err
}

// Totals of what differs, of days.
type count struct {
	AccountID id.ID
	Day       clock.Day
	State     string
	N         int64
	Sum       money.Fen
}
