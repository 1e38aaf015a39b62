package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/rule"
	"siyu/model/segment"
	"siyu/model/tag"
)

// benchSegment counts who fulfils a rule of four conditions, names them, and lets a
// hundred people change, by bitmaps; against the same rule as SQL over the same tables in
// the same run, as the program writes it and as a person would.
func benchSegment(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("siyu bench segment", flag.ContinueOnError)
	f.SetOutput(out)
	var o benchOptions
	o.flags(f, db.MySQL)
	members := f.Int64("members", 1_000_000, "people of the brand, 1000 to 10000000")
	seconds := secondsFlag(f, 5)
	if err := f.Parse(args); err != nil {
		return err
	}
	if err := within(*seconds); err != nil {
		return err
	}
	if *members < 1000 || *members > 10_000_000 {
		return errors.New("--members must be 1000 to 10000000")
	}
	// As much memory as its tables want, or SQL would be compared while it reads the disk.
	memory := fmt.Sprintf("--innodb-buffer-pool-size=%dM", 512+*members/2500)
	return o.inDB(ctx, func(d *db.DB, dir string) error {
		w := &segmentBench{d: d, s: segment.New(d), members: *members, dir: filepath.Join(dir, "segments")}
		w.s.KeepIn(w.dir)
		return profiled(o.profile, func() error { return w.run(ctx, *seconds, out) })
	}, memory, "--innodb-log-file-size=1G")
}

// segmentBench is one measurement.
type segmentBench struct {
	d       *db.DB
	s       *segment.Store
	members int64
	dir     string // of the files of bitmaps
}

const (
	benchBrand = id.ID(1)
	// benchTags are 50 kinds, from 60 % of the people down to 0.3 %: 2.76 a person. The
	// one after them has five values and everybody has it, as a score of 1 to 5.
	benchTags  = 50
	benchScore = benchTags + 1
	// benchFirst is the member before the first.
	benchFirst = 1_000_000
	// benchPart is how many people one statement writes.
	benchPart = 500_000
)

// share is how many of 10,000 people have a tag.
func share(tag int64) int64 { return max(30, 6000/(tag*tag/3+1)) }

// part is SQL of a number below 10,000 that depends on a person n and a salt alone.
func part(salt int64) string {
	return fmt.Sprintf("((n.n %% 999983 * %d + %d) %% 1000003 %% 10000)", 1+(salt*7919)%999_979, salt*104729)
}

// fill writes the tables, inside the database, and says how far it is.
func (w *segmentBench) fill(ctx context.Context, out io.Writer) error {
	exec := func(stmt string, args ...any) error {
		_, err := w.d.Pool().ExecContext(ctx, stmt, args...)
		return err
	}
	if err := errors.Join(exec("CREATE TABLE bench_n (n BIGINT NOT NULL PRIMARY KEY)"), exec("INSERT INTO bench_n (n) VALUES (0)")); err != nil {
		return err
	}
	for have := int64(1); have < benchPart; have *= 2 {
		if err := exec("INSERT INTO bench_n (n) SELECT n + ? FROM bench_n WHERE n + ? < ?", have, have, benchPart); err != nil {
			return err
		}
	}
	if err := w.tags(ctx); err != nil {
		return err
	}
	for from := int64(0); from < w.members; from += benchPart {
		people := fmt.Sprintf("(SELECT n + %d AS n FROM bench_n WHERE n + %d < %d) n", from, from, w.members)
		who := fmt.Sprintf("n.n + %d", benchFirst)
		stmts := []string{
			"INSERT INTO member (id, person_id, root_id, state, created_at) SELECT " + who + ", " + who + ", 0, 'active', 1700000000000 FROM " + people,
			"INSERT INTO segment_person (brand_id, person_id, number, live, allows) SELECT 1, " + who + ", n.n, 1, 1 FROM " + people,
			"INSERT INTO tier_standing (brand_id, member_id, level, until_at, warned_until, version) SELECT 1, " + who + ", " + part(99) + " % 5, 0, 0, 1 FROM " + people,
		}
		for n := range int64(benchTags) {
			stmts = append(stmts, "INSERT INTO tag_value (tag_id, member_id, value, score, version, since_at, until_at, evidence) SELECT "+
				fmt.Sprint(n+1)+", "+who+", '', 0, 1, 1700000000000, 0, '' FROM "+people+" WHERE "+part(n)+" < "+fmt.Sprint(share(n)))
		}
		score := "1 + " + part(77) + " % 5"
		stmts = append(stmts, "INSERT INTO tag_value (tag_id, member_id, value, score, version, since_at, until_at, evidence) SELECT "+
			fmt.Sprint(benchScore)+", "+who+", CAST("+score+" AS CHAR), "+score+", 1, 1700000000000, 0, '' FROM "+people)
		for _, stmt := range stmts {
			if err := exec(stmt); err != nil {
				return fmt.Errorf("%.60s: %w", stmt, err)
			}
		}
		if until := from + benchPart; until < w.members {
			fmt.Fprintf(out, "%d of %d people written\n", until, w.members)
		}
	}
	if err := exec("INSERT INTO segment_brand (brand_id, next_number, seq) VALUES (1, ?, 0)", w.members); err != nil {
		return err
	}
	if w.d.Driver() == db.MySQL {
		return exec("ANALYZE TABLE member, segment_person, tier_standing, tag_value, tag")
	}
	return nil // the program asks SQLite for no statistics either
}

// tags writes the tags themselves; columns that do not matter here are empty.
func (w *segmentBench) tags(ctx context.Context) error {
	rows, err := w.d.Pool().QueryContext(ctx, "SELECT * FROM tag WHERE 1 = 0")
	if err != nil {
		return err
	}
	types, err := rows.ColumnTypes()
	if err = errors.Join(err, rows.Close()); err != nil {
		return err
	}
	for n := range benchScore {
		known := map[string]any{"id": n + 1, "brand_id": int64(benchBrand), "name": fmt.Sprint("t", n+1), "state": tag.Running, "roles": "[]"}
		var names []string
		var values []any
		for _, c := range types {
			v, there := known[c.Name()]
			if text := c.DatabaseTypeName(); !there && (strings.Contains(text, "CHAR") || strings.Contains(text, "TEXT")) {
				v = ""
			} else if !there {
				v = 0
			}
			names, values = append(names, c.Name()), append(values, v)
		}
		if _, err := w.d.Pool().ExecContext(ctx, "INSERT INTO tag ("+strings.Join(names, ", ")+") VALUES "+db.Marks(len(names)), values...); err != nil {
			return err
		}
	}
	return nil
}

// rule: has tag 3, not tag 5, scores 4 or 5, is of level 3 or 4.
func (w *segmentBench) rule() rule.Tree {
	return rule.Tree{V: rule.Version, Root: rule.Node{All: []rule.Node{
		{Tag: &rule.Tag{ID: 3, Op: rule.Has}}, {Tag: &rule.Tag{ID: 5, Op: rule.Lacks}},
		{Tag: &rule.Tag{ID: benchScore, Op: rule.In, Values: []string{"4", "5"}}},
		{Attr: &rule.Attr{Name: rule.TierLevel, Op: rule.Gte, Values: []string{"3"}}},
	}}}
}

// plain is the rule as somebody would write it who knows that nobody has two accounts.
const plain = `SELECT COUNT(*) FROM segment_person p WHERE p.brand_id = 1 AND p.live = 1
	AND EXISTS (SELECT 1 FROM tag_value a WHERE a.tag_id = 3 AND a.member_id = p.person_id)
	AND NOT EXISTS (SELECT 1 FROM tag_value b WHERE b.tag_id = 5 AND b.member_id = p.person_id)
	AND EXISTS (SELECT 1 FROM tag_value c WHERE c.tag_id = 51 AND c.member_id = p.person_id AND c.value IN ('4', '5'))
	AND EXISTS (SELECT 1 FROM tier_standing t WHERE t.brand_id = 1 AND t.member_id = p.person_id AND t.level >= 3)`

// slowRun is how long a run may take to be worth two more.
const slowRun = time.Minute

// timed runs something until seconds have passed, three times at least unless once takes
// longer than a minute, and gives the median.
func timed(seconds float64, op func() error) (time.Duration, error) {
	var all []time.Duration
	end := clock.Wall().Add(time.Duration(seconds * float64(time.Second)))
	for len(all) < 3 || clock.Wall().Before(end) {
		begun := clock.Wall()
		if err := op(); err != nil {
			return 0, err
		}
		if all = append(all, clock.Wall().Sub(begun)); all[len(all)-1] > slowRun {
			break
		}
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

func (w *segmentBench) run(ctx context.Context, seconds float64, out io.Writer) error {
	begun := clock.Wall()
	if err := w.fill(ctx, out); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	fmt.Fprintf(out, "%d people written in %.0f s\n", w.members, clock.Wall().Sub(begun).Seconds())
	begun = clock.Wall()
	found, err := w.s.Find(ctx, benchBrand, w.rule())
	if err != nil {
		return err
	}
	loaded := clock.Wall().Sub(begun)
	count := found.Count()
	found = segment.People{}
	one, err := timed(seconds, func() error { _, err := w.s.Find(ctx, benchBrand, w.rule()); return err })
	if err != nil {
		return err
	}
	named, err := timed(seconds, func() error { return w.name(ctx, count) })
	if err != nil {
		return err
	}
	// All tags are held, as those of an office that uses them: this is what memory is about.
	if err := w.holdAll(ctx); err != nil {
		return err
	}
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	held := w.s.Held(benchBrand)
	filed, mib, err := w.next(ctx, count)
	if err != nil {
		return err
	}
	turn := int64(0)
	changed, err := timed(seconds, func() error { turn++; return w.change(ctx, turn) })
	if err != nil {
		return err
	}
	byUs, byHand, n, err := w.sql(ctx, seconds)
	if err != nil {
		return err
	}
	again, err := w.s.Find(ctx, benchBrand, w.rule())
	if err != nil {
		return err
	}
	if again.Count() != n {
		return fmt.Errorf("bitmaps say %d, SQL says %d", again.Count(), n)
	}
	ms := func(t time.Duration) float64 { return float64(t.Microseconds()) / 1000 }
	million := float64(w.members) / 1e6
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%s, %d people, %d of them meant\tms\tSQL/bitmaps\t\n", w.d.Driver(), w.members, count)
	fmt.Fprintf(t, "first count of a process, all from the database\t%.0f\t\t\n", ms(loaded))
	fmt.Fprintf(t, "first count of a process, from the last one's file (%.0f MiB)\t%.0f\t\t\n", mib, ms(filed))
	fmt.Fprintf(t, "counted by bitmaps\t%.3f\t\t\n", ms(one))
	fmt.Fprintf(t, "counted and named by bitmaps\t%.3f\t\t\n", ms(named))
	fmt.Fprintf(t, "counted by SQL, as a person writes it\t%.0f\t%.0f\t\n", ms(byHand), ms(byHand)/ms(one))
	fmt.Fprintf(t, "named by SQL, as the program writes it\t%.0f\t%.0f\t\n", ms(byUs), ms(byUs)/ms(named))
	fmt.Fprintf(t, "a hundred people changed, noted, derived, in the count again\t%.1f\t\t\n", ms(changed))
	if err := t.Flush(); err != nil {
		return err
	}
	// The figure is what the engine holds: the heap has more in it than that, and in a test
	// everything that runs beside.
	holds := float64(held.Bytes) / benchMiB
	fmt.Fprintf(out, "memory: %d facts and everybody's number, %.1f MiB of bitmaps and numbers, %.1f MiB per million people; heap of the process %.1f MiB\n",
		held.Facts, holds, holds/million, float64(memory.HeapAlloc)/benchMiB)
	_, err = fmt.Fprintf(out, "segment members=%d cold_ms=%.0f cold_file_ms=%.0f count_ms=%.3f named_ms=%.3f change_ms=%.1f sql_count_ms=%.0f sql_named_ms=%.0f ratio=%.0f mib_per_million=%.1f\n",
		w.members, ms(loaded), ms(filed), ms(one), ms(named), ms(changed), ms(byHand), ms(byUs), ms(min(byHand, byUs))/ms(one), holds/million)
	return err
}

const benchMiB = 1 << 20

// next is how long the next process takes to its first count, and how large the file is
// that it begins with: of people and all the facts that are held.
func (w *segmentBench) next(ctx context.Context, want int64) (took time.Duration, mib float64, err error) {
	if err := w.s.Save(ctx, true); err != nil {
		return 0, 0, err
	}
	list, err := os.ReadDir(w.dir)
	if err != nil {
		return 0, 0, err
	}
	for _, f := range list {
		info, err := f.Info()
		if err != nil {
			return 0, 0, err
		}
		mib += float64(info.Size()) / benchMiB
	}
	s := segment.New(w.d)
	s.KeepIn(w.dir)
	begun := clock.Wall()
	found, err := s.Find(ctx, benchBrand, w.rule())
	if took = clock.Wall().Sub(begun); err == nil && found.Count() != want {
		err = fmt.Errorf("the next process counts %d of %d", found.Count(), want)
	}
	return took, mib, err
}

// name goes through the people, as a push that freezes its audience does.
func (w *segmentBench) name(ctx context.Context, want int64) error {
	p, err := w.s.Find(ctx, benchBrand, w.rule())
	n, last := int64(0), id.ID(0)
	for i := range p.Each() {
		n, last = n+1, i
	}
	if err == nil && (n != want || last == 0) {
		err = fmt.Errorf("named %d of %d", n, want)
	}
	return err
}

// holdAll asks about every tag.
func (w *segmentBench) holdAll(ctx context.Context) error {
	for from := 0; from < benchTags; from += rule.MaxLeaves {
		wide := []rule.Node{}
		for tag := from; tag < min(benchTags, from+rule.MaxLeaves); tag++ {
			wide = append(wide, rule.Node{Tag: &rule.Tag{ID: id.ID(tag + 1), Op: rule.Has}})
		}
		if _, err := w.s.Find(ctx, benchBrand, rule.Tree{V: rule.Version, Root: rule.Node{Any: wide}}); err != nil {
			return err
		}
	}
	return nil
}

// change takes tag 3 from a hundred people or gives it to them, notes it as model/tag
// does, derives it and asks again.
func (w *segmentBench) change(ctx context.Context, turn int64) error {
	var people []id.ID
	for i := range int64(100) {
		people = append(people, id.ID(benchFirst+(turn*7919+i*104729)%w.members))
	}
	slices.Sort(people)
	people = slices.Compact(people)
	list := make([]string, len(people))
	for i, p := range people {
		list[i] = p.String()
	}
	among := strings.Join(list, ", ")
	stmt := "DELETE FROM tag_value WHERE tag_id = 3 AND member_id IN (" + among + ")"
	if turn%2 == 1 {
		stmt = "INSERT INTO tag_value (tag_id, member_id, value, score, version, since_at, until_at, evidence) SELECT 3, m.id, '', 0, 1, 1700000000000, 0, '' FROM member m WHERE m.id IN (" + among +
			") AND NOT EXISTS (SELECT 1 FROM tag_value t WHERE t.tag_id = 3 AND t.member_id = m.id)"
	}
	_, err := w.d.Pool().ExecContext(ctx, stmt)
	if err == nil {
		err = w.s.Note(ctx, segment.PartTags, people...)
	}
	if err == nil {
		_, err = w.s.Refresh(ctx)
	}
	if err == nil {
		_, err = w.s.Find(ctx, benchBrand, w.rule())
	}
	return err
}

// sql counts the people by SQL: as the program writes it, who names them, and by hand. All
// three must agree. The ratio in the last line is against the faster of the two.
func (w *segmentBench) sql(ctx context.Context, seconds float64) (byUs, byHand time.Duration, n int64, err error) {
	var hand int64
	if byHand, err = timed(seconds, func() error { return w.d.Pool().QueryRowContext(ctx, plain).Scan(&hand) }); err != nil {
		return 0, 0, 0, err
	}
	byUs, err = timed(seconds, func() error {
		n = 0
		return w.s.All(ctx, benchBrand, w.rule(), func(id.ID) error { n++; return nil })
	})
	if err == nil && hand != n {
		err = fmt.Errorf("by hand %d, by the program %d", hand, n)
	}
	return byUs, byHand, n, err
}
