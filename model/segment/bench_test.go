package segment_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/rule"
	"siyu/model/segment"
)

var benchPeople = flag.Int("people", 100_000, "people of the benchmarks' brand")

// benchWorld writes people inside the database: all of one brand, every hundredth with a
// second account, each with three acts, a level, an answer about two purposes and an openid;
// half follow, a third are tagged.
func benchWorld(b *testing.B, engine string) *db.DB {
	b.Helper()
	d := dbtest.Open(b, engine, clock.NewFake(dbtest.Start))
	exec := func(stmt string) {
		b.Helper()
		if _, err := d.Pool().ExecContext(context.Background(), stmt); err != nil {
			b.Fatalf("%.80s: %v", stmt, err)
		}
	}
	now := int64(dbtest.Start)
	exec("CREATE TABLE bench_n (n BIGINT NOT NULL PRIMARY KEY)")
	exec("INSERT INTO bench_n (n) VALUES (0)")
	for have := 1; have < *benchPeople; have *= 2 {
		exec(fmt.Sprintf("INSERT INTO bench_n (n) SELECT n + %d FROM bench_n WHERE n + %d < %d", have, have, *benchPeople))
	}
	exec("INSERT INTO account (id, brand_id, kind, app_id, name, callback_slug, settings, secrets, created_at, updated_at) VALUES (11, 1, 'official', 'wx11', 'a', 'a', '{}', '', 1, 1)")
	names, zeros := others(b, d, "tag", "id", "brand_id", "state")
	exec("INSERT INTO tag (id, brand_id, state, " + names + ") VALUES (31, 1, 'running', " + zeros + ")")
	text := func(of string) string { // what a number is as text
		if engine == db.MySQL {
			return "CAST(" + of + " AS CHAR)"
		}
		return "CAST(" + of + " AS TEXT)"
	}
	per := 100_000
	for from := 0; from < *benchPeople; from += per {
		all := fmt.Sprintf(" FROM bench_n n WHERE n.n >= %d AND n.n < %d", from, from+per)
		const who, other = "1000000 + n.n * 10", "1000003 + n.n * 10"
		for _, stmt := range []string{
			"INSERT INTO member (id, person_id, root_id, state, created_at) SELECT " + who + ", " + who + ", 0, 'active', 1700000000000" + all,
			"INSERT INTO member (id, person_id, root_id, state, created_at) SELECT " + other + ", " + other + ", " + who + ", 'active', 1700000000000" + all + " AND n.n % 100 = 0",
			"INSERT INTO segment_person (brand_id, person_id, number, live, allows) SELECT 1, " + who + ", n.n, 1, 1" + all,
			"INSERT INTO tier_standing (brand_id, member_id, level, until_at, warned_until, version) SELECT 1, " + who + ", n.n % 5, 0, 0, 1" + all,
			"INSERT INTO tag_value (tag_id, member_id, value, score, version, since_at, until_at, evidence) SELECT 31, " + who + ", " + text("n.n % 3") + ", n.n % 3, 1, 1, 0, ''" + all + " AND n.n % 3 = 0",
			"INSERT INTO identity_key (kind, scope, value, person_id, created_at, event, seen_at) SELECT 'openid', 'wx11', " + text("1000000007 * (n.n % 1000) + n.n") + ", " + who + ", 1, 'x', 1" + all,
			"INSERT INTO follower (account_id, openid, member_id, following, scene, changed_at) SELECT 11, " + text("1000000007 * (n.n % 1000) + n.n") + ", " + who + ", n.n % 2, '', 1" + all,
		} {
			exec(stmt)
		}
		for i, purpose := range []string{"profiling", "marketing"} {
			exec(fmt.Sprintf("INSERT INTO consent (id, member_id, purpose, policy_version, given, channel, at, text_hash, page, request_id, ip_hash, operator_id, note) SELECT %s + %d, %s, '%s', '1', n.n %% 5 > 0, 'h5', 1, '', '', '', '', 0, ''%s", who, i, who, purpose, all))
		}
		for i, what := range []string{"scan", "claim", "order"} {
			exec(fmt.Sprintf("INSERT INTO segment_act (member_id, event_id, line, person_id, brand_id, what, product_id, quantity, amount_fen, day, at, province) SELECT %s, %s + %d, 0, %s, 1, '%s', 20 + n.n %% 4, 1, n.n %% 900 * 100, 20261001, %d - n.n %% 300 * 86400000, '浙江'%s", who, who, i, who, what, now, all))
		}
	}
	exec(fmt.Sprintf("INSERT INTO segment_brand (brand_id, next_number, seq) VALUES (1, %d, 0)", *benchPeople))
	if engine == db.MySQL {
		exec("ANALYZE TABLE member, segment_person, tier_standing, tag_value, identity_key, follower, consent, segment_act")
	}
	return d
}

// facts that are asked about most.
func benchFacts() map[string]rule.Node {
	attr := func(name string) rule.Node { return rule.Node{Attr: &rule.Attr{Name: name, Op: rule.Known}} }
	did := func(d rule.Did) rule.Node { return rule.Node{Did: &d} }
	return map[string]rule.Node{
		"tag": {Tag: &rule.Tag{ID: 31, Op: rule.Has}}, "level": attr(rule.TierLevel), "key": attr(rule.Key), "consent": attr(rule.Consent), "follows": attr(rule.Follows),
		"scanned": did(rule.Did{What: rule.Scan, Op: rule.Gte, Values: []int64{1}, WithinDays: 90}), "bought": did(rule.Did{What: rule.Bought, Op: rule.Gte, Values: []int64{2}}),
		"spent": did(rule.Did{What: rule.Order, Measure: rule.SumFen, Op: rule.Gte, Values: []int64{10000}, WithinDays: 365}), "m": attr(rule.M), "stage": {Attr: &rule.Attr{Name: rule.Stage, Op: rule.In, Values: []string{"new"}}},
	}
}

// BenchmarkLoad is the first question about each fact, as it is read in parts, and as one
// query for the whole brand reads the same in the same run. longest is of a query.
func BenchmarkLoad(b *testing.B) {
	for _, engine := range dbtest.Engines() {
		b.Run(engine, func(b *testing.B) {
			d := benchWorld(b, engine)
			s := segment.New(d).Parts(250)
			whole := rule.Everybody()
			timed := func(do func()) float64 {
				begun := clock.Wall()
				do()
				return clock.Wall().Sub(begun).Seconds() * 1000
			}
			b.Run("people", func(b *testing.B) {
				for range b.N {
					s.Drop(1)
					if p, err := s.Find(b.Context(), 1, whole); err != nil || p.Count() != int64(*benchPeople) {
						b.Fatal(p.Count(), err)
					}
				}
				b.ReportMetric(s.Held(1).Longest.Seconds()*1000, "longest_ms")
			})
			for name, n := range benchFacts() {
				b.Run(name, func(b *testing.B) {
					var parts, one float64
					for range b.N {
						s.LetGo(1)
						parts += timed(func() {
							if _, err := s.Find(b.Context(), 1, rule.Tree{V: 1, Root: n}); err != nil {
								b.Fatal(err)
							}
						})
						one += timed(func() {
							if err := s.OneQuery(b.Context(), 1, &n); err != nil {
								b.Fatal(err)
							}
						})
					}
					b.ReportMetric(parts/float64(b.N), "parts_ms")
					b.ReportMetric(one/float64(b.N), "one_query_ms")
					b.ReportMetric(one/parts, "one/parts")
					b.ReportMetric(s.Held(1).Longest.Seconds()*1000, "longest_ms")
				})
			}
		})
	}
}

// others are the columns of a table beside some, and nothing for each.
func others(b *testing.B, d *db.DB, table string, but ...string) (names, zeros string) {
	b.Helper()
	rows, err := d.Pool().Query("SELECT * FROM " + table + " WHERE 1 = 0")
	if err != nil {
		b.Fatal(err)
	}
	types, err := rows.ColumnTypes()
	if err = errors.Join(err, rows.Close()); err != nil {
		b.Fatal(err)
	}
	for _, c := range types {
		zero := "0"
		if t := c.DatabaseTypeName(); !strings.HasSuffix(t, "INT") {
			zero = "''"
		}
		if !slices.Contains(but, c.Name()) {
			names, zeros = names+", "+c.Name(), zeros+", "+zero
		}
	}
	return names[2:], zeros[2:]
}
