package segment

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/rule"
)

// leaf is a condition as a set of people: SQL that gives person, and whether the set is
// of those of whom the condition is false.
type leaf struct {
	key   string
	parts int
	told  bool
	clock bool
	not   bool
	ends  bool // SQL gives until_at beside person
	read  func(q *query) part
	few   func(q *query) part // as a column's
}

// column is the leaf as a column without values.
func (l leaf) column() column {
	return column{key: l.key, parts: l.parts, told: l.told, clock: l.clock, ends: l.ends, read: l.read, few: l.few}
}

// leafOf is a condition that is asked for itself: n has neither children nor a column
// that answers it, and is not random nor another segment.
func leafOf(n *rule.Node) leaf {
	key, err := json.Marshal(n)
	if err != nil {
		panic("segment: " + err.Error()) // texts and numbers
	}
	l := leaf{key: string(key), told: true}
	switch {
	case n.Tag != nil:
		l.parts, l.ends = PartTags, true
		l.read = func(q *query) part {
			cond, args := compared("score", n.Tag.Op, rule.Numbers(n.Tag.Values))
			return join(raw("SELECT person, until_at FROM ("), tagRows(q, n.Tag.ID), raw(") w WHERE "+cond, args...))
		}
	case n.List != nil:
		l.parts = PartLists
		l.read = func(q *query) part {
			person, with := q.whose("i.member_id")
			return join(raw("SELECT "+person+" AS person FROM segment_list_item i JOIN segment_list s ON s.id = i.list_id"+with+" WHERE i.list_id = ? AND s.brand_id = ?", n.List.ID, q.brandID), q.only("i.member_id"))
		}
	case n.Did != nil:
		l.parts, l.clock, l.not = PartActs, n.Did.WithinDays > 0 || n.Did.Measure == rule.First || n.Did.Measure == rule.Last, zero(n.Did)
		l.read = func(q *query) part { return did(q, n.Did) }
		if n.Did.Measure != rule.SumFen && n.Did.Measure != rule.Interval {
			l.few = func(q *query) part { return done(q, n.Did) }
		}
	case n.Sequence != nil:
		l.parts, l.clock = PartActs, n.Sequence.WindowDays > 0
		l.read = func(q *query) part { return sequence(q, n.Sequence) }
	case n.Attr != nil && n.Attr.Name == rule.Referees:
		l.parts, l.told, l.not = PartWho, false, n.Attr.Op == rule.Unknown || zeroIn(n.Attr.Op, rule.Numbers(n.Attr.Values))
		l.read = func(q *query) part { return referees(q, n.Attr) }
	case n.Attr != nil && n.Attr.Name == rule.JoinedDays:
		l.parts, l.told, l.clock = PartWho, false, true
		l.read = func(q *query) part {
			cond, args := q.daysAgo("MIN(m.created_at)", n.Attr.Op, rule.Numbers(n.Attr.Values))
			person, _ := q.whose("m.id")
			return join(raw("SELECT "+person+" AS person FROM member m WHERE 1 = 1"), q.only("m.id"), raw(" GROUP BY "+person+" HAVING "+cond, args...))
		}
	}
	return l
}

// compared is a condition on a number; in is of the few.
func compared(of, op string, values []int64) (string, []any) {
	switch op {
	case rule.Gte:
		return of + " >= ?", []any{values[0]}
	case rule.Lte:
		return of + " <= ?", []any{values[0]}
	case rule.Between:
		return of + " >= ? AND " + of + " <= ?", []any{values[0], values[1]}
	}
	marks, args := strings.TrimSuffix(strings.Repeat("?,", len(values)), ","), make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	return of + " IN (" + marks + ")", args
}

// holds says whether a number fulfils a condition.
func holds(v int64, op string, values []int64) bool {
	switch op {
	case rule.Gte:
		return v >= values[0]
	case rule.Lte:
		return v <= values[0]
	case rule.Between:
		return values[0] <= v && v <= values[1]
	}
	for _, x := range values {
		if x == v {
			return true
		}
	}
	return false
}

func zeroIn(op string, values []int64) bool {
	return op != rule.Known && op != rule.Unknown && holds(0, op, values)
}

// zero: of who never did it the sum is 0, and no row says so.
func zero(d *rule.Did) bool {
	return (d.Measure == "" || d.Measure == rule.Count || d.Measure == rule.Quantity || d.Measure == rule.SumFen) && zeroIn(d.Op, d.Values)
}

// daysAgo compares how many business days ago a moment was.
func (q *query) daysAgo(of, op string, values []int64) (string, []any) {
	least := func(n int64) (string, []any) { return of + " < ?", []any{q.dayEnd(int(n))} }
	most := func(n int64) (string, []any) { return of + " >= ?", []any{q.dayStart(int(n))} }
	switch op {
	case rule.Gte:
		return least(values[0])
	case rule.Lte:
		return most(values[0])
	}
	a, b := values[0], values[len(values)-1]
	low, lowArgs := least(a)
	high, highArgs := most(b)
	return low + " AND " + high, append(lowArgs, highArgs...)
}

// acted is the acts that a condition is about, under an alias.
func acted(q *query, alias, what string, products []id.ID) part {
	p := raw(q.loose(alias+".brand_id")+" = ? AND "+alias+".what IN ?", q.brandID, rule.EventsOf(what))
	if what == rule.Redeemed {
		p.args[1] = []string{rule.Redeemed}
	}
	if len(products) > 0 {
		p = join(p, raw(" AND "+alias+".product_id IN ?", products))
	}
	return join(p, q.onlyActs(alias))
}

// window is [from, until) of a condition; 0: no bound. Within n days begins with the
// business day n-1 days ago.
func (q *query) window(d *rule.Did) (from, until clock.Instant) {
	if d.WithinDays > 0 {
		return q.dayStart(d.WithinDays - 1), 0
	}
	return d.From, d.Until
}

// done is the acts that a condition on acts is about.
func done(q *query, d *rule.Did) part {
	where := acted(q, "a", d.What, d.ProductIDs)
	if len(d.ExceptIDs) > 0 {
		where = join(where, raw(" AND a.product_id > 0 AND a.product_id NOT IN ?", d.ExceptIDs))
	}
	from, until := q.window(d)
	if from != 0 {
		where = join(where, raw(" AND a.at >= ?", from))
	}
	if until != 0 {
		where = join(where, raw(" AND a.at < ?", until))
	}
	return where
}

// did gives who fulfils a condition on acts, or who does not where zero.
func did(q *query, d *rule.Did) part {
	where := done(q, d)
	var cond string
	var args []any
	switch d.Measure {
	case rule.Quantity:
		cond, args = compared("SUM(a.quantity)", d.Op, d.Values)
	case rule.SumFen:
		cond, args = compared("SUM(a.amount_fen)", d.Op, d.Values)
	case rule.First:
		where = join(where, raw(" AND a.quantity > 0"))
		cond, args = q.daysAgo("MIN(a.at)", d.Op, d.Values)
	case rule.Last:
		where = join(where, raw(" AND a.quantity > 0"))
		cond, args = q.daysAgo("MAX(a.at)", d.Op, d.Values)
	case rule.Interval:
		where = join(where, raw(" AND a.quantity > 0"))
		cond, args = interval(d.Op, d.Values)
	default:
		where = join(where, raw(" AND a.quantity > 0")) // a refund is no purchase
		cond, args = compared("COUNT(DISTINCT a.event_id)", d.Op, d.Values)
	}
	if zero(d) {
		cond = "NOT (" + cond + ")"
	}
	return join(raw("SELECT a.person_id AS person FROM segment_act a WHERE "), where, raw(" GROUP BY a.person_id HAVING "+cond, args...))
}

// interval compares the mean time between days with an act: of n days there are n-1.
// Multiplied out, so that nothing is rounded; equal is of the whole days.
func interval(op string, values []int64) (string, []any) {
	const day = 24 * 3600 * 1000
	span, gaps := "(MAX(a.at) - MIN(a.at))", "(COUNT(DISTINCT a.day) - 1)"
	low, high := fmt.Sprintf("%s >= ? * %s", span, gaps), fmt.Sprintf("%s < ? * %s", span, gaps)
	several := "COUNT(DISTINCT a.day) > 1 AND "
	switch op {
	case rule.Gte:
		return several + low, []any{values[0] * day}
	case rule.Lte:
		return several + high, []any{(values[0] + 1) * day}
	}
	return several + low + " AND " + high, []any{values[0] * day, (values[len(values)-1] + 1) * day}
}

// sequence gives who did the steps one after another.
func sequence(q *query, s *rule.Sequence) part {
	var from, where part
	from.text = "SELECT DISTINCT a0.person_id AS person FROM "
	for i, step := range s.Steps {
		alias := fmt.Sprintf("a%d", i)
		if i > 0 {
			before := fmt.Sprintf("a%d", i-1)
			from.text += " JOIN "
			where = join(where, raw(" AND "+alias+".person_id = a0.person_id AND "+alias+".at > "+before+".at AND "+alias+".at <= a0.at + ? AND "+alias+".quantity > 0 AND ", int64(s.WithinDays)*24*3600*1000))
		}
		from.text += "segment_act " + alias
		where = join(where, acted(q, alias, step.What, step.ProductIDs))
	}
	if s.WindowDays > 0 {
		where = join(where, raw(" AND a0.at >= ?", q.dayStart(s.WindowDays-1)))
	}
	return join(from, raw(" WHERE a0.quantity > 0 AND "), where)
}

// referees counts whom a person brought to the brand, each human once.
func referees(q *query, a *rule.Attr) part {
	cond, args := "COUNT(DISTINCT CASE r.root_id WHEN 0 THEN r.id ELSE r.root_id END) > 0", []any(nil)
	if a.Op != rule.Known && a.Op != rule.Unknown {
		values := rule.Numbers(a.Values)
		cond, args = compared("COUNT(DISTINCT CASE r.root_id WHEN 0 THEN r.id ELSE r.root_id END)", a.Op, values)
		if zeroIn(a.Op, values) {
			cond = "NOT (" + cond + ")"
		}
	}
	person, with := q.whose("b.referrer_id")
	return join(raw("SELECT "+person+" AS person FROM referral_binding b JOIN member r ON r.id = b.member_id"+with+" WHERE "+q.loose("b.brand_id")+" = ? AND "+q.loose("b.slot")+" = 0", q.brandID),
		q.only("b.referrer_id"), raw(" GROUP BY "+person+" HAVING "+cond, args...))
}

// bucketPrime is 2^31-1: a person's number modulo it, times a factor below it, stays
// within 64 bits on every engine.
const bucketPrime = 1<<31 - 1

// factors are what a salt makes of Random: bucket = ((person % p) * a + b) % p % Buckets.
// Of two people the buckets of a random salt are independent (Carter and Wegman 1979).
func factors(salt string) (a, b int64) {
	h := sha256.Sum256([]byte("siyu random\x00" + salt))
	return int64(binary.BigEndian.Uint64(h[:8])%(bucketPrime-1)) + 1, int64(binary.BigEndian.Uint64(h[8:16]) % bucketPrime)
}

// bucket is the bucket of a person, as the SQL of random has it.
func bucket(salt string) func(person id.ID) int {
	a, b := factors(salt)
	return func(person id.ID) int {
		return int((int64(person)%bucketPrime*a + b) % bucketPrime % rule.Buckets)
	}
}
