package event

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/id"
)

// Scans and claims become events without a word more on the paths that store them. A
// chore reads their tables by the time that their ids hold, twice: soon after, for people
// who look, and again when Late has passed, for rows whose transaction committed after
// the first look or whose process has a slow clock. The second look stores only what is
// missing. A row that became visible later than Late after its id was made would be
// missed: transactions there end within 15 seconds (db.Merger), so Late leaves a quarter
// of an hour for clocks that differ.

const (
	// Late is when a row's id is old enough for the last look.
	Late = 15 * time.Minute
	// settle is how old an id is at its first look: nearly all are committed by then, and
	// whoever looks at a timeline hardly waits.
	settle = 3 * time.Second
	// lease is how long a process may be silent before another one takes over.
	lease = time.Minute
	// keep is how far the cursors may lag when there is nothing to do: each move is a write.
	keep = time.Minute
	// lookMost is how many rows are looked at in one go.
	lookMost = 2000
	// looksPer bounds one run, so that every source has its turn.
	looksPer = 200
	// tick is the finest window: within it an id says no more about time.
	tick = 4 * time.Millisecond
	// beginning is before the first id there can be.
	beginning clock.Instant = 1735689600000 // 2025-01-01T00:00:00Z
)

// source is a table whose rows are facts about members.
type source struct {
	name string
	// read returns the events of rows whose ids were made in [from, until); limit 0: all.
	// seen is how many rows it looked at.
	read func(ctx context.Context, from, until clock.Instant, limit int) (events []Event, seen int, err error)
}

// Projector turns rows of other contexts into events.
type Projector struct {
	s       *Store
	owner   id.ID // this process, for the lease
	sources []source
	steps   map[string]time.Duration // how wide the next window may be
}

// NewProjector makes one for a process. Run is called by one goroutine at a time.
func NewProjector(s *Store) *Projector {
	p := &Projector{s: s, owner: s.db.NewID(), steps: map[string]time.Duration{}}
	p.sources = []source{{"scan", p.scans}, {"claim", p.claims}}
	return p
}

// cursor is a row of event_source.
type cursor struct {
	Name       string
	FastAt     clock.Instant
	SureAt     clock.Instant
	LeaseOwner id.ID
	LeaseUntil clock.Instant
}

// Run brings events up to date, a bounded part of a large backlog at a time; more says
// that it is not done. It may be called in every process: one at a time does the work,
// and two at once would find each other's events stored.
func (p *Projector) Run(ctx context.Context) (more bool, err error) {
	for _, src := range p.sources {
		c, mine, err := p.take(ctx, src.name)
		if err != nil {
			return false, err
		}
		if !mine {
			continue
		}
		left, err := p.run(ctx, src, c)
		if err != nil {
			return false, fmt.Errorf("event: %s: %w", src.name, err)
		}
		more = more || left
	}
	return more, nil
}

// take reads a cursor and gets or keeps the right to move it.
func (p *Projector) take(ctx context.Context, name string) (c cursor, mine bool, err error) {
	now := p.s.db.Now()
	read := func() error {
		return p.s.db.Read(ctx).Raw("SELECT * FROM event_source WHERE name = ?", name).Scan(&c).Error
	}
	if err = read(); err == nil && c.Name == "" {
		err = p.s.db.InTx(ctx, func(tx *gorm.DB) error {
			return tx.Exec("INSERT INTO event_source (name, fast_at, sure_at, lease_owner, lease_until) VALUES (?,?,?,0,0)"+p.s.db.Once("name"), name, beginning, beginning).Error
		})
		if err == nil {
			err = read()
		}
	}
	if err != nil {
		return c, false, fmt.Errorf("event: cursor %s: %w", name, err)
	}
	if c.LeaseOwner == p.owner && c.LeaseUntil > now.Add(lease/2) {
		return c, true, nil
	}
	if c.LeaseOwner != p.owner && c.LeaseUntil > now {
		return c, false, nil
	}
	mine, err = p.move(ctx, &c, c.LeaseOwner)
	return c, mine, err
}

// move writes a cursor and renews the lease, if the lease is still as it was.
func (p *Projector) move(ctx context.Context, c *cursor, owner id.ID) (moved bool, err error) {
	until := p.s.db.Now().Add(lease)
	if until <= c.LeaseUntil { // MySQL counts only rows that change
		until = c.LeaseUntil + 1
	}
	err = p.s.db.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec("UPDATE event_source SET fast_at = ?, sure_at = ?, lease_owner = ?, lease_until = ? WHERE name = ? AND lease_owner = ? AND lease_until = ?",
			c.FastAt, c.SureAt, p.owner, until, c.Name, owner, c.LeaseUntil)
		moved = r.RowsAffected == 1
		return r.Error
	})
	if moved {
		c.LeaseOwner, c.LeaseUntil = p.owner, until
	}
	return moved, err
}

func (p *Projector) run(ctx context.Context, src source, c cursor) (more bool, err error) {
	for range looksPer {
		now := p.s.db.Now()
		old, recent := now.Add(-Late), now.Add(-settle)
		fast := c.FastAt < recent
		from, end := &c.FastAt, recent
		if c.SureAt.Add(keep) <= old && c.SureAt < c.FastAt { // the last look of what is old enough
			fast, from, end = false, &c.SureAt, min(old, c.FastAt)
		} else if !fast {
			return false, nil
		}
		until, found, err := p.look(ctx, src, *from, end, fast)
		if err != nil {
			return false, err
		}
		if fast && c.SureAt >= c.FastAt { // one look is enough for what is old already
			c.SureAt = max(c.SureAt, min(until, old))
		}
		lag := until.Sub(*from)
		if *from = until; found == 0 && fast && until == end && lag < keep {
			return false, nil // nothing happened: the same little window again next time
		}
		moved, err := p.move(ctx, &c, p.owner)
		if err != nil || !moved {
			return false, err
		}
		if fast && until == end && (c.SureAt.Add(keep) > old || c.SureAt >= c.FastAt) {
			return false, nil
		}
	}
	return true, nil
}

// look stores the events of a window that begins at from and ends at end, or earlier when
// that is many. It returns the window's end and how many rows were in it.
func (p *Projector) look(ctx context.Context, src source, from, end clock.Instant, fast bool) (until clock.Instant, seen int, err error) {
	step := p.steps[src.name]
	if step == 0 {
		step = time.Hour
	}
	for {
		until = end
		if end.Sub(from) > step {
			until = from.Add(step)
		}
		limit := lookMost
		if until.Sub(from) <= tick {
			limit = 0
		}
		var events []Event
		if events, seen, err = src.read(ctx, from, until, limit); err != nil {
			return 0, 0, err
		}
		if limit > 0 && seen >= limit { // perhaps not all of them
			step = max(until.Sub(from)/2/tick*tick, tick)
			continue
		}
		if seen < lookMost/2 {
			step *= 2
		}
		p.steps[src.name] = min(step, 366*24*time.Hour)
		if !fast {
			if events, err = p.s.missing(ctx, events); err != nil {
				return 0, 0, err
			}
		}
		_, err = p.s.put(ctx, events)
		return until, seen, err
	}
}

// missing returns those events whose keys are not stored.
func (s *Store) missing(ctx context.Context, events []Event) ([]Event, error) {
	if len(events) == 0 {
		return nil, nil
	}
	keys := make([]string, len(events))
	for i := range events {
		keys[i] = events[i].Key
	}
	var there []string
	if err := s.db.Read(ctx).Raw("SELECT event_key FROM event WHERE event_key IN ?", keys).Scan(&there).Error; err != nil {
		return nil, err
	}
	known := make(map[string]bool, len(there))
	for _, k := range there {
		known[k] = true
	}
	var left []Event
	for _, e := range events {
		if !known[e.Key] {
			left = append(left, e)
		}
	}
	return left, nil
}
