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
	WeCom    = "wecom"    // event of a WeCom corp
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
	db   *db.DB
	out  *outbox.Store
	in   *db.Merger[arrival]
	ends *db.Merger[ending]
}

// New makes a store. One store per process, so that its writes are merged.
func New(d *db.DB, out *outbox.Store) *Store {
	s := &Store{db: d, out: out}
	s.in, s.ends = db.NewMerger(d, s.storeAll), db.NewMerger(d, s.endAll)
	return s
}

// Store keeps a notice and its wake-up in one transaction. fresh is false when the
// notice was there already; that is a success, not a fault.
func (s *Store) Store(ctx context.Context, n Notice) (fresh bool, err error) {
	if n.Body == nil {
		n.Body = []byte{}
	}
	if n.DedupKey == "" || len(n.DedupKey) > 160 {
		return false, fault.NewInvalid("notice_key", "通知缺少去重标识")
	}
	a := arrival{notice: n}
	if err = s.in.Do(ctx, &a); err == nil { // else a may still be written: it must not be read
		fresh, err = a.fresh, a.err
	}
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
	e := ending{notice: noticeID, state: state, why: why}
	if err := s.ends.Do(ctx, &e); err != nil {
		return err
	}
	return e.err
}
