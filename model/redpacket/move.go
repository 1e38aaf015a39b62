package redpacket

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fail"
	"siyu/model/id"
	"siyu/model/ledger"
)

// step is one Begin or Apply on its way through a merged transaction (db.Merger).
type step struct {
	payout id.ID
	begin  bool // else apply
	answer Answer
	next   clock.Instant

	// The outcome.
	p     Payout // the row as it was committed
	moved bool   // begun by this very step
	err   error
}

func (s *Store) submit(ctx context.Context, st *step) error {
	if err := s.steps.Do(ctx, st); err != nil {
		return err // st may still be written: it must not be read
	}
	return st.err
}

// move commits steps together. Steps of one payout follow each other as they came; each
// is the same guarded update that it would be alone, and sees what those before it did.
func (s *Store) move(ctx context.Context, batch []*step) {
	// One order everywhere, so that two processes cannot wait for each other.
	slices.SortStableFunc(batch, func(a, b *step) int { return cmp.Compare(a.payout, b.payout) })
	db.Together(batch, func(batch []*step) error {
		return s.db.InFreshTx(ctx, func(tx *gorm.DB) error { return s.moveTx(ctx, tx, batch) })
	}, func(st *step, err error) { st.err = err })
}

func (s *Store) moveTx(ctx context.Context, tx *gorm.DB, batch []*step) error {
	before, err := rowsTx(tx, batch)
	if err != nil {
		return err
	}
	var entries []ledger.Entry
	var over []id.ID
	for _, st := range batch {
		st.moved, st.err = false, nil // the transaction may run again
		p, found := before[st.payout]
		if !found {
			st.err = errNotFound
			continue
		}
		if st.begin {
			st.moved, err = s.beginTx(ctx, tx, p.ID)
		} else if st.moved, err = s.applyTx(ctx, tx, p, st.answer, st.next); st.moved {
			var e []ledger.Entry
			if e, err = s.endTx(ctx, tx, p, st.answer.Out); final(st.answer.Out) {
				entries, over = append(entries, e...), append(over, p.ID)
			}
		}
		if err != nil {
			return err
		}
	}
	if err := s.ledger.PostTx(ctx, tx, entries...); err != nil {
		return err
	}
	if err := s.out.EndAllTx(ctx, tx, Task, over); err != nil {
		return err
	}
	after, err := rowsTx(tx, batch)
	for _, st := range batch {
		st.p = after[st.payout]
	}
	return err
}

func rowsTx(tx *gorm.DB, batch []*step) (map[id.ID]Payout, error) {
	ids := make([]id.ID, 0, len(batch))
	for _, st := range batch {
		ids = append(ids, st.payout)
	}
	var list []Payout
	if err := tx.Where("id IN ?", ids).Find(&list).Error; err != nil {
		return nil, err
	}
	out := make(map[id.ID]Payout, len(list))
	for _, p := range list {
		out[p.ID] = p
	}
	return out, nil
}

// beginTx moves a pending payout to sending, guarded, and counts the attempt.
func (s *Store) beginTx(ctx context.Context, tx *gorm.DB, payoutID id.ID) (moved bool, err error) {
	from := []any{Pending}
	if fail.Broken("guard") { // sends whatever happened before, without asking
		from = []any{Pending, Sending, Accepted}
	}
	moved, err = changed(ctx, tx, "UPDATE payout SET state = ?, moved_at = ?, attempts = attempts + 1 WHERE id = ? AND state IN "+db.Marks(len(from)),
		append([]any{Sending, s.db.Now(), payoutID}, from...)...)
	if err != nil || moved {
		return moved, err
	}
	_, err = changed(ctx, tx, "UPDATE payout SET attempts = attempts + 1 WHERE id = ? AND state IN (?, ?)", payoutID, Sending, Accepted)
	return false, err
}

// applyTx moves a payout as an answer says, or keeps what else it says.
func (s *Store) applyTx(ctx context.Context, tx *gorm.DB, p Payout, a Answer, next clock.Instant) (moved bool, err error) {
	if a.AmountFen != 0 && a.AmountFen != p.AmountFen {
		a = Answer{Out: OutHold, Code: "AMOUNT_MISMATCH", Reason: "微信返回的金额 " + a.AmountFen.Yuan() + " 元与打款单不符"}
	}
	from, moves := forward[a.Out]
	if !moves {
		return false, s.noteTx(tx, p.ID, a, next)
	}
	now := s.db.Now()
	set, args := "finished_at = ?, next_at = 0, package_info = ''", []any{now}
	if a.Out == OutAccepted {
		set, args = "wait_user = ?, next_at = ?, package_info = ?", []any{a.WaitUser, next, a.Package}
	}
	args = append([]any{a.Out, now, cut(a.Code, 64), cut(a.Reason, 300), false, cut(a.WechatNo, 64)}, args...)
	args = append(args, p.ID)
	if fail.Broken("twice") { // what is heard again happens again
		from = append([]string{a.Out}, from...)
	}
	for _, state := range from {
		args = append(args, state)
	}
	moved, err = changed(ctx, tx, "UPDATE payout SET state = ?, moved_at = ?, code = ?, reason = ?, review = ?, wechat_no = COALESCE(NULLIF(?, ''), wechat_no), "+
		set+" WHERE id = ? AND state IN "+db.Marks(len(from)), args...)
	if err != nil || moved {
		return moved, err
	}
	return false, s.lateTx(tx, p.ID, a, next)
}

func changed(ctx context.Context, tx *gorm.DB, stmt string, args ...any) (bool, error) {
	r, err := db.Exec(ctx, tx, stmt, args...)
	if err != nil {
		return false, fmt.Errorf("redpacket: move: %w", err)
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

func final(out string) bool { return out == OutSettled || out == OutReturned || out == OutFailed }

// endTx is how the end of a payout is booked: by what its purpose's owner does, or by an
// entry that is posted with those of the other payouts.
func (s *Store) endTx(ctx context.Context, tx *gorm.DB, p Payout, out string) ([]ledger.Entry, error) {
	if !final(out) {
		return nil, nil
	}
	if p.Purpose == ForClaim {
		return []ledger.Entry{s.entry(p, out)}, nil
	}
	end := s.ends[p.Purpose]
	if end == nil {
		return nil, fmt.Errorf("redpacket: nobody books the end of a payout for %q", p.Purpose)
	}
	return nil, end(ctx, tx, p, out)
}

// entry is how the end of a claim's payout is booked.
func (s *Store) entry(p Payout, out string) ledger.Entry {
	key := "payout:" + p.ID.String() + ":end"
	if fail.Broken("twice") { // a key of the attempt, not of the fact
		key += ":" + s.db.NewID().String()
	}
	e := ledger.Entry{Key: key, Unit: ledger.Fen, Debit: ledger.Account{Kind: ledger.Promised, Owner: p.CampaignID}, Amount: int64(p.AmountFen)}
	switch out {
	case OutSettled:
		e.Credit, e.Memo = ledger.Account{Kind: ledger.Paid, Owner: p.CampaignID}, "红包已到账 "+p.BillNo
	case OutReturned:
		e.Credit, e.Memo = ledger.Account{Kind: ledger.Funds, Owner: p.BrandID}, "红包未领退回，预算释放 "+p.BillNo
	default:
		e.Credit, e.Memo = ledger.Account{Kind: ledger.Funds, Owner: p.BrandID}, "红包发放失败，预算释放 "+p.BillNo
	}
	return e
}
