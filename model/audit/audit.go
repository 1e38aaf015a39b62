// Package audit remembers who changed what (操作记录): actor, address, object,
// difference, reason and outcome.
//
// It owns the table audit. Nothing here deletes. An entry of an operator's act is
// written before the act (Begin: what is asked for) and completed once after it
// (End: what became of it), because the act's own transaction belongs to another
// context: a process that dies in between leaves an entry that says "begun", never
// an act without an entry. A context that can write both in one transaction uses
// RecordTx.
//
// Promise: no password, key or token reaches the table, whatever a caller hands in.
package audit

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Outcomes; any other text is the code of the fault that ended the act.
const (
	Begun = "begun"
	Done  = "done"
)

// Entry is one act. Before and After are anything JSON can write; only the fields
// that differ are kept, and those of Which.
type Entry struct {
	ActorID   id.ID
	Actor     string // login, or the name of a program part: "siyu work"
	IP        string
	RequestID string
	Action    string // "campaign.publish"
	Object    string // "campaign"
	ObjectID  id.ID
	// Which are fields that tell which thing it was where ObjectID alone does not: the month
	// of a target, the name of a field. They are kept, although they do not differ.
	Which   map[string]any
	Before  any
	After   any
	Reason  string
	Outcome string // empty means Done
}

// Line is an entry as it is kept.
type Line struct {
	ID         id.ID         `json:"id"`
	CreatedAt  clock.Instant `json:"created_at"`
	ActorID    id.ID         `json:"actor_id"`
	Actor      string        `json:"actor"`
	IP         string        `json:"ip"`
	RequestID  string        `json:"request_id"`
	Action     string        `json:"action"`
	Object     string        `json:"object"`
	ObjectID   id.ID         `json:"object_id"`
	BeforeJSON string        `json:"-"`
	AfterJSON  string        `json:"-"`
	Changes    []Change      `json:"changes" gorm:"-"`
	Reason     string        `json:"reason"`
	Outcome    string        `json:"outcome"`
}

// TableName names the table for GORM.
func (Line) TableName() string { return "audit" }

// Store writes and reads entries.
type Store struct{ db *db.DB }

// New makes a store.
func New(d *db.DB) *Store { return &Store{db: d} }

// Record writes a finished act.
func (s *Store) Record(ctx context.Context, e Entry) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error { return s.RecordTx(ctx, tx, e) })
}

// RecordTx writes a finished act in the caller's transaction.
func (s *Store) RecordTx(ctx context.Context, tx *gorm.DB, e Entry) error {
	_, err := s.put(ctx, tx, e)
	return err
}

// Begin writes that an act is asked for, before it happens. After is the request.
func (s *Store) Begin(ctx context.Context, e Entry) (entryID id.ID, err error) {
	e.Outcome = Begun
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		entryID, err = s.put(ctx, tx, e)
		return err
	})
	return entryID, err
}

// End completes an entry once. A failed act passes its error and keeps the request
// as After; a second End changes nothing.
func (s *Store) End(ctx context.Context, entryID id.ID, e Entry, actErr error) error {
	set := map[string]any{"outcome": Done}
	if actErr != nil {
		set["outcome"] = cut(fault.Of(actErr).Code, 64)
	} else {
		before, after, err := difference(e.Before, e.After, e.Which)
		if err != nil {
			return fmt.Errorf("audit: %s: %w", e.Action, err)
		}
		set["before_json"], set["after_json"] = before, after
		if e.ObjectID != 0 {
			set["object_id"] = e.ObjectID
		}
	}
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&Line{}).Where("id = ? AND outcome = ? AND sealed = 0", entryID, Begun).Updates(set).Error
	})
	if err != nil {
		return fmt.Errorf("audit: end %s: %w", e.Action, err)
	}
	return nil
}

func (s *Store) put(ctx context.Context, tx *gorm.DB, e Entry) (id.ID, error) {
	if e.Action == "" || e.Actor == "" || e.Object == "" {
		return 0, fmt.Errorf("audit: an entry needs an actor, an action and an object")
	}
	before, after, err := difference(e.Before, e.After, e.Which)
	if err != nil {
		return 0, fmt.Errorf("audit: %s: %w", e.Action, err)
	}
	if e.Outcome == "" {
		e.Outcome = Done
	}
	l := Line{ID: s.db.NewID(), CreatedAt: s.db.Now(), ActorID: e.ActorID, Actor: cut(e.Actor, 64), IP: cut(e.IP, 45),
		RequestID: cut(e.RequestID, 64), Action: cut(e.Action, 64), Object: cut(e.Object, 32), ObjectID: e.ObjectID,
		BeforeJSON: before, AfterJSON: after, Reason: cut(e.Reason, 500), Outcome: cut(e.Outcome, 64)}
	if err := tx.WithContext(ctx).Create(&l).Error; err != nil {
		return 0, fmt.Errorf("audit: %s: %w", e.Action, err)
	}
	return l.ID, nil
}

// Filter narrows List; zero fields do not. Times are [From, Until).
type Filter struct {
	ActorID     id.ID
	Action      string
	Object      string
	ObjectID    id.ID
	Outcome     string
	From, Until clock.Instant
	Before      id.ID // cursor: the last id of the page before
	Limit       int
}

// List pages entries, newest first.
func (s *Store) List(ctx context.Context, f Filter) ([]Line, error) {
	out := []Line{}
	if err := db.Page(s.filtered(ctx, f), "audit", f.Before, f.Limit).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("audit: list: %w", err)
	}
	for i := range out {
		out[i].Changes = changes(out[i].BeforeJSON, out[i].AfterJSON)
	}
	return out, nil
}

// Count tells how many lines a filter finds, up to db.MaxTotal.
func (s *Store) Count(ctx context.Context, f Filter) (n int, more bool, err error) {
	return db.Total(s.filtered(ctx, f).Model(&Line{}))
}

func (s *Store) filtered(ctx context.Context, f Filter) *gorm.DB {
	q := s.db.Read(ctx)
	for _, w := range []struct {
		on    bool
		where string
		value any
	}{
		{f.ActorID != 0, "actor_id = ?", f.ActorID},
		{f.Action != "", "action = ?", f.Action},
		{f.Object != "", "object = ?", f.Object},
		{f.ObjectID != 0, "object_id = ?", f.ObjectID},
		{f.Outcome != "", "outcome = ?", f.Outcome},
		{f.From != 0, "created_at >= ?", f.From},
		{f.Until != 0, "created_at < ?", f.Until},
	} {
		if w.on {
			q = q.Where(w.where, w.value)
		}
	}
	return q
}
