package identity

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Link gives a person a key that evidence shows to be his. A key that belongs to
// somebody else is decided by the rules (Outcome). Linking twice is the same as once.
// Faults: Invalid key_malformed, evidence_malformed, reason_missing; NotFound
// person_not_found; Conflict identity_full: the human has as many of this kind as a
// human may have.
func (s *Store) Link(ctx context.Context, personID id.ID, k Key, e Evidence) (Outcome, error) {
	ks, err := s.declared(ctx)
	if err != nil {
		return Outcome{}, err
	}
	if err := ks.check(k); err != nil {
		return Outcome{}, err
	}
	if err := e.check(k.Kind); err != nil {
		return Outcome{}, err
	}
	for range 5 {
		out, err := s.link(ctx, ks, personID, k, e)
		if !db.IsDuplicate(err) {
			return out, err
		}
	}
	return Outcome{}, errBusy
}

func (s *Store) link(ctx context.Context, ks kinds, person id.ID, k Key, e Evidence) (out Outcome, err error) {
	err = s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		out = Outcome{}
		blocked, err := isBlocked(tx, k)
		if err != nil {
			return err
		}
		owner, err := ownerOf(tx, k)
		if err != nil {
			return err
		}
		persons := []id.ID{person}
		if owner != 0 {
			persons = append(persons, owner)
		}
		roots, err := s.lock(ctx, tx, persons...)
		if err != nil {
			return err
		}
		out.PersonID = roots[person]
		switch {
		case owner != 0 && roots[owner] == roots[person]:
			out.State = Known
			with := e.With
			if with.Kind == "" {
				keys, err := keysOf(tx, []id.ID{person})
				if err != nil {
					return err
				}
				with = ks.anchor(keys, k.name())
			}
			return s.noteEdge(ctx, tx, person, k, with, e)
		case blocked:
			out.State = SharedKey
			return nil
		case owner == 0:
			out.State = Attached
			return s.attach(ctx, tx, ks, person, k, e)
		}
		out, err = s.contest(ctx, tx, ks, roots, person, owner, k, e)
		return err
	})
	return out, err
}

// PersonOf returns whose a key is: the person it was attached to, not the root. A key
// that many people share names nobody.
func (s *Store) PersonOf(ctx context.Context, kind, scope, value string) (id.ID, bool, error) {
	k := Key{Kind: kind, Scope: scope, Value: value}
	owner, err := ownerOf(s.db.Read(ctx), k)
	if err != nil || owner == 0 {
		return 0, false, err
	}
	blocked, err := isBlocked(s.db.Read(ctx), k)
	if err != nil || blocked {
		return 0, false, err
	}
	return owner, true, nil
}

// Owners returns whose keys are, for a search by an operator: shared keys too, unknown
// ones left out.
func (s *Store) Owners(ctx context.Context, keys []Key) ([]id.ID, error) {
	var out []id.ID
	for _, k := range keys {
		owner, err := ownerOf(s.db.Read(ctx), k)
		if err != nil {
			return nil, err
		}
		if owner != 0 {
			out = append(out, owner)
		}
	}
	return out, nil
}

// Unlink takes keys back that an event brought by mistake: an import that is undone.
// Only a key that is still with the person and was brought by the same event goes; the
// evidence stays, with a row that revokes it. It returns how many keys went.
func (s *Store) Unlink(ctx context.Context, keys []Key, e Evidence) (gone int, err error) {
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		gone, err = s.UnlinkTx(ctx, tx, keys, e)
		return err
	})
	return gone, err
}

// UnlinkTx is Unlink in the caller's transaction.
func (s *Store) UnlinkTx(ctx context.Context, tx *gorm.DB, keys []Key, e Evidence) (gone int, err error) {
	var edges []Edge
	for _, k := range keys {
		if err := e.check(k.Kind); err != nil {
			return 0, err
		}
		r, err := db.Exec(ctx, tx, "DELETE FROM identity_key WHERE kind = ? AND scope = ? AND value = ? AND person_id = ? AND event = ? AND seen_at = 0",
			k.Kind, k.Scope, k.Value, k.PersonID, e.Event)
		if err != nil {
			return 0, fmt.Errorf("identity: unlink: %w", err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			continue
		}
		gone++
		edge := s.newEdge(k.PersonID, k, Key{}, e)
		var last []id.ID
		err = tx.Raw("SELECT id FROM identity_edge WHERE key_no = ? AND person_id = ? AND event = ? AND revokes = 0 ORDER BY at DESC LIMIT 1", edge.KeyNo, k.PersonID, e.Event).Scan(&last).Error
		if err != nil {
			return 0, fmt.Errorf("identity: unlink: %w", err)
		}
		if edge.Revokes = edge.ID; len(last) > 0 { // the first key of a person has no row of its own
			edge.Revokes = last[0]
		}
		edges = append(edges, edge)
	}
	return gone, s.putEdges(ctx, tx, edges)
}

func codeOf(err error) string {
	if f := fault.Of(err); f != nil {
		return f.Code
	}
	return ""
}
