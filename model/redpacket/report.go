package redpacket

import (
	"context"
	"encoding/json"
	"fmt"

	"siyu/model/id"
	"siyu/model/money"
)

// Report is what a verified notice said of a payout, as it is kept in package notice.
type Report struct {
	BillNo    string    `json:"bill_no"`
	Out       string    `json:"out"` // an outcome: settled, returned, failed, accepted
	WechatNo  string    `json:"wechat_no"`
	Code      string    `json:"code"` // WeChat's own state
	Reason    string    `json:"reason"`
	OpenID    string    `json:"openid"` // who the notice says it is for
	AmountFen money.Fen `json:"amount_fen"`
}

// Body is the report's stored text.
func (r Report) Body() ([]byte, error) { return json.Marshal(r) }

// ApplyReport applies a stored report to the payout with its bill number. accountID is
// the merchant whose keys verified it: who holds the keys of one merchant number must
// not move another's payouts. A report about another person or another amount is kept
// for review and moves nothing. Faults: NotFound payout_not_found when this merchant
// has no payout of that number.
func (s *Store) ApplyReport(ctx context.Context, accountID id.ID, body []byte) (Payout, error) {
	var r Report
	if err := json.Unmarshal(body, &r); err != nil {
		return Payout{}, fmt.Errorf("redpacket: report: %w", err)
	}
	p, err := s.ByBill(ctx, r.BillNo)
	if err != nil {
		return Payout{}, err
	}
	if p.AccountID != accountID {
		return Payout{}, errNotFound
	}
	next := p.NextAt
	if next == 0 {
		next = s.db.Now()
	}
	a := Answer{Out: r.Out, WechatNo: r.WechatNo, Code: r.Code, Reason: r.Reason, AmountFen: r.AmountFen}
	if r.OpenID != "" && r.OpenID != p.OpenID {
		a = Answer{Out: OutHold, Code: "RECEIVER_MISMATCH", Reason: "微信通知的收款人与打款单不符"}
	} else if r.AmountFen == 0 { // Apply takes 0 for "not said", which a notice always says
		a = Answer{Out: OutUnknown, Code: "AMOUNT_MISSING", Reason: "微信通知没有金额，等待查询"}
	}
	return s.Apply(ctx, p.ID, a, next)
}
