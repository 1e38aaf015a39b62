package segment

import (
	"context"
	"database/sql"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/segment/bits"
)

// into adds to a fact what its SQL says of some people.
func (e *engine) into(ctx context.Context, people *bits.People, x *loading, q *query, only func(person id.ID) bool) error {
	begun := clock.Wall()
	rows, err := e.values(ctx, &x.column, q, only)
	if err != nil {
		return err
	}
	took := clock.Wall().Sub(begun)
	return e.locked(ctx, people, func() {
		e.longest = max(e.longest, took)
		x.until = rows.add(people, x.l, x.until)
	})
}

// values are what a fact's SQL says: a person, a value by its place in texts, and when it
// ends (0: never).
type values struct {
	texts []string
	rows  []valued
}

type valued struct {
	person id.ID
	until  clock.Instant
	text   int32
}

// values runs the SQL of a fact.
func (e *engine) values(ctx context.Context, c *column, q *query, only func(person id.ID) bool) (out values, err error) {
	if c.open {
		return e.s.opens(ctx, e.brand, q.people)
	}
	head, shape := "SELECT person, value FROM (", 0
	switch {
	case c.ends && c.values:
		head, shape = "SELECT person, value, until_at FROM (", 1
	case c.ends:
		head, shape = "SELECT person, '', until_at FROM (", 1
	case !c.values:
		head = "SELECT person, '' FROM ("
	}
	known := map[string]int32{}
	var person, until int64
	var value sql.RawBytes
	into := []any{&person, &value, &until}[:2+shape]
	err = e.rows(ctx, join(part{text: head}, c.read(q), part{text: ") c"}), func(rows *sql.Rows) error {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if only != nil && !only(id.ID(person)) {
			return nil
		}
		at, there := known[string(value)]
		if !there {
			at = int32(len(out.texts))
			known[string(value)] = at
			out.texts = append(out.texts, string(value))
		}
		out.rows = append(out.rows, valued{id.ID(person), clock.Instant(until), at})
		return nil
	})
	return out, err
}

// add puts values into a loader, and those that end among until.
func (v values) add(people *bits.People, l *bits.Loader, until []ending) []ending {
	for _, r := range v.rows {
		n, ok := people.Number(r.person)
		if !ok {
			continue
		}
		l.Add(v.texts[r.text], n)
		if r.until != 0 {
			until = append(until, ending{r.until, r.person})
		}
	}
	return until
}
