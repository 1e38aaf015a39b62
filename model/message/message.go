// Package message holds what siyu tells one member in WeChat after something happened:
// a transfer that waits for his tap. Each message has a key made from the fact, so it
// is told once. Marketing is not sent from here.
//
// It owns the table message. States: waiting -> sent, or refused with WeChat's code
// (window closed, unsubscribed): nobody is chased.
package message

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/outbox"
)

// Task is the wake-up that sends one message; its ref is the message's id.
const Task = "message:send"

// States.
const (
	Waiting = "waiting"
	Sent    = "sent"
	Refused = "refused"
)

// Message is one row.
type Message struct {
	ID         id.ID
	MessageKey string // from the fact, e.g. "remind:42"
	AccountID  id.ID  // official account that tells
	MemberID   id.ID
	OpenID     string `gorm:"column:openid"`
	Text       string
	State      string
	Code       string
	CreatedAt  clock.Instant
	FinishedAt clock.Instant
}

// TableName names the table for GORM.
func (Message) TableName() string { return "message" }

// Store keeps messages.
type Store struct {
	db   *db.DB
	out  *outbox.Store
	tell func(ctx context.Context, m Message) error
}

// New makes a store.
func New(d *db.DB, out *outbox.Store) *Store { return &Store{db: d, out: out} }

// Tell queues a message once; the same key again does nothing.
func (s *Store) Tell(ctx context.Context, m Message) error {
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		m.ID = s.db.NewID()
		r := tx.Exec("INSERT INTO message (id, message_key, account_id, member_id, openid, text, state, code, created_at, finished_at) VALUES (?,?,?,?,?,?,?,'',?,0)"+s.db.Once("state"),
			m.ID, m.MessageKey, m.AccountID, m.MemberID, m.OpenID, m.Text, Waiting, s.db.Now())
		if r.Error != nil || r.RowsAffected == 0 {
			return r.Error
		}
		_, err := s.out.PutTx(ctx, tx, Task, m.ID, 0)
		return err
	})
	if err != nil {
		return fmt.Errorf("message: tell: %w", err)
	}
	s.out.Nudge()
	return nil
}

// Get reads one message.
func (s *Store) Get(ctx context.Context, messageID id.ID) (Message, error) {
	var m Message
	err := s.db.Read(ctx).Where("id = ?", messageID).Take(&m).Error
	if db.IsNotFound(err) {
		return m, fault.New(fault.NotFound, "message_not_found", "没有这条消息")
	}
	return m, err
}

// OnSent registers who is told of messages that WeChat took, at least once each. Wiring
// calls it before anything is sent.
func (s *Store) OnSent(tell func(ctx context.Context, m Message) error) { s.tell = tell }

// End records the outcome.
func (s *Store) End(ctx context.Context, messageID id.ID, state, code string) error {
	if s.tell != nil && state == Sent { // before the row says so: afterwards nobody would tell
		m, err := s.Get(ctx, messageID)
		if err == nil {
			err = s.tell(ctx, m)
		}
		if err != nil {
			return err
		}
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&Message{}).Where("id = ? AND state = ?", messageID, Waiting).
			Updates(map[string]any{"state": state, "code": code, "finished_at": s.db.Now()}).Error
	})
}
