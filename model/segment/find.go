package segment

import (
	"context"
	"fmt"
	"strconv"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/rule"
)

// found is what is known of one human about one condition; f is of him alone.
func (s *Store) found(ctx context.Context, brandID id.ID, n *rule.Node, f families) (rule.Found, error) {
	q := s.query(brandID)
	q.people, q.members = f.roots, f.all
	out := rule.Found{Now: q.now}
	var err error
	switch {
	case n.Did != nil:
		err = s.did(ctx, q, n.Did, &out)
	case n.Sequence != nil:
		out.Steps = make([]rule.Found, len(n.Sequence.Steps))
		for i, step := range n.Sequence.Steps {
			out.Steps[i].Now = q.now
			if err = s.did(ctx, q, &rule.Did{What: step.What, ProductIDs: step.ProductIDs}, &out.Steps[i]); err != nil {
				break
			}
		}
	case n.Tag != nil:
		var rows []struct {
			Value string
			Score int64
		}
		err = run(s.db.Read(ctx), join(raw("SELECT value, score FROM ("), tagRows(q, n.Tag.ID), raw(") w"))).Scan(&rows).Error
		if len(rows) > 0 {
			out.Values, out.Score = []string{rows[0].Value}, rows[0].Score
		}
	case n.Attr != nil:
		out.Values, err = s.valuesOf(ctx, q, n)
	}
	if err != nil {
		return out, fmt.Errorf("segment: found: %w", err)
	}
	return out, nil
}

// did measures what somebody did, in the window that did asks of.
func (s *Store) did(ctx context.Context, q *query, d *rule.Did, out *rule.Found) error {
	var row struct {
		Times, Pieces, Fen, Days int64
		FirstAt, LastAt          clock.Instant
	}
	const columns = "COUNT(DISTINCT CASE WHEN a.quantity > 0 THEN a.event_id END) AS times, COALESCE(SUM(a.quantity), 0) AS pieces, COALESCE(SUM(a.amount_fen), 0) AS fen," +
		" COUNT(DISTINCT CASE WHEN a.quantity > 0 THEN a.day END) AS days, COALESCE(MIN(CASE WHEN a.quantity > 0 THEN a.at END), 0) AS first_at, COALESCE(MAX(CASE WHEN a.quantity > 0 THEN a.at END), 0) AS last_at"
	err := run(s.db.Read(ctx), join(raw("SELECT "+columns+" FROM segment_act a WHERE "), done(q, d))).Scan(&row).Error
	out.Times, out.Pieces, out.Fen, out.Days, out.First, out.Last = row.Times, row.Pieces, row.Fen, row.Days, row.FirstAt, row.LastAt
	return err
}

// valuesOf are the values of an attribute; none: not known.
func (s *Store) valuesOf(ctx context.Context, q *query, n *rule.Node) (list []string, err error) {
	c, ok := columnOf(n.Attr.Name)
	switch {
	case ok && c.open:
		if err := s.ask(ctx, q, n); err != nil {
			return nil, err
		}
		for _, open := range q.open {
			list = append(list, open...)
		}
	case ok:
		err = run(s.db.Read(ctx), join(raw("SELECT DISTINCT value FROM ("), c.read(q), raw(") w ORDER BY value"))).Scan(&list).Error
	case n.Attr.Name == rule.Referees:
		var people int64
		stmt := join(raw("SELECT COUNT(DISTINCT CASE r.root_id WHEN 0 THEN r.id ELSE r.root_id END) FROM referral_binding b JOIN member r ON r.id = b.member_id WHERE b.brand_id = ? AND b.slot = 0", q.brandID), q.only("b.referrer_id"))
		err = run(s.db.Read(ctx), stmt).Scan(&people).Error
		list = []string{strconv.FormatInt(people, 10)}
	case n.Attr.Name == rule.JoinedDays:
		var first clock.Instant
		err = run(s.db.Read(ctx), join(raw("SELECT COALESCE(MIN(m.created_at), 0) FROM member m WHERE 1 = 1"), q.only("m.id"))).Scan(&first).Error
		if first != 0 {
			then, _ := clock.DayOf(first).Bounds()
			list = []string{strconv.Itoa(int(q.dayStart(0).Sub(then).Hours()) / 24)}
		}
	}
	return list, err
}

// decides names the conditions because of which a node is as it is; holds says of each
// condition, by its place, whether it is true.
func decides(n *rule.Node, path string, holds map[string]bool) (is bool, by []string) {
	if n.Leaf() {
		return holds[path], []string{path}
	}
	if n.Not != nil {
		is, by = decides(n.Not, path+".not", holds)
		return !is, by
	}
	// One false decides all, one true decides any; else every one of them does.
	list, name, turn := n.All, "all", false
	if n.Any != nil {
		list, name, turn = n.Any, "any", true
	}
	var one, every []string
	for i := range list {
		was, because := decides(&list[i], fmt.Sprintf("%s.%s[%d]", path, name, i), holds)
		if every = append(every, because...); was == turn {
			one = append(one, because...)
		}
	}
	if one != nil {
		return turn, one
	}
	return !turn, every
}
