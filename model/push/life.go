package push

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/reach"
)

// Need is what stands between a draft and its start.
type Need struct {
	People       int64         `json:"people"` // of the audience now
	AsOf         clock.Instant `json:"as_of"`
	Limit        int64         `json:"limit"`         // from more than so many on a second person agrees
	TodayPeople  int64         `json:"today_people"`  // whom this operator sends to without asking within a day of it: of now, or of its moment, whichever is more
	NeedApproval bool          `json:"need_approval"` // 须审批
	Why          string        `json:"why"`           // zh-CN
}

// Needs counts the audience and tells whether a second person must agree, if by starts it.
// Faults: NotFound push_unknown; Invalid push_incomplete.
func (s *Store) Needs(ctx context.Context, pushID, by id.ID) (Need, error) {
	p, err := s.Get(ctx, pushID)
	if err != nil {
		return Need{}, err
	}
	return s.needs(ctx, p, by, s.DB.Now(), p.StartAt)
}

// needs is Needs of a push that begins at one of some moments; who is yet to decide may
// choose the worst. A moment that is over, or was never said, is now.
func (s *Store) needs(ctx context.Context, p Push, by id.ID, moments ...clock.Instant) (n Need, err error) {
	if err := p.complete(); err != nil {
		return n, err
	}
	policy, err := s.Policy(ctx, p.BrandID)
	if err != nil {
		return n, err
	}
	n.Limit, n.AsOf = policy.limitFor(by), s.DB.Now()
	if n.People, err = s.Audience.Size(ctx, p); err != nil {
		return n, err
	}
	// Many small pushes that one person starts within a day are one large one, those that are
	// to begin by themselves among them.
	for _, at := range moments {
		at = max(n.AsOf, at)
		var besides int64
		q := s.DB.Read(ctx).Raw(small+" AND (state IN ? AND started_at > ? OR state = ? AND start_at > ? AND start_at < ?)",
			p.BrandID, by, false, p.ID, begun(), at.Add(-smallDay), Scheduled, at.Add(-smallDay), at.Add(smallDay))
		if err = q.Scan(&besides).Error; err != nil {
			return n, fmt.Errorf("push: needs: %w", err)
		}
		n.TodayPeople = max(n.TodayPeople, besides)
	}
	switch {
	case p.Approved:
	case p.Purpose == reach.Service:
		n.NeedApproval, n.Why = true, "服务通知不受营销授权限制，须由第二人确认内容"
	case n.People > n.Limit:
		n.NeedApproval, n.Why = true, fmt.Sprintf("人群有 %d 人，超过 %d 人须审批", n.People, n.Limit)
	case n.People+n.TodayPeople > n.Limit:
		n.NeedApproval, n.Why = true, fmt.Sprintf("您一天内已直接发送 %d 人，加上这次超过 %d 人，须审批", n.TodayPeople, n.Limit)
	}
	return n, nil
}

// small counts whom somebody sends to by other pushes that nobody agreed to.
const small = "SELECT COALESCE(SUM(CASE WHEN people > expected THEN people ELSE expected END), 0) FROM push WHERE brand_id = ? AND started_by = ? AND approved = ? AND id <> ?"

// smallDay is how far apart pushes count together.
const smallDay = 24 * time.Hour

// begun are the states of pushes that people heard of, or will.
func begun() []string { return []string{Running, Paused, Done, Stopped} }

// besidesTx is TodayPeople when the audience of a push is known: what was looked at at the
// same time has begun by now.
func besidesTx(tx *gorm.DB, p Push) (n int64, err error) {
	err = tx.Raw(small+" AND state IN ? AND started_at > ? AND started_at < ?",
		p.BrandID, p.StartedBy, false, p.ID, begun(), p.StartedAt.Add(-smallDay), p.StartedAt.Add(smallDay)).Scan(&n).Error
	return n, err
}

// another says that what somebody looked at is not what there is. seen is the version that
// was looked at; none: whichever there is.
func (p Push) another(seen []int) bool { return len(seen) > 0 && seen[0] != p.Version }

// Submit asks for a second person. Submitting it again changes nothing. Faults: Conflict
// push_state, push_changed (seen is the version that was looked at); those of Needs.
func (s *Store) Submit(ctx context.Context, pushID, by id.ID, seen ...int) (Push, error) {
	p, err := s.Get(ctx, pushID)
	if err != nil {
		return p, err
	}
	if p.State == Draft && p.another(seen) {
		return p, errChanged
	}
	n, err := s.needs(ctx, p, by, p.StartAt)
	if err != nil {
		return p, err
	}
	frozen, err := s.Audience.Freeze(ctx, p) // for its version: who agrees, agrees to this rule
	if err != nil {
		return p, err
	}
	return s.change(ctx, pushID, func(tx *gorm.DB, now Push) (map[string]any, error) {
		if now.Version != p.Version || now.State != Draft {
			if now.State == Pending && now.SubmittedBy == by {
				return nil, nil
			}
			return nil, stateFault(now, "提交审批")
		}
		if err := pinTx(ctx, tx, pushID, frozen.Grounds); err != nil {
			return nil, err
		}
		return map[string]any{"state": Pending, "expected": n.People, "segment_version": frozen.Version, "submitted_by": by, "submitted_at": s.DB.Now(), "note": ""}, nil
	})
}

// Withdraw takes a push that waits (for approval, for its time, for a person) back to draft.
func (s *Store) Withdraw(ctx context.Context, pushID id.ID) (Push, error) {
	p, err := s.change(ctx, pushID, func(_ *gorm.DB, p Push) (map[string]any, error) {
		switch p.State {
		case Draft:
			return nil, nil
		case Pending, Scheduled, Missed:
			return map[string]any{"state": Draft, "approved": false, "note": ""}, nil
		}
		return nil, stateFault(p, "撤回")
	})
	if err != nil {
		return p, err
	}
	return p, s.want(ctx, p)
}

// Approve is the second person's yes: what it says and how many it reaches. A push with a
// moment waits for it then, another for somebody to start it. Faults: Conflict push_state,
// push_changed (version is the one that was seen), push_moved; Forbidden own_push.
func (s *Store) Approve(ctx context.Context, pushID id.ID, version int, by id.ID) (Push, error) {
	p, err := s.Get(ctx, pushID)
	if err == nil && p.State == Pending {
		err = s.unmoved(ctx, p)
	}
	if err != nil {
		return p, err
	}
	p, err = s.decide(ctx, pushID, version, by, func(p Push) map[string]any {
		return map[string]any{"state": Scheduled, "approved": true, "decided_by": by, "note": ""}
	})
	if err != nil {
		return p, err
	}
	return p, s.want(ctx, p)
}

// want announces a push that is to come to the ledger, so that messages that are worth less
// leave it the grants it needs. It is a courtesy: what is announced late, or stays announced
// for a push that was taken back just then, ends by itself a day after its moment.
func (s *Store) want(ctx context.Context, p Push) error {
	if p.State != Scheduled || p.StartAt == 0 {
		return s.Reach.Unwant(ctx, p.ID)
	}
	return s.Reach.Want(ctx, reach.Wanted{RefID: p.ID, BrandID: p.BrandID, Uses: p.Uses, Value: p.Worth, At: p.StartAt})
}

// Refuse gives it back with a reason. Faults: Invalid reason_missing; those of Approve.
func (s *Store) Refuse(ctx context.Context, pushID id.ID, version int, by id.ID, reason string) (Push, error) {
	reason, err := reasonOf(reason)
	if err != nil {
		return Push{}, err
	}
	return s.decide(ctx, pushID, version, by, func(p Push) map[string]any {
		return map[string]any{"state": Draft, "approved": false, "decided_by": by, "note": noteRefused.With("why", reason)}
	})
}

func (s *Store) decide(ctx context.Context, pushID id.ID, version int, by id.ID, set func(p Push) map[string]any) (Push, error) {
	return s.change(ctx, pushID, func(_ *gorm.DB, p Push) (map[string]any, error) {
		switch {
		case p.State != Pending:
			return nil, stateFault(p, "审批")
		case p.Version != version:
			return nil, errChanged
		case by == p.SubmittedBy || by == p.EditedBy:
			return nil, fault.New(fault.Forbidden, "own_push", "提交人和最后修改的人不能审批，请换一位同事")
		}
		return set(p), nil
	})
}

func reasonOf(text string) (string, error) {
	text = strings.TrimSpace(text)
	if n := utf8.RuneCountInString(text); n < 2 || n > 200 {
		return "", fault.NewInvalid("reason_missing", "请填写原因(2 到 200 字)").With("field", "reason")
	}
	return text, nil
}

// Schedule has a push begin at its moment, with the audience that its rule finds then. What
// the rule rests on is written down: if it is another one at that moment, or if it finds many
// more people than now (see outgrown), the push waits for a person. An audience of nobody is
// no fault, it may be for those whose birthday it will be; then any number is more, and only
// the limit of what needs no approval keeps it. Faults: Conflict push_state, push_changed (seen
// is the version that was looked at), approval_needed; Invalid start_past; those of Needs and
// of Audience.Freeze.
func (s *Store) Schedule(ctx context.Context, pushID, by id.ID, seen ...int) (Push, error) {
	p, err := s.Get(ctx, pushID)
	if err != nil {
		return p, err
	}
	if p.State == Draft && p.another(seen) {
		return p, errChanged
	}
	n, err := s.ready(ctx, p, by, p.StartAt)
	if err != nil {
		return p, err
	}
	frozen, err := s.Audience.Freeze(ctx, p) // for its version, as Submit does
	if err != nil {
		return p, err
	}
	p, err = s.change(ctx, pushID, func(tx *gorm.DB, now Push) (map[string]any, error) {
		switch {
		case now.State == Scheduled:
			return nil, nil
		case now.State != Draft:
			return nil, stateFault(now, "排期")
		case now.Version != p.Version:
			return nil, errChanged
		case now.StartAt == 0:
			return nil, fault.NewInvalid("start_past", "没有填写开始时间，请直接开始").With("field", "start_at")
		case now.StartAt <= s.DB.Now():
			return nil, fault.NewInvalid("start_past", "开始时间已过，请修改时间或直接开始").With("field", "start_at")
		}
		if err := pinTx(ctx, tx, pushID, frozen.Grounds); err != nil {
			return nil, err
		}
		return map[string]any{"state": Scheduled, "expected": n.People, "segment_version": frozen.Version, "started_by": by, "note": ""}, nil
	})
	if err != nil {
		return p, err
	}
	return p, s.want(ctx, p)
}

// ready counts for somebody who wants a push to begin at a moment. Fault: Conflict
// approval_needed.
func (s *Store) ready(ctx context.Context, p Push, by id.ID, at clock.Instant) (Need, error) {
	n, err := s.needs(ctx, p, by, at)
	if err == nil && n.NeedApproval {
		err = fault.New(fault.Conflict, "approval_needed", n.Why).With("people", n.People)
	}
	return n, err
}

// Start begins a push now, whatever its moment was; only where a second person agreed to a
// moment, it is not begun before. Starting it again changes nothing. Faults: Conflict
// push_state, push_early, approval_needed, push_changed (seen is the version that was looked
// at); those of Needs.
func (s *Store) Start(ctx context.Context, pushID, by id.ID, seen ...int) (Push, error) {
	p, err := s.Get(ctx, pushID)
	if err != nil || p.State == Running {
		return p, err
	}
	switch {
	case p.State != Draft && p.State != Scheduled && p.State != Missed:
		return p, stateFault(p, "开始")
	case p.another(seen):
		return p, errChanged
	case p.Approved && p.StartAt > s.DB.Now():
		return p, fault.New(fault.Conflict, "push_early", "审批的开始时间还没有到。要提前发送，请先撤回，改好时间后重新提交审批").With("start_at", p.StartAt)
	}
	n, err := s.ready(ctx, p, by, s.DB.Now()) // whatever its moment was
	if err != nil {
		return p, err
	}
	return s.change(ctx, pushID, func(tx *gorm.DB, now Push) (map[string]any, error) {
		if now.State == Running {
			return nil, nil
		}
		if now.Version != p.Version {
			return nil, errChanged
		}
		expected := n.People
		if now.Approved {
			expected = max(now.Expected, 1) // what was agreed to stands
		}
		return s.beginTx(ctx, tx, now, by, expected, false)
	})
}

// beginTx has the audience written down. planned: nobody looks on.
func (s *Store) beginTx(ctx context.Context, tx *gorm.DB, p Push, by id.ID, expected int64, planned bool) (map[string]any, error) {
	policy, err := s.policy(tx, p.BrandID)
	if err != nil {
		return nil, err
	}
	if _, err := s.Outbox.PutTx(ctx, tx, TaskFreeze, p.ID, 0); err != nil {
		return nil, err
	}
	now := s.DB.Now()
	return map[string]any{"state": Running, "started_by": by, "started_at": now, "planned": planned, "expected": expected, "people": 0, "note": "",
		"give_up_at": p.giveUp(now, now, policy)}, nil
}

// giveUp is until when a push that began is tried from now on. Somebody's best hour may come
// a day after the beginning: it is tried so long from then on.
func (p Push) giveUp(now, began clock.Instant, policy Policy) clock.Instant {
	if p.Timing == Best {
		now = max(now, began.Add(bestWithin))
	}
	return now.Add(time.Duration(policy.GiveUpHours) * time.Hour)
}

// Pause stops sending within a second; what is on its way arrives. Pausing twice is one pause.
func (s *Store) Pause(ctx context.Context, pushID id.ID) (Push, error) {
	return s.change(ctx, pushID, func(_ *gorm.DB, p Push) (map[string]any, error) {
		switch p.State {
		case Paused:
			return nil, nil
		case Running:
			return map[string]any{"state": Paused}, nil
		}
		return nil, stateFault(p, "暂停")
	})
}

// Halt pauses a push that would fail for everybody in the same way.
func (s *Store) Halt(ctx context.Context, pushID id.ID, why string) error {
	_, err := s.change(ctx, pushID, func(_ *gorm.DB, p Push) (map[string]any, error) {
		if p.State != Running {
			return nil, nil
		}
		return map[string]any{"state": Paused, "note": why}, nil
	})
	return err
}

// Resume goes on behind the last delivery. Nobody is sent twice. Whose best hour passed
// meanwhile is sent in the next one.
func (s *Store) Resume(ctx context.Context, pushID id.ID) (Push, error) {
	return s.change(ctx, pushID, func(tx *gorm.DB, p Push) (map[string]any, error) {
		switch {
		case p.State == Running:
			return nil, nil
		case p.State != Paused:
			return nil, stateFault(p, "继续")
		}
		policy, err := s.policy(tx, p.BrandID)
		if err != nil {
			return nil, err
		}
		now := s.DB.Now()
		set := map[string]any{"state": Running, "note": "", "resumed_at": now, "give_up_at": p.giveUp(now, now, policy)} // best hours begin anew
		if p.FrozenAt == 0 {                                                                                             // whoever was writing the audience down is overtaken: his count began before
			set["people"], set["freeze_no"] = 0, p.FreezeNo+1
			if err := s.Outbox.EndAllTx(ctx, tx, TaskFreeze, []id.ID{p.ID}); err != nil {
				return nil, err
			}
			_, err := s.Outbox.PutTx(ctx, tx, TaskFreeze, p.ID, 0)
			return set, err
		}
		var open []id.ID
		if err := tx.Raw("SELECT id FROM push_lane WHERE run_id = ? AND done_at = 0", p.ID).Scan(&open).Error; err != nil {
			return nil, err
		}
		if len(open) == 0 { // it was paused when the last lane ended
			return map[string]any{"state": Done, "note": "", "finished_at": s.DB.Now()}, nil
		}
		// Those that waited end first: two wake-ups of a lane would send it twice as fast.
		if err := s.Outbox.EndAllTx(ctx, tx, TaskSend, open); err != nil {
			return nil, err
		}
		return set, s.Outbox.PutAllTx(ctx, tx, TaskSend, open)
	})
}

// BeginDue begins pushes whose moment has come, and puts those before a person whose moment
// passed more than 30 minutes ago: nobody is disturbed at an hour that nobody chose.
func (s *Store) BeginDue(ctx context.Context) (n int, err error) {
	now := s.DB.Now()
	var due []id.ID
	err = s.DB.Read(ctx).Raw("SELECT id FROM push WHERE state = ? AND start_at > 0 AND start_at <= ? ORDER BY start_at LIMIT 50", Scheduled, now).Scan(&due).Error
	if err != nil {
		return 0, fmt.Errorf("push: due: %w", err)
	}
	for _, pushID := range due {
		_, err := s.change(ctx, pushID, func(tx *gorm.DB, p Push) (map[string]any, error) {
			switch late := now.Sub(p.StartAt); {
			case p.State != Scheduled || p.StartAt == 0 || late < 0:
				return nil, nil
			case late > missedAfter:
				return map[string]any{"state": Missed, "note": noteLate.With("at", p.StartAt.Local(), "n", int(late.Minutes()))}, nil
			default:
				by := p.StartedBy
				if by == 0 {
					by = p.SubmittedBy
				}
				return s.beginTx(ctx, tx, p, by, p.Expected, true)
			}
		})
		if err != nil && fault.KindOf(err) != fault.Conflict { // somebody was faster
			return n, err
		}
		n++
	}
	return n, nil
}
