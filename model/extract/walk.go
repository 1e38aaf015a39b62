package extract

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
)

// batch is what one read of a list found.
type batch struct {
	lines [][]string
	seen  int
	after string // the last row that was looked at
	last  bool   // nothing is behind it
}

// slack is how long a row may be made after its id: a list that begins at a moment looks
// at ids of that much before it.
const slack = clock.Instant(6 * 60 * 60 * 1000)

// single tells whether ids of this database all grow with time.
func (s *Store) single() bool { return s.DB.Driver() == db.SQLite }

// spans are the ids of a list that are left behind the row after (0: none was seen).
func (s *Store) spans(x Extract, after id.ID) []id.Span {
	from := clock.Instant(0)
	if at, err := instant(x.Filter["from"]); err == nil && at > slack {
		from = at - slack
	}
	if after == 0 {
		return id.Spans(from, x.CreatedAt.Add(1), s.single())
	}
	return id.Before(after, from, s.single())
}

// total counts the rows that a list will look at, in hops: a plain COUNT of millions of
// rows would be one long read.
func (s *Store) total(ctx context.Context, k kind, x Extract) (total int64, err error) {
	if k.count != nil {
		return k.count(ctx, s, x)
	}
	g := s.DB.Read(ctx)
	for _, span := range s.spans(x, 0) {
		for end := span.Until; ctx.Err() == nil; {
			var hop []id.ID
			if err := g.Raw("SELECT id FROM "+k.table+" WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1 OFFSET ?", span.From, end, hopRows-1).Scan(&hop).Error; err != nil {
				return 0, err
			}
			if len(hop) == 1 {
				total, end = total+hopRows, hop[0]
				continue
			}
			var rest int64
			if err := g.Raw("SELECT COUNT(*) FROM "+k.table+" WHERE id >= ? AND id < ?", span.From, end).Scan(&rest).Error; err != nil {
				return 0, err
			}
			total += rest
			break
		}
	}
	return total, ctx.Err()
}

// next reads what comes behind x.AfterKey, newest first.
func (s *Store) next(ctx context.Context, k kind, x Extract) (batch, error) {
	if k.next != nil {
		return k.next(ctx, s, k, x)
	}
	ids, last, err := s.nextIDs(ctx, k, x)
	if err != nil {
		return batch{}, err
	}
	b := batch{seen: len(ids), after: x.AfterKey, last: last}
	if len(ids) == 0 {
		return b, nil
	}
	b.after = ids[len(ids)-1].String()
	where, args, err := k.where(x)
	if err != nil {
		return batch{}, err
	}
	rows, err := s.rows(ctx, k, "t.id IN ? AND t."+k.made+" < ?"+where, append([]any{ids, x.CreatedAt}, args...)...)
	if err != nil {
		return batch{}, err
	}
	place := make(map[id.ID]int, len(ids))
	for i, v := range ids {
		place[v] = i
	}
	slices.SortFunc(rows, func(a, b row) int { return place[a.id] - place[b.id] })
	if k.fill != nil {
		if err := k.fill(ctx, s, rows); err != nil {
			return batch{}, err
		}
	}
	for _, r := range rows {
		b.lines = append(b.lines, cells(k.columns, r.cells))
	}
	return b, nil
}

// nextIDs reads the ids of one window. Ids are spread over sixteen shards, each in the
// order of time: as many are read of each, and those are kept that no unread one comes
// before.
func (s *Store) nextIDs(ctx context.Context, k kind, x Extract) (out []id.ID, last bool, err error) {
	after, _ := id.Parse(x.AfterKey) // "" is none
	spans := s.spans(x, after)
	each := max(s.window/len(spans), 1)
	var parts []string
	var args []any
	for i, span := range spans {
		parts = append(parts, fmt.Sprintf("SELECT %d AS shard, id FROM (SELECT id FROM %s WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT %d) s%d", i, k.table, each, i))
		args = append(args, span.From, span.Until)
	}
	var found []struct {
		Shard int
		ID    id.ID
	}
	if err := s.DB.Read(ctx).Raw(strings.Join(parts, " UNION ALL "), args...).Scan(&found).Error; err != nil {
		return nil, false, err
	}
	slices.SortFunc(found, func(a, b struct {
		Shard int
		ID    id.ID
	}) int {
		return id.Compare(b.ID, a.ID, s.single())
	})
	read := make([]int, len(spans))
	for _, f := range found {
		out = append(out, f.ID)
		if read[f.Shard]++; read[f.Shard] == each {
			return out, false, nil // what is behind it in this shard was not read
		}
	}
	return out, true, nil
}
