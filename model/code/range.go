package code

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/code/token"
	"siyu/model/fault"
	"siyu/model/id"
)

const (
	// grace is how far in the past "now" may lie: the way from a person's finger, and
	// clocks that differ.
	grace = time.Minute
	// horizon bounds how far ahead a change can be planned; a later date is a typing
	// mistake.
	horizon = 10 * 365 * 24 * time.Hour
)

// SetRange declares a state of serials, now (EffectiveAt 0) or at a time. What is a
// mistake is refused: serials outside the batch, a moment in the past, activating
// what is void by then, lifting a recall without saying why, and a declaration that
// changes no code at any moment. Whether codes to be revoked were used is for the caller
// to look at: scans and claims are above this package.
// Faults: Invalid range_state, range_bounds, range_reason, range_time; NotFound
// batch_unknown; Conflict range_voided, range_recalled (Detail from_serial,
// until_serial), range_recalled_before, range_nothing; Exhausted ranges_full.
func (s *Store) SetRange(ctx context.Context, r Range) (Range, error) {
	b, err := s.Batch(ctx, r.BatchID)
	if err != nil {
		return Range{}, err
	}
	now := s.db.Now()
	if err := r.clean(b, now); err != nil {
		return Range{}, err
	}
	r.ID, r.CreatedAt = s.db.NewID(), now
	err = s.change(ctx, func(tx *gorm.DB) error {
		var rows []Range
		if err := tx.Where("batch_id = ?", b.ID).Order("seq").Find(&rows).Error; err != nil {
			return err
		}
		// Somebody who declares at the same time takes the same number: one of the two
		// is refused as a duplicate, looks again and judges by what the other did.
		r.Seq = int64(len(rows)) + 1
		if err := r.allowed(rows); err != nil {
			return err
		}
		return tx.Create(&r).Error
	})
	if err != nil {
		return Range{}, fmt.Errorf("code: set range: %w", err)
	}
	return r, nil
}

// Effect is what a declaration would do.
type Effect struct {
	Codes   int64            `json:"codes"`   // serials it names
	Changes int64            `json:"changes"` // of these, how many change their state at EffectiveAt
	From    map[string]int64 `json:"from"`    // of those, by the state they leave
	At      clock.Instant    `json:"at"`
}

// Effect tells what SetRange would do, and refuses what it would refuse; a missing reason
// is not asked for yet.
func (s *Store) Effect(ctx context.Context, r Range) (Effect, error) {
	b, err := s.Batch(ctx, r.BatchID)
	if err != nil {
		return Effect{}, err
	}
	if strings.TrimSpace(r.Reason) == "" {
		r.Reason = "-"
	}
	if err := r.clean(b, s.db.Now()); err != nil {
		return Effect{}, err
	}
	rows, err := s.Ranges(ctx, b.ID)
	if err != nil {
		return Effect{}, err
	}
	r.Seq = int64(len(rows)) + 1
	if err := r.allowed(rows); err != nil {
		return Effect{}, err
	}
	e := Effect{Codes: r.Until - r.From, At: r.EffectiveAt}
	e.From = compile(rows).effect(compile(append(rows, r)), r.From, r.Until, r.EffectiveAt)
	for _, n := range e.From {
		e.Changes += n
	}
	return e, nil
}

// clean checks the declaration by itself.
func (r *Range) clean(b Batch, now clock.Instant) error {
	if r.State != Activated && r.State != Revoked && r.State != Recalled && r.State != Voided {
		return fault.NewInvalid("range_state", "状态应为激活 (activated)、撤销激活 (revoked)、召回 (recalled) 或作废 (voided)")
	}
	if r.State == Revoked && r.EffectiveAt != 0 {
		return fault.NewInvalid("range_time", "撤销激活立即生效，不能定时")
	}
	if r.From < 1 || r.Until <= r.From || r.Until > b.Count+1 {
		return fault.Invalidf("range_bounds", "序号范围不对，本批次的序号为 1 到 %d", b.Count)
	}
	r.Reason = strings.TrimSpace(r.Reason)
	if err := oneLine("range_reason", "原因", r.Reason, maxReason); err != nil {
		return err
	}
	if r.Reason == "" && r.State != Activated {
		return fault.NewInvalid("range_reason", "撤销、召回和作废必须填写原因")
	}
	switch {
	case r.EffectiveAt == 0, r.EffectiveAt < now && now.Sub(r.EffectiveAt) <= grace:
		r.EffectiveAt = now
	case r.EffectiveAt < now:
		return fault.NewInvalid("range_time", "生效时间已经过去，立即生效请留空")
	case r.EffectiveAt.Sub(now) > horizon:
		return fault.NewInvalid("range_time", "生效时间太远，最多十年以后")
	}
	return nil
}

// allowed judges the declaration by those made before it.
func (r *Range) allowed(rows []Range) error {
	if len(rows) >= MaxRanges {
		return fault.New(fault.Exhausted, "ranges_full", fmt.Sprintf("一个批次最多登记 %d 段状态", MaxRanges))
	}
	before := compile(rows)
	if r.State == Activated {
		for _, span := range before.spans(r.From, r.Until, r.EffectiveAt) {
			refuse := func(code, text string) error {
				return fault.New(fault.Conflict, code, fmt.Sprintf(text, span.From, span.Until-1)).
					With("from_serial", span.From).With("until_serial", span.Until)
			}
			switch {
			case span.State == Voided:
				return refuse("range_voided", "序号 %d 到 %d 届时已作废，作废的码不能再激活，请分段操作")
			case span.State == Recalled && r.Reason == "":
				return refuse("range_recalled", "序号 %d 到 %d 届时已召回，要解除召回请填写原因，否则请分段操作")
			}
		}
	}
	if r.State == Revoked {
		for _, old := range rows {
			// An activation that lifted a recall must not leave goods as if there had been none.
			if old.State == Recalled && old.From < r.Until && r.From < old.Until {
				return fault.New(fault.Conflict, "range_recalled_before", fmt.Sprintf("序号 %d 到 %d 曾被召回，不能撤销激活；需要停用请再次召回", max(old.From, r.From), min(old.Until, r.Until)-1)).
					With("from_serial", max(old.From, r.From)).With("until_serial", min(old.Until, r.Until))
			}
		}
	}
	if compile(append(rows[:len(rows):len(rows)], *r)).sameStates(before) {
		return fault.New(fault.Conflict, "range_nothing", "这些码的状态不会有任何变化，无需重复操作")
	}
	return nil
}

// Ranges lists what was declared of a batch, in the order of declaration.
// Fault: NotFound batch_unknown.
func (s *Store) Ranges(ctx context.Context, batchID id.ID) ([]Range, error) {
	if _, err := s.Batch(ctx, batchID); err != nil {
		return nil, err
	}
	rows := []Range{}
	if err := s.db.Read(ctx).Where("batch_id = ?", batchID).Order("seq").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("code: ranges: %w", err)
	}
	return rows, nil
}

// States cuts a batch by the state its serials are in at a moment.
// Fault: NotFound batch_unknown.
func (s *Store) States(ctx context.Context, batchID id.ID, at clock.Instant) ([]Span, error) {
	b, err := s.Batch(ctx, batchID)
	if err != nil {
		return nil, err
	}
	rows, err := s.Ranges(ctx, batchID)
	if err != nil {
		return nil, err
	}
	return compile(rows).spans(1, b.Count+1, at), nil
}

// Counts tells how many codes of a batch are in which state now, from memory; a batch this
// process has not loaded yet has none.
func (s *Store) Counts(batchID id.ID) map[string]int64 {
	out := map[string]int64{}
	if snap := s.snap.Load(); snap != nil && snap.batches[batchID] != nil {
		b := snap.batches[batchID]
		for _, span := range b.plan.spans(1, b.Count+1, s.db.Now()) {
			out[span.State] += span.Until - span.From
		}
	}
	return out
}

// VoidedBatches lists the batches of which something became void in [from, until].
func (s *Store) VoidedBatches(ctx context.Context, from, until clock.Instant) ([]id.ID, error) {
	list := []id.ID{}
	err := s.db.Read(ctx).Raw("SELECT DISTINCT batch_id FROM code_range WHERE state = ? AND effective_at >= ? AND effective_at <= ? ORDER BY batch_id", Voided, from, until).Scan(&list).Error
	if err != nil {
		return nil, fmt.Errorf("code: void batches: %w", err)
	}
	return list, nil
}

// TokenOf returns the token of one serial, from memory.
// Faults: NotFound serial_unknown; Unavailable starting.
func (s *Store) TokenOf(batchID id.ID, serial int64) (string, error) {
	snap, err := s.current()
	if err != nil {
		return "", err
	}
	if serial > 0 {
		if t, ok := snap.ring.Issue(int64(batchID), uint64(serial)); ok {
			return string(t), nil
		}
	}
	return "", fault.New(fault.NotFound, "serial_unknown", "没有这个序号的码")
}

// EachToken calls fn with every token of the serials [from, until), in order. The
// token is valid during the call only. It stops at fn's error and when ctx ends, and
// allocates nothing per code.
// Faults: NotFound batch_unknown; Invalid range_bounds; what fn returns.
func (s *Store) EachToken(ctx context.Context, batchID id.ID, from, until int64, fn func(serial int64, token []byte) error) error {
	snap, b, err := s.batch(ctx, batchID)
	if err != nil {
		return err
	}
	if from < 1 || until < from || until > b.Count+1 {
		return fault.Invalidf("range_bounds", "序号范围不对，本批次的序号为 1 到 %d", b.Count)
	}
	k := snap.keys[b.Slot].secret
	buf := make([]byte, 0, runSize*token.Size)
	for from < until {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		n := min(runSize, until-from)
		buf = k.AppendRun(buf[:0], uint64(b.FromPosition+from-1), int(n))
		for text := buf; len(text) > 0; text = text[token.Size:] {
			if err := fn(from, text[:token.Size:token.Size]); err != nil {
				return err
			}
			from++
		}
	}
	return nil
}

// runSize is how many tokens are made at a time: enough for AppendRun to pay.
const runSize = 256
