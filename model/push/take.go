package push

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fail"
	"siyu/model/id"
	"siyu/model/member"
	"siyu/model/reach"
)

// Wave is what one commit reserved.
type Wave struct {
	Parcels []Parcel
	On      bool          // false: the push does not run, or the lane is done
	Wait    time.Duration // nothing is due: look again after it
}

// Take reserves the next copies of a lane, for at most limit calls, in one commit: they are
// in sending then, with their tickets. Who may not be reached ends as skipped with the reason,
// or waits for the moment that the ledger named.
func (s *Store) Take(ctx context.Context, laneID id.ID, limit int) (Run, Wave, error) {
	return s.Next(ctx, laneID, nil, limit)
}

// Next is End for the wave before and Take, in one commit. When there is nothing to take,
// the outcomes are recorded all the same. After an error they may not be: then End does it.
func (s *Store) Next(ctx context.Context, laneID id.ID, done []Outcome, limit int) (Run, Wave, error) {
	r, err := s.Open(ctx, laneID)
	if err != nil {
		return r, Wave{}, err
	}
	w, ended, err := s.next(ctx, r, done, limit)
	if ended || err != nil {
		return r, w, err
	}
	rec, cancel := context.WithTimeout(context.WithoutCancel(ctx), RecordTime(len(done)))
	defer cancel()
	if err := s.End(rec, r, done); err != nil || !r.on() {
		return r, Wave{}, err
	}
	w, err = s.idle(ctx, r)
	return r, w, err
}

// next takes a wave. ended: there was one, and the outcomes were recorded with it.
func (s *Store) next(ctx context.Context, r Run, done []Outcome, limit int) (w Wave, ended bool, err error) {
	if !r.on() {
		return Wave{}, false, nil
	}
	again, err := s.recover(ctx, r)
	if err != nil {
		return Wave{}, false, err
	}
	if len(again) > 0 { // a call by itself
		if err := s.End(ctx, r, done); err != nil {
			return Wave{}, false, err
		}
		return Wave{Parcels: again, On: true}, true, s.address(ctx, r, again)
	}
	now := s.DB.Now()
	var due []dueCopy
	err = s.DB.Read(ctx).Raw("SELECT id, member_id, reason, due_at FROM push_delivery WHERE run_id = ? AND lane = ? AND state = ? AND due_at <= ? ORDER BY due_at LIMIT ?", r.RunID, r.Lane.Lane, Waiting, now, r.wave(limit)).Scan(&due).Error
	if err != nil {
		return Wave{}, false, fmt.Errorf("push: next: %w", err)
	}
	if len(due) == 0 {
		return Wave{}, false, nil
	}
	anew, err := s.bestAnew(ctx, r.Push, due, now)
	if err != nil {
		return Wave{}, false, err
	}
	if err := s.Reach.Prepare(ctx, r.ask(now)); err != nil {
		return Wave{}, false, err
	}
	told := false
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		w = Wave{}
		if told, err = s.endTx(ctx, tx, r, done); err != nil {
			return err
		}
		if w.On, err = s.onTx(tx, r); err != nil || !w.On {
			return err
		}
		w.Parcels, err = s.takeTx(ctx, tx, r, due, anew)
		return err
	})
	if err != nil {
		return Wave{}, false, fmt.Errorf("push: take: %w", err)
	}
	if told {
		s.Outbox.Nudge()
	}
	if err := s.address(ctx, r, w.Parcels); err != nil {
		back := make([]Outcome, len(w.Parcels)) // nothing was sent
		for i, p := range w.Parcels {
			back[i] = Outcome{Parcel: p, Result: NotYet, After: time.Minute}
		}
		_ = s.End(context.WithoutCancel(ctx), r, back) // if this fails, too, they are recovered
		return Wave{}, true, err
	}
	return w, true, nil
}

// onTx looks again, so that a pause holds for every commit after its own.
func (s *Store) onTx(tx *gorm.DB, r Run) (bool, error) {
	if r.Test() {
		return true, nil
	}
	var state string
	err := tx.Raw("SELECT state FROM push WHERE id = ?", r.PushID).Scan(&state).Error
	return state == Running || fail.Broken("stop"), err
}

// lock ends a SELECT whose rows the transaction is about to write.
func (s *Store) lock() string {
	if s.DB.Driver() == db.MySQL {
		return " FOR UPDATE"
	}
	return ""
}

// takeTx reserves what is due. anew are those who wait for their next best hour.
func (s *Store) takeTx(ctx context.Context, tx *gorm.DB, r Run, due []dueCopy, anew map[id.ID]clock.Instant) ([]Parcel, error) {
	ids := make([]id.ID, len(due))
	for i, d := range due {
		ids[i] = d.ID
	}
	slices.Sort(ids)
	var rows []row
	if err := tx.Raw("SELECT "+rowColumns+" FROM push_delivery WHERE id IN ? AND state = ? ORDER BY id"+s.lock(), ids, Waiting).Scan(&rows).Error; err != nil {
		return nil, err
	}
	if len(rows) == 0 { // another worker was faster
		return nil, nil
	}
	twins, beside, err := s.twins(tx, r, rows)
	if err != nil {
		return nil, err
	}
	now := s.DB.Now()
	m := moves{run: r, now: now}
	var asked []row
	var seats []reach.Seat
	for _, d := range rows {
		switch why := s.hopeless(r, d, now); {
		case anew[d.ID] != 0 && d.Reason != repeat && why == "":
			m.later(d, bestHour, anew[d.ID])
		case twins[d.ID] && d.Reason == repeat: // it may have arrived
			err = s.loseTx(ctx, tx, &m, d, "")
		case twins[d.ID]:
			m.end(d, Skipped, samePerson, "")
		case why == repeat: // WeChat has forgotten the key
			err = s.loseTx(ctx, tx, &m, d, "")
		case why != "":
			m.end(d, Skipped, why, "")
			if d.TicketID != 0 {
				err = s.Reach.EndTx(ctx, tx, d.TicketID, reach.Refused, "")
			}
		default:
			asked, seats = append(asked, d), append(seats, reach.Seat{MemberID: d.MemberID, DeliveryID: d.TakeID})
		}
		if err != nil {
			return nil, err
		}
	}
	var taken []reach.Taken
	if len(seats) > 0 {
		if taken, err = s.Reach.TakeManyTx(ctx, tx, r.ask(now), seats); err != nil {
			return nil, err
		}
	}
	silent, err := s.callsTx(ctx, tx, r, asked, taken, now)
	if err != nil {
		return nil, err
	}
	var parcels []Parcel
	calls := map[words]id.ID{}
	for i, d := range asked {
		t, a := taken[i].Ticket, taken[i].Answer
		switch {
		case silent[t.ID]:
			if err := s.Reach.EndTx(ctx, tx, t.ID, reach.Refused, ""); err != nil {
				return nil, err
			}
			m.later(d, reach.ChannelStopped, tomorrow(now))
		case t.ID != 0 && t.State == reach.Reserved && t.Use >= 0:
			if err := s.besideTx(ctx, tx, r, now, beside[d.ID]); err != nil {
				return nil, err
			}
			k := words{t.Use, d.Arm}
			if t.Way.Channel == reach.Mass && calls[k] == 0 {
				calls[k] = d.TakeID
			}
			m.take(d, t, calls[k])
			parcels = append(parcels, d.parcel(t, calls[k], d.Reason == repeat))
		case t.ID != 0: // the ledger knows how this attempt ended, we do not: never again
			m.end(d, Unknown, "", "")
		case a.NotBefore > now:
			m.later(d, a.Reason, a.NotBefore)
		default:
			m.end(d, Skipped, a.Reason, "")
		}
	}
	return parcels, m.writeTx(ctx, tx)
}

// words are what copies of one call share.
type words struct{ use, arm int }

func (d row) parcel(t reach.Ticket, callID id.ID, again bool) Parcel {
	p := Parcel{Again: again, DeliveryID: d.ID, MemberID: d.MemberID, Arm: d.Arm, Way: t.Way, Use: t.Use, OpenID: t.OpenID, Sender: t.Sender, Key: d.TakeID.String()}
	if callID != 0 {
		p.Call = callID.String()
	}
	return p
}

// callsTx counts the calls of a wave that reach many each, and names the tickets of those for
// which the day has no call left. Who reads it before the next wave is told by the ledger.
func (s *Store) callsTx(ctx context.Context, tx *gorm.DB, r Run, asked []row, taken []reach.Taken, now clock.Instant) (map[id.ID]bool, error) {
	made, silent := map[words]bool{}, map[id.ID]bool{}
	for i, x := range taken {
		t := x.Ticket
		if t.ID == 0 || t.State != reach.Reserved || t.Use < 0 || !Grouped(t.Way.Channel) {
			continue
		}
		k := words{t.Use, asked[i].Arm}
		ok, known := made[k]
		if !known {
			var err error
			if ok, err = s.Reach.CallTx(ctx, tx, r.ask(now), t.Way, asked[i].ID); err != nil {
				return nil, err
			}
			made[k] = ok
		}
		if !ok {
			silent[t.ID] = true
		}
	}
	return silent, nil
}

func tomorrow(now clock.Instant) clock.Instant {
	_, next := clock.DayOf(now).Bounds()
	return next
}

// hopeless says why a delivery that waits is not tried any more; "": it is.
func (s *Store) hopeless(r Run, d row, now clock.Instant) string {
	gone := d.Arm >= len(r.Push.Arms) // a test, and the draft was changed after it
	switch late := !r.Test() && now >= r.Push.GiveUpAt; {
	case d.Reason == repeat && gone, d.Reason == repeat && now.Sub(d.FirstAt) >= fail.Pace(keyTime):
		return repeat
	case d.Reason == repeat: // it may have arrived: it is never one of those who were not reached
		return ""
	case gone:
		return "version_gone"
	case late && d.Reason != "" && d.Reason != bestHour:
		return d.Reason
	case late:
		return "gave_up"
	case d.Tries >= maxTries:
		return "too_many_tries"
	}
	return ""
}

func (r Run) ask(now clock.Instant) reach.Ask {
	p := r.Push
	return reach.Ask{BrandID: p.BrandID, Purpose: p.Purpose, Topic: p.Topic, Uses: p.Uses, At: now, Value: p.Worth, Test: r.Test(), Profiled: p.Profiled}
}

// twins are deliveries of somebody who was joined, after the audience was written down,
// with somebody else in it: of one human only one is sent, the one with the smallest member
// while all wait. beside are those that end when the other is taken, whose telephone may be
// theirs: the humans may be parted again before it is their turn.
func (s *Store) twins(tx *gorm.DB, r Run, rows []row) (twins map[id.ID]bool, beside map[id.ID][]row, err error) {
	if r.Test() {
		return nil, nil, nil
	}
	members := make([]id.ID, len(rows))
	for i, d := range rows {
		members[i] = d.MemberID
	}
	families, err := member.Families(tx, members)
	if err != nil {
		return nil, nil, err
	}
	twins, beside = map[id.ID]bool{}, map[id.ID][]row{}
	for _, d := range rows {
		family := slices.DeleteFunc(slices.Clone(families[d.MemberID]), func(m id.ID) bool { return m == d.MemberID })
		if len(family) == 0 {
			continue
		}
		var others []row
		if err := tx.Raw("SELECT "+rowColumns+" FROM push_delivery WHERE run_id = ? AND member_id IN ? ORDER BY id"+s.lock(), r.RunID, family).Scan(&others).Error; err != nil {
			return nil, nil, err
		}
		for _, o := range others {
			switch {
			case o.State == Waiting && o.Reason != repeat && o.MemberID > d.MemberID:
				if !slices.ContainsFunc(rows, func(x row) bool { return x.ID == o.ID }) { // he is told there
					beside[d.ID] = append(beside[d.ID], o)
				}
			case o.State != Skipped && o.State != Refused, o.Reason == samePerson: // whose telephone it was nobody says
				twins[d.ID] = true
			}
		}
	}
	return twins, beside, nil
}

// besideTx ends deliveries of other lanes, too; each lane counts its own.
func (s *Store) besideTx(ctx context.Context, tx *gorm.DB, r Run, now clock.Instant, list []row) error {
	for _, d := range list {
		m := moves{run: r, now: now}
		m.run.Lane.Lane = d.Lane
		m.end(d, Skipped, samePerson, "")
		if err := m.writeTx(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}
