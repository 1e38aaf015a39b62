package push

import (
	"context"
	"fmt"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/reach"
)

// Events keep what happened to members; *event.Store is it.
type Events interface {
	PutTx(ctx context.Context, tx *gorm.DB, events []event.Event) ([]event.Result, error)
	// LoseTx takes back what was sent and did not arrive.
	LoseTx(ctx context.Context, tx *gorm.DB, keys []string, reason string) (some bool, err error)
}

// maxTold is how long a link may be in an event's body.
const maxTold = 300

// told is what a push's events say of it. The id and not the name tells pushes apart.
func (p Push) told(useNo int) map[string]any {
	body := map[string]any{"message": "push:" + p.ID.String(), "title": p.Name}
	if useNo >= 0 && useNo < len(p.Uses) && p.Uses[useNo].AccountID != 0 {
		body["account_id"] = p.Uses[useNo].AccountID
	}
	return body
}

// sentTx tells that copies went out, once for each: the delivery is the fact. Tests are
// nothing that happened to a member.
func (s *Store) sentTx(ctx context.Context, tx *gorm.DB, r Run, sent []row, at clock.Instant) error {
	if r.Test() || len(sent) == 0 {
		return nil
	}
	list := make([]event.Event, len(sent))
	for i, d := range sent {
		channel := event.WeChat
		if d.Channel == reach.SMS {
			channel = reach.SMS
		}
		list[i] = event.Event{Key: sentKey(d.ID), Type: event.MessageSent, BrandID: r.Push.BrandID, MemberID: d.MemberID,
			Channel: channel, At: at, Body: event.Body(r.Push.told(d.UseNo))}
	}
	_, err := s.Events.PutTx(ctx, tx, list)
	return err
}

// sentKey is the key of the event that tells that a copy went out.
func sentKey(deliveryID id.ID) string { return event.PushKey + deliveryID.String() }

// tappedTx tells that a link of a copy was opened, once for each link: who shows a link
// (WeChat, a crawler) fetches it as often as it likes.
func (s *Store) tappedTx(ctx context.Context, tx *gorm.DB, p Push, d opening, no int, at clock.Instant) error {
	body := p.told(d.UseNo)
	if body["link"] = p.Links[no-1].URL; utf8.RuneCountInString(p.Links[no-1].URL) > maxTold {
		body["link"] = p.Links[no-1].Title
	}
	_, err := s.Events.PutTx(ctx, tx, []event.Event{{Key: fmt.Sprintf("push_link:%d:%d", d.ID, no), Type: event.MessageTap, BrandID: p.BrandID, MemberID: d.MemberID,
		Channel: event.H5, At: at, Body: event.Body(body)}})
	return err
}

// opening is the copy whose link somebody opened.
type opening struct {
	ID       id.ID
	RunID    id.ID
	PushID   id.ID
	MemberID id.ID
	Arm      int
	UseNo    int
	Gone     bool // the person was erased: nothing more is kept of him
}
