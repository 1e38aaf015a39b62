package push

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/fail"
	"siyu/model/id"
	"siyu/model/say"
)

// TaskBack wakes who takes a task of staff back (收回员工任务; ref: the task).
const TaskBack = "push:back"

// How far a task is that a stopped push takes back. One that is taken stays until it is known
// whom the staff had sent it to by then; the others are asked for as if nobody had stopped.
const (
	BackAsked   = "asked"
	BackDenied  = "denied" // the account's settings forbid it: it is tried on, now and then
	BackTaken   = "taken"
	BackRefused = "refused" // for good: the staff can send it on
	BackUnsure  = "unsure"  // refused, but of a call before nobody knows what it did
)

// staffStopped is the reason of copies that were taken back before the staff sent them.
const staffStopped = "staff_stopped"

// Stop ends a push for ever; who waits is not sent, and what staff have not sent is taken back
// from them, also of a push that is done. Faults: Invalid reason_missing; Conflict push_state.
func (s *Store) Stop(ctx context.Context, pushID id.ID, reason string) (Push, error) {
	reason, err := reasonOf(reason)
	if err != nil {
		return Push{}, err
	}
	return s.change(ctx, pushID, func(tx *gorm.DB, p Push) (map[string]any, error) {
		if p.State == Stopped {
			return nil, nil
		}
		if p.State != Running && p.State != Paused && p.State != Done {
			return nil, stateFault(p, "停止")
		}
		n, err := s.backTx(ctx, tx, p.ID)
		if err == nil && n == 0 && p.State == Done {
			err = stateFault(p, "停止")
		}
		set := map[string]any{"state": Stopped, "finished_at": s.DB.Now(), "note": noteStopped.With("why", reason)}
		if p.FrozenAt == 0 { // half an audience is none: Tidy takes what was written of it
			set["people"] = 0
		}
		return set, err
	})
}

// backTx has the tasks taken back that the staff have not done.
func (s *Store) backTx(ctx context.Context, tx *gorm.DB, pushID id.ID) (n int, err error) {
	var open []id.ID
	if err := tx.Raw("SELECT id FROM push_task WHERE run_id = ? AND back = '' ORDER BY id", pushID).Scan(&open).Error; err != nil || len(open) == 0 {
		return 0, err
	}
	if err := tx.Exec("UPDATE push_task SET back = ? WHERE id IN ? AND back = ''", BackAsked, open).Error; err != nil {
		return 0, err
	}
	return len(open), s.Outbox.PutAllTx(ctx, tx, TaskBack, open)
}

// BackLate has those tasks taken back that WeCom took when their push was just being stopped.
func (s *Store) BackLate(ctx context.Context) error {
	var late []id.ID
	err := s.DB.Read(ctx).Raw("SELECT DISTINCT t.run_id FROM push_task t JOIN push p ON p.id = t.run_id WHERE t.back = '' AND p.state = ? LIMIT 50", Stopped).Scan(&late).Error
	for _, pushID := range late {
		if err == nil {
			err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error { _, err := s.backTx(ctx, tx, pushID); return err })
		}
	}
	if err != nil {
		return fmt.Errorf("push: back: %w", err)
	}
	if len(late) > 0 {
		s.Outbox.Nudge()
	}
	return nil
}

// Back notes that a task is about to be taken back; false: there is nothing (more) to do.
// What it notes is undone by Backed where the call surely did nothing.
func (s *Store) Back(ctx context.Context, taskID id.ID) (t Task, ok bool, err error) {
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		set := "back_calls = back_calls + 1"
		if fail.Broken("back") { // said before it is done
			set += ", back = '" + BackTaken + "'"
		}
		r := tx.Exec("UPDATE push_task SET "+set+" WHERE id = ? AND back IN ?", taskID, []string{BackAsked, BackDenied})
		if ok = r.RowsAffected == 1; r.Error != nil || !ok {
			return r.Error
		}
		return tx.Where("id = ?", taskID).Take(&t).Error
	})
	if err != nil {
		return t, false, fmt.Errorf("push: back: %w", err)
	}
	return t, ok, nil
}

// Backed records what came of a call that Back noted: how the task is now, WeCom's code, and
// whether the call surely did nothing. Of one that was taken back it is asked a little later,
// when what the staff were just sending is known, whom they had sent it to.
func (s *Store) Backed(ctx context.Context, t Task, back, code string, nothing bool) error {
	set := map[string]any{"back": back, "back_code": code}
	if nothing { // what other calls noted stays
		set["back_calls"] = gorm.Expr("back_calls - 1")
		t.BackCalls--
	}
	switch {
	case back == BackRefused && t.BackCalls > 0:
		set["back"] = BackUnsure
	case back == BackTaken:
		set["look_at"] = s.DB.Now().Add(taskFirst)
	}
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Table("push_task").Where("id = ? AND back IN ?", t.ID, []string{BackAsked, BackDenied}).Updates(set).Error
	})
	if err != nil {
		return fmt.Errorf("push: backed: %w", err)
	}
	return nil
}

// TaskCount is how many tasks of staff are equally far.
type TaskCount struct {
	Back  string   `json:"back"` // "": nobody takes them back
	Code  string   `json:"code"`
	N     int64    `json:"n"`
	Words string   `json:"words" gorm:"-"` // zh-CN
	Said  say.Said `json:"said" gorm:"-"`  // the same with its parts
}

// taskCounts tells of the tasks that are not over.
func (s *Store) taskCounts(ctx context.Context, p Push) ([]TaskCount, error) {
	out := []TaskCount{}
	err := s.DB.Read(ctx).Raw("SELECT back, back_code AS code, COUNT(*) AS n FROM push_task WHERE run_id = ? GROUP BY back, back_code ORDER BY back, back_code", p.ID).Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("push: tasks: %w", err)
	}
	for i := range out {
		out[i].Said = out[i].said(p)
		out[i].Words = out[i].Said.Text
	}
	return out, nil
}

func (c TaskCount) said(p Push) say.Said {
	switch {
	case c.Back == BackAsked && c.Code == "":
		return say.Of("staff_tasks_asked", "正在从员工的企业微信里收回 {n} 个任务", "n", c.N)
	case c.Back == BackAsked:
		return say.Of("staff_tasks_again", "正在收回 {n} 个员工任务：企业微信上次返回 {code}，会接着再试", "n", c.N, "code", c.Code)
	case c.Back == BackDenied:
		return say.Of("staff_tasks_denied", "{n} 个员工任务还没有收回：企业微信返回 {code}，请在“账号”里检查密钥、接口权限和可信 IP。会每小时再试，其间员工仍可以点“发送”", "n", c.N, "code", c.Code)
	case c.Back == BackTaken:
		return say.Of("staff_tasks_taken", "{n} 个员工任务已收回，正在核对员工之前已经发给了谁", "n", c.N)
	case c.Back == BackRefused:
		return say.Of("staff_tasks_refused", "{n} 个员工任务收不回：企业微信返回 {code}。员工仍可以点“发送”，请通知他们不要发送", "n", c.N, "code", c.Code)
	case c.Back == BackUnsure:
		return say.Of("staff_tasks_unsure", "{n} 个员工任务不确定是否已收回：先前一次没有得到结果，再试时企业微信返回 {code}。请通知员工不要发送", "n", c.N, "code", c.Code)
	case p.State == Paused:
		return say.Of("staff_tasks_paused", "已派给员工的 {n} 个任务不能暂停，员工仍可以点“发送”；要收回请点“停止”", "n", c.N)
	}
	return say.Of("staff_tasks", "{n} 个任务在员工的企业微信里，等他们点“发送”", "n", c.N)
}
