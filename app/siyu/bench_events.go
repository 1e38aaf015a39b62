package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"siyu/handler/openapi"
	"siyu/model/apikey"
	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
)

const (
	eventsPerCall = 100  // events of one signed call
	eventsPerBulk = 1000 // events of one bulk import call, rows of one raw INSERT
)

// rawEvents is the table event with another name: the same columns, the same keys.
const rawEvents = `CREATE TABLE bench_event (id BIGINT NOT NULL PRIMARY KEY, event_key VARCHAR(96) NOT NULL, type VARCHAR(16) NOT NULL, brand_id BIGINT NOT NULL,
	member_id BIGINT NOT NULL, channel VARCHAR(16) NOT NULL, at BIGINT NOT NULL, received_at BIGINT NOT NULL, body BLOB NOT NULL,
	CONSTRAINT bench_event_once UNIQUE (event_key));
CREATE INDEX bench_event_member ON bench_event (member_id, at)`

// benchEvents measures how many events a second are taken over the signed API and by
// bulk import, against a raw multi-row INSERT of the same rows on the same server.
func benchEvents(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("siyu bench events", flag.ContinueOnError)
	f.SetOutput(out)
	o := worldOptions{codes: 10, rail: brand.RailTransfer, payApp: demoMini}
	o.flags(f)
	seconds := secondsFlag(f, 5)
	clients := f.Int("clients", 8, "how many at once, up to 64")
	people := f.Int("people", 1000, "members whom the events are about, up to 100000")
	if err := f.Parse(args); err != nil {
		return err
	}
	if err := within(*seconds); err != nil {
		return err
	}
	if *clients < 1 || *clients > 64 {
		return errors.New("--clients must be 1 to 64")
	}
	if *people < 1 || *people > 100_000 {
		return errors.New("--people must be 1 to 100000")
	}
	return inWorld(ctx, o, func(ctx context.Context, w *benchWorld) error {
		b := &eventBench{benchWorld: w, people: *people}
		if err := b.prepare(ctx); err != nil {
			return err
		}
		conns, closeAll := dialMany(w.cfg.Addr, *clients)
		defer closeAll()
		var acknowledged atomic.Int64
		r := newReport(out, o.engine+", events")
		rates := map[string]float64{}
		subjects := []struct {
			name string
			size int
			op   func(ctx context.Context, client int) error
		}{
			{"raw INSERT of 1000 rows", eventsPerBulk, func(ctx context.Context, _ int) error { return b.raw(ctx, eventsPerBulk) }},
			{"bulk import, 1000 a call", eventsPerBulk, func(ctx context.Context, _ int) error { return b.bulk(ctx, &acknowledged) }},
			{"raw INSERT of 100 rows", eventsPerCall, func(ctx context.Context, _ int) error { return b.raw(ctx, eventsPerCall) }},
			{"signed API, 100 a call", eventsPerCall, func(_ context.Context, client int) error { return b.call(conns[client], &acknowledged) }},
		}
		// In turns, and the middle one of each: a machine that is busy with something else
		// for a moment spoils one round and not a ratio.
		const rounds = 5
		all := make([][]figures, len(subjects))
		for range rounds {
			for i, s := range subjects {
				found, err := load(ctx, *clients, *seconds/rounds, s.op)
				if err != nil {
					return fmt.Errorf("%s: %w", s.name, err)
				}
				found.perSecond *= float64(s.size)
				all[i] = append(all[i], found)
			}
		}
		for i, s := range subjects {
			slices.SortFunc(all[i], func(a, b figures) int { return cmp.Compare(a.perSecond, b.perSecond) })
			found := all[i][rounds/2]
			rates[s.name] = found.perSecond
			r.add(s.name, *clients, found)
		}
		if err := r.w.Flush(); err != nil {
			return err
		}
		if err := b.books(ctx, out, acknowledged.Load()); err != nil {
			return err
		}
		// The better of the two: which one it is depends on the engine's driver.
		raw := max(rates["raw INSERT of 1000 rows"], rates["raw INSERT of 100 rows"])
		bulk, api := rates["bulk import, 1000 a call"], rates["signed API, 100 a call"]
		_, err := fmt.Fprintf(out, "events api_per_s=%.0f bulk_per_s=%.0f raw_per_s=%.0f api_ratio=%.2f bulk_ratio=%.2f\n", api, bulk, raw, api/raw, bulk/raw)
		return err
	})
}

// eventBench makes reviews of people whom a shop knows by its customer numbers.
type eventBench struct {
	*benchWorld
	people int
	key    apikey.Key
	secret string
	next   atomic.Int64
	one    chan struct{} // lets one raw INSERT at a time into SQLite, as in dbbench
}

// prepare makes the key, the members and the table to compare with.
func (b *eventBench) prepare(ctx context.Context) (err error) {
	e := b.env
	b.key, b.secret, err = e.APIKeys.Create(ctx, apikey.Draft{BrandID: b.campaign.BrandID, Name: "bench", Permissions: []string{apikey.EventsWrite},
		PersonKinds: []string{"crm:bench"}, PerMinute: 60_000})
	if err != nil {
		return err
	}
	for from := 0; from < b.people; from += eventsPerBulk {
		var reports []event.Report
		for i := from; i < min(from+eventsPerBulk, b.people); i++ {
			reports = append(reports, event.Report{Key: "first:" + strconv.Itoa(i), Type: event.Review, At: e.Clock.Now(), Person: []event.PersonKey{b.person(int64(i))}, Body: reviewBody(int64(i))})
		}
		if _, err := e.Intake.Take(ctx, b.key, reports); err != nil {
			return err
		}
	}
	schema := rawEvents
	if e.DB.Driver() == db.MySQL {
		schema = strings.Replace(schema, "BLOB", "LONGBLOB", 1)
	} else {
		b.one = make(chan struct{}, 1)
	}
	for stmt := range strings.SplitSeq(schema, ";") {
		if _, err := e.DB.Pool().ExecContext(ctx, stmt); err != nil {
			return err
		}
	}
	return nil
}

func (b *eventBench) person(n int64) event.PersonKey {
	return event.PersonKey{Kind: "crm", Scope: "bench", Value: strconv.FormatInt(n%int64(b.people), 10)}
}

func reviewBody(n int64) json.RawMessage {
	return event.Body(event.ReviewBody{Stars: 1 + int(n%5), GTIN: "06901234567892", OrderNo: strconv.FormatInt(n, 10), Text: "口感很好，会再买"})
}

// raw writes the rows that bulk would store, and nothing else.
func (b *eventBench) raw(ctx context.Context, size int) error {
	if b.one != nil {
		b.one <- struct{}{}
		defer func() { <-b.one }()
	}
	e, last := b.env, b.next.Add(int64(size))
	args := make([]any, 0, 9*size)
	now := e.Clock.Now()
	for n := last - int64(size); n < last; n++ {
		args = append(args, e.DB.NewID(), event.KeyOf(b.key.BrandID, "review:"+strconv.FormatInt(n, 10)), event.Review, b.key.BrandID, n%int64(b.people)+1, event.Open, now, now, []byte(reviewBody(n)))
	}
	marks := strings.TrimSuffix(strings.Repeat("(?,?,?,?,?,?,?,?,?),", size), ",")
	_, err := e.DB.Pool().ExecContext(ctx, "INSERT INTO bench_event (id, event_key, type, brand_id, member_id, channel, at, received_at, body) VALUES "+marks, args...)
	return err
}

// bulk is an import: the same checks as over the API, without HTTP and signature.
func (b *eventBench) bulk(ctx context.Context, acknowledged *atomic.Int64) error {
	last := b.next.Add(eventsPerBulk)
	reports := make([]event.Report, 0, eventsPerBulk)
	now := b.env.Clock.Now()
	for n := last - eventsPerBulk; n < last; n++ {
		reports = append(reports, event.Report{Key: "review:" + strconv.FormatInt(n, 10), Type: event.Review, At: now, Person: []event.PersonKey{b.person(n)}, Body: reviewBody(n)})
	}
	results, err := b.env.Intake.Take(ctx, b.key, reports)
	for _, r := range results {
		if r.Status != event.Stored {
			return fmt.Errorf("bulk: %s: %v", r.Status, r.Fault)
		}
	}
	acknowledged.Add(int64(len(results)))
	return err
}

// call is one signed request on a kept connection.
func (b *eventBench) call(c *benchConn, acknowledged *atomic.Int64) error {
	last := b.next.Add(eventsPerCall)
	body := []byte(`{"events":[`)
	now := b.env.Clock.Now()
	for n := last - eventsPerCall; n < last; n++ {
		if n > last-eventsPerCall {
			body = append(body, ',')
		}
		body = fmt.Appendf(body, `{"key":"review:%d","type":"review","at":"%s","person":[{"kind":"crm","scope":"bench","value":"%d"}],"body":`, n, now, n%int64(b.people))
		body = append(append(body, reviewBody(n)...), '}')
	}
	body = append(body, "]}"...)
	r := apikey.Request{Access: b.key.Access, Method: http.MethodPost, Target: openapi.Base + "/events", Time: strconv.FormatInt(int64(clock.From(clock.Wall()))/1000, 10), Nonce: fmt.Sprintf("bench-%010d", last)}
	c.begin(r.Method, r.Target, benchIP(last))
	c.out = fmt.Appendf(c.out, "X-Siyu-Key: %s\r\nX-Siyu-Time: %s\r\nX-Siyu-Nonce: %s\r\nX-Siyu-Sign: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		r.Access, r.Time, r.Nonce, apikey.Signature(b.secret, r.Text(body)), len(body))
	c.out = append(c.out, body...)
	a, err := c.expect(c.out, http.StatusOK)
	if err != nil {
		return err
	}
	var got struct{ Data struct{ Stored int } }
	if err := json.Unmarshal(a.body, &got); err != nil || got.Data.Stored != eventsPerCall {
		return fmt.Errorf("%d of %d stored (%w): %.300s", got.Data.Stored, eventsPerCall, err, a.body)
	}
	acknowledged.Add(eventsPerCall)
	return nil
}

// books checks that what was acknowledged is there, once, and on its way to consumers.
func (b *eventBench) books(ctx context.Context, out io.Writer, acknowledged int64) error {
	var rows struct{ Events, Told, Wakes int64 }
	err := b.env.DB.Read(ctx).Raw(`SELECT (SELECT COUNT(*) FROM event WHERE event_key LIKE '%:review:%') AS events,
		(SELECT COALESCE(SUM(LENGTH(events)), 0) FROM event_batch) AS told, (SELECT COUNT(*) FROM outbox WHERE task = ?) AS wakes`, event.Task).Scan(&rows).Error
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "books: %d events acknowledged, %d rows; %d in %d batches for consumers\n", acknowledged, rows.Events, rows.Told/8, rows.Wakes)
	if rows.Events != acknowledged || rows.Told < 8*acknowledged {
		return errors.New("the books do not agree")
	}
	return nil
}
