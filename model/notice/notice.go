// Package notice keeps what WeChat told us, word for word and once. A callback
// handler verifies a notice, stores it here together with the wake-up that will
// apply it, and answers; a worker applies it later. WeChat delivers a notice up to
// three times (messages) or fifteen times (payouts): one row, one effect.
//
// It owns the table notice. States: stored -> applied, or refused with the reason.
package notice

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

// Sources.
const (
	Official = "oa"       // official account message or event
	Mini     = "mini"     // mini program message or event
	Transfer = "transfer" // pay v3 transfer bill
)

// Task is the wake-up for stored notices; its ref is the notice's id.
const Task = "notice:apply"

// States.
const (
	Stored  = 0
	Applied = 1
	Refused = 2
)

// Notice is one verified thing WeChat said. Body is the decrypted text.
type Notice struct {
	ID         id.ID
	Source     string
	DedupKey   string // unique within the source; at most 160 bytes
	AccountID  id.ID
	Body       []byte
	State      int
	ReceivedAt clock.Instant
	AppliedAt  clock.Instant
	Error      string
}

// TableName names the table for GORM.
func (Notice) TableName() string { return "notice" }

// Store keeps notices.
type Store struct {
	db  *db.DB
	out *outbox.Store
}

// New makes a store.
func New(d *db.DB, out *outbox.Store) *Store { return &Store{db: d, out: out} }

// Store keeps a notice and its wake-up in one transaction. fresh is false when the
// notice was there already; that is a success, not a fault.
func (s *Store) Store(ctx context.Context, n Notice) (fresh bool, err error) {
	if n.Body == nil {
		n.Body = []byte{}
	}
	if n.DedupKey == "" || len(n.DedupKey) > 160 {
		return false, fault.NewInvalid("notice_key", "通知缺少去重标识")
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		rowID := s.db.NewID()
		r := tx.Exec(`INSERT INTO notice (id, source, dedup_key, account_id, body, state, received_at, applied_at, error) VALUES (?,?,?,?,?,0,?,0,'')`+s.db.Once("id"),
			rowID, n.Source, n.DedupKey, n.AccountID, n.Body, s.db.Now())
		if r.Error != nil {
			return r.Error
		}
		fresh = r.RowsAffected == 1
		if !fresh {
			return nil
		}
		_, err := s.out.PutTx(ctx, tx, Task, rowID, 0)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("notice: store: %w", err)
	}
	if fresh {
		s.out.Nudge()
	}
	return fresh, nil
}

// Get reads one notice.
func (s *Store) Get(ctx context.Context, noticeID id.ID) (Notice, error) {
	var n Notice
	err := s.db.Read(ctx).Where("id = ?", noticeID).Take(&n).Error
	if db.IsNotFound(err) {
		return n, fault.New(fault.NotFound, "notice_not_found", "没有这条通知")
	}
	return n, err
}

// MarkApplied ends a notice that had its effect.
func (s *Store) MarkApplied(ctx context.Context, noticeID id.ID) error {
	return s.end(ctx, noticeID, Applied, "")
}

// MarkRefused ends a notice that can have none, with the reason for operators.
func (s *Store) MarkRefused(ctx context.Context, noticeID id.ID, why string) error {
	if r := []rune(why); len(r) > 480 {
		why = string(r[:480])
	}
	return s.end(ctx, noticeID, Refused, why)
}

func (s *Store) end(ctx context.Context, noticeID id.ID, state int, why string) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&Notice{}).Where("id = ? AND state = ?", noticeID, Stored).
			Updates(map[string]any{"state": state, "applied_at": s.db.Now(), "error": why}).Error
	})
}
