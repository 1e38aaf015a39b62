package operator

import (
	"context"
	"fmt"
	"regexp"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
)

// SessionLine is one log-in as a list shows it. Its id names the row and opens nothing.
type SessionLine struct {
	ID        string        `json:"id"`
	IP        string        `json:"ip"`
	CreatedAt clock.Instant `json:"created_at"`
	SeenAt    clock.Instant `json:"seen_at"` // to the minute
	ExpiresAt clock.Instant `json:"expires_at"`
	Current   bool          `json:"current"` // the one that asks
}

// lineSize is how much of a key's hash names a session: enough to be one of an operator's.
const lineSize = 16

// mostSessions bounds the list; more than so many at once are nobody's habit.
const mostSessions = 100

var lineForm = regexp.MustCompile(`^[0-9a-f]{16}$`)

// Sessions lists an operator's sessions that are open, newest first. asks is the session
// that asks, to be marked.
func (s *Store) Sessions(ctx context.Context, operatorID id.ID, asks Session) ([]SessionLine, error) {
	now := s.db.Now()
	var rows []sessionRow
	err := s.db.Read(ctx).Where("operator_id = ? AND expires_at > ? AND seen_at > ?", operatorID, now, now.Add(-s.o.Idle)).
		Order("created_at DESC, key_hash").Limit(mostSessions).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("operator: sessions: %w", err)
	}
	out := make([]SessionLine, len(rows))
	for i, r := range rows {
		out[i] = SessionLine{ID: r.KeyHash[:lineSize], IP: r.IP, CreatedAt: r.CreatedAt, SeenAt: r.SeenAt, ExpiresAt: r.ExpiresAt, Current: r.KeyHash == asks.hash}
	}
	return out, nil
}

// EndSession ends one of an operator's sessions at once; its address is forgotten too,
// because whoever ends it did not know it. Again changes nothing. Fault: NotFound
// session_not_found for what is no session's id.
func (s *Store) EndSession(ctx context.Context, operatorID id.ID, lineID string) error {
	if !lineForm.MatchString(lineID) {
		return fault.New(fault.NotFound, "session_not_found", "没有这个登录")
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Where("operator_id = ? AND key_hash LIKE ?", operatorID, lineID+"%").Delete(&sessionRow{}).Error
	})
}
