package push

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/reach"
	"siyu/model/say"
)

// meetTx joins a copy that went out with what is in the row of its id.
func (s *Store) meetTx(tx *gorm.DB, h heard, now clock.Instant) error {
	var rows []heard
	if err := tx.Raw("SELECT "+heardColumns+" FROM push_heard WHERE account_id = ? AND msg_key = ?"+s.lock(), h.AccountID, h.MsgKey).Scan(&rows).Error; err != nil || len(rows) == 0 {
		return err
	}
	was := rows[0]
	same := was.RunID == h.RunID && was.DeliveryID == h.DeliveryID && was.CallID == h.CallID
	whom := strings.HasPrefix(h.MsgKey, "s:")
	state, deliveryID, fresh := heardSent, h.DeliveryID, false
	switch {
	case same && was.ToldAt == 0, whom && was.State == heardBoth:
		return nil
	case same: // more copies of a call whose report is here
		state = heardBoth
	case was.RunID == 0 && (!whom || was.ToldAt.Add(time.Second) > h.SentAt):
		state = heardBoth
	case !whom:
		return nil // an id that WeChat gave twice: the first keeps it
	case was.State == heardSent && was.RunID != 0 && now.Sub(was.At) < subscribeFor:
		deliveryID = twoFit // whose report the next one is nobody can tell
	default: // what is here is of a message before
		fresh = true
	}
	set := map[string]any{"run_id": h.RunID, "delivery_id": deliveryID, "call_id": h.CallID, "state": state, "sent_at": h.SentAt, "at": now}
	if fresh {
		set["reason"], set["code"], set["told_at"] = "", "", 0
	}
	return tx.Table("push_heard").Where("account_id = ? AND msg_key = ?", h.AccountID, h.MsgKey).Updates(set).Error
}

// Heard applies reports that came before the answer to their own call, and forgets what
// nobody will ask for again.
func (s *Store) Heard(ctx context.Context) error {
	var due []heard
	if err := s.DB.Read(ctx).Raw("SELECT account_id, msg_key FROM push_heard WHERE state = ? ORDER BY at LIMIT ?", heardBoth, heardOnce).Scan(&due).Error; err != nil {
		return fmt.Errorf("push: heard: %w", err)
	}
	for _, h := range due {
		if err := s.settle(ctx, h.AccountID, h.MsgKey); err != nil {
			return err
		}
	}
	old := s.DB.Now().Add(-heardDays * 24 * time.Hour)
	for _, state := range []string{heardSent, heardTold, heardDone} {
		var gone []heard // those of a call stay: the push tells their counts
		if err := s.DB.Read(ctx).Raw("SELECT account_id, msg_key FROM push_heard WHERE state = ? AND at < ? AND call_id = 0 ORDER BY at LIMIT ?", state, old, heardOnce).Scan(&gone).Error; err != nil {
			return fmt.Errorf("push: heard: %w", err)
		}
		if len(gone) == 0 {
			continue
		}
		err := s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
			for _, h := range gone {
				if err := tx.Exec("DELETE FROM push_heard WHERE account_id = ? AND msg_key = ? AND at < ?", h.AccountID, h.MsgKey, old).Error; err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("push: heard: %w", err)
		}
	}
	return nil
}

// settle applies a report to its copies, if both are known. A mass send's copies that are
// still being recorded keep it open.
func (s *Store) settle(ctx context.Context, accountID id.ID, key string) error {
	var found []heard
	if err := s.DB.Read(ctx).Raw("SELECT "+heardColumns+" FROM push_heard WHERE account_id = ? AND msg_key = ? AND state = ?", accountID, key, heardBoth).Scan(&found).Error; err != nil {
		return fmt.Errorf("push: settle: %w", err)
	}
	if len(found) == 0 {
		return nil
	}
	h := found[0]
	var ids []id.ID
	var err error
	switch read := s.DB.Read(ctx); {
	case h.Reason == "" || h.DeliveryID == twoFit:
	case h.CallID != 0:
		err = read.Raw("SELECT id FROM push_delivery WHERE run_id = ? AND state IN ? AND channel = ? AND call_id = ? ORDER BY id", h.RunID, []string{Sending, Sent, Unknown}, reach.Mass, h.CallID).Scan(&ids).Error
	default:
		ids = []id.ID{h.DeliveryID}
	}
	if err != nil {
		return fmt.Errorf("push: settle: %w", err)
	}
	told := false
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		open, some, err := s.lostTx(ctx, tx, h, ids)
		if told = some; err != nil || open {
			return err
		}
		const it = " WHERE account_id = ? AND msg_key = ? AND state = ?"
		if h.CallID == 0 && (h.Reason == "" || h.DeliveryID == twoFit) { // nothing is to be remembered
			return tx.Exec("DELETE FROM push_heard"+it, accountID, key, heardBoth).Error
		}
		return tx.Exec("UPDATE push_heard SET state = ?, at = ?"+it, heardDone, s.DB.Now(), accountID, key, heardBoth).Error
	})
	if err != nil {
		return fmt.Errorf("push: settle: %w", err)
	}
	if told {
		s.Outbox.Nudge()
	}
	return nil
}

// lostTx marks copies that WeChat took and did not deliver as refused, and tells the ledger.
// The events that they were sent are taken back; of what nobody knew whether it was sent there
// is none. open: some are not recorded yet. told: there are events to be told of.
func (s *Store) lostTx(ctx context.Context, tx *gorm.DB, h heard, ids []id.ID) (open, told bool, err error) {
	if len(ids) == 0 {
		return false, false, nil
	}
	var rows []row
	err = tx.Raw("SELECT "+rowColumns+" FROM push_delivery WHERE id IN ? AND run_id = ? AND state IN ? ORDER BY id"+s.lock(), ids, h.RunID, []string{Sending, Sent, Unknown}).Scan(&rows).Error
	if err != nil {
		return false, false, err
	}
	lanes, tickets, sent := map[int]*moves{}, []id.ID{}, []string{}
	for _, x := range rows {
		if x.State == Sending {
			open = true
			continue
		}
		m := lanes[x.Lane]
		if m == nil {
			m = &moves{run: Run{Lane: Lane{RunID: h.RunID, Lane: x.Lane}}, now: s.DB.Now()}
			lanes[x.Lane] = m
		}
		to := x
		to.State, to.Reason = Refused, h.Reason
		m.move(x, moved{row: to, code: h.Code}) // it ended when WeChat took it: nothing is counted for the speed
		if tickets = append(tickets, x.TicketID); x.State == Sent {
			sent = append(sent, sentKey(x.ID))
		}
	}
	if err := s.Reach.LostTx(ctx, tx, tickets, errCode(h.Code)); err != nil {
		return false, false, err
	}
	all := make([]*moves, 0, len(lanes))
	for _, m := range lanes {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *moves) int { return cmp.Compare(a.run.Lane.Lane, b.run.Lane.Lane) })
	for _, m := range all {
		if err := m.writeTx(ctx, tx); err != nil {
			return false, false, err
		}
	}
	if len(sent) == 0 {
		return open, false, nil
	}
	told, err = s.Events.LoseTx(ctx, tx, sent, h.Reason)
	return open, told, err
}

// errCode is the number at the beginning of what WeChat said; "" where it said words.
func errCode(said string) string {
	first, _, _ := strings.Cut(said, " ")
	if first == "" || strings.Trim(first, "0123456789") != "" {
		return ""
	}
	return first
}

// partial sums the calls of a push that WeChat says did not reach everybody; nil: none. It
// does not say whom, so their copies stay sent.
func (s *Store) partial(ctx context.Context, p Push) (*say.Said, error) {
	var sum []struct{ Calls, Total, Sent int64 }
	err := s.DB.Read(ctx).Raw("SELECT COUNT(*) AS calls, COALESCE(SUM(total_n), 0) AS total, COALESCE(SUM(sent_n), 0) AS sent FROM push_heard WHERE run_id = ? AND call_id > 0 AND told_at > 0 AND reason = '' AND sent_n < total_n", p.ID).Scan(&sum).Error
	if err != nil {
		return nil, fmt.Errorf("push: partial: %w", err)
	}
	if len(sum) == 0 || sum[0].Calls == 0 {
		return nil, nil
	}
	n := sum[0]
	said := say.Of("mass_partial", "微信报告：群发的 {total} 人里约 {sent} 人收到，约 {n} 人没有收到（用户拒收、本月已满或系统错误）。微信不说是谁，他们仍计在“已发送”里", "total", n.Total, "sent", n.Sent, "n", n.Total-n.Sent)
	return &said, nil
}
