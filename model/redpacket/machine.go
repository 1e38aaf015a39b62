package redpacket

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

// Outcomes of one call to WeChat, or of a notice.
const (
	OutAccepted = "accepted"  // WeChat has it
	OutSettled  = "settled"   // the person has the money
	OutReturned = "returned"  // not collected in time, the money is back
	OutFailed   = "failed"    // documented as final
	OutDelay    = "delay"     // documented: nothing was done, ask again later
	OutHold     = "hold"      // not final, a person must look
	OutUnknown  = "unknown"   // anything else
	OutNotFound = "not_found" // a query found nothing; never read as failed
)

// Answer is what a call or a notice said about a payout.
type Answer struct {
	Out        string
	WechatNo   string
	Package    string // what the person's phone needs to confirm a transfer
	WaitUser   bool
	Code       string
	Reason     string
	AmountFen  money.Fen     // 0 when the answer does not say
	RetryAfter time.Duration // hint, 0 for none
}

// Begin takes a payout for one attempt. A pending one moves to sending and is counted,
// guarded, so that of two workers one wins; the other gets moved=false and, as for any
// payout that is not pending, must query before it sends.
func (s *Store) Begin(ctx context.Context, payoutID id.ID) (p Payout, moved bool, err error) {
	st := step{payout: payoutID, begin: true}
	if err := s.submit(ctx, &st); err != nil {
		return Payout{}, false, fmt.Errorf("redpacket: begin: %w", err)
	}
	return st.p, st.moved, nil
}

// SentToday counts what a member got sent on a business day: packets and fen over the
// payouts of one app that left pending. WeChat limits both per person and day.
func (s *Store) SentToday(ctx context.Context, p Payout) (packets int64, sum money.Fen, err error) {
	from, until := clock.DayOf(s.db.Now()).Bounds()
	var row struct {
		N   int64
		Sum money.Fen
	}
	// moved_at may be later than the sending, never earlier: the count may run high
	// for a payout that settled today, which delays and never loses.
	err = s.db.Read(ctx).Raw(`SELECT COUNT(*) AS n, COALESCE(SUM(amount_fen), 0) AS sum FROM payout
		WHERE member_id = ? AND account_id = ? AND id <> ? AND state <> ? AND state <> ? AND moved_at >= ? AND moved_at < ?`,
		p.MemberID, p.AccountID, p.ID, Pending, Failed, from, until).Scan(&row).Error
	return row.N, row.Sum, err
}

// Delay puts a pending payout off before anything was sent.
func (s *Store) Delay(ctx context.Context, payoutID id.ID, code, reason string, next clock.Instant) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&Payout{}).Where("id = ? AND state = ?", payoutID, Pending).
			Updates(map[string]any{"code": code, "reason": cut(reason, 300), "next_at": next}).Error
	})
}

// forward: which states an outcome may leave. A notice may come before our own call
// returns, so sending may settle directly.
var forward = map[string][]string{
	OutAccepted: {Sending},
	OutSettled:  {Sending, Accepted},
	OutReturned: {Sending, Accepted},
	OutFailed:   {Sending, Accepted},
}

// Apply records what WeChat said and, when that ends the payout, books it, in one
// transaction. Applying the same answer twice changes nothing. An answer that
// contradicts a final state, or names another amount, is kept for review and moves
// nothing. next is when the payout is driven again if it is not final.
func (s *Store) Apply(ctx context.Context, payoutID id.ID, a Answer, next clock.Instant) (Payout, error) {
	st := step{payout: payoutID, answer: a, next: next}
	if err := s.submit(ctx, &st); err != nil {
		return Payout{}, fmt.Errorf("redpacket: apply: %w", err)
	}
	return st.p, nil
}

// noteTx keeps what an answer said that moves no state.
func (s *Store) noteTx(tx *gorm.DB, payoutID id.ID, a Answer, next clock.Instant) error {
	set := map[string]any{"code": cut(a.Code, 64), "reason": cut(a.Reason, 300), "next_at": next}
	if a.Out == OutHold {
		set["review"] = true
	}
	return tx.Model(&Payout{}).Where("id = ? AND state IN (?, ?)", payoutID, Sending, Accepted).Updates(set).Error
}

// lateTx handles a moving answer that found the payout elsewhere: said before (fine),
// accepted again with news, or a contradiction that a person must see.
func (s *Store) lateTx(tx *gorm.DB, payoutID id.ID, a Answer, next clock.Instant) error {
	var now Payout
	if err := tx.Where("id = ?", payoutID).Take(&now).Error; err != nil {
		return err
	}
	switch {
	case now.State == a.Out && a.Out == OutAccepted:
		set := map[string]any{"next_at": next, "wait_user": a.WaitUser}
		if a.Package != "" {
			set["package_info"] = a.Package
		}
		return tx.Model(&Payout{}).Where("id = ? AND state = ?", payoutID, Accepted).Updates(set).Error
	case now.State == a.Out, a.Out == OutAccepted:
		return nil
	}
	return tx.Model(&Payout{}).Where("id = ?", payoutID).Updates(map[string]any{"review": true,
		"code": "CONTRADICTION", "reason": cut("已为「"+now.State+"」，微信又说「"+a.Out+"」 "+a.Code, 300)}).Error
}

// AskAgain queues a payout that is not final to be driven now (back office: 重新查询).
func (s *Store) AskAgain(ctx context.Context, payoutID id.ID) (Payout, error) {
	p, err := s.Get(ctx, payoutID)
	if err != nil {
		return Payout{}, err
	}
	if p.Final() {
		return Payout{}, fault.New(fault.Conflict, "payout_final", "这笔打款已经结束，不需要再查询")
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		_, err := s.out.PutTx(ctx, tx, Task, payoutID, 0)
		return err
	})
	if err != nil {
		return Payout{}, err
	}
	s.out.Nudge()
	return p, nil
}

// MarkReview sets or clears the review mark with a reason. It moves no state and no money.
func (s *Store) MarkReview(ctx context.Context, payoutID id.ID, on bool, reason string) (Payout, error) {
	if reason == "" {
		return Payout{}, fault.NewInvalid("reason", "请填写原因")
	}
	if _, err := s.Get(ctx, payoutID); err != nil {
		return Payout{}, err
	}
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&Payout{}).Where("id = ?", payoutID).Updates(map[string]any{"review": on, "reason": cut(reason, 300)}).Error
	})
	if err != nil {
		return Payout{}, err
	}
	return s.Get(ctx, payoutID)
}

// Stuck lists payouts that are not final, were due before the given moment and have no
// waiting wake-up: something lost them. Reconcile queues them again.
func (s *Store) Stuck(ctx context.Context, dueBefore clock.Instant, limit int) ([]Payout, error) {
	var out []Payout
	err := s.db.Read(ctx).Raw(`SELECT * FROM payout WHERE state IN (?, ?, ?) AND next_at < ?
		AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.ref_id = payout.id AND outbox.task = ? AND outbox.state <> 2)
		ORDER BY next_at LIMIT ?`, Pending, Sending, Accepted, dueBefore, Task, limit).Scan(&out).Error
	return out, err
}

// Waiting lists accepted payouts that wait for their owner and were accepted after
// (from, after), the moment and id of the last one seen, and before until.
func (s *Store) Waiting(ctx context.Context, from clock.Instant, after id.ID, until clock.Instant, limit int) ([]Payout, error) {
	var out []Payout
	err := s.db.Read(ctx).Where("state = ? AND wait_user = ? AND rail = ? AND (moved_at > ? OR (moved_at = ? AND id > ?)) AND moved_at < ?",
		Accepted, true, brand.RailTransfer, from, from, after, until).Order("moved_at, id").Limit(limit).Find(&out).Error
	return out, err
}

// Unknown lists payouts in sending since before a moment that nobody was told of yet,
// oldest first.
func (s *Store) Unknown(ctx context.Context, since clock.Instant, limit int) ([]Payout, error) {
	var out []Payout
	err := s.db.Read(ctx).Where("state = ? AND moved_at < ? AND review = ?", Sending, since, false).Order("moved_at").Limit(limit).Find(&out).Error
	return out, err
}

// MarkUnknown marks a payout of Unknown for a person, unless it has moved meanwhile.
func (s *Store) MarkUnknown(ctx context.Context, payoutID id.ID, reason string) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&Payout{}).Where("id = ? AND state = ?", payoutID, Sending).
			Updates(map[string]any{"review": true, "reason": cut(reason, 300)}).Error
	})
}
