package segment

import (
	"fmt"
	"strings"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/member"
	"siyu/model/rule"
)

// query builds SQL about the people of a brand at a moment.
type query struct {
	driver  string
	brandID id.ID
	now     clock.Instant
	// Only these: people, and the members of their families. nil: the whole brand.
	people, members []id.ID
	// Only who has one account with an id in it; what is said of others is of no use.
	span *span
	open map[id.ID][]string // of people, where a rule asks for it: channels that are open
}

// part is SQL with its arguments.
type part struct {
	text string
	args []any
}

func raw(text string, args ...any) part { return part{text, args} }

// root is the person of a member row m.
var root = member.RootSQL("m")

// only narrows a query over what is of members, by the column that names them.
func (q *query) only(column string) part {
	switch {
	case q.span != nil:
		return q.span.only(column)
	case q.members == nil:
		return part{}
	}
	return raw(" AND "+column+" IN ?", q.members)
}

// kin are the members of humans with several, with their person: few. Who is not among
// them is his own person, and what one row says of him needs no comparing.
const kin = "(SELECT id AS member_id, root_id AS person_id FROM member WHERE root_id > 0 UNION SELECT root_id, root_id FROM member WHERE root_id > 0)"

// newestOf gives person and columns of a table that has one row per member (condition t):
// of a human with several members the row that is first in an order. Of a whole brand it
// sorts only those humans.
func (q *query) newestOf(table, columns, order string, where part) part {
	from := " FROM " + table + " t "
	if q.span != nil {
		return join(raw("SELECT t.member_id AS person, "+columns+from+"WHERE "), where, q.only("t.member_id"))
	}
	if q.members != nil {
		return join(raw("SELECT person, "+columns+" FROM (SELECT "+root+" AS person, t.*, ROW_NUMBER() OVER (PARTITION BY "+root+" ORDER BY "+order+") AS n"+from+"JOIN member m ON m.id = t.member_id WHERE "),
			where, q.only("t.member_id"), q.only("m.id"), raw(") w WHERE n = 1")) // both: planners begin at either
	}
	return join(raw("SELECT t.member_id AS person, "+columns+from+"WHERE t.member_id NOT IN (SELECT member_id FROM "+kin+" k) AND "), where,
		raw(" UNION ALL SELECT person, "+columns+" FROM (SELECT k.person_id AS person, t.*, ROW_NUMBER() OVER (PARTITION BY k.person_id ORDER BY "+order+") AS n"+from+"JOIN "+kin+" k ON k.member_id = t.member_id WHERE "),
		where, raw(") w WHERE n = 1"))
}

// onlyActs narrows a query over acts.
func (q *query) onlyActs(alias string) part {
	if q.span != nil {
		return q.span.only(alias + ".member_id") // by it the table is sorted
	}
	if q.people == nil {
		return part{}
	}
	return raw(" AND "+alias+".person_id IN ?", q.people)
}

// loose is a column as a condition that no index is to be chosen by where a range of people
// is read: SQLite, which has no statistics, prefers any equality, and MariaDB an index that
// has all that is asked, which it then goes through for each range anew.
func (q *query) loose(column string) string {
	switch {
	case q.span == nil:
		return column
	case q.driver == db.MySQL:
		return "COALESCE(" + column + ")"
	}
	return "+" + column
}

// whose is the person of the member that a column names, and the join that it takes: in a
// range of people everybody is his own.
func (q *query) whose(column string) (person, with string) {
	if q.span != nil {
		return column, ""
	}
	return root, " JOIN member m ON m.id = " + column
}

// join puts parts together.
func join(parts ...part) (all part) {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.text)
		all.args = append(all.args, p.args...)
	}
	all.text = b.String()
	return all
}

// days ago: the start of the business day n days before today; 0 is today's.
func (q *query) dayStart(n int) clock.Instant {
	from, _ := clock.DayOf(q.now).AddDays(-n).Bounds()
	return from
}

// dayEnd is the end of the business day n days before today.
func (q *query) dayEnd(n int) clock.Instant {
	_, until := clock.DayOf(q.now).AddDays(-n).Bounds()
	return until
}

// column is a fact that has few values: SQL that gives person and value, and until_at
// where a value ends by itself. Of a person there is one row, or as many as he has values.
type column struct {
	key   string
	parts int  // whose notes change it
	told  bool // all of its changes are noted; else it is read again after silentFor
	clock bool // changes at midnight
	ends  bool // has until_at
	// values: it has values; else it is the set of who is in it.
	values bool
	// open: the ledger says it (Reach), SQL does not.
	open bool
	read func(q *query) part
	// few are the acts it is made of, as a condition, where an index has all that is asked of them.
	few func(q *query) part
}

// columnOf is the column behind a condition on an attribute; false: there is none, and
// the condition is asked for itself.
func columnOf(name string) (column, bool) {
	spec, _ := rule.AttrOf(name)
	c := column{key: "attr:" + name, parts: PartWho, clock: spec.Clock, values: true}
	switch name {
	case rule.TierLevel:
		c.read = func(q *query) part {
			return join(raw("SELECT person, level AS value FROM ("), q.newestOf("tier_standing", "level", "t.level DESC", raw("t.brand_id = ?", q.brandID)), raw(") s"))
		}
	case rule.Leader:
		c.read = func(q *query) part {
			person, with := q.whose("l.member_id")
			return join(raw("SELECT "+person+" AS person, MAX(l.level) AS value FROM leader l"+with+" WHERE "+q.loose("l.brand_id")+" = ? AND l.state = 'active'", q.brandID), q.only("l.member_id"), raw(" GROUP BY "+person))
		}
	case rule.Key:
		c.read = keys
	case rule.Consent:
		c.told, c.read = true, consents
	case rule.Follows:
		c.told, c.read = true, func(q *query) part {
			person, with := q.whose("f.member_id")
			return join(raw("SELECT "+person+" AS person, f.account_id AS value FROM follower f JOIN account a ON a.id = "+q.loose("f.account_id")+with+" WHERE a.brand_id = ? AND f.following = 1", q.brandID), q.only("f.member_id"))
		}
	case rule.HasReferrer:
		c.read = func(q *query) part {
			person, with := q.whose("b.member_id")
			return join(raw("SELECT "+person+" AS person, 1 AS value FROM referral_binding b"+with+" WHERE "+q.loose("b.brand_id")+" = ? AND "+q.loose("b.slot")+" = 0", q.brandID), q.only("b.member_id"))
		}
	case rule.Reach:
		c.open = true
	case rule.Depth: // who stands alone, any more or still, is in no tree
		c.read = func(q *query) part {
			person, with := q.whose("t.member_id")
			return join(raw("SELECT "+person+" AS person, MIN(t.depth) AS value FROM referral_node t"+with+" WHERE t.brand_id = ? AND (t.parent_id <> 0 OR t.direct > 0)", q.brandID), q.only("t.member_id"), raw(" GROUP BY "+person))
		}
	case rule.Origin:
		c.read = func(q *query) part {
			person, with := q.whose("o.member_id")
			return newest(join(raw("SELECT "+person+" AS person, o.channel AS value, ROW_NUMBER() OVER (PARTITION BY "+person+" ORDER BY o.at, o.event_key) AS n FROM profile_origin o"+with+" WHERE 1 = 1"), q.only("o.member_id")))
		}
	case rule.BirthdayMonth:
		c.read = birthdays
	case rule.Province:
		c.parts, c.told, c.read = PartActs, true, func(q *query) part {
			return newest(join(raw("SELECT a.person_id AS person, a.province AS value, ROW_NUMBER() OVER (PARTITION BY a.person_id ORDER BY a.at DESC, a.event_id DESC) AS n FROM segment_act a WHERE "+q.loose("a.brand_id")+" = ? AND a.what IN ? AND a.province <> ''",
				q.brandID, []string{rule.Scan, rule.Claim}), q.onlyActs("a")))
		}
	case rule.Stage:
		c.parts, c.told, c.read = PartActs, true, stages
	case rule.R, rule.F, rule.M:
		c.parts, c.told, c.read = PartActs, true, func(q *query) part { return scores(q, name) }
	default:
		return c, false
	}
	return c, true
}

// newest takes the first row of each person.
func newest(p part) part { return join(raw("SELECT person, value FROM ("), p, raw(") w WHERE n = 1")) }

// tagColumn is the value that a person has of a tag: the newest of his members' that is
// valid, the larger member's where two are of the same moment.
func tagColumn(tagID id.ID) column {
	return column{key: "tag:" + tagID.String(), parts: PartTags, told: true, ends: true, values: true, read: func(q *query) part { return tagRows(q, tagID) }}
}

// tagRows gives person, value, score and until_at of a tag that is running.
func tagRows(q *query, tagID id.ID) part {
	return q.newestOf("tag_value", "value, score, until_at", "t.since_at DESC, t.member_id DESC",
		raw("t.tag_id = ? AND (t.until_at = 0 OR t.until_at > ?) AND EXISTS (SELECT 1 FROM tag g WHERE g.id = ? AND g.brand_id = ? AND g.state = 'running')", tagID, q.now, tagID, q.brandID))
}

func keys(q *query) part {
	person, _ := q.whose("m.id")
	return join(raw("SELECT "+person+" AS person, CASE k.kind WHEN 'openid' THEN CASE a.kind WHEN 'mini' THEN 'openid_mini' ELSE 'openid_official' END WHEN 'external_userid' THEN 'wecom' ELSE k.kind END AS value"+
		" FROM identity_key k JOIN member m ON m.person_id = k.person_id LEFT JOIN account a ON a.app_id = k.scope AND a.brand_id = ? AND a.kind IN ('official', 'mini')"+
		" WHERE ("+q.loose("k.kind")+" IN ('phone', 'unionid', 'external_userid') OR "+q.loose("k.kind")+" = 'openid' AND a.id IS NOT NULL)", q.brandID), q.only("m.id"))
}

func consents(q *query) part {
	person, with := q.whose("c.member_id")
	return join(raw("SELECT person, value FROM (SELECT "+person+" AS person, c.purpose AS value, c.given AS given, ROW_NUMBER() OVER (PARTITION BY "+person+", c.purpose ORDER BY c.at DESC, c.id DESC) AS n FROM consent c"+with+" WHERE 1 = 1"),
		q.only("c.member_id"), raw(") w WHERE n = 1 AND given = 1"))
}

// birthdays: of several answers the most trusted counts, then the newest, as profile has it.
func birthdays(q *query) part {
	integer := "INTEGER"
	if q.driver == db.MySQL {
		integer = "SIGNED"
	}
	person, with := q.whose("v.member_id")
	return join(raw("SELECT person, CAST(SUBSTR(value, 6, 2) AS "+integer+") AS value FROM (SELECT "+person+" AS person, v.value AS value, ROW_NUMBER() OVER (PARTITION BY "+person+
		" ORDER BY CASE v.source WHEN 'self' THEN 3 WHEN 'operator' THEN 3 WHEN 'wecom' THEN 2 ELSE 1 END DESC, v.at DESC, v.id DESC) AS n FROM profile_value v"+with+" WHERE v.field = 'birthday'"),
		q.only("v.member_id"), raw(") w WHERE n = 1 AND value <> ''"))
}

// Stages of life by business days since the last act; new is who is active and began
// within newDays. As model/profile judges, but of one brand and by whole days.
const (
	newDays      = 30
	activeDays   = 60
	sleepingDays = 180
)

func stages(q *query) part {
	return join(raw("SELECT a.person_id AS person, CASE WHEN MAX(a.at) < ? THEN 'lost' WHEN MAX(a.at) < ? THEN 'sleeping' WHEN MIN(a.at) >= ? THEN 'new' ELSE 'active' END AS value FROM segment_act a WHERE "+q.loose("a.brand_id")+" = ? AND a.what <> ?",
		q.dayStart(sleepingDays), q.dayStart(activeDays), q.dayStart(newDays), q.brandID, rule.Unfollow), q.onlyActs("a"), raw(" GROUP BY a.person_id"))
}

// Bounds of the scores 5, 4, 3 and 2; below the last it is 1. Fixed, so that a person's
// score depends on nobody else: quantiles would change for all when one buys.
var (
	recencyDays  = []int{30, 60, 90, 180}
	frequencyMin = []int64{12, 6, 3, 2}                 // days with a purchase within scoreDays
	moneyMinFen  = []int64{100000, 50000, 20000, 10000} // of orders within scoreDays
)

const scoreDays = 365

// scores are R, F and M of who bought: R by business days since the last purchase, F and
// M over the last scoreDays.
func scores(q *query, name string) part {
	of, from, having := "MAX(a.at)", clock.Instant(0), ""
	bounds := make([]any, 4)
	switch name {
	case rule.R:
		for i, d := range recencyDays {
			bounds[i] = q.dayStart(d)
		}
	case rule.F:
		of, from = "COUNT(DISTINCT a.day)", q.dayStart(scoreDays-1)
		for i, n := range frequencyMin {
			bounds[i] = n
		}
	case rule.M:
		of, from, having = "SUM(a.amount_fen)", q.dayStart(scoreDays-1), " HAVING SUM(a.amount_fen) > 0"
		for i, n := range moneyMinFen {
			bounds[i] = n
		}
	}
	quantity := " AND a.quantity > 0"
	if name == rule.M {
		quantity = "" // refunds take back
	}
	text := fmt.Sprintf("SELECT a.person_id AS person, CASE WHEN %[1]s >= ? THEN 5 WHEN %[1]s >= ? THEN 4 WHEN %[1]s >= ? THEN 3 WHEN %[1]s >= ? THEN 2 ELSE 1 END AS value FROM segment_act a WHERE "+q.loose("a.brand_id")+" = ? AND a.what IN ? AND a.at >= ?%s", of, quantity)
	args := append(bounds, q.brandID, []string{event.Claim, event.Order}, from)
	return join(part{text, args}, q.onlyActs("a"), raw(" GROUP BY a.person_id"+having))
}
