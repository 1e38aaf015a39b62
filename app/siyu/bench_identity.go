package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"text/tabwriter"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/insight"
)

// benchIdentity joins keys into people and resolves them again, in batches as an import
// does, each joined key with its row of evidence; against one SQL upsert per key into
// the same table, each its own commit, by as many clients in the same run.
func benchIdentity(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("siyu bench identity", flag.ContinueOnError)
	f.SetOutput(out)
	var o benchOptions
	o.flags(f, db.SQLite)
	keys := f.Int64("keys", 1_000_000, "keys, up to 10000000; two for each person")
	clients := f.Int("clients", 4, "how many work at once, 1 to 64")
	seconds := secondsFlag(f, 5)
	if err := f.Parse(args); err != nil {
		return err
	}
	if err := within(*seconds); err != nil {
		return err
	}
	if *keys < 2 || *keys > 10_000_000 || *clients < 1 || *clients > 64 {
		return errors.New("--keys must be 2 to 10000000, --clients 1 to 64")
	}
	return o.inDB(ctx, func(d *db.DB, _ string) error {
		w := &identityBench{people: identity.New(d), d: d, persons: *keys / 2, clients: *clients}
		return profiled(o.profile, func() error { return w.run(ctx, *seconds, out) })
	})
}

// identityBench is one measurement.
type identityBench struct {
	people  *identity.Store
	d       *db.DB
	persons int64
	clients int
}

// identityBatch is how many people one call brings: a chunk of an import.
const identityBatch = 1000

func (w *identityBench) run(ctx context.Context, seconds float64, out io.Writer) error {
	joined, err := w.all(ctx, func(r identity.Resolved) bool { return r.New && len(r.Attached) == 2 })
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	resolved, err := w.all(ctx, func(r identity.Resolved) bool { return !r.New && r.PersonID != 0 && len(r.Attached)+len(r.Others) == 0 })
	if err != nil {
		return fmt.Errorf("resolve: %w", err)
	}
	if err := w.check(ctx); err != nil {
		return err
	}
	begun := clock.Wall()
	if _, err := insight.New(w.d).DataMap(ctx); err != nil {
		return fmt.Errorf("data map: %w", err)
	}
	drawn := clock.Wall().Sub(begun).Seconds()
	upserts, err := w.upserts(ctx, seconds)
	if err != nil {
		return fmt.Errorf("upsert: %w", err)
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%s\tkeys\tseconds\tkeys per second\t\n", w.d.Driver())
	n := float64(2 * w.persons)
	fmt.Fprintf(t, "joined into people, with evidence\t%.0f\t%.2f\t%.0f\t\n", n, joined, n/joined)
	fmt.Fprintf(t, "resolved again\t%.0f\t%.2f\t%.0f\t\n", n, resolved, n/resolved)
	fmt.Fprintf(t, "read for the data map\t%.0f\t%.2f\t%.0f\t\n", n, drawn, n/drawn)
	fmt.Fprintf(t, "one upsert per key\t%d\t%.2f\t%.0f\t\n", upserts.done, float64(upserts.done)/upserts.perSecond, upserts.perSecond)
	if err := t.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "identity resolve_per_s=%.0f join_per_s=%.0f upsert_per_s=%.0f ratio=%.1f\n", n/resolved, n/joined, upserts.perSecond, n/joined/upserts.perSecond)
	return err
}

// item is the two keys of one person.
func (w *identityBench) item(n int64) identity.Item {
	return identity.Item{Keys: []identity.Key{{Kind: identity.Phone, Value: fmt.Sprintf("%043d", n)}, {Kind: identity.CRM, Scope: "bench", Value: fmt.Sprintf("V%09d", n)}}}
}

// all resolves everybody once and returns the seconds it took.
func (w *identityBench) all(ctx context.Context, right func(identity.Resolved) bool) (float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	begun := clock.Wall()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range w.clients {
		wg.Go(func() {
			for ctx.Err() == nil {
				from := next.Add(identityBatch) - identityBatch
				if from >= w.persons {
					return
				}
				items := make([]identity.Item, 0, identityBatch)
				for n := from; n < min(from+identityBatch, w.persons); n++ {
					items = append(items, w.item(n))
				}
				got, err := w.people.ResolveMany(ctx, items, identity.Evidence{Event: identity.CRMImport, Channel: "import", Ref: 1})
				for i := range got {
					if err == nil && (got[i].Err != nil || !right(got[i])) {
						err = fmt.Errorf("person %d: %+v", from+int64(i), got[i])
					}
				}
				if err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return max(clock.Wall().Sub(begun).Seconds(), 0.001), context.Cause(ctx)
}

// check counts what must be there: two keys and one piece of evidence for each person.
func (w *identityBench) check(ctx context.Context) error {
	var n struct{ People, Names, Edges int64 }
	err := w.d.Read(ctx).Raw("SELECT (SELECT COUNT(*) FROM person) AS people, (SELECT COUNT(*) FROM identity_key) AS names, (SELECT COUNT(*) FROM identity_edge) AS edges").Scan(&n).Error
	if err == nil && (n.People != w.persons || n.Names != 2*w.persons || n.Edges != w.persons) {
		err = fmt.Errorf("bench: %+v for %d people", n, w.persons)
	}
	return err
}

// upserts is what a program does that knows nothing of batches. It works on the same
// table, which is as full as for the others.
func (w *identityBench) upserts(ctx context.Context, seconds float64) (figures, error) {
	stmt := "INSERT INTO identity_key (kind, scope, value, person_id, created_at, event, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
	if w.d.Driver() == db.SQLite {
		stmt += " ON CONFLICT (kind, scope, value) DO UPDATE SET seen_at = excluded.seen_at"
	} else {
		stmt += " ON DUPLICATE KEY UPDATE seen_at = VALUES(seen_at)"
	}
	var next atomic.Int64
	clients := w.clients
	if w.d.Driver() == db.SQLite {
		clients = 1 // one writer: more would only wait
	}
	return load(ctx, clients, seconds, func(ctx context.Context, _ int) error {
		n := next.Add(1)
		if n > 2*w.persons {
			return errEnough
		}
		_, err := w.d.Pool().ExecContext(ctx, stmt, identity.CRM, "upsert", fmt.Sprintf("V%09d", n), id.ID(n), w.d.Now(), identity.CRMImport, 0)
		return err
	})
}
