package push

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/fail"
	"siyu/model/id"
	"siyu/model/reach"
)

// repeat is the reason of a delivery that waits to be repeated under its old key.
const repeat = "repeat"

// recover ends deliveries that were being sent when their worker died: nobody knows whether
// they arrived. Where WeChat drops repetitions under a key, and still knows it, they wait
// to be repeated, unless their push was stopped. A call that reaches many is repeated now, by itself and with all who were
// in it (again): a part of them under its key would count as the whole.
func (s *Store) recover(ctx context.Context, r Run) (again []Parcel, err error) {
	var stale []id.ID
	before := s.DB.Now().Add(-fail.Pace(staleTime))
	err = s.DB.Read(ctx).Raw("SELECT id FROM push_delivery WHERE run_id = ? AND lane = ? AND state = ? AND moved_at < ? LIMIT ?", r.RunID, r.Lane.Lane, Sending, before, waveRows).Scan(&stale).Error
	if err != nil || len(stale) == 0 {
		return nil, err
	}
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		var rows []row
		err := tx.Raw("SELECT "+rowColumns+" FROM push_delivery WHERE id IN ? AND state = ? AND moved_at < ? ORDER BY id"+s.lock(), stale, Sending, before).Scan(&rows).Error
		if err != nil {
			return err
		}
		m := moves{run: r, now: s.DB.Now()}
		callID := id.ID(0)
		for _, d := range rows {
			known := m.now.Sub(d.FirstAt) < fail.Pace(keyTime)
			switch {
			case known && repeats(d.Channel) && r.Push.State != Stopped:
				m.repeat(d, "", 0)
			case known && d.many() && r.on() && (r.Test() || m.now < r.Push.GiveUpAt):
				callID = d.CallID // the others' turn comes
			default:
				if err := s.loseTx(ctx, tx, &m, d, ""); err != nil {
					return err
				}
			}
		}
		if again, err = s.callAgainTx(ctx, tx, &m, callID); err != nil {
			return err
		}
		return m.writeTx(ctx, tx)
	})
	if err != nil {
		return nil, fmt.Errorf("push: recover: %w", err)
	}
	return again, nil
}

// callAgainTx takes all who went with a call, and of whom nobody knows whether they did.
func (s *Store) callAgainTx(ctx context.Context, tx *gorm.DB, m *moves, callID id.ID) ([]Parcel, error) {
	if callID == 0 {
		return nil, nil
	}
	var rows []row
	err := tx.Raw("SELECT "+rowColumns+" FROM push_delivery WHERE run_id = ? AND lane = ? AND state = ? AND channel = ? AND call_id = ? ORDER BY id"+s.lock(), m.run.RunID, m.run.Lane.Lane, Sending, reach.Mass, callID).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	seats := make([]reach.Seat, len(rows))
	for i, d := range rows {
		seats[i] = reach.Seat{MemberID: d.MemberID, DeliveryID: d.TakeID}
	}
	taken, err := s.Reach.TakeManyTx(ctx, tx, m.run.ask(m.now), seats) // the tickets that they have
	if err != nil {
		return nil, err
	}
	var again []Parcel
	for i, d := range rows {
		t := taken[i].Ticket
		if t.ID != d.TicketID || t.State != reach.Reserved {
			m.end(d, Unknown, "", "")
			continue
		}
		m.hold(d)
		again = append(again, d.parcel(t, callID, true))
	}
	return again, nil
}

// loseTx ends a delivery of which nobody knows whether it arrived.
func (s *Store) loseTx(ctx context.Context, tx *gorm.DB, m *moves, d row, code string) error {
	if fail.Broken("again") { // sent once more instead
		m.again(d, d.TakeID, code, 0)
		return nil
	}
	m.end(d, Unknown, "", code)
	return s.Reach.EndTx(ctx, tx, d.TicketID, reach.Unknown, code)
}

// idle says when to look again, or ends the lane, and with the last one the push.
func (s *Store) idle(ctx context.Context, r Run) (Wave, error) {
	wait, over, err := s.rest(s.DB.Read(ctx), r)
	if err != nil || !over {
		return Wave{On: true, Wait: wait}, err
	}
	now := s.DB.Now()
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		// The push first: two lanes that end at once would each see the other open.
		if err := tx.Exec("UPDATE push SET moved_at = ? WHERE id = ?", now, r.PushID).Error; err != nil {
			return err
		}
		if wait, over, err = s.rest(tx, r); err != nil || !over {
			return err
		}
		if err := tx.Exec("UPDATE push_lane SET done_at = ? WHERE id = ? AND done_at = 0", now, r.ID).Error; err != nil || r.Test() {
			return err
		}
		return tx.Exec("UPDATE push SET state = ?, finished_at = ?, version = version + 1 WHERE id = ? AND state IN (?, ?) AND frozen_at > 0 AND NOT EXISTS (SELECT 1 FROM push_lane l WHERE l.run_id = ? AND l.done_at = 0)",
			Done, now, r.PushID, Running, Paused, r.PushID).Error // who pauses just now has nothing left to go on with
	})
	if err != nil {
		return Wave{}, fmt.Errorf("push: end of lane: %w", err)
	}
	if !over { // another worker of this lane gave a copy back just then
		return Wave{On: true, Wait: wait}, nil
	}
	return Wave{}, nil
}

// rest tells whether a lane has nothing left, or how long it need not be looked at. One
// statement looks for both: between two, a copy that is given back would be seen by neither.
func (s *Store) rest(q *gorm.DB, r Run) (wait time.Duration, over bool, err error) {
	const of = "FROM push_delivery WHERE run_id = ? AND lane = ? AND state = ?"
	var left struct{ Next, Moving *clock.Instant }
	err = q.Raw("SELECT (SELECT due_at "+of+" ORDER BY due_at LIMIT 1) AS next, (SELECT moved_at "+of+" LIMIT 1) AS moving",
		r.RunID, r.Lane.Lane, Waiting, r.RunID, r.Lane.Lane, Sending).Scan(&left).Error
	if err != nil {
		return 0, false, fmt.Errorf("push: rest: %w", err)
	}
	wait = 10 * time.Minute // a pause, a stop and another's death are looked for now and then
	if left.Next != nil {
		wait = min(wait, left.Next.Sub(s.DB.Now()))
	}
	if left.Moving != nil {
		wait = min(wait, fail.Pace(staleTime)/4)
	}
	return max(wait, 100*time.Millisecond), left.Next == nil && left.Moving == nil, nil
}

// Tidy recovers deliveries of pushes that do not run any more, and ends the lanes of
// those that were stopped. Of those that were stopped while their audience was being written
// down nothing stays of it. A lane that cannot be tidied keeps none of the others from it.
func (s *Store) Tidy(ctx context.Context) error {
	var open []id.ID
	err := s.DB.Read(ctx).Raw("SELECT l.id FROM push_lane l JOIN push p ON p.id = l.push_id WHERE l.done_at = 0 AND l.run_id = p.id AND p.state IN ? ORDER BY l.id LIMIT 500", []string{Paused, Stopped}).Scan(&open).Error
	if err != nil {
		return fmt.Errorf("push: tidy: %w", err)
	}
	for _, laneID := range open {
		if e := s.tidyLane(ctx, laneID); e != nil {
			err = errors.Join(err, fmt.Errorf("push: tidy %d: %w", laneID, e))
		}
	}
	return errors.Join(err, s.unlist(ctx))
}

func (s *Store) tidyLane(ctx context.Context, laneID id.ID) error {
	r, err := s.Open(ctx, laneID)
	if err == nil {
		_, err = s.recover(ctx, r) // nothing is repeated of what does not run
	}
	if err != nil || r.Push.State != Stopped {
		return err
	}
	for more := true; more; {
		if more, err = s.abandon(ctx, r); err != nil {
			return err
		}
	}
	return s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		const left = "SELECT 1 FROM push_delivery d WHERE d.run_id = ? AND d.lane = ? AND "
		return tx.Exec("UPDATE push_lane SET done_at = ? WHERE id = ? AND done_at = 0 AND NOT EXISTS ("+left+"d.state = ?) AND NOT EXISTS ("+left+"d.state = ? AND d.reason = ?)",
			s.DB.Now(), laneID, r.RunID, r.Lane.Lane, Sending, r.RunID, r.Lane.Lane, Waiting, repeat).Error
	})
}

// abandon ends copies of a stopped push that wait to be repeated: nobody will, and nobody
// knows whether they arrived.
func (s *Store) abandon(ctx context.Context, r Run) (more bool, err error) {
	const of = "FROM push_delivery WHERE run_id = ? AND lane = ? AND state = ? AND reason = ?"
	var ids []id.ID
	err = s.DB.Read(ctx).Raw("SELECT id "+of+" ORDER BY id LIMIT ?", r.RunID, r.Lane.Lane, Waiting, repeat, waveRows).Scan(&ids).Error
	if err != nil || len(ids) == 0 {
		return false, err
	}
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		var rows []row
		if err := tx.Raw("SELECT "+rowColumns+" "+of+" AND id IN ? ORDER BY id"+s.lock(), r.RunID, r.Lane.Lane, Waiting, repeat, ids).Scan(&rows).Error; err != nil {
			return err
		}
		m := moves{run: r, now: s.DB.Now()}
		for _, d := range rows {
			if err := s.loseTx(ctx, tx, &m, d, ""); err != nil {
				return err
			}
		}
		return m.writeTx(ctx, tx)
	})
	return len(ids) == waveRows, err
}

// unlist deletes half audiences, in parts: nobody of them was sent anything, or will be.
func (s *Store) unlist(ctx context.Context) error {
	for {
		var ids []id.ID
		err := s.DB.Read(ctx).Raw("SELECT d.id FROM push p JOIN push_delivery d ON d.run_id = p.id WHERE p.state = ? AND p.frozen_at = 0 LIMIT ?", Stopped, freezeRow).Scan(&ids).Error
		if err == nil && len(ids) > 0 {
			err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
				return tx.Exec("DELETE FROM push_delivery WHERE id IN ?", ids).Error
			})
		}
		if err != nil {
			return fmt.Errorf("push: tidy: %w", err)
		}
		if len(ids) == 0 {
			return nil
		}
	}
}
