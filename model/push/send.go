package push

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/fail"
	"siyu/model/id"
	"siyu/model/reach"
)

// Lane is a part of a run that one worker sends: of the push itself, or of a test.
type Lane struct {
	ID     id.ID
	PushID id.ID
	RunID  id.ID
	Lane   int
	DoneAt clock.Instant
}

// TableName names the table for GORM.
func (Lane) TableName() string { return "push_lane" }

// Run is what a worker needs to send a lane.
type Run struct {
	Lane
	Push      Push
	PerSecond int // of one channel of one account
}

// Test tells whether the lane is of a test.
func (r Run) Test() bool { return r.RunID != r.PushID }

// on tells whether the lane may send now.
func (r Run) on() bool {
	return r.DoneAt == 0 && (r.Test() || r.Push.State == Running && r.Push.FrozenAt != 0)
}

// wave is how many deliveries a lane reserves at once, when it makes so many calls side by
// side: no more than it sends in half a second, because those are what nobody knows of when
// the worker dies. Where one call reaches many, as many as one may: WeChat takes a hundred
// mass sends a day, and each task is pressed by somebody of the staff.
func (r Run) wave(calls int) int {
	if r.Push.grouped() {
		return reach.MaxMembers
	}
	perSecond := r.PerSecond
	if own := r.Push.PerSecond; own > 0 {
		perSecond = min(perSecond, own)
	}
	return min(calls, waveRows, max(4, perSecond/2/maxLanes))
}

// Parcel is one copy that was reserved and is to be sent now.
type Parcel struct {
	DeliveryID id.ID
	MemberID   id.ID
	Arm        int
	Way        reach.Use
	Use        int
	OpenID     string // openid, external_userid or the hash of a telephone number
	Sender     string // userid of the staff, for WeCom
	Key        string // the same for each repetition: client_msg_id
	Again      bool   // it may have been sent before; only channels with a key repeat
	Call       string // of a mass send: the key of the call that all of them go with
	Message    Message
}

// Results of one call.
const (
	GoneOut   = "sent"    // WeChat took it
	SaidNo    = "refused" // WeChat said no to this person
	NotYet    = "not yet" // surely nothing happened; it may be tried later
	WhoKnows  = "unknown" // no answer, or one that says nothing
	maxTries  = 6         // of one delivery, with what was refused by one channel and went by another
	waveRows  = 64        // deliveries of one commit, where each is a call of its own
	staleTime = 3 * time.Minute
	// keyTime is how long WeChat knows a client_msg_id, with a margin: 10 minutes
	// (developers.weixin.qq.com/doc/service/api/notify/template/api_sendtemplatemessage).
	keyTime = 8 * time.Minute
)

// samePerson is the reason of a delivery to somebody who is another one of the audience.
const samePerson = "same_person"

// Outcome is what became of a parcel.
type Outcome struct {
	Parcel
	Result string
	Code   string        // WeChat's
	After  time.Duration // of NotYet: when to try again
	Task   string        // of GoneOut: WeCom's id of what the staff has to send
	MsgID  string        // of GoneOut: WeChat's id, which its report names; "": the answer had none
}

// row is a delivery as lanes move it.
type row struct {
	ID       id.ID
	MemberID id.ID
	Lane     int
	Arm      int
	State    string
	Reason   string
	Channel  string
	UseNo    int
	Tries    int
	TakeID   id.ID
	TicketID id.ID
	CallID   id.ID // of a mass send
	FirstAt  clock.Instant
	MovedAt  clock.Instant
}

const rowColumns = "id, member_id, lane, arm, state, reason, channel, use_no, tries, take_id, ticket_id, call_id, first_at, moved_at"

// Open reads a lane with its push.
func (s *Store) Open(ctx context.Context, laneID id.ID) (Run, error) {
	var r Run
	err := s.DB.Read(ctx).Where("id = ?", laneID).Take(&r.Lane).Error
	if err != nil {
		return r, fmt.Errorf("push: lane %d: %w", laneID, err)
	}
	if r.Push, err = s.Get(ctx, r.PushID); err != nil {
		return r, err
	}
	if fail.Broken("stop") && r.Push.State == Stopped { // goes on
		r.Push.State = Running
	}
	policy, err := s.Policy(ctx, r.Push.BrandID)
	r.PerSecond = policy.PerSecond
	return r, err
}

// End records what became of parcels, in one commit for each writeOnce: a thousand places
// that are given back take some seconds. A delivery that somebody else took over meanwhile
// is left to him.
func (s *Store) End(ctx context.Context, r Run, list []Outcome) error {
	told := false
	for part := range slices.Chunk(list, writeOnce) {
		err := s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
			some, err := s.endTx(ctx, tx, r, part)
			told = told || some
			return err
		})
		if err != nil {
			return fmt.Errorf("push: end: %w", err)
		}
	}
	if told {
		s.Outbox.Nudge()
	}
	return nil
}

// RecordTime is how long the outcomes of so many parcels are tried to be recorded when
// their worker's time is up.
func RecordTime(parcels int) time.Duration {
	return 15*time.Second + time.Duration(parcels)*20*time.Millisecond
}

// endTx is End. told: there are events to be told of.
func (s *Store) endTx(ctx context.Context, tx *gorm.DB, r Run, list []Outcome) (told bool, err error) {
	if len(list) == 0 {
		return false, nil
	}
	of := map[id.ID]Outcome{}
	ids := make([]id.ID, len(list))
	for i, o := range list {
		ids[i], of[o.DeliveryID] = o.DeliveryID, o
	}
	slices.Sort(ids)
	var rows []row
	// What was given up as unknown is known now: the call was only slow.
	err = tx.Raw("SELECT "+rowColumns+" FROM push_delivery WHERE id IN ? AND state IN (?, ?) ORDER BY id"+s.lock(), ids, Sending, Unknown).Scan(&rows).Error
	if err != nil {
		return false, err
	}
	m := moves{run: r, now: s.DB.Now()}
	var sent []id.ID
	var out []row
	var tasks []Outcome
	for _, d := range rows {
		o := of[d.ID]
		if o.Key != d.TakeID.String() || d.State == Unknown && o.Result != GoneOut && o.Result != SaidNo {
			continue
		}
		if o.Result == GoneOut && o.Task != "" { // its place stays reserved until the staff has sent it
			m.end(d, Sent, staffWaits, "")
			tasks = append(tasks, o)
			continue
		}
		if o.Result == GoneOut {
			m.end(d, Sent, "", "")
			sent, out = append(sent, d.TicketID), append(out, d)
			continue
		}
		if err := s.missTx(ctx, tx, &m, d, o); err != nil {
			return false, err
		}
	}
	if err := s.Reach.SentTx(ctx, tx, sent); err != nil {
		return false, err
	}
	if err := s.sentTx(ctx, tx, r, out, m.now); err != nil {
		return false, err
	}
	if err := s.expectTx(ctx, tx, r, out, of, m.now); err != nil {
		return false, err
	}
	if err := s.tasksTx(ctx, tx, r, tasks, m.now); err != nil {
		return false, err
	}
	return len(out) > 0, m.writeTx(ctx, tx)
}

// missTx is End for one that was not taken.
func (s *Store) missTx(ctx context.Context, tx *gorm.DB, m *moves, d row, o Outcome) error {
	switch {
	case o.Again && o.Result == NotYet && d.many(): // with the others, or not at all
		return nil
	case o.Again && o.Result == NotYet: // the call before it may have arrived
		m.repeat(d, o.Code, o.After)
		return nil
	case o.Again && o.Result == SaidNo:
		return s.loseTx(ctx, tx, m, d, o.Code)
	}
	switch o.Result {
	case SaidNo:
		if d.State == Sending && d.Tries+1 < maxTries && len(m.run.Push.Uses) > 1 {
			// The ledger learns from the code; the next attempt goes another way, or none.
			m.again(d, s.DB.NewID(), o.Code, 0)
		} else {
			m.end(d, Refused, refusal(o.Code), o.Code)
		}
		return s.Reach.EndTx(ctx, tx, d.TicketID, reach.Refused, o.Code)
	case NotYet:
		// The place is given back also where nobody was called: by the time of the next call
		// he may have said that he wants nothing.
		m.again(d, s.DB.NewID(), o.Code, o.After)
		return s.Reach.EndTx(ctx, tx, d.TicketID, reach.Refused, o.Code)
	}
	if (repeats(d.Channel) || d.many()) && s.DB.Now().Sub(d.FirstAt) < fail.Pace(keyTime) {
		return nil // stays in sending: recover repeats it under its key
	}
	return s.loseTx(ctx, tx, m, d, o.Code)
}

// many: it goes with a call of many that has a key. (A call of before, by another way, may
// still be named.)
func (d row) many() bool { return d.Channel == reach.Mass && d.CallID != 0 }

// repeats are channels where WeChat drops a repetition under the same key, of each copy by
// itself. Of a mass send it drops that of a call.
func repeats(channel string) bool { return channel == reach.Template }
