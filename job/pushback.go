package job

import (
	"context"
	"strconv"
	"time"

	"siyu/model/fail"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/wechat"
)

const (
	// backSoon is when a call that WeCom had no room for is made again.
	backSoon = time.Minute
	// backLater is when it is looked whether somebody put the account's settings right.
	backLater = time.Hour
)

// Back takes a task of staff back whose push was stopped. That a call is made is committed
// before it; a worker that dies, or comes twice, makes it again, and the task is taken back
// once all the same. What WeCom refuses for good is kept for the push's page.
func (w *Pushes) Back(ctx context.Context, taskID id.ID) (Verdict, error) {
	t, open, err := w.store.Back(ctx, taskID)
	if err != nil || !open {
		return Verdict{}, err
	}
	fail.Point("push.back")
	called := w.send.CancelTask(ctx, t)
	fail.Point("push.backed")
	back, again := backAnswer(called)
	code := ""
	if n := wechat.ErrCode(called); n != 0 {
		code = strconv.Itoa(n)
	}
	rec, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	if err := w.store.Backed(rec, t, back, code, wechat.DidNothing(called)); err != nil {
		return Verdict{}, err
	}
	if back == push.BackAsked && again == 0 { // no answer: after growing pauses
		return Verdict{}, called
	}
	return Verdict{Again: again, Why: "企业微信返回 " + code}, nil
}

// backAnswer says how far a task is by what WeCom answered, and when to call again; 0 of one
// that is still asked: nobody knows.
func backAnswer(err error) (back string, again time.Duration) {
	n := wechat.ErrCode(err)
	switch {
	case err == nil:
		return push.BackTaken, 0
	case wechat.IsDenied(err) || ourMistakes()[n] != "":
		return push.BackDenied, backLater
	case wechat.IsThrottled(err) && n != wechat.CodeBusy:
		return push.BackAsked, backSoon
	case n == 0 || n == wechat.CodeBusy:
		return push.BackAsked, 0
	}
	return push.BackRefused, 0
}
