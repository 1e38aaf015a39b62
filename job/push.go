package job

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"siyu/model/clock"
	"siyu/model/fail"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/wechat"
)

// Tasks of pushes (触达): the audience is written down, a lane is sent, a task of staff is
// taken back.
const (
	TaskPushFreeze = push.TaskFreeze // push:freeze
	TaskPushSend   = push.TaskSend   // push:send
	TaskPushBack   = push.TaskBack   // push:back
)

// pushStore is the part of *push.Store that workers move.
type pushStore interface {
	Freeze(ctx context.Context, pushID id.ID) (time.Duration, error)
	Next(ctx context.Context, laneID id.ID, done []push.Outcome, limit int) (push.Run, push.Wave, error)
	End(ctx context.Context, r push.Run, list []push.Outcome) error
	BeginDue(ctx context.Context) (int, error)
	Halt(ctx context.Context, pushID id.ID, why string) error
	Tidy(ctx context.Context) error
	DueTasks(ctx context.Context) ([]push.Task, error)
	Told(ctx context.Context, t push.Task, results map[string]int) error
	BackLate(ctx context.Context) error
	Back(ctx context.Context, taskID id.ID) (push.Task, bool, error)
	Backed(ctx context.Context, t push.Task, back, code string, nothing bool) error
	Heard(ctx context.Context) error
}

// PushSender takes copies to WeChat, or to whoever carries text messages. An error that
// wechat.DidNothing does not name leaves the outcome unknown.
type PushSender interface {
	// SendPush answers with WeChat's id of the message, "" where there is none.
	SendPush(ctx context.Context, p push.Parcel) (msgID string, err error)
	// SendPushes takes the same words to many in one call (push.Grouped).
	SendPushes(ctx context.Context, list []push.Parcel) (PushTask, error)
	// TaskResults asks what became of what staff were asked to send, by external_userid.
	TaskResults(ctx context.Context, t push.Task) (map[string]int, error)
	// CancelTask takes back what staff have not sent. To do so twice does no harm.
	CancelTask(ctx context.Context, t push.Task) error
}

// PushTask is what a call for many leaves to somebody of the staff; zero: it left nothing.
type PushTask struct {
	ID      string          // WeCom's
	Without map[string]bool // external_userids for whom there is no task
	MsgID   string          // of a mass send: WeChat's, which its report names
}

const (
	// pushRun is how long a lane is sent in one go; then other tasks have their turn.
	pushRun = 40 * time.Second
	// pushPeers is how many calls of one lane are on their way at once.
	pushPeers = 64
	// massTries is how often a mass send without an answer is made.
	massTries = 3
	// pushPatience is how long a copy that was reserved waits for its turn to be sent: less
	// than the margin that the ledger leaves before a window closes, for the call takes time. A mass send has
	// no window, and its copies are many.
	pushPatience, massPatience = 4 * time.Second, 30 * time.Second
	// massTurns, of one a second, are taken for each mass send: WeChat takes sixty a minute.
	massTurns = 2
)

// Pushes sends the lanes of pushes.
type Pushes struct {
	store pushStore
	send  PushSender
	clk   clock.Clock
	rates *Rates
	now   func() time.Time // monotonic
	pause func(ctx context.Context, d time.Duration) error
}

// NewPushes makes the worker. rates are shared by all processes.
func NewPushes(store pushStore, send PushSender, clk clock.Clock, rates *Rates, now func() time.Time) *Pushes {
	return &Pushes{store: store, send: send, clk: clk, rates: rates, now: now, pause: pause}
}

// pause waits for a time, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Freeze writes one push's audience down.
func (w *Pushes) Freeze(ctx context.Context, pushID id.ID) (Verdict, error) {
	again, err := w.store.Freeze(ctx, pushID)
	return Verdict{Again: again, Why: "另一个进程正在确定名单"}, err
}

// Send sends a lane until nothing is due, or its time is up. Every copy is reserved and
// committed before it is called, and its outcome committed with the places of the next
// wave: a worker that dies, or comes twice, sends nobody a second copy.
func (w *Pushes) Send(ctx context.Context, laneID id.ID) (Verdict, error) {
	var run push.Run
	var done []push.Outcome // of the wave before
	for until := w.now().Add(fail.Pace(pushRun)); ; {
		if w.now().After(until) || ctx.Err() != nil {
			return Verdict{Again: time.Millisecond, Why: "继续发送"}, w.end(ctx, run, done)
		}
		next, wave, err := w.store.Next(ctx, laneID, done, pushPeers)
		switch {
		case err != nil:
			return Verdict{}, errors.Join(err, w.end(ctx, run, done)) // if they were, this changes nothing
		case !wave.On: // it does not run, or nothing is left
			return Verdict{}, nil
		case wave.Wait > 0:
			return Verdict{Again: wave.Wait, Why: "等待到发送时间"}, nil
		}
		fail.Point("push.taken")
		run, done = next, w.wave(ctx, next, wave.Parcels)
		if slow, halt := hindrance(run, done); slow > 0 || halt != 0 {
			if err := w.end(ctx, run, done); err != nil {
				return Verdict{}, err
			}
			done = nil
			if err := w.halt(ctx, run, halt); err != nil {
				return Verdict{}, err
			}
			if slow > 0 {
				return Verdict{Again: slow, Why: "等待发送名额"}, nil
			}
		}
	}
}

// end records outcomes, even when the worker's own time is up.
func (w *Pushes) end(ctx context.Context, run push.Run, done []push.Outcome) error {
	if len(done) == 0 {
		return nil
	}
	rec, cancel := context.WithTimeout(context.WithoutCancel(ctx), push.RecordTime(len(done)))
	defer cancel()
	return w.store.End(rec, run, done)
}

// halt pauses a push for a code of WeChat's that is our mistake; 0: none.
func (w *Pushes) halt(ctx context.Context, run push.Run, code int) error {
	if code == 0 {
		return nil
	}
	rec, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	return w.store.Halt(rec, run.PushID, fmt.Sprintf("微信返回 %d：%s。已自动暂停，处理后点“继续”", code, ourMistakes()[code]))
}

// hindrance says when the channel has room again, and the code that is our mistake.
func hindrance(run push.Run, done []push.Outcome) (slow time.Duration, halt int) {
	for _, o := range done {
		if o.Result == push.NotYet {
			slow = max(slow, min(o.After, time.Minute))
		}
		if ourMistakes()[code(o)] != "" && !run.Test() {
			halt = code(o)
		}
	}
	return slow, halt
}

// wave sends what was reserved.
func (w *Pushes) wave(ctx context.Context, run push.Run, parcels []push.Parcel) []push.Outcome {
	out := make([]push.Outcome, len(parcels))
	var over sync.Map // of ways whose day is over
	var wg sync.WaitGroup
	room, until := make(chan struct{}, pushPeers), w.now().Add(pushPatience)
	late, cancel := context.WithTimeout(ctx, pushPatience) // who found no room by then waits
	defer cancel()
	groups := map[groupKey][]int{}
	for i, p := range parcels {
		if push.Grouped(p.Way.Channel) {
			k := groupKey{p.Use, p.Arm, p.Sender, p.Call}
			groups[k] = append(groups[k], i)
			continue
		}
		wg.Go(func() {
			select {
			case room <- struct{}{}:
				out[i] = w.one(ctx, run, p, until, &over)
				<-room
			case <-late.Done():
				out[i] = push.Outcome{Parcel: p, Result: push.NotYet, After: time.Second}
			}
		})
	}
	for _, list := range groups {
		wg.Go(func() { w.many(ctx, run, parcels, list, out) })
	}
	wg.Wait()
	fail.Point("push.called")
	return out
}

// groupKey is what copies of one call share.
type groupKey struct {
	use, arm     int
	sender, call string
}

func code(o push.Outcome) int {
	n, _ := strconv.Atoi(o.Code) // texts are not WeChat's
	return n
}

// many sends the same words to several people in one call.
func (w *Pushes) many(ctx context.Context, run push.Run, parcels []push.Parcel, list []int, out []push.Outcome) {
	group := make([]push.Parcel, len(list))
	for i, at := range list {
		group[i] = parcels[at]
	}
	var task PushTask
	o := w.call(ctx, run, group[0], time.Time{}, func() (err error) {
		task, err = w.send.SendPushes(ctx, group)
		return err
	})
	// WeChat takes a mass send under its key (clientmsgid) once and says of a repetition that
	// it was taken, so the same people under the same key may be asked about again. Only that
	// answer, or a first success, is believed: a refusal may be of the repetition alone.
	for try := 1; try < massTries && o.Result == push.WhoKnows && group[0].Way.Channel == reach.Mass && ctx.Err() == nil; try++ {
		again := w.call(ctx, run, group[0], time.Time{}, func() (err error) { task, err = w.send.SendPushes(ctx, group); return err })
		if again.Result == push.GoneOut {
			o = again
		}
	}
	for _, at := range list {
		o := o
		if o.Parcel = parcels[at]; o.Result == push.GoneOut {
			o.Task, o.MsgID = task.ID, task.MsgID
			if task.Without[o.OpenID] {
				o.Result, o.Task, o.MsgID, o.Code = push.SaidNo, "", "", reach.CodeNoTask
			}
		}
		out[at] = o
	}
}

// one sends a copy, unless another of the wave was told that the day's quota is over.
func (w *Pushes) one(ctx context.Context, run push.Run, p push.Parcel, until time.Time, over *sync.Map) push.Outcome {
	msgID := ""
	o := w.call(ctx, run, p, until, func() (err error) {
		if _, is := over.Load(p.Way); is {
			return errDayOver
		}
		msgID, err = w.send.SendPush(ctx, p)
		return err
	})
	if o.Result == push.GoneOut {
		o.MsgID = msgID
	}
	if code(o) == wechat.CodeDailyQuota {
		over.Store(p.Way, true)
	}
	return o
}

// errDayOver: nobody was called.
var errDayOver = errors.New("job: the day's quota is over")

// call takes its turns and calls. until is when its patience ends; zero: as long from now as
// the channel's line says. Where one line gives a turn and the next has none in time, nobody
// was called: the turn is void, and the copy waits.
func (w *Pushes) call(ctx context.Context, run push.Run, p push.Parcel, until time.Time, send func() error) push.Outcome {
	lines := linesOf(run, p)
	if until.IsZero() {
		until = w.now().Add(lines[len(lines)-1].patience)
	}
	for _, q := range lines {
		for range q.turns {
			if back, ok := w.turn(ctx, q, until); !ok {
				return push.Outcome{Parcel: p, Result: push.NotYet, After: back}
			}
		}
	}
	fail.Point("push.before")
	err := send()
	fail.Point("push.after")
	return w.outcome(run, p, err)
}

// line is where a call waits for its turns.
type line struct {
	name             string
	perSecond, turns int
	patience         time.Duration
}

// linesOf are where a call waits, one after the other: in the push's own line where that is
// slower, and always in the channel's, which all pushes of an account share. The own comes
// first, so that no turn of the others is spent on a push that may not send yet. Mass sends
// have no line of their own: what a push says of messages a second says nothing of calls that
// reach a thousand.
func linesOf(run push.Run, p push.Parcel) []line {
	all := line{fmt.Sprintf("push:%s:%d", p.Way.Channel, p.Way.AccountID), run.PerSecond, 1, pushPatience}
	switch own := run.Push.PerSecond; {
	case p.Way.Channel == reach.Mass:
		all.perSecond, all.turns, all.patience = min(all.perSecond, 1), massTurns, massPatience
	case own > 0 && own < all.perSecond:
		return []line{{"push:" + run.PushID.String(), own, 1, pushPatience}, all}
	}
	return []line{all}
}

// turn waits for a turn, a few seconds at most; what is reserved must not wait for long.
func (w *Pushes) turn(ctx context.Context, q line, end time.Time) (back time.Duration, ok bool) {
	for {
		wait, ok := w.rates.Turn(ctx, q.name, q.perSecond)
		if !ok && w.now().Add(wait).After(end) {
			return max(wait, time.Second), false
		}
		if wait > 0 && w.pause(ctx, wait) != nil {
			return time.Second, false
		}
		if ok {
			return 0, true
		}
	}
}

// ourMistakes are codes that say nothing of the person: the next one would get the same.
func ourMistakes() map[int]string {
	const keys = "账号的密钥或令牌不对，请在“账号”里检查"
	return map[int]string{wechat.CodeBadSecretOrAK: keys, wechat.CodeBadToken: keys, wechat.CodeTokenExpired: keys, 40013: "AppID 不对", 40125: "AppSecret 不对",
		40164: "服务器地址不在公众号的白名单里", 48001: "账号没有这个接口的权限", wechat.CodeForbiddenAPI: "账号没有这个接口的权限", 40037: "模板编号不对，或模板已被删除", 47003: "模板字段与微信登记的不一致"}
}

// outcome says what an answer means. When the day's quota is over the ledger knows until
// when, and which other way there is: who was refused is asked about again at once, and who
// may have it already, under its old key, when WeChat counts anew. What was surely not done
// may be tried again, also when the mistake is ours; what else WeChat refuses concerns this
// person; and no answer is no answer.
func (w *Pushes) outcome(run push.Run, p push.Parcel, err error) push.Outcome {
	o := push.Outcome{Parcel: p}
	n := wechat.ErrCode(err)
	if n != 0 {
		o.Code = strconv.Itoa(n)
	}
	switch {
	case err == nil:
		o.Result = push.GoneOut
	case errors.Is(err, errDayOver):
		o.Result = push.NotYet
	case errors.Is(err, ErrTooFew):
		o.Result, o.Code = push.SaidNo, "too_few"
	case run.Test() && wechat.DidNothing(err): // who tests wants to see it now
		o.Result = push.SaidNo
	case n == wechat.CodeDailyQuota:
		o.Result, o.After = push.NotYet, time.Duration(0)
		if p.Again {
			now := w.clk.Now()
			_, midnight := clock.DayOf(now).Bounds()
			o.After = midnight.Sub(now) + time.Minute
		}
	case n == wechat.CodeMinuteQuota, n == wechat.CodeCorpConcurrency, ourMistakes()[n] != "":
		o.Result, o.After = push.NotYet, time.Minute
	case n == 0 && wechat.DidNothing(err): // never reached
		o.Result, o.After = push.NotYet, 10*time.Second
	case wechat.DidNothing(err):
		o.Result = push.SaidNo
	default:
		o.Result = push.WhoKnows
	}
	return o
}

// ErrTooFew is for a group send that WeChat takes for two people and more only.
var ErrTooFew = errors.New("job: a group send needs two people")

// Chores begin what is due and settle what died.
func (w *Pushes) Chores() []Chore {
	return []Chore{
		{"begin pushes", 5 * time.Second, func(ctx context.Context) error {
			_, err := w.store.BeginDue(ctx)
			return err
		}},
		{"settle pushes that do not run", time.Minute, w.store.Tidy},
		{"apply what WeChat reported of copies", 5 * time.Second, w.store.Heard},
		{"ask what staff sent", time.Minute, w.askTasks},
		{"take back what staff were asked late", time.Minute, w.store.BackLate},
	}
}

// askTasks asks for tasks of staff. One that cannot be asked for holds up no other.
func (w *Pushes) askTasks(ctx context.Context) error {
	due, err := w.store.DueTasks(ctx)
	for _, t := range due {
		results, asked := w.send.TaskResults(ctx, t)
		if asked != nil {
			results = nil
		}
		err = errors.Join(err, asked, w.store.Told(ctx, t, results))
	}
	return err
}
