package withdrawal

import (
	"context"

	"siyu/model/id"
)

// Notice is what the person is told of the end of a withdrawal.
type Notice struct {
	Key       string // once
	MemberID  id.ID
	BrandID   id.ID
	AccountID id.ID // the merchant; 0 when nothing was to be paid
	Text      string
}

// NoticeOf says what to tell of a withdrawal, or ok = false when there is nothing.
func (s *Store) NoticeOf(ctx context.Context, withdrawalID id.ID) (n Notice, ok bool, err error) {
	w, err := s.Get(ctx, withdrawalID)
	if err != nil {
		return Notice{}, false, err
	}
	n = Notice{Key: "wd:" + w.ID.String() + ":" + w.State, MemberID: w.MemberID, BrandID: w.BrandID, AccountID: w.AccountID}
	switch w.State {
	case Paid:
		n.Text = "您的佣金提现已到账 " + w.NetFen().Yuan() + " 元"
		if w.TaxFen > 0 {
			n.Text += "（申请 " + w.AmountFen.Yuan() + " 元，代扣税款 " + w.TaxFen.Yuan() + " 元）"
		}
	case Refused:
		n.Text = "您的佣金提现申请（" + w.AmountFen.Yuan() + " 元）没有通过：" + w.Reason + "。金额已退回可提现余额"
	case Returned, Failed:
		n.Text = "您的佣金提现（" + w.AmountFen.Yuan() + " 元）没有完成：" + w.Reason
	default:
		return Notice{}, false, nil
	}
	n.Text += "。"
	return n, true, nil
}
