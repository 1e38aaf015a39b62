package identity

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// States of a merge and of a review.
const (
	Merged  = "merged"
	Undone  = "undone"
	Open    = "open"
	Refused = "refused"
)

// Merge is one join of two persons (合并). The rows that are merged make the
// components; an undone one stays as evidence of what was once believed.
type Merge struct {
	ID         id.ID         `json:"id"`
	PersonID   id.ID         `json:"person_id"`
	OtherID    id.ID         `json:"other_id"`
	Kind       string        `json:"kind"` // of the key that joins them; "" when an operator named the persons
	Scope      string        `json:"scope"`
	Value      string        `json:"-"`
	Event      string        `json:"event"`
	Rule       string        `json:"rule"`
	Confidence int           `json:"confidence"` // 0 to 100
	ActorID    id.ID         `json:"actor_id"`   // 0: by a rule
	Channel    string        `json:"channel"`
	ConsentID  id.ID         `json:"consent_id"`
	RefID      id.ID         `json:"ref_id"`
	Note       string        `json:"note"`
	State      string        `json:"state"`
	CreatedAt  clock.Instant `json:"created_at"`
	UndoneAt   clock.Instant `json:"undone_at"`
	UndoneBy   id.ID         `json:"undone_by"`
	Reason     string        `json:"reason"` // why it was undone
}

// TableName names the table for GORM.
func (Merge) TableName() string { return "identity_merge" }

// Key is the key that joins the two.
func (m Merge) Key() Key { return Key{Kind: m.Kind, Scope: m.Scope, Value: m.Value} }

var (
	errSame   = fault.New(fault.Conflict, "already_one", "这两个会员已经是同一个人")
	errFamily = fault.New(fault.Conflict, "family_too_large", "合并后的账号过多，请先核对")
)

// Merge joins two persons because an operator says so: nothing moves, their members
// count as one family from now on. Faults: NotFound person_not_found; Invalid
// reason_missing; Conflict already_one, family_too_large, identity_full.
func (s *Store) Merge(ctx context.Context, person, other id.ID, e Evidence) (Merge, error) {
	if err := e.check(e.With.Kind); err != nil {
		return Merge{}, err
	}
	if person == other {
		return Merge{}, errSame
	}
	ks, err := s.declared(ctx)
	if err != nil {
		return Merge{}, err
	}
	var m Merge
	err = s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		roots, err := s.lock(ctx, tx, person, other)
		if err != nil {
			return err
		}
		if roots[person] == roots[other] {
			return errSame
		}
		p, err := readPair(tx, roots[person], roots[other])
		if err != nil {
			return err
		}
		m, err = s.mergeTx(ctx, tx, ks, p, ruling{rule: "operator", confidence: 100}, person, other, e.With, e)
		return err
	})
	return m, err
}

// mergeTx joins two components. The caller holds both locks.
func (s *Store) mergeTx(ctx context.Context, tx *gorm.DB, ks kinds, p pair, r ruling, person, other id.ID, key Key, e Evidence) (Merge, error) {
	if len(p.people) > familyMost {
		return Merge{}, errFamily
	}
	if k, over := ks.excess(p.keys); over {
		return Merge{}, errFull(k)
	}
	m := Merge{ID: s.db.NewID(), PersonID: person, OtherID: other, Kind: key.Kind, Scope: key.Scope, Value: key.Value, Event: e.Event, Rule: r.rule,
		Confidence: r.confidence, ActorID: e.By, Channel: clip(e.Channel, 16), ConsentID: e.ConsentID, RefID: e.Ref, Note: clip(e.Note, 200),
		State: Merged, CreatedAt: s.db.Now()}
	if err := tx.Create(&m).Error; err != nil {
		return Merge{}, fmt.Errorf("identity: merge: %w", err)
	}
	return m, s.settle(ctx, tx, p.people, m.ID, false)
}

// Unmerge takes one merge back. What remains of the component is what the other merges
// make of it, whatever the order in which they were made or undone; and the two sides
// are not joined again by a rule. Faults: NotFound merge_not_found; Invalid
// reason_missing; Conflict merge_undone.
func (s *Store) Unmerge(ctx context.Context, mergeID, by id.ID, reason string) (Merge, error) {
	if reason == "" {
		return Merge{}, fault.NewInvalid("reason_missing", "请填写原因").With("field", "reason")
	}
	m, err := s.MergeByID(ctx, mergeID)
	if err != nil {
		return Merge{}, err
	}
	err = s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		roots, err := s.lock(ctx, tx, m.PersonID)
		if err != nil {
			return err
		}
		r := tx.Model(&Merge{}).Where("id = ? AND state = ?", mergeID, Merged).
			Updates(map[string]any{"state": Undone, "undone_at": s.db.Now(), "undone_by": by, "reason": clip(reason, 500)})
		if r.Error != nil {
			return fmt.Errorf("identity: unmerge: %w", r.Error)
		}
		if r.RowsAffected == 0 {
			return fault.New(fault.Conflict, "merge_undone", "这次合并已经撤销")
		}
		people, err := familyOf(tx, roots[m.PersonID])
		if err != nil {
			return err
		}
		return s.settle(ctx, tx, people, mergeID, true)
	})
	if err != nil {
		return Merge{}, err
	}
	return s.MergeByID(ctx, mergeID)
}

// MergeByID reads one merge. Fault: NotFound merge_not_found.
func (s *Store) MergeByID(ctx context.Context, mergeID id.ID) (Merge, error) {
	var m Merge
	err := s.db.Read(ctx).Where("id = ?", mergeID).Take(&m).Error
	if db.IsNotFound(err) {
		return m, fault.New(fault.NotFound, "merge_not_found", "没有这次合并")
	}
	return m, err
}

// Merges pages merges, newest first; state "" is any.
func (s *Store) Merges(ctx context.Context, state string, before id.ID, limit int) ([]Merge, error) {
	out := []Merge{}
	if err := db.Page(inState(s.db.Read(ctx).Model(&Merge{}), state), "identity_merge", before, limit).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("identity: merges: %w", err)
	}
	return out, nil
}

// CountMerges is how many merges are in a state ("": all), up to db.MaxTotal.
func (s *Store) CountMerges(ctx context.Context, state string) (n int, more bool, err error) {
	return db.Total(inState(s.db.Read(ctx).Model(&Merge{}), state))
}

// mergesOf reads every merge, undone ones too, that touches these persons.
func mergesOf(tx *gorm.DB, persons []id.ID) ([]Merge, error) {
	out := []Merge{}
	err := tx.Where("person_id IN ? OR other_id IN ?", persons, persons).Order("created_at, id").Find(&out).Error
	if err != nil {
		return nil, fmt.Errorf("identity: merges: %w", err)
	}
	return out, nil
}
