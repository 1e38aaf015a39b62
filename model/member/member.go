// Package member holds the consumer as we know him (会员): one per person, shared by
// all brands of the company.
//
// It owns the table member. States: active, blocked and erased. A blocked member sees
// verdicts and earns nothing; what he earned before stays his. An erased one (注销) is
// an id without a human: no session is his, and nothing makes him active again.
package member

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
)

// States.
const (
	Active  = "active"
	Blocked = "blocked"
	Erased  = "erased" // he asked for it (注销): nobody logs in as him again
)

// Member is one consumer.
type Member struct {
	ID        id.ID         `json:"id"`
	PersonID  id.ID         `json:"person_id"`
	RootID    id.ID         `json:"root_id"` // the member who stands for the same human; 0: himself
	State     string        `json:"state"`
	CreatedAt clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Member) TableName() string { return "member" }

// Blocked says whether the member earns nothing.
func (m Member) Blocked() bool { return m.State != Active }

// Store reads and writes members.
type Store struct {
	db        *db.DB
	people    *identity.Store
	followers []Follower
}

// New makes a store, which keeps families as people joins and parts them. Who only
// reads members needs no people.
func New(d *db.DB, people *identity.Store) *Store {
	s := &Store{db: d, people: people}
	if people != nil {
		people.Follow(s.regroup)
	}
	return s
}

var errMissing = fault.New(fault.NotFound, "member_not_found", "没有这个会员")

// Of returns the person's member and makes it the first time. Two calls at once
// return the same member.
func (s *Store) Of(ctx context.Context, personID id.ID) (Member, error) {
	m, err := s.take(ctx, "person_id = ?", personID)
	if fault.KindOf(err) != fault.NotFound || err == nil {
		return m, err
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("INSERT INTO member (id, person_id, state, created_at) VALUES (?, ?, ?, ?)"+s.db.Once("person_id"),
			s.db.NewID(), personID, Active, s.db.Now()).Error
	})
	if err != nil {
		return Member{}, fmt.Errorf("member: create: %w", err)
	}
	return s.take(ctx, "person_id = ?", personID)
}

// Get reads one member. Fault: NotFound member_not_found.
func (s *Store) Get(ctx context.Context, memberID id.ID) (Member, error) {
	return s.take(ctx, "id = ?", memberID)
}

// Blocked says whether a member earns nothing. Fault: NotFound member_not_found.
func (s *Store) Blocked(ctx context.Context, memberID id.ID) (bool, error) {
	m, err := s.Get(ctx, memberID)
	return m.Blocked(), err
}

// BlockedAmong returns those of the members who earn nothing, in one read. Unknown ids
// are nobody's and count as blocked.
func (s *Store) BlockedAmong(ctx context.Context, members []id.ID) (map[id.ID]bool, error) {
	out := make(map[id.ID]bool, len(members))
	for _, m := range members {
		out[m] = true
	}
	var good []id.ID
	if err := s.db.Read(ctx).Model(&Member{}).Where("id IN ? AND state = ?", members, Active).Pluck("id", &good).Error; err != nil {
		return nil, fmt.Errorf("member: blocked: %w", err)
	}
	for _, m := range good {
		delete(out, m)
	}
	return out, nil
}

// OpenID is the human's openid in one app, the member's own before those of the rest of
// his family; "" when the app never saw him.
func (s *Store) OpenID(ctx context.Context, memberID id.ID, appID string) (string, error) {
	m, err := s.Get(ctx, memberID)
	if err != nil {
		return "", err
	}
	open, err := s.people.OpenIDOf(ctx, m.PersonID, appID)
	if err != nil || open != "" {
		return open, err
	}
	family, err := s.Family(ctx, memberID)
	for _, other := range family {
		if err != nil || open != "" {
			break
		}
		if other == memberID {
			continue
		}
		if m, err = s.Get(ctx, other); err == nil {
			open, err = s.people.OpenIDOf(ctx, m.PersonID, appID)
		}
	}
	return open, err
}

func (s *Store) take(ctx context.Context, where string, key id.ID) (Member, error) {
	var m Member
	err := s.db.Read(ctx).Where(where, key).Take(&m).Error
	if db.IsNotFound(err) {
		return Member{}, errMissing
	}
	if err != nil {
		return Member{}, fmt.Errorf("member: read: %w", err)
	}
	return m, nil
}

// Block stops a member from earning. Blocking twice is no fault.
func (s *Store) Block(ctx context.Context, memberID id.ID) (Member, error) {
	return s.move(ctx, memberID, Active, Blocked)
}

// Unblock lets a member earn again.
func (s *Store) Unblock(ctx context.Context, memberID id.ID) (Member, error) {
	return s.move(ctx, memberID, Blocked, Active)
}

func (s *Store) move(ctx context.Context, memberID id.ID, from, to string) (Member, error) {
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&Member{}).Where("id = ? AND state = ?", memberID, from).Updates(map[string]any{"state": to}).Error
	})
	if err != nil {
		return Member{}, fmt.Errorf("member: %s: %w", to, err)
	}
	return s.Get(ctx, memberID)
}
