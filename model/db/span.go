package db

import (
	"strings"

	"siyu/model/clock"
	"siyu/model/id"
)

// MadeIn is a condition on a table's id: the row's id was made in [from, until), by the
// clock of the process that made it. It is a few ranges of the primary key, so it costs
// what it finds. A row may be committed long after its id was made.
func (d *DB) MadeIn(from, until clock.Instant) (where string, args []any) {
	spans := id.Spans(from, until, d.driver == SQLite)
	for _, s := range spans {
		args = append(args, s.From, s.Until)
	}
	return "(" + strings.TrimSuffix(strings.Repeat("id >= ? AND id < ? OR ", len(spans)), " OR ") + ")", args
}
