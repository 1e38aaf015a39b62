package job

import (
	"context"

	"siyu/model/id"
	"siyu/model/message"
	"siyu/model/withdrawal"
)

// TaskWithdrawal tells a person what became of a withdrawal: withdrawal:tell.
const TaskWithdrawal = withdrawal.Task

// withdrawalNotices is the part of the withdrawals that says what to tell; *withdrawal.Store is it.
type withdrawalNotices interface {
	NoticeOf(ctx context.Context, withdrawalID id.ID) (n withdrawal.Notice, ok bool, err error)
}

// withdrawalTeller queues messages; *message.Store is it.
type withdrawalTeller interface {
	Tell(ctx context.Context, m message.Message) error
}

// Withdrawals makes the worker of TaskWithdrawal. Who cannot be written to sees it on
// his page.
func Withdrawals(from withdrawalNotices, messages withdrawalTeller, address Address) Worker {
	return func(ctx context.Context, withdrawalID id.ID) (Verdict, error) {
		n, ok, err := from.NoticeOf(ctx, withdrawalID)
		if err != nil || !ok {
			return Verdict{}, err
		}
		account, openID, err := address(ctx, n.BrandID, n.MemberID)
		if err != nil || openID == "" {
			return Verdict{}, err
		}
		return Verdict{}, messages.Tell(ctx, message.Message{MessageKey: n.Key, AccountID: account, MemberID: n.MemberID, OpenID: openID, Text: n.Text})
	}
}
