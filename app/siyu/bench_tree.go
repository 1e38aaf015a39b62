package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/outbox"
	"siyu/model/referral"
	"siyu/model/seal"
)

// benchTree measures one brand's referral tree, twenty levels below its root: binding,
// who stands above, the counters of a node, moving a subtree, the panel's first screen.
// Beside it, in the same run, the least that would do: a table of parents and recursive
// queries (WITH RECURSIVE). What both found is compared, and at the end the nightly check
// must find no counter wrong.
func benchTree(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("siyu bench tree", flag.ContinueOnError)
	f.SetOutput(out)
	var o benchOptions
	o.flags(f, db.SQLite)
	n := f.Int("n", 1_000_000, "members of the tree, 1000 to 3000000")
	clients := f.Int("clients", 8, "how many bind at once, 1 to 64")
	seconds := secondsFlag(f, 3)
	if err := f.Parse(args); err != nil {
		return err
	}
	if err := within(*seconds); err != nil {
		return err
	}
	if *n < 1000 || *n > 3_000_000 || *clients < 1 || *clients > 64 {
		return errors.New("-n must be 1000 to 3000000, --clients 1 to 64")
	}
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		return err
	}
	return o.inDB(ctx, func(d *db.DB, _ string) error {
		q := outbox.New(d)
		w := &treeBench{d: d, clients: *clients, seconds: *seconds, dice: rand.New(rand.NewPCG(1, 20)),
			s: referral.New(referral.Deps{DB: d, Box: box, Members: member.New(d, identity.New(d)), Events: event.New(d, q), Outbox: q})}
		if err := w.build(ctx, *n, out); err != nil {
			return fmt.Errorf("build: %w", err)
		}
		return profiled(o.profile, func() error { return w.run(ctx, out) })
	})
}

const (
	treeBrand  id.ID = 1
	treeDepth        = 20  // levels below the root
	treeFirst        = 200 // direct people of the root, when there are enough in all
	treeFresh        = 60_000
	moveAround       = 1000
)

// treeBench is one measurement. Members are numbered 1 to n by level; the root is 1.
type treeBench struct {
	s       *referral.Store
	d       *db.DB
	clients int
	seconds float64
	dice    *rand.Rand

	n      int
	parent []int32 // of each member; of the root 0
	depth  []int8
	size   []int32      // of the team
	fresh  atomic.Int64 // the last member who was bound
	bare   atomic.Int64 // the last one who went into the table of parents
}

// shape gives every level more people than the one above, by one factor.
func (w *treeBench) shape(n int) {
	w.n, w.parent, w.depth, w.size = n, make([]int32, n+1), make([]int8, n+1), make([]int32, n+1)
	first := min(treeFirst, n/100)
	low, high := 1.0, 10.0
	for range 60 {
		r := (low + high) / 2
		if float64(first)*(math.Pow(r, treeDepth)-1)/(r-1) < float64(n-1) {
			low = r
		} else {
			high = r
		}
	}
	from, until, next := 1, 2, 2 // the level above; the next member
	for level := 1; level <= treeDepth; level++ {
		width := int(float64(first) * math.Pow(low, float64(level-1)))
		if level == treeDepth {
			width = n + 1 - next
		}
		for range width {
			w.parent[next], w.depth[next] = int32(from+w.dice.IntN(until-from)), int8(level)
			next++
		}
		from, until = until, next
	}
	for i := n; i > 1; i-- {
		w.size[w.parent[i]] += w.size[i] + 1
	}
}

// build writes the members, both trees, and people who will be bound.
func (w *treeBench) build(ctx context.Context, n int, out io.Writer) error {
	w.shape(n)
	begun := clock.Wall()
	now := w.d.Now()
	err := w.fill(ctx, "member (id, person_id, root_id, state, created_at)", w.n+treeFresh, func(i int) []any {
		return []any{i, i, 0, member.Active, now}
	})
	if err != nil {
		return err
	}
	people := clock.Wall()
	list := make([]referral.Seedling, 0, n-1)
	for i := 2; i <= n; i++ {
		list = append(list, referral.Seedling{MemberID: id.ID(i), ReferrerID: id.ID(w.parent[i]), BoundAt: now})
	}
	if _, err := w.s.Plant(ctx, treeBrand, list, "bench", 1); err != nil {
		return err
	}
	ours := clock.Wall()
	if _, err := w.d.Pool().ExecContext(ctx, "CREATE TABLE bench_tree (member_id BIGINT NOT NULL PRIMARY KEY, parent_id BIGINT NOT NULL, scans BIGINT NOT NULL, claims BIGINT NOT NULL, sales_fen BIGINT NOT NULL)"); err != nil {
		return err
	}
	if err := w.fill(ctx, "bench_tree (member_id, parent_id, scans, claims, sales_fen)", n, func(i int) []any { return []any{i, w.parent[i], 0, 0, 0} }); err != nil {
		return err
	}
	if _, err := w.d.Pool().ExecContext(ctx, "CREATE INDEX bench_tree_parent ON bench_tree (parent_id)"); err != nil {
		return err
	}
	bare := clock.Wall()
	if err := w.duties(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %d members, %d levels below the root; members %.1f s, our tree with bindings %.1f s, parents alone %.1f s\n",
		w.d.Driver(), n, treeDepth, people.Sub(begun).Seconds(), ours.Sub(people).Seconds(), bare.Sub(ours).Seconds())
	w.fresh.Store(int64(n))
	w.bare.Store(int64(n))
	return nil
}

// fill inserts rows 1 to n in transactions of twenty thousand.
func (w *treeBench) fill(ctx context.Context, into string, n int, row func(i int) []any) error {
	const most = 20_000
	per := 500 // rows of a statement
	if w.d.Driver() == db.SQLite {
		per = 50
	}
	for from := 1; from <= n; from += most {
		tx, err := w.d.Pool().BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		for at := from; at < min(from+most, n+1); at += per {
			var args []any
			marks := ""
			for i := at; i < min(at+per, from+most, n+1); i++ {
				values := row(i)
				args, marks = append(args, values...), marks+","+db.Marks(len(values))
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO "+into+" VALUES "+marks[1:], args...); err != nil {
				return errors.Join(err, tx.Rollback())
			}
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return nil
}

// some returns up to most members between two sizes of teams, at random.
func (w *treeBench) some(most int, fits func(i int) bool) []int {
	var all []int
	for i := 2; i <= w.n; i++ {
		if fits(i) {
			all = append(all, i)
		}
	}
	w.dice.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
	return all[:min(most, len(all))]
}

// pair is one thing measured both ways.
type pair struct {
	name, key  string
	ours, bare func(ctx context.Context, client int) error
	clients    int
}

func (w *treeBench) run(ctx context.Context, out io.Writer) error {
	if err := w.agree(ctx); err != nil {
		return err
	}
	moved := w.some(100, func(i int) bool { s := int(w.size[i]); m := min(moveAround, w.n/100); return s >= m*3/4 && s <= m*4/3 })
	deep := w.some(5000, func(i int) bool { return w.depth[i] >= treeDepth-3 })
	teams := w.some(2000, func(i int) bool { m := min(moveAround, w.n/100); return int(w.size[i]) >= m/2 && int(w.size[i]) <= 2*m })
	if len(moved) == 0 || len(teams) == 0 {
		return errors.New("bench: no subtree of the size to move; take a larger -n")
	}
	list, tokens, err := w.tokens(ctx)
	if err != nil {
		return err
	}
	pick := func(list []int) int { return list[rand.IntN(len(list))] }
	pairs := []pair{
		{"bind, one at a time", "bind", w.bind(tokens), w.dutyBind(list), 1},
		{fmt.Sprintf("bind, %d at once", w.clients), "binds", w.bind(tokens), w.dutyBind(list), w.clients},
		{"bind, against one bare row", "bind_bare", w.bind(tokens), w.bareBind(), 1},
		{fmt.Sprintf("the same, %d at once", w.clients), "binds_bare", w.bind(tokens), w.bareBind(), w.clients},
		{"two levels of bindings above", "upline",
			func(ctx context.Context, _ int) error {
				_, err := w.s.Upline(ctx, treeBrand, id.ID(pick(deep)), w.d.Now(), 2)
				return err
			},
			func(ctx context.Context, _ int) error { return w.bareUpline(ctx, pick(deep), 2) }, 1},
		{"one level of them", "referrer",
			func(ctx context.Context, _ int) error {
				_, _, err := w.s.ReferrerOf(ctx, treeBrand, id.ID(pick(deep)), w.d.Now())
				return err
			},
			func(ctx context.Context, _ int) error { return w.bareUpline(ctx, pick(deep), 1) }, 1},
		{"ancestors of a deep member", "ancestors",
			func(ctx context.Context, _ int) error {
				_, err := w.s.AboveIDs(ctx, treeBrand, id.ID(pick(deep)))
				return err
			},
			func(ctx context.Context, _ int) error { _, err := w.bareAbove(ctx, pick(deep)); return err }, 1},
		{"counters of a node of ~1k", "counters",
			func(ctx context.Context, _ int) error {
				_, err := w.s.Node(ctx, treeBrand, id.ID(pick(teams)))
				return err
			},
			func(ctx context.Context, _ int) error { _, err := w.bareCount(ctx, pick(teams)); return err }, 1},
		{"counters of the root", "root",
			func(ctx context.Context, _ int) error { _, err := w.s.Node(ctx, treeBrand, 1); return err },
			func(ctx context.Context, _ int) error { _, err := w.bareCount(ctx, 1); return err }, 1},
		{"first screen of the panel", "screen",
			func(ctx context.Context, _ int) error { _, err := w.screen(ctx); return err },
			func(ctx context.Context, _ int) error { _, err := w.bareScreen(ctx); return err }, 1},
		{"move of a ~1k subtree", "move", w.move(moved), w.bareMove(moved), 1},
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%s\tours p50 ms\tp99 ms\tper second\trecursive p50 ms\tp99 ms\tper second\ttimes as fast\t\n", w.d.Driver())
	line := "tree"
	for _, p := range pairs {
		ours, err := load(ctx, p.clients, w.seconds, p.ours)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		if p.clients > 1 && w.d.Driver() == db.SQLite {
			p.clients = 1 // one writer: more would only wait
		}
		bare, err := load(ctx, p.clients, w.seconds, p.bare)
		if err != nil {
			return fmt.Errorf("%s, recursive: %w", p.name, err)
		}
		ratio := ours.perSecond / bare.perSecond
		fmt.Fprintf(t, "%s\t%.3f\t%.3f\t%.0f\t%.3f\t%.3f\t%.1f\t%.2f\t\n", p.name, ms(ours.p50), ms(ours.p99), ours.perSecond, ms(bare.p50), ms(bare.p99), bare.perSecond, ratio)
		line += fmt.Sprintf(" %s_ms=%.3f %s_ratio=%.2f", p.key, ms(ours.p50), p.key, ratio)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	checked, longest, err := w.check(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "the nightly check found every counter right, %.0f nodes per second, the brand locked for %.0f ms at most at a time\n", checked, ms(longest))
	_, err = fmt.Fprintf(out, "%s check_per_s=%.0f check_step_ms=%.0f\n", line, checked, ms(longest))
	return err
}

// tokens are the codes through which people are bound.
func (w *treeBench) tokens(ctx context.Context) (list []int, tokens []string, err error) {
	list = w.some(200, func(i int) bool { return w.depth[i] < treeDepth })
	for _, i := range list {
		c, err := w.s.CodeOf(ctx, treeBrand, id.ID(i), referral.Member)
		if err != nil {
			return nil, nil, err
		}
		tokens = append(tokens, w.s.Token(c))
	}
	return list, tokens, nil
}

// bind binds somebody new: his contact is checked, his history and both events kept, and
// everybody above counts him.
func (w *treeBench) bind(tokens []string) func(ctx context.Context, client int) error {
	return func(ctx context.Context, _ int) error {
		m := w.fresh.Add(1)
		if m > int64(w.n+treeFresh) {
			return errEnough
		}
		_, err := w.s.Bind(ctx, referral.Contact{Token: tokens[rand.IntN(len(tokens))], MemberID: id.ID(m), Channel: referral.H5})
		return err
	}
}

// move takes a subtree from where it stands to another of the root's direct people.
func (w *treeBench) move(list []int) func(ctx context.Context, client int) error {
	at := 0
	return func(ctx context.Context, _ int) error {
		m := list[at%len(list)]
		at++
		_, err := w.s.Rebind(ctx, referral.Change{BrandID: treeBrand, MemberID: id.ID(m), ReferrerID: id.ID(w.target(m, at/len(list))), Reason: "bench", By: 1})
		return err
	}
}

// target is one of the root's direct people who does not stand above m.
func (w *treeBench) target(m, round int) int {
	top := m
	for w.parent[top] != 1 {
		top = int(w.parent[top])
	}
	first := min(treeFirst, w.n/100)
	t := 2 + (m+round)%first
	if t == top || t == m {
		t = 2 + (t-1)%first
	}
	return t
}

func (w *treeBench) screen(ctx context.Context) ([]referral.Node, error) {
	if _, err := w.s.Node(ctx, treeBrand, 1); err != nil {
		return nil, err
	}
	return w.s.Children(ctx, treeBrand, 1, referral.Cursor{}, 50)
}

// check runs the nightly check, which must find nothing, and returns nodes per second;
// each of its steps holds the brand's lock: longest is the longest of them.
func (w *treeBench) check(ctx context.Context) (perSecond float64, longest time.Duration, err error) {
	begun := clock.Wall()
	if _, err := w.s.StartCheck(ctx, treeBrand); err != nil {
		return 0, 0, err
	}
	for more := true; more; {
		at := clock.Wall()
		if more, err = w.s.CheckStep(ctx, treeBrand); err != nil {
			return 0, 0, err
		}
		longest = max(longest, clock.Wall().Sub(at))
	}
	spent := max(clock.Wall().Sub(begun), time.Millisecond).Seconds()
	c, err := w.s.CheckOf(ctx, treeBrand)
	if err == nil && (c.Repaired != 0 || c.Misplaced != 0 || c.Checked < int64(w.n)) {
		err = fmt.Errorf("bench: the check found %+v", c)
	}
	return float64(c.Checked) / spent, longest, err
}
