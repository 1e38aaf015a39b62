package identity

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// batchMost is how many items are written in one transaction: enough that the commit
// is shared by thousands of rows, few enough that others wait for milliseconds.
const batchMost = 1000

// Item is the keys that one row of a source saw on one human, the best one first.
type Item struct{ Keys []Key }

// Resolved is whose an item is.
type Resolved struct {
	PersonID id.ID     // the person, not the root; 0: no usable key
	New      bool      // made for this item
	By       Key       // the key that recognised him; empty when New
	Attached []Key     // keys that became his by this item
	Others   []Key     // keys that name other persons, one of each
	Outcomes []Outcome // what became of each of Others
	Shared   bool      // a key of the item is shared by many and was not used
	Err      error     // why the item was left out: Invalid key_malformed, Conflict identity_full
}

// Match says whose items are and what ResolveMany would do, and writes nothing. New
// persons have the number 0, and items that share a new key are each new.
func (s *Store) Match(ctx context.Context, items []Item, e Evidence) ([]Resolved, error) {
	out := make([]Resolved, 0, len(items))
	ks, err := s.declared(ctx)
	for part := range slices.Chunk(items, batchMost) {
		if err != nil {
			return nil, err
		}
		var b *batch
		if b, err = s.read(ctx, ks, part, e); err != nil {
			return nil, err
		}
		for _, r := range b.out {
			if r.Err == nil && r.PersonID == 0 && !r.Shared {
				r.New = true
			}
			out = append(out, r)
		}
	}
	return out, err
}

// ResolveMany finds or makes the persons of many items: known keys are read in chunks,
// missing ones written with many rows in a statement. Each item is done as if alone and
// in order; a key that an earlier item brought is known to the later. A key that names
// a second person is decided as in Link. Faults of single items stand in their Err.
func (s *Store) ResolveMany(ctx context.Context, items []Item, e Evidence) ([]Resolved, error) {
	out := make([]Resolved, 0, len(items))
	ks, err := s.declared(ctx)
	if err != nil {
		return nil, err
	}
	for part := range slices.Chunk(items, batchMost) {
		b, err := s.resolveBatch(ctx, ks, part, e)
		if err != nil {
			return nil, err
		}
		out = append(out, b.out...)
	}
	return out, nil
}

func (s *Store) resolveBatch(ctx context.Context, ks kinds, items []Item, e Evidence) (*batch, error) {
	for range 5 {
		b, err := s.read(ctx, ks, items, e)
		if err != nil {
			return nil, err
		}
		if b.missing {
			// Keys are only ever added, so what was read stays true; what came meanwhile
			// shows as a duplicate, and the batch begins again.
			err = s.db.InFreshTx(ctx, func(tx *gorm.DB) error { return s.write(ctx, tx, b) })
		}
		if db.IsDuplicate(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return b, s.contestMany(ctx, b)
	}
	return nil, errBusy
}

// batch is the work on some items.
type batch struct {
	ks      kinds
	e       Evidence
	items   []Item
	owners  map[name]id.ID // of known keys
	out     []Resolved
	usable  [][]Key // of each item: well formed, not shared, once
	missing bool    // some key is nobody's yet
}

// read checks the items and finds the owners of their keys.
func (s *Store) read(ctx context.Context, ks kinds, items []Item, e Evidence) (*batch, error) {
	b := &batch{ks: ks, e: e, items: items, owners: make(map[name]id.ID), out: make([]Resolved, len(items)), usable: make([][]Key, len(items))}
	shared, err := s.sharedKeys(ctx)
	if err != nil {
		return nil, err
	}
	asked := map[[2]string][]string{}
	for i, it := range items {
		if b.out[i].Err = b.checkItem(it); b.out[i].Err != nil {
			continue
		}
		for _, k := range it.Keys {
			switch n := k.name(); {
			case shared[n]:
				b.out[i].Shared = true
			case slices.ContainsFunc(b.usable[i], func(x Key) bool { return x.name() == n }):
			default:
				b.usable[i] = append(b.usable[i], Key{Kind: k.Kind, Scope: k.Scope, Value: k.Value})
				asked[[2]string{k.Kind, k.Scope}] = append(asked[[2]string{k.Kind, k.Scope}], k.Value)
			}
		}
	}
	for of, values := range asked {
		if err := s.owners(ctx, b, of[0], of[1], values); err != nil {
			return nil, err
		}
	}
	for i := range items {
		b.name(i)
		for _, k := range b.usable[i] {
			b.missing = b.missing || b.owners[k.name()] == 0
		}
	}
	return b, nil
}

func (b *batch) checkItem(it Item) error {
	if len(it.Keys) == 0 || len(it.Keys) > 20 {
		return fault.NewInvalid("key_malformed", "应有 1 到 20 个编号")
	}
	for _, k := range it.Keys {
		if err := b.ks.check(k); err != nil {
			return err
		}
		if err := b.e.check(k.Kind); err != nil {
			return err
		}
	}
	return nil
}

// name fills in whom the known keys of an item name.
func (b *batch) name(i int) {
	r := &b.out[i]
	r.PersonID, r.By, r.Others = 0, Key{}, nil
	for _, k := range b.usable[i] {
		owner := b.owners[k.name()]
		switch {
		case owner == 0:
		case r.PersonID == 0:
			r.PersonID, r.By = owner, k
		case owner != r.PersonID && !slices.ContainsFunc(r.Others, func(x Key) bool { return x.PersonID == owner }):
			k.PersonID = owner
			r.Others = append(r.Others, k)
		}
	}
}

func (s *Store) owners(ctx context.Context, b *batch, kind, scope string, values []string) error {
	for part := range slices.Chunk(values, s.perInsert(2)) {
		args := make([]any, 0, len(part)+2)
		args = append(args, kind, scope)
		for _, v := range part {
			args = append(args, v)
		}
		rows, err := s.db.Read(ctx).Statement.ConnPool.QueryContext(ctx, "SELECT value, person_id FROM identity_key WHERE kind = ? AND scope = ? AND value IN "+db.Marks(len(part)), args...)
		if err != nil {
			return fmt.Errorf("identity: owners: %w", err)
		}
		for rows.Next() {
			var value string
			var owner id.ID
			if err := rows.Scan(&value, &owner); err != nil {
				_ = rows.Close()
				return fmt.Errorf("identity: owners: %w", err)
			}
			b.owners[name{kind, scope, value}] = owner
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("identity: owners: %w", err)
		}
		if err := rows.Close(); err != nil {
			return fmt.Errorf("identity: owners: %w", err)
		}
	}
	return nil
}

// sharedKeys reads the blocked keys: few, made by people or by a rule that is rare.
func (s *Store) sharedKeys(ctx context.Context) (map[name]bool, error) {
	var list []Blocked
	if err := s.db.Read(ctx).Select("kind, scope, value").Limit(100_000).Find(&list).Error; err != nil {
		return nil, fmt.Errorf("identity: blocked: %w", err)
	}
	out := make(map[name]bool, len(list))
	for _, x := range list {
		out[x.Key().name()] = true
	}
	return out, nil
}

// write gives every missing key to a person, in the order of the items.
func (s *Store) write(ctx context.Context, tx *gorm.DB, b *batch) error {
	owners := make(map[name]id.ID, len(b.owners)) // a retried transaction begins from what was read
	for n, p := range b.owners {
		owners[n] = p
	}
	again := *b
	again.owners = owners
	b = &again
	for i := range b.items { // and from nobody whom the transaction that was undone had made
		b.name(i)
	}
	families, err := s.familiesOf(ctx, tx, b)
	if err != nil {
		return err
	}
	now := s.db.Now()
	var people []id.ID
	var keys []Key
	var edges []Edge
	for i := range b.items {
		r := &b.out[i]
		if r.Err != nil && codeOf(r.Err) != "identity_full" || len(b.usable[i]) == 0 {
			continue
		}
		r.New, r.Attached, r.Err = false, nil, nil
		b.name(i) // an earlier item may have brought a key of this one
		fresh := make([]Key, 0, len(b.usable[i]))
		for _, k := range b.usable[i] {
			if b.owners[k.name()] == 0 {
				fresh = append(fresh, k)
			}
		}
		if len(fresh) == 0 {
			continue
		}
		person, with := r.PersonID, r.By
		f := families[person]
		if person == 0 {
			person, with, f = s.db.NewID(), Key{}, &family{}
		}
		if kind, over := b.ks.excess(append(slices.Clip(f.keys), fresh...)); over {
			r.Err = errFull(kind)
			continue
		}
		if r.PersonID == 0 {
			r.PersonID, r.New = person, true
			families[person] = f
			people = append(people, person)
		}
		for _, k := range fresh {
			k.PersonID, k.CreatedAt, k.Event = person, now, b.e.Event
			b.owners[k.name()] = person
			keys, f.keys, r.Attached = append(keys, k), append(f.keys, k), append(r.Attached, k)
			if with.Kind != "" {
				edges = append(edges, s.newEdge(person, k, with, b.e))
			} else {
				with = k // the others of the row are tied to its first
			}
		}
	}
	if err := s.insertPeople(ctx, tx, people, now); err != nil {
		return err
	}
	if err := s.insertKeys(ctx, tx, keys); err != nil {
		return err
	}
	return s.putEdges(ctx, tx, edges)
}

// family is the keys of one human while a batch is written.
type family struct{ keys []Key }

// familiesOf locks the humans who may get a key from the batch and reads their keys, by
// person.
func (s *Store) familiesOf(ctx context.Context, tx *gorm.DB, b *batch) (map[id.ID]*family, error) {
	touched := map[id.ID]bool{}
	for i, r := range b.out {
		if r.PersonID != 0 && slices.ContainsFunc(b.usable[i], func(k Key) bool { return b.owners[k.name()] == 0 }) {
			touched[r.PersonID] = true
		}
	}
	out := map[id.ID]*family{}
	if len(touched) == 0 {
		return out, nil
	}
	persons := make([]id.ID, 0, len(touched))
	for p := range touched {
		persons = append(persons, p)
	}
	slices.Sort(persons)
	roots, err := s.lock(ctx, tx, persons...)
	if err != nil {
		return nil, err
	}
	for part := range slices.Chunk(sortedRoots(roots), 250) {
		people, err := familyOf(tx, part...)
		if err != nil {
			return nil, err
		}
		byRoot := map[id.ID]*family{}
		for _, h := range people {
			if byRoot[h.root()] == nil {
				byRoot[h.root()] = &family{}
			}
			out[h.ID] = byRoot[h.root()]
		}
		for ids := range slices.Chunk(idsOf(people), 500) {
			keys, err := keysOf(tx, ids)
			if err != nil {
				return nil, err
			}
			for _, k := range keys {
				out[k.PersonID].keys = append(out[k.PersonID].keys, k)
			}
		}
	}
	return out, nil
}

// perInsert is how many rows of so many columns one statement takes. SQLite's driver
// looks for each parameter among all of them, so there a long statement costs the square
// of its length; over a socket the round trips are what costs.
func (s *Store) perInsert(columns int) int {
	if s.db.Driver() == db.SQLite {
		return 600 / columns
	}
	return 500
}

func (s *Store) insertPeople(ctx context.Context, tx *gorm.DB, people []id.ID, now clock.Instant) error {
	for part := range slices.Chunk(people, s.perInsert(2)) {
		rows := db.NewRows("person", "id, created_at")
		for _, p := range part {
			rows.Add(p, now)
		}
		if _, err := rows.Insert(ctx, tx, ""); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) insertKeys(ctx context.Context, tx *gorm.DB, keys []Key) error {
	for part := range slices.Chunk(keys, s.perInsert(7)) {
		rows := db.NewRows("identity_key", keyColumns)
		for _, k := range part {
			rows.Add(k.Kind, k.Scope, k.Value, k.PersonID, k.CreatedAt, k.Event, k.SeenAt)
		}
		if _, err := rows.Insert(ctx, tx, ""); err != nil {
			return err
		}
	}
	return nil
}

// contestMany decides, one by one, about keys that name a second person.
func (s *Store) contestMany(ctx context.Context, b *batch) error {
	for i := range b.out {
		r := &b.out[i]
		r.Outcomes = nil
		for _, k := range r.Others {
			o, err := s.link(ctx, b.ks, r.PersonID, Key{Kind: k.Kind, Scope: k.Scope, Value: k.Value}, b.e)
			if err != nil {
				return err
			}
			r.Outcomes = append(r.Outcomes, o)
		}
	}
	return nil
}
