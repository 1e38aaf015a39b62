package push

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fail"
	"siyu/model/id"
	"siyu/model/reach"
)

// Task is what one of the staff was asked to send (企业微信群发任务). Its copies are sent as
// far as we can; whether he presses "send" is asked for.
type Task struct {
	ID        id.ID
	PushID    id.ID
	RunID     id.ID
	AccountID id.ID
	Sender    string // userid of the staff
	MsgID     string // WeCom's
	MadeAt    clock.Instant
	LookAt    clock.Instant
	UntilAt   clock.Instant
	Back      string // whether it is taken back
	BackCode  string
	BackCalls int
}

// TableName names the table for GORM.
func (Task) TableName() string { return "push_task" }

// What WeCom says of one copy of a task.
const (
	TaskWaits = iota // the staff has not pressed "send"
	TaskDelivered
	TaskNoContact // he is no contact of the staff any more
	TaskEnough    // he got as many as a contact gets
)

// Reasons of copies that staff send.
const (
	staffWaits = "staff_waits" // of one that is sent as far as we can
	staffNever = "staff_never"
	noContact  = "no_wecom_contact"
	enough     = "wecom_enough"
	noTask     = reach.CodeNoTask
)

const (
	taskFor   = 7 * 24 * time.Hour // how long a task is asked for
	taskFirst = 2 * time.Minute    // before it is first asked for; then ever less often
	taskRest  = 6 * time.Hour      // but no less than this
	tasksOnce = 50                 // asked for by one chore
)

// tasksTx keeps the tasks of a wave with their copies.
func (s *Store) tasksTx(ctx context.Context, tx *gorm.DB, r Run, list []Outcome, now clock.Instant) error {
	if len(list) == 0 {
		return nil
	}
	copies := db.NewRows("push_task_copy", "task_id, delivery_id, member_id, openid")
	made := map[string]id.ID{}
	for _, o := range list {
		if made[o.Task] == 0 {
			t := Task{ID: s.DB.NewID(), PushID: r.PushID, RunID: r.RunID, AccountID: o.Way.AccountID, Sender: o.Sender, MsgID: o.Task,
				MadeAt: now, LookAt: now.Add(taskFirst), UntilAt: now.Add(taskFor)}
			if err := tx.Create(&t).Error; err != nil {
				return err
			}
			made[o.Task] = t.ID
		}
		copies.Add(made[o.Task], o.DeliveryID, o.MemberID, o.OpenID)
	}
	_, err := copies.Insert(ctx, tx, "")
	return err
}

// DueTasks takes the tasks that are to be asked for now, a bounded number; another process
// does not take them, too. Each is asked for again later unless Told ends it.
func (s *Store) DueTasks(ctx context.Context) ([]Task, error) {
	now := s.DB.Now()
	var due, out []Task
	if err := s.DB.Read(ctx).Where("look_at <= ?", now).Order("look_at").Limit(tasksOnce).Find(&due).Error; err != nil {
		return nil, fmt.Errorf("push: tasks: %w", err)
	}
	for _, t := range due {
		next := now.Add(min(max(now.Sub(t.MadeAt)/4, taskFirst), taskRest))
		if now < t.UntilAt { // the last look is at the end
			next = min(next, t.UntilAt)
		}
		err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
			r := tx.Exec("UPDATE push_task SET look_at = ? WHERE id = ? AND look_at = ?", next, t.ID, t.LookAt)
			if r.RowsAffected == 1 {
				out = append(out, t)
			}
			return r.Error
		})
		if err != nil {
			return out, fmt.Errorf("push: tasks: %w", err)
		}
	}
	return out, nil
}

// Told records what WeCom says of a task's copies, by external_userid; nil: it gave no
// answer. What the staff did not send is over when the task was taken back. When the time is
// over it is refused, and what nobody knows is unknown. Telling the same again changes nothing.
func (s *Store) Told(ctx context.Context, t Task, results map[string]int) error {
	over := s.DB.Now() >= t.UntilAt
	err := s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		var copies []struct {
			DeliveryID id.ID
			OpenID     string `gorm:"column:openid"`
		}
		if err := tx.Raw("SELECT delivery_id, openid FROM push_task_copy WHERE task_id = ? ORDER BY delivery_id", t.ID).Scan(&copies).Error; err != nil {
			return err
		}
		of, ids, left := map[id.ID]string{}, []id.ID{}, 0
		for _, c := range copies {
			state, there := results[c.OpenID]
			if end := taskEnd(state, there && state != TaskWaits, t.Back == BackTaken, over, results != nil); end != "" {
				of[c.DeliveryID], ids = end, append(ids, c.DeliveryID)
			} else {
				left++
			}
		}
		if len(ids) > 0 {
			if err := s.toldTx(ctx, tx, t, ids, of); err != nil {
				return err
			}
			if err := tx.Exec("DELETE FROM push_task_copy WHERE task_id = ? AND delivery_id IN ?", t.ID, ids).Error; err != nil {
				return err
			}
		}
		if left > 0 {
			return nil
		}
		return tx.Exec("DELETE FROM push_task WHERE id = ?", t.ID).Error
	})
	if err != nil {
		return fmt.Errorf("push: told: %w", err)
	}
	s.Outbox.Nudge()
	return nil
}

// taskEnd is how a copy ends; "": it waits.
func taskEnd(state int, known, taken, over, answered bool) string {
	switch {
	case known && state == TaskDelivered && fail.Broken("sent"): // as if he had not got it
		return staffStopped
	case known && state == TaskDelivered:
		return Sent
	case known && state == TaskNoContact:
		return noContact
	case known:
		return enough
	case taken && answered:
		return staffStopped
	case over && answered:
		return staffNever
	case over:
		return Unknown
	}
	return ""
}

// toldTx moves copies that waited for the staff. Each lane counts its own.
func (s *Store) toldTx(ctx context.Context, tx *gorm.DB, t Task, ids []id.ID, of map[id.ID]string) error {
	var rows []row
	err := tx.Raw("SELECT "+rowColumns+" FROM push_delivery WHERE id IN ? AND state = ? AND reason = ? ORDER BY id"+s.lock(), ids, Sent, staffWaits).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return err
	}
	p, err := s.get(tx, t.PushID)
	if err != nil {
		return err
	}
	lanes := map[int]*moves{}
	var sent []row
	var tickets []id.ID
	for _, x := range rows {
		m := lanes[x.Lane]
		if m == nil {
			m = &moves{run: Run{Lane: Lane{PushID: t.PushID, RunID: t.RunID, Lane: x.Lane}, Push: p}, now: s.DB.Now()}
			lanes[x.Lane] = m
		}
		to := x
		outcome := reach.Refused
		switch end := of[x.ID]; end {
		case Sent:
			to.Reason = ""
			sent, tickets = append(sent, x), append(tickets, x.TicketID)
			outcome = ""
		case Unknown:
			to.State, to.Reason, outcome = Unknown, "", reach.Unknown
		case staffStopped: // nobody said no
			to.State, to.Reason = Skipped, end
		default:
			to.State, to.Reason = Refused, end
		}
		m.move(x, moved{row: to}) // it ended when WeCom took it: nothing is counted for the speed
		if outcome != "" {
			if err := s.Reach.EndTx(ctx, tx, x.TicketID, outcome, to.Reason); err != nil {
				return err
			}
		}
	}
	if err := s.Reach.SentTx(ctx, tx, tickets); err != nil {
		return err
	}
	all := make([]*moves, 0, len(lanes))
	for _, m := range lanes {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *moves) int { return cmp.Compare(a.run.Lane.Lane, b.run.Lane.Lane) })
	for _, m := range all {
		if err := m.writeTx(ctx, tx); err != nil {
			return err
		}
	}
	return s.sentTx(ctx, tx, all[0].run, sent, all[0].now)
}

// EraseTx forgets which tasks of staff hold copies for these members (个人信息删除) and says
// how many copies that were. Without the id that a copy was for, nobody can be asked whether
// the staff still send it: it ends as unknown. Its place in the ledger goes with the person.
func (s *Store) EraseTx(ctx context.Context, tx *gorm.DB, members []id.ID) (int64, error) {
	tx = tx.WithContext(ctx)
	var ids []id.ID
	if err := tx.Raw("SELECT delivery_id FROM push_task_copy WHERE member_id IN ? ORDER BY delivery_id"+s.lock(), members).Scan(&ids).Error; err != nil {
		return 0, fmt.Errorf("push: erase: %w", err)
	}
	if len(ids) == 0 {
		return 0, nil
	}
	if err := s.lostSightTx(ctx, tx, ids); err != nil {
		return 0, fmt.Errorf("push: erase: %w", err)
	}
	r := tx.Exec("DELETE FROM push_task_copy WHERE member_id IN ?", members)
	if r.Error != nil {
		return 0, fmt.Errorf("push: erase: %w", r.Error)
	}
	return r.RowsAffected, nil
}

// lostSightTx ends copies that wait for the staff, of any pushes, as unknown.
func (s *Store) lostSightTx(ctx context.Context, tx *gorm.DB, ids []id.ID) error {
	var rows []struct {
		RunID id.ID
		Row   row `gorm:"embedded"`
	}
	err := tx.Raw("SELECT run_id, "+rowColumns+" FROM push_delivery WHERE id IN ? AND state = ? AND reason = ? ORDER BY run_id, lane, id"+s.lock(), ids, Sent, staffWaits).Scan(&rows).Error
	if err != nil {
		return err
	}
	var all []*moves // one a lane
	for _, x := range rows {
		lane := Lane{RunID: x.RunID, Lane: x.Row.Lane}
		if len(all) == 0 || all[len(all)-1].run.Lane != lane {
			all = append(all, &moves{run: Run{Lane: lane}, now: s.DB.Now()})
		}
		to := x.Row
		to.State, to.Reason = Unknown, ""
		all[len(all)-1].move(x.Row, moved{row: to}) // it ended when WeCom took it: nothing is counted for the speed
	}
	for _, m := range all {
		if err := m.writeTx(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}
