package push

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fail"
	"siyu/model/fault"
	"siyu/model/holdout"
	"siyu/model/id"
	"siyu/model/reach"
)

const (
	maxLanes  = 8    // of one push: so many workers send at once, at most
	lanePeers = 500  // people for whom a lane more is worth it
	freezeRow = 1000 // deliveries of one commit
	// grown is by how much an audience may have grown since it was approved or scheduled, in
	// percent; grownFew is how many more are no matter in one that was only scheduled.
	grown    = 120
	grownFew = 10
	// bestWithin is how far ahead a member's best hour may be.
	bestWithin = 24 * time.Hour
)

// errOvertaken ends a freezing that another worker does, or that nobody wants any more.
var errOvertaken = errors.New("push: another worker writes the audience down, or nobody does any more")

// dead is how long a freezing may be silent before another worker begins anew; each part
// that it writes says that it is alive.
const dead = 30 * time.Second

// Freeze writes the audience of a running push down and hands it to the lanes. It begins
// anew whenever one before it did not end: an audience of two moments would be none.
// Nobody is sent anything before it is whole. again: another worker is at it, look later.
func (s *Store) Freeze(ctx context.Context, pushID id.ID) (again time.Duration, err error) {
	p, err := s.Get(ctx, pushID)
	if err != nil || p.State != Running || p.FrozenAt != 0 {
		return 0, err
	}
	silent := s.DB.Now().Sub(p.MovedAt)
	if p.People > 0 && silent < fail.Pace(dead) {
		return fail.Pace(dead), nil
	}
	if silent > missedAfter {
		err = s.miss(ctx, p)
	} else {
		err = s.freeze(ctx, p)
	}
	if errors.Is(err, errChanged) { // by another worker, or by somebody who pauses: it says nothing of the audience
		err = errOvertaken
	}
	if f := new(fault.Fault); errors.As(err, &f) && f.Kind != fault.Unavailable && f.Kind != fault.Internal { // a segment that was retired, an account that is gone
		_, err = s.change(ctx, pushID, func(_ *gorm.DB, p Push) (map[string]any, error) {
			if p.State != Running || p.FrozenAt != 0 {
				return nil, nil
			}
			return map[string]any{"state": Missed, "note": f.Text}, nil
		})
	}
	if errors.Is(err, errOvertaken) { // it may die, too
		return fail.Pace(dead), nil
	}
	return 0, err
}

// miss puts a push before a person that began and whose audience nobody wrote down since, for
// want of a worker: it would go out at an hour that nobody chose.
func (s *Store) miss(ctx context.Context, seen Push) error {
	_, err := s.change(ctx, seen.ID, func(_ *gorm.DB, p Push) (map[string]any, error) {
		switch {
		case p.State != Running || p.FrozenAt != 0:
			return nil, nil
		case p.Version != seen.Version: // somebody has just begun to write it down, and may die of it
			return nil, errOvertaken
		}
		return map[string]any{"state": Missed, "note": noteLate.With("at", p.MovedAt.Local(), "n", int(s.DB.Now().Sub(p.MovedAt).Minutes()))}, nil
	})
	return err
}

func (s *Store) freeze(ctx context.Context, p Push) error {
	if err := s.CheckUses(ctx, p.Form); err != nil {
		return err
	}
	settings, err := s.Controls.Of(ctx, p.BrandID)
	if err != nil {
		return err
	}
	split := p.split(settings)
	if err := split.Check(); err != nil {
		return err
	}
	text, err := json.Marshal(split)
	if err != nil {
		return err
	}
	frozen, err := s.Audience.Freeze(ctx, p)
	if err != nil {
		return err
	}
	moved := ""
	if p.Approved || p.Planned {
		if moved, err = s.moved(ctx, p, frozen); err != nil {
			return err
		}
	}
	told := frozen.Sentence
	if r := []rune(told); len(r) > 390 {
		told = string(r[:390]) + "…"
	}
	// Whoever counts the attempt up has it; the rows of an earlier one go.
	p, err = s.change(ctx, p.ID, func(_ *gorm.DB, now Push) (map[string]any, error) {
		if now.State != Running || now.FrozenAt != 0 || now.FreezeNo != p.FreezeNo {
			return nil, errOvertaken
		}
		return map[string]any{"freeze_no": now.FreezeNo + 1, "people": 0, "holdout": string(text), "segment_version": frozen.Version, "as_of": frozen.AsOf, "why": p.Why, "told": told, "profiled": frozen.Profiled}, nil
	})
	if err != nil {
		return err
	}
	if err := s.forget(ctx, p); err != nil {
		return err
	}
	w := &writer{Store: s, push: p, moved: moved, split: split, lanes: p.lanes(), tally: tally{}}
	err = frozen.Each(func(people []id.ID) error {
		for len(people) > 0 {
			part := people[:min(len(people), freezeRow)]
			if people = people[len(part):]; len(part) > 0 {
				if err := w.write(ctx, part); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.finish(ctx)
}

// lanes is how many workers send a push at once. Where one call reaches many, one does:
// others would only make more calls.
func (p Push) lanes() int {
	if p.grouped() {
		return 1
	}
	return int(min(maxLanes, 1+p.Expected/lanePeers))
}

// grouped says whether any of its ways reaches many by one call.
func (p Push) grouped() bool {
	return slices.ContainsFunc(p.Uses, func(u reach.Use) bool { return Grouped(u.Channel) })
}

// forget deletes the rows of an attempt that did not end. The push's row is held meanwhile:
// who was overtaken would delete what the other has just written.
func (s *Store) forget(ctx context.Context, p Push) error {
	for {
		var ids []id.ID
		if err := s.DB.Read(ctx).Raw("SELECT id FROM push_delivery WHERE run_id = ? LIMIT ?", p.ID, freezeRow).Scan(&ids).Error; err != nil {
			return fmt.Errorf("push: forget: %w", err)
		}
		if len(ids) == 0 {
			return nil
		}
		err := s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
			var mine []id.ID
			err := tx.Raw("SELECT id FROM push WHERE id = ? AND state = ? AND frozen_at = 0 AND freeze_no = ?"+s.lock(), p.ID, Running, p.FreezeNo).Scan(&mine).Error
			if err != nil {
				return err
			}
			if len(mine) == 0 {
				return errOvertaken
			}
			return tx.Exec("DELETE FROM push_delivery WHERE id IN ?", ids).Error
		})
		if err != nil {
			return fmt.Errorf("push: forget: %w", err)
		}
	}
}

// writer writes an audience down.
type writer struct {
	*Store
	push  Push
	moved string // what changed since somebody agreed to it or scheduled it, zh-CN
	split holdout.Split
	lanes int
	n     int64
	tally tally
}

// write adds some people. The push's row is updated first: a freezing that was overtaken,
// stopped or paused writes nothing more.
func (w *writer) write(ctx context.Context, people []id.ID) error {
	p := w.push
	due, err := w.dueTimes(ctx, people)
	if err != nil {
		return err
	}
	arms := map[string]int{}
	for i, a := range p.Arms {
		arms[a.Name] = i
	}
	now := w.DB.Now()
	var kept tally
	var inserted int64
	err = w.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		kept = tally{}
		rows := db.NewRows("push_delivery", "id, run_id, member_id, lane, arm, state, reason, channel, use_no, code, tries, take_id, ticket_id, due_at, first_at, moved_at")
		r := tx.Exec("UPDATE push SET people = people + ?, moved_at = ? WHERE id = ? AND state = ? AND frozen_at = 0 AND freeze_no = ?", len(people), now, p.ID, Running, p.FreezeNo)
		if r.Error != nil {
			return r.Error
		}
		if r.RowsAffected != 1 {
			return errOvertaken
		}
		for i, memberID := range people {
			lane := int((w.n + int64(i)) % int64(w.lanes))
			universal, name := holdout.Arm(w.split, p.ID, memberID)
			arm, state, reason := arms[name], Waiting, ""
			switch {
			case universal:
				arm, state, reason = ArmUniversal, Held, "universal"
			case name == holdout.Held:
				arm, state, reason = ArmHeld, Held, "held"
			}
			at := now
			if d, there := due[memberID]; there {
				at = d
			}
			deliveryID := w.DB.NewID()
			rows.Add(deliveryID, p.ID, memberID, lane, arm, state, reason, "", -1, "", 0, deliveryID, 0, at, 0, now)
			kept.add(spot{p.ID, lane, arm, state, "", reason}, 1)
		}
		var err error
		inserted, err = rows.Insert(ctx, tx, "")
		return err
	})
	if err != nil {
		return fmt.Errorf("push: freeze: %w", err)
	}
	w.n += inserted
	w.tally.join(kept)
	return nil
}

// dueTimes are the best hours of those who have one, from now on.
func (w *writer) dueTimes(ctx context.Context, people []id.ID) (map[id.ID]clock.Instant, error) {
	if w.push.Timing != Best {
		return nil, nil
	}
	hours, err := w.Hours.Best(ctx, people)
	if err != nil {
		return nil, err
	}
	now := w.push.StartedAt
	out := map[id.ID]clock.Instant{}
	for memberID, hour := range hours {
		out[memberID] = nextHour(now, hour)
	}
	return out, nil
}

// nextHour is the first moment from now on in an hour of the day.
func nextHour(now clock.Instant, hour int) clock.Instant {
	midnight, _ := clock.DayOf(now).Bounds()
	at := midnight.Add(time.Duration(hour) * time.Hour)
	if at.Add(time.Hour) <= now {
		at = at.Add(bestWithin)
	}
	return max(at, now)
}

// finish opens the lanes, or puts the push before a person when it is not what somebody
// agreed to, or ends it when there is nobody.
func (w *writer) finish(ctx context.Context) error {
	policy, err := w.Policy(ctx, w.push.BrandID)
	if err != nil {
		return err
	}
	set := map[string]any{}
	_, err = w.change(ctx, w.push.ID, func(tx *gorm.DB, p Push) (map[string]any, error) {
		if p.State != Running || p.FrozenAt != 0 || p.FreezeNo != w.push.FreezeNo {
			return nil, errOvertaken
		}
		now := w.DB.Now()
		switch {
		case p.People == 0:
			return map[string]any{"state": Done, "frozen_at": now, "finished_at": now, "note": noteEmpty.With()}, nil
		case p.Approved && w.moved != "":
			// Nobody agreed to this audience. It goes on if nobody has to.
			besides, err := besidesTx(tx, p)
			if err != nil {
				return nil, err
			}
			if p.Purpose == reach.Service || max(p.People, p.Expected)+besides > policy.limitFor(p.StartedBy) {
				return map[string]any{"state": Missed, "approved": false, "note": noteMoved.With("what", w.moved)}, nil
			}
			if set["approved"] = false; p.Planned { // but nobody knows of it
				return map[string]any{"state": Missed, "approved": false, "note": p.planMoved(w.moved)}, nil
			}
		case p.Approved && p.People > p.Expected*grown/100:
			return map[string]any{"state": Missed, "approved": false, "note": noteGrown.With("now", p.People, "then", p.Expected)}, nil
		case p.Planned && !p.Approved && w.moved != "":
			return map[string]any{"state": Missed, "note": p.planMoved(w.moved)}, nil
		case !p.Approved:
			limit := policy.limitFor(p.StartedBy)
			besides, err := besidesTx(tx, p)
			if err != nil {
				return nil, err
			}
			if p.People+besides > limit {
				return map[string]any{"state": Missed, "note": noteTooMany.With("now", p.People, "besides", besides, "limit", limit)}, nil
			}
			if p.Planned && p.outgrown() {
				return map[string]any{"state": Missed, "note": notePlanGrown.With("now", p.People, "then", p.Expected)}, nil
			}
		}
		if err := tx.Exec("DELETE FROM push_tally WHERE run_id = ?", p.ID).Error; err != nil {
			return nil, err
		}
		if err := w.tally.writeTx(ctx, tx); err != nil {
			return nil, err
		}
		set["frozen_at"] = now
		return set, w.openTx(ctx, tx, p.ID, p.ID, w.lanes)
	})
	if err == nil {
		w.Outbox.Nudge()
	}
	return err
}

// outgrown says whether an audience that nobody agreed to is so much larger than when it was
// scheduled that somebody must look again: by a fifth, and by more than a few people. Of one
// that was empty then nothing was expected: whoever scheduled it was told so.
func (p Push) outgrown() bool {
	return p.Expected > 0 && p.People > max(p.Expected*grown/100, p.Expected+grownFew)
}

// planMoved says of a push that began by itself what is not as it was when it was scheduled.
func (p Push) planMoved(what string) string {
	return notePlanMoved.With("what", what, "now", p.People, "then", p.Expected)
}

// openTx makes the lanes of a run and wakes them.
func (s *Store) openTx(ctx context.Context, tx *gorm.DB, pushID, runID id.ID, lanes int) error {
	rows := db.NewRows("push_lane", "id, push_id, run_id, lane, done_at")
	ids := make([]id.ID, lanes)
	for i := range ids {
		ids[i] = s.DB.NewID()
		rows.Add(ids[i], pushID, runID, i, 0)
	}
	if _, err := rows.Insert(ctx, tx, ""); err != nil {
		return err
	}
	return s.Outbox.PutAllTx(ctx, tx, TaskSend, ids)
}
