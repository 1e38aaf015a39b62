package push_test

import (
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
)

// asked is a push by staff that WeCom took in one task, but for those it names.
func (w *world) asked(without ...id.ID) push.Push {
	w.t.Helper()
	f := form()
	f.Uses = []reach.Use{{Channel: reach.WeCom, AccountID: 6}}
	f.Arms[0].Contents[0].Text = "镜片到货"
	p := w.begun(f)
	w.send(p.ID, func(x push.Parcel) push.Outcome {
		for _, m := range without {
			if x.MemberID == m {
				return push.Outcome{Result: push.SaidNo, Code: reach.CodeNoTask}
			}
		}
		return push.Outcome{Result: push.GoneOut, Task: "msg1"}
	})
	return p
}

func (w *world) of(p push.Push, m id.ID) push.Trace {
	w.t.Helper()
	x, err := w.s.Why(w.t.Context(), p.ID, m)
	w.must(err)
	return x
}

func TestACopyThatStaffSendIsNotSaidToHaveArrivedBeforeTheyDo(t *testing.T) {
	each(t, 5, func(t *testing.T, w *world) {
		ctx := t.Context()
		none, got, left, full, waits := w.people[0], w.people[1], w.people[2], w.people[3], w.people[4]
		p := w.asked(none)
		if x := w.of(p, none); x.Got || x.Delivery.State != push.Refused || !strings.Contains(x.Delivery.Words, "没有为他建立任务") {
			t.Errorf("%+v", x.Delivery)
		}
		if x := w.of(p, got); x.Got || x.Delivery.State != push.Sent || !strings.Contains(x.Delivery.Words, "员工待发送") {
			t.Errorf("%+v", x.Delivery)
		}
		if list, err := w.s.ForMember(ctx, []id.ID{got}); err != nil || len(list) != 0 || len(w.happened(got)) != 0 {
			t.Errorf("told before it was sent: %+v %v", list, err)
		}
		if w.get(p.ID).State != push.Done {
			t.Error("a push does not wait for staff")
		}
		if due, err := w.s.DueTasks(ctx); err != nil || len(due) != 0 {
			t.Errorf("at once: %v %v", due, err)
		}
		w.clk.Advance(3 * time.Minute)
		due, err := w.s.DueTasks(ctx)
		w.must(err)
		if len(due) != 1 || due[0].MsgID != "msg1" || due[0].AccountID != 6 || due[0].RunID != p.ID {
			t.Fatalf("%+v", due)
		}
		if again, err := w.s.DueTasks(ctx); err != nil || len(again) != 0 {
			t.Errorf("two processes ask: %v %v", again, err)
		}
		w.must(w.s.Told(ctx, due[0], nil)) // no answer: nothing is known
		said := map[string]int{"o" + got.String(): push.TaskDelivered, "o" + left.String(): push.TaskNoContact, "o" + full.String(): push.TaskEnough, "o" + waits.String(): push.TaskWaits}
		for range 2 {
			w.must(w.s.Told(ctx, due[0], said))
		}
		if x := w.of(p, got); !x.Got || x.Delivery.Words != "已通过企业微信群发发送" {
			t.Errorf("%+v", x.Delivery)
		}
		for m, words := range map[id.ID]string{left: "不是这位员工的客户", full: "已达上限"} {
			if x := w.of(p, m); x.Got || x.Delivery.State != push.Refused || !strings.Contains(x.Delivery.Words, words) {
				t.Errorf("%+v", x.Delivery)
			}
		}
		if list := w.happened(got); len(list) != 1 || list[0].Type != event.MessageSent {
			t.Errorf("%+v", list)
		}
		if list, err := w.s.ForMember(ctx, []id.ID{got}); err != nil || len(list) != 1 {
			t.Errorf("%+v %v", list, err)
		}
		if n := w.states(p.ID); n["sent"] != 2 || n["refused"] != 3 { // and the kept counts say the same
			t.Errorf("%v", n)
		}
		outcomes := map[string]int{}
		for _, o := range w.ledger.ended {
			outcomes[o]++
		}
		if outcomes[reach.Sent] != 1 || outcomes[reach.Refused] != 3 {
			t.Errorf("the ledger: %v", outcomes)
		}

		w.clk.Advance(8 * 24 * hour)
		due, err = w.s.DueTasks(ctx)
		w.must(err)
		if len(due) != 1 {
			t.Fatalf("%+v", due)
		}
		w.must(w.s.Told(ctx, due[0], said))
		if x := w.of(p, waits); x.Delivery.State != push.Refused || !strings.Contains(x.Delivery.Words, "没有点“发送”") {
			t.Errorf("%+v", x.Delivery)
		}
		w.clk.Advance(24 * hour)
		if due, err = w.s.DueTasks(ctx); err != nil || len(due) != 0 {
			t.Errorf("it is asked for for ever: %v %v", due, err)
		}
		var rows int
		w.must(w.d.Read(ctx).Raw("SELECT (SELECT COUNT(*) FROM push_task) + (SELECT COUNT(*) FROM push_task_copy)").Scan(&rows).Error)
		if rows != 0 {
			t.Errorf("%d rows stay", rows)
		}
	})
}

func TestATaskThatNobodyCanAskForEndsAsUnknown(t *testing.T) {
	each(t, 1, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.asked()
		w.clk.Advance(8 * 24 * hour)
		due, err := w.s.DueTasks(ctx)
		w.must(err)
		w.must(w.s.Told(ctx, due[0], nil))
		if x := w.of(p, w.people[0]); x.Delivery.State != push.Unknown {
			t.Errorf("%+v", x.Delivery)
		}
		if n := w.states(p.ID); n["unknown"] != 1 {
			t.Errorf("%v", n)
		}
	})
}

// Who was erased is known to no task any more: what staff were to send him ends at once, and
// the others' copies go on.
func TestACopyOfAnErasedPersonDoesNotWaitForStaffForEver(t *testing.T) {
	each(t, 3, func(t *testing.T, w *world) {
		ctx := t.Context()
		gone, got, waits := w.people[0], w.people[1], w.people[2]
		p := w.asked()
		w.clk.Advance(3 * time.Minute)
		task := w.due()
		erase := func(members ...id.ID) (n int64) {
			w.must(w.d.InTx(ctx, func(tx *gorm.DB) (err error) { n, err = w.s.EraseTx(ctx, tx, members); return err }))
			return n
		}
		if n := erase(gone, 999); n != 1 {
			t.Errorf("%d copies", n)
		}
		if n := erase(gone); n != 0 {
			t.Errorf("%d copies once more", n)
		}
		if x := w.of(p, gone); x.Delivery.State != push.Unknown || x.Delivery.Reason != "" {
			t.Errorf("%+v", x.Delivery)
		}
		if n := w.states(p.ID); n["unknown"] != 1 || n["sent"] != 2 {
			t.Errorf("%v", n)
		}
		// An answer that was asked for before may name him still: it changes nothing of his.
		w.must(w.s.Told(ctx, task, map[string]int{"o" + gone.String(): push.TaskDelivered, "o" + got.String(): push.TaskDelivered, "o" + waits.String(): push.TaskWaits}))
		if x := w.of(p, gone); x.Delivery.State != push.Unknown || len(w.happened(gone)) != 0 {
			t.Errorf("%+v", x.Delivery)
		}
		if x := w.of(p, got); !x.Got || len(w.happened(got)) != 1 {
			t.Errorf("%+v", x.Delivery)
		}
		if x := w.of(p, waits); !strings.Contains(x.Delivery.Words, "员工待发送") || w.says(p) != "staff_tasks/1/" {
			t.Errorf("%+v %s", x.Delivery, w.says(p))
		}
		// The last one of a task leaves: nobody is left to ask for, and the task is over.
		if n := erase(waits, got); n != 1 {
			t.Errorf("%d copies", n)
		}
		if n := w.states(p.ID); n["unknown"] != 2 || n["sent"] != 1 {
			t.Errorf("%v", n)
		}
		w.must(w.s.Told(ctx, task, map[string]int{}))
		if w.says(p) != "" {
			t.Errorf("staff still hold %s", w.says(p))
		}
	})
}

// One person may wait in tasks of several pushes.
func TestAllTasksForgetAnErasedPerson(t *testing.T) {
	each(t, 40, func(t *testing.T, w *world) {
		ctx := t.Context()
		all := []push.Push{w.asked(), w.asked()}
		var n int64
		w.must(w.d.InTx(ctx, func(tx *gorm.DB) (err error) { n, err = w.s.EraseTx(ctx, tx, w.people[:30]); return err }))
		if n != 60 {
			t.Errorf("%d copies", n)
		}
		for _, p := range all {
			if n := w.states(p.ID); n["unknown"] != 30 || n["sent"] != 10 {
				t.Errorf("%v", n)
			}
		}
		var left int
		w.must(w.d.Read(ctx).Raw("SELECT COUNT(*) FROM push_task_copy WHERE member_id IN ?", w.people[:30]).Scan(&left).Error)
		if left != 0 {
			t.Errorf("%d copies stay", left)
		}
	})
}
