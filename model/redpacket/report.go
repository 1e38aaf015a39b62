package redpacket

import (
	"context"
	"encoding/json"
	"fmt"

	"siyu/model/money"
)

// Report is what a verified notice said of a payout, as it is kept in package notice.
type Report struct {
	BillNo    string    `json:"bill_no"`
	Out       string    `json:"out"` // an outcome: settled, returned, failed, accepted
	WechatNo  string    `json:"wechat_no"`
	Code      string    `json:"code"` // WeChat's own state
	Reason    string    `json:"reason"`
	AmountFen money.Fen `json:"amount_fen"`
}

// Body is the report's stored text.
func (r Report) Body() ([]byte, error) { return json.Marshal(r) }

// ApplyReport applies a stored report to the payout with its bill number. Faults:
// NotFound payout_not_found when no payout has that number.
func (s *Store) ApplyReport(ctx context.Context, body []byte) (Payout, error) {
	var r Report
	if err := json.Unmarshal(body, &r); err != nil {
		return Payout{}, fmt.Errorf("redpacket: report: %w", err)
	}
	p, err := s.ByBill(ctx, r.BillNo)
	if err != nil {
		return Payout{}, err
	}
	next := p.NextAt
	if next == 0 {
		next = s.db.Now()
	}
	return s.Apply(ctx, p.ID, Answer{Out: r.Out, WechatNo: r.WechatNo, Code: r.Code, Reason: r.Reason, AmountFen: r.AmountFen}, next)
}
