package event

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/outbox"
)

// Outcomes of storing one event.
const (
	Stored    = "stored"
	Duplicate = "duplicate" // the same fact was stored before
	Conflict  = "conflict"  // the key was stored before with other content, which stays
)

// Result is what became of one event.
type Result struct {
	Status string
	ID     id.ID // of what is stored under the key
}

// Most is how many events are stored in one transaction.
const Most = 1000

// rowsPer bounds one INSERT. SQLite's driver looks for each value among all of its
// statement's, so a thousand rows at once take it longer than ten times a hundred.
func (s *Store) rowsPer() int {
	if s.db.Driver() == db.SQLite {
		return 100
	}
	return 1000
}

// Store keeps events.
type Store struct {
	db        *db.DB
	out       *outbox.Store
	consumers map[string]Consumer
	merger    *db.Merger[putting]
}

// New makes a store.
func New(d *db.DB, out *outbox.Store) *Store {
	s := &Store{db: d, out: out, consumers: map[string]Consumer{}}
	s.merger = db.NewMerger(d, s.putAll)
	return s
}

// Put stores events, in transactions of at most Most, and says what became of each.
// Fault: Invalid event_invalid (Detail index, path); then none of its thousand was stored.
func (s *Store) Put(ctx context.Context, events []Event) ([]Result, error) {
	if err := s.checkAll(events); err != nil {
		return nil, err
	}
	return s.put(ctx, events)
}

// PutTx is Put in the caller's transaction, for at most Most events. The caller nudges
// the outbox after his commit, or the relay finds it by looking.
func (s *Store) PutTx(ctx context.Context, tx *gorm.DB, events []Event) ([]Result, error) {
	if err := s.checkAll(events); err != nil {
		return nil, err
	}
	if len(events) > Most {
		return nil, fmt.Errorf("event: %d events in one transaction", len(events))
	}
	return s.putTx(ctx, tx, events)
}

func (s *Store) checkAll(events []Event) error {
	now := s.db.Now()
	for i := range events {
		if err := events[i].check(now); err != nil {
			return fault.Of(err).With("index", i)
		}
	}
	return nil
}

// putting is a call of put on its way through a merged transaction.
type putting struct {
	events  []Event
	results []Result
	err     error
}

// put stores checked events. Calls that wait are committed together.
func (s *Store) put(ctx context.Context, events []Event) (all []Result, err error) {
	for chunk := range slices.Chunk(events, Most) {
		p := &putting{events: slices.Clone(chunk)} // the caller may leave before it is done
		if err = s.merger.Do(ctx, p); err == nil {
			err = p.err
		}
		if err != nil {
			return all, fmt.Errorf("event: put: %w", err)
		}
		all = append(all, p.results...)
	}
	s.out.Nudge()
	return all, nil
}

// putAll stores what calls brought, in transactions of about two thousand events. One
// call that fails never fails its neighbours: what went wrong with all of them is tried
// again with each alone.
func (s *Store) putAll(ctx context.Context, calls []*putting) {
	for len(calls) > 0 {
		n, size := 0, 0
		for n < len(calls) && (n == 0 || size+len(calls[n].events) <= 2*Most) {
			size += len(calls[n].events)
			n++
		}
		s.putSome(ctx, calls[:n])
		calls = calls[n:]
	}
}

func (s *Store) putSome(ctx context.Context, calls []*putting) {
	var events []Event
	for _, c := range calls {
		events = append(events, c.events...)
	}
	var results []Result
	// The level at which a look after an insert that was refused sees who was first.
	err := s.db.InFreshTx(ctx, func(tx *gorm.DB) (err error) {
		results, err = s.putTx(ctx, tx, events)
		return err
	})
	if err != nil && len(calls) > 1 && fault.KindOf(err) != fault.Unavailable {
		for _, c := range calls {
			s.putSome(ctx, []*putting{c})
		}
		return
	}
	for _, c := range calls {
		if c.err = err; err == nil {
			c.results, results = results[:len(c.events)], results[len(c.events):]
		}
	}
}

const columns = "id, event_key, type, brand_id, member_id, channel, at, received_at, body"

func (s *Store) putTx(ctx context.Context, tx *gorm.DB, events []Event) ([]Result, error) {
	results := make([]Result, len(events))
	first := make(map[string]int, len(events)) // key -> the first of it in this call
	order := make([]int, 0, len(events))
	for i := range events {
		if j, again := first[events[i].Key]; again {
			results[i].Status = compare(&events[j], &events[i])
			continue
		}
		first[events[i].Key] = i
		order = append(order, i)
	}
	// One order everywhere, so that two transactions cannot wait for each other.
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(events[a].Key, events[b].Key) })
	now := s.db.Now()
	for chunk := range slices.Chunk(order, s.rowsPer()) {
		rows := db.NewRows("event", columns)
		for _, i := range chunk {
			e := &events[i]
			e.ID, e.ReceivedAt = s.db.NewID(), now
			rows.Add(e.ID, e.Key, e.Type, e.BrandID, e.MemberID, e.Channel, e.At, now, []byte(e.Body))
			results[i] = Result{Stored, e.ID}
		}
		n, err := rows.Insert(ctx, tx, s.db.Once("type"))
		if err != nil {
			return nil, err
		}
		if n != int64(len(chunk)) {
			if err := s.sort(ctx, tx, events, chunk, results); err != nil {
				return nil, err
			}
		}
	}
	for i := range events { // those that repeat one of this call
		if results[i].ID == 0 {
			results[i].ID = results[first[events[i].Key]].ID
		}
	}
	return results, s.batchTx(ctx, tx, results)
}

// sort finds out which of the events were there before, and whether they said the same.
func (s *Store) sort(ctx context.Context, tx *gorm.DB, events []Event, chunk []int, results []Result) error {
	keys := make([]string, len(chunk))
	for n, i := range chunk {
		keys[n] = events[i].Key
	}
	stmt := "SELECT * FROM event WHERE event_key IN ?"
	if s.db.Driver() == db.MySQL {
		stmt += " FOR UPDATE" // the newest rows, whatever the caller's transaction has seen before
	}
	var there []Event
	if err := tx.WithContext(ctx).Raw(stmt, keys).Scan(&there).Error; err != nil {
		return err
	}
	byKey := make(map[string]*Event, len(there))
	for i := range there {
		byKey[there[i].Key] = &there[i]
	}
	for _, i := range chunk {
		old := byKey[events[i].Key]
		if old == nil { // deleted between the two statements: nobody does that
			return fmt.Errorf("event: %s was neither inserted nor there", events[i].Key)
		}
		if old.ID != events[i].ID {
			results[i] = Result{compare(old, &events[i]), old.ID}
		}
	}
	return nil
}

// compare says whether an event repeats one that is stored. What an erased event said is
// not known any more; its key alone keeps the fact from coming back.
func compare(old, e *Event) string {
	if old.Channel == Erased {
		return Duplicate
	}
	if old.Type != e.Type || old.BrandID != e.BrandID || old.MemberID != e.MemberID || old.At != e.At {
		return Conflict
	}
	if !bytes.Equal(old.Body, e.Body) && !reflect.DeepEqual(decoded(old.Body), decoded(e.Body)) {
		return Conflict
	}
	return Duplicate
}

func decoded(body []byte) any {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	_ = d.Decode(&v) // bodies were checked when they came
	return v
}

// Get reads the event with a key. Fault: NotFound event_not_found.
func (s *Store) Get(ctx context.Context, key string) (Event, error) {
	var e Event
	err := s.db.Read(ctx).Where("event_key = ?", key).Take(&e).Error
	if db.IsNotFound(err) {
		return e, fault.New(fault.NotFound, "event_not_found", "没有这个事件")
	}
	return e, err
}

// Cursor is a place in a timeline: the event after which the next page begins.
type Cursor struct {
	At clock.Instant
	ID id.ID
}

// Timeline returns up to limit events of a family (member.Family), newest first, after
// the cursor (zero: from the newest); types empty: all. Ids break ties, so pages neither
// repeat nor skip events that were there when the first page was read.
func (s *Store) Timeline(ctx context.Context, members []id.ID, types []string, after Cursor, limit int) ([]Event, error) {
	if limit < 1 || limit > db.MaxPage {
		limit = db.MaxPage
	}
	list := []Event{}
	for _, m := range members { // one range of the index each; families are small
		q := s.db.Read(ctx).Where("member_id = ?", m)
		if after != (Cursor{}) {
			q = q.Where("at <= ? AND (at < ? OR id < ?)", after.At, after.At, after.ID)
		}
		if len(types) > 0 {
			q = q.Where("type IN ?", types)
		}
		var part []Event
		if err := q.Order("at DESC, id DESC").Limit(limit).Find(&part).Error; err != nil {
			return nil, fmt.Errorf("event: timeline: %w", err)
		}
		list = append(list, part...)
	}
	slices.SortFunc(list, func(a, b Event) int { return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(b.ID, a.ID)) })
	return list[:min(limit, len(list))], nil
}
