package event

import (
	"encoding/json"

	"siyu/model/id"
	"siyu/model/money"
)

// ScanBody is the body of a scan of a code by a member.
type ScanBody struct {
	ProductID id.ID  `json:"product_id"`
	BatchID   id.ID  `json:"batch_id"`
	Serial    int64  `json:"serial"`
	Verdict   string `json:"verdict"`
	Province  string `json:"province,omitempty"`
	City      string `json:"city,omitempty"`
}

// ClaimBody is the body of a claim: one item that somebody opened.
type ClaimBody struct {
	ProductID  id.ID     `json:"product_id"`
	BatchID    id.ID     `json:"batch_id"`
	Serial     int64     `json:"serial"`
	CampaignID id.ID     `json:"campaign_id"`
	Kind       string    `json:"kind"` // cash, points, nothing
	Prize      string    `json:"prize,omitempty"`
	CashFen    money.Fen `json:"cash_fen"`
	Points     int64     `json:"points"`
	Province   string    `json:"province,omitempty"`
	City       string    `json:"city,omitempty"`
}

// OrderBody is the body of an order of a shop system, or of a refund: then RefundNo is
// set, and quantities and amounts are negative.
type OrderBody struct {
	Source    string      `json:"source"`
	OrderNo   string      `json:"order_no"`
	RefundNo  string      `json:"refund_no,omitempty"`
	AmountFen money.Fen   `json:"amount_fen"`
	Lines     []OrderLine `json:"lines"`
}

// OrderLine is one product of an order.
type OrderLine struct {
	GTIN      string    `json:"gtin,omitempty"`
	SKU       string    `json:"sku,omitempty"`
	Name      string    `json:"name,omitempty"`
	Quantity  int64     `json:"quantity"`
	AmountFen money.Fen `json:"amount_fen"`
}

// ReviewBody is the body of a review.
type ReviewBody struct {
	Stars     int    `json:"stars"` // 1 to 5
	GTIN      string `json:"gtin,omitempty"`
	ProductID id.ID  `json:"product_id,omitempty"`
	OrderNo   string `json:"order_no,omitempty"`
	Text      string `json:"text,omitempty"`
}

// Body is the text of a body that this program made itself.
func Body(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("event: " + err.Error()) // texts and numbers
	}
	return b
}
