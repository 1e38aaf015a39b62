package job

import (
	"context"
	"time"

	"siyu/model/clock"
	"siyu/model/leader"
	"siyu/model/message"
)

// leaders is what the chores of leaders need; *leader.Store is it.
type leaders interface {
	TellStep(ctx context.Context, limit int, tell func(ctx context.Context, w leader.Word) error) (int, error)
	ProposeStep(ctx context.Context) (more bool, err error)
	ReviewStep(ctx context.Context) (more bool, err error)
	RankDay(ctx context.Context) (more bool, err error)
	Forget(ctx context.Context, limit int) (int, error)
}

// Leaders is the chores of leaders, and whom they tell.
type Leaders struct {
	Leaders   leaders
	Messages  *message.Store
	Address   Address
	Clock     clock.Clock
	PublicURL string
}

// nightFrom is when the figures of yesterday are counted: what was told late is in by
// then.
const nightFrom = 3 * time.Hour

// Chores is what happens by the clock to leaders.
func (l *Leaders) Chores() []Chore {
	return []Chore{
		{"tell leaders what was decided", time.Minute, func(ctx context.Context) error {
			return batches(ctx, 50, func(limit int) (int, error) { return l.Leaders.TellStep(ctx, limit, l.tell) })
		}},
		{"propose leaders", 10 * time.Minute, l.night(l.Leaders.ProposeStep)},
		{"review levels of leaders", 10 * time.Minute, l.night(l.Leaders.ReviewStep)},
		{"rank leaders", 10 * time.Minute, l.night(l.Leaders.RankDay)},
		{"forget old facts of leaders", time.Hour, func(ctx context.Context) error {
			return batches(ctx, 500, func(limit int) (int, error) { return l.Leaders.Forget(ctx, limit) })
		}},
	}
}

// night makes a chore of steps that run from nightFrom on until nothing is left of the
// day.
func (l *Leaders) night(step func(context.Context) (more bool, err error)) func(context.Context) error {
	return func(ctx context.Context) error {
		now := l.Clock.Now()
		if from, _ := clock.DayOf(now).Bounds(); now.Sub(from) < nightFrom {
			return nil
		}
		for ctx.Err() == nil {
			if more, err := step(ctx); err != nil || !more {
				return err
			}
		}
		return ctx.Err()
	}
}

// tell writes to somebody whom the brand's official account knows; the others see it on
// their page.
func (l *Leaders) tell(ctx context.Context, w leader.Word) error {
	account, openID, err := l.Address(ctx, w.BrandID, w.MemberID)
	if err != nil || openID == "" {
		return err
	}
	return l.Messages.Tell(ctx, message.Message{MessageKey: w.Key, AccountID: account, MemberID: w.MemberID, OpenID: openID,
		Text: w.Text + "\n<a href=\"" + l.PublicURL + "/leader/apply\">查看</a>"})
}
