package identity

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/id"
)

// Plan is ResolveMany for a caller who writes more in the same transaction, such as what
// a file says of the persons it names: either both are there or neither.
type Plan struct {
	s *Store
	b *batch
}

// Plan reads whose at most a thousand items are.
func (s *Store) Plan(ctx context.Context, items []Item, e Evidence) (*Plan, error) {
	if len(items) > batchMost {
		return nil, fmt.Errorf("identity: a plan of %d items", len(items))
	}
	ks, err := s.declared(ctx)
	if err != nil {
		return nil, err
	}
	b, err := s.read(ctx, ks, items, e)
	return &Plan{s, b}, err
}

// Known is what was read, in the order of the items; nothing is written yet.
func (p *Plan) Known() []Resolved { return slices.Clone(p.b.out) }

// Usable are the keys of one item that count: each once, and none that many people share.
func (p *Plan) Usable(item int) []Key { return p.b.usable[item] }

// WriteTx makes the persons and keys that are missing and returns whose the items are
// now. The transaction must be an InFreshTx. A duplicate (db.IsDuplicate) means that
// somebody else brought a key meanwhile: roll back and begin with a new Plan. Keys that
// name a second person are left alone and stand in Others; Link decides about them.
func (p *Plan) WriteTx(ctx context.Context, tx *gorm.DB) ([]Resolved, error) {
	if p.b.missing {
		if err := p.s.write(ctx, tx, p.b); err != nil {
			return nil, err
		}
	}
	return slices.Clone(p.b.out), nil
}

// UnlinkAllTx is UnlinkTx for many keys in few statements, and returns those that went. A
// key that another event has shown since stays: it is no longer this event's alone.
func (s *Store) UnlinkAllTx(ctx context.Context, tx *gorm.DB, keys []Key, e Evidence) ([]Key, error) {
	byPerson := map[id.ID]bool{}
	var persons []id.ID
	for _, k := range keys {
		if err := e.check(k.Kind); err != nil {
			return nil, err
		}
		if !byPerson[k.PersonID] {
			byPerson[k.PersonID] = true
			persons = append(persons, k.PersonID)
		}
	}
	type owned struct {
		name
		person id.ID
	}
	there, last, others := map[owned]bool{}, map[owned]id.ID{}, map[name]bool{}
	for part := range slices.Chunk(persons, 500) {
		var mine []Key
		if err := tx.Where("person_id IN ? AND event = ? AND seen_at = 0", part, e.Event).Find(&mine).Error; err != nil {
			return nil, fmt.Errorf("identity: unlink: %w", err)
		}
		for _, k := range mine {
			there[owned{k.name(), k.PersonID}] = true
		}
	}
	for part := range slices.Chunk(keys, 500) {
		numbers := make([]int64, len(part))
		for i, k := range part {
			numbers[i] = k.name().number()
		}
		var seen []Edge
		if err := tx.Where("key_no IN ? AND revokes = 0", numbers).Order("at, id").Find(&seen).Error; err != nil {
			return nil, fmt.Errorf("identity: unlink: %w", err)
		}
		for _, x := range seen {
			if x.Event == e.Event {
				last[owned{x.Key().name(), x.PersonID}] = x.ID
			} else {
				others[x.Key().name()] = true
			}
		}
	}
	var gone []Key
	var edges []Edge
	values := map[[2]string][]any{}
	for _, k := range keys {
		o := owned{k.name(), k.PersonID}
		if !there[o] || others[o.name] {
			continue
		}
		there[o] = false // named twice, gone once
		gone = append(gone, k)
		values[[2]string{k.Kind, k.Scope}] = append(values[[2]string{k.Kind, k.Scope}], k.Value)
		edge := s.newEdge(k.PersonID, k, Key{}, e)
		if edge.Revokes = edge.ID; last[o] != 0 { // the first key of a person has no row of its own
			edge.Revokes = last[o]
		}
		edges = append(edges, edge)
	}
	for of, all := range values {
		for part := range slices.Chunk(all, 500) {
			args := append([]any{of[0], of[1], e.Event}, part...)
			r, err := db.Exec(ctx, tx, "DELETE FROM identity_key WHERE kind = ? AND scope = ? AND event = ? AND seen_at = 0 AND value IN "+db.Marks(len(part)), args...)
			if err != nil {
				return nil, fmt.Errorf("identity: unlink: %w", err)
			}
			if n, err := r.RowsAffected(); err != nil || int(n) != len(part) { // its owner used one just now: look again
				return nil, errBusy
			}
		}
	}
	return gone, s.putEdges(ctx, tx, edges)
}

// DropTx deletes those of the persons who are nothing any more: no key, no join, no open
// question about them. It returns who went.
func (s *Store) DropTx(ctx context.Context, tx *gorm.DB, persons []id.ID) ([]id.ID, error) {
	used := map[id.ID]bool{}
	for part := range slices.Chunk(persons, 500) {
		var list []id.ID
		err := tx.Raw(`SELECT person_id FROM identity_key WHERE person_id IN ? UNION SELECT person_id FROM identity_merge WHERE person_id IN ?
			UNION SELECT other_id FROM identity_merge WHERE other_id IN ? UNION SELECT low_id FROM identity_review WHERE low_id IN ?
			UNION SELECT high_id FROM identity_review WHERE high_id IN ? UNION SELECT id FROM person WHERE id IN ? AND root_id <> 0`,
			part, part, part, part, part, part).Scan(&list).Error
		if err != nil {
			return nil, fmt.Errorf("identity: drop: %w", err)
		}
		for _, p := range list {
			used[p] = true
		}
	}
	var gone []id.ID
	for _, p := range persons {
		if !used[p] {
			gone = append(gone, p)
		}
	}
	for part := range slices.Chunk(gone, 500) {
		if err := tx.Exec("DELETE FROM person WHERE id IN ?", part).Error; err != nil {
			return nil, fmt.Errorf("identity: drop: %w", err)
		}
	}
	return gone, nil
}
