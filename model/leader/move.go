package leader

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/id"
)

// Who moved a leader.
const (
	BySelf     = "self"     // ByID is the member who acted
	ByOperator = "operator" // ByID is the operator
	ByRule     = "rule"     // the monthly review
)

// Whether the person is told of a move.
const (
	toldDue     = 0
	toldDone    = 1
	toldNothing = 2 // he did it himself, or nothing changed for him
)

// Move is one step of a leader: of his state, of his level, or a review that changed
// nothing (From = To).
type Move struct {
	ID        id.ID         `json:"id"`
	LeaderID  id.ID         `json:"leader_id"`
	BrandID   id.ID         `json:"brand_id"`
	MemberID  id.ID         `json:"member_id"`
	FromState string        `json:"from_state"` // "": he had not been one
	ToState   string        `json:"to_state"`
	FromLevel int           `json:"from_level"`
	ToLevel   int           `json:"to_level"`
	ByKind    string        `json:"by_kind"`
	ByID      id.ID         `json:"by_id"`
	Reason    string        `json:"reason"`
	Evidence  Evidences     `json:"evidence"`
	Told      int           `json:"-"`
	At        clock.Instant `json:"at"`
}

// TableName names the table for GORM.
func (Move) TableName() string { return "leader_move" }

// Evidence is one condition and what was found.
type Evidence struct {
	Metric  string `json:"metric"`
	Title   string `json:"title"` // zh-CN
	Days    int    `json:"days"`
	AtLeast int64  `json:"at_least"`
	Value   int64  `json:"value"`
	Of      int64  `json:"of"` // of how many: the buyers behind a retention, the groups behind a health
	Met     bool   `json:"met"`
}

// Text is what was found and what is asked for, as a leader reads it: "12 / 20", "25% / 30%".
func (e Evidence) Text() string {
	if e.Metric == RetentionBP {
		return fmt.Sprintf("%d%% / %d%%", e.Value/100, e.AtLeast/100)
	}
	return fmt.Sprintf("%d / %d", e.Value, e.AtLeast)
}

// Evidences is a list as a row keeps it.
type Evidences []Evidence

// Scan implements sql.Scanner.
func (e *Evidences) Scan(v any) error {
	*e = Evidences{}
	switch v := v.(type) {
	case string:
		return json.Unmarshal([]byte(v), e)
	case []byte:
		return json.Unmarshal(v, e)
	}
	return fmt.Errorf("leader: evidence of type %T", v)
}

// GormDataType tells GORM that the list is one column.
func (Evidences) GormDataType() string { return "text" }

func (e Evidences) text() (string, error) {
	if e == nil {
		return "[]", nil
	}
	out, err := json.Marshal(e)
	return string(out), err
}

// History lists a leader's moves, newest first.
func (s *Store) History(ctx context.Context, leaderID id.ID) ([]Move, error) {
	out := []Move{}
	if err := s.DB.Read(ctx).Where("leader_id = ?", leaderID).Order("at DESC, id DESC").Limit(500).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("leader: history: %w", err)
	}
	return out, nil
}

// moveTx brings a row to a state and writes the step down. It fails with errState when
// the row is not what l says any more: then somebody else was first.
func (s *Store) moveTx(tx *gorm.DB, l *Leader, to string, m Move, set map[string]any) error {
	now := s.DB.Now()
	values := map[string]any{"state": to, "rev": l.Rev + 1, "changed_at": now}
	for k, v := range set {
		values[k] = v
	}
	r := tx.Model(&Leader{}).Where("id = ? AND state = ? AND rev = ?", l.ID, l.State, l.Rev).Updates(values)
	if r.Error != nil {
		return fmt.Errorf("leader: move: %w", r.Error)
	}
	if r.RowsAffected == 0 {
		return errState
	}
	before := *l
	after, err := get(tx, l.ID)
	if err != nil {
		return err
	}
	*l = after
	return s.noteTx(tx, before, after, m)
}

// noteTx writes a step down.
func (s *Store) noteTx(tx *gorm.DB, before, after Leader, m Move) error {
	evidence, err := m.Evidence.text()
	if err != nil {
		return err
	}
	at := s.DB.Now()
	var last []clock.Instant // two steps of one moment keep their order
	if err := tx.Raw("SELECT COALESCE(MAX(at), 0) FROM leader_move WHERE leader_id = ?", after.ID).Scan(&last).Error; err != nil {
		return fmt.Errorf("leader: note: %w", err)
	}
	if len(last) > 0 && at <= last[0] {
		at = last[0].Add(time.Millisecond)
	}
	err = tx.Exec(`INSERT INTO leader_move (id, leader_id, brand_id, member_id, from_state, to_state, from_level, to_level, by_kind, by_id, reason, evidence, told, at)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`, s.DB.NewID(), after.ID, after.BrandID, after.MemberID, before.State, after.State, before.Level, after.Level,
		m.ByKind, m.ByID, cut(m.Reason, 200), evidence, m.Told, at).Error
	if err != nil {
		return fmt.Errorf("leader: note: %w", err)
	}
	return nil
}

// activateTx lets an approved leader begin, on the first level.
func (s *Store) activateTx(_ context.Context, tx *gorm.DB, l *Leader, m Move) error {
	p, err := programme(tx, l.BrandID)
	if err != nil {
		return err
	}
	now := s.DB.Now()
	set := map[string]any{"level_month": month(clock.DayOf(now)), "reason": ""}
	if l.ActiveAt == 0 {
		set["active_at"] = now
	}
	if l.Role == RoleLeader {
		set["level"] = min(1, len(p.Levels))
	}
	return s.moveTx(tx, l, Active, m, set)
}

// month is 202611 of a day in it.
func month(d clock.Day) int { return int(d) / 100 }
