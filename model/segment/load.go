package segment

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/rule"
	"siyu/model/segment/bits"
)

// A fact of a large brand is read in parts: each a range of people, as many as are read in
// about partTime. Who has one account is in it with all that is known of him. Who has
// several is read by his accounts (again), whatever their ids are.
const (
	// cellPeople is how many people the smallest range has, and cellsMost how many of these
	// the largest. Of a brand of fewPeople no ranges are read: there may be many others'
	// people between them.
	cellPeople = 250
	cellsMost  = 128
	fewPeople  = 5000
	partTime   = 60 * time.Millisecond
	// peoplePer is how many people of a brand are read at once, and kinPer how many humans
	// with several accounts.
	peoplePer = 10_000
	kinPer    = 10_000
	// loadWorkers read parts side by side.
	loadWorkers = 4
	// wholeActs is how many acts are read by one query where an index has all that is asked
	// of them: each range of people would go through the same piece of the table.
	wholeActs = 500_000
	// warmPer is how many facts are read at once for nobody who waits.
	warmPer = 8
)

// span is the people, and the members, from one id up to another that is not in it; 0: to
// the end.
type span struct{ from, until id.ID }

func (s *span) only(column string) part {
	if s.until == 0 {
		return raw(" AND "+column+" >= ?", s.from)
	}
	return raw(" AND "+column+" >= ? AND "+column+" < ?", s.from, s.until)
}

// loading is a fact while it is read. What was read stays when who waited for it goes: the
// next one goes on from there.
type loading struct {
	column
	now     clock.Instant // that it is asked as of
	l       *bits.Loader
	until   []ending
	cells   []id.ID        // first people of the cells
	next    int            // cell
	step    int            // cells of a part
	again   []span         // parts that failed
	kin     bool           // who has several accounts is in it
	changed map[id.ID]bool // who changed since it began
}

var (
	// errOver: what was being loaded is of bitmaps that are not held any more.
	errOver = errors.New("segment: begun anew")
	// errAside: somebody waits for other facts, and they go first.
	errAside = errors.New("segment: somebody waits")
)

// lock is the engine's; whoever waits for it can be called off.
func (e *engine) lock(ctx context.Context) error {
	select {
	case e.mu <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *engine) unlock() { <-e.mu }

// columns are the facts that a tree is about.
func columns(n *rule.Node) (list []column) {
	n.Walk(func(n *rule.Node, _ int) bool {
		if n.Leaf() && n.Random == nil {
			c, ok := columnFor(n)
			if !ok {
				c = leafOf(n).column()
			}
			list = append(list, c)
		}
		return true
	})
	return list
}

// missing are those of some facts that are not held, or too old.
func (e *engine) missing(list []column) (out []column) {
	now := e.s.db.Now()
	for _, c := range list {
		if !e.facts[c.key].fresh(now) && !slices.ContainsFunc(out, func(x column) bool { return x.key == c.key }) {
			out = append(out, c)
		}
	}
	return out
}

// ahead reads facts before somebody asks: a few at a time, and whoever asks meanwhile goes
// first, after the part that is being read.
func (e *engine) ahead(ctx context.Context, list []column, wanted func(c column) bool) error {
	for some := range slices.Chunk(list, warmPer) {
		for {
			err := e.load(ctx, some, wanted, func() bool { return e.waiting.Load() > 0 })
			if err == nil {
				break
			}
			if !errors.Is(err, errAside) {
				return err
			}
		}
	}
	return nil
}

// load reads facts, in parts, without holding up who asks about others. One at a time
// does; who comes after him finds what he has read. Facts that are held are read again
// and stay until then. It ends with errAside when it is to step aside (nil: never).
func (e *engine) load(ctx context.Context, list []column, wanted func(c column) bool, aside func() bool) error {
	if aside == nil {
		e.waiting.Add(1)
	}
	var err error
	select {
	case e.loads <- struct{}{}: // whoever waited longest
		defer func() { <-e.loads }()
	case <-ctx.Done():
		err = ctx.Err()
	}
	if aside == nil {
		e.waiting.Add(-1)
	}
	if err != nil {
		return err
	}
	if err := e.lock(ctx); err != nil {
		return err
	}
	var todo []*loading
	if e.people != nil {
		for _, c := range list {
			if !wanted(c) {
				continue
			}
			if x := e.begin(c); !slices.Contains(todo, x) { // who is named twice is read once
				todo = append(todo, x)
			}
		}
	}
	people := e.people
	e.unlock()
	if len(todo) == 0 {
		return nil
	}
	err = e.loadParts(ctx, people, todo, aside)
	if errors.Is(err, errOver) {
		return nil
	}
	return err
}

// begin is a fact that is being read: one that somebody began today, or a new one.
func (e *engine) begin(c column) *loading {
	now := e.s.db.Now()
	x := e.loading[c.key]
	if x == nil || now.Sub(x.now) >= silentFor || clock.DayOf(x.now) != clock.DayOf(now) {
		x = &loading{column: c, now: now, l: bits.NewLoader(), cells: slices.Clone(e.cells), step: 16, changed: map[id.ID]bool{}}
		e.loading[c.key] = x
	}
	return x
}

// loadParts reads what is left of facts, and holds them.
func (e *engine) loadParts(ctx context.Context, people *bits.People, todo []*loading, aside func() bool) error {
	roots, err := e.kin(ctx, people)
	if err != nil {
		return err
	}
	several := make(map[id.ID]bool, len(roots))
	for _, r := range roots {
		several[r] = true
	}
	if len(roots) == people.Len() {
		for _, x := range todo {
			x.next, x.again = len(x.cells), nil // all of it is read below
		}
	}
	for _, x := range todo {
		if err := e.loadWhole(ctx, people, x); err != nil {
			return err
		}
		if aside != nil && aside() {
			return errAside
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex // of the parts that are given out
	take := func() (*loading, span) {
		mu.Lock()
		defer mu.Unlock()
		for _, x := range todo {
			if s, ok := x.take(); ok {
				return x, s
			}
		}
		return nil, span{}
	}
	var left atomic.Bool
	var wg sync.WaitGroup
	for range min(loadWorkers, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for ctx.Err() == nil {
				if aside != nil && aside() {
					left.Store(true)
					return
				}
				x, s := take()
				if x == nil {
					return
				}
				begun := clock.Wall()
				q := e.s.query(e.brand)
				q.now, q.span = x.now, &s
				err := e.into(ctx, people, x, q, func(person id.ID) bool { return !several[person] })
				mu.Lock()
				x.done(s, clock.Wall().Sub(begun), err)
				mu.Unlock()
				if err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if left.Load() {
		return errAside
	}
	if err := e.loadKin(ctx, people, todo, roots); err != nil {
		return err
	}
	return e.hold(ctx, people, todo)
}

// loadWhole reads a fact by one query where that is less than to read it in parts, which
// knows of who has several accounts, too. The ledger has ranges of its own.
func (e *engine) loadWhole(ctx context.Context, people *bits.People, x *loading) error {
	q := e.s.query(e.brand)
	q.now = x.now
	switch {
	case x.next >= len(x.cells):
		return nil
	case x.open:
	case x.few == nil || x.next > 0:
		return nil
	default:
		var n int64
		if err := run(e.s.db.Read(ctx), join(raw("SELECT COUNT(*) FROM (SELECT 1 FROM segment_act a WHERE "), x.few(q), raw(" LIMIT ?) w", wholeActs))).Scan(&n).Error; err != nil {
			return fmt.Errorf("segment: load: %w", err)
		}
		if n == wholeActs {
			return nil
		}
	}
	if err := e.into(ctx, people, x, q, nil); err != nil {
		return err
	}
	x.next, x.kin = len(x.cells), true
	return nil
}

// take gives out a part.
func (x *loading) take() (span, bool) {
	if n := len(x.again); n > 0 {
		s := x.again[n-1]
		x.again = x.again[:n-1]
		return s, true
	}
	if x.next >= len(x.cells) {
		return span{}, false
	}
	s := span{from: x.cells[x.next]}
	if x.next == 0 {
		s.from = 0
	}
	if x.next += x.step; x.next < len(x.cells) {
		s.until = x.cells[x.next]
	}
	return s, true
}

// done says how long a part took.
func (x *loading) done(s span, took time.Duration, err error) {
	switch {
	case err != nil:
		x.again = append(x.again, s)
	case took > partTime:
		x.step = max(1, x.step/2)
	case took < partTime/2:
		x.step = min(cellsMost, x.step+1+x.step/4)
	}
}

// locked does something with people that are held still.
func (e *engine) locked(ctx context.Context, people *bits.People, do func()) error {
	if err := e.lock(ctx); err != nil {
		return err
	}
	defer e.unlock()
	if e.people != people {
		return errOver
	}
	do()
	return nil
}

// hold puts facts that are read among those that are held. Who changed meanwhile is read
// again first.
func (e *engine) hold(ctx context.Context, people *bits.People, todo []*loading) error {
	for _, x := range todo {
		set := x.l.Column() // outside the lock: this sorts
		if err := e.lock(ctx); err != nil {
			x.now = 0
			return err
		}
		if e.people != people {
			e.unlock()
			return errOver
		}
		delete(e.loading, x.key)
		now := e.s.db.Now()
		f := &fact{column: x.column, set: set, at: now, of: clock.DayOf(x.now), used: now, until: x.until}
		if old := e.facts[x.key]; old != nil {
			f.used = old.used
		}
		slices.SortFunc(f.until, byEnd)
		var err error
		changed := make([]id.ID, 0, len(x.changed))
		for p := range x.changed {
			changed = append(changed, p)
		}
		slices.Sort(changed)
		for part := range slices.Chunk(changed, amongPer) {
			if err = e.againFor(ctx, part, []*fact{f}); err != nil {
				break
			}
		}
		if err == nil {
			e.facts[x.key] = f
			e.read++
		}
		e.unlock()
		if err != nil {
			return err
		}
	}
	return nil
}
