package id

import (
	"cmp"

	"siyu/model/clock"
)

// Span is a range of ids, [From, Until).
type Span struct{ From, Until ID }

// Spans returns the ranges of all ids made in [from, until), by the clocks of those who
// made them: one for ids of NewSingleSource, sixteen else. They are as wide as whole
// ticks of 4 ms, so ids of a neighbouring moment may lie in them.
func Spans(from, until clock.Instant, single bool) []Span {
	first := max(int64(from-epoch), 0) / tickMs
	last := (max(int64(until-epoch), 0) + tickMs - 1) / tickMs
	if single {
		return []Span{{ID(first << 24), ID(last << 24)}}
	}
	all := make([]Span, 16)
	for shard := range all {
		high := int64(shard) << 59
		all[shard] = Span{ID(high | first<<20), ID(high | last<<20)}
	}
	return all
}

// Compare orders ids by the moment they were made; of one tick by their number.
func Compare(a, b ID, single bool) int {
	if !single {
		if x, y := tick(a), tick(b); x != y {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(a, b)
}

// Before returns the ranges of the ids that come before one in the order of Compare and
// were made at or after a moment: what is left of a list that is read newest first.
func Before(last ID, from clock.Instant, single bool) []Span {
	first := max(int64(from-epoch), 0) / tickMs
	if single {
		return []Span{{ID(first << 24), last}}
	}
	all := make([]Span, 16)
	for shard := range all {
		high := int64(shard) << 59
		end := high | tick(last)<<20
		switch own := int(last >> 59); {
		case shard == own:
			end = int64(last)
		case shard < own: // its ids of the same tick are lower numbers
			end += 1 << 20
		}
		all[shard] = Span{ID(high | first<<20), ID(end)}
	}
	return all
}

func tick(i ID) int64 { return int64(i) >> 20 & (1<<39 - 1) }
