package tally

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
)

const (
	// Late is when a row's id is old enough for the last look: transactions end within
	// seconds, the rest is for clocks that differ.
	Late = 15 * time.Minute
	// settle is how old an id is at its first look. What commits later is seen at the last.
	settle = 2 * time.Second
	// keep is how far the cursor may lag when there is nothing to count: a move is a write.
	keep = 10 * time.Second
	// lookMost is how many rows one statement groups.
	lookMost = 50_000
	// looksPer bounds one run.
	looksPer = 200
	// tick is the finest window: within it an id says no more about time.
	tick = 4 * time.Millisecond
	// beginning is before the first id there can be.
	beginning clock.Instant = 1735689600000 // 2025-01-01T00:00:00Z

	cursorName = "all"
)

// Counter moves tallies forward. Run is called by one goroutine at a time; several
// processes may have one each.
type Counter struct {
	s    *Store
	step time.Duration // how wide the next window may be
}

// NewCounter makes one for a process.
func NewCounter(s *Store) *Counter { return &Counter{s: s, step: time.Hour} }

// errMoved: another process counted this window first.
var errMoved = errors.New("tally: counted already")

// Run counts what is there to count, a bounded part of a large backlog at a time; more
// says that it is not done.
func (k *Counter) Run(ctx context.Context) (more bool, err error) {
	c, there, err := k.s.cursor(ctx)
	if err != nil {
		return false, err
	}
	if !there {
		c = cursor{beginning, beginning}
		err := k.s.db.InTx(ctx, func(tx *gorm.DB) error {
			return tx.Exec("INSERT INTO tally_cursor (name, sure_at, fast_at) VALUES (?,?,?)"+k.s.db.Once("name"), cursorName, c.SureAt, c.FastAt).Error
		})
		if err != nil {
			return false, fmt.Errorf("tally: cursor: %w", err)
		}
	}
	for range looksPer {
		done, err := k.look(ctx, &c)
		if errors.Is(err, errMoved) {
			return false, nil
		}
		if err != nil || done {
			return false, err
		}
	}
	return true, nil
}

// look counts the next window and moves the cursor with it.
func (k *Counter) look(ctx context.Context, c *cursor) (done bool, err error) {
	now := k.s.db.Now()
	old, recent := cut(now.Add(-Late), time.Minute), cut(now.Add(-settle), tick)
	next := *c
	switch end := min(old, cut(c.FastAt, time.Minute)); {
	case c.SureAt < end: // whole minutes that had their first look are old enough for the last
		lines, until, err := k.wide(ctx, c.SureAt, end)
		if err != nil {
			return false, err
		}
		next.SureAt = until
		return false, k.save(ctx, c, next, lines, 0)
	case c.SureAt == c.FastAt && c.FastAt < old: // one look is enough for what is old already
		lines, until, err := k.wide(ctx, c.FastAt, old)
		if err != nil {
			return false, err
		}
		next = cursor{until, until}
		return false, k.save(ctx, c, next, lines, 0)
	case c.FastAt >= recent:
		return true, nil
	}
	minute := cut(c.FastAt, time.Minute)
	next.FastAt = min(recent, minute.Add(time.Minute))
	lines, err := k.narrow(ctx, c.FastAt, next.FastAt)
	if err != nil {
		return false, err
	}
	if len(lines) == 0 && next.FastAt == recent && next.FastAt.Sub(c.FastAt) < keep {
		return true, nil // nothing happened: the same little window again next time
	}
	return next.FastAt == recent, k.save(ctx, c, next, lines, minute)
}

// cut is the beginning of the unit that a moment lies in. Units divide the epoch of ids.
func cut(at clock.Instant, unit time.Duration) clock.Instant {
	return at - at%clock.Instant(unit.Milliseconds())
}

// wide counts whole minutes from from on, up to end or fewer when those are many.
func (k *Counter) wide(ctx context.Context, from, end clock.Instant) (lines, clock.Instant, error) {
	for {
		until := min(end, from.Add(k.step))
		n, err := k.s.rows(ctx, from, until)
		if err != nil {
			return nil, 0, err
		}
		if n > lookMost && until.Sub(from) > time.Minute {
			k.step = max(time.Minute, until.Sub(from)/2/time.Minute*time.Minute)
			continue
		}
		if n < lookMost/2 {
			k.step = min(2*k.step, 366*24*time.Hour)
		}
		got, err := k.narrow(ctx, from, until)
		return got, until, err
	}
}

// narrow counts a window, in as many statements as it takes to keep each small.
func (k *Counter) narrow(ctx context.Context, from, until clock.Instant) (lines, error) {
	n, err := k.s.rows(ctx, from, until)
	if err != nil || n == 0 {
		return nil, err
	}
	out := lines{}
	if n > lookMost && until.Sub(from) > tick {
		middle := cut(from+(until-from)/2, tick)
		for _, half := range [][2]clock.Instant{{from, middle}, {middle, until}} {
			part, err := k.narrow(ctx, half[0], half[1])
			if err != nil {
				return nil, err
			}
			out.addAll(part)
		}
		return out, nil
	}
	for _, src := range sources {
		if err := src.count(ctx, k.s.db, from, until, out); err != nil {
			return nil, fmt.Errorf("tally: %s: %w", src.table, err)
		}
	}
	return out, nil
}

// rows is how many rows the sources have in a window, more than lookMost as one more.
func (s *Store) rows(ctx context.Context, from, until clock.Instant) (total int64, err error) {
	where, args := s.db.MadeIn(from, until)
	for _, src := range sources {
		var n int64
		err := s.db.Read(ctx).Raw("SELECT COUNT(*) FROM (SELECT id FROM "+src.table+" WHERE "+where+" LIMIT ?) AS few", append(args[:len(args):len(args)], lookMost+1)...).Scan(&n).Error
		if err != nil {
			return 0, fmt.Errorf("tally: %s: %w", src.table, err)
		}
		if total += n; total > lookMost {
			return total, nil
		}
	}
	return total, nil
}

// save moves the cursor and keeps what was counted: for good, or with the minute of a
// first look. What the last look saw replaces what first looks did.
func (k *Counter) save(ctx context.Context, c *cursor, next cursor, found lines, minute clock.Instant) error {
	err := k.s.db.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec("UPDATE tally_cursor SET sure_at = ?, fast_at = ? WHERE name = ? AND sure_at = ? AND fast_at = ?", next.SureAt, next.FastAt, cursorName, c.SureAt, c.FastAt)
		if r.Error != nil {
			return r.Error
		}
		if r.RowsAffected != 1 {
			return errMoved
		}
		if next.SureAt > c.SureAt {
			if err := tx.Exec("DELETE FROM tally_recent WHERE made_at < ?", next.SureAt).Error; err != nil {
				return err
			}
		}
		rows, key := db.NewRows("tally", columns), "brand_id, metric, kind, slot_at, dim"
		if minute != 0 {
			rows, key = db.NewRows("tally_recent", "made_at, "+columns), "made_at, "+key
		}
		for at, sum := range found {
			values := []any{at.brand, at.metric, at.kind, at.slot, at.dim, sum.n, sum.amount}
			if minute != 0 {
				values = append([]any{minute}, values...)
			}
			rows.Add(values...)
		}
		_, err := rows.Insert(ctx, tx, k.s.adding(key))
		return err
	})
	if err == nil {
		*c = next
	} else if !errors.Is(err, errMoved) {
		err = fmt.Errorf("tally: save: %w", err)
	}
	return err
}

const columns = "brand_id, metric, kind, slot_at, dim, n, amount"

// adding ends an INSERT that adds to the row that is there.
func (s *Store) adding(key string) string {
	if s.db.Driver() == db.MySQL {
		return " ON DUPLICATE KEY UPDATE n = n + VALUES(n), amount = amount + VALUES(amount)"
	}
	return " ON CONFLICT (" + key + ") DO UPDATE SET n = n + excluded.n, amount = amount + excluded.amount"
}
