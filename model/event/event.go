// Package event keeps what happened to members (事件) in one shape, whoever reports it,
// tells others of it, and derives from it who bought what, when and how often.
//
// It owns the tables event, event_batch, event_dead, event_source, purchase and
// purchase_state.
//
// Promises:
//
//   - A fact exists once. Its key is made from the fact; the same key with the same
//     content is a duplicate, with other content a conflict, and neither changes what is
//     stored. The database's unique key decides, not a look before.
//   - Every body has passed the schema of its type.
//   - Consumers miss nothing. The events of a transaction, a batch row that names them
//     and a wake-up in the outbox commit together. There is no cursor that a late commit
//     could slip behind: the batch row stays until every consumer has had it, and the
//     wake-up returns until the row is gone. So delivery is at least once, in no order.
//   - What cannot be stored is kept as a dead letter, to be corrected and replayed.
//   - Nothing that was stored is changed. What turns out to be otherwise is told by an event of
//     its own: a refund is an order with negative numbers, and MessageLost takes a MessageSent
//     back. Who counts leaves out what was taken back (Standing).
//   - An event stays under the member it happened to. Who asks for a human asks for his
//     family (member.Family), so joining two members and taking that back moves nothing.
//   - Figures derived from purchases exist only for members who allow profiling.
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
	// MessageLost is the opposite of a MessageSent: WeChat took the message, and reported
	// later that it did not arrive.
	MessageLost = "message_lost"
	MessageOpen = "message_opened"
	MessageTap  = "message_clicked"
	Referral    = "referral"
	// NotReferred is a scan of somebody's code that brought him nobody: of a person who
	// has a referrer, is a customer already, and so on.
	NotReferred = "not_referred"
	Login       = "login"
	Review      = "review"
	Coupon      = "coupon"
	Custom      = "custom"
)

// Channels that this program itself reports through. Partners' events come through Open.
const (
	H5      = "h5"
	Mini    = "mini"
	WeChat  = "wechat" // what WeChat's callbacks say
	Open    = "open"
	Erased  = "erased" // the person is gone; only the fact's key is left
	maxKey  = 96
	maxBody = 8 << 10
)

// PushKey begins the keys of what pushes sent; what others report has other prefixes.
const PushKey = "push:"

// Event is one fact. Key is made from the fact ("claim:42", "order:tmall:1001") and
// makes it exist once, however often it is reported.
type Event struct {
	ID         id.ID           `json:"id"`
	Key        string          `json:"key" gorm:"column:event_key"` // at most 96 bytes
	Type       string          `json:"type"`
	BrandID    id.ID           `json:"brand_id"`
	MemberID   id.ID           `json:"member_id"` // the member it happened to, not the family's root
	Channel    string          `json:"channel"`   // h5, mini, open, import, callback, ...
	At         clock.Instant   `json:"at"`        // when it happened, by the reporter
	ReceivedAt clock.Instant   `json:"received_at"`
	Body       json.RawMessage `json:"body"` // by the type's schema
}

// TableName names the table for GORM.
func (Event) TableName() string { return "event" }

// Consumer is told of stored events in batches, at least once, in no order across
// members. It must be idempotent by Event.Key.
type Consumer func(ctx context.Context, events []Event) error
