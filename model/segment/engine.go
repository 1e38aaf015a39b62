package segment

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
	"time"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/rule"
	"siyu/model/segment/bits"
)

// engine holds the facts of one brand that were asked about, as bitmaps, and follows the
// brand's change log: a fact is loaded by its SQL when it is first asked about, and by the
// same SQL of the changed people only from then on. So bitmaps and SQL cannot differ in
// what a condition means, only in how conditions are put together.
type engine struct {
	mu    chan struct{} // full: locked
	loads chan struct{} // full: somebody loads facts
	// waiting is how many wait for their turn to load what they ask about.
	waiting atomic.Int32
	s       *Store
	brand   id.ID
	people  *bits.People // nil: nothing is loaded
	cells   []id.ID      // each of the store's cell-th people, in the order of ids
	tail    int          // how many came after the last of the cells
	seq     int64        // of the newest change that is in
	facts   map[string]*fact
	judged  map[string]*judged
	// loading are facts that are not held yet, draft people who are not.
	loading map[string]*loading
	draft   *draft
	asked   map[string]clock.Instant // the last questions, as rules
	longest time.Duration            // of the queries that read people and facts
	read    int                      // how many facts were read
	// restored: the file was looked at. What was written, of how much that was read, and when.
	restored  bool
	savedSeq  int64
	savedRead int
	savedAt   clock.Instant
}

// draft is people while they are read.
type draft struct {
	people *bits.People
	cells  []id.ID
	count  int
	after  id.ID
	seq    int64 // of the newest change when it began
	at     clock.Instant
}

// fact is a column that is loaded.
type fact struct {
	column
	set    *bits.Column
	at     clock.Instant // loaded
	of     clock.Day     // that its SQL was asked on
	used   clock.Instant
	until  []ending     // values that end by themselves, the next first
	random *rule.Random // made of people alone
}

type ending struct {
	at     clock.Instant
	person id.ID
}

const (
	// idleFor is how long a fact is kept that nobody asks about, and factsMost how many are.
	idleFor   = 36 * time.Hour
	factsMost = 400
	// changesPer is how many changes are read at once.
	changesPer = 500
	// reloadShare: when more than this share of a brand changed, facts are loaded anew.
	reloadShare = 5
)

func newEngine(s *Store, brandID id.ID) *engine {
	return &engine{mu: make(chan struct{}, 1), loads: make(chan struct{}, 1), s: s, brand: brandID,
		facts: map[string]*fact{}, judged: map[string]*judged{}, loading: map[string]*loading{}, asked: map[string]clock.Instant{}}
}

// sync brings what is held up to date. Called with the lock held.
func (e *engine) sync(ctx context.Context) error {
	var newest []int64
	if err := e.s.db.Read(ctx).Raw("SELECT seq FROM segment_brand WHERE brand_id = ?", e.brand).Scan(&newest).Error; err != nil {
		return fmt.Errorf("segment: changes: %w", err)
	}
	if len(newest) == 0 {
		newest = []int64{0}
	}
	now := e.s.db.Now()
	if e.people == nil {
		ok, err := e.restore(ctx, newest[0])
		if err != nil {
			return err
		}
		if !ok {
			return e.reload(ctx, newest[0])
		}
	}
	for e.seq < newest[0] {
		ok, err := e.follow(ctx)
		if err != nil {
			return err
		}
		if !ok { // the log does not go back so far
			return e.reload(ctx, newest[0])
		}
	}
	for key, f := range e.facts {
		if now.Sub(f.used) > idleFor {
			delete(e.facts, key)
		}
	}
	for key, x := range e.loading { // nobody waits for it any more
		if now.Sub(x.now) >= silentFor {
			delete(e.loading, key)
		}
	}
	for len(e.facts) > factsMost {
		oldest := ""
		for key, f := range e.facts {
			if oldest == "" || f.used < e.facts[oldest].used {
				oldest = key
			}
		}
		delete(e.facts, oldest)
	}
	return e.expire(ctx, now)
}

// reload begins anew, as of a change; what comes after is read again, which changes nothing.
// People are read in parts too, and who is called off leaves them to the next one.
func (e *engine) reload(ctx context.Context, seq int64) error {
	e.drop()
	d, now := e.draft, e.s.db.Now()
	if d == nil || now.Sub(d.at) >= silentFor {
		d = &draft{people: bits.NewPeople(), seq: seq, at: now}
		e.draft = d
	}
	for n := peoplePer; n == peoplePer; {
		n = 0
		begun := clock.Wall()
		err := e.rows(ctx, part{"SELECT person_id, number, live, allows FROM segment_person WHERE brand_id = ? AND person_id > ? ORDER BY person_id LIMIT ?", []any{e.brand, d.after, peoplePer}}, func(rows *sql.Rows) error {
			person, err := putPerson(rows, d.people)
			if err != nil {
				return err
			}
			if n++; d.count%e.s.cell == 0 {
				d.cells = append(d.cells, person)
			}
			d.count, d.after = d.count+1, person
			return nil
		})
		if err != nil {
			return err
		}
		e.longest = max(e.longest, clock.Wall().Sub(begun))
	}
	if len(d.cells) == 0 {
		d.cells = []id.ID{0}
	}
	e.people, e.cells, e.tail, e.seq, e.draft = d.people, d.cells, (d.count+e.s.cell-1)%e.s.cell, d.seq, nil
	return nil
}

// drop lets go of everything that is held.
func (e *engine) drop() {
	e.people, e.cells, e.facts, e.judged, e.loading = nil, nil, map[string]*fact{}, map[string]*judged{}, map[string]*loading{}
}

// newcomer keeps the last of the cells from growing.
func (e *engine) newcomer(person id.ID) {
	if last := e.cells[len(e.cells)-1]; person <= last {
		return
	}
	if e.tail++; e.tail >= e.s.cell {
		e.cells, e.tail = append(e.cells, person), 0
	}
}

func putPerson(rows *sql.Rows, p *bits.People) (id.ID, error) {
	var person, number int64
	var live, allows bool
	if err := rows.Scan(&person, &number, &live, &allows); err != nil {
		return 0, err
	}
	p.Put(id.ID(person), uint32(number), live, allows)
	return id.ID(person), nil
}

func (e *engine) rows(ctx context.Context, p part, each func(rows *sql.Rows) error) error {
	rows, err := run(e.s.db.Read(ctx), p).Rows()
	if err != nil {
		return fmt.Errorf("segment: load: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return fmt.Errorf("segment: load: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("segment: load: %w", err)
	}
	return nil
}

// bytes is about how much memory the engine takes.
func (e *engine) bytes() uint64 {
	if e.people == nil {
		return 0
	}
	n := e.people.Bytes()
	for _, f := range e.facts {
		n += f.set.Bytes() + uint64(cap(f.until))*16
	}
	return n
}
