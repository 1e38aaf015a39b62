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

// Review is a case that an operator decides: one key, two persons (待确认合并).
type Review struct {
	ID         id.ID         `json:"id"`
	LowID      id.ID         `json:"low_id"` // the persons, in the order of their numbers
	HighID     id.ID         `json:"high_id"`
	Kind       string        `json:"kind"`
	Scope      string        `json:"scope"`
	Value      string        `json:"-"`
	Event      string        `json:"event"`
	Rule       string        `json:"rule"`
	Confidence int           `json:"confidence"` // 0 to 100
	ActorID    id.ID         `json:"actor_id"`
	Channel    string        `json:"channel"`
	ConsentID  id.ID         `json:"consent_id"`
	RefID      id.ID         `json:"ref_id"`
	Note       string        `json:"note"`
	State      string        `json:"state"`
	CreatedAt  clock.Instant `json:"created_at"`
	DecidedAt  clock.Instant `json:"decided_at"`
	DecidedBy  id.ID         `json:"decided_by"`
	Reason     string        `json:"reason"`
	MergeID    id.ID         `json:"merge_id"`
}

// TableName names the table for GORM.
func (Review) TableName() string { return "identity_review" }

// Key is the key that names both.
func (r Review) Key() Key { return Key{Kind: r.Kind, Scope: r.Scope, Value: r.Value} }

var errDecided = fault.New(fault.Conflict, "review_decided", "这条待确认已经处理")

// review opens a case. Two persons have one case, however often they are seen.
func (s *Store) review(ctx context.Context, tx *gorm.DB, r ruling, person, other id.ID, k Key, e Evidence) (id.ID, error) {
	row := Review{ID: s.db.NewID(), LowID: min(person, other), HighID: max(person, other), Kind: k.Kind, Scope: k.Scope, Value: k.Value, Event: e.Event,
		Rule: r.rule, Confidence: r.confidence, ActorID: e.By, Channel: clip(e.Channel, 16), ConsentID: e.ConsentID, RefID: e.Ref, Note: clip(e.Note, 200),
		State: Open, CreatedAt: s.db.Now()}
	rows := db.NewRows("identity_review", "id, low_id, high_id, kind, scope, value, event, rule, confidence, actor_id, channel, consent_id, ref_id, note, state, created_at, decided_at, decided_by, reason, merge_id")
	rows.Add(row.ID, row.LowID, row.HighID, row.Kind, row.Scope, row.Value, row.Event, row.Rule, row.Confidence, row.ActorID, row.Channel, row.ConsentID,
		row.RefID, row.Note, row.State, row.CreatedAt, 0, 0, "", 0)
	n, err := rows.Insert(ctx, tx, s.db.Once("kind"))
	if err != nil {
		return 0, fmt.Errorf("identity: review: %w", err)
	}
	if n == 1 {
		return row.ID, nil
	}
	// The case was closed because the two had become one in another way, and that way was
	// undone: it is open again.
	var there Review
	if err := tx.Where("low_id = ? AND high_id = ?", row.LowID, row.HighID).Take(&there).Error; err != nil {
		return 0, fmt.Errorf("identity: review: %w", err)
	}
	return there.ID, tx.Model(&Review{}).Where("id = ? AND state = ?", there.ID, Merged).
		Updates(map[string]any{"state": Open, "created_at": row.CreatedAt, "decided_at": 0, "decided_by": 0, "reason": "", "merge_id": 0}).Error
}

// Reviews pages cases, newest first; state "" is any.
func (s *Store) Reviews(ctx context.Context, state string, before id.ID, limit int) ([]Review, error) {
	out := []Review{}
	if err := db.Page(inState(s.db.Read(ctx).Model(&Review{}), state), "identity_review", before, limit).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("identity: reviews: %w", err)
	}
	return out, nil
}

// CountReviews is how many cases are in a state ("": all), up to db.MaxTotal.
func (s *Store) CountReviews(ctx context.Context, state string) (n int, more bool, err error) {
	return db.Total(inState(s.db.Read(ctx).Model(&Review{}), state))
}

func inState(q *gorm.DB, state string) *gorm.DB {
	if state == "" {
		return q
	}
	return q.Where("state = ?", state)
}

// ReviewByID reads one case. Fault: NotFound review_not_found.
func (s *Store) ReviewByID(ctx context.Context, reviewID id.ID) (Review, error) {
	var r Review
	err := s.db.Read(ctx).Where("id = ?", reviewID).Take(&r).Error
	if db.IsNotFound(err) {
		return r, fault.New(fault.NotFound, "review_not_found", "没有这条待确认")
	}
	return r, err
}

// Accept decides that the two are one human and merges them. Persons who have become
// one in another way meanwhile only close the case. Faults: NotFound review_not_found;
// Invalid reason_missing; Conflict review_decided, family_too_large, identity_full.
func (s *Store) Accept(ctx context.Context, reviewID, by id.ID, reason string) (Review, error) {
	return s.decide(ctx, reviewID, by, reason, Merged)
}

// Refuse decides that the two are two: no rule joins them from now on. Faults: as Accept.
func (s *Store) Refuse(ctx context.Context, reviewID, by id.ID, reason string) (Review, error) {
	return s.decide(ctx, reviewID, by, reason, Refused)
}

func (s *Store) decide(ctx context.Context, reviewID, by id.ID, reason, state string) (Review, error) {
	if reason == "" {
		return Review{}, fault.NewInvalid("reason_missing", "请填写原因").With("field", "reason")
	}
	r, err := s.ReviewByID(ctx, reviewID)
	if err != nil {
		return r, err
	}
	ks, err := s.declared(ctx)
	if err != nil {
		return r, err
	}
	err = s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		roots, err := s.lock(ctx, tx, r.LowID, r.HighID)
		if err != nil {
			return err
		}
		set := map[string]any{"state": state, "decided_at": s.db.Now(), "decided_by": by, "reason": clip(reason, 500)}
		if state == Merged && roots[r.LowID] != roots[r.HighID] {
			p, err := readPair(tx, roots[r.LowID], roots[r.HighID])
			if err != nil {
				return err
			}
			m, err := s.mergeTx(ctx, tx, ks, p, ruling{rule: r.Rule, confidence: r.Confidence}, r.LowID, r.HighID, r.Key(),
				Evidence{Event: r.Event, By: by, Channel: r.Channel, ConsentID: r.ConsentID, Ref: r.ID, Note: reason})
			if err != nil {
				return err
			}
			set["merge_id"] = m.ID
		}
		done := tx.Model(&Review{}).Where("id = ? AND state = ?", reviewID, Open).Updates(set)
		if done.Error != nil {
			return fmt.Errorf("identity: decide: %w", done.Error)
		}
		if done.RowsAffected == 0 {
			return errDecided
		}
		return nil
	})
	if err != nil {
		return r, err
	}
	return s.ReviewByID(ctx, reviewID)
}
