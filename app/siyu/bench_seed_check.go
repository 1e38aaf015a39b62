package main

import (
	"context"
	"fmt"
	"io"

	"siyu/model/clock"
)

// seedSame are figures of segments, tags and pushes that are kept beside the rows that they
// are of: each statement counts those that are not the same.
var seedSame = []struct{ name, stmt string }{
	{"push_people", "SELECT COUNT(*) FROM push p LEFT JOIN (SELECT run_id, COUNT(*) AS n FROM push_delivery GROUP BY run_id) d ON d.run_id = p.id WHERE p.people <> COALESCE(d.n, 0)"},
	{"push_tally", `SELECT COUNT(*) FROM (SELECT SUM(n) AS n FROM (SELECT run_id, lane, arm, state, channel, reason, n FROM push_tally
		UNION ALL SELECT d.run_id, d.lane, d.arm, d.state, d.channel, d.reason, -1 FROM push_delivery d JOIN push p ON p.id = d.run_id) x GROUP BY run_id, lane, arm, state, channel, reason) y WHERE n <> 0`},
	{"push_minute", `SELECT COUNT(*) FROM (SELECT SUM(n) AS n FROM (SELECT run_id, n FROM push_minute
		UNION ALL SELECT d.run_id, -1 FROM push_delivery d JOIN push p ON p.id = d.run_id WHERE d.state IN ('sent', 'refused', 'unknown', 'skipped')) x GROUP BY run_id) y WHERE n <> 0`},
	{"push_ticket", "SELECT COUNT(*) FROM push_delivery d LEFT JOIN reach_ticket t ON t.id = d.ticket_id AND t.member_id = d.member_id AND t.state = d.state AND ABS(t.delivery_id) = d.id WHERE d.ticket_id <> 0 AND t.id IS NULL"},
	{"push_told", "SELECT ABS((SELECT COUNT(*) FROM push_delivery d JOIN push p ON p.id = d.run_id WHERE d.state = 'sent') - (SELECT COUNT(*) FROM event WHERE type = 'message_sent'))"},
	{"push_click", "SELECT COUNT(*) FROM push_click c LEFT JOIN push_delivery d ON d.id = c.delivery_id AND d.run_id = c.run_id AND d.member_id = c.member_id AND d.state = 'sent' WHERE d.id IS NULL"},
	{"tag_people", `SELECT COUNT(*) FROM tag t LEFT JOIN (SELECT v.tag_id, COUNT(*) AS n FROM tag_value v JOIN tag o ON o.id = v.tag_id WHERE v.since_at <= o.counted_at AND (v.until_at = 0 OR v.until_at > o.counted_at)
		GROUP BY v.tag_id) x ON x.tag_id = t.id WHERE t.people <> COALESCE(x.n, 0)`},
	{"tag_stat", "SELECT COUNT(*) FROM tag t LEFT JOIN (SELECT s.tag_id, SUM(s.people) AS n FROM tag_stat s WHERE s.day = (SELECT MAX(day) FROM tag_stat o WHERE o.tag_id = s.tag_id) GROUP BY s.tag_id) x ON x.tag_id = t.id WHERE t.people <> COALESCE(x.n, 0)"},
	{"segment_moves", `SELECT COUNT(*) FROM segment_now n JOIN segment_snapshot f ON f.segment_id = n.segment_id AND f.day = (SELECT MIN(day) FROM segment_snapshot o WHERE o.segment_id = n.segment_id)
		WHERE n.count - f.count <> (SELECT COALESCE(SUM(CASE WHEN entered = 1 THEN 1 ELSE -1 END), 0) FROM segment_move m WHERE m.segment_id = n.segment_id AND m.at > f.as_of)`},
	{"segment_act", "SELECT ABS((SELECT COUNT(*) FROM segment_act) - (SELECT COUNT(*) FROM event e JOIN segment_state s ON s.member_id = e.member_id AND s.allowed = 1 WHERE e.type IN ('scan', 'claim', 'order', 'message_clicked')))"},
	{"segment_allows", "SELECT COUNT(*) FROM segment_person p LEFT JOIN segment_state s ON s.member_id = p.person_id AND s.allowed = p.allows WHERE s.member_id IS NULL"},
	{"reach_human", "SELECT COUNT(*) FROM reach_human h WHERE version <> (SELECT COUNT(*) FROM reach_ticket t WHERE t.member_id = h.member_id AND t.purpose = 'marketing')"},
}

// same recomputes what the program keeps of segments, tags and pushes.
func (s *seeder) same(ctx context.Context, out io.Writer) (broken int, err error) {
	for _, x := range seedSame {
		begun := clock.Wall()
		var n int64
		if err := s.env.DB.Pool().QueryRowContext(ctx, x.stmt).Scan(&n); err != nil {
			return broken, fmt.Errorf("%s: %w", x.name, err)
		}
		said := "ok"
		if n != 0 {
			broken++
			said = fmt.Sprintf("FAIL %d differ", n)
		}
		fmt.Fprintf(out, "%-18s %6.1f s %s\n", x.name, clock.Wall().Sub(begun).Seconds(), said)
	}
	_, err = fmt.Fprintf(out, "%d figures of audience and pushes recomputed, %d broken\n", len(seedSame), broken)
	return broken, err
}
