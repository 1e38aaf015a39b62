package id

import "siyu/model/clock"

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
