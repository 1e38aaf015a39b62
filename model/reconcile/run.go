package reconcile

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/redpacket"
)

// chunk is how many lines one transaction writes or matches.
const chunk = 500

// Ask queues a day of an account to be reconciled, new or again. A day that is being
// worked on is not begun twice. Faults: Invalid bad_day for a day that is not over more
// than 90 days ago (WeChat keeps bills for three months) or lies ahead.
func (s *Store) Ask(ctx context.Context, brandID, accountID id.ID, day clock.Day) (Day, error) {
	now := s.db.Now()
	today := clock.DayOf(now)
	if day > today || day < today.AddDays(-90) || clock.DayOf(first(day)) != day {
		return Day{}, fault.NewInvalid("bad_day", "对账日期应为最近 90 天内的一天").With("field", "day")
	}
	var d Day
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		rows := db.NewRows("recon_day", `id, brand_id, account_id, day, state, source, gen, next_gen, total_lines, done_lines, sha1, in_fen, out_fen, opening_fen,
			closing_fen, proof, matched, matched_fen, returned, returned_fen, other_lines, other_in_fen, other_out_fen, error, created_at, asked_at, finished_at`)
		rows.Add(s.db.NewID(), brandID, accountID, day, Failed, FromBill, 0, 0, 0, 0, "", 0, 0, 0, 0, ProofNone, 0, 0, 0, 0, 0, 0, 0, "", now, 0, 0)
		if _, err := rows.Insert(ctx, tx, s.db.Once("id")); err != nil {
			return err
		}
		if err := tx.Where("account_id = ? AND day = ?", accountID, day).Take(&d).Error; err != nil {
			return err
		}
		if (d.State == Waiting || d.State == Matching) && now.Sub(d.AskedAt) < time.Hour {
			return nil
		}
		r := tx.Model(&Day{}).Where("id = ? AND state = ? AND asked_at = ?", d.ID, d.State, d.AskedAt).
			Updates(map[string]any{"state": Waiting, "error": "", "asked_at": now, "source": sourceFor(day, today)})
		if r.Error != nil || r.RowsAffected == 0 {
			return r.Error // somebody else asked at the same moment
		}
		d.State, d.Error, d.AskedAt, d.Source = Waiting, "", now, sourceFor(day, today)
		_, err := s.out.PutTx(ctx, tx, Task, d.ID, 0)
		return err
	})
	if err != nil {
		return Day{}, fmt.Errorf("reconcile: ask: %w", err)
	}
	s.out.Nudge()
	return d, nil
}

// sourceFor: WeChat makes no bill of a day that is not over, but answers for each payout.
func sourceFor(day, today clock.Day) string {
	if day == today {
		return FromQuery
	}
	return FromBill
}

func first(day clock.Day) clock.Instant { from, _ := day.Bounds(); return from }

// Get reads a day.
func (s *Store) Get(ctx context.Context, dayID id.ID) (Day, error) {
	var d Day
	err := s.db.Read(ctx).Where("id = ?", dayID).Take(&d).Error
	if db.IsNotFound(err) {
		return d, errNoDay
	}
	return d, err
}

// Put off says why a day waits, or with failed that it is given up until somebody asks.
func (s *Store) PutOff(ctx context.Context, dayID id.ID, why string, failed bool) error {
	state := Waiting
	if failed {
		state = Failed
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&Day{}).Where("id = ? AND state IN (?, ?)", dayID, Waiting, Failed).Updates(map[string]any{"state": state, "error": cut(why, 300)}).Error
	})
}

// UseQuery changes a day to asking for each payout: there is no bill for this merchant.
func (s *Store) UseQuery(ctx context.Context, dayID id.ID) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&Day{}).Where("id = ? AND state = ?", dayID, Waiting).Update("source", FromQuery).Error
	})
}

// Sheet takes the lines of one generation, to be committed whole.
type Sheet struct {
	s     *Store
	day   Day
	gen   int
	seq   int64
	lines []Line

	in, out          money.Fen
	opening, closing money.Fen
	balances         bool
	Asked            int64 // lines so far, for who shows progress
}

// Open begins a new generation of a day's lines. Of two workers that do, the one that
// began last wins; the other's lines are never counted.
func (s *Store) Open(ctx context.Context, dayID id.ID) (*Sheet, error) {
	d, err := s.Get(ctx, dayID)
	if err != nil {
		return nil, err
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Model(&Day{}).Where("id = ? AND next_gen = ?", dayID, d.NextGen).Updates(map[string]any{"next_gen": d.NextGen + 1, "error": ""})
		if r.Error == nil && r.RowsAffected == 0 {
			return fault.New(fault.Unavailable, "recon_busy", "另一个进程正在对这一天")
		}
		return r.Error
	})
	if err != nil {
		return nil, err
	}
	return &Sheet{s: s, day: d, gen: d.NextGen + 1}, nil
}

// Add takes one line.
func (sh *Sheet) Add(ctx context.Context, l Line) error {
	sh.seq++
	l.DayID, l.Gen, l.Seq = sh.day.ID, sh.gen, sh.seq
	l.WechatNo, l.FlowNo, l.Voucher = cut(l.WechatNo, 64), cut(l.FlowNo, 64), cut(l.Voucher, 64)
	l.Business, l.Kind, l.Memo = cut(l.Business, 64), cut(l.Kind, 64), cut(l.Memo, 200)
	if l.Said == "" {
		if !sh.balances {
			sh.balances, sh.opening = true, l.BalanceFen-l.AmountFen
		}
		sh.closing = l.BalanceFen
		if l.AmountFen > 0 {
			sh.in += l.AmountFen
		} else {
			sh.out -= l.AmountFen
		}
	}
	sh.lines = append(sh.lines, l)
	if len(sh.lines) < chunk {
		return nil
	}
	return sh.flush(ctx)
}

func (sh *Sheet) flush(ctx context.Context) error {
	if len(sh.lines) == 0 {
		return nil
	}
	if err := sh.s.own(ctx, sh.day, sh.lines); err != nil {
		return err
	}
	rows := db.NewRows("recon_line", "day_id, gen, seq, at, wechat_no, flow_no, business, kind, amount_fen, balance_fen, memo, voucher, said, payout_id, result")
	for _, l := range sh.lines {
		rows.Add(l.DayID, l.Gen, l.Seq, l.At, l.WechatNo, l.FlowNo, l.Business, l.Kind, l.AmountFen, l.BalanceFen, l.Memo, l.Voucher, l.Said, l.PayoutID, "")
	}
	err := sh.s.db.InTx(ctx, func(tx *gorm.DB) error {
		_, err := rows.Insert(ctx, tx, "")
		if err == nil {
			err = tx.Model(&Day{}).Where("id = ? AND next_gen = ?", sh.day.ID, sh.gen).Update("total_lines", sh.seq).Error
		}
		return err
	})
	sh.lines, sh.Asked = sh.lines[:0], sh.seq
	return err
}

// Quiet is the sha1 of the bill of a day on which nothing moved: WeChat makes none.
const Quiet = "none"

// Commit makes the sheet what counts for the day; sha1 is the bill's, Quiet, or "" for
// answers. From now on the day is matching.
func (sh *Sheet) Commit(ctx context.Context, sha1 string) error {
	if err := sh.flush(ctx); err != nil {
		return fmt.Errorf("reconcile: commit: %w", err)
	}
	proof, err := sh.prove(ctx)
	if err != nil {
		return fmt.Errorf("reconcile: commit: %w", err)
	}
	source := FromBill
	if sha1 == "" {
		source = FromQuery
	}
	set := map[string]any{"gen": sh.gen, "source": source, "state": Matching, "total_lines": sh.seq, "done_lines": 0, "sha1": sha1, "in_fen": sh.in, "out_fen": sh.out,
		"opening_fen": sh.opening, "closing_fen": sh.closing, "proof": proof, "error": ""}
	for _, c := range []string{"matched", "matched_fen", "returned", "returned_fen", "other_lines", "other_in_fen", "other_out_fen"} {
		set[c] = 0
	}
	return sh.s.db.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Model(&Day{}).Where("id = ? AND next_gen = ?", sh.day.ID, sh.gen).Updates(set)
		if r.Error == nil && r.RowsAffected == 0 {
			return fault.New(fault.Unavailable, "recon_busy", "另一个进程正在对这一天")
		}
		return r.Error
	})
}

// prove holds opening, movements and closing against each other and against the day
// before, if that has a balance.
func (sh *Sheet) prove(ctx context.Context) (string, error) {
	if !sh.balances {
		return ProofNone, nil
	}
	if sh.opening+sh.in-sh.out != sh.closing {
		return ProofSum, nil
	}
	var before []Day
	err := sh.s.db.Read(ctx).Where("account_id = ? AND day < ? AND gen > 0 AND proof <> ?", sh.day.AccountID, sh.day.Day, ProofNone).
		Order("day DESC").Limit(1).Find(&before).Error
	if err != nil || len(before) == 0 {
		return ProofOK, err
	}
	// Days without a bill between them are quiet ones only if they were looked at.
	gap, err := sh.s.coverage(ctx, sh.day.AccountID, before[0].Day, sh.day.Day.AddDays(-1))
	if err != nil || !gap {
		return ProofOK, err
	}
	if before[0].ClosingFen != sh.opening {
		return ProofBefore, nil
	}
	return ProofOK, nil
}

// coverage tells whether the bills of all days from one to another are there.
func (s *Store) coverage(ctx context.Context, accountID id.ID, from, to clock.Day) (bool, error) {
	if from > to {
		return true, nil
	}
	var have int64
	err := s.db.Read(ctx).Raw("SELECT COUNT(*) FROM recon_day WHERE account_id = ? AND day >= ? AND day <= ? AND gen > 0 AND sha1 <> ''", accountID, from, to).Scan(&have).Error
	days := int64(first(to).Sub(first(from)).Hours()/24) + 1 // Shanghai has no summer time
	return have == days, err
}

// Due pages the payouts that WeChat is asked for on a day without a bill: those that moved
// on it, by (moved_at, id).
func (s *Store) Due(ctx context.Context, d Day, from clock.Instant, after id.ID, limit int) ([]redpacket.Payout, error) {
	start, until := d.Day.Bounds()
	return s.packets.Moved(ctx, d.AccountID, max(start, from), until, after, limit)
}
