package event

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/db"
)

// lostPrefix begins the keys of events that take others back; the other's key follows.
const lostPrefix = "lost:"

// LostKey is the key of the event that takes a sent message back.
func LostKey(sent string) string { return lostPrefix + sent }

// lostOnce is how many messages are taken back by one batch of events.
const lostOnce = 500

// LoseTx takes sent messages back that did not arrive, by the keys of their events, in the
// caller's transaction. Each gets a MessageLost of the same member that says the same, and
// why (a code). What is not stored, is no message, or is nobody's any more is left alone, and so
// is what was taken back before. some: there is something to be told of; the caller nudges the outbox after
// his commit.
func (s *Store) LoseTx(ctx context.Context, tx *gorm.DB, keys []string, reason string) (some bool, err error) {
	keys = slices.Clone(keys)
	slices.Sort(keys)
	stmt := "SELECT * FROM event WHERE event_key IN ? AND type = ? AND channel <> ? ORDER BY event_key"
	if s.db.Driver() == db.MySQL {
		stmt += " FOR UPDATE" // who is just being erased gets nothing more
	}
	now := s.db.Now()
	for part := range slices.Chunk(slices.Compact(keys), lostOnce) {
		var sent []Event
		if err := tx.WithContext(ctx).Raw(stmt, part, MessageSent, Erased).Scan(&sent).Error; err != nil {
			return some, fmt.Errorf("event: lose: %w", err)
		}
		lost := make([]Event, 0, len(sent))
		for _, e := range sent {
			body := map[string]any{}
			if err := json.Unmarshal(e.Body, &body); err != nil {
				return some, fmt.Errorf("event: body of %s: %w", e.Key, err)
			}
			if reason != "" {
				body["reason"] = reason
			}
			lost = append(lost, Event{Key: LostKey(e.Key), Type: MessageLost, BrandID: e.BrandID, MemberID: e.MemberID, Channel: e.Channel, At: max(now, e.At), Body: Body(body)})
		}
		if len(lost) == 0 {
			continue
		}
		results, err := s.PutTx(ctx, tx, lost)
		if err != nil {
			return some, fmt.Errorf("event: lose: %w", err)
		}
		some = some || slices.ContainsFunc(results, func(r Result) bool { return r.Status == Stored })
	}
	return some, nil
}

// Standing leaves out of a list what was taken back: messages that did not arrive.
func (s *Store) Standing(ctx context.Context, list []Event) ([]Event, error) {
	var keys []string
	for _, e := range list {
		if e.Type == MessageSent {
			keys = append(keys, LostKey(e.Key))
		}
	}
	if len(keys) == 0 {
		return list, nil
	}
	var lost []string
	for part := range slices.Chunk(keys, lostOnce) {
		var found []string
		if err := s.db.Read(ctx).Raw("SELECT event_key FROM event WHERE event_key IN ?", part).Scan(&found).Error; err != nil {
			return nil, fmt.Errorf("event: standing: %w", err)
		}
		lost = append(lost, found...)
	}
	return slices.DeleteFunc(slices.Clone(list), func(e Event) bool { return e.Type == MessageSent && slices.Contains(lost, LostKey(e.Key)) }), nil
}
