// Package event keeps what happened to members (事件) in one shape, whoever reports it.
package event

import (
	"context"
	"encoding/json"

	"siyu/model/clock"
	"siyu/model/id"
)

// Types of event.
const (
	Scan        = "scan"
	Claim       = "claim"
	Order       = "order"
	Follow      = "follow"
	Unfollow    = "unfollow"
	MessageSent = "message_sent"
	MessageOpen = "message_opened"
	MessageTap  = "message_clicked"
	Referral    = "referral"
	Login       = "login"
	Review      = "review"
	Coupon      = "coupon"
	Custom      = "custom"
)

// Event is one fact. Key is made from the fact ("claim:42", "order:tmall:1001") and
// makes it exist once, however often it is reported.
type Event struct {
	ID       id.ID           `json:"id"`
	Key      string          `json:"key"` // at most 96 bytes
	Type     string          `json:"type"`
	BrandID  id.ID           `json:"brand_id"`
	MemberID id.ID           `json:"member_id"` // the member it happened to, not the family's root
	Channel  string          `json:"channel"`   // h5, mini, open, import, callback, ...
	At       clock.Instant   `json:"at"`        // when it happened, by the reporter
	Body     json.RawMessage `json:"body"`      // by the type's schema
}

// Consumer is told of stored events in batches, at least once, in no order across
// members. It must be idempotent by Event.Key.
type Consumer func(ctx context.Context, events []Event) error
