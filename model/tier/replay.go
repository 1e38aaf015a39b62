package tier

import (
	"slices"
	"sort"
	"strconv"

	"siyu/model/clock"
	"siyu/model/id"
)

// growth is one entry.
type growth struct {
	ID        id.ID
	GrowthKey string
	ParentKey string
	AmountFen int64
	BrandID   id.ID
	MemberID  id.ID
	GrownOn   string
	Growth    int64
	Memo      string
	CreatedAt clock.Instant
}

// Move is a step between levels and what caused it.
type Move struct {
	From     int           `json:"from"`
	To       int           `json:"to"`
	FromName string        `json:"from_name"`
	ToName   string        `json:"to_name"`
	Cause    string        `json:"cause"` // key of the growth, "period_end", or "table:" and the version
	Why      string        `json:"why"`   // zh-CN
	Growth   int64         `json:"growth"`
	At       clock.Instant `json:"at"`
}

// Causes that are no growth.
const (
	causeEnd   = "period_end"
	causeTable = "table:"
)

// state is where a human stands at one brand.
type state struct {
	table  Table
	level  int
	since  clock.Instant // of the level
	until  clock.Instant // of its period; 0 = none
	gained int64         // in the period
	score  int64         // growth that counts now
	base   int           // what he had when the period began: no refund takes it
	moves  []Move
	// endScore is the growth that would count at the period's end if none came any more.
	endScore int64
}

// window is from when growth counts at a moment.
func (t Table) window(at clock.Instant) clock.Instant {
	if t.PeriodMonths == 0 {
		return 0
	}
	_, end := clock.DayOf(at).AddMonths(-t.PeriodMonths).Bounds()
	return end
}

// end is when a period ends that began at a moment: after the same day N months later.
func (t Table) end(level int, from clock.Instant) clock.Instant {
	if t.PeriodMonths == 0 || level == 0 {
		return 0
	}
	_, end := clock.DayOf(from).AddMonths(t.PeriodMonths).Bounds()
	return end
}

// fit is the highest level whose threshold a growth reaches.
func (t Table) fit(score int64) int {
	level := 0
	for i, l := range t.Levels {
		if l.Threshold <= score {
			level = i
		}
	}
	return level
}

func (t Table) name(level int) string {
	if level >= len(t.Levels) {
		return ""
	}
	return t.Levels[level].Name
}

// past is growth in order of time, with sums to count windows.
type past struct {
	entries []growth
	sums    []int64 // sums[i] is of entries[:i]
}

func newPast(entries []growth) past {
	slices.SortFunc(entries, func(a, b growth) int {
		if a.CreatedAt != b.CreatedAt {
			return int(a.CreatedAt - b.CreatedAt)
		}
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	sums := make([]int64, len(entries)+1)
	for i, e := range entries {
		sums[i+1] = sums[i] + e.Growth
	}
	return past{entries, sums}
}

// from sums the first n entries that are not before a moment.
func (p past) from(since clock.Instant, n int) int64 {
	first := sort.Search(n, func(i int) bool { return p.entries[i].CreatedAt >= since })
	return p.sums[n] - p.sums[first]
}

// replay computes where a human stands at a moment. tables are all versions, oldest
// first; growth after now is left out.
func replay(tables []Table, entries []growth, now clock.Instant) state {
	p, s, version := newPast(entries), state{table: tables[0]}, 1
	n := 0 // entries that have been
	change := func(until clock.Instant) {
		for version < len(tables) && tables[version].CreatedAt <= until {
			s.endPeriods(p, n, tables[version].CreatedAt)
			s.adopt(tables[version], p, n)
			version++
		}
	}
	for ; n < len(p.entries) && p.entries[n].CreatedAt <= now; n++ {
		e := p.entries[n]
		change(e.CreatedAt)
		s.endPeriods(p, n, e.CreatedAt)
		s.grow(p, n, e)
	}
	change(now)
	s.endPeriods(p, n, now)
	s.score = p.from(s.table.window(now), n)
	if s.until != 0 {
		s.endScore = p.from(s.table.window(s.until-1), n)
	}
	return s
}

func (s *state) move(to int, at clock.Instant, cause, why string, score int64) {
	s.moves = append(s.moves, Move{From: s.level, To: to, FromName: s.table.name(s.level), ToName: s.table.name(to), Cause: cause, Why: why, Growth: score, At: at})
	s.level, s.since = to, at
}

// grow applies entry n.
func (s *state) grow(p past, n int, e growth) {
	s.gained += e.Growth
	score := p.from(s.table.window(e.CreatedAt), n+1)
	fit := s.table.fit(score)
	switch {
	case fit > s.level:
		s.move(fit, e.CreatedAt, e.GrowthKey, e.Memo, score)
		s.until, s.gained = s.table.end(fit, e.CreatedAt), 0
	case e.Growth < 0 && max(fit, s.base) < s.level:
		s.move(max(fit, s.base), e.CreatedAt, e.GrowthKey, e.Memo, score)
		if s.level == 0 {
			s.until = 0
		}
	}
}

// endPeriods ends every period that is over at a moment.
func (s *state) endPeriods(p past, n int, at clock.Instant) {
	for s.until != 0 && s.until <= at {
		end := s.until
		if to := s.after(p.from(s.table.window(end-1), n)); to < s.level {
			s.move(to, end, causeEnd, "有效期满，未达到保级值", s.gained)
		}
		s.until, s.gained, s.base = s.table.end(s.level, end-1), 0, s.level
	}
}

// after is the level after the period, if it ended with what was gained so far.
func (s *state) after(score int64) int {
	switch {
	case s.level == 0 || s.gained >= s.table.Levels[s.level].Keep:
		return s.level
	case s.table.Down == DownOne:
		return s.level - 1
	}
	return min(s.table.fit(score), s.level-1)
}

// adopt changes to a new version of the table.
func (s *state) adopt(t Table, p past, n int) {
	cause, score := causeTable+strconv.Itoa(t.Version), p.from(t.window(t.CreatedAt), n)
	s.table = t
	if top := max(0, len(t.Levels)-1); s.level > top {
		s.move(top, t.CreatedAt, cause, "等级表调整", score)
	}
	if fit := t.fit(score); fit > s.level {
		s.move(fit, t.CreatedAt, cause, "等级表调整", score)
		s.until, s.gained = 0, 0
	}
	s.base = min(s.base, s.level)
	if s.until == 0 || t.PeriodMonths == 0 || s.level == 0 {
		s.until = t.end(s.level, t.CreatedAt)
	}
}
