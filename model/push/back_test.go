package push_test

import (
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
)

// wakes counts the wake-ups of tasks that are to be taken back.
func (w *world) wakes() (n int) {
	w.t.Helper()
	w.must(w.d.Read(w.t.Context()).Raw("SELECT COUNT(*) FROM outbox WHERE task = ?", push.TaskBack).Scan(&n).Error)
	return n
}

// task is the only one of staff that is not over.
func (w *world) task() (out push.Task) {
	w.t.Helper()
	w.must(w.d.Read(w.t.Context()).Take(&out).Error)
	return out
}

// due is the task when it is asked for.
func (w *world) due() push.Task {
	w.t.Helper()
	list, err := w.s.DueTasks(w.t.Context())
	w.must(err)
	if len(list) != 1 {
		w.t.Fatalf("%+v", list)
	}
	return list[0]
}

// says is what the page of a push says of its tasks.
func (w *world) says(p push.Push) string {
	w.t.Helper()
	n, err := w.s.Numbers(w.t.Context(), p.ID)
	w.must(err)
	out := ""
	for _, c := range n.Tasks {
		out += c.Said.Code + "/" + c.Said.Args["n"] + "/" + c.Code + " "
	}
	return strings.TrimSpace(out)
}

func TestWhatStaffHaveNotSentIsTakenBackWhenThePushIsStopped(t *testing.T) {
	each(t, 3, func(t *testing.T, w *world) {
		ctx := t.Context()
		got, waits := w.people[0], w.people[1:]
		p := w.asked()
		if p = w.get(p.ID); p.State != push.Done || w.says(p) != "staff_tasks/1/" {
			t.Fatalf("%s %s", p.State, w.says(p))
		}
		for range 2 {
			_, err := w.s.Stop(ctx, p.ID, "价格错了")
			w.must(err)
		}
		if p = w.get(p.ID); p.State != push.Stopped || w.wakes() != 1 || w.says(p) != "staff_tasks_asked/1/" {
			t.Errorf("%s, %d wake-ups, %s", p.State, w.wakes(), w.says(p))
		}
		if x := w.of(p, got); !strings.Contains(x.Delivery.Words, "仍可能收到") {
			t.Errorf("%+v", x.Delivery)
		}
		if _, ok, err := w.s.Back(ctx, w.task().ID); !ok || err != nil { // by a worker that dies
			t.Fatal(ok, err)
		}
		task, ok, err := w.s.Back(ctx, w.task().ID)
		if w.must(err); !ok || task.MsgID != "msg1" || task.AccountID != 6 {
			t.Fatalf("%+v", task)
		}
		w.must(w.s.Backed(ctx, task, push.BackTaken, "", false))
		if _, ok, err = w.s.Back(ctx, task.ID); ok || err != nil {
			t.Errorf("it is taken back again: %v", err)
		}
		w.must(w.s.Backed(ctx, task, push.BackRefused, "40058", true)) // of a call beside it that ended later
		if w.says(p) != "staff_tasks_taken/1/" {
			t.Error(w.says(p))
		}
		if list, err := w.s.DueTasks(ctx); err != nil || len(list) != 0 {
			t.Errorf("what is just being sent is not known yet: %v %v", list, err)
		}
		w.clk.Advance(3 * time.Minute)
		due := w.due()
		w.must(w.s.Told(ctx, due, nil)) // no answer: nothing is known
		said := map[string]int{"o" + got.String(): push.TaskDelivered, "o" + waits[0].String(): push.TaskWaits}
		for range 2 {
			w.must(w.s.Told(ctx, due, said))
		}
		if x := w.of(p, got); !x.Got || x.Delivery.Words != "已通过企业微信群发发送" || len(w.happened(got)) != 1 {
			t.Errorf("who got it has it: %+v", x.Delivery)
		}
		for _, m := range waits {
			if x := w.of(p, m); x.Got || x.Delivery.State != push.Skipped || !strings.Contains(x.Delivery.Words, "任务已收回") || len(w.happened(m)) != 0 {
				t.Errorf("%+v", x.Delivery)
			}
		}
		if n := w.states(p.ID); n["sent"] != 1 || n["skipped"] != 2 || w.says(p) != "" {
			t.Errorf("%v, %s", n, w.says(p))
		}
		back := 0
		for _, outcome := range w.ledger.ended {
			if outcome == reach.Refused {
				back++
			}
		}
		if back != 2 {
			t.Errorf("the ledger was given %d places back: %v", back, w.ledger.ended)
		}
		_, err = w.s.Stop(ctx, w.begunAndDone().ID, "晚了")
		w.code(err, "push_state")
	})
}

// begunAndDone is a push by messages that is over.
func (w *world) begunAndDone() push.Push {
	p := w.begun(form())
	w.send(p.ID, took)
	return w.get(p.ID)
}

func TestATaskThatWeComTookWhileItsPushWasStoppedIsTakenBackToo(t *testing.T) {
	each(t, 1, func(t *testing.T, w *world) {
		ctx := t.Context()
		f := form()
		f.Uses = []reach.Use{{Channel: reach.WeCom, AccountID: 6}}
		f.Arms[0].Contents[0].Text = "镜片到货"
		p := w.begun(f)
		w.send(p.ID, func(push.Parcel) push.Outcome {
			_, err := w.s.Stop(ctx, p.ID, "价格错了")
			w.must(err)
			return push.Outcome{Result: push.GoneOut, Task: "msg1"}
		})
		if w.get(p.ID).State != push.Stopped || w.wakes() != 0 {
			t.Fatalf("%d wake-ups", w.wakes())
		}
		for range 2 {
			w.must(w.s.BackLate(ctx))
		}
		if w.wakes() != 1 || w.task().Back != push.BackAsked {
			t.Errorf("%d wake-ups, %+v", w.wakes(), w.task())
		}
	})
}

func TestATaskThatCannotBeTakenBackIsSaidToBeOpen(t *testing.T) {
	each(t, 1, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.asked()
		try := func(back, code string) string {
			t.Helper()
			task, ok, err := w.s.Back(ctx, w.task().ID)
			if w.must(err); !ok {
				t.Fatal("nothing to do")
			}
			w.must(w.s.Backed(ctx, task, back, code, code != ""))
			return w.says(p)
		}
		_, err := w.s.Stop(ctx, p.ID, "价格错了")
		w.must(err)
		for _, x := range [][3]string{{push.BackAsked, "41063", "staff_tasks_again/1/41063"}, {push.BackDenied, "48002", "staff_tasks_denied/1/48002"}, {push.BackRefused, "40058", "staff_tasks_refused/1/40058"}} {
			if got := try(x[0], x[1]); got != x[2] {
				t.Errorf("%s, want %s", got, x[2])
			}
		}
		w.must(w.d.InTx(ctx, func(tx *gorm.DB) error {
			return tx.Exec("UPDATE push_task SET back = ?, back_calls = 0", push.BackAsked).Error
		}))
		if got := try(push.BackAsked, ""); got != "staff_tasks_asked/1/" { // no answer
			t.Error(got)
		}
		if got := try(push.BackRefused, "40058"); got != "staff_tasks_unsure/1/40058" {
			t.Errorf("the call before may have done it: %s", got)
		}
		// The staff can send it on, and that he did is heard.
		w.clk.Advance(3 * time.Minute)
		w.must(w.s.Told(ctx, w.due(), map[string]int{"o" + w.people[0].String(): push.TaskDelivered}))
		if x := w.of(p, w.people[0]); !x.Got || w.says(p) != "" {
			t.Errorf("%+v %s", x.Delivery, w.says(p))
		}
	})
}

func TestTasksOfStaffAreNotPausedAndThatIsSaid(t *testing.T) {
	each(t, 2, func(t *testing.T, w *world) {
		ctx := t.Context()
		f := form()
		f.Uses = []reach.Use{{Channel: reach.WeCom, AccountID: 6}}
		f.Arms[0].Contents[0].Text = "镜片到货"
		w.ledger.why, w.ledger.until = map[id.ID]string{w.people[1]: "quiet_hours"}, map[id.ID]clock.Instant{w.people[1]: w.clk.Now().Add(hour)}
		p := w.begun(f)
		w.send(p.ID, func(push.Parcel) push.Outcome { return push.Outcome{Result: push.GoneOut, Task: "msg1"} })
		if w.says(p) != "staff_tasks/1/" {
			t.Error(w.says(p))
		}
		_, err := w.s.Pause(ctx, p.ID)
		if w.must(err); w.says(p) != "staff_tasks_paused/1/" || w.wakes() != 0 {
			t.Error(w.says(p))
		}
		n, err := w.s.Numbers(ctx, p.ID)
		w.must(err)
		told := func(as int64) int { return len(n.Told(func(int64, ...any) int64 { return as }).Tasks) }
		if told(0) != 0 || told(10) != 1 {
			t.Errorf("that there is a task tells of somebody where there are few: %d, %d", told(0), told(10))
		}
	})
}
